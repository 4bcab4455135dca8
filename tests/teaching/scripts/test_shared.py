"""Weights that are used more than once, with the gradient of one use."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

BRANCHES = """import numpy as np
rng = np.random.default_rng(0)
A = rng.normal(size=(16, 4))
B = rng.normal(size=(16, 4))
s = np.sum(A * B, axis=1)
W = rng.normal(size=(4, 3))
b = np.zeros(3)
for it in range(8):
    ha = np.tanh(A @ W + b)
    hb = np.tanh(B @ W + b)
    r = np.sum(ha * hb, axis=1) - s
    loss = np.mean(r ** 2)
    g = 2 * r[:, None] / len(r)
    dza = g * hb * (1 - ha ** 2)
    dzb = g * ha * (1 - hb ** 2)
    dW = A.T @ dza
    db = dza.sum(axis=0) + dzb.sum(axis=0)
    W -= 0.05 * dW
    b -= 0.05 * db
    print(loss)
"""

EMBEDDING = """import numpy as np
rng = np.random.default_rng(0)
V, D = 7, 3
words = rng.integers(0, V, 20)
nexts = rng.integers(0, V, 20)
E = 0.5 * rng.normal(size=(V, D))
U = 0.5 * rng.normal(size=(D, D))
def loss_and_grads(E, U, ids, targets):
    x = E[ids]
    h = np.tanh(x @ U)
    s = h @ E.T
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(ids)), targets]))
    ds = p.copy()
    ds[np.arange(len(ids)), targets] -= 1
    ds /= len(ids)
    dh = ds @ E
    dz = dh * (1 - h ** 2)
    dU = x.T @ dz
    dx = dz @ U.T
    dE = ds.T @ h
    return loss, dE, dU
for i in range(8):
    loss, dE, dU = loss_and_grads(E, U, words, nexts)
    E -= 0.3 * dE
    U -= 0.3 * dU
    print(loss)
"""

TIED = """import numpy as np
class TiedAutoencoder:
    def __init__(self, n, k):
        rng = np.random.default_rng(1)
        self.params = {"W": rng.normal(size=(n, k)) / 3}
        self.params |= {"b": np.zeros(k), "c": np.zeros(n)}
    def loss(self, X):
        W, b, c = self.params["W"], self.params["b"], self.params["c"]
        h = np.maximum(X @ W + b, 0)
        out = h @ W.T + c
        loss = np.sum((out - X) ** 2) / len(X)
        dout = 2 * (out - X) / len(X)
        dh = dout @ W
        dh[h <= 0] = 0
        grads = {"W": dout.T @ h, "b": dh.sum(axis=0), "c": dout.sum(axis=0)}
        return loss, grads
X = np.random.default_rng(0).normal(size=(20, 6))
net = TiedAutoencoder(6, 4)
for e in range(8):
    loss, grads = net.loss(X)
    for k in net.params:
        net.params[k] -= 0.05 * grads[k]
    print(loss)
"""

LATER = """import numpy as np
rng = np.random.default_rng(0)
left = rng.normal(size=(16, 4))
right = rng.normal(size=(16, 4))
same = (rng.random((16, 1)) > 0.5).astype(float)
W, b = rng.normal(size=(4, 3)), np.zeros(3)
u, c = rng.normal(size=(3, 1)), np.zeros(1)
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
for it in range(8):
    h1 = sigmoid(left @ W + b)
    h2 = sigmoid(right @ W + b)
    d = np.abs(h1 - h2)
    p = sigmoid(d @ u + c)
    loss = -np.mean(same * np.log(p) + (1 - same) * np.log(1 - p))
    dz = (p - same) / len(same)
    du = d.T @ dz
    dc = dz.sum(axis=0)
    dd = dz @ u.T * np.sign(h1 - h2)
    dh1 = dd * h1 * (1 - h1)
    dW = left.T @ dh1
    db = dh1.sum(axis=0)
    dh2 = -dd * h2 * (1 - h2)
    W -= 0.1 * dW
    b -= 0.1 * db
    u -= 0.1 * du
    c -= 0.1 * dc
    print(loss)
"""


@pytest.mark.parametrize(
    ("source", "name", "missing", "cure"),
    [
        (BRANCHES, "W", "B.T @ dzb", "with `dW = A.T @ dza + B.T @ dzb`"),
        (EMBEDDING, "E", "np.eye(7)[ids].T @ dx", "with `dE = ds.T @ h + np.eye(7)[ids].T @ dx`"),
        (TIED, "W", "X.T @ dh", "'W': dout.T @ h + X.T @ dh,"),
        pytest.param(LATER, "W", "right.T @ dh2", "Add it to", marks=pytest.mark.slow),
        pytest.param(LATER, "b", "dh2.sum(axis=0)", "Add it to", marks=pytest.mark.slow),
    ],
    ids=["branches", "embedding", "tied", "later", "bias"],
)
def test_the_part_of_the_other_use_is_named(
    tmp_path: Path, source: str, name: str, missing: str, cure: str
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.WRONG, text
    assert f"WRONG  {name}: {name} is used more than once" in text
    assert f"the part {missing} is missing" in text
    assert cure in text


def test_both_parts_are_right(tmp_path: Path) -> None:
    whole = "dW += right.T @ dh2\n    db += dh2.sum(axis=0)\n    W -="
    code, text = checked(tmp_path, LATER.replace("W -=", whole))
    assert code == report.RIGHT, text
