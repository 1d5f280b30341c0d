"""Starting TensorFlow without its greeting."""

import contextlib
import os
import re
import sys
import tempfile

# What TensorFlow says on stderr whenever it starts: its log lines of level I and W, and that there is no GPU driver.
GREETING = re.compile(
    r"^([IW]\d{4} |WARNING: All log messages before absl|To enable the following instructions|E\d{4} .*cuInit)"
)


def import_tensorflow():
    """Imports TensorFlow and looks for devices, keeping its greeting off the terminal; anything else is shown."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _greeting_removed():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.constant(0)


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
