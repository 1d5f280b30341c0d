import keras
import pytest

from byol_keras.models.heads import mlp


def test_layers_come_in_the_order_of_the_paper():
    head = mlp(8, hidden_dim=16, output_dim=4)
    dense, norm, relu, output = head.layers
    assert isinstance(dense, keras.layers.Dense)
    assert isinstance(norm, keras.layers.BatchNormalization)
    assert isinstance(relu, keras.layers.ReLU)
    assert isinstance(output, keras.layers.Dense)
    assert (dense.units, dense.use_bias) == (16, True)
    assert (output.units, output.use_bias) == (4, False)
    assert dense.activation is output.activation is keras.activations.linear


def test_batch_norm_has_the_constants_of_the_paper():
    norm = mlp(8).layers[1]
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)
    assert norm.scale
    assert norm.center
    assert norm.synchronized


def test_default_sizes():
    head = mlp(512, name="projector")
    assert head.name == "projector"
    assert (head.input_shape, head.output_shape) == ((None, 512), (None, 256))
    trainable = sum(v.value.shape.num_elements() for v in head.trainable_variables)
    assert trainable == (512 * 4096 + 4096) + 2 * 4096 + 4096 * 256


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_dtype_is_that_of_every_layer(dtype):
    assert {layer.dtype_policy.name for layer in mlp(8, 4, 2, dtype=dtype).layers} == {dtype}
