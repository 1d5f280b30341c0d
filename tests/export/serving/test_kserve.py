"""The REST client on KServe's model server, around the SavedModel: see kserve_encoder.py."""

import contextlib

import numpy as np
import pytest

from byol_keras import export
from byol_keras.export.serving.rest_client import RestClient

from .kserve_server import kserve_server

pytest.importorskip("kserve")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(encoder, tmp_path_factory):
    """URL of a server of serving/encoder/1."""
    folder = tmp_path_factory.mktemp("kserve")
    model = export.saved_model(encoder, folder / "serving" / "encoder" / "1")
    with kserve_server(model, folder / "log") as url:
        yield url


def test_the_client_gets_embeddings(server, encoder, make_images):
    import tensorflow as tf

    images = make_images(3, 32, 32, seed=6)
    reference = encoder(images / np.float32(255), training=False).numpy()
    with contextlib.closing(RestClient(server, "encoder")) as client:
        outputs = client.call("serve_bytes", [tf.io.encode_png(image).numpy() for image in images])
    np.testing.assert_allclose(outputs["embedding"], reference, atol=1e-4 * np.abs(reference).max())


def test_a_file_that_is_no_image_is_not_valid(server):
    with contextlib.closing(RestClient(server, "encoder")) as client:
        assert client.call("serve_bytes", [b"no image"])["valid"] == [False]


def test_what_goes_wrong_is_one_line(server):
    for model, signature in (("encoder", "absent"), ("absent", "serve_bytes")):
        client = contextlib.closing(RestClient(server, model))
        with client as asked, pytest.raises(RuntimeError, match="absent") as error:
            asked.call(signature, [b"no image"])
        assert "\n" not in str(error.value)
