"""The labeling of a set of images: rounds of questions, the labels given, and the head they train."""

from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from ...evaluation.linear_head import LinearHead, cross_validate, probabilities
from ...utils.extras import require_extra
from ...utils.printable import printable
from .labels_file import LabelsFile
from .selection import next_images

ROUND = 10
# Of a class's name.
MAX_LENGTH = 60


class LabelingSession:
    """Which images are asked about, which labels were given, and what follows from them.

    Images are known by their index. After the last label of a round the head is trained again and the next round
    chosen; the same labels in the same order give the same rounds.

    Args:
        names: N strings, no two alike.
        embeddings: (N, D) float.
        file: `LabelsFile` to resume from and to save every label to, or None to keep them in memory only.
        encoder: the fingerprint of the encoder that made the embeddings, for the head; None where it is not known.

    Attributes:
        names: N strings.
        embeddings: (N, D) float32.
        encoder: as given.
        labels: dict of index -> class, or None for a skipped image; in the order in which they were given.
        waiting: list of indices, the rest of this round; empty when every image is labeled or skipped.
        head: `LinearHead`, or None while there are fewer than two classes. As of the last round, like what follows.
        scores: (N, K) float32, the head's probabilities in the order of `head.labels`, or None.
        accuracy: `Accuracy` by cross-validation, or None while there are too few labels.

    Raises:
        InputError: when there are not as many names as embeddings, or scikit-learn is not installed.

    Example:
        session = bk.tasks.LabelingSession(source.names, bk.evaluation.embed(encoder, source))
        session.label(session.waiting[0], "cat")
    """

    def __init__(
        self,
        names: Sequence[str],
        embeddings: np.ndarray,
        file: LabelsFile | None = None,
        encoder: str | None = None,
    ):
        require_extra("Labeling", "sklearn")
        self.names, self.embeddings = tuple(names), np.asarray(embeddings, np.float32)
        if len(self.names) != len(self.embeddings):
            raise InputError(f"{len(self.names)} names do not fit {len(self.embeddings)} embeddings.")
        self._file, self.encoder = file, encoder
        index = {name: i for i, name in enumerate(self.names)}
        self.labels: dict[int, str | None] = {}
        if file is not None:
            self.labels = {index[name]: label for name, label in file.labels.items()}
        self.learn()

    @property
    def labeled(self) -> dict[int, str]:
        """dict of index -> class: the labels without the skipped images."""
        return {index: label for index, label in self.labels.items() if label is not None}

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes so far, each once, in the order in which they first came up."""
        return tuple(dict.fromkeys(self.labeled.values()))

    def label(self, index: int, class_name: str | None) -> None:
        """Takes one label and saves it; after the last of the round, learns.

        Args:
            index: int, of an image in `waiting`.
            class_name: str, a class known or new, or None to skip the image.

        Raises:
            InputError: for an image that was not asked about, or a class without a name or with too long a one.
        """
        if index not in self.waiting:
            raise InputError(f"Image {index} is not among those asked about now.")
        if class_name is not None:
            class_name = " ".join(class_name.split())
            if not 0 < len(class_name) <= MAX_LENGTH or printable(class_name) != class_name:
                raise InputError(f"A class has a name of 1 to {MAX_LENGTH} characters. Received: {class_name!r}")
        self._replace({**self.labels, index: class_name})
        self.waiting.remove(index)
        if not self.waiting:
            self.learn()

    def undo(self) -> bool:
        """Takes the newest label back: its image is the next to be asked about. False where there is none."""
        if not self.labels:
            return False
        *others, (newest, _) = self.labels.items()
        self._replace(dict(others))
        self.waiting.insert(0, newest)
        return True

    def learn(self) -> None:
        """Trains the head on the labels so far and chooses the next round."""
        self.train()
        chosen = next_images(self.embeddings, list(self.labels), self.scores, ROUND)
        self.waiting = [int(index) for index in chosen]

    def train(self) -> None:
        """Trains the head on the labels so far; the round goes on."""
        labeled, classes = self.labeled, self.classes
        embeddings = self.embeddings[list(labeled)]
        labels = np.array([classes.index(label) for label in labeled.values()], int)
        self.head = LinearHead.fit(embeddings, labels, classes, encoder=self.encoder) if len(classes) > 1 else None
        self.scores = None if self.head is None else probabilities(self.head, self.embeddings)
        self.accuracy = cross_validate(embeddings, labels)

    def predictions(self) -> tuple[list[str], np.ndarray]:
        """The class of every image: by hand where it was labeled, else by the head.

        Returns:
            classes: N strings.
            confidence: (N,) float32, the head's probability of that class; 0 of one that is newer than the head.

        Raises:
            InputError: while there is no head.
        """
        if self.head is None:
            raise InputError("There is nothing to predict yet: label images of at least two classes.")
        labeled, column = self.labeled, {label: i for i, label in enumerate(self.head.labels)}
        top_1 = np.argmax(self.scores, axis=1)
        classes = [labeled.get(i, self.head.labels[top_1[i]]) for i in range(len(self.names))]
        confidence = [self.scores[i, column[label]] if label in column else 0.0 for i, label in enumerate(classes)]
        return classes, np.array(confidence, np.float32)

    def _replace(self, labels):
        if self._file is not None:
            self._file.write({self.names[index]: label for index, label in labels.items()})
        self.labels = labels
