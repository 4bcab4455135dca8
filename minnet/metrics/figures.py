"""Metrics: figures for people, beside the loss that is trained on.

A metric keeps nothing. A batch gives a few statistics, those of two batches are merged, and the
figure is made from them at the end, so the last, smaller batch counts as it should.
"""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar, Literal, Self

import numpy as np

from minnet.foundation.borders import figure_of, sums_of
from minnet.foundation.checks import (
    Array,
    Shape,
    as_array,
    batch_shape,
    finite,
    integer,
    line,
    number,
)
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import check_called, is_minnets, named, setting
from minnet.foundation.targets import (
    ORDER,
    align_formulas,
    aligned,
    check_from_0_to_1,
    check_one_class_a_row,
    check_order,
    check_pairs,
    in_shape,
    labels_of,
    labels_or_rows,
)


class Metric(Configurable):
    """The contract of a metric.

    Shapes: prediction (N, K) or (N, M); target of the same shape, or labels (N,).

    One of your own has a name, and sums that it divides, as the example does; `@minnet.register`
    stands above it if it is to be saved.

    For another figure than the first statistic by the second write `result`; for statistics that
    do not simply add up, `merge`. With `direction = "up"` or "down" it says where better is, which
    `EarlyStopping` asks. A class of your own that writes `statistics` or `result` anew says it
    anew, since 1 − accuracy is better where it is less. A target `(N,)` for predictions `(N, 1)`,
    or the other way round, is aligned before `statistics` is called; where a metric says
    `one_shape = True`, other differences are refused.

    Parameters
    ----------
    name
        Under this name the figure stands in logs and in `History`; by default under the one that
        the class has.

    Raises
    ------
    ValueError
        A number out of range; and in `evaluate` or `fit`, targets or outputs of a shape that this
        metric does not count.
    TypeError
        An argument of another type, or one that this metric does not have.

    Arguments of its methods
    ------------------------
    prediction, target : (N, M) ndarray
        What the model gave, and what was wanted, one sample a row; labels are (N,).
    weight : (N,) ndarray
        wₙ, how much each sample counts.
    statistics, a, b : ndarray
        What `statistics` gave of a batch, in any shape.

    Examples
    --------
    >>> class Bias(Metric):
    ...     name = "bias"
    ...
    ...     def statistics(self, prediction, target):
    ...         return np.array([(prediction - target).sum(), prediction.size])
    >>> metric = Bias()
    >>> metric([[1.0], [2.0]], [0.0, 0.0])
    1.5
    >>> first = metric.statistics(np.array([[1.0], [2.0]]), np.zeros((2, 1)))
    >>> second = metric.statistics(np.array([[3.0]]), np.zeros((1, 1)))
    >>> metric.result(metric.merge(first, second)), metric.takes_probabilities()
    (2.0, False)
    >>> from minnet.metrics import Accuracy
    >>> Accuracy().for_logits()
    Accuracy(threshold=0.0)
    >>> one, two = np.array([[0.2, 0.8], [0.7, 0.3]]), np.array([1, 1])
    >>> Accuracy().weighted_statistics(one, two, np.array([3.0, 1.0]))
    array([3., 4.])
    """

    name: str = setting(line, empty=False, default="metric")

    one_shape: bool = False
    """Whether targets have the shape of the predictions; those of classes may be labels."""

    of_classes: ClassVar[bool] = False
    """Whether targets are classes, so that labels in the prediction's place can be told."""

    argument_names: ClassVar[tuple[str, str, str]] = ORDER
    """How messages name the arguments in their order, the target, and the prediction."""
    yes_or_no: bool = False
    """Whether each output is an answer of its own, yes or no, and no output competes."""

    direction: Literal["up", "down"] | None = None
    """Where better is: "up" as for an accuracy, "down" as for an error; None where nobody says."""

    def __init__(self, *, name: str | None = None) -> None:
        if name is not None:
            self.name = name

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not is_minnets(cls) and vars(cls).keys() & {"statistics", "result"}:
            cls.direction = vars(cls).get("direction")  # another figure may have another one
        formulas = "Write statistics(prediction, target), and result(statistics)."
        check_called(cls, dict.fromkeys(("__call__", "call", "update_state"), formulas))
        align_formulas(cls, {"statistics": aligned, "weighted_statistics": aligned})

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        """What is to be known of a batch whose samples count wₙ, of shape (N,), instead of 1."""
        raise NotImplementedError(
            f"{type(self).__name__} has no weighted_statistics(prediction, target, weight). Write "
            "it, with each sample's terms times its weight."
        )

    def for_logits(self) -> Self:
        """The metric as it reads logits, where the model's loss says that it has them."""
        return self

    def takes_probabilities(self) -> bool:
        """Whether outputs have to be probabilities, from 0 to 1."""
        return False

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        """Refuse targets that this metric has no answer for, before anything is computed.

        Parameters
        ----------
        target : (N, …) array
        output_shape
            The shape of one prediction.
        who
            What the user calls the targets.

        >>> class OfCounts(Metric):
        ...     def check_target(self, target, output_shape, who="y"):
        ...         if (target < 0).any():
        ...             raise ValueError(f"OfCounts takes counts, 0 or more, in {who}.")
        """

    def statistics(self, prediction: Array, target: Array) -> Array:
        """What is to be known of a batch, in float64; nothing is checked but shapes."""
        raise NotImplementedError(f"{type(self).__name__} has no statistics(prediction, target).")

    def merge(self, a: Array, b: Array) -> Array:
        """The statistics of two batches together: their sum, if they are sums."""
        return a + b

    def result(self, statistics: Array) -> float:
        """The figure: here the first statistic, a sum, by the second, a count."""
        return float(statistics[0] / statistics[1])

    def check_order(self, prediction: Array, target: Array) -> None:
        """Refuse labels that came as the prediction, where they are plainly labels."""
        if self.of_classes:
            check_order(prediction, target, type(self).__name__, self.argument_names)

    def __call__(self, prediction: Any, target: Any) -> float:
        """The figure for predictions and targets of N samples each, checked first.

        The prediction comes first (in Keras, the target); `metric(target=y, prediction=p)` reads
        in either order. Labels in the prediction's place are refused where they are plainly labels.

        Raises
        ------
        ValueError, TypeError
            Shapes that do not fit, no samples, NaN or infinity, targets without an answer.
        """
        prediction, target = as_array(prediction, "prediction"), as_array(target, "target")
        self.check_order(prediction, target)
        check_pairs(prediction, target, self.name)
        finite(prediction, "prediction")
        finite(target, "target")
        if prediction.ndim == 1:
            prediction = prediction.reshape(-1, 1)
        self.check_target(target, prediction.shape[1:], "target")
        if target.shape == (len(target), 1) != prediction.shape and target.dtype.kind in "iub":
            target = target[:, 0]  # labels, as a fit hands them to a metric
        with np.errstate(all="ignore"):  # a figure beyond all numbers is inf, or NaN
            divided = type(self).result is Metric.result
            statistics = sums_of(self, self.statistics(prediction, target), divided=divided)
            return figure_of(self, self.result(statistics))


# --- classes --------------------------------------------------------------------------------------


@register
class BinaryAccuracy(Metric):
    """The share of right answers among N · M yes-or-no outputs, each counted for itself.

    An output says yes above the threshold; targets are 0 or 1, or probabilities, which count as 1
    above 0.5, in the predictions' shape.

    Parameters
    ----------
    threshold
        Where yes begins. By default 0.5, Keras' default, and 0 in a model whose loss takes logits,
        or scores as a hinge does (in Keras, 0.5 there too): a logit of 0 is a probability of 0.5.
        Targets of −1 and 1 are understood where it is 0.
    name
        The name in logs.

    Examples
    --------
    >>> BinaryAccuracy()([[0.9, 0.2], [0.6, 0.7]], [[1, 0], [0, 1]])
    0.75
    """

    name = "binary_accuracy"
    one_shape = True
    of_classes = True
    yes_or_no = True

    direction = "up"

    threshold: float | None = setting(number, optional=True)

    def __init__(self, threshold: float | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.threshold = threshold

    def for_logits(self) -> Self:
        if self.threshold is not None:
            return self
        metric = copy.copy(self)
        metric.threshold = 0.0
        return metric

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        hint = 'For a regression use "mae" or "r2_score", for more classes one output for each.'
        in_shape(target, output_shape, self.name, who)
        if self.threshold == 0.0 and np.isin(target, (-1, 1)).all():  # of a hinge
            return
        check_from_0_to_1(
            target, f"{self.name} takes {who} of 0 or 1 where an output is yes or no", hint
        )

    def statistics(self, prediction: Array, target: Array) -> Array:
        threshold = 0.5 if self.threshold is None else self.threshold
        right = (prediction > threshold) == (target > 0.5)
        return np.array([np.count_nonzero(right), prediction.size], dtype=np.float64)

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        return _by_sample(self, prediction, target, weight)


@register
class Accuracy(BinaryAccuracy):
    """The share of samples whose class is right.

    For K outputs the class is the largest output (the first of equal ones), and targets are labels
    (N,) or rows (N, K), such as one-hot rows. For one output this is `BinaryAccuracy`: the class is
    1 above the threshold and 0 up to it, and targets are 0 or 1, or probabilities, which count as 1
    above 0.5. For several yes-or-no outputs in a row see there, too.

    Parameters
    ----------
    threshold
        For one output, as in `BinaryAccuracy`.
    name
        The name in logs.

    Examples
    --------
    >>> Accuracy()([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """

    name = "accuracy"
    one_shape = False
    yes_or_no = False

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        if output_shape == (1,):
            super().check_target(target, output_shape, who)
        else:
            check_classes(target, output_shape, self.name, who)

    def statistics(self, prediction: Array, target: Array) -> Array:
        N, K = prediction.shape
        if K == 1:
            return super().statistics(prediction, in_shape(target, (1,), self.name, "targets"))
        right = prediction.argmax(axis=1) == labels_of(target)
        return np.array([np.count_nonzero(right), N], dtype=np.float64)


@register
class TopKCategoricalAccuracy(Metric):
    """The share of samples whose class is among the k largest outputs.

    A class that ties with others counts as ranked behind them, so that equal outputs are no
    success. (Keras and PyTorch break ties as it happens.)

    Parameters
    ----------
    k
        How many; Keras' default is 5. At most K, the number of classes.
    name
        The name in logs.

    Examples
    --------
    >>> TopKCategoricalAccuracy(k=2)([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2])
    0.5
    """

    name = "top_k_categorical_accuracy"
    of_classes = True
    direction = "up"

    k: int = setting(integer, minimum=1)

    def __init__(self, k: int = 5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = k

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        check_classes(target, output_shape, self.name, who)
        if output_shape[0] < self.k:
            raise ValueError(
                f"{self.name} takes predictions (N, K) with K at least k = {self.k}. Got "
                f"{batch_shape(output_shape)}. Use TopKCategoricalAccuracy(k={output_shape[0]}), "
                "or less."
            )

    def statistics(self, prediction: Array, target: Array) -> Array:
        N, K = prediction.shape
        labels = labels_of(target).astype(np.intp, copy=False)
        own = prediction[np.arange(N), labels][:, None]
        behind = np.count_nonzero(prediction < own, axis=1)
        right = behind >= K - self.k  # at most k are not behind: itself, and those before or equal
        return np.array([np.count_nonzero(right), N], dtype=np.float64)

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        return _by_sample(self, prediction, target, weight)


def _by_sample(metric: Metric, prediction: Array, target: Array, weight: Array) -> Array:
    """Sums of a metric that counts, each sample's by its weight: those with one weight at once."""
    total = np.zeros(2)
    for value in np.unique(weight):
        rows = weight == value
        total += value * metric.statistics(prediction[rows], target[rows])
    return total


def check_classes(target: Array, output_shape: Shape, metric: str, who: str) -> None:
    """Refuse targets that name no class for each sample."""
    target = labels_or_rows(target, output_shape, metric, who)
    if target.ndim == 2:
        check_one_class_a_row(target, metric, who)


# --- numbers --------------------------------------------------------------------------------------


class _Regression(Metric):
    """Compares numbers with numbers, in one shape."""

    one_shape = True

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        in_shape(target, output_shape, self.name, who)

    def errors(self, prediction: Array, target: Array) -> Array:
        """p − t in float64, so that neither large sums nor small integer dtypes lose anything."""
        difference: Array = np.subtract(prediction, target, dtype=np.float64)
        return difference


def binary_exponents(rows: Array) -> Array:
    """The least k for each column with all |x| ≤ 2ᵏ: x / 2ᵏ is exact, and its square finite."""
    exponents: Array = np.frexp(np.abs(rows).max(axis=0, initial=0.0))[1]
    return exponents


def in_units(sums: Any, k: Array, wanted: Array) -> Array:
    """Sums of squares in units of 4ᵏ as such in units of another power."""
    moved: Array = np.ldexp(sums, 2 * (k - wanted).astype(int))
    return moved


def weighted_sums(terms: Array, weight: Array) -> Array:
    """Σ wₙ Σ_m termₙₘ and M Σ wₙ, in float64."""
    w = weight.astype(np.float64)
    rows = terms.reshape(len(terms), -1)
    return np.array([(w * rows.sum(axis=1)).sum(), w.sum() * rows.shape[1]])


@register
class MAE(_Regression):
    """The mean absolute error: 1/(N M) Σ |p − t|.

    (The loss of that kind is `losses.MeanAbsoluteError`; the name of a class says which is meant.)

    Parameters
    ----------
    name
        The name in logs.

    Examples
    --------
    >>> MAE()([1.0, 2.0], [1.0, 4.0])
    1.0
    """

    name = "mae"
    direction = "down"

    def statistics(self, prediction: Array, target: Array) -> Array:
        errors = self.errors(prediction, target)
        return np.array([np.abs(errors).sum(), errors.size])

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        return weighted_sums(np.abs(self.errors(prediction, target)), weight)


@register
class MSE(_Regression):
    """The mean squared error: 1/(N M) Σ (p − t)².

    Parameters
    ----------
    name
        The name in logs.

    Examples
    --------
    >>> MSE()([1.0, 2.0], [1.0, 4.0])
    2.0
    """

    name = "mse"
    direction = "down"

    def statistics(self, prediction: Array, target: Array) -> Array:
        errors = self.errors(prediction, target)
        return np.array([np.square(errors).sum(), errors.size])

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        return weighted_sums(np.square(self.errors(prediction, target)), weight)


@register
class R2Score(_Regression):
    """The coefficient of determination R² = 1 − Σ (p − t)² / Σ (t − t̄)².

    1 is perfect; 0 is as good as always saying the targets' mean. Several outputs are averaged with
    equal weight, each about its own mean, as in scikit-learn and Keras. An output whose targets are
    all equal has no R²; as in scikit-learn it counts as 1 where every prediction is right, else
    as 0. (So does a single sample, for which scikit-learn gives NaN.)

    Parameters
    ----------
    name
        The name in logs.

    Examples
    --------
    >>> round(R2Score()([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]), 4)
    0.9486
    """

    name = "r2_score"
    direction = "up"

    def statistics(self, prediction: Array, target: Array) -> Array:
        """For each output N, t̄, Σ (t − t̄)² and Σ (p − t)², and k: a (5, M) array.

        The sums are in units of 4ᵏ, so that squares of very large or small numbers are finite.
        """
        return self.weighted_statistics(prediction, target, np.ones(len(target)))

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        N, w = len(target), weight.astype(np.float64)[:, None]
        errors = self.errors(prediction, target).reshape(N, -1)
        t = target.reshape(N, -1).astype(np.float64)
        total = w.sum()
        share = w / total if total else w
        mean = t[0] + (share * (t - t[0])).sum(axis=0)  # equal targets have exactly that mean
        k = binary_exponents(np.concatenate([t - mean, errors]))
        around = (w * np.square(np.ldexp(t - mean, -k))).sum(axis=0)
        squares = (w * np.square(np.ldexp(errors, -k))).sum(axis=0)
        return np.stack([np.full_like(mean, total), mean, around, squares, k])

    def merge(self, a: Array, b: Array) -> Array:
        """Sums about the common mean (Chan, Golub and LeVeque, 1983): stable for far-off means."""
        (n, mean_a, *sums_a, k_a), (m, mean_b, *sums_b, k_b) = a, b
        total, gap = np.maximum(n + m, 1e-300), mean_b - mean_a  # all weights may be 0
        k = np.maximum(np.maximum(k_a, k_b), binary_exponents(gap[None])).astype(int)
        around, squares = in_units(sums_a, k_a, k) + in_units(sums_b, k_b, k)
        around += np.ldexp(gap, -k) ** 2 * n * m / total
        return np.stack([total, mean_a + gap * m / total, around, squares, k])

    def result(self, statistics: Array) -> float:
        total, _, around, errors, _ = statistics
        if not total.any():
            return math.nan  # of no samples
        constant = around == 0.0
        scores = 1.0 - errors / np.where(constant, 1.0, around)
        return float(np.where(constant, errors == 0.0, scores).mean())


# --- the confusion matrix -------------------------------------------------------------------------


MOST_CLASSES = 10_000
"""Classes of a confusion matrix; beyond, labels are more likely to be numbers of another kind."""


@named
def confusion_matrix(y: Any, predicted: Any, classes: int | None = None) -> Array:
    """How often class i was taken for class j.

    Parameters
    ----------
    y : (N,) or (N, K) array
        True labels, or one-hot rows.
    predicted : (N,) or (N, K) array
        Predicted labels, or outputs whose largest counts.
    classes
        K; by default as many as occur.

    Returns
    -------
    (K, K) ndarray of int
        Rows are true classes, columns predicted ones.

    Raises
    ------
    ValueError
        Lengths that differ, no samples, labels that are not whole or not below K, more than
        10,000 classes.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1], [0, 1, 0])
    array([[1, 0],
           [1, 1]])
    """
    _check_truth_first(y, predicted)
    (true, wide), (guessed, high) = _as_labels(y, "y"), _as_labels(predicted, "predicted")
    if len(true) != len(guessed) or len(true) == 0:
        raise ValueError(
            "confusion_matrix takes one prediction for each label, and at least one. Got "
            f"{len(true)} labels and {len(guessed)} predictions."
        )
    K = max(wide, high)
    if classes is not None:
        K = integer(classes, "confusion_matrix's classes", minimum=1)
        for labels, most, who in ((true, wide, "y"), (guessed, high, "predicted")):
            if most > K:
                came = f"Got {labels.max()} in row {labels.argmax()}."
                if labels.max() < K:
                    came = f"Got rows of {most}."
                raise ValueError(
                    f"confusion_matrix takes {who} with {K} classes, labels 0 to {K - 1}. {came}"
                )
    if K > MOST_CLASSES:
        raise ValueError(f"confusion_matrix takes at most {MOST_CLASSES:,} classes. Got {K:,}.")
    counts = np.bincount(true * K + guessed, minlength=K * K)
    return counts.reshape(K, K)


def _check_truth_first(y: Any, predicted: Any) -> None:
    """Refuse outputs in the place of the true classes, where the others are plainly labels."""
    y, predicted = as_array(y, "y"), as_array(predicted, "predicted")
    first = y.ndim and y.dtype.kind == "f" and ((y > 0) & (y < 1)).any()
    if first and (predicted.dtype.kind != "f" or (predicted == np.floor(predicted)).all()):
        raise ValueError(
            f"confusion_matrix takes the true classes first. Got outputs {y.shape} first, and "
            f"labels {predicted.shape} second. Exchange them, or give them by name: y=…, "
            "predicted=…"
        )


def _as_labels(values: Any, who: str) -> tuple[Array, int]:
    """Labels (N,), and how many classes they show."""
    array = as_array(values, who)
    finite(array, who)
    if array.ndim == 2 and array.shape[1] > 1:
        _check_one_class(array, who)
        return array.argmax(axis=1), array.shape[1]
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"confusion_matrix takes {who} as labels (N,) or rows (N, K). Got {array.shape}."
        )
    bad = (array < 0) | (array >= MOST_CLASSES) | (array != np.floor(array))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"confusion_matrix takes {who} as whole labels from 0 to {MOST_CLASSES - 1:,}. Got "
            f"{array[row]} in row {row}. Make probabilities of one output labels first: "
            f"({who} > 0.5)."
        )
    labels = array.astype(np.intp)
    return labels, int(labels.max(initial=-1)) + 1


def _check_one_class(rows: Array, who: str) -> None:
    """Refuse rows of 0 and 1 that name no class or several, which is a matrix for each class."""
    ones = np.count_nonzero(rows == 1, axis=1)
    if ones.any() and not (ones == 1).all() and ((rows == 0) | (rows == 1)).all():
        row = int(np.argmax(ones != 1))
        raise ValueError(
            f"confusion_matrix takes rows of {who} that name one class. Got {ones[row]} classes in "
            f"row {row}. For several yes-or-no answers make a matrix for each column k: "
            f"confusion_matrix(y[:, k], predicted[:, k])."
        )
