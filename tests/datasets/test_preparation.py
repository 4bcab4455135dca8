"""Preparation: one-hot rows, and columns standardized by the training data alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.datasets import one_hot, standardize, unit_length
from tests.strategies import K, N, row_shapes, rows, seeds


@given(n=N, k=K, seed=seeds)
def test_one_hot_has_a_single_1_at_the_label(n, k, seed):
    y = np.random.default_rng(seed).integers(k, size=n)
    hot = one_hot(y, k)
    assert (hot.shape, hot.dtype) == ((n, k), np.float32)
    np.testing.assert_array_equal(hot.argmax(axis=1), y)
    np.testing.assert_array_equal(hot.sum(axis=1), 1)
    assert set(np.unique(hot)) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "y", [[0, 2, 1], [[0], [2], [1]], (0.0, 2.0, 1.0), np.uint8([0, 2, 1]), np.float32([0, 2, 1])]
)
def test_one_hot_of_every_whole_kind(y):
    np.testing.assert_array_equal(one_hot(y, 3), [[1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_one_hot_of_booleans_and_of_nothing():
    np.testing.assert_array_equal(one_hot([False, True], 2), np.eye(2))
    assert one_hot([], 3).shape == (0, 3)


def test_one_hot_of_many_classes_takes_only_its_own_memory():
    hot = one_hot([99_999], 100_000)  # a table of all classes would have 40 GB
    assert hot[0, -1] == hot.sum() == 1


@pytest.mark.parametrize(
    ("y", "classes", "error", "message"),
    [
        ([0, 1, 3], 3, ValueError, "whole labels 0 to 2. Got 3 in row 2"),
        ([0, -1], 3, ValueError, "whole labels 0 to 2. Got -1 in row 1"),
        ([0.5, 1], 3, ValueError, "whole labels 0 to 2. Got 0.5 in row 0"),
        ([1, 12345678], 3, ValueError, "Got 12345678 in row 1"),
        ([True], 1, ValueError, "whole labels 0 to 0. Got True in row 0"),
        ([0, np.nan], 3, ValueError, "y takes finite numbers. Got nan in row 1"),
        ([[0, 1]], 3, ValueError, r"one_hot takes labels of shape \(N,\). Got \(1, 2\)"),
        (2, 3, ValueError, r"one_hot takes labels of shape \(N,\). Got \(\)"),
        (["0"], 3, TypeError, "y takes numbers"),
        ([0], 0, ValueError, "one_hot's classes takes a whole number, 1 or more. Got 0"),
        ([0], 2.0, TypeError, "one_hot's classes takes a whole number. Got 2.0"),
    ],
)
def test_what_one_hot_refuses(y, classes, error, message):
    with pytest.raises(error, match=message):
        one_hot(y, classes)


@given(shape=row_shapes, seed=seeds, offset=st.floats(-100, 100), scale=st.floats(1e-6, 1e6))
def test_columns_get_mean_0_and_deviation_1(shape, seed, offset, scale):
    n, d = shape
    x = scale * (np.random.default_rng(seed).standard_normal((n + 1, d)) + offset)
    (z,) = standardize(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6)


@given(shape=row_shapes, seed=seeds)
def test_others_are_moved_by_the_statistics_of_the_first_alone(shape, seed):
    n, d = shape
    rng = np.random.default_rng(seed)
    x, other, third = (rng.normal(m, 2, (n + k, d)) for m, k in ((0, 2), (50, 0), (-9, 5)))
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    z, z_other, z_third = standardize(x, other, third)
    np.testing.assert_array_equal(z, standardize(x)[0])
    np.testing.assert_allclose(z_other * deviation + mean, other)
    np.testing.assert_allclose(z_third * deviation + mean, third)


@given(x=rows(1e6), value=st.floats(-1e6, 1e6))
def test_a_constant_column_is_only_shifted(x, value):
    x[:, 0] = value
    other = x.copy()  # alike in the other columns, which may be as small as numbers go
    other[:, 0] += 3.0
    z, z_other = standardize(x, other)
    assert np.isfinite(z).all()
    assert np.isfinite(z_other).all()
    np.testing.assert_allclose(z[:, 0], 0.0, atol=1e-9)
    np.testing.assert_allclose(z_other[:, 0], 3.0, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-13, 1e-30, 1e100])
def test_a_column_of_any_scale_is_scaled(scale):
    (z,) = standardize(np.array([[0.0], [2.0], [4.0]]) * scale)
    np.testing.assert_allclose(z[:, 0], [-(1.5**0.5), 0, 1.5**0.5], atol=1e-12)


def test_the_caller_keeps_his_arrays():
    x, other = np.array([[1.0], [3.0]]), np.array([[5.0]])
    x.flags.writeable = other.flags.writeable = False
    z, z_other = standardize(x, other)
    assert not np.shares_memory(z, x)
    assert not np.shares_memory(z_other, other)


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("float32", "float32"), ("float64", "float64"), ("uint8", "float32"), ("int64", "float32")],
)
def test_dtypes(dtype, result):
    assert standardize(np.array([[1], [2]], dtype))[0].dtype == result


@given(images=hnp.arrays(np.uint8, (3, 2, 2)))
def test_images_keep_their_shape(images):
    assert standardize(images)[0].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (([1.0, 2.0],), ValueError, r"samples in rows, \(N, D\). Got \(2,\)"),
        ((np.empty((0, 2)),), ValueError, r"samples in rows, \(N, D\). Got \(0, 2\)"),
        (
            ([[1.0, 2.0]], [[1.0]]),
            ValueError,
            r"arrays of the same columns. Got \(1, 2\) and \(1, 1\)",
        ),
        (([[np.inf]],), ValueError, "x_train takes finite numbers. Got inf in row 0, column 0"),
        (
            ([[1.0]], [[2.0]], [[np.nan]]),
            ValueError,
            "standardize's array number 3 takes finite numbers. Got nan",
        ),
        (([["a"]],), TypeError, "x_train takes numbers"),
    ],
)
def test_what_standardize_refuses(arrays, error, message):
    with pytest.raises(error, match=message):
        standardize(*arrays)


def test_no_rows_of_test_data_are_fine():
    assert standardize([[1.0], [2.0]], np.empty((0, 1)))[1].shape == (0, 1)


@pytest.mark.parametrize(
    ("base", "step"),
    [(1.7e18, 1000.0), (1.7e15, 10.0), (1e9, 1e-5), (-1e12, 1e-3), (1e300, 1e286), (1.0, 1e-15)],
)
@pytest.mark.parametrize("dtype", ["f8", "i8"])
def test_a_column_that_varies_far_from_0_comes_out_with_deviation_1(base, step, dtype):
    """Time stamps in ns, µs and s; only a column whose numbers are all equal is constant."""
    column = (base + step * np.arange(100.0))[:, None]
    if dtype == "i8":
        column = column.astype("i8") if abs(base) < 9e18 and step > 1 else column
    (z,) = standardize(column)
    assert abs(float(z.mean())) < 1e-6
    assert float(z.std()) == pytest.approx(1, rel=1e-6)


def test_whole_numbers_that_float64_cannot_tell_apart_are_told_apart():
    column = (2**62 + np.arange(10))[:, None]
    (z,) = standardize(column)
    np.testing.assert_allclose(np.diff(z[:, 0]), np.diff(z[:, 0])[0], rtol=1e-5)
    assert len(np.unique(z)) == 10


def test_a_constant_far_from_0_is_only_shifted():
    z, other = standardize(np.full((1000, 1), 1.7e15 / 3), np.full((1, 1), 1.7e15 / 3 + 2))
    np.testing.assert_array_equal(z, 0)
    np.testing.assert_array_equal(other, 2)


@given(seed=st.integers(0, 2**32 - 1), order=st.sampled_from([1, 2]), axis=st.sampled_from([0, -1]))
def test_unit_lengths_are_one_and_directions_stay(seed: int, order: int, axis: int) -> None:
    x = np.random.default_rng(seed).normal(size=(4, 3))
    unit = unit_length(x, axis, order)
    np.testing.assert_allclose(np.linalg.norm(unit, ord=order, axis=axis), 1.0)
    scale = np.linalg.norm(x, ord=order, axis=axis, keepdims=True)
    np.testing.assert_allclose(unit * scale, x)


def test_unit_length_refuses_other_orders_and_axes() -> None:
    with pytest.raises(ValueError, match=r"order takes 1 or 2\. Got 3"):
        unit_length([[1.0]], order=3)
    with pytest.raises(ValueError, match=r"axis takes one of x \(1, 1\). Got 2"):
        unit_length([[1.0]], axis=2)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize("order", [1, 2])
def test_unit_lengths_of_numbers_near_the_ends(size, order):
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(unit_length(x * size, order=order), unit_length(x, order=order))
