"""Which numbers a dtype cannot tell apart, by what it makes of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.rounding import is_too_coarse
from minnet.layers import Normalization

SINGLE = np.dtype("float32")


@given(power=st.integers(0, 15), count=st.integers(2, 60))
def test_numbers_that_become_equal_are_told_and_numbers_that_are_exact_are_not(power, count):
    values = 10.0**power + np.arange(count)
    lost = len(np.unique(values.astype(np.float32))) < count
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        coarse = is_too_coarse(values[:, None], SINGLE, "x")
        assert not is_too_coarse(values.astype(np.float32), SINGLE, "x")  # nothing left to lose
        assert not is_too_coarse(values, np.dtype("float64"), "x")
        assert not is_too_coarse(np.full(count, values[-1]), SINGLE, "x")
    assert len(told) == coarse
    assert coarse or not lost
    if power < 4:
        assert not coarse


def test_statistics_of_samples_that_the_layer_cannot_tell_apart_are_warned_of():
    """All would come out as 0, of a variance that is right."""
    x = 1.6e9 + np.arange(64.0)[:, None]
    with pytest.warns(
        UserWarning, match=r"adapt's x varies by 63 at about 1600000063, where float"
    ):
        Normalization(input_shape=(1,)).adapt(x)
    Normalization(input_shape=(1,)).adapt(x - x.mean())
