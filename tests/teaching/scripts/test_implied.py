"""Which loss a script means that computes none, and mistakes that are told by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

FORWARD = """
import numpy as np
rng = np.random.default_rng(4)
X = rng.uniform(0, 1, (6, 3))
y = (X[:, :1] > 0.5).astype(float)
first, second = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))

def squash(v, slope=False):
    if slope:
        return v * (1 - v)
    return 1 / (1 + np.exp(-v))

for step in range(50):
    z1 = X @ first
    a1 = squash(z1)
    z2 = a1 @ second
    a2 = squash(z2)
    miss = y - a2
    d2 = miss * squash(a2, slope=True)
    d1 = d2 @ second.T * squash(a1, slope=True)
    second += 0.5 * a1.T @ d2
    first += 0.5 * X.T @ d1
    if step % 10 == 0:
        print(np.mean(miss ** 2))
"""


def test_a_slope_of_z_that_is_called_with_the_activation_is_named(tmp_path: Path) -> None:
    assert checked(tmp_path, FORWARD)[0] == 0
    twice = FORWARD.replace("v * (1 - v)", "squash(v) * (1 - squash(v))")
    code, text = checked(tmp_path, twice)
    assert code == 1
    assert "squash is applied twice" in text
    assert "with `return v * (1 - v)` second, first agree" in text


def test_a_slope_of_the_activation_that_is_called_with_z_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FORWARD.replace("squash(a", "squash(z"))
    assert code == 1
    assert "with `return squash(v) * (1 - squash(v))` second, first agree" in text
