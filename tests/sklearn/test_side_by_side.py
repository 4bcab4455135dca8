"""The same figures as scikit-learn's own, from the same weights on."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import sklearn.neural_network
from sklearn.base import clone

from minnet.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.data import NUMBER, NUMBERS, SEVERAL, THREE, TWO, X, fitted

ROWS = {"batch_size": 40, "shuffle": False, "random_state": 0}  # three batches of equal size


def side_by_side(kind: type, y: Any, weight: Any = None, **settings: Any) -> tuple[Any, Any]:
    """scikit-learn's estimator and ours, after 60 epochs from scikit-learn's first weights on."""
    theirs = getattr(sklearn.neural_network, kind.__name__)
    settings = {**ROWS, **settings, "max_iter": 1, "warm_start": True}
    more = {} if weight is None else {"sample_weight": weight}
    one = fitted(theirs(**settings), X, y, **more)
    two = fitted(kind(**settings, dtype="float64"), X, y, **more)
    two.coefs_, two.intercepts_ = one.coefs_, one.intercepts_
    account = two._account
    account.waited = one._no_improvement_count
    account.best_loss = np.inf if one.best_loss_ is None else one.best_loss_
    if one.best_validation_score_ is not None:
        account.best_score = one.best_validation_score_
    for estimator in (one, two):
        fitted(estimator.set_params(max_iter=60), X, y, **more)
    return one, two


def assert_alike(one: Any, two: Any, atol: float, weights: float) -> None:
    assert one.n_iter_ == two.n_iter_
    np.testing.assert_allclose(one.loss_curve_[1:], two.loss_curve_[1:], rtol=0, atol=atol)
    for theirs, ours in zip(
        one.coefs_ + one.intercepts_, two.coefs_ + two.intercepts_, strict=True
    ):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=weights)
    assert one.t_ == two.t_
    assert one.loss_ == pytest.approx(two.loss_, abs=atol)
    assert one.best_loss_ == pytest.approx(two.best_loss_, abs=atol)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(one, name) == getattr(two, name), name


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_sgd_has_the_same_losses_weights_and_end(rate: str, nesterov: bool) -> None:
    one, two = side_by_side(
        MLPClassifier,
        THREE,
        hidden_layer_sizes=(8,),
        solver="sgd",
        learning_rate=rate,
        learning_rate_init=0.3,
        nesterovs_momentum=nesterov,
        tol=0.01,
        n_iter_no_change=2,
    )
    assert_alike(one, two, 1e-12, 1e-12)
    assert one.n_iter_ < 60


@pytest.mark.parametrize("y", [TWO, THREE, SEVERAL], ids=["two", "three", "several"])
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu", "identity"])
def test_sgd_classifies_alike_by_every_activation(activation: str, y: Any) -> None:
    settings = {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.5}
    one, two = side_by_side(
        MLPClassifier, y, hidden_layer_sizes=(8, 4), activation=activation, **settings
    )
    assert_alike(one, two, 1e-10, 1e-10)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-10)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert one.score(X, y) == two.score(X, y)


def test_regression_is_alike() -> None:
    settings = {"solver": "sgd", "learning_rate_init": 0.01, "alpha": 0.5}
    one, two = side_by_side(MLPRegressor, NUMBER, hidden_layer_sizes=(8,), **settings)
    assert_alike(one, two, 1e-10, 1e-10)
    np.testing.assert_allclose(one.predict(X), two.predict(X), atol=1e-10)


def test_regression_of_several_outputs_makes_the_same_steps() -> None:
    settings = {"solver": "sgd", "learning_rate_init": 0.01, "alpha": 0.0, "tol": 0.0}
    one, two = side_by_side(
        MLPRegressor, NUMBERS, hidden_layer_sizes=(8,), n_iter_no_change=100, **settings
    )
    np.testing.assert_allclose(one.predict(X), two.predict(X), atol=1e-10)
    # what is minimised is the sum over the outputs; scikit-learn shows the mean
    np.testing.assert_allclose(np.multiply(one.loss_curve_, 3)[1:], two.loss_curve_[1:])


def test_counts_are_learned_by_the_same_steps() -> None:
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0]), len(X))
    y = np.column_stack([counts, counts[::-1]]).astype(float)
    settings = {"solver": "sgd", "learning_rate_init": 0.01, "tol": 0.0, "n_iter_no_change": 100}
    for target in (y[:, 0], y):
        one, two = side_by_side(
            MLPRegressor, target, hidden_layer_sizes=(8,), loss="poisson", **settings
        )
        np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-5)
        assert one.out_activation_ == two.out_activation_ == "exp"
        apart = np.subtract(one.loss_curve_, two.loss_curve_)[1:]
        np.testing.assert_allclose(apart, apart[0], atol=1e-5)  # what no prediction changes
    with pytest.raises(ValueError, match=r'"poisson" takes counts or rates, 0 or more. Got -'):
        MLPRegressor("poisson").fit(X, NUMBER)


def test_adam_differs_by_where_epsilon_stands_alone() -> None:
    one, two = side_by_side(MLPClassifier, THREE, hidden_layer_sizes=(8,), activation="tanh")
    assert_alike(one, two, 1e-5, 1e-4)
    one, two = side_by_side(MLPRegressor, NUMBER, hidden_layer_sizes=(), epsilon=1e-13)
    assert_alike(one, two, 1e-10, 1e-10)


def test_weights_follow_the_same_law() -> None:
    weight = np.tile([1.0, 2.0, 3.0, 0.5], 30)  # the same sum in each batch
    settings = {"hidden_layer_sizes": (8,), "solver": "sgd", "learning_rate_init": 0.1}
    one, two = side_by_side(MLPClassifier, THREE, weight, alpha=0.5, **settings)
    assert_alike(one, two, 1e-12, 1e-12)


@pytest.mark.parametrize("tol", [1e-4, 0.0])
def test_early_stopping_goes_by_the_same_rule(monkeypatch, tol: float) -> None:
    """With the same rows kept apart, the same scores, best weights and end."""
    import minnet.sklearn.estimator as door

    def last_rows(*arrays: Any, test_size: float, **more: Any) -> list[Any]:
        keep = len(arrays[0]) - int(len(arrays[0]) * test_size)
        return [piece for array in arrays for piece in (array[:keep], array[keep:])]

    monkeypatch.setattr(door, "train_test_split", last_rows)
    monkeypatch.setattr(
        sklearn.neural_network._multilayer_perceptron, "train_test_split", last_rows
    )
    one, two = side_by_side(
        MLPClassifier,
        THREE,
        hidden_layer_sizes=(8,),
        solver="sgd",
        learning_rate_init=0.5,
        early_stopping=True,
        validation_fraction=1 / 3,
        n_iter_no_change=4,
        tol=tol,
    )
    assert_alike(one, two, 1e-12, 1e-12)
    assert one.n_iter_ < 60
    assert one.validation_scores_[1:] == two.validation_scores_[1:]
    assert one.best_validation_score_ == two.best_validation_score_


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_first_weights_have_the_same_limits(activation: str) -> None:
    settings = {"solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1, "random_state": 0}
    settings |= {"hidden_layer_sizes": (300,), "activation": activation}
    x, y = np.random.default_rng(0).normal(size=(50, 100)), np.arange(50) % 3
    theirs = fitted(sklearn.neural_network.MLPClassifier(**settings), x, y)
    ours = fitted(MLPClassifier(**settings), x, y)
    for a, b in zip(
        [*theirs.coefs_, theirs.intercepts_[0]], [*ours.coefs_, ours.intercepts_[0]], strict=True
    ):
        assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.02)
        assert a.std() == pytest.approx(b.std(), rel=0.1)
    assert np.abs(ours.intercepts_[1]).min() > 0


def test_the_arguments_are_scikit_learns_in_its_order_with_its_defaults() -> None:
    for kind in (MLPClassifier, MLPRegressor):
        theirs = inspect.signature(getattr(sklearn.neural_network, kind.__name__)).parameters
        ours = inspect.signature(kind).parameters
        assert list(ours)[: len(theirs)] == list(theirs)
        for name, parameter in theirs.items():
            assert ours[name].default == parameter.default, name
            assert ours[name].kind == parameter.kind, name
        public = {n for n in dir(getattr(sklearn.neural_network, kind.__name__)) if n[0] != "_"}
        assert public <= set(dir(kind))


def test_a_fitted_one_has_all_that_scikit_learns_has() -> None:
    for name, y in (("MLPClassifier", TWO), ("MLPRegressor", NUMBER)):
        for early in (False, True):
            settings = {"max_iter": 2, "early_stopping": early, "random_state": 0}
            theirs = fitted(getattr(sklearn.neural_network, name)(**settings), X, y)
            kind = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name]
            ours = fitted(kind(**settings), X, y)
            learned = {n for n in vars(theirs) if n.endswith("_") and n[0] != "_"}
            assert learned
            for attribute in learned:
                assert hasattr(ours, attribute), attribute
                before, value = getattr(theirs, attribute), getattr(ours, attribute)
                assert (before is None) == (value is None), attribute
            assert not hasattr(clone(ours), "coefs_")
