"""What embeds the images of pairs."""

import keras


def mirror_averaged(encoder: keras.Model) -> keras.Model:
    """The encoder giving the mean embedding of an image and its mirror image.

    Args:
        encoder: (B, H, W, C) -> (B, D).

    Returns:
        keras.Model of the same input and output.

    Example:
        vectors = bk.evaluation.embed(bk.tasks.mirror_averaged(encoder), source)
    """
    images = keras.Input(encoder.input_shape[1:])
    return keras.Model(images, (encoder(images) + encoder(keras.ops.flip(images, axis=2))) / 2, name=encoder.name)
