"""The rules of the house that a file can break: see CONTRIBUTING.md."""

import ast
import configparser
import re
import types
from collections import defaultdict
from pathlib import Path

import pytest

import byol_keras as bk

ROOT = Path(__file__).resolve().parents[1]
# A file's path as it is installed -> where it lies here.
INSTALLED = {path.relative_to(ROOT).as_posix(): path for path in ROOT.glob("byol_keras/**/*")}
INSTALLED |= {f"byol_keras/{path.relative_to(ROOT).as_posix()}": path for path in ROOT.glob("export/**/*")}
MODULES = {name: path for name, path in INSTALLED.items() if path.suffix in (".py", ".pyi")}
# Rooms of several folders of one shape: the same file names on purpose.
ALIKE = ("byol_keras/tasks/", "byol_keras/workflows/", "byol_keras/cli/")
# Programs, and modules of one shape that are run or chosen by their names.
PROGRAMS = (
    "byol_keras/cli/",
    "byol_keras/export/parity/runners/",
    "byol_keras/export/serving/",
    "byol_keras/export/device/",
)
PYTHON_OF_USERS = [*sorted(ROOT.glob("examples/**/*.py")), ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def test_no_module_is_long():
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_few_modules_lie_loose():
    loose = sorted(path.name for path in (ROOT / "byol_keras").glob("*.py"))
    assert len(loose) <= 10, loose
    assert len(list((ROOT / "export").glob("*.py"))) <= 3


def test_no_module_has_the_name_of_another():
    places = defaultdict(list)
    for name in MODULES:
        if not name.startswith(ALIKE) and not Path(name).stem.startswith("__"):
            places[Path(name).name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_public_function_has_the_name_of_another():
    places = defaultdict(list)
    for name, path in MODULES.items():
        if not name.startswith(PROGRAMS) and path.suffix == ".py":
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_only_the_command_line_spells_flags():
    spelled = {}
    for name, path in MODULES.items():
        if not name.startswith("byol_keras/cli/"):
            # In what is raised; docstrings show commands.
            raised = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
            words = [
                node.value for statement in raised for node in ast.walk(statement) if isinstance(node, ast.Constant)
            ]
            flags = [word for word in words if isinstance(word, str) and re.search(r"--[a-z]", word)]
            if flags:
                spelled[name] = flags
    assert spelled == {}


def test_setup_cfg_lists_every_package_and_every_file_that_is_no_module():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    packages = config["options"]["packages"].split()
    assert len(packages) == len(set(packages))
    folders = {Path(name).parent.as_posix() for name in MODULES if name.endswith("/__init__.py")}
    assert set(packages) == {folder.replace("/", ".") for folder in folders}
    shipped = set()
    for package, patterns in config["options.package_data"].items():
        folder = package.replace(".", "/")
        for pattern in patterns.replace(",", " ").split():
            matching = {name for name in INSTALLED if Path(name).match(f"{folder}/{pattern}")}
            assert matching, f"{package} = {pattern} matches nothing"
            shipped |= matching
    data = {name for name, path in INSTALLED.items() if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert data == shipped


@pytest.mark.parametrize("path", PYTHON_OF_USERS, ids=lambda path: path.name)
def test_users_need_no_name_deeper_than_a_public_module(path):
    text = path.read_text()
    blocks = [text] if path.suffix == ".py" else re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for node in (node for block in blocks for node in ast.walk(ast.parse(block))):
        if isinstance(node, ast.ImportFrom):
            assert node.module.split(".")[0] != "byol_keras", f"from {node.module} import ..."
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("byol_keras.") for alias in node.names), ast.unparse(node)
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"bk(\.\w+)+", ast.unparse(node)):
            _, *names = ast.unparse(node).split(".")
            value = bk
            for depth, name in enumerate(names):
                value = getattr(value, name)
                assert depth == 0 or not isinstance(value, types.ModuleType), ast.unparse(node)
