"""Activations and gradients by layer, against numbers worked out beside the model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from minnet import Sequential, plots
from minnet.layers import Dense, Dropout, Flatten

RNG = np.random.default_rng(0)
X, Y = RNG.random((20, 4)), RNG.integers(0, 3, 20)


def network(**settings):
    """4-5-3, compiled, with a Dropout that does nothing when it does not train."""
    layers = [
        Dense(5, activation="relu", input_dim=4),
        Dropout(0.0),
        Dense(3, activation="softmax"),
    ]
    model = Sequential(layers, seed=0, dtype="float64", **settings)
    model.compile("sgd", "cross_entropy")
    return model


# --- activations ----------------------------------------------------------------------------------


def test_bars_are_the_shares_of_each_layers_outputs():
    model = network()
    axes = plots.activations(model, X, bins=10)
    hidden = np.maximum(X @ model.layers[0].W + model.layers[0].b, 0)
    for ax, values in zip(axes, (hidden, model.predict(X)), strict=True):
        counts, edges = np.histogram(values, bins=10)
        np.testing.assert_allclose(
            [bar.get_height() for bar in ax.patches], 100 * counts / values.size
        )
        np.testing.assert_allclose([bar.get_x() for bar in ax.patches], edges[:-1])
        np.testing.assert_allclose(list(ax.lines[0].get_xdata()), values.mean())
        assert ax.get_ylabel() == "share of values (%)"
        assert f"mean {values.mean():.2g}, deviation {values.std():.2g}" in ax.get_title()
    assert [ax.get_title().split(":")[0] for ax in axes] == ["dense_1 (ReLU)", "dense_2 (Softmax)"]


def test_limits_hold_for_every_layer():
    model = network()
    axes = plots.activations(model, X, bins=6, limits=(0, 0.5))
    hidden = np.maximum(X @ model.layers[0].W + model.layers[0].b, 0)
    assert hidden.max() > 0.5  # so that something is in no bar
    for ax, values in zip(axes, (hidden, model.predict(X)), strict=True):
        counts, edges = np.histogram(values, bins=6, range=(0, 0.5))
        np.testing.assert_allclose(
            [bar.get_height() for bar in ax.patches], 100 * counts / values.size
        )
        np.testing.assert_allclose([bar.get_x() for bar in ax.patches], edges[:-1])
        assert ax.get_xlim() == (0, 0.5)
        assert f"mean {values.mean():.2g}, deviation {values.std():.2g}" in ax.get_title()


@pytest.mark.parametrize("limits", [(1, 0), (1, 1), (0, 1, 2), 5, (np.nan, 1)])
def test_limits_have_to_rise(limits):
    with pytest.raises(ValueError, match=r"limits as two numbers, the lower one first\. Got "):
        plots.activations(network(), X, limits=limits)


def test_zeros_and_dead_units_are_counted():
    model = network()
    model.layers[0].W[:, :2] = -1.0  # two units that no sample wakes
    model.layers[0].W[:, 2:] = 1.0
    (first, _) = plots.activations(model, X)
    assert first.get_title().endswith("40% exactly 0, 2 of 5 units dead")


def test_images_pass_through_a_flatten_unseen():
    model = Sequential([Flatten(input_shape=(2, 2)), Dense(3)], seed=0)
    (ax,) = plots.activations(model, X.reshape(20, 2, 2))
    assert ax.get_title().startswith("dense_1:")


def test_each_layer_is_drawn_into_the_axes_that_are_given():
    _, given = plt.subplots(1, 2)
    axes = plots.activations(network(), X, ax=given)
    assert list(axes) == list(given)
    with pytest.raises(ValueError, match=r"2 of matplotlib's Axes.* Got 1. Use plt.subplots\(1, 2"):
        plots.activations(network(), X, ax=given[0])
    with pytest.raises(TypeError, match=r"ax takes matplotlib's Axes. Got 3"):
        plots.activations(network(), X, ax=[given[0], 3])


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (network(), X[:, :3], ValueError, r"activations' x takes shape \(N, 4\)"),
        (network(), X[:0], ValueError, r"with at least one row. Got \(0, 4\)"),
        (network(), X * np.inf, ValueError, r"finite numbers"),
        (Sequential([Dense(2)]), X, RuntimeError, r"a model that is built"),
        (Sequential([Dropout(0.1, input_shape=4)]), X, ValueError, r"a layer that computes"),
        (X, X, TypeError, r"a model with layers, forward"),
    ],
)
def test_what_activations_refuses(model, x, error, message):
    with pytest.raises(error, match=message):
        plots.activations(model, x)
    assert plt.get_fignums() == []


# --- gradients ------------------------------------------------------------------------------------


def true_gradients(model):
    """δ at both layers before the activation, and their weights' gradients, by the formulas."""
    first, _, last = model.layers
    z = X @ first.W + first.b
    h = np.maximum(z, 0)
    logits = h @ last.W + last.b
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    top = (p - np.eye(3)[Y]) / len(X)
    low = (top @ last.W.T) * (z > 0)
    flat = [np.concatenate([(x.T @ d).ravel(), d.sum(axis=0)]) for x, d in ((X, low), (h, top))]
    return [low, top], flat


def rms(values):
    return np.sqrt((values**2).mean())


def test_the_flow_is_the_root_mean_square_of_both_gradients():
    model = network()
    deltas, flat = true_gradients(model)
    ax = plots.gradient_flow(model, X, Y)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [rms(d) for d in deltas], rtol=1e-10)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [rms(g) for g in flat], rtol=1e-10)
    assert ax.get_yscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["dense_1", "dense_2"]
    assert {(line.get_marker(), line.get_linestyle()) for line in ax.lines} == {
        ("o", "-"),
        ("s", "--"),
    }
    ratio = rms(deltas[0]) / rms(deltas[1])
    assert ax.get_title() == f"Gradient flow: ∂L/∂y of dense_1 is {ratio:.2g} times that of dense_2"


def test_a_gradient_of_0_is_said_and_not_drawn():
    model = network()
    model.layers[0].W = -np.ones((4, 5))  # all units dead
    ax = plots.gradient_flow(model, X, Y)
    assert np.isnan(ax.lines[0].get_ydata()[0])
    assert np.isnan(ax.lines[1].get_ydata()[0])
    assert [text.get_text() for text in ax.texts] == ["∂L/∂y is 0", "∂L/∂W is 0"]
    assert [text.xy[0] for text in ax.texts] == [0, 0]


def test_rows_of_gradients_are_histograms_of_their_sizes():
    model = network()
    _, flat = true_gradients(model)
    ax = plots.gradients(model, X, Y, bins=20)
    steps = [patch.get_data() for patch in ax.patches]
    assert [patch.baseline for patch in steps] == [1, 0]  # the first layer on top
    heights = []
    for (values, edges, floor), g in zip(steps, flat, strict=True):
        counts = np.histogram(np.abs(g), bins=edges)[0] / g.size
        heights.append((values - floor, counts))
        np.testing.assert_allclose(np.diff(np.log(edges)), np.diff(np.log(edges))[0])
    scale = 0.8 / max(counts.max() for _, counts in heights)
    for drawn, counts in heights:
        np.testing.assert_allclose(drawn, scale * counts, atol=1e-12)
    medians = [line.get_segments()[0][0, 0] for line in ax.collections]
    np.testing.assert_allclose(medians, [np.median(np.abs(g)) for g in flat], rtol=1e-9)
    names = [label.get_text() for label in ax.get_yticklabels()]
    for i, g in enumerate(flat):
        wanted = f"dense_{i + 1}\nmedian {np.median(np.abs(g)):.1e}"
        zeros = (g == 0).mean()
        assert names[i] == wanted + (f"\n{zeros:.0%} exactly 0" if zeros else "")
    assert "exactly 0" in names[0]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim() == pytest.approx((steps[0].edges[0], steps[0].edges[-1]))


def test_frozen_layers_are_left_out():
    model = network()
    model.freeze("dense_1")
    ax = plots.gradient_flow(model, X, Y)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["dense_2"]
    assert ax.get_title() == "Gradient flow"


@pytest.mark.parametrize("draw", [plots.gradients, plots.gradient_flow])
def test_what_gradients_refuse(draw):
    frozen = network()
    frozen.trainable = False
    with pytest.raises(ValueError, match=r"a layer that learns. Got none. Unfreeze one"):
        draw(frozen, X, Y)
    with pytest.raises(RuntimeError, match="not compiled"):
        draw(Sequential([Dense(3, input_dim=4)]), X, Y)
    with pytest.raises(RuntimeError, match="that is built"):
        draw(Sequential([Dense(3)]), X, Y)
    with pytest.raises(ValueError, match=r"x takes shape \(N, 4\). Got \(20, 3\)"):
        draw(network(), X[:, :3], Y)
    wild = Sequential([Dense(1, input_dim=4)], seed=0)
    wild.compile("sgd", "mse")
    wild.theta = np.full(wild.theta.size, 1e30)
    with pytest.raises(ValueError, match=r"whose loss is finite. Got a loss of inf"):
        draw(wild, X, Y)
    assert plt.get_fignums() == []
