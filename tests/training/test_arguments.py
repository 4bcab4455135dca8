"""What fit is told, and what is checked before it begins: weights, validation, rates."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.callbacks import Callback, EarlyStopping, GradualUnfreezing, LambdaCallback
from minnet.engine.inputs import value_range
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam, AdamW
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


def test_class_weights_by_name_or_by_a_word_of_scikit_learn_are_refused():
    model, x, y = classifier()
    with pytest.raises(TypeError, match=r"Got 'balanced'\. Give a rare class more, .*diagnose"):
        model.fit(x, y, class_weight="balanced", verbose=0)
    with pytest.raises(TypeError, match=r"numbers of classes, as they are in y\. Got 'no'\. "):
        model.fit(x, y, class_weight={"no": 1.0, "yes": 9.0}, verbose=0)


# --- validation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("N", "split", "kept"),
    [(10, 0.25, 3), (10, 0.3, 3), (100, 0.29, 29), (7, 0.5, 4), (20, 0.04, 1), (10, 0.9, 9)],
)
def test_validation_split_trains_on_the_first_rows_rounded_down_as_in_keras(N, split, kept):
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


def test_the_optimizers_schedule_counts_updates_made_at_another_rate_too():
    seen: list[int] = []
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile(SGD(lambda step: seen.append(step) or 0.01), "mse")
    x = np.ones((4, 1))
    for rate in (None, None, lambda step: 0.01, None):
        model.fit(x, x, batch_size=2, verbose=0, learning_rate=rate)
    assert seen == [0, 1, 2, 3, 6, 7]


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


# --- a class for each sample ----------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse", "mae"])
@pytest.mark.parametrize(
    "y",
    [
        [[0, 1, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]],
        [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]],
        [[0.2, 0.3, 0.5]] * 4,
    ],
)
def test_class_weights_of_several_answers_a_row_are_refused(loss, y):
    model = Sequential([Dense(3, activation="sigmoid", input_dim=2)], seed=0)
    model.compile(SGD(0.0), loss)
    with pytest.raises(ValueError, match=r"takes class labels or one-hot rows in y. Got"):
        model.fit(np.ones((4, 2)), y, verbose=0, class_weight={1: 5.0})


def test_class_weights_of_a_row_that_shares_evenly_are_refused():
    model = Sequential([Dense(2, activation="softmax", input_dim=2)], seed=0)
    model.compile(SGD(0.0), "cross_entropy")
    with pytest.raises(ValueError, match=r"name one class. Got 2 equal entries in row 0"):
        model.fit(np.ones((2, 2)), [[0.5, 0.5], [1, 0]], verbose=0, class_weight={1: 5.0})


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
def test_class_weights_of_one_hot_rows_are_those_of_the_labels(loss):
    model = Sequential([Dense(3, activation="sigmoid", input_dim=2)], seed=0)
    model.compile(SGD(0.0), loss)
    y = np.eye(3)[[0, 1, 2, 1]]
    x = np.random.default_rng(0).normal(size=(4, 2))
    by_class = model.fit(x, y, verbose=0, class_weight={1: 5.0}).history
    assert by_class == model.fit(x, y, verbose=0, sample_weight=[1, 5, 1, 5]).history


# --- sorted rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "units", "activation", "y"),
    [
        ("cross_entropy", 3, "softmax", np.repeat([0, 1, 2], [5, 4, 3])),
        ("cross_entropy", 3, "softmax", np.repeat(np.eye(3), [5, 4, 3], axis=0)),
        ("binary_crossentropy", 1, "sigmoid", np.repeat([0, 1], [9, 3])),
        ("binary_crossentropy", 1, "sigmoid", np.repeat([0.0, 1.0], [9, 3])[:, None]),
        ("binary_crossentropy", 3, "sigmoid", np.repeat(np.eye(3), [5, 4, 3], axis=0)),
        ("mse", 3, None, np.repeat(np.eye(3), [5, 4, 3], axis=0)),
        ("categorical_hinge", 3, None, np.repeat(np.eye(3), [5, 4, 3], axis=0)),
        ("hinge", 1, "tanh", np.repeat([-1, 1], [9, 3])),
        ("squared_hinge", 1, "tanh", np.repeat([-1, 1], [9, 3])[:, None]),
    ],
)
def test_validation_rows_of_classes_that_no_training_row_has_are_warned_of(
    loss, units, activation, y
):
    model = Sequential([Dense(units, activation=activation, input_dim=1)], seed=0)
    model.compile("sgd", loss)
    x = np.linspace(-1, 1, 12)[:, None]
    with pytest.warns(UserWarning, match=r"classes that no training row has: [12]\. The"):
        model.fit(x, y, verbose=0, validation_split=0.25)
    order = np.random.default_rng(1).permutation(12)
    model.fit(x[order], y[order], verbose=0, validation_split=0.25)


def test_numbers_are_no_classes_that_could_be_unseen():
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", "mse")
    x = np.linspace(-1, 1, 12)[:, None]
    model.fit(x, np.arange(12) / 12, verbose=0, validation_split=0.25)
    model.fit(x, np.arange(12), verbose=0, validation_split=0.25)


def test_a_share_of_less_than_half_a_row_is_no_share():
    model, x, y = regression(N=16)
    with pytest.raises(ValueError, match=r"Got 0.03 of 16 rows, which is not half a row"):
        model.fit(x, y, verbose=0, validation_split=0.03)
    assert model.fit(x, y, verbose=0, validation_split=0.04).params["samples"] == 15


def test_class_weights_that_leave_nothing_to_learn_from_are_warned_of():
    model = Sequential([Dense(1, "sigmoid", input_dim=1)], seed=0)
    model.compile("sgd", "binary_crossentropy")
    x, y = np.array([[0.5], [-1.0]]), np.array([1, 0])
    with pytest.warns(UserWarning, match=r"^class_weight is 0 for every sample"):
        model.fit(x, y, verbose=0, class_weight={0: 0, 1: 0})
    with pytest.warns(UserWarning, match=r"^class_weight is 0 for every sample"):
        model.fit(x, y, verbose=0, class_weight={0: 0}, sample_weight=[0, 1])
    with pytest.warns(UserWarning, match=r"^class_weight is 0 for every sample"):
        model.fit(x, y, verbose=0, class_weight={0: 1e-50, 1: 1e-50})  # 0 in float32


# --- one rate -------------------------------------------------------------------------------------


def moves(learning_rate, callback):
    """How far the weight moved in each epoch of a loss that has the gradient 1."""
    model = Sequential([Dense(1, input_dim=1, use_bias=False)], seed=0)
    model.compile(SGD(0.5), "mae")
    thetas = [float(model.theta[0])]
    keep = LambdaCallback(on_epoch_end=lambda *_: thetas.append(float(model.theta[0])))
    callbacks = [keep, callback]
    model.fit([[1.0]], [1e6], epochs=4, verbose=0, learning_rate=learning_rate, callbacks=callbacks)
    return np.diff(thetas).round(3).tolist()


class Sets(Callback):
    """Sets the optimizer's rate at the beginning of the third epoch."""

    def __init__(self, rate, hook="on_epoch_begin"):
        self.rate = rate
        setattr(self, hook, self.sets)

    def sets(self, epoch, logs):
        if epoch == 2:
            self.model.optimizer.learning_rate = self.rate


@pytest.mark.parametrize("given", [0.25, lambda step: 0.25, {"dense_1": 0.25}], ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.125, 0.5])
def test_a_rate_that_a_callback_sets_holds_from_then_on(given, rate):
    """0.5 is what the optimizer had: that it was set counts, not that it is another."""
    assert moves(given, Sets(rate)) == [0.25, 0.25, rate, rate]
    assert moves(None, Sets(rate)) == [0.5, 0.5, rate, rate]


def test_a_rate_set_before_the_first_step_holds():
    class Before(Callback):
        def on_train_begin(self, logs=None):
            self.model.optimizer.learning_rate = 0.125

    assert moves(0.25, Before()) == [0.125] * 4


def decaying(optimizer, **options):
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile(optimizer, "mse")
    return model.fit(np.zeros((4, 1)), np.zeros(4), epochs=3, verbose=0, **options)


def set_later(name, value):
    optimizer = SGD(0.1, weight_decay=1.0)
    setattr(optimizer, name, value)


DOORS = {
    "the constructor": lambda: SGD(5.0, weight_decay=1.0),
    "the rate, set later": lambda: set_later("learning_rate", 5.0),
    "the decay, set later": lambda: set_later("weight_decay", 50.0),
    "fit's rate": lambda: decaying(SGD(0.1, weight_decay=1.0), learning_rate=5.0),
    "a layer's rate": lambda: decaying(AdamW(0.1, weight_decay=1), learning_rate={"dense_1": 5.0}),
    "a schedule": lambda: decaying(SGD(lambda step: 5.0, weight_decay=1.0)),
    "a schedule later": lambda: decaying(SGD(lambda step: 5.0 * (step == 2), weight_decay=1.0)),
    "fit's schedule": lambda: decaying(Adam(weight_decay=1.0), learning_rate=lambda step: 5.0),
    "a callback": lambda: decaying(SGD(0.1, weight_decay=1.0), callbacks=[Sets(5.0)]),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_decay_that_turns_weights_around_is_refused_at_every_door(door):
    with pytest.raises(ValueError, match="weight_decay takes a number up to 1 / learning_rate"):
        door()


def test_layers_that_are_unfrozen_later_may_have_rates_of_their_own():
    x = np.random.default_rng(0).normal(size=(64, 4))
    y = (x[:, 0] > 0).astype(int)
    layers = [Dense(4, activation="relu", input_dim=4), Dense(2, activation="softmax")]
    model = Sequential(layers, seed=0)
    model.freeze("all_but_head")
    model.compile("sgd", "cross_entropy")
    rates = {"dense_1": 0.0, "dense_2": 0.1}
    before = model.layers[0].W.copy()
    with pytest.raises(ValueError, match=r"takes layers that learn. Got 'dense_1', which is"):
        model.fit(x, y, verbose=0, learning_rate=rates, callbacks=[EarlyStopping("loss")])
    model.fit(x, y, epochs=3, verbose=0, learning_rate=rates, callbacks=[GradualUnfreezing()])
    assert model.layers[0].trainable
    np.testing.assert_array_equal(model.layers[0].W, before)  # the optimizer's rate would move it


@pytest.mark.parametrize(
    ("hook", "updates"), [("on_train_begin", 0), ("on_epoch_begin", 1), ("on_train_batch_begin", 1)]
)
def test_where_a_training_that_is_stopped_ends(hook, updates):
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", "mse")
    stop = LambdaCallback(**{hook: lambda *_: setattr(model, "stop_training", True)})
    history = model.fit(np.ones((4, 1)), np.ones(4), 2, epochs=5, verbose=0, callbacks=[stop])
    assert (model.updates.iterations, len(history.epoch)) == (updates, min(updates, 1))
