"""Ask TensorFlow Serving over gRPC about images. Needs only grpcio and protobuf; copy this file where it is wanted.

    python grpc_client.py localhost:8500 encoder serve_bytes photo.jpg other.png

prints one line of JSON for each image. Signatures: serve_bytes, classify, neighbors. With --tls before the server the
connection is encrypted and the server's certificate checked; --tls=FILE has the authorities in a PEM file of your own.

The official messages come with tensorflow-serving-api, which brings all of TensorFlow along. A client needs few of
them, and few of their fields: they are declared here. What this file has in common with rest_client.py stands in both,
because each is copied alone.
"""

import array
import json
import sys
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

FLOAT, STRING, BOOL = 1, 7, 10  # tensorflow.DataType
MAX_BYTES = 256 << 20  # of a request or a response; gRPC's own limit is 4 MB

# Message -> fields as (name, number, type, repeated). Numbers and types are those of tensorflow/core/framework and
# tensorflow_serving/apis; a field that is not declared is passed over.
_MESSAGES = {
    "Dim": [("size", 1, "int64", False)],
    "Shape": [("dim", 2, "Dim", True)],
    "Tensor": [
        ("dtype", 1, "int32", False),
        ("tensor_shape", 2, "Shape", False),
        ("tensor_content", 4, "bytes", False),
        ("float_val", 5, "float", True),
        ("string_val", 8, "bytes", True),
        ("bool_val", 11, "bool", True),
    ],
    "ModelSpec": [("name", 1, "string", False), ("signature_name", 3, "string", False)],
    "Entry": [("key", 1, "string", False), ("value", 2, "Tensor", False)],
    "Request": [("model_spec", 1, "ModelSpec", False), ("inputs", 2, "Entry", True)],
    "Response": [("outputs", 1, "Entry", True)],
}


def _message_classes():
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="serving_client.proto", package="serving_client", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if kind in _MESSAGES:
                added.type, added.type_name = types.TYPE_MESSAGE, f".serving_client.{kind}"
            else:
                added.type = types.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name], pool)


_CLASSES = _message_classes()
Request, Response = _CLASSES["serving_client.Request"], _CLASSES["serving_client.Response"]


class GrpcClient:
    """One model on one server.

    Example:
        client = GrpcClient("localhost:8500", "encoder")
        client.call("serve_bytes", [Path("photo.jpg").read_bytes()])["embedding"]
    """

    def __init__(self, server: str, model: str, timeout: float = 30.0, tls: bool | str | Path = False):
        """
        Args:
            server: "host:port".
            model: the name it is served under; its highest version is asked.
            timeout: seconds for a call, the whole answer included.
            tls: whether to encrypt, and check the server by gRPC's own list of authorities; or the path of a PEM file
                with others.

        Raises:
            OSError: if that file cannot be read.
        """
        limits = [(f"grpc.max_{way}_message_length", MAX_BYTES) for way in ("send", "receive")]
        self.server, self.model, self.timeout = server, model, timeout
        if tls:
            authorities = None if tls is True else Path(tls).read_bytes()
            self.channel = grpc.secure_channel(server, grpc.ssl_channel_credentials(authorities), limits)
        else:
            self.channel = grpc.insecure_channel(server, limits)
        self.predict = self.channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )

    def call(self, signature: str, images: list[bytes]) -> dict[str, list]:
        """What the model says of encoded images.

        Args:
            signature: "serve_bytes", "classify" or "neighbors".
            images: each a JPEG or PNG file.

        Returns:
            For each output, such as "embedding" or "labels", a list with a list for each image; for "valid" a list of
            bool. An image that is not valid could not be decoded or is too large: its other outputs are zeros or "".

        Raises:
            RuntimeError: in one line, with the server's message, if it refuses, cannot be reached, is late, or answers
                with anything else.
        """
        request = Request()
        request.model_spec.name, request.model_spec.signature_name = self.model, signature
        tensor = request.inputs.add(key="image_bytes").value
        tensor.dtype = STRING
        tensor.tensor_shape.dim.add(size=len(images))
        tensor.string_val.extend(images)
        try:
            response = self.predict(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise RuntimeError(f"{self.server}: {error.code().name}: {_line(error.details() or '')}") from error
        try:
            outputs = {entry.key: rows(entry.value) for entry in response.outputs}
        except ValueError as error:
            raise RuntimeError(f"{self.server}: answers with a tensor that is none: {_line(str(error))}") from error
        if not outputs or any(len(values) != len(images) for values in outputs.values()):
            raise RuntimeError(f"{self.server}: answers without outputs for {len(images)} images")
        return outputs

    def close(self) -> None:
        self.channel.close()


def rows(tensor: Message) -> list:
    """A tensor (B, n) of floats or strings as B lists, or one (B,) of bool as B of them.

    Args:
        tensor: a message `Tensor`.

    Raises:
        RuntimeError: for another type.
        ValueError: for another number of axes or values.
    """
    count, *widths = (dim.size for dim in tensor.tensor_shape.dim)
    if len(widths) != (0 if tensor.dtype == BOOL else 1):
        raise ValueError(f"{1 + len(widths)} axes")
    width = widths[0] if widths else 1
    if count * width > MAX_BYTES:
        raise ValueError(f"{count} by {width} values")
    if tensor.dtype == STRING:
        values = [string.decode() for string in tensor.string_val]
    elif tensor.dtype == FLOAT:
        values = list(tensor.float_val) or array.array("f", tensor.tensor_content).tolist()
    elif tensor.dtype == BOOL:
        values = list(tensor.bool_val) or [byte != 0 for byte in tensor.tensor_content]
    else:
        raise RuntimeError(f"a response of TensorFlow's data type {tensor.dtype} is not known here")
    if 0 < len(values) < count * width:  # the last one stands for all that would follow
        values += values[-1:] * (count * width - len(values))
    if len(values) != count * width:
        raise ValueError(f"{len(values)} values for {count} by {width}")
    return [values[i * width : (i + 1) * width] for i in range(count)] if widths else values


def _line(text):
    """The beginning of a text of the server's on one line, without what moves a terminal's cursor."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in line)[:500]


def main(arguments: list[str]) -> None:
    tls: bool | str = False
    if arguments and arguments[0].split("=")[0] == "--tls":
        tls = arguments[0].partition("=")[2] or True
        arguments = arguments[1:]
    if len(arguments) < 4:
        sys.exit("usage: python grpc_client.py [--tls[=AUTHORITIES.pem]] HOST:8500 MODEL SIGNATURE IMAGE...")
    server, model, signature, *paths = arguments
    try:
        client = GrpcClient(server, model, tls=tls)
        with client.channel:
            outputs = client.call(signature, [Path(path).read_bytes() for path in paths])
    except (OSError, RuntimeError) as error:
        sys.exit(f"grpc_client: {error}")
    for i, path in enumerate(paths):
        print(json.dumps({"image": path, **{name: value[i] for name, value in outputs.items()}}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
