"""The metrics, with Keras' names; called themselves they take (y_true, y_pred)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minnet import metrics as core
from minnet.foundation.checks import Array
from minnet.foundation.registry import snake_case
from minnet.foundation.strict import is_minnets, named
from minnet.keras import losses, words
from minnet.keras.data import targets
from minnet.keras.names import meant, only, plain, refuse, refuse_keras_own, table
from minnet.keras.variables import Tensor, tensor

__getattr__ = words.answering(__name__)


class Metric(core.Metric):
    """What all metrics behind this door answer to; one of your own has `statistics`.

    `update_state(y_true, y_pred)` gathers batches, `result()` is the figure of all of them, and
    `reset_state()` forgets them. A fit and an evaluation gather for themselves.
    """

    argument_names = ("(y_true, y_pred)", "y_true", "y_pred")

    _gathered: Array | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        if not is_minnets(cls) and "update_state" in vars(cls):
            raise NotImplementedError(
                f"{cls.__name__} has update_state. minnet gathers a metric's batches itself: write "
                "statistics(prediction, target), as minnet.metrics.Metric explains."
            )
        super().__init_subclass__(**options)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch in."""
        prediction, target = targets(y_pred), targets(y_true)
        self.check_order(prediction, target)
        if prediction.ndim == 1:
            prediction = prediction.reshape(-1, 1)
        self.check_target(target, prediction.shape[1:], "y_true")
        if sample_weight is None:
            new = self.statistics(prediction, target)
        else:
            new = self.weighted_statistics(prediction, target, targets(sample_weight))
        self._gathered = new if self._gathered is None else self.merge(self._gathered, new)

    def result(self, statistics: Array | None = None) -> Any:
        """The figure of the statistics, or of what `update_state` gathered."""
        if statistics is not None:
            return super().result(statistics)
        return tensor(0.0 if self._gathered is None else super().result(self._gathered))

    def reset_state(self) -> None:
        """Forget what was gathered."""
        self._gathered = None

    reset_states = reset_state

    def __call__(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Tensor:
        """Count a batch in, and return the figure of all so far."""
        self.update_state(y_true, y_pred, sample_weight)
        figure: Tensor = self.result()
        return figure


class Accuracy(Metric, core.Accuracy):
    """The share of samples whose class is right."""

    in_files: ClassVar[Any] = core.Accuracy

    def __init__(
        self, name: str | None = "accuracy", dtype: Any = None, *, threshold: float | None = None
    ) -> None:
        core.Accuracy.__init__(self, threshold, name=name)


class CategoricalAccuracy(Metric, core.Accuracy):
    """The share of samples whose class is right, for one-hot rows."""

    in_files: ClassVar[Any] = core.Accuracy

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        core.Accuracy.__init__(self, name=name)


class SparseCategoricalAccuracy(Metric, core.Accuracy):
    """The share of samples whose class is right, for labels."""

    in_files: ClassVar[Any] = core.Accuracy

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        core.Accuracy.__init__(self, name=name)


class BinaryAccuracy(Metric, core.BinaryAccuracy):
    """The share of right yes-or-no outputs."""

    in_files: ClassVar[Any] = core.BinaryAccuracy

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: Any = None,
        threshold: float | None = None,
    ) -> None:
        core.BinaryAccuracy.__init__(self, threshold, name=name)


class TopKCategoricalAccuracy(Metric, core.TopKCategoricalAccuracy):
    """The share of samples whose class is among the k largest outputs, for one-hot rows."""

    in_files: ClassVar[Any] = core.TopKCategoricalAccuracy

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        core.TopKCategoricalAccuracy.__init__(self, k, name=name)


class SparseTopKCategoricalAccuracy(Metric, core.TopKCategoricalAccuracy):
    """The share of samples whose class is among the k largest outputs, for labels."""

    in_files: ClassVar[Any] = core.TopKCategoricalAccuracy

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        core.TopKCategoricalAccuracy.__init__(self, k, name=name)


class MeanSquaredError(Metric, core.MSE):
    """The mean squared error."""

    in_files: ClassVar[Any] = core.MSE

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        core.MSE.__init__(self, name=name)


class MeanAbsoluteError(Metric, core.MAE):
    """The mean absolute error."""

    in_files: ClassVar[Any] = core.MAE

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        core.MAE.__init__(self, name=name)


class RootMeanSquaredError(Metric, core.RMSE):
    """The root of the mean squared error."""

    in_files: ClassVar[Any] = core.RMSE

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        core.RMSE.__init__(self, name=name)


class R2Score(Metric, core.R2Score):
    """The coefficient of determination."""

    in_files: ClassVar[Any] = core.R2Score

    def __init__(
        self,
        class_aggregation: str = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        only(
            "R2Score",
            "Outputs are averaged evenly.",
            class_aggregation=(class_aggregation, "uniform_average"),
            num_regressors=(num_regressors, 0),
        )
        core.R2Score.__init__(self, name=name)


class MeanLoss(Metric, core.MeanLoss):
    """A loss as a figure; the classes below name the loss."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.MeanSquaredError

    def __init__(self, name: str | None = None, dtype: Any = None, **settings: Any) -> None:
        settings.pop("axis", None)
        loss = settings.pop("loss", None)
        name = snake_case(type(self)) if name is None else name
        core.MeanLoss.__init__(self, self.of(**settings) if loss is None else loss, name=name)


class BinaryCrossentropy(MeanLoss):
    """The cross-entropy of yes-or-no outputs."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.BinaryCrossentropy


class CategoricalCrossentropy(MeanLoss):
    """The cross-entropy of classes, for one-hot rows."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.CategoricalCrossentropy


class SparseCategoricalCrossentropy(MeanLoss):
    """The cross-entropy of classes, for labels."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.SparseCategoricalCrossentropy


class MeanAbsolutePercentageError(MeanLoss):
    """The mean error in percent of the target."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(MeanLoss):
    """The mean squared error of logarithms."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.MeanSquaredLogarithmicError


class CosineSimilarity(MeanLoss):
    """The cosine of the angle between prediction and target."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.CosineSimilarity


class Poisson(MeanLoss):
    """The negative log-likelihood of counts."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.Poisson


class KLDivergence(MeanLoss):
    """How far a distribution is from the target's."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.KLDivergence


class Hinge(MeanLoss):
    """The support vector machine's loss."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.Hinge


class SquaredHinge(MeanLoss):
    """The square of the hinge."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.SquaredHinge


class CategoricalHinge(MeanLoss):
    """The hinge of classes."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.CategoricalHinge


class LogCoshError(MeanLoss):
    """The logarithm of the hyperbolic cosine of the error."""

    in_files: ClassVar[Any] = core.MeanLoss
    of: ClassVar[Any] = losses.LogCosh


class _Decisions(Metric):
    """What is counted of decisions: at one threshold, or called by itself at several.

    In a fit a figure is one number, so compile refuses several.
    """

    in_files: ClassVar[Any]

    each: tuple[Any, ...] = ()
    """With several thresholds, a metric for each."""

    def make_with(self, thresholds: Any, class_id: Any, name: str | None) -> None:
        if isinstance(thresholds, np.ndarray):
            thresholds = thresholds.tolist()
        if isinstance(thresholds, (list, tuple)) and len(thresholds) > 1:
            kind: Any = type(self)
            self.each = tuple(kind(one, class_id=class_id) for one in thresholds)
        first = thresholds[0] if isinstance(thresholds, (list, tuple)) else thresholds
        self.in_files.__init__(self, first, class_id, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch in."""
        for one in self.each or (super(),):
            one.update_state(y_true, y_pred, sample_weight)

    def result(self, statistics: Array | None = None) -> Any:
        """The figure so far; with several thresholds, one for each."""
        if self.each and statistics is None:
            return tensor([one.result() for one in self.each])
        return super().result(statistics)

    def reset_state(self) -> None:
        """Forget what was gathered."""
        for one in self.each or (super(),):
            one.reset_state()


class _Counts(_Decisions):
    """What the four counts take."""

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        threshold: float | None = None,
        class_id: int | None = None,
    ) -> None:
        given = thresholds if threshold is None else threshold
        self.make_with(given, class_id, name)


class _Shares(_Decisions):
    """What precision and recall take."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        threshold: float | None = None,
    ) -> None:
        only(self.in_files.__name__, "Use a threshold.", top_k=(top_k, None))
        given = thresholds if threshold is None else threshold
        self.make_with(given, class_id, name)


class TruePositives(_Counts, core.TruePositives):
    """How many outputs rightly say yes."""

    in_files: ClassVar[Any] = core.TruePositives


class FalsePositives(_Counts, core.FalsePositives):
    """How many outputs wrongly say yes."""

    in_files: ClassVar[Any] = core.FalsePositives


class TrueNegatives(_Counts, core.TrueNegatives):
    """How many outputs rightly say no."""

    in_files: ClassVar[Any] = core.TrueNegatives


class FalseNegatives(_Counts, core.FalseNegatives):
    """How many outputs wrongly say no."""

    in_files: ClassVar[Any] = core.FalseNegatives


class Precision(_Shares, core.Precision):
    """The share of those that are called positive and are."""

    in_files: ClassVar[Any] = core.Precision


class Recall(_Shares, core.Recall):
    """The share of the positives that are called so."""

    in_files: ClassVar[Any] = core.Recall


class AUC(Metric, core.AUC):
    """The area under a curve of the decisions at all thresholds."""

    in_files: ClassVar[Any] = core.AUC

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        only(
            "AUC",
            "All outputs count together. For one label of several take its column.",
            multi_label=(multi_label, False),
            num_labels=(num_labels, None),
            label_weights=(label_weights, None),
        )
        core.AUC.__init__(
            self,
            num_thresholds,
            curve,
            summation_method=summation_method,
            thresholds=thresholds,
            from_logits=from_logits,
            name=name,
        )


class MeanMetricWrapper(Metric, core.MeanOfFunction):
    """The mean of a function of (y_true, y_pred)."""

    def __init__(
        self, fn: Any, name: str | None = None, dtype: Any = None, **settings: Any
    ) -> None:
        function = functools.partial(fn, **settings) if settings else fn
        name = getattr(fn, "__name__", "function") if name is None else name
        core.MeanOfFunction.__init__(self, function, name=name)


class Mean(Metric, core.Average):
    """The mean of the numbers that `update_state(values)` was given."""

    in_files: ClassVar[Any] = core.Average

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        core.Average.__init__(self, name=name)

    def update_state(  # type: ignore[override]
        self, values: Any, sample_weight: Any = None, _: Any = None
    ) -> None:
        """Count numbers in."""
        super().update_state(values, values, sample_weight)

    def __call__(  # type: ignore[override]
        self, values: Any, sample_weight: Any = None, _: Any = None
    ) -> Tensor:
        """Count numbers in, and return the figure of all so far."""
        self.update_state(values, sample_weight)
        figure: Tensor = self.result()
        return figure


class Sum(Mean):
    """The sum of the numbers that `update_state(values)` was given."""

    in_files: ClassVar[Any] = core.Average

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name)

    def result(self, statistics: Array | None = None) -> Any:
        """The sum so far."""
        gathered = self._gathered if statistics is None else statistics
        return tensor(0.0 if gathered is None else gathered[0])


def _function(name: str) -> Callable[..., Any]:
    """Return the figure of a batch as a function of (y_true, y_pred)."""

    def figure(y_true: Any, y_pred: Any, **settings: Any) -> Tensor:
        value: Tensor = NAMES[plain(name)](**settings)(y_true, y_pred)
        return value

    figure.__name__ = figure.__qualname__ = name
    figure.__doc__ = f"The figure `{name}` of a batch."
    return named(figure)


binary_accuracy = _function("binary_accuracy")
categorical_accuracy = _function("categorical_accuracy")
sparse_categorical_accuracy = _function("sparse_categorical_accuracy")
top_k_categorical_accuracy = _function("top_k_categorical_accuracy")
sparse_top_k_categorical_accuracy = _function("sparse_top_k_categorical_accuracy")
binary_crossentropy = losses.binary_crossentropy
categorical_crossentropy = losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy
mean_squared_error = mse = MSE = losses.mean_squared_error
mean_absolute_error = mae = MAE = losses.mean_absolute_error
mean_absolute_percentage_error = mape = MAPE = losses.mean_absolute_percentage_error
mean_squared_logarithmic_error = msle = MSLE = losses.mean_squared_logarithmic_error
huber = losses.huber
log_cosh = losses.log_cosh
poisson = losses.poisson
kl_divergence = kld = KLD = losses.kl_divergence
hinge = losses.hinge
squared_hinge = losses.squared_hinge
categorical_hinge = losses.categorical_hinge

OURS = (
    *(Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy),
    *(TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, MeanSquaredError),
    *(MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError),
    *(RootMeanSquaredError, R2Score, CosineSimilarity, LogCoshError, Poisson, KLDivergence),
    *(Hinge, SquaredHinge, CategoricalHinge, BinaryCrossentropy, CategoricalCrossentropy),
    *(SparseCategoricalCrossentropy, Precision, Recall, AUC),
    *(TruePositives, FalsePositives, TrueNegatives, FalseNegatives),
)
NAMES: dict[str, Callable[..., Any]] = table(
    {
        **core.METRICS,
        **{kind.__name__: kind for kind in OURS},
        "mse": MeanSquaredError,
        "mae": MeanAbsoluteError,
        "mape": MeanAbsolutePercentageError,
        "msle": MeanSquaredLogarithmicError,
        "bce": BinaryCrossentropy,
        "kld": KLDivergence,
        "acc": Accuracy,
        "log_cosh": LogCoshError,
    }
)
FUNCTIONS = {
    function: name
    for name, function in list(globals().items())
    if callable(function) and plain(name) in NAMES and not isinstance(function, type)
}
"""Function → the name of its figure."""


def get(identifier: Any) -> Any:
    """Return the metric of this name, which it keeps in logs; a function's mean; or an object."""
    if isinstance(identifier, str):
        if identifier in words.TABLE["metrics"]:
            words.Missing(f"metrics.{identifier}", words.METRICS)()
        metric = meant(identifier, NAMES, "Each of compile's metrics")
        metric.name = identifier
        return metric
    if isinstance(identifier, _Decisions) and identifier.each:
        instead = "A fit's figure is one number: give compile one metric for each threshold."
        count = len(identifier.each)
        refuse(type(identifier).__name__, "several thresholds", f"{count} of them", instead)
    refuse_keras_own(identifier, "Each of compile's metrics")
    if isinstance(identifier, core.Metric) or not callable(identifier):
        return identifier
    if isinstance(identifier, (type, words.Missing)):
        return identifier()
    if identifier in FUNCTIONS:
        return get(identifier.__name__)
    return MeanMetricWrapper(identifier)
