"""Each ailment is named where it is, with its number, and nothing is said of a healthy run."""

import dataclasses

import pytest

import byol_keras as bk
from byol_keras.runs.findings import Measured, findings

RECIPE = bk.recipes.short()
HISTORY = [
    {"epoch": 0, "loss": 2.0, "target_std": 0.8, "embedding_rank": 20.0},
    {"epoch": 1, "loss": 1.0, "target_std": 0.7, "embedding_rank": 25.0},
]
HEALTHY = Measured(
    images=50_000,
    updates=7810,
    copies=0.0,
    untrained_match=0.2,
    untrained_color=0.3,
    match=0.6,
    color=0.25,
    input_share=0.3,
    history=HISTORY,
)


def test_nothing_is_said_of_a_healthy_run():
    assert findings(RECIPE, HEALTHY) == []


def test_nothing_is_said_of_what_only_training_shows_before_it():
    before = dataclasses.replace(HEALTHY, match=None, color=None, input_share=None, history=())
    assert findings(RECIPE, before) == []


@pytest.mark.parametrize(
    ("change", "begins", "contains"),
    [
        ({"updates": 248, "images": 1600}, "Too few updates: 248 of 1,600 images", "`epochs` 61 makes 1,500"),
        ({"copies": 0.3}, "Near copies: 30 %", "`byol-keras duplicates`"),
        ({"untrained_match": 0.95}, "Views too weak: untrained, the encoder finds 95 %", "`crop_area`"),
        ({"match": 0.01}, "Views too strong, or images too much alike: trained, the encoder finds 1 %", "`crop_area`"),
        ({"color": 0.6}, "Color as a shortcut: of 60 %", "untrained 30 %"),
        ({"input_share": 0.9}, "Waiting for images: making a batch takes 90 %", "`image_size`"),
        (
            {"history": [*HISTORY, {"epoch": 2, "embedding_rank": 12.0, "target_std": 0.7}]},
            "Dimensions lost: embedding_rank 12 in the last epoch, 25 before",
            "`learning_rate`",
        ),
        (
            {"history": [*HISTORY, {"epoch": 2, "projection_rank": 6.0}]},
            "Dimensions lost: the projections of 64 images have projection_rank 6.",
            "`coding_rate_weight`",
        ),
        (
            {"history": [*HISTORY, {"epoch": 2, "embedding_rank": 20.0, "target_std": 0.05}]},
            "Collapsed: target_std fell to 0.05",
            "`learning_rate`",
        ),
        (
            {"history": [HISTORY[0], {**HISTORY[1], "skipped": 3.0}]},
            "Learning rate too high: 3 updates",
            "`learning_rate`",
        ),
    ],
)
def test_each_ailment_is_named_with_its_number(change, begins, contains):
    (line,) = findings(RECIPE, dataclasses.replace(HEALTHY, **change))
    assert line.startswith(begins)
    assert contains in line


@pytest.mark.parametrize(
    ("epochs", "updates", "advised"), [(0.05, 781, "0.097"), (0.5, 540, "1.4"), (10, 1000, "15"), (3, 7, "650")]
)
def test_the_epochs_advised_are_enough(epochs, updates, advised):
    (line,) = findings(dataclasses.replace(RECIPE, epochs=epochs), dataclasses.replace(HEALTHY, updates=updates))
    assert f"`epochs` {advised} makes 1,500;" in line
    assert updates * float(advised) / epochs >= 1500


def test_updates_skipped_in_float16_are_no_ailment():
    skipped = dataclasses.replace(HEALTHY, history=[{**HISTORY[0], "skipped": 3.0}])
    assert findings(dataclasses.replace(RECIPE, precision="float16"), skipped) == []
