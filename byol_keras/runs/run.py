"""The folder of a training run: where everything lies, and how it is read back."""

import dataclasses
import json
from pathlib import Path

from ..errors import InputError
from ..utils.atomic import atomic_path
from .recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Run:
    """RUN/ with config.json, encoder.keras, checkpoints/, history.csv, logs/, evaluation.json, classifier/, results/.

    Other commands add what they make: detection/, segmentation/, labeled/.

    Attributes:
        folder: Path.
        recipe: `Recipe`.
        source: str, the SOURCE of the images.
        seed: int.
        channels: 1 or 3.
        mean, std: per-channel lists, of the images in [0, 1].
        exclude: list of str, images and folders below the source that training does not see.
        probe: str, the SOURCE of labeled images that training was watched by, or None.
        image_count: int, how many images training began with, those left out not counted; None where it was not noted.
    """

    folder: Path
    recipe: Recipe
    source: str
    seed: int
    channels: int
    mean: list
    std: list
    exclude: list = dataclasses.field(default_factory=list)
    probe: str | None = None
    image_count: int | None = None

    @property
    def encoder(self):
        return self.folder / "encoder.keras"

    @property
    def checkpoint(self):
        return self.folder / "checkpoints" / "last.keras"

    @property
    def history(self):
        return self.folder / "history.csv"

    @property
    def logs(self):
        return self.folder / "logs"

    @property
    def evaluation(self):
        return self.folder / "evaluation.json"

    @property
    def classifier(self):
        return self.folder / "classifier"

    def write_config(self):
        config = {**dataclasses.asdict(self), "versions": _versions()}
        del config["folder"]
        with atomic_path(self.folder / "config.json") as path:
            path.write_text(json.dumps(config, indent=2) + "\n")


def check_is_new(folder):
    """Raises InputError where something stands at `folder` already, but for an empty folder."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --out must name a new folder.")
    if folder.exists() and any(folder.iterdir()):
        other = "go on with the run in it with --resume" if (folder / "config.json").exists() else "delete it"
        raise InputError(f"{folder} exists and is not empty: choose another --out, or {other}.")


def read_run(folder):
    """The run in `folder`.

    Raises:
        InputError: where there is none, or its config.json cannot be read.
    """
    folder = Path(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a run: it has no config.json. `byol-keras pretrain` makes one.")
    try:
        config = json.loads(path.read_text())
        config.pop("versions", None)
        return Run(folder=folder, **{**config, "recipe": Recipe(**config["recipe"])})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as the config of a run: {error}") from error


def read_finished_run(folder):
    """The run in `folder`, which has an encoder.

    Raises:
        InputError: as `read_run`, and where training has not finished.
    """
    run = read_run(folder)
    if not run.encoder.exists():
        raise InputError(
            f"{run.folder} has no encoder.keras yet: training has not finished, go on with pretrain --resume."
        )
    return run


def _versions():
    import keras
    import tensorflow

    from .._version import __version__

    return {"byol_keras": __version__, "keras": keras.__version__, "tensorflow": tensorflow.__version__}
