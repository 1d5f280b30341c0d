"""What every training has, whatever it reads: the base of the recipes, and the checks of their fields."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Self

from ..errors import InputError

# What a value must be: a test of it, and the words for it.
WHOLE_FROM_0 = (lambda value: value >= 0, "a whole number from 0")
WHOLE = (lambda value: value >= 1, "a whole number from 1")
# More than that is mistyped, and would overflow the 64 bits of what is computed from it.
UP_TO_MILLION = (lambda value: 1 <= value <= 1_000_000, "a whole number from 1 to 1000000")
EPOCHS = (lambda value: 0 < value <= 1_000_000, "above 0 and at most 1000000")
ABOVE_0 = (lambda value: value > 0, "above 0")
FROM_0 = (lambda value: value >= 0, "0 or above")
SHARE = (lambda value: 0 < value <= 1, "above 0 and at most 1")
BELOW_1 = (lambda value: 0 <= value < 1, "from 0 to below 1")
FROM_0_TO_1 = (lambda value: 0 <= value <= 1, "from 0 to 1")
HALF_TURN = (lambda value: 0 <= value <= 0.5, "from 0 to 0.5")
POSITIVE_RANGE = (lambda value: 0 < value[0] <= value[1], "two numbers above 0, the lower one first")


def recipe_field(
    help: str,
    valid: tuple[Callable, str] | None = None,
    default: Any = dataclasses.MISSING,
    choices: Sequence[str] | None = None,
    view: bool = False,
) -> Any:
    """A field of a recipe, which is a flag of the command line as well.

    Args:
        help: what it means.
        valid: a test of its value and the words for it, such as WHOLE; not for texts.
        default: its value where none is given; without one it must be given.
        choices: of a text, what it may be.
        view: whether it decides on the views.
    """
    metadata = {"help": help, "valid": valid, "choices": choices, "view": view}
    return dataclasses.field(default=default, metadata=metadata)


def view_field(help: str, valid: tuple[Callable, str], default: Any) -> Any:
    """A field of the two views, with the paper's value."""
    return recipe_field(help, valid, default, view=True)


@dataclasses.dataclass(frozen=True)
class TrainingRecipe:
    """How a run trains, but for its views: `Recipe` is of images, `AudioRecipe` of recordings.

    Raises:
        InputError: for a value that a field cannot have.
    """

    backbone: str = recipe_field("resnet8, resnet8x2, resnet10, resnet18, resnet34 or resnet50")
    epochs: float = recipe_field("passes over the images; the last may be a part of one", EPOCHS)
    batch_size: int = recipe_field("images in one update", WHOLE)
    optimizer: str = recipe_field("lars, adamw or muon", choices=("lars", "adamw", "muon"))
    learning_rate: float = recipe_field(
        "at its peak, by the optimizer: for muon about 0.01, for adamw 0.001, for lars that of a batch of 256, scaled "
        "by batch / 256",
        ABOVE_0,
    )
    weight_decay: float = recipe_field(
        "of the weights, not of biases and normalization (lars), or as in AdamW (adamw, muon)", FROM_0
    )
    warmup_epochs: float = recipe_field("of linear warm-up of the learning rate, before its cosine to 0", FROM_0)
    tau_base: float = recipe_field("the target's decay at the first update, from where it rises to 1", FROM_0_TO_1)
    precision: str = recipe_field(
        "auto, float32, bfloat16 or float16", default="auto", choices=("auto", "float32", "bfloat16", "float16")
    )
    hidden_width: int = recipe_field("units in the hidden layer of projector and predictor", UP_TO_MILLION, 4096)
    projection_width: int = recipe_field("units in the output of projector and predictor", UP_TO_MILLION, 256)
    coding_rate_weight: float = recipe_field(
        "of a term beside BYOL's loss that keeps the projections' dimensions in use; 0 is BYOL as in the paper",
        FROM_0,
        0.0,
    )
    # Other texts' objectives, none of which is the paper's: docs/objectives.md.
    center_weight: float = recipe_field("of a center loss beside BYOL's; 0 is without", FROM_0, 0.0)
    reconstruction_weight: float = recipe_field(
        "of a decoder's squared error beside BYOL's loss; 0 is without", FROM_0, 0.0
    )
    critic_weight: float = recipe_field(
        "of an adversary of the embeddings beside BYOL's loss; 0 is without", FROM_0, 0.0
    )
    contrastive_temperature: float = recipe_field(
        "of a contrastive loss, NT-Xent, in the place of BYOL's; 0 is BYOL's", FROM_0, 0.0
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            # JSON knows no tuples, and writes 1.0 as people do: 1.
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Updates of a whole run, 1 at least, where an epoch has so many."""
        return max(1, round(self.epochs * steps_per_epoch))

    @property
    def view_size(self) -> int | tuple[int, int]:
        """S of square views; of recordings' spectrograms bands and frames."""
        raise NotImplementedError

    @property
    def described_size(self) -> str:
        """The size of a view for people: "32 px"."""
        raise NotImplementedError

    @classmethod
    def from_fields(cls, fields: Mapping) -> Self:
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
