"""Mistakes in gradients, as students write them; each is a working class with one thing wrong.

The gradient detective (`minnet.check_gradients`) is held to them: it has to say what each is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.course.zoo.mistake import Case, Mistake
from minnet.foundation.checks import Array
from minnet.layers import BatchNormalization, Dense, Dropout, ReLU, Sigmoid, Softmax
from minnet.layers.base import Memo
from minnet.losses import CrossEntropy, Loss, MeanSquaredError, softmax
from minnet.models import Sequential
from minnet.regularizers import L2


class DiagonalSoftmax(Softmax):
    """dx = dy p (1 − p): the derivative of each probability by its own logit, and no other."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * y * (1 - y)
        return dx


class InPlaceSoftmax(Softmax):
    """Subtracts the row's largest number in the very array that it was handed."""

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        x -= x.real.max(axis=1, keepdims=True)
        y: Array = np.exp(x)
        y /= y.sum(axis=1, keepdims=True)
        return y


class UpstreamReLU(ReLU):
    """Lets dy through where dy is positive, and not where x was."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * (dy > 0)
        return dx


class TwiceSigmoid(Sigmoid):
    """Takes the sigmoid's derivative y (1 − y) at x, as if x were the output."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * x * (1 - x)
        return dx


class SwappedDense(Dense):
    """dW = dyᵀ x, which has the right shape whenever W is square."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW[...] = dy.T @ x
        self.db[...] = dy.sum(axis=0)


class StraightDense(Dense):
    """dx = dy W, without the transpose."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy @ self.W
        return dx


class RowwiseDense(Dense):
    """db = dy: one gradient of the bias for each row."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW[...] = x.T @ dy
        self.db[...] = dy


class AveragingDense(Dense):
    """db = the mean of dy, though the loss's gradient has its 1/N already."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW[...] = x.T @ dy
        self.db[...] = dy.mean(axis=0)


class PilingDense(Dense):
    """dW += …, so that every step adds to the gradients of all steps before."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW += x.T @ dy
        self.db[...] = dy.sum(axis=0)


class ForgetfulDense(Dense):
    """Writes dW and forgets db."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW[...] = x.T @ dy


class ZeroedDense(Dense):
    """Sets dW to zero before filling it, and never fills it."""

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        self.dW[...] = 0.0
        self.db[...] = dy.sum(axis=0)


class RememberingDense(Dense):
    """Keeps x for the way back, but only the first x it ever saw."""

    kept: Array | None = None

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        if self.kept is None:
            self.kept = x
        return super().forward(x, memo)

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        kept = x if self.kept is None else self.kept
        self.dW[...] = kept.T @ dy
        self.db[...] = dy.sum(axis=0)


class RedrawnDropout(Dropout):
    """Draws a new mask on the way back."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        if memo is None:
            return dy
        mask = memo["rng"].random(x.shape) >= self.rate
        dx: Array = dy * mask / (1 - self.rate)
        return dx


class UnscaledDropout(Dropout):
    """Forgets 1 / (1 − rate) on the way back."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy if memo is None else dy * memo["mask"]
        return dx


class ConstantBatchNormalization(BatchNormalization):
    """Takes the batch's mean and variance for constants, though each row has a part in them."""

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        if memo is None:
            return super().backward(x, y, dy)
        dx: Array = dy * self.gamma * memo["s"]
        return dx


class UphillMeanSquaredError(MeanSquaredError):
    """Target minus prediction, where it is prediction minus target."""

    def gradient(self, prediction: Array, target: Array) -> Array:
        return (target - prediction) * (2.0 / prediction.size)


class HalvedMeanSquaredError(MeanSquaredError):
    """The derivative of the square without its 2."""

    def gradient(self, prediction: Array, target: Array) -> Array:
        return (prediction - target) / prediction.size


class SoftmaxCrossEntropy(Loss):
    """The cross-entropy from logits z, for integer labels: right, and the base of what follows."""

    from_logits = True

    def check_target(self, target: Any, output_shape: tuple[int, ...], who: str = "y") -> Array:
        """Labels as integers, as `CrossEntropy` takes them."""
        return CrossEntropy(from_logits=True).check_target(target, output_shape, who)

    def per_sample(self, prediction: Array, target: Array) -> Array:
        losses: Array = -np.log(softmax(prediction)[np.arange(len(target)), target])
        return losses

    def gradient(self, prediction: Array, target: Array) -> Array:
        dz: Array = softmax(prediction)
        dz[np.arange(len(target)), target] -= 1.0
        dz /= len(target)
        return dz


class SummedCrossEntropy(SoftmaxCrossEntropy):
    """p − t, without the 1/N of the mean."""

    def gradient(self, prediction: Array, target: Array) -> Array:
        return super().gradient(prediction, target) * len(target)


class TwiceMeanCrossEntropy(SoftmaxCrossEntropy):
    """Divided by N here, after it was divided by N already."""

    def gradient(self, prediction: Array, target: Array) -> Array:
        dz: Array = super().gradient(prediction, target) / len(target)
        return dz


class ClasswiseCrossEntropy(SoftmaxCrossEntropy):
    """`np.mean` over the whole array: divided by the number of classes as well."""

    def gradient(self, prediction: Array, target: Array) -> Array:
        dz: Array = super().gradient(prediction, target) / prediction.shape[1]
        return dz


class HalvedL2(L2):
    """λ w as the gradient of λ Σ w²: the book had λ/2 there."""

    def gradient(self, weights: Array) -> Array:
        return self.l2 * weights


def _sizes(seed: int) -> tuple[np.random.Generator, int, int, int]:
    """A generator, and N, D and M, all different."""
    rng = np.random.default_rng(seed)
    N, D, M = rng.choice(np.arange(3, 9), 3, replace=False).tolist()
    return rng, N, D, M


def _alone(make: Any) -> Any:
    """Plant a layer alone; `make` is handed M."""

    def plant(seed: int) -> Case:
        rng, N, D, M = _sizes(seed)
        return Case(make(M), rng.standard_normal((N, D)))

    return plant


def _square(make: Any) -> Any:
    """Plant a layer with as many outputs as inputs."""

    def plant(seed: int) -> Case:
        rng, N, D, _ = _sizes(seed)
        return Case(make(D), rng.standard_normal((N, D)))

    return plant


def _within(make: Any) -> Any:
    """Plant a layer in the middle of a regression network."""

    def plant(seed: int) -> Case:
        rng, N, D, M = _sizes(seed)
        layers = [Dense(M, activation="tanh", input_dim=D), make(M), Dense(2)]
        model = Sequential(layers, seed=rng)
        model.compile("sgd", "mse")
        return Case(model, rng.standard_normal((N, D)), rng.standard_normal((N, 2)))

    return plant


def _regression(loss: Loss) -> Any:
    def plant(seed: int) -> Case:
        rng, N, _, M = _sizes(seed)
        return Case(loss, rng.standard_normal((N, M)), rng.standard_normal((N, M)))

    return plant


def _classification(loss: Loss) -> Any:
    """Plant a loss under a network that gives logits."""

    def plant(seed: int) -> Case:
        rng, N, D, K = _sizes(seed)
        model = Sequential([Dense(5, activation="relu", input_dim=D), Dense(K)], seed=rng)
        model.compile("sgd", loss)
        return Case(model, rng.standard_normal((N, D)), rng.integers(K, size=N))

    return plant


def _softmax_on_top(seed: int) -> Case:
    """A softmax that writes into what the layer below gave, and which that layer looks at again."""
    rng, N, D, K = _sizes(seed)
    model = Sequential([Dense(K, activation="tanh", input_dim=D), InPlaceSoftmax()], seed=rng)
    model.compile("sgd", "cross_entropy")
    return Case(model, rng.standard_normal((N, D)), rng.integers(K, size=N))


def _penalised(seed: int) -> Case:
    rng, N, D, M = _sizes(seed)
    model = Sequential([Dense(M, input_dim=D, kernel_regularizer=HalvedL2(0.1))], seed=rng)
    model.compile("sgd", "mse")
    return Case(model, rng.standard_normal((N, D)), rng.standard_normal((N, M)))


def _least_squares(seed: int) -> Case:
    """A pair of functions for linear regression; f is a mean, and its gradient a sum."""
    rng, N, D, _ = _sizes(seed)
    x, y = rng.standard_normal((N, D)), rng.standard_normal(N)

    def f(w: Array) -> Any:
        return ((x @ w - y) ** 2).mean()

    def gradient_of_f(w: Array) -> Array:
        gradient: Array = 2 * x.T @ (x @ w - y)
        return gradient

    return Case((f, gradient_of_f), rng.standard_normal(D))


def _mistake(name: str, kind: str, title: str, story: str, hint: str, plant: Any) -> Mistake:
    return Mistake(name, "detective", kind, title, story, hint, plant)


MISTAKES = (
    _mistake(
        "softmax-diagonal",
        "diagonal-jacobian",
        "Softmax with the derivative p (1 − p)",
        "It is the sigmoid's formula, and softmax looks like a sigmoid for many classes. But all "
        "probabilities share one denominator, so each depends on every logit.",
        "Which outputs change when a single logit does?",
        _alone(lambda M: DiagonalSoftmax()),
    ),
    _mistake(
        "softmax-in-place",
        "stale-input",
        "Softmax subtracts the maximum from its input, in place",
        "x -= x.max() keeps exp from overflowing, and the probabilities are right. But x is the "
        "output of the layer below, whose derivative is computed from it.",
        "Is the output of the layer below the same before and after?",
        _softmax_on_top,
    ),
    _mistake(
        "relu-mask-of-dy",
        "wrong-mask",
        "ReLU's mask taken from the gradient instead of the input",
        "`dy * (dy > 0)` reads like the forward pass. But what is let through was decided by x.",
        "Which array decides where a ReLU is open?",
        _within(lambda M: UpstreamReLU()),
    ),
    _mistake(
        "sigmoid-at-x",
        "wrong",
        "The sigmoid's derivative taken at x instead of y",
        "y (1 − y) is the derivative, with y the output. The function was handed both and took x.",
        "What is the derivative at x = 5, by the code and in truth?",
        _alone(lambda M: TwiceSigmoid()),
    ),
    _mistake(
        "weights-swapped",
        "transposed",
        "dW = dyᵀ x in a square layer",
        "With another number of outputs NumPy would refuse it. Here the shapes agree, and nothing "
        "says that rows and columns have changed places.",
        "Give the layer one output more.",
        _square(lambda M: SwappedDense(M)),
    ),
    _mistake(
        "weights-not-transposed",
        "transposed",
        "dx = dy W without the transpose",
        "Forward is x W, so backward looked like dy W. In a square layer it even runs.",
        "Which shape would dx have with another number of outputs?",
        _within(lambda M: StraightDense(M)),
    ),
    _mistake(
        "bias-not-summed",
        "bias-not-summed",
        "db = dy, one row for each sample",
        "b is added to every row, and addition hands its gradient on. But one b is added N times.",
        "How many biases are there, and how many gradients?",
        _alone(lambda M: RowwiseDense(M)),
    ),
    _mistake(
        "bias-averaged",
        "sum-vs-mean",
        "db = dy.mean(axis=0)",
        "The loss is a mean, so a mean seemed due. But its 1/N is in dy already.",
        "Check it with 4 rows, and with 8.",
        _within(lambda M: AveragingDense(M)),
    ),
    _mistake(
        "adds-up",
        "not-filled",
        "dW += instead of dW =",
        "On the first step the buffer is zero and all is well; from the second on the gradients "
        "of the steps before are in it.",
        "What is in the buffer before it is filled?",
        _within(lambda M: PilingDense(M)),
    ),
    _mistake(
        "bias-forgotten",
        "not-filled",
        "db is never written",
        "The weights learn, the loss falls, and nobody misses the bias.",
        "Fill the gradients with junk first. What is left of it?",
        _alone(lambda M: ForgetfulDense(M)),
    ),
    _mistake(
        "weights-detached",
        "detached",
        "dW is set to zero, and left there",
        "The line that cleared it was copied, the line that filled it was not.",
        "Which weights move in training?",
        _within(lambda M: ZeroedDense(M)),
    ),
    _mistake(
        "first-batch-kept",
        "stale-input",
        "The layer keeps the first x it ever saw",
        "It is kept for the way back, once, and checked with one batch it is right.",
        "Run another batch first.",
        _within(lambda M: RememberingDense(M)),
    ),
    _mistake(
        "dropout-redrawn",
        "wrong-mask",
        "Dropout draws a second mask on the way back",
        "The mask has the right rate and the right shape. It is only not the one that was used.",
        "Which entries were dropped on the way there?",
        _within(lambda M: RedrawnDropout(0.5)),
    ),
    _mistake(
        "dropout-unscaled",
        "factor",
        "Dropout forgets 1 / (1 − rate) on the way back",
        "The mask is right. But what was kept was also made larger, and so is its gradient.",
        "By how much is every gradient too small?",
        _within(lambda M: UnscaledDropout(0.2)),
    ),
    _mistake(
        "batch-norm-constants",
        "diagonal-jacobian",
        "Batch normalization with mean and variance taken for constants",
        "In inference they are. In training each row has a part in them, and so in all other rows.",
        "Move one row. Which rows of the output change?",
        _alone(lambda M: ConstantBatchNormalization()),
    ),
    _mistake(
        "uphill",
        "sign",
        "Target minus prediction",
        "The square is the same either way. Its derivative is not.",
        "Does the loss go up or down?",
        _regression(UphillMeanSquaredError()),
    ),
    _mistake(
        "half-the-square",
        "factor",
        "The square's derivative without its 2",
        "Books write ½ (p − t)², so that the 2 goes away. This loss has no ½.",
        "By how much is every entry off?",
        _regression(HalvedMeanSquaredError()),
    ),
    _mistake(
        "sum-of-losses",
        "sum-vs-mean",
        "Cross-entropy's p − t without 1/N",
        "p − t is what every book shows: for one sample. The loss is the mean over N.",
        "Check it with twice the rows.",
        _classification(SummedCrossEntropy()),
    ),
    _mistake(
        "mean-of-means",
        "sum-vs-mean",
        "Divided by N twice",
        "Once in the loss's formula, and once more because gradients are averaged.",
        "Check it with twice the rows.",
        _classification(TwiceMeanCrossEntropy()),
    ),
    _mistake(
        "mean-over-classes",
        "factor",
        "Divided by the number of classes",
        "np.mean over the whole array divides by N K. A sample's loss is a sum over the classes.",
        "What is the ratio, and which size is it?",
        _classification(ClasswiseCrossEntropy()),
    ),
    _mistake(
        "half-the-penalty",
        "factor",
        "λ w as the gradient of λ Σ w²",
        "The formula came from a book that writes λ/2 Σ w². minnet and Keras have no ½.",
        "Is it the loss or the penalty?",
        _penalised,
    ),
    _mistake(
        "least-squares",
        "sum-vs-mean",
        "A mean of squares with the gradient of their sum",
        "2 xᵀ (x w − y) is on every page about least squares: for the sum.",
        "Use half of the data.",
        _least_squares,
    ),
)
"""All gradient mistakes of the zoo."""
