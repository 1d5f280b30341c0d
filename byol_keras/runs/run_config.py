"""config.json read back: as the run that it is of, or for another run."""

import json
import os
from pathlib import Path

from ..errors import InputError
from ..utils.progress import print_beside
from ..utils.text_file import read_text_file
from .recipe import recipe_kind
from .recipe_fields import check_fields
from .run import Run
from .run_fields import check_legs, check_run_fields

# What fields of config.json were called at first.
OLD_NAMES = {"source": "data", "left_out": "exclude", "pictures": "image_count"}


def load_run(folder: str | os.PathLike) -> Run:
    """The run in `folder`: what `byol-keras pretrain` made, for Python.

    Args:
        folder: of a run, finished or not.

    Returns:
        `Run`; its `encoder` is loaded when it is first used.

    Raises:
        InputError: where there is no run, or its config.json cannot be read.

    Example:
        run = bk.load_run("runs/photos")
        embeddings = run.encoder.predict(images)
    """
    folder = Path(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a run: it has no config.json. `byol-keras pretrain` makes one.")
    try:
        config = _read_fields(path)
        check_fields(Run, ("folder", *config), "A run")
        check_run_fields(config)
        recipe = _recipe_fields(config)
        run = Run(folder=folder, **{**config, "recipe": recipe_kind(recipe).from_fields(recipe)})
        check_legs(run.legs, run.recipe.epochs)
        return run
    except InputError as error:
        raise InputError(f"{path} cannot be read as the config of a run: {error}") from error


def read_config(path: str | os.PathLike) -> dict:
    """What a file says about a run to make: a recipe, or the config.json of another run.

    Args:
        path: a .json with the fields of a `Recipe`; or of a run, which has them under "recipe".

    Returns:
        dict: "recipe", a dict of the fields of a `Recipe`; of a run also its "data", "seed", "channels", "exclude",
        "probe", "start_from" and "value_range".

    Raises:
        InputError: where the file cannot be read or is neither.
    """
    config = _read_fields(path)
    if "recipe" not in config:
        return {"recipe": config}
    config["recipe"] = _recipe_fields(config)
    kinds = {"recipe": dict, "data": str, "seed": int, "channels": int, "exclude": list}
    kinds |= dict.fromkeys(("probe", "start_from"), str | None) | {"value_range": list | None}
    for name, kind in kinds.items():
        if name in config and not isinstance(config[name], kind):
            raise InputError(f"{path}: this cannot be the {name} of a run. Received: {config[name]!r}")
    return {name: config[name] for name in kinds if name in config}


def _read_fields(path):
    """The JSON object in a file, its old names replaced, without what decides nothing: versions and checksum."""
    text = read_text_file(path)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InputError(f"{path} must hold an object with the fields of a recipe or a run. Received: {fields!r:.40}")
    fields.pop("versions", None)
    fields.pop("checksum", None)
    return {OLD_NAMES.get(name, name): value for name, value in fields.items()}


def _recipe_fields(config):
    if not isinstance(config["recipe"], dict):
        raise InputError(f"The recipe of a run is an object with its fields. Received: recipe={config['recipe']!r}")
    return config["recipe"]


def load_finished_run(folder: str | os.PathLike) -> Run:
    """The run in `folder`, which has an encoder.

    Raises:
        InputError: as `load_run`, and where training has not finished.
    """
    run = load_run(folder)
    run.require_encoder()
    if not run.is_finished:
        print_beside(
            f"{run.folder} is being extended to {run.recipe.epochs:g} epochs: its encoder.keras is that of before, "
            f"after {run.trained_epochs:g}."
        )
    return run
