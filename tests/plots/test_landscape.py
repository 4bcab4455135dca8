"""Loss landscapes: of a bowl whose every height is known, of networks, and along paths."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet import Sequential, plots
from minnet.callbacks import RecordWeights
from minnet.layers import BatchNormalization, Dense
from minnet.plots.landscape import _components, _random_direction

CURVATURE = np.array([1.0, 4.0, 9.0])


class Bowl:
    """A plain object: the loss is 2 + Σ cᵢ θᵢ² / 2."""

    def __init__(self, theta=(0.0, 0.0, 0.0)):
        self.theta = np.array(theta)

    def evaluate(self, x, y, return_dict=True):
        return {"loss": 2.0 + 0.5 * (CURVATURE * self.theta**2).sum()}


def network():
    """A small network, its data, and the record of its training."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    model = Sequential([Dense(4, activation="tanh", input_dim=2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    record = RecordWeights()
    model.fit(x, x[:, :1] * x[:, 1:], epochs=6, verbose=0, callbacks=[record])
    return model, x, x[:, :1] * x[:, 1:], record


# --- along a line ---------------------------------------------------------------------------------


def test_the_loss_along_a_direction_is_that_of_the_bowl():
    ax = plots.loss_along(Bowl([1.0, 0.0, 0.0]), None, None, [0.0, 1.0, 1.0], reach=2, points=9)
    line, mark = ax.lines
    alphas = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(line.get_xdata(), alphas)
    np.testing.assert_allclose(line.get_ydata(), 2.5 + 6.5 * alphas**2)
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([0.0], [2.5])
    assert ax.get_legend().get_texts()[0].get_text() == "the model, loss 2.5"
    assert ax.get_title() == "Loss along a direction, at θ + α d"


def test_at_one_step_of_the_difference_stands_the_other_model():
    model, x, y, record = network()
    ax = plots.loss_along(model, x, y, record.thetas[0] - model.theta, points=3)
    before = Sequential([Dense(4, activation="tanh", input_dim=2), Dense(1)], seed=0)
    before.compile("sgd", "mse")
    here, there = ax.lines[0].get_ydata()[1:]
    assert here == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-6)
    assert there == pytest.approx(before.evaluate(x, y)["loss"], rel=1e-5)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_random_directions_are_as_long_as_the_weights_of_each_unit(D, M, seed):
    model = Sequential([Dense(M, input_dim=D), BatchNormalization(), Dense(2)], seed=seed)
    d = _random_direction(model, model.theta, np.random.default_rng(seed))
    twin = model.copy()
    twin.theta = d
    for layer, ours in zip(twin.layers, model.layers, strict=True):
        if hasattr(layer, "W"):
            lengths = np.linalg.norm(layer.W, axis=0), np.linalg.norm(ours.W, axis=0)
            np.testing.assert_allclose(*lengths, rtol=1e-5)
            assert not layer.b.any()
        else:
            assert not any(array.any() for array in (getattr(layer, n) for n in layer.parameters))


def test_the_seed_decides_the_direction():
    model, x, y, _ = network()
    a, b, c = (
        plots.loss_along(model, x, y, points=5, seed=seed).lines[0].get_ydata()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c)


# --- over a plane ---------------------------------------------------------------------------------


def levels_and_lines(ax):
    """The levels of equal loss, with the points of the line at each."""
    drawn = next(c for c in ax.collections if hasattr(c, "levels") and not c.filled)
    return list(zip(drawn.levels, [path.vertices for path in drawn.get_paths()], strict=True))


def test_lines_of_equal_loss_are_the_ellipses_of_the_bowl():
    directions = [[1.0, 0, 0], [0, 1.0, 0]]
    ax = plots.loss_surface(Bowl(), None, None, directions=directions, reach=2, points=81)
    drawn = 0
    for level, vertices in levels_and_lines(ax):
        losses = 2.0 + 0.5 * (vertices[:, 0] ** 2 + 4 * vertices[:, 1] ** 2)
        np.testing.assert_allclose(losses, level, rtol=2e-3)
        drawn += len(vertices) > 0
    assert drawn > 5
    assert ax.get_xlim() == ax.get_ylim() == (-2, 2)
    assert ax.get_xlabel() == "α: step along direction 1"
    assert ax.figure.axes[1].get_ylabel() == "loss"


def test_losses_that_go_far_are_shaded_by_factors():
    flat = plots.loss_surface(Bowl(), None, None, directions=np.eye(3)[:2], reach=0.5, points=9)
    deep = plots.loss_surface(Bowl(), None, None, directions=np.eye(3)[:2], reach=50, points=9)
    for ax, steps in ((flat, np.diff), (deep, lambda v: np.diff(np.log(v)))):
        levels = np.array([level for level, _ in levels_and_lines(ax)])
        np.testing.assert_allclose(steps(levels), steps(levels)[0])


def test_a_path_is_drawn_in_its_own_plane_with_start_and_end():
    thetas = [[4.0, 0, 1], [3.0, 2, 1], [1.0, 1, 1], [0.0, 0, 1]]  # in the plane θ₃ = 1
    ax = plots.loss_surface(Bowl(), None, None, thetas, points=61)
    path, start, end = ax.lines
    walked = path.get_xydata()
    between = np.linalg.norm(walked[:, None] - walked[None], axis=-1)
    true = np.linalg.norm(np.subtract.outer(thetas, thetas).diagonal(axis1=1, axis2=3), axis=-1)
    np.testing.assert_allclose(between, true, atol=1e-9)  # distances are those of the weights
    np.testing.assert_allclose(start.get_xydata()[0], walked[0])
    np.testing.assert_allclose(end.get_xydata()[0], [0, 0], atol=1e-12)
    shares = [
        float(label().split("(")[1].split("%")[0]) for label in (ax.get_xlabel, ax.get_ylabel)
    ]
    assert sum(shares) == pytest.approx(100, abs=1)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < walked[:, 0].min() <= walked[:, 0].max() < right
    assert low < walked[:, 1].min() <= walked[:, 1].max() < high
    assert ax.get_title() == "Loss surface, with a path of 4 points"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["path", "start", "end"]
    assert len({line.get_marker() for line in ax.lines}) == 3


def test_the_map_under_a_path_has_the_losses_of_the_bowl():
    thetas = np.array([[4.0, 0, 1], [3.0, 2, 1], [1.0, 1, 1], [0.0, 0, 1]])
    d1, d2, _ = _components(thetas - thetas[-1], np.random.default_rng(0), "x")
    ax = plots.loss_surface(Bowl(), None, None, thetas, points=81)
    for level, vertices in levels_and_lines(ax):
        places = thetas[-1] + vertices @ np.stack([d1, d2])
        losses = 2.0 + 0.5 * (places**2) @ CURVATURE
        np.testing.assert_allclose(losses, level, rtol=0.02)


def test_components_are_orthonormal_and_a_straight_path_has_one():
    rng = np.random.default_rng(0)
    for differences in (
        rng.normal(size=(9, 5)),
        np.outer(np.arange(3.0), np.ones(5)),
        rng.normal(size=(2, 5)) * [[1], [0]],
    ):
        d1, d2, shares = _components(differences, rng, "x")
        assert d1 @ d1 == pytest.approx(1)
        assert d2 @ d2 == pytest.approx(1)
        assert d1 @ d2 == pytest.approx(0, abs=1e-9)
    assert shares.tolist() == [1, 0]


def test_shares_are_those_of_the_squares():
    differences = np.array([[3.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0], [0, 0, 0]])
    d1, d2, shares = _components(differences, np.random.default_rng(0), "x")
    np.testing.assert_allclose(np.abs([d1, d2]), np.eye(3)[:2], atol=1e-12)
    np.testing.assert_allclose(shares, [9 / 14, 4 / 14])


def test_a_recorded_training_ends_at_the_model():
    model, x, y, record = network()
    ax = plots.loss_surface(model, x, y, record, points=5)
    assert len(ax.lines[0].get_xydata()) == 7
    alone = plots.loss_surface(model, x, y, points=5)
    assert [t.get_text() for t in alone.get_legend().get_texts()] == ["the model"]
    assert alone.lines[0].get_xydata().tolist() == [[0, 0]]


def test_a_loss_that_overflows_is_a_gap_in_the_map():
    class Cliff(Bowl):
        def evaluate(self, x, y, return_dict=True):
            return {"loss": np.inf if self.theta[0] > 0.5 else 1.0 + self.theta[0] ** 2}

    ax = plots.loss_surface(Cliff(), None, None, directions=np.eye(3)[:2], points=21)
    for _, vertices in levels_and_lines(ax):
        assert (vertices[:, 0] <= 0.5).all()


def test_a_flat_loss_can_be_drawn():
    class Plain(Bowl):
        def evaluate(self, x, y, return_dict=True):
            return {"loss": 1.0}

    ax = plots.loss_surface(Plain(), None, None, directions=np.eye(3)[:2], points=5)
    ax.figure.canvas.draw()
    assert ax.figure.axes[1].get_ylim() == (0.5, 1.5)


class Void(Bowl):
    """No loss anywhere."""

    def evaluate(self, x, y, return_dict=True):
        return {"loss": np.nan}


@pytest.mark.parametrize(
    ("draw", "arguments", "error", "message"),
    [
        (plots.loss_along, {"direction": [1.0]}, ValueError, r"shape \(3,\), as theta. Got \(1,\)"),
        (plots.loss_along, {"direction": np.zeros(3)}, ValueError, r"leads somewhere. Got zeros"),
        (plots.loss_along, {"direction": [np.nan] * 3}, ValueError, r"direction takes finite"),
        (plots.loss_along, {"reach": 0}, ValueError, r"loss_along's reach takes .* above 0"),
        (plots.loss_along, {"points": 1}, ValueError, r"points takes a whole number, 2 or more"),
        (plots.loss_along, {"seed": -1}, ValueError, r"loss_along's seed takes"),
        (plots.loss_along, {"model": 3}, TypeError, r"a model with theta, evaluate. Got 3"),
        (plots.loss_surface, {"path": [np.ones(3)]}, ValueError, r"two or more weights. Got 1"),
        (plots.loss_surface, {"path": RecordWeights()}, ValueError, r"Got 0. Record one"),
        (plots.loss_surface, {"path": "p"}, TypeError, r"a list of weights, or RecordWeights\(\)"),
        (plots.loss_surface, {"path": np.ones(3)}, TypeError, r"a list of .*shape \(3,\), float64"),
        (plots.loss_surface, {"directions": 3}, ValueError, r"takes two directions .* Got 3"),
        (plots.loss_surface, {"path": [np.ones(3)] * 2}, ValueError, r"a path that moves.*2 times"),
        (
            plots.loss_surface,
            {"path": np.ones((2, 4))},
            ValueError,
            r"shape \(3,\), as theta. Got \(4,",
        ),
        (
            plots.loss_surface,
            {"path": np.eye(3), "directions": np.eye(3)[:2]},
            ValueError,
            r"a path or directions. Got both",
        ),
        (plots.loss_surface, {"directions": np.eye(3)}, ValueError, r"takes two directions"),
        (plots.loss_surface, {"model": Void()}, ValueError, r"where the loss is finite. Got none"),
    ],
)
def test_what_landscapes_refuse(draw, arguments, error, message):
    with pytest.raises(error, match=message):
        draw(**{"model": Bowl([1.0, 1, 1]), "x": None, "y": None, "points": 3, **arguments})


def test_a_model_that_is_not_ready_is_refused_before_a_figure_is_made():
    for draw in (plots.loss_along, plots.loss_surface):
        with pytest.raises(RuntimeError, match="that is built"):
            draw(Sequential([Dense(1)]), np.ones((2, 2)), np.ones(2))
        with pytest.raises(RuntimeError, match="not compiled"):
            draw(Sequential([Dense(1, input_dim=2)], seed=0), np.ones((2, 2)), np.ones(2))
    assert plt.get_fignums() == []
