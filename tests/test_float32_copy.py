import keras
import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.float32_copy import float32_copy
from byol_keras.utils.private_api import all_layers

IMAGES = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16", "bfloat16"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def block(name):
    inputs = keras.Input((16, 16, 8))
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.ReLU()(x + inputs), name=name)


def encoder():
    """Nested blocks of the same shapes, one of them used twice, an adapted Normalization, an explicit cast."""
    normalization = keras.layers.Normalization(dtype="float32")
    normalization.adapt(IMAGES)
    inputs = x = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, padding="same")(normalization(x))
    first, second = block("first"), block("second")
    x = second(first(first(x)))
    x = keras.ops.cast(x, keras.config.dtype_policy().compute_dtype)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_every_layer_computes_in_float32_with_the_same_weights(policy):
    model = encoder()
    before = [np.array(weight) for weight in model.get_weights()]
    copy = float32_copy(model)

    assert {layer.compute_dtype for layer in all_layers(copy)} == {"float32"}
    assert {variable.dtype for variable in copy.weights} <= {"float32", "int64"}  # Normalization counts in int64
    assert copy(IMAGES).dtype == "float32"
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype("float32"))
    # The original is as it was.
    assert model.compute_dtype != "float32"
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert keras.config.dtype_policy().name == policy


def test_the_copy_is_the_model_built_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(1)
        half = encoder()
    finally:
        keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(1)
    full = encoder()
    copy = float32_copy(half)
    np.testing.assert_allclose(copy(IMAGES), full(IMAGES), rtol=1e-5, atol=1e-6)
    rounded = np.abs(np.asarray(half(IMAGES), np.float32) - full(IMAGES)).max()
    assert rounded > 1e-4  # so the line above tells the two apart


def test_a_float32_model_is_returned_as_it_is():
    model = encoder()
    assert float32_copy(model) is model


def test_a_compiled_model_with_a_loss_of_its_own(policy):
    model = encoder()

    def distance(y, x):  # unknown to Keras' saving
        return keras.ops.mean((y - x) ** 2)

    model.compile("sgd", loss=distance)
    assert float32_copy(model)(IMAGES).dtype == "float32"


def test_a_layer_that_holds_others(policy):
    @keras.saving.register_keras_serializable("test_float32_copy")
    class Pair(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first, self.second = keras.layers.Dense(4), keras.layers.Dense(4)

        def build(self, shape):
            self.first.build(shape)
            self.second.build((*shape[:-1], 4))

        def call(self, x):
            return self.second(self.first(x))

    inputs = keras.Input((5,))
    model = keras.Model(inputs, Pair()(inputs))
    copy = float32_copy(model)
    assert {layer.compute_dtype for layer in all_layers(copy)} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype("float32"))


def test_a_layer_that_chooses_half_precision_itself_is_named():
    @keras.saving.register_keras_serializable("test_float32_copy")
    class Stubborn(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**{**kwargs, "dtype": "bfloat16"})

        def call(self, x):
            return x

    inputs = keras.Input((5,))
    with pytest.raises(InputError, match="fix their own dtype: stubborn"):
        float32_copy(keras.Model(inputs, Stubborn(name="stubborn")(inputs)))


def test_a_model_without_configuration_is_an_input_error(policy):
    class Subclassed(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

        def get_config(self):
            raise NotImplementedError

    model = Subclassed(keras.layers.Dense(3))
    model(np.zeros((1, 5), "float32"))
    with pytest.raises(InputError, match=r"get_config.*Received: model="):
        float32_copy(model)
