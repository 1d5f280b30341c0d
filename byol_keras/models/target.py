"""The target network: a copy of a part of the online one that no optimizer moves."""

import keras

from ..precision import copy_model


def target_copy(network: keras.Model) -> keras.Model:
    """A second network with the same architecture and weights, its variables frozen, called target_NAME.

    Args:
        network: a built keras.Model. It is not changed.

    Raises:
        InputError: for a network that cannot be made again from its config.
    """
    copy = copy_model(network)
    copy.name = f"target_{network.name}"
    # The variables, not the layers: a frozen layer would put its batch norm into inference mode.
    for variable in copy.trainable_variables:
        variable.trainable = False
    return copy
