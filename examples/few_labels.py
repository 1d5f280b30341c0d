"""Few labels: pretrain without any, fine-tune on three images of each class, beside the same network from scratch.

python examples/few_labels.py
"""

import keras
import numpy as np

import byol_keras as bk

keras.utils.set_random_seed(0)
images, labels, class_names = bk.data.synthetic_images(1000, seed=0)
test = bk.data.from_arrays(*bk.data.synthetic_images(500, seed=1))
labeled = bk.data.from_arrays(images, labels, class_names)
few = bk.evaluation.stratified_subset(labels, 0.03, seed=0)
labeled = labeled.subset(few)

scratch = bk.resnet8(input_shape=(32, 32, 1))
pretrained = keras.models.clone_model(scratch)
pretrained.set_weights(scratch.get_weights())
model = bk.BYOL(pretrained, augmenter=bk.TwoViews(32))
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
model.fit(images, batch_size=64, epochs=1, callbacks=[bk.TargetEMA(0.95)])  # for a gain: 12 or more

# The pretrained network begins with a linear probe's head, and at a rate that leaves it most of what it has learned.
probe = bk.evaluation.LinearHead.fit(bk.evaluation.embed(model.encoder, labeled), labels[few], class_names)
for name, encoder, head in (("pretrained", model.encoder, probe), ("from scratch", scratch, None)):
    config = bk.tasks.FinetuneConfig.for_images(len(labeled), pretrained=head is not None)
    classifier = bk.tasks.finetune_classifier(encoder, labeled, len(class_names), config, head)
    top_1 = bk.tasks.predict_probabilities(classifier, test).argmax(axis=1)
    right = np.mean(top_1 == test.labels)
    print(f"{name}: {100 * right:.1f} % of {len(test)} images right, after {len(labeled)} labeled ones")
