"""The file of labels: a CSV that is whole after every label."""

import csv
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import InputError
from ...utils.atomic import atomic_path
from ...utils.regular_file import open_regular

HEADER = ("image", "class", "sha256")
# What the first column was called at first: a person's labels are read whatever their age.
OLD_NAME = "picture"


class LabelsFile:
    """Labels by image, newest last, in a CSV with the columns image, class and sha256.

    An empty class is an image that was skipped. `sha256` binds the label to the image's bytes, so that the labels
    of one folder are not taken for those of another with the same names; a row written by hand may leave it out. Rows
    about images that are not there, or have changed, stay in the file and are not used.

    Args:
        path: of the CSV; it is read where there is one.
        folder: where the images lie.
        names: of the images, paths below `folder`.

    Attributes:
        path: Path, behind links: a link is not to be replaced by a file.
        labels: dict of name -> class, or None for a skipped image, as the file has them.
        unused: names in the file that are not among the images, or were other images.

    Raises:
        InputError: when the file is damaged, or all it names are other images.

    Example:
        file = bk.tasks.LabelsFile("labels.csv", "photos", source.names)
    """

    def __init__(self, path: str | os.PathLike, folder: str | os.PathLike, names: Sequence[str]):
        self.path, self._folder = Path(path).resolve(), Path(folder)
        self.labels, self._unused, self._digests = {}, {}, {}
        known = set(names)
        for name, label, digest in self._read():
            # A later row about the same image is the valid one, and the newer.
            self.labels.pop(name, None)
            self._unused.pop(name, None)
            if name in known and digest in ("", self._digest(name)):
                self.labels[name] = label or None
            else:
                self._unused[name] = (name, label, digest)
        if self._unused and not self.labels:
            raise InputError(
                f"{self.path} has the labels of other images: none of its {len(self._unused):,}, such as "
                f"{next(iter(self._unused))}, is in {folder} as it was labeled. Name another file of labels (`labels`)."
            )
        self._seen = self._state()

    @property
    def unused(self) -> tuple[str, ...]:
        return tuple(self._unused)

    def write(self, labels: Mapping[str, str | None]) -> None:
        """Replaces the labels in the file, in one step.

        Args:
            labels: dict of name -> class, or None for a skipped image.

        Raises:
            InputError: when something else has changed the file since.
        """
        if self._state() != self._seen:
            raise InputError(f"{self.path} was changed by something else, so nothing was saved: start again.")
        rows = [row for name, row in self._unused.items() if name not in labels]
        rows += [(name, label or "", self._digest(name)) for name, label in labels.items()]
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *rows])
        self._seen, self.labels = self._state(), dict(labels)

    def _read(self):
        if not self.path.exists():
            return []
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, strict=True)
                rows = [(reader.line_num, row) for row in reader if row]
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{self.path} is not a file of labels: {error}. Repair or delete it.") from error
        if not rows or tuple(rows[0][1][:2]) not in (HEADER[:2], (OLD_NAME, HEADER[1])):
            raise InputError(
                f"{self.path} is not a file of labels: its first line must be {','.join(HEADER)}. Repair or delete it."
            )
        for line, row in rows[1:]:
            if len(row) not in (2, 3) or not row[0]:
                raise InputError(
                    f"{self.path}, line {line}: a line is an image, its class and its sha256. Received: "
                    f"{','.join(row)}. Repair or delete the line."
                )
        return [(row[0], row[1].strip(), row[2] if len(row) == 3 else "") for _, row in rows[1:]]

    def _digest(self, name):
        """Of the image's bytes; "" for one that is gone."""
        if name not in self._digests:
            try:
                # What has become a pipe meanwhile is not waited for.
                with open_regular(self._folder / name) as file:
                    data = file.read()
            except OSError:
                return ""
            self._digests[name] = hashlib.sha256(data).hexdigest()
        return self._digests[name]

    def _state(self):
        """Changes whenever the file does."""
        if not self.path.exists():
            return None
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size
