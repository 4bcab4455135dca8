"""Set-ups of questions that people published, and of examples that work, each named rightly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minnet import Sequential, datasets, diagnose
from minnet.initializers import Constant, RandomNormal
from minnet.layers import BatchNormalization, Dense, Dropout, Layer, ReLU, Sigmoid, Softmax
from minnet.losses import CrossEntropy
from minnet.optimizers import SGD, Adam, RMSprop
from minnet.regularizers import L2

Setup = tuple[Sequential, Any, Any]


def model(layers: list[Layer], optimizer: Any, loss: Any, *metrics: str) -> Sequential:
    made = Sequential(layers, seed=0)
    made.compile(optimizer, loss, list(metrics))
    return made


def hidden(units: int, activation: str, count: int = 1, **settings: Any) -> list[Layer]:
    return [Dense(units, activation=activation, **settings) for _ in range(count)]


def digits() -> tuple[Any, Any]:
    x, y, *_ = datasets.digits(per_class=100, seed=0)
    return x, y


def ten(layers: list[Layer], optimizer: Any = "adam") -> Setup:
    """A classification of digits with these hidden layers."""
    return model([*layers, Dense(10, "softmax")], optimizer, "cross_entropy"), *digits()


def bent(end: list[Layer], loss: Any) -> Setup:
    """A classification of digits with these last layers."""
    return model([*hidden(64, "relu"), *end], "adam", loss), *digits()


def number(layers: list[Layer], y: Callable[[Any], Any], optimizer: Any = "adam") -> Setup:
    """A regression of a function of four columns."""
    x = np.random.default_rng(0).standard_normal((400, 4))
    return model([*layers, Dense(1)], optimizer, "mse"), x, y(x)


def rings() -> tuple[Any, Any]:
    x = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    return x, (np.hypot(*x.T) < 0.6).astype(int)


def salaries() -> Setup:
    rng = np.random.default_rng(0)
    x = np.c_[rng.integers(18, 70, 800), rng.integers(20_000, 150_000, 800)].astype(float)
    y = (x[:, 1] / 2000 + x[:, 0] > 80).astype(int)
    layers = [*hidden(6, "relu", 2), Dense(1, "sigmoid")]
    return model(layers, "adam", "binary_crossentropy", "accuracy"), x, y


def fraud() -> Setup:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2000, 5)), np.zeros(2000, int)
    y[rng.choice(2000, 20, replace=False)] = 1
    x[y == 1] += 2
    layers = [*hidden(16, "relu"), Dense(1, "sigmoid")]
    return model(layers, "adam", "binary_crossentropy", "accuracy"), x, y


def changed(setup: Setup, *, x: Any = None, y: Any = None) -> Setup:
    one, a, b = setup
    return one, a if x is None else x(a), b if y is None else y(b)


def mixed(array: Any) -> Any:
    return np.random.default_rng(1).permutation(array)


def one_hot(setup: Setup, last: str, optimizer: Any, layers: list[Layer]) -> Setup:
    """The digits with squared errors."""
    return (
        model([*layers, Dense(10, last)], optimizer, "mse"),
        setup[1],
        datasets.one_hot(setup[2], 10),
    )


SICK: dict[str, tuple[str, Callable[[], Setup]]] = {
    "five sigmoid layers": ("vanishing-gradient", lambda: ten(hidden(30, "sigmoid", 5), SGD(0.1))),
    "sigmoids and squared errors": (
        "vanishing-gradient",
        lambda: one_hot(ten([]), "sigmoid", SGD(0.1), hidden(30, "sigmoid", 4)),
    ),
    "four sigmoid layers of a regression": (
        "vanishing-gradient",
        lambda: number(hidden(50, "sigmoid", 4), lambda x: x.sum(axis=1), "sgd"),
    ),
    "five tanh layers from N(0, 0.01²)": (
        "vanishing-gradient",
        lambda: ten(hidden(64, "tanh", 5, kernel_initializer=RandomNormal(stddev=0.01)), "sgd"),
    ),
    "fourteen relu layers": ("stuck", lambda: ten(hidden(30, "relu", 14), "sgd")),
    "three tanh layers from N(0, 1)": (
        "saturated",
        lambda: ten(hidden(256, "tanh", 3, kernel_initializer=RandomNormal(stddev=1.0)), "sgd"),
    ),
    "RMSprop(0.3)": ("step-too-large", lambda: ten(hidden(64, "relu", 2), RMSprop(0.3))),
    "a momentum of 0.99 at a rate of 0.5": (
        "step-too-large",
        lambda: ten(hidden(64, "relu"), SGD(0.5, momentum=0.99)),
    ),
    "SGD(1) on a regression": (
        "step-too-large",
        lambda: number(hidden(64, "relu"), lambda x: x[:, 0], SGD(1.0)),
    ),
    "SGD(1e-6)": ("step-too-small", lambda: ten(hidden(32, "relu"), SGD(1e-6))),
    "adadelta at Keras' rate": ("step-too-small", lambda: ten(hidden(64, "relu"), "adadelta")),
    "age beside salary": ("feature-scale", salaries),
    "pixels as bytes": (
        "input-scale",
        lambda: changed(ten(hidden(64, "relu")), x=lambda x: (255 * x).astype(np.uint8)),
    ),
    "time stamps": (
        "input-scale",
        lambda: changed(
            number(hidden(16, "relu"), lambda x: np.sin(np.arange(400) / 30)),
            x=lambda x: np.linspace(1.6e9, 1.7e9, 400)[:, None],
        ),
    ),
    "prices": ("target-scale", lambda: number(hidden(32, "relu"), lambda x: 2e5 + 5e4 * x[:, 0])),
    "targets of 1e-5": (
        "target-scale",
        lambda: number(hidden(16, "relu"), lambda x: 1e-5 * x[:, 0]),
    ),
    "labels from 1 and an output more": (
        "never-predicted",
        lambda: (
            model([*hidden(64, "relu"), Dense(11, "softmax")], "adam", "cross_entropy"),
            digits()[0],
            digits()[1] + 1,
        ),
    ),
    "labels one row late": (
        "labels-unrelated",
        lambda: changed(ten(hidden(64, "relu")), x=lambda x: x[1:], y=lambda y: y[:-1]),
    ),
    "labels shuffled": ("labels-unrelated", lambda: changed(ten(hidden(64, "relu")), y=mixed)),
    "targets drawn": (
        "labels-unrelated",
        lambda: number(hidden(64, "relu"), lambda x: mixed(x[:, 0])),
    ),
    "all relus off": (
        "dead-relu",
        lambda: ten(hidden(64, "relu", bias_initializer=Constant(-20.0))),
    ),
    "everything from 0": (
        "symmetric-weights",
        lambda: (
            model(
                [
                    Dense(16, "sigmoid", kernel_initializer="zeros"),
                    Dense(1, "sigmoid", kernel_initializer="zeros"),
                ],
                SGD(0.5),
                "mse",
            ),
            *datasets.xor(200)[:2],
        ),
    ),
    "a target that never changes": (
        "constant-target",
        lambda: number(hidden(8, "relu"), lambda x: np.full(len(x), 3.0)),
    ),
    "a label that never changes": ("class-imbalance", lambda: changed(fraud(), y=np.zeros_like)),
    "one per cent of fraud": ("class-imbalance", fraud),
    "a sigmoid for temperatures": (
        "output-range",
        lambda: (
            model([*hidden(16, "relu"), Dense(1, "sigmoid")], "adam", "mse"),
            *number([], lambda x: 20 + 5 * np.tanh(x[:, 0]))[1:],
        ),
    ),
    "accuracy of numbers from 0 to 1": (
        "wrong-metric",
        lambda: (
            model([*hidden(16, "relu"), Dense(1)], "adam", "mse", "accuracy"),
            np.random.default_rng(0).random((300, 4)),
            np.random.default_rng(0).random((300, 4)).mean(axis=1),
        ),
    ),
    "two units for ten classes": ("cannot-overfit", lambda: ten(hidden(2, "sigmoid"), "sgd")),
    "one unit in the middle": (
        "cannot-overfit",
        lambda: ten([*hidden(64, "relu"), *hidden(1, "relu")]),
    ),
    "nothing between linear layers": (
        "cannot-overfit",
        lambda: (
            model([Dense(10), Dense(10), Dense(1, "sigmoid")], SGD(0.1), "binary_crossentropy"),
            *rings(),
        ),
    ),
    "a perceptron on rings": (
        "cannot-overfit",
        lambda: (model([Dense(1, "sigmoid")], SGD(0.1), "binary_crossentropy"), *rings()),
    ),
    "a line without a bias": (
        "cannot-overfit",
        lambda: (
            model([Dense(1, use_bias=False)], SGD(0.1), "mse"),
            np.linspace(-1, 1, 200)[:, None],
            2 * np.linspace(-1, 1, 200) + 5,
        ),
    ),
    "L2(1)": (
        "cannot-overfit",
        lambda: (
            model(
                [
                    Dense(64, "relu", kernel_regularizer=L2(1.0)),
                    Dense(10, "softmax", kernel_regularizer=L2(1.0)),
                ],
                "adam",
                "cross_entropy",
            ),
            *digits(),
        ),
    ),
    "tanh between the scores and the softmax": (
        "cannot-overfit",
        lambda: bent([Dense(10, "tanh"), Softmax()], "cross_entropy"),
    ),
    "sigmoid between the scores and the softmax": (
        "cannot-overfit",
        lambda: bent([Dense(10), Sigmoid(), Softmax()], "cross_entropy"),
    ),
    "a dropout of 0.95, twice": (
        "cannot-overfit",
        lambda: ten([*hidden(64, "relu"), Dropout(0.95), *hidden(64, "relu"), Dropout(0.95)]),
    ),
}


@pytest.mark.parametrize("name", SICK)
def test_the_cause_is_first_or_second(name):
    kind, setup = SICK[name]
    one, x, y = setup()
    report = diagnose(one, x, y)
    assert kind in report.kinds[:2], report


@pytest.mark.parametrize("name", [name for name in SICK if "between the scores" in name])
def test_scores_that_are_bent_are_cured_by_plain_ones(name):
    finding, *_ = diagnose(*SICK[name][1]()).findings
    assert "never sees what is cut off" in finding.message
    assert finding.proof.cure == "plain scores"
    assert finding.proof.after < 0.1 * finding.proof.before


def test_scores_that_are_bent_below_a_loss_that_takes_logits_are_cured_as_well():
    def diagnosed():
        return diagnose(*bent([Dense(10, "relu")], CrossEntropy(from_logits=True)))

    with pytest.warns(UserWarning, match="cuts them off"):
        report = diagnosed()
    finding, *_ = report.findings
    assert "relu before the softmax or sigmoid in the loss" in finding.message
    assert finding.proof.cure == "plain scores"


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_training_that_never_left_guessing(activation):
    """The digits' four sigmoid layers of 100 epochs, in short; tanh leaves it."""
    one, x, y = ten(hidden(30, activation, 4), "sgd")
    one.fit(x, y, epochs=8, verbose=0)
    kinds = diagnose(one, x, y).kinds
    assert kinds == (["vanishing-gradient"] if activation == "sigmoid" else [])


HEALTHY: dict[str, Callable[[], Setup]] = {
    "two sigmoid layers": lambda: ten(hidden(32, "sigmoid", 2)),
    "three sigmoid layers, Adam(0.01)": lambda: ten(hidden(32, "sigmoid", 3), Adam(0.01)),
    "five tanh layers": lambda: ten(hidden(64, "tanh", 5), SGD(0.1)),
    "six selu layers": lambda: ten(
        hidden(64, "selu", 6, kernel_initializer="lecun_normal"), SGD(0.05)
    ),
    "a softmax regression": lambda: ten([], "sgd"),
    "linear layers with batch normalisation and relu": lambda: ten(
        [Dense(32, use_bias=False), BatchNormalization(), ReLU()]
    ),
    "a bottleneck of three that is wide enough": lambda: ten(
        [*hidden(64, "relu"), Dense(3), *hidden(64, "relu")]
    ),
    "linear layers on a linear problem": lambda: number([Dense(16)], lambda x: x @ [1, 2, 3, 4]),
    "no biases, and none needed": lambda: number(
        hidden(16, "tanh", use_bias=False), lambda x: x @ [1, -1, 2, 0], Adam(0.01)
    ),
    "a noisy regression": lambda: number(
        hidden(16, "relu"), lambda x: x[:, 0] + 2 * np.random.default_rng(1).standard_normal(400)
    ),
    "an autoencoder of two": lambda: (
        model(
            [*hidden(32, "relu"), Dense(2), *hidden(32, "relu"), Dense(64, "sigmoid")],
            "adam",
            "mse",
        ),
        digits()[0],
        digits()[0],
    ),
    "principal components": lambda: (
        model([Dense(2, use_bias=False), Dense(64, use_bias=False)], "adam", "mse"),
        digits()[0],
        digits()[0],
    ),
    "labels half wrong": lambda: changed(
        ten(hidden(64, "relu")),
        y=lambda y: np.where(np.random.default_rng(0).random(len(y)) < 0.5, mixed(y), y),
    ),
    "several answers in a row": lambda: (
        model([*hidden(32, "relu"), Dense(3, "sigmoid")], "adam", "binary_crossentropy"),
        np.random.default_rng(0).standard_normal((400, 6)),
        (np.random.default_rng(0).standard_normal((400, 6))[:, :3] > 0).astype(int),
    ),
    "least squares of 0 and 1": lambda: (
        model([Dense(1)], SGD(0.05), "mse", "accuracy"),
        rings()[0],
        (rings()[0].sum(axis=1) > 0).astype(float),
    ),
    "the truth table of xor": lambda: (
        model([*hidden(4, "sigmoid"), Dense(1, "sigmoid")], SGD(2.0), "mse"),
        np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float),
        np.array([0, 1, 1, 0.0]),
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_works_is_healthy(name):
    one, x, y = HEALTHY[name]()
    report = diagnose(one, x, y)
    assert report.healthy, report
