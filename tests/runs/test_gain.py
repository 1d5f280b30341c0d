"""Gains and their spread, and the words for an evaluation without one."""

import dataclasses

import numpy as np
import pytest

from byol_keras.runs.classification_results import classification_results
from byol_keras.runs.gain import gain, gain_text, sampling_error
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import Result, pool_results
from byol_keras.runs.run import Run
from byol_keras.runs.verdict import verdict

NAMES = ("good", "broken")
LABELS = np.array([0] * 70 + [1] * 30)


def taken_for(right_good, right_broken):
    """Predictions of which so many of each class are right."""
    return np.array([0] * right_good + [1] * (70 - right_good) + [1] * right_broken + [0] * (30 - right_broken))


def results_of(*subsets):
    """Of one method, "pretrained", beside one that is right for 65 and 15."""
    predictions = {"pretrained": list(subsets), "untrained": [taken_for(65, 15)] * len(subsets)}
    return classification_results(
        "Cells, 20-NN", predictions, [LABELS[::2]] * len(subsets), LABELS, NAMES, "a -> b", {}, 0.0, ""
    )


def test_every_score_stands_beside_the_most_common_class():
    plain, balanced = results_of(taken_for(68, 20))
    assert (plain.metric, balanced.metric) == ("accuracy", "balanced accuracy")
    assert plain.scores == {"pretrained": [0.88], "untrained": [0.8], "majority class": [0.7]}
    expected = {"pretrained": [(68 / 70 + 2 / 3) / 2], "untrained": [(65 / 70 + 0.5) / 2], "majority class": [0.5]}
    assert {method: pytest.approx(scores) for method, scores in balanced.scores.items()} == expected
    assert plain.classes == ["good", "broken"]
    assert plain.confusions == {"pretrained": [[68, 2], [10, 20]], "untrained": [[65, 5], [15, 15]]}
    assert balanced.confusions == {}


def test_confusion_matrices_are_added_up_over_subsets_and_runs(tmp_path):
    plain, _ = results_of(taken_for(68, 20), taken_for(60, 30))
    assert plain.confusions["pretrained"] == [[128, 12], [10, 50]]
    recipe = recipe_named("short")
    runs = [Run(tmp_path / f"run{i}", recipe, "photos", i, 3, [0.5] * 3, [0.2] * 3) for i in (0, 1)]
    ((pooled, _),) = pool_results([(run, [plain]) for run in runs])
    assert pooled.confusions["pretrained"] == [[256, 24], [20, 100]]
    assert len(pooled.errors["pretrained"]) == len(pooled.scores["pretrained"]) == 4


def test_no_matrix_of_many_classes():
    labels = np.arange(30)
    plain, _ = classification_results("x", {"pretrained": [labels]}, [labels], labels, range(30), "", {}, 0.0, "")
    assert plain.confusions == {}
    assert plain.classes == []


def test_the_spread_of_a_single_score_comes_from_the_test_images():
    plain, _ = results_of(taken_for(68, 20))
    # sqrt(0.88 * 0.12 / 100 + 0.8 * 0.2 / 100) = 0.05154.
    assert gain(plain, "untrained") == pytest.approx((0.08, 0.0515364), abs=1e-6)
    assert gain_text(plain, "untrained") == "+8.0 ± 5.2"


def test_the_spread_of_several_is_that_of_their_differences():
    result = Result("x", "accuracy", "", {"pretrained": [0.5, 0.7], "untrained": [0.4, 0.5]})
    # Differences 0.1 and 0.2.
    assert gain(result, "untrained") == pytest.approx((0.15, 0.0707107), abs=1e-6)


@pytest.mark.parametrize("others", [[0.4], [0.4, 0.5]])
def test_no_spread_no_gain(others):
    result = Result("x", "mAP", "", {"pretrained": [0.5], "untrained": others})
    assert gain(result, "untrained")[1] is None
    assert gain_text(result, "untrained") == ""


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, recipe_named("short"), "photos", 0, 3, [0.5] * 3, [0.2] * 3)
    return dataclasses.replace(run, image_count=1984)


def test_nothing_is_said_of_a_clear_gain(run):
    assert verdict(run, results_of(taken_for(69, 28))) == []


def test_a_run_that_did_not_help_is_told_so(run):
    (line,) = verdict(run, results_of(taken_for(66, 20)))
    assert "has not clearly helped: +6.0 points" in line
    assert "It made 310 updates." in line


def test_label_subsets_that_agree_do_not_make_a_clear_gain_of_few_test_images(run):
    results = results_of(taken_for(66, 15), taken_for(66, 15), taken_for(66, 15))
    # One image of 100 more in each subset: 1.0 +- 0.0, but the images leave sqrt(0.81 * 0.19 / 100 + 0.16 / 100) = 5.6.
    assert gain_text(results[0], "untrained") == "+1.0 ± 0.0"
    assert sampling_error(results[0], "untrained") == pytest.approx(0.0560268, abs=1e-6)
    assert "has not clearly helped: +1.0 points" in verdict(run, results)[0]


def test_an_encoder_no_better_than_the_most_common_class_is_told_so(run):
    lines = verdict(run, results_of(taken_for(69, 2)))
    assert len(lines) == 2
    assert "always answering the most common class, 70.0 %" in lines[1]
