"""A folder of more than a thousand files that do harm to whoever reads images without care; the same each time.

Each is in one of two lists: those that decode all the same, and those that cannot, which a source must name once.
"""

import io
import os
import socket
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24
CLAIMED = 60_000  # pixels of height and width in the headers that lie
SCRIPTS = (
    "猫の写真",
    "고양이",
    "กรุงเทพ",
    "صورة",
    "תמונה",
    "фото",
    "φωτογραφία",
    "चित्र",
    "e\u0301te\u0301",  # combining accents
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "a\u202egpj",  # turns the direction of what follows
    "new\nline",
    "carriage\rreturn",
    "tab\tand bell\a",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "quote'double\"back`tick",
    "; rm -rf $HOME & | > < * ? [a]",
    "<img src=x onerror=alert(1)>",
    "%s%n{0}{name}",
    "back\\slash",
    "  spaces around  ",
    "-rf",
    "=1+1",
    "x" * 240,
    "猫" * 80,
    "\u2028line\u2029paragraph",
    "zero\u200bwidth\ufeff",
)


def png(rows: bytes, width: int, height: int, depth: int = 8, color: int = 2, *chunks: bytes) -> bytes:
    """A PNG of filtered rows, written without Pillow, which writes only what is right.

    Args:
        rows: each with its filter byte in front.
        width, height, depth, color: as the header says.
        chunks: before the pixels.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG, with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def drawn(width: int = SIDE, height: int = SIDE) -> Image.Image:
    coarse = np.random.default_rng(width * 1000 + height).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def valid_files() -> dict[str, bytes]:
    """Odd images that decode: name -> content."""
    image = drawn()
    alpha = Image.fromarray(np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 4), np.uint8))
    frames = [image.transpose(Image.Transpose.ROTATE_90), image.transpose(Image.Transpose.ROTATE_180)]
    deep = np.random.default_rng(2).integers(0, 65536, (SIDE, SIDE), np.uint16)
    noise = np.random.default_rng(3).integers(0, 65536, (SIDE, SIDE, 3), np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in noise)
    files = {
        "one pixel.png": encoded(drawn(1, 1), "PNG"),
        "one pixel.jpg": encoded(drawn(1, 1), "JPEG"),
        "one pixel.webp": encoded(drawn(1, 1), "WEBP"),
        "wide.png": encoded(drawn(20000, 2), "PNG"),
        "high.png": encoded(drawn(2, 20000), "PNG"),
        "wide.jpg": encoded(drawn(20000, 2), "JPEG"),
        "high.jpg": encoded(drawn(2, 20000), "JPEG"),
        "animated.gif": encoded(image, "GIF", save_all=True, append_images=frames),
        "animated.webp": encoded(image, "WEBP", save_all=True, append_images=frames),
        "16 bits.png": encoded(Image.fromarray(deep), "PNG"),
        "12 of 16 bits.png": encoded(Image.fromarray(deep >> 4), "PNG"),
        "16 bits color.png": png(rows, SIDE, SIDE, 16),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "ycck.jpg": ycck(),
        "progressive.jpg": encoded(image, "JPEG", progressive=True),
        "interlaced.gif": encoded(image, "GIF", interlace=1),
        "transparent.png": encoded(alpha, "PNG"),
        "transparent.webp": encoded(alpha, "WEBP"),
        "gray with alpha.png": encoded(alpha.convert("LA"), "PNG"),
        "all transparent.png": encoded(Image.new("RGBA", (SIDE, SIDE)), "PNG"),
        "palette.png": encoded(image.quantize(20), "PNG"),
        "palette with alpha.png": encoded(image.quantize(20), "PNG", transparency=bytes(range(20))),
        "1 bit.png": encoded(image.convert("1"), "PNG"),
        "gray.jpg": encoded(image.convert("L"), "JPEG"),
        "rows of 4.bmp": encoded(drawn(5, 7), "BMP"),
        "a jpeg.png": encoded(image, "JPEG"),
        "a png.jpg": encoded(image, "PNG"),
        "a webp.gif": encoded(image, "WEBP"),
        "more behind.jpg": encoded(image, "JPEG") + bytes(1000),
        "more behind.png": encoded(image, "PNG") + b"<?php ?>" * 100,
        "long comment.jpg": encoded(image, "JPEG", comment=b"\n" * 60000),
        "corrupt exif.jpg": encoded(image, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40),
        "looping exif.jpg": encoded(image, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        "CAPITALS.JPG": encoded(image, "JPEG"),
        "dots.in.the.name.jpeg": encoded(image, "JPEG"),
    }
    for orientation in range(10):  # 1 to 8 are the ones that there are
        exif = Image.Exif()
        exif[0x0112] = orientation
        files[f"orientation {orientation}.jpg"] = encoded(drawn(SIDE, 12), "JPEG", exif=exif)
    # A JPEG that ends with its end mark is whole to every decoder, whatever its header claims; the rest is gray.
    files["claims 9000.jpg"] = claiming_jpeg(9000)
    for i, name in enumerate(SCRIPTS):
        files[f"names/{name}.png"] = encoded(drawn(SIDE, SIDE + 1 + i % 3), "PNG")
    return files


def claiming_jpeg(side: int) -> bytes:
    """A small JPEG whose header says that it has `side` pixels of height and width."""
    data = bytearray(encoded(drawn(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def scanned_jpeg(side: int, scans: int) -> bytes:
    """A JPEG of a megabyte that claims much and passes over it again and again: half an hour of decoding."""
    data = bytearray(encoded(drawn().convert("L"), "JPEG", progressive=True))
    frame = data.index(b"\xff\xc2")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    scan = b"\xff\xda" + struct.pack(">H", 8) + bytes([1, data[frame + 10], 0, 1, 5, 1, 0])
    return bytes(data[: data.rindex(b"\xff\xd9")]) + scan * scans + b"\xff\xd9"


def ycck() -> bytes:
    """A JPEG of four channels as Adobe's programs write it: its marker says YCCK."""
    data = encoded(drawn().convert("CMYK"), "JPEG")
    adobe = data.index(b"Adobe\0")
    return data[: adobe + 11] + b"\x02" + data[adobe + 12 :]


def broken_files() -> dict[str, bytes]:
    """Files that are no whole image: name -> content."""
    image, files = drawn(40, 40), {}
    alpha = image.copy()
    alpha.putalpha(128)
    whole = {
        "jpg": encoded(image, "JPEG", quality=90),
        "progressive.jpg": encoded(image, "JPEG", quality=90, progressive=True),
        "png": encoded(image, "PNG"),
        "alpha.png": encoded(alpha, "PNG"),
        "lossless.webp": encoded(image, "WEBP", lossless=True),
        "webp": encoded(image, "WEBP"),
        "bmp": encoded(image, "BMP"),
        "gif": encoded(image, "GIF"),
    }
    for kind, data in whole.items():
        # The last bytes of a file are checksums, padding and end marks, without which the image is still all there.
        last = len(data) - 60
        for cut in sorted({*range(1, 40, 2), *np.linspace(40, last, 80).astype(int).tolist()}):
            files[f"cut/{cut} bytes.{kind}"] = data[:cut]
        files[f"cut/nothing.{kind}"] = b""
        files[f"zeros/{kind}.{kind}"] = bytes(len(data))
        files[f"zeros/signature and zeros.{kind}"] = data[:12] + bytes(len(data) - 12)
    for suffix in ("jpg", "jpeg", "png", "webp", "bmp", "gif"):
        files |= {
            f"wrong/html.{suffix}": b"<!DOCTYPE html><html>404</html>",
            f"wrong/text.{suffix}": "ein Text, kein Bild".encode("utf-16"),
            f"wrong/zip.{suffix}": b"PK\x03\x04" + bytes(100),
            f"wrong/program.{suffix}": b"\x7fELF" + bytes(100),
            f"wrong/pickle.{suffix}": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
            f"wrong/tiff.{suffix}": encoded(image, "TIFF"),
            f"wrong/ico.{suffix}": encoded(image, "ICO"),
            f"wrong/postscript.{suffix}": encoded(image, "EPS"),
            f"wrong/line.{suffix}": b"\n",
            f"wrong/noise.{suffix}": np.random.default_rng(len(suffix)).bytes(5000),
            f"wrong/git lfs.{suffix}": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        }
    files |= claims(image)
    for name in SCRIPTS:
        files[f"broken names/{name}.jpg"] = whole["jpg"][:300]
    return files


def claims(image: Image.Image) -> dict[str, bytes]:
    """Small files whose headers claim huge images, or none."""
    files = {}
    for side in (CLAIMED, 12_000, 9_000, 0):
        bitmap = bytearray(encoded(image, "BMP"))
        bitmap[18:26] = struct.pack("<ii", side, side)
        gif = bytearray(encoded(image, "GIF"))
        place = gif.index(b"\x2c", 13 + 3 * 256 if len(gif) > 800 else 13)
        gif[6:10] = gif[place + 5 : place + 9] = struct.pack("<HH", side, side)
        webp = bytearray(encoded(image, "WEBP"))
        webp[26:30] = struct.pack("<HH", min(side, 16383), min(side, 16383))
        files |= {
            f"claims/{side}.bmp": bytes(bitmap),
            f"claims/{side}.gif": bytes(gif),
            f"claims/{side}.webp": bytes(webp),
            f"claims/{side}.png": png(b"\0" * 100, side, side),
            f"claims/{side} of 16 bits.png": png(b"\0" * 100, side, side, 16, 6),
        }
        if side != 9_000:
            files[f"claims/{side}.jpg"] = claiming_jpeg(side)
    files["claims/100000 scans.jpg"] = scanned_jpeg(9_000, 100_000)
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100 * 2**20)))
    files["claims/a text of 100 MB.png"] = png((b"\0" + bytes(120)) * 40, 40, 40, 8, 2, text)
    files["claims/no pixels.png"] = png(b"", 40, 40)
    files["claims/unknown depth.png"] = png((b"\0" + bytes(120)) * 40, 40, 40, 7)
    return files


def special_files(folder: Path) -> tuple[list[str], list[str]]:
    """Links, devices, fifos and sockets in a folder: the names of those that decode, and of those that cannot."""
    folder.mkdir()
    valid, broken = ["a link.png"], []
    (folder / "elsewhere").mkdir()
    image = folder / "elsewhere" / "image.png"
    image.write_bytes(encoded(drawn(), "PNG"))
    (folder / "a link.png").symlink_to(image)
    (folder / "up").symlink_to(folder)  # a circle of folders: nothing new in it, and no reason to complain
    os.mkfifo(folder / "elsewhere" / "pipe")
    links = {
        "dangling.jpg": "nowhere.jpg",
        "dangling": "/mnt/a drive that is not there",
        "itself.jpg": "itself.jpg",
        "itself": "itself",
        "one of two.png": "the other.png",
        "the other.png": "one of two.png",
        "zero.jpg": "/dev/zero",
        "random.png": "/dev/urandom",
        "null.gif": "/dev/null",
        "terminal.jpg": "/dev/tty",
        "to a fifo.jpg": "elsewhere/pipe",
        "standard input.jpg": "/dev/stdin",
        "memory.png": "/proc/self/mem",
        "log.webp": "/proc/kmsg",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    broken += links
    os.mkfifo(folder / "a fifo.jpg")
    broken.append("a fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(folder, os.O_RDONLY)  # a socket's address is short, the folder's path may be long
        listener.bind(f"/proc/self/fd/{here}/a socket.jpg")
        os.close(here)
    broken.append("a socket.jpg")
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        file.write(encoded(drawn(), "PNG"))
    broken.append("caf\udce9.png")
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(3 * 2**30)
    broken.append("sparse.jpg")
    if os.geteuid() == 0:
        try:
            os.mknod(folder / "a device.jpg", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
            broken.append("a device.jpg")
        except PermissionError:  # root of a container that may not
            pass
    else:
        (folder / "unreadable.jpg").write_bytes(b"")
        (folder / "unreadable.jpg").chmod(0)
        (folder / "unreadable").mkdir(mode=0)
        broken += ["unreadable.jpg", "unreadable/"]
    (folder / ".hidden.jpg").write_bytes(b"")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "broken.jpg").write_bytes(b"")
    return [*valid, "elsewhere/image.png"], broken


def write_hostile(root: Path, into: str) -> tuple[list[str], list[str]]:
    """Writes all of them below `root`.

    Args:
        root: a folder.
        into: folder below it, to be made.

    Returns:
        The names, as a source of `root` has them, of the files that decode, and of those that cannot.
    """
    folder = root / into
    files = {"valid": valid_files(), "broken": broken_files()}
    for part, contents in files.items():
        for name, content in contents.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    special_valid, special_broken = special_files(folder / "special")
    valid = [f"{into}/valid/{name}" for name in files["valid"]] + [f"{into}/special/{name}" for name in special_valid]
    broken = [f"{into}/broken/{name}" for name in files["broken"]]
    return valid, broken + [f"{into}/special/{name}" for name in special_broken]


def write_good(root: Path, classes: tuple[str, ...], per_class: int) -> list[str]:
    """Writes images of one size, different ones, of which most are hard links, and gives their names."""
    names = []
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            path = root / name / f"{i}.png"
            if i < 16:
                generator = np.random.default_rng(number * 100 + i)
                pixels = generator.integers(0, 100, (SIDE, SIDE, 3), np.uint8)
                pixels[..., number % 3] += 150
                Image.fromarray(pixels).save(path)
            else:
                os.link(root / name / f"{i % 16}.png", path)
            names.append(f"{name}/{i}.png")
    return names
