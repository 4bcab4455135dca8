"""Convolution: how fast beside PyTorch and tf.keras, in how much memory, how good on MNIST.

    python benchmarks/convolution.py speed [--threads 1] [--rounds 12]
    MINNET_DATA=… python benchmarks/convolution.py memory accuracy

- speed: a training step by SGD of a small network (8 filters 3×3, padding "same", pooling, 10
  classes, batch 32) and of LeNet (6 and 16 filters 5×5, 120-84-10, batch 64), beside PyTorch and
  tf.keras, where they are installed. Each peer has a process of its own and is asked in turn for an
  epoch of 60 steps, after a pause; another one begins each round. Before that all make an epoch
  from the same weights and are held to the same loss. Without `--threads` each does what it does by
  default.
- memory: the most that a process holds which trains LeNet at batch 256 and then predicts 5,120
  images at once, beside one that only has them; and the largest array of patches that it makes.
- accuracy: LeNet as `minnet.pretrained.mnist_cnn` trains it, for six epochs, with seeds 1 to 3,
  which had been settled before the first run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import harness
import numpy as np
from harness import Bar

import minnet
from minnet.foundation.checks import Array
from minnet.foundation.tables import Table
from minnet.layers import Conv2D, Dense, Flatten, Layer, MaxPooling2D
from minnet.layers.windows import MOST_BYTES, Windows
from minnet.optimizers import Adam
from minnet.pretrained import mnist_cnn
from minnet.schedules import OneCycle

STEPS, RATE = 60, 0.01
SAME_LOSS = 0.01
"""Of the way that the loss goes in an epoch: so far may a peer's be from minnet's."""

SEEDS, EPOCHS, GOAL, MINUTES = (1, 2, 3), 6, 98.8, 3


class Network(NamedTuple):
    """A network, its batch, and what its step may take of PyTorch's."""

    layers: Callable[[], list[Layer]]
    batch: int
    bar: Bar


def small() -> list[Layer]:
    """One convolution."""
    return [
        Conv2D(8, 3, padding="same", activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D(),
        Flatten(),
        Dense(10, "softmax"),
    ]


def lenet() -> list[Layer]:
    """Two convolutions and three dense layers."""
    return [
        Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D(),
        Conv2D(16, 5, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dense(120, "relu"),
        Dense(84, "relu"),
        Dense(10, "softmax"),
    ]


NETWORKS = {
    "small": Network(small, 32, Bar(within=1.0)),
    "LeNet": Network(lenet, 64, Bar(within=1.5)),
}

# --- speed ----------------------------------------------------------------------------------------


def made(name: str) -> tuple[minnet.Sequential, Array, Array]:
    """The model with its first weights, and a batch for each step."""
    network = NETWORKS[name]
    rng = np.random.default_rng(0)
    x = rng.random((STEPS * network.batch, 28, 28, 1), dtype=np.float32)
    model = minnet.Sequential(network.layers(), seed=0)
    model.build((28, 28, 1))
    return model, x, rng.integers(0, 10, len(x))


class Minnet:
    """`fit`."""

    def __init__(self, name: str) -> None:
        self.model, self.x, self.y = made(name)
        self.batch = NETWORKS[name].batch
        self.model.compile(minnet.optimizers.SGD(RATE), "cross_entropy")

    def epoch(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0, shuffle=False)

    def loss(self) -> float:
        return float(self.model.evaluate(self.x[:256], self.y[:256])[0])


class Torch:
    """The usual loop, with the channels first, as it has them."""

    def __init__(self, name: str) -> None:
        import torch

        model, x, y = made(name)
        self.torch, nn, self.batch = torch, torch.nn, NETWORKS[name].batch
        modules: list[Any] = []
        shape: Any = (28, 28, 1)
        before = None  # the shape of the images that were flattened
        for step in model.steps:
            kind = type(step).__name__
            if kind == "Conv2D":
                margin = step.kernel_size[0] // 2 if step.padding == "same" else 0
                module = nn.Conv2d(shape[2], step.filters, step.kernel_size, padding=margin)
                self._fill(module, step.W.transpose(3, 2, 0, 1), step.b)
            elif kind == "Dense":
                module = nn.Linear(*step.W.shape)
                W = step.W
                if before is not None:  # rows of W in the order (C, H, W)
                    W = W.reshape(*before, -1).transpose(2, 0, 1, 3).reshape(len(W), -1)
                self._fill(module, W.T, step.b)
                before = None
            elif kind == "Flatten":
                module, before = nn.Flatten(), shape
            else:
                simple = {"ReLU": nn.ReLU, "MaxPooling2D": lambda: nn.MaxPool2d(2)}
                module = simple.get(kind, nn.Identity)()  # the loss has the softmax
            modules.append(module)
            shape = step.compute_output_shape(shape)
        self.model = nn.Sequential(*modules)
        self.x = torch.tensor(x.transpose(0, 3, 1, 2).copy())
        self.y = torch.tensor(y)
        self.optimizer = torch.optim.SGD(self.model.parameters(), RATE)
        self.criterion = nn.CrossEntropyLoss()

    def _fill(self, module: Any, W: Array, b: Array) -> None:
        with self.torch.no_grad():
            module.weight.copy_(self.torch.tensor(W.copy()))
            module.bias.copy_(self.torch.tensor(b.copy()))

    def epoch(self) -> None:
        for n in range(0, len(self.x), self.batch):
            self.optimizer.zero_grad()
            output = self.model(self.x[n : n + self.batch])
            self.criterion(output, self.y[n : n + self.batch]).backward()
            self.optimizer.step()

    def loss(self) -> float:
        with self.torch.no_grad():
            return float(self.criterion(self.model(self.x[:256]), self.y[:256]))


class TFKeras:
    """`fit` of tf.keras, with the same layers."""

    def __init__(self, name: str) -> None:
        os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        import tensorflow as tf

        model, self.x, self.y = made(name)
        self.batch = NETWORKS[name].batch
        layers = [tf.keras.Input((28, 28, 1))]
        for layer in model.layers:
            kind = getattr(tf.keras.layers, type(layer).__name__)
            if isinstance(layer, Conv2D):
                options = {"padding": layer.padding, "activation": "relu"}
                layers.append(kind(layer.filters, layer.kernel_size, **options))
            elif isinstance(layer, Dense):
                layers.append(kind(layer.units, type(layer.activation).__name__.lower()))
            else:
                layers.append(kind())
        self.model = tf.keras.Sequential(layers)
        self.model.set_weights(model.get_weights())
        self.model.compile(tf.keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")

    def epoch(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0, shuffle=False)

    def loss(self) -> float:
        return float(self.model.evaluate(self.x[:256], self.y[:256], verbose=0))


PEERS = {
    "minnet": (Minnet, ()),
    "PyTorch": (Torch, ("torch",)),
    "tf.keras": (TFKeras, ("tensorflow",)),
}


def served(key: str, name: str, pipe: Any) -> None:
    """In a process of its own: the losses around one epoch, then an epoch's times when asked."""
    try:
        peer = PEERS[key][0](name)
    except ImportError as error:
        pipe.send(f"{error}")
        return
    before = peer.loss()
    peer.epoch()
    pipe.send((before, peer.loss()))
    while pipe.recv():
        busy, begin = time.process_time(), time.perf_counter()
        peer.epoch()
        seconds = time.perf_counter() - begin
        pipe.send({"seconds": seconds, "busy": time.process_time() - busy})


def speed(options: argparse.Namespace) -> None:
    """Milliseconds for a step of each peer, on each network."""
    threads = harness.limit_threads(options.threads)
    for name, network in NETWORKS.items():
        pipes, losses, processes = started(name)
        before, after = losses["minnet"]
        apart = max(abs(one[1] - after) for one in losses.values()) / abs(before - after)
        if apart > SAME_LOSS:
            sys.exit(f"They do not do the same work on {name}: {losses}")
        answers: dict[str, list[dict[str, float]]] = {key: [] for key in pipes}
        for round_ in range(options.rounds + 1):  # the first one warms up and is not kept
            for key in harness.rotated(list(pipes), round_):
                time.sleep(harness.REST)
                pipes[key].send(True)
                answer = pipes[key].recv()
                if round_:
                    answers[key].append(answer)
        for pipe in pipes.values():
            pipe.send(False)
        for process in processes:
            process.join()
        print(
            Table(
                ["peer", " least ms", " median ms", " minnet ÷ least", " ÷ median", " cores busy"],
                step_rows(answers),
                title=f"{name}, batch {network.batch}, {options.rounds} rounds; threads: {threads}",
                notes=[
                    f"losses went from {before:.4f} to {after:.4f}, and differ by {apart:.0e} of "
                    "that way",
                    verdict(answers, network.bar),
                ],
            ),
            flush=True,
        )


def started(name: str) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """The pipes, the losses around one epoch, and the processes of the peers that there are."""
    spawn = multiprocessing.get_context("spawn")
    pipes, losses, processes = {}, {}, []
    for key in PEERS:
        end, far_end = spawn.Pipe()
        processes.append(spawn.Process(target=served, args=(key, name, far_end)))
        processes[-1].start()
        answer = end.recv()
        if isinstance(answer, str):
            print(f"{key} is left out: {answer}")
            continue
        pipes[key], losses[key] = end, answer
    return pipes, losses, processes


def step_rows(answers: dict[str, list[dict[str, float]]]) -> list[list[str]]:
    """A line for each peer: milliseconds a step, minnet's share of them, and the cores it kept."""
    rows = []
    for key, each in answers.items():
        least, middle = (milliseconds(each, of) for of in (min, statistics.median))
        ours = [milliseconds(answers["minnet"], of) for of in (min, statistics.median)]
        busy = sum(one["busy"] for one in each) / sum(one["seconds"] for one in each)
        shares = (f"{ours[0] / least:.2f}", f"{ours[1] / middle:.2f}")
        rows.append([key, f"{least:.2f}", f"{middle:.2f}", *shares, f"{busy:.1f}"])
    return rows


def milliseconds(answers: list[dict[str, float]], of: Callable[[list[float]], float]) -> float:
    """The least or the median of a step."""
    return of([answer["seconds"] for answer in answers]) / STEPS * 1e3


def verdict(answers: dict[str, list[dict[str, float]]], bar: Bar) -> str:
    """PyTorch's time over minnet's beside its bar."""
    if "PyTorch" not in answers:
        return "without PyTorch there is no bar"
    both = [
        milliseconds(answers["PyTorch"], of) / milliseconds(answers["minnet"], of)
        for of in (min, statistics.median)
    ]
    return f"PyTorch ÷ minnet {both[0]:.2f}, of medians {both[1]:.2f}, bar {bar}: " + bar.verdict(
        *both
    )


# --- memory ---------------------------------------------------------------------------------------


def held(train: bool, pipe: Any) -> None:
    """In a process of its own: the most it held, in MB, and the most bytes of patches."""
    rng = np.random.default_rng(0)
    x, y = rng.random((20 * 256, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 20 * 256)
    most = 0
    if train:
        unrolled = Windows.unrolled

        def noted(self: Windows, images: Array) -> Array:
            nonlocal most
            patches = unrolled(self, images)
            most = max(most, patches.nbytes)
            return patches

        Windows.unrolled = noted  # type: ignore[method-assign]
        model = minnet.Sequential(lenet(), seed=0)
        model.compile("adam", "cross_entropy")
        model.fit(x, y, batch_size=256, epochs=2, verbose=0)
        model.evaluate(x, y)
        model.predict(x, batch_size=len(x))
    scale = 2**20 if sys.platform == "darwin" else 2**10
    pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, most))


def memory(options: argparse.Namespace) -> None:
    """What LeNet at batch 256 takes."""
    spawn = multiprocessing.get_context("spawn")
    answers = []
    for train in (False, True):
        end, far_end = spawn.Pipe()
        process = spawn.Process(target=held, args=(train, far_end))
        process.start()
        answers.append(end.recv())
        process.join()
    (data, _), (whole, patches) = answers
    print(
        f"Python, minnet and 5,120 images: {data:.0f} MB. Training and predicting as well: "
        f"{whole:.0f} MB. The largest array of patches: {patches / 2**20:.1f} MB, of "
        f"{MOST_BYTES / 2**20:.0f} that are allowed."
    )


# --- accuracy -------------------------------------------------------------------------------------


def accuracy(options: argparse.Namespace) -> None:
    """LeNet on MNIST, and how long it takes."""
    x, y, x_test, y_test = minnet.datasets.mnist()
    x, x_test = mnist_cnn.preprocess(x), mnist_cnn.preprocess(x_test)
    steps = EPOCHS * -(-len(x) // mnist_cnn.BATCH_SIZE)
    rows = []
    for seed in SEEDS:
        model = mnist_cnn.untrained(seed)
        model.compile(Adam(OneCycle(mnist_cnn.MOST, steps)), "cross_entropy", ["accuracy"])
        begin, worked = time.perf_counter(), time.process_time()
        model.fit(x, y, batch_size=mnist_cnn.BATCH_SIZE, epochs=EPOCHS, verbose=0)
        minutes = [(time.perf_counter() - begin) / 60, (time.process_time() - worked) / 60]
        right = 100 * model.evaluate(x_test, y_test)["accuracy"]
        met = "met" if right >= GOAL and minutes[0] <= MINUTES else "missed"
        rows.append([str(seed), f"{right:.2f}", *(f"{m:.2f}" for m in minutes), met])
        print(rows[-1], flush=True)
    heading = ["seed", " % right", " minutes", " of the processor", f"≥ {GOAL} in ≤ {MINUTES}"]
    print(Table(heading, rows, title=f"MNIST, {EPOCHS} epochs"))


if __name__ == "__main__":
    measures = {"speed": speed, "memory": memory, "accuracy": accuracy}
    parser = harness.parser(__doc__, peers=(), rounds=12)
    parser.add_argument("measures", nargs="*", metavar="speed|memory|accuracy", default=[*measures])
    options = parser.parse_args()
    for name in options.measures:
        measures[name](options)
