"""Metrics against hand-worked figures, and merged over any cut into batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.metrics import (
    MAE,
    METRICS,
    MSE,
    Accuracy,
    BinaryAccuracy,
    Metric,
    R2Score,
    TopKCategoricalAccuracy,
    confusion_matrix,
)
from tests.strategies import normal, seeds

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]])


def test_accuracy_of_labels_one_hot_rows_and_columns() -> None:
    labels = np.array([0, 2, 1, 2])  # right, right, the first of equals is 0, wrong
    assert Accuracy()(P, labels) == 0.5
    assert Accuracy()(P, labels[:, None]) == 0.5
    assert Accuracy()(P, np.eye(3)[labels]) == 0.5


def test_accuracy_of_one_output_is_by_the_threshold() -> None:
    p, y = np.array([[0.5], [0.51], [0.9], [0.1]]), np.array([0, 1, 0, 0])
    assert Accuracy()(p, y) == 0.75  # 0.5 is not above 0.5
    assert Accuracy()(p, y[:, None]) == 0.75
    assert Accuracy(threshold=0.95)(p, y) == 0.75
    assert Accuracy(threshold=0.05)(p, y) == 0.25
    assert BinaryAccuracy()(p, y[:, None]) == 0.75


def test_top_k() -> None:
    y = np.array([2, 1, 1, 0])  # ranked 3rd, 2nd, tied for 1st and so behind, 3rd
    assert TopKCategoricalAccuracy(k=1)(P, y) == 0.0
    assert TopKCategoricalAccuracy(k=2)(P, y) == 0.5
    assert TopKCategoricalAccuracy(k=3)(P, y) == 1.0
    assert TopKCategoricalAccuracy(k=2)(P, np.eye(3)[y]) == 0.5


def test_equal_outputs_are_no_hit() -> None:
    assert TopKCategoricalAccuracy(k=2)(np.full((4, 5), 0.2), np.zeros(4, int)) == 0.0


def test_errors_worked_by_hand() -> None:
    p, t = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 4.0]])
    assert MAE()(p, t) == (1 + 0 + 2 + 4) / 4
    assert MSE()(p, t) == (1 + 0 + 4 + 16) / 4


def test_columns_and_vectors_are_aligned_and_never_broadcast() -> None:
    p, t = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    assert MSE()(p, t) == MAE()(p, t) == 0.0
    assert R2Score()(p, t) == 1.0


def test_r2_of_the_mean_is_zero_and_worse_is_negative() -> None:
    t = np.array([1.0, 2.0, 3.0])
    assert R2Score()(np.full(3, 2.0), t) == 0.0
    assert R2Score()(t[::-1].copy(), t) == 1 - 8 / 2
    # two outputs: 1 and 1 − 8/2, each about its own mean
    assert R2Score()(np.stack([t, t[::-1]], 1), np.stack([t, t], 1)) == (1 - 3) / 2


def test_r2_of_constant_targets() -> None:
    constant = np.full(3, 0.1)
    assert R2Score()(constant, constant) == 1.0
    assert R2Score()(constant + 1, constant) == 0.0


@pytest.mark.parametrize("name", METRICS)
@given(seed=seeds, cut=st.integers(1, 8))
def test_merged_over_batches_it_is_the_same_as_over_all(name: str, seed: int, cut: int) -> None:
    metric = METRICS[name]()
    rng = np.random.default_rng(seed)
    p = rng.random((9, 7))
    categorical = isinstance(metric, (Accuracy, TopKCategoricalAccuracy))
    t = rng.integers(7, size=9) if categorical else rng.integers(2, size=(9, 7)).astype(float)
    whole = metric.statistics(p, t)
    parts = metric.merge(metric.statistics(p[:cut], t[:cut]), metric.statistics(p[cut:], t[cut:]))
    assert metric.result(parts) == pytest.approx(metric.result(whole), rel=1e-9, abs=1e-12)
    assert metric.result(whole) == pytest.approx(metric(p, t))


@given(seed=seeds)
def test_r2_is_stable_far_from_zero(seed: int) -> None:
    p, t = normal(seed, (20, 1), (20, 1))
    metric = R2Score()
    near = metric(p, t)
    a = metric.statistics(p[:3] + 1e6, t[:3] + 1e6)
    b = metric.statistics(p[3:] + 1e6, t[3:] + 1e6)
    assert metric.result(metric.merge(a, b)) == pytest.approx(near, rel=1e-6, abs=1e-6)


@given(seed=seeds)
def test_many_small_batches_merge_as_few_large_ones(seed: int) -> None:
    p, t = normal(seed, (20, 1), (20, 1))
    metric = R2Score()
    kept = metric.statistics(p[:2], t[:2])
    for i in range(2, 20, 3):
        kept = metric.merge(kept, metric.statistics(p[i : i + 3], t[i : i + 3]))
    assert metric.result(kept) == pytest.approx(metric(p, t), rel=1e-9)


def test_the_name_that_was_asked_for_is_the_name_in_logs() -> None:
    for name, make in METRICS.items():
        assert make().name == name


def test_confusion_matrix_rows_are_true_classes() -> None:
    counts = confusion_matrix([0, 0, 1, 2], [0, 1, 1, 1])
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 1, 0], [0, 1, 0]])
    assert counts.sum() == 4
    np.testing.assert_array_equal(
        confusion_matrix(np.eye(3)[[0, 0, 1, 2]], [[0], [1], [1], [1]]), counts
    )
    assert confusion_matrix([0], [0], classes=4).shape == (4, 4)


@pytest.mark.parametrize(
    ("y", "predicted", "classes", "message"),
    [
        ([0, 1], [0], None, "one prediction for each label"),
        ([], [], None, "at least one"),
        ([0, 3], [0, 1], 3, "Got 3 in row 1"),
        ([0.5], [0], None, "whole labels.*Got 0.5 in row 0"),
        ([-1], [0], None, "Got -1 in row 0"),
        ([0], [np.nan], None, "finite"),
        ([[[0]]], [0], None, r"labels \(N,\)"),
    ],
)
def test_confusion_matrix_refuses(y: object, predicted: object, classes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion_matrix(y, predicted, classes)


@pytest.mark.parametrize(
    ("metric", "p", "t", "message"),
    [
        (Accuracy(), P, np.array([0, 1, 2, 3]), "labels|classes"),
        (MSE(), P, np.zeros((4, 2)), "shape"),
        (TopKCategoricalAccuracy(k=9), P, np.zeros(4, int), "k"),
        (Accuracy(), P, np.zeros(3, int), "one target for each prediction"),
    ],
)
def test_what_does_not_fit_is_refused(
    metric: Metric, p: np.ndarray, t: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metric(p, t)


def test_a_metric_without_statistics_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Metric().statistics(P, P)
