"""The notebooks are those of their scripts, and run."""

import nbformat
import pytest

from .notebooks import SCRIPTS, executed, of_script


def made(script):
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_has_the_cells_of_its_script(script):
    notebook = made(script)
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert cells == [(cell.cell_type, cell.source) for cell in of_script(script).cells], "run `make notebooks`"
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for cell in code for output in cell.outputs} <= {"stream", "execute_result"}
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)


def test_they_are_three_and_small():
    sizes = [script.with_suffix(".ipynb").stat().st_size for script in SCRIPTS]
    assert len(sizes) == 3
    assert sum(sizes) < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(script, tmp_path):
    def kinds(notebook):
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return [[output.output_type for output in cell.outputs] for cell in cells]

    assert kinds(executed(script, tmp_path)) == kinds(made(script))
    assert not any(tmp_path.iterdir())
