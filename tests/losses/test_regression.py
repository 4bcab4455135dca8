"""Losses beside the usual four: held to figures that Keras 3.15 gave for the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import losses, metrics
from minnet.layers import ReLU
from minnet.metrics import AUC, RMSE, Metric

R = np.random.default_rng(0)
T, P = R.random((6, 4)), R.random((6, 4))
S = R.normal(size=(6, 4))
B = R.integers(2, size=(6, 4)).astype(float)
O = np.eye(4)[R.integers(4, size=6)]  # noqa: E741
D, E = R.dirichlet(np.ones(4), 6), R.dirichlet(np.ones(4), 6)
SIGNS = np.where(B > 0, 1.0, -1.0)

KERAS = [
    (losses.Huber(), P, 3 * S, 2.1047601),
    (losses.LogCosh(), P, S, 0.4815403),
    (losses.MeanAbsolutePercentageError(), P, S, 753.01373),
    (losses.MeanSquaredLogarithmicError(), 3 * P, 3 * T, 0.3490496),
    (losses.Poisson(), P, np.floor(4 * T), 1.6404924),
    (losses.CosineSimilarity(), P - 0.5, S, 0.1455757),
    (losses.Hinge(), S, SIGNS, 1.4647380),
    (losses.Hinge(), S, B, 1.4647380),
    (losses.SquaredHinge(), S, SIGNS, 2.9811480),
    (losses.CategoricalHinge(), S, O, 0.7257470),
    (losses.KLDivergence(), E, D, 0.7639269),
]


@pytest.mark.parametrize(("loss", "p", "t", "figure"), KERAS, ids=repr)
def test_a_loss_is_keras(loss: losses.Loss, p: np.ndarray, t: np.ndarray, figure: float) -> None:
    assert loss(p, t) == pytest.approx(figure, rel=1e-6)
    shown = metrics.MeanLoss(loss)(p, t)
    assert abs(shown) == pytest.approx(abs(figure), rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "p", "t", "figure"),
    [
        (RMSE(), P, T, 0.4352093),
        (AUC(), P, B, 0.5214286),
        (AUC(curve="PR"), P, B, 0.4446647),
        (AUC(summation_method="minoring"), P, B, 0.5214286),
        (AUC(curve="PR", summation_method="majoring"), P, B, 0.5001582),
        (AUC(thresholds=[0.7, 0.2, 0.5]), P, B, 0.5642857),
        (AUC(from_logits=True), S, B, 0.2928572),
    ],
    ids=repr,
)
def test_a_figure_is_keras(metric: Metric, p: np.ndarray, t: np.ndarray, figure: float) -> None:
    assert metric(p, t) == pytest.approx(figure, rel=1e-6)


def test_the_cosine_as_a_figure_goes_up() -> None:
    figure = metrics.MeanLoss("cosine_similarity")
    assert figure.direction == "up"
    assert figure([[1.0, 0.0]], [[2.0, 0.0]]) == 1.0


def test_losses_of_large_errors_do_not_overflow() -> None:
    far = np.array([[1e30]], dtype=np.float32)
    for loss in (losses.Huber(), losses.LogCosh()):
        assert np.isfinite(loss.per_sample(far, -far)).all()
        assert np.isfinite(loss.gradient(far, -far)).all()


@pytest.mark.parametrize("error", [1e-12, 1e-6, 1e-4, 1e-3, 0.1, 0.999, 1.001, 30.0])
def test_log_cosh_keeps_the_digits_of_small_errors(error: float) -> None:
    """log cosh e = ½ e² − e⁴/12 + …, of which float32 lost all digits below 1e-4."""
    e = np.float64(np.float32(error))
    exact = np.log(np.cosh(e)) if error > 0.05 else e**2 / 2 - e**4 / 12
    for sign in (-1.0, 1.0):
        prediction = np.array([[sign * error]], dtype=np.float32)
        loss = losses.LogCosh()(prediction, np.zeros((1, 1), np.float32))
        assert loss == pytest.approx(exact, rel=1e-6)


def test_a_function_of_ones_own_may_write_into_what_it_is_given() -> None:
    def careless(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        prediction -= target
        target[...] = 0.0
        return np.abs(prediction).mean(axis=-1)

    p, t = P.copy(), T.copy()
    metrics.MeanOfFunction(careless)(p, t)
    statistics = metrics.MeanOfFunction(careless).statistics(p, t)
    assert statistics[0] / statistics[1] == pytest.approx(np.abs(P - T).mean())
    np.testing.assert_array_equal((p, t), (P, T))


def test_a_function_of_ones_own_gives_numbers() -> None:
    with pytest.raises(TypeError, match=r"words returns numbers"):
        metrics.MeanOfFunction(lambda t, p: "much", name="words")(P, T)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, p: np.subtract.outer(t.ravel(), p.ravel()),  # (N, N) numbers
        lambda t, p: np.ones(len(p) + 1),
        lambda t, p: np.ones((1, len(p))),
        lambda t, p: np.ones(0),
    ],
)
def test_a_function_of_ones_own_gives_one_number_for_each_sample_or_one(function) -> None:
    p = np.arange(3.0)[:, None]
    with pytest.raises(
        ValueError, match=r"mine returns numbers, one for each sample, shape \(3,\)"
    ):
        metrics.MeanOfFunction(function, name="mine")(p, p)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, p: (p - t).mean(),
        lambda t, p: p - t,
        lambda t, p: (p - t).mean(axis=-1),
        lambda t, p: (p - t).mean(axis=-1, keepdims=True),
    ],
)
def test_a_function_of_ones_own_may_keep_its_axes(function) -> None:
    t = np.zeros((3, 2))
    assert metrics.MeanOfFunction(function, name="mine")(t + 0.5, t) == 0.5


def test_a_bounded_relu_is_flat_on_both_sides() -> None:
    layer, x = ReLU(2.0), np.array([[-1.0, 1.0, 3.0, np.nan]])
    y = layer.forward(x)
    np.testing.assert_array_equal(y, [[0.0, 1.0, 2.0, np.nan]])
    np.testing.assert_array_equal(layer.backward(x, y, np.ones((1, 4)))[0, :3], [0, 1, 0])
    assert ReLU().get_config() == {"input_shape": None, "name": None}


@pytest.mark.parametrize("size", [1e19, 1e30, 2e38])
def test_the_cosine_of_long_vectors_is_that_of_short_ones(size):
    """A square of such numbers is beyond float32, the angle is not."""
    p, t = np.float32([[3.0, 4.0], [1.0, 0.0]]), np.float32([[4.0, 3.0], [1.0, 1.0]])
    loss, long = losses.CosineSimilarity(), np.float32(size) / 4
    for a, b in ((p * long, t), (p, t * long), (p * long, t * long)):
        assert loss(a, b) == pytest.approx(loss(p, t), rel=1e-6)
    np.testing.assert_allclose(loss.gradient(p, t * long), loss.gradient(p, t), rtol=1e-5)
    np.testing.assert_allclose(
        loss.gradient(p * long, t).astype(float) * float(long), loss.gradient(p, t), rtol=1e-3
    )


def test_a_vector_longer_than_any_number_has_a_cosine_and_no_slope():
    p, t = np.float32([[3e38, 3e38]]), np.float32([[1.0, 0.0]])
    assert losses.CosineSimilarity()(p, t) == pytest.approx(-(0.5**0.5))
    assert np.abs(losses.CosineSimilarity().gradient(p, t)).max() < 1e-37


def test_percents_of_huge_numbers_are_finite():
    p, t = np.float32([[3e38, 1e38]]), np.float32([[1.5e38, 2e38]])
    assert losses.MeanAbsolutePercentageError()(p, t) == pytest.approx(75.0)
