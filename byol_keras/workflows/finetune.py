"""What `byol-keras finetune` does: few labels, the whole network trained on them, from pretraining and from scratch."""

import dataclasses
import time

import numpy as np

from ..data.labeled import class_names_of, open_train_and_test
from ..errors import InputError
from ..evaluation.embed import embed
from ..evaluation.label_subsets import label_subsets
from ..evaluation.linear_head import LinearHead, logits
from ..runs.build import build_encoder
from ..runs.classifier import write_classifier
from ..runs.results import Result, results_name, share, write_results
from ..runs.run import load_finished_run
from ..tasks.classification.model import predict_probabilities
from ..tasks.classification.train import FinetuneConfig, finetune_classifier
from ..utils.extras import require_extra

TUNED, SCRATCH = "fine-tuned", "from scratch"
PROBE, UNTRAINED_PROBE = "linear probe, frozen", "linear probe, frozen untrained"


def finetune_run(folder, train, test, label_fraction=1.0, draws=1, flags=None, seed=0, command=""):
    """Trains a run's encoder, pretrained and from scratch, on labeled images, and tells how often each is right.

    Both train for as many updates; the learning rate and the start of the linear layer are those that served each best
    on held-out training images, see `FinetuneConfig.for_images`.

    Beside them stand linear probes on the frozen encoder and on the frozen untrained one. Writes RUN/classifier/, the
    network that was fine-tuned on the first draw of labels, and RUN/results/finetune.json (1pct, 10pct ...).

    Args:
        folder: the run.
        train, test: SOURCEs of labeled images with the same classes.
        label_fraction: float in (0, 1], share of the training labels used, the same share of each class.
        draws: int, how many times labels are chosen anew, with the seeds from `seed` on.
        flags: dict with any of "epochs", "learning_rate" and "batch_size", for both trainings in place of what
            `FinetuneConfig.for_images` gives.
        seed: int, of the first draw of labels and of its training.
        command: str, the command line, for the results.

    Returns:
        list of one `Result`.

    Raises:
        InputError: for a run without an encoder, sources that do not fit it or each other, or a number out of range.
    """
    started = time.monotonic()
    require_extra("Fine-tuning", "sklearn")
    run = load_finished_run(folder)
    train_images, test_images = open_train_and_test(train, test)
    names = class_names_of(train_images)
    _check_every_class(train_images, names, train)
    chosen = label_subsets(train_images.labels, label_fraction, draws, seed)
    count = len(chosen[0])
    schedules = {
        TUNED: FinetuneConfig.for_images(count, pretrained=True, **(flags or {})),
        SCRATCH: FinetuneConfig.for_images(count, pretrained=False, **(flags or {})),
    }
    starts = [
        (TUNED, PROBE, run.encoder),
        (SCRATCH, UNTRAINED_PROBE, build_encoder(run)),
    ]
    scores = {TUNED: [], SCRATCH: [], PROBE: [], UNTRAINED_PROBE: []}
    kept = None
    for whole, probe, encoder in starts:
        test_vectors = embed(encoder, test_images)
        for i, indices in enumerate(chosen):
            labeled = train_images.subset(indices)
            linear = LinearHead.fit(embed(encoder, labeled), labeled.labels, names)
            scores[probe].append(_accuracy(logits(linear, test_vectors), test_images))
            # Features worth keeping are pulled about while the layer on them learns from 0 (Kumar et al. 2022, arXiv
            # 2202.10054); from scratch there are none.
            head = linear if whole == TUNED else None
            classifier = finetune_classifier(
                encoder, labeled, len(names), schedules[whole], head, seed + i, _precision(run)
            )
            scores[whole].append(_accuracy(predict_probabilities(classifier, test_images), test_images))
            tuned, frozen = (100 * scores[method][-1] for method in (whole, probe))
            _say(f"{whole}, draw {i + 1} of {draws}: {tuned:.1f} %; {probe}: {frozen:.1f} %")
            kept = kept or classifier
    result = Result(
        task=f"Image classification, {share(label_fraction)}",
        metric="accuracy",
        data=f"{train} -> {test}",
        scores=scores,
        settings={
            "training images": count,
            "draws": draws,
            "seed": seed,
            **{name: dataclasses.asdict(schedule) for name, schedule in schedules.items()},
        },
        seconds=round(time.monotonic() - started, 1),
        command=command,
    )
    about = {"train": str(train), "training images": count, "seed": seed, "command": command}
    write_classifier(run.classifier_path, kept, names, about)
    write_results(run, results_name("finetune", label_fraction), [result])
    return [result]


def _check_every_class(source, names, data):
    missing = np.setdiff1d(np.arange(len(names)), source.labels)
    if len(missing):
        raise InputError(f"{data} has no image of the class {names[missing[0]]}: add some, or leave the class out.")


def _precision(run):
    # Float16 needs its loss scaled, which pretraining does and this does not.
    return "float32" if run.recipe.precision == "float16" else run.recipe.precision


def _accuracy(scores, source):
    return float(np.mean(np.argmax(scores, axis=1) == source.labels))


def _say(text):
    print(text, flush=True)
