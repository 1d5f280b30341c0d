"""A .tflite file in a headless Chromium: LiteRT.js by WebAssembly and by WebGPU, MediaPipe's embedder for the web.

The page of `export --web` runs the first two. A new browser for each file, so that none finds what another has left.
WebGPU is SwiftShader's, a GPU emulated by the CPU.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

import byol_keras as bk
from tests.browser import find_browser, open_browser
from tests.export.formats.mediapipe_web import PACKAGE, mediapipe_embeddings, write_mediapipe_page
from tests.export.web.page_encoder import fully_accelerated, open_page, page_embeddings
from tests.file_server import serve_files

from .runtimes_served import png

NODE_MODULES = PACKAGE.parents[1]


def missing(accelerator=None):
    """What is not here of a browser, LiteRT.js and MediaPipe's package, and of WebGPU if asked; None if all is."""
    if find_browser() is None:
        return "no Chromium"
    package = NODE_MODULES / "@litertjs" / "core" if accelerator else PACKAGE
    if not package.is_dir():
        return f"{NODE_MODULES} has no {package.parent.name}/{package.name}: make test-clients"
    if accelerator == "webgpu" and not _adapter():
        return "Chromium gives no adapter"
    return None


def _adapter():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "index.html").write_text("<!doctype html><title>WebGPU</title>")
        with serve_files(folder) as address, open_browser(Path(folder) / "profile", graphics=True) as browser:
            browser.open(f"{address}index.html")
            return browser.value("(async () => Boolean(await navigator.gpu?.requestAdapter()))()")


def litert_js(path, images, accelerator):
    """float32 (N, D), and whether all of it ran on the accelerator, "wasm" or "webgpu".

    Raises:
        RuntimeError: where the page runs the file on something else.
    """
    with page(path, images, accelerator == "webgpu") as (browser, address, names, folder):
        bk.export.write_web_page(path, folder, NODE_MODULES)
        runs_on = open_page(browser, address, accelerator)
        if runs_on != accelerator:
            raise RuntimeError(f"runs by {runs_on} alone")
        return page_embeddings(browser, names), fully_accelerated(browser)


def mediapipe_web(path, images):
    """float32 (N, D)."""
    with page(path, images, False) as (browser, address, names, folder):
        write_mediapipe_page(folder)
        shutil.copy(path, folder)
        return mediapipe_embeddings(browser, address, path.name, names)


@contextlib.contextmanager
def page(path, images, graphics):
    """A browser, the address of a new folder, the names of the images in it, and the folder."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as new:
        folder = Path(new) / "page"
        folder.mkdir()
        names = [f"{i}.png" for i in range(len(images))]
        for name, image in zip(names, images, strict=True):
            (folder / name).write_bytes(png(image))
        with serve_files(folder) as address, open_browser(Path(new) / "profile", graphics=graphics) as browser:
            yield browser, address, names, folder
