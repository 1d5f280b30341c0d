import numpy as np
import pytest

from byol_keras.data.labeled import open_train_and_test
from byol_keras.errors import InputError
from byol_keras.evaluation import embed, knn_accuracy, linear_accuracy
from byol_keras.evaluation.label_subsets import stratified_subset
from byol_keras.runs.results import read_results
from byol_keras.runs.results_table import results_table
from byol_keras.workflows.evaluate import evaluate_run


def test_each_label_subset_is_evaluated_by_its_own_images(make_run, sources):
    run = make_run(encoder_seed=9)
    results = evaluate_run(run.folder, *sources, label_fraction=0.5, seed=2, subsets=2, command="byol-keras evaluate")
    train, test = open_train_and_test(*sources)
    encoder, knn, linear = run.encoder, [], []
    for seed in (2, 3):
        few = train.subset(stratified_subset(train.labels, 0.5, seed))
        arguments = embed(encoder, few), few.labels, embed(encoder, test), test.labels
        knn.append(knn_accuracy(*arguments))
        linear.append(linear_accuracy(*arguments))
    assert read_results(run) == results
    by_knn, _, by_linear, _ = results
    assert [result.metric for result in results] == ["accuracy", "balanced accuracy"] * 2
    assert by_knn.task == "Image classification, 20-NN, 50 % of the labels"
    assert by_knn.data == f"{sources[0]} -> {sources[1]}"
    assert list(by_knn.scores) == ["pretrained", "untrained", "majority class"]
    assert by_knn.scores["majority class"] == pytest.approx([1 / 3] * 2)
    assert np.sum(by_knn.confusions["pretrained"]) == 2 * len(test)
    assert by_knn.scores["pretrained"] == knn
    assert by_linear.scores["pretrained"] == linear
    assert by_linear.command == "byol-keras evaluate"
    settings = {"label_subsets": 2, "seed": 2, "training_images": 36, "test_images": 24}
    assert by_knn.settings == {**settings, "neighbors": 20}
    assert by_linear.settings == {**settings, "fitted_by": "lbfgs"}
    assert [path.name for path in run.results_path.iterdir()] == ["evaluation-50pct.json"]


def test_an_evaluation_with_fewer_labels_leaves_that_with_all_alone(make_run, sources):
    run = make_run()
    everything = evaluate_run(run.folder, *sources)
    few = evaluate_run(run.folder, *sources, label_fraction=0.5)
    assert read_results(run, "evaluation") == everything
    assert read_results(run, "evaluation-50pct") == few
    assert read_results(run) == [*few, *everything]
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.json", "encoder.keras", "results"]


def test_the_same_encoder_has_no_gain(make_run, sources):
    """The untrained network is the one training began with, to the bit."""
    results = evaluate_run(make_run().folder, *sources)
    for result in results:
        assert result.scores["pretrained"] == result.scores["untrained"]
    gains = [line.split()[-3] for line in results_table(results).splitlines() if line.split()[0] == "untrained"]
    assert gains == ["+0.0"] * 4


def test_fewer_labels_than_neighbors_leave_the_linear_probe(make_run, sources, capsys):
    results = evaluate_run(make_run().folder, *sources, label_fraction=0.2)  # 5 of each of three classes
    assert [result.metric for result in results] == ["accuracy", "balanced accuracy"]
    assert results[0].settings["fitted_by"] == "lbfgs"
    assert "20 neighbors need as many labeled images, and there are 15: no k-NN." in capsys.readouterr().err


@pytest.mark.parametrize("sgd", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_labels_may_have_gaps(sgd, make_run, sources, tmp_path):
    with np.load(sources[0]) as arrays:
        images, labels = arrays["images"], arrays["labels"] * 4_000_000
    np.savez(tmp_path / "gaps.npz", images=images, labels=labels)
    results = evaluate_run(make_run().folder, tmp_path / "gaps.npz", tmp_path / "gaps.npz", sgd=sgd)
    assert results[2].scores["pretrained"][0] > 0.9  # three colors, by the images that were learned from


def test_a_run_that_has_not_finished(make_run, sources):
    run = make_run()
    run.encoder_path.unlink()
    with pytest.raises(InputError, match=r"no encoder\.keras yet"):
        evaluate_run(run.folder, *sources)
    assert not run.results_path.exists()
