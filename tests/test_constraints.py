"""Bounds of weights: the projections by hand, and where a training step applies them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import minnet
from minnet import Sequential
from minnet.constraints import CONSTRAINTS, Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from minnet.layers import Dense
from tests.strategies import normal, seeds

W = np.array([[3.0, 0.3, 0.0], [-4.0, 0.4, 0.0]])  # columns of norm 5, 0.5 and 0
X, Y = normal(0, (16, 4), (16, 3))


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (MaxNorm(2.0), [[1.2, 0.3, 0.0], [-1.6, 0.4, 0.0]]),
        (MaxNorm(0.0), np.zeros((2, 3))),
        (UnitNorm(), [[0.6, 0.6, 0.0], [-0.8, 0.8, 0.0]]),
        (MinMaxNorm(1.0, 2.0), [[1.2, 0.6, 0.0], [-1.6, 0.8, 0.0]]),
        (MinMaxNorm(1.0, 2.0, rate=0.5), [[2.1, 0.45, 0.0], [-2.8, 0.6, 0.0]]),
        (NonNeg(), [[3.0, 0.3, 0.0], [0.0, 0.4, 0.0]]),
        (MaxNorm(1.0, axis=1), W / np.sqrt((W**2).sum(axis=1, keepdims=True))),
    ],
    ids=repr,
)
def test_projections_by_hand(constraint: Constraint, expected: object) -> None:
    np.testing.assert_allclose(constraint(W), expected, atol=1e-15)


@given(seed=seeds)
def test_what_is_within_the_bound_stays_to_the_bit(seed: int) -> None:
    (weights,) = normal(seed, (4, 3))
    np.testing.assert_array_equal(MaxNorm(100.0)(weights), weights)
    norms = np.linalg.norm(MaxNorm(0.7)(weights), axis=0)
    np.testing.assert_allclose(norms, np.minimum(np.linalg.norm(weights, axis=0), 0.7), rtol=1e-12)


def test_norms_beyond_all_squares_and_of_nothing() -> None:
    np.testing.assert_allclose(UnitNorm()(np.array([[3e30], [4e30]], "f4")), [[0.6], [0.8]])
    assert MaxNorm()(np.array([3.0, 4.0])) == pytest.approx([1.2, 1.6])
    with pytest.raises(ValueError, match="A constraint along axis 1 takes more axes"):
        MaxNorm(axis=1)(np.ones(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("constraint", [MaxNorm(), UnitNorm(), MinMaxNorm()], ids=repr)
def test_what_is_not_finite_stays_so_without_a_warning(constraint: Constraint, bad: float) -> None:
    assert not np.isfinite(constraint(np.array([[bad], [1.0]])))[0, 0]


def constrained(optimizer: object = "sgd", **bounds: object) -> Sequential:
    model = Sequential([Dense(5, "tanh", input_dim=4, **bounds), Dense(3)], seed=0, dtype="float64")
    model.compile(optimizer, "mse")
    return model


def test_an_update_ends_within_the_bounds() -> None:
    """The update itself, and then the projection, both by hand."""
    rate = minnet.optimizers.SGD(0.5)
    model = constrained(rate, kernel_constraint=MaxNorm(0.5), bias_constraint="non_neg")
    model.loss_and_gradient(X, Y)
    first, second = model.layers
    W, b = first.W - 0.5 * first.dW, first.b - 0.5 * first.db
    free = second.W - 0.5 * second.dW
    model.apply_gradient()
    norms = np.linalg.norm(W, axis=0)
    assert (norms > 0.5).any()
    np.testing.assert_allclose(first.W, W * np.minimum(1, 0.5 / norms), rtol=1e-12)
    np.testing.assert_allclose(first.b, np.maximum(b, 0), rtol=1e-12)
    assert (b < 0).any()
    np.testing.assert_allclose(second.W, free, rtol=1e-12)


def test_a_whole_fit_stays_within_them() -> None:
    model = constrained(minnet.optimizers.Adam(0.1), kernel_constraint="max_norm")
    model.layers[0].kernel_constraint.max_value = 0.3
    model.fit(X, Y, epochs=5, verbose=0)
    assert np.linalg.norm(model.layers[0].W, axis=0).max() <= 0.3 * (1 + 1e-12)
    assert model.plan().bounds[0].weight is not None
    assert model.plan().bounds[0].weight is model.layers[0].W


def test_frozen_layers_are_not_touched() -> None:
    model = constrained(kernel_constraint=MaxNorm(0.1))
    before = model.layers[0].W.copy()
    model.freeze("dense_1")
    model.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.layers[0].W, before)
    assert model.plan().bounds == ()
    model.unfreeze("dense_1")
    model.train_on_batch(X, Y)
    assert np.linalg.norm(model.layers[0].W, axis=0).max() <= 0.1 * (1 + 1e-12)


def test_a_file_and_a_copy_keep_them(tmp_path) -> None:
    model = constrained(kernel_constraint=MaxNorm(0.1), bias_constraint=NonNeg())
    model.save(tmp_path / "m.npz")
    for twin in (minnet.load(tmp_path / "m.npz"), model.copy()):
        assert repr(twin.layers[0]) == repr(model.layers[0])
        twin.train_on_batch(X, Y)
        assert np.linalg.norm(twin.layers[0].W, axis=0).max() <= 0.1 * (1 + 1e-12)


def test_a_step_with_bounds_is_explained() -> None:
    model = constrained(kernel_constraint=MaxNorm(0.1))
    explanation = minnet.explain_step(model, X, Y)
    text = " ".join(str(explanation).split())
    assert "The update is followed by MaxNorm(max_value=0.1), which brings W into" in text
    new = explanation.weights["dense_1.W"].new
    assert np.linalg.norm(new, axis=0).max() <= 0.1 * (1 + 1e-12)
    assert explanation.weights["dense_2.W"].constraint is None


def test_one_of_your_own() -> None:
    class Bounded(Constraint):
        def project(self, weights):
            return np.clip(weights, -0.01, 0.01)

    model = constrained(kernel_constraint=Bounded())
    model.train_on_batch(X, Y)
    assert np.abs(model.layers[0].W).max() <= 0.01
    with pytest.raises(NotImplementedError, match="Constraint has no project"):
        Constraint()(W)


def test_names_and_defaults() -> None:
    assert {name: repr(make()) for name, make in CONSTRAINTS.items()} == {
        "max_norm": "MaxNorm()",
        "min_max_norm": "MinMaxNorm()",
        "non_neg": "NonNeg()",
        "unit_norm": "UnitNorm()",
    }
    assert (MaxNorm().max_value, MaxNorm().axis, MinMaxNorm().rate) == (2.0, 0, 1.0)
    assert (MinMaxNorm().min_value, MinMaxNorm().max_value) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaxNorm(-1), "MaxNorm's max_value takes"),
        (lambda: MinMaxNorm(2.0, 1.0), "MinMaxNorm's max_value takes"),
        (lambda: MinMaxNorm(rate=2.0), "MinMaxNorm's rate takes"),
        (lambda: Dense(1, kernel_constraint="maxnorm"), 'kernel_constraint .* mean "max_norm"'),
    ],
)
def test_what_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
