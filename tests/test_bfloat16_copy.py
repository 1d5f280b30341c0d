import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.bfloat16_copy import bfloat16_copy
from byol_keras.errors import InputError


def test_convolutions_are_halved_and_the_ends_are_not():
    model = bk.resnet8(image_size=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    copy = bfloat16_copy(model)
    policies = {layer.name: layer.dtype_policy.name for layer in copy.layers}
    assert policies["normalization"] == policies["pool"] == "float32"
    assert policies["stem_conv"] == policies["stage3_block1_bn2"] == "mixed_bfloat16"
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    for copied, weight in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(copied, weight)


def test_an_adapted_normalization_and_a_model_inside_are_carried_over():
    source = np.random.default_rng(0).random((16, 16, 16, 3), np.float32)
    normalization = keras.layers.Normalization()
    normalization.adapt(source)
    inner = bk.resnet8(image_size=16)
    model = keras.Sequential([keras.Input((16, 16, 3)), normalization, inner])
    copy = bfloat16_copy(model)
    assert copy.layers[1].get_layer("stem_conv").dtype_policy.name == "mixed_bfloat16"
    exact, rounded = (m.predict(source, verbose=0) for m in (model, copy))
    assert 0 < np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()


def test_a_model_written_as_a_class_is_refused():
    class Encoder(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match="functional and sequential"):
        bfloat16_copy(Encoder(name="mine"))
