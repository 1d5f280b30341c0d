"""Processes that wait for their turn, so that systems are measured alternately and never at the same time.

A worker is a script that calls `serve(measure)`: it sets itself up, says that it is ready, and then answers every
request (a JSON object on a line) with a measurement (likewise).
"""

import atexit
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile


class Worker:
    """A process of `python -m module *arguments`, started from the root of the repository.

    It and those it starts are stopped while it is not their turn: pipelines go on filling their buffers otherwise.

    Args:
        name: what the table calls it.
        python: interpreter.
        module: name of the worker's module.
        *arguments: for its command line.
    """

    def __init__(self, name, python, module, *arguments):
        self.name = name
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process
        self._process = subprocess.Popen(
            [str(python), "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        # A stopped process does not notice that its parent has ended.
        atexit.register(self._signal, signal.SIGKILL)
        self.about = self._answer()
        self._signal(signal.SIGSTOP)

    def measure(self, **request):
        """Sends a request and waits for the answer, a dict."""
        self._signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        self._signal(signal.SIGSTOP)
        return answer

    def close(self):
        """Ends the process; its peak memory in MB."""
        peak = self.measure(peak_memory=True)["peak_mb"]
        self._signal(signal.SIGCONT)
        self._process.stdin.close()
        self._process.wait()
        atexit.unregister(self._signal)  # another process may have its number by then
        return peak

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _answer(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self._log.seek(0)
        raise RuntimeError(f"{self.name} ended with code {self._process.wait()}:\n{self._log.read()[-3000:]}")


def serve(measure, **about):
    """Says "ready" with `about`, then answers requests by `measure(**request)` until standard input ends."""
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "peak_memory" in request:
            answer = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
        else:
            answer = measure(**request)
        print(json.dumps(answer), flush=True)
