"""Means of what a model logs, over some steps in place of an epoch."""

import keras


class GaugeWindow:
    """The means of a model's metrics over the steps since they were last asked for, whether epochs end among them.

    Example:
        window = GaugeWindow()
        window.begin(model)  # in on_epoch_begin, since Keras has set the metrics to 0 by then
        window.take(model)  # in on_epoch_end, before it does so again
        window.means(model)  # after any step: {"loss": 1.2, ...}
    """

    def __init__(self):
        self._before, self._sums = {}, {}

    def begin(self, model: keras.Model) -> None:
        """Notes where the metrics stand."""
        self._before = _totals(model)

    def take(self, model: keras.Model) -> None:
        """Counts what has come since they were noted."""
        now = _totals(model)
        for name, pair in now.items():
            before, sums = self._before.get(name, (0.0, 0.0)), self._sums.get(name, (0.0, 0.0))
            self._sums[name] = tuple(s + n - b for s, n, b in zip(sums, pair, before, strict=True))
        self._before = now

    def means(self, model: keras.Model) -> dict[str, float]:
        """The mean of each metric since this was last asked; without those that no step has counted in."""
        self.take(model)
        means = {name: total / count for name, (total, count) in self._sums.items() if count > 0}
        self._sums = {}
        return means


def _totals(model):
    return {metric.name: (float(metric.total.numpy()), float(metric.count.numpy())) for metric in model.metrics}
