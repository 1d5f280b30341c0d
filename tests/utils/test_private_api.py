"""What the package needs of Keras and TensorFlow beyond their public names still does what it is used for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.utils import private_api


class Pair(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.others = keras.layers.Dense(2), [keras.layers.ReLU(), keras.layers.ReLU()]

    def call(self, x):
        return self.first(x)


def test_all_layers_are_found_at_any_depth_and_once():
    inputs = keras.Input((2,))
    pair = Pair()
    inner = keras.Sequential([keras.Input((2,)), pair])
    model = keras.Model(inputs, inner(inner(inputs)))
    layers = private_api.all_layers(model)
    assert len(layers) == len(set(map(id, layers)))
    assert {model, inner, pair, pair.first, *pair.others} <= set(layers)


def test_a_variable_has_the_index_it_was_built_with():
    variables = [keras.Variable(np.zeros(2)) for _ in range(3)]
    optimizer = keras.optimizers.SGD()
    optimizer.build(variables)
    assert [private_api.variable_index(optimizer, v) for v in reversed(variables)] == [2, 1, 0]


def test_a_built_model_takes_no_batch_for_its_optimizer():
    class Model(private_api.BuiltModel):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)
            self.dense.build((None, 2))
            self.augmenter = keras.layers.Dense(1)  # not built
            self.built = True

        def train_step(self, data):
            assert self.optimizer.built
            return {"batch": tf.shape(data[0][0])[0]}

    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = Model()
        model.compile("sgd")
    # Keras would run the model on a symbolic batch to build its last layer, and there is no `call`.
    model.fit((np.zeros((4, 2)), np.zeros((4, 3), np.int32)), batch_size=2, verbose=0)
    assert model.optimizer.built


def test_a_merged_call_happens_inside_a_step_without_a_strategy():
    variable = tf.Variable(1.0)

    @tf.function
    def step(value):
        private_api.merge_replicas(lambda strategy, amount: variable.assign_add(amount), value)

    step(tf.constant(2.0))
    assert variable.numpy() == 3


def test_variables_become_constants():
    variable = tf.Variable([1.0, 2.0])
    function = tf.function(lambda x: x + variable).get_concrete_function(tf.TensorSpec([2]))
    constant = private_api.variables_to_constants(function)
    assert not constant.graph.variables
    np.testing.assert_array_equal(constant(tf.constant([1.0, 1.0]))[0], [2, 3])


def test_the_schema_reads_a_file_and_the_converter_names_what_it_cannot_convert():
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(lambda x: tf.math.erfinv(x)).get_concrete_function(tf.TensorSpec([2]))]
    )
    with pytest.raises(private_api.tflite_converter_error()) as caught:
        converter.convert()
    assert [entry.operator.name for entry in caught.value.errors] == ["tf.Erfinv"]

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(lambda x: x + 1).get_concrete_function(tf.TensorSpec([2]))]
    )
    schema = private_api.tflite_schema()
    codes = schema.ModelT.InitFromPackedBuf(converter.convert()).operatorCodes
    assert [code.builtinCode for code in codes] == [schema.BuiltinOperator.ADD]
