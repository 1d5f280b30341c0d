"""The wheel, as a user gets it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    # From a copy of what git knows: a build in the checkout would leave its folders behind.
    source = out / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for package in ("byol_keras", "export"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = source / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_has_every_module_and_no_global_export(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"byol_keras"}
    expected = {"byol_keras/py.typed"}
    for kind in ("py", "pyi", "html", "css", "js"):
        paths = [*ROOT.glob(f"byol_keras/**/*.{kind}"), *ROOT.glob(f"export/**/*.{kind}")]
        assert paths
        inside = [path.relative_to(ROOT).as_posix() for path in paths]
        expected |= {name if name.startswith("byol_keras/") else f"byol_keras/{name}" for name in inside}
    assert expected <= names


def test_the_wheel_works_outside_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import byol_keras as bk, importlib.util\n"
        f"assert bk.__file__.startswith({str(tmp_path)!r}), bk.__file__\n"
        f"assert bk.export.__file__.startswith({str(tmp_path)!r}), bk.export.__file__\n"
        "assert importlib.util.find_spec('export') is None\n"
        "assert callable(bk.export.saved_model) and callable(bk.export.tflite)\n"
        "for name in bk.__all__: getattr(bk, name)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert shown.returncode == 0, shown.stderr
