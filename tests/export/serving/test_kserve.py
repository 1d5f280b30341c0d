"""The REST client on KServe's model server, around the SavedModel: see kserve_encoder.py."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from byol_keras import export
from byol_keras.export.serving.rest_client import RestClient

pytest.importorskip("kserve")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(encoder, tmp_path_factory):
    """URL of a server of serving/encoder/1, by kserve_encoder.py."""
    folder = tmp_path_factory.mktemp("kserve")
    export.saved_model(encoder, folder / "serving" / "encoder" / "1")
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable,
        Path(__file__).with_name("kserve_encoder.py"),
        "serving/encoder/1",
        f"--http_port={port}",
    ]
    log = folder / "log"
    with log.open("w") as file, subprocess.Popen(command, cwd=folder, stdout=file, stderr=file) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
                    break
                time.sleep(0.2)
            yield f"http://localhost:{port}"
        finally:
            process.kill()


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
