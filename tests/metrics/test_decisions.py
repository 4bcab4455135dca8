"""Counts, precision, recall and the area under a curve, against figures worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.metrics import (
    AUC,
    BinaryAccuracy,
    FalseNegatives,
    FalsePositives,
    Metric,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
    Weighted,
)
from tests.strategies import seeds

P = np.array([[0.9], [0.8], [0.5], [0.6], [0.1], [0.2], [0.7]])
T = np.array([[1], [0], [1], [1], [0], [1], [0]])
# yes: 1 1 0 1 0 0 1, since 0.5 is not above 0.5; so TP = 2, FP = 2, FN = 2, TN = 1


@pytest.mark.parametrize(
    ("metric", "figure"),
    [
        (TruePositives(), 2.0),
        (FalsePositives(), 2.0),
        (TrueNegatives(), 1.0),
        (FalseNegatives(), 2.0),
        (Precision(), 2 / 4),
        (Recall(), 2 / 4),
        (Precision(0.75), 1 / 2),
        (Recall(0.75), 1 / 4),
        (Recall(0.05), 4 / 4),
        (Precision(0.05), 4 / 7),
        (Precision(0.95), 0.0),  # nothing is called positive
    ],
)
def test_figures_by_hand(metric, figure: float) -> None:
    assert metric(P, T) == pytest.approx(figure)
    assert metric(P[:, 0], T[:, 0]) == pytest.approx(figure)


def test_no_positives_is_a_recall_of_0() -> None:
    assert Recall()(P, np.zeros_like(T)) == 0.0


def test_figures_of_scikit_learns_documentation() -> None:
    """precision_score and recall_score of class 1 in a row of three classes; roc_auc_score."""
    y, predicted = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 1, 0, 0, 1])
    p, t = np.eye(3)[predicted], np.eye(3)[y]
    assert [Precision(class_id=k)(p, t) for k in range(3)] == pytest.approx([2 / 3, 0.0, 0.0])
    assert [Recall(class_id=k)(p, t) for k in range(3)] == pytest.approx([1.0, 0.0, 0.0])
    assert AUC()([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == pytest.approx(0.75)


@given(seed=seeds)
def test_the_four_counts_are_all_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, t = rng.random((6, 3)), rng.integers(2, size=(6, 3))
    kinds = (TruePositives, FalsePositives, TrueNegatives, FalseNegatives)
    tp, fp, tn, fn = (kind()(p, t) for kind in kinds)
    assert tp + fp + tn + fn == 18
    table = minnet.confusion_matrix(t.ravel(), (p > 0.5).ravel().astype(int), 2)
    np.testing.assert_array_equal(table, [[tn, fp], [fn, tp]])


# --- AUC ------------------------------------------------------------------------------------------


SCORES = np.array([0.0, 0.5, 0.3, 0.9])
LABELS = np.array([0, 0, 1, 1])
REPEATED = np.repeat(np.arange(4), [1, 2, 3, 4])  # each sample as often as it weighs


def test_figures_of_keras_tests() -> None:
    # thresholds below 0, 0.5, above 1: TP = 2, 1, 0 and FP = 2, 0, 0, so (1 + 0.5) / 2
    assert AUC(3)(SCORES, LABELS) == pytest.approx(0.75)
    # weighted, by rows that are repeated: TP = 7, 4, 0 and FP = 3, 0, 0
    p, t = SCORES[REPEATED], LABELS[REPEATED]
    assert AUC(3)(p, t) == pytest.approx((1 + 4 / 7) / 2)
    # s = 3/6 and 1: (0.5 (3 + 2 log 2.5) + 1 (4 + 0)) / 7
    assert AUC(3, "PR")(p, t) == pytest.approx((0.5 * (3 + 2 * math.log(2.5)) + 4) / 7)


def test_perfect_outputs_and_the_other_way_round() -> None:
    assert AUC()(LABELS, LABELS) == pytest.approx(1.0)
    assert AUC(curve="PR")(LABELS, LABELS) == pytest.approx(1.0)
    assert AUC()(1 - LABELS, LABELS) == pytest.approx(0.0)
    assert AUC()(np.full(4, 0.3), LABELS) == pytest.approx(0.5)


@given(seed=seeds)
def test_the_area_is_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    """Mann and Whitney's count, for outputs that are a threshold apart."""
    rng = np.random.default_rng(seed)
    p, t = (rng.integers(0, 40, 30) + 0.5) / 40, rng.integers(2, size=30)
    t[:2] = 0, 1
    pairs = [(a > b) + (a == b) / 2 for a in p[t == 1] for b in p[t == 0]]
    assert AUC(1001)(p, t) == pytest.approx(np.mean(pairs), rel=1e-9)


@given(seed=seeds, curve=st.sampled_from(["ROC", "PR"]))
def test_batches_add_up(seed: int, curve: str) -> None:
    rng = np.random.default_rng(seed)
    p, t, metric = rng.random((20, 1)), rng.integers(2, size=(20, 1)), AUC(curve=curve)
    merged = metric.merge(metric.statistics(p[:7], t[:7]), metric.statistics(p[7:], t[7:]))
    assert metric.result(merged) == pytest.approx(metric(p, t))
    assert 0.0 <= metric(p, t) <= 1.0


def test_one_class_alone_has_no_area() -> None:
    assert AUC()(SCORES, np.zeros(4)) == 0.0
    assert AUC(curve="PR")(SCORES, np.zeros(4)) == 0.0


# --- in a model, and what is refused --------------------------------------------------------------


def test_they_are_counted_in_training_by_name() -> None:
    x = np.random.default_rng(0).standard_normal((64, 3))
    y = (x[:, 0] > 0).astype(int)
    model = minnet.Sequential([minnet.layers.Dense(1, "sigmoid", input_dim=3)], seed=0)
    model.compile("adam", "binary_crossentropy", ["precision", "recall", "auc", "true_positives"])
    model.fit(x, y, epochs=1, verbose=0, batch_size=10)
    result = model.evaluate(x, y)
    p = model.predict(x)
    assert result["precision"] == pytest.approx(Precision()(p, y))
    assert result["auc"] == pytest.approx(AUC()(p, y), rel=1e-6)
    assert result["true_positives"] == ((p[:, 0] > 0.5) & (y == 1)).sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AUC()([0.5, 3.0], [0, 1]), "auc takes probabilities, from 0 to 1. Got 3"),
        (lambda: AUC(1), "AUC's num_thresholds takes"),
        (lambda: AUC(curve="roc"), "AUC's curve takes"),
        (lambda: Precision()([0.5, 0.1], [0, 3]), "precision takes target of 0 or 1"),
        (lambda: Recall()(np.ones((2, 3)), [0, 1]), "recall"),
        (lambda: Recall(class_id=3)(np.ones((2, 3)), np.ones((2, 3))), "K above class_id = 3"),
        (lambda: Precision(math.nan), "Precision's threshold"),
    ],
)
def test_what_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_defaults() -> None:
    assert (Precision().threshold, Recall().class_id) == (None, None)
    assert (AUC().num_thresholds, AUC().curve) == (200, "ROC")
    with pytest.raises(TypeError, match='Did you mean "threshold"'):
        Precision(thresholds=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [Precision, Recall, TruePositives, FalsePositives])
def test_decisions_of_logits_count_from_zero(kind) -> None:
    z, y = np.array([[0.25], [-0.25], [0.1], [-3.0]]), [[1], [0], [0], [1]]
    right = kind()(1 / (1 + np.exp(-z)), y)
    assert kind().for_logits()(z, y) == right
    assert kind(threshold=0.25).for_logits().threshold == 0.25


# --- weights --------------------------------------------------------------------------------------


@given(
    seed=seeds,
    metric=st.sampled_from(
        [
            TruePositives(),
            FalsePositives(0.3),
            TrueNegatives(),
            FalseNegatives(),
            Precision(),
            Recall(class_id=1),
            AUC(),
            AUC(curve="PR"),
            AUC(50, from_logits=True),
        ]
    ),
)
def test_a_sample_of_weight_3_counts_as_three_of_weight_1(seed: int, metric) -> None:
    rng = np.random.default_rng(seed)
    p, t, w = rng.random((12, 2)), rng.integers(2, size=(12, 2)), rng.integers(0, 4, 12)
    w[0] = 1
    weighted = Weighted(metric).weighted_statistics(p, t, w.astype("f4"))
    repeated = metric.statistics(np.repeat(p, w, axis=0), np.repeat(t, w, axis=0))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12)


def test_weights_of_classes_reach_precision_recall_and_area() -> None:
    x = np.random.default_rng(0).standard_normal((30, 3))
    y = (x[:, 0] > 0).astype(int)
    model = minnet.Sequential([minnet.layers.Dense(1, "sigmoid", input_dim=3)], seed=1)
    metrics = [Weighted("precision"), Weighted("recall"), Weighted("auc")]
    model.compile(minnet.optimizers.SGD(0.0), "binary_crossentropy", metrics)
    weight = np.where(y == 1, 3, 1)
    p, t = np.repeat(model.predict(x), weight, axis=0), np.repeat(y, weight)
    right = [Precision()(p, t), Recall()(p, t), AUC()(p, t)]
    history = model.fit(x, y, verbose=0, class_weight={1: 3.0}, batch_size=7).history
    assert [history[metric.name][0] for metric in metrics] == pytest.approx(right, rel=1e-6)
    assert model.evaluate(x, y, sample_weight=weight)[1:] == pytest.approx(right, rel=1e-6)


# --- logits ---------------------------------------------------------------------------------------


def test_the_area_of_logits_is_that_of_their_probabilities() -> None:
    z, y = np.random.default_rng(0).normal(size=(40, 1)), np.arange(40) % 2
    assert AUC(from_logits=True)(4 * z, y) == AUC()(1 / (1 + np.exp(-4 * z)), y)
    model = minnet.Sequential([minnet.layers.Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", minnet.losses.BinaryCrossEntropy(from_logits=True), ["auc"])
    assert model.evaluate(z, y)["auc"] == AUC(from_logits=True)(model.predict(z), y)


@pytest.mark.parametrize("metric", [AUC(), Weighted(AUC()), AUC(name="mine")])
@pytest.mark.parametrize("layers", [[], [minnet.layers.Dropout(0.1)], [minnet.layers.ReLU()]])
def test_an_area_of_other_numbers_is_refused_before_anything_is_trained(metric, layers) -> None:
    model = minnet.Sequential([minnet.layers.Dense(1, input_dim=1), *layers], seed=0)
    with pytest.raises(ValueError, match=f"^{metric.name} takes probabilities.* ends in "):
        model.compile("sgd", "mse", [metric])
    assert not model.is_compiled


@pytest.mark.parametrize(
    "metric", [Precision(), Recall(class_id=1), AUC(), BinaryAccuracy(), Weighted("precision")]
)
def test_yes_or_no_is_not_asked_of_logits_that_compete(metric) -> None:
    model = minnet.Sequential([minnet.layers.Dense(3, input_dim=1)], seed=0)
    with pytest.raises(ValueError, match=f"^{metric.name} takes yes-or-no outputs"):
        model.compile("sgd", minnet.losses.CrossEntropy(from_logits=True), [metric])
    model.compile("sgd", minnet.losses.CrossEntropy(from_logits=True), [Precision(threshold=1.0)])


class Moody(Metric):
    """Refuses what it sees."""

    name = "moody"

    def statistics(self, prediction, target):
        if len(prediction) > 8:  # more than fit tries it on
            raise ValueError("not today")
        return np.array([1.0, 1.0])


def test_a_metric_that_refuses_the_first_batch_has_moved_nothing() -> None:
    model = minnet.Sequential([minnet.layers.Dense(1, input_dim=1)], seed=0)
    model.compile("adam", "mse", [Moody()])
    before = model.theta.copy(), repr(model.rng.bit_generator.state)
    with pytest.raises(ValueError, match="not today"):
        model.fit(np.ones((20, 1)), np.ones(20), verbose=0)
    assert model.history is None
    assert model.updates.iterations == 0
    assert np.array_equal(model.theta, before[0])
    assert repr(model.rng.bit_generator.state) == before[1]


def test_where_better_is() -> None:
    up = [Precision, Recall, TruePositives, TrueNegatives, AUC]
    assert {kind.direction for kind in up} == {"up"}
    assert FalsePositives.direction == FalseNegatives.direction == "down"
