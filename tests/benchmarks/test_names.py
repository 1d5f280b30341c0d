"""The benchmarks use names of the package that are there, though most of them run for minutes and beside peers."""

import ast
import importlib
from pathlib import Path

import pytest

import byol_keras as bk

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(ROOT.glob("benchmarks/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_names_of_the_package_exist(script):
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] == "byol_keras":
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] == "bk":
            value = bk
            for name in ast.unparse(node).split(".")[1:]:
                value = getattr(value, name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("benchmarks."):
            # What a worker process runs as `python -m`.
            assert (ROOT / (node.value.replace(".", "/") + ".py")).is_file(), node.value
