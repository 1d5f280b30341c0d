"""MediaPipe's ImageEmbedder for the web, as a page of its own uses it in a browser."""

import json
import sys
from pathlib import Path

import numpy as np

# Of the environment that `make test-clients` makes: npm puts packages there.
PACKAGE = Path(sys.prefix) / "node_modules" / "@mediapipe" / "tasks-vision"

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>MediaPipe</title>
<link rel="icon" href="data:,">
<script type="module">
import { FilesetResolver, ImageEmbedder } from "./tasks-vision/vision_bundle.mjs";

window.embed = async (path, names, regionOfInterest) => {
  const files = await FilesetResolver.forVisionTasks("./tasks-vision/wasm");
  const embedder = await ImageEmbedder.createFromOptions(files, { baseOptions: { modelAssetPath: path } });
  const embeddings = [];
  for (const name of names) {
    const image = await createImageBitmap(await (await fetch(name)).blob(), { colorSpaceConversion: "none" });
    embeddings.push([...embedder.embed(image, { regionOfInterest }).embeddings[0].floatEmbedding]);
  }
  embedder.close();
  return embeddings;
};
document.title = "Ready";
</script>
"""


def write_mediapipe_page(folder):
    """Writes mediapipe.html and the package of npm, which must be there, into `folder`."""
    (folder / "tasks-vision").symlink_to(PACKAGE)
    (folder / "mediapipe.html").write_text(PAGE)


def mediapipe_embeddings(browser, address, path, names, square=None):
    """float32 (N, D): what the page at `address` gives of a .tflite file and of image files, all named relative to it.

    `square` is the region of interest: left, top, right and bottom as shares of the sides.
    """
    browser.open(f"{address}mediapipe.html")
    browser.wait_for("document.title === 'Ready'")
    region = square and dict(zip(("left", "top", "right", "bottom"), square, strict=True))
    arguments = ", ".join(json.dumps(value) for value in (path, list(names), region))
    return np.array(browser.value(f"window.embed({arguments.replace('null', 'undefined')})"), np.float32)
