"""Texts in place of images: words by a hash, views that drop, mask and shuffle them, a linear probe.

python examples/texts.py     sentences made by rule, each about one of six subjects; a minute or so
"""

import keras
import numpy as np

import byol_keras as bk

SUBJECTS = {
    "kitchen": "soup bread onion butter salt oven pan stir taste slice boil knife",
    "harbor": "ship anchor sail wave rope crew mast drift row pier tide deck",
    "garden": "seed rose soil spade weed bloom hedge water prune leaf pot grow",
    "school": "book chalk lesson pupil desk exam teach read write bell class learn",
    "winter": "snow ice frost sled scarf glove freeze slide skate storm coat cold",
    "music": "violin drum song choir note play sing tune dance flute string band",
}
OTHERS = "the a one old new big small with near under for and but then once never slowly gladly here today"
LENGTH, VOCABULARY = 12, 1024


def sentences(count, seed):
    """Sentences of twelve words, three to five of their subject, and the subject of each."""
    rng = np.random.default_rng(seed)
    labels, texts = np.arange(count) % len(SUBJECTS), []
    for label in labels:
        own = rng.choice(list(SUBJECTS.values())[label].split(), rng.integers(3, 6), replace=False)
        texts.append(" ".join(rng.permutation([*own, *rng.choice(OTHERS.split(), LENGTH - len(own))])))
    return bk.data.word_ids(texts, LENGTH, VOCABULARY), labels


keras.utils.set_random_seed(0)
encoder = bk.token_transformer(VOCABULARY, LENGTH, width=64, depth=1)
views = bk.TokenViews(mask_id=VOCABULARY + 1, drop=0.3, mask=0.2, seed=0)
model = bk.BYOL(encoder, bk.mlp(64, 256, 64), bk.mlp(64, 256, 64), augmenter=views)

train, _ = sentences(3000, seed=0)
labeled, labels = sentences(60, seed=1)
test, test_labels = sentences(2000, seed=2)


def right():
    vectors, test_vectors = (model.predict(ids, verbose=0) for ids in (labeled, test))
    accuracy = bk.evaluation.linear_accuracy(vectors, labels, test_vectors, test_labels)
    return f"{100 * accuracy:.1f} % of {len(test)} right by a linear probe on {len(labeled)} labeled sentences"


print(f"untrained: {right()}")
model.compile(keras.optimizers.AdamW(1e-3))
model.fit(train, batch_size=100, epochs=8, callbacks=[bk.TargetEMA(0.97)], verbose=2)
print(f"trained:   {right()}")
