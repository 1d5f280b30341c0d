"""The names users import: the stubs that type checkers read, and what is there at run time."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import byol_keras as bk

STUBS = sorted(Path(bk.__file__).parent.rglob("*.pyi"))
PACKAGES = [path.parent for path in sorted(Path(bk.__file__).parent.rglob("__init__.py"))]


def _module(folder):
    return importlib.import_module(".".join(("byol_keras", *folder.relative_to(Path(bk.__file__).parent).parts)))


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.parent.name)
def test_the_stub_has_exactly_the_names_of_its_module(stub):
    module = _module(stub.parent)
    imports = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
    # `from x import y as y` re-exports y; without the `as`, type checkers take it as private.
    assert all(alias.asname == alias.name for node in imports for alias in node.names)
    names = [alias.name for node in imports for alias in node.names]
    assert sorted(names) == sorted(module.__all__) == dir(module)
    for name in names:
        assert getattr(module, name) is not None, name


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: path.name)
def test_the_names_a_package_lists_are_there(folder):
    module = _module(folder)
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), name


def test_listing_the_names_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, byol_keras as bk\n"
        "assert {'BYOL', 'export', 'load_encoder'} <= set(dir(bk))\n"
        "assert 'finetune_detector' in dir(bk.tasks)\n"
        "print([name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n", shown.stdout + shown.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bk.no_such_name


@pytest.mark.parametrize(
    "name",
    [
        "losses",
        "kernels.fast_layers",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("schedules", "utils.private_api")),
    ],
)
def test_any_module_may_be_the_first_that_is_imported(name):
    code = f"import byol_keras.{name}, keras; keras.saving.get_registered_object('byol_keras>BYOL').__name__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
