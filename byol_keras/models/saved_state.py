"""What a loaded model needs to go on where it stopped, and Keras does not save."""

import os
from collections.abc import Mapping, MutableMapping
from typing import Any

import keras

from ..errors import InputError


class SavedState(keras.Model):
    """A model that is saved with the states of the random generators in its layers, and those of its metrics.

    Keras saves weights only: a Dropout layer would draw from the beginning again in a loaded model, and an epoch that
    is under way would be logged by its rest.
    """

    def save(self, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`, to a .keras file.

        Raises:
            InputError: for the older .h5, which has no place for a model in a model.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise InputError(f"A BYOL is saved as .keras, or by its encoder as .h5. Received: filepath={filepath}")
        super().save(filepath, *args, **kwargs)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        super().save_own_variables(store)
        for name, state in self._states().items():
            store[name] = state

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        states = self._states()
        super().load_own_variables({name: store[name] for name in store.keys() if name not in states})  # noqa: SIM118
        for name, state in states.items():
            state.assign(store[name])

    def _states(self):
        """The states by the name they are saved under, in the order of the layers and metrics."""
        measured = [variable for metric in self.metrics for variable in metric.variables]
        others = {id(variable) for variable in (*self.weights, *measured)}
        seeds = [variable for variable in self.variables if id(variable) not in others]
        return {f"seed_{i}": v for i, v in enumerate(seeds)} | {f"metric_{i}": v for i, v in enumerate(measured)}
