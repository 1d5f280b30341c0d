"""The file of answers: a CSV that is whole after every answer."""

import csv
import hashlib
import os
from pathlib import Path

from ...errors import InputError
from ...utils.atomic import atomic_path

HEADER = ("image", "class", "sha256")


class LabelsFile:
    """Answers by image, newest last, in a CSV with the columns image, class and sha256.

    An empty class is an image that was skipped. `sha256` binds the answer to the image's bytes, so that the labels
    of one folder are not taken for those of another with the same names; a row written by hand may leave it out. Rows
    about images that are not there, or have changed, are kept in the file and not used.

    Attributes:
        path: Path.
        answers: dict of name -> class, or None for a skipped image, as the file has them.
        unused: names in the file that are not among the images, or were other images.
    """

    def __init__(self, path, folder, names):
        """Reads the file where there is one.

        Args:
            path: of the CSV.
            folder: where the images lie.
            names: of the images, paths below `folder`.

        Raises:
            InputError: when the file is damaged, or all it names are other images.
        """
        self.path, self._folder = Path(path), Path(folder)
        self.answers, self._unused, self._digests = {}, {}, {}
        known = set(names)
        for name, label, digest in self._read():
            # A later row about the same image is the valid one, and the newer.
            self.answers.pop(name, None)
            self._unused.pop(name, None)
            if name in known and digest in ("", self._digest(name)):
                self.answers[name] = label or None
            else:
                self._unused[name] = (name, label, digest)
        if self._unused and not self.answers:
            raise InputError(
                f"{self.path} has the labels of other images: none of its {len(self._unused):,}, such as "
                f"{next(iter(self._unused))}, is in {folder}. Name another file of labels (`labels`)."
            )
        self._seen = self._state()

    @property
    def unused(self):
        return tuple(self._unused)

    def write(self, answers):
        """Replaces the answers in the file, in one step.

        Args:
            answers: dict of name -> class, or None for a skipped image.

        Raises:
            InputError: when something else has changed the file since.
        """
        if self._state() != self._seen:
            raise InputError(f"{self.path} was changed by something else, so nothing was saved: start again.")
        rows = [row for name, row in self._unused.items() if name not in answers]
        rows += [(name, label or "", self._digest(name)) for name, label in answers.items()]
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *rows])
            file.flush()
            os.fsync(file.fileno())
        self._seen, self.answers = self._state(), dict(answers)

    def _read(self):
        if not self.path.exists():
            return []
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, strict=True)
                rows = [(reader.line_num, row) for row in reader if row]
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{self.path} is not a file of labels: {error}. Repair or delete it.") from error
        if not rows or tuple(rows[0][1][:2]) != HEADER[:2]:
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
                data = (self._folder / name).read_bytes()
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
