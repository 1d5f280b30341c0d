import numpy as np

from byol_keras.augment.log_power import HIGHEST, LOWEST, log_mixup_exp, to_unit

RNG = np.random.default_rng(0)


def test_the_range_is_that_of_the_docs():
    assert (LOWEST, HIGHEST) == (-28.0, 1.0)
    np.testing.assert_allclose(to_unit(np.float32([-40, -28, -13.5, 1, 3])), [0, 0, 0.5, 1, 1])


def test_powers_are_added_up():
    first, second = RNG.random((2, 3, 4, 5, 1), np.float32)
    ratio = np.float32([0.1, 0.4, 0.9])
    powers = [np.exp(29 * np.float64(each) - 28) for each in (first, second)]
    share = ratio[:, None, None, None]
    expected = (np.log((1 - share) * powers[0] + share * powers[1]) + 28) / 29
    np.testing.assert_allclose(log_mixup_exp(first, second, ratio), expected, atol=1e-5)


def test_nothing_of_another_changes_nothing_and_silence_only_lowers():
    first = RNG.random((1, 4, 5, 1), np.float32)
    np.testing.assert_array_equal(log_mixup_exp(first, np.ones_like(first), np.float32([0])), first)
    lowered = log_mixup_exp(first, np.zeros_like(first), np.float32([0.25]))
    loud = first > 0.5
    np.testing.assert_allclose(lowered[loud], (first + np.log(0.75) / 29)[loud], atol=1e-5)
