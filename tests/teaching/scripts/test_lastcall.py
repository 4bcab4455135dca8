"""Batches of which the last sample alone counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

BOOK = """
import random
import numpy as np

def sig(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self, sizes):
        self.W = [np.random.randn(b, a) for a, b in zip(sizes, sizes[1:])]
        self.B = [np.random.randn(b, 1) for b in sizes[1:]]

    def back(self, x, y):
        acts = [x]
        for w, b in zip(self.W, self.B):
            acts.append(sig(w @ acts[-1] + b))
        gw, gb = [None, None], [None, None]
        delta = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
        gw[1], gb[1] = delta @ acts[1].T, delta
        delta = (self.W[1].T @ delta) * acts[1] * (1 - acts[1])
        gw[0], gb[0] = delta @ acts[0].T, delta
        return gw, gb

    def learn(self, batch, eta):
        sum_w = [np.zeros(w.shape) for w in self.W]
        sum_b = [np.zeros(b.shape) for b in self.B]
        for x, y in batch:
            gw, gb = self.back(x, y)
            sum_w = [s + g for s, g in zip(sum_w, gw)]
            sum_b = [s + g for s, g in zip(sum_b, gb)]
        self.W = [w - eta / len(batch) * g for w, g in zip(self.W, sum_w)]
        self.B = [b - eta / len(batch) * g for b, g in zip(self.B, sum_b)]

np.random.seed(0)
random.seed(0)
data = []
for _ in range(40):
    p = np.random.uniform(-1, 1, (2, 1))
    data.append((p, np.array([[float(p[0, 0] > p[1, 0])]])))
net = Net([2, 4, 1])
for epoch in range(20):
    random.shuffle(data)
    for k in range(0, 40, 8):
        net.learn(data[k:k + 8], 1.0)
"""

FUNCTIONS = """
import numpy as np

rng = np.random.default_rng(2)
V, w = rng.normal(size=(5, 3)), rng.normal(size=5)
xs = rng.normal(size=(24, 3))
ts = np.tanh(xs @ np.array([1.0, -0.5, 0.3]))

def backward(x, t, V, w):
    h = np.tanh(V @ x)
    y = w @ h
    loss = 0.5 * (y - t) ** 2
    dw = (y - t) * h
    dV = np.outer((y - t) * w * (1 - h ** 2), x)
    return loss, dV, dw

for epoch in range(15):
    for start in range(0, 24, 6):
        dV_sum, dw_sum = np.zeros_like(V), np.zeros_like(w)
        for i in range(start, start + 6):
            loss, dV, dw = backward(xs[i], ts[i], V, w)
            dV_sum += dV
            dw_sum += dw
        V = V - 0.1 * dV_sum / 6
        w = w - 0.1 * dw_sum / 6
"""


COLLECTED = """
import numpy as np

rng = np.random.default_rng(2)
w, b = rng.normal(size=3), rng.normal(size=2)
M = rng.normal(size=(2, 3))
xs, ts = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))

def collect(x, t, dM, db, total):
    e = M @ x + b - t
    dM += np.outer(e, x)
    db += e
    return total + 0.5 * (e @ e)

for epoch in range(15):
    for start in range(0, 24, 6):
        dM, db, loss = np.zeros((2, 3)), np.zeros(2), 0.0
        for i in range(start, start + 6):
            loss = collect(xs[i], ts[i], dM, db, loss)
        M -= 0.01 * dM
        b -= 0.01 * db
    print(loss)
"""


def test_what_the_last_call_has_collected_from_all_is_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, COLLECTED)
    assert code == report.RIGHT, text


@pytest.mark.parametrize(
    ("source", "summed", "told"),
    [
        (BOOK, "s + g for", "s is not used, so sum_w has the last sample alone"),
        (FUNCTIONS, "_sum += ", "dV_sum is overwritten each time"),
    ],
)
def test_gradients_that_take_the_place_of_those_before_are_named(
    tmp_path: Path, source: str, summed: str, told: str
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    other = "g for" if "for" in summed else "_sum = "
    code, text = checked(tmp_path, source.replace(summed, other))
    assert code == report.WRONG, text
    assert told in text, text


def test_a_gradient_that_is_used_as_the_last_call_left_it_is_named(tmp_path: Path) -> None:
    source = re.sub(r"            sum_. = .*\n", "", BOOK)
    source = source.replace("zip(self.W, sum_w)", "zip(self.W, gw)")
    source = source.replace("zip(self.B, sum_b)", "zip(self.B, gb)")
    code, text = checked(tmp_path, source)
    assert code == report.WRONG, text
    assert "by the last of 8 samples alone" in text, text
