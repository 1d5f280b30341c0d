"""An encoder that is a class."""

import keras


@keras.saving.register_keras_serializable("tests")
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
