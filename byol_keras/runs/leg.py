"""The legs of a run's training: the one it began with, and one for each time it was extended."""

import dataclasses

from ..errors import InputError
from .recipe_fields import TrainingRecipe
from .run import Run


@dataclasses.dataclass(frozen=True)
class Leg:
    """Steps `first` to `last` - 1 of a run: the learning rate and tau go once through their schedules in them.

    Attributes:
        epochs: of the run, from its beginning to the end of the leg.
        first, last: of the steps, counted from the beginning of the run.
        warmup_steps: of the learning rate, from `first` on; fewer than all.
    """

    epochs: float
    first: int
    last: int
    warmup_steps: int

    @property
    def steps(self) -> int:
        return self.last - self.first


def legs_of(run: Run, steps_per_epoch: int) -> list[Leg]:
    """All legs of a run in their order, the one under way and those to come included: one, or more if it was extended.

    Args:
        run: `Run`.
        steps_per_epoch: updates of an epoch.
    """
    legs, first = [], 0
    for epochs in dict.fromkeys([*run.legs, run.recipe.epochs]):
        last = dataclasses.replace(run.recipe, epochs=epochs).total_steps(steps_per_epoch)
        warmup_steps = min(round(run.recipe.warmup_epochs * steps_per_epoch), last - first - 1)
        legs.append(Leg(epochs, first, last, warmup_steps))
        first = last
    return legs


def extended(run: Run, epochs: float) -> Run:
    """A finished run as it is from the beginning of its next leg on; nothing is written.

    Args:
        run: `Run`.
        epochs: of all its training, above those of its recipe.

    Returns:
        `Run`, no longer finished.

    Raises:
        InputError: where the run is not finished, or has as many epochs already.
    """
    recipe = dataclasses.replace(run.recipe, epochs=epochs)
    if not run.is_finished:
        raise InputError(
            f"{run.folder} is not finished, and resumes to the {run.recipe.epochs:g} epochs that were settled: leave "
            f"out `epochs`, and extend it once it is finished. Received: epochs={epochs}"
        )
    if recipe.epochs <= run.recipe.epochs:
        raise InputError(
            f"`epochs` must be above the {run.recipe.epochs:g} that {run.folder} was trained for. "
            f"Received: epochs={epochs}"
        )
    return dataclasses.replace(run, recipe=recipe, legs=run.legs or [run.recipe.epochs])


def long_warmup(leg: Leg) -> str | None:
    """A line where the learning rate rises for more than half of a leg, as with many warm-up epochs of few."""
    if 2 * leg.warmup_steps <= leg.steps:
        return None
    return (
        f"The learning rate rises for {leg.warmup_steps:,} of {leg.steps:,} steps, and has to fall to 0 in the others: "
        "`warmup_epochs` sets fewer."
    )


def schedule_line(recipe: TrainingRecipe, leg: Leg) -> str:
    """What a leg that extends a run does, on one line."""
    steps = f"{leg.warmup_steps:,} {'step' if leg.warmup_steps == 1 else 'steps'}"
    begin = f"rises from 0 to its peak over {steps} and falls" if leg.warmup_steps else "falls from its peak"
    return (
        f"Extending the run by {leg.steps:,} steps, to {leg.epochs:g} epochs: the learning rate {begin} to 0 along a "
        f"cosine, tau rises from {recipe.tau_base:g} to 1, the optimizer begins anew."
    )
