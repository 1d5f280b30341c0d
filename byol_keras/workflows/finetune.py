"""What `byol-keras finetune` does: few labels, the whole network trained on them, from pretraining and from scratch."""

import dataclasses
import os
import time

import numpy as np

from ..data.images import ImageSource
from ..data.labeled import class_names_of, open_train_and_test
from ..errors import InputError
from ..evaluation.embed import embed
from ..evaluation.label_subsets import label_subsets
from ..evaluation.linear_head import LinearHead, logits
from ..models.fingerprint import fingerprint
from ..runs.build import build_encoder, untrained_encoder
from ..runs.classification_results import classification_results
from ..runs.classifier import write_classifier
from ..runs.results import Result, check_results, results_name, share, write_results
from ..runs.run import Run
from ..runs.run_config import load_finished_run
from ..tasks.classification.model import predict_probabilities
from ..tasks.classification.train import FinetuneConfig, finetune_classifier
from ..utils.extras import require_extra

TUNED, SCRATCH = "fine-tuned", "from scratch"
PROBE, UNTRAINED_PROBE = "linear probe, frozen", "linear probe, frozen untrained"


def finetune_run(
    folder: str | os.PathLike,
    train: str | os.PathLike,
    test: str | os.PathLike,
    label_fraction: float = 1.0,
    subsets: int = 1,
    config: dict | None = None,
    seed: int = 0,
    command: str = "",
) -> list[Result]:
    """Trains a run's encoder, pretrained and from scratch, on labeled images, and measures the accuracy of both.

    Both train for as many updates; the learning rate and the start of the linear layer are those that served each best
    on held-out training images, see `FinetuneConfig.for_images`.

    Beside them stand linear probes on the frozen encoder and on the frozen untrained one. Writes RUN/classifier/, the
    network that was fine-tuned on the first label subset, and RUN/results/finetune.json (finetune-1pct.json ...).

    Args:
        folder: the run.
        train, test: labeled images with the same classes, see `data.open_source`.
        label_fraction: in (0, 1], share of the training labels used, the same share of each class.
        subsets: on how many label subsets both are trained, with the seeds from `seed` on.
        config: any of "epochs", "learning_rate" and "batch_size", for both trainings in place of what
            `FinetuneConfig.for_images` gives.
        seed: of the first label subset and of its training.
        command: the command line, for the results.

    Returns:
        list of two `Result`: accuracy and balanced accuracy.

    Raises:
        InputError: for a run without an encoder, sources that do not fit it or each other, or a number out of range.
    """
    started = time.monotonic()
    require_extra("Fine-tuning", "sklearn")
    run = load_finished_run(folder)
    check_results(run)
    train_source, test_source = open_train_and_test(train, test, run.value_range)
    names = class_names_of(train_source)
    _check_every_class(train_source, names, train)
    chosen = label_subsets(train_source.labels, label_fraction, subsets, seed)
    count = len(chosen[0])
    configs = {
        TUNED: FinetuneConfig.for_images(count, pretrained=True, **(config or {})),
        SCRATCH: FinetuneConfig.for_images(count, pretrained=False, **(config or {})),
    }
    # From scratch means random weights, whatever the run itself started from.
    starts = [
        (TUNED, run.encoder, PROBE, run.encoder),
        (SCRATCH, build_encoder(run), UNTRAINED_PROBE, untrained_encoder(run)),
    ]
    predictions = {TUNED: [], SCRATCH: [], PROBE: [], UNTRAINED_PROBE: []}
    first = None
    for whole, encoder, probe, probed in starts:
        test_vectors = embed(probed, test_source)
        for i, indices in enumerate(chosen):
            labeled = train_source.subset(indices)
            linear = LinearHead.fit(embed(probed, labeled), labeled.labels, names)
            predictions[probe].append(np.argmax(logits(linear, test_vectors), axis=1))
            # Features worth keeping are pulled about while the layer on them learns from 0 (Kumar et al. 2022, arXiv
            # 2202.10054); from scratch there are none.
            head = linear if whole == TUNED else None
            classifier = finetune_classifier(
                encoder, labeled, len(names), configs[whole], head, seed + i, _precision(run)
            )
            predictions[whole].append(np.argmax(predict_probabilities(classifier, test_source), axis=1))
            right = (np.mean(predictions[method][-1] == test_source.labels) for method in (whole, probe))
            tuned, frozen = (100 * share for share in right)
            print(f"{whole}, label subset {i + 1} of {subsets}: {tuned:.1f} %; {probe}: {frozen:.1f} %", flush=True)
            first = first or classifier
    settings = {
        "training_images": count,
        "label_subsets": subsets,
        "seed": seed,
        **{method: dataclasses.asdict(config) for method, config in configs.items()},
    }
    task = f"Image classification, {share(label_fraction)}"
    labels, measured = [train_source.labels[i] for i in chosen], (f"{train} -> {test}", settings, started, command)
    results = classification_results(task, predictions, labels, test_source.labels, names, *measured)
    about = {"train": str(train), "training_images": count, "seed": seed, "command": command}
    about["pretrained_encoder"] = fingerprint(run.encoder)
    write_classifier(run.classifier_path, first, names, about)
    write_results(run, results_name("finetune", label_fraction), results)
    return results


def _check_every_class(source: ImageSource, names: tuple[str, ...], data: str | os.PathLike) -> None:
    missing = np.setdiff1d(np.arange(len(names)), source.labels)
    if len(missing) and source.class_names is None:
        raise InputError(
            f"{data} has no image with the label {missing[0]}, and the highest is {len(names) - 1}: number the classes "
            "from 0 on, without gaps."
        )
    if len(missing):
        raise InputError(f"{data} has no image of the class {names[missing[0]]}: add some, or remove the class.")


def _precision(run: Run) -> str:
    # Float16 needs its loss scaled, which pretraining does and this does not.
    return "float32" if run.recipe.precision == "float16" else run.recipe.precision
