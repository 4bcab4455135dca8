"""Labels of every kind, probabilities, epochs by hand, class weights."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import DataConversionWarning, NotFittedError

from minnet.losses import CrossEntropy
from minnet.sklearn import MLPClassifier
from tests.sklearn.data import SEVERAL, THREE, TWO, X, calm, fitted

QUICK = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01, "random_state": 0}


@pytest.mark.parametrize(
    "names",
    [
        ["setosa", "versicolor", "virginica"],
        [-7, 0, 100],
        [0.0, 1.0, 5.0],
        np.array(["x", "yy", "z"], dtype=object),
    ],
    ids=["text", "ints", "floats", "objects"],
)
def test_labels_come_back_as_they_were(names: Any) -> None:
    y = np.asarray(names)[THREE]
    mlp = fitted(MLPClassifier(**QUICK), X, y)
    assert mlp.classes_.tolist() == sorted(np.unique(y).tolist())
    assert mlp.predict(X).dtype == mlp.classes_.dtype
    assert mlp.score(X, y) > 0.9
    np.testing.assert_array_equal(mlp.predict(X), mlp.classes_[mlp.predict_proba(X).argmax(1)])


def test_yes_and_no_have_one_logistic_output() -> None:
    mlp = fitted(MLPClassifier(**QUICK), X, TWO.astype(bool))
    assert mlp.predict(X).dtype == bool
    assert (mlp.n_outputs_, mlp.out_activation_) == (1, "logistic")
    p = mlp.predict_proba(X)
    assert p.shape == (len(X), 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(mlp.predict(X), p[:, 1] > 0.5)
    np.testing.assert_allclose(np.exp(mlp.predict_log_proba(X)), p, atol=1e-6)


def test_several_labels_have_a_logistic_output_each() -> None:
    mlp = fitted(MLPClassifier(**QUICK), X, SEVERAL)
    assert mlp.predict(X).shape == mlp.predict_proba(X).shape == SEVERAL.shape
    assert set(np.unique(mlp.predict(X))) == {0, 1}
    assert mlp.score(X, SEVERAL) > 0.8
    assert (mlp.n_outputs_, mlp.out_activation_) == (3, "logistic")
    other = fitted(MLPClassifier(**QUICK), sparse.csr_array(X), sparse.csr_array(SEVERAL))
    np.testing.assert_array_equal(mlp.predict(X), other.predict(sparse.csr_array(X)))


def test_several_labels_may_be_sparse_and_stop_early() -> None:
    settings = {**QUICK, "early_stopping": True, "max_iter": 30}
    one = fitted(MLPClassifier(**settings), X, SEVERAL)
    two = fitted(MLPClassifier(**settings), X, sparse.csr_array(SEVERAL))
    assert one.validation_scores_ == two.validation_scores_


def test_one_class_is_always_predicted() -> None:
    mlp = fitted(MLPClassifier(max_iter=2, random_state=0), X, np.full(len(X), "only"))
    assert set(mlp.predict(X)) == {"only"}
    assert mlp.predict_proba(X).tolist() == [[1.0]] * len(X)


def test_a_column_of_labels_is_taken_with_a_warning() -> None:
    with pytest.warns(DataConversionWarning), calm():
        mlp = MLPClassifier(**QUICK, max_iter=3).fit(X, TWO[:, None])
    assert mlp.predict(X).shape == (len(X),)


def test_labels_that_are_no_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"takes one label for each sample.*\(120, 2\).*Multiout"):
        MLPClassifier().fit(X, np.column_stack([THREE, THREE]))


def test_a_smoothed_loss_is_one_of_softmax_for_two_classes_as_well() -> None:
    for y, K in ((TWO, 2), (THREE, 3)):
        mlp = fitted(MLPClassifier(**QUICK, loss=CrossEntropy(label_smoothing=0.4)), X, y)
        assert (mlp.n_outputs_, mlp.out_activation_) == (K, "softmax")
        plain = fitted(MLPClassifier(**QUICK), X, y)
        surest = [one.predict_proba(X).max(axis=1).mean() for one in (mlp, plain)]
        assert surest[0] < 0.85 < surest[1]
        assert mlp.score(X, y) > 0.9


def test_a_loss_of_rows_gets_rows() -> None:
    with pytest.warns(UserWarning, match="Softmax with the mean"), calm():
        mlp = MLPClassifier(**QUICK, loss="mse").fit(X, THREE)
    assert mlp.score(X, THREE) > 0.8


# --- epochs by hand -------------------------------------------------------------------------------


def test_epochs_by_hand_are_those_of_fit() -> None:
    """As the order is drawn from one generator, twenty calls make the same steps as one fit."""
    one = fitted(MLPClassifier(**QUICK, max_iter=20, batch_size=32), X, THREE)
    two = MLPClassifier(**QUICK, batch_size=32)
    for epoch in range(20):
        two.partial_fit(X, THREE, classes=[2, 1, 0] if epoch == 0 else None)
    assert one.loss_curve_ == two.loss_curve_
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)
    assert (two.n_iter_, two.t_) == (1, 20 * len(X))


def test_epochs_by_hand_need_all_classes_at_first() -> None:
    mlp = MLPClassifier(**QUICK)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        mlp.partial_fit(X, TWO)
    assert not hasattr(mlp, "classes_")
    mlp.partial_fit(X[:5], np.zeros(5), classes=[0, 1, 2])
    assert mlp.predict_proba(X).shape == (len(X), 3)
    with pytest.raises(ValueError, match=r"knows the classes \[0, 1, 2\]. Got \[7\] in y"):
        mlp.partial_fit(X[:2], [0, 7])
    with pytest.raises(ValueError, match="takes the classes of its first call"):
        mlp.partial_fit(X[:2], [0, 1], classes=[0, 1])
    with pytest.raises(ValueError, match=r"goes on with y as it was before, one label"):
        mlp.partial_fit(X, SEVERAL)
    with pytest.raises(ValueError, match=r"partial_fit takes early_stopping=False"):
        MLPClassifier(early_stopping=True).partial_fit(X, TWO, classes=[0, 1])


def test_epochs_by_hand_go_on_after_fit() -> None:
    mlp = fitted(MLPClassifier(**QUICK, max_iter=5), X, THREE)
    mlp.partial_fit(X, THREE)
    assert len(mlp.loss_curve_) == 6
    assert mlp.model_.updates.iterations == 6


# --- weights --------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from([TWO, THREE, SEVERAL]))
def test_a_weight_of_two_is_the_row_twice(seed: int, kind: Any) -> None:
    counts = np.random.default_rng(seed).integers(0, 4, size=60)
    counts[0] = 1
    x, y = X[:60], kind[:60]
    mlp = MLPClassifier(
        (4,), random_state=seed, max_iter=5, alpha=1.0, batch_size=10**6, dtype="float64"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = mlp.fit(x, y, sample_weight=counts).predict_proba(x)
        repeated = mlp.fit(x.repeat(counts, axis=0), y.repeat(counts, axis=0)).predict_proba(x)
    if kind is not SEVERAL and len(np.unique(y.repeat(counts))) < len(np.unique(y)):
        return
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9)


def test_weights_of_any_scale_are_the_same_training() -> None:
    weight = np.random.default_rng(1).uniform(0.5, 2, len(X))
    mlp = MLPClassifier(**QUICK, max_iter=5, dtype="float64", alpha=0.0)
    one = fitted(mlp, X, TWO, sample_weight=weight).predict_proba(X)
    two = fitted(mlp, X, TWO, sample_weight=1000 * weight).predict_proba(X)
    np.testing.assert_allclose(one, two, rtol=1e-9)
    alike = fitted(mlp, X, TWO, sample_weight=7).predict_proba(X)
    np.testing.assert_allclose(alike, fitted(mlp, X, TWO).predict_proba(X), rtol=1e-9)


def test_class_weights_are_weights_of_the_classes_samples() -> None:
    y = np.where(X[:, 0] > 1.0, "rare", "usual")
    mlp = MLPClassifier(**QUICK, max_iter=5, dtype="float64", alpha=0.0)
    by_hand = fitted(mlp, X, y, sample_weight=np.where(y == "rare", 3.0, 1.0)).predict_proba(X)
    mlp.set_params(class_weight={"rare": 3.0, "usual": 1.0})
    np.testing.assert_allclose(by_hand, fitted(mlp, X, y).predict_proba(X), rtol=1e-9)
    mlp.set_params(class_weight="balanced")
    share = (y == "rare").mean()
    weight = np.where(y == "rare", 0.5 / share, 0.5 / (1 - share))
    balanced = fitted(mlp, X, y).predict_proba(X)
    mlp.set_params(class_weight=None)
    by_hand = fitted(mlp, X, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_allclose(balanced, by_hand, rtol=1e-9)


def test_class_weights_that_name_no_class_are_refused() -> None:
    with pytest.raises(ValueError, match=r"class_weight takes classes of y, \[0, 1\]. Got \['1'\]"):
        MLPClassifier(class_weight={"1": 2.0}).fit(X, TWO)
    with pytest.raises(ValueError, match=r"class_weight of 1 takes .* 0 or more. Got -2"):
        MLPClassifier(class_weight={0: 1, 1: -2}).fit(X, TWO)
    for other in ("balance", [1, 2], np.array([1, 2])):
        with pytest.raises(ValueError, match=r'class_weight takes a dict, "balanced" or None. Got'):
            MLPClassifier(class_weight=other).fit(X, TWO)
    with pytest.raises(ValueError, match=r"class_weight takes a dict in partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, TWO, classes=[0, 1])


def test_weights_that_count_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="weights of which one at least is above 0"):
        MLPClassifier(random_state=0).fit(X, TWO, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"0 or more. Got -1.0 in row 3"):
        MLPClassifier().fit(X, TWO, sample_weight=np.r_[1.0, 1, 1, -1, np.ones(116)])
    with pytest.raises(ValueError, match=r"one number for each sample, shape \(120,\)"):
        MLPClassifier().fit(X, TWO, sample_weight=np.ones(7))


def test_nothing_is_predicted_before_fit() -> None:
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), method)(X)
    with pytest.raises(AttributeError, match="MLPClassifier has no loss_curve_ before fit"):
        _ = MLPClassifier().loss_curve_
