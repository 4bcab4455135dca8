"""The metrics, with Keras' names; called themselves they take (y_true, y_pred)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minnet import metrics as core
from minnet.foundation.checks import Array
from minnet.foundation.strict import is_minnets
from minnet.keras import words
from minnet.keras.data import targets
from minnet.keras.names import meant, table
from minnet.keras.variables import Tensor, tensor

__getattr__ = words.answering(__name__)


class Metric(core.Metric):
    """What all metrics behind this door answer to; one of your own has `statistics`.

    `update_state(y_true, y_pred)` gathers batches, `result()` is the figure of all of them, and
    `reset_state()` forgets them. A fit and an evaluation gather for themselves.
    """

    _gathered: Array | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not is_minnets(cls) and "update_state" in vars(cls):
            raise NotImplementedError(
                f"{cls.__name__} has update_state. minnet gathers a metric's batches itself: write "
                "statistics(prediction, target), as minnet.metrics.Metric explains."
            )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch in."""
        prediction, target = targets(y_pred), targets(y_true)
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


NAMES: dict[str, Callable[..., Any]] = table(
    {
        **core.METRICS,
        "mean_squared_error": MeanSquaredError,
        "mean_absolute_error": MeanAbsoluteError,
    }
)


def get(identifier: Any) -> Any:
    """Return the metric of this name, which it keeps in logs; an object as it is."""
    if isinstance(identifier, str):
        metric = meant(identifier, NAMES, "Each of compile's metrics")
        metric.name = identifier
        return metric
    return meant(identifier, NAMES, "Each of compile's metrics")
