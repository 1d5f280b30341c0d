"""What `byol-keras export` is asked for."""

import dataclasses
import os
import sys
from pathlib import Path

from ..errors import InputError
from ..export.card.model_card import card_path, model_card
from ..export.formats.tflite import QUANTIZE

FORMATS = ("saved_model", "tflite", "all", "onnx", "openvino", "coreml")


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """What to export of a run, and how to check it.

    Attributes:
        format: "saved_model", "tflite", "all" (both of these), "onnx", "openvino" or "coreml".
        quantize: "none", "float16", "dynamic" or "int8", for the .tflite; "all" writes one of each.
        calibration: name of the data for int8 and for the comparison; by default the images the run was trained on.
        io: "float32", or for int8 also "int8" or "uint8": what the .tflite takes and gives.
        batch: images in a call of the .tflite; None leaves it free.
        labeled: name of labeled data, by which the k-NN accuracy of each file is compared with Keras'.
        report: whether to measure the files, beside Keras and others on the same network.
        threads: for the report; by default all CPUs.
        classifier: whether to export the run's classifier instead: the encoder that was fine-tuned with its classes,
            as classifier/VERSION/ with the signature `classify`, and classifier.tflite with `scores`.
        scores_only: whether the .tflite of a classifier or head gives no embedding, as MediaPipe's classifiers ask.
        head: a head.npz, see `LinearHead.load`: the encoder as it is, with this head, in the same files.
        license: under which the files are given away, for their provenance; None where nobody said.
        max_pixels: of the largest encoded image that the SavedModel decodes; by default that of training.
        strict: whether one image that cannot be decoded fails its request to the SavedModel.

    Raises:
        InputError: for another format, and where the attributes do not fit together.
    """

    format: str = "all"
    quantize: str = "none"
    calibration: str | None = None
    io: str = "float32"
    batch: int | None = 1
    labeled: str | None = None
    report: bool = False
    threads: int | None = None
    classifier: bool = False
    head: str | os.PathLike | None = None
    license: str | None = None
    scores_only: bool = False
    max_pixels: int | None = None
    strict: bool = False

    def __post_init__(self):
        if self.format not in FORMATS:
            raise InputError(f"format is one of {', '.join(FORMATS)}. Received: format={self.format!r}")
        if self.io != "float32" and "int8" not in self.quantizations:
            raise InputError(
                "Only a .tflite in int8 takes and gives integers: choose quantize='int8'. "
                f"Received: io={self.io!r}, quantize={self.quantize!r}"
            )
        if not self.writes_tflite and (self.quantize, self.io, self.batch) != ("none", "float32", 1):
            raise InputError(
                "quantize, io and batch are for a .tflite: leave them out, or choose format='tflite'. "
                f"Received: format={self.format!r}"
            )
        if not self.writes_saved_model and (self.max_pixels is not None or self.strict):
            raise InputError(
                "max_pixels and strict are for a SavedModel: leave them out, or choose format='saved_model'. "
                f"Received: format={self.format!r}"
            )
        if self.threads is not None and not self.report:
            raise InputError(f"threads is for the report: leave it out. Received: threads={self.threads}")
        if self.report and self.format in ("openvino", "coreml"):
            raise InputError(
                "The report measures neither OpenVINO nor Core ML: leave report out, or choose another format. "
                f"Received: format={self.format!r}"
            )
        if self.labeled is not None and self.format == "coreml":
            raise InputError(
                "A Core ML package runs on a Mac only, so its accuracy is not compared: leave labeled out. "
                f"Received: format='coreml', labeled={self.labeled!r}"
            )
        if self.classifier and self.head is not None:
            raise InputError(
                "A run's classifier has a head of its own: leave out head, or leave out classifier. "
                f"Received: classifier=True, head={os.fspath(self.head)!r}"
            )
        if self.scores_only and (self.report or not self.has_head or not self.writes_tflite):
            raise InputError(
                "Scores alone are for the .tflite of a classifier, and not measured: choose classifier or head, and "
                f"format='tflite' without report. Received: scores_only=True, format={self.format!r}, "
                f"report={self.report}"
            )
        if self.has_head and self.format in ("onnx", "openvino", "coreml"):
            raise InputError(
                f"A {'classifier' if self.classifier else 'head'} is written into a SavedModel and a .tflite: choose "
                f"format='all'. Received: format={self.format!r}"
            )

    @property
    def quantizations(self) -> tuple[str, ...]:
        """Those of the .tflite files, one file for each."""
        return QUANTIZE if self.quantize == "all" else (self.quantize,)

    @property
    def writes_tflite(self) -> bool:
        return self.format in ("tflite", "all")

    @property
    def writes_saved_model(self) -> bool:
        return self.format in ("saved_model", "all")

    @property
    def has_head(self) -> bool:
        """Whether the files name classes."""
        return self.classifier or self.head is not None


def write_model_card(facts: dict, artifacts: dict[str, Path], folder: Path, out: Path) -> None:
    """Writes a model card into `folder`, by a name that it may have in `out`.

    Args:
        facts: as `file_provenance` gives them.
        artifacts: the files by name.
        folder: where it is written.
        out: where it will stand.
    """
    place = card_path(out)
    if place is None:
        print(f"{out} has a README.md and a MODEL_CARD.md of its own: no model card is written.", file=sys.stderr)
    else:
        (folder / place.name).write_text(model_card(facts, list(artifacts)), encoding="utf-8")
