"""Which loss is meant, where a script adds it up, prints it, or has no rate that a name tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

SAMPLES = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(9, 3))
T = rng.integers(0, 2, 9)
w1, w2 = rng.normal(size=(4, 3)), rng.normal(size=4)

def loss(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))

for epoch in range(3):
    total = 0.0
    for x, t in zip(X, T):
        h = np.tanh(w1 @ x)
        p = 1 / (1 + np.exp(-(w2 @ h)))
        total += loss(p, t)
        d = p - t
        dw2 = d * h
        dh = d * w2
        dw1 = np.outer(dh * (1 - h ** 2), x)
        w1 = w1 - 0.1 * dw1
        w2 = w2 - 0.1 * dw2
    print(total / len(X))
"""


def test_a_loss_that_is_added_to_a_total_is_the_loss(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SAMPLES)
    assert code == 0
    assert "loss: loss()" in text


def test_a_mistake_beside_such_a_total_is_told_by_the_loss_that_is_added(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SAMPLES.replace(" * (1 - h ** 2)", " * (1 - h)"))
    assert code == 1
    assert "right  w2" in text
    assert "(1 - h ** 2), x)` w1 agrees" in text


SIGMOIDS = """
import numpy as np
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
ziel = np.array([[0], [1], [1], [0]])

def ableitung(y):
    return y * (1 - y)

class Netz:
    def __init__(self):
        rng = np.random.default_rng(1)
        self.u = rng.uniform(-1, 1, (2, 4))
        self.v = rng.uniform(-1, 1, (4, 1))
        self.c = np.zeros((1, 1))

    def vor(self, x):
        self.h = 1 / (1 + np.exp(-(x @ self.u)))
        self.o = 1 / (1 + np.exp(-(self.h @ self.v + self.c)))

    def lerne(self, x, ziel, schritt):
        d2 = (self.o - ziel) * ableitung(self.o)
        d1 = d2 @ self.v.T * ableitung(self.h)
        self.v -= schritt * self.h.T @ d2
        self.c -= schritt * d2.sum(axis=0, keepdims=True)
        self.u -= schritt * x.T @ d1

    def verlust(self, ziel):
        return 0.5 * ((self.o - ziel) ** 2).sum()

netz = Netz()
for i in range(40):
    netz.vor(x)
    netz.lerne(x, ziel, 0.8)
    if i % 10 == 0:
        print(netz.verlust(ziel))
"""


def test_the_derivative_that_is_missing_at_the_output_is_named(tmp_path: Path) -> None:
    assert checked(tmp_path, SIGMOIDS)[0] == 0
    code, text = checked(tmp_path, SIGMOIDS.replace("ziel) * ableitung(self.o)", "ziel)"))
    assert code == 1
    assert "the derivative of the sigmoid" in text
    assert "right  c" not in text


COLUMNS = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 9)), rng.integers(0, 2, (1, 9)).astype(float)
params = {"W1": rng.normal(size=(4, 2)), "W2": rng.normal(size=(1, 4))}
v = {"dW1": np.zeros((4, 2)), "dW2": np.zeros((1, 4))}

def cost(A, Y):
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

for i in range(9):
    A1 = np.tanh(params["W1"] @ X)
    A2 = 1 / (1 + np.exp(-params["W2"] @ A1))
    loss = cost(A2, Y)
    dZ2 = (A2 - Y) / 9
    dZ1 = params["W2"].T @ dZ2 * (1 - A1 ** 2)
    grads = {"dW1": dZ1 @ X.T, "dW2": dZ2 @ A1.T}
    for k in params:
        v["d" + k] = 0.9 * v["d" + k] + (1 - 0.9) * grads["d" + k]
        params[k] = params[k] - 0.1 * v["d" + k]
"""


def test_a_minus_too_many_is_told_where_momentum_scales_the_gradient(tmp_path: Path) -> None:
    assert checked(tmp_path, COLUMNS)[0] == 0
    code, text = checked(tmp_path, COLUMNS.replace('dZ1 = params["W2"]', 'dZ1 = -params["W2"]'))
    assert code == 1
    assert "WRONG  W1: it has the opposite sign" in text
    assert "the minus at its beginning is one too many" in text


RECURRENT = """
import numpy as np
rng = np.random.default_rng(0)
U, W, V = rng.normal(size=(4, 5)), rng.normal(size=(4, 4)), rng.normal(size=(5, 4))
text = rng.integers(0, 5, 40)

def step(inputs, targets, h):
    xs, hs, ps, loss = {}, {-1: h}, {}, 0.0
    for t in range(len(inputs)):
        xs[t] = np.eye(5)[:, [inputs[t]]]
        hs[t] = np.tanh(U @ xs[t] + W @ hs[t - 1])
        e = np.exp(V @ hs[t])
        ps[t] = e / e.sum()
        loss -= np.log(ps[t][targets[t], 0])
    return xs, hs, ps, loss

def back(xs, hs, ps, targets):
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    dh_next = np.zeros((4, 1))
    for t in reversed(range(len(targets))):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dV += dy @ hs[t].T
        dh = V.T @ dy + dh_next
        draw = (1 - hs[t] ** 2) * dh
        dU += draw @ xs[t].T
        dW += draw @ hs[t - 1].T
        dh_next = W.T @ draw
    return dU, dW, dV

h = np.zeros((4, 1))
total = 0
for p in range(0, 35, 5):
    xs, hs, ps, loss = step(text[p:p + 5], text[p + 1:p + 6], h)
    total += loss
    dU, dW, dV = back(xs, hs, ps, text[p + 1:p + 6])
    for param, grad in zip([U, W, V], [dU, dW, dV]):
        param -= 0.05 * grad
    h = hs[4]
"""


def test_the_state_that_a_network_hands_on_is_no_weight(tmp_path: Path) -> None:
    code, text = checked(tmp_path, RECURRENT)
    assert code == 0, text
    code, text = checked(tmp_path, RECURRENT.replace("dy + dh_next", "dy"))
    assert code == 1
    assert "dh_next is missing" in text
    assert "WRONG  h:" not in text


ONE_BY_ONE = """
import numpy as np
rng = np.random.default_rng(0)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self):
        self.biases = [rng.normal(size=(3, 1)), rng.normal(size=(1, 1))]
        self.weights = [rng.normal(size=(3, 2)), rng.normal(size=(1, 3))]

    def forward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(w @ a + b)
        return a

    def cost(self, data):
        outputs = [(self.forward(x), y) for x, y in data]
        return -sum(np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) for a, y in outputs)

    def train(self, data, rate):
        for epoch in range(3):
            for start in range(0, len(data), 5):
                self.learn(data[start:start + 5], rate)
            print(self.cost(data))

    def learn(self, batch, rate):
        nb = [np.zeros(b.shape) for b in self.biases]
        nw = [np.zeros(w.shape) for w in self.weights]
        for x, y in batch:
            db, dw = self.back(x, y)
            nb = [s + d for s, d in zip(nb, db)]
            nw = [s + d for s, d in zip(nw, dw)]
        self.weights = [w - rate / len(batch) * g for w, g in zip(self.weights, nw)]
        self.biases = [b - rate / len(batch) * g for b, g in zip(self.biases, nb)]

    def back(self, x, y):
        hidden = sigmoid(self.weights[0] @ x + self.biases[0])
        output = sigmoid(self.weights[1] @ hidden + self.biases[1])
        delta = output - y
        below = self.weights[1].T @ delta * hidden * (1 - hidden)
        return [below, delta], [below @ x.T, delta @ hidden.T]

X = rng.random((20, 2, 1))
data = [(x, np.array([[float(x.sum() > 1)]])) for x in X]
Net().train(data, 1.0)
"""


def test_one_output_of_one_sample_is_held_to_the_cross_entropy(tmp_path: Path) -> None:
    assert checked(tmp_path, ONE_BY_ONE)[0] == 0
    mistaken = ONE_BY_ONE.replace("nw = [s + d for s, d", "nw = [d for s, d")
    code, text = checked(tmp_path, mistaken)
    assert code == 1
    assert "biases[1]" not in "".join(s for s in text.splitlines() if s.startswith("WRONG"))
    assert "s is not used" in text


MOMENTUM = """
import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(30, 2))
y = (X[:, :1] > X[:, 1:]).astype(float)
W1, W2 = rng.normal(size=(2, 6)), rng.normal(size=(6, 1))
vW1, vW2 = np.zeros_like(W1), np.zeros_like(W2)

for i in range(20):
    a1 = np.tanh(X @ W1)
    p = 1 / (1 + np.exp(-(a1 @ W2)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz2 = (p - y) / 30
    dW2 = a1.T @ dz2
    dW1 = X.T @ (dz2 @ W2.T * (1 - a1 ** 2))
    vW1 = 0.9 * vW1 - 0.2 * dW1
    vW2 = 0.9 * vW2 - 0.2 * dW2
    W1 = W1 + vW1
    W2 = W2 + vW2
"""


def test_a_step_that_goes_up_the_slope_is_told_by_its_own_line(tmp_path: Path) -> None:
    assert checked(tmp_path, MOMENTUM)[0] == 0
    code, text = checked(tmp_path, MOMENTUM.replace("- 0.2 * dW2", "+ 0.2 * dW2"))
    assert code == 1
    assert "WRONG  W2: its step goes up the slope" in text
    assert "with `vW2 = 0.9 * vW2 - 0.2 * dW2`" in text
    code, text = checked(tmp_path, MOMENTUM.replace("= a1.T @ dz2", "= -a1.T @ dz2"))
    assert code == 1
    assert "a minus too many" in text or "one too many" in text


REPRODUCED = """
import numpy as np

class Autoencoder:
    def __init__(self):
        self.E = np.random.randn(3, 6) * 0.4
        self.D = np.random.randn(6, 3) * 0.4

    def train_on(self, x):
        h = np.tanh(self.E @ x)
        recon = 1 / (1 + np.exp(-self.D @ h))
        at_output = (recon - x) * recon * (1 - recon)
        at_hidden = self.D.T @ at_output * (1 - h**2)
        self.D -= 0.1 * at_output @ h.T
        self.E -= 0.1 * at_hidden @ x.T

net = Autoencoder()
for step in range(60):
    net.train_on(np.random.rand(6, 1))
"""


def test_what_an_autoencoder_gives_is_held_to_what_goes_in(tmp_path: Path) -> None:
    code, text = checked(tmp_path, REPRODUCED)
    assert code == report.RIGHT, text
    assert "right  E" in text
    code, text = checked(tmp_path, REPRODUCED.replace(" * (1 - h**2)", ""))
    assert code == report.WRONG, text
    assert "the derivative of tanh" in text


SORTED = """
import numpy as np

class Logistic:
    def bce(self, y, p):
        return -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))

    def fit(self, X, y):
        self.weights, self.bias, self.losses = np.zeros(X.shape[1]), 0, []
        for i in range(100):
            p = 1 / (1 + np.exp(-(X @ self.weights + self.bias)))
            dw = X.T @ (p - y) / len(y)
            db = np.sum(p - y) / len(y)
            self.weights -= 0.1 * dw
            self.bias -= 0.1 * db
            self.losses.append(self.bce(y, p))

rng = np.random.default_rng(12)
X = np.vstack([rng.normal(-1, 1, (150, 2)), rng.normal(1, 1, (150, 2))])
Logistic().fit(X, np.concatenate([np.zeros(150), np.ones(150)]))
"""


def test_a_loss_is_held_to_the_samples_of_all_classes_where_they_are_sorted(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SORTED)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, SORTED.replace(" + (1 - y) * np.log(1 - p + 1e-12)", ""))
    assert code == report.WRONG, text
    assert "WRONG  loss" in text
