"""The gradient of a penalty on a bias that the cost leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minnet.teaching.scripts import report
from minnet.teaching.scripts.analysis import entries_of
from minnet.teaching.scripts.penalties import is_bias
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

FLAT = """
import numpy as np

rng = np.random.default_rng(0)
X = np.c_[np.ones(10), rng.normal(size=(10, 2))]
y = (X[:, 1] > 0).astype(float)
theta = np.zeros(3)
lam, m = 1.0, 10

def cost(theta):
    h = 1 / (1 + np.exp(-X @ theta))
    J = -np.sum(y * np.log(h) + (1 - y) * np.log(1 - h)) / m
    return J + lam / (2 * m) * np.sum(theta[1:] ** 2)

def gradient(theta):
    h = 1 / (1 + np.exp(-X @ theta))
    grad = X.T @ (h - y) / m
    grad += lam / m * theta
    return grad

for i in range(10):
    theta = theta - 0.3 * gradient(theta)
    print(cost(theta))
"""

ROW = """import numpy as np
rng = np.random.default_rng(0)
X = np.c_[np.ones(10), rng.normal(size=(10, 3))]
y = rng.integers(0, 3, 10)
T = np.eye(3)[y]
W = 0.1 * rng.normal(size=(4, 3))
reg = 0.1
for it in range(10):
    s = X @ W
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(T * np.log(p), axis=1)) + 0.5 * reg * np.sum(W[1:] ** 2)
    dW = X.T @ (p - T) / 10 + reg * W
    W -= 0.1 * dW
    print(loss)
"""

NAMES = """import numpy as np
rng = np.random.default_rng(0)
def loss_and_grads(params, X, y, reg):
    h = np.maximum(0, X @ params["W1"] + params["b1"])
    out = h @ params["W2"] + params["b2"]
    d = (out - y) / len(X)
    loss = 0.5 * np.sum((out - y) ** 2) / len(X)
    loss += 0.5 * reg * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    grads = {"W2": h.T @ d, "b2": d.sum(axis=0)}
    dh = d @ params["W2"].T * (h > 0)
    grads["W1"] = X.T @ dh
    grads["b1"] = dh.sum(axis=0)
    for k in params:
        grads[k] += reg * params[k]
    return loss, grads
X = rng.normal(size=(20, 3))
y = X[:, :1] * 2 + 1
params = {"W1": rng.normal(size=(3, 5)), "b1": 0.1 * np.ones(5)}
params |= {"W2": rng.normal(size=(5, 1)), "b2": np.zeros(1)}
for i in range(10):
    loss, grads = loss_and_grads(params, X, y, 0.05)
    for k in params:
        params[k] -= 0.1 * grads[k]
    print(loss)
"""

NUMBER = """import numpy as np
class Ridge:
    def __init__(self, lam=0.5, lr=0.05):
        self.lam, self.lr = lam, lr
    def cost(self, X, y):
        r = X @ self.w + self.b - y
        return (r @ r + self.lam * self.w @ self.w) / (2 * len(y))
    def fit(self, X, y):
        self.w, self.b = np.zeros(X.shape[1]), 0.0
        for i in range(10):
            r = X @ self.w + self.b - y
            dw = (X.T @ r + self.lam * self.w) / len(y)
            db = (r.sum() + self.lam * self.b) / len(y)
            self.w -= self.lr * dw
            self.b -= self.lr * db
            print(self.cost(X, y))
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 2))
Ridge().fit(X, X @ [1.0, 2.0] + 4)
"""

LISTS = """import numpy as np
rng = np.random.default_rng(0)
def forward(Ws, bs, x):
    a = [x]
    for W, b in zip(Ws, bs):
        a.append(np.tanh(W @ a[-1] + b))
    return a
n = 24
x = rng.normal(size=(2, n))
t = np.sign(x[:1] * x[1:]) * 0.8
Ws = [rng.normal(size=(4, 2)), rng.normal(size=(1, 4))]
bs = [np.zeros((4, 1)), np.zeros((1, 1))]
lam = 0.02
for it in range(10):
    a = forward(Ws, bs, x)
    cost = np.sum((a[-1] - t) ** 2) / (2 * n) + lam / 2 * sum(np.sum(W ** 2) for W in Ws)
    delta = (a[-1] - t) * (1 - a[-1] ** 2) / n
    dWs, dbs = [None, None], [None, None]
    for l in (1, 0):
        dWs[l] = delta @ a[l].T + lam * Ws[l]
        dbs[l] = delta.sum(axis=1, keepdims=True) + lam * bs[l]
        if l:
            delta = Ws[l].T @ delta * (1 - a[l] ** 2)
    Ws = [W - 0.3 * d for W, d in zip(Ws, dWs)]
    bs = [b - 0.3 * d for b, d in zip(bs, dbs)]
    print(cost)
"""

LAST = """import numpy as np
rng = np.random.default_rng(0)
X = np.hstack([rng.normal(size=(30, 3)), np.ones((30, 1))])
y = (X[:, 0] > 0).astype(float).reshape(-1, 1)
theta = np.zeros((4, 1))
lam = 2.0
m = len(y)
costs = []
for i in range(10):
    h = 1 / (1 + np.exp(-X @ theta))
    J = -(y.T @ np.log(h) + (1 - y).T @ np.log(1 - h)) / m
    J = J + lam / (2 * m) * np.sum(theta[:-1] ** 2)
    costs.append(J.item())
    grad = X.T @ (h - y) / m + lam / m * theta
    theta = theta - 0.5 * grad
"""

SPARED = "is not penalised in the cost, and the gradient is to leave it out as well"


@pytest.mark.parametrize(
    ("source", "bias", "cure"),
    [
        (FLAT, "theta[0]", "grad[1:] += lam / m * theta[1:]"),
        (ROW, "W[0]", "reg * np.r_[np.zeros((1, 3)), W[1:]]"),
        (NAMES, "a bias", "grads[k] += reg * params[k] * (params[k].ndim > 1)"),
        (NUMBER, "self.b", "db = r.sum() / len(y)"),
        (LISTS, "bs[l]", "dbs[l] = delta.sum(axis=1, keepdims=True)`"),
        (LAST, "theta[-1]", "lam / m * np.r_[theta[:-1], np.zeros((1, 1))]"),
    ],
    ids=["flat", "row", "names", "number", "lists", "last"],
)
def test_a_bias_that_the_cost_leaves_out_is_to_be_left_out_of_the_gradient(
    tmp_path: Path, source: str, bias: str, cure: str
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.WRONG, text
    assert f"{bias} {SPARED}" in text
    assert cure in text
    assert "WRONG  loss" not in text


def test_a_penalty_on_all_entries_in_both_is_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FLAT.replace("theta[1:] ** 2", "theta ** 2"))
    assert code == report.RIGHT, text


SMALL = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
W, b = 0.001 * rng.normal(size=(4, 2)), np.zeros(2)
reg = 0.001
for it in range(20):
    s = X @ W + b
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(60), y])) + {penalty}
    p[np.arange(60), y] -= 1
    dW = X.T @ p / 60 + {slope}
    W -= 0.5 * dW
    b -= 0.5 * p.mean(axis=0)
"""
"""Weights so small that their penalty is lost among the digits of the gradient."""


@pytest.mark.parametrize(
    ("penalty", "slope", "cure"),
    [
        ("reg * np.sum(W * W)", "reg * W", "2 * (reg * W)"),
        ("0.5 * reg * np.sum(W * W)", "2 * reg * W", "X.T @ p / 60 + reg * W"),
        ("0", "reg * W", "`dW = X.T @ p / 60`"),
    ],
)
def test_a_penalty_of_small_weights_is_seen(
    tmp_path: Path, penalty: str, slope: str, cure: str
) -> None:
    code, text = checked(tmp_path, SMALL.format(penalty=penalty, slope=slope))
    assert code == report.WRONG, text
    assert "right  b" in text, text
    assert "times W itself: the gradient of the penalty" in text, text
    assert cure in text, text


@pytest.mark.parametrize("by", ["", "0.5 * "])
def test_a_right_penalty_of_small_weights_is_right(tmp_path: Path, by: str) -> None:
    slope = "2 * reg * W" if not by else "reg * W"
    code, text = checked(tmp_path, SMALL.format(penalty=by + "reg * np.sum(W * W)", slope=slope))
    assert code == report.RIGHT, text


def test_the_first_and_the_last_entry_of_a_block_are_measured() -> None:
    for size in (25, 28, 400):
        entries = entries_of(np.zeros(size))
        assert entries[0] == 0
        assert entries[-1] == size - 1
        assert len(set(entries)) == 20


def test_biases_are_told_by_their_names() -> None:
    assert all(map(is_bias, ("b", "b1", "self.b", "bs[l]", "params['b2']", "bias", "net.bias[0]")))
    assert not any(map(is_bias, ("W", "db2_W", "theta[1:]", "params['W1']", "lamb")))


ONES = """
import numpy as np
rng = np.random.default_rng(3)
A = np.c_[np.ones((20, 1)), rng.normal(size=(20, 3))]
y = (A[:, 1:2] > 0).astype(float)
theta, lam, m = rng.normal(size=26) * 0.5, 2.0, 20

def sig(z):
    return 1 / (1 + np.exp(-z))

def cost(theta):
    T1, T2 = theta[:20].reshape(5, 4), theta[20:].reshape(1, 6)
    h = np.c_[np.ones((20, 1)), sig(A @ T1.T)]
    p = sig(h @ T2.T)
    J = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / m
    J += lam / (2 * m) * (np.sum(T1[:, 1:] ** 2) + np.sum(T2[:, 1:] ** 2))
    d2 = p - y
    d1 = d2 @ T2[:, 1:] * h[:, 1:] * (1 - h[:, 1:])
    R1, R2 = np.c_[np.zeros((5, 1)), T1[:, 1:]], np.c_[np.zeros((1, 1)), T2[:, 1:]]
    g1, g2 = d1.T @ A / m + lam / m * R1, d2.T @ h / m + lam / m * R2
    return J, np.r_[g1.ravel(), g2.ravel()]

for i in range(5):
    J, grad = cost(theta)
    theta = theta - 0.5 * grad
"""


def test_ones_in_the_place_of_the_bias_are_told_by_what_they_add(tmp_path: Path) -> None:
    assert checked(tmp_path, ONES)[0] == 0
    code, text = checked(tmp_path, ONES.replace("np.zeros(", "np.ones("))
    assert code == 1
    assert "a constant is added there" in text
    assert "has zeros in its place, and no ones" in text
