"""KServe's model server around a SavedModel, asked as TensorFlow Serving is.

python kserve_encoder.py serving/encoder/1 --http_port=8501
"""

import argparse
import base64

import kserve
import tensorflow as tf


class Encoder(kserve.Model):
    def __init__(self, path):
        super().__init__("encoder")
        self.loaded = tf.saved_model.load(path)
        self.ready = True

    def validate(self, payload):
        return payload  # KServe wants a list of "inputs"; here they have names

    def predict(self, payload, headers=None, response_headers=None):
        files = [base64.b64decode(string["b64"]) for string in payload["inputs"]["image_bytes"]]
        try:
            outputs = self.loaded.signatures[payload["signature_name"]](image_bytes=tf.constant(files))
        except tf.errors.InvalidArgumentError as error:
            raise kserve.errors.InvalidInput(error.message) from error
        plain = {name: value.numpy() for name, value in outputs.items()}
        return {
            "outputs": {name: v.astype(str).tolist() if v.dtype == object else v.tolist() for name, v in plain.items()}
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("path")
    options = parser.parse_args()
    kserve.ModelServer(http_port=options.http_port, enable_grpc=False).start([Encoder(options.path)])
