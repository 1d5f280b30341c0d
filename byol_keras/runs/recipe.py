"""Training recipes: what `pretrain` is told, and the presets.

A preset's docstring holds its exact command, what to expect, and how long it takes.
"""

import dataclasses

from ..errors import InputError


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a run trains, but for the images and the seed.

    Attributes:
        backbone: a name in `models.resnet.RESNETS`.
        image_size: pixels, height and width of the views.
        epochs: passes over the images.
        batch_size: images in one update.
        optimizer: "lars" or "adamw".
        learning_rate: of a batch of 256; scaled by batch_size / 256 for LARS, taken as it is for AdamW.
        weight_decay: see `LARS`, or Keras' AdamW.
        warmup_epochs: epochs of linear warm-up, before the cosine to 0.
        tau_base: the target's decay at the first update, see `TargetEMA`.
        crop_area: smallest share of the image a crop covers; the paper's is 0.08.
        precision: "auto", "float32", "bfloat16" or "float16", see `precision.dtype_policy`.
    """

    backbone: str
    image_size: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    warmup_epochs: float
    tau_base: float
    crop_area: float = 0.08
    precision: str = "auto"

    def __post_init__(self):
        for name in ("image_size", "epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} must be a whole number from 1. Received: {name}={value!r}")
        if not 0 < self.crop_area <= 1:
            raise InputError(f"--crop-area must be above 0 and at most 1. Received: {self.crop_area!r}")


def short():
    """A small encoder for short runs on a CPU: many small steps, a low tau base, no tiny crops.

    byol-keras pretrain --data cifar10/train --out runs/cifar10 --recipe short

    On CIFAR-10: 29 minutes of one core with bfloat16 units; 20-NN 38.5 % untrained, 56.6 % trained.
    """
    return Recipe(
        backbone="resnet8x2",
        image_size=32,
        epochs=10,
        batch_size=64,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=1e-4,
        warmup_epochs=0.5,
        tau_base=0.97,
        crop_area=0.2,
    )


def demo():
    """`short` with a smaller encoder: what `byol-keras demo` trains with, on 4,096 images it draws itself.

    byol-keras demo --out demo

    On 2 cores: 3 minutes for all of the demo; 20-NN 47.9 % untrained, 88.1 % trained.
    """
    return dataclasses.replace(short(), backbone="resnet8", epochs=12, tau_base=0.95)


def imagenet_40():
    """The paper's ImageNet recipe for 40 epochs; needs accelerators for its batch of 4096. Not run here.

    byol-keras pretrain --data imagenet/train --out runs/imagenet --recipe imagenet_40
    """
    return _imagenet(epochs=40, learning_rate=0.45, weight_decay=1e-6, tau_base=0.97)


def imagenet_100():
    """As `imagenet_40`, for 100 epochs."""
    return _imagenet(epochs=100, learning_rate=0.45, weight_decay=1e-6, tau_base=0.99)


def imagenet_300():
    """As `imagenet_40`, for 300 epochs."""
    return _imagenet(epochs=300, learning_rate=0.3, weight_decay=1e-6, tau_base=0.99)


def imagenet_1000():
    """As `imagenet_40`, for 1000 epochs: 74.3 % linear top-1 in the paper. Not run here."""
    return _imagenet(epochs=1000, learning_rate=0.2, weight_decay=1.5e-6, tau_base=0.996)


def imagenette():
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


def recipe_named(name):
    """The preset called `name`.

    Raises:
        InputError: for an unknown name.
    """
    if name not in RECIPES:
        raise InputError(f"No recipe is called {name!r}; choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]()
