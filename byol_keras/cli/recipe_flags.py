"""The flags of a recipe, made of its fields, and the recipe made of them."""

import argparse
import dataclasses
import os
from typing import Any

from ..errors import InputError
from ..runs.audio_recipe import AudioRecipe
from ..runs.recipe import RECIPES, Recipe, recipe_kind, recipe_named, view_fields
from ..runs.recipe_fields import TrainingRecipe
from ..runs.view_presets import VIEW_PRESETS

METAVARS = {str: "NAME", int: "N", float: "F"}
# In place of an image size: by the images, see `runs.image_size`. The default of the presets for images of one's own;
# those of the paper have the paper's size.
AUTO = "auto"
AUTO_PRESETS = ("short", "demo")


def add_recipe_flags(parser: argparse.ArgumentParser, only_views: bool = False) -> None:
    """Adds --recipe and --config, and a flag for each field of the recipes, None where it is not given.

    Args:
        parser: of a command.
        only_views: whether the command has a use for the fields of the views alone.
    """
    begin = parser.add_mutually_exclusive_group()
    names = ", ".join(RECIPES)
    begin.add_argument("--recipe", metavar="NAME", help=f"one of {names} (default: short, for recordings audio)")
    begin.add_argument("--config", metavar="FILE", help="instead: a recipe as JSON, or the config.json of a run")
    kinds = ", ".join(VIEW_PRESETS)
    if only_views:
        parser.add_argument("--views", metavar="KIND", nargs="+", help=f"side by side, those for {kinds}")
    else:
        parser.add_argument("--views", metavar="KIND", help=f"those for {kinds} (default: photos, the recipe's own)")
    training = parser.add_argument_group("of the recipe, in place of its own values")
    views = parser.add_argument_group("of the recipe's two views, in place of its own values")
    sounds = parser.add_argument_group("of a recipe for recordings, in place of its own values")
    own = {field.name for field in dataclasses.fields(AudioRecipe)} - _names(TrainingRecipe)
    for field in _fields():
        if only_views and not field.metadata["view"]:
            continue
        group = sounds if field.name in own else views if field.metadata["view"] else training
        flag, help = "--" + field.name.replace("_", "-"), field.metadata["help"]
        if field.name == "image_size":
            help += f"; {AUTO}, the default of {' and '.join(AUTO_PRESETS)}: by the images" + (
                "" if only_views else ", in pretrain by --minutes as well"
            )
            group.add_argument(flag, metavar="N", type=_image_size, help=help)
        elif field.type in METAVARS:
            group.add_argument(flag, metavar=METAVARS[field.type], type=field.type, help=help)
        else:
            group.add_argument(flag, metavar=("MIN", "MAX"), type=float, nargs=2, help=help)


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a recipe that were given as flags: dict of name -> value."""
    names = [field.name for field in _fields()]
    return {name: getattr(options, name) for name in names if getattr(options, name, None) is not None}


def _fields():
    """Those of both kinds of recipes, each once."""
    more = [field for field in dataclasses.fields(AudioRecipe) if field.name not in _names(Recipe)]
    return [*dataclasses.fields(Recipe), *more]


def _names(recipe):
    return {field.name for field in dataclasses.fields(recipe)}


def settings(options: argparse.Namespace, views: str | None = None) -> dict[str, Any]:
    """What --config, or --recipe, says, with the recipe as the kind of views and then its flags change it.

    Args:
        options: of a command with `add_recipe_flags`.
        views: the kind, see `runs.view_presets`; None for the recipe's own.

    Returns:
        dict: "recipe", a `Recipe` or `AudioRecipe`; "auto_size", whether its image size only stands in for the one to
        be chosen; and of a run's config.json also "data", "seed", "channels", "exclude", "probe", "start_from" and
        "value_range".

    Raises:
        InputError: for a file that cannot be used, an unknown recipe, a value out of range, or another optimizer than
            the recipe's without a learning rate.
    """
    name = options.recipe
    if name is None:
        name = "audio" if options.config is None and _are_recordings(getattr(options, "data", None)) else "short"
    if options.config is None:
        config = {"recipe": dataclasses.asdict(recipe_named(name))}
    else:
        from ..runs.run_config import read_config

        config = read_config(options.config)
    given = given_fields(options)
    if options.config is None and name in AUTO_PRESETS:
        given.setdefault("image_size", AUTO)
    auto_size = given.get("image_size") == AUTO
    if auto_size:
        given["image_size"] = recipe_named("short").image_size
    fields = {**config["recipe"], **({} if views is None else view_fields(views)), **given}
    recipe = recipe_kind(config["recipe"]).from_fields(fields)
    _require_rate_of_its_own(config["recipe"], given)
    return {**config, "recipe": recipe, "auto_size": auto_size}


def _require_rate_of_its_own(before, given):
    """A learning rate is that of an optimizer: 0.01 suits muon and is ten times too much for adamw."""
    optimizer = given.get("optimizer", before.get("optimizer"))
    if optimizer != before.get("optimizer", optimizer) and "learning_rate" not in given:
        raise InputError(
            f"`learning_rate` must be given along with another `optimizer`: {before.get('learning_rate')} is for "
            f"{before['optimizer']}. Received: optimizer={optimizer!r}"
        )


def _are_recordings(data):
    """Whether DATA is a folder of recordings, which have a recipe of their own."""
    if data is None or not os.path.isdir(os.path.expanduser(data)):
        return False
    from ..data.open import is_recordings

    return is_recordings(data)


def _image_size(text):
    """A number of pixels, or "auto"."""
    if text == AUTO:
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number of pixels, or {AUTO}; received {text!r}") from None
