"""A labeling of the images in a folder by a run."""

import hashlib
import os
import sys
from pathlib import Path

from ..data.validate import list_broken
from ..errors import InputError
from ..runs.run import load_finished_run
from ..tasks.labeling.labels_file import LabelsFile
from ..tasks.labeling.session import LabelingSession
from ..tasks.retrieval.build import index_collection
from ..tasks.retrieval.collection import open_collection
from ..utils.extras import require_extra


def open_labeling(run, folder, labels):
    """Begins a labeling, or resumes it where the file of labels left it.

    The embeddings are cached in RUN/embeddings/, one file a folder: only images that are new or have changed are
    embedded again, or all of them when the encoder has changed or the cache is damaged.

    Args:
        run: path of a run.
        folder: path, of the images.
        labels: path of the file of labels; it need not exist.

    Returns:
        `LabelingSession`, of the images that can be decoded, in the order of their names.

    Raises:
        InputError: for a mistake in any of them.
    """
    require_extra("Labeling", "sklearn")
    run, folder = load_finished_run(run), Path(folder).expanduser()
    if not folder.is_dir():
        raise InputError(f"No such folder: {folder}")
    index = index_collection(run.encoder, open_collection(folder), cached_embeddings(run, folder), rebuild=True)
    order = sorted(range(len(index)), key=index.names.__getitem__)
    # The file of labels is read last, as the images decide which of its rows are valid.
    file = LabelsFile(labels, folder, [index.names[i] for i in order])
    if file.unused:
        unused = list_broken([(name, "missing or changed") for name in file.unused])
        print(f"{labels}: {len(file.unused):,} labeled images are not used: {unused}", file=sys.stderr)
    return LabelingSession([index.names[i] for i in order], index.embeddings[order], file)


def cached_embeddings(run, folder):
    """Path of the cache of a folder's embeddings by the encoder of a run; another one for each folder."""
    root = os.path.abspath(folder)
    place = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return run.embeddings_path / f"{os.path.basename(root)}-{place}.index"
