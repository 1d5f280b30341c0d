"""Training recipes: what `pretrain` is given, and the presets.

A preset's docstring holds its exact command, what to expect, and how long it takes.
"""

import dataclasses
from collections.abc import Mapping

from ..errors import InputError
from .audio_recipe import AudioRecipe
from .audio_recipe import audio as audio
from .recipe_fields import (
    FROM_0_TO_1,
    HALF_TURN,
    POSITIVE_RANGE,
    SHARE,
    UP_TO_MILLION,
    TrainingRecipe,
    recipe_field,
    view_field,
)
from .view_presets import view_fields as view_fields


@dataclasses.dataclass(frozen=True)
class _First:
    """The first two fields of `Recipe`, which come before those of its base."""

    backbone: str
    image_size: int = recipe_field("pixels, height and width of the views", UP_TO_MILLION, view=True)


@dataclasses.dataclass(frozen=True)
class Recipe(TrainingRecipe, _First):
    """Everything that decides how a run on images trains, but for the images and the seed.

    What each field means stands in its `help`, which `byol-keras pretrain --help` prints: every field is a flag there.
    Those of the views have the paper's values: Grill et al. 2020, appendix B, see `augment.VIEW_1`.

    Raises:
        InputError: for a value that a field cannot have.

    Example:
        recipe = dataclasses.replace(bk.recipes.short(), epochs=50, tau_base=0.99)
    """

    crop_area: float = view_field(
        "smallest share of an image in a view; large, such as 0.5, where all show one thing at one place: faces",
        SHARE,
        0.08,
    )
    crop_aspect: tuple[float, float] = view_field(
        "width / height of a crop, log-uniform", POSITIVE_RANGE, (3 / 4, 4 / 3)
    )
    flip: float = view_field("probability of a horizontal flip", FROM_0_TO_1, 0.5)
    quarter_turn: float = view_field(
        "probability of a turn by 90, 180 or 270 degrees; 0.75 makes all four sides alike",
        FROM_0_TO_1,
        0.0,
    )
    jitter: float = view_field("probability of the four changes of color together", FROM_0_TO_1, 0.8)
    brightness: float = view_field("largest change, added to pixels in [0, 1]", FROM_0_TO_1, 0.4)
    contrast: float = view_field("largest change of its factor from 1", FROM_0_TO_1, 0.4)
    saturation: float = view_field("largest change of its factor from 1", FROM_0_TO_1, 0.2)
    hue: float = view_field("largest shift, in turns of the color wheel", HALF_TURN, 0.1)
    grayscale: float = view_field("probability of a view without color", FROM_0_TO_1, 0.2)
    blur_sigma: tuple[float, float] = view_field(
        "width of the Gaussian blur, in pixels, uniform", POSITIVE_RANGE, (0.1, 2.0)
    )
    view_1_blur: float = view_field("probability that view 1 is blurred", FROM_0_TO_1, 1.0)
    view_2_blur: float = view_field("probability that view 2 is blurred", FROM_0_TO_1, 0.1)
    view_1_solarize: float = view_field("probability that view 1 is solarized", FROM_0_TO_1, 0.0)
    view_2_solarize: float = view_field("probability that view 2 is solarized", FROM_0_TO_1, 0.2)

    @property
    def view_size(self) -> int:
        return self.image_size

    @property
    def described_size(self) -> str:
        return f"{self.image_size} px"


def short() -> Recipe:
    """A small encoder for short runs on a CPU: BYOL plus a coding-rate term, which `losses.coding_rate` describes.

    Many small steps by `Muon`, a low tau base, no tiny crops, no blur, which is strong on small images; narrow heads.

        byol-keras pretrain --data cifar10/train --out runs/cifar10 --recipe short

    On CIFAR-10, two seeds: 20-NN 38 % untrained, 72.3 and 71.9 % trained, linear probe 42 and 74.4, 74.6 %; at most 45
    minutes of one core of an Intel Xeon, beside other work, or 65 of two of an AMD EPYC without AVX-512. With AdamW at
    2e-3 67.8 and 68.7 %; without the term as well, with the paper's heads and blur and half that rate, 57.3 and 61.9 %.
    On Imagenette at 64 px, 20 epochs, one seed: 20-NN 39.1 % untrained, 71.0 % trained, linear probe 47.9 and 74.9 %.
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

    On 2 cores 2.5 to 5 minutes for all of the demo, 9 without AVX-512; 20-NN 47.9 % untrained, 88.3 % trained; linear
    probe 41.5 and 83.9 %. With the heads, views and term of `short` 94.8 and 78.5 %: better neighbors and a worse
    probe.
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


PRESETS = (short, demo, imagenet_40, imagenet_100, imagenet_300, imagenet_1000, imagenette, audio)
RECIPES = {preset.__name__: preset for preset in PRESETS}


def recipe_kind(fields: Mapping) -> type[TrainingRecipe]:
    """What fields of a JSON file are a recipe of: `AudioRecipe` where they have `frames`, else `Recipe`."""
    return AudioRecipe if "frames" in fields else Recipe


def recipe_named(name: str) -> TrainingRecipe:
    """The preset called `name`.

    Raises:
        InputError: for an unknown name.
    """
    if name not in RECIPES:
        raise InputError(f"No recipe has this name; choose one of {', '.join(RECIPES)}. Received: recipe={name!r}")
    return RECIPES[name]()
