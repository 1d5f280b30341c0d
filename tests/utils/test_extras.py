"""Optional packages: found, or named with the line that installs them."""

import configparser
import sys
from pathlib import Path

import pytest

from byol_keras.errors import InputError
from byol_keras.utils.extras import EXTRAS, has_extra, require_extra


def test_what_is_installed_is_no_error():
    assert has_extra("sklearn", "matplotlib")
    require_extra("The k-NN accuracy", "sklearn", "matplotlib")


def test_every_missing_package_is_named_with_one_line_for_pip(monkeypatch):
    for module in ("sklearn", "onnxruntime", "usearch"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert not has_extra("sklearn")
    assert not has_extra("matplotlib", "onnxruntime")
    with pytest.raises(InputError) as raised:
        require_extra("Search", "sklearn", "matplotlib", "onnxruntime", "usearch")
    line = "Search needs scikit-learn, onnxruntime, usearch. Install it: "
    assert str(raised.value) == line + 'pip install "byol_keras[evaluation,onnx,search]"'


def test_each_package_is_in_its_extra_of_setup_cfg():
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).resolve().parents[2] / "setup.cfg")
    for package, extra in EXTRAS.values():
        assert f"\n{package}>=" in setup["options.extras_require"][extra], package
