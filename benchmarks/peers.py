"""The same training in minnet, in every peer, and by hand: what the benchmarks compare.

A peer is asked for five things: to take data and weights, to fit, and to give its weights and facts
about itself. Each is written as its own documentation writes it, in its fastest plain form: whole
tensors in memory where it has them, no loss read back within an epoch, and no metrics. A framework
is imported when its peer is made, so that each runs in a process that holds nothing of the others.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import math
import os
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import minnet
from minnet.layers import Dense, Input

Array = np.ndarray[Any, Any]
Weights = list[Array]
"""W1, b1, W2, b2, …: kernels of shape (inputs, outputs), as in Keras."""

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-16
"""Adam's settings in every peer.

Keras and scikit-learn add ε to √v, the others to √v̂ = √(v / (1 − β₂ᵗ)), which at the usual 1e-8
moves the small gradients of this work differently. So small an ε makes both forms the same to
rounding, and costs no peer anything.
"""

PIECE = 65_536
"""Numbers that the hand-written Adam moves at a time, as minnet does."""


@dataclass(frozen=True)
class Work:
    """What every peer has to do.

    Parameters
    ----------
    widths
        Inputs, hidden units and outputs: ReLU between, softmax with cross-entropy at the end.
    batch, rows, epochs
        Samples of an update, of an epoch, and epochs of a timed fit.
    frozen
        Whether all but the last layer stay as they are.
    source
        "uniform": numbers in [0, 1) with random labels; "centres": rows about a centre for each
        class; "mnist": the training images.
    """

    widths: tuple[int, ...]
    batch: int
    rows: int
    epochs: int
    frozen: bool = False
    source: str = "uniform"

    @property
    def name(self) -> str:
        """Such as "784-32-10"."""
        return "-".join(map(str, self.widths))

    @property
    def steps(self) -> int:
        """Updates in one timed fit."""
        return math.ceil(self.rows / self.batch) * self.epochs

    def data(self) -> tuple[Array, Array]:
        """x (rows, D) float32 and labels y (rows,) int64."""
        if self.source == "mnist":
            x, y, _, _ = minnet.datasets.mnist()
            return x[: self.rows], y[: self.rows].astype(np.int64)
        rng = np.random.default_rng(0)
        D, K = self.widths[0], self.widths[-1]
        y = rng.integers(K, size=self.rows)
        if self.source == "uniform":
            return rng.random((self.rows, D), dtype=np.float32), y
        x = rng.standard_normal((self.rows, D), dtype=np.float32)
        x += (0.2 + 0.2 * rng.standard_normal((K, D), dtype=np.float32))[y]
        return x, y

    def weights(self, seed: int = 0) -> Weights:
        """The weights that every peer starts from: He's normal kernels and zero biases."""
        rng = np.random.default_rng(seed)
        weights = []
        for D, M in itertools.pairwise(self.widths):
            weights += [rng.normal(0.0, math.sqrt(2 / D), (D, M)), np.zeros(M)]
        return [array.astype(np.float32) for array in weights]


def loss_and_accuracy(weights: Weights, x: Array, y: Array) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy, in float64, from any library's weights."""
    h = x.astype(np.float64)
    for W, b in layers(weights):
        z = h @ W.astype(np.float64) + b
        h = np.maximum(z, 0.0)
    z -= z.max(axis=1, keepdims=True)
    right = z[np.arange(len(y)), y]
    loss = np.mean(np.log(np.exp(z).sum(axis=1)) - right)
    return float(loss), float(np.mean(z.argmax(axis=1) == y))


def layers(weights: Weights) -> list[tuple[Array, Array]]:
    """W and b of each layer."""
    return list(zip(weights[::2], weights[1::2], strict=True))


class Peer(ABC):
    """One way of training.

    Parameters
    ----------
    work
        The network, the batch, and whether the base is frozen.
    """

    label: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    environment: ClassVar[dict[str, str]] = {}
    can_freeze: ClassVar[bool] = False

    def __init__(self, work: Work) -> None:
        self.work = work
        self.rng = np.random.default_rng(0)

    def take(self, x: Array, y: Array) -> None:
        """Hold the data in the framework's own arrays; not timed."""
        self.x, self.y = x, y

    @abstractmethod
    def start(self, weights: Weights) -> None:
        """Begin at these weights, with an optimizer that remembers nothing; not timed."""

    @abstractmethod
    def fit(self, epochs: int, shuffle: bool = True) -> None:
        """Train on the data, and come back once the last update is made."""

    def weights(self) -> Weights:
        """Copies of what was learned; nothing where nothing is."""
        return []

    def own(self, x: Array) -> Any:
        """x in the kind of array that the framework computes with."""
        return x

    def predict(self, x: Any) -> Any:
        """Probabilities of the classes, (N, K), of its own kind of array, as its users call it."""
        raise NotImplementedError

    def threads(self) -> str:
        """How many threads it computes with, and who says so."""
        return blas_threads()

    @classmethod
    def missing(cls) -> list[str]:
        """The packages that are not installed."""
        return [name for name in cls.packages if importlib.util.find_spec(name) is None]

    def order(self, shuffle: bool) -> Array:
        """The rows of an epoch in their order."""
        rows = len(self.x)
        return self.rng.permutation(rows) if shuffle else np.arange(rows)


def blas_threads() -> str:
    """Threads of NumPy's matrix products."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return f"{os.environ.get('OPENBLAS_NUM_THREADS', 'default')} (environment)"
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    counts = {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}
    return f"{max(counts, default=1)} (BLAS)"


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Minnet(Peer):
    """`Sequential.fit`."""

    label = "minnet"
    can_freeze = True

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        *hidden, K = work.widths[1:]
        self.adam = minnet.optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON)
        stack = [Input((work.widths[0],)), *(Dense(M, activation="relu") for M in hidden)]
        self.model = minnet.Sequential([*stack, Dense(K, activation="softmax")], seed=0)
        if work.frozen:
            self.model.freeze("all_but_head")

    def start(self, weights: Weights) -> None:
        self.model.set_weights(weights)
        self.model.compile(self.adam, "sparse_categorical_crossentropy")

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        self.model.fit(self.x, self.y, self.work.batch, epochs=epochs, shuffle=shuffle, verbose=0)

    def weights(self) -> Weights:
        return self.model.get_weights()

    def predict(self, x: Any) -> Any:
        return self.model.predict(x)


class Keras(Peer):
    """`Model.fit` of Keras, on whichever backend the environment names."""

    label = "tf.keras"
    packages = ("keras", "tensorflow")
    environment: ClassVar = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    can_freeze = True

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        import keras

        *hidden, K = work.widths[1:]
        dense = keras.layers.Dense
        base = [dense(M, activation="relu", trainable=not work.frozen) for M in hidden]
        self.model = keras.Sequential(
            [keras.layers.Input((work.widths[0],)), *base, dense(K, activation="softmax")]
        )
        adam = keras.optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON)
        self.model.compile(adam, "sparse_categorical_crossentropy")
        adam.build(self.model.trainable_variables)
        self.fresh = [np.array(variable) for variable in adam.variables]

    def start(self, weights: Weights) -> None:
        self.model.set_weights(weights)
        for variable, value in zip(self.model.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        self.model.fit(self.x, self.y, self.work.batch, epochs=epochs, shuffle=shuffle, verbose=0)

    def weights(self) -> Weights:
        return self.model.get_weights()

    def predict(self, x: Any) -> Any:
        return self.model.predict(x, verbose=0)

    def threads(self) -> str:
        import tensorflow as tf

        named = tf.config.threading.get_intra_op_parallelism_threads()
        return f"{named} (intra-op)" if named else f"{cores()} (default, one a core)"


class KerasOnJax(Keras):
    """The same `Model.fit` on JAX."""

    label = "Keras on JAX"
    packages = ("keras", "jax")
    environment: ClassVar = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

    def threads(self) -> str:
        return f"{cores()} (default, one a core)"


class Torch(Peer):
    """PyTorch in eager mode: the loop of its tutorials, on tensors in memory."""

    label = "PyTorch"
    packages = ("torch",)
    can_freeze = True
    fused: ClassVar[bool | None] = None

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        import torch

        torch.manual_seed(0)
        self.torch = torch
        self.linear = [torch.nn.Linear(D, M) for D, M in itertools.pairwise(work.widths)]
        stack = [step for layer in self.linear for step in (layer, torch.nn.ReLU())]
        self.model = torch.nn.Sequential(*stack[:-1])  # logits: the loss has the softmax
        self.loss = torch.nn.CrossEntropyLoss()
        if work.frozen:
            for parameter in self.model[:-1].parameters():
                parameter.requires_grad = False

    def take(self, x: Array, y: Array) -> None:
        self.x, self.y = self.torch.from_numpy(x), self.torch.from_numpy(y)

    def start(self, weights: Weights) -> None:
        torch = self.torch
        with torch.no_grad():
            for layer, (W, b) in zip(self.linear, layers(weights), strict=True):
                layer.weight.copy_(torch.from_numpy(W).T)
                layer.bias.copy_(torch.from_numpy(b))
        learning = [p for p in self.model.parameters() if p.requires_grad]
        betas = (BETA_1, BETA_2)
        self.adam = torch.optim.Adam(learning, RATE, betas, EPSILON, fused=self.fused)

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        torch, rows = self.torch, len(self.x)
        model, loss, adam, x, y = self.model, self.loss, self.adam, self.x, self.y
        for _ in range(epochs):
            order = torch.randperm(rows) if shuffle else torch.arange(rows)
            for batch in order.split(self.work.batch):
                adam.zero_grad()
                loss(model(x[batch]), y[batch]).backward()
                adam.step()

    def weights(self) -> Weights:
        return [
            array.detach().numpy().T.copy() if array.ndim == 2 else array.detach().numpy().copy()
            for layer in self.linear
            for array in (layer.weight, layer.bias)
        ]

    def own(self, x: Array) -> Any:
        return self.torch.from_numpy(x)

    def predict(self, x: Any) -> Any:
        with self.torch.inference_mode():
            return self.torch.softmax(self.model(x), 1)

    def threads(self) -> str:
        return f"{self.torch.get_num_threads()} (intra-op)"


class TorchFused(Torch):
    """The same with Adam as one kernel."""

    label = "PyTorch, fused Adam"
    fused = True


class ScikitLearn(Peer):
    """`MLPClassifier.partial_fit` once an epoch, which goes on with its optimizer.

    `fit` forgets it each time, and its least times are within 6 % of these, one way or the other.
    """

    label = "scikit-learn"
    packages = ("sklearn",)

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        from sklearn.neural_network import MLPClassifier

        self.model = MLPClassifier(
            work.widths[1:-1],
            solver="adam",
            alpha=0.0,
            batch_size=work.batch,
            learning_rate_init=RATE,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            random_state=np.random.RandomState(0),
        )

    def start(self, weights: Weights) -> None:
        model, classes = self.model, np.arange(self.work.widths[-1])
        if not hasattr(model, "coefs_"):
            with warnings.catch_warnings():  # that the batch is clipped to these rows
                warnings.simplefilter("ignore")
                model.partial_fit(self.x[:2], self.y[:2], classes=classes)
        for (mine, own), (W, b) in zip(
            zip(model.coefs_, model.intercepts_, strict=True), layers(weights), strict=True
        ):
            mine[...], own[...] = W, b
        del model._optimizer
        model.n_iter_ = model.t_ = 0

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        self.model.shuffle = shuffle
        for _ in range(epochs):
            self.model.partial_fit(self.x, self.y)

    def weights(self) -> Weights:
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [array.copy() for pair in pairs for array in pair]

    def predict(self, x: Any) -> Any:
        return self.model.predict_proba(x)


class Jax(Peer):
    """A loop over one jitted step: buffers donated, batches gathered while the last step runs."""

    label = "JAX, jitted step"
    packages = ("jax",)
    environment: ClassVar = {"JAX_PLATFORMS": "cpu"}

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        import jax

        self.jax = jax
        self.step = jax.jit(self.one_step, donate_argnums=0)

    def one_step(self, state: Any, x: Any, y: Any) -> Any:
        """The weights, both moments and the count after one update on x and y."""
        jnp, nn = self.jax.numpy, self.jax.nn

        def loss(weights: Any) -> Any:
            h, (*hidden, (W, b)) = x, layers(weights)
            for V, c in hidden:
                h = nn.relu(h @ V + c)
            logs = nn.log_softmax(h @ W + b)
            return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()

        weights, ms, vs, t = state
        t = t + 1.0
        root = jnp.sqrt(1.0 - BETA_2**t)
        rate = RATE * root / (1.0 - BETA_1**t)
        grads = self.jax.grad(loss)(weights)
        ms = [BETA_1 * m + (1.0 - BETA_1) * g for m, g in zip(ms, grads, strict=True)]
        vs = [BETA_2 * v + (1.0 - BETA_2) * g * g for v, g in zip(vs, grads, strict=True)]
        weights = [
            w - rate * m / (jnp.sqrt(v) + EPSILON * root)
            for w, m, v in zip(weights, ms, vs, strict=True)
        ]
        return weights, ms, vs, t

    def take(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y.astype(np.int32)

    def start(self, weights: Weights) -> None:
        zeros = [[np.zeros_like(w) for w in weights] for _ in range(2)]
        state = ([w.copy() for w in weights], *zeros, np.float32(0.0))
        self.state = self.jax.device_put(state)

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        state, step, x, y, batch = self.state, self.step, self.x, self.y, self.work.batch
        for _ in range(epochs):
            order = self.order(shuffle)
            for begin in range(0, len(order), batch):
                rows = order[begin : begin + batch]
                state = step(state, x[rows], y[rows])
        self.state = self.jax.block_until_ready(state)

    def weights(self) -> Weights:
        return [np.array(w) for w in self.state[0]]

    def threads(self) -> str:
        return f"{cores()} (default, one a core)"


class JaxScan(Jax):
    """An epoch as one jitted program: `lax.scan` over the batches, nothing done in Python."""

    label = "JAX, jitted epoch"

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        scan = self.jax.lax.scan

        def epoch(state: Any, x: Any, y: Any, order: Any) -> Any:
            return scan(lambda s, rows: (self.one_step(s, x[rows], y[rows]), None), state, order)[0]

        self.epoch = self.jax.jit(epoch, donate_argnums=0)

    def take(self, x: Array, y: Array) -> None:
        self.x, self.y = self.jax.device_put((x, y.astype(np.int32)))

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        batch = self.work.batch
        for _ in range(epochs):
            order = self.order(shuffle)
            whole = len(order) // batch * batch
            self.state = self.epoch(
                self.state, self.x, self.y, order[:whole].reshape(-1, batch).astype(np.int32)
            )
            if whole < len(order):
                rest = order[whole:]
                self.state = self.step(self.state, self.x[rest], self.y[rest])
        self.jax.block_until_ready(self.state)


class ByHand(Peer):
    """The step written out in NumPy: flat vectors, views, `out=`, nothing large allocated."""

    label = "NumPy by hand"

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.losses: list[float] = []

    def views(self, flat: Array) -> Weights:
        """W1, b1, … of this network inside a flat vector."""
        shapes = [s for D, M in itertools.pairwise(self.work.widths) for s in ((D, M), (M,))]
        edges = itertools.pairwise(np.cumsum([0, *map(math.prod, shapes)]))
        return [flat[a:b].reshape(s) for (a, b), s in zip(edges, shapes, strict=True)]

    def start(self, weights: Weights) -> None:
        self.theta = np.concatenate([array.ravel() for array in weights])
        self.m, self.v = np.zeros_like(self.theta), np.zeros_like(self.theta)
        self.t = 0

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        """Whole batches only; `losses` gets the mean loss of each epoch.

        m and v are kept as m / (1 − β₁) and v / (1 − β₂): a pass over the numbers less each.
        """
        x, y, B, K, t = self.x, self.y, self.work.batch, self.work.widths[-1], self.t
        theta, new = self.theta, functools.partial(np.empty, dtype=self.theta.dtype)
        grad, scratch = new(theta.size), new(PIECE)
        vectors = (theta, grad, self.m, self.v, scratch)
        pieces = [
            (*(vector[a : a + PIECE] for vector in vectors[:4]), scratch[: theta[a:].size])
            for a in range(0, theta.size, PIECE)
        ]
        h = [new((B, width)) for width in self.work.widths]
        kernels, ((dW1, db1), *gradients) = layers(self.views(theta)), layers(self.views(grad))
        forward = [(a, W, b, out) for a, (W, b), out in zip(h[:-1], kernels, h[1:], strict=True)]
        backward = [
            (a, a.T, W.T, dW, db, new(a.shape), np.empty(a.shape, bool))
            for a, (W, _), (dW, db) in zip(h[1:-1], kernels[1:], gradients, strict=True)
        ][::-1]
        xb, xbT, z, p = h[0], h[0].T, h[-1], h[-1].reshape(-1)
        column, ones = new((B, 1)), np.ones(B, theta.dtype)
        corners = np.tile(np.arange(B) * K, len(x) // B)
        chosen = new(corners.size)
        self.losses = []
        for _ in range(epochs):
            order = self.order(shuffle)[: corners.size]
            right = y[order] + corners  # where in p each sample's own class is
            for begin in range(0, order.size, B):
                batch = slice(begin, begin + B)
                x.take(order[batch], axis=0, out=xb, mode="clip")
                for a, W, b, out in forward:
                    np.dot(a, W, out=out)
                    out += b
                    if out is not z:
                        np.maximum(out, 0.0, out=out)
                z -= np.maximum.reduce(z, axis=1, keepdims=True, out=column)
                np.exp(z, out=z)
                np.add.reduce(z, axis=1, keepdims=True, out=column)
                column *= B
                z /= column  # softmax / B
                own = right[batch]
                chosen[batch] = p[own]
                p[own] -= 1.0 / B
                dy = z
                for a, aT, WT, dW, db, da, positive in backward:
                    np.dot(aT, dy, out=dW)
                    np.dot(ones, dy, out=db)
                    np.dot(dy, WT, out=da)
                    da *= np.greater(a, 0.0, out=positive)
                    dy = da
                np.dot(xbT, dy, out=dW1)
                np.dot(ones, dy, out=db1)
                t += 1
                scale = math.sqrt((1.0 - BETA_2) / (1.0 - BETA_2**t))
                rate, epsilon = RATE * (1.0 - BETA_1) / (1.0 - BETA_1**t) / scale, EPSILON / scale
                for w, g, m, v, s in pieces:
                    m *= BETA_1
                    m += g
                    v *= BETA_2
                    v += np.multiply(g, g, out=s)
                    np.sqrt(v, out=s)
                    s += epsilon
                    np.divide(m, s, out=s)
                    s *= rate
                    w -= s
            self.losses.append(-float(np.log(B * chosen).mean()))
        self.t = t

    def weights(self) -> Weights:
        return [view.copy() for view in self.views(self.theta)]


class Textbook(Peer):
    """The step in the lines that a textbook prints: a new array for each formula, Adam by array."""

    label = "NumPy, a textbook's lines"

    def start(self, weights: Weights) -> None:
        self.parameters = [array.copy() for array in weights]
        self.moments = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
        self.t = 0

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        """Adam's lines are those of the paper; `losses` gets the mean loss of each epoch."""
        B, last = self.work.batch, len(self.parameters) // 2 - 1
        self.losses: list[float] = []
        for _ in range(epochs):
            order, total = self.order(shuffle), 0.0
            for begin in range(0, len(order), B):
                rows = order[begin : begin + B]
                h, target, N = [self.x[rows]], self.y[rows], len(rows)
                for i, (W, b) in enumerate(layers(self.parameters)):
                    z = h[-1] @ W + b
                    h.append(np.maximum(z, 0.0) if i < last else z)
                z = h.pop()
                p = np.exp(z - z.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                total -= np.log(p[np.arange(N), target]).sum()
                p[np.arange(N), target] -= 1.0
                dz, gradients = p / N, []
                for i in range(last, -1, -1):
                    gradients = [h[i].T @ dz, dz.sum(axis=0), *gradients]
                    if i:
                        dz = (dz @ self.parameters[2 * i].T) * (h[i] > 0.0)
                self.t += 1
                for k, (w, g) in enumerate(zip(self.parameters, gradients, strict=True)):
                    m, v = self.moments[k]
                    m = BETA_1 * m + (1.0 - BETA_1) * g
                    v = BETA_2 * v + (1.0 - BETA_2) * g**2
                    self.moments[k] = m, v
                    m_hat, v_hat = m / (1.0 - BETA_1**self.t), v / (1.0 - BETA_2**self.t)
                    w -= RATE * m_hat / (np.sqrt(v_hat) + EPSILON)
            self.losses.append(float(total) / len(order))

    def weights(self) -> Weights:
        return [array.copy() for array in self.parameters]


class Products(Peer):
    """The matrix products of a step and nothing else: no batch is gathered, nothing is learned.

    For each layer x W and xᵀ dy, and dy Wᵀ for all but the first, whose input needs no gradient.
    """

    label = "its products alone"

    def start(self, weights: Weights) -> None:
        rng, B = np.random.default_rng(2), self.work.batch
        x = self.x[:B]
        self.products = []
        for i, (W, b) in enumerate(layers(weights)):
            y = rng.random((B, len(b)), dtype=np.float32)
            self.products += [(x, W, np.empty_like(y)), (x.T, y, np.empty_like(W))]
            if i:
                self.products.append((y, W.T, np.empty_like(x)))
            x = y

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        for _ in range(epochs * math.ceil(len(self.x) / self.work.batch)):
            for a, b, out in self.products:
                np.dot(a, b, out=out)


PEERS: dict[str, type[Peer]] = {
    "minnet": Minnet,
    "keras": Keras,
    "torch": Torch,
    "torch-fused": TorchFused,
    "sklearn": ScikitLearn,
    "keras-jax": KerasOnJax,
    "jax": Jax,
    "jax-scan": JaxScan,
    "textbook": Textbook,
    "hand": ByHand,
    "products": Products,
}
"""What `--peers` takes, in the order of the tables."""
