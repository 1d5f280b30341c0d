import io
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.heads import mlp


@keras.saving.register_keras_serializable("test_byol")
class Subclassed(keras.Model):
    """An encoder written as a class, whose weights are made by its first call."""

    def __init__(self, width=4, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.convolution = keras.layers.Conv2D(width, 3, strides=2)
        self.norm = keras.layers.BatchNormalization()
        self.pool = keras.layers.GlobalAveragePooling2D()

    def call(self, images, training=False):
        return self.pool(keras.ops.relu(self.norm(self.convolution(images), training=training)))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("test_byol")
def constant_loss(prediction, target):
    """1.5 a picture, with no gradient."""
    return 0.0 * tf.reduce_sum(prediction, axis=-1) + 1.5


def batches(views, size=4):
    return tf.data.Dataset.from_tensor_slices((views,)).batch(size)


def weights_of(model):
    return [np.array(w) for w in model.get_weights()]


def target_of(model):
    """Every parameter of the target that is averaged, and the online one it follows."""
    pairs = []
    for target, online in ((model.target_encoder, model.encoder), (model.target_projector, model.projector)):
        for follower, leader in zip(target.weights, online.weights, strict=True):
            if "moving" not in leader.name:
                pairs.append((follower, leader))
    return pairs


def move_target_away(model):
    """Puts the target 1 away from the online network; while that stands still, the distance counts the updates."""
    for target, online in target_of(model):
        target.assign(online + 1.0)


def distances(model):
    return np.concatenate([(target.numpy() - online.numpy()).ravel() for target, online in target_of(model)])


def unit(x):
    return x / np.sqrt(np.maximum((x**2).sum(1, keepdims=True), 1e-12))


def spread_by_hand(projection):
    return unit(projection).std(0).mean() * np.sqrt(projection.shape[1])


def loss_by_hand(prediction, target):
    return ((unit(prediction) - unit(target)) ** 2).sum(1)


def outputs(model, view, training):
    """Prediction and target projection of one view, float64, with the model's weights left as they were."""
    before = model.get_weights()
    prediction = target = view
    for part in (model.encoder, model.projector, model.predictor):
        prediction = part(prediction, training=training)
    for part in (model.target_encoder, model.target_projector):
        target = part(target, training=training)
    model.set_weights(before)
    return np.array(prediction, np.float64), np.array(target, np.float64)


# What comes out


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_predict_and_call_give_embeddings(tiny_byol, dtype):
    model = tiny_byol()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    images = pixels if dtype == "uint8" else (pixels / 255).astype(dtype)
    expected = model.encoder(pixels / np.float32(255)).numpy()
    embeddings = model.predict(images, batch_size=2, verbose=0)
    assert embeddings.shape == (5, 4)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, atol=1e-6)
    np.testing.assert_allclose(model(images), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_embeddings_are_float32_under_mixed_precision(tiny_byol, set_policy, policy):
    set_policy(policy)
    model = tiny_byol()
    assert model(np.zeros((2, 8, 8, 3), np.float32)).dtype == tf.float32
    assert model.predict(np.zeros((2, 8, 8, 3), np.uint8), verbose=0).dtype == np.float32


def test_evaluate_gives_loss_and_spread_in_inference_mode(tiny_byol, view_pair):
    model = tiny_byol()
    move_target_away(model)
    model.compile("sgd")
    before = weights_of(model)
    logs = model.evaluate(batches(view_pair), return_dict=True, verbose=0)
    (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=False) for view in view_pair)
    assert set(logs) == {"loss", "spread"}
    assert logs["loss"] == pytest.approx((loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1)).mean(), abs=1e-5)
    spreads = [spread_by_hand(z[i : i + 4]) for z in (z_1, z_2) for i in (0, 4, 8)]
    assert logs["spread"] == pytest.approx(np.mean(spreads), abs=1e-5)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_logs_are_means_over_the_epoch(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    move_target_away(model)
    losses, spreads = [], []
    for batch in (slice(0, 8), slice(8, 12)):  # the last one is smaller
        (q_1, z_1), (q_2, z_2) = (outputs(model, view[batch], training=True) for view in view_pair)
        losses.append(loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1))
        spreads.append((spread_by_hand(z_1) + spread_by_hand(z_2)) / 2)
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(batches(view_pair, 8), epochs=2, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "spread", "tau"}
    assert history["loss"] == pytest.approx([np.concatenate(losses).mean()] * 2, abs=1e-5)
    assert history["spread"] == pytest.approx([np.mean(spreads)] * 2, abs=1e-5)
    assert history["tau"] == [1.0, 1.0]
    assert abs(losses[-1].mean() - history["loss"][0]) > 0.05


@pytest.mark.parametrize(("sign", "loss"), [(1.0, 0.0), (-1.0, 8.0)])
def test_the_two_directions_are_added_up(tiny_encoder, sign, loss):
    # A predictor that keeps or turns over the projection, and the same picture twice.
    keras.utils.set_random_seed(0)
    predictor = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, use_bias=False)])
    predictor.set_weights([sign * np.eye(3)])
    model = bk.BYOL(tiny_encoder(), projector=mlp(4, 32, 3), predictor=predictor)
    model.compile(keras.optimizers.SGD(0.0))
    view = tf.random.stateless_uniform((4, 8, 8, 3), seed=[1, 2])
    assert float(model.train_step(((view, view),))["loss"]) == pytest.approx(loss, abs=1e-5)


def test_default_heads_are_those_of_the_paper(tiny_encoder):
    model = bk.BYOL(tiny_encoder())
    assert [layer.units for layer in model.projector.layers if isinstance(layer, keras.layers.Dense)] == [4096, 256]
    assert [layer.units for layer in model.predictor.layers if isinstance(layer, keras.layers.Dense)] == [4096, 256]
    assert model.predictor.input_shape == model.predictor.output_shape == (None, 256)


def test_a_loss_of_ones_own(tiny_byol, view_pair, tmp_path):
    model = tiny_byol(loss=constant_loss)
    model.compile(keras.optimizers.SGD(0.1))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert float(each.train_step((view_pair,))["loss"]) == pytest.approx(3.0)


# What is trained, and what follows


def test_the_target_starts_as_a_copy(tiny_byol):
    model = tiny_byol()
    assert np.abs(distances(model)).max() == 0.0


def test_only_the_online_network_is_trained(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    online = [v for part in (model.encoder, model.projector, model.predictor) for v in part.trainable_variables]
    assert len(online) == 3 + 5 + 5
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in online}
    before = {id(v): v.numpy() for v in (*online, *(target for target, _ in target_of(model)))}
    model.compile(keras.optimizers.SGD(0.5))
    for _ in range(2):
        model.train_step((view_pair,))
    for target, _ in target_of(model):
        np.testing.assert_array_equal(target, before[id(target)])
    for variable in online:
        # A bias in front of a batch norm has no effect, and so no gradient.
        assert variable.name == "bias" or np.abs(variable.numpy() - before[id(variable)]).max() > 1e-4


def test_the_target_follows_at_once_with_tau_zero(tiny_byol, view_pair):
    model = tiny_byol(tau=0.0)
    model.compile(keras.optimizers.SGD(0.5))
    model.train_step((view_pair,))
    assert np.abs(distances(model)).max() < 1e-6


def test_the_target_runs_on_batch_statistics_and_keeps_moving_ones_of_its_own(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    move_target_away(model)
    before = model.target_encoder.get_weights()
    model.compile(keras.optimizers.SGD(0.0))
    model.train_step((view_pair,))
    kernel, mean, variance = before[0], before[3], before[4]
    for view in view_pair:
        features = tf.nn.conv2d(view, kernel, 2, "SAME").numpy().astype(np.float64)
        mean = 0.9 * mean + 0.1 * features.mean((0, 1, 2))
        variance = 0.9 * variance + 0.1 * features.var((0, 1, 2))
    np.testing.assert_allclose(model.target_encoder.get_weights()[3], mean, rtol=1e-5)
    np.testing.assert_allclose(model.target_encoder.get_weights()[4], variance, rtol=1e-5)
    assert np.abs(model.encoder.get_weights()[3] - mean).max() > 0.01


def test_setting_trainable_back_and_forth_changes_nothing(tiny_byol, view_pair):
    toggled, plain = tiny_byol(), tiny_byol()
    toggled.trainable = False
    toggled.trainable = True
    toggled.target_encoder.trainable = True
    for model in (toggled, plain):
        model.compile(keras.optimizers.SGD(0.5))
        for _ in range(2):
            model.train_step((view_pair,))
    assert len(toggled.trainable_variables) == len(plain.trainable_variables)
    for actual, expected in zip(toggled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_frozen_layers_of_the_encoder_stay(tiny_byol, tiny_encoder, view_pair, tmp_path):
    encoder = tiny_encoder()
    encoder.layers[1].trainable = False
    model = tiny_byol(encoder)
    kernel = encoder.layers[1].kernel.numpy()
    model.compile(keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        each.train_step((view_pair,))
        for part in (each.encoder, each.target_encoder):
            np.testing.assert_array_equal(part.get_weights()[0], kernel)


@pytest.mark.parametrize(
    ("policy", "accumulate", "per_execution", "updates"),
    [
        ("float32", None, 1, 6),
        ("float32", None, 4, 6),
        ("float32", 3, 1, 2),
        ("float32", 3, 4, 2),
        ("mixed_bfloat16", None, 1, 6),
        ("mixed_float16", None, 4, 6),
        ("mixed_float16", 3, 1, 2),
    ],
)
def test_the_target_moves_once_an_update(tiny_byol, set_policy, view_pair, policy, accumulate, per_execution, updates):
    set_policy(policy)
    model = tiny_byol(tau=0.9)
    move_target_away(model)
    model.compile(keras.optimizers.SGD(0.0, gradient_accumulation_steps=accumulate), steps_per_execution=per_execution)
    model.fit(batches(view_pair, 2), shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == updates
    np.testing.assert_allclose(distances(model), 0.9**updates, atol=1e-5)


def test_a_step_skipped_for_an_overflow_leaves_the_target(tiny_byol, set_policy, view_pair):
    set_policy("mixed_float16")
    model = tiny_byol(tau=0.9)
    move_target_away(model)
    # A scale so low that nothing overflows but what is meant to.
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), initial_scale=2.0))
    broken = (view_pair[0].copy(), view_pair[1])
    broken[0][5] = np.inf  # in the second of three batches
    model.fit(batches(broken), shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == 2
    np.testing.assert_allclose(distances(model), 0.9**2, atol=1e-5)


def test_mixed_float16_scales_the_loss_by_itself(tiny_byol, set_policy):
    set_policy("mixed_float16")
    model = tiny_byol()
    model.compile(bk.LARS(0.1))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_scaled_loss_trains_as_the_loss(tiny_byol, set_policy, view_pair):
    moved = []
    for policy in ("float32", "mixed_float16"):
        set_policy(policy)
        model = tiny_byol()
        before = model.predictor.get_weights()[-1]
        optimizer = keras.optimizers.SGD(0.5)
        if policy == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64.0)
        model.compile(optimizer)
        model.train_step((view_pair,))
        moved.append(model.predictor.get_weights()[-1] - before)
    assert np.abs(moved[0]).max() > 0.01
    np.testing.assert_allclose(moved[1], moved[0], atol=0.02 * np.abs(moved[0]).max())


def test_the_target_is_float32_under_bfloat16(tiny_byol, set_policy, view_pair):
    set_policy("mixed_bfloat16")
    model = tiny_byol(tau=0.9996)
    assert model.encoder.compute_dtype == model.target_encoder.compute_dtype == "bfloat16"
    assert model.predictor.compute_dtype == "bfloat16"
    assert {target.dtype for target, _ in target_of(model)} == {"float32"}
    move_target_away(model)
    model.compile(keras.optimizers.SGD(0.0))
    for _ in range(3):
        logs = model.train_step((view_pair,))
    # In bfloat16 a change of 0.0004 of 1 would have been lost.
    np.testing.assert_allclose(distances(model), 0.9996**3, atol=2e-6)
    assert logs["loss"].dtype == tf.float32


@pytest.mark.slow
def test_a_step_compiled_by_xla_is_the_same(tiny_byol, view_pair):
    models = [tiny_byol(), tiny_byol()]
    for model, jit_compile in zip(models, (False, True), strict=True):
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(batches(view_pair, 6), shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)])
    for actual, expected in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


# What goes in


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("labelled", [False, True])
def test_fit_takes_pairs_of_views(tiny_byol, labelled, dtype):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 8, 3)).astype(np.uint8)
    floats = pixels / np.float32(255)
    v1, v2 = pixels if dtype == "uint8" else floats
    data = ((v1, v2), np.arange(8)) if labelled else ((v1, v2),)
    model, expected = tiny_byol(), tiny_byol()
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)
    expected.compile(keras.optimizers.SGD(0.1))
    for i in (0, 4):
        expected.train_step(((floats[0, i : i + 4], floats[1, i : i + 4]),))
    for actual, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(actual, other, atol=2e-4)


@pytest.mark.parametrize("form", ["images", "(images,)", "(images, labels)"])
def test_with_an_augmenter_fit_takes_pictures(tiny_byol, form):
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3)).astype(np.uint8)
    data = {"images": images, "(images,)": (images,), "(images, labels)": (images, np.arange(8))}[form]
    model = tiny_byol(augmenter=bk.TwoViews(8, seed=3))
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)

    expected, views = tiny_byol(), bk.TwoViews(8, seed=3)
    expected.compile(keras.optimizers.SGD(0.1))
    for i in (0, 4):
        expected.train_step((views(images[i : i + 4]),))
    for actual, other in zip(model.predictor.get_weights(), expected.predictor.get_weights(), strict=True):
        np.testing.assert_allclose(actual, other, atol=1e-5)


def test_fit_takes_validation_data(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    dataset = batches(view_pair)
    history = model.fit(dataset, validation_data=dataset, shuffle=False, verbose=0).history
    logs = model.evaluate(dataset, return_dict=True, verbose=0)
    assert history["val_loss"] == pytest.approx([logs["loss"]], abs=1e-6)
    assert history["val_spread"] == pytest.approx([logs["spread"]], abs=1e-6)


@pytest.mark.parametrize("form", ["images", "(v1, v2)", "(images, labels)", "three views", "flat vectors"])
def test_batches_without_two_views_are_refused(tiny_byol, view_pair, form):
    v1, v2 = view_pair
    data = {
        "images": v1,
        "(v1, v2)": (v1, v2),
        "(images, labels)": (v1, np.arange(12)),
        "three views": ((v1, v2, v1),),
        "flat vectors": ((v1.reshape(12, -1), v2.reshape(12, -1)),),
    }[form]
    model = tiny_byol()
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=r"\(\(view_1, view_2\),\).*augmenter=TwoViews.*Received: .*float32 \(None"):
        model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)


def test_with_an_augmenter_pairs_of_views_are_refused(tiny_byol, view_pair):
    model = tiny_byol(augmenter=bk.TwoViews(8))
    model.compile("sgd")
    with pytest.raises(bk.InputError, match="a batch is one tensor of pictures"):
        model.fit(batches(view_pair), shuffle=False, verbose=0)


def test_an_encoder_must_give_one_vector_a_picture():
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    with pytest.raises(bk.InputError, match=r"\(None, 6, 6, 4\).*GlobalAveragePooling2D"):
        bk.BYOL(encoder)


@pytest.mark.parametrize(
    "make", [Subclassed, lambda: keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])]
)
def test_an_encoder_must_be_built(make):
    with pytest.raises(bk.InputError, match="no weights yet"):
        bk.BYOL(make())


def test_an_encoder_must_be_a_model():
    with pytest.raises(bk.InputError, match=r"must be a keras\.Model"):
        bk.BYOL(keras.layers.Dense(3))


@pytest.mark.parametrize("tau", [-0.01, 1.01, float("nan")])
def test_tau_must_be_a_share(tiny_byol, tau):
    with pytest.raises(bk.InputError, match=f"tau={tau}"):
        tiny_byol(tau=tau)
    with pytest.raises(bk.InputError, match=f"tau_base={tau}"):
        tiny_byol().set_target_schedule(tau, 100)


# Saving, and going on


@pytest.mark.parametrize("with_augmenter", [False, True])
def test_training_on_after_loading_is_training_without_a_break(tiny_byol, view_pair, tmp_path, with_augmenter):
    dataset = batches(view_pair)
    if with_augmenter:
        dataset = dataset.map(lambda views: views[0])

    def fit(model, **epochs):
        return model.fit(dataset, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)], **epochs).history

    def compiled():
        keras.utils.set_random_seed(5)  # starts the seeds of the views
        model = tiny_byol(augmenter=bk.TwoViews(8) if with_augmenter else None)
        model.compile(bk.LARS(bk.schedules.learning_rate(2.0, 256, 9, 2), weight_decay=1e-4, eta=0.1))
        return model

    whole = compiled()
    whole_history = fit(whole, epochs=3)
    part = compiled()
    part.fit(dataset, epochs=3, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9), _StopAfter(1)])
    part.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(99)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    history = fit(loaded, epochs=3, initial_epoch=1)
    for name in ("loss", "spread", "tau"):
        assert history[name] == pytest.approx(whole_history[name][1:], abs=1e-6)
    for actual, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)
    for actual, expected in zip(loaded.optimizer.variables, whole.optimizer.variables, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


class _StopAfter(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 >= self.epochs


def test_a_loaded_model_keeps_its_schedule_without_the_callback(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.set_target_schedule(0.9, 4)
    for _ in range(2):
        model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    # The third and fourth of four updates, and one too many.
    for tau in (0.95, 1 - 0.1 * (1 - 0.5**0.5) / 2, 1.0):
        assert float(loaded.train_step((view_pair,))["tau"]) == pytest.approx(tau, abs=1e-6)


def test_a_constant_tau_is_kept(tiny_byol, tmp_path):
    model = tiny_byol(tau=0.25)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tau == 0.25
    assert float(loaded.tau_base) == 0.25


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_precision_is_kept_by_saving(tiny_byol, set_policy, view_pair, tmp_path, policy):
    set_policy(policy)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    set_policy("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.encoder.layers[1].compute_dtype == policy.removeprefix("mixed_")
    assert type(loaded.optimizer) is type(model.optimizer)
    for each in (model, loaded):
        each.train_step((view_pair,))
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_saved_model_holds_every_weight_once(tiny_byol, tmp_path):
    model = tiny_byol()
    model.compile(bk.LARS(0.1))
    model.save(tmp_path / "model.keras")
    stored = []
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(lambda name, item: stored.append(item.size) if isinstance(item, h5py.Dataset) else None)
    variables = [*model.variables, *model.optimizer.variables]
    expected = sum(int(np.prod(v.shape)) for v in variables)
    # Metrics and names of the file format are a few numbers more.
    assert expected <= sum(stored) <= expected + 10


# Encoders of other makes


def _mobilenet():
    return keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, include_top=False, pooling="avg")


def _sequential():
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])


def _subclassed():
    encoder = Subclassed(width=5)
    encoder(np.zeros((1, 8, 8, 3), np.float32))
    return encoder


def _keras_cv():
    keras_cv = pytest.importorskip("keras_cv")
    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[4, 8],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=False,
        input_shape=(16, 16, 3),
    )
    return keras.Sequential([keras.Input((16, 16, 3)), backbone, keras.layers.GlobalAveragePooling2D()])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what keras_cv imports
@pytest.mark.parametrize(
    ("make", "size", "dimensions"),
    [
        (_sequential, 8, 4),
        (_subclassed, 8, 5),
        pytest.param(_keras_cv, 16, 32, marks=pytest.mark.slow),
        pytest.param(_mobilenet, 32, 1280, marks=pytest.mark.slow),
    ],
)
def test_any_encoder_trains_and_is_saved(make, size, dimensions, tmp_path):
    keras.utils.set_random_seed(0)
    model = bk.BYOL(make(), projector=mlp(dimensions, 6, 3), predictor=mlp(3, 6, 3), tau=0.0)
    model.compile(keras.optimizers.SGD(0.1))
    views = tuple(tf.random.stateless_uniform((4, size, size, 3), seed=[1, i]) for i in range(2))
    assert np.abs(distances(model)).max() == 0.0
    before = model.encoder.get_weights()[0]
    assert 0.0 < float(model.train_step((views,))["loss"]) < 8.0
    assert np.abs(model.encoder.get_weights()[0] - before).max() > 0.0
    assert np.abs(distances(model)).max() < 1e-6
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.train_step((views,))
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert loaded.predict(views[0], verbose=0).shape == (4, dimensions)


def test_the_dimension_of_a_subclassed_encoder_need_not_be_told():
    assert bk.BYOL(_subclassed()).projector.input_shape == (None, 5)
