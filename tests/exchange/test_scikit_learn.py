"""scikit-learn in and out."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from minnet import exchange
from minnet.layers import Dense, Dropout, Flatten, Rescaling, Softmax
from minnet.models import Sequential
from tests.exchange.networks import difference, same_bits
from tests.exchange.tools import needs


@pytest.fixture
def neural():
    needs("sklearn")
    import sklearn.neural_network

    return sklearn.neural_network


X = np.random.default_rng(0).standard_normal((40, 3)).astype("float32")


def fitted(mlp, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two epochs
        return mlp.set_params(max_iter=2, random_state=0).fit(X, y)


def test_two_classes_are_one_output_with_both_names(neural):
    mlp = fitted(neural.MLPClassifier((4,)), np.array(["cat", "dog"])[np.arange(40) % 2])
    model = exchange.from_sklearn(mlp)
    assert model.class_names == ["cat", "dog"]
    assert difference(model.predict(X)[:, 0], mlp.predict_proba(X)[:, 1]) < 1e-6
    back = exchange.to_sklearn(model)
    assert back.predict(X).tolist() == mlp.predict(X).tolist()
    back.set_params(random_state=0).partial_fit(X, mlp.predict(X))


def test_labels_that_are_numbers_come_back_as_numbers(neural):
    mlp = fitted(neural.MLPClassifier((4,)), np.arange(40) % 3 + 8)
    back = exchange.to_sklearn(exchange.from_sklearn(mlp))
    assert back.classes_.tolist() == [8, 9, 10]
    assert back.predict(X).tolist() == mlp.predict(X).tolist()


def test_float64_stays_float64(neural):
    x = X.astype("float64")
    mlp = neural.MLPRegressor(max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.set_params(hidden_layer_sizes=(4,)).fit(x, x[:, 0])
    model = exchange.from_sklearn(mlp)
    assert model.dtype == "float64"
    assert difference(model.predict(x)[:, 0], mlp.predict(x)) < 1e-14
    assert exchange.to_sklearn(model).coefs_[0].dtype == "float64"


def test_counts_are_an_exponential_at_the_end(neural):
    mlp = fitted(neural.MLPRegressor(loss="poisson"), np.abs(X[:, 0]))
    model = exchange.from_sklearn(mlp)
    assert type(model.steps[-1]).__name__ == "Exponential"
    back = exchange.to_sklearn(model)
    assert back.loss == "poisson"
    assert difference(back.predict(X), mlp.predict(X)) < 1e-6


def test_a_softmax_over_two_classes_becomes_one_output(neural):
    model = Sequential([Dense(4, "relu", input_dim=3), Dense(2, "softmax")], seed=0)
    mlp = exchange.to_sklearn(model)
    assert difference(mlp.predict_proba(X), model.predict(X)) < 1e-6
    assert "COMBINED" in str(exchange.report(mlp))


def test_what_acts_in_training_alone_is_left_behind_with_a_warning(neural):
    model = Sequential(
        [Flatten(input_shape=3), Dense(4, "relu", use_bias=False), Dropout(0.5), Dense(1)], seed=0
    )
    with pytest.warns(UserWarning, match="to_sklearn: Left behind.*dropout_1, a Dropout"):
        mlp = exchange.to_sklearn(model)
    assert difference(mlp.predict(X), model.predict(X)[:, 0]) < 1e-6
    assert "zeros" in str(exchange.report(mlp))


def test_training_goes_on_from_the_weights(neural):
    model = Sequential([Dense(8, "tanh", input_dim=3), Dense(1)], seed=0)
    mlp = exchange.to_sklearn(model).set_params(random_state=0)
    before = mlp.score(X, X[:, 0])
    for _ in range(200):
        mlp.partial_fit(X, X[:, 0])
    assert mlp.score(X, X[:, 0]) > max(before, 0.5)
    assert same_bits(model, Sequential([Dense(8, "tanh", input_dim=3), Dense(1)], seed=0))


def stack(*layers):
    return Sequential([layers[0], *layers[1:]], seed=0)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Dense(4, "relu", input_dim=3), Dense(4, "tanh"), Dense(1)], "one activation.*relu.*tanh"),
        ([Dense(4, "gelu", input_dim=3), Dense(1)], "takes layers that scikit-learn has. Got dens"),
        ([Rescaling(0.5, input_shape=3), Dense(1)], "Got rescaling_1, a Rescaling"),
        ([Dense(4, "softmax", input_dim=3), Dense(1)], "one activation"),
        ([Dense(4, "relu", input_dim=3)], "end in a softmax, a sigmoid.* Got relu"),
        ([Softmax(input_shape=3)], "Got softmax_1"),
        ([Flatten(input_shape=3)], "a model with a Dense"),
    ],
)
def test_what_scikit_learn_has_not_is_refused(neural, layers, words):
    with pytest.raises((TypeError, ValueError), match=words):
        exchange.to_sklearn(stack(*layers))


def test_classes_are_checked(neural):
    model = Sequential([Dense(3, "softmax", input_dim=3)], seed=0)
    assert exchange.to_sklearn(model, classes=["a", "b", "c"]).classes_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="takes 3 different labels"):
        exchange.to_sklearn(model, classes=["a", "a", "c"])
    with pytest.raises(ValueError, match=r"sorted order.*classes=range\(3\)"):
        exchange.to_sklearn(model, classes=["b", "a", "c"])


@pytest.mark.parametrize(
    ("thing", "error", "words"),
    [
        (3, TypeError, "takes an MLPClassifier or an MLPRegressor. Got 3"),
        (SimpleNamespace(named_steps={}), TypeError, r"pipeline\[-1\]"),
        (
            SimpleNamespace(hidden_layer_sizes=(), activation="relu", get_params=dict),
            ValueError,
            "without weights. Fit it",
        ),
        (
            SimpleNamespace(hidden_layer_sizes=(), activation="cube", get_params=dict, coefs_=[]),
            ValueError,
            "one of the activations identity, logistic",
        ),
    ],
)
def test_what_is_no_fitted_network_is_refused(thing, error, words):
    with pytest.raises(error, match=words):
        exchange.from_sklearn(thing)
