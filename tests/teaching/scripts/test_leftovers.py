"""Gradients that are never set back to 0, and those that are, in one way or another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

LAYERS = """
import numpy as np
rng = np.random.default_rng(3)

class Linear:
    def __init__(self):
        self.W, self.b = rng.normal(size=(3, 2)), np.zeros(2)
        self.zero()

    def zero(self):
        self.gW, self.gb = np.zeros((3, 2)), np.zeros(2)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.gW += self.x.T @ g
        self.gb += g.sum(axis=0)

layer = Linear()
X = rng.normal(size=(20, 3))
y = X @ rng.normal(size=(3, 2)) + 0.5
for t in range(20):
    {before}
    error = layer.forward(X) - y
    loss = np.mean(error**2)
    layer.backward(2 * error / y.size)
    {step}
    {after}
"""
STEP = "layer.W -= 0.1 * layer.gW; layer.b -= 0.1 * layer.gb"
SOMETIMES = f"if t % 4 == 3: {STEP}; layer.zero()"


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ("layer.zero()", STEP, ""),
        ("", STEP, "layer.zero()"),
        ("", STEP, "layer.gW[...] = 0; layer.gb.fill(0)"),
        ("layer.gW *= 0; layer.gb *= 0", STEP, ""),
        ("", SOMETIMES, ""),
    ],
    ids=["before", "after", "in place", "by a product", "after four passes"],
)
def test_gradients_that_are_set_back_are_right(
    tmp_path: Path, before: str, step: str, after: str
) -> None:
    code, text = checked(tmp_path, LAYERS.format(before=before, step=step, after=after))
    assert code == 0, text


def test_one_that_is_never_set_back_is_named_with_its_line(tmp_path: Path) -> None:
    source = LAYERS.format(before="layer.gb[...] = 0", step=STEP, after="")
    code, text = checked(tmp_path, source)
    assert code == 1, text
    assert "right  b" in text, text
    assert "WRONG  W: its gradient is added to what the pass before left there" in text, text
    assert "with `self.gW = self.x.T @ g`" in text, text


BATCHES = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(80, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.2
w, b = np.zeros(3), 0.0
for epoch in range(10):
    dw, db = np.zeros(3), 0.0
    for i in range(0, 80, 16):
        x, t = X[i:i + 16], y[i:i + 16]
        e = x @ w + b - t
        loss = np.mean(e**2)
        dw = dw + 2 * x.T @ e / len(t)
        db = db + 2 * np.mean(e)
        w = w - 0.02 * dw
        b = b - 0.02 * db
    print(loss)
"""


def test_set_back_once_an_epoch_is_too_seldom(tmp_path: Path) -> None:
    code, text = checked(tmp_path, BATCHES)
    assert code == 1, text
    assert "WRONG  w: its gradient is added to" in text, text
    assert "WRONG  b: its gradient is added to" in text, text
    assert "with `db = 2 * np.mean(e)`" in text, text


NUMBERS = """
import math
w = [[0.3, -0.5], [0.7, 0.2]]
u = [0.4, -0.6]
data = [([1.0, 0.5], 0.2), ([-1.0, 2.0], 0.9), ([0.3, -0.7], 0.4)]

def no_grads():
    return {"w": [[0.0, 0.0], [0.0, 0.0]], "u": [0.0, 0.0]}

for epoch in range(60):
    grads = no_grads()
    loss = 0.0
    for x, t in data:
        h = [math.tanh(w[j][0] * x[0] + w[j][1] * x[1]) for j in range(2)]
        out = u[0] * h[0] + u[1] * h[1]
        loss += 0.5 * (out - t) ** 2
        for j in range(2):
            grads["u"][j] += (out - t) * h[j]
            for i in range(2):
                grads["w"][j][i] += (out - t) * u[j] * (1 - h[j] ** 2) * x[i]
    for j in range(2):
        u[j] -= 0.1 * grads["u"][j]
        for i in range(2):
            w[j][i] -= 0.1 * grads["w"][j][i]
"""


def test_numbers_in_lists_of_a_dict_are_gradients_that_may_be_left_over(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NUMBERS)
    assert code == 0, text
    made, loop = "    grads = no_grads()\n", "for epoch"
    source = NUMBERS.replace(made, "").replace(loop, f"{made.strip()}\n{loop}")
    code, text = checked(tmp_path, source)
    assert code == 1, text
    assert "WRONG  w[1][0]: its gradient is added to what the pass before left there" in text
