"""Change the structure of files, with all checksums right, and see what comes of them.

`python -m tests.structures` makes 5,000 files, half of them models and half checkpoints, in about
three minutes; `--files`, `--seed`. In each, some values have another type, length, size or place,
are there twice or not at all, or are numbers that nobody counts to. Every one has to become a model
(a fit that goes on) or a `ModelFileError` that changes nothing, within 50 MB and a second.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import hashlib
import io
import os
import re
import sys
import tempfile
import time
import traceback
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import minnet
from minnet.callbacks import Callback, Checkpoint, EarlyStopping, GradualUnfreezing
from minnet.files import archive
from minnet.foundation.checks import ModelFileError
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten, LeakyReLU
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam
from minnet.schedules import LinearWarmup, PiecewiseConstantDecay
from tests.faults import BARE
from tests.files import NAME, describes, members, npy, text_of
from tests.small_models import everything

PYTHONS = re.compile(
    f"{BARE.pattern}|to unpack|not iterable|not subscriptable|indices must|unhashable|too large to"
)
"""Words of Python and NumPy about themselves, in reasons for a refusal."""

LARGEST = 250_000
"""Bytes of a file for which the limits hold."""
MEMORY = 50 * 2**20
SECONDS = 1.0

Tree = Any
"""What JSON knows."""


# --- what is changed ------------------------------------------------------------------------------


class Noise(Callback):
    """A student's callback: draws from a generator, and shares a list with another."""

    def __init__(self, rng, log):
        self.rng, self.log = rng, log
        self.seen, self.best = {}, (np.float32(9), None)

    def on_train_batch_end(self, batch, logs=None):
        self.log.append(logs["loss"])
        self.seen[batch] = self.seen.get(batch, 0) + int(self.rng.integers(9))
        self.weights = self.model.layers[0].W


X = np.linspace(-1, 1, 60).reshape(20, 3)
Y = np.arange(20) % 3


class Training(NamedTuple):
    """A model, and how its fit is called."""

    model: Sequential
    call: dict[str, Any]


def classifier(path: Path | None = None, epochs: int = 2) -> Training:
    """All that a checkpoint can hold, with lists and generators in two places."""
    rng, log = np.random.default_rng(4), []
    model = Sequential(
        [
            Dense(4, LeakyReLU(0.1), input_dim=3, kernel_regularizer="l2"),
            BatchNormalization(),
            Dropout(0.2),
            Dense(3, "softmax", name="head"),
        ],
        seed=rng,
    )
    model.class_names, model.preprocessing = ["no", "yes", "perhaps"], "x / 255"
    model.compile(Adam(LinearWarmup(3, then=0.01)), "cross_entropy", metrics=["accuracy"])
    stopping = EarlyStopping("loss", patience=9)
    callbacks = [stopping, Noise(rng, log), Noise(np.random.default_rng(1), log)]
    if path is not None:
        callbacks.append(Checkpoint(path, every=4, keep=2))
    call = {"batch_size": 8, "epochs": epochs, "verbose": 0, "callbacks": callbacks}
    return Training(model, call)


def regression(path: Path | None = None, epochs: int = 2) -> Training:
    """Another one, with a schedule of lists, a frozen part, a validation and a best checkpoint."""
    model = Sequential(
        [Flatten(input_shape=3), Dense(5, "tanh"), Dense(2, "relu"), Dense(1)],
        seed=1,
        dtype="float64",
    )
    model.freeze(slice(0, 2))
    model.compile(SGD(PiecewiseConstantDecay([2, 4], [0.1, 0.01, 0.001]), 0.9), "mse", ["mae"])
    callbacks = [GradualUnfreezing(), EarlyStopping()]
    if path is not None:
        best = path.with_name("best.npz")
        callbacks += [Checkpoint(path), Checkpoint(best, monitor="val_loss")]
    call = {"epochs": epochs, "verbose": 0, "callbacks": callbacks, "validation_split": 0.2}
    return Training(model, {**call, "seed": 3, "learning_rate": {"dense_3": 0.01}})


TRAININGS = {"classifier": classifier, "regression": regression}


def deep() -> Sequential:
    """Many small layers, not compiled."""
    return Sequential([Dense(2, "relu", input_dim=2), *(Dense(2) for _ in range(30))], seed=0)


# --- changes --------------------------------------------------------------------------------------

ODD: list[Tree] = [None, True, False, -1, 0, 1, 2, 255, -(2**63), 2**31, 2**53 + 1, 2**64, 10**30]
ODD += [10**400, 0.5, -0.0, 1e300, -1e300, 5e-324, "", "x", "\0", "\n", "é", "nan", "f4,(", "|O"]
ODD += ["head.W", "theta", "fit[0]", "Dense", "Adam", "CrossEntropy", "a b", "../x", "x" * 5_000]
ODD += [[], {}, [[]], [None], [0] * 20, {"": 0}, {"class": "Dense", "config": {}}, [0, 0, 0]]
ODD += [
    {"floats": "fit[0]"},
    {"arrays": "fit[1]"},
    {"array": ["fit[0]", "f4,(", [1]]},
    {"array": ["fit[0]", "<f8", [2**40, 0]]},
    {"array": ["fit[0]", "<f4", [-1]]},
    {"shared": [0, {"same": 0}]},
    {"same": 0},
    {"same": 10**9},
    {"model": "theta"},
    {"generator": {"dict": []}},
    {"float": "nan"},
    {"tuple": [{"float": "-inf"}]},
    {"scalar": ["fit[0]", "<c32", []]},
]


def places(tree: Tree) -> list[tuple[Tree, Any]]:
    """Every value below the root: what holds it, and under which key or at which index."""
    every, waiting = [], [tree]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            every.append((holder, key))
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])
    return every


def change(rng: np.random.Generator, tree: Tree) -> None:
    """Change one value somewhere in the tree, or where it is."""
    every = places(tree)
    holder, key = every[rng.integers(len(every))]
    other, where = every[rng.integers(len(every))]
    odd = copy.deepcopy(ODD[rng.integers(len(ODD))])
    value = holder[key]
    kind = rng.integers(12)
    if kind == 0:
        holder[key] = odd
    elif kind == 1:
        del holder[key]
    elif kind == 2:
        holder[key] = copy.deepcopy(other[where])
    elif kind == 3:
        holder[key], other[where] = copy.deepcopy(other[where]), copy.deepcopy(value)
    elif kind == 4:
        for _ in range(rng.choice([1, 3, 60])):
            holder[key] = [holder[key]] if rng.random() < 0.5 else {"tuple": [holder[key]]}
    elif kind == 5 and isinstance(value, (int, float)):
        holder[key] = [-value, value + 1, value * 10**9, value * 10**30, float(value)][
            rng.integers(5)
        ]
    elif kind == 6 and isinstance(value, list) and value:
        times = int(rng.choice([1, 2, 50, 1_000, 20_000]))
        room = LARGEST // 2 // (len(repr(value[-1])) + 1)
        more = [copy.deepcopy(value[-1]) for _ in range(min(times, room))]
        if rng.random() < 0.5:  # which nothing can have twice
            more = [{**one, "name": f"r{i}"} for i, one in enumerate(more) if isinstance(one, dict)]
        value += more
    elif kind == 7 and isinstance(value, list) and value:
        del value[int(rng.integers(len(value))) :]
    elif kind == 8 and isinstance(value, list):
        rng.shuffle(value)
    elif kind == 9 and isinstance(value, dict):
        value[["more", "", "class", "x" * 300][rng.integers(4)]] = odd
    elif kind == 10 and isinstance(holder, dict):
        holder[str(odd)[:400]] = holder.pop(key)
    elif isinstance(value, dict) and value:  # a name more, and another, and another
        key, inner = next(iter(value.items()))
        times = min(int(rng.choice([3, 300, 5_000])), LARGEST // 2 // (len(repr(inner)) + 12))
        value.update({f"{key}_{i}": copy.deepcopy(inner) for i in range(times)})


def change_array(rng: np.random.Generator, arrays: dict[str, np.ndarray]) -> None:
    """Give an array another type, shape, length or name, double it, or take it away."""
    names = list(arrays)
    name, other = names[rng.integers(len(names))], names[rng.integers(len(names))]
    array = arrays[name]
    kind = rng.integers(9)
    if kind == 0:
        arrays[name] = array.astype(["f4", "f8", "i8", "u8", "u1", "?"][rng.integers(6)])
    elif kind == 1:
        shapes = [(2**31 - 2**20, 0), (0, 2**31 - 2**20), (0,), (1, 0), (0,) * 30]
        arrays[name] = np.empty(shapes[rng.integers(5)], ["u1", "f4", "f8", "i8"][rng.integers(4)])
    elif kind == 2:
        arrays[name] = array.reshape(array.size)[: rng.integers(array.size + 1)]
    elif kind == 3:
        arrays[name] = array.reshape((1,) * int(rng.choice([1, 5, 30])) + array.shape)[..., :]
    elif kind == 4:
        arrays[name], arrays[other] = arrays[other], arrays[name]
    elif kind == 5:
        del arrays[name]
    elif kind == 6:
        arrays[["more", "fit[99]", "optimizer[x]", "head.X"][rng.integers(4)]] = array
    elif kind == 7:
        with np.errstate(all="ignore"):
            odd = [0, -1, 1e38, 1e308, 255, 2**62]
            arrays[name] = np.full_like(array, odd[rng.integers(6)])
    else:
        arrays[name] = np.tile(array.reshape(-1), int(rng.choice([2, 50])))


def write(path: Path, description: Tree, arrays: dict[str, np.ndarray]) -> None:
    """Write a file with this description, wrong as it may be, and all checksums right."""
    entries, data = description.get("arrays"), {}
    for name, array in arrays.items():
        content = npy(array)
        entry = entries.get(name) if isinstance(entries, dict) else None
        if isinstance(entry, dict):
            entry["sha256"] = hashlib.sha256(content).hexdigest()
        data[f"{name}.npy"] = content
    every = {NAME: text_of(description), **data}
    with path.open("wb") as file:
        raw = {n: (b"", np.frombuffer(content, np.uint8)) for n, content in every.items()}
        archive.write(file, raw)


def changed(rng: np.random.Generator, source: Path, path: Path) -> None:
    """Write a file like `source`, with one change or some."""
    data = members(source)
    description = describes(data)
    arrays = {n.removesuffix(".npy"): np.load(io.BytesIO(d)) for n, d in data.items() if n != NAME}
    for _ in range(rng.choice([1, 1, 2, 4])):
        draw = rng.random()
        if draw < 0.2:
            change_array(rng, arrays)
            described = {
                n: {"dtype": a.dtype.name, "shape": list(a.shape)} for n, a in arrays.items()
            }
            if isinstance(description.get("arrays"), dict):
                description["arrays"] = described
        elif draw < 0.25:
            change(rng, description)
        else:
            change(rng, description["config"] if description.get("config") else description)
    write(path, description, arrays)


# --- what comes of it -----------------------------------------------------------------------------

TYPED = (ValueError, TypeError, RuntimeError, ArithmeticError)
"""What a model that was loaded may say to data that do not suit it."""


class Outcome(NamedTuple):
    """What came of one file."""

    kind: str  # "model", "resumed", "refused", or what is wrong
    words: str
    seconds: float
    memory: int

    @property
    def fine(self) -> bool:
        """Whether it is as promised."""
        return self.kind in ("model", "resumed", "refused")


@contextlib.contextmanager
def nobody_watching() -> Iterator[None]:
    """Take the counting of lines away for a while: it makes some calls ten times as slow.

    And let the collector of garbage leave alone what was there before: a user's process does not
    hold what twenty thousand tests have left behind, and to look through that takes seconds.
    """
    watcher = sys.gettrace()
    sys.settrace(None)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.settrace(watcher)


def seconds_of(act: Any) -> float:
    """The processor's time for it, errors included."""
    begin = time.process_time()
    with nobody_watching(), contextlib.suppress(Exception):
        act()
    return time.process_time() - begin


def measured(act: Any) -> Outcome:
    """Do it, with an eye on time and memory.

    To look at memory takes time, and a busy machine only ever adds some. So what takes too long
    has two more trials, with an eye on time alone.
    """
    begin = time.process_time()
    tracemalloc.start()
    try:
        kind, words = act()
    except BaseException:
        kind, words = "raised", traceback.format_exc()
    finally:
        seconds, memory = time.process_time() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if seconds > SECONDS:
        seconds = min(seconds_of(act), seconds_of(act))
    if len(words) > 3_000 and kind == "refused":
        kind = "long words"
    if kind == "refused" and PYTHONS.search(words):
        kind = "bare words"
    if memory > MEMORY:
        kind = "memory"
    if seconds > SECONDS:
        kind = "time"
    return Outcome(kind, words, seconds, memory)


def load(path: Path, like: Sequential) -> tuple[str, str]:
    """Load a model; one that loads can predict, train and be saved, or says in words why not.

    Its weights go into one like it, all of them or none.
    """
    weights = like.theta.tobytes(), like.state.tobytes(), repr(like.provenance)
    try:
        like.load_weights(path)
    except ModelFileError:
        if (like.theta.tobytes(), like.state.tobytes(), repr(like.provenance)) != weights:
            return "changed by refused weights", ""
    try:
        model = minnet.load(path, seed=0)
    except ModelFileError as error:
        return "refused", str(error)
    if np.prod(model.input_shape) < 10_000:
        x = np.zeros((2, *model.input_shape))
        for act in (
            lambda: model.predict(x),
            lambda: model.fit(x, model.predict(x), verbose=0),
            lambda: model.fit(x, np.zeros(2, int), verbose=0),
        ):
            try:
                act()
            except TYPED as error:
                if not str(error):
                    raise
    try:
        again = path.with_name("again.npz")
        model.save(again)
    except ModelFileError:  # of numbers that left the finite ones
        return "model", ""
    assert everything_of(minnet.load(again)) == everything_of(model)
    return "model", ""


def everything_of(model: Sequential) -> object:
    """All that a file keeps of the weights."""
    arrays = {name: array.tobytes() for name, array in model.named_arrays().items()}
    return arrays, repr(model.layers), repr(model.optimizer), model.class_names


def resume(path: Path, training: Training) -> tuple[str, str]:
    """Resume a fit; where it is refused, nothing has changed."""
    model, call = training
    before = picture(training)
    try:
        model.fit(X, Y, **call, resume=path)
    except ModelFileError as error:
        if picture(training) != before:
            return "changed by a refused fit", str(error)
        return "refused", str(error)
    except (ValueError, ArithmeticError) as error:  # what the file says went on, and led nowhere
        return "resumed", str(error)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        if frames[-1].name != Noise.on_train_batch_end.__name__:
            raise
        return "resumed", "a callback of one's own was given what it cannot use"
    return "resumed", ""


def picture(training: Training) -> object:
    """All that a refused fit leaves as it was."""
    model, call = training
    return (
        everything(model),
        model.grad.tobytes(),
        dict(model.updates.counts),
        [(repr(layer), layer.trainable, layer.origin) for layer in model.layers],
        [repr(part) for part in (model.optimizer, model.loss, model.metrics)],
        (repr(model.rng.bit_generator.state), id(model.history), model.stop_training),
        repr(model.provenance),
        [sorted((n, _shown(v)) for n, v in vars(one).items()) for one in call["callbacks"]],
    )


def _shown(value: Any) -> str:
    state = value.bit_generator.state if isinstance(value, np.random.Generator) else value
    return f"{state!r}"


def sources(folder: Path) -> dict[str, Path]:
    """Files as they are saved: of models, and of fits in the middle and at the end of an epoch."""
    files = {}
    for name, make in TRAININGS.items():
        path = folder / f"{name}.npz"
        training = make(path, epochs=2)
        training.model.fit(X, Y, **training.call)
        files[name] = path
        model = folder / f"model {name}.npz"
        training.model.save(model)
        files[f"model {name}"] = model
    older = folder / "classifier-4.npz"  # in the middle of an epoch
    files["classifier-4"] = older
    files["model deep"] = folder / "model deep.npz"
    deep().save(files["model deep"])
    return files


def trial(files: dict[str, Path], seed: int, path: Path) -> tuple[str, Outcome]:
    """Change one of the files, and use it."""
    rng = np.random.default_rng(seed)
    model = seed % 2 == 0
    names = [name for name in files if name.startswith("model") is model]
    name = names[rng.integers(len(names))]
    changed(rng, files[name], path)
    if path.stat().st_size > LARGEST:
        return name, Outcome("refused", "too large to count", 0.0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if model:
            make = TRAININGS.get(name.removeprefix("model "))
            like = deep() if make is None else make().model
            return name, measured(lambda: load(path, like))
        training = TRAININGS[name.partition("-")[0]](epochs=3)
        return name, measured(lambda: resume(path, training))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    slowest = largest = 0.0
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(os, "fsync"):
        files = sources(Path(folder))
        for seed in range(arguments.seed, arguments.seed + arguments.files):
            name, outcome = trial(files, seed, Path(folder, "changed.npz"))
            counts[outcome.kind] += 1
            slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.memory)
            if not outcome.fine:
                print(f"{seed} ({name}): {outcome.kind}, {outcome.words[:3_000]}", flush=True)
    print(
        f"{dict(counts)}; at most {slowest:.2f} s and {largest / 2**20:.1f} MB for one file of up "
        f"to {LARGEST:,} bytes."
    )
    return int(any(kind not in ("model", "resumed", "refused") for kind in counts))


if __name__ == "__main__":
    sys.exit(main())
