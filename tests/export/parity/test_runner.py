import subprocess
import sys
from pathlib import Path

from byol_keras.export.parity.runners import runner

FOLDER = Path(runner.__file__).parent


def isolated(code):
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(FOLDER)!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True)


def test_calls_are_timed_after_a_warm_up():
    calls = []
    times = runner.call_times(lambda: calls.append(len(calls)), 3)
    assert len(times) == 3
    assert len(calls) == runner.WARM_UP + 3
    assert all(0 <= time < 1000 for time in times)


def test_calls_go_on_for_the_seconds_asked():
    times = runner.call_times(lambda: None, 3, seconds=0.05)
    assert len(times) > 3
    assert sum(times) < 200


def test_a_blocked_package_cannot_be_imported():
    code = "import runner; runner.block('json', 'colorsys')\ntry: import colorsys\nexcept ImportError: print('fails')\n"
    process = isolated(f"import json\n{code}runner.refuse_blocked()")
    assert process.stdout == "fails\n"
    # json was imported before: the process says so and fails.
    assert process.stderr.endswith("the model must run without json, which something imported\n")
    assert process.returncode == 1
    assert isolated(f"{code.replace(chr(39) + 'json' + chr(39) + ', ', '')}runner.refuse_blocked()").returncode == 0
