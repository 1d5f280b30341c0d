import keras
import numpy as np

from byol_keras.models.fingerprint import fingerprint

# SHA-256 of "(None, 4)", "(4, 2) float32", 0 to 7, "(2,) float32", 1 and -1: files of embeddings hold such marks.
DENSE = "f3d8e1b68718d64d69cebb893f616bd2701d8668e86c2fb0f2e45db097a172a6"


@keras.saving.register_keras_serializable("test_fingerprint")
class Written(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)

    def call(self, images):
        return self.dense(images)


def weighted(model):
    model.set_weights([np.arange(8, dtype=np.float32).reshape(4, 2), np.array([1, -1], np.float32)])
    return model


def test_saving_and_loading_leave_it_as_it_is(encoder, encoder_file):
    assert fingerprint(keras.models.load_model(encoder_file)) == fingerprint(encoder)


def test_one_changed_weight_changes_it(encoder, make_encoder):
    changed = make_encoder(0)
    assert fingerprint(changed) == fingerprint(encoder)
    weights = changed.get_weights()
    weights[0][3, 5] = np.nextafter(weights[0][3, 5], np.float32(9))
    changed.set_weights(weights)
    assert fingerprint(changed) != fingerprint(encoder)


def test_another_input_size_changes_it():
    a, b = (keras.Sequential([keras.Input((s, s, 3)), keras.layers.GlobalAveragePooling2D()]) for s in (8, 16))
    assert fingerprint(a) != fingerprint(b)


def test_the_mark_of_a_model_of_layers_stays():
    assert fingerprint(weighted(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))) == DENSE


def test_a_model_written_as_a_class_is_marked_by_its_sizes_alone(tmp_path):
    marks = []
    for batch in (1, 7):
        model = Written()
        model(np.zeros((batch, 4), np.float32))
        marks.append(fingerprint(weighted(model)))
        model.save(tmp_path / "model.keras")
        marks.append(fingerprint(keras.models.load_model(tmp_path / "model.keras")))
    model = Written()
    model(keras.Input((4,)))
    assert [*marks, fingerprint(weighted(model))] == [DENSE] * 5


def test_other_sizes_of_a_model_written_as_a_class_are_other_marks():
    marks = set()
    for shape in ((2, 3, 4), (2, 5, 4), (2, 4)):
        model = Written()
        model(np.zeros(shape, np.float32))
        marks.add(fingerprint(weighted(model)))
    assert len(marks) == 3
