"""Flatten, Reshape and Input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from minnet.foundation.registry import from_config, to_config
from minnet.layers import Flatten, Input, Layer, Reshape
from tests.complex_step import assert_gradients
from tests.strategies import batch_shapes, normal, seeds


@given(shape=batch_shapes, seed=seeds)
def test_gradient(shape, seed):
    x, dy = normal(seed, shape, (shape[0], int(np.prod(shape[1:]))))
    assert_gradients(Flatten(), x, dy)


@given(shape=batch_shapes, seed=seeds)
def test_each_sample_row_by_row(shape, seed):
    x = normal(seed, shape)[0]
    y = Flatten().forward(x)
    assert y.shape == (shape[0], *Flatten().compute_output_shape(shape[1:]))
    for sample, row in zip(x, y, strict=True):
        np.testing.assert_array_equal(row, sample.ravel())
    np.testing.assert_array_equal(Flatten().backward(x, y, y), x)


def test_order_of_the_numbers():
    y = Flatten().forward(np.arange(24).reshape(2, 3, 4))
    np.testing.assert_array_equal(y, [range(12), range(12, 24)])


def test_memory_order_changes_nothing():
    x = normal(0, (4, 6, 8))[0][::2, ::3, ::2]
    wanted = Flatten().forward(np.ascontiguousarray(x))
    np.testing.assert_array_equal(Flatten().forward(x), wanted)
    np.testing.assert_array_equal(Flatten().forward(np.asfortranarray(x)), wanted)
    dx = Flatten().backward(x, wanted, np.asfortranarray(wanted))
    np.testing.assert_array_equal(dx, x)


def test_no_rows_and_no_axes():
    assert Flatten().forward(np.empty((0, 3, 4))).shape == (0, 12)
    assert Flatten().backward(np.empty((0, 3, 4)), None, np.empty((0, 12))).shape == (0, 3, 4)
    assert Flatten().forward(np.ones(5)).shape == (5, 1)
    assert Flatten().compute_output_shape(()) == (1,)


def test_no_copy_where_none_is_needed():
    x = np.ones((2, 3, 4), dtype="f4")
    y = Flatten().forward(x)
    assert np.shares_memory(x, y)
    assert y.dtype == "float32"


def test_contract():
    layer = Flatten(input_shape=(28, 28), name="flat")
    assert not layer.training_differs
    assert layer.built
    assert layer.count_params() == 0
    assert layer.compute_output_shape((28, 28)) == (784,)
    assert repr(layer) == "Flatten(input_shape=(28, 28), name='flat')"
    twin = from_config(to_config(layer))
    assert twin.input_shape == (28, 28)
    assert twin.name == "flat"


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (Input((784,)), (784,)),
        (Input(784), (784,)),
        (Input(np.int64(784)), (784,)),
        (Input(shape=(28, 28)), (28, 28)),
        (Input([28, 28, 3]), (28, 28, 3)),
    ],
)
def test_input(made, shape):
    assert made.shape == shape
    assert all(type(size) is int for size in made.shape)
    assert repr(made) == f"Input({shape})"
    assert not isinstance(made, Layer)
    assert from_config(to_config(made)).shape == shape


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((), ValueError, r"Input's shape takes a shape of at least one axis\. Got \(\)\."),
        ((0,), ValueError, r"Each axis of Input's shape takes a whole number, 1 or more\. Got 0\."),
        (-3, ValueError, r"Each axis of Input's shape takes a whole number, 1 or more\. Got -3\."),
        ((2.5,), TypeError, r"Each axis of Input's shape takes a whole number\. Got 2\.5\."),
        ("784", TypeError, r"Input's shape takes a shape such as \(784,\), without the batch\."),
        (None, TypeError, r"Input's shape takes a shape such as \(784,\)"),
        (True, TypeError, r"Input's shape takes a shape such as \(784,\)"),
        (
            (None, 784),
            ValueError,
            r"Input's shape takes the shape of one sample, without the batch\. .* Use \(784,\)\.",
        ),
    ],
)
def test_input_refuses(shape, error, message):
    with pytest.raises(error, match=message):
        Input(shape)


# --- Reshape --------------------------------------------------------------------------------------


@given(seed=seeds)
def test_gradient_of_reshape(seed):
    x, dy = normal(seed, (4, 6), (4, 2, 3))
    assert_gradients(Reshape((2, -1)), x, dy)


def test_reshape_keeps_the_order():
    x = np.arange(24).reshape(2, 12)
    y = Reshape((3, 4)).forward(x)
    np.testing.assert_array_equal(y, x.reshape(2, 3, 4))
    assert np.shares_memory(x, y)
    np.testing.assert_array_equal(Flatten().forward(y), x)
    np.testing.assert_array_equal(Reshape((3, 4)).backward(x, y, y), x)
    assert Reshape((-1,)).compute_output_shape((3, 4)) == (12,)
    assert Reshape((2, -1, 3)).compute_output_shape((3, 4)) == (2, 2, 3)
    assert Reshape([3, 4]).target_shape == (3, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Reshape(12),
            TypeError,
            r"Reshape.s target_shape takes a shape",
        ),
        (
            lambda: Reshape((2, 0)),
            ValueError,
            r"sizes of 1 or more, and -1 once at most. Got \(2, 0",
        ),
        (lambda: Reshape((-1, -1)), ValueError, r"-1 once at most"),
        (
            lambda: Reshape((5, 2)).compute_output_shape((12,)),
            ValueError,
            r"takes samples of 10 numbers, for the shape \(5, 2\). Got \(N, 12\), which has 12",
        ),
        (
            lambda: Reshape((5, -1)).compute_output_shape((12,)),
            ValueError,
            r"takes samples of a multiple of 5 numbers",
        ),
    ],
)
def test_shapes_that_reshape_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
