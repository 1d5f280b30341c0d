"""docs/web.md, followed from the first command to the last, and its lines for a page of one's own in a browser."""

import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from ..browser import find_browser, open_browser
from .reader import DOCS, commands, reader_folder, shell

pytest.importorskip("ai_edge_litert")

PAGE = (DOCS / "web.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
@pytest.mark.skipif(find_browser() is None, reason="needs a Chromium")
def test_every_command_of_the_page(tmp_path):
    folder = reader_folder(tmp_path)
    (elsewhere,) = re.findall(r"`(npm install .*?)` elsewhere", PAGE)
    write, write_offline, serve = commands(PAGE)
    shell(write, folder)
    written = {path.name: path.read_bytes() for path in (folder / "page").iterdir() if path.is_file()}
    assert {"index.html", "encoder.js", "image.js", "encoder.tflite", "parity.json"} <= set(written)
    shell(f"npm_config_prefix= {elsewhere} --prefix . --silent && rm -r page", folder)
    shell(write_offline, folder)
    assert (folder / "page" / "encoder.js").read_bytes() == written["encoder.js"]

    for name in ("cup", "leaf"):
        shutil.copy(folder / "photos" / name / "0.png", folder / "page" / f"{name}.png")
    (folder / "page" / "own.html").write_text(own_page(written["index.html"].decode()))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *serve.split()[1:], str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            with open_browser(tmp_path / "profile") as browser:
                browser.open(f"http://localhost:{port}/index.html")
                browser.wait_for("document.querySelector('#status').textContent.startsWith('Ready')")
                browser.open(f"http://localhost:{port}/own.html")
                browser.wait_for("window.found !== undefined")
                found = browser.value("window.found")
        finally:
            server.kill()
    assert [len(embedding) for embedding in found["embeddings"]] == [128, 128]
    one, other = (np.array(embedding) for embedding in found["embeddings"])
    assert found["cosine"] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), abs=1e-5)


def wait_for(port):
    for _ in range(300):
        try:
            socket.create_connection(("localhost", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the file server does not answer")


def own_page(index):
    """A page of somebody's own: the import map of index.html, two files, and the lines, with what they log kept."""
    (import_map,) = re.findall(r'<script type="importmap">.*?</script>', index, flags=re.DOTALL)
    (block,) = re.findall(r"```js\n(.*?)```", PAGE, flags=re.DOTALL)
    block = re.sub(r"console\.log\((.*)\);", r"window.found = {cosine: \1, embeddings: [[...one], [...other]]};", block)
    files = (
        "const [file, another] = await Promise.all(['cup.png', 'leaf.png'].map(async n => (await fetch(n)).blob()));"
    )
    return f'<!doctype html><title>own</title>{import_map}<script type="module">{files}\n{block}</script>'
