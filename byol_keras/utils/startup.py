"""Starting TensorFlow without its greeting, and with the settings that suit it."""

import os
import platform
import sys

from .hardware import cpu_count
from .quiet import TENSORFLOW_STARTING, quiet

# The views of a step pass through the network side by side.
VIEWS = 2
# As Linux and macOS name it, and Windows.
X86 = ("x86_64", "AMD64")


def import_tensorflow(pretraining: bool = False, of_several: bool = False) -> None:
    """Imports TensorFlow and looks for devices, keeping its greeting off the terminal; anything else is shown.

    Args:
        pretraining: whether this process will train on two views, see `view_threads`.
        of_several: whether it will be one of several workers, which must find each other before TensorFlow computes.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if platform.machine() in X86:
        # TensorFlow has oneDNN's kernels off where a CPU lacks AVX-512's operations for networks. With AVX2 alone a
        # step of BYOL is 1.4 to 2.2 times as fast with them: benchmarks/onednn.py.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Who imported it has its own settings, which can no longer be changed once it has computed anything.
    imported = "tensorflow" in sys.modules
    with quiet(TENSORFLOW_STARTING):
        import tensorflow as tf

        tf.config.list_physical_devices()
        if pretraining and not imported:
            view_threads()
        if not of_several:
            tf.constant(0)


def view_threads() -> None:
    """Where there are no more CPUs than views and no accelerator, has TensorFlow run each operation on one CPU.

    The views keep the CPUs busy by themselves, and an operation split between two CPUs waits for the slower half: on
    two CPUs a step of BYOL takes 2 to 17 % less time. With more CPUs than views the operations must be split, and how
    is left to TensorFlow. To be called before the first operation. Leaves TF_NUM_INTRAOP_THREADS alone where it is set.
    """
    import tensorflow as tf

    only_cpus = {device.device_type for device in tf.config.list_physical_devices()} == {"CPU"}
    if only_cpus and cpu_count() <= VIEWS and "TF_NUM_INTRAOP_THREADS" not in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)
