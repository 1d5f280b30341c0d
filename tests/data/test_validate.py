import io
import os
import subprocess
import sys
import time

import pytest
from PIL import Image

from byol_keras.data import validate
from byol_keras.data.broken import list_broken
from byol_keras.data.decode import Check
from byol_keras.data.validate import check_all
from byol_keras.errors import InputError


def png(height, width, level):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (level, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def run(sources, **options):
    return check_all(sources, [str(i) for i in range(len(sources))], "here", **options)


def test_one_size_keeps_the_pixels_in_order():
    result = run([png(4, 6, i) for i in range(100)])
    assert result.images.shape == (100, 4, 6, 3)
    assert result.images[:, 3, 5, 0].tolist() == list(range(100))
    assert result.valid.tolist() == list(range(100))
    assert result.sizes.tolist() == [[4, 6]] * 100


def test_broken_ones_leave_no_gap():
    sources = [png(4, 6, i) for i in range(100)]
    for i in (0, 7, 99):
        sources[i] = sources[i][:40]
    result = run(sources)
    assert [name for name, _ in result.broken] == ["0", "7", "99"]
    assert result.images[:, 0, 0, 0].tolist() == result.valid.tolist() == [i for i in range(100) if i not in (0, 7, 99)]
    assert len(result.jpeg) == len(result.sizes) == 97


def test_another_size_drops_the_pixels():
    result = run([png(4, 6, 0)] * 80 + [png(6, 4, 0)])
    assert result.images is None
    assert result.sizes.tolist() == [[4, 6]] * 80 + [[6, 4]]


def test_pixels_are_kept_up_to_the_budget():
    sources = [png(4, 6, 0)] * 10
    assert run(sources, memory_budget=720).images is not None
    assert run(sources, memory_budget=719).images is None


def test_no_more_than_half_of_the_free_memory_is_held(monkeypatch):
    sources = [png(4, 6, 0)] * 10
    for free, held in ((1440, True), (1438, False)):
        monkeypatch.setattr(validate, "available_memory", lambda free=free: free)
        assert (run(sources).images is not None) is held


def test_above_the_budget_no_pixels_are_held(monkeypatch):
    wanted = []

    def check(source, held_size=None):
        wanted.append(held_size)
        return Check((4, 6))

    monkeypatch.setattr(validate, "check", check)
    run([b""] * 100, memory_budget=7199)
    assert set(wanted) == {None}
    run([b""] * 100, memory_budget=7200)
    assert (4, 6) in wanted


@pytest.mark.parametrize(("good", "bad"), [(1, 1), (18, 2), (90, 10)])
def test_few_broken_ones_are_only_listed(good, bad):
    assert len(run([png(2, 2, 0)] * good + [b"x"] * bad).broken) == bad


@pytest.mark.parametrize(("good", "bad"), [(0, 1), (2, 2), (17, 2), (89, 11)])
def test_many_broken_ones_are_an_error(good, bad):
    with pytest.raises(InputError, match=f"^here: {bad} of {good + bad} images cannot be decoded: ") as error:
        run([png(2, 2, 0)] * good + [b"x"] * bad)
    assert "\n" not in str(error.value)


def test_an_interrupt_ends_the_check(monkeypatch):
    seen = []

    def check(source, held_size=None):
        time.sleep(0.0001)
        seen.append(source)
        return Check((2, 2))

    def interrupted(results, total, label):
        yield next(results)
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "check", check)
    with pytest.raises(KeyboardInterrupt):
        validate.check_each([b""] * 20_000, [""] * 20_000, "here", shown=interrupted)
    assert len(seen) < 10_000


def test_five_broken_ones_are_listed():
    assert list_broken([("a", "empty")]) == "a (empty)"
    text = list_broken([(str(i), "empty") for i in range(1200)])
    assert text == "0 (empty); 1 (empty); 2 (empty); 3 (empty); 4 (empty); and 1,195 more"


MANY_LARGE = """
import sys
from byol_keras.data import decode, validate
def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
decode.decode_budget.total = int(sys.argv[2])
validate._BLOCK = 1  # so that every thread has an image at once
validate.check_each([sys.argv[1]], ["0"], "one", 0)
before = peak()
checked = validate.check_each([sys.argv[1]] * 24, [str(i) for i in range(24)], "many", 0)
assert len(checked.valid) == 24
print(peak() - before)
"""


@pytest.mark.parametrize(("images", "bounded"), [(1, True), pytest.param(100, False, marks=pytest.mark.slow)])
def test_threads_share_a_budget_of_memory(images, bounded, tmp_path):
    # 4 bytes a pixel are held while it is decoded, and 8 are counted.
    pixels, path = 3000 * 3000, tmp_path / "large.png"
    Image.effect_noise((3000, 3000), 50).convert("RGB").save(path, compress_level=0)
    command = [sys.executable, "-c", MANY_LARGE, str(path), str(images * 8 * pixels)]
    # What is freed goes back at once, so that the peak is of what is held.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "100000"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    # What one needs was needed before; on one CPU there are five threads still.
    assert (int(done.stdout) < 3 * pixels) == bounded


def test_a_tiny_image_before_huge_ones_reserves_nothing():
    sources = [png(1, 1, 0), *[png(2000, 2000, 0)] * 3]
    result = run(sources, memory_budget=12)
    assert result.images is None
    assert result.sizes.tolist() == [[1, 1], *[[2000, 2000]] * 3]
