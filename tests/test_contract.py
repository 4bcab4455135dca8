"""What every layer, loss, optimizer, metric, schedule and initializer keeps, a user's own included.

The batteries find the classes of the package by themselves: a new one is tested by being there.
"""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import minnet
from minnet import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from minnet.foundation.checks import Array
from minnet.foundation.registry import _KNOWN, Configurable, from_config, is_registered, to_config
from minnet.initializers import Constant, Initializer
from minnet.layers import Layer
from minnet.losses import Loss
from minnet.metrics import Metric
from minnet.optimizers import Optimizer
from minnet.schedules import Schedule
from tests.complex_step import assert_close, assert_gradients, derivative
from tests.strategies import seeds


@minnet.register
class Stretch(Layer):
    """A student's layer, as the docstring of `Layer` shows it: y = s · x."""

    parameters = ("s",)

    def build(self, input_shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.add_weight("s", input_shape, Constant(1.5), rng)

    def forward(self, x: Array, memo: Any = None) -> Array:
        return x * self.s

    def backward(self, x: Array, y: Array, dy: Array, memo: Any = None) -> Array:
        return dy * self.s

    def gradient(self, x: Array, y: Array, dy: Array, memo: Any = None) -> None:
        self.ds[...] = (dy * x).sum(axis=0)


@minnet.register
class Quartic(Loss):
    """A student's loss: the mean fourth power of the error."""

    def per_sample(self, prediction: Array, target: Array) -> Array:
        return ((prediction - target) ** 4).mean(axis=1)

    def gradient(self, prediction: Array, target: Array) -> Array:
        return 4 * (prediction - target) ** 3 / prediction.size


@minnet.register
class SignDescent(Optimizer):
    """A student's optimizer: θ ← θ − η sign(g)."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def update(self, theta, grad, slots, t, learning_rate, scratch):  # type: ignore[no-untyped-def]
        theta -= learning_rate * np.sign(grad)


@minnet.register
class Bias(Metric):
    """A student's metric: the mean error."""

    def statistics(self, prediction: Array, target: Array) -> Array:
        return np.array([(prediction - target).sum(), prediction.size])


EXAMPLES: dict[str, dict[str, Any]] = {
    "Weighted": {"metric": "mae"},
    "Dense": {"units": 3},
    "Activation": {"activation": "tanh"},
    "Dropout": {"rate": 0.4},
    "AlphaDropout": {"rate": 0.4},
    "GaussianDropout": {"rate": 0.4},
    "GaussianNoise": {"stddev": 0.4},
    "Rescaling": {"scale": 0.4},
    "Reshape": {"target_shape": (3, 1)},
    "Conv2D": {"filters": 2, "kernel_size": (2, 3), "padding": "same"},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "InverseScaling": {"initial_learning_rate": 0.1},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "PiecewiseConstantDecay": {"boundaries": [3], "values": [0.1, 0.01]},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "LinearWarmup": {"warmup_steps": 3, "then": 0.1},
    "OneCycle": {"max_learning_rate": 0.1, "total_steps": 20},
    "Input": {"shape": (3,)},
    "MeanLoss": {"loss": "huber"},
}
"""Arguments for those classes that cannot be made without any."""


def kinds(base: type) -> list[Any]:
    """One object of each known class of this kind: the package's, and those above."""
    return [
        cls(**EXAMPLES.get(name, {}))
        for name, cls in sorted(_KNOWN.items())
        if issubclass(cls, base)
        and cls is not base
        and cls.__module__.startswith(("minnet.", __name__))
    ]


def every(*modules: Any) -> Iterator[type]:
    """The public classes of these modules that describe themselves."""
    for module in modules:
        for name, thing in vars(module).items():
            if inspect.isclass(thing) and issubclass(thing, Configurable) and name[0] != "_":
                yield thing


LAYERS, LOSSES, OPTIMIZERS = kinds(Layer), kinds(Loss), kinds(Optimizer)
METRICS, SCHEDULES, INITIALIZERS = kinds(Metric), kinds(Schedule), kinds(Initializer)
REGULARIZERS = kinds(regularizers.Regularizer)
CONSTRAINTS = kinds(constraints.Constraint)
ALL = [
    *LAYERS,
    *LOSSES,
    *OPTIMIZERS,
    *METRICS,
    *SCHEDULES,
    *INITIALIZERS,
    *REGULARIZERS,
    *CONSTRAINTS,
]
name_of = lambda thing: type(thing).__name__  # noqa: E731


def test_no_class_of_the_package_is_forgotten() -> None:
    bases = {Layer, Loss, Optimizer, Metric, Schedule, Initializer}
    bases |= {regularizers.Regularizer, constraints.Constraint}
    found = every(
        layers, losses, optimizers, metrics, schedules, initializers, regularizers, constraints
    )
    missing = {
        cls.__name__
        for cls in found
        if cls not in bases and not is_registered(cls) and not cls.cannot_be_saved
    }
    assert missing <= {"Configurable"}


@pytest.mark.parametrize("thing", ALL, ids=name_of)
def test_it_is_described_in_json_and_made_again(thing: Configurable) -> None:
    text = json.dumps(to_config(thing), allow_nan=False)
    again = from_config(json.loads(text))
    assert type(again) is type(thing)
    assert repr(again) == repr(thing)
    assert json.dumps(to_config(again)) == text


@pytest.mark.parametrize("thing", ALL, ids=name_of)
def test_copies_and_pickles_are_alike(thing: Configurable) -> None:
    for twin in (copy.deepcopy(thing), copy.copy(thing), pickle.loads(pickle.dumps(thing))):
        assert repr(twin) == repr(thing)


@pytest.mark.parametrize("thing", ALL, ids=name_of)
def test_an_unknown_argument_is_a_type_error(thing: Configurable) -> None:
    with pytest.raises(TypeError):
        type(thing)(**EXAMPLES.get(name_of(thing), {}), colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("thing", ALL, ids=name_of)
def test_it_is_explained(thing: Configurable) -> None:
    assert inspect.getdoc(type(thing)) != inspect.getdoc(type(thing).__mro__[1])


# --- layers ---------------------------------------------------------------------------------------


def sample_shape(layer: Layer) -> tuple[int, ...]:
    """Three inputs, or a small image for a layer that takes images."""
    of_images = (
        *(layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D, layers.ZeroPadding2D),
        *(layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D),
    )
    return (4, 3, 2) if isinstance(layer, of_images) else (3,)


def built(layer: Layer, dtype: str) -> tuple[Layer, Array]:
    """A layer that is built, and a batch for it."""
    layer, shape = layer.copy(), sample_shape(layer)
    layer.dtype = np.dtype(dtype)
    layer.build(shape, np.random.default_rng(0))
    return layer, np.random.default_rng(1).standard_normal((4, *shape)).astype(dtype)


def memo() -> dict[str, Any]:
    return {"rng": np.random.default_rng(5)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_a_layer_keeps_the_dtype_it_is_given(layer: Layer, dtype: str) -> None:
    layer, x = built(layer, dtype)
    steps = layer.steps()
    assert len(steps) >= 1
    for step in steps:
        m = memo()
        y = step.forward(x, m)
        dx = step.backward(x, y, np.ones_like(y), m)
        step.gradient(x, y, np.ones_like(y), m)
        assert y.dtype == dx.dtype == dtype
        assert dx.shape == x.shape
        assert all(array.dtype == dtype for array in step.arrays().values())
        x = y


@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_a_layer_writes_into_nothing_it_is_handed(layer: Layer) -> None:
    layer, x = built(layer, "float64")
    x.flags.writeable = False
    y = layer.forward(x, memo())
    dy = np.ones_like(y)
    dy.flags.writeable = False
    kept = [array.copy() for array in layer.arrays().values()]
    m = memo()
    y = layer.forward(x, m)
    y.flags.writeable = False
    layer.backward(x, y, dy, m)
    layer.gradient(x, y, dy, m)
    for before, after in zip(kept, layer.arrays().values(), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_the_output_shape_is_as_promised(layer: Layer) -> None:
    layer, x = built(layer, "float64")
    assert layer.forward(x).shape[1:] == layer.compute_output_shape(x.shape[1:])


@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_the_same_random_state_gives_the_same_output(layer: Layer) -> None:
    layer, x = built(layer, "float64")
    np.testing.assert_array_equal(layer.forward(x, memo()), layer.forward(x, memo()))
    np.testing.assert_array_equal(layer.forward(x), layer.forward(x))


@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
@settings(max_examples=15)
@given(seed=seeds)
def test_gradients_are_the_complex_steps(layer: Layer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = layer.copy()
    layer.dtype = np.dtype("float64")
    shape = sample_shape(layer)
    layer.build(shape, rng)
    for step in layer.steps():
        x = rng.standard_normal((5, *shape))
        dy = rng.standard_normal(step.forward(x).shape)
        assert_gradients(step, x, dy, {"rng": np.random.default_rng(seed)})


# --- losses ---------------------------------------------------------------------------------------


def example(loss: Loss, rng: np.random.Generator) -> tuple[Array, Array]:
    """A prediction and a target that suit this loss."""
    if isinstance(loss, losses.CrossEntropy):
        p = rng.dirichlet(np.ones(3), size=4)
        return p, rng.integers(3, size=4)
    if isinstance(loss, losses.BinaryCrossEntropy):
        return rng.uniform(0.05, 0.95, (4, 3)), rng.integers(2, size=(4, 3)).astype(float)
    scores = rng.standard_normal((4, 3))
    if isinstance(loss, (losses.Hinge, losses.SquaredHinge)):
        return scores, rng.choice([-1.0, 1.0], size=(4, 3))
    if isinstance(loss, losses.CategoricalHinge):
        return scores, np.eye(3)[rng.integers(3, size=4)]
    if isinstance(loss, losses.KLDivergence):
        return rng.dirichlet(np.ones(3), size=4), rng.dirichlet(np.ones(3), size=4)
    if isinstance(loss, (losses.Poisson, losses.MeanSquaredLogarithmicError)):
        return rng.uniform(0.1, 5.0, (4, 3)), rng.integers(5, size=(4, 3)).astype(float)
    return scores, rng.standard_normal((4, 3))


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
@given(seed=seeds)
def test_a_losss_gradient_is_that_of_its_mean(loss: Loss, seed: int) -> None:
    p, t = example(loss, np.random.default_rng(seed))
    target = loss.check_target(t, p.shape[1:])
    numeric = derivative(lambda z: loss.per_sample(z, target).sum() / len(z), p)
    assert_close(loss.gradient(p, target), numeric, name_of(loss))
    assert loss(p, t) == pytest.approx(float(loss.per_sample(p, target).mean()))


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_a_loss_keeps_float32_and_writes_into_nothing(loss: Loss) -> None:
    p, t = example(loss, np.random.default_rng(0))
    p = p.astype(np.float32)
    t = t if t.dtype.kind == "i" else t.astype(np.float32)
    p.flags.writeable = t.flags.writeable = False
    assert loss.per_sample(p, t).dtype == loss.gradient(p, t).dtype == np.float32
    assert loss.gradient(p, t).shape == p.shape
    assert loss.per_sample(p, t).shape == (4,)


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
@given(seed=seeds)
def test_a_permuted_batch_has_the_same_loss(loss: Loss, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, t = example(loss, rng)
    order = rng.permutation(len(p))
    assert loss(p[order], t[order]) == pytest.approx(loss(p, t))
    twice = loss(np.concatenate([p, p]), np.concatenate([t, t]))
    assert twice == pytest.approx(loss(p, t))


# --- all together ---------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_every_optimizer_learns_a_line(optimizer: Optimizer) -> None:
    x = np.linspace(-1, 1, 64)[:, None]
    model = minnet.Sequential([layers.Dense(1, input_dim=1)], seed=0)
    optimizer = copy.deepcopy(optimizer)
    optimizer.learning_rate = 20.0 if isinstance(optimizer, optimizers.Adadelta) else 0.05
    model.compile(optimizer, "mse")
    before = model.evaluate(x, 0.5 * x + 0.2)["loss"]
    model.fit(x, 0.5 * x + 0.2, epochs=20, verbose=0, seed=0)
    assert model.evaluate(x, 0.5 * x + 0.2)["loss"] < 0.5 * before


def test_a_students_own_classes_train_save_and_load_together(tmp_path: Any) -> None:
    x = np.random.default_rng(0).random((32, 3))
    model = minnet.Sequential([layers.Dense(4, input_dim=3), Stretch(), layers.Dense(2)], seed=0)
    model.compile(SignDescent(), Quartic(), [Bias()])
    history = model.fit(x, x[:, :2], epochs=3, verbose=0).history
    assert set(history) == {"loss", Bias().name}
    assert minnet.check_gradients(model, x, x[:, :2]).ok
    model.save(tmp_path / "mine.npz")
    again = minnet.load(tmp_path / "mine.npz")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert isinstance(again.loss, Quartic)


# --- one dtype throughout, nothing handed over is written, the same gives the same ----------------

LOGITS = [losses.CrossEntropy(from_logits=True), losses.BinaryCrossEntropy(from_logits=True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_a_whole_step_of_a_layer_is_in_one_dtype(layer: Layer, dtype: str) -> None:
    layer, x = built(layer, dtype)
    for step in layer.steps():
        m = memo()
        y = step.forward(x, m)
        dx = step.backward(x, y, y, m)
        step.gradient(x, y, y, m)
        step.after_step(m)
        gradients = [getattr(step, "d" + name) for name in step.parameters]
        kept = [a for a in m.values() if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        arrays = [y, dx, step.forward(x), *step.arrays().values(), *gradients, *kept]
        assert {array.dtype.name for array in arrays} == {dtype}
        x = y


@pytest.mark.parametrize("layer", LAYERS, ids=name_of)
def test_a_copied_layer_computes_the_same_and_shares_nothing(layer: Layer) -> None:
    layer, x = built(layer, "float32")
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin.forward(x), layer.forward(x))
        for a, b in zip(twin.arrays().values(), layer.arrays().values(), strict=True):
            assert not np.shares_memory(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [*LOSSES, *LOGITS], ids=repr)
def test_a_loss_stays_in_its_dtype_and_repeats_itself(loss: Loss, dtype: str) -> None:
    p, t = example(loss, np.random.default_rng(0))
    p = p * 3 if loss.from_logits else p  # rows of logits, which sum to anything
    p, t = p.astype(dtype), t if t.dtype.kind == "i" else t.astype(dtype)
    p.flags.writeable = t.flags.writeable = False
    assert {loss.per_sample(p, t).dtype.name, loss.gradient(p, t).dtype.name} == {dtype}
    np.testing.assert_array_equal(loss.gradient(p, t), loss.gradient(p, t))
    assert type(loss(p, t)) is float
    assert loss(p, t) == loss(p, t)


def updated(optimizer: Optimizer, dtype: str, steps: int = 3) -> tuple[Array, list[Array]]:
    """theta and the slots after some updates; what the formula has no right to write is locked."""
    theta, *grads = (np.random.default_rng(i).standard_normal(6).astype(dtype) for i in range(4))
    slots = tuple(np.full_like(theta, optimizer.initial(slot)) for slot in optimizer.slots)
    for t, grad in enumerate(grads[:steps], 1):
        grad.flags.writeable = False
        optimizer.decay(theta, 0.1)
        optimizer.update(theta, grad, slots, t, 0.1, np.full_like(theta, np.nan))
    return theta, list(slots)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_an_optimizer_stays_in_its_dtype_and_repeats_itself(
    optimizer: Optimizer, dtype: str
) -> None:
    theta, slots = updated(optimizer, dtype)
    assert {array.dtype.name for array in (theta, *slots)} == {dtype}
    again, _ = updated(optimizer, dtype)
    np.testing.assert_array_equal(theta, again)
    assert np.isfinite(theta).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_an_optimizer_that_was_copied_or_written_down_is_the_same_formula(
    optimizer: Optimizer,
) -> None:
    made = from_config(to_config(optimizer))
    for twin in (made, copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        np.testing.assert_array_equal(updated(twin, "float32")[0], updated(optimizer, "float32")[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_an_optimizer_remembers_nothing_itself(optimizer: Optimizer) -> None:
    before = dict(vars(optimizer))
    updated(optimizer, "float32")
    assert vars(optimizer) == before


def answered(metric: Metric) -> tuple[Array, Array]:
    """Predictions and targets that suit this metric."""
    rng = np.random.default_rng(0)
    p = rng.random((8, 6)).astype(np.float32)
    if isinstance(metric, (metrics.Accuracy, metrics.TopKCategoricalAccuracy)):
        return p, rng.integers(6, size=8)
    return p, rng.integers(2, size=(8, 6)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_a_metric_is_a_float_and_writes_into_nothing(metric: Metric) -> None:
    p, t = answered(metric)
    p.flags.writeable = t.flags.writeable = False
    assert type(metric(p, t)) is float
    assert metric(p, t) == metric(p, t) == pickle.loads(pickle.dumps(metric))(p, t)


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_a_metric_of_merged_batches_is_that_of_all(metric: Metric) -> None:
    p, t = answered(metric)
    parts = [metric.statistics(p[a:b], t[a:b]) for a, b in ((0, 1), (1, 6), (6, 8))]
    merged = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    assert metric.result(merged) == pytest.approx(metric(p, t), rel=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name_of)
def test_a_schedule_gives_finite_floats_for_every_update(schedule: Schedule) -> None:
    for step in (0, 1, 3, 5, 19, 20, 1000):
        assert type(schedule(step)) is float
        assert 0.0 <= schedule(step) < np.inf
        assert schedule(np.int64(step)) == schedule(step)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name_of)
def test_a_schedule_that_was_copied_or_written_down_gives_the_same_rates(
    schedule: Schedule,
) -> None:
    made = from_config(to_config(schedule))
    for twin in (made, copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert [twin(s) for s in range(30)] == [schedule(s) for s in range(30)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name_of)
def test_a_schedule_is_saved_inside_its_optimizer(schedule: Schedule) -> None:
    text = json.dumps(to_config(optimizers.Adam(schedule)))
    again = from_config(json.loads(text))
    assert again.rate(4) == schedule(4)


@pytest.mark.parametrize("shape", [(4,), (3, 5), (2, 3, 4)])
@pytest.mark.parametrize("initializer", INITIALIZERS, ids=name_of)
def test_an_initializer_gives_float64_of_the_shape_from_the_seed_alone(
    initializer: Initializer, shape: tuple[int, ...]
) -> None:
    if isinstance(initializer, initializers.Identity) and len(shape) != 2:
        with pytest.raises(ValueError, match=r"Identity's shape takes two axes\. Got \("):
            initializer(shape, 3)
        return
    twin = pickle.loads(pickle.dumps(initializer))
    a, b = initializer(shape, np.random.default_rng(3)), twin(shape, np.random.default_rng(3))
    assert a.dtype == np.float64
    assert a.shape == shape
    assert np.isfinite(a).all()
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", REGULARIZERS, ids=name_of)
def test_a_regularizer_stays_in_its_dtype_and_writes_into_nothing(
    penalty: regularizers.Regularizer, dtype: str
) -> None:
    weights = np.random.default_rng(0).standard_normal((3, 4)).astype(dtype)
    weights.flags.writeable = False
    assert type(penalty(weights)) is float
    assert penalty.gradient(weights).dtype == dtype
    assert penalty.gradient(weights).shape == weights.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=name_of)
def test_a_constraint_stays_in_its_dtype_and_changes_nothing_the_second_time(
    constraint: constraints.Constraint, dtype: str
) -> None:
    weights = 9 * np.random.default_rng(0).standard_normal((3, 4)).astype(dtype)
    weights.flags.writeable = False
    bounded = constraint(weights)
    assert bounded.dtype == dtype
    assert bounded.shape == weights.shape
    np.testing.assert_allclose(constraint(bounded), bounded, rtol=1e-6)
