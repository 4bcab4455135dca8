"""Each argument's mistakes, in minnet's words, when `fit` begins and nothing has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from minnet.layers import Dense, ReLU
from minnet.losses import CrossEntropy
from minnet.optimizers import AdamW
from minnet.sklearn import MLPClassifier, MLPRegressor
from minnet.sklearn.settings import Settings
from tests.sklearn.data import NUMBER, TWO, X, fitted


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"solver": "lbfgs"}, ValueError, r'solver takes "adam" or "sgd". Got "lbfgs", .*Use sol'),
        ({"solver": "adm"}, ValueError, r'solver takes one of adam, sgd. Got \'adm\'.*"adam"'),
        ({"solver": None}, TypeError, r"solver takes one of adam, sgd. Got None"),
        ({"activation": "rleu"}, ValueError, r"activation takes one of identity, .*relu"),
        ({"activation": ["relu"] * 3}, ValueError, r"a list of one for each of the 1. Got 3"),
        ({"activation": ReLU}, TypeError, r"activation .*Call it: ReLU\(\)"),
        ({"hidden_layer_sizes": (8, 0)}, ValueError, r"Each of .*hidden_layer_sizes .*Got 0"),
        ({"hidden_layer_sizes": "8"}, TypeError, r"hidden_layer_sizes takes whole numbers, such"),
        ({"hidden_layer_sizes": 8.5}, TypeError, r"hidden_layer_sizes takes whole numbers, such"),
        ({"hidden_layer_sizes": [8.5]}, TypeError, r"Each of .*hidden_layer_sizes takes a whole"),
        ({"alpha": -1}, ValueError, r"alpha takes a finite number that is 0 or more. Got -1"),
        ({"learning_rate_init": 0}, ValueError, r"learning_rate_init .*above 0. Got 0"),
        ({"learning_rate": 0.01}, TypeError, r"learning_rate takes one of constant, invscaling"),
        ({"batch_size": 0}, ValueError, r"batch_size takes a whole number, 1 or more. Got 0"),
        ({"batch_size": "full"}, TypeError, r'batch_size takes a whole number or "auto". Got'),
        ({"max_iter": 0}, ValueError, r"max_iter takes a whole number, 1 or more. Got 0"),
        ({"max_iter": 1e3}, TypeError, r"max_iter takes a whole number. Got 1000.0"),
        ({"tol": "small"}, TypeError, r"tol takes a number. Got 'small'"),
        ({"momentum": 1.0}, ValueError, r"momentum .*below 1. Got 1.0"),
        ({"beta_2": 1}, ValueError, r"beta_2 .*below 1. Got 1"),
        ({"shuffle": "yes"}, TypeError, r"shuffle takes True or False. Got 'yes'"),
        ({"n_iter_no_change": 0}, ValueError, r"n_iter_no_change takes a whole number, 1"),
        ({"dtype": "float16"}, ValueError, r"dtype takes float32 or float64. Got 'float16'"),
        ({"dropout": 1.0}, ValueError, r"dropout .*below 1. Got 1.0"),
        ({"dropout": "0.3"}, TypeError, r"dropout takes a number. Got '0.3'"),
        ({"verbose": "yes"}, TypeError, r"verbose takes True or False. Got 'yes'"),
        ({"loss": CrossEntropy(from_logits=True)}, ValueError, r"Leave from_logits out"),
        ({"dropout": [0.1, 0.2]}, ValueError, r"a list of one for each of the 1. Got 2"),
        ({"optimizer": "adma"}, ValueError, r'optimizer takes one of sgd.*Did you mean "adam"'),
        ({"loss": "ten"}, ValueError, r"loss takes one of .*cross_entropy.*Got 'ten'"),
        ({"layers": Dense(3)}, TypeError, r"layers takes a list of minnet layers, without the l"),
        ({"callbacks": [1]}, TypeError, r"callbacks takes Callback objects. Got 1"),
        ({"base": "mnist"}, ValueError, r"mnist"),
        ({"base": 7}, TypeError, r"base takes a minnet model, the path .*mnist-8x8.* Got 7"),
        ({"base": "mnist-8x8"}, ValueError, r"base takes X with 64 columns, as it was.*Got 5"),
        ({"freeze": "dense_7"}, ValueError, r'No layer matches "dense_7"'),
        ({"random_state": "zero"}, ValueError, r"random_state takes .*Got 'zero'. Use random_st"),
        ({"random_state": -1}, ValueError, r"random_state takes a whole number from 0 .*Got -1"),
        ({"hidden_layer_sizes": np.array(3)}, TypeError, r"hidden_layer_sizes takes whole numbers"),
        ({"dropout": np.array([[0.1]])}, TypeError, r"dropout takes a number. Got an array of"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_mistake_is_told_by_fit(kind: type, settings: Any, error: type, message: str) -> None:
    estimator = kind(**{"random_state": 0, **settings})
    with pytest.raises(error, match=message) as told:
        estimator.fit(X, TWO if kind is MLPClassifier else NUMBER)
    if "random_state" not in settings and "freeze" not in settings and "mnist" not in message:
        assert kind.__name__ in str(told.value) or "fit's callbacks" in str(told.value)
    assert not hasattr(estimator, "n_features_in_")


def test_widths_in_the_place_of_the_loss_are_told_their_name() -> None:
    with pytest.raises(
        TypeError, match=r"loss takes .* Got \(8, 4\)\. .*hidden_layer_sizes=\(8, 4\)"
    ):
        MLPRegressor((8, 4)).fit(X, NUMBER)


def test_words_that_are_not_taken_are_told() -> None:
    with pytest.raises(TypeError, match=r'Got hiden_layer_sizes=3. Did you mean "hidden_layer_siz'):
        MLPClassifier(hiden_layer_sizes=3)
    with pytest.raises(TypeError, match=r"hidden_layer_sizes, activation by position. Got 3 arg"):
        MLPClassifier((5,), "relu", "adam")
    with pytest.raises(TypeError, match=r"fit takes X, y, sample_weight. Got no y"):
        MLPRegressor().fit(X)


def test_what_a_fit_changes_is_a_copy() -> None:
    layers, optimizer = [Dense(4)], AdamW(0.01)
    mlp = fitted(MLPClassifier(layers=layers, optimizer=optimizer, max_iter=2, random_state=0))
    assert not layers[0].built
    assert mlp.model_.optimizer is not optimizer
    assert type(mlp.model_.optimizer) is AdamW
    assert mlp.model_.optimizer.learning_rate == 0.01


def test_an_optimizer_by_name_has_the_rate_that_is_asked_for() -> None:
    mlp = MLPClassifier(optimizer="rmsprop", learning_rate_init=0.02, max_iter=1, random_state=0)
    assert fitted(mlp).model_.optimizer.learning_rate == 0.02


def test_one_value_is_for_all_layers_and_a_list_is_one_for_each() -> None:
    given = {"hidden_layer_sizes": (4, 3), "activation": ["tanh", "elu"], "dropout": [0.0, 0.5]}
    mlp = fitted(MLPRegressor(**given, max_iter=1, random_state=0), X, NUMBER)
    kinds = [type(step).__name__ for step in mlp.model_.steps]
    assert kinds == ["Dense", "Tanh", "Dense", "ELU", "Dropout", "Dense"]
    mlp = fitted(
        MLPRegressor("mse", (4, 3), activation="selu", max_iter=1, random_state=0), X, NUMBER
    )
    kinds = [type(step).__name__ for step in mlp.model_.steps]
    assert kinds == ["Dense", "SELU", "Dense", "SELU", "Dense"]


def test_a_number_is_one_layer_and_nothing_is_none() -> None:
    wanted = ((7, [(5, 7), (7, 1)]), ((), [(5, 1)]), ([3, 2], [(5, 3), (3, 2), (2, 1)]))
    for sizes, shapes in wanted:
        mlp = MLPRegressor(hidden_layer_sizes=sizes, max_iter=1, random_state=0)
        assert [W.shape for W in fitted(mlp, X, NUMBER).coefs_] == shapes


def test_the_architecture_tells_networks_apart() -> None:
    def told(**settings: Any) -> str:
        return Settings("MLP", MLPClassifier(**settings).get_params(), "log_loss").architecture

    assert told(hidden_layer_sizes=8) == told(hidden_layer_sizes=[8])
    assert told(max_iter=3, alpha=1.0) == told()
    others = [{"activation": "tanh"}, {"dropout": 0.5}, {"dtype": "float64"}, {"base": "a.npz"}]
    assert len({told(), *(told(**other) for other in others)}) == 5
