"""Label thirty images of a folder, those that teach most, and let a head name the rest.

python examples/label_a_folder.py
"""

import tempfile
from pathlib import Path

from PIL import Image

import byol_keras as bk

folder = Path(tempfile.mkdtemp())
drawn, kinds, kind_names = bk.data.synthetic_images(300, seed=0)
(folder / "images").mkdir()
for i, image in enumerate(drawn):
    Image.fromarray(image[..., 0]).save(folder / "images" / f"{i:03}.png")

encoder = bk.resnet8(input_shape=(32, 32, 3))  # stands for one you trained
source = bk.data.open_source(folder / "images")
file = bk.tasks.LabelsFile(folder / "labels.csv", folder / "images", source.names)
labeling = bk.tasks.LabelingSession(source.names, bk.evaluation.embed(encoder, source), file)

for _ in range(3):
    for index in list(labeling.waiting):  # the images asked about; here the labels are known
        labeling.label(index, kind_names[kinds[index]])
    found = labeling.predictions()[0]
    right = sum(label == kind_names[kind] for label, kind in zip(found, kinds, strict=True))
    print(f"{len(labeling.labeled)} labels, {len(labeling.classes)} classes: {right} of {len(found)} right")

table, head = bk.tasks.write_predictions(labeling, folder)
print(table.read_text().splitlines()[:3])
served = bk.export.saved_model(encoder, folder / "encoder" / "1", head=bk.export.LinearHead.load(head))
print(f"{served} answers `classify` with these classes")
