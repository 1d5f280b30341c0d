"""Few labels: pretrain without any, fine-tune on three images of each class, beside the same network from scratch.

python examples/few_labels.py
"""

import keras
import numpy as np

import byol_keras as bk
from byol_keras.data.arrays import from_arrays
from byol_keras.data.synthetic import draw
from byol_keras.evaluation.label_subsets import stratified_subset
from byol_keras.tasks.classification.schedule import Schedule
from byol_keras.tasks.classification.train import fine_tune, predict

images, labels, class_names = draw(1000, seed=0)
unlabeled, test = from_arrays(images), from_arrays(*draw(500, seed=1)[:2])
labeled = from_arrays(images, labels)
labeled = labeled.subset(stratified_subset(labels, 0.03, seed=0))

scratch = bk.resnet8(image_size=32, channels=1)
pretrained = keras.models.clone_model(scratch)
pretrained.set_weights(scratch.get_weights())
model = bk.BYOL(pretrained, augmenter=bk.TwoViews(32))
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
model.fit(unlabeled.images, batch_size=64, epochs=1, callbacks=[bk.TargetEMA(0.95)])  # for a gain: 12 or more

for name, encoder in (("pretrained", model.encoder), ("from scratch", scratch)):
    classifier = fine_tune(encoder, labeled, len(class_names), Schedule(0.1, updates=30, batch_size=30))
    right = np.mean(predict(classifier, test).argmax(axis=1) == test.labels)
    print(f"{name}: {100 * right:.1f} % of {len(test)} images right, after {len(labeled)} labeled ones")
