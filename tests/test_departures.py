"""The table of departures from Keras and PyTorch: what its last column says of minnet is so."""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet import Sequential
from minnet.callbacks import EarlyStopping, LambdaCallback
from minnet.constraints import MaxNorm
from minnet.layers import GELU, BatchNormalization, Dense, Dropout, LeakyReLU
from minnet.optimizers import SGD, Adagrad, Adam, RMSprop

PAGE = Path(minnet.__file__).parents[1] / "docs" / "from_keras.md"
if not PAGE.exists():
    pytest.skip("minnet is installed without its docs", allow_module_level=True)

X, Y = np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0], [0.0]])


def table() -> dict[str, str]:
    """Row → what it says of minnet."""
    rows = re.findall(r"^\| (.+?) \| .* \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: ours for name, ours in rows if not name.startswith("|")}


def compiled(*layers: minnet.layers.Layer, loss: str = "mse", rate: float = 0.1) -> Sequential:
    """A model on two inputs, ready for a step."""
    model = Sequential([*layers], seed=0, dtype="float64")
    model.build((2,))
    model.compile(SGD(rate), loss)
    return model


def adam() -> None:
    assert (Adam().epsilon, Adam().epsilon_beside) == (1e-8, "v_hat")


def velocity() -> None:
    model = compiled(Dense(1, use_bias=False))
    model.compile(SGD(0.1, momentum=0.5), "mse")
    steps = []
    for _ in range(2):
        before = model.theta.copy()
        model.train_on_batch(X, Y)
        steps.append((model.theta - before, model.grad.copy()))
    assert steps[1][0] == pytest.approx(0.5 * steps[0][0] - 0.1 * steps[1][1])


def rmsprop() -> None:
    assert (RMSprop().epsilon, RMSprop().rho) == (1e-7, 0.9)
    model = compiled(Dense(1, use_bias=False))
    model.compile(RMSprop(0.1), "mse")
    before = model.theta.copy()
    model.train_on_batch(X, Y)
    v = 0.1 * model.grad**2
    assert model.theta == pytest.approx(before - 0.1 * model.grad / np.sqrt(v + 1e-7))


def adagrad() -> None:
    assert Adagrad().initial_accumulator_value == 0.1


def decay() -> None:
    for kind in set(minnet.optimizers.OPTIMIZERS.values()):
        model = compiled(Dense(1, use_bias=False))
        model.compile(kind(0.1, weight_decay=0.5), "mse")
        model.layers[0].W = [[3.0], [4.0]]
        # no gradient, so what moves is the decay
        model.train_on_batch(np.zeros((1, 2)), [[0.0]])
        assert model.theta == pytest.approx([2.85, 3.8]), kind


def batch_norm() -> None:
    assert (BatchNormalization().momentum, BatchNormalization().epsilon) == (0.99, 1e-3)


def gelu() -> None:
    layer = GELU()
    layer.build((1,), np.random.default_rng(0))
    x = 0.7
    tanh = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    assert layer([[x]]) == pytest.approx(tanh, rel=1e-12)
    exact = 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
    assert GELU(approximate=False)([[x]]) == pytest.approx(exact, rel=1e-12)


def leaky() -> None:
    assert LeakyReLU().negative_slope == 0.3


def l1_l2() -> None:
    penalty = Dense(1, kernel_regularizer="l1_l2").regularizers["W"]
    assert (penalty.l1, penalty.l2) == (0.01, 0.01)


def max_norm() -> None:
    weights = np.array([[0.1], [0.2]])
    assert (MaxNorm(3.0)(weights) == weights).all()


def frozen_penalty() -> None:
    model = compiled(Dense(2, kernel_regularizer="l2", input_dim=2), Dense(1))
    before = model.evaluate(X, Y)[0]
    model.freeze(0)
    assert model.evaluate(X, Y)[0] < before


def glorot() -> None:
    W, b = compiled(Dense(3)).get_weights()
    assert np.abs(W).max() <= np.sqrt(6 / 5)
    assert type(Dense(3).kernel_initializer).__name__ == "GlorotUniform"
    assert not b.any()


def trainable() -> None:
    model = compiled(Dense(2), Dense(1))
    model.layers[0].trainable = False  # after compile
    before = model.layers[0].W.copy()
    model.train_on_batch(X, Y)
    assert (before == model.layers[0].W).all()


def frozen_layer() -> None:
    model = compiled(Dense(4), Dropout(0.5), BatchNormalization(), Dense(1))
    model.freeze("all_but_head")
    state = model.state.copy()
    losses = {model.loss_and_gradient(X, Y, seed=seed) for seed in range(5)}
    assert len(losses) == 1
    model.train_on_batch(X, Y)
    assert (model.state == state).all()


def second_model() -> None:
    first = compiled(Dense(2), Dense(1))
    second = Sequential([*first.layers[:-1], Dense(3)], seed=1, dtype="float64")
    second.build((2,))
    assert (second.layers[0].W == first.layers[0].W).all()
    second.layers[0].W = np.zeros((2, 2))
    assert first.layers[0].W.any()


def evaluated() -> None:
    model = Sequential([Dense(1, input_dim=2)], seed=0)
    model.compile("sgd", "mse", ["mae"])
    loss, figure = result = model.evaluate(X, Y)
    assert (result["loss"], result["mae"]) == (loss, figure)


def restored() -> None:
    assert inspect.signature(EarlyStopping).parameters["restore_best_weights"].default is True


def baseline() -> None:
    model = compiled(Dense(1))
    stop = EarlyStopping("loss", baseline=-1.0, patience=2)  # no loss beats it
    model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop])
    assert stop.best_epoch is not None


def mode() -> None:
    class Silent(minnet.metrics.Metric):
        name = "silent"

        def statistics(self, prediction, target):
            return np.array([0.0, 1.0])

    model = compiled(Dense(1))
    model.compile("sgd", "mse", [Silent()])
    with pytest.raises(ValueError, match="better"):
        model.fit(X, Y, verbose=0, callbacks=[EarlyStopping("silent")])


def softmax_binary() -> None:
    with pytest.warns(UserWarning, match="Softmax"):
        Sequential([Dense(2, "softmax", input_dim=2)]).compile("sgd", "binary_crossentropy")


def one_logit() -> None:
    loss = minnet.losses.BinaryCrossEntropy(from_logits=True)
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", loss, ["accuracy"])
    model.layers[0].W = [[1.0]]
    assert model.evaluate([[0.3], [-0.3]], [[1], [0]])["accuracy"] == 1.0


def half_a_row() -> None:
    with pytest.raises(ValueError, match="validation_split"):
        compiled(Dense(1)).fit(X, Y, validation_split=0.1, verbose=0)


def rate_of_a_callback() -> None:
    model = compiled(Dense(1))

    def stop(epoch, logs=None):
        model.optimizer.learning_rate = 0.0

    seen = [model.theta.copy()]
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.theta.copy()))
    halt = LambdaCallback(on_epoch_end=stop)
    model.fit(X, Y, epochs=3, learning_rate=0.1, verbose=0, callbacks=[look, halt])
    assert (seen[1] != seen[0]).any()
    assert (seen[3] == seen[1]).all()


def one_hot() -> None:
    loss = minnet.losses.CrossEntropy()
    assert loss([[0.25, 0.75]], [1]) == loss([[0.25, 0.75]], [[0.0, 1.0]])


def arguments() -> None:
    with pytest.raises((TypeError, ValueError), match="prediction"):
        minnet.losses.CrossEntropy()([1, 0], [[0.25, 0.75], [0.5, 0.5]])


CHECKS: dict[str, Callable[[], None]] = {
    "Adam's ε": adam,
    "SGD's velocity": velocity,
    "RMSprop's ε, ρ": rmsprop,
    "Adagrad's accumulator starts at": adagrad,
    "`weight_decay`": decay,
    "batch norm's momentum, ε": batch_norm,
    "GELU": gelu,
    "LeakyReLU's slope": leaky,
    '`kernel_regularizer="l1_l2"`': l1_l2,
    "`MaxNorm` of weights within the bound": max_norm,
    "L2 penalty of frozen layers": frozen_penalty,
    "initial weights of a dense layer": glorot,
    "a change of `trainable`": trainable,
    "a frozen layer": frozen_layer,
    "layers put into a second model": second_model,
    "`evaluate` returns": evaluated,
    "`EarlyStopping(restore_best_weights=)`": restored,
    "`EarlyStopping(baseline=)`": baseline,
    '`mode="auto"`': mode,
    "softmax with the binary cross-entropy": softmax_binary,
    "accuracy of one logit": one_logit,
    "`validation_split` of less than half a row": half_a_row,
    "a rate that a callback sets": rate_of_a_callback,
    "one-hot rows where labels are expected": one_hot,
    "a loss's arguments": arguments,
}
"""Row of the table → what holds it."""


def test_every_row_has_a_check_and_every_check_a_row() -> None:
    assert set(table()) == set(CHECKS)


@pytest.mark.parametrize("row", CHECKS)
def test_minnet_does_what_the_table_says(row: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CHECKS[row]()


FIGURES = {
    "Adam's ε": "1e-8",
    "RMSprop's ε, ρ": "1e-7 inside the root, 0.9",
    "Adagrad's accumulator starts at": "0.1",
    "batch norm's momentum, ε": "0.99, 1e-3",
    "LeakyReLU's slope": "0.3",
    '`kernel_regularizer="l1_l2"`': "0.01 and 0.01",
}


@pytest.mark.parametrize(("row", "figure"), FIGURES.items())
def test_the_table_has_the_figures_that_are_checked(row: str, figure: str) -> None:
    assert figure in table()[row]
