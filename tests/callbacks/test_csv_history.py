import pytest

import byol_keras as bk
from byol_keras.callbacks import CSVHistory
from byol_keras.callbacks.csv_history import read_history


def test_a_row_an_epoch_and_epochs_trained_again_replace_theirs(tmp_path):
    path = tmp_path / "history.csv"
    history = CSVHistory(str(path))
    history.on_train_begin()
    assert read_history(path) == []
    for epoch, loss in enumerate((3.0, 2.0, 1.5)):
        history.on_epoch_end(epoch, {"loss": loss, "tau": 0.97})
    # As after a crash between the log and the checkpoint of the third epoch.
    history = CSVHistory(path)
    history.on_train_begin()
    history.on_epoch_end(2, {"loss": 1.25, "tau": 0.98})
    assert [row["epoch"] for row in read_history(path)] == [0, 1, 2]
    assert read_history(path)[2] == {"epoch": 2, "loss": pytest.approx(1.25), "tau": pytest.approx(0.98)}
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_an_epoch_may_log_what_others_do_not(tmp_path):
    history = CSVHistory(tmp_path / "history.csv")
    history.on_train_begin()
    history.on_epoch_end(0, {"loss": 3.0})
    history.on_epoch_end(1, {"loss": 2.0, "skipped": 4})
    assert read_history(history.path) == [{"epoch": 0, "loss": 3.0}, {"epoch": 1, "loss": 2.0, "skipped": 4.0}]


@pytest.mark.parametrize(
    ("content", "line"),
    [("epoch,loss\n0,3.0\n1,x\n", 3), ("loss\n3.0\n", 2), ("epoch,loss\n\0,1\n", 2)],
)
def test_a_damaged_file_is_said_before_training_and_left_as_it_is(tmp_path, content, line):
    path = tmp_path / "history.csv"
    path.write_text(content)
    with pytest.raises(bk.InputError, match=rf"history\.csv cannot be read as a training's history, at line {line}: "):
        CSVHistory(path).on_train_begin()
    assert path.read_text() == content
