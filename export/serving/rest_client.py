"""Ask TensorFlow Serving over REST about images. Needs only requests; copy this file where it is wanted.

    python rest_client.py http://localhost:8501 encoder serve_bytes photo.jpg other.png

prints one line of JSON for each image. Signatures: serve_bytes, classify, neighbors. What this file has in common with
grpc_client.py stands in both, because each is copied alone.
"""

import base64
import json
import sys
from pathlib import Path

import requests


class RestClient:
    """One model on one server.

    Example:
        client = RestClient("http://localhost:8501", "encoder")
        client.call("serve_bytes", [Path("photo.jpg").read_bytes()])["embedding"]
    """

    def __init__(self, server: str, model: str, version: int | None = None, timeout: float = 30.0):
        """
        Args:
            server: "http://host:port".
            model: the name it is served under.
            version: by default the highest.
            timeout: seconds for a call.
        """
        which = "" if version is None else f"/versions/{version}"
        self.url = f"{server.rstrip('/')}/v1/models/{model}{which}"
        self.timeout = timeout
        self.session = requests.Session()  # keeps the connection

    def call(self, signature: str, images: list[bytes]) -> dict[str, list]:
        """What the model says of encoded images.

        Args:
            signature: "serve_bytes", "classify" or "neighbors".
            images: each a JPEG or PNG file.

        Returns:
            For each output, such as "embedding" or "labels", a list with a list for each image; for "valid" a list of
            bool. An image that is not valid could not be decoded or is too large: its other outputs are zeros or "".

        Raises:
            RuntimeError: with the server's message, if it refuses, or cannot be reached.
        """
        strings = [{"b64": base64.b64encode(image).decode()} for image in images]
        body = {"signature_name": signature, "inputs": {"image_bytes": strings}}
        try:
            response = self.session.post(f"{self.url}:predict", json=body, timeout=self.timeout)
            content = response.json()
        except requests.RequestException as error:
            raise RuntimeError(f"{self.url}: {error}") from error
        if not response.ok:
            raise RuntimeError(f"{self.url}: {content.get('error', response.reason)}")
        return content["outputs"]


def main(arguments: list[str]) -> None:
    if len(arguments) < 4:
        sys.exit("usage: python rest_client.py http://HOST:8501 MODEL SIGNATURE IMAGE...")
    server, model, signature, *paths = arguments
    try:
        outputs = RestClient(server, model).call(signature, [Path(path).read_bytes() for path in paths])
    except (OSError, RuntimeError) as error:
        sys.exit(f"rest_client: {error}")
    for i, path in enumerate(paths):
        print(json.dumps({"image": path, **{name: value[i] for name, value in outputs.items()}}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
