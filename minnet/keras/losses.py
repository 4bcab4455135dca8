"""The losses, as classes and as functions of (y_true, y_pred)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minnet import losses as core
from minnet.foundation.checks import short
from minnet.foundation.strict import is_minnets, named
from minnet.keras import words
from minnet.keras.data import targets
from minnet.keras.names import meant, only, refuse, refuse_keras_own, table
from minnet.keras.variables import PREDICTIONS, TARGETS, Known, Tensor, Unknown, tensor
from minnet.layers import Sigmoid, Softmax

__getattr__ = words.answering(__name__)


class Loss(core.Loss):
    """What all losses behind this door answer to; one of your own has two formulas.

    `per_sample(prediction, target)` and `gradient(prediction, target)`, as `minnet.losses.Loss`
    explains; called itself, a loss takes (y_true, y_pred).
    """

    argument_names = ("(y_true, y_pred)", "y_true", "y_pred")

    of_each: bool = False
    """Whether it gives a number for each sample, where it is called by itself."""

    def __init__(self, reduction: Any = None, name: str | None = None, dtype: Any = None) -> None:
        self.reduce_by(reduction)

    def __init_subclass__(cls, **options: Any) -> None:
        if not is_minnets(cls) and "call" in vars(cls):
            raise NotImplementedError(
                f"{cls.__name__} has call. minnet differentiates no code: a Loss has its formulas, "
                "per_sample and gradient, as minnet.losses.Loss explains."
            )
        super().__init_subclass__(**options)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch, a number; with `reduction="none"`, of each sample."""
        if isinstance(y_pred, Unknown):
            return _known(self, y_true, y_pred, sample_weight)
        if self.of_each:
            only("Such a loss", "Multiply by it.", sample_weight=(sample_weight, None))
            return each_sample(self, y_true, y_pred)
        value = super().__call__(targets(y_pred), targets(y_true), sample_weight)
        return tensor(value)

    def reduce_by(self, reduction: Any) -> None:
        """Take the mean over the samples, or none, for a loss that is called by itself."""
        if reduction == "none":
            self.of_each = True
        elif reduction not in (None, "auto"):
            instead = 'A loss is the mean over the samples, or with "none" a number for each.'
            only(type(self).__name__, instead, reduction=(reduction, "sum_over_batch_size"))


def _known(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Known:
    """What a loss gives that is called on targets and predictions that are not there yet."""
    if (y_true, y_pred, sample_weight) != (TARGETS, PREDICTIONS, None):
        raise TypeError("the arguments of a loss are y_true and y_pred, as they came")
    return Known(loss)


def each_sample(loss: Any, y_true: Any, y_pred: Any) -> Tensor:
    """Return the loss of each sample, (N,)."""
    prediction = targets(y_pred)
    loss.check_order(prediction, targets(y_true))
    if prediction.dtype.kind != "f":
        prediction = prediction.astype("float32")
    if prediction.ndim == 1:
        prediction = prediction.reshape(-1, 1)
    target = loss.check_target(targets(y_true), prediction.shape[1:], "y_true")
    return tensor(loss.per_sample(prediction, target))


class BinaryCrossentropy(Loss, core.BinaryCrossEntropy):
    """The cross-entropy of yes-or-no outputs."""

    in_files: ClassVar[Any] = core.BinaryCrossEntropy
    fuses = Sigmoid

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.reduce_by(reduction)
        core.BinaryCrossEntropy.__init__(self, from_logits, label_smoothing)


class CategoricalCrossentropy(Loss, core.CrossEntropy):
    """The cross-entropy of classes, for one-hot rows."""

    in_files: ClassVar[Any] = core.CrossEntropy
    fuses = Softmax

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.reduce_by(reduction)
        core.CrossEntropy.__init__(self, from_logits, label_smoothing)


class SparseCategoricalCrossentropy(Loss, core.CrossEntropy):
    """The cross-entropy of classes, for labels."""

    in_files: ClassVar[Any] = core.CrossEntropy
    fuses = Softmax

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = None,
        axis: int = -1,
        name: str | None = None,
        dtype: Any = None,
        *,
        label_smoothing: float = 0.0,
    ) -> None:
        self.reduce_by(reduction)
        instead = "Give such samples a sample_weight of 0."
        only("SparseCategoricalCrossentropy", instead, ignore_class=(ignore_class, None))
        core.CrossEntropy.__init__(self, from_logits, label_smoothing)


class MeanSquaredError(Loss, core.MeanSquaredError):
    """The mean squared error."""

    in_files: ClassVar[Any] = core.MeanSquaredError


class MeanAbsoluteError(Loss, core.MeanAbsoluteError):
    """The mean absolute error."""

    in_files: ClassVar[Any] = core.MeanAbsoluteError


class MeanAbsolutePercentageError(Loss, core.MeanAbsolutePercentageError):
    """The mean error in percent of the target."""

    in_files: ClassVar[Any] = core.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(Loss, core.MeanSquaredLogarithmicError):
    """The mean squared error of logarithms."""

    in_files: ClassVar[Any] = core.MeanSquaredLogarithmicError


class LogCosh(Loss, core.LogCosh):
    """The logarithm of the hyperbolic cosine of the error."""

    in_files: ClassVar[Any] = core.LogCosh


class Huber(Loss, core.Huber):
    """Squares of small errors, sizes of large ones."""

    in_files: ClassVar[Any] = core.Huber

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.reduce_by(reduction)
        core.Huber.__init__(self, delta)


class CosineSimilarity(Loss, core.CosineSimilarity):
    """Minus the cosine of the angle between prediction and target."""

    in_files: ClassVar[Any] = core.CosineSimilarity
    one_shape = True

    def __init__(
        self,
        axis: int = -1,
        reduction: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.reduce_by(reduction)
        core.CosineSimilarity.__init__(self)


class Poisson(Loss, core.Poisson):
    """The negative log-likelihood of counts."""

    in_files: ClassVar[Any] = core.Poisson


class KLDivergence(Loss, core.KLDivergence):
    """How far a distribution is from the target's."""

    in_files: ClassVar[Any] = core.KLDivergence


class Hinge(Loss, core.Hinge):
    """The support vector machine's loss."""

    in_files: ClassVar[Any] = core.Hinge


class SquaredHinge(Loss, core.SquaredHinge):
    """The square of the hinge."""

    in_files: ClassVar[Any] = core.SquaredHinge


class CategoricalHinge(Loss, core.CategoricalHinge):
    """The hinge of classes."""

    in_files: ClassVar[Any] = core.CategoricalHinge


OF_FUNCTIONS: dict[Any, Callable[..., Loss]] = {}
"""Function → the class of that loss."""


def _function(name: str, kind: Callable[..., Any]) -> Callable[..., Tensor]:
    def loss(y_true: Any, y_pred: Any, **settings: Any) -> Any:
        if isinstance(y_pred, Unknown):
            return _known(kind(**settings), y_true, y_pred)
        return each_sample(kind(**settings), y_true, y_pred)

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = f"The loss of each sample, (N,): the formula of `{name}`."
    answering: Callable[..., Tensor] = named(loss)
    OF_FUNCTIONS[answering] = kind
    return answering


binary_crossentropy = _function("binary_crossentropy", BinaryCrossentropy)
categorical_crossentropy = _function("categorical_crossentropy", CategoricalCrossentropy)
sparse_categorical_crossentropy = _function(
    "sparse_categorical_crossentropy", SparseCategoricalCrossentropy
)
mean_squared_error = mse = MSE = _function("mean_squared_error", MeanSquaredError)
mean_absolute_error = mae = MAE = _function("mean_absolute_error", MeanAbsoluteError)
mean_absolute_percentage_error = mape = MAPE = _function(
    "mean_absolute_percentage_error", MeanAbsolutePercentageError
)
mean_squared_logarithmic_error = msle = MSLE = _function(
    "mean_squared_logarithmic_error", MeanSquaredLogarithmicError
)
cosine_similarity = _function("cosine_similarity", CosineSimilarity)
huber = _function("huber", Huber)
log_cosh = _function("log_cosh", LogCosh)
poisson = _function("poisson", Poisson)
kl_divergence = kld = KLD = _function("kl_divergence", KLDivergence)
hinge = _function("hinge", Hinge)
squared_hinge = _function("squared_hinge", SquaredHinge)
categorical_hinge = _function("categorical_hinge", CategoricalHinge)

SHORT: dict[str, Callable[..., Any]] = {
    "bce": BinaryCrossentropy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "kld": KLDivergence,
    "kullback_leibler_divergence": KLDivergence,
    "huber_loss": Huber,
    "cosine_proximity": CosineSimilarity,
    "cross_entropy": core.CrossEntropy,
    "binary_cross_entropy": BinaryCrossentropy,
}
NAMES = table({function.__name__: kind for function, kind in OF_FUNCTIONS.items()} | SHORT)


def get(identifier: Any) -> Any:
    """Return the loss of this name, or of one of these functions; an object as it is.

    Raises
    ------
    NotImplementedError
        A function of one's own: nobody knows its derivative.
    """
    if isinstance(identifier, dict):
        identifier = list(identifier.values())
    if isinstance(identifier, (list, tuple)):
        if len(identifier) != 1:
            refuse("compile", "several losses", identifier, words.SEVERAL_OUTPUTS)
        identifier = identifier[0]
    if isinstance(identifier, str) and identifier in words.TABLE["losses"]:
        words.Missing(f"losses.{identifier}", words.LOSSES)()
    if isinstance(identifier, Loss) and identifier.of_each:
        instead = 'A model is trained by the mean over the samples: leave reduction="none" out.'
        refuse("compile", "such a loss", identifier, instead)
    refuse_keras_own(identifier, "compile's loss")
    if isinstance(identifier, core.Loss) or not callable(identifier):
        return meant(identifier, NAMES, "compile's loss")
    if identifier in OF_FUNCTIONS:
        return OF_FUNCTIONS[identifier]()
    if isinstance(identifier, (type, words.Missing)):
        return identifier()
    if (loss := named_by(identifier)) is not None:
        return loss
    name = getattr(identifier, "__name__", "")
    raise NotImplementedError(
        f"compile's loss takes a name, or a Loss. Got the function {name or short(identifier)}, "
        "whose derivative nobody knows. Write a Loss with its two formulas, per_sample and "
        "gradient, as minnet.losses.Loss explains; check_gradients holds them."
    )


def named_by(function: Callable[..., Any]) -> Any:
    """Return the loss that a function of (y_true, y_pred) calls, where it does nothing besides.

    Such as `lambda y, p: losses.sparse_categorical_crossentropy(y, p, from_logits=True)`, or
    `functools.partial(losses.huber, delta=2.0)`. None for any other function.
    """
    try:
        result = function(TARGETS, PREDICTIONS)
    except Exception:
        return None
    return result.loss if isinstance(result, Known) else None
