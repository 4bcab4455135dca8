"""The zoo: every animal is found by its tool."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.course.zoo import HOUSES, ZOO, training_mistakes
from minnet.teaching.doctor import KINDS, diagnose

NAMES = [mistake.name for mistake in training_mistakes.MISTAKES]


def test_names_are_sorted_and_each_is_there_once():
    assert list(ZOO) == sorted(ZOO)
    assert len(ZOO) == sum(len(house.MISTAKES) for house in HOUSES)
    assert all(name == mistake.name for name, mistake in ZOO.items())


def test_every_kind_of_the_doctor_has_an_animal():
    assert {mistake.kind for mistake in training_mistakes.MISTAKES} == set(KINDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_doctor_names_it(name, seed):
    mistake = ZOO[name]
    case = mistake.plant(seed)
    report = diagnose(case.target, case.x, case.y, **case.settings)
    assert report.kinds[0] == mistake.kind, report


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_another_case_and_the_hint_hides_the_answer(name):
    mistake = ZOO[name]
    a, again, b = (mistake.plant(seed) for seed in (1, 1, 2))
    assert np.array_equal(a.x, again.x)
    assert np.array_equal(a.target.theta, again.target.theta)
    assert a.x.shape != b.x.shape or not np.array_equal(a.x, b.x)
    assert mistake.kind not in mistake.hint
    assert mistake.name not in mistake.hint
    assert mistake.title.endswith(".")
    assert mistake.story
