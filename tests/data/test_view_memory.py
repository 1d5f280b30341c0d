import pytest

from byol_keras.data.view_memory import require_view_memory, two_view_bytes
from byol_keras.errors import InputError


def test_two_views_are_two_arrays_of_float32():
    assert two_view_bytes(32, 64, 3) == 2 * 64 * 32 * 32 * 3 * 4


def test_views_that_cannot_fit_are_refused():
    require_view_memory(224, 64, 3)
    with pytest.raises(InputError, match=r"^Two views of 64 images at 100,000 px need .* `batch_size`\. Received"):
        require_view_memory(100_000, 64)
    with pytest.raises(InputError, match=r"^Two views of 1 image at 1,000,000 px .* a smaller `image_size`\. Received"):
        require_view_memory(1_000_000, 1)
