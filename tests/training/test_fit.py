"""The loop over batches and epochs: what it computes, in which order, and what stops it."""

from __future__ import annotations

import contextlib
import inspect
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from minnet.layers import (
    ELU,
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    Rescaling,
    Reshape,
    Softmax,
    ZeroPadding2D,
)
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam
from minnet.training import features
from minnet.training.callback import HOOKS
from tests.small_models import classifier, everything, gradient_of, regression
from tests.strategies import seeds

ROOT = Path(minnet.__file__).parents[1]


def by_hand(theta, x, y, order, batch_size, update):
    """tanh network of 3-4-2 with the mean squared error, in flat NumPy; mean loss and MAE."""
    W1, b1 = theta[:12].reshape(3, 4), theta[12:16]
    W2, b2 = theta[16:24].reshape(4, 2), theta[24:26]
    total = absolute = 0.0
    for begin in range(0, len(x), batch_size):
        xb, t = x[order[begin : begin + batch_size]], y[order[begin : begin + batch_size]]
        h = np.tanh(xb @ W1 + b1)
        error = h @ W2 + b2 - t
        total += np.square(error).sum() / 2
        absolute += np.abs(error).sum() / 2
        dy = error / len(xb)
        dh = dy @ W2.T * (1 - h * h)
        parts = [xb.T @ dh, dh.sum(0), h.T @ dy, dy.sum(0)]
        update(theta, np.concatenate([part.ravel() for part in parts]))
    return total / len(x), absolute / len(x)


def sgd(theta, g):
    theta -= 0.1 * g


class AdamByHand:
    """The paper's algorithm 1."""

    def __init__(self):
        self.m = self.v = 0.0
        self.t = 0

    def __call__(self, theta, g):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g * g
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        theta -= 0.01 * m / (np.sqrt(v) + 1e-8)


# --- the numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@given(seed=seeds, N=st.integers(1, 12), batch_size=st.integers(1, 14))
def test_fit_is_a_loop_written_by_hand(kind, seed, N, batch_size):
    optimizer, update = (SGD(0.1), sgd) if kind == "sgd" else (Adam(0.01), AdamByHand())
    model, x, y = regression(seed, N, optimizer)
    theta, rng = model.theta.copy(), np.random.default_rng(7)
    hand = [by_hand(theta, x, y, rng.permutation(N), batch_size, update) for _ in range(3)]
    history = model.fit(x, y, batch_size, epochs=3, verbose=0, seed=7).history
    np.testing.assert_allclose(model.theta, theta, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(history["loss"], [loss for loss, _ in hand], rtol=1e-9)
    np.testing.assert_allclose(history["mae"], [mae for _, mae in hand], rtol=1e-9)


def test_three_steps_of_linear_regression_worked_by_hand():
    # y = w x + b from w = b = 0 for the samples (1, 2), (2, 3), (3, 5), one at a time, rate 0.05.
    # e = w x + b − t:  −2, −2.4, −2.52; each step moves w by −0.1 e x and b by −0.1 e.
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="zeros")], dtype="float64")
    model.compile(SGD(0.05), "mse")
    seen = []
    keep = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((*model.theta, logs["loss"]))
    )
    history = model.fit(
        [[1.0], [2.0], [3.0]], [2.0, 3.0, 5.0], 1, verbose=0, shuffle=False, callbacks=[keep]
    )
    expected = [(0.2, 0.2, 4.0), (0.68, 0.44, 5.76), (1.436, 0.692, 6.3504)]
    np.testing.assert_allclose(seen, expected, rtol=1e-12)
    assert history.history["loss"] == [pytest.approx((4.0 + 5.76 + 6.3504) / 3)]


def test_without_shuffling_rows_come_in_their_order():
    model, x, y = regression()
    seen = []
    keep = LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(model.outputs[0].copy()))
    model.fit(x, y, 4, epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    assert [len(rows) for rows in seen] == [4, 4, 2, 4, 4, 2]
    assert np.array_equal(np.concatenate(seen), np.concatenate([x, x]))


def test_every_epoch_sees_every_row_once_and_in_a_new_order():
    model, x, y = regression(N=50)
    seen = []
    keep = LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(model.outputs[0].copy()))
    model.fit(x, y, 8, epochs=2, verbose=0, callbacks=[keep], seed=0)
    first, second = np.concatenate(seen[:7]), np.concatenate(seen[7:])
    assert np.array_equal(np.sort(first, axis=0), np.sort(x, axis=0))
    assert np.array_equal(np.sort(second, axis=0), np.sort(x, axis=0))
    assert not np.array_equal(first, second)


@given(seed=seeds, N=st.integers(1, 9), scale=st.floats(0.1, 3))
def test_the_loss_of_a_weighted_batch_is_a_sum_divided_by_n(seed, N, scale):
    model, x, y = regression(seed, N, SGD(0.0))
    weight = scale * np.random.default_rng(seed).random(N)
    losses = np.square(model.predict(x) - y).mean(axis=1)
    history = model.fit(x, y, 4, verbose=0, sample_weight=weight).history
    assert history["loss"] == [pytest.approx((weight * losses).sum() / N)]


@given(seed=seeds, N=st.integers(2, 9))
def test_a_weight_of_0_leaves_a_row_out_except_for_n(seed, N):
    model, x, y = regression(seed, N)
    weight = np.ones(N)
    weight[-1] = 0
    g = gradient_of(model, x[:-1], y[:-1]) * (N - 1) / N
    np.testing.assert_allclose(gradient_of(model, x, y, weight), g, rtol=1e-9, atol=1e-13)


@given(seed=seeds, counts=st.lists(st.integers(0, 3), min_size=1, max_size=6).filter(any))
def test_whole_weights_are_repeated_rows_but_for_the_factor(seed, counts):
    model, x, y = regression(seed, len(counts))
    more = np.repeat(np.arange(len(counts)), counts)
    g = gradient_of(model, x[more], y[more]) * len(more) / len(counts)
    np.testing.assert_allclose(gradient_of(model, x, y, counts), g, rtol=1e-9, atol=1e-13)


def test_the_penalty_of_trainable_weights_is_in_the_loss():
    model = Sequential([Dense(2, input_dim=3, kernel_regularizer="l2")], seed=0, dtype="float64")
    model.compile(SGD(0.0), "mse")
    x, y = np.random.default_rng(0).standard_normal((2, 5, 3))
    squares = np.square(model.predict(x) - y[:, :2]).mean()
    loss = model.fit(x, y[:, :2], 2, verbose=0).history["loss"][0]
    assert loss == pytest.approx(squares + model.penalty())
    assert model.evaluate(x, y[:, :2])["loss"] == pytest.approx(loss)
    assert model.penalty() > 0


# --- validation -----------------------------------------------------------------------------------


def test_validation_figures_are_those_of_evaluate():
    model, x, y = regression()
    weight = np.linspace(0.0, 2.0, 4)
    history = model.fit(x, y, epochs=2, validation_data=(x[:4], y[:4], weight), verbose=0).history
    found = model.evaluate(x[:4], y[:4], sample_weight=weight)
    assert {f"val_{name}": value for name, value in found.items()} == {
        name: values[-1] for name, values in history.items() if name.startswith("val_")
    }
    losses = np.square(model.predict(x[:4]) - y[:4]).mean(axis=1)
    assert found["loss"] == pytest.approx((weight * losses).sum() / 4)


def test_validation_data_trains_nothing():
    (a, x, y), (b, *_) = regression(), regression()
    a.fit(x, y, epochs=3, validation_data=(x[::-1], y), verbose=0, seed=0)
    b.fit(x, y, epochs=3, verbose=0, seed=0)
    assert everything(a) == everything(b)


@given(seed=seeds, N=st.integers(1, 9), batch_size=st.integers(1, 10))
def test_evaluate_is_predict_and_the_loss_whatever_the_batches(seed, N, batch_size):
    model, x, y = classifier(seed, N, dtype="float64")
    p = model.predict(x)
    found = model.evaluate(x, y, batch_size)
    assert found["loss"] == pytest.approx(-np.log(p[np.arange(N), y]).mean())
    assert found["accuracy"] == (p.argmax(axis=1) == y).mean()


@given(seed=seeds, N=st.integers(0, 9), batch_size=st.integers(1, 10))
def test_predict_does_not_depend_on_the_batches(seed, N, batch_size):
    model, x, _ = regression(seed, N)
    # a sum of few terms that nearly cancel keeps the rounding of its terms, which are about 1
    np.testing.assert_allclose(model.predict(x, batch_size), model.predict(x), 1e-12, 1e-15)


def test_predict_is_the_same_in_four_threads():
    model, x, _ = regression(N=500)
    alone, found = model.predict(x, 64), [None] * 4

    def run(i):
        found[i] = model.predict(x, 64)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for prediction in found:
        assert np.array_equal(prediction, alone)


# --- how often, in which order, from which seed ---------------------------------------------------


def test_no_epochs_change_nothing():
    model, x, y = regression()
    before = everything(model)
    history = model.fit(x, y, epochs=0, verbose=0)
    assert everything(model) == before
    assert (history.history, history.epoch) == ({}, [])


def test_a_batch_larger_than_the_data_is_one_batch():
    (a, x, y), (b, *_) = regression(), regression()
    history = a.fit(x, y, 1000, shuffle=False, verbose=0)
    b.train_on_batch(x, y)
    assert history.params["steps"] == 1
    assert everything(a) == everything(b)


def test_train_on_batch_is_loss_and_gradient_then_apply_gradient():
    (a, x, y), (b, *_) = regression(optimizer=Adam(0.1)), regression(optimizer=Adam(0.1))
    for _ in range(3):
        loss = b.loss_and_gradient(x, y)
        b.apply_gradient()
        assert a.train_on_batch(x, y) == loss
    assert everything(a) == everything(b)


def test_two_fits_are_one_fit_twice_as_long():
    (a, x, y), (b, *_) = regression(optimizer=Adam(0.1)), regression(optimizer=Adam(0.1))
    first = a.fit(x, y, 4, epochs=2, shuffle=False, verbose=0).history["loss"]
    second = a.fit(x, y, 4, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert first + second == b.fit(x, y, 4, epochs=4, shuffle=False, verbose=0).history["loss"]
    assert everything(a) == everything(b)
    assert a.updates.iterations == 12


def noisy(seed):
    rng = np.random.default_rng(0)
    model = Sequential(
        [Dense(8, activation="relu", input_dim=3), BatchNormalization(), Dropout(0.5), Dense(1)],
        seed=seed,
    )
    model.compile("adam", "mse")
    model.fit(rng.random((30, 3)), rng.random(30), 8, epochs=3, verbose=0)
    return model


def test_the_same_seed_gives_the_same_bits():
    assert everything(noisy(3)) == everything(noisy(3))
    assert everything(noisy(3)) != everything(noisy(4))


def test_the_same_seed_gives_the_same_bits_in_another_process():
    code = "from tests.training.test_fit import *; print(everything(noisy(3))[0].hex())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == everything(noisy(3))[0].hex()


@pytest.mark.parametrize("seed", [5, np.int64(5), np.random.default_rng(5)], ids=type)
def test_seeds_of_every_kind_mean_the_same(seed):
    (a, x, y), (b, *_) = regression(), regression()
    a.fit(x, y, 4, epochs=2, verbose=0, seed=seed)
    b.fit(x, y, 4, epochs=2, verbose=0, seed=5)
    assert everything(a) == everything(b)


def test_a_step_of_no_length_changes_the_counts_alone():
    model, x, y = regression(optimizer=Adam(0.1))
    before = model.theta.tobytes()
    model.fit(x, y, 5, epochs=2, verbose=0, learning_rate=0)
    assert model.theta.tobytes() == before
    assert model.updates.iterations == 4
    assert set(model.updates.counts.values()) == {4}


# --- what stops a fit -----------------------------------------------------------------------------


def test_a_second_fit_at_once_is_refused_and_the_first_goes_on():
    (a, x, y), (b, *_) = regression(), regression()
    caught = []

    def again(batch, logs):
        with pytest.raises(RuntimeError, match=r"trained already. Wait for that fit, or use copy"):
            a.fit(x, y, verbose=0, learning_rate=100.0)
        caught.append(batch)

    a.fit(x, y, 4, verbose=0, seed=0, callbacks=[LambdaCallback(on_train_batch_end=again)])
    b.fit(x, y, 4, verbose=0, seed=0)
    assert caught == [0, 1, 2]
    assert everything(a) == everything(b)


def test_a_copy_may_be_trained_meanwhile():
    model, x, y = regression()
    inner = LambdaCallback(on_epoch_end=lambda e, logs: model.copy().fit(x, y, verbose=0))
    assert len(model.fit(x, y, verbose=0, callbacks=[inner]).epoch) == 1


class Boom(Exception):
    """What a callback of these tests raises."""


@pytest.mark.parametrize(
    "hook",
    [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_epoch_end",
        "on_train_end",
    ],
)
def test_a_callback_that_raises_leaves_a_model_that_works(hook):
    model, x, y = regression()

    def boom(*args):
        raise Boom

    ended = []
    others = [LambdaCallback(on_train_end=lambda logs, i=i: ended.append(i)) for i in range(2)]
    broken = LambdaCallback(**{hook: boom})
    with pytest.raises(Boom):
        model.fit(
            x,
            y,
            4,
            epochs=3,
            verbose=0,
            callbacks=[others[0], broken, others[1]],
            learning_rate=0.2,
        )
    assert ended == ([0] if hook == "on_train_begin" else [0, 1])
    assert model.updates.rates == {}
    model.fit(x, y, 4, verbose=0)
    assert np.isfinite(model.theta).all()


def test_a_callback_that_fails_to_begin_may_still_clean_up():
    model, x, y = regression()
    ended = []

    def boom(logs):
        raise Boom

    broken = LambdaCallback(on_train_begin=boom, on_train_end=lambda logs: ended.append(1))
    with pytest.raises(Boom):
        model.fit(x, y, verbose=0, callbacks=[broken])
    assert ended == [1]


def test_a_callback_that_raises_after_a_step_leaves_that_step():
    (a, x, y), (b, *_) = regression(), regression()

    def boom(batch, logs):
        if batch == 1:
            raise Boom

    with pytest.raises(Boom):
        a.fit(
            x, y, 4, shuffle=False, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=boom)]
        )
    for rows in (slice(0, 4), slice(4, 8)):
        b.train_on_batch(x[rows], y[rows])
    assert everything(a) == everything(b)


def test_fit_works_outside_the_main_thread():
    (a, x, y), (b, *_) = regression(), regression()
    thread = threading.Thread(target=lambda: a.fit(x, y, 4, verbose=0, seed=0))
    thread.start()
    thread.join()
    b.fit(x, y, 4, verbose=0, seed=0)
    assert everything(a) == everything(b)


# --- what a hook does to the model ----------------------------------------------------------------


def hook_once(hook, act):
    """A callback that does this to the model, the first time that it is called there."""

    def once(self, *args):
        if not self.done:
            self.done = True
            act(self.model)

    return type("Once", (Callback,), {"done": False, hook: once})()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_may_give_the_model_another_layer(hook):
    """The fit goes on with it, nobody else can train meanwhile, and a second fit can begin."""
    model, x, y = classifier(N=9)
    refused = []

    def change(model):
        model.pop()
        model.add(Dense(3, activation="softmax", name="new"))
        with pytest.raises(RuntimeError, match="being trained already") as refusal:
            model.fit(x, y, verbose=0)
        refused.append(refusal)

    once = hook_once(hook, change)
    history = model.fit(x, y, 3, epochs=2, verbose=0, callbacks=[once], validation_data=(x, y))
    assert len(refused) == 1
    assert history.epoch == [0, 1]
    before = model.layers[-1].W.copy()
    model.fit(x, y, verbose=0)
    assert not np.array_equal(model.layers[-1].W, before)


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"])
@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda model: model.pop(), "takes? probabilities|outputs of the same shape"),
        (lambda model: model.add(Dense(5, "softmax")), "Softmax is applied|outputs of the same"),
        (lambda model: model.add(Dense(3)), "CrossEntropy takes probabilities. Got a model that"),
        (lambda model: model.add(Softmax()), "Softmax is applied twice"),
    ],
    ids=["popped", "of another width", "linear", "twice"],
)
@pytest.mark.filterwarnings("ignore:.* is a softmax inside the network")
def test_a_hook_may_not_give_it_an_end_that_does_not_suit(hook, act, message):
    model, x, y = classifier(N=9)
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, 3, epochs=2, verbose=0, callbacks=[hook_once(hook, act)])


def test_a_callback_takes_part_in_one_fit_at_a_time():
    (a, x, y), (b, *_) = classifier(N=9), classifier(N=9)
    shared = ReduceLROnPlateau("loss", patience=1, min_delta=1e9)
    before = b.theta.copy()

    def inner(model):
        with pytest.raises(RuntimeError, match=r"one fit at a time\. Got a ReduceLROnPlateau that"):
            b.fit(x, y, verbose=0, callbacks=[shared])

    a.fit(x, y, epochs=3, verbose=0, callbacks=[hook_once("on_epoch_begin", inner), shared])
    assert a.optimizer.learning_rate < b.optimizer.learning_rate
    assert np.array_equal(b.theta, before)
    b.fit(x, y, verbose=0, callbacks=[shared])


def test_a_callback_is_in_the_list_once():
    model, x, y = classifier(N=9)
    one = EarlyStopping("loss")
    with pytest.raises(ValueError, match=r"each object once\. Got one EarlyStopping twice"):
        model.fit(x, y, verbose=0, callbacks=[one, LambdaCallback(), one])


@pytest.mark.parametrize("method", ["loss_and_gradient", "train_on_batch"])
def test_the_figures_are_those_of_the_batch_whatever_a_hook_computes(method):
    """Another gradient between a step's own and its update does not count in the accuracy."""
    model, x, y = classifier(N=9)
    accuracy = model.evaluate(x, y)["accuracy"]
    look = hook_once("on_gradient", lambda model: getattr(model, method)(x[:2], y[:2]))
    history = model.fit(x, y, 9, verbose=0, callbacks=[look])
    assert history.history["accuracy"] == [accuracy]


class Own(Layer):
    """A layer of one's own, with settings of every kind; its output is x times all of them."""

    training_differs = False

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor, self.factors = factor, np.ones(4)
        self.listed, self.named, self.rng = [1.0], {"a": 1.0}, np.random.default_rng(0)

    def forward(self, x, memo=None):
        return x * self.factor * self.factors[0] * self.listed[0] * self.named["a"]

    def backward(self, x, y, dy, memo=None):
        return dy * self.factor * self.factors[0] * self.listed[0] * self.named["a"]


SETTINGS = [
    (kind, name)
    for kind in vars(minnet.layers).values()
    if isinstance(kind, type) and issubclass(kind, Layer) and kind is not Layer
    for name in kind._settings
    if name not in ("name", "input_shape")
]


def set_later(layer, name):
    """Set what can be set of a layer that has weights already, to something else."""
    before = getattr(layer, name)
    if isinstance(before, str):
        setattr(layer, name, "same")  # padding
    elif name == "strides":
        setattr(layer, name, 1)
    elif not isinstance(before, tuple):
        setattr(layer, name, not before if isinstance(before, bool) else (before or 1.0) * 0.5)


OF_IMAGES = (
    *(Conv2D, MaxPooling2D, AveragePooling2D, ZeroPadding2D),
    *(GlobalAveragePooling2D, GlobalMaxPooling2D),
)


def one_of(kind):
    """A layer for rows of 4 numbers, or for images of 2×2."""
    needed = {"units": 4, "rate": 0.4, "stddev": 0.4, "target_shape": (4,)}
    if kind is Conv2D:
        return Conv2D(2, 2)
    needed |= {"scale": 1.5} if kind is Rescaling else {}
    arguments = inspect.signature(kind).parameters
    if "activation" in arguments and kind is not Dense:
        return kind("relu")
    return kind(**{name: value for name, value in needed.items() if name in arguments})


@pytest.mark.parametrize(
    ("make", "change"),
    [
        *((lambda k=kind: one_of(k), lambda layer, n=name: set_later(layer, n))
          for kind, name in SETTINGS),
        (lambda: Dense(4, LeakyReLU()), lambda one: setattr(one.activation, "negative_slope", 0.1)),
        (lambda: Activation(ELU()), lambda one: setattr(one.activation, "alpha", 0.1)),
        (lambda: Dense(4), lambda one: one.W.__imul__(0.5)),
        (BatchNormalization, lambda one: one.moving_mean.__iadd__(0.5)),
        (Own, lambda one: setattr(one, "factor", 0.5)),
        (Own, lambda one: one.factors.__imul__(0.5)),
        (Own, lambda one: one.listed.__setitem__(0, 0.5)),
        (Own, lambda one: one.named.update(a=0.5)),
    ],
    ids=[*(f"{kind.__name__}.{name}" for kind, name in SETTINGS), *"abcdefgh"],
)  # fmt: skip
def test_kept_features_follow_what_a_callback_changes(monkeypatch, make, change):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4))
    y = (x[:, 0] > 0).astype(int)

    def run(limit):
        monkeypatch.setattr(features, "FEATURE_BYTES", limit)
        layer = make()
        images = isinstance(layer, OF_IMAGES)
        middle = [Reshape((2, 2, 1)), layer, Flatten()] if images else [layer]
        layers = [Dense(4, input_dim=4), *middle, Dense(2, activation="softmax")]
        model = Sequential(layers, seed=0)
        model.freeze(slice(0, -1))
        layer = model.layers[-3 if images else 1]
        model.compile(SGD(0.5), "cross_entropy")

        def changes(epoch, logs):
            if epoch:
                with contextlib.suppress(AttributeError):  # it is set once, and cannot change
                    change(layer)

        callbacks = [LambdaCallback(on_epoch_begin=changes)]
        history = model.fit(x, y, epochs=3, verbose=0, callbacks=callbacks, seed=1)
        return model.theta.copy(), history.features_saved

    (kept, saved), (anew, none) = run(2**30), run(0)
    if isinstance(make(), Conv2D):  # a product of another width may round its last bit otherwise
        np.testing.assert_allclose(kept, anew, rtol=1e-5)
    else:
        np.testing.assert_array_equal(kept, anew)
    assert none == 0 < saved + 1


def test_kept_features_follow_samples_that_a_callback_changes_between_epochs():
    """Noise that a callback draws anew for each epoch, in the array that fit was given."""
    x, val = np.ones((8, 2), np.float32), np.ones((4, 2), np.float32)
    model = Sequential([Dense(3, input_dim=2), Dense(1)], seed=0)
    model.freeze("all_but_head")
    model.compile(SGD(0.0), "mse")

    def doubles(epoch, logs):
        x[...], val[...] = 2.0**epoch, 2.0**epoch

    history = model.fit(
        x,
        np.zeros(8),
        epochs=3,
        verbose=0,
        validation_data=(val, np.zeros(4)),
        callbacks=[LambdaCallback(on_epoch_begin=doubles)],
    ).history
    first = history["loss"][0]
    np.testing.assert_allclose(history["loss"], [first, 4 * first, 16 * first], rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"], history["loss"], rtol=1e-5)


def test_features_above_a_layer_that_draws_are_not_kept():
    class Noise(Own):
        def forward(self, x, memo=None):
            return x + self.rng.normal(size=x.shape)

    model = Sequential([Dense(4, input_dim=4), Noise(), Dense(2, "softmax")], seed=0)
    model.freeze([0, 1])
    model.compile("sgd", "cross_entropy")
    x = np.ones((8, 4))
    assert model.fit(x, np.arange(8) % 2, epochs=4, verbose=0).features_saved == 24  # of the first
