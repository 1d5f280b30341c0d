"""The warm-up requests, the server's configuration, and the clients."""

import ast
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.export.serving.config import _health_check, update_serving_config
from byol_keras.export.serving.warm_up import BATCHES, FILE

pytest.importorskip("tensorflow_serving")
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from .. import stand_in

SERVER = "tensorflow_model_server"


@pytest.fixture(scope="module")
def folder(encoder, make_images, tmp_path_factory):
    """serving/encoder/1 with all signatures and the server's files, and three images beside."""
    folder = tmp_path_factory.mktemp("served")
    rng = np.random.default_rng(0)
    head = export.LinearHead(rng.normal(size=(48, 3)), np.zeros(3), ("cat", "dog", "Füchse"))
    index = export.NeighborIndex([f"{i}.jpg" for i in range(9)], rng.normal(size=(9, 48)))
    examples = make_images(3, 50, 40, seed=4)
    export.saved_model(encoder, folder / "serving" / "encoder" / "1", head=head, index=index, examples=examples)
    export.write_serving_config(folder / "serving", str(folder / "serving"))
    for name, image in zip(("a.png", "b.jpg", "c.png"), make_images(3, 32, 32, seed=6), strict=True):
        Image.fromarray(image).save(folder / name, quality=95)
    (folder / "empty.jpg").touch()
    return folder


def free_port():
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def real_server(folder):
    if not shutil.which(SERVER):
        pytest.skip(f"{SERVER} is not on the PATH")
    ports = free_port(), free_port()
    command = [SERVER, f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    command += [f"--model_config_file={folder / 'serving' / 'models.config'}", "--enable_batching=true"]
    command += [f"--batching_parameters_file={folder / 'serving' / 'batching.config'}"]
    with open(folder / "server.log", "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, (folder / "server.log").read_text()
                with contextlib.suppress(OSError), socket.create_connection(("localhost", ports[1]), 1):
                    break
                time.sleep(0.2)
            yield f"localhost:{ports[0]}", f"http://localhost:{ports[1]}"
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["stand-in", SERVER])
def server(request, folder):
    """(address of gRPC, URL of REST)."""
    if request.param == SERVER:
        context = real_server(folder)
    else:
        context = stand_in.serving("encoder", folder / "serving" / "encoder" / "1")
    with context as addresses:
        yield addresses


def client(name, *arguments):
    """Runs a client's file where nothing of this package, TensorFlow or NumPy can be imported."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'numpy', 'byol_keras')))\n"
    code = blocked + "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-I", "-c", code, *map(str, (name, *arguments))]
    return subprocess.run(command, capture_output=True, text=True)


CLIENTS = [("rest_client.py", 1), ("grpc_client.py", 0)]


@pytest.mark.parametrize(("name", "address"), CLIENTS)
def test_a_client_gets_every_signature(server, folder, encoder, name, address):
    paths = [folder / "a.png", folder / "b.jpg", folder / "c.png"]
    answers, wrong = {}, {}
    for signature in ("serve_bytes", "classify", "neighbors"):
        file = folder / "serving" / "client" / name
        process = client(file, server[address], "encoder", signature, *paths, folder / "empty.jpg")
        assert process.returncode == 0, process.stderr
        *answers[signature], wrong[signature] = [json.loads(line) for line in process.stdout.splitlines()]
        assert [answer["image"] for answer in answers[signature]] == list(map(str, paths))
        assert [answer["valid"] for answer in answers[signature]] == [True] * 3
        assert wrong[signature]["valid"] is False
    assert not any(wrong["serve_bytes"]["embedding"] + wrong["serve_bytes"]["embedding_normalized"])
    assert (wrong["classify"]["labels"], wrong["classify"]["scores"]) == ([""] * 3, [0] * 3)
    assert (wrong["neighbors"]["names"], wrong["neighbors"]["similarities"]) == ([""] * 5, [0] * 5)
    images = np.stack([np.array(Image.open(path)) for path in paths])
    reference = encoder(images / np.float32(255), training=False).numpy()
    embedding = [answer["embedding"] for answer in answers["serve_bytes"]]
    np.testing.assert_allclose(embedding, reference, atol=1e-4 * np.abs(reference).max())
    lengths = np.linalg.norm([answer["embedding_normalized"] for answer in answers["serve_bytes"]], axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    for answer in answers["classify"]:
        assert sorted(answer["labels"]) == ["Füchse", "cat", "dog"]
        assert answer["scores"] == sorted(answer["scores"], reverse=True)
        assert sum(answer["scores"]) == pytest.approx(1, rel=1e-5)
    for answer in answers["neighbors"]:
        assert len(set(answer["names"]) & {f"{i}.jpg" for i in range(9)}) == 5
        assert answer["similarities"] == sorted(answer["similarities"], reverse=True)


@pytest.mark.parametrize(("name", "address"), CLIENTS)
def test_a_client_says_in_one_line_what_went_wrong(server, folder, name, address):
    file, good = folder / "serving" / "client" / name, folder / "a.png"
    for arguments, message in (
        ((server[address], "absent", "serve_bytes", good), "Servable not found for request"),
        ((server[address], "encoder", "serve_bytes", folder / "none.jpg"), "No such file"),
        ((("localhost:1", "http://localhost:1")[address], "encoder", "serve_bytes", good), "localhost:1"),
        ((server[address], "encoder"), "usage: python"),
    ):
        process = client(file, *arguments)
        assert process.returncode == 1
        assert message in process.stderr
        assert "Traceback" not in process.stderr


@pytest.mark.parametrize(("name", "allowed"), [("rest_client.py", set()), ("grpc_client.py", {"google", "grpc"})])
def test_a_client_imports_little(folder, name, allowed):
    tree = ast.parse((folder / "serving" / "client" / name).read_text())
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in found} - set(sys.stdlib_module_names) == allowed


def test_the_clients_fields_are_those_of_the_official_messages():
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
    from tensorflow_serving.apis import model_pb2, predict_pb2

    specification = importlib.util.spec_from_file_location(
        "grpc_client", Path(export.serving.__file__).with_name("grpc_client.py")
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    official = {
        "Dim": tensor_shape_pb2.TensorShapeProto.Dim,
        "Shape": tensor_shape_pb2.TensorShapeProto,
        "Tensor": tensor_pb2.TensorProto,
        "ModelSpec": model_pb2.ModelSpec,
        "Request": predict_pb2.PredictRequest,
        "Response": predict_pb2.PredictResponse,
    }
    for name, message in official.items():
        for field, number, _, _ in module._MESSAGES[name]:
            assert message.DESCRIPTOR.fields_by_name[field].number == number, (name, field)


def test_each_warm_up_record_replays(folder, encoder):
    path = folder / "serving" / "encoder" / "1"
    signatures = tf.saved_model.load(str(path)).signatures
    replayed = []
    for record in tf.data.TFRecordDataset(str(path / FILE)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "encoder"
        name = request.model_spec.signature_name
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        (batch,) = {len(value) for value in inputs.values()}
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        assert {len(value) for value in outputs.values()} == {batch}
        replayed.append((name, batch))
        if name == "serving_default":
            assert inputs["images"].shape[1:] == (50, 40, 3)
            assert inputs["images"].dtype == np.uint8
    assert sorted(replayed) == sorted((name, batch) for name in signatures for batch in BATCHES)


def test_float_warm_up_requests_are_in_range(encoder, tmp_path):
    path = export.saved_model(encoder, tmp_path / "1", dtype="float32")
    for record in tf.data.TFRecordDataset(str(path / FILE)).take(1).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        images = tf.make_ndarray(request.inputs["images"])
        assert images.dtype == np.float32
        assert 0 <= images.min() < images.max() <= 1
        assert images.shape == (1, 32, 32, 3)


def test_without_the_serving_api_there_is_no_warm_up(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = export.saved_model(encoder, tmp_path / "1")
    assert (path / "saved_model.pb").is_file()
    assert {entry.name for entry in (path / "assets.extra").iterdir()} == {"README.md", "provenance.json"}


def test_the_configuration_names_every_model(tmp_path):
    for path in ("photos/1", "photos/2", "other-1.x/7", "notes/text"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "saved_model.pb").touch()
    (tmp_path / "empty" / "1").mkdir(parents=True)
    written = export.write_serving_config(tmp_path)
    assert [os.path.relpath(path, tmp_path) for path in written] == [
        "models.config",
        "batching.config",
        "compose.yaml",
        "client/rest_client.py",
        "client/grpc_client.py",
    ]
    assert all(path.stat().st_size for path in written)
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((tmp_path / "models.config").read_text(), config)
    models = {model.name: model.base_path for model in config.model_config_list.config}
    assert models == {"photos": "/models/photos", "other-1.x": "/models/other-1.x"}
    assert export.write_serving_config(tmp_path) == written


def test_an_update_leaves_what_is_there(tmp_path, capfd):
    def model(name):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()

    def named():
        config = model_server_config_pb2.ModelServerConfig()
        text_format.Parse((tmp_path / "models.config").read_text(), config)
        return {model.name: model.base_path for model in config.model_config_list.config}

    model("photos")
    assert update_serving_config(tmp_path) == export.write_serving_config(tmp_path, "/srv")
    assert update_serving_config(tmp_path) == []
    model("birds")
    assert update_serving_config(tmp_path) == [tmp_path / "models.config", tmp_path / "compose.yaml"]
    assert "' birds >&3" in (tmp_path / "compose.yaml").read_text()
    for name in ("compose.yaml", "client/rest_client.py"):
        (tmp_path / name).write_text("mine")
    model("faces")
    assert update_serving_config(tmp_path) == [tmp_path / "models.config"]
    assert named() == {"birds": "/srv/birds", "faces": "/srv/faces", "photos": "/srv/photos"}
    assert (tmp_path / "compose.yaml").read_text() == (tmp_path / "client" / "rest_client.py").read_text() == "mine"
    assert capfd.readouterr().err == ""
    (tmp_path / "models.config").write_text((tmp_path / "models.config").read_text() + "# mine\n")
    model("cars")
    assert update_serving_config(tmp_path) == []
    assert "models.config was edited and does not name cars" in capfd.readouterr().err


@pytest.fixture
def service(folder):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((folder / "serving" / "compose.yaml").read_text())["services"]["serving"]


def test_the_compose_file_fits_the_folder(service, folder):
    assert service["image"].startswith("tensorflow/serving:")
    (volume,) = service["volumes"]
    assert volume == ".:/models:ro"
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    assert (folder / "serving" / Path(flags["model_config_file"]).relative_to("/models")).is_file()


def test_the_container_may_do_little(service, folder):
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    user, _ = service["user"].split(":")
    assert int(user) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == "4g"
    for path in (folder / "serving").rglob("*"):
        assert path.stat().st_mode & 0o004, f"{path} cannot be read by others"


def test_the_health_check_asks_for_every_model(tmp_path, folder):
    """The line of the compose file in a real shell, against the stand-in for the server."""
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    with stand_in.serving("encoder", folder / "serving" / "encoder" / "1") as (_, url):
        port = url.rpartition(":")[2]
        for names, healthy in ((["encoder"], True), (["encoder", "absent"], False), (["absent"], False)):
            check = _health_check(names).replace("8501", port)
            assert (subprocess.run(["bash", "-c", check]).returncode == 0) is healthy
    assert subprocess.run(["bash", "-c", check], stderr=subprocess.DEVNULL).returncode


def test_the_health_check_is_one_line_of_the_compose_file(service):
    test = service["healthcheck"]["test"]
    assert test[:3] == ["CMD", "bash", "-c"]
    assert test[3].strip() == _health_check(["encoder"])
    assert "$" not in test[3]  # which compose would fill in


def test_folders_without_models_and_names_that_cannot_be_served(tmp_path):
    with pytest.raises(InputError, match=r"No model to serve.*Received: folder="):
        export.write_serving_config(tmp_path)
    (tmp_path / "my model" / "1").mkdir(parents=True)
    (tmp_path / "my model" / "1" / "saved_model.pb").touch()
    with pytest.raises(InputError, match=r"Rename the folder.*my model"):
        export.write_serving_config(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my model"]
