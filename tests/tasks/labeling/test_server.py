"""The server over real HTTP: what it gives, what it takes, and from whom."""

import http.client
import json
import re
import socket
import struct
import threading
import time

import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.labeling import Labelling, LabelsFile
from byol_keras.tasks.labeling.web.server import MAX_BODY, LabellingServer


@pytest.fixture
def labelling(coloured, tmp_path):
    folder, names, embeddings, _ = coloured
    return Labelling(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))


@pytest.fixture
def server(labelling, coloured, tmp_path):
    with LabellingServer(labelling, coloured[0], tmp_path / "out") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
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


def test_page_and_pictures(server, ask, coloured):
    status, headers, data = ask("GET", "/")
    assert status == 200
    assert server.token in data.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    # Nothing is asked of other machines.
    script = ask("GET", "/page.js")[2].decode()
    assert not re.search(r"(src|href)=.?https?:|//[a-z]+\.[a-z]+/|fetch\(.http", data.decode() + script)
    for index, name in enumerate(coloured[1][:2]):
        status, headers, data = ask("GET", f"/picture/{index}")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        assert data == (coloured[0] / name).read_bytes()


def test_answers_are_saved_at_once(server, ask, post, coloured, labelling, tmp_path):
    folder, names, _, truth = coloured
    first, second = labelling.waiting[:2]
    status, _, state = post("/answer", {"picture": first, "class": "<b>rot & blau</b>"})
    assert status == 200
    assert state["classes"] == [{"name": "<b>rot & blau</b>", "labelled": 1, "predicted": None, "samples": []}]
    assert state["waiting"][0] == second
    assert LabelsFile(tmp_path / "labels.csv", folder, names).answers == {names[first]: "<b>rot & blau</b>"}
    assert post("/answer", {"picture": second, "class": None})[2]["skipped"] == 1
    assert post("/undo", {})[2]["waiting"][0] == second
    assert post("/undo", {})[2]["can_undo"] is False
    for index in list(labelling.waiting):
        state = post("/answer", {"picture": index, "class": truth[index]})[2]
    # The round is over: the head has been trained.
    assert sum(each["predicted"] for each in state["classes"]) == 50
    for each in state["classes"]:
        assert {truth[i] for i in each["samples"]} == {each["name"]}
    assert ask("GET", "/state")[2] == state
    # Another answer leaves the other pictures of the table where they are.
    index = state["waiting"][0]
    after = post("/answer", {"picture": index, "class": truth[index]})[2]
    for old, new in zip(state["classes"], after["classes"], strict=True):
        assert [i for i in old["samples"] if i != index] == new["samples"][: 6 - (index in old["samples"])]
    written = post("/write", {})[2]["written"]
    assert written == [str(tmp_path / "out" / name) for name in ("predictions.csv", "head.npz")]


def test_other_sites_cannot_read_or_answer(server, ask, labelling):
    """Neither a page whose name was made to lead here, nor one that posts blindly."""
    answer = json.dumps({"picture": labelling.waiting[0], "class": "x"})
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1.evil.example", ""):
        for method, path in (("GET", "/"), ("GET", "/state"), ("GET", "/picture/0"), ("POST", "/answer")):
            status, _, data = ask(method, path, answer, Host=host, X_Token=server.token)
            assert (status, list(data)) == (403, ["error"])
    for headers in ({}, {"X_Token": ""}, {"X_Token": server.token + "x"}, {"X_Token": "\xe9"}):
        assert ask("POST", "/answer", answer, **headers)[0] == 403
    # A form or a fetch without CORS cannot set the header; with CORS the browser asks first, and is not allowed.
    status, headers, _ = ask("OPTIONS", "/answer", Origin="http://evil.example")
    assert status == 501
    assert "Access-Control-Allow-Origin" not in headers
    assert not labelling.answers
    for host in ("localhost", "localhost:1234", f"127.0.0.1:{server.server_port}"):
        assert ask("GET", "/state", Host=host)[0] == 200


@pytest.mark.parametrize(
    "path", ["/picture/60", "/picture/-1", "/picture/", "/picture/../../labels.csv", "/picture/%2e%2e/labels.csv"]
)
def test_only_the_pictures_are_served(path, ask, post, labelling):
    post("/answer", {"picture": labelling.waiting[0], "class": "x"})
    assert ask("GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/labels.csv", "/../labels.csv", "//etc/passwd", "/etc/passwd", "/page.py"])
def test_nothing_else_is_served(path, ask):
    assert ask("GET", path)[0] == 404


def test_bad_answers_are_refused_and_change_nothing(server, ask, post, labelling):
    index = labelling.waiting[0]
    bad = [{}, [], 3, {"picture": index}, {"picture": "0", "class": "x"}, {"picture": index, "class": 3}]
    bad += [{"picture": index, "class": " "}, {"picture": 999, "class": "x"}, {"picture": None, "class": None}]
    for value in bad:
        status, _, data = post("/answer", value)
        assert (status, list(data)) == (409, ["error"])
    assert ask("POST", "/answer", "{", X_Token=server.token)[0] == 409
    assert ask("POST", "/answer", " " * (MAX_BODY + 1), X_Token=server.token)[0] == 413
    assert post("/nothing", {})[0] == 404
    assert "two classes" in post("/write", {})[2]["error"]
    assert not labelling.answers


def test_one_picture_is_answered_once(post, labelling):
    """As with a second window that has not heard of it."""
    answer = {"picture": labelling.waiting[0], "class": "x"}
    assert [post("/answer", answer)[0] for _ in range(2)] == [200, 409]


def test_answers_at_the_same_time_are_all_kept(post, labelling, coloured, tmp_path):
    waiting = list(labelling.waiting)
    threads = [
        threading.Thread(target=post, args=("/answer", {"picture": index, "class": f"class {index % 3}"}))
        for index in waiting
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(LabelsFile(tmp_path / "labels.csv", coloured[0], coloured[1]).answers) == len(waiting)


def test_a_browser_that_leaves_is_no_error(server, ask, coloured, capfd):
    # Large enough not to fit the buffers between the two.
    (coloured[0] / coloured[1][0]).write_bytes(bytes(50_000_000))
    connection = socket.create_connection(("127.0.0.1", server.server_port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(b"GET /picture/0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(10)
    connection.close()
    assert ask("GET", "/state")[0] == 200
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_a_picture_that_has_gone_is_said(ask, coloured):
    (coloured[0] / coloured[1][0]).unlink()
    status, _, data = ask("GET", "/picture/0")
    assert status == 404
    assert "No such file" in data["error"]


def test_a_file_changed_meanwhile_is_said(post, labelling, tmp_path):
    (tmp_path / "labels.csv").write_text("picture,class\n")
    status, _, data = post("/answer", {"picture": labelling.waiting[0], "class": "x"})
    assert status == 409
    assert "changed by something else" in data["error"]
    assert not labelling.answers


def test_a_port_that_is_in_use_or_none(server, labelling, coloured, tmp_path):
    with pytest.raises(InputError, match=f"Port {server.server_port} is in use: choose another --port"):
        LabellingServer(labelling, coloured[0], tmp_path, server.server_port)
    for port in (-1, 70000):
        with pytest.raises(InputError, match=f"Port {port} cannot be used"):
            LabellingServer(labelling, coloured[0], tmp_path, port)
