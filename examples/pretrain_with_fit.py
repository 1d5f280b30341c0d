"""BYOL with plain Keras: an encoder, two views, `fit`, and embeddings of unseen images.

python examples/pretrain_with_fit.py photos.npz     an .npz with `images`; without it, images drawn by the program
"""

import sys

import keras
import numpy as np

import byol_keras as bk

images = np.load(sys.argv[1])["images"] if len(sys.argv) > 1 else bk.data.synthetic_images(2000, seed=0)[0]

encoder = bk.resnet8(input_shape=images.shape[1:])
model = bk.BYOL(encoder, augmenter=bk.TwoViews(images.shape[1]))
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
model.fit(images, batch_size=64, epochs=2, callbacks=[bk.TargetEMA(0.97)])

embeddings = model.predict(images[:100])
print(f"{len(embeddings)} embeddings of {embeddings.shape[1]} numbers")
model.encoder.save("encoder.keras")
