"""Bootstrap Your Own Latent as a Keras model: the file to open first."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from .augment.batch import batch_views, encoder_input, require_two_images
from .errors import InputError
from .kernels import compilable, fast_layers
from .losses import regression_loss
from .models.accumulation import accumulated_update, accumulates_here
from .models.checks import check_augmenter, check_head, check_view_loss, checked_decay, embedding_size, require_taken
from .models.extra_losses import built_extra_losses, extra_penalties
from .models.finite import call_if, undone_if_not_finite
from .models.heads import mlp
from .models.pixel_scale import warn_of_pixels_to_255
from .models.saved_state import SavedState
from .models.step_metrics import StepMetrics
from .models.synchronized import synchronize_for_strategy
from .models.target import average_target, freeze_alike, target_copy
from .models.trainer import Trainer
from .schedules import cosine_tau
from .utils.private_api import BuiltModel
from .utils.replicas import on_this_replica, replica_count, share_of_mean, step_logs

# The views of `evaluate` are drawn from seeds of their own: the same in every call, and none of training's.
EVALUATION_SEED = 2**31 - 1
PARTS = ("encoder", "projector", "predictor", "augmenter", "extra_losses")


@keras.saving.register_keras_serializable("byol_keras")
class BYOL(Trainer, SavedState, BuiltModel):
    """Two networks: the online one learns to predict the target's projection of another view of the same example.

    online = predictor(projector(encoder(view))), trained by the optimizer; target = target_projector(target_encoder(
    view)), which follows the online one: after each optimizer update, target <- tau * target + (1 - tau) * online.
    Source: Grill et al. 2020 (arXiv 2006.07733).

    A batch of rank 4 is images (B, H, W, C): uint8 and uint16 are scaled to [0, 1], floats must be in it. One of any
    other rank, such as tokens (B, L) or series (B, T, C), is taken as it is, integers as integers.

    A step passes each view separately through both networks in training mode, so batch-norm statistics are per view.
    The target's batch norm keeps moving statistics of its own. Plain Keras layers compute by quicker kernels during the
    step, see `kernels.fast_layers`, and are the same layers before and after. tau is constant unless the `TargetEMA`
    callback sets a schedule. `compile` takes any Keras optimizer; `fit` logs

        loss: mean over the batch of the two directions' regression losses, added up, 0 to 8; and where the encoder or
            the heads have regularizers, or terms such as `CodingRateTerm`, or there are extra losses, these losses,
            averaged over the two views;
        target_std: of the targets, see `gauges.target_std`; towards 0 all images get one projection;
        embedding_rank, projection_rank: see `gauges.effective_rank`, of a batch's embeddings and targets of the
            first view, of at most 64 images: for runs of one recipe beside each other, since the targets' rank falls at
            first in a healthy one too;
        tau: the target's decay at the last update.

    `evaluate` gives all but tau in inference mode, with the same views in every call where the augmenter takes a
    `seed` and remembers nothing, as `TwoViews` does. `call` and `predict` give embeddings, (B, D) float32. A model
    saved as .keras and loaded again trains on as if never stopped, dropout and other random layers included.

    Example:
        model = bk.BYOL(bk.resnet18(input_shape=(32, 32, 3)), augmenter=bk.TwoViews(32))
        model.compile(bk.LARS(learning_rate=0.2))
        model.fit(images, batch_size=64, epochs=40, callbacks=[bk.TargetEMA(0.97)])

    Args:
        encoder: a built keras.Model, (B, ...) -> (B, D), for images float32 in [0, 1]. It is trained in place.
        projector: keras.Model, (B, D) -> (B, P); by default `mlp`, 4096 wide, to 256.
        predictor: keras.Model, (B, P) -> (B, P); by default the same.
        augmenter: layer, (B, ...) -> (view_1, view_2), such as `TwoViews`, when `fit` is given plain batches.
        loss: function (prediction (B, P), target (B, P)) -> (B,); by default `losses.regression_loss`.
        tau: float in [0, 1], the target's decay while no schedule is set. `model.tau` reads and sets it.
        extra_losses: layers, (view, embedding, projection) -> (B,), each image's loss, added up and averaged over the
            two views: see `objectives`. Their weights are trained along, are saved, and have no copy in the target.

    Raises:
        InputError: for an encoder that is not built, cannot be copied, or whose output is not (B, D), for heads of
            other widths, losses of another form, or tau out of range. From `fit` and the like, for what is not a batch
            of views, batches of another shape than the encoder's, float images outside [0, 1], batches of one image
            (the last may be), and arguments without use.
    """

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        predictor: keras.Model | None = None,
        augmenter: keras.layers.Layer | None = None,
        loss: Callable | None = None,
        tau: float = 0.996,
        extra_losses: Sequence[keras.layers.Layer] = (),
        **kwargs: Any,
    ):
        dimensions = embedding_size(encoder)
        warn_of_pixels_to_255(encoder)
        kwargs.setdefault("dtype", encoder.dtype_policy)
        # Not autocast: an image rounded to bfloat16 before the encoder normalizes it has lost detail for nothing.
        super().__init__(autocast=False, **kwargs)
        self.encoder = encoder
        self.projector = projector or mlp(dimensions, dtype=self.dtype_policy, name="projector")
        check_head("projector", self.projector, dimensions)
        width = self.projector.output_shape[-1]
        self.predictor = predictor or mlp(width, output_dim=width, dtype=self.dtype_policy, name="predictor")
        check_head("predictor", self.predictor, width, width)
        self.view_loss = check_view_loss(loss or regression_loss, width)
        self.extra_losses = built_extra_losses(extra_losses, self.encoder, self.projector)
        synchronize_for_strategy(self.encoder, self.projector, self.predictor, *self.extra_losses)
        self.target_encoder = target_copy(self.encoder)
        self.target_projector = target_copy(self.projector)
        self.augmenter = check_augmenter(augmenter)
        self._make_counters()
        self._constant_tau = self._scalar("tau", checked_decay("tau", tau), "float32")
        # In the model's state, so that a saved model resumes its schedule. total_updates 0: tau is constant.
        self.tau_base = self._scalar("tau_base", tau, "float32")
        self.total_updates = self._scalar("total_updates", 0, "int64")
        self.step_metrics = StepMetrics()
        self.built = True

    @property
    def tau(self) -> float:
        """The target's decay while no schedule is set, from 0 to 1; setting it ends one that is under way."""
        return float(self._constant_tau.numpy())

    @tau.setter
    def tau(self, tau: float) -> None:
        self._constant_tau.assign(checked_decay("tau", tau))
        self.total_updates.assign(0)

    def set_target_schedule(self, base: float, total_updates: int) -> None:
        """The decay rises from `base` to 1 over the first `total_updates` optimizer updates; then `tau` holds again.

        `TargetEMA` calls it. With 0 updates there is no schedule. `compile` ends a schedule, since a new optimizer
        counts its updates from 0.
        """
        self.tau_base.assign(checked_decay("tau_base", base))
        self.total_updates.assign(total_updates)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "rmsprop",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, without what BYOL has of its own: losses and metrics.

        Raises:
            InputError: for a loss, loss weights or metrics.
        """
        given = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics}
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    f"`compile` cannot take {name}: BYOL learns without labels. A loss between two views goes to "
                    f"BYOL(loss=...), accuracy by labels comes from OnlineKNN. Received: {name}={value!r}"
                )
        # As Keras has it, what was frozen or thawed counts from here on.
        freeze_alike(self.target_encoder, self.encoder)
        freeze_alike(self.target_projector, self.projector)
        super().compile(optimizer=optimizer, **kwargs)
        self.total_updates.assign(0)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        # Keras leaves a model that has a `compile` of its own uncompiled when it is loaded.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def call(self, batch: tf.Tensor | np.ndarray, training: bool = False) -> tf.Tensor:
        """Embeds images (B, H, W, C), uint8 or float in [0, 1], or what else the encoder takes -> (B, D) float32."""
        (batch,) = require_taken(self.encoder, encoder_input(batch))
        return ops.cast(self.encoder(batch, training=training), "float32")

    def export(self, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
        """As `encoder.export`: what a trained BYOL gives is its encoder. See `bk.export` for more than Keras can."""
        self.encoder.export(filepath, *args, **kwargs)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        view_1, view_2 = require_taken(self.encoder, *batch_views(data, self.augmenter))
        # What is left for the last batch of an epoch may be one image.
        view_1, view_2 = require_two_images(view_1, view_2, unless=self._is_later_step())
        networks = (self.encoder, self.projector, self.predictor, self.target_encoder, self.target_projector)
        with undone_if_not_finite(self._statistics()) as first_not_finite, fast_layers(*networks):
            target_1, target_2 = self._target(view_1, training=True), self._target(view_2, training=True)
            with tf.GradientTape() as tape:
                losses, penalties, embedding = self._loss_of(view_1, view_2, target_1, target_2, training=True)
                # The optimizer adds the replicas' gradients up, so each replica takes its share of the mean.
                loss = tf.add_n([share_of_mean(losses), *(penalty / replica_count() for penalty in penalties)])
                scaled_loss = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled_loss, self.trainable_variables)
            # That of a table of embeddings comes by its rows, which not every optimizer can add up.
            gradients = [gradient if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
            culprit = first_not_finite([loss, *gradients])
        tau = self._update(gradients, culprit < 0)
        self._count_step(culprit)
        self.step_metrics.update(losses, penalties, embedding, (target_1, target_2), culprit < 0)
        return step_logs({**self.get_metrics_result(), "tau": tau})

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        # The metric counts the images since `evaluate` began: a seed for each batch.
        seed = tf.stack([tf.constant(EVALUATION_SEED), tf.cast(self.step_metrics.loss.count, tf.int32)])
        view_1, view_2 = require_taken(self.encoder, *batch_views(data, self.augmenter, seed))
        target_1, target_2 = self._target(view_1, training=False), self._target(view_2, training=False)
        losses, penalties, embedding = self._loss_of(view_1, view_2, target_1, target_2, training=False)
        self.step_metrics.update(losses, penalties, embedding, (target_1, target_2), True)
        return step_logs(self.get_metrics_result())

    def _loss_of(self, view_1, view_2, target_1, target_2, training):
        """The loss of each image (B,), all other losses, averaged over the views, and view 1's embedding."""
        embedding, prediction_1, penalties_1 = self._online(view_1, training)
        _, prediction_2, penalties_2 = self._online(view_2, training)
        losses = [self.view_loss(prediction_1, target_2), self.view_loss(prediction_2, target_1)]
        penalties = [(p_1 + p_2) / 2 for p_1, p_2 in zip(penalties_1, penalties_2, strict=True)]
        return tf.add_n([tf.cast(loss, tf.float32) for loss in losses]), penalties, embedding

    def _online(self, view, training):
        """Embedding, prediction, and the other losses of this pass, of which the next one would clear some."""
        embedding = self.encoder(view, training=training)
        projection = self.projector(embedding, training=training)
        prediction = self.predictor(projection, training=training)
        extra = extra_penalties(self.extra_losses, view, embedding, projection, training)
        losses = on_this_replica([loss for part in self._trained_parts() for loss in part.losses])
        return embedding, prediction, [*extra, *(tf.cast(loss, tf.float32) for loss in losses)]

    def _target(self, view, training):
        return self.target_projector(self.target_encoder(view, training=training), training=training)

    def _update(self, gradients, finite):
        """One call of the optimizer, and the target's move after it, where all numbers are finite; returns tau."""
        tau = self._tau_at(tf.convert_to_tensor(self.optimizer.iterations))
        if compilable(self.optimizer, gradients):
            call_if(finite, tf.function(self._apply, jit_compile=True, autograph=False), gradients)
        elif isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            self._apply([g if g is None else tf.where(finite, g, np.nan) for g in gradients])  # lowers its scale then
        elif accumulates_here(self.optimizer):
            updated = accumulated_update(self.optimizer, self.trainable_variables, gradients, finite)
            self._average_target(tf.where(updated, 1.0 - tau, 0.0))
        else:
            call_if(finite, self._apply, gradients)
        return tau

    def _apply(self, gradients):
        # The target follows updates, which the optimizer counts: none while it accumulates, or after an overflow.
        update = tf.convert_to_tensor(self.optimizer.iterations)
        tau = self._tau_at(update)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        updated = tf.convert_to_tensor(self.optimizer.iterations) > update
        self._average_target(tf.where(updated, 1.0 - tau, 0.0))

    def _tau_at(self, update):
        total = ops.cast(self.total_updates, "float32")
        scheduled = cosine_tau(update, ops.maximum(total, 1.0), self.tau_base)
        return ops.where(ops.cast(update, "float32") < total, scheduled, self._constant_tau)

    def _average_target(self, rate):
        # Every parameter that the optimizer moves. Found anew: Keras would save what is in an attribute a second time.
        average_target([(target, online) for target, online in self._pairs() if online.trainable], rate)

    def _statistics(self):
        """The batch-norm statistics of all networks, and whatever else their passes may move."""
        still = [variable for pair in self._pairs() if not pair[1].trainable for variable in pair]
        still += [weight for part in self._trained_parts()[2:] for weight in part.non_trainable_weights]
        return [variable for variable in still if keras.backend.is_float_dtype(variable.dtype)]

    def _trained_parts(self):
        return (self.encoder, self.projector, self.predictor, *self.extra_losses)

    def _pairs(self):
        targets = [*self.target_encoder.weights, *self.target_projector.weights]
        return list(zip(targets, [*self.encoder.weights, *self.projector.weights], strict=True))

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """The online network's variables; the target's never take part, whatever `trainable` was set to."""
        # Once each: parts may share layers.
        return list({id(v): v for part in self._trained_parts() for v in part.trainable_variables}.values())

    trainable_weights = trainable_variables

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return self.step_metrics.all

    def get_config(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in PARTS} | {"loss": self.view_loss}
        serialized = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **serialized, "tau": self.tau}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        config = dict(config)
        for part in (*PARTS, "loss", "dtype"):
            if config.get(part) is not None:
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)
