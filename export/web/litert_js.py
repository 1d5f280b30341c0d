"""The files of LiteRT.js, which runs .tflite files in a browser: from npm, or from a folder that npm has filled."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from byol_keras.errors import InputError

# The release that the page is tested with. Both are under the Apache License 2.0.
VERSION = "2.5.3"
PACKAGES = ("core", "wasm-utils")
# Of LiteRT's builds those a page without threads may ask for: with relaxed SIMD, without it, and for WebGPU.
BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_jspi_internal")


def copy_litert_js(out: Path, node_modules: str | os.PathLike | None = None) -> None:
    """Writes what a page needs of LiteRT.js: core/index.js, wasm-utils/index.js and wasm/.

    Args:
        out: a new folder.
        node_modules: a folder with @litertjs/core in it, as `npm install @litertjs/core` leaves; None to fetch VERSION
            from the registry that npm is set to.

    Raises:
        InputError: where there is no npm, it fails, or the folder does not have the files.
    """
    if node_modules is not None:
        _copy(Path(node_modules) / "@litertjs", out, f"node_modules={os.fspath(node_modules)!r}")
        return
    with tempfile.TemporaryDirectory() as folder:
        _fetch(Path(folder))
        _copy(Path(folder), out, f"version {VERSION}")


def _fetch(folder):
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            "The page needs LiteRT.js, which npm fetches, and there is no npm here: install Node.js, or run `npm "
            f"install @litertjs/core@{VERSION}` elsewhere and name its `node_modules`. Received: node_modules=None"
        )
    for package in PACKAGES:
        command = [npm, "pack", "--silent", f"@litertjs/{package}@{VERSION}", "--pack-destination", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[0]
            raise InputError(
                f"npm cannot fetch @litertjs/{package}@{VERSION}: {reason}. Name a folder that has it by "
                "`node_modules`. Received: node_modules=None"
            )
        (archive,) = folder.glob(f"litertjs-{package}-*.tgz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "unpacked", filter="data")
        (folder / "unpacked" / "package").rename(folder / package)


def _copy(packages, out, received):
    files = {f"{package}/index.js": packages / package / "dist" / "index.js" for package in PACKAGES}
    for build in BUILDS:
        files |= {f"wasm/{build}.{end}": packages / "core" / "wasm" / f"{build}.{end}" for end in ("js", "wasm")}
    for name, source in files.items():
        if not source.is_file():
            raise InputError(f"LiteRT.js has no {source.relative_to(packages)} there. Received: {received}")
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, out / name)
