"""Ctrl-C while a model trains."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minnet
from minnet.callbacks import LambdaCallback
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.training import process
from minnet.training.process import WholeSteps
from tests.small_models import everything, regression

ROOT = Path(minnet.__file__).parents[1]

pytestmark = pytest.mark.usefixtures("python_handles_ctrl_c")


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_ctrl_c_in_a_step_waits_until_it_is_whole(hook):
    (a, x, y), (b, *_) = regression(), regression()
    seen, ended = [], []

    def strike(batch, logs):
        seen.append(batch)
        if len(seen) == 5:
            signal.raise_signal(signal.SIGINT)

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
    strike = LambdaCallback(**{hook: lambda *args: signal.raise_signal(signal.SIGINT)})
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
        strike = LambdaCallback(on_epoch_end=lambda *args: signal.raise_signal(signal.SIGINT))
        model.fit(x, y, verbose=0, callbacks=[strike])
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, old)
    assert caught == [signal.SIGINT]


CHILD = """
import numpy as np
from tests.training.test_process import *
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


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
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


def strike(times=1):
    """Press Ctrl-C."""
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_goes_on_once_however_often_it_was_pressed():
    caught = []
    old = signal.signal(signal.SIGINT, lambda *args: caught.append(args))
    try:
        with WholeSteps() as whole_steps:
            whole_steps.raise_if_interrupted()
            strike(3)
            assert caught == []
            whole_steps.raise_if_interrupted()
            whole_steps.raise_if_interrupted()
            assert [number for number, _ in caught] == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, old)
    assert len(caught) == 1


def test_a_second_ctrl_c_while_the_fit_ends_does_no_harm():
    (a, x, y), (b, *_) = regression(), regression()
    ended = []
    first = LambdaCallback(
        on_train_batch_end=lambda batch, logs: strike(2) if batch == 1 else None,
        on_train_end=lambda logs: strike(2),
    )
    last = LambdaCallback(on_train_end=lambda logs: ended.append(a.updates.iterations))
    with pytest.raises(KeyboardInterrupt):
        a.fit(x, y, 4, shuffle=False, verbose=0, callbacks=[first, last])
    for rows in (slice(0, 4), slice(4, 8)):
        b.train_on_batch(x[rows], y[rows])
    assert ended == [2]
    assert everything(a) == everything(b)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    a.fit(x, y, verbose=0)


def test_somebody_elses_handler_waits_for_a_whole_step_too():
    """Even one that raises leaves no half-made step."""

    class Theirs(Exception):
        pass

    def handler(number, frame):
        raise Theirs

    model, x, y = regression()
    old = signal.signal(signal.SIGINT, handler)
    try:
        callback = LambdaCallback(on_train_batch_begin=lambda batch, logs: strike())
        with pytest.raises(Theirs):
            model.fit(x, y, 4, verbose=0, callbacks=[callback])
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, old)
    assert model.updates.iterations == 1


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_is_no_handler_of_pythons_is_let_alone(handler):
    old = signal.signal(signal.SIGINT, handler)
    try:
        with WholeSteps():
            assert signal.getsignal(signal.SIGINT) is handler
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, old)


def test_a_handler_that_a_callback_puts_in_place_stays():
    def theirs(number, frame):
        pass

    old = signal.getsignal(signal.SIGINT)
    try:
        with WholeSteps():
            signal.signal(signal.SIGINT, theirs)
        assert signal.getsignal(signal.SIGINT) is theirs
    finally:
        signal.signal(signal.SIGINT, old)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_ctrl_c_goes_on_beside_another_error(error):
    """A script that goes on after a failed fit must not go on after Ctrl-C."""
    model, x, y = regression()

    def boom(epoch, logs):
        strike()
        raise error

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=boom)])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert model.history.epoch == [0]


def test_ctrl_c_is_not_lost_to_a_callback_that_fails_at_the_end():
    model, x, y = regression()
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: strike(), on_train_end=lambda logs: 1 / 0
    )
    with pytest.raises(KeyboardInterrupt) as found:
        model.fit(x, y, verbose=0, callbacks=[callback])
    assert found.value.__notes__ == [
        "on_train_end then raised ZeroDivisionError('division by zero')."
    ]
    assert model.history.receipt is not None


def test_another_thread_gets_no_signals_and_none_are_held_back():
    model, x, y = regression()
    thread = threading.Thread(target=lambda: model.fit(x, y, 1, epochs=20, verbose=0))
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    assert signal.getsignal(signal.SIGINT) is before
    thread.join()
    assert model.updates.iterations == 200


# --- threads --------------------------------------------------------------------------------------


class Pools:
    """Stands for threadpoolctl's controller, and notes what it is asked."""

    def __init__(self):
        self.count, self.asked = 2, []

    @contextmanager
    def limit(self, *, limits, user_api):
        self.asked.append((limits, user_api))
        before, self.count = self.count, limits
        try:
            yield
        finally:
            self.count = before


@pytest.fixture
def pools(monkeypatch):
    pools = Pools()
    monkeypatch.setattr(process, "thread_pools", lambda: pools)
    return pools


def test_small_products_get_one_thread_and_large_ones_are_left_alone(pools):
    with process.suited_to(process.SMALL):
        assert pools.count == 1
    assert (pools.count, pools.asked) == (2, [(1, "blas")])
    with process.suited_to(process.SMALL + 1):
        assert pools.count == 2
    assert len(pools.asked) == 1


def test_a_second_one_meanwhile_changes_nothing_and_the_first_puts_it_back(pools):
    first, second = process.suited_to(1), process.suited_to(1)
    first.__enter__()
    second.__enter__()
    assert (pools.count, len(pools.asked)) == (1, 1)
    second.__exit__(None, None, None)
    assert pools.count == 1
    first.__exit__(None, None, None)
    assert pools.count == 2
    with process.suited_to(1):
        assert pools.count == 1


def test_the_number_is_put_back_after_an_error(pools):
    with pytest.raises(KeyError), process.suited_to(1):
        raise KeyError
    assert pools.count == 2
    with process.suited_to(1):
        assert pools.count == 1


def test_without_the_package_nothing_is_set(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    process.thread_pools.cache_clear()
    try:
        with process.suited_to(1):
            assert process.thread_pools() is None
    finally:
        process.thread_pools.cache_clear()


def test_the_package_is_asked_once(monkeypatch):
    made = []
    package = SimpleNamespace(ThreadpoolController=lambda: made.append(Pools()) or made[-1])
    monkeypatch.setattr(importlib, "import_module", {"threadpoolctl": package}.__getitem__)
    process.thread_pools.cache_clear()
    try:
        for _ in range(2):
            with process.suited_to(1):
                assert made[0].count == 1
    finally:
        process.thread_pools.cache_clear()
    assert len(made) == 1


@pytest.mark.parametrize(("batch", "rows", "count"), [(32, 64, 1), (512, 600, 2), (512, 40, 1)])
def test_a_fit_counts_the_multiplications_of_its_largest_product(
    pools, monkeypatch, batch, rows, count
):
    monkeypatch.setattr(process, "SMALL", 2**20)
    model = Sequential([Dense(64, input_dim=64), Dense(2)], seed=0)  # 512 · 64 · 64 = 2^21
    model.compile("sgd", "mse")
    seen = []
    see = LambdaCallback(on_train_batch_end=lambda *_: seen.append(pools.count))
    x = np.zeros((rows, 64))
    model.fit(x, np.zeros((rows, 2)), batch, callbacks=[see], verbose=0)
    assert set(seen) == {count}
    assert pools.count == 2
