"""Rescaling, and statistics that are taken from data once."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given

import minnet
from minnet.layers import Dense, Normalization, Rescaling
from tests.complex_step import assert_gradients
from tests.strategies import batch_shapes, normal, seeds

X = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 80.0]])


@given(shape=batch_shapes, seed=seeds)
def test_gradients(shape, seed):
    x, dy = normal(seed, shape, shape)
    assert_gradients(Rescaling(0.3, -2.0), x, dy)
    for axis in (-1, None):
        layer = Normalization(axis)
        layer.dtype = np.dtype("float64")
        layer.adapt(3 * normal(seed + 1, (5, *shape[1:]))[0] + 1)
        assert_gradients(layer, x, dy)


def test_rescaling_by_hand():
    layer, x = Rescaling(0.5, offset=-1), np.array([[4.0, 1.0]], dtype="f4")
    y = layer.forward(x)
    np.testing.assert_array_equal(y, [[1.0, -0.5]])
    assert y.dtype == np.float32
    np.testing.assert_array_equal(layer.backward(x, y, x), [[2.0, 0.5]])
    assert Rescaling(2).offset == 0.0


def test_statistics_by_hand():
    layer = Normalization()
    layer.adapt(X)
    np.testing.assert_array_equal(layer.mean, [3.0, 40.0])
    # (4 + 0 + 4) / 3 and (900 + 100 + 1600) / 3, divided by N and not by N − 1
    np.testing.assert_allclose(layer.variance, [8 / 3, 2600 / 3], rtol=1e-6)
    y = layer(X)
    np.testing.assert_allclose(y[0], [-2 / (8 / 3) ** 0.5, -30 / (2600 / 3) ** 0.5], rtol=1e-6)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-6)


def test_one_mean_for_all_numbers():
    layer = Normalization(axis=None)
    layer.adapt(X)
    assert (layer.mean.shape, layer.mean[0]) == ((1,), pytest.approx(X.mean()))
    assert layer.variance[0] == pytest.approx(X.var())
    column = Normalization(axis=None)
    column.adapt([1.0, 2.0, 6.0])  # (N,) is a column
    assert column.mean[0] == 3.0
    assert column.built_for == (1,)


def test_samples_of_several_axes_have_statistics_of_the_last():
    x = normal(0, (6, 4, 3))[0]
    layer = Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(layer.mean, x.mean(axis=(0, 1)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(layer.variance, x.var(axis=(0, 1)), rtol=1e-5)


def test_before_adapt_it_changes_nothing_and_adapt_forgets_what_was_before():
    layer = Normalization()
    layer.build((2,), np.random.default_rng(0))
    np.testing.assert_array_equal(layer(X), X)
    layer.adapt(100 * X)
    layer.adapt(X)
    np.testing.assert_array_equal(layer.mean, [3.0, 40.0])


def test_a_column_of_equal_numbers_becomes_zeros():
    layer = Normalization()
    layer.adapt(np.full((5, 1), 0.1, dtype="f4"))
    assert not layer(np.full((5, 1), 0.1, dtype="f4")).any()


def test_small_differences_far_from_zero_are_seen():
    x = (np.arange(10.0) + 1e6)[:, None]
    layer = Normalization()
    layer.adapt(x.astype("f4"))
    assert layer.variance[0] == pytest.approx(8.25, rel=1e-6)


def adapted():
    """Two models whose first layer was shown X: before it was put in, and inside."""
    layer = Normalization()
    layer.adapt(X)
    before = minnet.Sequential([layer, Dense(1)], seed=0)
    inside = minnet.Sequential([Normalization(input_shape=2), Dense(1)], seed=0)
    inside.layers[0].adapt(X)
    return before, inside


def test_in_a_model_before_and_after_and_through_a_file(tmp_path):
    before, inside = adapted()
    np.testing.assert_array_equal(before.predict(X), inside.predict(X))
    assert before.input_shape == (2,)
    before.save(tmp_path / "m.npz")
    again = minnet.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(again.predict(X), before.predict(X))
    np.testing.assert_array_equal(copy.deepcopy(before).predict(X), before.predict(X))
    np.testing.assert_array_equal(again.layers[0].mean, [3.0, 40.0])


def test_training_and_reset_leave_the_statistics_alone():
    model, _ = adapted()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=3, verbose=0)
    model.reset(3)
    np.testing.assert_array_equal(model.layers[0].mean, [3.0, 40.0])
    assert model.layers[0].count_params() == 4


def test_statistics_may_be_set_by_hand():
    layer = Normalization()
    layer.build((2,), np.random.default_rng(0))
    layer.mean, layer.variance = [1.0, 2.0], [4.0, 9.0]
    np.testing.assert_allclose(layer.forward(np.array([[3.0, 5.0]])), [[1.0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Normalization(axis=1), r"Normalization's axis takes -1, for .* Got 1\."),
        (lambda: Normalization().adapt(np.zeros((0, 2))), "adapt's x takes .* no rows at all"),
        (lambda: Normalization().adapt([[np.nan]]), "adapt's x takes finite numbers. Got nan"),
        (lambda: Normalization(input_shape=3).adapt(X), r"adapt's x takes shape \(N, 3\). Got"),
        (lambda: adapted()[0].layers[0].adapt(X[:, :1]), r"1.adapt's x takes shape \(N, 2\)"),
        (lambda: adapted()[0].layers[0].adapt(X * 1e300), "numbers that float32 can hold"),
        (lambda: Rescaling(np.inf), "Rescaling's scale takes a finite number"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_data_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="adapt's x takes numbers"):
        Normalization().adapt([["a"]])
    with pytest.raises(TypeError, match="adapt takes x"):
        Normalization().adapt()


def test_a_variance_that_the_dtype_cannot_hold_is_refused_and_leaves_the_old_statistics():
    """Everything would become 0."""
    layer = Normalization(input_shape=(1,))
    layer.adapt([[1.0], [3.0]])
    before = [array.copy() for array in layer.get_weights()]
    with pytest.raises(ValueError, match=r"takes samples whose variance float32 can hold\. Got"):
        layer.adapt([[1e25], [-1e25]])
    for array, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_fit_warns_of_statistics_that_were_never_taken():
    """It handed on what it was given, and said nothing of numbers up to 80."""
    scale = Normalization()
    model = minnet.Sequential([minnet.layers.Input((2,)), scale, Dense(1)], seed=0)
    model.compile("adam", "mse")
    with pytest.warns(UserWarning, match=r"normalization_1 has seen no data.* up to 80\. Call its"):
        model.fit(X, X[:, 0], verbose=0)
    scale.adapt(X)
    model.fit(X, X[:, 0], verbose=0)  # warnings are errors here
