"""The error function: against the library's own, by complex step, and where it ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.layers.error_function import NEAR, erf

numbers = st.lists(st.floats(-12, 12), min_size=1, max_size=20).map(np.array)


@given(x=numbers)
def test_it_is_the_error_function_to_the_last_bits(x):
    np.testing.assert_allclose(erf(x), [math.erf(one) for one in x], rtol=0, atol=4e-16)
    single = x.astype("float32")
    exact = [math.erf(one) for one in single.astype(float)]
    assert erf(single).dtype == np.float32
    np.testing.assert_allclose(erf(single), exact, rtol=0, atol=2e-7)


@given(x=numbers)
def test_a_complex_step_finds_the_density(x):
    derivative = erf(x + 1e-20j).imag / 1e-20
    np.testing.assert_allclose(derivative, 2 / math.sqrt(math.pi) * np.exp(-x * x), atol=2e-15)


@given(x=numbers)
def test_it_is_odd_and_no_larger_than_1(x):
    np.testing.assert_array_equal(erf(-x), -erf(x))
    assert (abs(erf(x)) <= 1).all()


def test_the_two_formulas_meet():
    x = np.array([NEAR, np.nextafter(NEAR, 1)])
    assert abs(np.diff(erf(x))[0]) < 4e-16


@pytest.mark.parametrize(("x", "y"), [(np.inf, 1), (-np.inf, -1), (1e300, 1), (0.0, 0.0)])
def test_it_takes_numbers_of_any_size(x, y):
    assert erf(np.array([x]))[0] == y


def test_what_is_no_number_stays_none():
    assert np.isnan(erf(np.array([np.nan]))).all()
