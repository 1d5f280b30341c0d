import pytest

from byol_keras.errors import InputError
from byol_keras.runs.run_fields import check_legs, check_run_fields

GOOD = {"data": "photos", "seed": 5, "channels": 3, "mean": [0.4, 0.5, 0.4], "std": [0.2, 0.2, 0.3]}


@pytest.mark.parametrize(
    "more",
    [{}, {"exclude": ["a/b.jpg"], "probe": "tfds:x", "image_count": 7}, {"channels": 1}, {"value_range": [-5, 9.5]}],
)
def test_what_runs_have_is_taken(more):
    gray = {"mean": [0.4], "std": [1]} if more.get("channels") == 1 else {}
    assert check_run_fields({**GOOD, **more, **gray, "recipe": {}}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("data", value) for value in (5, None, [], "a\0b", "\udcff")),
        *(("seed", value) for value in ("5", -1, 2**32, 1.5, True, None)),
        *(("channels", value) for value in (0, "3", 3.0, True, [])),
        *((name, value) for name in ("mean", "std") for value in (0.4, [0.4], "abc", [None] * 3, [float("nan")] * 3)),
        ("std", [0, 0.2, 0.2]),
        *(("exclude", value) for value in ("abc", [5], None, {"a": 1}, ["\0"])),
        *(("probe", value) for value in (5, [], "\0")),
        *(("image_count", value) for value in (0, "7", 7.0, True, [])),
        *(("value_range", value) for value in (5, [1], [2, 1], [1, 1], [0, "9"], [0, float("inf")], {"a": 1}, [])),
    ],
)
def test_what_a_run_cannot_have_is_named(name, value):
    with pytest.raises(InputError, match=rf"^`{name}` must be .* Received: {name}=") as said:
        check_run_fields({**GOOD, name: value})
    assert len(str(said.value)) < 300


@pytest.mark.parametrize("legs", [[], [1.5], [1, 2.5], [1.5, 3.0]])
def test_legs_that_can_be(legs):
    assert check_legs(legs, 3.0) is None


@pytest.mark.parametrize("legs", [None, 1.5, "ab", ["1"], [0], [True], [float("nan")], [2, 1], [1, 1], [3.5]])
def test_legs_that_cannot_be(legs):
    with pytest.raises(InputError, match=r"^`legs` must be a list of epochs, .* at most 3\. Received: legs="):
        check_legs(legs, 3.0)
