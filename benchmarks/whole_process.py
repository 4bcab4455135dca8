"""What a student waits for: the article's program as a whole, imports, one prediction.

    pip install -e ".[bench]"
    python benchmarks/whole_process.py [--quick] [--peers minnet keras …] [--rounds 5] [--threads 1]

- The article's program (100 samples, 784-32-10, 10 epochs, printed as each library prints), from
  the start of Python to its end: seconds, and peak resident memory as the system counts it.
- `import minnet` beside `import numpy`, each in a fresh Python.
- `predict` of one row by 784-32-10, as its users call it: `model.predict` in minnet and Keras,
  softmax of the model on a tensor in inference mode in PyTorch, `predict_proba` in scikit-learn.

The first round of each warms the file cache, and Python's cache of compiled files, and is not kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import harness
import numpy as np
from peers import PEERS, Work

from minnet.foundation.tables import Table

ARTICLE = """
import numpy as np
from {layers} import Dense
from {models} import Sequential

model = Sequential()
model.add(Dense(32, activation="relu", input_dim=784))
model.add(Dense(10, activation="softmax"))
model.compile(
    optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)

x_train = np.random.rand(100, 784)
y_train = np.random.randint(10, size=(100, 1))
model.fit(x_train, y_train, epochs=10)
"""

TORCH = """
import numpy as np
import torch
from torch import nn

model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
adam, loss_of = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()

x_train = torch.from_numpy(np.random.rand(100, 784).astype(np.float32))
y_train = torch.from_numpy(np.random.randint(10, size=100))
for epoch in range(10):
    total, right = 0.0, 0
    for rows in torch.randperm(100).split(32):
        adam.zero_grad()
        z = model(x_train[rows])
        loss = loss_of(z, y_train[rows])
        loss.backward()
        adam.step()
        total += loss.item() * len(rows)
        right += (z.argmax(1) == y_train[rows]).sum().item()
    print(epoch, total / 100, right / 100)
"""

SCIKIT_LEARN = """
import numpy as np
from sklearn.neural_network import MLPClassifier

x_train = np.random.rand(100, 784)
y_train = np.random.randint(10, size=100)
MLPClassifier(32, batch_size=32, max_iter=10, verbose=True).fit(x_train, y_train)
"""

PROGRAMS = {
    "minnet": ARTICLE.format(layers="minnet.layers", models="minnet.models"),
    "keras": ARTICLE.format(layers="tensorflow.keras.layers", models="tensorflow.keras.models"),
    "keras-jax": ARTICLE.format(layers="keras.layers", models="keras.models"),
    "torch": TORCH,
    "sklearn": SCIKIT_LEARN,
}
PREDICTED = Work((784, 32, 10), batch=32, rows=320, epochs=1)

FASTER, SMALLER = 25.0, 10.0
"""How many times minnet's time and memory tf.keras' are to be, at least, in the whole process."""
IMPORT_MS, PREDICT_US = 30.0, 25.0
"""The most that `import minnet` takes beyond `import numpy`, and that one prediction takes."""


LAUNCHER = """
import os, subprocess, sys, time
begin = time.perf_counter()
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - begin, usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
"""A small process that starts another: on Linux one that is started is given the size of its
parent as the least that it ever had."""


def run(code: str, environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds, peak resident MiB, and what a fresh Python prints."""
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, code],
        capture_output=True,
        env={**variables, **environment},
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"a program ended with {done.returncode}:\n{code}")
    seconds, largest = map(float, done.stderr.split())
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return seconds, largest / unit, done.stdout


def article(keys: Sequence[str], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds and MiB of the article's program in each library, round by round."""
    measured: dict[str, list[tuple[float, float]]] = {key: [] for key in keys}
    for round_ in range(rounds + 1):
        for key in harness.rotated(keys, round_):
            seconds, memory, _ = run(PROGRAMS[key], PEERS[key].environment)
            if round_:
                measured[key].append((seconds, memory))
    rows = []
    for key, runs in measured.items():
        (seconds, memory), middle = np.min(runs, axis=0), np.median(runs, axis=0)
        verdict = ["", ""]
        if key == "keras" and "minnet" in measured:
            ours = np.min(measured["minnet"], axis=0)
            our_middle = np.median(measured["minnet"], axis=0)
            bars = (harness.Bar(faster=FASTER), harness.Bar(faster=SMALLER))
            verdict = [
                f"{other / minnets:.1f}, bar {bar}: {bar.verdict(other / minnets, half / our_half)}"
                for bar, other, minnets, half, our_half in zip(
                    bars, (seconds, memory), ours, middle, our_middle, strict=True
                )
            ]
        times = (f"{seconds:.3f}", f"{middle[0]:.3f}", verdict[0])
        rows.append([PEERS[key].label, *times, f"{memory:.0f}", verdict[1]])
    heading = ["peer", " min s", " median s", "× minnet's", " peak MiB", "× minnet's"]
    print(Table(heading, rows, title=f"The article's program, whole process, {rounds} rounds"))
    return measured


def imports(rounds: int) -> dict[str, list[float]]:
    """Milliseconds to import NumPy, minnet, and whatever peer is installed."""
    code = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    measured: dict[str, list[float]] = {"numpy": [], "minnet": []}
    for round_ in range(rounds + 1):
        for name in harness.rotated(list(measured), round_):
            milliseconds = float(run(code.format(name), {})[2]) * 1e3
            if round_:
                measured[name].append(milliseconds)
    least = {name: min(times) for name, times in measured.items()}
    more = least["minnet"] - least["numpy"]
    print(
        f"\nimport numpy {least['numpy']:.1f} ms, import minnet {least['minnet']:.1f} ms, minimum "
        f"of {rounds}: {more:.1f} ms more, bar ≤ {IMPORT_MS:g}: {harness.met(more <= IMPORT_MS)}"
    )
    return measured


def predict(keys: Sequence[str], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Microseconds for one row, after all were seen to predict the same."""
    workers = harness.start([key for key in keys if key in PROGRAMS])
    harness.everyone(workers, "prepare", PREDICTED)
    predictions = harness.everyone(workers, "predictions", 100)
    first = next(iter(predictions.values()))
    apart = max(float(np.abs(p - first).max()) for p in predictions.values())
    if apart > 1e-6:
        raise RuntimeError(f"the peers predict differently, by up to {apart:.1e}")
    measured = harness.rounds(workers, rounds, "predict")
    for worker in workers.values():
        worker.end()
    least = {key: min(r["microseconds"] for r in answers) for key, answers in measured.items()}
    rows = []
    for key, answers in measured.items():
        middle = np.median([answer["microseconds"] for answer in answers])
        verdict = ""
        if key == "minnet":
            verdict = f"≤ {PREDICT_US:g}: {harness.met(least[key] <= PREDICT_US)}"
            if "torch" in least:
                verdict += f"; faster than PyTorch: {harness.met(least[key] < least['torch'])}"
        rows.append([PEERS[key].label, f"{least[key]:,.1f}", f"{middle:,.1f}", verdict])
    title = f"\npredict of one row, {PREDICTED.name}, {rounds} rounds; all predict the same"
    print(Table(["peer", " min µs", " median µs", "bar"], rows, title=title))
    return measured


def main() -> None:
    """All three, and the file."""
    options = harness.parser(__doc__, PROGRAMS, rounds=5).parse_args()
    rounds = min(options.rounds, 2) if options.quick else options.rounds
    facts: dict[str, Any] = {"threads": harness.limit_threads(options.threads)}
    print(f"threads: {facts['threads']}")
    keys = [key for key in options.peers if not PEERS[key].missing()]
    facts["article"] = article(keys, rounds)
    facts["imports"] = imports(20)
    facts["predict"] = predict(options.peers, max(rounds, 5))
    print(harness.write(Path(__file__).stem, facts))


if __name__ == "__main__":
    main()
