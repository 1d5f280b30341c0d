# %% [markdown]
# # Few labels, many images
#
# You have many images and can name a few. Three ways to use both, on images that the package draws: a linear probe on
# the frozen encoder, fine-tuning it, and, to compare, the same network from scratch. A few minutes on two cores.

# %%
import keras
import numpy as np
from PIL import Image

import byol_keras as bk

keras.utils.set_random_seed(0)
images, labels, class_names = bk.data.synthetic_images(1600, seed=0)
test_images, test_labels, _ = bk.data.synthetic_images(500, seed=1)
chosen = bk.evaluation.stratified_subset(labels, 0.02, seed=0)
few_images, few_labels = images[chosen], labels[chosen]
labeled = bk.data.from_arrays(few_images, few_labels, class_names)
test = bk.data.from_arrays(test_images, test_labels, class_names)
print(f"{len(images)} images, {len(labeled)} of them with a label, {len(class_names)} classes")

# %% [markdown]
# These are all the labels there are: in each column those of one class.

# %%
order = np.argsort(few_labels, kind="stable").reshape(len(class_names), -1).T
print(", ".join(class_names))
Image.fromarray(np.concatenate([np.concatenate(list(few_images[row]), axis=1) for row in order])[..., 0])

# %% [markdown]
# ## Pretrain without labels
#
# On all of the images. Two of the networks below begin with what this one learns, one begins where it began. `Muon`
# and the coding-rate term, which spreads the projections, are not in the paper; with them, as in the recipe `short`, a
# short training learns more.

# %%
scratch = bk.resnet8(input_shape=(32, 32, 1))
pretrained = keras.models.clone_model(scratch)
pretrained.set_weights(scratch.get_weights())
projector = bk.mlp(128, 512)
projector.add(bk.CodingRateTerm(1.0))
model = bk.BYOL(pretrained, projector, bk.mlp(256, 512), augmenter=bk.TwoViews(32))
model.compile(optimizer=bk.Muon(0.01))
model.fit(images, batch_size=32, epochs=4, callbacks=[bk.TargetEMA(0.97)], verbose=0)
print(f"{int(model.steps)} steps")

# %% [markdown]
# ## A linear probe
#
# The encoder stays as it is, and a logistic regression is fitted to the embeddings of the labeled images: seconds.

# %%
heads = {}
for name, encoder in (("pretrained", pretrained), ("untrained", scratch)):
    vectors, test_vectors = (bk.evaluation.embed(encoder, source) for source in (labeled, test))
    heads[name] = bk.evaluation.LinearHead.fit(vectors, few_labels, class_names)
    accuracy = bk.evaluation.linear_accuracy(vectors, few_labels, test_vectors, test_labels)
    print(f"{name}, frozen: {100 * accuracy:.1f} % of {len(test)} test images")

# %% [markdown]
# ## Fine-tune
#
# All of the network is trained on the labeled images, with crops and flips. The pretrained one begins with the probe's
# head, and so few images call for small steps: larger ones lose what it has learned. `for_images` knows the rates.

# %%
top_1 = {}
for name, encoder, head in (("pretrained", pretrained, heads["pretrained"]), ("from scratch", scratch, None)):
    config = bk.tasks.FinetuneConfig.for_images(len(labeled), pretrained=head is not None)
    classifier = bk.tasks.finetune_classifier(encoder, labeled, len(class_names), config, head)
    top_1[name] = bk.tasks.predict_probabilities(classifier, test).argmax(axis=1)
    print(f"{name}, fine-tuned: {100 * np.mean(top_1[name] == test_labels):.1f} %")

# %% [markdown]
# ## Where it errs
#
# Of each class the share that was recognized, and some images that the fine-tuned classifier took for something else.

# %%
counts = bk.evaluation.confusion_matrix(test_labels, top_1["pretrained"], len(class_names))
for name, share in zip(class_names, bk.evaluation.recalls(counts), strict=True):
    print(f"{name:10} {100 * share:5.1f} %")
wrong = np.flatnonzero(top_1["pretrained"] != test_labels)[:12]
for i in wrong[:4]:
    print(f"{class_names[test_labels[i]]} taken for {class_names[top_1['pretrained'][i]]}")
Image.fromarray(np.concatenate(list(test_images[wrong]), axis=1)[..., 0])

# %% [markdown]
# `byol-keras finetune RUN --train ... --test ... --label-fraction 0.02` does it for a run, with several label subsets.
# Which images to label next, `byol-keras label` asks you on a page, and `examples/label_a_folder.py` in Python.
