import re

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.models.resnet import RESNETS, build_resnet, resnet


def trainable_parameters(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


# torchvision's resnet18, resnet34 and resnet50 without their last layer have as many.
@pytest.mark.parametrize(
    ("make", "parameters", "dimensions"),
    [(bk.resnet18, 11_176_512, 512), (bk.resnet34, 21_284_672, 512), (bk.resnet50, 23_508_032, 2048)],
)
def test_standard_networks(make, parameters, dimensions):
    model = make()
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, dimensions)
    assert trainable_parameters(model) == parameters
    assert all(not layer.use_bias for layer in convolutions(model))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == len(convolutions(model))
    assert {(norm.momentum, norm.epsilon, norm.synchronized) for norm in norms} == {(0.9, 1e-5, True)}


@pytest.mark.parametrize("make", [bk.resnet18, bk.resnet50])
def test_stride_is_on_the_3x3(make):
    strided = [layer for layer in convolutions(make(input_shape=(96, 96, 3))) if layer.strides == (2, 2)]
    stem, *blocks = strided
    assert stem.kernel_size == (7, 7)
    assert [layer.kernel_size for layer in blocks if "shortcut" not in layer.name] == [(3, 3)] * 3
    assert [layer.kernel_size for layer in blocks if "shortcut" in layer.name] == [(1, 1)] * 3


def test_imagenet_stem_divides_the_image_by_32():
    model = bk.resnet18(input_shape=(64, 64, 3))
    assert any(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers)
    assert model.get_layer("pool").input.shape == (None, 2, 2, 512)


def test_small_images_get_a_small_stem():
    model = bk.resnet18(input_shape=(32, 32, 3))
    stem = convolutions(model)[0]
    assert (stem.kernel_size, stem.strides) == ((3, 3), (1, 1))
    assert not any(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers)
    assert model.get_layer("pool").input.shape == (None, 4, 4, 512)
    assert trainable_parameters(model) == 11_176_512 - 7 * 7 * 3 * 64 + 3 * 3 * 3 * 64


@pytest.mark.parametrize(("image_size", "kernel", "pooled"), [(63, 3, False), (64, 7, True)])
def test_small_images_are_those_under_64_pixels(image_size, kernel, pooled):
    model = resnet((1,), (4,), input_shape=(image_size, image_size, 3))
    assert convolutions(model)[0].kernel_size == (kernel, kernel)
    assert any(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers) == pooled


def test_stem_can_be_chosen():
    model = resnet((1,), (4,), input_shape=(64, 64, 3), stem=(5, 2, False))
    assert convolutions(model)[0].kernel_size == (5, 5)
    assert model.get_layer("pool").input.shape == (None, 32, 32, 4)


@pytest.mark.parametrize(
    ("make", "dimensions", "parameters", "strides"), [(bk.resnet8, 128, 0.3e6, 1), (bk.resnet8x2, 256, 1.2e6, 2)]
)
def test_networks_for_small_images(make, dimensions, parameters, strides):
    model = make()
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, dimensions)
    assert trainable_parameters(model) == pytest.approx(parameters, rel=0.1)
    assert convolutions(model)[0].strides == (strides, strides)
    assert convolutions(make(input_shape=(64, 64, 3)))[0].kernel_size == (7, 7)


def test_block_adds_its_input():
    # With the second batch norm's gamma at 0 nothing but the input is left of the block.
    model = resnet((1,), (4,), input_shape=(8, 8, 3))
    model.get_layer("stage1_block1_bn2").gamma.assign([0.0] * 4)
    x = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    stem = keras.Model(model.input, model.get_layer("stem_relu").output)
    np.testing.assert_allclose(model(x), stem(x).numpy().mean((1, 2)), atol=1e-6)


def test_mean_and_std_are_applied_at_the_input():
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    plain = resnet((1,), (4,), input_shape=(8, 8, 3))
    normalizing = resnet((1,), (4,), input_shape=(8, 8, 3), mean=mean, std=std)
    normalizing.set_weights(plain.get_weights())
    x = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    np.testing.assert_allclose(normalizing(x), plain((x - np.array(mean)) / np.array(std)), rtol=1e-4, atol=1e-5)


def test_half_precision_keeps_the_input_and_the_output_in_float32(set_policy):
    set_policy("mixed_bfloat16")
    model = resnet((1,), (4,), input_shape=(8, 8, 3), mean=(0.5,) * 3, std=(0.2,) * 3)
    assert model(np.zeros((1, 8, 8, 3), np.float32)).dtype == "float32"
    # bfloat16 has no number between 0.5 and 0.50390625.
    x = np.full((1, 8, 8, 3), 0.501, np.float32)
    normalized = keras.Model(model.input, model.get_layer("normalization").output)(x)
    np.testing.assert_allclose(normalized, (x - 0.5) / 0.2, rtol=1e-3)


def test_gray_images():
    model = resnet((1, 1), (4, 8), input_shape=(8, 8, 1), mean=(0.5,), std=(0.2,))
    assert model(np.zeros((2, 8, 8, 1), np.float32)).shape == (2, 8)


@pytest.mark.parametrize(
    "shape",
    [
        *((0, 32, 3), (32, -1, 3), (32.0, 32, 3), ("32", "32", 3), (32, 32), (None, None, 3), 32, None),
        *((32, 32, 0), (32, 32, -1), (3, 32, 32), (1, 32, 32)),
    ],
)
def test_impossible_shapes_are_refused(shape):
    for make in (bk.resnet8x2, bk.resnet18):
        with pytest.raises(bk.InputError, match=re.escape(f"input_shape={shape!r}")):
            make(input_shape=shape)


def test_images_need_not_be_square_and_one_short_side_makes_them_small():
    model = resnet((1, 1), (4, 8), input_shape=[96, 32, 1])
    assert model(np.zeros((2, 96, 32, 1), np.float32)).shape == (2, 8)
    assert convolutions(model)[0].kernel_size == (3, 3)


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (0.2,)), ((0.5,) * 3, None), (None, (0.2,) * 3)])
def test_mean_and_std_have_one_number_per_channel(mean, std):
    with pytest.raises(bk.InputError, match="one number per channel"):
        bk.resnet8(mean=mean, std=std)


def test_networks_are_built_by_name():
    assert build_resnet("resnet8", input_shape=(16, 16, 1)).input_shape == (None, 16, 16, 1)
    assert all(make.__name__ == name for name, make in RESNETS.items())
    with pytest.raises(bk.InputError, match="'resnet9'; choose one of resnet8,"):
        build_resnet("resnet9")
