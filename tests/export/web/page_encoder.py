"""The encoder of an exported page, as a visitor's browser runs it."""

import json

import numpy as np

STATUS = "document.querySelector('#status').textContent"


def open_page(browser, address, accelerator=None):
    """Opens index.html at `address` and waits for its encoder; says on what it runs: "wasm" or "webgpu"."""
    browser.open(f"{address}index.html" + (f"?accelerator={accelerator}" if accelerator else ""))
    browser.wait_for(f"{STATUS}.startsWith('Ready') || {STATUS}.includes('cannot be loaded')")
    assert browser.value(STATUS).startswith("Ready"), browser.value(STATUS)
    return browser.value("window.encoder.accelerator")


def page_embeddings(browser, names):
    """float32 (N, D): what the page gives of image files, whose names are relative to it."""

    def embedding(name):
        # A call each: an emulated GPU may take seconds for one.
        return browser.value(
            f"fetch({json.dumps(name)}).then(found => found.blob()).then(file => window.encoder.embed(file))"
            ".then(embedding => [...embedding])"
        )

    return np.array([embedding(name) for name in names], np.float32)


def fully_accelerated(browser):
    """Whether all of the file runs on what `open_page` says; LiteRT gives the rest to the CPU."""
    return browser.value("window.encoder.model.isFullyAccelerated")
