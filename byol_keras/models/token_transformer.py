"""Small Transformers over the ids of tokens, pooled to one vector for each text."""

import keras
from keras import layers, ops

from ..errors import InputError


def token_transformer(
    vocabulary: int,
    length: int,
    width: int = 128,
    depth: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
    name: str = "token_transformer",
) -> keras.Model:
    """An encoder of texts: a Transformer over their tokens, then the mean of the vectors of all that are no padding.

    Embeddings of tokens and of places, `depth` blocks with layer normalization before attention and before two dense
    layers (pre-norm, Xiong et al. 2020, arXiv 2002.04745), a last one before the mean. It is of Keras' layers alone,
    and loads without this package.

    Args:
        vocabulary: V, the largest id of a text; V + 1 is what `TokenViews` masks with.
        length: L, in tokens.
        width: D, of the vectors, a multiple of `heads`.
        depth: number of blocks; with 0 the words' order has no part in it but by their places.
        heads: of the attention.
        dropout: share from 0 to below 1, in the blocks while training.
        name: of the model.

    Returns:
        keras.Model, ids (B, L) int32 from 0, padding, to V + 1 -> (B, D) float32; zeros for padding alone.

    Raises:
        InputError: for numbers that are too small, and a width that the heads cannot share.

    Example:
        encoder = bk.token_transformer(vocabulary=2**13, length=40)  # of `data.word_ids`
        model = bk.BYOL(encoder, augmenter=bk.TokenViews(mask_id=2**13 + 1))
    """
    numbers = {"vocabulary": vocabulary, "length": length, "width": width, "depth": depth, "heads": heads}
    for argument, number in numbers.items():
        least = 0 if argument == "depth" else 1
        if not isinstance(number, int) or number < least:
            raise InputError(f"`{argument}` must be a whole number from {least}. Received: {argument}={number!r}")
    if width % heads:
        raise InputError(f"`width` must be a multiple of `heads`. Received: width={width}, heads={heads}")
    ids = keras.Input((length,), dtype="int32", name="ids")
    x = layers.Embedding(vocabulary + 2, width, name="tokens")(ids)
    # (B, L, 1), 1 for what is no padding.
    real = ops.expand_dims(ops.cast(ops.not_equal(ids, 0), x.dtype), axis=-1)
    places = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    x = layers.Add(name="add_places")([x, layers.Embedding(length, width, name="places")(places)])
    seen = ops.cast(ops.transpose(real, (0, 2, 1)), "bool")
    for i in range(depth):
        x = _block(x, seen, heads, dropout, f"block{i}")
    # Under a mixed policy too: half precision does not count every length, nor add up as many vectors.
    x = layers.LayerNormalization(epsilon=1e-6, name="norm", dtype="float32")(x)
    real = ops.cast(real, "float32")
    count = ops.maximum(ops.sum(real, axis=1), 1)
    return keras.Model(ids, ops.divide(ops.sum(ops.multiply(x, real), axis=1), count), name=name)


def _block(x, seen, heads, dropout, name):
    """x (B, L, D), with attention to those of `seen` (B, 1, L) bool."""
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    attention = layers.MultiHeadAttention(heads, width // heads, dropout=dropout, name=f"{name}_attention")
    y = layers.Dropout(dropout, name=f"{name}_drop1")(attention(y, y, attention_mask=seen))
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    y = layers.Dense(4 * width, activation="gelu", name=f"{name}_dense1")(y)
    y = layers.Dropout(dropout, name=f"{name}_drop2")(layers.Dense(width, name=f"{name}_dense2")(y))
    return layers.Add(name=f"{name}_out")([x, y])
