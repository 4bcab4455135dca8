"""The zoo's gradient mistakes: each is found for what it is, and works apart from that."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import check_gradients
from minnet.course.zoo.gradient_mistakes import MISTAKES
from minnet.teaching.gradients import KINDS


def test_there_are_many_and_each_has_its_name():
    assert len(MISTAKES) >= 14
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
    assert {mistake.kind for mistake in MISTAKES} == set(KINDS) - {"kink"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_detective_names_it(mistake):
    for seed in (3, 14):
        case = mistake.plant(seed)
        report = check_gradients(case.target, case.x, case.y)
        assert not report.ok
        assert report.findings[0].kind == mistake.kind, report


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_it_is_told_as_a_story(mistake):
    assert mistake.tool == "detective"
    assert mistake.hint.endswith("?") or mistake.hint.endswith(".")
    assert mistake.kind not in mistake.hint
    assert len(mistake.story) > 40


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_seed_plants_the_same_again_and_another_other_numbers(mistake):
    one, again, other = mistake.plant(5), mistake.plant(5), mistake.plant(6)
    np.testing.assert_array_equal(one.x, again.x)
    assert one.x.shape != other.x.shape or not np.array_equal(one.x, other.x)
