"""Styles of writing a network that are told apart by what they do, right and with one mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

SAMPLES = """
import numpy as np

class Gap:
    @staticmethod
    def delta(a, y):
        return a - y

def squash(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self, sizes):
        self.B = [np.random.randn(n, 1) for n in sizes[1:]]
        self.W = [np.random.randn(n, m) for m, n in zip(sizes[:-1], sizes[1:])]

    def back(self, x, y):
        acts = [x]
        for W, b in zip(self.W, self.B):
            acts.append(squash(W @ acts[-1] + b))
        gB, gW = [None] * len(self.B), [None] * len(self.W)
        delta = Gap.delta(acts[-1], y)
        for i in reversed(range(len(self.W))):
            gB[i], gW[i] = delta, delta @ acts[i].T
            if i:
                delta = (self.W[i].T @ delta) * acts[i] * (1 - acts[i])
        return gB, gW

    def update(self, batch, rate):
        sums_B = [np.zeros(b.shape) for b in self.B]
        sums_W = [np.zeros(W.shape) for W in self.W]
        for x, y in batch:
            gB, gW = self.back(x, y)
            sums_B = [s + g for s, g in zip(sums_B, gB)]
            sums_W = [s + g for s, g in zip(sums_W, gW)]
        self.W = [W - rate / len(batch) * g for W, g in zip(self.W, sums_W)]
        self.B = [b - rate / len(batch) * g for b, g in zip(self.B, sums_B)]

pairs = [(np.random.randn(3, 1), np.eye(2)[:, [i % 2]]) for i in range(30)]
net = Net([3, 4, 2])
for start in range(0, 30, 6):
    net.update(pairs[start:start + 6], 0.5)
"""

LIST = """
import numpy as np
rng = np.random.default_rng(1)
sizes = [2, 5, 4, 1]
Ws = [rng.normal(size=(n, m)) for n, m in zip(sizes[:-1], sizes[1:])]
X = rng.normal(size=(8, 2))
Y = (X[:, :1] * X[:, 1:] > 0).astype(float)
for epoch in range(50):
    a = [X]
    for W in Ws:
        a.append(1 / (1 + np.exp(-a[-1] @ W)))
    loss = 0.5 * np.sum((a[-1] - Y) ** 2) / len(X)
    delta = (a[-1] - Y) * a[-1] * (1 - a[-1])
    for i in reversed(range(len(Ws))):
        step = a[i].T @ delta / len(X)
        BEFORE
        if i > 0:
            delta = (delta @ Ws[i].T) * a[i] * (1 - a[i])
        AFTER
"""

MODULES = """
import numpy as np
rng = np.random.default_rng(0)

class Affine:
    def __init__(self, n, m):
        self.W, self.b = rng.normal(size=(n, m)), rng.normal(size=m)
        self.dW, self.db = 0 * self.W, 0 * self.b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, g):
        self.dW[...], self.db[...] = self.x.T @ g, g.sum(axis=0)
        return g @ self.W.T

class Leaky:
    def __init__(self, slope=0.1):
        self.slope = slope
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)
    def backward(self, g):
        return np.where(self.x > 0, g, self.slope * g)

class Softmax:
    def forward(self, z, t):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.mean(np.log((self.p * t).sum(axis=1)))
    def backward(self):
        return (self.p - self.t) / len(self.t)

x = rng.normal(size=(30, 3))
t = np.eye(3)[rng.integers(0, 3, 30)]
stack, head = [Affine(3, 6), Leaky(), Affine(6, 3)], Softmax()
for step in range(50):
    h = x
    for module in stack:
        h = module.forward(h)
    loss = head.forward(h, t)
    g = head.backward()
    for module in reversed(stack):
        g = module.backward(g)
    for module in stack:
        if isinstance(module, Affine):
            module.W -= 0.1 * module.dW
            module.b -= 0.1 * module.db
"""

COLUMNS = """
import numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(2, 40))
Y = (X[:1] * X[1:] > 0).astype(float)
P = {"W1": rng.normal(size=(4, 2)), "b1": np.zeros((4, 1)),
     "W2": rng.normal(size=(1, 4)), "b2": np.zeros((1, 1))}
for i in range(60):
    m = X.shape[1]
    A1 = np.tanh(P["W1"] @ X + P["b1"])
    A2 = 1 / (1 + np.exp(-(P["W2"] @ A1 + P["b2"])))
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    dZ2 = A2 - Y
    dZ1 = np.multiply(P["W2"].T @ dZ2, 1 - np.power(A1, 2))
    G = {"W1": dZ1 @ X.T / m, "b1": dZ1.sum(axis=1, keepdims=True) / m,
         "W2": dZ2 @ A1.T / m, "b2": dZ2.sum(axis=1, keepdims=True) / m}
    for k in P:
        P[k] = P[k] - 1.2 * G[k]
"""

PAIR = """
import numpy as np

def linear_forward(A_prev, W, b):
    return W @ A_prev + b, (A_prev, W, b)

def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = dZ @ A_prev.T / m
    db = dZ.sum(axis=1, keepdims=True) / m
    dA_prev = W.T @ dZ
    return dA_prev, dW, db
"""

AFTER = LIST.replace("BEFORE", "pass").replace("AFTER", "Ws[i] -= 0.5 * step")
EARLY = LIST.replace("BEFORE", "Ws[i] -= 0.5 * step").replace("AFTER", "pass")


@pytest.mark.parametrize("source", [SAMPLES, AFTER, MODULES, COLUMNS, PAIR])
def test_each_style_is_right_as_it_stands(source: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert "right  " in text


@pytest.mark.parametrize(
    ("source", "old", "new", "words"),
    [
        (SAMPLES, "acts[i] * (1 - acts[i])", "acts[i]", r"acts\[i\] \(1 − acts\[i\]\)"),
        (MODULES, "self.slope * g)", "0)", "self.slope . g belongs where 0 stands"),
        (MODULES, "e / e.sum(axis=1, keepdims=True)", "e / e.sum(axis=0)", "axis=1 belongs"),
        (COLUMNS, "1 - np.power(A1, 2)", "A1 * (1 - A1)", "that of tanh, 1 − A1² belongs"),
        (PAIR, "db = dZ.sum(axis=1, keepdims=True) / m", "db = dZ", "sum"),
    ],
)
def test_one_mistake_in_a_style_is_named(
    source: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    assert old in source
    code, text = checked(tmp_path, source.replace(old, new))
    assert code == report.WRONG, text
    assert re.search(words, text), text


def test_weights_of_a_list_that_change_too_early_are_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, EARLY)
    assert code == report.WRONG
    assert "Ws is changed (line 16) before it is used for this gradient (line 18)" in text


LEAKS = """
import numpy as np

class Leak:
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, g):
        return g * np.where(self.x > 0, 1.0, 0.1)

rng = np.random.default_rng(3)
X, T = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
A, B = rng.normal(size=(3, 5)), rng.normal(size=(5, 2))
leak = Leak()
for step in range(20):
    h = leak.forward(X @ A)
    loss = 0.5 * np.sum((h @ B - T) ** 2)
    g = h @ B - T
    dB = h.T @ g
    dA = X.T @ leak.backward(g @ B.T)
    A -= 0.001 * dA
    B -= 0.001 * dB
"""


def test_a_leaky_relu_whose_slope_stands_in_the_line_alone_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LEAKS)
    assert code == 0, text
    code, text = checked(tmp_path, LEAKS.replace("np.where(self.x > 0, 1.0, 0.1)", "(self.x > 0)"))
    assert code == 1, text
    assert "WRONG  A: line 10" in text, text
    assert "of a leaky ReLU (1 where self.x > 0, 0.1 where it is not)" in text, text
