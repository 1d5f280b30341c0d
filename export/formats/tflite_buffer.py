"""A named buffer added to the metadata of a .tflite file, whose other bytes stay what they are."""

from collections.abc import Callable

import flatbuffers
from flatbuffers.number_types import Uint32Flags, UOffsetTFlags

from .tflite_schema import schema

ALIGNMENT = 16  # of the weights, which runtimes read in place
# The fields of the format's tables that are written here, in the order of its schema.
VERSION, CODES, GRAPHS, DESCRIPTION, BUFFERS, METADATA_BUFFER, METADATA, SIGNATURES = range(8)  # of Model
NAME, BUFFER = range(2)  # of Metadata
DATA = 0  # of Buffer


def with_metadata_buffer(model: bytes, name: str, content: bytes) -> bytes:
    """A .tflite file with one more entry in its metadata.

    A flatbuffer is built from its end, and its tables refer forwards only. So a new root that refers to all that is
    there is put before it. To unpack and pack the whole, as TensorFlow's tools in Python do, would lose the alignment
    of the weights.

    Args:
        model: the file's bytes.
        name: of the entry; the file has none of this name.
        content: of the entry.
    """
    root = schema.Model.GetRootAs(model)
    builder = flatbuffers.Builder(0)
    builder.Bytes, builder.head = bytearray(model) + bytes(-len(model) % ALIGNMENT), 0
    end = len(builder.Bytes)

    def appended(element: Callable, count: int, new: int) -> int:
        builder.StartVector(UOffsetTFlags.bytewidth, count + 1, UOffsetTFlags.bytewidth)
        for offset in (new, *(end - element(i)._tab.Pos for i in reversed(range(count)))):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    builder.StartVector(1, len(content), ALIGNMENT)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content
    data = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(DATA, data, 0)
    buffers = appended(root.Buffers, root.BuffersLength(), builder.EndObject())
    text = builder.CreateString(name)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(NAME, text, 0)
    builder.PrependSlot(Uint32Flags, BUFFER, root.BuffersLength(), 0)
    metadata = appended(root.Metadata, root.MetadataLength(), builder.EndObject())
    builder.StartObject(8)
    builder.PrependUint32Slot(VERSION, root.Version(), 0)
    for field in (CODES, GRAPHS, DESCRIPTION, METADATA_BUFFER, SIGNATURES):
        if position := root._tab.Offset(4 + 2 * field):
            builder.PrependUOffsetTRelativeSlot(field, end - root._tab.Indirect(root._tab.Pos + position), 0)
    builder.PrependUOffsetTRelativeSlot(BUFFERS, buffers, 0)
    builder.PrependUOffsetTRelativeSlot(METADATA, metadata, 0)
    builder.minalign = ALIGNMENT  # what is there moves by a whole number of it
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())
