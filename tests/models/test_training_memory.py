import keras
import pytest

from byol_keras.errors import InputError
from byol_keras.models.training_memory import expected_memory, require_training_memory, training_bytes


def encoder(size, dtype="float32", width=None):
    inputs = x = keras.Input((size, width or size, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", dtype=dtype)(x)
    x = keras.layers.ReLU(dtype=dtype)(x)
    x = keras.layers.Conv2D(4, 3, padding="same", dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(dtype=dtype)(x))


@pytest.mark.parametrize(("dtype", "itemsize"), [("float32", 4), ("mixed_bfloat16", 2)])
def test_the_views_and_what_goes_into_each_convolution(dtype, itemsize):
    views = 16 * 16 * 3
    expected = 2 * 5 * (4 * views + itemsize * (views + 8 * 8 * 8))
    assert training_bytes(encoder(16, dtype), 5) == expected


@pytest.mark.parametrize(("dtype", "itemsize"), [("float32", 4), ("mixed_bfloat16", 2)])
def test_what_every_layer_gives_beside_the_weights_and_tensorflow(dtype, itemsize):
    # The images, a convolution, its ReLU, another convolution, the pool.
    outputs = 4 * 16 * 16 * 3 + itemsize * (8 * 8 * 8 + 8 * 8 * 8 + 8 * 8 * 4 + 4)
    expected = 1.2e9 + 16 * 1000 + 1.1 * 2 * 5 * outputs
    assert expected_memory(encoder(16, dtype), 1000, 5) == pytest.approx(expected, abs=1)


def test_training_that_cannot_fit_is_refused():
    require_training_memory(encoder(16), 64)
    with pytest.raises(InputError, match=r"need at least .*Received: image_size=50000, batch_size=64$"):
        require_training_memory(encoder(50_000), 64)


def test_of_spectrograms_fewer_frames_are_asked_for():
    asked = r"smaller `frames` or `batch_size`\. Received: frames=50000000, batch_size=64$"
    with pytest.raises(InputError, match=f"64 inputs of 64 x 50,000,000 .*{asked}"):
        require_training_memory(encoder(64, width=50_000_000), 64)
