import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras import export
from byol_keras.export.graph import frozen_graph


def run(path, images):
    """The embeddings, and the operations that TensorFlow computed them with after its own rewriting of the graph."""
    session_type, run_options = tf.compat.v1.Session, tf.compat.v1.RunOptions(output_partition_graphs=True)
    with tf.Graph().as_default(), session_type() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        signature = loaded.signature_def["serving_default"]
        metadata = tf.compat.v1.RunMetadata()
        embedding = session.run(
            signature.outputs["embedding"].name,
            {signature.inputs["images"].name: images},
            options=run_options,
            run_metadata=metadata,
        )
    return embedding, [node for graph in metadata.partition_graphs for node in graph.node]


def residual_encoder():
    """Every way in which a batch norm stands beside a convolution in a ResNet, and one that cannot be folded."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((16, 16, 3))
    for i in range(2):
        y = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
        y = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.0)(y))
        y = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(y)
        y = keras.layers.BatchNormalization(momentum=0.0)(y)
        if i == 0:
            x = keras.layers.Conv2D(8, 1, use_bias=False)(x)
            x = keras.layers.BatchNormalization(momentum=0.0)(x)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    alone = keras.layers.BatchNormalization(momentum=0.0, name="alone")(x)
    return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(alone))


def test_batch_norm_is_folded_into_the_convolutions(make_images, tmp_path):
    encoder, images = residual_encoder(), make_images(4, 16, 16)
    encoder(images / np.float32(255), training=True)
    embedding, nodes = run(export.saved_model(encoder, tmp_path / "1"), images)
    reference = encoder(images / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())
    multiplications = [node.name for node in nodes if node.op in ("Mul", "Rsqrt") and "batch_norm" in node.name]
    convolutions = [node for node in nodes if "Conv2D" in node.op]
    constants = {node.name for node in nodes if node.op == "Const"}
    assert len(convolutions) == 5
    assert all(node.input[1] in constants for node in convolutions)
    assert not [node for node in nodes if node.op in ("ReadVariableOp", "VarHandleOp")]
    assert not multiplications  # the last one, behind a ReLU, is fused or multiplied under its own name
    assert len([node for node in nodes if node.op == "Mul" and "alone" in node.name]) == 1
    if all("Mkl" in node.op for node in convolutions):  # oneDNN also takes residual sums into its kernel
        after = [[name.decode() for name in node.attr["fused_ops"].list.s] for node in convolutions]
        assert sorted(after) == [["BiasAdd"]] + 2 * [["BiasAdd", "Add", "Relu"]] + 2 * [["BiasAdd", "Relu"]]


def frozen_of(function, *signature):
    return frozen_graph.frozen(tf.function(function, autograph=False).get_concrete_function(*signature))


def test_what_a_function_changes_stays_a_variable():
    weight, count = tf.Variable([2.0, 3.0]), tf.Variable(0)
    spec = tf.TensorSpec((None, 2))
    plain = frozen_of(lambda x: x * weight, spec)
    assert not plain.graph.variables

    def counting(x):
        count.assign_add(1)
        return x * weight

    counted = frozen_of(counting, spec)
    assert {variable.ref() for variable in counted.graph.variables} == {weight.ref(), count.ref()}
    for function in (plain, counted):
        np.testing.assert_allclose(tf.nest.flatten(function(tf.ones((1, 2))))[0], [[2, 3]])
    assert count.numpy() == 1


def test_weights_too_large_for_one_graph_stay_variables(encoder, images, tmp_path, monkeypatch):
    monkeypatch.setattr(frozen_graph, "MAX_BYTES", 1000)
    path = export.saved_model(encoder, tmp_path / "1")
    (data,) = (path / "variables").glob("*.data*")
    assert data.stat().st_size > 4 * encoder.count_params()
    monkeypatch.undo()
    constant = export.saved_model(encoder, tmp_path / "2")
    embeddings = [run(folder, images)[0] for folder in (path, constant)]
    np.testing.assert_allclose(embeddings[0], embeddings[1], atol=1e-5 * np.abs(embeddings[0]).max())


def test_a_condition_inside_the_encoder(tmp_path, make_images):
    class Brighten(keras.layers.Layer):
        def build(self, shape):
            self.gain = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x):
            return tf.cond(tf.reduce_mean(x) < 0.5, lambda: x * (self.gain + 1), lambda: x * self.gain)

    inputs = keras.Input((16, 16, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(Brighten()(inputs)))
    path = export.saved_model(encoder, tmp_path / "1")
    for images in (make_images(2, 16, 16) // 4, 255 - make_images(2, 16, 16) // 4):
        embedding, _ = run(path, images)
        np.testing.assert_allclose(embedding, encoder(images / np.float32(255)), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "EfficientNetB0"])
def test_networks_of_keras_applications(name, make_images, tmp_path):
    keras.utils.set_random_seed(0)
    encoder = getattr(keras.applications, name)(weights=None, include_top=False, pooling="avg", input_shape=(96, 96, 3))
    images = make_images(8, 120, 100)
    (parity,) = export.check_parity(encoder, {name: export.saved_model(encoder, tmp_path / "1")}, images)
    assert parity.passed


@pytest.mark.slow
def test_a_backbone_of_keras_cv(make_images, tmp_path):
    keras_cv = pytest.importorskip("keras_cv")
    keras.utils.set_random_seed(0)
    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[32, 64],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=False,
        input_shape=(64, 64, 3),
    )
    encoder = keras.Model(backbone.inputs, keras.layers.GlobalAveragePooling2D()(backbone.outputs[0]))
    path = export.saved_model(encoder, tmp_path / "1")
    (parity,) = export.check_parity(encoder, {"1": path}, make_images(8, 80, 70))
    assert parity.passed
