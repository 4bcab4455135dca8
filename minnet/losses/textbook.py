"""The contract of a loss, and the four that every book has.

A loss is the mean over the N samples of a batch; with sample weights it is Σ wₙ Lₙ / N, as in
Keras. `per_sample` is Lₙ, `gradient` is ∂L/∂prediction of the mean, so 1/N is in it.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from minnet.foundation.borders import one_a_sample
from minnet.foundation.checks import Array, Shape, as_array, boolean, finite, number
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import check_called, setting
from minnet.foundation.targets import (
    ORDER,
    align_formulas,
    aligned,
    aligned_after_activation,
    check_distributions,
    check_from_0_to_1,
    check_order,
    check_pairs,
    check_probabilities,
    check_weight,
    in_shape,
    labels_or_rows,
    warn_of_probabilities,
)
from minnet.layers.activations import Sigmoid, Softmax
from minnet.layers.base import Layer


class Loss(Configurable):
    """The contract of a loss.

    Shapes: prediction and target (N, M), or (N,) for one output; the loss is one number.

    A loss of your own has two formulas, as the example does, and `@minnet.register` above it if it
    is to be saved.

    A target `(N,)` for predictions `(N, 1)`, or the other way round, is aligned before a formula is
    called, and other differences are refused. A loss whose targets have another shape, as labels
    have, has a `check_target` of its own.

    Raises
    ------
    ValueError
        When it is called: targets of another shape than the predictions, NaN or infinity in them,
        numbers that this loss does not take, or targets that came in the predictions' place.
    TypeError
        An argument of another type, or one that this loss does not have.

    Arguments of its methods
    ------------------------
    prediction, target : (N, M) ndarray
        What the model gave, and what was wanted, one sample a row.
    z, y : (N, M) ndarray
        The logits, and the activation's output y = activation(z).
    output_shape
        The shape of one prediction, without N.
    who
        What the user calls the targets, for messages.

    Examples
    --------
    >>> import numpy as np
    >>> class Quartic(Loss):  # L_n = mean over m of (p − t)⁴
    ...     def per_sample(self, prediction, target):  # (N, M), (N, M) → (N,)
    ...         return ((prediction - target) ** 4).mean(axis=1)
    ...
    ...     def gradient(self, prediction, target):  # ∂(mean of per_sample)/∂prediction
    ...         return 4 * (prediction - target) ** 3 / prediction.size
    >>> loss = Quartic()
    >>> loss(target=[1.0, 4.0], prediction=[1.0, 2.0])
    8.0
    >>> loss.check_target([1.0, 4.0], (1,)).shape
    (2, 1)
    >>> from minnet.losses import CrossEntropy
    >>> CrossEntropy().fused(np.zeros((1, 2)), np.full((1, 2), 0.5), np.array([1]))
    (array([0.69314718]), array([[ 0.5, -0.5]]))
    """

    from_logits: bool = False
    """Whether predictions are logits, so that the loss applies softmax or sigmoid itself."""

    scores: ClassVar[bool] = False
    """Whether predictions are scores that say yes above 0, as those of a hinge are."""

    fuses: ClassVar[type[Layer] | None] = None
    """The activation that, as a model's last step, is computed together with this loss."""

    fuses_itself: ClassVar[type[Layer] | None] = None
    """The same, where this very class says so: a subclass may have other formulas."""

    one_shape: ClassVar[bool] = True
    """Whether targets have the predictions' shape; False where a class has its own check_target."""

    of_classes: ClassVar[bool] = False
    """Whether targets are classes, so that labels in the prediction's place can be told."""

    argument_names: ClassVar[tuple[str, str, str]] = ORDER
    """How messages name the arguments in their order, the target, and the prediction."""

    def _follows(self, name: str, value: Any) -> bool:
        """The metrics of a model read its outputs as the loss does when it is compiled."""
        return name == "from_logits" and value != self.from_logits

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        formulas = "Write per_sample(prediction, target) and gradient(prediction, target)."
        check_called(cls, dict.fromkeys(("__call__", "call"), formulas))
        cls.fuses_itself = vars(cls).get("fuses")
        if "check_target" in vars(cls) and "one_shape" not in vars(cls):
            cls.one_shape = False
        align_formulas(cls, {"per_sample": aligned, "gradient": aligned})
        if cls.one_shape:  # labels need no alignment, and this runs in every step
            align_formulas(cls, {"fused": aligned_after_activation})

    def per_sample(self, prediction: Array, target: Array) -> Array:
        """Lₙ for each row, of shape (N,)."""
        raise NotImplementedError(f"{type(self).__name__} has no per_sample(prediction, target).")

    def gradient(self, prediction: Array, target: Array) -> Array:
        """∂L/∂prediction for L = Σ Lₙ / N, in the prediction's shape."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient(prediction, target).")

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        """Lₙ and ∂L/∂z for y = activation(z), for the activation that `fuses` names."""
        raise NotImplementedError(f"{type(self).__name__} has no fused(z, y, target).")

    def is_fused_with(self, step: Layer) -> bool:
        """Whether loss and last step are computed together: for exactly these two classes.

        A subclass of either, such as a student's own softmax, is really run.
        """
        return type(step) is self.fuses_itself and not self.from_logits

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """The target as this loss computes with it, one row for each sample.

        Here: numbers in the prediction's shape. `(N,)` and `(N, 1)` mean the same and are
        aligned, so that a difference is never broadcast to `(N, N)`.
        """
        y = as_array(target, who)
        hint = ""
        if output_shape == (1,):
            hint = " The last layer has one output; give it as many as y has columns."
        elif output_shape and y.shape[1:] in ((), (1,)):
            K = output_shape[-1]
            hint = f" For class labels use cross-entropy, or minnet.datasets.one_hot({who}, {K})."
        y = in_shape(y, output_shape, type(self).__name__, who, hint)
        finite(y, who)
        return y

    def check_prediction(self, prediction: Array) -> None:
        """Refuse or warn of predictions that this loss does not take, where it is called alone.

        >>> class OfRates(Loss):
        ...     def check_prediction(self, prediction):
        ...         if (prediction < 0).any():
        ...             raise ValueError("OfRates takes rates, 0 or more.")
        """

    def check_order(self, prediction: Array, target: Array) -> None:
        """Refuse labels that came as the prediction, where they are plainly labels."""
        if self.of_classes:
            owner, names = type(self).__name__, self.argument_names
            check_order(prediction, target, owner, names, logits=self.from_logits)

    def __call__(self, prediction: Any, target: Any, sample_weight: Any = None) -> float:
        """The loss of a batch, checked first; in nats for the cross-entropies.

        The prediction comes first (in Keras, the target); `loss(target=y, prediction=p)` reads in
        either order. Labels in the prediction's place are refused where they are plainly labels.

        Parameters
        ----------
        prediction : (N, …) array
        target : (N, …) array
        sample_weight : (N,) array or None
        """
        prediction = as_array(prediction, "prediction")
        self.check_order(prediction, as_array(target, "target"))
        self.check_prediction(prediction)
        if prediction.ndim == 1:
            prediction = prediction.reshape(-1, 1)
        if prediction.dtype.kind != "f":
            prediction = prediction.astype(np.float64)
        finite(prediction, "prediction")
        target = self.check_target(target, prediction.shape[1:], "target")
        check_pairs(prediction, target, type(self).__name__)
        weight = None if sample_weight is None else check_weight(sample_weight, len(prediction))
        with np.errstate(over="ignore", invalid="ignore"):  # a loss beyond all numbers is inf
            losses = self.per_sample(prediction, target)
            return mean(one_a_sample(self, "per_sample", prediction, losses), weight)


def mean(losses: Array, weight: Array | None = None) -> float:
    """Return Σ wₙ Lₙ / N as a Python number.

    Parameters
    ----------
    losses : (N,) array
        Lₙ, the loss of each row.
    weight : (N,) array or None
        wₙ; None counts every row once.

    Raises
    ------
    ValueError
        The two differ in length, by NumPy's own message: this is a formula, and is not checked.

    Examples
    --------
    >>> mean(np.array([1.0, 3.0])), mean(np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    (2.0, 0.5)
    """
    if weight is None:
        total = losses.sum()
    else:  # a dot product loses digits of many
        total = np.dot(weight, losses) if len(losses) < 1024 else (weight * losses).sum()
    value: float = total.item() / len(losses)
    if value == math.inf or value != value:
        value = _mean_at_the_end(losses, weight)
    return value


def _mean_at_the_end(losses: Array, weight: Array | None) -> float:
    """Σ wₙ Lₙ / N where the sum overflows before the mean does, or a loss counts 0 and is inf."""
    if weight is None:
        return float((losses / len(losses)).sum())
    counted = weight != 0
    return float((weight[counted] * (losses[counted] / len(losses))).sum())


def over_outputs(values: Array) -> Array:
    """The mean of the M outputs of each sample, (N,), of values of shape (N, M) or (N, …)."""
    axes = tuple(range(1, values.ndim))
    means: Array = values.mean(axis=axes)
    if values.shape[1:] != (1,) and not np.isfinite(means).all():  # their sum may overflow
        means = (values / values[0].size).sum(axis=axes)
    return means


@register
class MeanSquaredError(Loss):
    """The mean squared error L = 1/N Σ_n 1/M Σ_m (p_nm − t_nm)².

    Shapes: prediction p (N, M), target t (N, M); M outputs are averaged, as in Keras and PyTorch.
    Textbooks often write half of this or sum over m, which scales the learning rate.

    ∂L/∂p_nm = 2 (p_nm − t_nm) / (N M).

    Examples
    --------
    >>> MeanSquaredError()([[1.0], [2.0]], [1.0, 4.0])
    2.0
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        losses = over_outputs(error * error)
        if not np.isfinite(losses).all() and error.dtype == np.float32:  # a square may overflow
            return over_outputs(np.square(error, dtype=np.float64)).astype(error.dtype)
        return losses

    def gradient(self, prediction: Array, target: Array) -> Array:
        return (prediction - target) * (2.0 / prediction.size)


@register
class MeanAbsoluteError(Loss):
    """The mean absolute error L = 1/N Σ_n 1/M Σ_m |p_nm − t_nm|.

    ∂L/∂p_nm = sign(p_nm − t_nm) / (N M), and 0 where the two are equal.

    Examples
    --------
    >>> MeanAbsoluteError()([[1.0], [2.0]], [1.0, 4.0])
    1.0
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        return over_outputs(error * _sign(error))

    def gradient(self, prediction: Array, target: Array) -> Array:
        return _sign(prediction - target) * (1.0 / prediction.size)


def _sign(error: Array) -> Array:
    """−1, 0 or 1 by the real part; np.sign would lose the imaginary one."""
    sign: Array = np.sign(error.real)
    return sign


@register
class CrossEntropy(Loss):
    """The cross-entropy L = −1/N Σ_n Σ_k t_nk log p_nk of K classes, in nats.

    Targets are integer labels (N,) or (N, 1), or one-hot (or soft) rows (N, K) that sum to 1;
    with labels only the term of the right class is left, L_n = −log p_n,y. Keras' names
    "sparse_categorical_crossentropy" and "categorical_crossentropy" both mean this class.

    After a softmax p = exp(z) / Σ exp(z) the two are computed together, from the logits z::

        L_n = log Σ_k exp(z_nk) − z_n,y        ∂L/∂z_nk = (p_nk − t_nk) / N

    since ∂log p_y/∂z_k = [k = y] − p_k. In this form nothing overflows and no logarithm meets a
    zero, whereas the separate form divides by p on the way back.

    Without a softmax before it, ∂L/∂p_nk = −t_nk / (N p_nk). Probabilities below 1e-7 count as
    1e-7 (Keras' epsilon); the gradient there is 0, as that of any constant.

    Parameters
    ----------
    from_logits
        Whether predictions are logits z, for a model without a softmax at its end.
    label_smoothing
        ε, from 0 to below 1: t becomes (1 − ε) t + ε / K, so that no logit has to grow without end
        (Szegedy et al., 2016, section 7). Keras' argument; metrics see the targets as they are.

    Examples
    --------
    >>> CrossEntropy()([[0.5, 0.5]], [1])
    0.6931471805599453
    >>> CrossEntropy(from_logits=True)([[1000.0, 0.0]], [1])
    1000.0
    """

    fuses: ClassVar[type[Layer]] = Softmax
    of_classes = True

    from_logits: bool = setting(boolean)
    label_smoothing: float = setting(number, minimum=0.0, below=1.0)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def smoothed(self, target: Array, like: Array) -> Array:
        """(1 − ε) t + ε / K as rows, from labels or rows, in the dtype of the predictions."""
        if target.ndim == 1:
            rows = np.zeros_like(like)
            rows[np.arange(len(target)), target] = 1.0
            target = rows
        smooth = self.label_smoothing
        smoothed: Array = target * (1.0 - smooth) + smooth / like.shape[1]
        return smoothed

    def per_sample(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return self.fused(prediction, softmax(prediction), target)[0]
        if self.label_smoothing:
            target = self.smoothed(target, prediction)
        p = np.where(prediction.real > EPSILON, prediction, EPSILON)
        if target.ndim == 1:
            return -np.log(p[np.arange(len(p)), target])
        losses: Array = -(target * np.log(p)).sum(axis=1)
        return losses

    def gradient(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return self.fused(prediction, softmax(prediction), target)[1]
        if self.label_smoothing:
            target = self.smoothed(target, prediction)
        N = len(prediction)
        clipped = prediction.real <= EPSILON
        p = np.where(clipped, EPSILON, prediction)
        if target.ndim == 1:
            dp = np.zeros_like(p)
            dp[np.arange(N), target] = (-1.0 / N) / p[np.arange(N), target]
        else:
            dp = target * (-1.0 / N) / p
        dp[clipped] = 0.0
        return dp

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        N = len(z)
        if self.label_smoothing:
            target = self.smoothed(target, y)
        if target.ndim == 2:
            total = target.sum(axis=1, keepdims=True)  # 1, up to rounding
            losses: Array = -(target * _log_softmax(z, y)).sum(axis=1)
            return losses, (y * total - target) * (1.0 / N)
        rows = np.arange(N)
        p = y[rows, target]
        dz = y.copy()
        dz[rows, target] = p - 1.0
        dz *= 1.0 / N
        if p.real.item(p.real.argmin()) > 1e-30:
            return -np.log(p), dz
        return -_log_softmax(z, y)[rows, target], dz  # some p is too small for its logarithm

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """Labels as integers (N,), or rows (N, K) that sum to 1."""
        hint = (
            " For one output use sigmoid and binary_crossentropy, or loss='mse' for a regression."
        )
        y = labels_or_rows(as_array(target, who), output_shape, "CrossEntropy", who, hint)
        if y.ndim == 2:
            check_distributions(y, "CrossEntropy", who)
        return y

    def check_prediction(self, prediction: Array) -> None:
        if self.from_logits:
            warn_of_probabilities(prediction, "CrossEntropy")
        else:
            check_probabilities(prediction, "CrossEntropy", rows=True)


def _log_softmax(z: Array, y: Array) -> Array:
    """log y_nk = z_nk − z_ni + log y_ni with i the row's largest, since y_ni is never small."""
    rows, i = np.arange(len(z)), z.real.argmax(axis=1)
    logs: Array = z - z[rows, i][:, None] + np.log(y[rows, i])[:, None]
    if logs.dtype.kind == "f":  # −inf, from logits farther apart than numbers go, times 0 is NaN
        np.maximum(logs, np.finfo(logs.dtype).min, out=logs)
    return logs


@register
class BinaryCrossEntropy(Loss):
    """The cross-entropy of yes-or-no outputs, averaged over M of them, in nats.

    L = −1/(N M) Σ_n Σ_m [t_nm log p_nm + (1 − t_nm) log(1 − p_nm)] for targets t in [0, 1].

    After a sigmoid p = 1 / (1 + exp(−z)) the two are computed together, from the logits z::

        L_nm = max(z, 0) − z t + log(1 + exp(−|z|))        ∂L/∂z_nm = (p_nm − t_nm) / (N M)

    Without a sigmoid before it, ∂L/∂p_nm = (p − t) / (p (1 − p)) / (N M). Probabilities are kept
    1e-7 away from 0 and 1 (Keras' epsilon); the gradient beyond is 0.

    Parameters
    ----------
    from_logits
        Whether predictions are logits z, for a model without a sigmoid at its end.
    label_smoothing
        ε, from 0 to below 1: t becomes (1 − ε) t + ε / 2; see `CrossEntropy`. Keras' argument.

    Examples
    --------
    >>> BinaryCrossEntropy()([[0.5]], [1])
    0.6931471805599453
    >>> BinaryCrossEntropy(from_logits=True)([[-1000.0]], [1])
    1000.0
    """

    fuses: ClassVar[type[Layer]] = Sigmoid
    of_classes = True
    one_shape = True

    from_logits: bool = setting(boolean)
    label_smoothing: float = setting(number, minimum=0.0, below=1.0)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def smoothed(self, target: Array, like: Array) -> Array:
        """(1 − ε) t + ε / 2, in the dtype of the predictions."""
        smooth = self.label_smoothing
        return target * (1.0 - smooth) + smooth / 2.0 if smooth else target

    def per_sample(self, prediction: Array, target: Array) -> Array:
        target = self.smoothed(target, prediction)
        if self.from_logits:
            return self._from_logits(prediction, target)
        low, high = _bounds(prediction)
        p = np.where(prediction.real < low, low, np.where(prediction.real > high, high, prediction))
        return -over_outputs(target * np.log(p) + (1.0 - target) * np.log(1.0 - p))

    def gradient(self, prediction: Array, target: Array) -> Array:
        target = self.smoothed(target, prediction)
        if self.from_logits:
            return (_sigmoid(prediction) - target) * (1.0 / prediction.size)
        low, high = _bounds(prediction)
        inside = (prediction.real >= low) & (prediction.real <= high)
        p = np.where(inside, prediction, 0.5)
        dp: Array = inside * (p - target) / (p * (1.0 - p)) * (1.0 / p.size)
        return dp

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        target = self.smoothed(target, z)
        return self._from_logits(z, target), (y - target) * (1.0 / z.size)

    @staticmethod
    def _from_logits(z: Array, target: Array) -> Array:
        positive = z.real > 0
        size = np.where(positive, z, -z)  # |z|; np.abs would lose the imaginary part
        return over_outputs(np.where(positive, z, 0.0) - z * target + np.log1p(np.exp(-size)))

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """Numbers from 0 to 1 in the prediction's shape."""
        y = super().check_target(target, output_shape, who)
        hint = (
            "For more than two classes use softmax and cross_entropy, for a regression loss='mse'."
        )
        check_from_0_to_1(y, f"BinaryCrossEntropy takes {who} from 0 to 1", hint)
        return y

    def check_prediction(self, prediction: Array) -> None:
        if not self.from_logits:
            check_probabilities(prediction, "BinaryCrossEntropy", rows=False)


EPSILON = 1e-7
"""How near to 0 a probability may come in a loss that takes probabilities: Keras' value."""

_softmax, _sigmoid_step = Softmax(), Sigmoid()


def softmax(z: Array) -> Array:
    """Return exp(z) / Σ exp(z), row by row and stable: the formula of the layer `Softmax`.

    Parameters
    ----------
    z : (N, K) array
        Logits.

    Returns
    -------
    (N, K) ndarray
        Probabilities; each row sums to 1.

    Raises
    ------
    ValueError
        z has no columns, by NumPy's own message: this is a formula, and is not checked.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return _softmax.forward(z)


def _sigmoid(z: Array) -> Array:
    return _sigmoid_step.forward(z)


def _bounds(p: Array) -> tuple[float, float]:
    """The nearest to 0 and to 1 that a probability may come; 1 − 1e-7 exists in float32 too."""
    return EPSILON, float(p.real.dtype.type(1.0) - p.real.dtype.type(EPSILON))
