import warnings

import keras
import numpy as np
import pytest

from byol_keras import export
from byol_keras.export.parity.tolerance import centered_cosine

pytest.importorskip("ai_edge_litert")


def lopsided(scale):
    """An encoder of which one value in 64 is `scale` times as large as the others, which int8 then rounds away."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(64, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    gains = np.ones(64, np.float32)
    gains[0] = scale
    return keras.Model(inputs, keras.layers.Rescaling(gains.tolist())(x), name="lopsided")


def test_an_encoder_that_int8_does_not_suit_is_named(images, tmp_path):
    """A constant channel as large as that says nothing of the images, and takes all the numbers of int8."""
    encoder = lopsided(3000.0)
    layer = encoder.layers[1]
    kernel, bias = layer.get_weights()
    kernel[..., 0], bias[0] = 0, 1
    layer.set_weights([kernel, bias])
    path = tmp_path / "a.tflite"
    with pytest.warns(
        UserWarning, match=r"in int8 .* far from Keras.*cosine.*quantize=\"dynamic\".*lopsided"
    ) as record:
        export.tflite(encoder, path, quantize="int8", calibration=images)
    assert record[0].filename == __file__
    (parity,) = export.check_parity(encoder, {"a": path}, images)
    assert not parity.passed


@pytest.mark.parametrize("quantize", ["int8", "dynamic", "none"])
def test_others_are_not(residual_encoder, images, tmp_path, quantize):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize=quantize, calibration=images)
    assert not [str(one.message) for one in said if "far from Keras" in str(one.message)]
    (parity,) = export.check_parity(residual_encoder, {"a": path}, images)
    assert parity.format == f"tflite {quantize}"
    assert parity.passed


def test_the_cosine_is_of_what_differs_from_the_mean():
    reference = np.array([[1.0, 5], [-1, 5], [0, 6], [0, 4]])
    assert centered_cosine(reference, reference) == pytest.approx(1)
    assert centered_cosine(reference * [1, -1] + [0, 10], reference) == pytest.approx(0)
    assert centered_cosine(np.array([[0.0, 6]]), reference) == pytest.approx(0)
