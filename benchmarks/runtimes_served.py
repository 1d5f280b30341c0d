"""A SavedModel where servers run it: TensorFlow's C API, and KServe's server over REST."""

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from byol_keras.export.serving.rest_client import RestClient
from tests.export.formats.c_client import call
from tests.export.serving.kserve_server import kserve_server


def c_api(path, images, folder):
    """float32 (N, D): what `serving_default` gives of uint8 images in a session of TF_LoadSessionFromSavedModel."""
    folder.mkdir()
    (outputs,) = call(path, folder, ("serving_default", images))
    if isinstance(outputs, str):
        raise RuntimeError(outputs)
    return outputs["embedding"]


def kserve(path, images, folder):
    """float32 (N, D): what `serve_bytes` gives of the images as PNG files, asked by the shipped client."""
    with (
        kserve_server(path, Path(folder) / "kserve.log") as url,
        contextlib.closing(RestClient(url, "encoder")) as asked,
    ):
        return np.array(asked.call("serve_bytes", [png(image) for image in images])["embedding"], np.float32)


def png(image):
    """Bytes of a PNG file of a uint8 (H, W, C) image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
