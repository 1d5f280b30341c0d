"""Index images, save the index, extend it, and find the nearest images of a new one.

python examples/search_images.py
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

import byol_keras as bk

folder = Path(tempfile.mkdtemp())
images, labels, class_names = bk.data.synthetic_images(600, seed=0)
images[599] = images[0]  # one of them twice
keras.utils.set_random_seed(0)
encoder = bk.resnet8(input_shape=(32, 32, 1))  # stands for one you trained

# A source is a folder of images just as well. Of those that are in the file already, none is embedded again.
for count in (500, 600):
    np.savez(folder / "images.npz", images=images[:count])
    collection = bk.tasks.open_collection(folder / "images.npz")
    index = bk.tasks.index_collection(encoder, collection, cache=folder / "images.index")
    print(f"{len(index)} images in the index, {index.neighbors.kind} search")

new, new_labels, _ = bk.data.synthetic_images(5, seed=1)
positions, distances = index.nearest(encoder.predict(new / np.float32(255), verbose=0), 4)
for label, row, distance in zip(new_labels, positions, distances, strict=True):
    found = [class_names[labels[int(index.names[position])]] for position in row]
    print(f"{class_names[label]}: " + ", ".join(f"{n} {d:.3f}" for n, d in zip(found, distance, strict=True)))

scores = bk.tasks.retrieval_leave_one_out(index.vectors, labels[[int(name) for name in index.names]])
print(f"recall at 1 {scores.recall[1]:.2f}, mean average precision {scores.mean_average_precision:.2f}")
for group in bk.tasks.duplicate_groups(index.vectors):
    print("nearly the same: " + ", ".join(index.names[position] for position in group))
