"""The SavedModel as OpenVINO reads it, without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from byol_keras import export
from byol_keras.augment.crop import central_resize

pytest.importorskip("openvino")

# `import openvino` takes TensorFlow along where it finds it. Where the CPU has bfloat16 units, OpenVINO would
# compute in that.
CODE = """
import sys
for name in ("tensorflow", "keras", "byol_keras"): sys.modules[name] = None
import numpy as np, openvino
images = np.load(sys.argv[2])
compiled = openvino.compile_model(openvino.Core().read_model(sys.argv[1]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
results = compiled({"images": images})
np.savez(sys.argv[3], **{name: results[compiled.output(name)] for name in ("embedding", "embedding_normalized")})
"""


@pytest.mark.parametrize("shape", [(3, 40, 56), (5, 32, 32)])
def test_openvino_gives_what_keras_gives(encoder, make_images, tmp_path, shape):
    images = make_images(*shape)
    path = export.saved_model(encoder, tmp_path / "1")
    np.save(tmp_path / "images.npy", images)
    arguments = (path, tmp_path / "images.npy", tmp_path / "out.npz")
    process = subprocess.run([sys.executable, "-I", "-c", CODE, *map(str, arguments)], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    with np.load(tmp_path / "out.npz") as out:
        embedding, normalized = out["embedding"], out["embedding_normalized"]
    side = min(shape[1:])
    top, left = (shape[1] - side) // 2, (shape[2] - side) // 2
    square = images[:, top : top + side, left : left + side] / np.float32(255)
    reference = encoder(central_resize(tf.constant(square), 32), training=False).numpy()
    np.testing.assert_allclose(embedding, reference, atol=1e-4 * np.abs(reference).max())
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, rtol=1e-4)
