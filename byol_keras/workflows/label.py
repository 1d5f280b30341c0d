"""A labelling of the pictures in a folder by a run."""

import sys
from pathlib import Path

from ..data.validate import list_broken
from ..runs.run import read_finished_run
from ..tasks.labeling.labels_file import LabelsFile
from ..tasks.labeling.session import Labelling
from .label_embeddings import folder_embeddings


def open_labelling(run, folder, labels):
    """Begins a labelling, or takes it up where the file of labels left it.

    Args:
        run: path of a run.
        folder: path, of the pictures.
        labels: path of the file of labels; it need not exist.

    Returns:
        `Labelling`.

    Raises:
        InputError: for a mistake in any of them.
    """
    run, folder = read_finished_run(run), Path(folder).expanduser()
    # The file of labels is read last, as it is judged by the pictures.
    names, embeddings = folder_embeddings(run, folder)
    file = LabelsFile(labels, folder, names)
    if file.unused:
        unused = list_broken([(name, "missing or changed") for name in file.unused])
        print(f"{labels}: {len(file.unused):,} labelled pictures are left out: {unused}", file=sys.stderr)
    return Labelling(names, embeddings, file)
