"""What a run is made of: its encoder, model, optimizer and views, from its recipe and seed."""

import keras
import numpy as np

from ..augment import VIEW_1, VIEW_2, TwoViews
from ..byol import BYOL
from ..data.eval_pipeline import ordered_batches
from ..data.images import evenly
from ..errors import InputError
from ..lars import LARS
from ..models.keras_cv_backbone import keras_cv_backbone
from ..models.resnet import build_resnet
from ..precision import policy_scope
from ..schedules import warmup_cosine
from .run import Run

# Enough images for a mean and a deviation that no longer move in the third digit.
IMAGES_FOR_STATISTICS = 5000


def build_encoder(run: Run, seed: int | None = None) -> keras.Model:
    """The run's encoder as it was before training: the same recipe, seed and pixel statistics.

    Args:
        run: `Run`.
        seed: of other weights than those that training began with; None for these.

    Returns:
        keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D) float32.
    """
    keras.utils.set_random_seed(run.seed if seed is None else seed)
    shape = (run.recipe.image_size, run.recipe.image_size, run.channels)
    return build_resnet(run.recipe.backbone, input_shape=shape, mean=run.mean, std=run.std)


def trained_and_untrained(run: Run) -> dict[str, keras.Model]:
    """Method -> encoder, as results have them: the run's "pretrained" one, and the same "untrained"."""
    return {"pretrained": run.encoder, "untrained": build_encoder(run)}


def require_backbone(run: Run) -> None:
    """Raises InputError where the run's encoder cannot be a backbone for detection and segmentation."""
    try:
        keras_cv_backbone(run.encoder)
    except InputError as error:
        raise InputError(f"{run.encoder_path}: {error}") from error


def build_model(run, policy, total_steps, steps):
    """The compiled BYOL of a run, with fresh weights, its layers under the dtype policy `policy`."""
    with policy_scope(policy):
        model = BYOL(build_encoder(run))
    model.compile(optimizer=build_optimizer(run.recipe, total_steps, round(run.recipe.warmup_epochs * steps)))
    return model


def build_optimizer(recipe, total_steps, warmup_steps):
    """The recipe's optimizer, with the paper's schedule of the learning rate."""
    warmup_steps = min(warmup_steps, total_steps - 1)
    if recipe.optimizer == "lars":
        schedule = warmup_cosine(recipe.learning_rate, recipe.batch_size, total_steps, warmup_steps)
        return LARS(schedule, weight_decay=recipe.weight_decay)
    if recipe.optimizer == "adamw":
        # Adam's step does not grow with the batch, so no scaling by batch / 256.
        schedule = warmup_cosine(recipe.learning_rate, 256, total_steps, warmup_steps)
        return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    raise InputError(f"No optimizer is called {recipe.optimizer!r}; choose lars or adamw.")


def build_views(recipe):
    """The paper's two views, with the recipe's image size and smallest crop."""
    area = {"crop_area": (recipe.crop_area, 1.0)}
    return TwoViews(recipe.image_size, view_1={**VIEW_1, **area}, view_2={**VIEW_2, **area})


def pixel_statistics(source, image_size):
    """Mean and standard deviation of each channel, lists of floats, of at most IMAGES_FOR_STATISTICS images."""
    sample = evenly(len(source), IMAGES_FOR_STATISTICS)
    count, total, squares = 0, 0.0, 0.0
    for batch in ordered_batches(source.subset(sample), image_size):
        pixels = np.asarray(batch, np.float64).reshape(-1, source.channels)
        count, total, squares = count + len(pixels), total + pixels.sum(0), squares + np.square(pixels).sum(0)
    mean = total / count
    # Images of one flat color have no deviation to divide by.
    std = np.sqrt(np.maximum(squares / count - np.square(mean), 1e-6))
    return [round(float(m), 4) for m in mean], [round(float(s), 4) for s in std]
