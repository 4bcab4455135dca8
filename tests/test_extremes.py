"""Large batches, many outputs, zero weights and the ends of float32, against float64.

Each formula is worked here again, in float64, from the published one.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.layers import BatchNormalization, Dense, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from minnet.layers.sums import FEW_ROWS, MANY_ROWS, mean_rows, multiply_rows, sum_rows
from minnet.losses import BinaryCrossEntropy, CrossEntropy, MeanAbsoluteError, MeanSquaredError
from minnet.metrics import (
    MAE,
    MSE,
    Accuracy,
    BinaryAccuracy,
    R2Score,
    TopKCategoricalAccuracy,
    confusion_matrix,
)
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

MILLION = 1_000_000
LARGEST = float(np.finfo("float32").max)

SIGNS = {
    "equal": lambda rng, shape: np.full(shape, -0.7 / shape[0]),
    "positive": lambda rng, shape: rng.random(shape),
    "of both signs": lambda rng, shape: rng.normal(size=shape),
    "far from 0": lambda rng, shape: 1000 + rng.normal(size=shape),
}
each_sign = pytest.mark.parametrize("draw", SIGNS.values(), ids=SIGNS)
rows = pytest.mark.parametrize(
    "N",
    [1, FEW_ROWS, FEW_ROWS + 1, MANY_ROWS + 1, pytest.param(MILLION, marks=pytest.mark.slow)],
)


def off(value, right, size):
    """The largest error, by the sum of the sizes of what was added up."""
    return float((np.abs(np.asarray(value, np.float64) - right) / size).max())


# --- sums over rows -------------------------------------------------------------------------------


@rows
@each_sign
def test_sums_over_rows(N, draw) -> None:
    rng = np.random.default_rng(0)
    x, dy = (draw(rng, (N, width)).astype(np.float32) for width in (3, 2))
    wide, dy_wide = x.astype(np.float64), dy.astype(np.float64)
    limit = 1e-6 if N != FEW_ROWS else 5e-6  # as NumPy sums few rows
    total, product = np.empty(3, np.float32), np.empty((3, 2), np.float32)
    sum_rows(x, total)
    multiply_rows(x, dy, product)
    assert off(total, wide.sum(axis=0), np.abs(wide).sum(axis=0)) < limit
    assert off(mean_rows(x), wide.mean(axis=0), np.abs(wide).mean(axis=0)) < limit
    assert off(product, wide.T @ dy_wide, np.abs(wide).T @ np.abs(dy_wide)) < limit


@pytest.mark.slow
@each_sign
@pytest.mark.parametrize(("D", "M"), [(784, 1), (1, 784), (784, 10), (128, 64), (512, 7)])
@pytest.mark.parametrize("N", [600, 2000, 20_000])
def test_products_of_every_shape(N, D, M, draw) -> None:
    """BLAS adds up in another way for vectors, for small products and for large ones."""
    rng = np.random.default_rng(6)
    x, dy = draw(rng, (N, D)).astype(np.float32), draw(rng, (N, M)).astype(np.float32)
    product, (wide, dy_wide) = np.empty((D, M), np.float32), (x.astype(float), dy.astype(float))
    multiply_rows(x, dy, product)
    limit = 1e-6 if N > MANY_ROWS else 5e-6  # BLAS' blocks, of equal numbers
    assert off(product, wide.T @ dy_wide, np.abs(wide).T @ np.abs(dy_wide)) < limit


@rows
@each_sign
def test_gradients_and_statistics_of_a_batch(N, draw) -> None:
    """dW, db, dγ, dβ, dx, the mean and the variance, by the formulas of the docstrings."""
    rng = np.random.default_rng(1)
    x, dy = (draw(rng, (N, 3)).astype(np.float32) for _ in range(2))
    dense, norm = Dense(3), BatchNormalization()
    for layer in (dense, norm):
        layer.build((3,), np.random.default_rng(0))
    dense.gradient(x, x, dy)
    memo: dict = {}
    norm.forward(x, memo)
    norm.gradient(x, x, dy, memo)
    x_hat, wide, dy_wide = (a.astype(np.float64) for a in (memo["x_hat"], x, dy))
    limit = 1e-6 if N != FEW_ROWS else 5e-6
    size = np.abs(dy_wide).sum(axis=0)
    assert off(dense.dW, wide.T @ dy_wide, np.abs(wide).T @ np.abs(dy_wide)) < limit
    assert off(dense.db, dy_wide.sum(axis=0), size) < limit
    assert off(norm.dbeta, dy_wide.sum(axis=0), size) < limit
    products = np.abs(dy_wide * x_hat).sum(axis=0)
    right = (dy_wide * x_hat).sum(axis=0)
    assert off(norm.dgamma, right, products + 1e-12) < limit
    mean, variance = wide.mean(axis=0), wide.var(axis=0)
    assert off(memo["mean"], mean, np.abs(mean)) < 1e-6
    assert off(memo["variance"], variance, variance + 1e-6 * mean**2) < 2e-3
    dx = norm.backward(x, x, dy, memo)
    inside = dy_wide - dy_wide.mean(axis=0) - x_hat * (dy_wide * x_hat).mean(axis=0)
    right = inside * norm.gamma * memo["s"]
    scale = np.abs(dy_wide).max() * float(memo["s"].max())
    assert off(dx, right, scale) < 2 * limit


@pytest.mark.slow
@pytest.mark.parametrize("N", [100_000, MILLION])
def test_the_first_gradient_of_a_full_batch_with_the_mean_absolute_error(N) -> None:
    """∂L/∂β is −1 where every row has the gradient −1/N."""
    x = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
    layers = [BatchNormalization(input_shape=(2,)), Dense(1, kernel_initializer="ones")]
    model = Sequential(layers, seed=0)
    model.compile("sgd", "mae")
    model.loss_and_gradient(x, np.full(N, 100.0, np.float32))
    np.testing.assert_allclose(model.layers[0].dbeta, -1, rtol=1e-6)
    np.testing.assert_allclose(model.layers[1].db, -1, rtol=1e-6)


# --- losses and metrics of many rows and outputs --------------------------------------------------


def log_softmax(z):
    z = z.astype(np.float64) - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def bce(z, t):
    z = z.astype(np.float64)
    return np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))


many = pytest.mark.parametrize(
    ("N", "M"),
    [(1000, 3), (40, 50_000), pytest.param(MILLION, 3, marks=pytest.mark.slow)],
    ids=str,
)


@many
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_in_float64(N, M, weighted) -> None:
    rng = np.random.default_rng(2)
    p, t = rng.normal(size=(2, N, M)).astype(np.float32)
    labels, yes = rng.integers(0, M, N), (t > 0).astype(np.float32)
    w = np.where(rng.random(N) < 0.3, 0.0, rng.random(N)) if weighted else None
    e = p.astype(np.float64) - t
    right = {
        MeanSquaredError(): (t, (e * e).mean(axis=1)),
        MeanAbsoluteError(): (t, np.abs(e).mean(axis=1)),
        CrossEntropy(from_logits=True): (labels, -log_softmax(p)[np.arange(N), labels]),
        BinaryCrossEntropy(from_logits=True): (yes, bce(p, yes).mean(axis=1)),
    }
    for loss, (target, losses) in right.items():
        wanted = losses.mean() if w is None else np.dot(w, losses) / N
        assert loss(p, target, w) == pytest.approx(wanted, rel=1e-6), loss
        if target is not labels:
            gradient = loss.gradient(p, target).astype(np.float64)
            formulas = {
                "MeanSquaredError": 2 * e,
                "MeanAbsoluteError": np.sign(e),
                "BinaryCrossEntropy": 1 / (1 + np.exp(-p.astype(np.float64))) - target,
            }
            by_hand = formulas[type(loss).__name__] / (N * M)
            assert off(gradient, by_hand, np.abs(by_hand).max()) < 1e-6


@many
def test_metrics_in_float64(N, M) -> None:
    rng = np.random.default_rng(3)
    p, t = rng.normal(size=(2, N, M)).astype(np.float32) + np.float32(100)
    labels = rng.integers(0, M, N)
    e, wide = p.astype(np.float64) - t, t.astype(np.float64)
    around = ((wide - wide.mean(axis=0)) ** 2).sum(axis=0)
    yes = (t > 100).astype(int)
    own = p[np.arange(N), labels][:, None]
    figures = {
        MAE(): (t, np.abs(e).mean()),
        MSE(): (t, (e * e).mean()),
        R2Score(): (t, (1 - (e * e).sum(axis=0) / around).mean()),
        Accuracy(): (labels, (p.argmax(axis=1) == labels).mean()),
        BinaryAccuracy(100.0): (yes, ((p > 100) == yes).mean()),
        TopKCategoricalAccuracy(2): (labels, ((p >= own).sum(axis=1) <= 2).mean()),
    }
    for metric, (target, right) in figures.items():
        assert metric(p, target) == pytest.approx(right, rel=1e-9), metric
        half = N // 2
        two = [
            metric.statistics(p[part], np.asarray(target)[part])
            for part in (slice(0, half), slice(half, None))
        ]
        assert metric.result(metric.merge(*two)) == pytest.approx(right, rel=1e-9), metric


@pytest.mark.slow
def test_a_confusion_matrix_of_a_million_rows() -> None:
    y, p = np.random.default_rng(4).integers(0, 10, (2, MILLION))
    counts = confusion_matrix(y.astype(np.uint8), p.astype(np.uint8))
    assert counts.sum() == MILLION
    assert counts[3, 7] == np.count_nonzero((y == 3) & (p == 7))


# --- optimizers of many numbers -------------------------------------------------------------------


def updated(optimizer, theta, g, steps):
    """θ after some updates, in the dtype of θ."""
    theta = theta.copy()
    slots = tuple(np.full_like(theta, optimizer.initial(s)) for s in optimizer.slots)
    for t in range(1, steps + 1):
        optimizer.decay(theta, 0.01)
        optimizer.update(theta, g * t, slots, t, 0.01, np.empty_like(theta))
    return theta


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.01, weight_decay=0.1),
        SGD(0.01, momentum=0.9, nesterov=True),
        RMSprop(0.01, momentum=0.5, centered=True),
        Adagrad(0.01),
        Adam(0.01),
        AdamW(0.01),
    ],
    ids=repr,
)
def test_updates_of_a_million_numbers_are_those_of_float64(optimizer) -> None:
    rng = np.random.default_rng(5)
    theta, g = rng.normal(size=(2, MILLION))
    got = updated(optimizer, theta.astype(np.float32), g.astype(np.float32), 5)
    right = updated(optimizer, theta.astype(np.float32).astype(float), g.astype("f4") + 0.0, 5)
    assert np.abs(got - right).max() < 1e-5


# --- the ends of the numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("M", [1, 2, 8, 1000])
def test_a_mean_that_float32_holds_is_finite(M) -> None:
    p, a, t = np.full((3, M), 1e19, "f4"), np.full((3, M), 1e38, "f4"), np.zeros((3, M), "f4")
    assert MeanSquaredError()(p, t) == pytest.approx(1e38, rel=1e-5)
    assert MeanAbsoluteError()(a, t) == pytest.approx(1e38, rel=1e-5)
    model = Sequential([Dense(M, input_dim=1, kernel_initializer="zeros")], seed=0)
    model.compile("sgd", "mse")
    assert model.evaluate(t[:, :1], p)["loss"] == pytest.approx(1e38, rel=1e-5)
    assert model.loss_and_gradient(t[:, :1], p) == pytest.approx(1e38, rel=1e-5)


def test_one_square_beyond_float32_among_many() -> None:
    p = np.zeros((1, 8), "f4")
    p[0, 3] = 2e19  # its square is 4e38, an eighth of which float32 holds
    assert MeanSquaredError()(p, np.zeros((1, 8), "f4")) == pytest.approx(5e37, rel=1e-5)


def test_a_loss_that_is_truly_beyond_all_numbers_is_inf() -> None:
    p, t = np.full((2, 2), 1e25, "f4"), np.zeros((2, 2), "f4")
    assert MeanSquaredError()(p, t) == math.inf


@pytest.mark.parametrize("far", [1e25, 1e30, LARGEST])
@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_a_sample_of_weight_0_counts_nothing(loss, far) -> None:
    kinds = {"mse": MeanSquaredError(), "mae": MeanAbsoluteError()}
    p, t = np.array([[1.0], [1.0]], "f4"), np.array([[far], [3.0]], "f4")
    alone = kinds[loss](p[1:], t[1:]) / 2
    assert kinds[loss](p, t, [0, 1]) == pytest.approx(alone)
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")], seed=0)
    model.compile("sgd", loss)
    x, y = np.ones((2, 1)), t[:, 0]
    assert model.evaluate(x, y, sample_weight=[0, 1])["loss"] == pytest.approx(alone)
    assert model.loss_and_gradient(x, y, [0, 1]) == pytest.approx(alone)
    gradient = model.grad.copy()
    model.loss_and_gradient(x, [2.0, 3.0], [0, 1])
    np.testing.assert_array_equal(model.grad, gradient)
    model.fit(x, y, verbose=0, sample_weight=[0, 1])
    assert np.isfinite(model.theta).all()


@pytest.mark.parametrize("z", [-LARGEST, -1e5, -200.0, 0.0, 200.0, 1e5, LARGEST])
def test_activations_and_cross_entropies_at_the_ends(z) -> None:
    logits = np.array([[z, 0.0]], "f4")
    for step in (Sigmoid(), Softmax(), Tanh(), ReLU(), LeakyReLU()):
        y = step.forward(logits)
        assert np.isfinite(y).all()
        assert np.isfinite(step.backward(logits, y, np.ones_like(y))).all()
    for loss, target in (
        (CrossEntropy(from_logits=True), [0]),
        (BinaryCrossEntropy(from_logits=True), [[1.0, 0.0]]),
    ):
        value = loss(logits, target)
        right = max(0.0, -z) if abs(z) > 100 else None
        if isinstance(loss, CrossEntropy) and right is not None:
            assert value == pytest.approx(right, rel=1e-6)
        assert not math.isnan(value)
        assert np.isfinite(loss.gradient(logits, loss.check_target(target, (2,)))).all()
