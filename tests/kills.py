"""Kill a training process with SIGKILL at random moments, resume it, and compare all bits.

`python -m tests.kills` does so 50 times, about two minutes; `--times`, `--seed`. Every training is
killed up to three times before it may finish, and its result is held to that of a process that
trained without a checkpoint and without a stop.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import minnet
from minnet.callbacks import Checkpoint, EarlyStopping, GradualUnfreezing
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam, RMSprop
from minnet.schedules import CosineDecay, LinearWarmup
from tests.small_models import Counting, bits

ROOT = Path(minnet.__file__).parents[1]


class Kind(NamedTuple):
    """A training: its model, and how fit is called."""

    model: Sequential
    options: dict[str, Any]
    every: str | int


def regular() -> Kind:
    """Dropout, batch normalisation, Adam with a schedule, validation, early stopping."""
    model = Sequential(
        [
            Dense(24, activation="relu", input_dim=8),
            BatchNormalization(),
            Dropout(0.3),
            Dense(4, activation="softmax"),
        ],
        seed=1,
    )
    model.compile(Adam(CosineDecay(0.01, 500)), "cross_entropy", metrics=["accuracy"])
    stopping = EarlyStopping(patience=9)
    options = {"epochs": 40, "validation_split": 0.2, "class_weight": {1: 2.0}}
    return Kind(model, {**options, "callbacks": [stopping]}, 1)


def transfer() -> Kind:
    """A frozen part that is computed once and then unfrozen, momentum, another generator."""
    model = Sequential(
        [Dense(32, "relu", input_dim=8), Dense(16, "relu"), Dense(4, "softmax", name="head")],
        seed=2,
    )
    model.freeze("all_but_head")
    model.compile(SGD(0.05, 0.9), "cross_entropy", metrics=["accuracy"])
    kind = next(k for k in np.random.BitGenerator.__subclasses__() if k.__name__ == "MT19937")
    return Kind(
        model,
        {
            "epochs": 60,
            "seed": np.random.Generator(kind(5)),
            "learning_rate": LinearWarmup(50, then=CosineDecay(0.05, 700)),
            "sample_weight": np.linspace(0.5, 1.5, 120),
            "callbacks": [GradualUnfreezing(every=15)],
        },
        7,
    )


def own() -> Kind:
    """A student's callback that remembers, draws and changes the rate; float64."""
    model = Sequential(
        [Dense(16, "tanh", input_dim=8), Dense(4, "softmax")], seed=3, dtype="float64"
    )
    model.compile(RMSprop(0.005, momentum=0.5), "cross_entropy")
    return Kind(model, {"epochs": 150, "seed": 4, "callbacks": [Counting()]}, "epoch")


KINDS = {kind.__name__: kind for kind in (regular, transfer, own)}


def train(name: str, path: Path | None) -> str:
    """Train to the end, from the checkpoint where there is one; a hash of all bits."""
    model, options, every = KINDS[name]()
    rng = np.random.default_rng(0)
    x, y = rng.random((120, 8)), rng.integers(4, size=120)
    theirs = options["callbacks"]
    if path is not None:
        options["callbacks"] = [Checkpoint(path, every), *theirs]
        options["resume"] = path if path.exists() else None
    print("begins", flush=True)
    model.fit(x, y, batch_size=10, verbose=0, **options)
    return hashlib.sha256(repr(bits(model, theirs)).encode()).hexdigest()


class Outcome(NamedTuple):
    """What came of one training that was killed."""

    same: bool
    kills: int
    in_saves: int


def start(name: str, path: Path | None) -> subprocess.Popen[str]:
    """A process that trains, once it is about to begin."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.kills", "--child", name, str(path or "")],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begins\n"
    return child


def finish(child: subprocess.Popen[str]) -> str:
    """Wait for the end; the hash."""
    out, _ = child.communicate(timeout=300)
    assert child.returncode == 0
    return out.strip()


def trial(
    name: str, folder: Path, expected: str, seconds: float, rng: np.random.Generator
) -> Outcome:
    """Kill a training up to three times within so many seconds each, and let it finish."""
    path = folder / "run.npz"
    kills, in_saves, wanted = 0, 0, int(rng.integers(1, 4))
    while kills < wanted:
        child = start(name, path)
        time.sleep(rng.uniform(0.0, seconds / wanted))
        if child.poll() is None:
            kills += 1
        else:  # it was done already: from the start, and sooner
            path.unlink()
            kills, seconds = 0, seconds / 2
        child.kill()
        child.communicate()
        parts = list(folder.glob(".minnet-*.part"))
        in_saves += len(parts)
        for part in parts:
            part.unlink()
    return Outcome(finish(start(name, path)) == expected, kills, in_saves)


def trials(times: int, seed: int = 0) -> list[Outcome]:
    """So many trainings of all kinds in turn, each killed and resumed."""
    rng = np.random.default_rng(seed)
    known: dict[str, tuple[str, float]] = {}
    outcomes = []
    for i in range(times):
        name = list(KINDS)[i % len(KINDS)]
        with tempfile.TemporaryDirectory() as folder:
            if name not in known:
                expected = finish(start(name, None))
                child, began = start(name, Path(folder) / "timed.npz"), time.perf_counter()
                assert finish(child) == expected
                known[name] = expected, time.perf_counter() - began
            outcomes.append(trial(name, Path(folder), *known[name], rng))
        print(f"{i + 1:3d} {name:9} {outcomes[-1]}", flush=True)
    return outcomes


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, metavar=("KIND", "PATH"))
    arguments = parser.parse_args()
    if arguments.child:
        name, path = arguments.child
        print(train(name, Path(path) if path else None))
        return
    outcomes = trials(arguments.times, arguments.seed)
    same = sum(outcome.same for outcome in outcomes)
    print(
        f"{same} of {len(outcomes)} resumed to the same bits, after "
        f"{sum(outcome.kills for outcome in outcomes)} kills, "
        f"{sum(outcome.in_saves for outcome in outcomes)} of them in the middle of a save."
    )
    sys.exit(same < len(outcomes))


if __name__ == "__main__":
    main()
