"""SIGTERM and Ctrl-C that wait until what is under way can be left."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WHAT_FOLLOWS = "stopping after this step, and saving. Once more to stop at once, without saving."


@contextlib.contextmanager
def held_signals() -> Iterator[Callable[[], int | None]]:
    """Inside the `with`, SIGTERM and Ctrl-C stop nothing; the second of them does what it always does.

    Outside of the main thread, where signals cannot be handled, nothing changes.

    Yields:
        A function of no arguments: the number of the signal that has come, or None.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)
        # Not print: the signal may have come while standard error was being written to.
        os.write(2, f"\n{signal.Signals(number).name}: {WHAT_FOLLOWS}\n".encode())

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield lambda: received[0] if received else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
