import pytest

from byol_keras.utils.duration import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (840, "14 min"),
        (99.4 * 60, "99 min"),
        (100 * 60, "1 h 40 min"),
        (2 * 3600, "2 h"),
        (3 * 3600 + 20 * 60 + 29, "3 h 20 min"),
        (3 * 3600 - 1, "3 h"),
        (52 * 3600 + 100, "2 days 4 h"),
        (72 * 3600, "3 days"),
        (71.9 * 3600, "3 days"),
    ],
)
def test_a_time_as_people_say_it(seconds, words):
    assert duration(seconds) == words
