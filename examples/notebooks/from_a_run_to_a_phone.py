# %% [markdown]
# # From a run to a phone
#
# A run, made by the command line; a .tflite file of its encoder in int8, checked against Keras; and what a phone or a
# board does with it, without TensorFlow: embed images, compare two, tell classes apart that were enrolled on it. The
# images are drawn by the package. A few minutes on two cores.

# %%
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import byol_keras as bk

PYTHON = shlex.quote(sys.executable)
folder = Path(tempfile.mkdtemp())
drawn, kinds, kind_names = bk.data.synthetic_images(1000, seed=0)
for i, (image, kind) in enumerate(zip(drawn, kinds, strict=True)):
    for place in ("photos", "labeled"):
        # Of the labeled images there are fewer.
        if place == "photos" or i < 200:
            path = folder / place / kind_names[kind] / f"{i:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).save(path)


def shell(command):
    """Runs a command in the folder, and prints what it prints; in a notebook of your own that is `!command`."""
    command = command.replace("byol-keras", f"{PYTHON} -m byol_keras", 1)
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)


# %% [markdown]
# ## A run
#
# A small network and few epochs, to have one soon.

# %%
shell(
    "byol-keras pretrain --data photos --out runs/photos --backbone resnet8 --image-size 32 --hidden-width 256 "
    "--epochs 6 --batch-size 32 --channels 3"
)
run = bk.load_run(folder / "runs" / "photos")
print(f"{run.recipe.backbone}, {run.encoder.count_params():,} parameters, trained on {run.image_count} images")

# %% [markdown]
# ## A file for the device
#
# `--calibration` names images from which the ranges of the activations are learned. Before the command succeeds, the
# file runs in a process of its own, on LiteRT, and has to give what Keras gives; with `--labeled` also as good
# neighbors.

# %%
shell("byol-keras export runs/photos --out ship --format tflite --quantize int8 --calibration photos --labeled labeled")
described = json.loads((folder / "ship" / "encoder-int8.tflite.json").read_text())
print({name: described[name] for name in ("size_bytes", "quantization", "input", "output")})

# %% [markdown]
# ## Carry over
#
# Three files: the encoder, its description, and one Python file that needs LiteRT, NumPy and Pillow and nothing of this
# package. In Kotlin or Swift the description says what the file takes and gives.

# %%
shell("mkdir device && cp ship/encoder-int8.tflite* device/")
shell(f'cp "$({PYTHON} -m byol_keras.export.device)" device/')
print(sorted(path.name for path in (folder / "device").iterdir()))

# %% [markdown]
# ## On the device
#
# Two images of one kind, and of two; the cosine of their embeddings. Embeddings of one encoder have much in common, so
# look at pairs of your own before you choose a threshold.

# %%
names = {kind: sorted(path.name for path in (folder / "labeled" / kind).iterdir()) for kind in ("blobs", "rings")}
blobs = [f"labeled/blobs/{name}" for name in names["blobs"]]
rings = [f"labeled/rings/{name}" for name in names["rings"]]
device = f"{PYTHON} device/byol_device.py"
for one, other in ((blobs[0], blobs[1]), (blobs[0], rings[0])):
    shell(f"{device} compare device/encoder-int8.tflite {one} {other}")

# %% [markdown]
# A handful of images of each class is enough to enroll it. Nothing is trained, and the file holds embeddings, not
# images.

# %%
for kind, paths in (("blobs", blobs), ("rings", rings)):
    shell(f"{device} enroll device/encoder-int8.tflite mine.npz {kind} {' '.join(paths[:8])}")
new = [*blobs[8:12], *rings[8:12]]
shell(f"{device} classify device/encoder-int8.tflite mine.npz {' '.join(new)}")
Image.fromarray(np.concatenate([Image.open(folder / path) for path in new], axis=1))

# %% [markdown]
# `docs/device.md` goes on: other formats and runtimes, what each costs and retains, MediaPipe, microcontrollers.
