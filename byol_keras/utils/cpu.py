"""How many processors there are to work on."""

import os


def processors():
    """int, the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
