"""Few labels: pretrain without any, fine-tune on three pictures of each class, beside the same network from scratch.

python examples/few_labels.py
"""

import keras
import numpy as np

import byol_keras as bk
from byol_keras.data.arrays import from_arrays
from byol_keras.data.synthetic import draw
from byol_keras.evaluation.label_subsets import stratified
from byol_keras.tasks.classification.schedule import Schedule
from byol_keras.tasks.classification.train import fine_tune, predict

images, labels, class_names = draw(1000, seed=0)
unlabelled, test = from_arrays(images), from_arrays(*draw(500, seed=1)[:2])
labelled = from_arrays(images, labels)
labelled = labelled.subset(stratified(labels, 0.03, seed=0))

scratch = bk.resnet8(image_size=32, channels=1)
pretrained = keras.models.clone_model(scratch)
pretrained.set_weights(scratch.get_weights())
model = bk.BYOL(pretrained, augmenter=bk.TwoViews(32))
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
model.fit(unlabelled.images, batch_size=64, epochs=1, callbacks=[bk.TargetEMA(0.95)])  # for a gain: 12 or more

for name, encoder in (("pretrained", model.encoder), ("from scratch", scratch)):
    classifier = fine_tune(encoder, labelled, len(class_names), Schedule(0.1, updates=30, batch_size=30))
    right = np.mean(predict(classifier, test).argmax(axis=1) == test.labels)
    print(f"{name}: {100 * right:.1f} % of {len(test)} pictures right, after {len(labelled)} labelled ones")
