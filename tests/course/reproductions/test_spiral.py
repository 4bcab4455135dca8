"""The spiral of CS231n: the translation of its penalty, and both classifiers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minnet.course.reproductions import REPRODUCTIONS, Outcome, SeedResult, spiral
from minnet.datasets import spirals


@settings(max_examples=10)
@given(hidden=st.sampled_from([0, 3]), seed=st.integers(0, 2**31))
def test_a_step_is_that_of_the_notes(hidden, seed):
    """L = −1/N Σ log p + ½ reg Σ W², and θ ← θ − ∂L/∂θ, by hand in float64."""
    x, y, _, _ = spirals(4, 3, seed=seed)
    model = spiral.network(hidden, seed)
    model.build((2,))
    weights = [w.astype(np.float64) for w in model.get_weights()]
    h = np.maximum(0.0, x @ weights[0] + weights[1]) if hidden else x.astype(np.float64)
    scores = h @ weights[-2] + weights[-1]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    rows, N = np.arange(len(x)), len(x)
    penalty = 0.5 * spiral.REG * sum(np.sum(W**2) for W in weights[0::2])
    loss = -np.log(p[rows, y]).mean() + penalty
    delta = p.copy()
    delta[rows, y] -= 1.0
    delta /= N
    gradients = [h.T @ delta + spiral.REG * weights[-2], delta.sum(axis=0)]
    if hidden:
        back = (delta @ weights[-2].T) * (h > 0)
        gradients = [x.T @ back + spiral.REG * weights[0], back.sum(axis=0), *gradients]
    assert model.train_on_batch(x, y) == pytest.approx(loss, rel=1e-5)
    for before, gradient, after in zip(weights, gradients, model.get_weights(), strict=True):
        np.testing.assert_allclose(after, before - spiral.RATE * gradient, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def linear():
    """Three seeds of the linear classifier, whole."""
    return [spiral.train(0, spiral.LINEAR_STEPS, seed, str) for seed in range(3)]


def test_the_linear_classifier_is_in_the_bands(linear):
    figures = {figure.name: figure for figure in REPRODUCTIONS["spiral"].figures}
    for losses, accuracy in linear:
        assert len(losses) == 200
        assert losses[0] in figures["linear, loss at step 0"]
        assert losses[190] in figures["linear, loss at step 190"]
        assert accuracy in figures["linear, accuracy %"]


def test_a_hidden_layer_bends_the_plane(linear):
    said = []
    losses, accuracy = spiral.train(100, 1_500, 0, said.append)
    assert losses[0] == pytest.approx(np.log(3.0), abs=2e-3)
    assert losses[-1] < 0.6 * linear[0][0][-1]
    assert accuracy > 90.0
    assert said[-1] == f"step 1,500 of 1,500: loss {losses[-1]:.4f}"


def test_every_figure_gets_the_value_of_its_step(monkeypatch):
    def train(hidden, steps, seed, tell):
        return [hidden + step / 10_000 for step in range(steps)], 50.0 + hidden

    monkeypatch.setattr(spiral, "train", train)
    reproduction = REPRODUCTIONS["spiral"]
    run = reproduction.run(0, None, str)
    assert run == SeedResult(
        {
            "linear, loss at step 0": 0.0,
            "linear, loss at step 190": 0.019,
            "linear, accuracy %": 50.0,
            "100 ReLU, loss at step 9,000": 100.9,
            "100 ReLU, accuracy %": 150.0,
        }
    )
    assert list(run.values) == [figure.name for figure in reproduction.figures]
    assert not Outcome(reproduction, [0], [run]).in_band
