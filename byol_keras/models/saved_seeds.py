"""Random layers that go on after loading where they stopped."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import keras


class SavedSeeds(keras.Model):
    """A model that is saved with the states of the random generators in its layers.

    Keras saves weights only: a Dropout layer would draw from the beginning again in a loaded model.
    """

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        super().save_own_variables(store)
        for name, state in self._seed_states().items():
            store[name] = state

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        states = self._seed_states()
        super().load_own_variables({name: store[name] for name in store.keys() if name not in states})  # noqa: SIM118
        for name, state in states.items():
            state.assign(store[name])

    def _seed_states(self):
        """The states by the name they are saved under, in the order of the layers."""
        weights = {id(variable) for variable in self.weights}
        states = [variable for variable in self.variables if id(variable) not in weights]
        return {f"seed_{i}": state for i, state in enumerate(states)}
