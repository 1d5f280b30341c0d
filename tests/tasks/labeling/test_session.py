"""Rounds of questions and labels, and what is written in the end."""

import csv

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.evaluation import LinearHead, probabilities
from byol_keras.runs.load import load_encoder
from byol_keras.tasks import LabelingSession, LabelsFile, write_predictions
from byol_keras.tasks.labeling.session import MAX_LENGTH, ROUND


def answer_round(labeling, truth):
    for index in list(labeling.waiting):
        labeling.label(index, truth[index])


def test_rounds_end_with_every_image_answered(colored):
    _, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings)
    assert (labeling.head, labeling.accuracy, labeling.classes) == (None, None, ())
    asked = []
    while labeling.waiting:
        asked += labeling.waiting
        answer_round(labeling, truth)
    assert sorted(asked) == list(range(60))
    assert labeling.predictions()[0] == truth
    assert labeling.accuracy.count == 60


def test_two_rounds_teach_three_colors(colored):
    _, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings)
    # The middles of the largest clusters: the first round finds all three.
    answer_round(labeling, truth)
    assert set(labeling.classes) == set(truth)
    assert labeling.accuracy is None
    answer_round(labeling, truth)
    assert labeling.accuracy.count == 2 * ROUND
    classes, confidence = labeling.predictions()
    assert np.mean(np.array(classes) == truth) > 0.9
    assert confidence.dtype == np.float32
    assert ((confidence > 0) & (confidence <= 1)).all()


def test_every_answer_is_saved_and_taken_up_again(colored, tmp_path):
    folder, names, embeddings, truth = colored
    file = tmp_path / "labels.csv"

    def opened():
        return LabelingSession(names, embeddings, LabelsFile(file, folder, names))

    straight = LabelingSession(names, embeddings)
    for count in range(1, 2 * ROUND + 1):
        # A process that is killed after each label; the round it was in begins anew after a restart.
        labeling = opened()
        assert len(labeling.labels) == count - 1
        labeling.label(labeling.waiting[0], truth[labeling.waiting[0]])
    answer_round(straight, truth)
    for labeling in (opened(), straight):
        assert labeling.waiting
        assert not set(labeling.waiting) & set(labeling.labels)
    # The same labels give the same head and the same round.
    first, second = opened(), opened()
    assert first.waiting == second.waiting
    np.testing.assert_array_equal(first.scores, second.scores)


def test_skip_and_undo(colored, tmp_path):
    folder, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))
    first, second = labeling.waiting[:2]
    assert not labeling.undo()
    labeling.label(first, None)
    labeling.label(second, "wrong")
    assert labeling.undo()
    assert labeling.classes == ()
    assert labeling.waiting[0] == second
    labeling.label(second, truth[second])
    assert LabelsFile(tmp_path / "labels.csv", folder, names).labels == {
        names[first]: None,
        names[second]: truth[second],
    }
    # Over the end of a round, and after a restart.
    answer_round(labeling, truth)
    labeling = LabelingSession(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))
    newest = list(labeling.labels)[-1]
    assert labeling.undo()
    assert labeling.waiting[0] == newest
    while labeling.undo():
        pass
    assert LabelsFile(tmp_path / "labels.csv", folder, names).labels == {}


def test_one_class_only_so_far(colored):
    _, names, embeddings, _ = colored
    labeling = LabelingSession(names, embeddings)
    for _ in range(2):
        answer_round(labeling, ["red"] * 60)
    assert (labeling.head, labeling.accuracy) == (None, None)
    assert len(labeling.waiting) == ROUND
    with pytest.raises(InputError, match="at least two classes"):
        labeling.predictions()


def test_a_class_newer_than_the_head_has_no_confidence(colored):
    _, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings)
    answer_round(labeling, truth)
    index = labeling.waiting[0]
    labeling.label(index, "purple")
    classes, confidence = labeling.predictions()
    assert classes[index] == "purple"
    assert confidence[index] == 0


def test_names_may_have_joined_letters(colored):
    _, names, embeddings, _ = colored
    labeling = LabelingSession(names, embeddings)
    persian, emoji = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f52c"
    for name in (persian, emoji):
        labeling.label(labeling.waiting[0], name)
        assert name in labeling.labels.values()


@pytest.mark.parametrize("label", ["", "  ", "x" * (MAX_LENGTH + 1), "a\0b", "a\x1bb"])
def test_classes_need_a_name(label, colored):
    _, names, embeddings, _ = colored
    labeling = LabelingSession(names, embeddings)
    with pytest.raises(InputError, match="A class has a name"):
        labeling.label(labeling.waiting[0], label)
    assert not labeling.labels
    labeling.label(labeling.waiting[0], "  two \n words ")
    assert labeling.classes == ("two words",)


def test_only_what_was_asked_is_answered(colored):
    _, names, embeddings, _ = colored
    labeling = LabelingSession(names, embeddings)
    first = labeling.waiting[0]
    labeling.label(first, "red")
    for index in (first, -1, 60):
        with pytest.raises(InputError, match="not among those asked about"):
            labeling.label(index, "red")


def test_the_result_is_a_table_and_a_head(colored, tmp_path):
    _, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings)
    with pytest.raises(InputError, match="two classes"):
        write_predictions(labeling, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    answer_round(labeling, truth)
    # Part of the next round counts, and the round goes on.
    index, *others = labeling.waiting
    labeling.label(index, "a, b")
    table, head = write_predictions(labeling, tmp_path / "out")
    assert labeling.waiting == others
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == list(names)
    by_hand = [i for i, row in enumerate(rows) if row["by_hand"] == "yes"]
    assert by_hand == sorted(labeling.labeled)
    assert rows[index]["class"] == "a, b"
    head = LinearHead.load(head)
    assert head.labels == labeling.classes
    scores = probabilities(head, embeddings)
    for i, row in enumerate(rows):
        assert float(row["confidence"]) == pytest.approx(scores[i, head.labels.index(row["class"])], abs=1e-4)
        if i not in by_hand:
            assert row["class"] == head.labels[np.argmax(scores[i])]


def test_new_predictions_never_stand_beside_the_head_of_old_ones(colored, tmp_path):
    _, names, embeddings, truth = colored
    labeling = LabelingSession(names, embeddings)
    answer_round(labeling, truth)
    table, head = write_predictions(labeling, tmp_path / "out")
    assert head.is_file()
    table.unlink()
    (table / "in the way").mkdir(parents=True)
    with pytest.raises(InputError, match="Is a directory"):
        write_predictions(labeling, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [table.name]


def test_a_head_that_is_none_is_named(tmp_path):
    (tmp_path / "head.npz").write_bytes(b"PK\x03\x04 cut short")
    np.savez(tmp_path / "other.npz", weights=np.zeros((2, 2)))
    for name in ("missing.npz", "head.npz", "other.npz"):
        with pytest.raises(InputError, match=f"{name} cannot be read as a head"):
            LinearHead.load(tmp_path / name)


def test_the_result_ships_in_a_saved_model(colored, tmp_path):
    """What the table says of an image, the served model says of its file."""
    import tensorflow as tf

    folder, names, _, truth = colored
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    encoder.save(tmp_path / "encoder.keras")
    source = bk.data.open_source(folder)
    embeddings = bk.evaluation.embed(load_encoder(tmp_path / "encoder.keras"), source)
    labeling = LabelingSession(source.names, embeddings)
    kinds = dict(zip(names, truth, strict=True))
    answer_round(labeling, [kinds[name] for name in source.names])
    _, head = write_predictions(labeling, tmp_path)
    path = bk.export.saved_model(encoder, tmp_path / "served" / "1", head=LinearHead.load(head))
    served = tf.saved_model.load(path).signatures["classify"]
    files = tf.constant([(folder / name).read_bytes() for name in source.names])
    classes, _ = labeling.predictions()
    assert [label.decode() for label in served(image_bytes=files)["labels"][:, 0].numpy()] == classes
