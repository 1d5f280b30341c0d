"""What MediaPipe's tasks read of a .tflite file: how pixels become its input, and the names of its classes.

The TFLite Metadata of the file, a flatbuffer in its entry TFLITE_METADATA, after metadata_schema.fbs of tflite-support
and of MediaPipe, parser version 1.0.0. Their Python packages bring writers for it along that ask for more packages than
they name, or for older ones.
"""

import io
import zipfile
from collections.abc import Sequence

import flatbuffers

from byol_keras.utils.printable import printable

from .tflite_buffer import with_metadata_buffer
from .tflite_schema import ends, output_names

LABELS = "labels.txt"
DESCRIPTIONS = {
    "images": "square RGB images, pixels divided by 255",
    "embedding": "embedding of the image",
    "scores": "probabilities of the classes",
}
# Values of the schema's enums and unions, and the fields of its tables.
RGB, GRAYSCALE = 1, 2
IMAGE_PROPERTIES, NORMALIZATION_OPTIONS, TENSOR_AXIS_LABELS = 2, 1, 2


def with_mediapipe_metadata(model: bytes, labels: Sequence[str] = ()) -> bytes:
    """A .tflite file that MediaPipe's ImageEmbedder, or with scores alone its ImageClassifier, loads.

    Args:
        model: the bytes of a file of this package.
        labels: of the scores, where it gives some: a file of them, a line each, in the archive that is appended, as the
            format asks.
    """
    model = with_metadata_buffer(model, "TFLITE_METADATA", _metadata(model, bool(labels)))
    if not labels:
        return model
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        lines = "".join(f"{printable(label)}\n" for label in labels)
        archive.writestr(zipfile.ZipInfo(LABELS), lines)  # no date: same bytes
    return file.getvalue()


def _metadata(model: bytes, has_labels: bool) -> bytes:
    source, _ = ends(model)
    builder = flatbuffers.Builder(1024)

    def table(**fields) -> int:
        """fields: `f3=offset` puts an offset into field 3, `b3=number` a byte."""
        builder.StartObject(1 + max(int(key[1:]) for key in fields))
        for key, value in fields.items():
            prepend = builder.PrependByteSlot if key[0] == "b" else builder.PrependUOffsetTRelativeSlot
            prepend(int(key[1:]), value, 0)
        return builder.EndObject()

    def vector(offsets: Sequence[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def floats(value: float) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependFloat32(value)
        return builder.EndVector()

    def tensor(name: str, **fields) -> int:
        return table(f0=builder.CreateString(name), f1=builder.CreateString(DESCRIPTIONS[name]), **fields)

    image = table(b0=GRAYSCALE if source.shape[3] == 1 else RGB)
    fields = {"f3": table(b0=IMAGE_PROPERTIES, f1=image)}
    if source.dtype == "float32":  # MediaPipe has pixels from 0 to 255, and gives (pixel - mean) / std
        normalization = table(f0=floats(0), f1=floats(255))
        fields["f4"] = vector([table(b0=NORMALIZATION_OPTIONS, f1=normalization)])
    images = tensor("images", **fields)
    outputs = []
    for name in output_names(model):
        fields = {}
        if name == "scores" and has_labels:
            fields["f6"] = vector([table(f0=builder.CreateString(LABELS), b2=TENSOR_AXIS_LABELS)])
        outputs.append(tensor(name, **fields))
    graph = table(f2=vector([images]), f3=vector(outputs))
    name = builder.CreateString("byol_keras encoder")
    version = builder.CreateString("1.0.0")
    builder.Finish(table(f0=name, f3=vector([graph]), f7=version), b"M001")
    return bytes(builder.Output())
