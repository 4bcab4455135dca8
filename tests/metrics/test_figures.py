"""Metrics against hand-worked figures, and merged over any cut into batches."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.layers import Dense
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.metrics import (
    MAE,
    METRICS,
    MSE,
    RMSE,
    Accuracy,
    BinaryAccuracy,
    MeanOfFunction,
    Metric,
    R2Score,
    TopKCategoricalAccuracy,
    Weighted,
    confusion_matrix,
)
from minnet.models import Sequential
from minnet.optimizers import SGD
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
    categorical |= name.endswith("categorical_crossentropy")
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
    np.testing.assert_array_equal(confusion_matrix([0, 1], [0, 1], classes=2), np.eye(2))


@pytest.mark.parametrize(
    ("y", "predicted", "classes", "message"),
    [
        ([0, 1], [0], None, "one prediction for each label"),
        ([], [], None, "at least one"),
        ([0, 3], [0, 1], 3, "Got 3 in row 1"),
        ([0.5], [0.5], None, "whole labels.*Got 0.5 in row 0"),
        (
            [0.5],
            [0],
            None,
            r"true classes first. Got outputs \(1,\) first, and labels \(1,\) second",
        ),
        ([[0.9, 0.1]], [0], None, r"Exchange them, or give them by name: y=…, predicted=…"),
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


# --- published figures ----------------------------------------------------------------------------


def test_figures_of_scikit_learns_documentation() -> None:
    t, p = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]
    assert (MAE()(p, t), MSE()(p, t)) == (0.5, 0.375)
    assert R2Score()(p, t) == pytest.approx(0.948608, abs=5e-7)
    t, p = [[0.5, 1], [-1, 1], [7, -6]], [[0, 2], [-1, 2], [8, -5]]
    assert MAE()(p, t) == 0.75
    assert MSE()(p, t) == pytest.approx(0.708333, abs=5e-7)
    # 1 − 1.25 / 36.1667 and 1 − 3 / 32.6667, averaged
    assert R2Score()(p, t) == pytest.approx((0.965438 + 0.908163) / 2, abs=5e-7)
    scores = [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]]
    assert TopKCategoricalAccuracy(k=2)(scores, [0, 1, 2, 2]) == 0.75
    np.testing.assert_array_equal(
        confusion_matrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2]), [[2, 0, 0], [0, 0, 1], [1, 0, 2]]
    )


# --- numbers of every kind ------------------------------------------------------------------------


def test_small_integers_do_not_wrap_around() -> None:
    p, t = np.uint8([1, 250]), np.uint8([2, 0])
    assert MAE()(p, t) == (1 + 250) / 2
    assert MSE()(p, t) == (1 + 250**2) / 2
    assert R2Score()(p, t) == 1 - (1 + 250**2) / 2


def test_truth_values_are_numbers() -> None:
    assert MSE()([True, False], [1, 1]) == 0.5
    assert Accuracy()([[0.1], [0.9]], [False, True]) == 1.0


def test_a_thousand_float32_batches_lose_nothing() -> None:
    p = np.full((100, 1), 0.1, np.float32)
    metric, total = MAE(), np.zeros(2)
    for _ in range(1000):
        total = metric.merge(total, metric.statistics(p, np.zeros_like(p)))
    assert metric.result(total) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_logits_are_counted_at_the_threshold_0() -> None:
    z, y = [[-2.0], [0.3], [0.0], [4.0]], [0, 1, 0, 0]
    assert Accuracy(threshold=0.0)(z, y) == 0.75
    assert BinaryAccuracy(threshold=0.0)(z, y) == 0.75


def test_probable_targets_count_as_1_above_one_half() -> None:
    assert Accuracy()([[0.9], [0.9]], [0.5, 0.6]) == 0.5
    assert BinaryAccuracy()([[0.9, 0.9]], [[0.5, 0.6]]) == 0.5
    for metric in (Accuracy(threshold=0.0), BinaryAccuracy(threshold=0.0)):
        assert metric([[0.1], [0.1]], [0.2, 0.6]) == 0.5  # the targets' stays at 0.5


def test_soft_rows_name_their_largest_class() -> None:
    assert Accuracy()([[0.1, 0.9], [0.9, 0.1]], [[0.4, 0.6], [0.4, 0.6]]) == 0.5


def test_each_of_several_answers_counts_for_itself() -> None:
    assert BinaryAccuracy()([[0.9, 0.2], [0.6, 0.7]], [[1, 0], [0, 1]]) == 0.75


def test_top_k_counts_a_tie_as_ranked_behind() -> None:
    p = [[0.4, 0.4, 0.2, 0.0]]
    hits = {k: TopKCategoricalAccuracy(k=k)(p, [0]) for k in (1, 2, 3)}
    assert hits == {1: 0.0, 2: 1.0, 3: 1.0}
    assert TopKCategoricalAccuracy(k=4)([[0.0] * 4], [2]) == 1.0


@given(seed=seeds)
def test_the_first_of_k_without_ties_is_accuracy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, t = rng.random((9, 4)), rng.integers(4, size=9)
    assert TopKCategoricalAccuracy(k=1)(p, t) == Accuracy()(p, t)


# --- R² -------------------------------------------------------------------------------------------


def test_r2_of_an_output_that_is_constant_among_others() -> None:
    t = np.array([[1.0, 0.1], [2.0, 0.1], [3.0, 0.1]])
    p = np.array([[1.0, 0.1], [2.0, 0.1], [3.0, 0.2]])
    assert R2Score()(p, t) == (1.0 + 0.0) / 2
    assert R2Score()(t, t) == 1.0


@pytest.mark.parametrize("value", [0.1, 1e8 / 3, -7.3])
def test_constant_targets_stay_constant_over_batches(value: float) -> None:
    metric, t = R2Score(), np.full((7, 1), value)
    total = metric.statistics(t[:2], t[:2])
    for part in (t[2:3], t[3:]):
        total = metric.merge(total, metric.statistics(part, part))
    assert metric.result(total) == 1.0


def test_one_sample_counts_as_a_constant() -> None:
    assert R2Score()([2.0], [2.0]) == 1.0
    assert R2Score()([2.5], [2.0]) == 0.0


@given(seed=seeds, cuts=st.lists(st.integers(1, 19), min_size=1, max_size=6, unique=True))
def test_r2_over_uneven_batches_is_that_of_all(seed: int, cuts: list[int]) -> None:
    p, t = normal(seed, (20, 2), (20, 2))
    around, errors = ((t - t.mean(0)) ** 2).sum(0), ((p - t) ** 2).sum(0)
    metric, edges = R2Score(), [0, *sorted(cuts), 20]
    parts = [metric.statistics(p[a:b], t[a:b]) for a, b in itertools.pairwise(edges)]
    merged = functools.reduce(metric.merge, parts)
    total, mean, *sums, k = merged
    wanted = [[20, 20], t.mean(0), around, errors]
    np.testing.assert_allclose([total, mean, *(sums * 4.0**k)], wanted, rtol=1e-9, atol=1e-12)
    assert metric.result(merged) == pytest.approx((1 - errors / around).mean(), rel=1e-9)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "p", "t", "message"),
    [
        (Accuracy(), [[0.5]], [2], r"accuracy takes target of 0 or 1 .* Got 2 in row 0"),
        (Accuracy(), [[0.5]], [-1], r"Got -1 in row 0"),
        (Accuracy(), [[0.5, 0.5]], [[1, 1]], r"name one class. Got 2 equal entries in row 0"),
        (
            Accuracy(),
            [[0.5, 0.5]],
            [[1, 0, 0]],
            r"labels .* or rows of shape \(N, 2\). Got \(1, 3\)",
        ),
        (Accuracy(), [[[0.5, 0.5]]], [0], r"K = 2 or more classes. Got \(N, 1, 2\)"),
        (Accuracy(), 0.5, 1, r"at least one. Got predictions \(\) and targets \(\)"),
        (Accuracy(), [], [], r"one target for each prediction, and at least one"),
        (Accuracy(), [[math.nan, 1.0]], [0], r"prediction takes finite numbers"),
        (MSE(), [1.0], [math.inf], r"target takes finite numbers"),
        (MSE(), [[1.0, 2.0]], [1.0], r"mse takes target of shape \(N, 2\)"),
        (R2Score(), [[1.0, 2.0]], [[1.0]], r"r2_score takes target of shape \(N, 2\)"),
        (BinaryAccuracy(), [[0.5, 0.5]], [1], r"binary_accuracy takes target of shape \(N, 2\)"),
        (BinaryAccuracy(), [[0.5, 0.5]], [[0, 3]], r"0 or 1 .* Got 3 in row 0"),
        (TopKCategoricalAccuracy(3), [[0.5, 0.5]], [0], r"K at least k = 3. .*\(k=2\), or less"),
        (TopKCategoricalAccuracy(1), [[0.5]], [0], r"K = 2 or more classes"),
    ],
)
def test_targets_without_an_answer(metric: Metric, p: object, t: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(p, t)


def test_shapes_are_never_broadcast_even_unchecked() -> None:
    with pytest.raises(ValueError, match=r"mse takes predictions and targets of one shape"):
        MSE().statistics(np.zeros((3, 2)), np.zeros(3))


def test_bad_settings_of_metrics() -> None:
    with pytest.raises(ValueError, match="k takes a whole number, 1 or more"):
        TopKCategoricalAccuracy(k=0)
    with pytest.raises(TypeError, match="k takes a whole number"):
        TopKCategoricalAccuracy(k=2.0)
    with pytest.raises(ValueError, match="Accuracy's threshold takes a finite number"):
        Accuracy(threshold=math.nan)
    with pytest.raises(ValueError, match="BinaryAccuracy's threshold"):
        BinaryAccuracy(threshold=math.inf)
    for make in (Accuracy, BinaryAccuracy, TopKCategoricalAccuracy, MAE, MSE, R2Score):
        with pytest.raises(TypeError, match=f"{make.__name__}'s name takes text"):
            make(name="")


def test_documented_defaults() -> None:
    for metric in (Accuracy(), BinaryAccuracy()):
        assert metric([[0.5], [0.500001]], [[0], [1]]) == 1.0
    assert TopKCategoricalAccuracy().k == 5


@pytest.mark.parametrize(
    ("y", "predicted", "classes", "error", "message"),
    [
        ([0, 1], [0, 1], 0, ValueError, "classes takes a whole number, 1 or more"),
        ([0, 1], [0, 1], 2.5, TypeError, "classes takes a whole number"),
        ([[1, 0, 0]], [0], 2, ValueError, "y with 2 classes, labels 0 to 1. Got rows of 3"),
        ([0], [5], 3, ValueError, "predicted with 3 classes, labels 0 to 2. Got 5 in row 0"),
        ([10_000], [0], None, ValueError, "0 to 9,999. Got 10000 in row 0"),
        ([0], [0], 10_001, ValueError, "at most 10,000 classes. Got 10,001"),
        ([0, 1], [[0.3], [0.7]], None, ValueError, r"predicted .*Got 0.3 .*\(predicted > 0.5\)"),
    ],
)
def test_confusion_matrix_refuses_classes_and_rows(
    y: object, predicted: object, classes: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        confusion_matrix(y, predicted, classes)  # type: ignore[arg-type]


@given(seed=seeds)
def test_the_diagonal_of_the_confusion_matrix_is_the_accuracy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, t = rng.random((12, 4)), rng.integers(4, size=12)
    counts = confusion_matrix(t, p)
    assert counts.shape == (4, 4)
    assert np.trace(counts) / 12 == Accuracy()(p, t)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(t, minlength=4))


@pytest.mark.parametrize("power", [-1000, -530, -20, 0, 20, 500, 1000])
def test_the_root_and_r2_are_right_wherever_they_are_numbers(power: int) -> None:
    """Squares overflow above 2⁵¹², and vanish below 2⁻⁵³⁷; neither figure does."""
    rng = np.random.default_rng(0)
    t, p = rng.normal(size=(2, 12, 2))
    scaled = np.ldexp(t, power), np.ldexp(p, power)
    for metric, unit in ((RMSE(), power), (R2Score(), 0)):
        wanted = np.ldexp(metric(p, t), unit)
        assert metric(scaled[1], scaled[0]) == wanted
        halves = [
            metric.statistics(scaled[1][rows], scaled[0][rows]) for rows in (slice(5), slice(5, 12))
        ]
        assert metric.result(metric.merge(*halves)) == pytest.approx(wanted, rel=1e-12)
    small = RMSE().statistics(np.full((1, 1), 1e-200), np.zeros((1, 1)))
    large = RMSE().statistics(np.full((1, 1), 1e200), np.zeros((1, 1)))
    assert RMSE().result(RMSE().merge(small, large)) == pytest.approx(1e200 / 2**0.5)


@pytest.mark.parametrize("name", ["two\nlines", "end\n", "a\r", "a\u2028b", "a\0b"])
def test_a_name_is_one_line(name: str) -> None:
    """It stands in a line of a log, a table or a file of commas."""
    with pytest.raises(ValueError, match=r"MAE's name takes text of one line\. Got "):
        MAE(name=name)
    with pytest.raises(ValueError, match=r"takes text of one line"):
        MeanOfFunction(lambda t, p: 0.0, name=name)
    with pytest.raises(ValueError, match=r"The model's name takes text of one line"):
        Sequential([Dense(2, input_dim=2)], name=name)


def test_a_name_may_be_worked_out() -> None:
    class Within(Metric):
        def __init__(self, limit: float = 0.5) -> None:
            super().__init__()
            self.limit = limit

        @property
        def name(self) -> str:
            return f"within_{self.limit:g}"

        def statistics(self, prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
            return np.array([(abs(prediction - target) <= self.limit).sum(), prediction.size])

    assert Within(0.25).name == "within_0.25"
    assert Within()([[1.0], [2.0]], [1.25, 4.0]) == 0.5
    assert (MAE().name, MAE(name="distance").name, repr(MAE(name="distance"))) == (
        "mae",
        "distance",
        "MAE(name='distance')",
    )


# --- logits, labels and rows ----------------------------------------------------------------------


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "acc",
        "binary_accuracy",
        "categorical_accuracy",
        Accuracy(),
        Accuracy(name="hits"),
        BinaryAccuracy(),
        BinaryAccuracy(name="hits"),
    ],
    ids=repr,
)
def test_every_accuracy_of_logits_counts_from_zero(metric, units) -> None:
    """By the class of the metric and of the loss, whatever the name."""
    model = Sequential([Dense(units, input_dim=1)], seed=0)
    model.compile("sgd", BinaryCrossEntropy(from_logits=True), [metric])
    signs = np.array([1.0, -1.0])[:units]
    model.layers[0].set_weights([signs[None, :], -0.4 * signs])
    x = np.linspace(-1, 1, 201)[:, None]
    y = (x > 0.4) == (signs > 0)  # z > 0 just where y is 1
    rows = np.abs(x[:, 0] - 0.4) > 1e-3
    figures = model.evaluate(x[rows], y[rows].astype(int))
    assert figures[model.metrics[0].name] == 1.0


def test_a_threshold_that_was_given_stays() -> None:
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    mine = BinaryAccuracy(threshold=0.25)
    model.compile("sgd", BinaryCrossEntropy(from_logits=True), [mine])
    assert model.metrics == [mine]
    assert BinaryAccuracy().threshold is None  # the object that was given is never changed


def test_logits_of_classes_that_compete_are_not_yes_or_no() -> None:
    model = Sequential([Dense(3, input_dim=1)], seed=0)
    with pytest.raises(ValueError, match=r"binary_accuracy takes yes-or-no outputs. Got Cro"):
        model.compile("sgd", CrossEntropy(from_logits=True), ["binary_accuracy"])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.uint64, np.int8, "f4", "f8"])
def test_a_confusion_matrix_takes_labels_of_any_dtype(dtype) -> None:
    y, p = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])
    wanted = [[2, 0], [1, 2]]
    assert confusion_matrix(y.astype(dtype), p.astype(dtype)).tolist() == wanted
    assert confusion_matrix(y.astype(dtype)[:, None], p).tolist() == wanted


@pytest.mark.parametrize("rows", [[[1, 1, 0], [0, 1, 1]], [[1, 0, 0], [0, 0, 0]], [[1, 1], [0, 1]]])
def test_a_confusion_matrix_refuses_rows_that_name_several_classes_or_none(rows) -> None:
    labels = [0, 1]
    for arguments in ((rows, labels), (labels, rows), (np.array(rows, bool), labels)):
        with pytest.raises(ValueError, match=r"takes rows of .* that name one class"):
            confusion_matrix(*arguments)
    assert confusion_matrix([[1, 0], [0, 1]], [[0.5, 0.5], [0.0, 0.0]]).sum() == 2  # outputs


# --- weighted metrics -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        ("accuracy", "labels"),
        ("top_k_categorical_accuracy", "labels"),
        ("binary_accuracy", "yes"),
        ("mae", "numbers"),
        ("mse", "numbers"),
        ("r2_score", "numbers"),
    ],
)
def test_a_weighted_metric_counts_a_sample_as_often_as_its_weight_says(metric, target) -> None:
    rng = np.random.default_rng(0)
    p = rng.normal(size=(12, 6))
    t = {"labels": rng.integers(0, 6, 12), "yes": (p > 0.3) * 1.0, "numbers": p + rng.random(6)}
    y, weight = t[target], rng.integers(0, 4, 12)
    weighted, plain = Weighted(metric), METRICS[metric]()
    repeated = np.repeat(np.arange(12), weight)
    right = plain(p[repeated], y[repeated])
    assert weighted.result(weighted.weighted_statistics(p, y, weight)) == pytest.approx(right)
    halves = [weighted.weighted_statistics(p[i::2], y[i::2], weight[i::2]) for i in (0, 1)]
    assert weighted.result(weighted.merge(*halves)) == pytest.approx(right)
    assert weighted(p, y) == pytest.approx(plain(p, y))  # without weights, the metric itself
    assert weighted.direction == plain.direction


def test_weighted_metrics_in_fit_evaluate_and_a_file(tmp_path) -> None:
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", "mse", ["mae", Weighted("mae")])
    x, y, w = np.arange(6.0)[:, None], np.arange(6.0) ** 2, np.array([0, 0, 0, 1, 2, 3.0])
    figures = model.evaluate(x, y, batch_size=2, sample_weight=w)
    e = np.abs(model.predict(x)[:, 0] - y)
    assert figures["mae"] == pytest.approx(e.mean(), rel=1e-6)
    assert figures["weighted_mae"] == pytest.approx((w * e).sum() / w.sum(), rel=1e-6)
    model.save(tmp_path / "m.npz")
    assert minnet.load(tmp_path / "m.npz").evaluate(x, y, sample_weight=w) == pytest.approx(figures)
    model.compile(SGD(0.0), "mse", [Weighted("mae")])
    history = model.fit(x, y, 2, verbose=0, sample_weight=w, validation_data=(x, y, w)).history
    assert history["weighted_mae"] == pytest.approx([figures["weighted_mae"]], rel=1e-5)
    assert history["val_weighted_mae"] == pytest.approx([figures["weighted_mae"]], rel=1e-5)


def test_a_metric_that_cannot_be_weighted_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"Write weighted_statistics\(prediction, target, weight\)"):
        Weighted(Metric())


@pytest.mark.parametrize(
    "append", ["accuracy", "binary_accuracy", Accuracy(), Weighted("accuracy")]
)
def test_a_metric_that_is_appended_reads_what_the_loss_reads(append) -> None:
    """As if compile had been told of it."""
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", BinaryCrossEntropy(from_logits=True))
    model.layers[0].set_weights([[[1.0]], [-0.4]])
    x = np.linspace(-1, 1, 201)[:, None]
    model.metrics.append(append)
    assert model.evaluate(x, (x > 0.403).astype(int))[1] == 1.0
    assert isinstance(model.metrics[0], Metric)


@pytest.mark.parametrize("call", ["evaluate", "fit"])
def test_what_is_no_metric_and_was_appended_is_refused_in_words(call) -> None:
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", "mse")
    model.metrics.append(3)
    with pytest.raises(TypeError, match=r"Each of the model's metrics takes a Metric or its name"):
        getattr(model, call)([[1.0]], [1.0])


@pytest.mark.parametrize("y", [[0, 1, 2, 1], [[0], [1], [2], [1]], np.uint8([[0], [1], [2], [1]])])
def test_a_metric_of_ones_own_gets_labels_as_a_fit_hands_them_to_it(y) -> None:
    """(N,) and never (N, 1), which a comparison would broadcast to (N, N)."""

    class Hits(Metric):
        name = "hits"

        def statistics(self, prediction, target):
            return np.array([(prediction.argmax(axis=1) == target).sum(), len(target)])

    p = np.eye(3)[[0, 1, 1, 1]]
    assert Hits()(p, y) == 0.75
    model = Sequential([Dense(3, "softmax", input_dim=3, kernel_initializer="identity")], seed=0)
    model.compile("sgd", "cross_entropy", [Hits()])
    assert model.evaluate(p, y)["hits"] == 0.75
