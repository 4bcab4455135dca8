"""Entries of the wrong layer, and indices that are the wrong way round."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

LISTS = """
import numpy as np

rng = np.random.default_rng(3)
widths = [2, 4, 4, 4, 1]
depth = len(widths) - 1
W = [rng.normal(size=(widths[k], widths[k + 1])) for k in range(depth)]
B = [np.zeros(widths[k + 1]) for k in range(depth)]
acts = [np.tanh, np.sin, np.tanh, lambda v: v]
slopes = [lambda v: 1 - np.tanh(v) ** 2, np.cos, lambda v: 1 - np.tanh(v) ** 2, np.ones_like]
x = rng.normal(size=(30, 2))
t = x[:, :1] * x[:, 1:]
for epoch in range(15):
    pre, out = [], [x]
    for k in range(depth):
        pre.append(out[-1] @ W[k] + B[k])
        out.append(acts[k](pre[-1]))
    loss = 0.5 * np.mean((out[-1] - t) ** 2)
    g = (out[-1] - t) / len(x)
    gW, gB = [None] * depth, [None] * depth
    for k in reversed(range(depth)):
        gW[k] = out[k].T @ g
        gB[k] = g.sum(axis=0)
        if k:
            slope = slopes[k - 1]
            g = (g @ W[k].T) * slope(pre[k - 1])
    for k in range(depth):
        W[k] -= 0.05 * gW[k]
        B[k] -= 0.05 * gB[k]
print(loss)
"""

KEYS = """
import numpy as np

def start(layer_dims):
    rng = np.random.default_rng(0)
    params = {}
    for l in range(1, len(layer_dims)):
        params["W" + str(l)] = rng.normal(size=(layer_dims[l], layer_dims[l - 1])) * 0.7
        params["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return params

def forward(X, params, L):
    cache = {"A0": X}
    for l in range(1, L + 1):
        Z = params["W" + str(l)] @ cache[f"A{l - 1}"] + params["b" + str(l)]
        cache[f"Z{l}"] = Z
        cache[f"A{l}"] = np.tanh(Z) if l < L else 1 / (1 + np.exp(-Z))
    return cache

def backward(Y, cache, params, L):
    m = Y.shape[1]
    grads = {}
    dZ = cache[f"A{L}"] - Y
    for l in range(L, 0, -1):
        grads["dW" + str(l)] = dZ @ cache["A" + str(l - 1)].T / m
        grads["db" + str(l)] = dZ.sum(axis=1, keepdims=True) / m
        if l > 1:
            dA = params["W" + str(l)].T @ dZ
            dZ = dA * (1 - np.tanh(cache[f"Z{l - 1}"]) ** 2)
    return grads

rng = np.random.default_rng(1)
X = rng.normal(size=(2, 40))
Y = (X[:1] * X[1:] > 0).astype(float)
params = start([2, 4, 4, 1])
for i in range(20):
    cache = forward(X, params, 3)
    A = cache["A3"]
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    grads = backward(Y, cache, params, 3)
    for l in (1, 2, 3):
        params["W" + str(l)] -= 0.3 * grads["dW" + str(l)]
        params["b" + str(l)] -= 0.3 * grads["db" + str(l)]
    if i % 5 == 0:
        print(i, cost)
"""

SUMS = KEYS.replace('f"Z{l - 1}"', '"Z" + str(l - 1)')

NEURONS = """
import math, random

class Net:
    def __init__(self, n_in, n_hid, n_out):
        rnd = random.Random(2)
        self.wi = [[rnd.uniform(-1, 1) for _ in range(n_hid)] for _ in range(n_in)]
        self.wo = [[rnd.uniform(-1, 1) for _ in range(n_out)] for _ in range(n_hid)]

    def forward(self, x):
        self.x = x
        self.h = [math.tanh(sum(x[i] * self.wi[i][j] for i in range(len(x))))
                  for j in range(len(self.wo))]
        self.o = [sum(self.h[j] * self.wo[j][k] for j in range(len(self.h)))
                  for k in range(len(self.wo[0]))]
        return self.o

    def learn(self, t, rate):
        do = [o - y for o, y in zip(self.o, t)]
        dh = []
        for j in range(len(self.h)):
            error = 0.0
            for k in range(len(do)):
                error += do[k] * self.wo[j][k]
            dh.append(error * (1 - self.h[j] ** 2))
        for j in range(len(self.h)):
            for k in range(len(do)):
                self.wo[j][k] -= rate * do[k] * self.h[j]
        for i in range(len(self.x)):
            for j in range(len(dh)):
                self.wi[i][j] -= rate * dh[j] * self.x[i]

rows = [([0.5, -0.2, 1.0], [0.3, -0.4]), ([-0.7, 0.9, 0.4], [0.1, 0.8])]
net = Net(3, 2, 2)
for epoch in range(30):
    total = 0.0
    for x, t in rows:
        out = net.forward(x)
        total += 0.5 * sum((o - y) ** 2 for o, y in zip(out, t))
        net.learn(t, 0.1)
    print(total)
"""


@pytest.mark.parametrize(
    ("source", "written", "wrong", "told"),
    [
        (LISTS, "slope(pre[k - 1])", "slope(pre[k])", "pre[k - 1] belongs"),
        (LISTS, "slopes[k - 1]", "slopes[k]", "slopes[k - 1] belongs there"),
        (KEYS, "cache[f'Z{l - 1}']", "cache[f'Z{l}']", "Z{l - 1}"),
        (SUMS, "cache['Z' + str(l - 1)]", "cache['Z' + str(l)]", "str(l - 1)"),
        (NEURONS, "do[k] * self.wo[j][k]", "do[k] * self.wo[k][j]", "self.wo[j][k] belongs where"),
    ],
)
def test_an_entry_beside_the_right_one_is_named(
    tmp_path: Path, source: str, written: str, wrong: str, told: str
) -> None:
    quoted = written.replace("'", '"')
    assert source.count(quoted) == 1
    code, text = checked(tmp_path, source.replace(quoted, wrong.replace("'", '"')))
    assert code == report.WRONG, text
    assert told in text, text


@pytest.mark.parametrize("source", [LISTS, KEYS, NEURONS])
def test_right_entries_are_right(tmp_path: Path, source: str) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
