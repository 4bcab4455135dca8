"""`Sequential` as users meet it: compile, one step, predict, features, evaluate, reset, files."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.foundation.checks import DivergedError, ModelFileError
from minnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Sigmoid,
    Softmax,
)
from minnet.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from minnet.metrics import Accuracy
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam, RMSprop
from minnet.regularizers import L2
from tests.strategies import seeds

X = np.random.default_rng(0).standard_normal((10, 4))
Y = np.arange(10) % 3


def classifier(seed=0, dtype="float32", compiled=True, **settings):
    model = Sequential(
        [
            Dense(6, "tanh", input_dim=4, kernel_regularizer=L2(0.01)),
            BatchNormalization(),
            Dropout(0.25),
            Dense(5, "relu"),
            Dense(3, "softmax"),
        ],
        seed=seed,
        dtype=dtype,
        **settings,
    )
    if compiled:
        model.compile("adam", "cross_entropy", ["accuracy"])
    return model


# --- compile --------------------------------------------------------------------------------------


def test_compile_takes_names_and_objects():
    model = classifier(compiled=False)
    model.compile(loss="sparse_categorical_crossentropy")
    assert type(model.optimizer) is RMSprop
    assert type(model.loss) is CrossEntropy
    assert model.metrics == []
    optimizer, loss, metric = SGD(0.5), CrossEntropy(), Accuracy()
    model.compile(optimizer, loss, (metric,))
    assert (model.optimizer, model.loss, model.metrics) == (optimizer, loss, [metric])
    model.compile("adam", "cross_entropy", ["accuracy"])
    assert type(model.optimizer) is Adam


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("adma", "mse"), ValueError, r"compile's optimizer .*, or an Optimizer\. .*\"adam\"\?"),
        ((Adam, "mse"), TypeError, r"takes an Optimizer object .*Call it: Adam\(\)"),
        ((None, "mse"), TypeError, r"compile's optimizer takes an Optimizer or its name. Got None"),
        (("adam",), ValueError, r"compile takes a loss. Got none. Losses: cross_entropy, "),
        (("adam", "msee"), ValueError, r"compile's loss takes one of .*Did you mean \"mse\""),
        (("adam", CrossEntropy), TypeError, r"Call it: CrossEntropy\(\)"),
        (("adam", len), TypeError, r"compile's loss takes a Loss or its name. Got <built-in"),
        (
            ("adam", "cross_entropy", "accuracy"),
            TypeError,
            r"metrics takes a list such as \[\"accuracy\"\]. Got 'accuracy'",
        ),
        (("adam", "cross_entropy", {"accuracy"}), TypeError, "metrics takes a list such as"),
        (
            ("adam", "cross_entropy", ["acuracy"]),
            ValueError,
            r"Each of compile's metrics takes .*Did you mean \"accuracy\"\?",
        ),
        (
            ("adam", "cross_entropy", ["accuracy", "accuracy"]),
            ValueError,
            r"compile takes each metric once. Got accuracy, accuracy",
        ),
        (
            ("adam", CrossEntropy(from_logits=True)),
            ValueError,
            r"from_logits=True\) takes logits .*ends in softmax",
        ),
        (("adam", "binary_crossentropy"), None, "Softmax with the binary cross-entropy"),
        (("adam", "mse"), None, "Softmax with the mean squared error learns slowly"),
    ],
)
def test_what_compile_refuses_or_warns_of(arguments, error, message):
    model = classifier()
    before = model.optimizer, model.loss, model.metrics, model.updates
    if error is None:
        with pytest.warns(UserWarning, match=message) as caught:
            model.compile(*arguments)
        assert [warning.filename for warning in caught] == [__file__]
        return
    with pytest.raises(error, match=message):
        model.compile(*arguments)
    assert (model.optimizer, model.loss, model.metrics, model.updates) == before


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        (
            lambda: [Dense(3, "softmax", input_dim=2), Softmax()],
            "cross_entropy",
            r"Softmax is applied twice, in dense_1.softmax and in softmax_1. Drop one",
        ),
        (
            lambda: [Dense(1, "softmax", input_dim=2)],
            "cross_entropy",
            r"Softmax over one output is always 1.*activation='sigmoid'",
        ),
        (
            lambda: [Dense(3, input_dim=2)],
            "cross_entropy",
            r"CrossEntropy takes probabilities. Got a model that ends in dense_1 \(Dense\)",
        ),
        (
            lambda: [Dense(3, "relu", input_dim=2)],
            "binary_crossentropy",
            r"BinaryCrossEntropy takes probabilities.*dense_1.relu \(ReLU\), not in sigmoid",
        ),
        (
            lambda: [Dense(1, input_dim=2), Sigmoid()],
            BinaryCrossEntropy(from_logits=True),
            r"ends in sigmoid, so it would be applied twice",
        ),
    ],
)
def test_ends_that_do_not_suit_the_loss(layers, loss, message):
    model = Sequential(layers())
    with pytest.raises(ValueError, match=message):
        model.compile("adam", loss)
    assert model.updates is None


def test_a_model_that_is_built_late_is_checked_then():
    model = Sequential([Dense(1, "softmax")])
    model.compile("adam", "mae")
    with pytest.raises(ValueError, match="Softmax over one output is always 1"):
        model.fit(X, X[:, :1], verbose=0)


def test_accuracy_of_logits_counts_from_zero():
    model = Sequential([Dense(1, input_dim=4)], seed=0, dtype="float64")
    model.compile("sgd", BinaryCrossEntropy(from_logits=True), ["accuracy"])
    logits = model.predict(X)[:, 0]
    assert model.evaluate(X, logits > 0)["accuracy"] == 1.0
    model.compile("sgd", BinaryCrossEntropy(from_logits=True), [Accuracy(0.5)])
    assert model.metrics[0].threshold == 0.5  # as it was asked for


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.fit(X, Y),
        lambda model: model.evaluate(X, Y),
        lambda model: model.train_on_batch(X, Y),
        lambda model: model.loss_and_gradient(X, Y),
        lambda model: model.apply_gradient(),
    ],
    ids=["fit", "evaluate", "train_on_batch", "loss_and_gradient", "apply_gradient"],
)
def test_what_needs_compile_says_so(call):
    with pytest.raises(RuntimeError, match=r"not compiled. Call compile\(optimizer='adam'"):
        call(classifier(compiled=False))


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "loss_and_gradient"])
def test_what_needs_layers_says_so(method):
    model = Sequential()
    model.compile("adam", "mse")
    with pytest.raises(RuntimeError, match=r"no layers yet. Use add\(layer\)"):
        getattr(model, method)(X, X)
    with pytest.raises(RuntimeError, match="no layers yet"):
        model.predict(X)


def test_compiling_again_forgets_what_the_optimizer_remembered():
    model = classifier()
    model.fit(X, Y, verbose=0)
    assert model.updates.iterations == 1
    model.compile("adam", "cross_entropy")
    assert model.updates.iterations == 0
    assert model.updates.slots == {}


# --- one step -------------------------------------------------------------------------------------


def test_loss_and_gradient_changes_neither_weights_nor_statistics():
    model = classifier()
    theta, state = model.theta.copy(), model.state.copy()
    model.loss_and_gradient(X, Y)
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(model.state, state)
    assert model.grad.any()
    assert len(model.outputs) == len(model.steps) + 1


def test_a_seed_gives_the_same_masks():
    model = classifier()
    one = model.loss_and_gradient(X, Y, seed=3)
    grad = model.grad.copy()
    assert model.loss_and_gradient(X, Y, seed=3) == one
    assert np.array_equal(model.grad, grad)
    assert model.loss_and_gradient(X, Y, seed=4) != one


def test_a_weight_of_one_and_no_weight_are_the_same():
    model = classifier(dtype="float64")
    one = model.loss_and_gradient(X, Y, seed=0)
    grad = model.grad.copy()
    assert model.loss_and_gradient(X, Y, np.ones(10), seed=0) == pytest.approx(one, rel=1e-14)
    np.testing.assert_allclose(model.grad, grad, rtol=1e-12)


@given(seed=seeds, scale=st.floats(0.1, 10))
def test_weights_scale_the_gradient_but_not_the_penalty(seed, scale):
    model = Sequential(
        [Dense(3, "tanh", input_dim=4, kernel_regularizer=L2(0.1)), Dense(3, "softmax")],
        seed=seed,
        dtype="float64",
    )
    model.compile("sgd", "cross_entropy")
    with pytest.warns(UserWarning, match="sample_weight is 0 for every sample"):
        nothing = model.loss_and_gradient(X, Y, np.zeros(10))
    floor = model.grad.copy()
    assert nothing == pytest.approx(model.penalty())
    once = model.loss_and_gradient(X, Y) - nothing
    grad = model.grad - floor
    scaled = model.loss_and_gradient(X, Y, np.full(10, scale)) - nothing
    assert scaled == pytest.approx(scale * once)
    np.testing.assert_allclose(model.grad - floor, scale * grad, atol=1e-10)


def test_statistics_are_written_once_the_step_is_whole():
    model = classifier()
    state = model.state.copy()
    model.train_on_batch(X, Y)
    assert not np.array_equal(model.state, state)
    state = model.state.copy()
    model.apply_gradient()  # the same gradient once more, but no batch was seen
    assert np.array_equal(model.state, state)


def test_a_batch_without_a_finite_loss_makes_no_step():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    before = model.theta.copy()
    with (
        np.errstate(over="ignore"),
        pytest.raises(DivergedError, match=r"The loss of this batch is inf, so no step was made"),
    ):
        model.train_on_batch([[1e30]], [1e30])
    assert np.array_equal(model.theta, before)
    assert model.updates.iterations == 0


def test_a_students_own_loss_is_trained():
    class Doubled(MeanSquaredError):
        def per_sample(self, prediction, target):
            return 2 * super().per_sample(prediction, target)

        def gradient(self, prediction, target):
            return 2 * super().gradient(prediction, target)

    def trained(loss, rate):
        model = Sequential([Dense(2, input_dim=4)], seed=0, dtype="float64")
        model.compile(SGD(rate), loss)
        model.fit(X, X[:, :2], epochs=3, verbose=0, seed=0)
        return model.theta

    np.testing.assert_allclose(trained(Doubled(), 0.05), trained("mse", 0.1), rtol=1e-12)


def test_a_loss_without_formulas_says_so():
    model = Sequential([Dense(2, input_dim=4)])
    model.compile("sgd", Loss())
    with pytest.raises(NotImplementedError, match=r"Loss has no per_sample"):
        model.train_on_batch(X, X[:, :2])


# --- predict --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.repeat(x, 3, axis=1)[:, ::3],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.tolist(),
        lambda x: x.astype(">f8"),
        lambda x: (x.setflags(write=False), x)[1],
    ],
    ids=["fortran", "every other row", "every third column", "reversed", "list", "big", "locked"],
)
def test_the_layout_of_x_does_not_matter(make):
    model = classifier(dtype="float64")
    expected = model.predict(X)
    x = make(X.copy())
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-12)
    assert np.array_equal(np.asarray(x), X)


def test_a_memmap_is_predicted_like_an_array(tmp_path):
    model = classifier()
    x = np.memmap(tmp_path / "x", np.float64, "w+", shape=X.shape)
    x[...] = X
    x.flush()
    locked = np.memmap(tmp_path / "x", np.float64, "r", shape=X.shape)
    assert np.array_equal(model.predict(locked), model.predict(X))


def test_a_table_is_predicted_like_an_array():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    assert np.array_equal(classifier().predict(table), classifier().predict(X))


def test_one_row_and_none():
    model = classifier(dtype="float64")
    np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-12)
    none = model.predict(X[:0])
    assert (none.shape, none.dtype) == ((0, 3), np.float64)


def test_a_prediction_is_a_new_array_always():
    model = Sequential([Activation("linear", input_shape=4), Flatten(), Dropout(0.5)])
    x = np.ones((2, 4), np.float32)
    y = model.predict(x)
    assert not np.shares_memory(x, y)
    y[...] = 5
    assert (x == 1).all()


@pytest.mark.parametrize("verbose", [0, 1, "auto"])
def test_predict_prints_nothing(verbose, capsys):
    classifier().predict(X, verbose=verbose)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_have_rows(batch_size):
    model = classifier()
    message = rf"batch_size takes a whole number, 1 or more. Got {batch_size}"
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(X, Y, batch_size=batch_size)
    with pytest.raises(ValueError, match=message):
        model.predict(X, batch_size)


@pytest.mark.parametrize("method", ["predict", "features"])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[:, :3], ValueError, r"^x takes shape \(N, 4\)\. Got \(10, 3\)\."),
        (X[0], ValueError, r"For one sample use x\.reshape\(1, 4\)"),
        (X.reshape(10, 2, 2), ValueError, r"Put a Flatten\(\) first"),
        (
            np.full((1, 4), 1e300),
            ValueError,
            r"numbers that float32 can hold. Got 1e\+300 in row 0",
        ),
        (X * 1j, TypeError, r"real numbers. Got complex128"),
        (np.full((1, 4), np.nan), ValueError, r"finite numbers. Got nan in row 0, column 0"),
    ],
)
def test_bad_x(method, x, error, message):
    with pytest.raises(error, match=message):
        getattr(classifier(), method)(x)


def test_training_refuses_what_float32_cannot_hold():
    model, x = classifier(), X.copy()
    x[3, 1] = -1e200
    before = model.theta.copy()
    with pytest.raises(ValueError, match=r"float32 can hold. Got -1e\+200 in row 3, column 1"):
        model.fit(x, Y, verbose=0)
    assert np.array_equal(model.theta, before)
    assert np.isfinite(classifier(dtype="float64").predict(x)).all()


@pytest.mark.parametrize("end", ["softmax", "sigmoid", "tanh", "relu", None])
def test_large_inputs_give_finite_outputs_without_a_warning(end):
    model = Sequential([Dense(3, end, input_dim=4)], seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in (1e4, 1e30, 1e37):
            assert np.isfinite(model.predict(np.full((2, 4), size))).all()


@pytest.mark.parametrize("x", [np.ones(5), [1.0, 2.0]], ids=["array", "list"])
def test_one_axis_before_build_is_explained(x):
    model = Sequential([Dense(2)])
    model.compile("sgd", "mse")
    message = r"x takes one row for each sample, shape \(N, D\).*reshape\(-1, 1\).*reshape\(1, -1\)"
    with pytest.raises(ValueError, match=message):
        model.fit(x, np.ones((len(x), 2)), verbose=0)
    assert not model.built


def test_no_features_before_build():
    model = Sequential([Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"input_shape takes a whole number, 1 or more. Got 0"):
        model.fit(np.empty((5, 0)), np.ones((5, 2)), verbose=0)
    assert not model.built


def test_predict_before_build():
    with pytest.raises(RuntimeError, match=r"not built.*input_dim=…, call build\(\(784,\)\)"):
        Sequential([Dense(2)]).predict(X)


# --- features and evaluate ------------------------------------------------------------------------


def test_features_are_the_input_of_the_head_or_the_output_of_a_layer():
    model = classifier(dtype="float64")
    outputs = model.forward(X)
    for upto, place in (
        (None, 6),
        ("dense_1", 2),
        (1, 3),
        ("dropout_1", 4),
        (-1, -1),
        ("den*_2", 6),
    ):
        np.testing.assert_array_equal(model.features(X, upto), outputs[place])
    assert model.features(X[:0]).shape == (0, 5)


def test_features_of_many_rows_come_in_pieces():
    model = classifier(dtype="float64")
    x = np.tile(X, (150, 1))
    np.testing.assert_allclose(
        model.features(x, "dense_1"), np.tile(model.features(X, "dense_1"), (150, 1)), rtol=1e-12
    )


def test_features_of_no_layer():
    with pytest.raises(ValueError, match=r'No layer matches "dens_1".*Did you mean "dense_1"'):
        classifier().features(X, "dens_1")
    with pytest.raises(ValueError, match="get_layer takes one layer's name"):
        classifier().features(X, "dense_*")
    with pytest.raises(ValueError, match="model without a Dense"):
        Sequential([Flatten(input_shape=4)]).features(X)


def test_evaluate_gives_numbers_that_have_names():
    model = classifier()
    result = model.evaluate(X, Y)
    loss, accuracy = result
    assert (result[0], result["loss"], result[-1], result["accuracy"]) == (
        loss,
        loss,
        *[accuracy] * 2,
    )
    assert "accuracy" in result
    assert loss in result
    assert "recall" not in result
    assert result.values() == (loss, accuracy)
    assert dict(result) == dict(result.items()) == model.evaluate(X, Y, return_dict=True)
    assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
    assert pickle.loads(pickle.dumps(result))["loss"] == loss
    with pytest.raises(
        KeyError,
        match=r'^.evaluate returned loss, accuracy\. Got "acuracy"\. Did you mean "accuracy"\?.$',
    ):
        result["acuracy"]
    with pytest.raises(
        TypeError, match=r"one number\. Got loss, accuracy .* result\[\"accuracy\"\]"
    ):
        float(result)
    model.compile("adam", model.loss)
    (loss,) = result = model.evaluate(X, Y)
    assert float(result) == loss
    assert f"{result:.3f}" == f"{loss:.3f}"


def test_evaluate_is_the_loss_by_hand():
    model = classifier(dtype="float64")
    p = model.predict(X)
    logs = model.evaluate(X, Y)
    assert list(logs.keys()) == ["loss", "accuracy"]
    assert all(type(value) is float for value in logs)
    assert logs["loss"] == pytest.approx(-np.log(p[np.arange(10), Y]).mean() + model.penalty())
    assert logs["accuracy"] == pytest.approx((p.argmax(axis=1) == Y).mean())
    weight = np.arange(10.0)
    weighted = model.evaluate(X, Y, sample_weight=weight, batch_size=3)["loss"]
    by_hand = -(weight * np.log(p[np.arange(10), Y])).mean() + model.penalty()
    assert weighted == pytest.approx(by_hand)


def test_evaluate_prints_if_asked(capsys):
    classifier().evaluate(X, Y)
    assert capsys.readouterr().out == ""
    classifier().evaluate(X, Y, verbose=1)
    assert "loss" in capsys.readouterr().out


def test_evaluate_changes_nothing():
    model = classifier()
    theta, state, rng = model.theta.copy(), model.state.copy(), model.rng.bit_generator.state
    model.evaluate(X, Y)
    model.predict(X)
    model.features(X)
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(model.state, state)
    assert model.rng.bit_generator.state == rng


# --- reset ----------------------------------------------------------------------------------------


def test_reset_goes_back_to_the_first_weights():
    model = classifier()
    theta, state = model.theta.copy(), model.state.copy()
    model.fit(X, Y, epochs=3, verbose=0)
    trained = model.theta.copy()
    model.reset()
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(model.state, state)
    assert not model.grad.any()
    assert model.history is None
    assert model.updates.iterations == 0
    model.fit(X, Y, epochs=3, verbose=0)
    assert np.array_equal(model.theta, trained)


def test_reset_with_a_seed_is_a_new_model_with_that_seed():
    model = classifier()
    model.reset(7)
    assert np.array_equal(model.theta, classifier(7).theta)
    with pytest.raises(ValueError, match="seed takes a whole number, 0 or more"):
        model.reset(-1)
    with pytest.raises(RuntimeError, match="not built"):
        Sequential([Dense(2)]).reset()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_goes_on_where_the_saved_one_was(tmp_path, dtype):
    model = classifier(dtype=dtype, name="small")
    model.class_names, model.preprocessing = ["a", "b", "c"], "x / 255"
    model.fit(X, Y, 4, epochs=2, verbose=0)
    model.save(tmp_path / "model")
    twin = minnet.load(tmp_path / "model", seed=0)
    assert np.array_equal(twin.theta, model.theta)
    assert np.array_equal(twin.state, model.state)
    assert np.array_equal(twin.predict(X), model.predict(X))
    assert (twin.name, twin.dtype, twin.class_names) == ("small", model.dtype, ["a", "b", "c"])
    assert twin.preprocessing == "x / 255"
    assert twin.evaluate(X, Y) == model.evaluate(X, Y)
    for each in (model, twin):
        each.fit(X, Y, 4, epochs=2, verbose=0, seed=5)
    assert np.array_equal(twin.theta, model.theta)


def test_without_its_optimizer_a_model_starts_it_afresh(tmp_path):
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model", include_optimizer=False)
    assert minnet.load(tmp_path / "model").updates.iterations == 0


def test_what_is_not_compiled_is_loaded_as_such(tmp_path):
    classifier(compiled=False).save(tmp_path / "model")
    assert minnet.load(tmp_path / "model").optimizer is None


@pytest.mark.parametrize("method", ["save", "save_weights", "load_weights"])
def test_files_of_what_is_not_built(method, tmp_path):
    with pytest.raises(RuntimeError, match="not built"):
        getattr(Sequential([Dense(2)]), method)(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_weights_of_another_architecture_change_nothing(tmp_path):
    classifier().save_weights(tmp_path / "weights")
    other = Sequential([Dense(3, input_dim=4)], seed=1)
    before = other.theta.copy()
    with pytest.raises(ModelFileError, match="does not fit this model; nothing was loaded"):
        other.load_weights(tmp_path / "weights")
    assert np.array_equal(other.theta, before)
    assert other.layers[0].origin == "new"
    with pytest.raises(ModelFileError):
        minnet.load(tmp_path / "no such file")


def test_html_is_the_summary():
    assert "dense_1" in classifier()._repr_html_()
