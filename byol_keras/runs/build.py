"""What a run is made of: its encoder, model, optimizer and views, from its recipe and seed."""

from collections.abc import Sequence

import keras
import numpy as np

from ..augment import AudioViews, TwoViews
from ..byol import BYOL
from ..callbacks.online_knn import OnlineKNN
from ..data import open_source
from ..data.channels import with_channels
from ..data.eval_pipeline import ordered_batches
from ..data.images import ImageSource, evenly
from ..data.lost_files import naming_lost_files
from ..data.recordings import with_rate
from ..data.variety import Variety
from ..errors import InputError
from ..models.fingerprint import fingerprint
from ..models.heads import mlp
from ..models.keras_cv_backbone import keras_cv_backbone
from ..models.layers import CodingRateTerm
from ..models.resnet import build_resnet
from ..objectives import CenterTerm, CriticTerm, NTXent, ReconstructionTerm
from ..optimizers import LARS, Muon
from ..precision import dtype_policy, policy_scope
from ..schedules import warmup_cosine
from ..utils.progress import print_beside
from .audio_recipe import AudioRecipe
from .recipe_fields import TrainingRecipe
from .run import Run
from .start import start_encoder, start_from_weights

# Embedded after every epoch, so no more than a standard deviation of one point needs.
IMAGES_FOR_PROBE = 2000
# Enough images for a mean and an std that no longer move in the third digit.
IMAGES_FOR_STATISTICS = 5000


# What jitter changes, by the names that recipes and views have in common.
COLORS = ("brightness", "contrast", "saturation", "hue")


def build_encoder(run: Run, seed: int | None = None) -> keras.Model:
    """The run's encoder with random weights: the same recipe, seed and pixel statistics.

    Args:
        run: `Run`.
        seed: of the weights; None for the run's own, with which training began unless it has a `start_from`.

    Returns:
        keras.Model, (B, S, S, C), of recordings (B, 64, frames, 1), float32 in [0, 1] -> (B, D) float32.
    """
    keras.utils.set_random_seed(run.seed if seed is None else seed)
    recipe, statistics = run.recipe, {"mean": run.mean, "std": run.std}
    if isinstance(recipe, AudioRecipe):
        statistics["sample_rate"] = recipe.sample_rate
        return build_resnet(recipe.backbone, input_shape=(*recipe.view_size, run.channels), **statistics)
    shape = (recipe.image_size, recipe.image_size, run.channels)
    return build_resnet(recipe.backbone, input_shape=shape, **statistics)


def trained_and_untrained(run: Run) -> dict[str, keras.Model]:
    """Method -> encoder, as results have them: the run's "pretrained" one, and the same "untrained"."""
    return {"pretrained": run.encoder, "untrained": untrained_encoder(run)}


def untrained_encoder(run: Run) -> keras.Model:
    """The encoder with the weights that training began with: those of `start_from`, where the run has one.

    Where these are gone, or others have taken their place, it has random ones, as a line on stderr says.
    """
    untrained = build_encoder(run)
    if run.start_from is not None:
        try:
            _begin_with_start(untrained, run)
        except InputError as error:
            print_beside(
                f"{run.folder}: the weights that it started from cannot be had, so untrained is random: {error}"
            )
    return untrained


def _begin_with_start(encoder, run):
    start = start_encoder(run.start_from, run.channels)
    if run.start_weights not in (None, fingerprint(start)):
        raise InputError(f"{run.start_from} has other weights than when {run.folder} began with them.")
    start_from_weights(encoder, start, run.start_from)


def require_backbone(run: Run) -> None:
    """Raises InputError where the run's encoder cannot be a backbone for detection and segmentation."""
    if run.value_range is not None:
        low, high = run.value_range
        raise InputError(
            "Detection and segmentation read images as 8 bits, and this run was trained on values from "
            f"{low:g} to {high:g}: pretrain without a `value_range`."
        )
    try:
        keras_cv_backbone(run.encoder)
    except InputError as error:
        raise InputError(f"{run.encoder_path}: {error}") from error


def build_model(run: Run, policy: str, total_steps: int, steps: int) -> BYOL:
    """The compiled BYOL of a run, as training begins.

    Args:
        run: `Run`.
        policy: name of the layers' dtype policy.
        total_steps: updates of the whole run.
        steps: updates of an epoch.

    Raises:
        InputError: where the weights that it starts from cannot be had any more.
    """
    recipe = run.recipe
    hidden, output = recipe.hidden_width, recipe.projection_width
    with policy_scope(policy):
        encoder = build_encoder(run)
        if run.start_from is not None:
            _begin_with_start(encoder, run)
        projector = mlp(encoder.output_shape[-1], hidden, output, name="projector")
        if recipe.coding_rate_weight:
            projector.add(CodingRateTerm(recipe.coding_rate_weight))
        predictor = mlp(output, hidden, output, name="predictor")
        loss = NTXent(recipe.contrastive_temperature) if recipe.contrastive_temperature else None
        # Views of recordings remember others, so they are a part of the model, and those of images of the pipeline.
        augmenter = build_views(recipe, run) if isinstance(recipe, AudioRecipe) else None
        model = BYOL(encoder, projector, predictor, augmenter, loss, extra_losses=build_extra_losses(recipe))
    model.compile(optimizer=build_optimizer(recipe, total_steps, round(recipe.warmup_epochs * steps)))
    return model


def build_extra_losses(recipe: TrainingRecipe) -> list[keras.layers.Layer]:
    """The terms beside BYOL's loss to which the recipe gives a weight."""
    weights = {
        CenterTerm: recipe.center_weight,
        ReconstructionTerm: recipe.reconstruction_weight,
        CriticTerm: recipe.critic_weight,
    }
    return [term(weight) for term, weight in weights.items() if weight]


def run_model(run: Run, steps: int) -> BYOL:
    """The run's model as training begins, where an epoch has so many steps."""
    return build_model(run, dtype_policy(run.recipe.precision), run.recipe.total_steps(steps), steps)


def build_optimizer(recipe: TrainingRecipe, total_steps: int, warmup_steps: int) -> keras.optimizers.Optimizer:
    """The recipe's optimizer, with the paper's schedule of the learning rate."""
    warmup_steps = min(warmup_steps, total_steps - 1)
    if recipe.optimizer == "lars":
        schedule = warmup_cosine(recipe.learning_rate, recipe.batch_size, total_steps, warmup_steps)
        return LARS(schedule, weight_decay=recipe.weight_decay)
    # The steps of these two do not grow with the batch, so no scaling by batch / 256.
    schedule = warmup_cosine(recipe.learning_rate, 256, total_steps, warmup_steps)
    if recipe.optimizer == "muon":
        precision = "float32" if recipe.precision == "float16" else recipe.precision
        return Muon(schedule, weight_decay=recipe.weight_decay, precision=precision)
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)


def build_views(recipe: TrainingRecipe, run: Run | None = None) -> TwoViews | AudioViews:
    """The recipe's two views; those of images differ in how often they are blurred and solarized.

    Args:
        recipe: `Recipe` or `AudioRecipe`.
        run: of the recipe, for the seed and the statistics of recordings' views; without it they keep their own.
    """
    if isinstance(recipe, AudioRecipe):
        names = ("frames", "mixup", "mixup_memory", "canvas", "frequency_scale", "time_scale")
        of_run = {} if run is None else {"mean": run.mean[0], "std": run.std[0], "seed": run.seed}
        return AudioViews(**{name: getattr(recipe, name) for name in names}, **of_run)
    names = ("crop_aspect", "flip", "quarter_turn", "jitter", *COLORS, "grayscale", "blur_sigma")
    common = {"crop_area": (recipe.crop_area, 1.0), **{name: getattr(recipe, name) for name in names}}
    return TwoViews(
        recipe.image_size,
        view_1={**common, "blur": recipe.view_1_blur, "solarize": recipe.view_1_solarize},
        view_2={**common, "blur": recipe.view_2_blur, "solarize": recipe.view_2_solarize},
    )


def pixel_statistics(
    source: ImageSource, image_size: int | tuple[int, int], variety: Variety | None = None
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, in [0, 1], of at most IMAGES_FOR_STATISTICS images of a source.

    Args:
        source: `ImageSource`.
        image_size: pixels, of the squares that are looked at; or (F, W) of recordings, see `ordered_batches`.
        variety: takes note of the same images.
    """
    sample = source.subset(evenly(len(source), IMAGES_FOR_STATISTICS))
    count, total, squares = 0, 0.0, 0.0
    with naming_lost_files(sample):
        for batch in ordered_batches(sample, image_size):
            if variety is not None:
                variety.add(batch)
            pixels = np.asarray(batch, np.float64).reshape(-1, source.channels)
            count, total, squares = count + len(pixels), total + pixels.sum(0), squares + np.square(pixels).sum(0)
    mean = total / count
    # Images of one flat color have no std to divide by.
    std = np.sqrt(np.maximum(squares / count - np.square(mean), 1e-6))
    return [round(float(m), 4) for m in mean], [round(float(s), 4) for s in std]


def as_recipe_takes(source: ImageSource, recipe: TrainingRecipe, channels: int) -> ImageSource:
    """A source with so many channels, or at the recipe's sample rate.

    Raises:
        InputError: where these are recordings and the recipe is of images, or the other way round.
    """
    is_audio = isinstance(recipe, AudioRecipe)
    if (source.sample_rate is not None) != is_audio:
        have, are = ("images", "recordings") if is_audio else ("recordings", "images")
        raise InputError(f"These are {have}, and the recipe is for {are}. Choose one for {have}.")
    return with_rate(source, recipe.sample_rate) if is_audio else with_channels(source, channels)


def build_probe(
    data: str | None, recipe: TrainingRecipe, channels: int, value_range: Sequence[float] | None = None
) -> list[OnlineKNN]:
    """A list of the callback that watches training by the labeled images of `data`; empty where that is None."""
    if data is None:
        return []
    try:
        source = as_recipe_takes(open_source(data, value_range=value_range), recipe, channels)
        return [OnlineKNN(source.subset(evenly(len(source), IMAGES_FOR_PROBE)))]
    except InputError as error:
        raise InputError(f"{error} Received: probe={data}") from error
