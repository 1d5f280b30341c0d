"""Where a fresh process looks for modules."""

import pytest

from byol_keras.errors import ParityError
from byol_keras.export.parity.fresh_process import run_isolated

SCRIPT = """
import importlib.util, pathlib, sys
names = ("on_the_path", "in_the_current_folder", "beside_the_script")
found = [name for name in names if importlib.util.find_spec(name)]
pathlib.Path(sys.argv[1]).write_text(" ".join(found))
"""


def test_packages_on_the_path_are_found_and_modules_in_the_current_folder_are_not(tmp_path, monkeypatch):
    for name in ("on_the_path", "in_the_current_folder", "beside_the_script"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text("")
    script, out = tmp_path / "beside_the_script" / "script.py", tmp_path / "found.txt"
    script.write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "on_the_path"))
    monkeypatch.chdir(tmp_path / "in_the_current_folder")
    run_isolated("script", script, [out])
    assert out.read_text() == "on_the_path"


def test_a_program_that_fails_is_named_with_its_last_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys; sys.exit('this and\\nthat is wrong')")
    with pytest.raises(ParityError, match=r"^a file does not run in a fresh process \(exit code 1\): that is wrong$"):
        run_isolated("a file", script, [])
