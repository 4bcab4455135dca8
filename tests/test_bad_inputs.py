"""What users get wrong, what they are told, and that nothing has changed afterwards."""

from __future__ import annotations

import warnings
from contextlib import nullcontext

import numpy as np
import pytest

from minnet.callbacks import LambdaCallback
from minnet.datasets import standardize
from minnet.foundation.checks import DivergedError
from minnet.initializers import HeNormal
from minnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Rescaling,
    Softmax,
)
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam

RNG = np.random.default_rng(0)
X, Y = RNG.random((20, 3)), np.arange(20) % 3


def classifier(dtype="float32"):
    """Three features, three classes, trained for an epoch so that there is something to lose."""
    model = Sequential(
        [Dense(4, activation="relu", input_dim=3), Dense(3, activation="softmax")],
        seed=0,
        dtype=dtype,
    )
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    return model


def regression(loss="mse", metrics=(), activation=None, units=1):
    """Three features and a number, trained for an epoch."""
    model = Sequential([Dense(units, activation=activation, input_dim=3)], seed=0)
    model.compile("adam", loss, metrics=metrics)
    model.fit(X, np.tile(Y[:, None] % 2, units), verbose=0)
    return model


def picture(model):
    """All of a model that a call which fails must leave as it was."""
    updates, history = model.updates, model.history
    return (
        model.theta.tobytes(),
        model.state.tobytes(),
        [values.tobytes() for values in updates.slots.values()],
        updates.iterations,
        dict(updates.counts),
        dict(updates.rates),
        id(model.optimizer),
        id(model.loss),
        [metric.name for metric in model.metrics],
        id(history),
        {name: list(values) for name, values in history.history.items()},
        list(history.epoch),
        model.rng.bit_generator.state,
        [layer.trainable for layer in model.layers],
    )


def copies(arrays):
    """The bytes of those arguments that are arrays."""
    return [a.tobytes() for a in arrays if isinstance(a, np.ndarray) and a.dtype != object]


def refused(model, call, error, message, *arrays):
    """The call raises this error, which says this, and leaves model and arrays as they were."""
    before, data = picture(model), copies(arrays)
    with pytest.raises(error, match=message):
        call()
    assert picture(model) == before
    assert copies(arrays) == data
    target = Y if isinstance(model.loss, CrossEntropy) else np.zeros((20, *model.output_shape))
    model.fit(X, target, verbose=0)


def spoilt(value, row=4, column=1):
    """X with one wrong number."""
    x = X.copy()
    x[row, column] = value
    return x


def frame(column):
    """A DataFrame whose column b is this."""
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": X[:, 0], "b": column, "c": X[:, 2]})


def sparse(values):
    """A sparse matrix."""
    return pytest.importorskip("scipy.sparse").csr_matrix(values)


# --- data -----------------------------------------------------------------------------------------

BAD_X = {
    "nan": (
        lambda: spoilt(np.nan),
        ValueError,
        r"finite numbers. Got nan in row 4, column 1\. Drop or fill",
    ),
    "inf": (lambda: spoilt(np.inf, 0, 0), ValueError, r"Got inf in row 0, column 0\."),
    "-inf": (lambda: spoilt(-np.inf, 19, 2), ValueError, r"Got -inf in row 19, column 2\."),
    "two nans": (
        lambda: np.where(X.max() == X, np.nan, spoilt(np.nan)),
        ValueError,
        r"Got nan in row 4, column 1 \(one of 2, in 2 rows\)\.",
    ),
    "no features": (lambda: np.empty((20, 0)), ValueError, r"shape \(N, 3\). Got \(20, 0\)"),
    "too few features": (lambda: X[:, :2], ValueError, r"shape \(N, 3\). Got \(20, 2\)"),
    "one sample": (
        lambda: X[0],
        ValueError,
        r"shape \(N, 3\). Got \(3,\). For one sample use WHO.reshape\(1, 3\)",
    ),
    "one number": (lambda: 3.0, ValueError, r"shape \(N, 3\). Got \(\)"),
    "columns": (lambda: X[:7].T, ValueError, r"Got \(3, 7\). Rows are samples: use WHO\.T"),
    "images": (
        lambda: X.reshape(20, 3, 1),
        ValueError,
        r"Got \(20, 3, 1\). Put a Flatten\(\) first, or use WHO.reshape\(len\(WHO\), -1\)",
    ),
    "text": (lambda: np.full((20, 3), "a"), TypeError, r"numbers. Got .*'a'.* in column 0"),
    "object": (
        lambda: np.array([[1.0, 2.0, "b"]] * 20, object),
        TypeError,
        r"dtype object with 'b' in column 2",
    ),
    "dates": (lambda: np.zeros((20, 3), "M8[s]"), TypeError, r"numbers. Got dtype datetime"),
    "text column": (
        lambda: frame(["u"] * 20),
        TypeError,
        r"numbers. Got dtype object with 'u' in column 1 \('b'\)",
    ),
    "hole in a table": (
        lambda: frame([1.0] * 19 + [None]),
        ValueError,
        r"Got nan in row 19, column 1",
    ),
    "ragged": (lambda: [[1, 2, 3], [1, 2]], ValueError, r"rows of equal length. Got a list"),
    "sparse": (lambda: sparse(X), TypeError, r"dense array. Got a sparse csr_matrix.*WHO\.toarray"),
    "generator": (
        lambda: (row for row in X),
        TypeError,
        r"an array, not a generator. Collect it first: numpy.array\(list\(WHO\)\)",
    ),
    "iterator": (lambda: iter(X), TypeError, r"an array, not an iterator. Collect it first"),
    "function": (lambda: np.mean, TypeError, r"an array of numbers. Got <function mean"),
    "none": (lambda: None, TypeError, r"an array of numbers. Got None"),
    "dict": (lambda: {"a": 1}, TypeError, r"an array of numbers. Got {'a': 1}"),
    "path": (lambda: "x.npy", TypeError, r"an array of numbers. Got 'x.npy'"),
    "float16": (
        lambda: X.astype(np.float16),
        TypeError,
        r"float32 or float64. Got float16. Use WHO.astype\(\"float32\"\)",
    ),
    "complex": (lambda: X * 1j, TypeError, r"real numbers. Got complex128. Use WHO\.real"),
    "masked": (
        lambda: np.ma.array(X, mask=X > 0.5),
        TypeError,
        r"without a mask. Got a masked array. Use WHO.filled\(0\)",
    ),
}


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch"])
@pytest.mark.parametrize("case", BAD_X)
def test_bad_data(method, case):
    make, error, message = BAD_X[case]
    model, x = classifier(), make()
    y = [Y] if method != "predict" else []
    quiet = {"verbose": 0} if method == "fit" else {}
    refused(
        model,
        lambda: getattr(model, method)(x, *y, **quiet),
        error,
        "^x takes.*" + message.replace("WHO", "x"),
        x,
    )


@pytest.mark.parametrize("case", BAD_X)
def test_bad_validation_data(case):
    make, error, message = BAD_X[case]
    model, x = classifier(), make()
    refused(
        model,
        lambda: model.fit(X, Y, verbose=0, validation_data=(x, Y)),
        error,
        "^validation x takes.*" + message.replace("WHO", "validation x"),
        x,
    )


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_no_rows(method):
    model = classifier()
    refused(
        model,
        lambda: getattr(model, method)(X[:0], Y[:0]),
        ValueError,
        r"^x takes shape \(N, 3\) with at least one row. Got \(0, 3\), no rows at all",
    )


def test_no_rows_are_predicted_as_no_rows():
    assert classifier().predict(X[:0]).shape == (0, 3)


def test_a_column_where_one_feature_is_expected():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"Got \(5,\). For a column use x.reshape\(-1, 1\)"):
        model.fit(np.arange(5.0), np.arange(5.0), verbose=0)


def same_training(x, y=Y):
    """Training on these gives what training on X and Y gives."""
    one, two = classifier("float64"), classifier("float64")
    data = copies([x, y])
    first = one.fit(x, y, 8, epochs=2, verbose=0).history
    second = two.fit(X, Y, 8, epochs=2, verbose=0).history
    assert copies([x, y]) == data
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert values == pytest.approx(second[name])
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-8)
    np.testing.assert_allclose(one.predict(x), two.predict(X), rtol=1e-8)


def test_tables_and_lists_work():
    same_training(X.tolist(), Y.tolist())
    table = frame(X[:, 1])
    same_training(table, pytest.importorskip("pandas").Series(Y, index=range(100, 120)))


def test_one_row_works():
    model = classifier()
    model.fit(X[:1], Y[:1], verbose=0)
    assert model.predict(X[:1]).shape == (1, 3)
    assert np.isfinite(model.theta).all()


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int64", "float32", ">f8", "longdouble"]
)
def test_numbers_of_every_kind_work(dtype):
    model = classifier()
    model.fit((X > 0.5).astype(dtype), Y, verbose=0)
    assert model.predict((X > 0.5).astype(dtype)).dtype == np.float32


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x.astype(np.uint8)], ids=["float", "byte"])
def test_raw_pixels_warn_once_in_a_fit(make):
    model, x = classifier(), make(255 * X)
    model.reset()
    message = r"x has values up to 25\d.*Scale it first: x / 255"
    with pytest.warns(UserWarning, match=message) as caught:
        model.fit(x, Y, 4, epochs=3, verbose=0)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("x", [100 * X, -99 * X])
def test_inputs_that_are_not_raw_pixels_do_not_warn(x):
    model = classifier()
    model.reset()
    assert len(model.fit(x, Y, verbose=0).epoch) == 1


def test_a_normaliser_first_needs_no_scaling_and_bears_a_constant_column():
    model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    x = 1000 * X
    x[:, 1] = 5000
    model.fit(x, Y, epochs=3, verbose=0)
    assert np.isfinite(model.predict(x)).all()


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ([Rescaling(1 / 255, input_shape=(3,))], False),
        ([Flatten(input_shape=(3,)), Rescaling(1 / 255)], False),
        ([type("Mine", (BatchNormalization,), {})(input_shape=(3,))], False),
        ([Dense(2, input_dim=3), BatchNormalization()], True),
    ],
)
def test_raw_pixels_are_fine_where_a_layer_rescales_them_first(layers, warned):
    model = Sequential([*layers, Dense(3, "softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    with pytest.warns(UserWarning, match="x has values up") if warned else nullcontext():
        model.fit(255 * X, Y, verbose=0)


def test_images_work_with_flatten():
    model = Sequential([Flatten(input_shape=(3, 1)), Dense(3, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    assert len(model.fit(X.reshape(20, 3, 1), Y, verbose=0).epoch) == 1


# --- labels ---------------------------------------------------------------------------------------


def label(value, row=4):
    """Y with one wrong label, as floats."""
    y = Y.astype(float)
    y[row] = value
    return y


BAD_Y = {
    "K": (lambda: label(3), ValueError, r"labels 0 to 2, since the model has 3 .*Got 3 in row 4"),
    "from 1": (lambda: Y + 1, ValueError, r"Got 3 in row 2. Labels start at 0: use WHO - 1"),
    "negative": (lambda: Y - 1, ValueError, r"Got -1 in row 0. Drop or relabel"),
    "1.9": (lambda: label(1.9), ValueError, r"whole labels 0 to 2. Got 1.9 in row 4.*loss='mse'"),
    "nan": (lambda: label(np.nan), ValueError, r"finite numbers. Got nan in row 4"),
    "inf": (lambda: label(np.inf), ValueError, r"finite numbers. Got inf in row 4"),
    "text": (lambda: ["a", "b"] * 10, TypeError, r"numbers. Got .*'a'"),
    "category": (
        lambda: frame(["u"] * 20)["b"].astype("category"),
        TypeError,
        r"numbers. Got dtype object with 'u'",
    ),
    "none": (lambda: None, TypeError, r"array of numbers. Got None"),
    "a number": (lambda: 1, ValueError, r"WHO as labels of shape \(N,\) or rows .*Got \(\)"),
    "complex": (lambda: Y * 1j, TypeError, r"real numbers. Got complex128. Use WHO\.real"),
    "masked": (lambda: np.ma.array(Y), TypeError, r"without a mask"),
    "sparse": (
        lambda: sparse(np.eye(3)[Y]),
        TypeError,
        r"Got a sparse csr_matrix. Use WHO\.toarray",
    ),
    "rows of 1.5": (
        lambda: np.full((20, 3), 0.5),
        ValueError,
        r"rows of WHO that are 0 or more and sum to 1. Row 0 has the sum 1.5.*"
        r"sigmoid and binary_crossentropy",
    ),
    "negative rows": (lambda: np.tile([2.0, -1.0, 0.0], (20, 1)), ValueError, r"smallest entry -1"),
    "too few columns": (
        lambda: np.eye(2)[Y % 2],
        ValueError,
        r"WHO as labels of shape \(N,\) or rows of shape \(N, 3\). Got \(20, 2\)",
    ),
    "three axes": (lambda: Y.reshape(20, 1, 1), ValueError, r"WHO as labels .*Got \(20, 1, 1\)"),
}


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("case", BAD_Y)
def test_bad_labels(method, case):
    make, error, message = BAD_Y[case]
    model, y = classifier(), make()
    quiet = {"verbose": 0} if method == "fit" else {}
    message = "^(y|CrossEntropy) takes.*" + message.replace("WHO", "y")
    refused(model, lambda: getattr(model, method)(X, y, **quiet), error, message, y)


@pytest.mark.parametrize("case", BAD_Y)
def test_bad_validation_labels(case):
    make, error, message = BAD_Y[case]
    model, y = classifier(), make()
    message = "^(validation y|CrossEntropy) takes.*" + message.replace("WHO", "validation y")
    refused(model, lambda: model.fit(X, Y, verbose=0, validation_data=(X, y)), error, message, y)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("count", [0, 19])
def test_lengths_that_differ(method, count):
    model = classifier()
    refused(
        model,
        lambda: getattr(model, method)(X, Y[:count]),
        ValueError,
        rf"^x and y take one row for each sample. Got 20 rows in x and {count} in y",
    )


def test_lengths_of_validation_data_that_differ():
    model = classifier()
    refused(
        model,
        lambda: model.fit(X, Y, validation_data=(X, Y[:3]), verbose=0),
        ValueError,
        r"Got 20 rows in validation x and 3 in validation y",
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.eye(3)[Y],
        lambda: np.eye(3, dtype=int)[Y],
        lambda: Y.astype(float),
        lambda: Y.reshape(20, 1),
        lambda: Y.astype(np.uint8),
    ],
    ids=["one-hot", "whole one-hot", "float", "column", "bytes"],
)
def test_labels_in_every_form_mean_the_same(make):
    same_training(X, make())


@pytest.mark.parametrize("y", [Y == 1, np.zeros(20), np.zeros(20, int)], ids=["bool", "one", "int"])
def test_booleans_and_missing_classes_work(y):
    model = classifier()
    assert len(model.fit(X, y, 4, verbose=0).epoch) == 1


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_columns_and_flat_targets_are_aligned(loss):
    one, two = regression(loss, ["mae"]), regression(loss, ["mae"])
    flat = one.fit(X, Y, verbose=0).history
    assert flat == two.fit(X, Y.reshape(20, 1), verbose=0).history
    assert np.array_equal(one.theta, two.theta)
    p = one.predict(X)
    assert one.evaluate(X, p[:, 0])["loss"] == one.evaluate(X, p)["loss"] == 0.0


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (
            lambda: regression(),
            np.eye(3)[Y],
            r"MeanSquaredError takes y of shape \(N, 1\).*one out",
        ),
        (lambda: regression(units=3), Y, r"takes y of shape \(N, 3\).*one_hot\(y, 3\)"),
        (
            lambda: regression("binary_crossentropy", activation="sigmoid"),
            Y,
            r"BinaryCrossEntropy takes y from 0 to 1. Got 2.* in row 2",
        ),
        (lambda: regression(metrics=["mae"]), np.full(20, np.nan), r"^y takes finite numbers"),
    ],
)
def test_targets_that_do_not_suit_the_loss(model, y, message):
    model = model()
    refused(model, lambda: model.fit(X, y, verbose=0), ValueError, message, y)


def test_targets_that_a_metric_has_no_answer_for():
    model = regression(metrics=["accuracy"])
    y = X.sum(axis=1)
    message = r"accuracy takes y of 0 or 1 .*For a regression use \"mae\""
    refused(model, lambda: model.fit(X, y, verbose=0), ValueError, message, y)
    message = r"accuracy takes validation y of 0 or 1"
    refused(
        model,
        lambda: model.fit(X, Y % 2, validation_data=(X, y), verbose=0),
        ValueError,
        message,
        y,
    )


# --- settings of fit ------------------------------------------------------------------------------

BAD_SETTINGS = {
    "epochs -1": ({"epochs": -1}, ValueError, r"fit's epochs takes a whole number, 0 or more.*-1"),
    "epochs 1.0": ({"epochs": 1.0}, TypeError, r"fit's epochs takes a whole number. Got 1.0"),
    "epochs True": ({"epochs": True}, TypeError, r"fit's epochs takes a whole number. Got True"),
    "batch_size 0": ({"batch_size": 0}, ValueError, r"batch_size takes a whole number, 1 or more"),
    "batch_size 0.5": ({"batch_size": 0.5}, TypeError, r"batch_size takes a whole number. Got 0.5"),
    "split 1": (
        {"validation_split": 1.0},
        ValueError,
        r"validation_split takes .*below 1. Got 1.0",
    ),
    "split -0.1": ({"validation_split": -0.1}, ValueError, r"validation_split takes .*0 or more"),
    "split nan": ({"validation_split": np.nan}, ValueError, r"validation_split takes .*Got nan"),
    "split 20 %": ({"validation_split": "20%"}, TypeError, r"validation_split takes a number"),
    "split of nothing": (
        {"validation_split": 0.96},
        ValueError,
        r"rows on both sides. Got 0.96 of 20 rows, so 0 would train. Use more data or",
    ),
    "both": (
        {"validation_split": 0.5, "validation_data": (X, Y)},
        ValueError,
        r"takes validation_data or validation_split. Got both",
    ),
    "validation x": (
        {"validation_data": X},
        TypeError,
        r"takes \(x, y\) or \(x, y, sample_weight\). Got an array of shape \(20, 3\)",
    ),
    "validation (x,)": ({"validation_data": (X,)}, TypeError, r"takes \(x, y\) .*Got a tuple of 1"),
    "shuffle batch": ({"shuffle": "batch"}, TypeError, r"shuffle takes True or False. Got 'batch'"),
    "seed text": ({"seed": "0"}, TypeError, r"fit's seed takes .* Use seed=0"),
    "seed -1": ({"seed": -1}, ValueError, r"fit's seed takes a whole number, 0 or more. Got -1"),
    "seed 1.5": ({"seed": 1.5}, TypeError, r"fit's seed takes a whole number"),
    "seed True": ({"seed": True}, TypeError, r"fit's seed takes a whole number"),
    "verbose 3": ({"verbose": 3}, ValueError, r"verbose takes 0, 1, 2 or \"auto\". Got 3"),
    "weights in two axes": (
        {"sample_weight": np.ones((20, 2))},
        ValueError,
        r"one number for each sample, shape \(20,\). Got \(20, 2\)",
    ),
    "few weights": ({"sample_weight": [1.0]}, ValueError, r"shape \(20,\). Got \(1,\)"),
    "negative weight": ({"sample_weight": label(-1)}, ValueError, r"0 or more. Got -1.0 in row 4"),
    "nan weight": ({"sample_weight": label(np.nan)}, ValueError, r"Got nan in row 4"),
    "weights by name": ({"sample_weight": "balanced"}, TypeError, r"array of numbers. Got 'balanc"),
    "validation weights": (
        {"validation_data": (X, Y, [1.0])},
        ValueError,
        r"sample_weight takes one number for each sample",
    ),
    "class 3": ({"class_weight": {3: 1}}, ValueError, r"takes classes 0 to 2. Got 3"),
    "class -1": ({"class_weight": {-1: 1}}, ValueError, r"whole number, 0 or more. Got -1"),
    "class a": (
        {"class_weight": {"a": 1}},
        TypeError,
        r"takes the numbers of classes, as they are in y\. Got 'a'\. Number them",
    ),
    "weight nan": ({"class_weight": {0: np.nan}}, ValueError, r"weight of class 0 .*Got nan"),
    "weight -1": ({"class_weight": {0: -1}}, ValueError, r"weight of class 0 .*0 or more. Got -1"),
    "class list": ({"class_weight": [1, 2, 3]}, TypeError, r"takes {class: weight}. Got \[1, 2, 3"),
    "rate -1": ({"learning_rate": -1}, ValueError, r"learning_rate takes a finite .*Got -1"),
    "rate nan": ({"learning_rate": np.nan}, ValueError, r"learning_rate takes a finite .*Got nan"),
    "rate inf": ({"learning_rate": np.inf}, ValueError, r"learning_rate takes a finite .*Got inf"),
    "rate True": ({"learning_rate": True}, TypeError, r"learning_rate takes a number. Got True"),
    "rate fast": (
        {"learning_rate": "fast"},
        TypeError,
        r"takes a number, a schedule or {layer: number}. Got 'fast'. Use 0.01",
    ),
    "rate list": ({"learning_rate": [0.1]}, TypeError, r"{layer: number}. Got \[0.1\]"),
    "rate class": ({"learning_rate": SGD}, TypeError, r"Got the class SGD itself. Call it: SGD\(…"),
    "no rates": ({"learning_rate": {}}, ValueError, r"takes {layer: number}. Got an empty dict"),
    "rate of nobody": (
        {"learning_rate": {"dens_1": 0.1}},
        ValueError,
        r"No layer matches \"dens_1\". Layers: dense_1, dense_2. Did you mean \"dense_1\"",
    ),
    "rate of 7": ({"learning_rate": {7: 0.1}}, ValueError, r"an index from -2 to 1. Got 7"),
    "two rates": (
        {"learning_rate": {"dense_1": 0.1, "dense_*": 0.2}},
        ValueError,
        r"one rate for each layer. Got two for dense_1",
    ),
    "rate of one": (
        {"learning_rate": {"dense_1": "x"}},
        TypeError,
        r"learning_rate of 'dense_1' takes a number",
    ),
    "unknown": ({"batchsize": 8}, TypeError, r"Got batchsize=8\. Did you mean \"batch_size\""),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_of_fit(case):
    options, error, message = BAD_SETTINGS[case]
    model = classifier()
    arrays = [value for value in options.values() if isinstance(value, np.ndarray)]
    refused(model, lambda: model.fit(X, Y, **{"verbose": 0, **options}), error, message, *arrays)


@pytest.mark.parametrize("value", [-1, None, "x"])
def test_a_schedule_that_gives_no_rate(value):
    model = classifier()
    refused(
        model,
        lambda: model.fit(X, Y, epochs=0, verbose=0, learning_rate={"dense_1": [value]}),
        TypeError,
        r"takes a number, a schedule",
    )
    with pytest.raises((ValueError, TypeError), match=r"learning_rate at step 0 takes a .*number"):
        model.fit(X, Y, verbose=0, learning_rate=lambda step: value)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize("size", [0, -1])
def test_bad_batch_sizes(method, size):
    model = classifier()
    data = [X] if method == "predict" else [X, Y]
    message = rf"batch_size takes a whole number, 1 or more. Got {size}"
    refused(model, lambda: getattr(model, method)(*data, batch_size=size), ValueError, message)


def test_a_frozen_model_is_not_trained():
    model = classifier()
    model.freeze("*")
    before = picture(model)
    for train in (lambda: model.fit(X, Y), lambda: model.train_on_batch(X, Y)):
        with pytest.raises(
            ValueError, match=r"Every layer is frozen.*model.unfreeze\(\"dense_2\"\)"
        ):
            train()
    assert picture(model) == before


def test_fit_before_compile_and_predict_before_build():
    model = Sequential([Dense(2)])
    for call in (lambda: model.fit(X, Y), lambda: model.evaluate(X, Y)):
        with pytest.raises(RuntimeError, match=r"not compiled. Call compile\(optimizer='adam'"):
            call()
    with pytest.raises(RuntimeError, match=r"not built.*Give the first layer input_dim="):
        model.predict(X)
    with pytest.raises(RuntimeError, match=r"no layers yet. Use add\(layer\) first"):
        Sequential().predict(X)


def test_settings_that_are_unusual_and_fine():
    model = classifier()
    before = model.theta.copy()
    model.fit(X, Y, 1000, 1, 0, None, 0, None, np.bool_(True), None, None, learning_rate=0)
    assert np.array_equal(model.theta, before)
    assert model.fit(X, Y, epochs=0, verbose=0).epoch == []
    for seed in (0, np.int64(3), np.random.default_rng(0), None):
        model.fit(X, Y, np.int32(7), epochs=np.int64(1), verbose=0, seed=seed)
    with pytest.warns(UserWarning, match="sample_weight is 0 for every sample"):
        model.fit(X, Y, verbose=0, class_weight={}, sample_weight=np.zeros(20))


# --- compile, and what is built -------------------------------------------------------------------

BAD_COMPILE = {
    "no loss": (
        {"optimizer": "adam"},
        ValueError,
        r"compile takes a loss. Got none. Losses: cross",
    ),
    "adm": ({"optimizer": "adm", "loss": "mse"}, ValueError, r"Got 'adm'. Did you mean \"adam\""),
    "class": ({"optimizer": Adam, "loss": "mse"}, TypeError, r"class itself. Call it: Adam\(\)"),
    "crossentropy": ({"loss": "crossentropy"}, ValueError, r"Did you mean \"cross_entropy\""),
    "function": ({"loss": np.mean}, TypeError, r"compile's loss takes a Loss or its name"),
    "acuracy": (
        {"loss": "cross_entropy", "metrics": ["acuracy"]},
        ValueError,
        r"Each of compile's metrics takes one of .*Did you mean \"accuracy\"",
    ),
    "one metric": (
        {"loss": "cross_entropy", "metrics": "accuracy"},
        TypeError,
        r"compile's metrics takes a list such as \[\"accuracy\"\]. Got 'accuracy'",
    ),
    "twice": (
        {"loss": "cross_entropy", "metrics": ["accuracy", "accuracy"]},
        ValueError,
        r"each metric once. Got accuracy, accuracy",
    ),
    "logits": (
        {"loss": CrossEntropy(from_logits=True)},
        ValueError,
        r"so it would be applied twice",
    ),
    "unknown": (
        {"loss": "mse", "lr": 1},
        TypeError,
        r"compile takes optimizer, loss, metrics\. Got lr=1",
    ),
}


@pytest.mark.parametrize("case", BAD_COMPILE)
def test_bad_compile(case):
    options, error, message = BAD_COMPILE[case]
    model = classifier()
    refused(model, lambda: model.compile(**options), error, message)


def test_losses_that_want_probabilities():
    model = regression(units=3)
    for loss in ("cross_entropy", "binary_crossentropy"):
        message = r"takes probabilities. Got a model that ends in dense_1"
        refused(model, lambda loss=loss: model.compile("adam", loss), ValueError, message)
    model = regression("binary_crossentropy", activation="sigmoid")
    loss = BinaryCrossEntropy(from_logits=True)
    refused(model, lambda: model.compile("adam", loss), ValueError, r"applied twice")


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
def test_softmax_with_another_loss_warns(loss):
    with pytest.warns(UserWarning, match=r"Softmax with the .*Use loss='cross_entropy'"):
        classifier().compile("adam", loss)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Adam(-1), ValueError, r"Adam's learning_rate takes .*0 or more. Got -1"),
        (lambda: Adam(np.nan), ValueError, r"Adam's learning_rate takes a finite .*Got nan"),
        (lambda: Adam(beta_1=1.0), ValueError, r"Adam's beta_1 takes .*below 1. Got 1.0"),
        (lambda: Adam(lr=0.1), TypeError, r"Got lr=0.1\. Did you mean \"learning_rate\""),
        (lambda: Dense(3, activation="rleu"), ValueError, r"Got 'rleu'. Did you mean \"relu\""),
        (
            lambda: Dense(3, activaton="relu"),
            TypeError,
            r"Got activaton='relu'\. Did you mean \"activation\"",
        ),
        (lambda: Dense(0), ValueError, r"Dense's units takes a whole number, 1 or more. Got 0"),
        (lambda: Sequential(2 * [Dense(3, input_dim=3)]), ValueError, r"in this model already"),
        (lambda: Sequential(dtype="float16"), ValueError, r"float32 or float64. Got 'float16'"),
        (lambda: Sequential(seed=1.5), TypeError, r"Sequential's seed takes a whole number"),
    ],
)
def test_what_is_built_wrongly(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_head_of_the_wrong_width():
    model = classifier().replace_head(Dense(2, activation="softmax"), seed=0)
    model.compile("adam", "cross_entropy")
    with pytest.raises(
        ValueError, match=r"the model has 2 classes. Got 2 in row 2. For a model of 3"
    ):
        model.fit(X, Y, verbose=0)


# --- numbers and faults ---------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "bce")])
@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e4), ("float32", 1e36), ("float64", 1e306)]
)
def test_large_logits_stay_finite_without_a_warning(activation, loss, dtype, size):
    loss = {"bce": "binary_crossentropy"}.get(loss, loss)
    model = Sequential([Dense(3, activation=activation, input_dim=3)], seed=0, dtype=dtype)
    model.compile(SGD(0.0), loss)
    model.layers[0].W *= size
    y = np.eye(3)[Y]
    p = model.predict(X)
    assert np.isfinite(p).all()
    assert (p >= 0).all()
    found = model.evaluate(X, y)["loss"]
    assert np.isfinite(found)
    assert model.fit(X, y, 100, verbose=0).history["loss"] == [pytest.approx(found, rel=1e-5)]


def test_a_loss_beyond_all_numbers_is_inf_and_no_warning():
    model = classifier("float64")
    model.layers[1].W *= 1e308
    assert model.evaluate(X, 2 - Y)["loss"] == np.inf


def test_denormal_inputs_work():
    model = classifier()
    model.fit(X * 1e-42, Y, verbose=0)
    assert np.isfinite(model.theta).all()


@pytest.mark.parametrize("factor", [1e20, 1e30])
def test_an_exploding_fit_names_layer_epoch_step_and_rate_and_is_undone(factor):
    model = classifier()
    before = picture(model)
    with pytest.raises(
        DivergedError,
        match=r"in epoch \d, step \d, at learning rate 1e\+\d\d\. The first that is not finite is "
        r"the output of dense_.\. The model is back .* Try a smaller learning rate",
    ):
        model.fit(X, Y, 4, epochs=9, verbose=0, learning_rate=factor)
    after = picture(model)
    assert after[:9] == before[:9]
    assert model.history.epoch == []


def test_a_rate_of_0_is_not_advised_to_be_smaller():
    model = classifier("float64")
    model.layers[1].W *= 1e308
    with pytest.raises(DivergedError, match=r"before this epoch. Try inputs scaled to about 1"):
        model.fit(X, Y, verbose=0, learning_rate=0)


def test_a_model_that_is_being_trained_is_not_trained_again():
    model = classifier()
    caught = []

    def again(batch, logs):
        with pytest.raises(RuntimeError, match=r"being trained already. Wait for that fit, or use"):
            model.fit(X, Y, verbose=0)
        caught.append(batch)

    model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=again)])
    assert caught == [0]


# --- layers that come and go after compile, and ends that do not suit the loss --------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop(), r"layers"),
        (lambda m: m.add(Softmax()), r"Softmax is applied twice"),
        (lambda m: m.add(Dense(3)), r"CrossEntropy takes probabilities"),
    ],
    ids=["no softmax", "two", "a layer more"],
)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_layers_that_change_after_compile_are_checked_again(change, message, method):
    model = Sequential([Dense(3, input_dim=3), Softmax()], seed=0)
    model.compile("adam", "cross_entropy")
    change(model)
    before = model.theta.tobytes()
    message = r"CrossEntropy takes probabilities" if message == "layers" else message
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):  # the second time is no different
            with pytest.raises(ValueError, match=message):
                getattr(model, method)(X, Y)
    assert model.theta.tobytes() == before


@pytest.mark.parametrize(
    ("ends", "loss", "message"),
    [
        (["sigmoid"], CrossEntropy(from_logits=True), r"takes logits.*dense_1.sigmoid.*Drop that"),
        (["softmax"], BinaryCrossEntropy(from_logits=True), r"takes logits.*dense_1.softmax"),
        (["softmax", "sigmoid"], "binary_crossentropy", r"gives probabilities, and .* squash"),
    ],
)
def test_probabilities_into_a_loss_from_logits_are_refused(ends, loss, message):
    first, *more = ends
    model = Sequential([Dense(3, first, input_dim=3), *map(Activation, more)])
    with pytest.raises(ValueError, match=message):
        model.compile("adam", loss)


def test_softmax_twice_is_seen_through_dropout():
    model = Sequential([Dense(3, "softmax", input_dim=3), Dropout(0.1), Softmax()])
    with pytest.raises(ValueError, match=r"applied twice, in dense_1.softmax and in softmax_1"):
        model.compile("adam", "cross_entropy")


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        ([Dense(3, "softmax", input_dim=3), Dense(3, "softmax")], "cross_entropy", "inside the n"),
        (
            [Dense(3, "relu", input_dim=3)],
            CrossEntropy(from_logits=True),
            r"dense_1.relu cuts them",
        ),
    ],
)
def test_odd_ends_are_warned_of_once(layers, loss, message):
    model = Sequential(layers, seed=0)
    with pytest.warns(UserWarning, match=message) as caught:
        model.compile("adam", loss)
    assert len(caught) == 1
    model.fit(X, Y, epochs=2, verbose=0)


def test_class_weights_too_large_for_the_dtype_are_refused():
    model = classifier()
    message = r"class_weight takes numbers that float32 can hold"
    refused(model, lambda: model.fit(X, Y, class_weight={0: 1e39}), ValueError, message)


def test_a_schedule_takes_one_number():
    for make in (Adam, lambda rate: classifier().fit(X, Y, learning_rate=rate, verbose=0)):
        with pytest.raises(TypeError, match=r"function of one: the number of the update.*lambda"):
            make(lambda: 0.1)


def test_a_decay_that_turns_weights_around_is_refused():
    with pytest.raises(ValueError, match=r"SGD's weight_decay takes a number up to .*10:"):
        SGD(0.1, weight_decay=100.0)


@pytest.mark.parametrize("rng", ["a", np.random, 1.5])
def test_an_initializer_never_takes_the_global_generator(rng):
    with pytest.raises(TypeError, match=r"HeNormal's rng takes"):
        HeNormal()((3, 4), rng)
    with pytest.raises(ValueError, match=r"HeNormal's shape"):
        HeNormal()((0, 4), np.random.default_rng(0))


@pytest.mark.parametrize("size", [1e308, 1e200, 1e-200, 1e-310])
def test_standardize_takes_numbers_of_every_size(size):
    (x,) = standardize(np.array([[size], [-size], [size], [-size]]))
    np.testing.assert_allclose(x[:, 0], [1, -1, 1, -1], rtol=1e-6)
