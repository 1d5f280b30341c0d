"""KServe's model server around a SavedModel, as a process: see kserve_encoder.py."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path


@contextlib.contextmanager
def kserve_server(model, log):
    """URL of a server of `model`, the version folder of a SavedModel; what the server prints goes to the file `log`."""
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    command = [sys.executable, Path(__file__).with_name("kserve_encoder.py"), str(model), f"--http_port={port}"]
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
                    break
                time.sleep(0.2)
            yield f"http://localhost:{port}"
        finally:
            process.kill()
