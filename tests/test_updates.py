"""Which parts of theta an update moves, and what is remembered of each."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minnet import Sequential
from minnet.checks import Array
from minnet.layers import Dense
from minnet.optimizers import SGD, Adam
from minnet.updates import PIECE

X, Y = np.random.default_rng(0).standard_normal((12, 4)), np.arange(12) % 3


def three_layers(optimizer: object = None) -> Sequential:
    """Three Dense layers under Adam."""
    model = Sequential(
        [Dense(5, activation="tanh", input_dim=4), Dense(6, activation="tanh"), Dense(3)],
        seed=0,
        dtype="float64",
    )
    model.compile(optimizer or Adam(0.01), "mse")  # type: ignore[arg-type]
    return model


def step(model: Sequential) -> None:
    model.train_on_batch(X, np.eye(3)[Y])


def slots_of(model: Sequential, name: str) -> list[Array]:
    """The parts of m and v that belong to a layer."""
    assert model.updates is not None
    place = model.updates._layout[name]
    return [values[place] for values in model.updates.slots.values()]


def test_layers_that_learn_alike_are_one_run() -> None:
    model = three_layers()
    step(model)
    assert model.updates is not None
    runs = model.updates.runs(model.layers, model.theta, model.grad)
    assert [run.names for run in runs] == [("dense_1", "dense_2", "dense_3")]
    model.freeze("dense_2")
    runs = model.updates.runs(model.layers, model.theta, model.grad)
    assert [run.names for run in runs] == [("dense_1",), ("dense_3",)]


def test_long_runs_are_cut_into_pieces_that_cover_them() -> None:
    model = Sequential([Dense(300, input_dim=300)], seed=0)
    model.compile("adam", "mse")
    assert model.updates is not None
    (run,) = model.updates.runs(model.layers, model.theta, model.grad)
    assert max(piece.theta.size for piece in run.pieces) <= PIECE
    assert sum(piece.theta.size for piece in run.pieces) == model.theta.size
    for piece in run.pieces:
        assert np.shares_memory(piece.theta, model.theta)
        assert piece.theta.size == piece.grad.size == piece.slots[0].size == piece.scratch.size


def test_freezing_drops_a_layers_memory_and_no_other() -> None:
    model = three_layers()
    step(model)
    kept = [a.copy() for a in slots_of(model, "dense_1")]
    model.freeze("dense_2")
    model.unfreeze("dense_2")
    assert model.updates is not None
    model.updates.runs(model.layers, model.theta, model.grad)
    assert all((a == 0).all() for a in slots_of(model, "dense_2"))
    for a, b in zip(slots_of(model, "dense_1"), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.updates.counts == {"dense_1": 1, "dense_2": 0, "dense_3": 1}


def test_an_unfrozen_layer_counts_its_own_steps() -> None:
    """Adam's bias correction starts afresh: the first step has the full rate again."""
    model = three_layers(Adam(0.01, epsilon=1e-30))
    for _ in range(5):
        step(model)
    model.freeze("dense_2")
    model.unfreeze("dense_2")
    before = model.get_layer("dense_2").W.copy()
    step(model)
    moved = np.abs(model.get_layer("dense_2").W - before)
    np.testing.assert_allclose(moved, 0.01, rtol=1e-6)
    assert model.updates is not None
    assert model.updates.counts == {"dense_1": 6, "dense_2": 1, "dense_3": 6}


def test_layers_put_on_top_leave_the_others_memory() -> None:
    model = three_layers()
    step(model)
    kept = [a.copy() for a in slots_of(model, "dense_2")]
    model.pop()
    model.add(Dense(3, name="head"))
    assert model.updates is not None
    model.updates.runs(model.layers, model.theta, model.grad)
    for a, b in zip(slots_of(model, "dense_2"), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.updates.counts == {"dense_1": 1, "dense_2": 1, "head": 0}


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_as_the_original_does(duplicate: object) -> None:
    model = three_layers()
    step(model)
    twin = duplicate(model)  # type: ignore[operator]
    for m in (model, twin):
        step(m)
        step(m)
    np.testing.assert_array_equal(model.theta, twin.theta)
    step(twin)
    assert model.updates is not None
    assert model.updates.iterations == 3


def clipped(model: Sequential) -> float:
    """The norm of what was handed to the formula."""
    before = model.theta.copy()
    model.apply_gradient()
    return float(np.linalg.norm(model.theta - before))


def test_the_gradient_is_clipped_to_the_norm_over_what_is_trainable() -> None:
    model = three_layers(SGD(1.0, global_clipnorm=0.5))
    model.loss_and_gradient(X, np.eye(3)[Y])
    model.grad *= 1000.0
    assert clipped(model) == pytest.approx(0.5)
    model.freeze("dense_1")
    model.loss_and_gradient(X, np.eye(3)[Y])
    direction = model.grad.copy()
    model.grad *= 1000.0
    first = model.get_layer("dense_1").count_params()
    model.grad[:first] = 1e9  # a frozen layer's gradient counts for nothing
    before = model.theta.copy()
    model.apply_gradient()
    moved = model.theta - before
    assert np.linalg.norm(moved) == pytest.approx(0.5)
    np.testing.assert_allclose(
        moved[first:], -0.5 * direction[first:] / np.linalg.norm(direction[first:])
    )


def test_a_small_gradient_is_not_clipped() -> None:
    model = three_layers(SGD(1.0, global_clipnorm=1e9))
    model.loss_and_gradient(X, np.eye(3)[Y])
    expected = float(np.linalg.norm(model.grad))
    assert clipped(model) == pytest.approx(expected)


def test_decay_is_on_the_weights_and_proportional_to_the_rate() -> None:
    model = three_layers(SGD(0.1, weight_decay=0.5))
    model.loss_and_gradient(X, np.eye(3)[Y])
    before = model.theta.copy()
    expected = before * (1 - 0.1 * 0.5) - 0.1 * model.grad
    model.apply_gradient()
    np.testing.assert_allclose(model.theta, expected, rtol=1e-14)


def test_a_schedule_counts_updates_from_zero() -> None:
    seen: list[int] = []

    def schedule(step: int) -> float:
        seen.append(step)
        return 0.1

    model = three_layers(SGD(schedule))
    for _ in range(3):
        step(model)
    assert seen == [0, 1, 2]
