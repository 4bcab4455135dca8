"""`KerasClassifier` and `KerasRegressor`: a function that makes a model, as an estimator."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.keras import layers
from minnet.keras.models import Sequential
from minnet.keras.optimizers import Adam

pytest.importorskip("sklearn", reason="estimators need scikit-learn")

from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from minnet.keras.wrappers import KerasClassifier, KerasRegressor

X = np.random.default_rng(0).normal(size=(60, 3))


def classifier(units: int = 4) -> Sequential:
    model = Sequential([layers.Dense(units, "relu", input_shape=(3,)), layers.Dense(2, "softmax")])
    model.compile(Adam(0.05), "sparse_categorical_crossentropy")
    return model


def test_classes_of_any_kind_come_back() -> None:
    names = np.where(X[:, 0] > 0, "yes", "no")
    estimator = KerasClassifier(classifier, epochs=30, verbose=0, random_state=0).fit(X, names)
    assert set(estimator.predict(X)) <= {"yes", "no"}
    assert estimator.score(X, names) > 0.8
    assert estimator.predict_proba(X).shape == (60, 2)
    again = KerasClassifier(classifier, epochs=30, verbose=0, random_state=0).fit(X, names)
    np.testing.assert_array_equal(estimator.predict_proba(X), again.predict_proba(X))


def test_settings_of_the_function_are_searched() -> None:
    grid = GridSearchCV(
        KerasClassifier(classifier, verbose=0, units=3), {"units": [2, 5], "epochs": [1]}, cv=2
    )
    grid.fit(X, (X[:, 0] > 0).astype(int))
    assert grid.best_estimator_.model_.layers[0].units == grid.best_params_["units"]
    routed = KerasClassifier(classifier, verbose=0).set_params(model__units=7)
    assert clone(routed).get_params()["model__units"] == 7
    assert routed.fit(X, np.arange(60) % 2).model_.layers[0].units == 7
    with pytest.raises(ValueError, match="Got colour='red'"):
        routed.set_params(colour="red")


def test_one_hot_rows_stay_rows() -> None:
    rows = np.eye(2)[np.arange(60) % 2]

    def made() -> Sequential:
        model = Sequential([layers.Dense(2, "softmax", input_shape=(3,))])
        model.compile("adam", "categorical_crossentropy")
        return model

    assert KerasClassifier(made, verbose=0).fit(X, rows).predict(X).shape == (60, 2)


def test_a_regressor_gives_numbers() -> None:
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    estimator = KerasRegressor(
        model, loss="mse", optimizer="SGD", optimizer__learning_rate=0.1, epochs=40, verbose=0
    )
    assert cross_val_score(estimator, X, X @ [1.0, 2.0, 3.0], cv=3).min() > 0.99
    assert estimator.fit(X, X[:, 0]).predict(X).shape == (60,)
    assert estimator.model_.optimizer.learning_rate == 0.1


def test_an_estimator_that_was_not_fitted_says_so() -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError, match="Call fit"):
        KerasClassifier(classifier).predict(X)
