"""Zeros are shown as 0 and explained, where they are exact; what is merely small stays a number."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import Sequential, explain_step
from minnet.layers import BatchNormalization, Dense, Linear, ReLU, Rescaling, Tanh
from tests.teaching.explain.reference import Reference

X = np.random.default_rng(0).standard_normal((5, 4))
LABELS = [0, 1, 1, 0, 1]


def explained(*layers, dtype="float32", optimizer="sgd", x=X):
    model = Sequential([*layers, Dense(2, activation="softmax")], seed=0, dtype=dtype)
    model.build((4,))
    model.compile(optimizer, "cross_entropy")
    return model, explain_step(model, x, LABELS)


def backward_of(explanation, step):
    """The text of chapter 3 about this step, on one line."""
    chapter = str(explanation).partition("3. Backward")[2].partition("4. Update")[0]
    return " ".join(chapter.partition(f"  {step} (")[2].partition("\n3.")[0].split())


@pytest.mark.parametrize(
    "between", [[], [Linear()], [Rescaling(3.0, offset=1.0)]], ids=["none", "linear", "rescaling"]
)
def test_a_bias_below_batch_normalization_is_shown_with_a_gradient_of_0_and_why(between):
    _, explanation = explained(Dense(3), *between, BatchNormalization())
    rounding = explanation.weights["dense_1.b"].gradient
    assert rounding.any(), "there is nothing to hide: take another seed"
    text = backward_of(explanation, "dense_1")
    assert "db (3,)" in text
    assert "[ 0 0 0 ]" in text
    assert "db is 0: batch_normalization_1 subtracts the mean of each column" in text
    assert f"up to {np.abs(rounding).max():.3e}" in text
    update = str(explanation).partition("dense_1.b\n")[2].partition("4.3")[0]
    assert "what rounding left, as the optimizer got it" in " ".join(update.split())
    assert f"{rounding[0]:.3e}" in update


def test_that_gradient_is_0_by_complex_step():
    model, _ = explained(Dense(3), BatchNormalization(), dtype="float64")
    reference = Reference(model, X, LABELS, None, np.random.default_rng(0))
    assert np.abs(reference.weight_gradient("dense_1.b")).max() < 1e-15
    assert np.abs(reference.weight_gradient("dense_1.W")).max() > 1e-3


@pytest.mark.parametrize("between", [Tanh(), ReLU()], ids=["tanh", "relu"])
def test_a_bias_below_an_activation_has_its_gradient(between):
    _, explanation = explained(Dense(3), between, BatchNormalization())
    assert "db is 0" not in backward_of(explanation, "dense_1")


def test_a_bias_below_frozen_batch_normalization_has_its_gradient():
    frozen = BatchNormalization()
    frozen.trainable = False
    _, explanation = explained(Dense(3), frozen)
    assert "db is 0" not in backward_of(explanation, "dense_1")


def test_weights_of_inputs_and_units_that_are_silent_are_said_to_be_so():
    x = X.copy()
    x[:, 2] = 0.0
    model = Sequential([Dense(3, ReLU()), Dense(2, activation="softmax")], seed=0)
    model.build((4,))
    model.compile("sgd", "cross_entropy")
    model.get_layer("dense_1").b[1] = -100.0  # a unit that is off whatever comes
    text = backward_of(explain_step(model, x, LABELS), "dense_1")
    assert "dW is 0 in column 1: nothing comes back to this output, since dy1 is 0 there" in text
    assert "dW is 0 in row 2: x is 0 there in every sample" in text
