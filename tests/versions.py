"""Runs the tests of the core with the oldest and the newest TensorFlow and Keras that setup.cfg admits.

    python tests/versions.py [WORD ...]

Every environment of ENVIRONMENTS whose Python is found on this machine, or only those with all WORDs in their names, is
made anew under .venv-versions/ and keeps its own pytest output there. Ends with one line per environment, and exit code
1 where one failed. About ten minutes and 2 GB each.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-versions"
# Python, TensorFlow, Keras. Older Keras has had no complete run that passes.
ENVIRONMENTS = [
    ("3.11", "2.20", "3.15"),
    ("3.11", "2.21", "3.15"),
    ("3.12", "2.20", "3.15"),
    ("3.12", "2.21", "3.15"),
    ("3.13", "2.21", "3.15"),
]
CORE = ["augment", "byol", "callbacks", "data", "evaluation", "kernels", "models", "optimizers"]
CORE += ["utils/test_private_api.py"]
CORE += [f"test_{name}.py" for name in ("distribution", "losses", "precision", "schedules", "trajectory")]


def find_python(version):
    """The path of an interpreter of that version, or None."""
    candidates = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for candidate in filter(None, candidates):
        code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        found = subprocess.run([candidate, "-c", code], capture_output=True, text=True)
        if found.stdout.strip() == version:
            return candidate
    return None


def run(python, tensorflow, keras, folder):
    """Makes the environment and runs the tests in it: pytest's summary, and whether all passed."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", folder], check=True)
    own = folder / "bin" / "python"
    wanted = [f"tensorflow=={tensorflow}.*", f"keras=={keras}.*", "pytest", "pytest-xdist"]
    wanted += ["--editable", f"{ROOT}[evaluation]"]
    subprocess.run([own, "-m", "pip", "install", "--quiet", "--quiet", *wanted], check=True)
    # Warnings are errors with the versions the project is developed with; the old ones warn about each other.
    options = "-q -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder -W default -p no:cacheprovider"
    command = [own, "-m", "pytest", *options.split(), *(f"tests/{path}" for path in CORE)]
    log = folder / "tests.log"
    with log.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode not in (0, 1):
        return f"exit code {done.returncode}, see {log}", False
    # Not the last line: the processes of pytest-xdist write TensorFlow's own after it.
    said = [line for line in log.read_text().splitlines() if re.search(r"\d+ (passed|failed|errors?)\b.* in ", line)]
    return said[-1] if said else f"exit code {done.returncode}, see {log}", done.returncode == 0


def main(words):
    results = {}
    for version, tensorflow, keras in ENVIRONMENTS:
        name = f"python{version}-tensorflow{tensorflow}-keras{keras}"
        if not all(word in name for word in words):
            continue
        python = find_python(version)
        if python is None:
            results[name] = "not run: no such Python on this machine", True
        else:
            print(f"{name} ...", flush=True)
            try:
                results[name] = run(python, tensorflow, keras, FOLDER / name)
            except subprocess.CalledProcessError as error:
                results[name] = f"no environment: {error}", False
    for name, (line, _) in results.items():
        print(f"{name}: {line}")
    return 0 if all(passed for _, passed in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
