import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras import export
from byol_keras.export.formats.tflite_schema import operations, schema
from byol_keras.export.graph.int8_layers import DepthwiseNormalization, DeviceConv2D, device_layers


def network(layers, shape=(32, 32, 3)):
    """A model of the layers, with random weights and biases."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), *layers])
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(size=weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def graph(model):
    """Its kinds of operation, inside `device_layers`."""
    with device_layers(model):
        function = tf.function(lambda x: model(x, training=False)).get_concrete_function(
            tf.TensorSpec(model.input_shape)
        )
    return {operation.type for operation in function.graph.get_operations()}


def swapped(model, images):
    with device_layers(model):
        return model(images, training=False).numpy()


def strided_points(path):
    """How many strided convolutions with a 1x1 kernel are in a .tflite file."""
    flat = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    (graph,), kinds = flat.subgraphs, flat.operatorCodes
    convolutions = [o for o in graph.operators if kinds[o.opcodeIndex].builtinCode == schema.BuiltinOperator.CONV_2D]
    assert convolutions
    return sum(
        tuple(graph.tensors[operator.inputs[1]].shape[1:3]) == (1, 1)
        and (operator.builtinOptions.strideH, operator.builtinOptions.strideW) != (1, 1)
        for operator in convolutions
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [3, 4, 5, 6, 7, 8, (3, 7)])
@pytest.mark.parametrize("shape", [(32, 32, 3), (18, 24, 1)])
def test_squares_are_the_same_convolution(padding, kernel, shape):
    model = network([keras.layers.Conv2D(5, kernel, strides=2, padding=padding, activation="relu")], shape)
    images = np.random.default_rng(1).random((2, *shape), np.float32)
    assert "SpaceToDepth" in graph(model)
    plain = model(images).numpy()
    np.testing.assert_allclose(swapped(model, images), plain, atol=1e-5 * plain.max())


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((33, 32, 3), {}),
        ((32, 32, 8), {}),
        ((32, 32, 3), {"strides": 1}),
        ((32, 32, 3), {"kernel_size": 1, "strides": 1}),
        ((32, 32, 2), {"groups": 2}),
    ],
)
def test_other_convolutions_are_left_alone(shape, options):
    model = network([keras.layers.Conv2D(4, **{"kernel_size": 3, "strides": 2, "padding": "same", **options})], shape)
    assert not {"SpaceToDepth", "MaxPool"} & graph(model)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [2, 3, (1, 2)])
@pytest.mark.parametrize("options", [{}, {"activation": "relu"}, {"use_bias": False}, {"groups": 2}])
def test_a_strided_point_is_the_same_convolution(padding, strides, options):
    for shape in ((8, 8, 6), (7, 9, 6), (1, 2, 6)):
        model = network([keras.layers.Conv2D(4, 1, strides=strides, padding=padding, **options)], shape)
        images = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
        assert "MaxPool" in graph(model)
        plain = model(images).numpy()
        np.testing.assert_allclose(swapped(model, images), plain, atol=1e-6 * np.abs(plain).max())


@pytest.mark.parametrize(
    "options", [{"mean": [0.5, 0.4, 0.3], "variance": [0.04, 0.05, 0.06]}, {"mean": 0.5, "variance": 0.04}]
)
def test_normalization_is_the_same(options):
    model = network([keras.layers.Normalization(**options)])
    images = np.random.default_rng(1).random((2, 32, 32, 3), np.float32)
    assert "DepthwiseConv2dNative" in graph(model)
    np.testing.assert_allclose(swapped(model, images), model(images).numpy(), atol=1e-5)


def test_a_normalization_that_is_not_per_channel_is_left_alone():
    by_place = network(
        [keras.layers.Normalization(axis=(1, 2, 3), mean=np.zeros((4, 4, 3)), variance=np.ones((4, 4, 3)))], (4, 4, 3)
    )
    inverse = network([keras.layers.Normalization(mean=0.5, variance=0.1, invert=True)])
    assert "DepthwiseConv2dNative" not in graph(by_place) | graph(inverse)


def test_adapted_statistics_are_followed():
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(2, 3, (64, 8, 8, 3)).astype(np.float32))
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    images = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    np.testing.assert_allclose(swapped(model, images), model(images).numpy(), atol=1e-5)


def test_the_network_is_plain_again_outside(encoder):
    kinds = [type(layer) for layer in encoder.layers]

    def fail():
        with device_layers(encoder):
            assert {DepthwiseNormalization, DeviceConv2D} <= {type(layer) for layer in encoder.layers}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [type(layer) for layer in encoder.layers] == kinds


def test_only_files_in_int8_have_them(encoder, images, tmp_path):
    for quantize in ("none", "int8"):
        path = export.tflite(encoder, tmp_path / "a.tflite", quantize=quantize, calibration=images)
        assert ("SPACE_TO_DEPTH" in operations(path.read_bytes())) == (quantize == "int8")


@pytest.mark.parametrize("quantize", ["none", "dynamic", "int8"])
def test_no_strided_point_is_left_in_a_file_with_int8_weights(residual_encoder, images, tmp_path, quantize):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize=quantize, calibration=images)
    assert strided_points(path) == (2 if quantize == "none" else 0)


@pytest.mark.slow
def test_no_strided_point_is_left_of_a_network_of_keras_applications(tmp_path):
    encoder = keras.applications.ResNet50(
        input_shape=(64, 64, 3), weights=None, include_top=False, pooling="avg", name="resnet50"
    )
    assert strided_points(export.tflite(encoder, tmp_path / "none.tflite")) > 0
    assert strided_points(export.tflite(encoder, tmp_path / "dynamic.tflite", quantize="dynamic")) == 0
