"""What is built of a run."""

import dataclasses

import pytest

from byol_keras.errors import InputError
from byol_keras.runs.build import require_backbone


def test_what_reads_8_bits_refuses_a_run_with_a_range(make_run):
    run = dataclasses.replace(make_run(), value_range=[0, 4095])
    with pytest.raises(InputError, match="this run was trained on values from 0 to 4095"):
        require_backbone(run)
