"""Layers of one's own, a trained network to start from, and on which weights `alpha` acts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import minnet
from minnet.layers import BatchNormalization, Dense, Flatten, ReLU, Reshape
from minnet.regularizers import L2
from minnet.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.data import NUMBER, THREE, TWO, X, fitted

QUICK = {"learning_rate_init": 0.01, "random_state": 0}


def penalties(mlp: Any) -> list[float | None]:
    """λ of each Dense layer."""
    dense = [layer for layer in mlp.model_.layers if isinstance(layer, Dense)]
    return [None if d.kernel_regularizer is None else d.kernel_regularizer.l2 for d in dense]


def test_alpha_is_halved_and_divided_by_the_samples_of_a_batch() -> None:
    mlp = fitted(MLPClassifier((4, 3), alpha=0.6, max_iter=1, **QUICK))
    assert penalties(mlp) == pytest.approx([0.6 / 2 / 120] * 3)
    mlp = fitted(MLPClassifier((4,), alpha=0.6, max_iter=1, batch_size=10, **QUICK))
    assert penalties(mlp) == pytest.approx([0.6 / 2 / 10] * 2)
    weighted = fitted(mlp, sample_weight=np.full(len(X), 3.0))
    assert penalties(weighted) == pytest.approx([0.6 / 2 / 30] * 2)
    mlp.partial_fit(X[:4], TWO[:4])
    assert penalties(mlp) == pytest.approx([0.6 / 2 / 4] * 2)


def test_own_layers_take_the_place_of_hidden_ones() -> None:
    layers = [
        Dense(6, kernel_regularizer=L2(0.001)),
        BatchNormalization(),
        ReLU(),
        Dense(4, "tanh"),
    ]
    mlp = fitted(MLPClassifier(layers=layers, alpha=1.2, max_iter=100, **QUICK), X, THREE)
    kinds = [type(layer).__name__ for layer in mlp.model_.layers]
    assert kinds == ["Dense", "BatchNormalization", "ReLU", "Dense", "Dense"]
    assert penalties(mlp) == pytest.approx([0.001, 0.005, 0.005])
    assert [W.shape for W in mlp.coefs_] == [(5, 6), (6, 4), (4, 3)]
    assert mlp.n_layers_ == 4
    assert mlp.score(X, THREE) > 0.8


def test_own_layers_may_see_images() -> None:
    x = np.random.default_rng(0).normal(size=(30, 6))
    layers = [Reshape((2, 3)), Flatten(), Dense(4)]
    mlp = fitted(MLPRegressor(layers=layers, max_iter=2, **QUICK), x, x[:, 0])
    assert mlp.predict(x).shape == (30,)


def test_own_layers_of_a_trained_model_keep_its_weights() -> None:
    source = minnet.Sequential([Dense(4, "relu", input_dim=5), Dense(1)], seed=0)
    mlp = MLPRegressor(layers=source.layers[:1], freeze=0, max_iter=2, **QUICK)
    fitted(mlp, X, NUMBER)
    np.testing.assert_array_equal(mlp.coefs_[0], source.layers[0].W)
    assert not np.shares_memory(mlp.coefs_[0], source.layers[0].W)


@pytest.fixture(scope="module")
def digits() -> Any:
    return minnet.datasets.digits(per_class=5, seed=0)


@pytest.mark.parametrize("how", ["model", "file", "path", "name"])
def test_a_base_is_a_model_its_file_or_its_name(how: str, digits: Any, tmp_path) -> None:
    x, y, *_ = digits
    base = minnet.load_pretrained("mnist-8x8")
    before = base.theta.copy()
    base.save(tmp_path / "base.npz")
    bases = {"model": base, "file": str(tmp_path / "base.npz"), "path": tmp_path / "base.npz"}
    mlp = MLPClassifier(base=bases.get(how, "mnist-8x8"), freeze="all_but_head", max_iter=3)
    mlp = fitted(mlp.set_params(**QUICK), x, np.array(list("abcdefghij"))[y])
    assert mlp.classes_.tolist() == list("abcdefghij")
    body = [layer.W for layer in base.layers if isinstance(layer, Dense)][:-1]
    assert len(body) == 2
    for ours, its in zip(mlp.coefs_[:2], body, strict=True):
        np.testing.assert_array_equal(ours, its)
    assert mlp.model_.layers[-1].name == "head"
    assert penalties(mlp)[-1] == pytest.approx(1e-4 / 2 / 50)
    np.testing.assert_array_equal(base.theta, before)


def test_a_base_that_is_not_frozen_learns(digits: Any) -> None:
    x, y, *_ = digits
    mlp = fitted(MLPClassifier(base="mnist-8x8", max_iter=2, **QUICK), x, y)
    base = minnet.load_pretrained("mnist-8x8")
    assert not np.array_equal(mlp.coefs_[0], base.layers[0].W)
    some = MLPClassifier(base="mnist-8x8", freeze=["dense_1"], max_iter=2, **QUICK)
    np.testing.assert_array_equal(fitted(some, x, y).coefs_[0], base.layers[0].W)


def test_a_base_of_images_takes_rows() -> None:
    base = minnet.Sequential([Flatten(input_shape=(2, 3)), Dense(4, "relu"), Dense(2)], seed=0)
    x = np.random.default_rng(0).normal(size=(20, 6))
    mlp = fitted(MLPRegressor(base=base, max_iter=2, **QUICK), x, x[:, 0])
    assert mlp.model_.input_shape == (2, 3)
    assert mlp.predict(x).shape == (20,)


def test_an_estimator_is_no_base_but_its_network_is() -> None:
    first = fitted(MLPClassifier((8,), max_iter=2, **QUICK), X, THREE)
    with pytest.raises(TypeError, match=r"Give its network: base=….model_"):
        MLPClassifier(base=first, random_state=0).fit(X, TWO)
    second = MLPClassifier(base=first.model_, freeze="all_but_head", max_iter=2, **QUICK)
    np.testing.assert_array_equal(fitted(second).coefs_[0], first.coefs_[0])


def test_a_frozen_network_of_random_features_is_one_to_compare_with() -> None:
    mlp = fitted(MLPClassifier((30,), freeze="all_but_head", max_iter=20, **QUICK), X, TWO)
    fresh = fitted(MLPClassifier((30,), max_iter=1, **{**QUICK, "learning_rate_init": 1e-30}))
    np.testing.assert_array_equal(mlp.coefs_[0], fresh.coefs_[0])
    assert not np.array_equal(mlp.coefs_[1], fresh.coefs_[1])
