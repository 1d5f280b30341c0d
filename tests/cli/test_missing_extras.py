"""Without an optional package its commands end at once, in one line, whatever else they are given."""

import sys

import pytest

from byol_keras.cli.main import main


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("sklearn", "evaluation", "pretrain --data nowhere --out OUT --probe nowhere"),
        ("sklearn", "evaluation", "evaluate nowhere --train nowhere --test nowhere"),
        ("sklearn", "evaluation", "finetune nowhere --train nowhere --test nowhere"),
        ("sklearn", "evaluation", "label nowhere --data nowhere"),
        ("starlette", "labeling", "label nowhere --data nowhere"),
        ("uvicorn", "labeling", "label nowhere --data nowhere"),
        ("sklearn", "evaluation", "verify nowhere --data nowhere --pairs nowhere"),
        ("matplotlib", "report", "verify nowhere --data nowhere --pairs nowhere"),
        ("pycocotools", "detection", "detect nowhere --train nowhere --test nowhere"),
        ("ai_edge_litert", "tflite", "demo --out OUT"),
        ("ai_edge_litert", "tflite", "export nowhere --out OUT"),
        ("onnxruntime", "onnx", "export nowhere --out OUT --format onnx"),
        ("openvino", "openvino", "export nowhere --out OUT --format openvino"),
        ("sklearn", "evaluation", "export nowhere --out OUT --labeled nowhere"),
        ("matplotlib", "report", "export nowhere --out OUT --report"),
    ],
)
def test_a_missing_package_is_said_before_anything_is_done(module, extra, command, tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert main(command.replace("OUT", str(tmp_path / "out")).split()) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert f'Install it: pip install "byol_keras[{extra}]"' in line
    assert not any(tmp_path.iterdir())


def test_a_report_without_matplotlib(make_run, monkeypatch, capfd):
    run = make_run()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["report", str(run.folder)]) == 2
    assert 'pip install "byol_keras[report]"' in capfd.readouterr().err
