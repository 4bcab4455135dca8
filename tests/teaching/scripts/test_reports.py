"""A loss that is reported without dropout, or with running averages, is of another pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

DROPOUT = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(60, 4))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
W1, b1 = rng.normal(size=(4, 10)) * 0.5, np.zeros(10)
W2, b2 = rng.normal(size=(10, 2)) * 0.5, np.zeros(2)

def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

for epoch in range(20):
    z = X @ W1 + b1
    mask = (rng.random(z.shape) < 0.8) / 0.8
    h = np.maximum(z, 0) * mask
    p = softmax(h @ W2 + b2)
    d = p.copy()
    d[np.arange(60), y] -= 1
    d /= 60
    dW2, db2 = h.T @ d + 0.01 * W2, d.sum(axis=0)
    dz = (d @ W2.T) * mask * (z > 0)
    dW1, db1 = X.T @ dz + 0.01 * W1, dz.sum(axis=0)
    W1 -= 0.2 * dW1
    b1 -= 0.2 * db1
    W2 -= 0.2 * dW2
    b2 -= 0.2 * db2
    q = softmax(np.maximum(X @ W1 + b1, 0) @ W2 + b2)
    loss = -np.mean(np.log(q[np.arange(60), y])) + 0.005 * ((W1**2).sum() + (W2**2).sum())
    print(epoch, loss)
"""
AVERAGES = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(80, 4)) + 1
t = (X[:, :1] * X[:, 1:2] > 1).astype(float)

class Net:
    def __init__(self):
        self.W, self.U = rng.normal(size=(4, 9)) * 0.5, rng.normal(size=(9, 1)) * 0.5
        self.g, self.b, self.c = np.ones(9), np.zeros(9), np.zeros(1)
        self.mean, self.var = np.zeros(9), np.ones(9)

    def forward(self, X, training):
        a = X @ self.W
        m, v = (a.mean(0), a.var(0)) if training else (self.mean, self.var)
        if training:
            self.mean = 0.9 * self.mean + 0.1 * m
            self.var += 0.1 * (v - self.var)
        self.X, self.istd = X, 1 / np.sqrt(v + 1e-5)
        self.xh = (a - m) * self.istd
        self.h = np.tanh(self.g * self.xh + self.b)
        return 1 / (1 + np.exp(-(self.h @ self.U + self.c)))

    def backward(self, p, t):
        d = (p - t) / len(t)
        self.dU, self.dc = self.h.T @ d, d.sum(0)
        dz = d @ self.U.T * (1 - self.h**2)
        self.dg, self.db = (dz * self.xh).sum(0), dz.sum(0)
        dv = dz * self.g
        da = dv - dv.mean(0) - self.xh * (dv * self.xh).mean(0)
        self.dW = self.X.T @ (self.istd * da)

net = Net()
for epoch in range(20):
    p = net.forward(X, True)
    net.backward(p, t)
    for k in "WgbUc":
        setattr(net, k, getattr(net, k) - 0.5 * getattr(net, "d" + k))
    q = net.forward(X, False)
    print("loss", -np.mean(t * np.log(q) + (1 - t) * np.log(1 - q)))
"""
TRAINED = """
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    print(loss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("source", [DROPOUT, AVERAGES], ids=["dropout", "averages"])
def test_a_report_in_the_same_loop_is_another_pass(tmp_path: Path, source: str) -> None:
    code, text = checked(tmp_path, source)
    assert code == 0, text
    assert text.count("right  ") >= 4, text


@pytest.mark.slow
def test_a_mistake_beside_such_a_report_is_named_by_the_pass_that_is_trained(
    tmp_path: Path,
) -> None:
    code, text = checked(tmp_path, DROPOUT.replace("* mask * (z > 0)", "* (z > 0)"))
    assert code == 1, text
    assert "right  W2" in text, text
    assert "the mask mask) is missing" in text, text


@pytest.mark.slow
def test_running_averages_are_no_weights(tmp_path: Path) -> None:
    wrong = AVERAGES.replace("dv - dv.mean(0) - ", "dv - ") + TRAINED
    code, text = checked(tmp_path, wrong)
    assert code == 1, text
    assert "WRONG  W:" in text, text
    assert "right  g" in text, text
    assert "mean:" not in text, text
    assert "var:" not in text, text


GENERATOR = """
import numpy as np

class Rede:
    def __init__(self, lam=0.002):
        self.rng = np.random.RandomState(0)
        self.W1, self.W2 = self.rng.randn(3, 8) * 0.5, self.rng.randn(8, 1) * 0.4
        self.b1, self.b2, self.lam = np.zeros(8), np.zeros(1), lam

    def saida(self, X, mask=1.0):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return (self.h * mask) @ self.W2 + self.b2

    def custo(self, X, y):
        penalty = self.lam / 2 * ((self.W1**2).sum() + (self.W2**2).sum())
        return ((self.saida(X) - y) ** 2).mean() / 2 + penalty

    def treinar(self, X, y):
        for epoca in range(20):
            for k in range(0, len(X), 32):
                x = X[k:k + 32]
                mask = (self.rng.rand(len(x), 8) < 0.8) / 0.8
                d = (self.saida(x, mask) - y[k:k + 32]) / len(x)
                dh = d @ self.W2.T * mask * (1 - self.h**2)
                dW2, db2 = (self.h * mask).T @ d + self.lam * self.W2, d.sum(0)
                dW1, db1 = x.T @ dh + self.lam * self.W1, dh.sum(0)
                self.W1 -= 0.1 * dW1
                self.b1 -= 0.1 * db1
                self.W2 -= 0.1 * dW2
                self.b2 -= 0.1 * db2
            print("custo", self.custo(X, y))

rng = np.random.RandomState(4)
X = rng.randn(96, 3)
Rede().treinar(X, np.sin(X[:, :1]) + X[:, 1:2])
"""


@pytest.mark.slow
def test_a_penalty_is_right_where_no_loss_is_computed(tmp_path: Path) -> None:
    code, text = checked(tmp_path, GENERATOR)
    assert code == 0, text
    assert "right  W1" in text, text
