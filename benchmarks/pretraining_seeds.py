"""Is the shipped model a lucky one? Pre-train with other seeds, and do the main job with each.

    MINNET_DATA=... python benchmarks/pretraining_seeds.py [SEED ...]

Five labels of each UCI digit, five draws; head only, and head then all, against the best of several
settings from scratch. About a minute for three seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import io

import numpy as np

import minnet
from minnet.foundation.tables import Table
from minnet.layers import Dense
from minnet.optimizers import Adam
from minnet.pretrained import mnist_8x8

DRAWS = range(5)
SCRATCH = [(widths, rate) for widths in [(128, 64), (256, 128)] for rate in (1e-3, 3e-3, 1e-2)]

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("seeds", nargs="*", type=int, default=[1, 2, 3], help="seeds of pre-training")
SEEDS = parser.parse_args().seeds

data = [minnet.datasets.digits(per_class=5, seed=draw) for draw in DRAWS]
x_test, y_test = data[0][2:]


def accuracy(model: minnet.Sequential) -> float:
    """Accuracy in percent on the UCI test set."""
    return 100 * model.evaluate(x_test, y_test)["accuracy"]


def scratch(draw: int, widths: tuple[int, int], rate: float) -> float:
    """Accuracy of a network that starts from random weights."""
    layers = [
        Dense(widths[0], activation="relu", input_dim=64),
        Dense(widths[1], activation="relu"),
        Dense(10, activation="softmax"),
    ]
    model = minnet.Sequential(layers, seed=draw)
    model.compile(optimizer=Adam(rate), loss="cross_entropy", metrics=["accuracy"])
    model.fit(*data[draw][:2], epochs=150, verbose=0)
    return accuracy(model)


def transfer(base: minnet.Sequential, draw: int) -> tuple[float, float]:
    """Accuracy after the head's training, and after all layers' training."""
    x, y = data[draw][:2]
    model = base.replace_head(Dense(10, activation="softmax"), seed=draw)
    model.freeze("all_but_head")
    model.compile(optimizer=Adam(1e-2), loss="cross_entropy", metrics=["accuracy"])
    model.fit(x, y, epochs=100, verbose=0)
    head = accuracy(model)
    model.unfreeze()
    model.fit(x, y, epochs=50, learning_rate=1e-3, verbose=0)
    return head, accuracy(model)


settings = {s: [scratch(draw, *s) for draw in DRAWS] for s in SCRATCH}
best = max(settings, key=lambda s: np.mean(settings[s]))
rows, both_means = [], []
for seed in SEEDS:
    with contextlib.redirect_stdout(io.StringIO()):
        base = mnist_8x8.make(seed)
    base.compile("adam", "cross_entropy", ["accuracy"])
    heads, boths = zip(*(transfer(base, draw) for draw in DRAWS), strict=True)
    both_means.append(np.mean(boths))
    rows.append(
        [f"{seed}", f"{accuracy(base):.1f}", f"{np.mean(heads):.1f}", f"{np.mean(boths):.1f}"]
    )
print(
    Table(
        ["pre-training seed", " zero-shot", " head only", " head, then all"],
        rows,
        title="UCI test accuracy in percent, five labels of each digit, mean of 5 draws",
        notes=[
            f"from scratch, best of {len(SCRATCH)} settings {best}: {np.mean(settings[best]):.1f}",
            f"head, then all, mean over the seeds: {np.mean(both_means):.1f}, "
            f"{np.mean(both_means) - np.mean(settings[best]):+.1f} points",
        ],
    )
)
