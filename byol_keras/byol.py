"""Bootstrap Your Own Latent as a Keras model: the file to open first."""

import keras
import tensorflow as tf
from keras import ops

from .augment.layout import to_unit_range
from .errors import InputError
from .kernels import compilable, fast_layers
from .losses import regression_loss, target_std
from .models.heads import mlp
from .schedules import cosine_tau

VIEWS_EXPECTED = (
    "BYOL trains on two views of each image. Give `fit` batches of ((view_1, view_2),) or "
    "((view_1, view_2), labels), or pass augmenter=TwoViews(...) to BYOL and plain batches of images to `fit`."
)


@keras.saving.register_keras_serializable("byol_keras")
class BYOL(keras.Model):
    """Two networks: the online one learns to predict the target's projection of another view of the same image.

    online = predictor(projector(encoder(view))), trained by the optimizer; target = target_projector(target_encoder(
    view)), which follows the online one: after each optimizer update, target <- tau * target + (1 - tau) * online.
    Source: Grill et al. 2020 (arXiv 2006.07733).

    A step passes each view separately through both networks in training mode, so batch-norm statistics are per view.
    The target's batch norm keeps moving statistics of its own. Plain Keras layers compute by quicker kernels during the
    step, see `kernels.fast_layers`, and are the same layers before and after. tau is constant unless the `TargetEMA`
    callback sets a schedule. `compile` takes any Keras optimizer; `fit` logs

        loss: mean over the batch of the two directions' regression losses, added up; 0 to 8;
        target_std: see `losses.target_std`; about 1 is healthy, towards 0 is collapse;
        tau: the target's decay at the last update.

    `evaluate` gives loss and target_std in inference mode. `call` and `predict` give embeddings, (B, D) float32. A
    model saved as .keras and loaded again trains on as if never stopped.

    Args:
        encoder: a built keras.Model, (B, H, W, C) float32 in [0, 1] -> (B, D). It is trained in place.
        projector: keras.Model, (B, D) -> (B, P); by default `heads.mlp`, 4096 wide, to 256.
        predictor: keras.Model, (B, P) -> (B, P); by default the same.
        augmenter: layer, (B, H, W, C) -> (view_1, view_2), such as `TwoViews`, when `fit` is given plain images.
        loss: function (prediction (B, P), target (B, P)) -> (B,); by default `losses.regression_loss`.
        tau: float in [0, 1], the target's decay while no schedule is set.

    Raises:
        InputError: for an encoder that is not built, or whose output is not (B, D), for heads of other widths, or tau
            out of range.
    """

    def __init__(self, encoder, projector=None, predictor=None, augmenter=None, loss=None, tau=0.996, **kwargs):
        dimensions = _encoder_dimensions(encoder)
        if not 0 <= tau <= 1:
            raise InputError(f"`tau` must be between 0 and 1. Received: tau={tau}")
        kwargs.setdefault("dtype", encoder.dtype_policy)
        # Not autocast: an image rounded to bfloat16 before the encoder normalizes it has lost detail for nothing.
        super().__init__(autocast=False, **kwargs)
        self.encoder = encoder
        self.projector = projector or mlp(dimensions, dtype=self.dtype_policy, name="projector")
        _check_width("projector", self.projector, dimensions)
        width = self.projector.output_shape[-1]
        self.predictor = predictor or mlp(width, output_dim=width, dtype=self.dtype_policy, name="predictor")
        _check_width("predictor", self.predictor, width, width)
        self.target_encoder = _copy(self.encoder)
        self.target_projector = _copy(self.projector)
        self.augmenter = augmenter
        self.view_loss = loss or regression_loss
        self.tau = tau
        # In the model's state, so that a saved model resumes its schedule. total_updates 0: tau is constant.
        self.tau_base = self._scalar("tau_base", tau, "float32")
        self.total_updates = self._scalar("total_updates", 0, "int64")
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.target_std_tracker = keras.metrics.Mean(name="target_std")
        self._freeze_target()
        self.built = True

    def call(self, images, training=False):
        """Embeds images: (B, H, W, C), uint8 or float in [0, 1] -> (B, D) float32."""
        return ops.cast(self.encoder(to_unit_range(images), training=training), "float32")

    def train_step(self, data):
        view_1, view_2 = self._views(data)
        with fast_layers(self.encoder, self.projector, self.predictor, self.target_encoder, self.target_projector):
            target_1, target_2 = self._target(view_1, training=True), self._target(view_2, training=True)
            with tf.GradientTape() as tape:
                prediction_1, prediction_2 = self._online(view_1, training=True), self._online(view_2, training=True)
                losses = self.view_loss(prediction_1, target_2) + self.view_loss(prediction_2, target_1)
                # tf.distribute adds the replicas' gradients up, so each replica takes its share of the mean.
                replicas = tf.distribute.get_strategy().num_replicas_in_sync
                scaled_loss = self.optimizer.scale_loss(tf.reduce_mean(losses) / replicas)
            gradients = tape.gradient(scaled_loss, self.trainable_variables)

        tau = self._update(gradients)
        self._track(losses, target_1, target_2)
        return {**self.get_metrics_result(), "tau": tau}

    def test_step(self, data):
        view_1, view_2 = self._views(data)
        target_1, target_2 = self._target(view_1, training=False), self._target(view_2, training=False)
        prediction_1, prediction_2 = self._online(view_1, training=False), self._online(view_2, training=False)
        losses = self.view_loss(prediction_1, target_2) + self.view_loss(prediction_2, target_1)
        self._track(losses, target_1, target_2)
        return self.get_metrics_result()

    def set_target_schedule(self, base, total_updates):
        """tau rises from `base` to 1 over `total_updates` optimizer updates; with 0 updates it stays `base`."""
        if not 0 <= base <= 1:
            raise InputError(f"tau_base must be between 0 and 1. Received: tau_base={base}")
        self.tau_base.assign(base)
        self.total_updates.assign(total_updates)

    def _online(self, view, training):
        projection = self.projector(self.encoder(view, training=training), training=training)
        return self.predictor(projection, training=training)

    def _target(self, view, training):
        return self.target_projector(self.target_encoder(view, training=training), training=training)

    def _update(self, gradients):
        """One call of the optimizer, and the target's move after it; returns tau."""
        if compilable(self.optimizer, gradients):
            return tf.function(self._apply, jit_compile=True, autograph=False)(gradients)
        return self._apply(gradients)

    def _apply(self, gradients):
        # An update happens only when the optimizer counts one: not while it accumulates gradients, and not when a
        # float16 step overflowed. The target follows updates, not batches.
        update = tf.convert_to_tensor(self.optimizer.iterations)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        tau = self._tau_at(update)
        updated = tf.convert_to_tensor(self.optimizer.iterations) > update
        self._average_target(tf.where(updated, 1.0 - tau, 0.0))
        return tau

    def _tau_at(self, update):
        total = ops.cast(self.total_updates, "float32")
        scheduled = cosine_tau(update, ops.maximum(total, 1.0), self.tau_base)
        return ops.where(total > 0, scheduled, self.tau_base)

    def _average_target(self, rate):
        """target += rate * (online - target), in float32, on every replica."""

        def move(target, online):
            target.assign_add(tf.cast(rate, target.dtype) * (online - target))

        def move_all(strategy):
            for target, online in self._averaged_variables():
                strategy.extended.update(target.value, move, args=(online.value,), group=False)

        tf.__internal__.distribute.interim.maybe_merge_call(move_all, tf.distribute.get_strategy())

    def _averaged_variables(self):
        """Pairs (target's, online's) of every parameter the optimizer moves; batch-norm statistics are none."""
        # Found anew and not kept in an attribute, which Keras would save as variables of this model, a second time.
        targets = [*self.target_encoder.variables, *self.target_projector.variables]
        online = [*self.encoder.variables, *self.projector.variables]
        return [(t, o) for t, o in zip(targets, online, strict=True) if o.trainable]

    def _track(self, losses, target_1, target_2):
        self.loss_tracker.update_state(losses)
        self.target_std_tracker.update_state((target_std(target_1) + target_std(target_2)) / 2)

    def _views(self, data):
        """The two views in a batch, float32 in [0, 1]."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if self.augmenter is not None:
            if isinstance(x, (tuple, list, dict)):
                raise InputError(f"With an augmenter, a batch is one tensor of images. Received: {_describe(x)}")
            return self.augmenter(x)
        if not isinstance(x, (tuple, list)) or len(x) != 2:
            raise InputError(f"{VIEWS_EXPECTED} Received: {_describe(data)}")
        view_1, view_2 = x
        if len(view_1.shape) != 4 or len(view_2.shape) != 4:
            raise InputError(f"{VIEWS_EXPECTED} Received: {_describe(data)}")
        return to_unit_range(view_1), to_unit_range(view_2)

    def _scalar(self, name, value, dtype):
        initializer = keras.initializers.Constant(value)
        return self.add_weight(shape=(), initializer=initializer, dtype=dtype, trainable=False, name=name)

    def _freeze_target(self):
        # The variables, not the layers: a frozen layer would put its batch norm into inference mode.
        for layer in (self.target_encoder, self.target_projector):
            for variable in layer.trainable_variables:
                variable.trainable = False

    @property
    def trainable_variables(self):
        """The online network's variables; the target's never take part, whatever `trainable` was set to."""
        return [
            *self.encoder.trainable_variables,
            *self.projector.trainable_variables,
            *self.predictor.trainable_variables,
        ]

    @property
    def trainable_weights(self):
        return self.trainable_variables

    @property
    def metrics(self):
        return [self.loss_tracker, self.target_std_tracker]

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds the optimizer only: the model is built, and Keras would trace it on images that are not views yet.

        Left to the first step, the optimizer's variables would be made inside a replica, where TensorFlow fails.
        """
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "encoder": serialize(self.encoder),
            "projector": serialize(self.projector),
            "predictor": serialize(self.predictor),
            "augmenter": None if self.augmenter is None else serialize(self.augmenter),
            "loss": serialize(self.view_loss),
            "tau": self.tau,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for part in ("encoder", "projector", "predictor", "augmenter", "loss", "dtype"):
            if config.get(part) is not None:
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)


def _encoder_dimensions(encoder):
    """D of the encoder's output (B, D)."""
    if not isinstance(encoder, keras.Model):
        raise InputError(f"The encoder must be a keras.Model. Received: encoder={encoder!r}")
    if not encoder.built or not encoder.weights:
        raise InputError(f"The encoder {encoder.name!r} has no weights yet: call it once on a batch of images first.")
    # A model written as a class knows only the shape it was built with.
    shape = encoder.input_shape if getattr(encoder, "inputs", None) else encoder.get_build_config()["input_shape"]
    output = getattr(encoder.compute_output_spec(keras.KerasTensor(shape)), "shape", None)
    if output is None or len(output) != 2:
        raise InputError(
            f"The encoder must give one vector per image, (B, D); {encoder.name!r} gives {output or 'several'}. "
            "End it with GlobalAveragePooling2D (pooling='avg' in keras.applications)."
        )
    return output[-1]


def _check_width(name, head, takes, gives=None):
    """Raises InputError unless the head is built, takes (B, takes), and gives (B, gives) where that is asked."""
    if not head.built:
        raise InputError(f"The {name} has no weights yet: begin it with keras.Input(({takes},)).")
    received = head.input_shape[-1], head.output_shape[-1]
    if received[0] != takes or (gives is not None and received[1] != gives):
        wanted = f"(B, {takes})" if gives is None else f"(B, {takes}) and give (B, {gives})"
        raise InputError(f"The {name} must take {wanted}. Received: one from {received[0]} to {received[1]}")


def _copy(network):
    """A second network with the same architecture and weights."""
    if getattr(network, "inputs", None):
        copy = keras.models.clone_model(network)
    else:
        copy = type(network).from_config(network.get_config())
    if not copy.built:
        copy.build_from_config(network.get_build_config())
    copy.set_weights(network.get_weights())
    return copy


def _describe(data):
    """The structure of a batch with shapes in place of tensors, for error messages."""
    return str(keras.tree.map_structure(lambda x: f"{x.dtype.name} {tuple(x.shape)}", data)).replace("'", "")
