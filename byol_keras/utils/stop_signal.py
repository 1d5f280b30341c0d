"""Ctrl-C and SIGTERM: as an exception in the main thread, or held back until what is under way can be left."""

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAVING = "stopping after this step, and saving. Once more to stop at once, without saving."
AGAIN = 0.05  # seconds until an exception that went nowhere is raised again


class StopSignal:
    """What `stop_signals` notes.

    Attributes:
        number: of the signal that came, or None.
        over: whether `stop_signals` has ended, so that nothing is raised any more.
    """

    def __init__(self):
        self.number: int | None = None
        self.over = False

    def raise_(self, number: int, frame: object = None) -> None:
        """The handler: notes the signal and raises KeyboardInterrupt, so that what is open is closed."""
        self.number = number
        if not self.over:
            raise KeyboardInterrupt


@contextlib.contextmanager
def stop_signals(stop: StopSignal | None = None) -> Iterator[StopSignal]:
    """Meanwhile Ctrl-C and SIGTERM raise KeyboardInterrupt in the main thread.

    TensorFlow calls Python while it traces and while it runs, and makes other exceptions of one that arises there: who
    catches any asks for `number`. In a destructor an exception is dropped by Python: it is raised again a moment later.

    A signal that is ignored, as in what `nohup` starts, stays so, and outside the main thread nothing is changed.

    Args:
        stop: a new `StopSignal`, for who must know of a signal that comes before anything is yielded; or None.

    Yields:
        `StopSignal`.
    """
    stop = stop or StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook

    def dropped(unraisable):
        if stop.number is None or not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)
            return
        # Not from here, where it would be dropped again.
        threading.Timer(AGAIN, _send_to_main, (stop,)).start()

    try:
        sys.unraisablehook = dropped
        _set_handlers({number: stop.raise_ for number, handler in before.items() if handler is not signal.SIG_IGN})
        yield stop
    finally:
        stop.over = True
        _set_handlers(before)
        sys.unraisablehook = hook


@contextlib.contextmanager
def held_signals(follows: str = SAVING) -> Iterator[Callable[[], int | None]]:
    """Meanwhile the first Ctrl-C or SIGTERM stops nothing; the second does what it would have done before.

    Exceptions as for `stop_signals`: what is ignored stays so, and outside the main thread nothing is changed.

    Args:
        follows: what the first one says on standard error of what it leads to.

    Yields:
        A function of no arguments: the number of the signal that has come, or None.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def note(number, frame):
        received.append(number)
        _set_handlers(before)
        # Not print: the signal may have come while standard error was being written to.
        os.write(2, f"\n{signal.Signals(number).name}: {follows}\n".encode())

    before = {number: signal.getsignal(number) for number in SIGNALS}
    _set_handlers({number: note for number, handler in before.items() if handler is not signal.SIG_IGN})
    try:
        yield lambda: received[0] if received else None
    finally:
        _set_handlers(before)


def _set_handlers(handlers):
    for number, handler in handlers.items():
        if handler is not None:  # one that was not set from Python
            signal.signal(number, handler)


def _send_to_main(stop):
    if stop.over:  # TensorFlow had made another exception of it as well, and that was seen
        return
    # To the thread, not the process: what the main thread waits for is then interrupted as well.
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, stop.number)
    else:  # Windows
        _thread.interrupt_main(stop.number)
