"""How often is the doctor right? Planted faults and healthy trainings, scored.

    python benchmarks/doctor.py [--seeds 5] [--only PART] [--verbose]

Each fault is planted in three or more networks on other data, with several seeds; right is where
its kind is first or second of the findings. Healthy trainings, before and after, should have none.
"""

from __future__ import annotations

import argparse
import collections
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import minnet
from minnet import Sequential, datasets
from minnet.initializers import Constant, RandomNormal
from minnet.layers import BatchNormalization, Dense, Dropout, ReLU
from minnet.optimizers import SGD, Adam, AdamW, RMSprop
from minnet.regularizers import L2

ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "softplus", "gelu")


class Case(NamedTuple):
    """A model with its data, and how it is to be trained."""

    model: Sequential
    x: Any
    y: Any
    settings: dict[str, Any]


Data = tuple[Any, Any, Any, Any]
Plant = Callable[[int, str], Case]


# --- networks that are as they should be ----------------------------------------------------------


def classes(name: str, seed: int) -> Data:
    """A classification by its name."""
    if name == "blobs":
        return datasets.blobs(300, classes=4, features=6, seed=seed)
    if name == "blobs2":
        return datasets.blobs(200, classes=3, seed=seed)
    if name == "digits":
        x, y, *test = datasets.digits(per_class=60, seed=seed)
        return x, y, *test
    if name == "spirals":
        return datasets.spirals(100, seed=seed)
    if name == "moons":
        return datasets.moons(200, seed=seed)
    if name == "rings":
        rng = np.random.default_rng(seed)
        y, angle = rng.integers(2, size=400), rng.uniform(0, 2 * np.pi, 400)
        radius = 0.5 + y + 0.1 * rng.standard_normal(400)
        x = np.c_[radius * np.cos(angle), radius * np.sin(angle)].astype(np.float32)
        return x[:300], y[:300], x[300:], y[300:]
    return datasets.xor(200, seed=seed)


def network(
    x: Any,
    outputs: int,
    seed: int,
    *,
    widths: tuple[int, ...] = (32,),
    hidden: str = "relu",
    last: str | None = "softmax",
    **settings: Any,
) -> Sequential:
    """Hidden layers and an output layer, not compiled."""
    layers = [Dense(width, activation=hidden, **settings) for width in widths]
    model = Sequential([*layers, Dense(outputs, activation=last)], seed=seed)
    model.build(x.shape[1:])
    return model


ARCHITECTURES: dict[str, tuple[str, tuple[int, ...], str]] = {
    "blobs 32 relu": ("blobs", (32,), "relu"),
    "digits 64-32 relu": ("digits", (64, 32), "relu"),
    "digits 32 tanh": ("digits", (32,), "tanh"),
    "blobs2 16-16 gelu": ("blobs2", (16, 16), "gelu"),
}
"""Name → data, widths, activation of the classifications that faults are planted in."""


def classifier(seed: int, name: str, optimizer: Any = None, **settings: Any) -> Case:
    """One of `ARCHITECTURES`, compiled."""
    data, widths, hidden = ARCHITECTURES[name]
    x, y, *_ = classes(data, seed)
    chosen: dict[str, Any] = {"widths": widths, "hidden": hidden, **settings}
    model = network(x, int(y.max()) + 1, seed, **chosen)
    model.compile(optimizer or "adam", "cross_entropy", ["accuracy"])
    return Case(model, x, y, {})


REGRESSIONS: dict[str, tuple[tuple[int, ...], str]] = {
    "sine 32 tanh": ((32,), "tanh"),
    "plane 16 relu": ((16,), "relu"),
    "waves 32-16 elu": ((32, 16), "elu"),
}


def curve(name: str, seed: int) -> tuple[Any, Any]:
    """A regression by its first word."""
    if name.startswith("sine"):
        x, y, *_ = datasets.sine(200, seed=seed)
        return x, y
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((300, 5)).astype(np.float32)
    slope = rng.standard_normal((5, 1))
    y = x @ slope if name.startswith("plane") else np.sin(x @ slope) + 0.5 * x[:, :1] ** 2
    y = (y - y.mean()) / y.std()
    return x, (y + 0.1 * rng.standard_normal((300, 1))).astype(np.float32)


def regressor(
    seed: int,
    name: str,
    optimizer: Any = None,
    *,
    last: str | None = None,
    change: Callable[[Any], Any] = lambda y: y,
    loss: str = "mse",
) -> Case:
    """One of `REGRESSIONS`, compiled, its targets changed."""
    widths, hidden = REGRESSIONS[name]
    x, y = curve(name, seed)
    model = network(x, 1, seed, widths=widths, hidden=hidden, last=last)
    model.compile(optimizer or "adam", loss)
    return Case(model, x, change(y), {})


# --- faults ---------------------------------------------------------------------------------------

FAULTS: list[tuple[str, str, Plant, tuple[str, ...]]] = []
"""Kind, variant, how to plant it, and the names of the networks."""

BOTH = tuple(ARCHITECTURES)
LINES = tuple(REGRESSIONS)
DIGITS = ("digits 64-32 relu", "digits 32 tanh", "digits 64 relu")
RELUS = ("blobs 32 relu", "digits 64-32 relu", "blobs2 64 relu")
ARCHITECTURES["blobs2 64 relu"] = ("blobs2", (64,), "relu")


def fault(kind: str, variant: str, names: tuple[str, ...] = BOTH) -> Callable[[Plant], Plant]:
    """Enter a function into `FAULTS`."""

    def enter(plant: Plant) -> Plant:
        FAULTS.append((kind, variant, plant, names))
        return plant

    return enter


def scaled_weights(case: Case, factor: float, layers: slice = slice(None)) -> Case:
    """All weights of some layers times a factor."""
    for layer in case.model.layers[layers]:
        layer.W = layer.W * factor
    return case


for factor in (20.0, 60.0):

    @fault("initial-loss", f"last layer times {factor:g}")
    def _(seed: int, name: str, factor: float = factor) -> Case:
        return scaled_weights(classifier(seed, name), factor, slice(-1, None))


@fault("initial-loss", "one bias 30")
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    case.model.layers[-1].b[0] = 30.0
    return case


for low, high in ((0.0, 255.0), (0.0, 1000.0), (-1e4, 1e4), (0.0, 1e-3)):

    @fault("input-scale", f"{low:g} to {high:g}")
    def _(seed: int, name: str, low: float = low, high: float = high) -> Case:
        case = classifier(seed, name)
        x = (case.x - case.x.min()) / np.ptp(case.x)
        return case._replace(x=low + (high - low) * x)


@fault("input-scale", "0 to 255 as integers, regression", LINES)
def _(seed: int, name: str) -> Case:
    case = regressor(seed, name)
    x = (case.x - case.x.min()) / np.ptp(case.x)
    return case._replace(x=(255 * x).astype(np.uint8))


for factor in (1e3, 1e6, 1e-4):

    @fault("feature-scale", f"one column times {factor:g}", ("blobs 32 relu", *LINES[1:]))
    def _(seed: int, name: str, factor: float = factor) -> Case:
        case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
        x = case.x.copy()
        x[:, 0] *= factor
        return case._replace(x=x)


@fault("feature-scale", "half the columns times 1e6", ("blobs 32 relu", "blobs2 64 relu", LINES[1]))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    x = case.x.copy()
    x[:, ::2] *= 1e6
    return case._replace(x=x)


@fault("feature-scale", "one outlier of 1e6", (*BOTH, *LINES))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    rng, x = np.random.default_rng(seed), case.x.copy()
    x[rng.integers(len(x)), rng.integers(x.shape[1])] = 1e6
    return case._replace(x=x)


@fault("dead-relu", "biases −10", RELUS)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    case.model.layers[0].b[...] = -10.0 * max(1.0, float(np.abs(case.x).mean()))
    return case


@fault("dead-relu", "half the biases −30", RELUS)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    case.model.layers[0].b[::2] = -30.0
    return case


@fault("dead-relu", "a huge first step", ("digits 64-32 relu", "digits 64 relu", "digits 128 relu"))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name, SGD(100.0))
    case.model.fit(case.x, case.y, epochs=1, batch_size=len(case.x), verbose=0)
    case.model.compile("adam", "cross_entropy")
    return case


ARCHITECTURES["digits 64 relu"] = ("digits", (64,), "relu")
ARCHITECTURES["digits 128 relu"] = ("digits", (128,), "relu")

for hidden in ("sigmoid", "tanh"):

    @fault("saturated", f"{hidden}, weights N(0, 10²)", BOTH)
    def _(seed: int, name: str, hidden: str = hidden) -> Case:
        return classifier(seed, name, hidden=hidden, kernel_initializer=RandomNormal(stddev=10.0))


@fault("running-statistics", "batch normalisation after eight updates", RELUS)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    layers = [Dense(32, input_dim=case.x.shape[1]), BatchNormalization(), ReLU()]
    head = Dense(case.model.output_shape[0], activation="softmax")
    model = Sequential([*layers, head], seed=seed)
    model.compile(Adam(0.01), "cross_entropy")
    model.fit(case.x, case.y, epochs=8, batch_size=len(case.x), verbose=0, seed=seed)
    return case._replace(model=model)


for hidden, depth in (("sigmoid", 6), ("sigmoid", 8), ("sigmoid", 10)):

    @fault("vanishing-gradient", f"{depth} layers of {hidden}", BOTH)
    def _(seed: int, name: str, hidden: str = hidden, depth: int = depth) -> Case:
        return classifier(seed, name, hidden=hidden, widths=(16,) * depth)


for trained in (0, 10):

    @fault("vanishing-gradient", f"four layers of sigmoid, SGD, {trained} epochs", BOTH)
    def _(seed: int, name: str, trained: int = trained) -> Case:
        case = classifier(seed, name, "sgd", hidden="sigmoid", widths=(32,) * 4)
        if trained:
            case.model.fit(case.x, case.y, epochs=trained, verbose=0)
        return case


@fault("vanishing-gradient", "four layers of sigmoid, SGD, regression", LINES)
def _(seed: int, name: str) -> Case:
    x, y = curve(name, seed)
    model = network(x, 1, seed, widths=(64,) * 4, hidden="sigmoid", last=None)
    model.compile("sgd", "mse")
    return Case(model, x, y, {})


STALLED = ("blobs 32 relu", "digits 64-32 relu", "digits 32 tanh")

for optimizer in (
    SGD(0.01, weight_decay=20.0),
    AdamW(1e-3, weight_decay=200.0),
    SGD(0.1, global_clipnorm=1e-4),
):

    @fault("stuck", f"{optimizer!r}, 20 epochs", STALLED)
    def _(seed: int, name: str, optimizer: Any = optimizer) -> Case:
        case = classifier(seed, name, optimizer)
        case.model.fit(case.x, case.y, epochs=20, verbose=0)
        return case


for deviation in (1e-3, 1e-4):

    @fault("vanishing-gradient", f"three layers, weights N(0, {deviation:g}²)", BOTH)
    def _(seed: int, name: str, deviation: float = deviation) -> Case:
        start = RandomNormal(stddev=deviation)
        return classifier(seed, name, widths=(32, 32, 32), kernel_initializer=start)


for hidden in ("relu", "leaky_relu", "elu"):

    @fault("exploding-gradient", f"five layers of {hidden}, weights N(0, 1)", BOTH)
    def _(seed: int, name: str, hidden: str = hidden) -> Case:
        start = RandomNormal(stddev=1.0)
        return classifier(seed, name, hidden=hidden, widths=(32,) * 5, kernel_initializer=start)


@fault("exploding-gradient", "three layers, all weights times 10", BOTH)
def _(seed: int, name: str) -> Case:
    return scaled_weights(classifier(seed, name, hidden="relu", widths=(32, 32)), 10.0)


for optimizer in (SGD(10.0), SGD(100.0), Adam(10.0), Adam(1.0), RMSprop(10.0)):

    @fault("step-too-large", repr(optimizer), BOTH)
    def _(seed: int, name: str, optimizer: Any = optimizer) -> Case:
        return classifier(seed, name, optimizer)


@fault("step-too-large", "regression, SGD(3)", LINES)
def _(seed: int, name: str) -> Case:
    return regressor(seed, name, SGD(3.0))


for optimizer in (SGD(1e-7), Adam(1e-7), Adam(1e-6), RMSprop(1e-7), SGD(1e-5)):

    @fault("step-too-small", repr(optimizer), (*BOTH, *LINES))
    def _(seed: int, name: str, optimizer: Any = optimizer) -> Case:
        build = classifier if name in ARCHITECTURES else regressor
        return build(seed, name, optimizer)


for value in (0.0, 0.1, 1.0):

    @fault("symmetric-weights", f"all {value:g}", BOTH)
    def _(seed: int, name: str, value: float = value) -> Case:
        return classifier(seed, name, kernel_initializer=Constant(value))


@fault("symmetric-weights", "all 0.1, after training", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name, kernel_initializer=Constant(0.1))
    case.model.layers[-1].W = np.full(case.model.layers[-1].W.shape, 0.1)
    case.model.fit(case.x, case.y, epochs=3, verbose=0)
    return case


@fault("cannot-overfit", "one hidden unit", ("digits 32 tanh", "digits 64-32 relu", "spirals"))
def _(seed: int, name: str) -> Case:
    widths = (64, 1) if name.startswith("digits") else (1,)
    return classifier(seed, name, widths=widths)


ARCHITECTURES["spirals"] = ("spirals", (1,), "tanh")


for units, optimizer in ((2, "sgd"), (2, "adam"), (1, "rmsprop")):

    @fault("cannot-overfit", f"{units} units for ten classes, {optimizer}", DIGITS)
    def _(seed: int, name: str, units: int = units, optimizer: str = optimizer) -> Case:
        return classifier(seed, name, optimizer, widths=(units,))


@fault("cannot-overfit", "no activation anywhere", ("spirals", "rings", "xor"))
def _(seed: int, name: str) -> Case:
    x, y, *_ = classes(name, seed)
    model = network(x, int(y.max()) + 1, seed, widths=(32, 32), hidden="linear")
    model.compile("adam", "cross_entropy")
    return Case(model, x, y, {})


@fault("cannot-overfit", "no biases, and targets around 4", LINES)
def _(seed: int, name: str) -> Case:
    x, y = curve(name, seed)
    model = network(x, 1, seed, widths=(16,), hidden="tanh", last=None, use_bias=False)
    model.layers[-1].b[...] = 0.0
    layers = [*model.layers[:-1], Dense(1, use_bias=False)]
    model = Sequential(layers, seed=seed)
    model.compile("adam", "mse")
    return Case(model, x, y + 4, {})


@fault("cannot-overfit", "dropout 0.98", ("digits 32 tanh", "digits 64-32 relu", "blobs2 64 relu"))
def _(seed: int, name: str) -> Case:
    data, widths, hidden = ARCHITECTURES[name]
    x, y, *_ = classes(data, seed)
    below = [Dense(widths[0], activation=hidden, input_dim=x.shape[1]), Dropout(0.98)]
    above = [Dense(widths[-1], activation=hidden), Dropout(0.98)]
    model = Sequential([*below, *above, Dense(int(y.max()) + 1, activation="softmax")], seed=seed)
    model.compile("adam", "cross_entropy")
    return Case(model, x, y, {})


@fault("cannot-overfit", "L2(10)", ("digits 64-32 relu", "digits 32 tanh", "digits 64 relu"))
def _(seed: int, name: str) -> Case:
    return classifier(seed, name, kernel_regularizer=L2(10.0))


@fault("vanishing-gradient", "softmax hidden layers", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    D, K = case.x.shape[1], case.model.output_shape[0]
    model = Sequential(
        [
            Dense(64, activation="softmax", input_dim=D),
            Dense(64, activation="softmax"),
            Dense(K, activation="softmax"),
        ],
        seed=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # compile says so itself
        model.compile("adam", "cross_entropy")
    return case._replace(model=model)


@fault("never-predicted", "labels from 1, one output too many", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    K = case.model.output_shape[0]
    model = network(case.x, K + 1, seed, widths=(32,))
    model.compile("adam", "cross_entropy")
    return case._replace(model=model, y=case.y + 1)


@fault("never-predicted", "a dead output after training", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    case.model.fit(case.x, case.y, epochs=60, verbose=0)
    case.model.layers[-1].b[1] = -100.0
    return case


for share in (0.02, 0.01):

    @fault("class-imbalance", f"a class at {100 * share:g} %", BOTH)
    def _(seed: int, name: str, share: float = share) -> Case:
        case = classifier(seed, name)
        return case._replace(**dict(zip("xy", rare(case.x, case.y, share, seed), strict=True)))


def rare(x: Any, y: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Only so many rows of class 0 kept."""
    rng = np.random.default_rng(seed)
    zeros, others = np.flatnonzero(y == 0), np.flatnonzero(y != 0)
    count = max(1, round(share * len(others)))
    kept = rng.permutation(np.concatenate([zeros[:count], others]))
    return x[kept], y[kept]


@fault("class-imbalance", "one class only", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    return case._replace(y=np.full_like(case.y, seed % 3))


@fault("class-imbalance", "binary, 2 %", ("moons", "xor", "blobs"))
def _(seed: int, name: str) -> Case:
    x, y, *_ = classes(name, seed)
    x, y = rare(x, (y > 0).astype(int), 0.02, seed)
    model = network(x, 1, seed, last="sigmoid")
    model.compile("adam", "binary_crossentropy")
    return Case(model, x, y, {})


def with_column(case: Case, values: Any) -> Case:
    """Other values in the last column of x."""
    return case._replace(x=np.c_[case.x[:, :-1], values].astype(case.x.dtype))


@fault("target-in-x", "y as a column", (*BOTH, *LINES[1:]))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    return with_column(case, case.y)


@fault("target-in-x", "y in another unit", LINES[1:])
def _(seed: int, name: str) -> Case:
    case = regressor(seed, name)
    return with_column(case, 0.3 - 0.7 * case.y)


@fault("target-in-x", "a class in a column of its own", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    return with_column(case, case.y == 1)


@fault("duplicate-samples", "each row three times", (*BOTH, *LINES))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    order = np.random.default_rng(seed).permutation(3 * len(case.x))
    return case._replace(x=np.tile(case.x, (3, 1))[order], y=np.concatenate([case.y] * 3)[order])


@fault("duplicate-samples", "one row 40 times", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    rows = np.r_[np.arange(len(case.x)), np.full(40, seed)]
    return case._replace(x=case.x[rows], y=case.y[rows])


@fault("contradictory-labels", "a tenth of the rows again with another label", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    n, K = len(case.x) // 10, int(case.y.max()) + 1
    again = (case.y[:n] + 1) % K
    return case._replace(x=np.r_[case.x, case.x[:n]], y=np.r_[case.y, again])


@fault("contradictory-labels", "every row twice, two labels", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    K = int(case.y.max()) + 1
    return case._replace(x=np.r_[case.x, case.x], y=np.r_[case.y, (case.y + 1) % K])


@fault("labels-unrelated", "shuffled", (*BOTH, *LINES))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    return case._replace(y=np.random.default_rng(seed + 99).permutation(case.y))


@fault("labels-unrelated", "drawn", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    K = int(case.y.max()) + 1
    return case._replace(y=np.random.default_rng(seed + 99).integers(K, size=len(case.y)))


for count, noise in ((1.0, 0.0), (0.3, 0.0), (1.0, 1e-3), (0.5, 1e-4)):

    @fault("validation-leak", f"{100 * count:g} % copied, noise {noise:g}", (*BOTH, *LINES))
    def _(seed: int, name: str, count: float = count, noise: float = noise) -> Case:
        case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(case.x))
        held = len(order) // 5
        train, val = order[held:], order[:held].copy()
        copied = int(count * held)
        val[:copied] = rng.choice(train, copied, replace=False)
        vx = case.x[val] + noise * case.x.std() * rng.standard_normal(case.x[val].shape)
        data = {"validation_data": (vx, case.y[val])}
        return case._replace(x=case.x[train], y=case.y[train], settings=data)


def split(case: Case, seed: int, change: Callable[[Any], Any] = lambda x: x) -> Case:
    """A fifth for validation, its inputs changed."""
    order = np.random.default_rng(seed).permutation(len(case.x))
    held = len(order) // 5
    train, val = order[held:], order[:held]
    data = {"validation_data": (change(case.x[val]), case.y[val])}
    return case._replace(x=case.x[train], y=case.y[train], settings=data)


for words, change in (
    ("divided by 255", lambda x: x / 255),
    ("times 10", lambda x: 10 * x),
    ("shifted by 3 deviations", lambda x: x + 3 * x.std(axis=0)),
):

    @fault("validation-mismatch", words, (*BOTH, *LINES))
    def _(seed: int, name: str, change: Any = change) -> Case:
        build = classifier if name in ARCHITECTURES else regressor
        return split(build(seed, name), seed, change)


@fault("validation-mismatch", "the last rows of a sorted set", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    order = np.argsort(case.y, kind="stable")
    cut = int(0.8 * len(order))
    train, val = np.random.default_rng(seed).permutation(order[:cut]), order[cut:]
    data = {"validation_data": (case.x[val], case.y[val])}
    return case._replace(x=case.x[train], y=case.y[train], settings=data)


@fault("sorted-unshuffled", "sorted by class", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    order = np.argsort(case.y, kind="stable")
    return case._replace(x=case.x[order], y=case.y[order], settings={"shuffle": False})


@fault("sorted-unshuffled", "sorted by target", LINES)
def _(seed: int, name: str) -> Case:
    case = regressor(seed, name)
    order = np.argsort(case.y[:, 0])
    return case._replace(x=case.x[order], y=case.y[order], settings={"shuffle": False})


for words, change in (
    ("thousands", lambda y: 2000 + 1000 * y),
    ("1e5", lambda y: 1e5 * y),
    ("1e-4", lambda y: 1e-4 * y),
):

    @fault("target-scale", words, LINES)
    def _(seed: int, name: str, change: Any = change) -> Case:
        return regressor(seed, name, change=change)


for last, change in (
    ("sigmoid", lambda y: 3 * y),
    ("tanh", lambda y: 3 * y),
    ("relu", lambda y: y),
    ("sigmoid", np.sign),
    ("softplus", lambda y: y - 1),
    ("sigmoid", lambda y: 1000 + 300 * y),
):

    @fault("output-range", f"{last}, {change(np.float64(1.0)):g} for 1", LINES)
    def _(seed: int, name: str, last: str = last, change: Any = change) -> Case:
        return regressor(seed, name, last=last, change=change)


@fault("output-range", "softmax for a regression of two", LINES)
def _(seed: int, name: str) -> Case:
    case = regressor(seed, name)
    model = network(case.x, 2, seed, last="softmax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.compile("adam", "mse")
    return case._replace(model=model, y=np.c_[case.y, -2 * case.y])


@fault("output-range", "labels −1 and 1 with a sigmoid", ("moons", "xor", "blobs"))
def _(seed: int, name: str) -> Case:
    x, y, *_ = classes(name, seed)
    model = network(x, 1, seed, last="sigmoid")
    model.compile("adam", "binary_crossentropy")
    return Case(model, x, np.where(y > 0, 1, -1), {})


for value in (0.0, 7.0, 250_000.0):

    @fault("constant-target", f"always {value:g}", LINES)
    def _(seed: int, name: str, value: float = value) -> Case:
        return regressor(seed, name, change=lambda y: np.full_like(y, value))


@fault("wrong-metric", "accuracy of numbers from 0 to 1", LINES)
def _(seed: int, name: str) -> Case:
    case = regressor(seed, name, change=lambda y: (y - y.min()) / np.ptp(y))
    case.model.compile("adam", "mse", metrics=["accuracy"])
    return case


@fault("nothing-trainable", "all frozen", (*BOTH, *LINES))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name) if name in ARCHITECTURES else regressor(seed, name)
    case.model.trainable = False
    return case


@fault("untrained-base", "a new head on a random base", ("digits 64-32 relu", *BOTH))
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    model = case.model.replace_head(Dense(case.model.output_shape[0], "softmax"), seed=seed)
    model.freeze("all_but_head")
    model.compile("adam", "cross_entropy")
    if seed % 2:
        model.fit(case.x, case.y, verbose=0)
    return case._replace(model=model)


@fault("untrained-base", "trainable=False forgotten", BOTH)
def _(seed: int, name: str) -> Case:
    case = classifier(seed, name)
    case.model.layers[0].trainable = False
    return case


# --- healthy --------------------------------------------------------------------------------------


def healthy(seed: int) -> Iterator[tuple[str, Case, int]]:
    """Name, case, and epochs after which it is looked at again."""
    for i, hidden in enumerate(ACTIVATIONS):
        for name in ("blobs", "digits", "spirals", "moons"):
            x, y, vx, vy = classes(name, seed + i)
            model = network(x, int(y.max()) + 1, seed, hidden=hidden, widths=(32, 16)[: 1 + i % 2])
            model.compile(("adam", Adam(1e-2), RMSprop(1e-3), SGD(0.1))[i % 4], "cross_entropy")
            yield f"{name} {hidden}", Case(model, x, y, {"validation_data": (vx, vy)}), 20
        for name in LINES:
            x, y = curve(name, seed + i)
            model = network(x, 1, seed, hidden=hidden, last=None, widths=(32, 16)[: 1 + i % 2])
            model.compile(("adam", SGD(0.05), RMSprop(1e-3), Adam(1e-2))[i % 4], "mse")
            yield f"{name} {hidden}", split(Case(model, x, y, {}), seed), 20
    for hidden in ("relu", "tanh", "sigmoid"):
        x, y, vx, vy = datasets.digits()
        layers = [Dense(64, activation=hidden), BatchNormalization(), Dropout(0.3)]
        model = Sequential([*layers, Dense(32, activation=hidden), Dense(10, "softmax")], seed=seed)
        model.compile("adam", "cross_entropy")
        yield (
            f"batch norm and dropout {hidden}",
            Case(model, x, y, {"validation_data": (vx, vy)}),
            3,
        )
    for depth in (3, 4, 5):
        x, y, *_ = classes("digits", seed)
        model = network(x, 10, seed, widths=(64,) * depth, kernel_initializer="he_normal")
        model.compile("adam", "cross_entropy")
        yield f"{depth} layers of relu", Case(model, x, y, {}), 10
        x, y = curve("waves", seed)
        model = network(x, 1, seed, widths=(32,) * depth, hidden="tanh", last=None)
        model.compile("adam", "mse")
        yield f"{depth} layers of tanh", Case(model, x, y, {}), 10
    for name in ("moons", "xor"):
        x, y, vx, vy = classes(name, seed)
        model = network(x, 1, seed, hidden="tanh", last="sigmoid")
        model.compile(Adam(1e-2), "binary_crossentropy", ["accuracy"])
        yield f"binary {name}", Case(model, x, y, {"validation_data": (vx, vy)}), 30
        model = network(x, 1, seed, hidden="tanh", last="sigmoid")
        model.compile(SGD(1.0), "mse")
        yield f"binary {name}, squared error", Case(model, x, y, {}), 30
    x, y, *_ = datasets.xor(4, noise=0.0)
    model = network(x, 1, seed, widths=(8,), hidden="tanh", last="sigmoid")
    model.compile(SGD(1.0), "binary_crossentropy")
    yield "the truth table of xor", Case(model, x, y, {}), 200
    for optimizer in (SGD(0.01), SGD(0.1, momentum=0.9), "sgd", "rmsprop", "adagrad", "adamw"):
        x, y, vx, vy = datasets.digits()
        model = network(x, 10, seed, widths=(64,))
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
        data = {"validation_data": (vx, vy)}
        yield f"digits, {optimizer!r}", Case(model, x, y, data), 5
    x, y, *_ = datasets.spirals(100, seed=seed)
    model = network(x, 3, seed, widths=(100,), kernel_regularizer=L2(1e-3))
    model.compile(SGD(1.0), "cross_entropy")
    yield "spirals of CS231n", Case(model, x, y, {"batch_size": 300}), 500
    for per_class in (1, 2, 5):
        x, y, *_ = datasets.digits(per_class=per_class, seed=seed)
        base = minnet.load_pretrained("mnist-8x8")
        model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
        model.freeze("all_but_head")
        model.compile(Adam(1e-2), "cross_entropy", ["accuracy"])
        yield f"new head, {per_class} a class", Case(model, x, y, {}), 30
        model = network(x, 10, seed, widths=(64,))
        model.compile(Adam(1e-2), "cross_entropy")
        yield f"scratch, {per_class} a class", Case(model, x, y, {}), 30
    model = minnet.load_pretrained("mnist-8x8")
    x, y, vx, vy = datasets.digits()
    yield "the shipped model", Case(model, x, y, {"validation_data": (vx, vy)}), 0
    x, y, *_ = datasets.digits(classes=[5, 6, 7, 8, 9])
    model = model.replace_head(Dense(5, activation="softmax"), seed=seed)
    model.compile("adam", "cross_entropy")
    yield "the shipped model, five classes", Case(model, x, y, {}), 3
    x, y, *_ = datasets.digits()
    model = network(x, 10, seed, widths=(30,), hidden="sigmoid", last="sigmoid")
    model.compile(SGD(3.0), "mse")
    yield "Nielsen, chapter 1", Case(model, x, datasets.one_hot(y, 10), {"batch_size": 10}), 3
    x, y, *_ = datasets.glyphs("ABCDEFGH", 600, seed=seed)
    model = network(x, 8, seed, widths=(64,))
    model.compile("adam", "cross_entropy")
    yield "letters", Case(model, x, y, {}), 10
    x, y = curve("plane", seed)
    model = network(x, 1, seed, widths=(), last=None)
    model.compile(SGD(0.1), "mae")
    yield "a line, absolute error", Case(model, x, y, {}), 20


# --- scores ---------------------------------------------------------------------------------------


def kinds(case: Case) -> list[str]:
    """What the doctor says of a case."""
    return minnet.diagnose(case.model, case.x, case.y, **case.settings).kinds


def score_faults(
    seeds: range, only: str = "", verbose: bool = False
) -> dict[tuple[str, str], tuple[int, int]]:
    """(kind, variant) → how often it was first or second, and of how many."""
    scores = {}
    for kind, variant, plant, names in FAULTS:
        if only not in f"{kind} {variant}":
            continue
        right = total = 0
        seen: collections.Counter[str] = collections.Counter()
        for name in names:
            for seed in seeds:
                findings = kinds(plant(seed, name))
                right += kind in findings[:2]
                total += 1
                if kind not in findings[:2]:
                    seen[f"{name}: {', '.join(findings) or 'healthy'}"] += 1
        scores[kind, variant] = right, total
        if verbose:
            print(f"{right:4d} of {total:3d}  {kind}: {variant}", flush=True)
            for mistaken, count in seen.most_common(6):
                print(f"              {count} × {mistaken}")
    return scores


def score_healthy(
    seeds: range, every: int = 1, only: str = ""
) -> tuple[int, list[tuple[str, list[str]]]]:
    """How many healthy trainings were looked at, before and after, and the alarms."""
    looked, alarms = 0, []
    for seed in seeds:
        for i, (name, case, epochs) in enumerate(healthy(seed)):
            if (i + seed) % every or only not in name:
                continue
            stages = [("before", 0), (f"after {epochs} epochs", epochs)][: 1 + bool(epochs)]
            for stage, count in stages:
                if count:
                    settings = {k: v for k, v in case.settings.items() if k != "validation_data"}
                    case.model.fit(case.x, case.y, epochs=count, verbose=0, **settings)
                findings = kinds(case)
                looked += 1
                if findings:
                    alarms.append((f"{name}, {stage}, seed {seed}", findings))
    return looked, alarms


def main() -> None:
    """Print both scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--cases", choices=("faults", "healthy", "all"), default="all")
    options = parser.parse_args()
    begin = time.perf_counter()
    if options.cases != "healthy":
        scores = score_faults(range(options.seeds), options.only, verbose=True)
        by_kind: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
        for (kind, _), (right, total) in scores.items():
            by_kind[kind][0] += right
            by_kind[kind][1] += total
        print()
        for kind, (right, total) in by_kind.items():
            mark = "" if right >= 0.95 * total else "  below 95 %"
            print(f"{kind:22s} {right:4d} of {total:4d}  {100 * right / total:5.1f} %{mark}")
    if options.cases != "faults":
        looked, alarms = score_healthy(range(options.seeds), only=options.only)
        print(f"\n{len(alarms)} alarms in {looked} healthy trainings")
        for name, findings in alarms:
            print(f"  {name}: {', '.join(findings)}")
    print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
