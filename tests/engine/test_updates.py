"""Which parts of theta an update moves, and what is remembered of each."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet import Sequential
from minnet.engine import updates
from minnet.engine.plan import make_plan
from minnet.engine.updates import CACHE_NUMBERS
from minnet.foundation.checks import Array
from minnet.layers import BatchNormalization, Dense, Dropout, Tanh
from minnet.layers.base import bind
from minnet.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, Optimizer, RMSprop
from tests.strategies import seeds

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
    numbers = model.updates.slices[name]
    return [values[numbers] for values in model.updates.slots.values()]


def test_layers_that_learn_alike_are_one_group() -> None:
    model = three_layers()
    step(model)
    assert model.updates is not None
    groups = model.update_groups()
    assert [group.names for group in groups] == [("dense_1", "dense_2", "dense_3")]
    model.freeze("dense_2")
    groups = model.update_groups()
    assert [group.names for group in groups] == [("dense_1",), ("dense_3",)]


def test_long_groups_are_cut_into_pieces_that_cover_them() -> None:
    model = Sequential([Dense(300, input_dim=300)], seed=0)
    model.compile("adam", "mse")
    assert model.updates is not None
    (group,) = model.update_groups()
    assert max(piece.theta.size for piece in group.pieces) <= CACHE_NUMBERS
    assert sum(piece.theta.size for piece in group.pieces) == model.theta.size
    for piece in group.pieces:
        assert np.shares_memory(piece.theta, model.theta)
        assert piece.theta.size == piece.grad.size == piece.slots[0].size == piece.scratch.size


def test_freezing_drops_a_layers_memory_and_no_other() -> None:
    model = three_layers()
    step(model)
    kept = [a.copy() for a in slots_of(model, "dense_1")]
    model.freeze("dense_2")
    model.unfreeze("dense_2")
    assert model.updates is not None
    model.update_groups()
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
    model.update_groups()
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


# --- what counts as the same layer ----------------------------------------------------------------


def test_a_new_layer_with_an_old_ones_name_and_size_starts_afresh() -> None:
    model = three_layers()
    for _ in range(3):
        step(model)
    model.pop()
    model.add(Dense(3))
    assert [layer.name for layer in model.layers] == ["dense_1", "dense_2", "dense_3"]
    model.update_groups()
    assert all((a == 0).all() for a in slots_of(model, "dense_3"))
    assert model.updates.counts == {"dense_1": 3, "dense_2": 3, "dense_3": 0}


def test_a_layer_added_on_top_moves_no_memory() -> None:
    model = three_layers()
    step(model)
    kept = {name: [a.copy() for a in slots_of(model, name)] for name in model.updates.counts}
    model.add(Dense(2))
    model.update_groups()
    for name, arrays in kept.items():
        for a, b in zip(slots_of(model, name), arrays, strict=True):
            np.testing.assert_array_equal(a, b)
    assert model.updates.counts == {"dense_1": 1, "dense_2": 1, "dense_3": 1, "dense_4": 0}


def test_memory_follows_a_layer_to_another_place_in_theta() -> None:
    layers = [Dense(2, name="low"), Dense(2, name="high")]
    for layer in layers:
        layer.build((2,), np.random.default_rng(0))
    memory = updates.Updates(SGD(0.1, momentum=0.9))
    theta, grad, _ = bind(layers, "float64")
    grad[...] = np.arange(12.0)
    memory.apply(memory.groups(make_plan(layers), SimpleNamespace(theta=theta, grad=grad)))
    theta, grad, _ = bind(layers[1:], "float64")
    memory.groups(make_plan(layers[1:]), SimpleNamespace(theta=theta, grad=grad))
    np.testing.assert_allclose(memory.slots["v"], -0.1 * np.arange(6.0, 12.0))
    assert memory.counts == {"high": 1}


def test_adagrads_sum_starts_again_where_it_started() -> None:
    model = three_layers(Adagrad(initial_accumulator_value=0.7))
    step(model)
    model.freeze("dense_2")
    model.unfreeze("dense_2")
    model.update_groups()
    (s,) = slots_of(model, "dense_2")
    assert (s == 0.7).all()
    assert (slots_of(model, "dense_1")[0] > 0.7).any()


def test_a_second_compile_forgets_everything() -> None:
    model = three_layers()
    step(model)
    model.compile(Adam(0.01), "mse")
    model.update_groups()
    assert model.updates.iterations == 0
    assert set(model.updates.counts.values()) == {0}
    assert not any(values.any() for values in model.updates.slots.values())


# --- runs and their rates -------------------------------------------------------------------------


def runs_of(model: Sequential) -> list[tuple[str, ...]]:
    return [group.names for group in model.update_groups()]


def constant(rate: float) -> Callable[[int], float]:
    return lambda step: rate


def test_layers_without_weights_do_not_part_a_run() -> None:
    model = Sequential([Dense(5, input_dim=4), Tanh(), Dropout(0.1), Dense(3)], seed=0)
    model.compile("adam", "mse")
    assert runs_of(model) == [("dense_1", "dense_2")]


def test_only_layers_with_the_same_rate_are_one_group() -> None:
    model, slow = three_layers(), constant(1e-3)
    model.updates.rates = {"dense_1": slow, "dense_2": slow}
    assert runs_of(model) == [("dense_1", "dense_2"), ("dense_3",)]
    model.updates.rates = {"dense_2": slow}
    assert runs_of(model) == [("dense_1",), ("dense_2",), ("dense_3",)]
    model.updates.rates = {}
    assert runs_of(model) == [("dense_1", "dense_2", "dense_3")]


def test_a_layer_frozen_from_the_start_parts_a_run() -> None:
    model = three_layers()
    model.freeze("dense_2")
    assert runs_of(model) == [("dense_1",), ("dense_3",)]


def test_a_rate_that_is_put_in_later_is_noticed() -> None:
    model = three_layers(SGD(0.5))
    model.updates.rates = {"dense_1": constant(0.1)}
    step(model)
    model.updates.rates["dense_2"] = constant(0.2)
    assert runs_of(model) == [("dense_1",), ("dense_2",), ("dense_3",)]


def test_only_layers_with_the_same_count_are_one_group() -> None:
    model = three_layers()
    step(model)
    model.freeze("dense_3")
    model.unfreeze("dense_3")
    assert runs_of(model) == [("dense_1", "dense_2"), ("dense_3",)]


def test_each_layer_moves_by_its_own_rate() -> None:
    model = three_layers(SGD(0.5))
    model.updates.rates = {"dense_1": constant(0.1), "dense_3": constant(0.0)}
    model.loss_and_gradient(X, np.eye(3)[Y])
    before = [layer.W.copy() for layer in model.layers]
    model.apply_gradient()
    for layer, W, rate in zip(model.layers, before, (0.1, 0.5, 0.0), strict=True):
        np.testing.assert_allclose(layer.W, W - rate * layer.dW, rtol=1e-13, atol=1e-16)


def test_a_layers_own_schedule_counts_the_models_updates() -> None:
    model, seen = three_layers(SGD(0.5)), []
    step(model)
    model.updates.rates = {"dense_2": lambda step: seen.append(step) or 0.1}  # type: ignore
    step(model)
    step(model)
    assert seen == [1, 2]


def test_rates_of_a_fit_are_not_copied() -> None:
    model = three_layers()
    model.updates.rates = {"dense_1": constant(0.1)}  # no function like this can be pickled
    assert pickle.loads(pickle.dumps(model)).updates.rates == {}


FORMULAS: list[Callable[..., Optimizer]] = [
    lambda **settings: SGD(0.01, **settings),
    lambda **settings: SGD(0.01, 0.9, nesterov=True, **settings),
    lambda **settings: RMSprop(0.01, momentum=0.5, centered=True, **settings),
    lambda **settings: Adagrad(0.01, **settings),
    lambda **settings: Adam(0.01, **settings),
    lambda **settings: AdamW(0.01, **settings),
    lambda **settings: Adadelta(0.01, **settings),
    lambda **settings: Adamax(0.01, **settings),
    lambda **settings: Nadam(0.01, **settings),
]


@pytest.mark.parametrize("make", FORMULAS)
def test_pieces_of_any_length_give_the_same_bits(
    make: Callable[..., Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = three_layers(make()), three_layers(make())
    for _ in range(3):
        step(whole)
    monkeypatch.setattr(updates, "CACHE_NUMBERS", 7)
    for _ in range(3):
        step(cut)
    (group,) = cut.update_groups()
    assert max(piece.theta.size for piece in group.pieces) <= 7
    np.testing.assert_array_equal(cut.theta, whole.theta)


@pytest.mark.parametrize("make", FORMULAS)
def test_weights_decay_before_the_update_and_beside_the_formula(
    make: Callable[..., Optimizer],
) -> None:
    decayed, plain = three_layers(make(weight_decay=0.5)), three_layers(make(weight_decay=0.0))
    grad = np.random.default_rng(1).standard_normal(plain.theta.size)
    plain.theta *= 1.0 - 0.01 * 0.5
    for model in (decayed, plain):
        model.grad[...] = grad
        model.apply_gradient()
    np.testing.assert_array_equal(decayed.theta, plain.theta)


@pytest.mark.parametrize("make", FORMULAS)
def test_a_rate_of_zero_moves_nothing_whatever_the_decay(make: Callable[..., Optimizer]) -> None:
    optimizer = make(weight_decay=0.5)
    optimizer.learning_rate = 0.0
    model = three_layers(optimizer)
    before = model.theta.copy()
    step(model)
    step(model)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("make", FORMULAS)
def test_float32_stays_float32_under_a_schedule_of_numpys_float64(
    make: Callable[..., Optimizer],
) -> None:
    optimizer = make(weight_decay=0.1, global_clipnorm=1.0)
    optimizer.learning_rate = lambda step: np.float64(0.01)  # type: ignore
    model = Sequential([Dense(3, input_dim=4)], seed=0)
    model.compile(optimizer, "mse")
    step(model)
    step(model)
    arrays = [model.theta, model.grad, *model.updates.slots.values()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def test_a_schedule_that_fails_leaves_everything_as_it_was() -> None:
    model = three_layers(Adam(0.01, global_clipnorm=1e-3))
    step(model)
    model.loss_and_gradient(X, np.eye(3)[Y])
    model.optimizer.learning_rate = lambda step: math.nan
    before = [model.theta.copy(), model.grad.copy()]
    before += [values.copy() for values in model.updates.slots.values()]
    with pytest.raises(ValueError, match="The schedule of Adam at step 1 takes a finite number"):
        model.apply_gradient()
    after = [model.theta, model.grad, *model.updates.slots.values()]
    for a, b in zip(after, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.updates.iterations == 1
    assert model.updates.counts == {"dense_1": 1, "dense_2": 1, "dense_3": 1}


# --- clipping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(seed=seeds, power=st.integers(-20, 37), largest=st.floats(1e-3, 1e3))
def test_a_clipped_gradient_has_at_most_the_norm_and_its_direction(
    dtype: str, seed: int, power: int, largest: float
) -> None:
    """Also where its squares are larger than any float32."""
    model = Sequential([Dense(3, input_dim=4)], seed=0, dtype=dtype)
    model.compile(SGD(0.0, global_clipnorm=largest), "mse")
    unit = np.random.default_rng(seed).standard_normal(model.theta.size)
    unit /= np.linalg.norm(unit)
    model.grad[...] = unit * 10.0**power
    model.apply_gradient()
    wanted = min(10.0**power, largest)
    np.testing.assert_allclose(model.grad, wanted * unit, rtol=1e-4, atol=1e-6 * wanted)


def test_a_gradient_beyond_the_squares_of_float64_is_clipped_too() -> None:
    model = three_layers(SGD(1.0, global_clipnorm=2.0))
    model.grad[...] = 1e200
    assert clipped(model) == pytest.approx(2.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clipping_makes_nothing_finite_that_was_not(bad: float) -> None:
    model = three_layers(SGD(1.0, global_clipnorm=2.0))
    model.grad[...] = 1.0
    model.grad[3] = bad
    model.apply_gradient()
    assert not np.isfinite(model.theta[3])


def test_a_gradient_of_zeros_is_left_alone() -> None:
    model = three_layers(SGD(1.0, global_clipnorm=2.0))
    model.grad[...] = 0.0
    assert clipped(model) == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipnorm_is_for_each_array_by_itself(dtype: str) -> None:
    model = Sequential([Dense(3, input_dim=4), Dense(2)], seed=0, dtype=dtype)
    model.compile(SGD(1.0, clipnorm=2.0), "mse")
    rng, before = np.random.default_rng(0), {}
    sizes = {"dense_1.W": 30.0, "dense_1.b": 0.5, "dense_2.W": 2.0, "dense_2.b": 9.0}
    for layer in model.layers:
        for name, gradient in layer.gradients().items():
            unit = rng.standard_normal(gradient.shape)
            unit *= sizes[f"{layer.name}.{name}"] / np.linalg.norm(unit)
            gradient[...] = before[f"{layer.name}.{name}"] = unit
    start = model.theta.copy()
    model.apply_gradient()
    moved = start - model.theta
    at = 0
    for name, unit in before.items():  # 30 → 2, 0.5 stays, 2 stays, 9 → 2
        wanted = unit * min(1.0, 2.0 / sizes[name])
        step = moved[at : at + unit.size].reshape(unit.shape)
        np.testing.assert_allclose(step, wanted, rtol=1e-5, atol=1e-6)
        at += unit.size


def test_clipvalue_cuts_every_number() -> None:
    model = three_layers(SGD(1.0, clipvalue=0.5))
    g = 2 * np.random.default_rng(0).standard_normal(model.theta.size)
    model.grad[...] = g
    start = model.theta.copy()
    model.apply_gradient()
    wanted = [max(-0.5, min(0.5, value)) for value in g]
    np.testing.assert_allclose(start - model.theta, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("way", ["clipnorm", "clipvalue"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_other_ways_make_nothing_finite_either(way: str, bad: float) -> None:
    model = three_layers(SGD(1.0, **{way: 2.0}))
    model.grad[...] = 1.0
    model.grad[3] = bad
    model.apply_gradient()
    assert not np.isfinite(model.theta[3])


@pytest.mark.parametrize("way", ["clipnorm", "clipvalue"])
def test_a_frozen_layers_gradient_is_not_clipped(way: str) -> None:
    model = three_layers(SGD(1.0, **{way: 1e-3}))
    model.freeze("dense_1")
    model.grad[...] = 1.0
    first = model.get_layer("dense_1").count_params()
    model.apply_gradient()
    assert (model.grad[:first] == 1.0).all()
    assert (np.abs(model.grad[first:]) < 1.0).all()


def test_clipnorm_survives_gradients_beyond_the_squares_of_float32() -> None:
    model = Sequential([Dense(3, input_dim=4)], seed=0)
    model.compile(SGD(0.0, clipnorm=2.0), "mse")
    model.grad[...] = 1e30
    model.apply_gradient()
    assert np.linalg.norm(model.layers[0].dW) == pytest.approx(2.0, rel=1e-5)
    assert np.linalg.norm(model.layers[0].db) == pytest.approx(2.0, rel=1e-5)


def test_the_arrays_of_a_group_are_its_gradient() -> None:
    model = three_layers()
    model.freeze("dense_2")
    step(model)
    for group in model.update_groups():
        np.testing.assert_array_equal(np.concatenate(group.arrays), group.grad)
        assert all(np.shares_memory(array, group.grad) for array in group.arrays)
        assert len(group.arrays) == 2


# --- what does not decay --------------------------------------------------------------------------


def after_decay(names, **settings):
    """The weights after three updates without any gradient: only the decay acts."""
    model = Sequential([Dense(3, input_dim=2), BatchNormalization(), Dense(1)], seed=0)
    model.compile(AdamW(0.1, weight_decay=0.5, **settings), "mse")
    model.theta = np.ones(model.theta.size)
    if names is not None:
        model.optimizer.exclude_from_weight_decay(names)
    model.grad[...] = 0.0
    for _ in range(3):
        model.apply_gradient()
    return {name: float(a.flat[0]) for name, a in model.named_arrays().items() if "mov" not in name}


ALL = {"dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"}
ALL |= {"batch_normalization_1.gamma", "batch_normalization_1.beta"}


@pytest.mark.parametrize(
    ("names", "spared"),
    [
        (None, set()),
        ([], set()),
        (["b", "gamma", "beta"], ALL - {"dense_1.W", "dense_2.W"}),
        (["bias", "gamma"], {"dense_1.b", "dense_2.b", "batch_normalization_1.gamma"}),
        (["dense_1.W"], {"dense_1.W"}),
        (["dense_1/kernel"], {"dense_1.W"}),
        (["batch_normalization_1.*"], {n for n in ALL if n.startswith("batch")}),
        (["*"], ALL),
    ],
)
def test_weights_that_are_excluded_from_decay_keep_their_bits(names, spared):
    after = after_decay(names)
    assert after.keys() == ALL
    assert {name for name, value in after.items() if value == 1.0} == spared
    decayed = float(np.float32(1.0) * np.float32(0.95) ** 3)
    assert all(after[name] == pytest.approx(decayed, rel=1e-6) for name in ALL - spared)


def test_what_does_not_decay_can_be_told_the_constructor_and_is_saved(tmp_path):
    spared = after_decay(None, excluded_from_weight_decay=["b"])
    assert spared == after_decay(["b"])
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile(AdamW(excluded_from_weight_decay=["b"]), "mse")
    model.save(tmp_path / "m.npz")
    assert minnet.load(tmp_path / "m.npz").optimizer.excluded_from_weight_decay == ("b",)


def test_the_exclusion_holds_across_pieces_of_theta(monkeypatch):
    whole = after_decay(["b", "gamma"])
    monkeypatch.setattr(updates, "CACHE_NUMBERS", 4)
    assert after_decay(["b", "gamma"]) == whole


@pytest.mark.parametrize("names", ["b", 3, [1], [""], None])
def test_names_that_are_none_are_refused(names):
    with pytest.raises(TypeError, match="excluded_from_weight_decay takes "):
        AdamW().exclude_from_weight_decay(names)


def test_an_optimizer_that_no_file_could_keep_the_names_of_says_so():
    class Own(Optimizer):
        def __init__(self, learning_rate=0.1):
            super().__init__(learning_rate)

    with pytest.raises(TypeError, match=r"hands its common arguments on.* Got Own. Write "):
        Own().exclude_from_weight_decay(["b"])


def test_a_name_of_no_weight_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"Got 'bais'. Weights: dense_1.W, dense_1.b, "):
        after_decay(["bais"])


def test_a_model_that_was_trained_at_a_rate_of_its_own_can_be_pickled():
    model = three_layers()
    x, y = np.ones((4, 4)), np.zeros((4, 3))
    model.fit(x, y, learning_rate=lambda step: 0.1, verbose=0)
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.fit(x, y, seed=0, verbose=0)
    assert again.theta.tobytes() == model.theta.tobytes()


def test_slots_follow_layers_that_come_and_go() -> None:
    """Memory that one stack gave back is the next one's: no layout is known by its place."""
    for _ in range(300):
        model = Sequential([Dense(4, input_dim=3)], seed=0)
        model.compile("adam", "mse")
        for layer in (Dropout(0.3), Dense(4)):
            model.update_groups()
            model.pop()
            model.add(layer)
        model.update_groups()
        assert list(model.updates.counts) == ["dense_1"]


def rarely_lit(optimizer: Optimizer, updates_made: int) -> Sequential:
    """A layer whose second input was seen once, and is 0 in all later batches."""
    model = Sequential([Dense(2, input_dim=2)], seed=0)
    model.compile(optimizer, "mse")
    model.train_on_batch([[1.0, 1.0]], [[0.0, 1.0]])
    for _ in range(updates_made):
        model.train_on_batch([[1.0, 0.0]], [[0.0, 1.0]])
    return model


@pytest.mark.parametrize("make", [Adam, RMSprop, lambda: SGD(0.01, momentum=0.9), Nadam])
def test_what_an_optimizer_remembers_never_stays_too_small_to_compute_with_fast(
    make: Callable[[], Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    smallest = np.finfo("float32").tiny
    cleared = rarely_lit(make(), 1_023)  # 1,024 updates: just after a look at the slots
    for values in cleared.compiled.updates.slots.values():
        assert not np.any((values != 0) & (np.abs(values) < smallest))
    monkeypatch.setattr(updates, "CLEAR_EVERY", 10**9)
    kept = rarely_lit(make(), 1_023)
    for a, b in zip(cleared.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_numbers_below_the_smallest_normal_one_are_cleared() -> None:
    values = np.array([1e-45, -1e-40, 0.0, 1.2e-38, -1.0, np.nan, np.inf], np.float32)
    updates.clear_subnormal(values)
    np.testing.assert_array_equal(
        values, np.array([0.0, 0.0, 0.0, 1.2e-38, -1.0, np.nan, np.inf], np.float32)
    )
