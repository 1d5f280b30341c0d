"""What an evaluation says of a run, in words."""

from collections.abc import Sequence

from .classification_results import MAJORITY
from .gain import gain, sampling_error
from .results import Result
from .run import Run

# Standard deviations from which on a gain is taken for one.
CLEAR = 2


def verdict(run: Run, results: Sequence[Result]) -> list[str]:
    """Says so where pretraining did not help, and where the encoder is no better than the most common class.

    Args:
        run: `Run`.
        results: what `evaluate_run` gives.

    Returns:
        list of str, a line each; none where both are well.
    """
    figures = [result for result in results if result.metric == "accuracy"]
    lines = []
    if not any(_is_ahead(result, "untrained") for result in figures):
        leads = ", ".join(f"{100 * gain(result, 'untrained')[0]:+.1f}" for result in figures)
        lines.append(
            f"Pretraining has not clearly helped: {leads} points over the same encoder untrained, none by "
            f"{CLEAR} standard deviations.{_updates(run)} Pretrain for more epochs or in smaller batches, and "
            "see with `byol-keras views` whether two views of an image still show the same thing."
        )
    if not any(_is_ahead(result, MAJORITY) for result in figures):
        share = 100 * figures[0].scores[MAJORITY][0]
        lines.append(
            f"The encoder is not clearly better than always answering the most common class, {share:.1f} %: see the "
            "balanced accuracy."
        )
    return lines


def _is_ahead(result, method):
    mean, std = gain(result, method)
    # Label subsets may agree by far more closely than the few test images that they share allow.
    return mean > CLEAR * max(std or 0.0, sampling_error(result, method))


def _updates(run):
    if run.image_count is None:
        return ""
    return f" It made {run.recipe.total_steps(run.image_count // run.recipe.batch_size):,} updates."
