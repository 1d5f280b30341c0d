"""Layers of a Keras model computing in another way for a while."""

import contextlib
from collections.abc import Iterable, Iterator

import keras

from ..utils.private_api import all_layers


@contextlib.contextmanager
def layer_swap(networks: Iterable[keras.Layer], classes: dict[type[keras.Layer], type[keras.Layer]]) -> Iterator[None]:
    """Inside the `with`, layers of one class compute as another does; outside, the networks are what they were.

    Only layers whose class is exactly a key of `classes` are swapped, a subclass of the user's never.

    Args:
        networks: built keras.Models; layers at any depth count.
        classes: {class: the one that takes its place}, a subclass of it with no weights, attributes or configuration of
            its own.
    """
    # Once each: networks may share some.
    layers = list({id(layer): layer for network in networks for layer in all_layers(network)}.values())
    layers = [layer for layer in layers if type(layer) in classes]
    plain = [type(layer) for layer in layers]
    try:
        for layer in layers:
            # Around Keras' own __setattr__, which keeps track of weights and layers.
            object.__setattr__(layer, "__class__", classes[type(layer)])
        yield
    finally:
        for layer, kind in zip(layers, plain, strict=True):
            object.__setattr__(layer, "__class__", kind)
