"""`make notebooks`: the notebooks in examples/notebooks, made of the scripts beside them and run from top to bottom."""

import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "examples" / "notebooks").glob("*.py"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def of_script(script: Path) -> nbformat.NotebookNode:
    """The cells of a script, not run; the same each time."""
    notebook = jupytext.read(script)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", nbformat.NotebookNode()
    return notebook


def executed(script: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook of a script with what its cells give when they are run in `folder`."""
    notebook = of_script(script)
    options = {"timeout": 900, "kernel_name": "python3", "record_timing": False, "coalesce_streams": True}
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Progress, and what TensorFlow says of the machine when it starts.
            cell.outputs = [given for given in cell.outputs if given.get("name") != "stderr"]
            for given in cell.outputs:
                # Pillow gives each picture twice.
                given.get("data", {}).pop("image/jpeg", None)
    return notebook


def main() -> None:
    for script in SCRIPTS:
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(script, Path(folder))
        nbformat.write(notebook, script.with_suffix(".ipynb"))
        print(f"{script.stem}.ipynb: {script.with_suffix('.ipynb').stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
