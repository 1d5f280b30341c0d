"""An exported encoder for Beam's RunInference."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import ModelHandler

from byol_keras.utils.printable import printable

BATCH = 64  # images that are read and embedded at once
READERS = 16  # threads, most of whose time is waiting for a store
SIGNATURE = "serve_bytes"


class FileGroup(NamedTuple):
    """The files of one part: its number and their paths, as bytes in any order."""

    number: int
    paths: Sequence[bytes]


class EmbeddedGroup(NamedTuple):
    """One part: `names` n texts, `embeddings` (n, D) float32, and (name, reason) of each image that is excluded."""

    number: int
    names: list[str]
    embeddings: np.ndarray
    excluded: list[tuple[str, str]]


class SavedModelHandler(ModelHandler[FileGroup, EmbeddedGroup, Any]):
    """Embeds groups of files with the `serve_bytes` signature of a SavedModel.

    Beam's own handler for TensorFlow loads with Keras, which no longer reads a SavedModel. A group is one example,
    not an image: so a part can be written as soon as its images are through, before the others are.

    Args:
        model: where the SavedModel is, on any file system that Beam and TensorFlow read.
        root: folder that the names are relative to, with a slash at its end.
    """

    def __init__(self, model: str, root: str):
        super().__init__()
        self.model, self.root = model, root

    def load_model(self) -> Any:
        import tensorflow as tf

        return tf.saved_model.load(self.model)

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        return {"max_batch_size": 1}

    def run_inference(
        self, batch: Sequence[FileGroup], model: Any, inference_args: dict[str, Any] | None = None
    ) -> Iterator[EmbeddedGroup]:
        serve = model.signatures[SIGNATURE]
        for group in batch:
            yield self._embedded(group, serve)

    def _embedded(self, group, serve):
        import tensorflow as tf

        dimension = serve.structured_outputs["embedding"].shape[1]
        names, rows, excluded = [], [np.zeros((0, dimension), np.float32)], []
        with ThreadPoolExecutor(READERS) as pool:
            for found in _batches(pool, sorted(group.paths)):
                contents = tf.constant([content for _, content, _ in found])
                # A file that was not read is an empty one, which is not valid.
                outputs = serve(image_bytes=contents)
                valid = outputs["valid"].numpy()
                rows.append(outputs["embedding"].numpy()[valid])
                for (path, content, reason), is_valid in zip(found, valid, strict=True):
                    name = path.decode(errors="surrogateescape").removeprefix(self.root)
                    if is_valid:
                        names.append(name)
                    else:
                        excluded.append((printable(name), reason or _reason(content)))
        return EmbeddedGroup(group.number, names, np.concatenate(rows), excluded)


def _batches(pool, paths):
    """Lists of (path, content, why there is none), the next of which is read while one is worked on."""
    starts, ahead = range(0, len(paths), BATCH), []
    for start in starts:
        ahead.append([pool.submit(_read, path) for path in paths[start : start + BATCH]])
        if len(ahead) > 1:
            yield [future.result() for future in ahead.pop(0)]
    for futures in ahead:
        yield [future.result() for future in futures]


def _read(path):
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return path, b"", "its name is not UTF-8"
    try:
        with FileSystems.open(text, mime_type="application/octet-stream") as file:
            return path, file.read(), None
    except OSError as error:  # Beam's own errors among them
        return path, b"", f"cannot be read: {error}"


def _reason(content):
    # Nothing more is said by the signature.
    if content[:3] == b"\xff\xd8\xff" or content[:8] == b"\x89PNG\r\n\x1a\n":
        return "damaged, cut short, or with more pixels than the model was exported for"
    return "neither a JPEG nor a PNG"
