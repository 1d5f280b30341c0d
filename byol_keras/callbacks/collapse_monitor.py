"""Says when a run loses what it had: one vector for all images, or fewer and fewer dimensions."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import keras

from ..errors import InputError
from ..precision import cast_model
from ..utils.atomic import atomic_path, make_parent
from .byol_model import require_byol
from .gauge_window import GaugeWindow

# Between runs made to collapse and healthy ones, the ranks as shares of what they were in the first steps:
# benchmarks/RESULTS.md.
LEAST_STD = 0.3
LEAST_PROJECTION_SHARE = 0.2
LEAST_EMBEDDING_SHARE = 0.4
# Steps that these are taken from: a rate that is far too high needs few more.
FIRST_STEPS = 10
# So many windows in a row: one may be a rate that peaks.
PATIENCE = 2


def collapse_sign(gauges: Mapping[str, float], first: Mapping[str, float]) -> str | None:
    """What gauges say of a collapse: a sentence with the number and what to change, or None.

    Args:
        gauges: "target_std", "projection_rank" and "embedding_rank", as BYOL logs them, over some steps.
        first: the same over the first FIRST_STEPS steps.
    """
    if gauges["target_std"] < LEAST_STD:
        return (
            f"all images get nearly one projection: target_std {gauges['target_std']:.2g}, where healthy runs stay "
            f"above {LEAST_STD:g}. Is there a predictor, and tau above 0? Or lower `learning_rate`."
        )
    least = {"projection_rank": LEAST_PROJECTION_SHARE, "embedding_rank": LEAST_EMBEDDING_SHARE}
    for name, share in least.items():
        if gauges[name] < share * first[name]:
            return (
                f"the {name[:-5]}s lose their dimensions: {name} {gauges[name]:.3g}, from {first[name]:.3g} in the "
                f"first steps, where healthy runs stay above {share * first[name]:.3g}. Lower `learning_rate`, or "
                "raise `tau_base`."
            )
    return None


class CollapseMonitor(keras.callbacks.Callback):
    """Watches a BYOL's gauges while it trains, and says in one line on standard error when they show a collapse.

    The gauges are averaged over some steps; the sign of a collapse must show in two such windows in a row. It can see
    two things: that all projections become one vector, and that projections or embeddings lose most of the dimensions
    that they had in the first ten steps (of what is left of a training, where it is resumed). It cannot see whether the
    dimensions are of any use: an encoder may lose accuracy, or learn nothing, with all of them in place.

    Args:
        every: steps that the gauges are averaged over.
        stop: whether training ends there.
        encoder_path: of a .keras file, or None: where the encoder goes, in float32, as it was at the end of the last
            window without a sign.

    Attributes:
        sign: str, what was said; None while all is well.

    Raises:
        InputError: from `fit`, of another model; for `every` below 1.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.TargetEMA(0.97), bk.CollapseMonitor(stop=True)])
    """

    def __init__(self, every: int = 50, stop: bool = False, encoder_path: str | os.PathLike | None = None):
        super().__init__()
        if every < 1:
            raise InputError(f"`every` must be a number of steps from 1. Received: every={every}")
        self.every, self.stop = every, stop
        self.encoder_path = None if encoder_path is None else Path(encoder_path)
        self._training = None
        self._begin()

    def _begin(self):
        self.sign = self._first = self._healthy = self._looked = None
        self._window, self._signs, self._tested = GaugeWindow(), 0, False

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        if self.encoder_path is not None:
            make_parent(self.encoder_path)
        # With a plan, what is left of an epoch is a `fit` of its own in one training.
        training = self.model, self.model.planned_steps
        if self.model.planned_steps is None or training != self._training:
            self._begin()
        self._training = training

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._window.begin(self.model)
        self._tested = False
        if self._looked is None:
            self._looked = int(self.model.steps.numpy())

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        step = int(self.model.steps.numpy())
        size = self.every if self._first else min(self.every, FIRST_STEPS)
        if self.sign is not None or step - self._looked < size:
            return
        self._looked, gauges = step, self._window.means(self.model)
        if "target_std" not in gauges:
            return  # of one image each, or skipped, which FiniteCheck sees to
        if self._first is None:
            self._first = gauges
        else:
            self._look(step, gauges)

    def on_test_begin(self, logs: dict | None = None) -> None:
        # Of an epoch's validation, which has the metrics for itself from here to the epoch's end.
        self._window.take(self.model)
        self._tested = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not self._tested:
            self._window.take(self.model)

    def _look(self, step, gauges):
        sign = collapse_sign(gauges, self._first)
        self._signs = self._signs + 1 if sign else 0
        if not sign and self.encoder_path is not None:
            self._healthy = step, self.model.encoder.get_weights()
        if self._signs == PATIENCE:
            self.sign = f"Step {step:,}: {sign}{self._save_healthy()}"
            print(self.sign, file=sys.stderr, flush=True)
            if self.stop:
                self.model.stop_training = True

    def _save_healthy(self):
        """Writes the encoder as it was; what to say of it."""
        if self._healthy is None:
            return ""
        step, weights = self._healthy
        encoder = self.model.encoder
        now = encoder.get_weights()
        encoder.set_weights(weights)
        try:
            with atomic_path(self.encoder_path, make_folder=False) as path:
                cast_model(encoder, "float32").save(path)
        finally:
            encoder.set_weights(now)  # training goes on from where it was
        return f" The encoder of step {step:,} is in {self.encoder_path}."
