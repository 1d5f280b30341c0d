# %% [markdown]
# # Pretrain on a folder of images
#
# From a folder without labels to an encoder, with `fit`, and a look at what it has learned. The images here are drawn
# by the package, so that everything runs offline in a few minutes; put a folder of your own in their place.

# %%
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import byol_keras as bk

keras.utils.set_random_seed(0)
folder = Path(tempfile.mkdtemp()) / "photos"
drawn, kinds, kind_names = bk.data.synthetic_images(1600, seed=0)
for i, (image, kind) in enumerate(zip(drawn, kinds, strict=True)):
    path = folder / kind_names[kind] / f"{i:04}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0]).save(path)

# %% [markdown]
# ## What the network will see
#
# Opening a folder decodes every image once, to know which can be read. Subfolders become labels; training does not
# look at them. Each column below is one image: its first view above its second. What they have in common is what the
# encoder learns, so what matters to you has to survive them.

# %%
source = bk.data.open_source(folder)
assert source.paths is not None  # they are files
views = bk.TwoViews(image_size=32)
BATCH_SIZE, EPOCHS = 32, 4
steps = len(source) // BATCH_SIZE


def in_rows(*rows):
    """Rows of images, floats in [0, 1], as one image."""
    pixels = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    return Image.fromarray(np.uint8(255 * pixels))


((view_1, view_2),) = next(iter(bk.data.two_view_batches(source, views, BATCH_SIZE, 1, seed=0)))
in_rows(view_1[:12], view_2[:12])

# %% [markdown]
# ## Train
#
# Any `keras.Model` that gives a vector for an image will do as the encoder. `Muon` and the coding-rate term, which
# spreads the projections, are not in the paper; with them, as in the recipe `short`, a short training learns more. The
# loss says little, and with the term it may be below 0; `target_std` near 0 would be a collapse, which
# `CollapseMonitor` tells you about. Four epochs are to see it work: give it ten times as many.

# %%
encoder = bk.resnet8(input_shape=(32, 32, 3))
untrained = bk.evaluation.embed(encoder, source)

projector = bk.mlp(encoder.output_shape[-1], 512)
projector.add(bk.CodingRateTerm(1.0))
model = bk.BYOL(encoder, projector, bk.mlp(256, 512))
model.compile(optimizer=bk.Muon(0.01))
batches = bk.data.two_view_batches(source, views, BATCH_SIZE, EPOCHS * steps, seed=0)
callbacks = [bk.TargetEMA(0.97), bk.CollapseMonitor()]
history = model.fit(
    batches, epochs=EPOCHS, steps_per_epoch=steps, shuffle=False, callbacks=callbacks, verbose=0
).history
for name in ("loss", "target_std", "embedding_rank"):
    print(f"{name:16}", "  ".join(f"{value:7.3f}" for value in history[name]))

# %% [markdown]
# ## What it has learned
#
# Here the labels come in, where there are some, to measure: how many images have the kind of the others that lie
# nearest, before and after.

# %%
trained = bk.evaluation.embed(encoder, source)
if source.labels is not None and source.class_names is not None:
    for name, vectors in (("untrained", untrained), ("trained", trained)):
        right = bk.evaluation.knn_leave_one_out(vectors, source.labels).mean()
        print(f"{name}: {100 * right:.1f} % have the kind of their neighbors; {len(source.class_names)} kinds")

# %% [markdown]
# In each row an image and the eleven nearest to it, by the trained encoder; four images, evenly taken.

# %%
normalized = bk.evaluation.l2_normalize_rows(trained)
rows = np.linspace(0, len(source), 4, endpoint=False, dtype=int)
indices, distances = bk.evaluation.nearest(normalized[rows], normalized, k=12)


def small(path):
    """An image file as it is shown here."""
    return np.asarray(Image.open(path).convert("RGB").resize((32, 32))) / 255


in_rows(*([small(source.paths[i]) for i in row] for row in indices))

# %% [markdown]
# The encoder is a plain Keras model in a file of its own. `byol-keras pretrain --data photos/ --out runs/photos` does
# all of this from the command line, saves as it goes, and resumes after a stop.

# %%
model.encoder.save(folder.parent / "encoder.keras")
print(f"{encoder.count_params():,} parameters, {encoder.output_shape[-1]} numbers for an image")
