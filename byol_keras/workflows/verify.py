"""What `byol-keras verify` does: pairs of faces, or of anything, by the trained encoder and the same untrained."""

import dataclasses
import os
import time
from pathlib import Path

import numpy as np

from ..data import open_source
from ..data.containers.container import is_container
from ..data.containers.shard_manifest import is_shards
from ..data.exclude import excluding, matches
from ..data.folder import find_images
from ..data.images import ImageSource, evenly
from ..errors import InputError
from ..evaluation.embed import embed
from ..reports.charts import roc_chart
from ..runs.audio_recipe import require_image_run
from ..runs.build import trained_and_untrained
from ..runs.results import Result, check_results, results_of, write_results
from ..runs.run import Run
from ..runs.run_config import load_finished_run
from ..tasks.verification.dataset import VerificationPairs, fold_numbers, identity, locate_pairs, read_pairs
from ..tasks.verification.metrics import fold_accuracies, pair_similarities, roc_auc, true_accept_rate, whitening
from ..tasks.verification.model import mirror_averaged
from ..utils.atomic import write_files
from ..utils.extras import require_extra

# Enough for the covariance of embeddings with up to a thousand numbers.
IMAGES_FOR_WHITENING = 5000
FALSE_ACCEPTS = 0.01


def verify_run(
    folder: str | os.PathLike,
    data: str | os.PathLike,
    pairs_file: str | os.PathLike,
    folds: str | None = None,
    command: str = "",
) -> list[Result]:
    """Evaluates a run on pairs of images by the LFW protocol; writes RUN/results/verification.json and .png.

    The similarity is the cosine of the embeddings, each the mean over the image and its mirror image; by itself, and
    after a whitening learned, without labels, from the images that the run was trained on.

    Args:
        folder: the run.
        data: a folder of images, for each person a folder.
        pairs_file: see `read_pairs`.
        folds: such as "6-10", the folds to test on; None for all.
        command: the command line, for the results.

    Returns:
        list of `Result`: accuracy fold by fold, area under the ROC curve, true accepts at 1 % false accepts.

    Raises:
        InputError: for a run without an encoder, a bad file of pairs, missing images, or a run that was trained on
            people it is to be tested on.
    """
    started = time.monotonic()
    require_extra("Verification", "sklearn", "matplotlib")
    run = load_finished_run(folder)
    require_image_run(run.recipe, "verify")
    check_results(run)
    data = os.path.expanduser(data)
    if not os.path.isdir(data):
        raise InputError(f"No such folder: {data}")
    pairs = read_pairs(pairs_file)
    if folds is not None:
        pairs = pairs.in_folds(fold_numbers(folds))
    if len(np.unique(pairs.folds)) < 2:
        raise InputError(f"It takes 2 folds, since each is tested with what the others teach. Received: folds={folds}")
    names = find_images(data, run.value_range)
    a, b = locate_pairs(pairs, names, data).T
    # By the names of the files, of which the pairs may leave out the endings.
    pairs = dataclasses.replace(pairs, a=tuple(names[i] for i in a), b=tuple(names[i] for i in b))
    _check_unseen(run, data, pairs)

    source = open_source(data, value_range=run.value_range)
    places, numbers = np.unique(locate_pairs(pairs, source.names, data), return_inverse=True)
    tested, trained_on = source.subset(places), _images_for_whitening(run)
    similarity = _similarities(run, tested, trained_on, numbers.reshape(-1, 2))
    settings = {
        "folds": np.unique(pairs.folds).tolist(),
        "pairs": len(pairs),
        "images": len(tested),
        "images_for_whitening": len(trained_on),
        "pretraining_epochs": run.trained_epochs,
    }
    where = f"{data} ({os.path.basename(pairs_file)})"
    results = results_of("Verification", _figures(similarity, pairs), where, settings, started, command)
    write_results(run, "verification", results)
    write_files({run.results_path / "verification.png": roc_chart(pairs.same, similarity)})
    return results


def _similarities(run: Run, tested: ImageSource, trained_on: ImageSource, places: np.ndarray) -> dict[str, np.ndarray]:
    """Method -> (N,) similarities of the pairs at `places` (N, 2) in `tested`."""
    whitened, plain = {}, {}
    for name, encoder in trained_and_untrained(run).items():
        encoder = mirror_averaged(encoder)
        vectors = embed(encoder, tested)
        mean, matrix = whitening(embed(encoder, trained_on))
        whitened[name] = pair_similarities((vectors - mean) @ matrix, places)
        plain[f"{name}, not whitened"] = pair_similarities(vectors, places)
    return whitened | plain


def _figures(similarity: dict[str, np.ndarray], pairs: VerificationPairs) -> dict[str, dict[str, list[float]]]:
    """Metric -> method -> floats: accuracies fold by fold, the others over all pairs."""
    same = pairs.same
    return {
        "accuracy": {name: fold_accuracies(values, same, pairs.folds) for name, values in similarity.items()},
        "ROC AUC": {name: [roc_auc(values, same)] for name, values in similarity.items()},
        f"true accepts at {100 * FALSE_ACCEPTS:g} % false": {
            name: [true_accept_rate(values, same, FALSE_ACCEPTS)] for name, values in similarity.items()
        },
    }


def _images_for_whitening(run: Run) -> ImageSource:
    """Those the run was trained on, at most IMAGES_FOR_WHITENING of them, evenly taken."""
    source = excluding(open_source(run.data, value_range=run.value_range), run.exclude)
    return source.subset(evenly(len(source), IMAGES_FOR_WHITENING))


def _check_unseen(run: Run, data: str | os.PathLike, pairs: VerificationPairs) -> None:
    """Raises InputError where the run was trained on images of those in the pairs."""
    source = os.path.expanduser(run.data)
    if not os.path.isdir(source) or is_container(source) or is_shards(source):
        print(
            f"{run.data} is no folder of image files: whether the run was trained on those in the pairs has not been "
            "checked."
        )
        return
    exclude = set(run.exclude)
    names = [name for name in find_images(source, run.value_range) if not matches(name, exclude)]
    trained = {place for name in names for place in _places(source, name)}
    folders = {Path(folder) for folder in {os.path.dirname(place) for place in trained}}
    trained |= {str(above) for folder in folders for above in (folder, *folder.parents)}
    seen = {}
    for fold in np.unique(pairs.folds):
        identities = pairs.in_folds([fold]).identities()
        seen[int(fold)] = sum(not trained.isdisjoint(_places(data, name)) for name in identities)
    if not any(seen.values()):
        if alike := {identity(name) for name in names if "/" in name} & pairs.identities():
            print(
                f"{len(alike):,} of the identities have the names of folders in {run.data}, which the run was trained "
                "on: if they are the same people, it has seen them, and the figures are too good."
            )
        return
    unseen = ",".join(str(fold) for fold, count in seen.items() if not count)
    remedy = f"test on the folds {unseen}, or " if unseen.count(",") else ""
    raise InputError(
        f"{run.folder} was trained on images of {sum(seen.values()):,} of the identities in folds "
        f"{', '.join(str(fold) for fold, count in seen.items() if count)}: {remedy}pretrain without them, see "
        "`byol-keras identities`."
    )


def _places(folder: str | os.PathLike, name: str) -> set[str]:
    """Where a file or folder below `folder` is, by its name and behind links: a split of a folder is made of these."""
    return {os.path.join(os.path.realpath(folder), name), os.path.realpath(os.path.join(folder, name))}
