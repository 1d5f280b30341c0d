"""What `byol-keras label` does: a labeling of the images in a folder, on a page or by files."""

import hashlib
import os
import sys
from pathlib import Path

from ..data.broken import list_broken
from ..data.folder import reading_of
from ..data.rasters.raster_reading import RasterReading
from ..errors import InputError
from ..runs.audio_recipe import require_image_run
from ..runs.run import Run
from ..runs.run_config import load_finished_run
from ..tasks.labeling.labels_file import LabelsFile
from ..tasks.labeling.predictions import write_predictions
from ..tasks.labeling.selection import next_images
from ..tasks.labeling.session import LabelingSession
from ..tasks.retrieval.build import index_collection
from ..tasks.retrieval.collection import open_collection
from ..utils.atomic import make_parent
from ..utils.extras import require_extra
from ..utils.lock import exclusive
from ..utils.part_file import remove_parts
from ..utils.printable import printable


def label_folder(
    folder: str | os.PathLike,
    data: str | os.PathLike,
    labels: str | os.PathLike | None = None,
    out: str | os.PathLike | None = None,
    port: int = 0,
    next: int | None = None,
    write: bool = False,
) -> None:
    """Serves the page to label on until Ctrl-C; or, instead, prints what to label next, or writes what came of it.

    Args:
        folder: the run.
        data: a folder of images to label, at any depth.
        labels: the file of labels, see `LabelsFile`; None for RUN/labels.csv.
        out: the folder of predictions.csv and head.npz; None for RUN/labeled/.
        port: of the page; 0 for any that is free.
        next: how many images to print that are to be labeled next, and no page; or None.
        write: whether to write the predictions and the head, and no page.

    Raises:
        InputError: for a mistake in any of them.
    """
    if next is not None and next < 1:
        raise InputError(f"`next` must be at least 1. Received: next={next}")
    require_extra("Labeling", "sklearn")
    if next is None and not write:
        require_extra("The page to label on", "starlette", "uvicorn")
    run = load_finished_run(folder)
    require_image_run(run.recipe, "label")
    labels = Path(run.labels_path if labels is None else labels).resolve()  # of one file there is one lock
    out = run.labeled_path if out is None else out
    if next is None and not write:
        make_parent(labels)
        # Before the labels are read: of two pages that work on them each would write without the other's.
        with exclusive(labels):
            remove_parts(run.folder)
            labeling = open_labeling(run, data, labels)
            _serve(labeling, data, labels, out, port, reading_of(labeling.names, run.value_range))
        return
    labeling = open_labeling(run, data, labels)
    if next is not None:
        chosen = next_images(labeling.embeddings, list(labeling.labels), labeling.scores, next)
        print("\n".join(printable(labeling.names[index]) for index in chosen))
    else:
        for path in write_predictions(labeling, out):
            print(f"Written to {path}")


def open_labeling(run: Run, data: str | os.PathLike, labels: str | os.PathLike) -> LabelingSession:
    """Begins a labeling, or resumes it where the file of labels left it.

    The embeddings are cached in RUN/embeddings/, one file per folder: only images that are new or have changed are
    embedded again, or all of them when the encoder has changed or the cache is damaged.

    Args:
        run: a finished run.
        data: the folder of the images.
        labels: the file of labels; it need not exist.

    Returns:
        `LabelingSession`, of the images that can be decoded, in the order of their names.

    Raises:
        InputError: for a mistake in any of them.
    """
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise InputError(f"No such folder: {folder}")
    collection = open_collection(folder, run.value_range)
    if collection.paths is None or collection.embeddings is not None:
        raise InputError(
            f"{folder} holds no image files, which the page shows and whose labels are kept by their bytes: give the "
            "folder of the images themselves."
        )
    index = index_collection(run.encoder, collection, _cache_path(run, folder), rebuild=True)
    order = sorted(range(len(index)), key=index.names.__getitem__)
    # The file of labels is read last, as the images decide which of its rows are valid.
    file = LabelsFile(labels, folder, [index.names[i] for i in order])
    if file.unused:
        unused = list_broken([(name, "missing or changed") for name in file.unused])
        print(f"{labels}: {len(file.unused):,} labeled images are not used: {unused}", file=sys.stderr)
    return LabelingSession([index.names[i] for i in order], index.embeddings[order], file, index.encoder)


def _cache_path(run: Run, folder: Path) -> Path:
    """Where a folder's embeddings by the encoder of a run are cached; another file for each folder."""
    root = os.path.abspath(folder)
    place = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return run.embeddings_path / f"{os.path.basename(root)}-{place}.index"


def _serve(
    labeling: LabelingSession,
    data: str | os.PathLike,
    labels: str | os.PathLike,
    out: str | os.PathLike,
    port: int,
    reading: RasterReading | None,
) -> None:
    from ..tasks.labeling.web.server import LabelingServer

    with LabelingServer(labeling, Path(data).expanduser(), out, port, reading) as server:
        print(f"Label the images at {server.url}\nEvery label is saved at once to {labels}; end with Ctrl-C.")
        print(f"{len(labeling.labeled):,} of {len(labeling.names):,} images are labeled.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(f"\n{len(labeling.labeled):,} images are labeled. Go on with the same command.")
