"""The folder of a training run: where everything lies, and how it is read back."""

import dataclasses
import functools
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..utils.atomic import atomic_path, check_writable
from ..utils.checksum import sha256_of
from ..utils.text_file import read_text_file
from .recipe_fields import TrainingRecipe

if TYPE_CHECKING:
    import keras

# What may be left by a process that was killed before its run had a config.json, beside hidden files.
BEGUN = {"images.json"}
CHECKPOINTS = "checkpoints"  # their folder


@dataclasses.dataclass(frozen=True)
class Run:
    """RUN/ with config.json, images.json, encoder.keras, best_encoder.keras, checkpoints/, history.csv and logs/.

    Other commands add what they make: results/, classifier/, detection/, segmentation/, labels.csv, labeled/ and
    embeddings/.

    Attributes:
        folder: where it lies.
        recipe: what decided how it trains: `Recipe`, or `AudioRecipe` of recordings.
        data: the images, see `data.open_source`; files and folders by their absolute paths.
        seed: of every random draw.
        channels: 1 (gray), 3 (RGB), or of arrays any other.
        mean, std: per-channel lists, of the images in [0, 1].
        exclude: images and folders below `data` that training does not see.
        probe: the labeled images that training was watched by, as `data`, or None.
        start_from: the run or .keras file, by its absolute path, whose weights training began with, or None.
        start_weights: the fingerprint of that encoder, see `models.fingerprint`; None where it was not noted.
        legs: of a run that was extended, the epochs at which its legs ended, the first that of the recipe it began
            with. While an extension is under way, the recipe's epochs are more than the last of them.
        value_range: the numbers that the encoder gets as 0 and 1, [low, high], see `data.open_source`, which is to be
            given it for all images that it is to see; None for what each file says.
        image_count: how many images training began with, without the excluded ones; None where it was not noted.
    """

    folder: Path
    recipe: TrainingRecipe
    data: str
    seed: int
    channels: int
    mean: list[float]
    std: list[float]
    exclude: list[str] = dataclasses.field(default_factory=list)
    probe: str | None = None
    image_count: int | None = None
    start_from: str | None = None
    start_weights: str | None = None
    legs: list[float] = dataclasses.field(default_factory=list)
    value_range: list[float] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether training has ended. While it is extended it has not, and encoder.keras is the one of before."""
        return self.encoder_path.exists() and (not self.legs or self.legs[-1] == self.recipe.epochs)

    @property
    def facts(self) -> dict:
        """What shipped files say of how the encoder came about, see `runs.training_facts`; ready for JSON."""
        from .training_facts import training_facts

        return training_facts(self.folder)

    @functools.cached_property
    def encoder(self) -> "keras.Model":
        """The trained encoder, (B, H, W, C) float32 in [0, 1] -> (B, D) float32; loaded once.

        Raises:
            InputError: where training has not finished.
        """
        from .load import load_encoder

        self.require_encoder()
        _ = self.encoder_sha256  # of what is loaded here, whatever takes its place later
        return load_encoder(self.encoder_path)

    @functools.cached_property
    def encoder_sha256(self) -> str:
        """The SHA-256 of encoder.keras, in hexadecimal digits; "" where there is none yet."""
        return sha256_of(self.encoder_path) if self.encoder_path.exists() else ""

    @property
    def trained_epochs(self) -> float:
        """The epochs after which encoder.keras was saved: while the run is extended, those of before."""
        return self.legs[-1] if self.legs else self.recipe.epochs

    def require_encoder(self) -> None:
        """Raises InputError where there is no encoder yet."""
        if not self.encoder_path.exists():
            raise InputError(f"{self.folder} has no encoder.keras yet: training has not finished, resume it.")

    # Where things lie: a property each, alike as they are, so that editors and type checkers know them.

    @property
    def encoder_path(self) -> Path:
        return self.folder / "encoder.keras"

    @property
    def best_encoder_path(self) -> Path:
        """The encoder of the epoch that was best by what is logged, see `callbacks.BestEncoder`."""
        return self.folder / "best_encoder.keras"

    @property
    def healthy_encoder_path(self) -> Path:
        """Of a run that collapsed, the encoder as it was before, see `callbacks.CollapseMonitor`."""
        return self.folder / "healthy_encoder.keras"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of what `resume` goes on from, see `callbacks.Checkpoint`."""
        return self.folder / CHECKPOINTS

    @property
    def image_list_path(self) -> Path:
        return self.folder / "images.json"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    @property
    def logs_path(self) -> Path:
        return self.folder / "logs"

    @property
    def results_path(self) -> Path:
        """The folder of what was measured, see `runs.results`."""
        return self.folder / "results"

    @property
    def classifier_path(self) -> Path:
        return self.folder / "classifier"

    @property
    def labels_path(self) -> Path:
        """The labels that `byol-keras label` was given."""
        return self.folder / "labels.csv"

    @property
    def labeled_path(self) -> Path:
        """The folder of what `byol-keras label` makes of them."""
        return self.folder / "labeled"

    @property
    def embeddings_path(self) -> Path:
        """The folder of cached embeddings."""
        return self.folder / "embeddings"

    def task_path(self, name: str) -> Path:
        """The folder of a model for another task: "detection", "segmentation-10pct", see `results_name`."""
        return self.folder / name

    def write_config(self) -> None:
        """Writes config.json, which holds everything needed to repeat the run."""
        config = {**dataclasses.asdict(self), "checksum": self.checksum(), "versions": _versions()}
        del config["folder"]
        with atomic_path(self.folder / "config.json") as path:
            path.write_text(json.dumps(config, indent=2) + "\n")

    def checksum(self) -> str:
        """Of all that decides how training goes on, in hexadecimal digits; where the images lie may change."""
        decisive = {name: getattr(self, name) for name in ("seed", "channels", "mean", "std", "exclude", "image_count")}
        # Without what has its default: a field that a later version adds leaves the checksum as it is.
        values = {field.name: (getattr(self.recipe, field.name), field) for field in dataclasses.fields(self.recipe)}
        recipe = {name: value for name, (value, field) in values.items() if value != field.default}
        decisive |= {name: value for name in ("legs", "value_range") if (value := getattr(self, name))}
        text = json.dumps({**decisive, "recipe": recipe}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def require_unchanged(self) -> None:
        """Raises InputError where config.json was edited since the run was begun, so that it cannot go on as it was."""
        path = self.folder / "config.json"
        written = json.loads(read_text_file(path)).get("checksum")
        if written not in (None, self.checksum()):
            raise InputError(
                f"{path} was changed after the run was begun, in what decides how it trains. Put it back as it was, "
                "or begin a new run with it as its `config`."
            )


def check_is_new(folder: str | os.PathLike) -> None:
    """Checks that a new run can be written to `folder`: nothing is there yet, or what was never begun.

    Raises:
        InputError: where something is, or the folder cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; `out` must name a new folder.")
    if folder.exists() and not {path.name for path in folder.iterdir() if path.name[0] != "."} <= BEGUN:
        other = "go on with the run in it (`resume`)" if (folder / "config.json").exists() else "delete it"
        raise InputError(f"{folder} exists and is not empty: choose another `out`, or {other}.")
    check_writable(folder / "config.json")


def _versions():
    import keras
    import tensorflow

    from .._version import __version__

    return {"byol_keras": __version__, "keras": keras.__version__, "tensorflow": tensorflow.__version__}
