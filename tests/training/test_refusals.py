"""A call that is refused leaves the model, its generator and its history as they were."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from minnet.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    RecordWeights,
    ReduceLROnPlateau,
)
from minnet.foundation.checks import DivergedError
from minnet.layers import BatchNormalization, Dense, Dropout, LeakyReLU
from minnet.losses import CrossEntropy, Loss
from minnet.metrics import Accuracy, Metric, TopKCategoricalAccuracy
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.regularizers import L2

X, Y = np.linspace(-1, 1, 64).reshape(16, 4), np.arange(16) % 2


class NotBefore(Callback):
    """A callback that has changed much when it refuses."""

    def on_train_begin(self, logs=None):
        self.model.rng.random(3)
        self.model.freeze([0])
        self.model.stop_training = True
        raise ValueError("not before breakfast")


class BadLoss(Loss):
    def per_sample(self, prediction, target):
        return (prediction - target).sum()

    def gradient(self, prediction, target):
        return prediction - target


class BadMetric(Metric):
    name = "bad"

    def statistics(self, prediction, target):
        return 1.0


def model(loss="cross_entropy", metrics=(), built=False):
    """A model with dropout and statistics, not built unless it is to be."""
    shape = {"input_dim": 4} if built else {}
    layers = [Dense(3, **shape), BatchNormalization(), Dropout(0.5)]
    layers.append(Dense(2, activation="softmax" if loss == "cross_entropy" else None))
    made = Sequential(layers, seed=0)
    made.compile(SGD(0.1, momentum=0.9), loss, metrics)
    return made


def state(made):
    """All that a refused call leaves alone."""
    return copy.deepcopy(
        (
            made.built,
            made.rng.bit_generator.state,
            [layer.trainable for layer in made.layers],
            [layer.arrays() for layer in made.layers],
            id(made.history),
            made.provenance,
            made.stop_training,
            made.scale_checked,
            made.updates.iterations,
            made.updates.counts,
            made.updates.slots,
        )
    )


REFUSED = {
    "no rows to train on": {"validation_split": 0.99},
    "no row to validate on": {"validation_split": 0.01},
    "a class too many": {"class_weight": {5: 1.0}},
    "validation of another shape": {"validation_data": (X[:, :3], Y)},
    "validation of other labels": {"validation_data": (X, Y + 5)},
    "weights of another length": {"sample_weight": [1.0]},
    "no such figure": {"callbacks": [EarlyStopping("val_los")]},
    "a callback that refuses": {"callbacks": [NotBefore()]},
    "a callback that refuses after another": {
        "callbacks": [LambdaCallback(on_train_begin=lambda logs: None), NotBefore()]
    },
    "a rate of no layer": {"learning_rate": {"dense_9": 0.1}},
    "labels of another task": {"y": Y + 7},
    "inputs that are not finite": {"x": np.where(X > 0.9, np.nan, X)},
}


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_refused_fit_leaves_no_trace(given, built) -> None:
    made = model(built=built)
    if built:
        made.fit(X, Y, verbose=0)
    before = state(made)
    call = {"x": X, "y": Y, "verbose": 0, **given}
    with pytest.raises((ValueError, TypeError)):
        made.fit(**call)
    np.testing.assert_equal(state(made), before)
    made.fit(X[:, :3] if not built else X, Y, verbose=0)  # the corrected call is not refused


def test_the_corrected_fit_is_the_one_that_was_never_refused() -> None:
    wrong, right = model(), model()
    with pytest.raises(ValueError, match="breakfast"):
        wrong.fit(X, Y, verbose=0, callbacks=[NotBefore()])
    for made in (wrong, right):
        made.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(wrong.theta, right.theta)


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize(
    ("loss", "metrics", "y"),
    [
        (BadLoss(), [], np.c_[Y, Y]),
        ("mse", [BadMetric()], np.c_[Y, Y]),
        ("cross_entropy", [TopKCategoricalAccuracy(5)], Y),
    ],
    ids=["a loss of the wrong shape", "a metric that is no sum", "a k beyond the classes"],
)
def test_nor_does_one_that_is_refused_in_its_first_step(loss, metrics, y, built) -> None:
    calls = {
        "fit": lambda made: made.fit(X, y, verbose=0),
        "evaluate": lambda made: made.evaluate(X, y),
        "train_on_batch": lambda made: made.train_on_batch(X, y),
        "loss_and_gradient": lambda made: made.loss_and_gradient(X, y),
    }
    for name, call in calls.items():
        if name in ("train_on_batch", "loss_and_gradient") and metrics:
            continue  # no metric takes part
        if name == "fit" and [metric.name for metric in metrics] == ["bad"]:
            continue  # the first step is made by the time that metrics are asked
        made = model(loss, metrics, built)
        before = state(made)
        with pytest.raises((ValueError, TypeError)):
            call(made)
        np.testing.assert_equal(state(made), before, err_msg=name)


@pytest.mark.parametrize("built", [False, True])
def test_other_calls_leave_no_trace(built) -> None:
    made = model(built=built)
    calls = [
        lambda: made.evaluate(X, Y + 5),
        lambda: made.evaluate(X, Y, batch_size=0),
        lambda: made.evaluate(X, Y, sample_weight=[1]),
        lambda: made.train_on_batch(X, Y + 5),
        lambda: made.loss_and_gradient(X, Y, [1]),
        lambda: made.predict(X[:, :1], batch_size=0),
        lambda: made.predict("x"),
    ]
    for call in calls:
        before = state(made)
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            call()
        np.testing.assert_equal(state(made), before)


class ChangesAll(Callback):
    """Changes settings and numbers before it refuses."""

    def on_train_begin(self, logs=None):
        model = self.model
        model.optimizer.learning_rate, model.optimizer.weight_decay = 5.0, 0.1
        model.loss.label_smoothing, model.metrics[0].threshold = 0.5, 0.9
        model.layers[0].activation.negative_slope = 0.9
        model.layers[0].kernel_regularizer.l2 = 9.0
        model.layers[0].W[...] = 0.0
        model.state[...] = 7.0
        raise ValueError("not before breakfast")


def test_settings_and_numbers_that_a_callback_changed_before_it_refused_are_put_back() -> None:
    layers = [
        Dense(3, LeakyReLU(0.2), kernel_regularizer=L2(0.1), input_dim=4),
        BatchNormalization(),
        Dense(2, "softmax"),
    ]
    made = Sequential(layers, seed=0)
    made.compile(SGD(0.1, momentum=0.9), CrossEntropy(), [Accuracy()])
    made.fit(X, Y, verbose=0)
    before = repr((made.layers, made.optimizer, made.loss, made.metrics))
    theta, slope = made.theta.copy(), made.layers[0].activation.negative_slope
    twin = made.copy()
    with pytest.raises(ValueError, match="breakfast"):
        made.fit(X, Y, verbose=0, callbacks=[ChangesAll()])
    assert repr((made.layers, made.optimizer, made.loss, made.metrics)) == before
    assert made.layers[0].activation.negative_slope == slope
    np.testing.assert_array_equal(made.theta, theta)
    made.fit(X, Y, epochs=2, verbose=0)
    twin.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(made.theta, twin.theta)
    np.testing.assert_array_equal(made.state, twin.state)


@pytest.mark.parametrize(
    "act",
    [
        lambda made: made.pop(),
        lambda made: made.add(Dense(2)),
        lambda made: (made.pop(), made.pop(), made.add(Dense(7))),
        lambda made: (made.pop(), made.add(Dense(2, "softmax"))),
    ],
)
@pytest.mark.parametrize("trained", [False, True])
def test_layers_that_a_callback_took_or_gave_before_it_refused_are_put_back(act, trained) -> None:
    made = Sequential([Dense(3, input_dim=4), Dense(2, "softmax")], seed=0)
    made.compile(SGD(0.1, momentum=0.9), "cross_entropy")
    if trained:
        made.fit(X, Y, verbose=0)
    twin, layers = made.copy(), made.layers

    def change(logs):
        act(made)
        raise ValueError("not before breakfast")

    with pytest.raises(ValueError, match="breakfast"):
        made.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_train_begin=change)])
    assert list(map(id, made.layers)) == list(map(id, layers))
    np.testing.assert_array_equal(made.theta, twin.theta)
    for one in (made, twin):
        one.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(made.theta, twin.theta)


@pytest.mark.parametrize("built", [False, True])
def test_the_generator_of_a_refused_fit_has_not_moved(built) -> None:
    made, rng = model(built=built), np.random.default_rng(0)
    before = repr(rng.bit_generator.state)
    for call in ({"learning_rate": lambda step: None}, {"callbacks": [NotBefore()]}):
        with pytest.raises((ValueError, TypeError)):
            made.fit(X, Y, verbose=0, seed=rng, **call)
        assert repr(rng.bit_generator.state) == before


def test_a_batch_that_is_not_finite_moves_no_generator() -> None:
    made = model("mse")
    before = state(made)
    with pytest.raises(DivergedError):
        made.train_on_batch(X * 1e30, np.c_[Y, Y] * 1e30)
    np.testing.assert_equal(state(made), before)


class Remembers(Callback):
    """A student's, with figures in a list and a dict."""

    def __init__(self):
        self.seen, self.named, self.count = [1], {"a": 1}, 3

    def on_train_begin(self, logs=None):
        self.seen.append(2)
        self.named.clear()
        self.count, self.more = 0, True


@pytest.mark.parametrize("last", [NotBefore(), EarlyStopping("val_los")], ids=["raises", "slip"])
def test_callbacks_are_as_before_where_a_fit_is_refused(last) -> None:
    """What they kept of the fit before is not lost: a best epoch, weights, a student's own."""
    made, mine = model(built=True), Remembers()
    stop, record, lower = EarlyStopping("loss"), RecordWeights(), ReduceLROnPlateau("loss")
    kept = [stop, record, lower]
    made.fit(X, Y, epochs=3, verbose=0, callbacks=kept)
    before = [dict(vars(one)) for one in (*kept, mine)]
    thetas = list(record.thetas)
    with pytest.raises(ValueError, match=r"breakfast|val_los"):
        made.fit(X, Y, verbose=0, callbacks=[*kept, mine, last])
    for one, attributes in zip((*kept, mine), before, strict=True):
        assert vars(one).keys() == attributes.keys()
        assert all(vars(one)[name] is value for name, value in attributes.items())
    assert (mine.seen, mine.named, mine.count) == ([1], {"a": 1}, 3)
    assert list(map(id, record.thetas)) == list(map(id, thetas))
    assert stop.best_epoch is not None


class Halves(Callback):
    """Halves the weights after each step, and raises after the third."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.theta = self.model.theta / 2
        self.after = self.model.theta.copy()
        if batch == 2:
            raise ZeroDivisionError("a student's fault")


def test_what_a_callback_changed_after_the_first_update_stays_where_it_raises() -> None:
    """A failure in the middle is no refusal: whole steps stay, and what came between them."""
    made, halves = model(built=True), Halves()
    with pytest.raises(ZeroDivisionError):
        made.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[halves])
    np.testing.assert_array_equal(made.theta, halves.after)
    assert made.updates.iterations == 3
    assert made.history.epoch == []
    made.fit(X, Y, verbose=0)


class Turns(Metric):
    """A metric of one's own that changes settings, and refuses what is not alike any more."""

    name = "turns"

    def __init__(self, model):
        super().__init__()
        self.model = model

    def __deepcopy__(self, memo):
        raise TypeError("no copy of this")  # so that it is not tried beforehand

    def statistics(self, prediction, target):
        self.model.optimizer.learning_rate = 7.0
        self.model.layers[-1].trainable = False
        raise ValueError("not this batch")


def test_settings_that_a_metric_of_ones_own_changed_before_it_refused_are_put_back() -> None:
    made = model(built=True)
    made.compile(SGD(0.1, momentum=0.9), "cross_entropy", [Turns(made)])
    with pytest.raises(ValueError, match="not this batch"):
        made.fit(X, Y, verbose=0)
    assert made.optimizer.learning_rate == 0.1
    assert made.layers[-1].trainable


def test_a_plain_fit_that_a_schedule_refuses_leaves_no_trace() -> None:
    made = model(built=True)
    made.fit(X, Y, verbose=0)
    before = state(made)
    with pytest.raises(ValueError, match="finite number"):
        made.fit(X, Y, verbose=0, learning_rate=lambda step: float("nan"))
    np.testing.assert_equal(state(made), before)
