"""The legs of a run, by their steps."""

import dataclasses

import pytest

import byol_keras as bk
from byol_keras.runs.leg import Leg, legs_of, long_warmup, schedule_line

from ..conftest import RECIPE


def run_of(legs, **recipe):
    return bk.Run("run", dataclasses.replace(RECIPE, **recipe), "photos", 5, 3, [0.45] * 3, [0.2] * 3, legs=legs)


def test_a_run_that_was_not_extended_has_one():
    assert legs_of(run_of([], epochs=2.4, warmup_epochs=0.5), 10) == [Leg(2.4, 0, 24, 5)]


def test_each_begins_where_the_one_before_ended():
    expected = [Leg(0.5, 0, 5, 4), Leg(2.5, 5, 25, 10), Leg(3, 25, 30, 4)]
    # While the last is under way, and when it has ended.
    for legs in ([0.5, 2.5], [0.5, 2.5, 3.0]):
        assert legs_of(run_of(legs, epochs=3, warmup_epochs=1), 10) == expected
    assert [leg.steps for leg in expected] == [5, 20, 5]


def test_without_a_warm_up_it_says_so():
    run = run_of([2.0], epochs=3, warmup_epochs=0, tau_base=0.99)
    line = schedule_line(run.recipe, legs_of(run, 1000)[-1])
    assert "by 1,000 steps, to 3 epochs: the learning rate falls from its peak to 0 along a cosine, tau" in line
    assert "from 0.99 to 1" in line


def test_runs_of_other_legs_are_not_of_one_checksum():
    assert run_of([]).checksum() != run_of([1.0]).checksum() != run_of([1.5]).checksum()


@pytest.mark.parametrize(("warmup_epochs", "said"), [(1, None), (1.1, "rises for 11 of 20 steps"), (9, "for 19 of 20")])
def test_a_warm_up_that_leaves_no_time_to_fall_is_said(warmup_epochs, said):
    (leg,) = legs_of(run_of([], epochs=2, warmup_epochs=warmup_epochs), 10)
    line = long_warmup(leg)
    assert line is None if said is None else said in line
