"""A server that speaks TensorFlow Serving's protocols, for machines without TensorFlow Serving.

gRPC with the official messages and service of tensorflow-serving-api, REST as its documentation has it; the answers
come from the SavedModel through TensorFlow.
"""

import base64
import contextlib
import http.server
import json
import threading
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


@contextlib.contextmanager
def serving(name, path):
    """Gives (address of gRPC, URL of REST) of the model at `path`, served as `name`."""
    loaded = tf.saved_model.load(str(path))
    grpc_server = grpc.server(futures.ThreadPoolExecutor(2))
    service = _service(name, loaded.signatures)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, grpc_server)
    port = grpc_server.add_insecure_port("localhost:0")
    grpc_server.start()
    rest_server = http.server.ThreadingHTTPServer(("localhost", 0), _handler(name, loaded.signatures))
    thread = threading.Thread(target=rest_server.serve_forever)
    thread.start()
    try:
        yield f"localhost:{port}", f"http://localhost:{rest_server.server_port}"
    finally:
        grpc_server.stop(0).wait()
        rest_server.shutdown()
        rest_server.server_close()
        thread.join()


def _service(name, signatures):
    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            if request.model_spec.name != name:
                context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
            inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
            try:
                outputs = signatures[request.model_spec.signature_name](**inputs)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for key, value in outputs.items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
            return response

    return Service()


def _handler(name, signatures):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):
            state = {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}
            self._answer(*((200, state) if self.path == f"/v1/models/{name}" else (404, {"error": "not found"})))

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != f"/v1/models/{name}:predict":
                return self._answer(404, {"error": f"Servable not found for request: {self.path}"})
            signature = signatures[body.get("signature_name", "serving_default")]
            (spec,) = signature.structured_input_signature[1].values()
            rows = "instances" in body
            value = body["instances"] if rows else body["inputs"]
            value = value[spec.name] if isinstance(value, dict) else value
            if spec.dtype == tf.string:
                value = [base64.b64decode(string["b64"]) for string in value]
            try:
                outputs = signature(**{spec.name: tf.constant(value, spec.dtype)})
            except tf.errors.InvalidArgumentError as error:
                return self._answer(400, {"error": error.message})
            plain = {key: _plain(output.numpy()) for key, output in outputs.items()}
            if rows:
                plain = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
            return self._answer(200, {"predictions" if rows else "outputs": plain})

        def _answer(self, code, content):
            data = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _plain(array):
    if array.dtype == object:
        array = np.vectorize(bytes.decode, otypes=[object])(array)
    return array.tolist()
