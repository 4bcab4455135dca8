"""Lines that stand in a loop and belong behind it, so that they are done too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

NEURON = """
import math

data = [([0.5, 1.0, 0.2], 1), ([-1.0, 0.3, 0.8], 0), ([0.9, -0.4, 0.1], 1), ([0.2, 0.7, -0.6], 0)]
weights = [0.1, -0.2, 0.3]
bias = 0.05
rate = 0.4
for epoch in range(40):
    for features, label in data:
        total = bias
        for w, f in zip(weights, features):
            total += w * f
        p = 1 / (1 + math.exp(-total))
        loss = -(label * math.log(p) + (1 - label) * math.log(1 - p))
        delta = p - label
        for i in range(len(weights)):
            weights[i] -= rate * delta * features[i]
        bias -= rate * delta
    print(epoch, loss)
"""

OBJECTS = """
import random
from math import exp

random.seed(4)

class Neuron:
    def __init__(self, n):
        self.w = [random.uniform(-1, 1) for _ in range(n)]
        self.bias = random.uniform(-1, 1)

    def fire(self, values):
        self.values = values
        self.out = 1 / (1 + exp(-sum(a * b for a, b in zip(self.w, values)) - self.bias))
        return self.out

    def learn(self, eta):
        for k, value in enumerate(self.values):
            self.w[k] = self.w[k] - eta * self.delta * value
        self.bias = self.bias - eta * self.delta

hidden = [Neuron(2) for _ in range(3)]
last = Neuron(3)
table = [([0.1, 0.9], 1.0), ([0.8, 0.7], 0.0), ([0.4, 0.2], 1.0)]
for turn in range(60):
    error = 0.0
    for x, t in table:
        y = last.fire([n.fire(x) for n in hidden])
        error += 0.5 * (y - t) ** 2
        last.delta = (y - t) * y * (1 - y)
        for j, n in enumerate(hidden):
            n.delta = last.delta * last.w[j] * n.out * (1 - n.out)
        for n in [last, *hidden]:
            n.learn(0.5)
    if turn % 20 == 0:
        print(turn, error)
"""

SUMS = """
import numpy as np

rng = np.random.default_rng(0)
X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
w, b = rng.normal(size=3), 0.1
for it in range(30):
    dw, db = np.zeros(3), 0.0
    cost = 0.0
    for i in range(len(X)):
        err = X[i] @ w + b - y[i]
        cost += err ** 2 / 2
        for j in range(3):
            dw[j] += err * X[i, j]
        db += err
    w -= 0.02 * dw
    b -= 0.02 * db
    print(cost)
"""


@pytest.mark.parametrize(
    ("source", "line", "told"),
    [
        (NEURON, "        bias -= rate * delta\n", "for i in range(len(weights))"),
        (OBJECTS, "        self.bias = self.bias - eta", "for k, value in enumerate(self.values)"),
        (SUMS, "        db += err\n", "for j in range(3)"),
    ],
)
def test_a_step_in_a_loop_that_it_knows_nothing_of_is_named(
    tmp_path: Path, source: str, line: str, told: str
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert source.count(line) == 1
    code, text = checked(tmp_path, source.replace(line, "    " + line))
    assert code == report.WRONG, text
    assert f"again in each turn of `{told}`, and belongs behind that loop" in text, text
