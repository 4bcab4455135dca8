"""Does `check_gradients` name planted bugs rightly, and leave correct code alone?

    python benchmarks/detective.py [--cases 100] [--correct 1000] [--show]

Each bug is planted with random shapes and seeds, each time of another variant of its kind, and
counts as named rightly when its kind is that of the first finding (for a kink: when `ok` stays
true as well). Then correct code of all sorts is checked, where any finding but a kink is an alarm.
The bug zoo's own mistakes are scored beside. `--show` prints the reports that went wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minnet
from minnet import Sequential, check_gradients
from minnet.course.zoo.gradient_mistakes import MISTAKES, SoftmaxCrossEntropy
from minnet.foundation.tables import Table
from minnet.layers import (
    ELU,
    GELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    softmax,
)
from minnet.regularizers import L2, Regularizer
from minnet.teaching.gradients import GradientReport

Case = tuple[Any, Any, Any]


def layer(base: type[Layer], **methods: Any) -> type[Layer]:
    """A student's subclass with these methods."""
    return type(f"My{base.__name__}", (base,), methods)


def gradient(formula: Callable[..., tuple[Any, Any]]) -> Any:
    """A `gradient` for a Dense that writes what formula(self, x, y, dy) gives for W and b."""

    def method(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        self.dW[...], self.db[...] = formula(self, x, y, dy)

    return method


def backward(formula: Callable[..., Any]) -> Any:
    """A `backward` that returns formula(self, x, y, dy, memo)."""

    def method(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return formula(self, x, y, dy, memo)

    return method


class Mine(Layer):
    """A student's affine layer, with names of her own, written from nothing."""

    parameters = ("kernel", "offset")

    def __init__(self, units: int = 3) -> None:
        self.units = units

    def build(self, input_shape: Any, rng: np.random.Generator) -> None:
        normal = lambda shape, rng: rng.standard_normal(shape)  # noqa: E731
        self.add_weight("kernel", (input_shape[0], self.units), normal, rng)
        self.add_weight("offset", (self.units,), normal, rng)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (self.units,)

    def forward(self, x: Any, memo: Any = None) -> Any:
        return x @ self.kernel + self.offset

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return dy @ self.kernel.T

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        self.dkernel[...] = x.T @ dy
        self.doffset[...] = dy.sum(axis=0)


class MineReLU(Mine):
    """The same with a ReLU inside."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        z = x @ self.kernel + self.offset
        return z * (z.real > 0)

    def _dz(self, x: Any, y: Any, dy: Any) -> Any:
        return dy * (y > 0)

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return self._dz(x, y, dy) @ self.kernel.T

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        dz = self._dz(x, y, dy)
        self.dkernel[...] = x.T @ dz
        self.doffset[...] = dz.sum(axis=0)


def written(**formulas: Callable[..., Any]) -> Any:
    """A `gradient` for Mine with one of its two formulas replaced."""

    def method(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        Mine.gradient(self, x, y, dy, memo)
        for name, formula in formulas.items():
            getattr(self, name)[...] = formula(self, x, y, dy)

    return method


def mse(formula: Callable[[Any, Any], Any]) -> type[Loss]:
    """A mean squared error with this gradient(p, t)."""
    return type("MyMSE", (MeanSquaredError,), {"gradient": lambda self, p, t: formula(p, t)})


def ce(formula: Callable[[Any, Any], Any]) -> type[Loss]:
    """A softmax cross-entropy from logits with this gradient(softmax(z), one-hot target)."""

    def method(self: Any, p: Any, t: Any) -> Any:
        return formula(softmax(p), np.eye(p.shape[1])[t])

    return type("MyCE", (SoftmaxCrossEntropy,), {"gradient": method})


# --- where a bug is planted -----------------------------------------------------------------------


def sizes(rng: np.random.Generator) -> tuple[int, int, int]:
    """N, D and M, alike as often as not."""
    N, D, M = rng.integers(2, 8, 3)
    return int(N), int(D), int(M if rng.random() < 0.7 else N)


def put(rng: np.random.Generator, make: Callable[[int], Layer], square: bool = False) -> Case:
    """A layer alone, built or not; or in a network, low, in the middle or on top."""
    N, D, M = sizes(rng)
    M = D if square else M
    x = rng.standard_normal((N, D))
    setting = rng.integers(4)
    if setting == 0:
        return make(M), x, None
    if setting == 1:
        one = make(M)
        one.build((D,), rng)
        return one, x, None
    mine = make(M)
    below = Dense(D, activation=str(rng.choice(["tanh", "elu", "linear"])), input_dim=D)
    above = [Dense(3, activation="tanh"), Dense(2)] if setting == 2 else [Tanh()]
    model = Sequential([below, mine, *above], seed=rng)
    with_outputs = model.output_shape[0]
    model.compile("sgd", "mse")
    return model, x, rng.standard_normal((N, with_outputs))


def put_loss(rng: np.random.Generator, loss: Loss, labels: bool = False) -> Case:
    """A loss alone or under a network."""
    N, D, K = sizes(rng)
    y = rng.integers(K, size=N) if labels else rng.standard_normal((N, K))
    if rng.random() < 0.5:
        return loss, rng.standard_normal((N, K)), y
    model = Sequential([Dense(4, activation="tanh", input_dim=D), Dense(K)], seed=rng)
    model.compile("sgd", loss)
    return model, rng.standard_normal((N, D)), y


def of(
    base: type[Layer], *arguments: Any, units: bool = False, square: bool = False, **how: Any
) -> Any:
    """A planter of a student's subclass."""
    kind = layer(base, **how)

    def plant(rng: np.random.Generator) -> Case:
        return put(rng, lambda M: kind(*((M,) if units else ()), *arguments), square)

    return plant


def dense(formula: Callable[..., tuple[Any, Any]], square: bool = False) -> Any:
    """A planter of a Dense with these formulas for dW and db."""
    return of(Dense, units=True, square=square, gradient=gradient(formula))


def mine(square: bool = False, **formulas: Callable[..., Any]) -> Any:
    """A planter of a student's own layer with these formulas."""
    return of(Mine, units=True, square=square, gradient=written(**formulas))


def going_back(base: type[Layer], formula: Callable[..., Any], *arguments: Any, **how: Any) -> Any:
    """A planter of a layer with this backward."""
    return of(base, *arguments, backward=backward(formula), **how)


def loss_of(kind: type[Loss], labels: bool = False) -> Any:
    """A planter of a loss."""
    return lambda rng: put_loss(rng, kind(), labels)


def pair(f: Callable[[Any], Any], g: Callable[[Any], Any]) -> Any:
    """A planter of a pair of functions of a vector or a matrix."""

    def plant(rng: np.random.Generator) -> Case:
        N, D, _ = sizes(rng)
        shape = (N + 1,) if rng.random() < 0.5 else (N, D)
        return (f, g), rng.uniform(0.3, 2.0, shape) * rng.choice([-1, 1], shape), None

    return plant


def with_data(power: int) -> Any:
    """Least squares over data that the functions close over; the gradient is off by N^power."""

    def plant(rng: np.random.Generator) -> Case:
        N, D, _ = sizes(rng)
        X, y = rng.standard_normal((N + 3, D)), rng.standard_normal(N + 3)

        def f(w: Any) -> Any:
            return ((X @ w - y) ** 2).mean()

        def g(w: Any) -> Any:
            return 2 * X.T @ (X @ w - y) * float(len(y)) ** (power - 1)

        return (f, g), rng.standard_normal(D), None

    return plant


def penalised(penalty: type[Regularizer]) -> Any:
    """A penalty on the weights of a network's layer."""

    def plant(rng: np.random.Generator) -> Case:
        N, D, M = sizes(rng)
        hidden = Dense(M, activation="tanh", input_dim=D, kernel_regularizer=penalty(0.1))
        model = Sequential([hidden, Dense(2)], seed=rng)
        model.compile("sgd", "mse")
        return model, rng.standard_normal((N, D)), rng.standard_normal((N, 2))

    return plant


def l2(formula: Callable[..., Any]) -> type[Regularizer]:
    """An L2 penalty with this gradient."""
    return type("MyL2", (L2,), {"gradient": lambda self, w: formula(self.l2, w)})


# --- stateful bugs --------------------------------------------------------------------------------


class KeepsFirstX(Mine):
    """Keeps the x of its first batch."""

    kept: Any = None

    def forward(self, x: Any, memo: Any = None) -> Any:
        self.kept = x if self.kept is None else self.kept
        return super().forward(x, memo)

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        super().gradient(self.kept, y, dy, memo)


class KeepsFirstY(Sigmoid):
    """Keeps the y of its first batch."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        y = super().forward(x, memo)
        if not hasattr(self, "kept"):
            self.kept = y
        return y

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return dy * self.kept * (1 - self.kept)


class KeepsLastX(Tanh):
    """Updates what it keeps after the way back, and so is one batch late."""

    kept: Any = None

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        used = y if self.kept is None else self.kept
        self.kept = y
        return dy * (1 - used**2)


class SharedMask(ReLU):
    """Keeps its mask on the class, where every ReLU of the model writes it."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        SharedMask.mask = x.real > 0
        return x * SharedMask.mask

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return dy * SharedMask.mask


class OnFirstCall(Mine):
    """Writes its gradient on the first call."""

    done = False

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        if not self.done:
            super().gradient(x, y, dy, memo)
        self.done = True


def two_relus(rng: np.random.Generator) -> Case:
    """A network with two ReLUs that share their mask."""
    N, D, M = sizes(rng)
    model = Sequential(
        [Dense(M + 2, input_dim=D), SharedMask(), Dense(M + 2), SharedMask(), Dense(2)], seed=rng
    )
    model.compile("sgd", "mse")
    return model, rng.standard_normal((N + 2, D)), rng.standard_normal((N + 2, 2))


def in_place_relu(self: Any, x: Any, memo: Any = None) -> Any:
    x *= x.real > 0
    return x


def in_place_tanh(self: Any, x: Any, memo: Any = None) -> Any:
    x[...] = np.tanh(x)
    return x


def in_place_softmax(self: Any, x: Any, memo: Any = None) -> Any:
    x -= x.real.max(axis=1, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def overwrites_dy(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
    dy[x <= 0] = 0
    return dy


def scales_dy(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    dy *= 2.0
    self.dW[...] = x.T @ dy / 2.0
    self.db[...] = dy.sum(axis=0) / 2.0


def in_place_p(self: Any, p: Any, t: Any) -> Any:
    p -= t
    return 2 * p / p.size


def adds_both(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.dW += x.T @ dy
    self.db += dy.sum(axis=0)


def adds_bias(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.dW[...] = x.T @ dy
    self.db += dy.sum(axis=0)


def by_rows(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.db[...] = dy.sum(axis=0)
    for row in range(len(x)):
        self.dW += np.outer(x[row], dy[row])


def only_bias(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.db[...] = dy.sum(axis=0)


def into_a_local(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    dW = x.T @ dy  # noqa: F841 - the mistake
    self.db[...] = dy.sum(axis=0)


def first_column(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.dW[:, 0] = x.T @ dy[:, 0]
    self.db[...] = dy.sum(axis=0)


def assigns_rows(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.dW = x.T @ dy
    self.db = dy


def adds_rows(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    np.matmul(x.T, dy, out=self.dW)
    self.db += dy


def out_swapped(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    np.matmul(dy.T, x, out=self.dW)
    np.sum(dy, axis=0, out=self.db)


def dot_swapped(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    self.dW = np.dot(dy.T, x)
    self.db = dy.sum(axis=0)


def gamma_rows(self: Any, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
    x_hat, _ = self._recall(x, memo)
    self.dgamma[...] = dy * x_hat
    self.dbeta[...] = dy.sum(axis=0)


def one_column(c: float) -> Callable[..., Any]:
    def formula(self: Any, x: Any, y: Any, dy: Any) -> Any:
        dW = x.T @ dy
        dW[:, 0] *= c
        return dW, dy.sum(axis=0)

    return formula


def redrawn(self: Any, x: Any, y: Any, dy: Any, memo: Any) -> Any:
    return dy * (memo["rng"].random(x.shape) >= self.rate) / (1 - self.rate)


def with_right_bias(formula: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s, x, y, dy: (formula(s, x, y, dy), dy.sum(axis=0))


def with_right_weights(formula: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s, x, y, dy: (x.T @ dy, formula(s, x, y, dy))


def bn_back(formula: Callable[..., Any]) -> Any:
    """A planter of a batch normalization with dx = γ s · formula(dy, x̂)."""

    def back(self: Any, x: Any, y: Any, dy: Any, memo: Any) -> Any:
        x_hat, s = self._recall(x, memo)
        return self.gamma * s * formula(dy, x_hat)

    return going_back(BatchNormalization, back)


def roomy(plant: Any) -> Any:
    """Only networks and shapes in which the mistake can show: at least 4 rows and columns."""

    def again(rng: np.random.Generator) -> Case:
        while True:
            target, x, y = plant(rng)
            if x.shape[0] >= 4 and x.shape[-1] >= 4:
                return target, x, y

    return again


def zeros_in(base: type[Layer], **how: Any) -> Any:
    """A planter of right code on a kink: some of the numbers of x are 0."""
    kind = layer(base, **how)

    def plant(rng: np.random.Generator) -> Case:
        N, D, _ = sizes(rng)
        x = rng.standard_normal((N, D))
        x[rng.integers(N), rng.integers(D)] = 0.0
        if rng.random() < 0.5:
            return kind(), x, None
        model = Sequential([kind(input_shape=(D,)), Dense(2)], seed=rng)
        hidden = Sequential([Dense(3, input_dim=D), kind(), Dense(2)], seed=rng)
        model = hidden if rng.random() < 0.7 else model
        if model is hidden:
            x[0] = 0.0  # and the bias is 0
        else:
            return kind(), x, None
        model.compile("sgd", "mse")
        return model, x, rng.standard_normal((N, 2))

    return plant


def at_target(rng: np.random.Generator) -> Case:
    N, _, M = sizes(rng)
    p = rng.standard_normal((N, M))
    t = rng.standard_normal((N, M))
    t[0, 0] = p[0, 0]
    return MeanAbsoluteError(), p, t


def ties(rng: np.random.Generator) -> Case:
    x = rng.standard_normal(int(rng.integers(3, 8)))
    x[0] = x[1] = np.abs(x).max() + 1.0
    return (lambda x: x.max(), lambda x: np.eye(len(x))[x.argmax()]), x, None


BUGS: dict[str, list[Any]] = {
    "sign": [
        going_back(Dense, lambda s, x, y, dy, m: -dy @ s.W.T, units=True),
        dense(lambda s, x, y, dy: (-(x.T @ dy), dy.sum(axis=0))),
        dense(with_right_weights(lambda s, x, y, dy: -dy.sum(axis=0))),
        mine(dkernel=lambda s, x, y, dy: -x.T @ dy),
        loss_of(mse(lambda p, t: 2 * (t - p) / p.size)),
        loss_of(ce(lambda p, t: (t - p) / len(p)), True),
        going_back(Tanh, lambda s, x, y, dy, m: dy * (y * y - 1)),
        going_back(Sigmoid, lambda s, x, y, dy, m: -dy * y * (1 - y)),
        pair(lambda x: (x**2).sum(), lambda x: -2 * x),
        pair(lambda x: np.cos(x).sum(), np.sin),
        dense(one_column(-1.0)),
        penalised(l2(lambda c, w: -2 * c * w)),
    ],
    "factor": [
        loss_of(mse(lambda p, t: (p - t) / p.size)),
        roomy(loss_of(mse(lambda p, t: 2 * (p - t) / len(p)))),
        loss_of(ce(lambda p, t: (p - t) / p.size), True),
        dense(lambda s, x, y, dy: (2 * x.T @ dy, dy.sum(axis=0))),
        mine(dkernel=lambda s, x, y, dy: 0.5 * x.T @ dy),
        dense(with_right_weights(lambda s, x, y, dy: 3 * dy.sum(axis=0))),
        going_back(Dropout, lambda s, x, y, dy, m: dy * m["mask"], 0.3),
        going_back(Dropout, lambda s, x, y, dy, m: dy * m["mask"] / (1 - s.rate) ** 2, 0.2),
        going_back(Tanh, lambda s, x, y, dy, m: 2 * dy * (1 - y * y)),
        pair(lambda x: (x**2).sum(), lambda x: x),
        pair(lambda x: (x**3).mean(), lambda x: x**2 / x.size),
        penalised(l2(lambda c, w: c * w)),
        dense(one_column(2.0)),
        dense(one_column(0.5)),
        going_back(Dense, lambda s, x, y, dy, m: dy @ s.W.T * 2, units=True),
    ],
    "sum-vs-mean": [
        loss_of(mse(lambda p, t: 2 * (p - t) / p.shape[1])),
        loss_of(ce(lambda p, t: p - t), True),
        loss_of(ce(lambda p, t: (p - t) / len(p) ** 2), True),
        loss_of(mse(lambda p, t: 2 * (p - t) / p.size / len(p))),
        loss_of(mse(lambda p, t: 2 * (p - t))),
        dense(with_right_weights(lambda s, x, y, dy: dy.mean(axis=0))),
        dense(lambda s, x, y, dy: (x.T @ dy / len(x), dy.sum(axis=0))),
        dense(lambda s, x, y, dy: (x.T @ dy / len(x), dy.mean(axis=0))),
        mine(dkernel=lambda s, x, y, dy: x.T @ dy * len(x)),
        mine(doffset=lambda s, x, y, dy: dy.mean(axis=0)),
        going_back(Tanh, lambda s, x, y, dy, m: dy * (1 - y * y) / len(x)),
        with_data(1),
        with_data(-1),
        pair(lambda x: (x**2).mean(), lambda x: 2 * x),
    ],
    "transposed": [
        dense(with_right_bias(lambda s, x, y, dy: dy.T @ x), square=True),
        dense(with_right_bias(lambda s, x, y, dy: dy.T @ x)),
        dense(with_right_bias(lambda s, x, y, dy: (x.T @ dy).T), square=True),
        of(Dense, units=True, gradient=out_swapped),
        of(Dense, units=True, gradient=dot_swapped),
        mine(dkernel=lambda s, x, y, dy: dy.T @ x),
        mine(square=True, dkernel=lambda s, x, y, dy: dy.T @ x),
        going_back(Dense, lambda s, x, y, dy, m: dy @ s.W, units=True, square=True),
        going_back(Dense, lambda s, x, y, dy, m: dy @ s.W, units=True),
        going_back(Dense, lambda s, x, y, dy, m: s.W @ dy.T, units=True),
        going_back(Mine, lambda s, x, y, dy, m: dy @ s.kernel, units=True),
        going_back(Mine, lambda s, x, y, dy, m: dy @ s.kernel, units=True, square=True),
    ],
    "detached": [
        dense(lambda s, x, y, dy: (0.0 * s.W, dy.sum(axis=0))),
        dense(lambda s, x, y, dy: (x.T @ dy, 0.0)),
        mine(dkernel=lambda s, x, y, dy: 0.0),
        mine(doffset=lambda s, x, y, dy: np.zeros_like(s.offset)),
        going_back(Tanh, lambda s, x, y, dy, m: np.zeros_like(x)),
        going_back(Dense, lambda s, x, y, dy, m: 0.0 * x, units=True),
        loss_of(mse(lambda p, t: np.zeros_like(p))),
        pair(lambda x: (x**2).sum(), np.zeros_like),
        penalised(l2(lambda c, w: np.zeros_like(w))),
        dense(one_column(0.0)),
    ],
    "diagonal-jacobian": [
        roomy(going_back(Softmax, lambda s, x, y, dy, m: dy * y * (1 - y))),
        roomy(going_back(Softmax, lambda s, x, y, dy, m: y * (1 - y) * dy)),
        roomy(going_back(Softmax, lambda s, x, y, dy, m: dy * y)),
        roomy(bn_back(lambda dy, x_hat: dy)),
        loss_of(ce(lambda p, t: -t * (1 - p) / len(p)), True),
    ],
    "bias-not-summed": [
        dense(with_right_weights(lambda s, x, y, dy: dy)),
        of(Dense, units=True, gradient=assigns_rows),
        of(Dense, units=True, gradient=adds_rows),
        dense(with_right_weights(lambda s, x, y, dy: dy[0])),
        dense(with_right_weights(lambda s, x, y, dy: dy[-1])),
        dense(with_right_weights(lambda s, x, y, dy: dy.sum(axis=1))),
        mine(doffset=lambda s, x, y, dy: dy),
        mine(doffset=lambda s, x, y, dy: dy.sum(axis=1)),
        mine(doffset=lambda s, x, y, dy: dy[0]),
        dense(with_right_weights(lambda s, x, y, dy: dy.sum())),
        of(BatchNormalization, gradient=gamma_rows),
    ],
    "stale-input": [
        of(ReLU, forward=in_place_relu),
        of(Tanh, forward=in_place_tanh),
        of(Softmax, forward=in_place_softmax),
        of(ReLU, backward=overwrites_dy),
        of(Dense, units=True, gradient=scales_dy),
        of(KeepsFirstX, units=True),
        of(KeepsFirstY),
        of(KeepsLastX),
        loss_of(type("MyMSE", (MeanSquaredError,), {"gradient": in_place_p})),
    ],
    "wrong-mask": [
        roomy(going_back(ReLU, lambda s, x, y, dy, m: dy * (dy > 0))),
        roomy(going_back(ReLU, lambda s, x, y, dy, m: dy * (x < 0))),
        roomy(going_back(ReLU, lambda s, x, y, dy, m: np.maximum(dy, 0))),
        roomy(going_back(ReLU, lambda s, x, y, dy, m: dy * (x > x.mean() + 0.5))),
        roomy(going_back(ReLU, lambda s, x, y, dy, m: dy * (x > 0)[::-1])),
        roomy(going_back(ReLU, lambda s, x, y, dy, m: dy)),
        roomy(going_back(LeakyReLU, lambda s, x, y, dy, m: np.where(dy > 0, dy, 0.3 * dy))),
        roomy(going_back(LeakyReLU, lambda s, x, y, dy, m: np.where(x > 0, 0.3 * dy, dy))),
        roomy(going_back(Dropout, redrawn, 0.5)),
        roomy(going_back(Dropout, redrawn, 0.3)),
        roomy(of(MineReLU, units=True, _dz=lambda s, x, y, dy: dy * (dy > 0))),
        roomy(of(MineReLU, units=True, _dz=lambda s, x, y, dy: dy * (y <= 0))),
        roomy(of(MineReLU, units=True, square=True, _dz=lambda s, x, y, dy: dy * (x > 0))),
        two_relus,
    ],
    "not-filled": [
        of(Dense, units=True, gradient=adds_both),
        of(Dense, units=True, gradient=adds_bias),
        of(Dense, units=True, gradient=by_rows),
        of(Dense, units=True, gradient=only_bias),
        of(Dense, units=True, gradient=into_a_local),
        roomy(of(Dense, units=True, gradient=first_column)),
        of(Mine, units=True, gradient=lambda s, x, y, dy, m=None: None),
        of(OnFirstCall, units=True),
    ],
    "kink": [
        zeros_in(ReLU),
        zeros_in(ReLU, backward=backward(lambda s, x, y, dy, m: dy * (x >= 0))),
        zeros_in(LeakyReLU),
        at_target,
        ties,
        lambda rng: ((lambda x: np.abs(x).sum(), np.sign), [0.0, *rng.standard_normal(3)], None),
    ],
    "wrong": [
        going_back(Sigmoid, lambda s, x, y, dy, m: dy * x * (1 - x)),
        going_back(Sigmoid, lambda s, x, y, dy, m: y * (1 - y)),
        going_back(Sigmoid, lambda s, x, y, dy, m: dy),
        going_back(Tanh, lambda s, x, y, dy, m: dy * (1 - y)),
        going_back(Tanh, lambda s, x, y, dy, m: dy * (1 - x * x)),
        roomy(bn_back(lambda dy, x_hat: dy - dy.mean(axis=0))),
        roomy(bn_back(lambda dy, x_hat: dy - x_hat * (dy * x_hat).mean(axis=0))),
        dense(lambda s, x, y, dy: (x.T @ dy + 0.01 * s.W, dy.sum(axis=0))),
        going_back(GELU, lambda s, x, y, dy, m: dy * 0.5 * (1 + np.tanh(0.8 * x))),
        pair(lambda x: (x**3).sum(), lambda x: 2 * x),
        pair(lambda x: np.sin(x).sum(), lambda x: np.cos(x) + 0.01 * x),
        loss_of(mse(lambda p, t: p / p.size)),
    ],
}
"""Planters by the kind of their bug: generator → target, x and y."""


# --- correct code ---------------------------------------------------------------------------------


class NormedLayer(Layer):
    """y = x / |x| of each row, by a norm that takes no complex numbers."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        size = np.linalg.norm(x, axis=1, keepdims=True)
        return (dy - y * (dy * y).sum(axis=1, keepdims=True)) / size


class AbsLayer(Layer):
    """y = |x|."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        return np.abs(x)

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return dy * np.sign(x)


class KeepingDense(Mine):
    """Keeps x in every forward, as most teaching code does."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        self.kept = x
        return super().forward(x, memo)

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        super().gradient(self.kept, y, dy, memo)


class SinglePrecision(Mine):
    """Casts to float32 on the way back."""

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return (dy.astype(np.float32) @ self.kernel.T.astype(np.float32)).astype(np.float32)

    def gradient(self, x: Any, y: Any, dy: Any, memo: Any = None) -> None:
        self.dkernel[...] = x.T.astype(np.float32) @ dy.astype(np.float32)
        self.doffset[...] = dy.sum(axis=0, dtype=np.float32)


class SinglePrecisionForward(Mine):
    """Casts to float32 on the way there."""

    def forward(self, x: Any, memo: Any = None) -> Any:
        return x.astype(np.float32) @ self.kernel.astype(np.float32) + self.offset


class OwnDropout(Dropout):
    """Draws from a generator of its own, and keeps its mask."""

    def __init__(self, rate: float = 0.4) -> None:
        super().__init__(rate)
        self.own = np.random.default_rng(5)

    def forward(self, x: Any, memo: Any = None) -> Any:
        self.kept = (self.own.random(x.shape) >= self.rate) / (1 - self.rate)
        return x * self.kept

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        return dy * self.kept


class Quartic(Loss):
    """(p − t)⁴, averaged."""

    def per_sample(self, p: Any, t: Any) -> Any:
        return ((p - t) ** 4).mean(axis=1)

    def gradient(self, p: Any, t: Any) -> Any:
        return 4 * (p - t) ** 3 / p.size


class L1(Regularizer):
    """λ Σ |w|, with np.abs."""

    def __call__(self, w: Any) -> Any:
        return 0.01 * np.abs(w).sum()

    def gradient(self, w: Any) -> Any:
        return 0.01 * np.sign(w)


ACTIVATIONS = ["relu", "tanh", "sigmoid", "leaky_relu", "elu", "softplus", "gelu", "linear"]


def correct(rng: np.random.Generator) -> Case:
    """Correct code of some sort."""
    N, D, M = sizes(rng)
    N = 1 if rng.random() < 0.08 else N
    x = rng.standard_normal((N, D)) * rng.choice([0.1, 1.0, 3.0])
    sort = rng.integers(5)
    if sort == 0:
        layers = [
            *(kind() for kind in (Sigmoid, Tanh, ReLU, Softmax, LeakyReLU, ELU, Softplus, GELU)),
            *(Dense(M, activation=a) for a in (None, "relu", "softmax", "gelu")),
            Dense(M, use_bias=False), Dense(M, kernel_initializer="normal"),
            BatchNormalization(), BatchNormalization(scale=False), Dropout(0.5), Flatten(),
            Activation("tanh"), NormedLayer(), AbsLayer(), KeepingDense(M), SinglePrecision(M),
            SinglePrecisionForward(M), OwnDropout(), Mine(M), MineReLU(M),
        ]  # fmt: skip
        return layers[rng.integers(len(layers))], x, None
    K = M + 1
    labels, p = rng.integers(K, size=N), rng.dirichlet(np.ones(K), size=N)
    if sort == 1:
        choices = [
            (MeanSquaredError(), x, rng.standard_normal((N, D))),
            (MeanSquaredError(), x[:, 0], rng.standard_normal(N)),
            (MeanAbsoluteError(), x, rng.standard_normal((N, D))),
            (CrossEntropy(), p, labels), (CrossEntropy(), p, np.eye(K)[labels]),
            (CrossEntropy(from_logits=True), rng.standard_normal((N, K)), labels),
            (BinaryCrossEntropy(), rng.uniform(0.05, 0.95, (N, D)), x > 0),
            (BinaryCrossEntropy(from_logits=True), x, x > 0),
            (Quartic(), x, rng.standard_normal((N, D))),
            (SoftmaxCrossEntropy(), rng.standard_normal((N, K)), labels),
        ]  # fmt: skip
        return choices[rng.integers(len(choices))]
    if sort == 2 and rng.random() < 0.5:
        A = rng.standard_normal((D, D))
        choices = [
            ((lambda v: v @ A @ v, lambda v: (A + A.T) @ v), x[0], None),
            ((np.var, lambda v: 2 * (v - v.mean()) / v.size), x, None),
            ((np.linalg.norm, lambda v: v / np.linalg.norm(v)), x, None),
            ((lambda v: np.exp(v).mean(), lambda v: np.exp(v) / v.size), x, None),
            ((lambda v: float((v**2).sum()), lambda v: 2 * v), x, None),
        ]
        return choices[rng.integers(len(choices))]
    hidden: list[Layer] = []
    for _ in range(rng.integers(0, 4)):
        one = rng.integers(7)
        penalty = [None, L2(0.1), L1()][rng.integers(3)]
        activation = str(rng.choice(ACTIVATIONS))
        width = int(rng.integers(1, 9))
        hidden += [
            [Dense(width, activation=activation, kernel_regularizer=penalty)],
            [Dense(width), BatchNormalization(), Activation(activation)],
            [Dropout(0.3)], [MineReLU(width)], [KeepingDense(width), ELU()],
            [BatchNormalization()], [OwnDropout(), Dense(width, activation=activation)],
        ][one]  # fmt: skip
    loss, last, y = [
        ("mse", [Dense(2)], rng.standard_normal((N, 2))),
        ("mae", [Dense(2)], rng.standard_normal((N, 2))),
        ("cross_entropy", [Dense(K, activation="softmax")], labels),
        ("cross_entropy", [Dense(K, kernel_regularizer="l2"), Softmax()], np.eye(K)[labels]),
        ("binary_crossentropy", [Dense(1, activation="sigmoid")], labels % 2),
        (Quartic(), [Mine(2)], rng.standard_normal((N, 2))),
        (SoftmaxCrossEntropy(), [Dense(K)], labels),
    ][rng.integers(7)]
    dtype = "float32" if rng.random() < 0.5 else "float64"
    model = Sequential([*hidden, *last], seed=rng, dtype=dtype)
    model.build((D,))
    model.compile("adam", loss)
    if rng.random() < 0.3 and any(one.parameters for one in model.layers[1:]):
        model.freeze(0)
    if rng.random() < 0.2 and any(one.trainable and one.parameters for one in model.layers):
        model.fit(x, y, epochs=2, verbose=0, seed=0)
    return model, x, y


# --- scores ---------------------------------------------------------------------------------------


def verdict(case: Case, kind: str, seed: int) -> tuple[bool, bool, GradientReport]:
    """Whether the first finding is of the kind, whether any is, and the report."""
    report = check_gradients(*case, seed=seed)
    kinds = [finding.kind for finding in report.findings]
    sound = report.ok == (kind == "kink")
    return sound and kinds[:1] == [kind], sound and kind in kinds, report


def score(kind: str, cases: int, first: int = 0) -> Iterator[tuple[int, bool, bool, Any]]:
    """The verdicts on this many plantings, through all variants in turn."""
    variants = BUGS[kind]
    for seed in range(first, first + cases):
        rng = np.random.default_rng([seed, len(kind), ord(kind[0])])
        case = variants[seed % len(variants)](rng)
        yield seed % len(variants), *verdict(case, kind, seed)


def alarms(cases: int, first: int = 0) -> Iterator[tuple[int, GradientReport]]:
    """Reports on correct code that raise an alarm."""
    for seed in range(first, first + cases):
        case = correct(np.random.default_rng([seed, 77]))
        report = check_gradients(*case, seed=seed)
        if not report.ok or any(finding.kind != "kink" for finding in report.findings):
            yield seed, report


def main() -> int:
    """Print the scores; the exit code is 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=100, help="plantings of each kind")
    parser.add_argument("--correct", type=int, default=1000, help="cases of correct code")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    parser.add_argument("--only", nargs="*", default=list(BUGS), help="kinds")
    arguments = parser.parse_args()
    rows, good, begun = [], True, time.perf_counter()
    for kind in arguments.only:
        start, first, among, missed = time.perf_counter(), 0, 0, set()
        for variant, is_first, is_among, report in score(kind, arguments.cases):
            first, among = first + is_first, among + is_among
            if not is_first:
                missed.add(variant)
                if arguments.show:
                    print(f"{kind}, variant {variant}: {report}\n")
        took = 1e3 * (time.perf_counter() - start) / arguments.cases
        share = first / arguments.cases
        good &= share >= 0.95
        rows.append(
            [kind, str(len(BUGS[kind])), str(arguments.cases), f"{share:.0%}",
             f"{among / arguments.cases:.0%}", f"{took:.0f}", ", ".join(map(str, sorted(missed)))]
        )  # fmt: skip
    for mistake in MISTAKES if len(arguments.only) == len(BUGS) else ():
        first = 0
        for seed in range(20):
            case = mistake.plant(seed)
            first += verdict((case.target, case.x, case.y), mistake.kind, seed)[0]
        good &= first >= 19
        rows.append([f"zoo: {mistake.name}", "1", "20", f"{first / 20:.0%}", "", "", ""])
    start, raised = time.perf_counter(), 0
    for seed, report in alarms(arguments.correct):
        raised += 1
        if arguments.show:
            print(f"correct code, seed {seed}: {report}\n")
    took = 1e3 * (time.perf_counter() - start) / max(1, arguments.correct)
    good &= raised == 0
    heading = ["kind", " variants", " cases", " first", " among", " ms each", "missed variants"]
    notes = [
        f"{raised} alarms in {arguments.correct:,} cases of correct code, {took:.0f} ms each.",
        f"minnet {minnet.__version__}, NumPy {np.__version__}, "
        f"{time.perf_counter() - begun:.0f} s in all.",
    ]
    print(Table(heading, rows, title="Planted bugs, and the first finding", notes=notes))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
