"""Starting TensorFlow without its greeting."""

import contextlib
import os
import re
import sys
import tempfile

from .cpu import cpu_count

# What TensorFlow says on stderr whenever it starts: its log lines of level I and W, and that there is no GPU driver.
GREETING = re.compile(
    r"^([IW]\d{4} |WARNING: All log messages before absl|To enable the following instructions|E\d{4} .*cuInit)"
)


def import_tensorflow(pretraining: bool = False) -> None:
    """Imports TensorFlow and looks for devices, keeping its greeting off the terminal; anything else is shown.

    Args:
        pretraining: whether this process will train on two views, see `view_threads`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Who imported it has its own settings, which can no longer be changed once it has computed anything.
    imported = "tensorflow" in sys.modules
    with _greeting_removed():
        import tensorflow as tf

        tf.config.list_physical_devices()
        if pretraining and not imported:
            view_threads()
        tf.constant(0)


def view_threads() -> None:
    """On two CPUs without an accelerator, has TensorFlow run each operation on one of them.

    Two views and two networks keep both busy, and an operation split between them waits for the slower half: a step of
    BYOL takes 2 to 20 % less time. To be called before the first operation. Leaves TF_NUM_INTRAOP_THREADS alone where
    it is set.
    """
    import tensorflow as tf

    only_processors = {device.device_type for device in tf.config.list_physical_devices()} == {"CPU"}
    if only_processors and cpu_count() == 2 and "TF_NUM_INTRAOP_THREADS" not in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)


@contextlib.contextmanager
def _greeting_removed():
    # The lines come from C++, before Python could filter them, so the file descriptor itself is turned aside.
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            sys.stderr.writelines(line for line in said if not GREETING.match(line))
