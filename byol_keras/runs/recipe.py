"""Training recipes: what `pretrain` is given, and the presets.

A preset's docstring holds its exact command, what to expect, and how long it takes.
"""

import dataclasses
import difflib
import math
from collections.abc import Collection, Mapping

from ..errors import InputError
from .view_presets import view_fields as view_fields

# What a value must be: a test of it, and the words for it.
WHOLE = (lambda value: value >= 1, "a whole number from 1")
ABOVE_0 = (lambda value: value > 0, "above 0")
FROM_0 = (lambda value: value >= 0, "0 or above")
SHARE = (lambda value: 0 < value <= 1, "above 0 and at most 1")
FROM_0_TO_1 = (lambda value: 0 <= value <= 1, "from 0 to 1")
HALF_TURN = (lambda value: 0 <= value <= 0.5, "from 0 to 0.5")
POSITIVE_RANGE = (lambda value: 0 < value[0] <= value[1], "two numbers above 0, the lower one first")


def _field(help, valid=None, default=dataclasses.MISSING, choices=None, view=False):
    metadata = {"help": help, "valid": valid, "choices": choices, "view": view}
    return dataclasses.field(default=default, metadata=metadata)


def _of_views(help, valid, default):
    """A field of the two views, with the paper's value: Grill et al. 2020, appendix B, see `augment.VIEW_1`."""
    return _field(help, valid, default, view=True)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a run trains, but for the images and the seed.

    What each field means stands in its `help`, which `byol-keras pretrain --help` prints: every field is a flag there.

    Raises:
        InputError: for a value that a field cannot have.

    Example:
        recipe = dataclasses.replace(bk.recipes.short(), epochs=50, tau_base=0.99)
    """

    backbone: str = _field("resnet8, resnet8x2, resnet10, resnet18, resnet34 or resnet50")
    image_size: int = _field("pixels, height and width of the views", WHOLE, view=True)
    epochs: float = _field("passes over the images; the last may be a part of one", ABOVE_0)
    batch_size: int = _field("images in one update", WHOLE)
    optimizer: str = _field("lars, adamw or muon", choices=("lars", "adamw", "muon"))
    learning_rate: float = _field(
        "at its peak, by the optimizer: for muon about 0.01, for adamw 0.001, for lars that of a batch of 256, scaled "
        "by batch / 256",
        ABOVE_0,
    )
    weight_decay: float = _field(
        "of the weights, not of biases and normalization (lars), or as in AdamW (adamw, muon)", FROM_0
    )
    warmup_epochs: float = _field("of linear warm-up of the learning rate, before its cosine to 0", FROM_0)
    tau_base: float = _field("the target's decay at the first update, from where it rises to 1", FROM_0_TO_1)
    precision: str = _field(
        "auto, float32, bfloat16 or float16", default="auto", choices=("auto", "float32", "bfloat16", "float16")
    )
    hidden_width: int = _field("units in the hidden layer of projector and predictor", WHOLE, 4096)
    projection_width: int = _field("units in the output of projector and predictor", WHOLE, 256)
    coding_rate_weight: float = _field(
        "of a term beside BYOL's loss that keeps the projections' dimensions in use; 0 is BYOL as in the paper",
        FROM_0,
        0.0,
    )
    # Other texts' objectives, none of which is the paper's: docs/objectives.md.
    center_weight: float = _field("of a center loss beside BYOL's; 0 is without", FROM_0, 0.0)
    reconstruction_weight: float = _field("of a decoder's squared error beside BYOL's loss; 0 is without", FROM_0, 0.0)
    critic_weight: float = _field("of an adversary of the embeddings beside BYOL's loss; 0 is without", FROM_0, 0.0)
    contrastive_temperature: float = _field(
        "of a contrastive loss, NT-Xent, in the place of BYOL's; 0 is BYOL's", FROM_0, 0.0
    )
    crop_area: float = _of_views(
        "smallest share of an image in a view; large, such as 0.5, where all show one thing at one place: faces",
        SHARE,
        0.08,
    )
    crop_aspect: tuple[float, float] = _of_views(
        "width / height of a crop, log-uniform", POSITIVE_RANGE, (3 / 4, 4 / 3)
    )
    flip: float = _of_views("probability of a horizontal flip", FROM_0_TO_1, 0.5)
    quarter_turn: float = _of_views(
        "probability of a turn by 90, 180 or 270 degrees; 0.75 makes all four sides alike",
        FROM_0_TO_1,
        0.0,
    )
    jitter: float = _of_views("probability of the four changes of color together", FROM_0_TO_1, 0.8)
    brightness: float = _of_views("largest change, added to pixels in [0, 1]", FROM_0_TO_1, 0.4)
    contrast: float = _of_views("largest change of its factor from 1", FROM_0_TO_1, 0.4)
    saturation: float = _of_views("largest change of its factor from 1", FROM_0_TO_1, 0.2)
    hue: float = _of_views("largest shift, in turns of the color wheel", HALF_TURN, 0.1)
    grayscale: float = _of_views("probability of a view without color", FROM_0_TO_1, 0.2)
    blur_sigma: tuple[float, float] = _of_views(
        "width of the Gaussian blur, in pixels, uniform", POSITIVE_RANGE, (0.1, 2.0)
    )
    view_1_blur: float = _of_views("probability that view 1 is blurred", FROM_0_TO_1, 1.0)
    view_2_blur: float = _of_views("probability that view 2 is blurred", FROM_0_TO_1, 0.1)
    view_1_solarize: float = _of_views("probability that view 1 is solarized", FROM_0_TO_1, 0.0)
    view_2_solarize: float = _of_views("probability that view 2 is solarized", FROM_0_TO_1, 0.2)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            # JSON knows no tuples, and writes 1.0 as people do: 1.
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Updates of a whole run, 1 at least, where an epoch has so many."""
        return max(1, round(self.epochs * steps_per_epoch))

    @classmethod
    def from_fields(cls, fields: Mapping) -> "Recipe":
        """The recipe of fields as they stand in a JSON file.

        Args:
            fields: values by the fields' names; those that have a default may be missing.

        Raises:
            InputError: for an unknown field, a missing one, or a value that it cannot have.
        """
        check_fields(cls, fields, "A recipe")
        return cls(**fields)


def check_fields(kind: type, names: Collection[str], what: str) -> None:
    """Checks that `names` are fields of a dataclass, and that none is missing that has no default.

    Args:
        kind: the dataclass.
        names: what was given.
        what: what it is for, the beginning of a sentence: "A recipe".

    Raises:
        InputError: naming the first that is unknown, or all that are missing.
    """
    known = {field.name: field for field in dataclasses.fields(kind)}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"its fields are {', '.join(known)}."
            raise InputError(f"{what} has no field {name!r}: {hint}")
    optional = (dataclasses.MISSING, dataclasses.MISSING)
    missing = [n for n, f in known.items() if (f.default, f.default_factory) == optional and n not in names]
    if missing:
        raise InputError(f"{what} needs a value for {', '.join(f'`{name}`' for name in missing)}.")


def _checked(field, value):
    """The value in the field's type; InputError where it cannot be."""
    valid, choices = field.metadata["valid"], field.metadata["choices"]
    if field.type is str:
        right, words = (
            isinstance(value, str) and (choices is None or value in choices),
            " or ".join(choices or ("a name",)),
        )
    elif field.type is int:
        right, words = isinstance(value, int) and not isinstance(value, bool) and valid[0](value), valid[1]
    elif field.type is float:
        right, words = _is_number(value) and valid[0](value), valid[1]
        value = float(value) if right else value
    else:
        right = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_number, value)) and valid[0](value)
        value, words = tuple(map(float, value)) if right else value, valid[1]
    if not right:
        raise InputError(f"`{field.name}` must be {words}. Received: {field.name}={value!r}")
    return value


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def short() -> Recipe:
    """A small encoder for short runs on a CPU: BYOL plus a coding-rate term, which `losses.coding_rate` describes.

    Many small steps by `Muon`, a low tau base, no tiny crops, no blur, which is strong on small images; narrow heads.

        byol-keras pretrain --data cifar10/train --out runs/cifar10 --recipe short

    On CIFAR-10, one seed: 20-NN 38.2 % untrained, 72.3 % trained, linear probe 42.3 and 74.4 %; at most 45 minutes of
    one core of an Intel Xeon, beside other work. With AdamW at 2e-3 67.8 and 68.7 %; without the term as well, with the
    paper's heads and blur and half that rate, 57.3 and 61.9 %.
    Its 32 px are for CIFAR-10; the command line fits them to the images, see `runs.image_size`.
    """
    return Recipe(
        backbone="resnet8x2",
        image_size=32,
        epochs=10,
        batch_size=64,
        optimizer="muon",
        learning_rate=1e-2,
        weight_decay=1e-4,
        warmup_epochs=0.5,
        tau_base=0.97,
        hidden_width=1024,
        coding_rate_weight=1.0,
        crop_area=0.2,
        view_1_blur=0.0,
        view_2_blur=0.0,
    )


def demo() -> Recipe:
    """BYOL as it is, with a small encoder: what `byol-keras demo` trains with, on 4,096 images it draws itself.

        byol-keras demo --out demo

    On 2 cores: 3 minutes for all of the demo; 20-NN 47.9 % untrained, 88.3 % trained; linear probe 41.5 and 83.9 %.
    With the heads, views and term of `short` 94.8 and 78.5 %: better neighbors, and a worse probe.
    """
    return dataclasses.replace(
        short(),
        backbone="resnet8",
        epochs=12,
        optimizer="adamw",
        learning_rate=1e-3,
        tau_base=0.95,
        hidden_width=4096,
        coding_rate_weight=0.0,
        view_1_blur=1.0,
        view_2_blur=0.1,
    )


def imagenet_40() -> Recipe:
    """The paper's ImageNet recipe for 40 epochs; needs accelerators for its batch of 4096. Not run here.

    byol-keras pretrain --data imagenet/train --out runs/imagenet --recipe imagenet_40
    """
    return _imagenet(epochs=40, learning_rate=0.45, weight_decay=1e-6, tau_base=0.97)


def imagenet_100() -> Recipe:
    """As `imagenet_40`, for 100 epochs."""
    return _imagenet(epochs=100, learning_rate=0.45, weight_decay=1e-6, tau_base=0.99)


def imagenet_300() -> Recipe:
    """As `imagenet_40`, for 300 epochs."""
    return _imagenet(epochs=300, learning_rate=0.3, weight_decay=1e-6, tau_base=0.99)


def imagenet_1000() -> Recipe:
    """As `imagenet_40`, for 1000 epochs: 74.3 % linear top-1 in the paper. Not run here."""
    return _imagenet(epochs=1000, learning_rate=0.2, weight_decay=1.5e-6, tau_base=0.996)


def imagenette() -> Recipe:
    """The authors' small recipe, ResNet-18 on Imagenette at 128 px: about 92.3 % online linear top-1 with them.

        byol-keras pretrain --data tfds:imagenette/160px --out runs/imagenette --recipe imagenette

    The warm-up and tau_base are those of ImageNet's 1000 epochs. Not run here: 1000 epochs take an accelerator.
    """
    return Recipe(
        backbone="resnet18",
        image_size=128,
        epochs=1000,
        batch_size=256,
        optimizer="lars",
        learning_rate=2.0,
        weight_decay=1e-6,
        warmup_epochs=10,
        tau_base=0.996,
    )


def _imagenet(epochs, learning_rate, weight_decay, tau_base):
    return Recipe(
        backbone="resnet50",
        image_size=224,
        epochs=epochs,
        batch_size=4096,
        optimizer="lars",
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup_epochs=10,
        tau_base=tau_base,
    )


PRESETS = (short, demo, imagenet_40, imagenet_100, imagenet_300, imagenet_1000, imagenette)
RECIPES = {preset.__name__: preset for preset in PRESETS}


def recipe_named(name: str) -> Recipe:
    """The preset called `name`.

    Raises:
        InputError: for an unknown name.
    """
    if name not in RECIPES:
        raise InputError(f"No recipe has this name; choose one of {', '.join(RECIPES)}. Received: recipe={name!r}")
    return RECIPES[name]()
