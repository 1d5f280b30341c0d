"""The channels that a run is begun with."""

import numpy as np
import pytest
from PIL import Image

from byol_keras.data import from_arrays, open_source
from byol_keras.runs.fitting import first_channels

SAID = "Channels: 1, as all images are gray; `channels` sets another.\n"


@pytest.mark.parametrize(("modes", "channels", "said"), [("LL", 1, SAID), (("L", "RGB"), 3, "")])
def test_files_that_are_all_gray_have_one(modes, channels, said, tmp_path, capsys):
    for i, mode in enumerate(modes):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).convert(mode).save(tmp_path / f"{i}.png")
    assert first_channels(open_source(tmp_path), None) == channels
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_have_their_own(channels, capsys):
    assert first_channels(from_arrays(np.zeros((2, 8, 8, channels), np.uint8)), None) == channels
    assert capsys.readouterr().out == ""


def test_they_are_those_of_the_encoder_that_it_starts_from(make_run):
    gray = from_arrays(np.zeros((2, 8, 8, 1), np.uint8))
    assert first_channels(gray, make_run().folder) == 3
