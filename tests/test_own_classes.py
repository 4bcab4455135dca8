"""A student's own layer, loss, metric, optimizer, penalty and callback, with each likely mistake.

Each ends in words that name the method, before anything is trained; a right one is taken.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minnet.callbacks import Callback, LambdaCallback
from minnet.constraints import Constraint
from minnet.initializers import FromFunction, Initializer, Ones
from minnet.layers import Dense, Layer
from minnet.losses import Loss, MeanSquaredError
from minnet.metrics import Accuracy, Metric
from minnet.models import Sequential
from minnet.optimizers import SGD, Optimizer
from minnet.regularizers import Regularizer
from minnet.schedules import Schedule

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.c_[X.sum(axis=1), -X.sum(axis=1)]


def fitted(loss="mse", metrics=(), layers=(), optimizer="sgd", call="fit", **options):
    """A model with these, after the call."""
    model = Sequential([Dense(4, input_dim=3), *layers, Dense(2)], seed=0)
    model.compile(optimizer, loss, metrics)
    if call == "fit":
        model.fit(X, Y, verbose=0, **options)
    else:
        getattr(model, call)(X, Y)
    return model


def own(base, **methods):
    """An object of a class of one's own."""
    return type("Own", (base,), methods)()


def right_losses(self, p, t):
    return ((p - t) ** 2).sum(axis=1)


def right_gradient(self, p, t):
    return 2 * (p - t) / len(p)


def writes(self, p, t):
    p -= t
    return (p * p).sum(axis=1)


LOSSES = {
    "summed over the rows": ("per_sample", lambda self, p, t: ((p - t) ** 2).sum(axis=0)),
    "not summed": ("per_sample", lambda self, p, t: (p - t) ** 2),
    "a column": ("per_sample", lambda self, p, t: ((p - t) ** 2).sum(axis=1, keepdims=True)),
    "the mean": ("per_sample", lambda self, p, t: ((p - t) ** 2).mean()),
    "a Python number": ("per_sample", lambda self, p, t: 1.0),
    "a list": ("per_sample", lambda self, p, t: [1.0] * len(p)),
    "nothing": ("per_sample", lambda self, p, t: None),
    "text": ("per_sample", lambda self, p, t: np.array(["1"] * len(p))),
    "written into": ("per_sample", writes),
    "a gradient a sample": ("gradient", lambda self, p, t: (p - t).sum(axis=1)),
    "a gradient an output": ("gradient", lambda self, p, t: (p - t).sum(axis=0)),
    "a gradient number": ("gradient", lambda self, p, t: 0.5),
    "no gradient": ("gradient", lambda self, p, t: None),
    "a transposed gradient": ("gradient", lambda self, p, t: (p - t).T),
    "a gradient written into": ("gradient", lambda self, p, t: p.__isub__(t)),
}


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "loss_and_gradient"])
@pytest.mark.parametrize(("method", "formula"), LOSSES.values(), ids=LOSSES)
def test_a_loss_at_fault_is_named(method, formula, call) -> None:
    methods = {"per_sample": right_losses, "gradient": right_gradient, method: formula}
    with pytest.raises((TypeError, ValueError), match=rf"^Own\.{method} "):
        fitted(own(Loss, **methods), call=call)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "loss_and_gradient"])
def test_a_right_loss_is_taken(call) -> None:
    fitted(own(Loss, per_sample=right_losses, gradient=right_gradient), call=call)


def test_a_loss_that_is_called_alone_is_looked_at_too() -> None:
    with pytest.raises(ValueError, match=r"Own\.per_sample returns an array of shape \(20,\)"):
        own(Loss, per_sample=LOSSES["not summed"][1])(Y, Y)


METRICS = {
    "the figure": {"statistics": lambda self, p, t: float(np.abs(p - t).max())},
    "a NumPy number": {"statistics": lambda self, p, t: np.abs(p - t).max()},
    "nothing": {"statistics": lambda self, p, t: None},
    "a tuple": {"statistics": lambda self, p, t: (1.0, 2.0)},
    "one statistic": {"statistics": lambda self, p, t: np.array([1.0])},
    "one a sample": {"statistics": lambda self, p, t: np.abs(p - t).mean(axis=1)},
    "written into": {"statistics": lambda self, p, t: p.__isub__(t)},
    "a result of two": {
        "statistics": lambda self, p, t: np.array([1.0, 2.0]),
        "result": lambda self, s: s,
    },
    "no result": {
        "statistics": lambda self, p, t: np.array([1.0, 2.0]),
        "result": lambda self, s: None,
    },
    "no merger": {
        "statistics": lambda self, p, t: np.array([1.0, 2.0]),
        "merge": lambda self, a, b: None,
    },
    "a longer merger": {
        "statistics": lambda self, p, t: np.array([1.0, 2.0]),
        "merge": lambda self, a, b: np.concatenate([a, b]),
    },
}


@pytest.mark.parametrize("call", ["fit", "evaluate"])
@pytest.mark.parametrize("methods", METRICS.values(), ids=METRICS)
def test_a_metric_at_fault_is_named(methods, call) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^Own\.(statistics|merge|result) "):
        fitted(metrics=[own(Metric, **methods)], call=call)


def test_a_metric_that_is_called_alone_is_looked_at_too() -> None:
    with pytest.raises(TypeError, match=r"Own\.statistics returns an array of what is to be known"):
        own(Metric, **METRICS["the figure"])(Y, Y)


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_a_right_metric_is_taken(call) -> None:
    largest = own(
        Metric,
        name="largest",
        statistics=lambda self, p, t: np.array([np.abs(p - t).max()]),
        merge=lambda self, a, b: np.maximum(a, b),
        result=lambda self, s: s[0],
    )
    fitted(metrics=[largest], call=call)


@pytest.mark.parametrize("name", ["loss", "val_loss", "val_mae", "mae"])
def test_a_metric_under_the_name_of_another_figure_is_refused(name) -> None:
    with pytest.raises(ValueError, match=r"^compile takes (metrics with names|each metric once)"):
        fitted(metrics=["mae", own(Metric, name=name)])
    model = fitted(metrics=["mae", "mse"])
    model.metrics[1].name = name
    for call in (model.evaluate, lambda x, y: model.fit(x, y, verbose=0)):
        with pytest.raises(ValueError, match=r"^compile takes "):
            call(X, Y)


class Scale(Layer):
    """The layer of the docstring."""

    parameters = ("s",)

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Ones(), rng)

    def forward(self, x, memo=None):
        return x * self.s

    def backward(self, x, y, dy, memo=None):
        return dy * self.s

    def gradient(self, x, y, dy, memo=None):
        self.ds[...] = (dy * x).sum(axis=0)


def adds(self, x, y, dy, memo=None):
    self.ds += (dy * x).sum(axis=0)


LAYERS = {
    "another shape": ("forward", lambda self, x, memo=None: x[:, :1]),
    "fewer rows": ("forward", lambda self, x, memo=None: x[:1]),
    "a list": ("forward", lambda self, x, memo=None: x.tolist()),
    "nothing": ("forward", lambda self, x, memo=None: None),
    "dx in another shape": ("backward", lambda self, x, y, dy, memo=None: dy.sum(axis=1)),
    "no dx": ("backward", lambda self, x, y, dy, memo=None: None),
    "a gradient added to": ("gradient", adds),
    "a gradient forgotten": ("gradient", lambda self, x, y, dy, memo=None: None),
}


@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
@pytest.mark.parametrize(("method", "formula"), LAYERS.values(), ids=LAYERS)
def test_a_layer_at_fault_is_named(method, formula, call) -> None:
    layer = type("Own", (Scale,), {method: formula})(name="mine")
    with pytest.raises((TypeError, ValueError), match=rf"^mine\.{method} "):
        fitted(layers=[layer], call=call)


def test_a_right_layer_is_taken_and_runs_no_more_often_than_it_has_to() -> None:
    calls = []

    class Counting(Scale):
        def forward(self, x, memo=None):
            calls.append(len(x))
            return super().forward(x, memo)

    fitted(layers=[Counting()], epochs=2, batch_size=10)
    assert calls == [8, 10, 10, 10, 10]


class Rebinds(Optimizer):
    def update(self, theta, grad, slots, t, learning_rate, scratch):
        theta = theta - learning_rate * grad


class Returns(Optimizer):
    def update(self, theta, grad, slots, t, learning_rate, scratch):
        return theta - learning_rate * grad


class Spoils(Optimizer):
    def update(self, theta, grad, slots, t, learning_rate, scratch):
        grad *= learning_rate
        theta -= grad


class Right(Optimizer):
    def update(self, theta, grad, slots, t, learning_rate, scratch):
        theta -= learning_rate * grad


def test_an_optimizer_at_fault_is_named() -> None:
    with pytest.warns(UserWarning, match=r"^Rebinds\.update left theta as it was"):
        fitted(optimizer=Rebinds(0.1))
    for kind in (Returns, Spoils):
        with pytest.raises(ValueError, match=rf"^{kind.__name__}\.update moves theta in place"):
            fitted(optimizer=kind(0.1))
    np.testing.assert_array_equal(
        fitted(optimizer=Right(0.1), seed=0).theta, fitted(optimizer=SGD(0.1), seed=0).theta
    )


@pytest.mark.parametrize(
    ("method", "formula"),
    [
        ("__call__", lambda self, w: w * w),
        ("__call__", lambda self, w: None),
        ("gradient", lambda self, w: 2.0),
        ("gradient", lambda self, w: w.sum(axis=0)),
    ],
)
def test_a_penalty_at_fault_is_named(method, formula) -> None:
    methods = {"__call__": lambda self, w: 0.0, "gradient": lambda self, w: 0 * w, method: formula}
    layer = Dense(4, kernel_regularizer=own(Regularizer, **methods))
    with pytest.raises((TypeError, ValueError), match=rf"^Own\.{method} returns "):
        fitted(layers=[layer])


CONSTRAINTS = {
    "a number": lambda self, w: 1.0,
    "nothing": lambda self, w: None,
    "of another shape": lambda self, w: w.sum(axis=0),
    "a column": lambda self, w: np.linalg.norm(w, axis=0, keepdims=True),
    "a list": lambda self, w: w.tolist(),
    "written into": lambda self, w: w.__imul__(0.5),
}


@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
@pytest.mark.parametrize("project", CONSTRAINTS.values(), ids=CONSTRAINTS)
def test_a_constraint_at_fault_is_named_before_anything_moves(project, call) -> None:
    layer = Dense(4, kernel_constraint=own(Constraint, project=project))
    model = Sequential([layer, Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.build((3,))
    before = model.theta.copy()
    with pytest.raises((TypeError, ValueError), match=r"^Own\.project (returns|takes) "):
        model.fit(X, Y, verbose=0) if call == "fit" else model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.theta, before)


def test_a_right_constraint_is_taken() -> None:
    bounded = own(Constraint, project=lambda self, w: np.clip(w, -0.1, 0.1))
    model = fitted(layers=[Dense(4, kernel_constraint=bounded)])
    assert np.abs(model.layers[1].W).max() <= np.float32(0.1)


DRAWS = {
    "nothing": (lambda self, shape, rng: None, "takes an array of numbers. Got None"),
    "text": (lambda self, shape, rng: "ones", "takes an array of numbers. Got 'ones'"),
    "of another shape": (lambda self, shape, rng: rng.normal(size=shape[::-1]), "of shape"),
    "a number": (lambda self, shape, rng: 0.5, "of shape"),
    "with NaN": (lambda self, shape, rng: np.full(shape, np.nan), "takes finite numbers"),
    "too large": (lambda self, shape, rng: np.full(shape, 1e300), "that float32 can hold"),
    "complex": (lambda self, shape, rng: np.ones(shape, complex), "takes real numbers"),
    "ragged": (lambda self, shape, rng: [[1.0], [1.0, 2.0]], "takes rows of equal length"),
}


@pytest.mark.parametrize(("draw", "message"), DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("alone", [False, True])
def test_an_initializer_at_fault_is_named_and_leaves_no_trace(draw, message, alone) -> None:
    one = own(Initializer, draw=draw)
    if alone:
        one = FromFunction(lambda shape, rng: draw(None, shape, rng))
    layer = Dense(4, kernel_initializer=one)
    model = Sequential([Dense(3), layer, Dense(2)], seed=0)
    model.compile("sgd", "mse")
    before = repr(model.rng.bit_generator.state)
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        model.fit(X, Y, verbose=0)
    assert "dense_2.W" in str(caught.value) or alone
    assert not model.built
    assert repr(model.rng.bit_generator.state) == before


@pytest.mark.parametrize("rate", [None, "fast", -1.0, float("nan"), np.ones(2)], ids=str)
def test_a_schedule_at_fault_is_named(rate) -> None:
    schedule = own(Schedule, __call__=lambda self, step: rate)
    for options in ({"optimizer": SGD(schedule)}, {"learning_rate": schedule}):
        with pytest.raises((TypeError, ValueError), match=r"at step 0 takes a"):
            fitted(**options)


@pytest.mark.parametrize(
    ("name", "hook", "message"),
    [
        (
            "on_epoch_end",
            lambda self, epoch: None,
            r"takes \(self, number, logs\). Got another sig",
        ),
        ("on_epoch_end", lambda self, logs: None, r"takes \(self, number, logs\). Got another"),
        ("on_train_end", lambda self: None, r"takes \(self, logs\). Got another signature"),
        ("on_epoch_ends", lambda self, epoch, logs: None, 'would call. Did you mean "on_epoch_e'),
        ("on_batch_end", lambda self, batch, logs: None, "which nobody would call"),
    ],
)
def test_a_callback_at_fault_is_named(name, hook, message) -> None:
    with pytest.raises(TypeError, match=message):
        fitted(callbacks=[own(Callback, **{name: hook})])


def test_a_function_of_a_callback_that_takes_too_little_is_named() -> None:
    with pytest.raises(TypeError, match=r"LambdaCallback\.on_epoch_end takes \(self, number, logs"):
        fitted(callbacks=[LambdaCallback(on_epoch_end=lambda epoch: None)])


def test_a_class_that_cannot_be_copied_is_not_tried() -> None:
    class Logged(Accuracy):
        def __init__(self, file):
            super().__init__(name="logged")
            self.file = file

        def check_target(self, target, output_shape, who="y"):
            pass

        def statistics(self, prediction, target):
            return np.array([1.0, 2.0])

    with Path(__file__).open() as file:
        assert fitted(metrics=[Logged(file)]).history.history["logged"] == [0.5]


WRITES = {
    "forward": lambda self, x, memo=None: x.__imul__(2),
    "backward": lambda self, x, y, dy, memo=None: x.__imul__(2),
    "gradient": lambda self, x, y, dy, memo=None: dy.__imul__(2),
}


@pytest.mark.parametrize("call", ["fit", "train_on_batch", "evaluate"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("method", "formula"), WRITES.items(), ids=WRITES)
def test_a_layer_that_writes_into_what_it_is_handed_is_named(method, formula, first, call) -> None:
    """As the first layer it would spoil the caller's own data."""
    if first and method == "backward":
        pytest.skip("the first layer's backward is never called")
    layer = type("Own", (Scale,), {method: formula})(name="mine")
    layers = [layer, Dense(2)] if first else [Dense(4), layer, Dense(2)]
    model = Sequential(layers, seed=0)
    model.build((3,))
    model.compile("sgd", "mse")
    x, theta = X.astype(np.float32), model.theta.copy()
    before = x.copy()
    with pytest.raises(ValueError, match=rf"^mine\.{method} takes arrays to read\. .* x \*= 2\.$"):
        model.fit(x, Y, verbose=0) if call == "fit" else getattr(model, call)(x, Y)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(model.theta, theta)


@pytest.mark.parametrize(
    ("kind", "methods", "name"),
    [
        (Loss, {"per_sample": lambda self, p, t: right_losses(self, p, t) + 0j}, "per_sample"),
        (Loss, {"gradient": lambda self, p, t: right_gradient(self, p, t) + 0j}, "gradient"),
        (Scale, {"forward": lambda self, x, memo=None: x + 0j}, "forward"),
        (Scale, {"backward": lambda self, x, y, dy, memo=None: dy + 0j}, "backward"),
    ],
)
def test_complex_numbers_where_real_ones_came_are_named(kind, methods, name) -> None:
    formulas = {"per_sample": right_losses, "gradient": right_gradient} if kind is Loss else {}
    thing = own(kind, **(formulas | methods))
    parts = {"loss": thing} if kind is Loss else {"layers": [thing]}
    words = rf"\.{name} returns real numbers for real ones\. Got complex"
    with pytest.raises(TypeError, match=words):
        fitted(**parts)


def test_a_masked_array_of_losses_is_named() -> None:
    """Its sum would leave samples out."""

    def masked(self, p, t):
        return np.ma.masked_less(right_losses(self, p, t), 1.0)

    with pytest.raises(TypeError, match=r"^Own\.per_sample returns an array of shape \(8,\)"):
        fitted(own(Loss, per_sample=masked, gradient=right_gradient))


SQUEEZED = {
    "losses": {"per_sample": lambda self, p, t: right_losses(self, p, t).squeeze()},
    "a gradient": {"gradient": lambda self, p, t: right_gradient(self, p, t).squeeze()},
}


@pytest.mark.parametrize("methods", SQUEEZED.values(), ids=SQUEEZED)
def test_a_loss_that_is_right_but_for_a_last_batch_of_one_row_is_named(methods) -> None:
    """20 samples in batches of 19."""
    formulas = {"per_sample": right_losses, "gradient": right_gradient}
    with pytest.raises(
        (TypeError, ValueError), match=rf"^Own\.{next(iter(methods))} returns an ar"
    ):
        fitted(own(Loss, **(formulas | methods)), batch_size=19)


def test_a_metric_that_is_right_but_for_a_last_batch_of_one_row_is_named() -> None:
    def squeezed(self, p, t):
        return np.abs(p - t).mean(axis=1).squeeze()

    metric = own(
        Metric, statistics=squeezed, merge=lambda self, a, b: a, result=lambda self, s: 0.0
    )
    with pytest.raises(TypeError, match=r"^Own\.statistics returns an array of what is to be kno"):
        fitted(metrics=[metric], batch_size=19)


def test_the_figure_of_a_metric_is_a_number_of_pythons() -> None:
    largest = own(
        Metric,
        name="largest",
        statistics=lambda self, p, t: np.array([np.abs(p - t).max()], np.float32),
        merge=lambda self, a, b: np.maximum(a, b),
        result=lambda self, s: s[0],
    )
    model = fitted(metrics=[largest])
    assert type(model.history.history["largest"][0]) is float
    assert type(model.evaluate(X, Y)["largest"]) is float


def test_a_layer_that_writes_into_its_input_leaves_the_callers_array_alone():
    class Twice(Layer):
        def forward(self, x, memo=None):
            x *= 2
            return x

    model = Sequential([Twice(input_shape=(2,)), Dense(1)], seed=0)
    x = np.ones((3, 2), np.float32)
    model.predict(x)
    model.features(x)
    np.testing.assert_array_equal(x, 1.0)


SIGNATURES = {
    "forward": (Layer, lambda self, x: x, r"\(self, x, memo=None\). Got \(self, x\)"),
    "backward": (Layer, lambda self, dy: dy, r"\(self, x, y, dy, memo=None\)"),
    "gradient": (Loss, lambda self, p, t, n: p, r"\(self, prediction, target\)"),
    "per_sample": (MeanSquaredError, lambda self, error: error, "prediction, target"),
    "statistics": (Metric, lambda self, error: error, "prediction, target"),
    "result": (Accuracy, lambda self: 1.0, r"\(self, statistics\). Got \(self\)"),
    "update": (Optimizer, lambda self, theta, grad: None, "learning_rate"),
    "__call__": (Schedule, lambda self: 0.1, r"\(self, step\). Got \(self\)"),
    "project": (Constraint, lambda self: 1.0, r"\(self, weights\)"),
    "draw": (Initializer, lambda self, shape: 1.0, r"\(self, shape, rng\)"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_formula_with_other_arguments_is_refused_when_the_class_is_made(name) -> None:
    base, formula, message = SIGNATURES[name]
    with pytest.raises(TypeError, match=rf"Own\.{name} takes .*{message}.*Write def {name}\("):
        type("Own", (base,), {name: formula})


def test_a_formula_may_name_its_arguments_otherwise_and_take_more() -> None:
    class Own(Layer):
        def forward(self, samples, kept, *, gain=2.0):
            return gain * samples

        def backward(self, *arrays):
            return 2.0 * arrays[2]

    model = Sequential([Own(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
