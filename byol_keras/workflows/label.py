"""A labeling of the images in a folder by a run."""

import sys
from pathlib import Path

from ..data.validate import list_broken
from ..runs.run import load_finished_run
from ..tasks.labeling.labels_file import LabelsFile
from ..tasks.labeling.session import LabelingSession
from ..utils.extras import require_extra
from .label_embeddings import folder_embeddings


def open_labeling(run, folder, labels):
    """Begins a labeling, or takes it up where the file of labels left it.

    Args:
        run: path of a run.
        folder: path, of the images.
        labels: path of the file of labels; it need not exist.

    Returns:
        `LabelingSession`.

    Raises:
        InputError: for a mistake in any of them.
    """
    require_extra("Labeling", "sklearn")
    run, folder = load_finished_run(run), Path(folder).expanduser()
    # The file of labels is read last, as it is judged by the images.
    names, embeddings = folder_embeddings(run, folder)
    file = LabelsFile(labels, folder, names)
    if file.unused:
        unused = list_broken([(name, "missing or changed") for name in file.unused])
        print(f"{labels}: {len(file.unused):,} labeled images are left out: {unused}", file=sys.stderr)
    return LabelingSession(names, embeddings, file)
