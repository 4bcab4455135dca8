"""Targets: which are taken, what they become, and what is said of others."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet.foundation import targets
from minnet.layers import Dense
from minnet.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from minnet.metrics import AUC, MAE, MSE, Accuracy, BinaryAccuracy, Metric, Precision, R2Score

COLUMN = np.arange(4.0).reshape(4, 1)
FLAT = COLUMN[:, 0] + 1.0


class Gap(Metric):
    """A student's metric, as the docstring of `Metric` shows it: the mean error."""

    name = "gap"

    def statistics(self, p, t):
        return np.array([(p - t).sum(), (p - t).size])


class Cube(Loss):
    """A student's loss."""

    def per_sample(self, p, t):
        return ((p - t) ** 3).sum(axis=1)

    def gradient(self, p, t):
        return 3 * (p - t) ** 2 / len(p)

    def fused(self, z, y, t):
        return ((y - t) ** 3).sum(axis=1), 3 * (y - t) ** 2 / len(y)


# --- aligned, by the base classes -----------------------------------------------------------------


@pytest.mark.parametrize("loss", [Cube(), MeanSquaredError(), BinaryCrossEntropy(True)], ids=repr)
def test_every_loss_aligns_columns_and_never_broadcasts_them(loss):
    p, t = COLUMN / 10, FLAT / 5
    for prediction, target in ((p, t), (p[:, 0], t[:, None])):
        same = t.reshape(prediction.shape)
        np.testing.assert_array_equal(
            loss.gradient(prediction, target), loss.gradient(prediction, same)
        )
        assert loss.gradient(prediction, target).shape == prediction.shape
    assert loss.per_sample(p, t).shape == (4,)
    np.testing.assert_array_equal(loss.per_sample(p, t), loss.per_sample(p, t[:, None]))
    for fast, slow in zip(loss_fused(loss, p, t), loss_fused(loss, p, t[:, None]), strict=True):
        np.testing.assert_array_equal(fast, slow)
    for formula in (loss.per_sample, loss.gradient):
        with pytest.raises(ValueError, match=r"of one shape\. Got \(4, 1\) and \(3,\)\. Call the"):
            formula(p, t[:3])
        with pytest.raises(ValueError, match=r"of one shape\. Got \(4, 4\) and \(4,\)"):
            formula(np.ones((4, 4)), t)


def loss_fused(loss, p, t):
    """The fused formula where there is one, else the other two."""
    if isinstance(loss, MeanSquaredError):
        return loss.per_sample(p, t), loss.gradient(p, t)
    return loss.fused(p, p, t)


@pytest.mark.parametrize("metric", [Gap(), MSE(), MAE(), R2Score()], ids=repr)
def test_every_metric_aligns_columns_and_never_broadcasts_them(metric):
    for prediction, target in ((COLUMN, FLAT), (COLUMN[:, 0], FLAT[:, None])):
        same = FLAT.reshape(prediction.shape)
        np.testing.assert_array_equal(
            metric.statistics(prediction, target), metric.statistics(prediction, same)
        )
    assert metric(COLUMN, FLAT) == metric(COLUMN, FLAT[:, None]) == metric(COLUMN[:, 0], FLAT)


def test_a_students_metric_is_never_broadcast():
    assert Gap()(COLUMN, FLAT) == -1.0
    assert Gap().statistics(COLUMN, FLAT)[1] == 4  # and not 16


@pytest.mark.parametrize("loss", [Cube(), "mse", "mae"])
@pytest.mark.parametrize("y", [FLAT, FLAT[:, None], FLAT.tolist()])
def test_fit_and_evaluate_hand_aligned_targets_to_a_students_class(loss, y):
    model = minnet.Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile(minnet.optimizers.SGD(0.0), loss, [Gap()])
    expected = pytest.approx(float((model.predict(COLUMN)[:, 0] - FLAT).mean()), rel=1e-6)
    history = model.fit(COLUMN, y, batch_size=3, verbose=0, validation_data=(COLUMN, y)).history
    assert history["gap"][0] == history["val_gap"][0] == expected
    assert model.evaluate(COLUMN, y)["gap"] == expected


def test_labels_are_of_another_shape_where_a_class_says_so():
    p, labels = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])
    assert CrossEntropy().per_sample(p, labels).shape == (2,)
    np.testing.assert_array_equal(Accuracy().statistics(p, labels[:, None]), [2, 2])

    class OwnLabels(Cube):
        def check_target(self, target, output_shape, who="y"):
            return target

        def gradient(self, p, t):
            return p[np.arange(len(p)), t]

    np.testing.assert_array_equal(OwnLabels().gradient(p, labels), [0.9, 0.8])


@pytest.mark.parametrize("metric", [MSE(), BinaryAccuracy(), Accuracy()], ids=repr)
def test_metrics_that_compare_one_with_one_refuse_other_shapes(metric):
    with pytest.raises(ValueError, match=rf"^{metric.name} takes "):
        metric.statistics(COLUMN, np.ones((4, 3)))


def test_an_aligned_formula_is_still_the_students():
    assert Cube.gradient.__doc__ is None
    assert Cube().gradient(prediction=COLUMN, target=COLUMN).sum() == 0.0
    assert Cube.gradient.__wrapped__.__code__.co_varnames[:3] == ("self", "p", "t")
    assert Cube().per_sample([[1.0]], [[1.0]] * np.ones(1)) == [0.0]
    with pytest.raises(TypeError, match="target"):
        Cube().gradient(COLUMN)


# --- what is taken --------------------------------------------------------------------------------


def test_in_shape():
    assert targets.in_shape(FLAT, (1,), "It", "y").shape == (4, 1)
    assert targets.in_shape(COLUMN, (1,), "It", "y") is COLUMN
    for wrong, shape in ((FLAT, (2,)), (COLUMN, (2,)), (np.float64(1), (1,)), (COLUMN, ())):
        with pytest.raises(
            ValueError, match=r"^It takes y of shape \(N, ?.*, as the predictions\."
        ):
            targets.in_shape(wrong, shape, "It", "y", " A hint.")
    with pytest.raises(ValueError, match=r"Got \(4,\)\. A hint\.$"):
        targets.in_shape(FLAT, (2,), "It", "y", " A hint.")


def test_check_pairs():
    targets.check_pairs(COLUMN, FLAT, "It")
    for p, t in ((COLUMN, FLAT[:3]), (COLUMN[:0], FLAT[:0]), (np.float64(1), np.float64(1))):
        with pytest.raises(
            ValueError, match=r"^It takes one target for each prediction, and at le"
        ):
            targets.check_pairs(p, t, "It")
    with pytest.raises(ValueError, match=r"predictions \(\) and targets \(1,\)"):
        MeanSquaredError()(1.0, [1])


def test_labels_or_rows():
    rows = np.eye(3)
    assert targets.labels_or_rows(rows, (3,), "It", "y") is rows
    for came in ([0, 1, 2], [[0], [1], [2]], [0.0, 1.0, 2.0], np.uint8([0, 1, 2])):
        labels = targets.labels_or_rows(np.asarray(came), (3,), "It", "y")
        assert labels.dtype == np.intp
        np.testing.assert_array_equal(labels, [0, 1, 2])
        np.testing.assert_array_equal(targets.labels_of(np.asarray(came)), [0, 1, 2])
    np.testing.assert_array_equal(targets.labels_of(rows[[2, 0]]), [2, 0])
    for shape in ((1,), (2, 2), ()):
        with pytest.raises(ValueError, match=r"K = 2 or more classes\. Got .*\. A hint\."):
            targets.labels_or_rows(rows, shape, "It", "y", " A hint.")
    with pytest.raises(ValueError, match=r"y as labels of shape \(N,\) or rows of shape \(N, 3\)"):
        targets.labels_or_rows(np.ones((4, 2)), (3,), "It", "y")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2, 3], r"Got 3 in row 2\. Labels start at 0: use y - 1\.$"),
        (
            [0, 7],
            r"labels 0 to 2, since the model has 3 classes\. Got 7 in row 1\. For a model of 8",
        ),
        ([0, -1], r"Got -1 in row 1\. Drop or relabel such rows\."),
        ([0, 1e7], r"Got 10000000 in row 1\. Drop or relabel such rows\."),
        ([0.0, 0.5], r"whole labels 0 to 2\. Got 0\.5 in row 1"),
        ([0.0, np.nan], "finite"),
    ],
)
def test_labels_that_are_none_of_the_classes(labels, message):
    with pytest.raises(ValueError, match=message):
        targets.check_labels(np.array(labels), 3)


def test_rows_that_are_no_distributions_and_name_no_class():
    targets.check_distributions(np.array([[0.5, 0.5], [1.0, 0.0]]), "It", "y")
    for row in ([0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(
            ValueError, match=r"^It takes rows of y .* sum to 1\. Row 1 has the sum"
        ):
            targets.check_distributions(np.array([[0.5, 0.5], row]), "It", "y")
    targets.check_one_class_a_row(np.array([[0.5, 0.5], [0.2, 0.7], [0, 1]]), "It", "y")
    with pytest.raises(ValueError, match=r"^It takes rows of y that name one class\. Got 2 equal"):
        targets.check_one_class_a_row(np.array([[0, 1], [1, 1]]), "It", "y")


def test_numbers_from_0_to_1():
    targets.check_from_0_to_1(np.array([0.0, 0.5, 1.0]), "It takes shares", "Else none.")
    for bad in (-0.5, 1.5):
        with pytest.raises(
            ValueError, match=rf"^It takes shares\. Got {bad} in row 1\. Else none\."
        ):
            targets.check_from_0_to_1(np.array([[0.0], [bad]]), "It takes shares", "Else none.")


def test_probabilities():
    targets.check_probabilities(np.array([[0.5, 0.5]]), "It", rows=True)
    targets.check_probabilities(np.array([[0.5, 0.9]]), "It", rows=False)
    with pytest.raises(ValueError, match=r"from 0 to 1\. Got -1 to 2\. .*It\(from_logits=True\)"):
        targets.check_probabilities(np.array([[-1.0, 2.0]]), "It", rows=False)
    with pytest.raises(ValueError, match=r"Row 1 has the sum 0\.7"):
        targets.check_probabilities(np.array([[0.5, 0.5], [0.2, 0.5]]), "It", rows=True)
    with pytest.warns(UserWarning, match=r"^It\(from_logits=True\) takes logits, and every row"):
        targets.warn_of_probabilities(np.array([[0.5, 0.5], [0.2, 0.8]]), "It")
    targets.warn_of_probabilities(np.array([[0.5, 0.5], [0.2, 0.7]]), "It")
    targets.warn_of_probabilities(np.array([[1.5, -0.5]]), "It")


def test_weights():
    for came in ([1, 2], [[1.0], [2.0]]):
        np.testing.assert_array_equal(targets.check_weight(came, 2), [1, 2])
    with pytest.raises(ValueError, match=r"^w takes one number for each sample, shape \(2,\)"):
        targets.check_weight([1, 2, 3], 2, "w")
    with pytest.raises(ValueError, match=r"0 or more\. Got -1 in row 1"):
        targets.check_weight([1, -1], 2)
    with pytest.raises(ValueError, match="finite"):
        targets.check_weight([1, np.inf], 2)


def test_labels_of_minus_one_and_one_are_told_what_they_are() -> None:
    with pytest.raises(ValueError, match=r"Make −1 and 1 to 0 and 1: \(y \+ 1\) / 2"):
        minnet.losses.BinaryCrossEntropy()([[0.5], [0.5]], [[-1], [1]])


# --- the order of predictions and targets ---------------------------------------------------------

ROWS = np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
LABELS = np.array([0, 1, 0])
ONE_HOT = np.eye(2)[LABELS]
SHARES = ROWS[:, 1]

EXCHANGED = {
    "labels for rows": (LABELS, ROWS),
    "labels as floats": (LABELS * 1.0, ROWS),
    "a column of labels": (LABELS[:, None], ROWS),
    "rows": (ONE_HOT, ROWS),
    "rows of integers": (ONE_HOT.astype(int), ROWS),
    "shares": (LABELS, SHARES),
    "shares as floats": (LABELS * 1.0, SHARES),
    "a column and a row": (LABELS[:, None], SHARES),
    "true and false": (LABELS == 1, SHARES),
    "one sample": ([1], [0.3]),
}


@pytest.mark.parametrize("case", EXCHANGED)
@pytest.mark.parametrize(
    "figure",
    [CrossEntropy(), BinaryCrossEntropy(), Accuracy(), BinaryAccuracy(), Precision(), AUC()],
    ids=repr,
)
def test_labels_in_the_predictions_place_are_told(figure, case):
    first, second = EXCHANGED[case]
    who = type(figure).__name__
    with pytest.raises(
        ValueError,
        match=rf"^{who} takes \(prediction, target\)\. Got labels \(.*\) as prediction, and "
        r"outputs \(.*\) as target\. Exchange them, or give them by name: target=…, prediction=…$",
    ):
        figure(first, second)


@pytest.mark.parametrize(
    ("figure", "target", "prediction"),
    [
        (CrossEntropy(), LABELS, ROWS),
        (BinaryCrossEntropy(), LABELS, SHARES),
        (Accuracy(), LABELS, ROWS),
        (AUC(), LABELS, SHARES),
        (MeanSquaredError(), LABELS, SHARES),
    ],
    ids=repr,
)
def test_both_are_taken_by_name_in_either_order(figure, target, prediction):
    assert figure(target=target, prediction=prediction) == figure(prediction, target)


@pytest.mark.parametrize("loss", [CrossEntropy(True), BinaryCrossEntropy(True)], ids=repr)
def test_labels_in_the_place_of_logits_are_told(loss):
    with pytest.raises(ValueError, match="Got labels"):
        loss(ONE_HOT, 5 * ROWS - 2)


@pytest.mark.parametrize(
    ("figure", "prediction", "target"),
    [
        (BinaryCrossEntropy(), [1.0, 1.0], [0.9, 0.8]),  # sure, with smooth targets
        (BinaryCrossEntropy(True), [0.0, 1.0], [0.25, 0.75]),  # logits
        (BinaryCrossEntropy(), [0.0, 1.0], [0.0, 1.0]),
        (Accuracy(), [0, 1], [1, 1]),  # both decided
        (Accuracy(), ROWS, ROWS),
        (CrossEntropy(), ONE_HOT, LABELS),
        (MeanSquaredError(), [0, 1], [0.5, 0.5]),  # either order gives the same
        (R2Score(), [0, 1], [0.5, 0.25]),  # numbers, which may be whole
    ],
    ids=repr,
)
def test_what_may_be_meant_so_is_taken(figure, prediction, target):
    assert np.isfinite(figure(prediction, target))


@pytest.mark.parametrize("name", ["y_true", "y_pred"])
def test_the_names_of_keras_are_answered_with_minnets(name):
    meant = {"y_true": "target", "y_pred": "prediction"}[name]
    with pytest.raises(TypeError, match=rf'Did you mean "{meant}"'):
        MeanSquaredError()(**{name: [1.0]})
