"""What fit is told, and what is checked before it begins: weights, validation, rates."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.engine.inputs import value_range
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.schedules import ExponentialDecay
from tests.small_models import classifier, everything, gradient_of, regression

# --- weights of samples and classes ---------------------------------------------------------------


@pytest.mark.parametrize("rows", [False, True], ids=["labels", "one-hot"])
def test_class_weights_are_sample_weights_by_class(rows):
    (a, x, y), (b, *_) = classifier(), classifier()
    target = np.eye(3)[y] if rows else y
    weight = np.where(y == 1, 2.5, 1.0) * np.where(y == 2, 0.5, 1.0)
    a.fit(x, target, 8, verbose=0, class_weight={1: 2.5, 2: 0.5}, seed=0)
    b.fit(x, target, 8, verbose=0, sample_weight=weight, seed=0)
    assert everything(a) == everything(b)


def test_class_and_sample_weights_are_multiplied():
    (a, x, y), (b, *_) = classifier(), classifier()
    weight = np.linspace(0.5, 1.5, len(x))
    a.fit(x, y, verbose=0, class_weight={0: 2.0}, sample_weight=weight, seed=0)
    b.fit(x, y, verbose=0, sample_weight=np.where(y == 0, 2.0, 1.0) * weight, seed=0)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-6)


def test_class_weights_of_a_sigmoid():
    model = Sequential([Dense(1, activation="sigmoid", input_dim=1)], seed=0, dtype="float64")
    model.compile(SGD(0.0), "binary_crossentropy")
    x, y = np.array([[0.5], [-1.0], [2.0]]), np.array([1, 0, 1])
    p = model.predict(x)[:, 0]
    expected = -(3 * np.log(p[0]) + np.log(1 - p[1]) + 3 * np.log(p[2])) / 3
    assert model.fit(x, y, verbose=0, class_weight={1: 3}).history["loss"] == [
        pytest.approx(expected)
    ]


def test_class_weights_of_no_classes_are_refused():
    model, x, y = regression()
    with pytest.raises(ValueError, match=r"class labels or one-hot rows in y. Got "):
        model.fit(x, y, class_weight={0: 2.0}, verbose=0)
    model, x, y = regression(units=1)
    with pytest.raises(ValueError, match=r"class labels or one-hot rows in y. Got "):
        model.fit(x, y, class_weight={0: 2.0}, verbose=0)


# --- validation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("N", "split", "kept"), [(10, 0.25, 2), (10, 0.3, 3), (100, 0.29, 29), (7, 0.5, 3), (3, 0.9, 2)]
)
def test_validation_split_takes_the_last_rows_rounded_down(N, split, kept):
    (a, x, y), (b, *_) = regression(N=N), regression(N=N)
    one = a.fit(x, y, 4, epochs=2, validation_split=split, verbose=0, seed=0)
    two = b.fit(x[:-kept], y[:-kept], 4, 2, 0, validation_data=(x[-kept:], y[-kept:]), seed=0)
    assert one.params["samples"] == N - kept
    assert one.history == two.history
    assert everything(a) == everything(b)


def test_validation_split_takes_its_rows_of_the_weights():
    (a, x, y), (b, *_) = regression(), regression()
    weight = np.linspace(0.0, 2.0, 10)
    one = a.fit(x, y, validation_split=0.3, sample_weight=weight, verbose=0, seed=0)
    two = b.fit(
        x[:7],
        y[:7],
        validation_data=(x[7:], y[7:], weight[7:]),
        sample_weight=weight[:7],
        verbose=0,
        seed=0,
    )
    assert one.history == two.history


# --- learning rates for one fit -------------------------------------------------------------------


def moved(learning_rate, optimizer_rate=0.5):
    """How far each layer went in one step of plain SGD, in units of its gradient."""
    model, x, y = regression(optimizer=SGD(optimizer_rate))
    before = model.theta.copy()
    g = gradient_of(model, x, y)
    model.fit(x, y, 100, shuffle=False, verbose=0, learning_rate=learning_rate)
    steps = (before - model.theta) / g
    np.testing.assert_allclose(steps[:16], steps[0], rtol=1e-6)
    np.testing.assert_allclose(steps[16:], steps[16], rtol=1e-6)
    return pytest.approx([steps[0], steps[16]], rel=1e-6)


@pytest.mark.parametrize(
    ("learning_rate", "rates"),
    [
        (None, [0.5, 0.5]),
        (0.25, [0.25, 0.25]),
        (np.float32(0.25), [0.25, 0.25]),
        (ExponentialDecay(0.2, 10, 0.5), [0.2, 0.2]),
        ({"dense_1": 0.1}, [0.1, 0.5]),
        ({"dense_*": 0.1}, [0.1, 0.1]),
        ({0: 0.1, -1: 0.2}, [0.1, 0.2]),
        ({"all_but_head": lambda step: 0.3, "dense_2": 0}, [0.3, 0.0]),
    ],
)
def test_learning_rates_of_one_fit(learning_rate, rates):
    assert rates == moved(learning_rate)


def test_a_schedule_counts_the_updates_of_its_fit():
    model, x, y = regression()
    model.fit(x, y, 4, verbose=0)
    seen = []
    model.fit(x, y, 4, epochs=2, verbose=0, learning_rate=lambda step: seen.append(step) or 0.1)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_the_rate_of_one_fit_is_gone_in_the_next():
    (a, x, y), (b, *_) = regression(), regression()
    a.fit(x, y, verbose=0, learning_rate=0.0)
    a.fit(x, y, verbose=0, shuffle=False)
    b.fit(x, y, verbose=0, shuffle=False)
    np.testing.assert_array_equal(a.theta, b.theta)


def test_a_rate_for_a_frozen_layer_is_refused():
    model, x, y = regression()
    model.freeze("dense_1")
    with pytest.raises(ValueError, match=r"Got 'dense_1', which is frozen .* model.unfreeze"):
        model.fit(x, y, verbose=0, learning_rate={"dense_1": 0.1})


def test_data_that_is_not_finite_in_one_piece_is_found():
    """The range is looked for piece by piece, and Python's min passes over a NaN."""
    x = np.zeros((300, 1000), np.float32)
    for row in (0, 150, 299):
        for wrong in (np.nan, np.inf, -np.inf):
            x[row, 7] = wrong
            model = Sequential([Dense(2, activation="softmax", input_dim=1000)], seed=0)
            model.compile("sgd", "cross_entropy")
            with pytest.raises(ValueError, match=f"row {row}, column 7"):
                model.fit(x, np.zeros(300, int), verbose=0)
            x[row, 7] = 0.0


@pytest.mark.parametrize("shape", [(1,), (300, 1000), (3, 70_000), (2, 300, 300)])
def test_the_range_is_that_of_all_numbers(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert value_range(x) == [x.min(), x.max()]
    x.flat[-1] = np.nan
    assert np.isnan(value_range(x)).all()


def test_a_row_may_have_more_numbers_than_a_piece():
    model = Sequential([Dense(1, input_dim=70_000)], seed=0)
    model.compile(SGD(0.0), "mse")
    model.fit(np.ones((2, 70_000), np.float32), np.ones(2), verbose=0)
    assert model.provenance["input_range"] == [1.0, 1.0]


@pytest.mark.parametrize("method", ["predict", "features", "evaluate", "fit"])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.nan, "x takes finite numbers. Got nan in row 1, column 0"),
        (-np.inf, "x takes finite numbers. Got -inf in row 1, column 0"),
        (4e38, "x takes numbers that float32 can hold. Got 4e[+]38 in row 1, column 0"),
        (-1e200, "x takes numbers that float32 can hold. Got -1e[+]200 in row 1, column 0"),
    ],
)
def test_every_way_in_is_guarded(method, wrong, message):
    model = Sequential([Dense(2, input_dim=2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x = np.array([[1.0, 2.0], [wrong, 0.0]])
    arguments = (x, np.ones(2)) if method in ("evaluate", "fit") else (x,)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(*arguments)
