"""`byol-keras label`."""

from pathlib import Path

from .arguments import add_run, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "label",
        _run,
        "label the images that teach most, on a local page, and train a head on them",
        "label runs/photos --data photos/",
    )
    add_run(add)
    add.add_argument("--data", metavar="FOLDER", required=True, help="images to label, at any depth")
    add.add_argument("--labels", metavar="FILE", help="a .csv: image, class, sha256 (default: RUN/labels.csv)")
    add.add_argument("--out", metavar="DIR", help="gets predictions.csv and head.npz (default: RUN/labeled)")
    add.add_argument("--port", metavar="N", type=int, default=0, help="of the page (default: any that is free)")
    instead = add.add_mutually_exclusive_group()
    instead.add_argument("--next", metavar="N", type=int, help="print the next N images to label, and no page")
    instead.add_argument("--write", action="store_true", help="write predictions and head to --out, and no page")


def _run(options):
    from ..errors import InputError
    from ..tasks.labeling.predictions import write_predictions
    from ..tasks.labeling.selection import next_images
    from ..utils.extras import require_extra
    from ..workflows.label import open_labeling

    if options.next is not None and options.next < 1:
        raise InputError(f"--next must be at least 1. Received: {options.next}")
    if options.next is None and not options.write:
        require_extra("The page to label on", "starlette", "uvicorn")
    labels = options.labels or Path(options.folder) / "labels.csv"
    out = options.out or Path(options.folder) / "labeled"
    labeling = open_labeling(options.folder, options.data, labels)
    if options.next is not None:
        chosen = next_images(labeling.embeddings, list(labeling.labels), labeling.scores, options.next)
        print("\n".join(labeling.names[index] for index in chosen))
    elif options.write:
        for path in write_predictions(labeling, out):
            print(f"Written to {path}")
    else:
        _serve(labeling, options.data, labels, out, options.port)


def _serve(labeling, folder, labels, out, port):
    from ..tasks.labeling.web.server import LabelingServer

    with LabelingServer(labeling, Path(folder).expanduser(), out, port) as server:
        print(f"Label the images at {server.url}\nEvery label is saved at once to {labels}; end with Ctrl-C.")
        print(f"{len(labeling.labeled):,} of {len(labeling.names):,} images are labeled.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(f"\n{len(labeling.labeled):,} images are labeled. Go on with the same command.")
