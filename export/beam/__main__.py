"""`python -m byol_keras.export.beam`: embeds a folder of images on a Beam runner.

A module to submit and no flag of `byol-keras embed`: it takes an exported SavedModel and file systems that all workers
reach, in place of a run, and every option it does not know goes to Beam.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from byol_keras.errors import InputError
from byol_keras.utils.extras import require_extra
from byol_keras.utils.printable import printable


def beam_program(arguments: Sequence[str] | None = None) -> int:
    """The command line.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        int, the exit code: 0 done, 2 bad input; a bug, or a worker's, raises.
    """
    parser = argparse.ArgumentParser(
        prog="python -m byol_keras.export.beam",
        description="Embed a folder of images into Parquet on Apache Beam. All other options are Beam's.",
        epilog="example: python -m byol_keras.export.beam --model serving/encoder/1 --images photos/ "
        "--out photos.parquet --runner DirectRunner",
    )
    parser.add_argument("--model", required=True, help="a SavedModel of `byol-keras export`, the version's folder")
    parser.add_argument("--images", required=True, help="folder; JPEG and PNG, at any depth")
    parser.add_argument("--out", required=True, help="folder of the Parquet; the same command goes on with it")
    parser.add_argument("--parts", type=int, help="how many parts, for good (default: 64)")
    options, beams = parser.parse_known_args(arguments)
    try:
        _embed(options, beams)
    except InputError as error:
        print(f"byol_keras.export.beam: {printable(error)}", file=sys.stderr)
        return 2
    return 0


def _embed(options, beams):
    require_extra("Embedding on Beam", "apache_beam")
    if options.parts is not None and options.parts < 1:
        raise InputError(f"There is at least one part. Received: parts={options.parts}")
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from .embedding_pipeline import EMBEDDED, EXCLUDED_IMAGES, EmbedFolder
    from .part_store import begin_store, encoder_of, remove_begun

    # Workers may run in another working directory.
    model, images, out = (
        path if "://" in path else os.path.abspath(os.path.expanduser(path))
        for path in (options.model, options.images, options.out)
    )
    if "://" not in images and not os.path.isdir(images):
        raise InputError(f"No such folder: {options.images}")
    manifest = begin_store(out, encoder_of(model), images, options.parts)
    remove_begun(out)
    pipeline = beam.Pipeline(options=PipelineOptions(beams))
    pipeline | EmbedFolder(model, images, out, manifest.parts)
    result = pipeline.run()
    result.wait_until_finish()
    embedded, excluded = (_count(result, counter) for counter in (EMBEDDED, EXCLUDED_IMAGES))
    print(f"{options.out}: {embedded:,} images embedded by this pipeline, {excluded:,} excluded")


def _count(result, counter):
    return sum(
        found.committed for found in result.metrics().query()["counters"] if found.key.metric == counter.metric_name
    )


if __name__ == "__main__":
    sys.exit(beam_program())
