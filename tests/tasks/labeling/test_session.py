"""Rounds of questions and answers, and what is written in the end."""

import csv

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.export import LinearHead
from byol_keras.runs.load import load_encoder
from byol_keras.tasks.labeling import Labelling, LabelsFile, probabilities, write_result
from byol_keras.tasks.labeling.session import MAX_LENGTH, ROUND


def answer_round(labelling, truth):
    for index in list(labelling.waiting):
        labelling.answer(index, truth[index])


def test_rounds_end_with_every_picture_answered(coloured):
    _, names, embeddings, truth = coloured
    labelling = Labelling(names, embeddings)
    assert (labelling.head, labelling.accuracy, labelling.classes) == (None, None, ())
    asked = []
    while labelling.waiting:
        asked += labelling.waiting
        answer_round(labelling, truth)
    assert sorted(asked) == list(range(60))
    assert labelling.predictions()[0] == truth
    assert labelling.accuracy.count == 60


def test_two_rounds_teach_three_colours(coloured):
    _, names, embeddings, truth = coloured
    labelling = Labelling(names, embeddings)
    # The middles of the largest clusters: the first round finds all three.
    answer_round(labelling, truth)
    assert set(labelling.classes) == set(truth)
    assert labelling.accuracy is None
    answer_round(labelling, truth)
    assert labelling.accuracy.count == 2 * ROUND
    classes, confidence = labelling.predictions()
    assert np.mean(np.array(classes) == truth) > 0.9
    assert confidence.dtype == np.float32
    assert ((confidence > 0) & (confidence <= 1)).all()


def test_every_answer_is_saved_and_taken_up_again(coloured, tmp_path):
    folder, names, embeddings, truth = coloured
    file = tmp_path / "labels.csv"

    def opened():
        return Labelling(names, embeddings, LabelsFile(file, folder, names))

    straight = Labelling(names, embeddings)
    for count in range(1, 2 * ROUND + 1):
        # A process that is killed after each answer; the round it was in begins anew after a restart.
        labelling = opened()
        assert len(labelling.answers) == count - 1
        labelling.answer(labelling.waiting[0], truth[labelling.waiting[0]])
    answer_round(straight, truth)
    for labelling in (opened(), straight):
        assert labelling.waiting
        assert not set(labelling.waiting) & set(labelling.answers)
    # The same answers give the same head and the same round.
    first, second = opened(), opened()
    assert first.waiting == second.waiting
    np.testing.assert_array_equal(first.scores, second.scores)


def test_skip_and_undo(coloured, tmp_path):
    folder, names, embeddings, truth = coloured
    labelling = Labelling(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))
    first, second = labelling.waiting[:2]
    assert not labelling.undo()
    labelling.answer(first, None)
    labelling.answer(second, "wrong")
    assert labelling.undo()
    assert labelling.classes == ()
    assert labelling.waiting[0] == second
    labelling.answer(second, truth[second])
    assert LabelsFile(tmp_path / "labels.csv", folder, names).answers == {
        names[first]: None,
        names[second]: truth[second],
    }
    # Over the end of a round, and after a restart.
    answer_round(labelling, truth)
    labelling = Labelling(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))
    newest = list(labelling.answers)[-1]
    assert labelling.undo()
    assert labelling.waiting[0] == newest
    while labelling.undo():
        pass
    assert LabelsFile(tmp_path / "labels.csv", folder, names).answers == {}


def test_one_class_only_so_far(coloured):
    _, names, embeddings, _ = coloured
    labelling = Labelling(names, embeddings)
    for _ in range(2):
        answer_round(labelling, ["red"] * 60)
    assert (labelling.head, labelling.accuracy) == (None, None)
    assert len(labelling.waiting) == ROUND
    with pytest.raises(InputError, match="at least two classes"):
        labelling.predictions()


def test_a_class_newer_than_the_head_has_no_confidence(coloured):
    _, names, embeddings, truth = coloured
    labelling = Labelling(names, embeddings)
    answer_round(labelling, truth)
    index = labelling.waiting[0]
    labelling.answer(index, "purple")
    classes, confidence = labelling.predictions()
    assert classes[index] == "purple"
    assert confidence[index] == 0


@pytest.mark.parametrize("label", ["", "  ", "x" * (MAX_LENGTH + 1), "a\0b", "a\x1bb"])
def test_classes_need_a_name(label, coloured):
    _, names, embeddings, _ = coloured
    labelling = Labelling(names, embeddings)
    with pytest.raises(InputError, match="A class has a name"):
        labelling.answer(labelling.waiting[0], label)
    assert not labelling.answers
    labelling.answer(labelling.waiting[0], "  two \n words ")
    assert labelling.classes == ("two words",)


def test_only_what_was_asked_is_answered(coloured):
    _, names, embeddings, _ = coloured
    labelling = Labelling(names, embeddings)
    first = labelling.waiting[0]
    labelling.answer(first, "red")
    for index in (first, -1, 60):
        with pytest.raises(InputError, match="not among those asked about"):
            labelling.answer(index, "red")


def test_the_result_is_a_table_and_a_head(coloured, tmp_path):
    _, names, embeddings, truth = coloured
    labelling = Labelling(names, embeddings)
    with pytest.raises(InputError, match="two classes"):
        write_result(labelling, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    answer_round(labelling, truth)
    # Part of the next round counts, and the round goes on.
    index, *others = labelling.waiting
    labelling.answer(index, "a, b")
    table, head = write_result(labelling, tmp_path / "out")
    assert labelling.waiting == others
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == list(names)
    by_hand = [i for i, row in enumerate(rows) if row["by_hand"] == "yes"]
    assert by_hand == sorted(labelling.labelled)
    assert rows[index]["class"] == "a, b"
    head = LinearHead.load(head)
    assert head.labels == labelling.classes
    scores = probabilities(head, embeddings)
    for i, row in enumerate(rows):
        assert float(row["confidence"]) == pytest.approx(scores[i, head.labels.index(row["class"])], abs=1e-4)
        if i not in by_hand:
            assert row["class"] == head.labels[np.argmax(scores[i])]


def test_a_head_that_is_none_is_named(tmp_path):
    (tmp_path / "head.npz").write_bytes(b"PK\x03\x04 cut short")
    np.savez(tmp_path / "other.npz", weights=np.zeros((2, 2)))
    for name in ("missing.npz", "head.npz", "other.npz"):
        with pytest.raises(InputError, match=f"{name} cannot be read as a head"):
            LinearHead.load(tmp_path / name)


def test_the_result_ships_in_a_saved_model(coloured, tmp_path):
    """What the table says of a picture, the served model says of its file."""
    import tensorflow as tf

    folder, names, _, truth = coloured
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    encoder.save(tmp_path / "encoder.keras")
    pictures = bk.data.open_source(folder)
    embeddings = bk.evaluation.embed(load_encoder(tmp_path / "encoder.keras"), pictures)
    labelling = Labelling(pictures.names, embeddings)
    kinds = dict(zip(names, truth, strict=True))
    answer_round(labelling, [kinds[name] for name in pictures.names])
    _, head = write_result(labelling, tmp_path)
    path = bk.export.saved_model(encoder, tmp_path / "served" / "1", head=LinearHead.load(head))
    served = tf.saved_model.load(path).signatures["classify"]
    files = tf.constant([(folder / name).read_bytes() for name in pictures.names])
    classes, _ = labelling.predictions()
    assert [label.decode() for label in served(image_bytes=files)["labels"][:, 0].numpy()] == classes
