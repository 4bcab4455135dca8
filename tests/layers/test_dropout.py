"""Dropout: the mask, its scale, and that one memo has one mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.registry import from_config, to_config
from minnet.layers import Dropout
from tests.complex_step import assert_gradients
from tests.strategies import batch_shapes, normal, seeds

rates = st.floats(0, 0.9)


def start(seed: int = 0) -> dict:
    return {"rng": np.random.default_rng(seed)}


@given(shape=batch_shapes, seed=seeds, rate=rates)
def test_gradient_in_training(shape, seed, rate):
    x, dy = normal(seed, shape, shape)
    assert_gradients(Dropout(rate), x, dy, start(seed))


@given(shape=batch_shapes, seed=seeds, rate=rates)
def test_gradient_in_inference(shape, seed, rate):
    x, dy = normal(seed, shape, shape)
    assert_gradients(Dropout(rate), x, dy)


def test_inference_hands_x_back():
    layer, x = Dropout(0.5), np.ones((2, 3))
    assert layer.forward(x) is x
    assert layer.backward(x, x, x) is x
    assert layer(x) is x


@given(shape=batch_shapes, seed=seeds, rate=rates)
def test_what_is_kept_is_scaled_and_the_rest_is_zero(shape, seed, rate):
    x = normal(seed, shape)[0]
    memo = start(seed)
    y = Dropout(rate).forward(x, memo)
    np.testing.assert_allclose(y[memo["mask"]], x[memo["mask"]] / (1 - rate), rtol=1e-15)
    assert not y[~memo["mask"]].any()


def test_share_of_zeros_and_mean():
    """400,000 draws: the share of zeros is within 5 standard deviations, 0.4 %, of the rate."""
    x = np.ones((1000, 400), dtype="f4")
    for rate in (0.1, 0.5, 0.8):
        y = Dropout(rate).forward(x, start())
        assert abs((y == 0).mean() - rate) < 0.004
        assert abs(y.mean(dtype="f8") - 1) < 0.004 / (1 - rate)


def test_each_number_is_drawn_by_itself():
    mask = start()
    Dropout(0.5).forward(np.ones((200, 100)), mask)
    for axis in (0, 1):
        share = mask["mask"].mean(axis=axis)
        assert 0.2 < share.min() < share.max() < 0.8  # no row or column kept or dropped as a whole


def test_rate_zero_keeps_everything():
    x = normal(0, (3, 4))[0]
    np.testing.assert_array_equal(Dropout(0).forward(x, start()), x)


def test_the_same_memo_gives_the_same_mask_in_every_dtype():
    layer, memo = Dropout(0.5), start()
    x = normal(0, (6, 7))[0]
    y = layer.forward(x, memo)
    mask = memo["mask"]
    np.testing.assert_array_equal(layer.forward(x, memo), y)
    np.testing.assert_array_equal(layer.forward(x.astype(complex), memo), y)
    np.testing.assert_array_equal(layer.forward(x.astype("f4"), memo) != 0, mask)
    assert memo["mask"] is mask


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_same_generator_gives_the_same_mask_in_every_dtype(dtype):
    memo, other = start(3), start(3)
    Dropout(0.3).forward(np.ones((5, 6), dtype=dtype), memo)
    Dropout(0.3).forward(np.ones((5, 6)), other)
    np.testing.assert_array_equal(memo["mask"], other["mask"])
    assert memo["mask"].dtype == bool


def test_mask_is_drawn_in_float32():
    """Half the memory of float64 while it is drawn, and the same draws whatever x is."""
    memo, drawn = start(5), np.random.default_rng(5).random((4, 6), dtype=np.float32)
    Dropout(0.3).forward(np.ones((4, 6)), memo)
    np.testing.assert_array_equal(memo["mask"], drawn >= 0.3)


def test_rate_zero_keeps_a_draw_of_exactly_zero():
    class Zeros:
        def random(self, shape, dtype):
            return np.zeros(shape, dtype)

    np.testing.assert_array_equal(Dropout(0).forward(np.ones((2, 2)), {"rng": Zeros()}), 1)


def test_another_memo_gives_another_mask():
    layer, x, rng = Dropout(0.5), np.ones((10, 10)), np.random.default_rng(0)
    first, second = layer.forward(x, {"rng": rng}), layer.forward(x, {"rng": rng})
    assert (first != second).any()


def test_backward_before_forward_draws_the_mask_they_share():
    layer, memo, x = Dropout(0.5), start(), np.ones((4, 5))
    dx = layer.backward(x, x, x, memo)
    np.testing.assert_array_equal(layer.forward(x, memo), dx)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_dtype_stays(dtype):
    memo, x = start(), np.ones((3, 4), dtype=dtype)
    y = Dropout(np.float64(0.3)).forward(x, memo)
    assert y.dtype == dtype
    assert Dropout(0.3).backward(x, y, x, memo).dtype == dtype


def test_memory_order_changes_nothing():
    x = normal(0, (6, 8))[0][::2, ::2]
    y = Dropout(0.5).forward(np.ascontiguousarray(x), start())
    np.testing.assert_array_equal(Dropout(0.5).forward(x, start()), y)
    np.testing.assert_array_equal(Dropout(0.5).forward(np.asfortranarray(x), start()), y)


def test_contract():
    layer = Dropout(np.float32(0.25), input_shape=(4,), name="drop")
    assert layer.training_differs
    assert layer.count_params() == 0
    assert layer.compute_output_shape((3, 4)) == (3, 4)
    assert type(layer.rate) is float
    assert repr(layer) == "Dropout(0.25, input_shape=(4,), name='drop')"
    assert from_config(to_config(layer)).get_config() == layer.get_config()


def test_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    Dropout(0.5).forward(np.ones((4, 4)), start())
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("rate", [1, 1.0, -0.1, 50, float("nan"), float("inf")])
def test_rate_out_of_range(rate):
    with pytest.raises(
        ValueError,
        match=r"Dropout's rate takes a finite number that is 0 or more and below 1\. Got ",
    ):
        Dropout(rate)


@pytest.mark.parametrize("rate", ["0.5", None, True, [0.5]])
def test_rate_of_another_kind(rate):
    with pytest.raises(TypeError, match=r"Dropout's rate takes a number\. Got "):
        Dropout(rate)
