"""Initial weights: their variance by the papers, their range, their seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.initializers import (
    INITIALIZERS,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    RandomNormal,
    RandomUniform,
    Zeros,
    fans,
)

SHAPE = (300, 200)

VARIANCES = [
    (GlorotUniform(), 2 / 500),
    (GlorotNormal(), 2 / 500),
    (HeUniform(), 2 / 300),
    (HeNormal(), 2 / 300),
    (LecunUniform(), 1 / 300),
    (LecunNormal(), 1 / 300),
    (RandomNormal(stddev=0.3), 0.09),
    (RandomUniform(-0.3, 0.3), 0.03),
]


@pytest.mark.parametrize(("initializer", "variance"), VARIANCES)
def test_the_variance_is_the_papers(initializer: Initializer, variance: float) -> None:
    values = initializer(SHAPE, np.random.default_rng(0))
    assert values.shape == SHAPE
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert abs(values.mean()) < 4 * math.sqrt(variance / values.size)


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        (GlorotUniform(), math.sqrt(6 / 500)),
        (HeUniform(), math.sqrt(6 / 300)),
        (LecunUniform(), math.sqrt(3 / 300)),
    ],
)
def test_uniform_weights_fill_their_range(initializer: Initializer, limit: float) -> None:
    values = np.abs(initializer(SHAPE, np.random.default_rng(0)))
    assert 0.999 * limit < values.max() <= limit


@pytest.mark.parametrize("initializer", [GlorotNormal(), HeNormal(), LecunNormal()])
def test_normal_weights_are_cut_at_two_deviations_of_the_full_normal(
    initializer: Initializer,
) -> None:
    values = np.abs(initializer(SHAPE, np.random.default_rng(0)))
    full = values.std() and initializer(SHAPE, np.random.default_rng(0)).std() / 0.8796
    assert values.max() <= 2.01 * full
    assert values.max() > 1.95 * full


def test_constants() -> None:
    rng = np.random.default_rng(0)
    assert (Zeros()((2, 3), rng) == 0).all()
    assert (Ones()((2, 3), rng) == 1).all()
    assert (Constant(0.5)((2, 3), rng) == 0.5).all()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_seed_decides_and_nothing_else(name: str) -> None:
    initializer = INITIALIZERS[name]()
    a, b = (initializer((4, 5), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (4, 5)


def test_fans_are_the_rows_and_columns_of_a_kernel() -> None:
    assert fans((3, 5)) == (3, 5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomNormal(stddev=-1.0), "stddev"),
        (lambda: RandomUniform(1.0, 0.0), "maxval"),
        (lambda: Constant(math.nan), "value"),
    ],
)
def test_numbers_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
