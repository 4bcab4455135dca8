"""Small products run on one thread, where the package that sets it is there."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from minnet.callbacks import LambdaCallback
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.training import threads


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
    monkeypatch.setattr(threads, "_pools", lambda: pools)
    return pools


def test_small_products_get_one_thread_and_large_ones_are_left_alone(pools):
    with threads.suited_to(threads.SMALL):
        assert pools.count == 1
    assert (pools.count, pools.asked) == (2, [(1, "blas")])
    with threads.suited_to(threads.SMALL + 1):
        assert pools.count == 2
    assert len(pools.asked) == 1


def test_a_second_one_meanwhile_changes_nothing_and_the_first_puts_it_back(pools):
    first, second = threads.suited_to(1), threads.suited_to(1)
    first.__enter__()
    second.__enter__()
    assert (pools.count, len(pools.asked)) == (1, 1)
    second.__exit__(None, None, None)
    assert pools.count == 1
    first.__exit__(None, None, None)
    assert pools.count == 2
    with threads.suited_to(1):
        assert pools.count == 1


def test_the_number_is_put_back_after_an_error(pools):
    with pytest.raises(KeyError), threads.suited_to(1):
        raise KeyError
    assert pools.count == 2
    with threads.suited_to(1):
        assert pools.count == 1


def test_without_the_package_nothing_is_set(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    threads._pools.cache_clear()
    try:
        with threads.suited_to(1):
            assert threads._pools() is None
    finally:
        threads._pools.cache_clear()


def test_the_package_is_asked_once(monkeypatch):
    made = []
    package = SimpleNamespace(ThreadpoolController=lambda: made.append(Pools()) or made[-1])
    monkeypatch.setattr(importlib, "import_module", {"threadpoolctl": package}.__getitem__)
    threads._pools.cache_clear()
    try:
        for _ in range(2):
            with threads.suited_to(1):
                assert made[0].count == 1
    finally:
        threads._pools.cache_clear()
    assert len(made) == 1


@pytest.mark.parametrize(("batch", "rows", "count"), [(32, 64, 1), (512, 600, 2), (512, 40, 1)])
def test_a_fit_counts_the_multiplications_of_its_largest_product(pools, batch, rows, count):
    model = Sequential([Dense(64, input_dim=64), Dense(2)], seed=0)  # 512 · 64 · 64 = 2^21
    model.compile("sgd", "mse")
    seen = []
    see = LambdaCallback(on_train_batch_end=lambda *_: seen.append(pools.count))
    x = np.zeros((rows, 64))
    model.fit(x, np.zeros((rows, 2)), batch, callbacks=[see], verbose=0)
    assert set(seen) == {count}
    assert pools.count == 2
