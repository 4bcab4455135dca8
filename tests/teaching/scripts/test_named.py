"""Gradients of named weights, and what the lines of functions, layers and losses say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minnet import Sequential
from minnet.initializers import GlorotUniform
from minnet.layers import Dense, Layer, Softmax
from minnet.losses import Loss
from minnet.teaching.gradients import check_gradients

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
PARAMS = {
    "W1": RNG.normal(size=(3, 4)),
    "b1": RNG.normal(size=4),
    "W2": RNG.normal(size=(4, 2)),
}


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def cost(p: Any) -> Any:
    h = sigmoid(X @ p["W1"] + p["b1"])
    return ((h @ p["W2"] - Y) ** 2).sum() / len(X)


def gradient(p: Any) -> Any:
    h = sigmoid(X @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] - Y) / len(X)
    dz = d @ p["W2"].T * h * (1 - h)
    return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d}


def without_the_derivative(p: Any) -> Any:
    h = sigmoid(X @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] - Y) / len(X)
    dz = d @ p["W2"].T
    return {"dW1": X.T @ dz, "db1": dz.sum(axis=0), "dW2": h.T @ d}


def without_the_mean(p: Any) -> Any:
    h = sigmoid(X @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] - Y)
    dz = d @ p["W2"].T * h * (1 - h) / len(X)
    return [X.T @ dz, dz.sum(axis=0), h.T @ d]


def both(p: Any) -> Any:
    return cost(p), gradient(p)


def test_right_gradients_are_right_block_by_block() -> None:
    for target in (both, (cost, gradient)):
        report = check_gradients(target, params=PARAMS)
        assert report.ok
        assert set(report.blocks) == {"W1", "b1", "W2"}
        assert "right  W2" in str(report)
        assert report.max_relative_error < 1e-6


def test_a_dict_in_the_place_of_x_is_taken_as_params() -> None:
    assert check_gradients((cost, gradient), PARAMS).ok


def test_the_missing_derivative_is_named_and_what_is_right_said_first() -> None:
    report = check_gradients((cost, without_the_derivative), params=PARAMS)
    assert not report.ok
    assert report.blocks["W2"] == ()
    assert "the derivative of the sigmoid, h (1 − h), is missing" in report.blocks["W1"][0].message
    assert "W2 is right, so look below" in str(report)
    assert str(report).count("WRONG") == 3  # the verdict and two blocks


def test_the_number_of_samples_is_told_from_a_constant() -> None:
    report = check_gradients((cost, without_the_mean), params=PARAMS)
    message = report.blocks["W2"][0].message
    assert report.blocks["W2"][0].kind == "sum-vs-mean"
    assert message.startswith("it is 7 times what was measured with N = 7 samples, and ")


def test_integers_that_truncate_are_told_as_they_were_given() -> None:
    def loss(p: Any) -> Any:
        grad = np.zeros_like(p["w"])
        grad[...] = 0.6 * p["w"]
        return 0.3 * (p["w"] ** 2).sum(), {"w": grad}

    assert check_gradients(loss, params={"w": np.array([1.0, 3.0])}).ok
    report = check_gradients(loss, params={"w": np.array([1, 3])})
    assert not report.ok
    assert "truncated to whole numbers" in report.findings[0].message


def test_an_array_like_an_x_of_integers_is_told_where_it_loses_nothing_by_luck() -> None:
    def square(x: Any) -> Any:
        return 0.5 * (x * x).sum()

    def like_x(x: Any) -> Any:
        grad = np.zeros_like(x)
        grad[...] = 1.0 * x
        return grad

    def of_floats(x: Any) -> Any:
        return np.zeros_like(x, dtype=float) + x

    assert check_gradients((square, like_x), np.array([1.0, 3.0])).ok
    assert check_gradients((square, of_floats), np.array([1, 3])).ok
    assert check_gradients((square, lambda x: 1 * x), np.array([1, 3])).ok
    report = check_gradients((square, like_x), np.array([1, 3]))
    assert not report.ok
    assert "an array made like it" in report.findings[0].message


@pytest.mark.parametrize(
    ("target", "params", "message"),
    [
        (both, [1.0], r"check_gradients takes params as a dict of arrays by name"),
        (cost, PARAMS, r"f\(params\) gives \(loss, gradients\)\. Got"),
        (Dense(3), PARAMS, r"takes with params a function that gives"),
        ((cost, lambda p: {"W1": p["W1"]}), PARAMS, r"and none for b1\. Call it b1 or db1\."),
        ((cost, lambda p: 1), PARAMS, r"The gradients are a dict by the names of the weights"),
        ((lambda p: p["W1"], gradient), PARAMS, r"f gives one number as the loss"),
    ],
)
def test_what_is_no_such_function_is_refused(target: Any, params: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        check_gradients(target, params=params)


def test_two_factors_in_one_vector_are_told_by_entries() -> None:
    def f(w: Any) -> Any:
        return (w**3).sum()

    def g(w: Any) -> Any:
        scale = np.concatenate([np.ones(4), 4 * np.ones(3), 2 * np.ones(3)])
        return 3 * w**2 * scale

    report = check_gradients((f, g), np.linspace(0.5, 2.0, 10))
    assert "x[0:4] is right, x[4:7] is 4 times what was measured" in report.findings[0].message


def test_one_entry_tells_no_factor() -> None:
    report = check_gradients((lambda w: (w**3).sum(), lambda w: w + 0.1), np.array([0.7]))
    assert report.findings[0].kind == "wrong"


class OwnInput(Dense):
    """Has its output where its input belongs."""

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        self.dW[...] = y.T @ dy
        self.db[...] = dy.sum(axis=0)


def test_the_lines_of_a_layer_say_what_stands_where() -> None:
    report = check_gradients(OwnInput(3), RNG.normal(size=(5, 3)))
    assert "y.T stands where x.T belongs" in report.findings[0].message


class ErrorTwice(Loss):
    """The derivative of a sigmoid, taken of the error."""

    def per_sample(self, p: Any, t: Any) -> Any:
        return 0.5 * ((p - t) ** 2).sum(axis=1)

    def gradient(self, p: Any, t: Any) -> Any:
        e = (p - t) / len(p)
        return e * (1 - e)


def test_the_lines_of_a_loss_say_what_is_one_too_many() -> None:
    report = check_gradients(ErrorTwice(), RNG.random((5, 2)), RNG.random((5, 2)))
    assert "1 - e is one too many" in report.findings[0].message


class Gate(Layer):
    """y = x tanh(x W), and x is forgotten on the way back."""

    parameters = ("W",)

    def build(self, shape: Any, rng: Any) -> None:
        self.add_weight("W", (shape[0], shape[0]), GlorotUniform(), rng)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape

    def forward(self, x: Any, memo: Any = None) -> Any:
        return x * np.tanh(x @ self.W)

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        g = np.tanh(x @ self.W)
        return dy * g + (dy * x * (1 - g**2)) @ self.W.T

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        g = np.tanh(x @ self.W)
        self.dW[...] = x.T @ (dy * g * (1 - g**2))


@pytest.mark.parametrize("among_others", [False, True])
def test_the_lines_of_a_layer_are_looked_at_alone_and_in_a_model(among_others: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    target: Any = Gate()
    if among_others:
        target = Sequential([Dense(3, activation="tanh"), Gate(), Dense(2)], seed=0)
        target.build((3,))
        target.compile("sgd", "mse")
    report = check_gradients(target, x, y if among_others else None)
    assert len(report.findings) == 1
    assert report.findings[0].where.lower().startswith("gate")
    assert "g stands where x belongs" in report.findings[0].message


class OverTheBatch(Softmax):
    def forward(self, x: Any, memo: Any = None) -> Any:
        e = np.exp(x)
        return e / e.sum()


def test_a_layer_that_goes_forward_wrongly_is_named_at_its_line() -> None:
    (finding,) = check_gradients(OverTheBatch(), X).findings
    assert "forward, line " in finding.message
    assert "`return e / e.sum(axis=1, keepdims=True)`" in finding.message
