"""Damaged image files by the hundred thousand, given to our decoders and to an exported SavedModel.

    python -m benchmarks.fuzz decode --inputs 100000
    python -m benchmarks.fuzz serve_bytes --inputs 100000

Input number i follows from the seed and i. A process of its own works through a slice of them, with a limit on each
input's time, and one on the memory of the process; where it dies, the number of the input is named and the rest goes
on. Refusing an input is right, and so is decoding it.
"""

import argparse
import faulthandler
import io
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter

import numpy as np
from PIL import Image

SLICE = 5000  # inputs of one process
ADDRESS_SPACE = 12 * 2**30  # bytes that a process may ask for, TensorFlow's own threads and libraries included
SECONDS = 60  # for one input; the process is ended after that
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
)
SERVED_PIXELS = 4_000_000  # what claims more is refused by its header; what claims less is decoded, however damaged


def seeds() -> list[bytes]:
    """A small valid image of every kind: format, mode, coding."""
    rng = np.random.default_rng(0)
    rgb = np.asarray(Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8)).resize((24, 18)))
    image, alpha = Image.fromarray(rgb), Image.fromarray(rng.integers(0, 256, (18, 24, 4), np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, (18, 24), np.uint16))
    frames = [image.transpose(Image.Transpose(turn)) for turn in (0, 1, 3)]
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        _encoded(image, "JPEG"),
        _encoded(image, "JPEG", progressive=True, exif=exif),
        _encoded(image, "JPEG", restart_marker_blocks=1, comment=b"a comment"),
        _encoded(image.convert("L"), "JPEG"),
        _encoded(image.convert("CMYK"), "JPEG"),
        _encoded(image, "PNG"),
        _encoded(alpha, "PNG"),
        _encoded(alpha.convert("LA"), "PNG"),
        _encoded(deep, "PNG"),
        _encoded(image.convert("1"), "PNG"),
        _encoded(image.quantize(20), "PNG", transparency=3),
        _encoded(image, "WEBP"),
        _encoded(alpha, "WEBP", lossless=True),
        _encoded(image, "WEBP", save_all=True, append_images=frames),
        _encoded(image, "BMP"),
        _encoded(image.quantize(20), "BMP"),
        _encoded(image, "GIF"),
        _encoded(image, "GIF", save_all=True, append_images=frames),
    ]


def _encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def mutated(number: int, seed: int = 0, kinds: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "BMP", "GIF")) -> bytes:
    """Input `number`: one of the valid images with one change or several.

    Args:
        number: of the input.
        seed: of all of them.
        kinds: formats to choose from.
    """
    rng = random.Random(f"{seed} {number}")
    chosen = [data for data in _SEEDS if _kind(data) in kinds]
    data = bytearray(rng.choice(chosen))
    for _ in range(1 << rng.randrange(5)):
        _change(rng, data, chosen)
    # A PNG with a wrong checksum is refused at once; with a right one the decoder goes on to what is wrong.
    return _with_checksums(bytes(data)) if rng.random() < 0.7 else bytes(data)


def _change(rng, data, chosen):
    place, length = rng.randrange(len(data) + 1), 1 << rng.randrange(7)
    # Headers are where decoders take sizes, offsets and counts from.
    place = rng.randrange(min(len(data), 64) + 1) if rng.random() < 0.4 else place
    kind = rng.randrange(8)
    if kind == 0 and data:
        place = min(place, len(data) - 1)
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[min(place, len(data) - 1)] = rng.randrange(256)
    elif kind == 2:
        value = rng.choice(INTERESTING)
        data[place : place + len(value)] = value
    elif kind == 3:
        del data[place : place + length]
    elif kind == 4:
        data[place:place] = rng.randbytes(length)
    elif kind == 5:
        data[place:place] = data[place : place + length] * rng.randrange(1, 5)
    elif kind == 6:
        other = rng.choice(chosen)
        start = rng.randrange(len(other))
        data[place : place + length] = other[start : start + length]
    elif rng.random() < 0.3:
        del data[place:]


def _with_checksums(data):
    """A PNG with the checksums of its chunks made right, as far as they can be told apart; anything else as it is."""
    if _kind(data) != "PNG":
        return data
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        body = data[place + 4 : place + 8 + length]
        parts.append(data[place : place + 4] + body + struct.pack(">I", zlib.crc32(body)))
        place += 12 + length
    return b"".join(parts) + data[place:]


def _kind(data):
    begins = {b"\xff\xd8": "JPEG", b"\x89P": "PNG", b"RI": "WEBP", b"BM": "BMP", b"GI": "GIF"}
    return begins.get(bytes(data[:2]))


_SEEDS = seeds()


def peak_bytes() -> int:
    """The most memory that this process has held."""
    with open("/proc/self/status") as file:
        return 1024 * int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def decoder():
    """A function that gives one input to `check` and `decode`, and says what became of it."""
    from byol_keras.data.decode import check, decode
    from byol_keras.errors import InputError

    def run(data):
        result = check(data)
        try:
            shape = decode(data).shape
        except InputError:
            assert result.reason, "check found nothing wrong, decode did"
            return "refused"
        assert result.size == shape[:2], "check and decode differ"
        return "decoded"

    return run


def server(folder: str):
    """The same for the signature `serve_bytes` of a SavedModel."""
    import tensorflow as tf

    serve, good = tf.saved_model.load(folder).signatures["serve_bytes"], _SEEDS[5]

    def run(data):
        try:
            outputs = serve(tf.constant([data, good]))
        except tf.errors.OpError as error:
            raise AssertionError("one image has failed its batch") from error
        assert np.isfinite(outputs["embedding"]).all()
        valid, other = outputs["valid"].numpy().tolist()
        assert other, "one image has failed another"
        return "decoded" if valid else "refused"

    return run


def work(target: str, first: int, last: int, seed: int, folder: str, place: int) -> None:
    """One process' slice: writes the number of the input at hand to the file `place`; prints what became of all."""
    # Both decoders that TensorFlow serves, or all that we read.
    kinds = {"kinds": ("JPEG", "PNG")} if target == "serve_bytes" else {}
    run = server(folder) if target == "serve_bytes" else decoder()
    counts, before = Counter(), peak_bytes()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for number in range(first, last):
        os.pwrite(place, struct.pack("q", number), 0)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        counts[run(mutated(number, seed, **kinds))] += 1
        faulthandler.cancel_dump_traceback_later()
    print(counts["decoded"], counts["refused"], peak_bytes() - before, peak_bytes())


def export_encoder(folder: str) -> str:
    """A small encoder as a SavedModel: its path."""
    import byol_keras as bk

    return str(
        bk.export.saved_model(
            bk.resnet8(input_shape=(32, 32, 3)), os.path.join(folder, "encoder", "1"), max_pixels=SERVED_PIXELS
        )
    )


def fuzz(target: str, inputs: int, seed: int = 0, first: int = 0) -> dict:
    """Works through inputs in processes of their own.

    Args:
        target: "decode" or "serve_bytes".
        inputs: how many.
        seed: of the inputs.
        first: number of the first.

    Returns:
        dict: how many were "decoded" and "refused", the largest "peak" of a process' memory in bytes and its "growth"
        from before the first input, and the numbers of the inputs at which a process died: "crashed".
    """
    found = {"decoded": 0, "refused": 0, "growth": 0, "peak": 0, "crashed": []}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as place:
        model = export_encoder(folder) if target == "serve_bytes" else folder
        start, end = first, first + inputs
        while start < end:
            stop = min(start + SLICE, end)
            command = [sys.executable, "-m", "benchmarks.fuzz", target, "--worker", str(start), str(stop), model]
            command += ["--seed", str(seed), "--place", str(place.fileno())]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, pass_fds=[place.fileno()])
            if done.returncode:
                found["crashed"].append(struct.unpack("q", os.pread(place.fileno(), 8, 0))[0])
                start = found["crashed"][-1] + 1
                continue
            decoded, refused, growth, peak = map(int, done.stdout.split())
            found["decoded"] += decoded
            found["refused"] += refused
            found["growth"], found["peak"] = max(found["growth"], growth), max(found["peak"], peak)
            start = stop
    return found


def main() -> None:
    """Parses the command line, runs, prints a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=("decode", "serve_bytes"))
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        first, last, folder = options.worker
        work(options.target, int(first), int(last), options.seed, folder, options.place)
        return
    started = time.monotonic()
    found = fuzz(options.target, options.inputs, options.seed, options.first)
    print(
        f"{options.target}: {options.inputs:,} inputs, {found['decoded']:,} decoded, {found['refused']:,} refused, "
        f"{len(found['crashed'])} crashed {found['crashed'][:10]}; memory grew by {found['growth'] / 2**20:,.0f} MiB "
        f"to {found['peak'] / 2**20:,.0f} at most; {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
