import keras
import numpy as np

from byol_keras.models.fingerprint import fingerprint


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
