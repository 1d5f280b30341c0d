"""docs/device.md, followed from the first command to the last."""

import importlib.util
import json
import re

import numpy as np
import pytest

from .reader import DOCS, commands, reader_folder, shell

pytest.importorskip("ai_edge_litert")

PAGE = (DOCS / "device.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return reader_folder(tmp_path_factory.mktemp("reader"))


@pytest.mark.slow
def test_every_command_of_the_page(folder):
    typed = [c for c in commands(PAGE) if "coreml" not in c or importlib.util.find_spec("coremltools")]
    said = {command: shell(command, folder) for command in typed}
    assert len(said) >= 12
    assert {path.name for path in (folder / "device").iterdir()} == {
        "encoder-int8.tflite",
        "encoder-int8.tflite.json",
        "byol_device.py",
    }
    assert len(json.loads((folder / "choice/parity.json").read_text())) == 4
    assert "which file to ship" in (folder / "choice/report.html").read_text()
    described = json.loads((folder / "board/encoder-int8-uint8.tflite.json").read_text())
    assert described["input"]["quantization"] == {"scale": pytest.approx(1 / 255), "zero_point": 0}
    assert json.loads((folder / "many/encoder.tflite.json").read_text())["input"]["shape"][0] is None
    assert np.load(folder / "two.npy").shape == (2, 128)
    (last,) = [printed for command, printed in said.items() if " classify " in command]
    assert [line.split()[0] for line in last.splitlines()] == ["photos/cup/2.png:", "photos/leaf/2.png:"]
    assert [line.split()[1] for line in last.splitlines()] == ["cup", "leaf"]
    block, in_mediapipe = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    shell(f"cp -r photos/cup photos/leaf device/ && cd device && python -c '{block}'", folder)
    from byol_keras.export.device.byol_device import Encoder  # needs what is skipped for above

    if not importlib.util.find_spec("mediapipe"):
        pytest.skip("all but the lines for MediaPipe, which is not installed")
    shell("cp photos/cup/0.png photo.jpg && cp choice/encoder.tflite choice/encoder.tflite.json .", folder)
    embedding = np.array(json.loads(shell(f"python -c '{in_mediapipe}'", folder)))
    expected = Encoder(folder / "encoder.tflite").embed([folder / "photo.jpg"])[0]
    cosine = embedding @ expected / np.linalg.norm(embedding) / np.linalg.norm(expected)
    assert cosine > 0.97  # of noise on 16 pixels: the central square begins within a pixel; seen: 0.989
