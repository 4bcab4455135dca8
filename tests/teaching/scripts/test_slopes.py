"""Functions with their derivatives: an activation and its slope."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

SLOPES = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoidPrime(z):
    return RETURNED

def tanh(x):
    return np.tanh(x)

def deriv_tanh(x):
    return 1 - np.tanh(x) ** 2
"""


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("1 - sigmoid(z)", "line 8: the factor sigmoid(z) is missing: the derivative of the sig"),
        ("sigmoid(z) * (1 + sigmoid(z))", "line 8: the sign is wrong: a minus belongs before"),
    ],
)
def test_what_is_wrong_with_a_derivative_is_named(
    returned: str, words: str, tmp_path: Path
) -> None:
    right = SLOPES.replace("RETURNED", "sigmoid(z) * (1 - sigmoid(z))")
    code, text = checked(tmp_path, right)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, SLOPES.replace("RETURNED", returned))
    assert code == report.WRONG, text
    assert words in text
    code, text = checked(tmp_path, right.replace("np.tanh(x) ** 2", "np.tanh(x)"))
    assert code == report.WRONG, text
    assert "line 14: the square is missing: the derivative of tanh is 1 − np.tanh(x)²" in text


def test_a_derivative_that_is_handed_what_the_function_gave_is_right(tmp_path: Path) -> None:
    source = SLOPES.replace("RETURNED", "z * (1 - z)").replace("np.tanh(x) ** 2", "x * x")
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
