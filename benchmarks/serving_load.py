"""Load on a served encoder: latency, errors and the server's memory, over HTTP on this machine.

python -m benchmarks.serving_load [--model serving/encoder/1] [--seconds 60] [--sizes many] [--bad 0.02]

The server is a process of its own: the tests' stand-in for TensorFlow Serving, which answers with TensorFlow itself,
one thread a connection. Its figures are not TensorFlow Serving's; what they show is what the SavedModel does under
load. 8 clients ask with the shipped REST client, one image a call.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

import byol_keras as bk
from byol_keras.export.serving.rest_client import RestClient

from .tables import table, write

CLIENTS = 8
SERVER = """
import sys, time
from tests.export.stand_in import serving
with serving("encoder", sys.argv[1]) as (_, url):
    print(url, flush=True)
    sys.stdin.read()
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="version folder of a SavedModel (default: a ResNet-18 of 96 pixels, untrained)")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sizes", choices=("one", "many"), default="many", help="of the photographs that are sent")
    parser.add_argument("--bad", type=float, default=0.0, help="share of calls with a file that is no image")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or str(_new_model(Path(folder) / "encoder" / "1"))
        figures = measure(model, photographs(options.sizes), options.seconds, options.bad)
    title = f"{CLIENTS} clients for {options.seconds:g} s, sizes of images: {options.sizes}"
    table(title, ["figure", "value"], list(figures.items()))
    write(f"serving_load_{options.sizes}", {"figures": figures, "options": vars(options)})


def _new_model(path):
    return bk.export.saved_model(bk.resnet18(input_shape=(96, 96, 3)), path)


def photographs(sizes, count=300):
    """JPEG files of noise, of 800 by 600 pixels or of `count` sizes from 64 to 1,500."""
    generator = np.random.default_rng(0)
    noise = Image.fromarray(generator.integers(0, 256, (64, 64, 3), np.uint8))
    shapes = [(800, 600)] if sizes == "one" else generator.integers(64, 1500, (count, 2)).tolist()
    files = []
    for width, height in shapes:
        file = io.BytesIO()
        noise.resize((width, height)).save(file, "JPEG", quality=85)
        files.append(file.getvalue())
    return files


def measure(model, files, seconds, bad):
    """Serves `model` in a process and asks it from CLIENTS threads. Returns figures by their names."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-c", SERVER, model]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        url = process.stdout.readline().strip()
        memory = psutil.Process(process.pid)
        first = RestClient(url, "encoder", timeout=120)
        first.call("serve_bytes", files[:1])  # which prepares the kernels
        first.close()
        before = memory.memory_info().rss
        end = time.monotonic() + seconds
        outcomes, seen = [], []
        threads = [threading.Thread(target=_ask, args=(url, files, i, end, bad, outcomes)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(memory.memory_info().rss)
            time.sleep(0.2)
        after = memory.memory_info().rss
        process.stdin.close()
    return _figures(outcomes, seconds, before, max(seen), after)


def _ask(url, files, seed, end, bad, outcomes):
    """Calls until `end`; appends (milliseconds, whether the file was an image, message of the error or None)."""
    generator, client = np.random.default_rng(seed), RestClient(url, "encoder")
    while time.monotonic() < end:
        good = generator.random() >= bad
        image, message = files[generator.integers(len(files))] if good else b"no image", None
        start = time.perf_counter()
        try:
            (valid,) = client.call("serve_bytes", [image]).get("valid", [True])
            message = None if valid else "not valid"
        except RuntimeError as error:
            message = str(error)
        outcomes.append((1000 * (time.perf_counter() - start), good, message))
    client.close()


def _figures(outcomes, seconds, before, peak, after):
    times = [took for took, good, message in outcomes if good and message is None]
    failed = [message for _, good, message in outcomes if good and message is not None]
    accepted = sum(not good and message is None for _, good, message in outcomes)
    for message in failed[:3]:
        print(f"failed: {message}")
    return {
        "images a second": len(times) / seconds,
        "p50, ms": float(np.percentile(times, 50)),
        "p99, ms": float(np.percentile(times, 99)),
        "errors": len(failed),
        "files that are no image": sum(not good for _, good, _ in outcomes),
        "of these not refused": accepted,
        "server's memory before, MB": before / 1e6,
        "at most, MB": peak / 1e6,
        "after, MB": after / 1e6,
    }


if __name__ == "__main__":
    main()
