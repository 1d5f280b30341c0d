import pytest

from byol_keras.callbacks import CSVHistory
from byol_keras.callbacks.csv_history import read_history


def test_a_row_an_epoch_and_epochs_trained_again_replace_theirs(tmp_path):
    path = tmp_path / "history.csv"
    history = CSVHistory(str(path))
    assert read_history(path) == []
    for epoch, loss in enumerate((3.0, 2.0, 1.5)):
        history.on_epoch_end(epoch, {"loss": loss, "tau": 0.97})
    # As after a crash between the log and the checkpoint of the third epoch.
    CSVHistory(path).on_epoch_end(2, {"loss": 1.25, "tau": 0.98})
    assert [row["epoch"] for row in read_history(path)] == [0, 1, 2]
    assert read_history(path)[2] == {"epoch": 2, "loss": pytest.approx(1.25), "tau": pytest.approx(0.98)}
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]
