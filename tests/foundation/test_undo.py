"""What is put back is what was, and stays the same objects."""

from __future__ import annotations

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minnet.callbacks import EarlyStopping
from minnet.foundation.undo import Before
from minnet.layers import BatchNormalization, Dense, LeakyReLU
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.schedules import ExponentialDecay

leaves = st.integers() | st.text(max_size=3) | st.none()
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.integers(0, 5), inner, max_size=3)
        | st.sets(st.integers(0, 9), max_size=3)
        | st.tuples(inner, inner)
    ),
)


def spoil(tree):
    """Change everything in a tree that can be changed."""
    if isinstance(tree, (list, tuple)):
        for item in tree:
            spoil(item)
    if isinstance(tree, dict):
        for item in tree.values():
            spoil(item)
        tree["spoilt"] = tree.pop(next(iter(tree), None), 0)
    if isinstance(tree, list):
        tree.append("spoilt")
        tree.reverse()
    if isinstance(tree, set):
        tree.add("spoilt")


@given(trees)
def test_values_are_put_back(tree):
    was, before = copy.deepcopy(tree), Before(tree)
    spoil(tree)
    before.put_back()
    assert tree == was
    before.put_back()
    assert tree == was


def test_the_objects_stay_the_same_ones():
    inner, array, rng = [1], np.zeros(3), np.random.default_rng(0)
    outer = {"a": inner, "array": array, "rng": rng}
    before = Before(outer)
    drawn = rng.random()
    outer["a"], outer["array"], outer["rng"] = [2], np.ones(3), np.random.default_rng(1)
    inner.append(2)
    array[...] = 5.0
    before.put_back()
    assert (outer["a"], outer["array"], outer["rng"]) == (inner, array, rng)
    assert inner == [1]
    assert array.tolist() == [0.0] * 3
    assert rng.random() == drawn


def test_objects_that_hold_each_other_are_kept_once():
    a, b = [], []
    a.append(b)
    b.append(a)
    before = Before(a)
    a.clear()
    before.put_back()
    assert a[0] is b


def test_views_come_back_with_what_they_are_views_of():
    vector = np.arange(6.0)
    view = vector[2:4]
    for things in ([vector, view], [view, vector], [view]):
        before = Before(things)
        view[...] = -1.0
        before.put_back()
        assert vector.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_of_a_view_alone_no_more_is_copied(tmp_path):
    """A model's last outputs may be a view of all of the caller's data."""
    large = np.zeros(10**6)
    before = Before({"x": large[:3]})
    large[:5] = 1.0
    before.put_back()
    assert large[:5].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_what_is_read_only_or_on_disk_is_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3.0))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r+")
    fixed = np.zeros(3)
    fixed.flags.writeable = False
    before = Before([mapped, fixed])
    mapped[0] = 5.0
    before.put_back()
    assert mapped[0] == 5.0


def test_a_model_is_put_back_with_all_that_it_holds():
    x, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2
    schedule = ExponentialDecay(0.1, 10, 0.5)
    model = Sequential(
        [Dense(4, LeakyReLU(0.2), input_dim=3), BatchNormalization(), Dense(2, "softmax")], seed=0
    )
    model.compile(SGD(schedule, 0.9), "cross_entropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    kept, before, optimizer = model.copy(), Before(model), model.optimizer
    history, theta, rng = model.history, model.theta, model.rng
    drawn = copy.deepcopy(rng).random()

    model.freeze(0)
    model.layers[0].activation.negative_slope = 0.7
    schedule.decay_rate = 0.9
    model.fit(x, y, epochs=2, verbose=0)
    model.pop()
    model.add(Dense(3))
    model.compile("adam", "mse")
    model.rng, model.class_names = np.random.default_rng(9), ["a", "b", "c"]
    model.provenance["trainings"].clear()
    before.put_back()

    assert (model.history, model.theta, model.optimizer) == (history, theta, optimizer)
    assert (model.rng, model.class_names, schedule.decay_rate) == (rng, None, 0.5)
    assert repr(model.layers) == repr(kept.layers)
    assert model.provenance == kept.provenance
    assert copy.deepcopy(rng).random() == drawn
    for one in (model, kept):
        one.fit(x, y, epochs=2, verbose=0, seed=1)
    assert model.theta.tobytes() == kept.theta.tobytes()
    assert model.state.tobytes() == kept.state.tobytes()
    assert model.updates.counts == kept.updates.counts


def test_a_callback_is_put_back_and_what_is_not_minnets_left_alone():
    class Other:
        """Of no class of minnet's."""

    stopping, other = EarlyStopping("loss"), Other()
    stopping.best, other.a = 3.0, [1]
    before = Before(stopping, [other])
    stopping.best = stopping.best_epoch = 4
    del stopping._waited
    other.a = [2]
    before.put_back()
    assert (stopping.best, stopping.best_epoch, stopping._waited) == (3.0, None, 0)
    assert other.a == [2]
