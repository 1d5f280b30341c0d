"""Ctrl-C and SIGTERM, sent to real processes and to this one."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from byol_keras.utils.stop_signal import stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_an_exception_and_noted(number):
    before = signal.getsignal(number)
    with stop_signals() as stop:
        assert stop.number is None
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop.number == number
    assert signal.getsignal(number) is before


def test_an_exception_that_goes_nowhere_is_raised_again():
    class Leaving:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def leave():
        leaving = Leaving()
        del leaving
        threading.Event().wait(60)

    hook = sys.unraisablehook
    with stop_signals() as stop, pytest.raises(KeyboardInterrupt):
        leave()
    assert stop.number == signal.SIGINT
    assert sys.unraisablehook is hook


def test_outside_the_main_thread_nothing_changes():
    def work():
        with stop_signals():
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers = [signal.getsignal(signal.SIGTERM)]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers[0] == handlers[1]


def test_what_is_ignored_stays_ignored():
    """As in what `nohup` and a script's `&` start."""
    code = (
        "import signal; from byol_keras.utils.stop_signal import stop_signals\n"
        "with stop_signals() as stop:\n    signal.raise_signal(signal.SIGINT)\n"
        "    print(stop.number, signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert shown.stdout.strip() == "None True", shown.stderr


def test_what_tensorflow_makes_of_it_is_still_known():
    code = (
        "import os, signal, sys\nimport tensorflow as tf\n"
        "from byol_keras.utils.stop_signal import stop_signals\n"
        "def read(i):\n    signal.raise_signal(signal.SIGTERM)\n    return i\n"
        "with stop_signals() as stop:\n"
        "    try:\n"
        "        tf.function(lambda i: tf.py_function(read, [i], tf.int32))(1)\n"
        "    except BaseException as error:\n"
        "        print(type(error).__name__, stop.number)\n"
    )
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert shown.stdout.split()[-1] == str(int(signal.SIGTERM)), shown.stderr


def test_nothing_is_raised_again_once_it_is_over():
    """TensorFlow may drop the exception and make another of it."""

    class Leaving:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    came = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        with stop_signals() as stop:
            leaving = Leaving()
            del leaving
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert stop.number == signal.SIGINT
    assert came == []


def test_a_signal_while_the_handlers_are_set_or_put_back_is_noted(monkeypatch):
    from byol_keras.utils import stop_signal

    set_handlers, calls = stop_signal._set_handlers, []

    def slowly(handlers):
        calls.append(handlers)
        set_handlers(handlers)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(stop_signal, "_set_handlers", slowly)
    before, stop = signal.getsignal(signal.SIGTERM), stop_signal.StopSignal()
    with pytest.raises(KeyboardInterrupt), stop_signals(stop):
        pass
    assert stop.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
