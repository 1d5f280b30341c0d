import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.precision import cast_model, copy_model, copy_weights
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
    copy = cast_model(model, "float32")

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
    copy = cast_model(half, "float32")
    np.testing.assert_allclose(copy(IMAGES), full(IMAGES), rtol=1e-5, atol=1e-6)
    rounded = np.abs(np.asarray(half(IMAGES), np.float32) - full(IMAGES)).max()
    assert rounded > 1e-4  # so the line above tells the two apart


def test_a_float32_model_is_returned_as_it_is():
    model = encoder()
    assert cast_model(model, "float32") is model


def test_a_compiled_model_with_a_loss_of_its_own(policy):
    model = encoder()

    def distance(y, x):  # unknown to Keras' saving
        return keras.ops.mean((y - x) ** 2)

    model.compile("sgd", loss=distance)
    assert cast_model(model, "float32")(IMAGES).dtype == "float32"


def test_a_layer_that_holds_others(policy):
    @keras.saving.register_keras_serializable("test_precision")
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
    copy = cast_model(model, "float32")
    assert {layer.compute_dtype for layer in all_layers(copy)} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype("float32"))


def test_a_layer_that_chooses_half_precision_itself_is_named():
    @keras.saving.register_keras_serializable("test_precision")
    class Stubborn(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**{**kwargs, "dtype": "bfloat16"})

        def call(self, x):
            return x

    inputs = keras.Input((5,))
    with pytest.raises(InputError, match="fix their own dtype: stubborn"):
        cast_model(keras.Model(inputs, Stubborn(name="stubborn")(inputs)), "float32")


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
        cast_model(model, "float32")


def test_convolutions_are_halved_and_the_ends_are_not():
    model = bk.resnet8(input_shape=(16, 16, 3), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    copy = cast_model(model, "bfloat16")
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
    inner = bk.resnet8(input_shape=(16, 16, 3))
    model = keras.Sequential([keras.Input((16, 16, 3)), normalization, inner])
    copy = cast_model(model, "bfloat16")
    assert copy.layers[1].get_layer("stem_conv").dtype_policy.name == "mixed_bfloat16"
    exact, rounded = (m.predict(source, verbose=0) for m in (model, copy))
    assert 0 < np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()


def test_a_model_written_as_a_class_is_refused():
    class Encoder(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match="functional and sequential"):
        cast_model(Encoder(name="mine"), "bfloat16")


def test_another_dtype_is_refused():
    with pytest.raises(InputError, match="dtype='float16'"):
        cast_model(encoder(), "float16")


class Scaled(keras.layers.Layer):
    """Not registered with Keras, and made with a layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(4)

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return 2 * self.inner(x)


def test_a_class_of_the_users_is_copied_unregistered(policy):
    class Local(Scaled):
        pass

    inputs = keras.Input((5,))
    model = keras.Model(inputs, Local(name="local")(inputs))
    x = np.ones((2, 5), np.float32)
    for copy in (copy_model(model), cast_model(model, "bfloat16")):
        assert type(copy.get_layer("local")) is Local
    copy = copy_model(model)
    assert copy.get_layer("local").inner.dtype_policy.name == policy
    np.testing.assert_array_equal(*(keras.ops.cast(m(x), "float32") for m in (copy, model)))
    assert cast_model(model, "float32").get_layer("local").inner.dtype_policy.name == "float32"


def test_a_copy_is_a_second_model_with_the_same_adapted_normalization():
    model = encoder()
    copy = copy_model(model)
    assert not {id(v) for v in copy.variables} & {id(v) for v in model.variables}
    before = model(IMAGES).numpy()
    assert np.ptp(before) > 0.1
    np.testing.assert_array_equal(copy(IMAGES), before)
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    np.testing.assert_array_equal(model(IMAGES), before)
    copy_weights(model, copy)
    np.testing.assert_array_equal(copy(IMAGES), before)


def test_a_copy_has_the_class_and_the_frozen_layers_of_its_model():
    class Doubling(keras.Model):
        def call(self, x, **kwargs):
            return 2 * super().call(x, **kwargs)

    inputs = keras.Input((5,))
    frozen = keras.layers.Dense(3, trainable=False)
    model = Doubling(inputs, keras.layers.Dense(2)(frozen(inputs)))
    copy = copy_model(model)
    assert type(copy) is Doubling
    assert [len(m.trainable_variables) for m in (copy, model)] == [2, 2]
    np.testing.assert_array_equal(copy(np.ones((1, 5))), model(np.ones((1, 5))))


def test_a_model_written_as_a_class_is_copied_by_its_configuration():
    class Encoder(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = keras.layers.Dense(units)

        def build(self, shape):
            self.dense.build(shape)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    model = Encoder(3)
    x = np.ones((1, 5), np.float32)
    model(x)
    np.testing.assert_array_equal(copy_model(model)(x), model(x))
