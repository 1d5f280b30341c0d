"""The clients against real servers that misbehave: each ends in time, with one line."""

import contextlib
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time

import pytest

from byol_keras.export.serving import rest_client
from byol_keras.export.serving.rest_client import RestClient

GOOD = json.dumps({"outputs": {"embedding": [[1.0, 2.0]]}}).encode()


def response(status, body, *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def trickle(connection, begin):
    """Sends `begin`, and then a byte now and then, for as long as anybody listens."""
    connection.sendall(begin)
    with contextlib.suppress(OSError):
        while True:
            time.sleep(0.1)
            connection.sendall(b"x")


def read_request(connection):
    """A whole request, or b"" if none comes.

    What is not read when a connection is closed resets it, and the answer is lost.
    """
    request = b""
    while b"\r\n\r\n" not in request:
        if not (received := connection.recv(65536)):
            return b""
        request += received
    head, _, body = request.partition(b"\r\n\r\n")
    missing = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
    while missing > 0 and (received := connection.recv(65536)):
        request += received
        missing -= len(received)
    return request


@contextlib.contextmanager
def server(behave):
    """Serves behave(connection) for each request; gives the port and the list of requests."""
    requests = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            if request := read_request(self.request):
                requests.append(request)
                behave(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request, address):
            pass  # of a client that has gone

    with Server(("localhost", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield serving.server_address[1], requests
        finally:
            serving.shutdown()
            thread.join()


def failure(port, timeout=30.0):
    """The message of a call that fails, and the seconds that it took."""
    client, start = RestClient(f"http://localhost:{port}", "encoder", timeout=timeout), time.monotonic()
    with pytest.raises(RuntimeError) as error:
        client.call("serve_bytes", [b"image"])
    client.close()
    assert "\n" not in str(error.value)
    assert f"http://localhost:{port}/v1/models/encoder: " in str(error.value)
    return str(error.value), time.monotonic() - start


@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status", "header", "body", "body without a length"],
)
def test_a_server_that_trickles_is_given_up(begin):
    with server(lambda connection: trickle(connection, begin)) as (port, _):
        before = threading.active_count()
        message, seconds = failure(port, timeout=1.0)
        assert "no whole answer within 1 seconds" in message
        assert 0.9 < seconds < 3
        time.sleep(0.3)
        assert threading.active_count() <= before


def test_a_server_that_says_nothing_is_given_up():
    with server(lambda connection: time.sleep(5)) as (port, _):
        message, seconds = failure(port, timeout=0.5)
        assert "no whole answer within 0.5 seconds" in message
        assert seconds < 3


MISBEHAVIOR = {
    "a list as an error": (response("500 Oops", b'["a", "b"]'), '500 Oops: ["a", "b"]'),
    "an error that is no text": (response("400 Bad", b'{"error": {"code": 3}}'), '400 Bad: {"error": {"code": 3}}'),
    "an error of two lines": (response("400 Bad", b'{"error": "first\\nsecond"}'), "encoder: first second"),
    "HTML as an error": (
        response("502 Bad Gateway", b"<html>\n<h1>no\x1b[31m</h1>"),
        "502 Bad Gateway: <html> <h1>no?[",
    ),
    "HTML as an answer": (response("200 OK", b"<html>hello"), "answers without outputs for 1 images: <html>hello"),
    "nothing": (response("200 OK", b""), "answers without outputs"),
    "null": (response("200 OK", b"null"), "answers without outputs"),
    "no outputs": (response("200 OK", b'{"predictions": []}'), "answers without outputs"),
    "outputs that are a list": (response("200 OK", b'{"outputs": [[1]]}'), "answers without outputs"),
    "too few rows": (response("200 OK", b'{"outputs": {"embedding": []}}'), "answers without outputs for 1 images"),
    "a number for rows": (response("200 OK", b'{"outputs": {"embedding": 3}}'), "answers without outputs"),
    "nested without end": (response("200 OK", b"[" * 200_000), "answers without outputs"),
    "not UTF-8": (response("200 OK", b"\xff\xfe\x00"), "answers without outputs"),
    "cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{", "cut short, 9998 bytes are missing"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0-OpenSSH_9.6"),
    "nothing at all": (b"", "encoder: "),
}


@pytest.mark.parametrize(("sent", "said"), MISBEHAVIOR.values(), ids=MISBEHAVIOR)
def test_an_answer_that_is_none_is_one_line(sent, said, tmp_path):
    (tmp_path / "a.png").write_bytes(b"image")
    with server(lambda connection: connection.sendall(sent)) as (port, _):
        assert said in failure(port)[0]
        command = [sys.executable, "-I", rest_client.__file__, f"http://localhost:{port}", "encoder", "serve_bytes"]
        process = subprocess.run([*command, tmp_path / "a.png"], capture_output=True, text=True)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line.startswith("rest_client: ")
    assert said in line


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed(status):
    with server(lambda connection: connection.sendall(response("200 OK", GOOD))) as (elsewhere, requests):
        moved = response(status, b"", f"Location: http://localhost:{elsewhere}/take-it")
        with server(lambda connection: connection.sendall(moved)) as (port, _):
            assert f"redirects to http://localhost:{elsewhere}/take-it, which is not followed" in failure(port)[0]
    assert requests == []


def test_an_answer_that_is_too_large(monkeypatch):
    monkeypatch.setattr(rest_client, "MAX_BYTES", 1000)
    with server(lambda connection: connection.sendall(response("200 OK", b" " * 2000))) as (port, _):
        assert "more than 1000 bytes" in failure(port)[0]


def test_a_connection_that_was_closed_in_between_is_made_anew():
    with server(lambda connection: connection.sendall(response("200 OK", GOOD))) as (port, requests):
        client = RestClient(f"http://localhost:{port}/", "a model", version=3)
        for _ in range(3):
            assert client.call("classify", [b"image"]) == {"embedding": [[1.0, 2.0]]}
            time.sleep(0.05)
        client.close()
    assert len(requests) == 3
    assert all(request.startswith(b"POST /v1/models/a%20model/versions/3:predict HTTP/1.1") for request in requests)
    assert all(b"\r\nContent-Type: application/json\r\n" in request for request in requests)


@pytest.mark.parametrize(
    "address", ["localhost:8501", "ftp://localhost", "http://localhost:port", "", "http://", "http://a..b"]
)
def test_an_address_that_is_none(address):
    said = r"the server's address must be http://HOST:PORT|encoder: "
    with (
        pytest.raises(RuntimeError, match=said),
        contextlib.closing(RestClient(address, "encoder", timeout=2)) as client,
    ):
        client.call("classify", [])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of the key and the certificate of "localhost", its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", pem]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not on the PATH")
    return key, pem


def test_https_is_checked(certificate, tmp_path, monkeypatch):
    import ssl

    key, pem = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)

    def behave(listener):
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as encrypted:
                read_request(encrypted)
                encrypted.sendall(response("200 OK", GOOD))

    with socket.create_server(("localhost", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}"
        for trusted in (False, True):
            thread = threading.Thread(target=behave, args=(listener,))
            thread.start()
            if trusted:
                monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(pem))
            with contextlib.closing(RestClient(url, "encoder")) as client:
                if trusted:
                    assert client.call("classify", [b""]) == {"embedding": [[1.0, 2.0]]}
                else:
                    with pytest.raises(RuntimeError, match="CERTIFICATE_VERIFY_FAILED"):
                        client.call("classify", [b""])
                    assert client.connection.sock is None
            thread.join()


@pytest.fixture(scope="module")
def grpc_client():
    pytest.importorskip("grpc")
    from byol_keras.export.serving import grpc_client

    return grpc_client


@contextlib.contextmanager
def grpc_server(answer, credentials=None):
    """Answers every Predict with the bytes `answer`; gives the port."""
    from concurrent import futures

    import grpc

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: answer)

    serving = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Handler()])
    port = (
        serving.add_secure_port("localhost:0", credentials) if credentials else serving.add_insecure_port("localhost:0")
    )
    serving.start()
    try:
        yield port
    finally:
        serving.stop(0).wait()


def encoded(grpc_client, dims=(1, 2), values=(1.0, 2.0), dtype=1):
    message = grpc_client.Response()
    tensor = message.outputs.add(key="embedding").value
    tensor.dtype = dtype
    for size in dims:
        tensor.tensor_shape.dim.add(size=size)
    if dtype == grpc_client.STRING:
        tensor.string_val.extend(values)
    else:
        tensor.float_val.extend(values)
    return message.SerializeToString()


def test_grpc_with_tls_is_checked(grpc_client, certificate, tmp_path):
    import grpc

    key, pem = certificate
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), pem.read_bytes())])
    (tmp_path / "a.png").write_bytes(b"image")
    with grpc_server(encoded(grpc_client), credentials) as port:
        arguments = [f"localhost:{port}", "encoder", "serve_bytes", tmp_path / "a.png"]
        for tls, code in ((f"--tls={pem}", 0), ("--tls", 1), (f"--tls={tmp_path / 'none.pem'}", 1), (None, 1)):
            command = [sys.executable, "-I", grpc_client.__file__, *([tls] if tls else []), *arguments]
            process = subprocess.run(command, capture_output=True, text=True)
            assert process.returncode == code, process.stderr
            assert "Traceback" not in process.stderr
            if code == 0:
                assert json.loads(process.stdout)["embedding"] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"dims": (1,)}, "answers with a tensor that is none"),
        ({"dims": (1, 2, 1)}, "answers with a tensor that is none"),
        ({"values": (1.0, 2.0, 3.0)}, "3 values for 1 by 2"),
        ({"values": ()}, "0 values for 1 by 2"),
        ({"dims": (1 << 40, 1 << 20)}, "answers with a tensor that is none"),
        ({"dims": (2, 1)}, "answers without outputs for 1 images"),
        ({"dtype": 7, "values": (b"\xff", b"\xfe")}, "answers with a tensor that is none"),
        ({"dtype": 3}, "TensorFlow's data type 3 is not known here"),
        (b"", "answers without outputs for 1 images"),
        (b"\xff\xff\xff", "localhost"),
    ],
)
def test_grpc_answers_that_are_none_are_one_line(grpc_client, answer, said):
    answer = encoded(grpc_client, **answer) if isinstance(answer, dict) else answer
    with grpc_server(answer) as port:
        client = grpc_client.GrpcClient(f"localhost:{port}", "encoder", timeout=20)
        with pytest.raises(RuntimeError) as error:
            client.call("serve_bytes", [b"image"])
        client.close()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_grpc_gives_up_a_server_that_trickles(grpc_client):
    with socket.create_server(("localhost", 0)) as listener:

        def behave():
            connection, _ = listener.accept()
            # The frame of settings with which HTTP/2 begins, and then one of data that never ends.
            with connection:
                trickle(connection, b"\0\0\0\4\0\0\0\0\0" + b"\0\xff\xff\0\0\0\0\0\1")

        thread = threading.Thread(target=behave)
        thread.start()
        client = grpc_client.GrpcClient(f"localhost:{listener.getsockname()[1]}", "encoder", timeout=1.0)
        start = time.monotonic()
        with pytest.raises(RuntimeError, match="localhost:"):
            client.call("serve_bytes", [b"image"])
        assert time.monotonic() - start < 5
        client.close()
        thread.join()
