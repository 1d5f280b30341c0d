"""Learn from one set without labels, recognize the classes of another: images of a drive, split in its order.

python examples/vehicle_transfer.py     with drawn patterns: there is no vehicle in them

With folders of images, unlabeled ones of any street and labeled ones of vehicles, the commands are the same:

    byol-keras pretrain --data street --image-size 64 --epochs 20 --out runs/street
    byol-keras split --data vehicles --test-share 0.2 --out vehicles-split
    byol-keras evaluate runs/street --train vehicles-split/train --test vehicles-split/test --label-fraction 0.1
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import byol_keras as bk

folder = Path(tempfile.mkdtemp())
images, labels, kinds = bk.data.synthetic_images(1600, seed=0)
for i, (image, label) in enumerate(zip(images, labels, strict=True)):
    # The first five kinds without labels, the other five with: what is learned has to serve for what was never seen.
    name = f"street/{i}.png" if label < 5 else f"vehicles/{kinds[label]}/frame{i}.png"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0]).save(folder / name)


def byol_keras(command):
    subprocess.run([sys.executable, "-m", "byol_keras", *command.split()], cwd=folder, check=True)


byol_keras("pretrain --data street --out run --backbone resnet8 --image-size 32 --epochs 2")
byol_keras("split --data vehicles --test-share 0.2 --out split")
byol_keras("evaluate run --train split/train --test split/test --label-fraction 0.1")
