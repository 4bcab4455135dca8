"""The penalties λ Σ w² and λ Σ |w|, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet import Sequential
from minnet.layers import Dense
from minnet.regularizers import L1, L1L2, L2, REGULARIZERS, Regularizer
from tests.complex_step import assert_close, derivative
from tests.strategies import normal, seeds


@given(seed=seeds, factor=st.floats(1e-3, 10))
def test_l2_and_its_gradient(seed: int, factor: float) -> None:
    (weights,) = normal(seed, (3, 4))
    penalty = L2(factor)
    assert penalty(weights) == pytest.approx(factor * (weights**2).sum())
    assert_close(penalty.gradient(weights), derivative(lambda w: factor * (w * w).sum(), weights))


def test_the_default_is_keras_one() -> None:
    assert L2().l2 == 0.01


def test_only_the_kernels_of_trainable_layers_are_penalised() -> None:
    model = Sequential(
        [Dense(3, input_dim=2, kernel_regularizer="l2"), Dense(1, kernel_regularizer=L2(0.5))],
        seed=0,
        dtype="float64",
    )
    model.compile("sgd", "mse")
    model.layers[0].b = [9.0, 9.0, 9.0]
    first, second = (float((layer.W**2).sum()) for layer in model.layers)
    assert model.penalty() == pytest.approx(0.01 * first + 0.5 * second)
    x, y = np.zeros((4, 2)), np.zeros((4, 1))
    model.freeze("dense_1")
    assert model.penalty() == pytest.approx(0.5 * second)
    data_loss = float((model.predict(x) ** 2).mean())
    assert model.evaluate(x, y)["loss"] == pytest.approx(data_loss + 0.5 * second)
    assert model.loss_and_gradient(x, y) == pytest.approx(data_loss + 0.5 * second)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="l2"):
        L2(-0.1)
    with pytest.raises(NotImplementedError):
        Regularizer()(np.zeros(1))
    with pytest.raises(ValueError, match=r"kernel_regularizer takes .*'l3'"):
        Dense(1, kernel_regularizer="l3")


def test_l2_by_hand() -> None:
    # 0.5 · (1 + 4 + 9) = 7 and 2 · 0.5 · w
    weights = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert L2(0.5)(weights) == 7.0
    np.testing.assert_array_equal(L2(0.5).gradient(weights), weights)


def test_the_gradient_of_a_step_has_the_penaltys_in_it() -> None:
    x, y = np.zeros((2, 3)), np.zeros((2, 1))  # the data's own gradient of W is 0
    model = Sequential([Dense(1, input_dim=3, kernel_regularizer=L2(0.5))], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    model.loss_and_gradient(x, y)
    np.testing.assert_array_equal(model.layers[0].dW, 2 * 0.5 * model.layers[0].W)


def test_a_weight_of_0_is_no_penalty() -> None:
    weights = np.array([3.0, -4.0])
    assert L2(0.0)(weights) == 0.0
    assert not L2(0.0).gradient(weights).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_weights_that_are_no_weights_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=f"L2's l2 takes a finite number .* Got {bad}"):
        L2(bad)


def test_a_regularizer_without_formulas_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Regularizer has no __call__"):
        Regularizer()(np.zeros(1))
    with pytest.raises(NotImplementedError, match="Regularizer has no gradient"):
        Regularizer().gradient(np.zeros(1))


# --- L1, and both together ------------------------------------------------------------------------


def test_l1_by_hand() -> None:
    # 0.5 · (1 + 2 + 3 + 0) = 3, and 0.5 · sign(w)
    weights = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert L1(0.5)(weights) == 3.0
    np.testing.assert_array_equal(L1(0.5).gradient(weights), [[0.5, -0.5], [0.5, 0.0]])


def test_l1_and_l2_together_by_hand() -> None:
    # 0.5 · 6 + 0.25 · 14 = 6.5, and 0.5 sign(w) + 0.5 w
    weights = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert L1L2(0.5, 0.25)(weights) == 6.5
    np.testing.assert_array_equal(L1L2(0.5, 0.25).gradient(weights), [[1.0, -1.5], [2.0, 0.0]])
    assert L1L2(0.5)(weights) == L1(0.5)(weights)
    assert L1L2(l2=0.25)(weights) == L2(0.25)(weights)


@pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3), L1L2(0.3, 0.2)], ids=repr)
@given(seed=seeds)
def test_a_gradient_is_that_of_its_penalty(penalty: Regularizer, seed: int) -> None:
    """By complex step, through the penalty itself: it must not lose the imaginary part."""
    (weights,) = normal(seed, (3, 4))
    assert_close(penalty.gradient(weights), derivative(penalty, weights))


def test_names_and_defaults() -> None:
    made = {name: repr(make()) for name, make in REGULARIZERS.items()}
    assert made == {"l1": "L1()", "l2": "L2()", "l1_l2": "L1L2(l1=0.01, l2=0.01)"}
    assert (L1().l1, L1L2().l1, L1L2().l2) == (0.01, 0.0, 0.0)


def test_training_with_l1_makes_unneeded_weights_small() -> None:
    x = np.random.default_rng(0).standard_normal((64, 4))
    y = x[:, :1] * 2.0
    model = Sequential([Dense(1, input_dim=4, kernel_regularizer=L1(0.1))], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=200, verbose=0)
    W = model.layers[0].W.ravel()
    assert W[0] > 1.5
    assert np.abs(W[1:]).max() < 0.02


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_bad_factors_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=f"L1's l1 takes a finite number .* Got {bad}"):
        L1(bad)
    with pytest.raises(ValueError, match=f"L1L2's l2 takes a finite number .* Got {bad}"):
        L1L2(0.1, bad)


def test_other_penalties_of_keras_are_refused_with_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"Got bias_regularizer='l2'. Only W can be penalised"):
        Dense(1, bias_regularizer="l2")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Got activity_regularizer='l2'. No layer penalises its"):
        Dense(1, activity_regularizer="l2")  # type: ignore[call-arg]


LONG = np.full(100, 1e37, np.float32)


@pytest.mark.parametrize(
    ("penalty", "weights", "value"),
    [
        (L2(1e-10), np.full(4, 1e22, np.float32), 4e34),
        (L1(0.1), LONG, 1e38),
        (L1L2(0.1, 0.0), LONG, 1e38),
        (L1L2(0.0, 1e-10), np.full(4, 1e22, np.float32), 4e34),
        (L2(0.0), np.full(4, 1e22, np.float32), 0.0),
        (L1(0.0), 100 * LONG.astype(float), 0.0),
        (L1(0.0), np.full(4, 3e38, np.float32), 0.0),
    ],
)
def test_a_penalty_that_a_number_holds_is_finite(penalty, weights, value) -> None:
    """Though the sum, before λ, may be beyond all numbers; and of a λ of 0 nothing is left."""
    assert penalty(weights) == pytest.approx(value, rel=1e-6)


def test_a_penalty_of_many_weights_is_that_of_float64() -> None:
    weights = np.full(3_000_000, 0.1, np.float32)
    assert L2(1.0)(weights) == pytest.approx(np.square(weights.astype(float)).sum(), rel=1e-6)
    assert L1(1.0)(weights) == pytest.approx(weights.astype(float).sum(), rel=1e-6)
