"""Ship an encoder: a SavedModel for TensorFlow Serving, a .tflite file for devices, both checked against Keras."""

import lazy_loader

# The names are in `__init__.pyi`. None is imported until it is used: `device` needs no TensorFlow.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
