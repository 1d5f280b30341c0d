"""From files of images to Parquet, as a Beam pipeline."""

import os
import re
import zlib
from collections.abc import Iterable

import apache_beam as beam
from apache_beam.io.fileio import EmptyMatchTreatment, MatchFiles
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import RunInference

from byol_keras.data.file_names import SUFFIXES

from .part_store import is_stored, store_part
from .saved_model_handler import EmbeddedGroup, FileGroup, SavedModelHandler

EMBEDDED, EXCLUDED_IMAGES = (Metrics.counter("byol_keras", name) for name in ("embedded", "excluded"))


class EmbedFolder(beam.PTransform):
    """Embeds every image below a folder into the parts of another one; those that are finished are left as they are.

    Which part an image belongs to follows from its name alone, so a part that is made again, because its worker died or
    the pipeline was started once more, holds the same images, each once. The list of files is all that is shuffled; a
    part is read, embedded and written in one place, and is there before the last one is.

    Args:
        model: the folder of a SavedModel, with the signature `serve_bytes`.
        images: the folder of the images.
        out: the folder of the parts.
        parts: int, how many.

    Example:
        with beam.Pipeline(options=options) as pipeline:
            pipeline | EmbedFolder("gs://lake/encoder/1", "gs://lake/photos", "gs://lake/photos.parquet", 1024)
    """

    def __init__(self, model: str, images: str, out: str, parts: int):
        super().__init__()
        self.model, self.root, self.out, self.parts = model, os.path.join(images, ""), out, parts

    def expand(self, pbegin):
        # Of a pattern's special characters in the folder's name.
        pattern = re.sub(r"([*?[])", r"[\1]", self.root) + "**"
        root, parts, out = self.root, self.parts, self.out
        files = (
            pbegin
            | "Match" >> MatchFiles(pattern, empty_match_treatment=EmptyMatchTreatment.DISALLOW)
            # As bytes, which any name is.
            | "Paths" >> beam.FlatMap(lambda file: [os.fsencode(file.path)] if is_image(file.path, root) else [])
            | "Number" >> beam.Map(lambda path: (part_of(path, root, parts), path))
        )
        # A part without images is a part as well.
        every = pbegin | "Parts" >> beam.Create([(number, None) for number in range(parts)])
        return (
            (files, every)
            | beam.Flatten()
            | beam.GroupByKey()
            | "Unfinished" >> beam.Filter(lambda group: not is_stored(out, group[0]))
            | "Group" >> beam.MapTuple(_group)
            | RunInference(SavedModelHandler(self.model, root))
            | "Write" >> beam.Map(_write, out)
        )


def is_image(path: str, root: str) -> bool:
    """Whether a file below `root` is taken for an image: by its suffix, unless it is hidden."""
    name = path.removeprefix(root)
    return name.lower().endswith(SUFFIXES) and not any(step.startswith(".") for step in name.split("/"))


def part_of(path: bytes, root: str, parts: int) -> int:
    """The number of the part that an image belongs to: the same wherever and whenever it is asked."""
    return zlib.crc32(path.removeprefix(os.fsencode(root))) % parts


def _group(number: int, paths: Iterable[bytes | None]) -> FileGroup:
    return FileGroup(number, [path for path in paths if path is not None])


def _write(group: EmbeddedGroup, out: str) -> int:
    store_part(out, group)
    EMBEDDED.inc(len(group.names))
    EXCLUDED_IMAGES.inc(len(group.excluded))
    return group.number
