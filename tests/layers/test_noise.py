"""Noise in training: its size, its gradient, and that one memo has one noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.layers import AlphaDropout, Dense, Dropout, GaussianDropout, GaussianNoise, Softmax
from minnet.models import Sequential
from tests.complex_step import assert_gradients
from tests.strategies import batch_shapes, normal, seeds

KINDS = [GaussianNoise, GaussianDropout, AlphaDropout]
each_kind = pytest.mark.parametrize("kind", KINDS)


def start(seed: int = 0) -> dict:
    return {"rng": np.random.default_rng(seed)}


@each_kind
@given(shape=batch_shapes, seed=seeds, size=st.floats(0, 0.9))
def test_gradient_in_training_and_in_inference(kind, shape, seed, size):
    x, dy = normal(seed, shape, shape)
    assert_gradients(kind(size), x, dy, start(seed))
    assert_gradients(kind(size), x, dy)


@each_kind
def test_inference_hands_x_back(kind):
    layer, x = kind(0.5), np.ones((2, 3))
    assert layer.forward(x) is x
    assert layer.backward(x, x, x) is x
    assert layer.training_differs


@each_kind
def test_one_memo_has_one_noise_in_every_dtype(kind):
    layer, memo = kind(0.5), start()
    x = normal(0, (6, 7))[0]
    y = layer.forward(x, memo)
    np.testing.assert_array_equal(layer.forward(x, memo), y)
    np.testing.assert_allclose(layer.forward(x.astype("f4"), start()), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.forward(x.astype(complex), start()), y, rtol=1e-15)
    assert (layer.forward(x, start(1)) != y).any()
    for dtype in ("float32", "float64", "complex128"):
        assert layer.forward(x.astype(dtype), start()).dtype == dtype


@each_kind
def test_no_noise_at_a_size_of_zero(kind):
    x = normal(0, (3, 4))[0]
    np.testing.assert_allclose(kind(0).forward(x, start()), x, rtol=1e-15)


def test_gaussian_noise_has_its_deviation():
    """400,000 draws: mean and deviation are within 5 standard errors."""
    y = GaussianNoise(0.3).forward(np.full((1000, 400), 2.0), start())
    assert y.mean() == pytest.approx(2.0, abs=5 * 0.3 / 632)
    assert y.std() == pytest.approx(0.3, rel=5 / 894)


def test_gaussian_dropout_has_the_mean_and_variance_of_dropout():
    x = np.full((1000, 400), 2.0)
    y, dropped = GaussianDropout(0.2).forward(x, start()), Dropout(0.2).forward(x, start())
    assert y.mean() == pytest.approx(2.0, abs=0.01)
    assert y.std() == pytest.approx(2 * math.sqrt(0.2 / 0.8), rel=0.01)
    assert y.std() == pytest.approx(dropped.std(), rel=0.01)


def test_alpha_dropout_keeps_mean_0_and_variance_1():
    x = np.random.default_rng(1).standard_normal((1000, 400))
    for rate in (0.05, 0.1, 0.5):
        y = AlphaDropout(rate).forward(x, start())
        assert y.mean() == pytest.approx(0.0, abs=0.01)
        assert y.std() == pytest.approx(1.0, abs=0.01)


def test_alpha_dropout_by_hand():
    # d = −1.7581, a = 1 / √(0.5 · (1 + 0.5 · 3.0909)) = 0.88640, b = 0.5 · 1.7581 a = 0.77919
    memo = {"rng": None, "mask": np.array([[True, False]])}
    y = AlphaDropout(0.5).forward(np.array([[2.0, 9.0]]), memo)
    np.testing.assert_allclose(y, [[2 * 0.88640 + 0.77919, -0.77919]], atol=2e-5)
    dx = AlphaDropout(0.5).backward(y, y, np.array([[3.0, 3.0]]), memo)
    np.testing.assert_allclose(dx, [[3 * 0.88640, 0.0]], atol=2e-5)


def test_the_share_of_what_alpha_dropout_drops():
    memo = start()
    AlphaDropout(0.3).forward(np.ones((1000, 400), dtype="f4"), memo)
    assert abs(memo["mask"].mean() - 0.7) < 0.004


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianNoise(-1), "GaussianNoise's stddev takes a finite number that is 0 or"),
        (lambda: GaussianDropout(1.0), "GaussianDropout's rate takes .* 0 or more and below 1"),
        (lambda: AlphaDropout(1.0), "AlphaDropout's rate takes .* 0 or more and below 1"),
        (lambda: AlphaDropout(-0.1), "AlphaDropout's rate takes"),
    ],
)
def test_sizes_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@each_kind
def test_a_softmax_before_noise_is_still_the_last(kind):
    model = Sequential([Dense(3, input_dim=2), Softmax(), kind(0.1), Softmax()], seed=0)
    with pytest.raises(ValueError, match="Softmax is applied twice"):
        model.compile("sgd", "cross_entropy")
