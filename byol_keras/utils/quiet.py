"""Silence while the converter works."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

from ..errors import InputError

# What a successful conversion prints, none of it about the model.
HARMLESS = re.compile(
    r"^I\d{4} |Ignored (output_format|drop_control_dependency)|^fully_quantize: |"
    r"Skipping runtime version metadata|absl::InitializeLog|Created TensorFlow Lite XNNPACK delegate"
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what C++ code prints meanwhile; afterwards let through the lines that are not known as HARMLESS.

    All of it comes out if an unexpected error ends the block; an InputError says by itself what is wrong.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    streams = [(number, os.dup(number)) for number in (1, 2)]
    show = HARMLESS
    with tempfile.TemporaryFile() as held:
        for number, _ in streams:
            os.dup2(held.fileno(), number)
        try:
            yield
        except InputError:
            show = None
            raise
        except BaseException:
            show = re.compile(r"(?!)")
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, saved in streams:
                os.dup2(saved, number)
                os.close(saved)
            held.seek(0)
            if show is not None:
                lines = held.read().decode(errors="replace").splitlines(keepends=True)
                sys.stderr.write("".join(line for line in lines if not show.search(line)))
