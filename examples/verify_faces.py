"""Do two images show the same? An encoder that has seen nobody it is tested on, by the protocol for faces.

python examples/verify_faces.py     with drawn patterns, where a kind stands for a person: 20 steps, so no gain to see

With the real images and pairs of Labeled Faces in the Wild, the commands are the same:

    byol-keras identities --pairs lfw/pairs.txt --folds 6-10 --out held-out.txt
    byol-keras pretrain --data lfw --exclude held-out.txt --image-size 64 --views faces --epochs 40 --out runs/faces
    byol-keras verify runs/faces --data lfw --pairs lfw/pairs.txt --folds 6-10
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import byol_keras as bk

folder = Path(tempfile.mkdtemp())
images, labels, kinds = bk.data.synthetic_images(1280, seed=0)
for i, (image, label) in enumerate(zip(images, labels, strict=True)):
    path = folder / "images" / kinds[label] / f"{i}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0]).save(path)

# Five kinds in fold 1, to train on; three and two in the folds 2 and 3, to test with.
pairs, generator = ["fold,a,b,same"], np.random.default_rng(0)
for fold, members in ((1, range(5)), (2, range(5, 8)), (3, range(8, 10))):
    for same in (1, 0) * 100:
        a = generator.choice(members)
        b = a if same else generator.choice([kind for kind in members if kind != a])
        names = [f"{kinds[kind]}/{generator.choice(np.flatnonzero(labels == kind))}.png" for kind in (a, b)]
        pairs.append(f"{fold},{','.join(names)},{same}")
(folder / "pairs.csv").write_text("\n".join(pairs) + "\n")


def byol_keras(command):
    subprocess.run([sys.executable, "-m", "byol_keras", *command.split()], cwd=folder, check=True)


byol_keras("identities --pairs pairs.csv --folds 2-3 --out held-out.txt")
sizes = "--backbone resnet8 --image-size 32 --views faces --epochs 2"
byol_keras(f"pretrain --data images --exclude held-out.txt --out run {sizes}")
byol_keras("verify run --data images --pairs pairs.csv --folds 2-3")
