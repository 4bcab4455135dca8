"""A mistake and the case that it plants."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minnet.course.zoo.mistake import Case, Mistake


def test_a_mistake_plants_a_case_and_stays_as_it_is() -> None:
    mistake = Mistake(
        name="lost-square",
        tool="detective",
        kind="factor",
        title="The derivative of x² without its 2",
        story="The exponent was dropped and not brought down.",
        hint="Look at the size of the gradient.",
        plant=lambda seed: Case((lambda x: (x**2).sum(), lambda x: x), [1.0 + seed, 2.0]),
    )
    case = mistake.plant(3)
    f, gradient_of_f = case.target
    assert f(np.full(2, 2.0)) == 8.0
    assert gradient_of_f(7.0) == 7.0
    assert (case.x, case.y, dict(case.settings)) == ([4.0, 2.0], None, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        mistake.kind = "sign"
