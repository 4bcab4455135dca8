"""The loop over batches and epochs: what it computes, in which order, and what stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.callbacks import Callback, LambdaCallback
from minnet.checks import DivergedError
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam
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
    np.testing.assert_allclose(model.predict(x, batch_size), model.predict(x), rtol=1e-12)


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
    code = "from tests.test_training import *; print(everything(noisy(3))[0].hex())"
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


def explode(at_epoch, at_batch, factor=1e200):
    """A callback that makes the weights of dense_1 too large, once."""

    class Explode(Callback):
        def on_epoch_begin(self, epoch, logs):
            self.epoch = epoch
            if epoch == at_epoch:
                self.before = everything(self.model)

        def on_train_batch_end(self, batch, logs):
            if (self.epoch, batch) == (at_epoch, at_batch):
                self.model.layers[1].W *= factor

    return Explode()


def test_a_diverged_fit_says_where_and_puts_everything_back():
    model, x, y = regression(optimizer=Adam(0.02))
    model.fit(x, y, 4, epochs=2, verbose=0)
    callback = explode(1, 1)
    with pytest.raises(
        DivergedError,
        match=r"The loss became inf in epoch 2, step 3, at learning rate 0.02\..*"
        r"back where it was before this epoch. Try .* such as 0.002,.*global_clipnorm=1",
    ):
        model.fit(x, y, 4, epochs=3, verbose=0, callbacks=[callback])
    assert everything(model) == callback.before
    assert set(model.updates.counts.values()) == {9}
    assert model.history.epoch == [0]
    assert len(model.history.history["loss"]) == 1
    model.fit(x, y, 4, verbose=0)


def test_a_diverged_fit_names_the_layer():
    model = Sequential(
        [Dense(4, activation="relu", input_dim=3), Dense(4, name="middle"), Dense(1)], seed=0
    )
    model.compile(SGD(1e20), "mse")
    x = np.random.default_rng(0).random((10, 3))
    with pytest.raises(
        DivergedError,
        match=r"epoch 1, step 2, at .* 1e\+20. The first .* is the output of middle\.",
    ):
        model.fit(x, x.sum(axis=1), 4, verbose=0, seed=0)


def test_weights_that_overflow_in_the_last_step_are_noticed():
    model, x, y = regression()
    before = everything(model)
    with pytest.raises(
        DivergedError,
        match=r"The weights left the finite numbers in epoch 1, step 1.* 1e\+308. The first that "
        r"is not finite is dense_1.W\.",
    ):
        model.fit(x, 1e3 * y, 100, verbose=0, learning_rate=1e308)
    assert everything(model) == before


def test_statistics_that_overflow_are_noticed():
    model = Sequential([BatchNormalization(input_shape=(1,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    before = everything(model)
    with pytest.raises(DivergedError, match=r"not finite is batch_normalization_1.moving_variance"):
        model.fit([[1e30], [-1e30]], [0.0, 1.0], verbose=0)
    assert everything(model) == before


@pytest.mark.parametrize("learning_rate", [{"dense_1": 0.1}, {0: 0.1, 1: 1e300}])
def test_a_diverged_fit_names_the_largest_rate(learning_rate):
    model, x, y = regression(optimizer=SGD(1e300))
    with pytest.raises(DivergedError, match=r"at learning rate 1e\+300"):
        model.fit(x, y, 4, epochs=9, verbose=0, learning_rate=learning_rate)


def test_a_schedule_is_not_asked_for_a_step_before_its_first():
    model, x, y = regression()
    model.fit(x, y, 4, verbose=0)
    model.layers[1].W *= 1e200
    seen = []
    with pytest.raises(DivergedError, match=r"epoch 1, step 1, at learning rate 0.5\."):
        model.fit(x, y, 4, verbose=0, learning_rate=lambda step: seen.append(step) or 0.5)
    assert set(seen) == {0}


def test_a_diverged_fit_keeps_counts_of_layers_apart():
    model, x, y = regression(optimizer=Adam(0.1))
    model.fit(x, y, 100, verbose=0)
    model.freeze("dense_1")
    model.unfreeze("dense_1")
    model.fit(x, y, 100, epochs=2, verbose=0)
    before = dict(model.updates.counts)

    def spoil(batch, logs):
        if batch == 0:
            model.freeze("*")
            model.unfreeze("*")
        else:
            model.layers[1].W *= 1e200

    with pytest.raises(DivergedError):
        model.fit(x, y, 2, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=spoil)], seed=0)
    assert model.updates.counts == before == {"dense_1": 2, "dense_2": 3}
    model.fit(x, y, 100, verbose=0)
    assert model.updates.counts == {"dense_1": 3, "dense_2": 4}


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


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_ctrl_c_in_a_step_waits_until_it_is_whole(hook):
    (a, x, y), (b, *_) = regression(), regression()
    seen, ended = [], []

    def strike(batch, logs):
        seen.append(batch)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    callback = LambdaCallback(on_train_end=lambda logs: ended.append(1), **{hook: strike})
    with pytest.raises(KeyboardInterrupt):
        a.fit(x, y, 4, epochs=3, shuffle=False, verbose=0, callbacks=[callback])
    b.fit(x, y, 4, shuffle=False, verbose=0)
    for rows in (slice(0, 4), slice(4, 8)):
        b.train_on_batch(x[rows], y[rows])
    assert everything(a) == everything(b)
    assert (a.history.epoch, ended) == ([0], [1])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    a.fit(x, y, verbose=0)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end", "on_train_end"])
def test_ctrl_c_between_steps_goes_on_to_the_caller(hook):
    model, x, y = regression()
    strike = LambdaCallback(**{hook: lambda *args: os.kill(os.getpid(), signal.SIGINT)})
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0, callbacks=[strike])
    assert model.history.epoch in ([], [0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_somebody_elses_handler_of_ctrl_c_stays_in_place():
    model, x, y = regression()
    caught = []

    def handler(number, frame):
        caught.append(number)

    old = signal.signal(signal.SIGINT, handler)
    try:
        strike = LambdaCallback(on_epoch_end=lambda *args: os.kill(os.getpid(), signal.SIGINT))
        model.fit(x, y, verbose=0, callbacks=[strike])
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, old)
    assert caught == [signal.SIGINT]


CHILD = """
import numpy as np
from tests.test_training import *
model, x, y = regression(N=1000)
say = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, flush=True))
try:
    model.fit(x, y, 10, epochs=10**9, shuffle=False, verbose=0, callbacks=[say])
except KeyboardInterrupt:
    done = model.updates.iterations
    other, *_ = regression(N=1000)
    for i in range(done):
        rows = slice(10 * (i % 100), 10 * (i % 100) + 10)
        other.train_on_batch(x[rows], y[rows])
    same = np.array_equal(model.theta, other.theta)
    print("whole", same, len(model.history.epoch) == done // 100)
    raise
"""


def test_ctrl_c_in_a_process_of_its_own():
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert out.splitlines()[-1] == "whole True True"
    assert err.splitlines()[-1] == "KeyboardInterrupt"
    assert child.returncode == -signal.SIGINT


def test_fit_works_outside_the_main_thread():
    (a, x, y), (b, *_) = regression(), regression()
    thread = threading.Thread(target=lambda: a.fit(x, y, 4, verbose=0, seed=0))
    thread.start()
    thread.join()
    b.fit(x, y, 4, verbose=0, seed=0)
    assert everything(a) == everything(b)


def test_an_optimizer_that_would_never_move_again_is_a_divergence():
    """One gradient of 1e20 fills Adam's v with infinity, and then every step is 0."""
    model = Sequential([Dense(1, input_dim=1, use_bias=False)], seed=0)
    model.compile("adam", "mae")
    x = np.full((4, 1), 3e19, np.float32)
    before = model.theta.copy()
    scale = pytest.warns(UserWarning, match="Scale it first")
    with scale, pytest.raises(DivergedError, match="the optimizer remembers overflowed"):
        model.fit(x, np.zeros(4), verbose=0)
    np.testing.assert_array_equal(model.theta, before)
