import numpy as np
import pytest

from byol_keras.data.value_range import checked_range, own_range, to_levels
from byol_keras.errors import InputError


@pytest.mark.parametrize("bad", [(1, 1), (2, 1), (0,), (0, 1, 2), (0, np.inf), (np.nan, 1), ("0", "1"), 3])
def test_a_range_is_two_numbers(bad):
    with pytest.raises(InputError, match="value_range must be two numbers, the lower one first"):
        checked_range(bad)
    assert checked_range(np.array([-5, 7])) == (-5.0, 7.0)


def test_own_ranges():
    assert own_range(np.dtype("u1")) == (0, 255)
    assert own_range(np.dtype(">u2")) == (0, 65535)
    assert own_range(np.dtype("u2"), bits=12) == (0, 4095)
    assert [own_range(np.dtype(kind)) for kind in ("u4", "i1", "i2", "f4")] == [None] * 4


@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.uint16, np.float64])
def test_levels(dtype):
    values = np.array([[[-100], [0], [50]]] if dtype != np.uint16 else [[[0], [100], [150]]]).astype(dtype)
    low = -100 if dtype != np.uint16 else 0
    out = np.empty(values.shape, np.uint16)
    to_levels(values, (low, low + 150), out)
    assert out.ravel().tolist() == [0, 43690, 65535]
    to_levels(values, (low + 150, low), out)
    assert out.ravel().tolist() == [65535, 21845, 0]
