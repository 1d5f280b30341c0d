"""Batch norm over all replicas."""

import keras

from byol_keras.models.layers import batch_norm
from byol_keras.models.synchronized import synchronize_batch_norm, synchronize_for_strategy


def network():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(name="inside")])
    return keras.Sequential([keras.Input((3,)), batch_norm(), inner, keras.layers.BatchNormalization(name="last")])


def test_every_batch_norm_at_any_depth_is_synchronized():
    model = network()
    assert synchronize_batch_norm(model) == ["inside", "last"]
    assert model.layers[1].layers[0].synchronized
    assert model.layers[2].get_config()["synchronized"]
    assert synchronize_batch_norm(model) == []


def test_on_one_replica_a_network_stays_as_it_is(capsys):
    model = network()
    synchronize_for_strategy(model)
    assert not model.layers[2].synchronized
    assert capsys.readouterr().err == ""
