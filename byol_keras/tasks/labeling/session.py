"""The labeling of a set of images: rounds of questions, answers, and the head they train."""

import numpy as np

from ...errors import InputError
from ...evaluation.linear_head import LinearHead, cross_validate, probabilities
from .selection import next_images

ROUND = 10
# Of a class's name.
MAX_LENGTH = 60


class LabelingSession:
    """Which images are asked about, what was answered, and what follows from it.

    Images are known by their index. After the last answer of a round the head is trained again and the next round
    chosen; the same answers in the same order give the same rounds.

    Attributes:
        names: N strings.
        embeddings: (N, D) float32.
        answers: dict of index -> class, or None for a skipped image; in the order of the answers.
        waiting: list of indices, the rest of this round; empty when every image has an answer.
        head: `LinearHead`, or None while there are fewer than two classes. As of the last round, like what follows.
        scores: (N, K) float32, the head's probabilities in the order of `head.labels`, or None.
        accuracy: `Accuracy` by cross-validation, or None while there are too few labels.
    """

    def __init__(self, names, embeddings, file=None):
        """Takes up the labeling where the file left it.

        Args:
            names: N strings, no two alike.
            embeddings: (N, D) float.
            file: `LabelsFile` to read from and to save every answer to, or None to keep them in memory only.
        """
        self.names, self.embeddings = tuple(names), np.asarray(embeddings, np.float32)
        if len(self.names) != len(self.embeddings):
            raise InputError(f"{len(self.names)} names do not fit {len(self.embeddings)} embeddings.")
        self._file = file
        index = {name: i for i, name in enumerate(self.names)}
        self.answers = {} if file is None else {index[name]: label for name, label in file.answers.items()}
        self.learn()

    @property
    def labeled(self):
        """dict of index -> class: the answers without the skipped images."""
        return {index: label for index, label in self.answers.items() if label is not None}

    @property
    def classes(self):
        """The classes so far, each once, in the order in which they first came up."""
        return tuple(dict.fromkeys(self.labeled.values()))

    def answer(self, index, label):
        """Takes one answer and saves it; after the last of the round, learns.

        Args:
            index: int, of an image in `waiting`.
            label: str, a class known or new, or None to skip the image.

        Raises:
            InputError: for an image that was not asked about, or a class without a name or with too long a one.
        """
        if index not in self.waiting:
            raise InputError(f"Image {index} is not among those asked about now.")
        if label is not None:
            label = " ".join(label.split())
            if not 0 < len(label) <= MAX_LENGTH or not label.isprintable():
                raise InputError(f"A class has a name of 1 to {MAX_LENGTH} characters. Received: {label!r}")
        self._replace({**self.answers, index: label})
        self.waiting.remove(index)
        if not self.waiting:
            self.learn()

    def undo(self):
        """Takes the newest answer back: its image is the next to be asked about. False where there is none."""
        if not self.answers:
            return False
        *others, (newest, _) = self.answers.items()
        self._replace(dict(others))
        self.waiting.insert(0, newest)
        return True

    def learn(self):
        """Trains the head on the answers so far and chooses the next round."""
        self.train()
        chosen = next_images(self.embeddings, list(self.answers), self.scores, ROUND)
        self.waiting = [int(index) for index in chosen]

    def train(self):
        """Trains the head on the answers so far; the round goes on."""
        labeled, classes = self.labeled, self.classes
        embeddings = self.embeddings[list(labeled)]
        labels = np.array([classes.index(label) for label in labeled.values()], int)
        self.head = LinearHead.fit(embeddings, labels, classes) if len(classes) > 1 else None
        self.scores = None if self.head is None else probabilities(self.head, self.embeddings)
        self.accuracy = cross_validate(embeddings, labels)

    def predictions(self):
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
        likeliest = np.argmax(self.scores, axis=1)
        classes = [labeled.get(i, self.head.labels[likeliest[i]]) for i in range(len(self.names))]
        confidence = [self.scores[i, column[label]] if label in column else 0.0 for i, label in enumerate(classes)]
        return classes, np.array(confidence, np.float32)

    def _replace(self, answers):
        if self._file is not None:
            self._file.write({self.names[index]: label for index, label in answers.items()})
        self.answers = answers
