"""The same, with the views made by tf.data while the model trains, any encoder, and the paper's optimizer.

python examples/views_in_the_pipeline.py
"""

import keras
import tensorflow as tf

import byol_keras as bk

drawn = bk.data.synthetic_images(1024, seed=0)[0]
batch, epochs = 64, 2
steps = len(drawn) // batch

# Any Keras model with one vector per image serves as the encoder.
encoder = keras.applications.MobileNetV2((32, 32, 1), alpha=0.35, include_top=False, pooling="avg", weights=None)
views = bk.TwoViews(image_size=32)
images = tf.data.Dataset.from_tensor_slices(drawn).shuffle(len(drawn)).batch(batch, drop_remainder=True)

model = bk.BYOL(encoder)
rate = bk.schedules.warmup_cosine(0.2, batch, total_steps=epochs * steps, warmup_steps=steps // 2)
model.compile(optimizer=bk.LARS(rate, weight_decay=1e-6))
model.fit(images.map(lambda x: (views(x),)).prefetch(2), epochs=epochs, callbacks=[bk.TargetEMA(0.97)], shuffle=False)
model.save("byol.keras")  # with optimizer and schedule: keras.models.load_model gives back a model that trains on
