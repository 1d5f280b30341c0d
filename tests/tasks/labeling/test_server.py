"""The server over real HTTP: what it gives, what it takes, and from whom."""

import http.client
import io
import json
import os
import re
import resource
import socket
import struct
import threading
import time
from collections import Counter
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from byol_keras.data.rasters.raster_reading import RasterReading
from byol_keras.errors import InputError
from byol_keras.tasks import LabelingSession, LabelsFile
from byol_keras.tasks.labeling.web.app import MAX_BODY
from byol_keras.tasks.labeling.web.image_files import ImageFiles, _open_without_links
from byol_keras.tasks.labeling.web.server import LabelingServer

from ...data.turned import blocks, folder_of


@pytest.fixture
def labeling(colored, tmp_path):
    folder, names, embeddings, _ = colored
    return LabelingSession(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))


@pytest.fixture
def server(labeling, colored, tmp_path):
    with LabelingServer(labeling, colored[0], tmp_path / "out") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server):
    """Sends one request; (status, headers, body), the body parsed where it is JSON."""

    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if response.headers["Content-Type"] == "application/json":
            data = json.loads(data)
        return response.status, response.headers, data

    return ask


@pytest.fixture
def post(server, ask):
    def post(path, value):
        return ask("POST", path, json.dumps(value), X_Token=server.token)

    return post


def test_page_and_images(server, ask, colored):
    status, headers, data = ask("GET", "/")
    assert status == 200
    assert server.token in data.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    # Nothing is asked of other machines.
    script = ask("GET", "/page.js")[2].decode()
    assert not re.search(r"(src|href)=.?https?:|//[a-z]+\.[a-z]+/|fetch\(.http", data.decode() + script)
    for index, name in enumerate(colored[1][:2]):
        status, headers, data = ask("GET", f"/image/{index}")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        assert data == (colored[0] / name).read_bytes()


def test_answers_are_saved_at_once(server, ask, post, colored, labeling, tmp_path):
    folder, names, _, truth = colored
    first, second = labeling.waiting[:2]
    status, _, state = post("/answer", {"image": first, "class": "<b>rot & blau</b>"})
    assert status == 200
    assert state["classes"] == [{"name": "<b>rot & blau</b>", "labeled": 1, "predicted": None, "samples": []}]
    assert state["waiting"][0] == second
    assert LabelsFile(tmp_path / "labels.csv", folder, names).labels == {names[first]: "<b>rot & blau</b>"}
    assert post("/answer", {"image": second, "class": None})[2]["skipped"] == 1
    assert post("/undo", {})[2]["waiting"][0] == second
    assert post("/undo", {})[2]["can_undo"] is False
    for index in list(labeling.waiting):
        state = post("/answer", {"image": index, "class": truth[index]})[2]
    # The round is over: the head has been trained.
    assert sum(each["predicted"] for each in state["classes"]) == 50
    for each in state["classes"]:
        assert {truth[i] for i in each["samples"]} == {each["name"]}
    assert ask("GET", "/state")[2] == state
    # Another answer leaves the other images of the table where they are.
    index = state["waiting"][0]
    after = post("/answer", {"image": index, "class": truth[index]})[2]
    for old, new in zip(state["classes"], after["classes"], strict=True):
        assert [i for i in old["samples"] if i != index] == new["samples"][: 6 - (index in old["samples"])]
    written = post("/write", {})[2]["written"]
    assert written == [str(tmp_path / "out" / name) for name in ("predictions.csv", "head.npz")]


def test_other_sites_cannot_read_or_answer(server, ask, labeling):
    """Neither a page whose name was made to lead here, nor one that posts blindly."""
    answer = json.dumps({"image": labeling.waiting[0], "class": "x"})
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1.evil.example", ""):
        for method, path in (("GET", "/"), ("GET", "/state"), ("GET", "/image/0"), ("POST", "/answer")):
            status, _, data = ask(method, path, answer, Host=host, X_Token=server.token)
            assert (status, list(data)) == (403, ["error"])
    for headers in ({}, {"X_Token": ""}, {"X_Token": server.token + "x"}, {"X_Token": "\xe9"}):
        assert ask("POST", "/answer", answer, **headers)[0] == 403
    # A form or a fetch without CORS cannot set the header; with CORS the browser asks first, and is not allowed.
    status, headers, _ = ask("OPTIONS", "/answer", Origin="http://evil.example")
    assert status == 501
    assert "Access-Control-Allow-Origin" not in headers
    assert not labeling.labels
    for host in ("localhost", "localhost:1234", f"127.0.0.1:{server.server_port}"):
        assert ask("GET", "/state", Host=host)[0] == 200


@pytest.mark.parametrize(
    "path", ["/image/60", "/image/-1", "/image/", "/image/../../labels.csv", "/image/%2e%2e/labels.csv"]
)
def test_only_the_images_are_served(path, ask, post, labeling):
    post("/answer", {"image": labeling.waiting[0], "class": "x"})
    assert ask("GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/labels.csv", "/../labels.csv", "//etc/passwd", "/etc/passwd", "/page.py"])
def test_nothing_else_is_served(path, ask):
    assert ask("GET", path)[0] == 404


def test_a_number_of_thousands_of_digits_is_no_image(capfd, ask):
    for digits in ("5" * 5000, "0" * 5000, "\u0665"):
        assert ask("GET", f"/image/{quote(digits)}")[0] == 404
    assert capfd.readouterr().err == ""


def test_deeply_nested_json_is_a_bad_answer(capfd, server, ask, labeling):
    for body in ("[" * 9000, '{"image":' * 1000, '{"image": ' + "9" * 5000 + ', "class": "x"}'):
        status, _, data = ask("POST", "/answer", body, X_Token=server.token)
        assert (status, list(data)) == (409, ["error"])
    assert not labeling.labels
    assert capfd.readouterr().err == ""


def test_an_image_that_becomes_a_link_to_outside_is_refused(ask, colored, tmp_path):
    folder, names, *_ = colored
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (folder / names[0]).unlink()
    (folder / names[0]).symlink_to(secret)
    (folder / names[2]).unlink()
    (folder / names[2]).symlink_to(folder / names[4])
    (folder / "sub").rename(tmp_path / "elsewhere")
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    for index in (0, 1):
        status, _, data = ask("GET", f"/image/{index}")
        assert status == 404
        assert "link to outside" in data["error"]
    assert ask("GET", "/image/2")[2] == (folder / names[4]).read_bytes()


def test_links_that_were_there_from_the_beginning_are_followed(colored, tmp_path):
    """As `byol-keras split` makes them; but not to where they lead later."""
    folder, names, *_ = colored
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "0.png"
    link.symlink_to(folder / names[0])
    files = ImageFiles(tmp_path / "links", ["0.png"])
    assert files.read(0) == ((folder / names[0]).read_bytes(), "image/png")
    link.unlink()
    link.symlink_to(folder / names[1])
    with pytest.raises(PermissionError, match="link to outside"):
        files.read(0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_images_stored_turned_are_shown_upright(tmp_path, kind):
    """What a browser gets is a JPEG as it is, which it turns itself, or has nothing left to be turned."""
    folder_of(tmp_path, blocks(), kind)
    names = sorted(path.name for path in tmp_path.iterdir())
    files = ImageFiles(tmp_path, names)
    for index, name in enumerate(names):
        data, media_type = files.read(index)
        if kind == "JPEG" or index == 0:
            assert data == (tmp_path / name).read_bytes()
            assert media_type == f"image/{kind.lower()}"
        else:
            with Image.open(io.BytesIO(data)) as image:
                assert dict(image.getexif()) == {}
                np.testing.assert_array_equal(np.asarray(image), blocks())
            assert media_type == "image/png"


def test_a_pipe_in_place_of_an_image_is_refused_at_once(ask, colored):
    folder, names, *_ = colored
    (folder / names[0]).unlink()
    os.mkfifo(folder / names[0])
    assert ask("GET", "/image/0")[0] == 404


@pytest.mark.parametrize("data", [b"vm\n", b"", b"<svg/onload=alert(1)>", b"\x89PNG\r\n\x1a\n and then a secret"])
def test_what_is_no_image_any_more_is_not_served(data, ask, colored, tmp_path):
    """By another content, or by a hard link to another file, which nothing tells from an image but its bytes."""
    folder, names, *_ = colored
    secret = tmp_path / "secret"
    secret.write_bytes(data)
    (folder / names[0]).unlink()
    os.link(secret, folder / names[0])
    status, _, answer = ask("GET", "/image/0")
    assert (status, list(answer)) == (404, ["error"])
    assert "no image any more" in answer["error"]


def test_a_folder_that_becomes_a_link_at_this_moment_is_not_gone_through(colored, tmp_path):
    folder, names, *_ = colored
    real = os.path.realpath(folder / names[1])
    with open(_open_without_links(real), "rb") as file:
        assert file.read() == (folder / names[1]).read_bytes()
    (folder / "sub").rename(tmp_path / "elsewhere")
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        _open_without_links(real)
    opened = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else None
    for _ in range(5):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
            _open_without_links(real)
    assert opened is None or len(os.listdir("/dev/fd")) == opened


def test_an_image_that_has_become_a_pipe_can_be_labeled_and_skipped(post, labeling, colored, tmp_path):
    folder, names, *_ = colored
    first, second = labeling.waiting[:2]
    for index in (first, second):
        (folder / names[index]).unlink()
        os.mkfifo(folder / names[index])
    assert post("/answer", {"image": first, "class": "x"})[0] == 200
    assert post("/answer", {"image": second, "class": None})[0] == 200
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_10_000_requests_beside_800_connections_that_say_nothing_more(capfd, server, post, labeling):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    half_open = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(800)]
    for i, connection in enumerate(half_open):
        connection.sendall(b"POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"[: 10 + i % 70])
    codes = Counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    paths = ("/state", "/image/0", "/image/1", "/", "/nothing", "/image/" + "9" * 5000, "/page.js", "/image/../x")
    for i in range(10_000):
        connection.request("GET", paths[i % len(paths)])
        response = connection.getresponse()
        response.read()
        codes[response.status] += 1
    assert codes == {200: 6250, 404: 3750}
    assert post("/answer", {"image": labeling.waiting[0], "class": "x"})[0] == 200
    for half in (connection, *half_open):
        half.close()
    assert capfd.readouterr().err == ""


def test_a_body_of_no_stated_length_is_limited_as_well(server, ask):
    chunks = iter([b" " * MAX_BODY, b" " * MAX_BODY])
    assert ask("POST", "/answer", chunks, X_Token=server.token)[0] == 413


def test_every_response_has_the_headers(ask):
    for method, path in (
        ("GET", "/state"),
        ("GET", "/nothing"),
        ("GET", "/image/0"),
        ("PUT", "/"),
        ("POST", "/answer"),
    ):
        headers = ask(method, path)[1]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == ("private, max-age=600" if path == "/image/0" else "no-store")


def test_a_bug_is_shown_in_the_terminal(capfd, ask, labeling):
    del labeling.waiting
    status, headers, data = ask("GET", "/state")
    assert (status, list(data)) == (500, ["error"])
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    shown, deadline = "", time.monotonic() + 30
    while "AttributeError" not in shown:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        shown += capfd.readouterr().err
    assert "Traceback" in shown


def test_bad_answers_are_refused_and_change_nothing(server, ask, post, labeling):
    index = labeling.waiting[0]
    bad = [{}, [], 3, {"image": index}, {"image": "0", "class": "x"}, {"image": index, "class": 3}]
    bad += [{"image": index, "class": " "}, {"image": 999, "class": "x"}, {"image": None, "class": None}]
    for value in bad:
        status, _, data = post("/answer", value)
        assert (status, list(data)) == (409, ["error"])
    assert ask("POST", "/answer", "{", X_Token=server.token)[0] == 409
    assert ask("POST", "/answer", " " * (MAX_BODY + 1), X_Token=server.token)[0] == 413
    assert post("/nothing", {})[0] == 404
    assert "two classes" in post("/write", {})[2]["error"]
    assert not labeling.labels


def test_one_image_is_answered_once(post, labeling):
    """As with a second window that has not heard of it."""
    answer = {"image": labeling.waiting[0], "class": "x"}
    assert [post("/answer", answer)[0] for _ in range(2)] == [200, 409]


def test_answers_at_the_same_time_are_all_saved(post, labeling, colored, tmp_path):
    waiting = list(labeling.waiting)
    threads = [
        threading.Thread(target=post, args=("/answer", {"image": index, "class": f"class {index % 3}"}))
        for index in waiting
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(LabelsFile(tmp_path / "labels.csv", colored[0], colored[1]).labels) == len(waiting)


def test_a_browser_that_leaves_is_no_error(capfd, server, ask, colored):
    # Large enough not to fit the buffers between the two.
    Image.new("RGB", (4500, 4000)).save(colored[0] / colored[1][0], "bmp")
    connection = socket.create_connection(("127.0.0.1", server.server_port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(b"GET /image/0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(10)
    connection.close()
    # And one that leaves in the middle of a question.
    connection = socket.create_connection(("127.0.0.1", server.server_port))
    head = f"POST /answer HTTP/1.1\r\nHost: localhost\r\nX-Token: {server.token}\r\nContent-Length: 99\r\n\r\n"
    connection.sendall(head.encode() + b"{")
    time.sleep(0.2)
    connection.close()
    connection = socket.create_connection(("127.0.0.1", server.server_port))
    connection.sendall(b"no HTTP at all\r\n\r\n")
    connection.close()
    assert ask("GET", "/state")[0] == 200
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_an_image_that_has_gone_is_said(ask, colored):
    (colored[0] / colored[1][0]).unlink()
    status, _, data = ask("GET", "/image/0")
    assert status == 404
    assert "No such file" in data["error"]


def test_a_file_changed_meanwhile_is_said(post, labeling, tmp_path):
    (tmp_path / "labels.csv").write_text("image,class\n")
    status, _, data = post("/answer", {"image": labeling.waiting[0], "class": "x"})
    assert status == 409
    assert "changed by something else" in data["error"]
    assert not labeling.labels


def test_a_port_that_is_in_use_or_none(server, labeling, colored, tmp_path):
    with pytest.raises(InputError, match=f"Port {server.server_port} is in use: choose another"):
        LabelingServer(labeling, colored[0], tmp_path, server.server_port)
    for port in (-1, 70000):
        with pytest.raises(InputError, match=f"Port {port} cannot be used"):
            LabelingServer(labeling, colored[0], tmp_path, port)


def test_a_browser_gets_rasters_as_png(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (6, 5, 4)).astype(np.uint16)
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values[..., 0])
    files = ImageFiles(tmp_path, ["a.npy", "b.npy"], RasterReading())
    for index, shown in enumerate((values[..., :3], values[..., 0])):
        data, kind = files.read(index)
        assert kind == "image/png"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), shown >> 8)
    (tmp_path / "a.npy").write_bytes(b"none")
    with pytest.raises(OSError, match=r"This is no image any more: not a readable \.npy"):
        files.read(0)
