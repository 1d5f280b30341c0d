import json

import numpy as np
import pytest

from byol_keras.data.labeled import open_train_and_test
from byol_keras.errors import InputError
from byol_keras.evaluation import embed, knn_accuracy, linear_accuracy
from byol_keras.evaluation.label_subsets import stratified_subset
from byol_keras.runs.results import read_results
from byol_keras.workflows.evaluate import accuracy_table, evaluate_run


def test_each_draw_is_judged_by_its_own_images(make_run, sources):
    run = make_run(encoder_seed=9)
    result = evaluate_run(run.folder, *sources, label_fraction=0.5, seed=2, draws=2, command="byol-keras evaluate")
    train, test = open_train_and_test(*sources)
    encoder = run.encoder
    row, knn, linear = result["results"]["trained"], [], []
    for seed in (2, 3):
        drawn = train.subset(stratified_subset(train.labels, 0.5, seed))
        arguments = embed(encoder, drawn), drawn.labels, embed(encoder, test), test.labels
        knn.append(knn_accuracy(*arguments))
        linear.append(linear_accuracy(*arguments))
    assert row["knn_draws"] == knn
    assert row["linear_draws"] == linear
    assert (row["knn"], row["linear"]) == (np.mean(knn), np.mean(linear))
    assert result["train"]["images"] == 36
    assert json.loads(run.evaluation_path.read_text()) == result
    by_knn, by_linear = read_results(run)
    assert by_knn.task == "Image classification, 20-NN, 50 % of the labels"
    assert list(by_knn.scores) == ["pretrained", "untrained"]
    assert by_knn.scores["pretrained"] == knn
    assert by_linear.scores["pretrained"] == linear
    assert by_linear.command == "byol-keras evaluate"
    assert (run.folder / "results" / "evaluation-50pct.json").is_file()


def test_the_same_encoder_has_no_gain(make_run, sources):
    """The untrained network is the one training began with, to the bit."""
    result = evaluate_run(make_run().folder, *sources)
    trained, untrained = ({**result["results"][name], "seconds": 0} for name in ("trained", "untrained"))
    assert trained == untrained
    assert accuracy_table(result).splitlines()[-1].split() == ["gain", "+0.0", "+0.0"]


def test_table_has_mean_and_deviation():
    rows = {
        "untrained": {"knn": 0.5, "linear": 0.3, "knn_draws": [0.4, 0.6], "linear_draws": [0.3, 0.3]},
        "trained": {"knn": 0.7, "linear": 0.4, "knn_draws": [0.7, 0.7], "linear_draws": [0.4, 0.4]},
    }
    counts = {"train": {"images": 36}, "test": {"images": 2400}}
    result = {**counts, "draws": 2, "neighbors": 20, "linear_probe": "lbfgs", "results": rows}
    lines = accuracy_table(result).splitlines()
    assert lines[0] == "36 training, 2 draws of them and 2,400 test images, accuracy in %"
    # Of 40 and 60: deviation sqrt(2 * 10^2 / 1) = 14.1.
    assert lines[2].split() == ["untrained", "50.0", "±", "14.1", "30.0", "±", "0.0"]
    assert lines[4].split() == ["gain", "+20.0", "+10.0"]


def test_a_run_that_has_not_finished(make_run, sources):
    run = make_run()
    run.encoder_path.unlink()
    with pytest.raises(InputError, match=r"no encoder\.keras yet"):
        evaluate_run(run.folder, *sources)
    assert not run.evaluation_path.exists()
