"""Right scripts as students write them are called right, whatever they name and print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minnet.teaching.scripts import report
from minnet.teaching.scripts.blocks import Block
from minnet.teaching.scripts.roles import clipped, is_watched
from tests.teaching.scripts.files import checked

LINE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b = np.zeros(3), 0.0
"""
MOMENTUM = """
a, c, va, vc = 0.0, 0.0, 0.0, 0.0
for schritt in range(20):
    fehler = a * X[:, 0] + c - y
    va = 0.9 * va + 2 * np.mean(fehler * X[:, 0])
    vc = 0.9 * vc + 2 * np.mean(fehler)
    a -= 0.05 * va
    c -= 0.05 * vc
    if schritt % 10 == 0:
        print(schritt, np.mean(fehler**2))
"""
CLIPPED = """
for t in range(20):
    loss = np.mean((X @ w + b - 10 * y) ** 2)
    gw = 2 * X.T @ (X @ w + b - 10 * y) / len(y)
    gb = 2 * np.mean(X @ w + b - 10 * y)
    {clip}
    w -= 0.1 * gw
    b -= 0.1 * gb
"""
BY_ENTRY = "gw, gb = np.clip(gw, -1, 1), np.clip(gb, -1, 1)"
BY_LENGTH = "size = np.sqrt(gw @ gw + gb**2); gw *= min(1, 0.5 / size); gb *= min(1, 0.5 / size)"
ABSOLUTE = """
for t in range(20):
    r = X @ w + b - y
    {loss}
    w -= 0.05 * X.T @ np.sign(r) / len(X)
    b -= 0.05 * np.mean(np.sign(r))
"""
DELTA = """
y = (y > 0).astype(float)
for epoch in range(20):
    total_error = 0
    for row, target in zip(X, y):
        output = 1 / (1 + np.exp(-np.dot(w, row)))
        error = target - output
        total_error += error**2
        w += 0.5 * error * output * (1 - output) * row
"""
ASKED = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.1)
rate, epochs = parser.parse_args().rate, int(input("epochs: "))
for t in range(epochs):
    error = X @ w - y
    verlust = np.mean(error**2)
    w -= rate * 2 * X.T @ error / len(y)
"""
COUNTED = """
b, total = 0, 0
for t in range(20):
    e = X @ w + b - y
    loss = (e**2).mean()
    total += loss
    w = w - 0.1 * 2 * X.T @ e / 30
    b = b - 0.1 * 2 * e.sum() / 30
"""

SCRIPTS = {
    "a number of samples in the line, and whole numbers to begin with": COUNTED,
    "velocities of another name": MOMENTUM,
    "gradients bounded by entry": CLIPPED.format(clip=BY_ENTRY),
    "gradients bounded by length": CLIPPED.format(clip=BY_LENGTH),
    "absolute errors": ABSOLUTE.format(loss="mae = np.mean(np.abs(r))"),
    "absolute errors in another language": ABSOLUTE.format(loss="损失 = np.mean(np.abs(r))"),
    "an error for the eye": DELTA,
    "arguments and questions": ASKED,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_right_script_is_right(name: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, LINE.replace("(20, 3)", "(30, 3)") + SCRIPTS[name])
    assert code == report.RIGHT, text
    assert "right  " in text


def test_absolute_errors_without_a_loss_are_not_called_wrong(tmp_path: Path) -> None:
    _, text = checked(tmp_path, LINE + ABSOLUTE.format(loss="pass"))
    assert "WRONG" not in text


def test_a_bound_hides_no_wrong_sign(tmp_path: Path) -> None:
    mistaken = CLIPPED.format(clip=BY_ENTRY).replace("gb = 2", "gb = -2")
    code, text = checked(tmp_path, LINE + mistaken)
    assert code == report.WRONG, text


def test_a_bias_that_the_loss_forgets_is_still_wrong(tmp_path: Path) -> None:
    mistaken = CLIPPED.format(clip="").replace("np.mean((X @ w + b", "np.mean((X @ w")
    code, text = checked(tmp_path, LINE + mistaken)
    assert code == report.WRONG, text


def test_a_bias_that_begins_as_a_whole_number_is_looked_at(tmp_path: Path) -> None:
    mistaken = COUNTED.replace("b - 0.1", "b + 0.1")
    code, text = checked(tmp_path, LINE.replace("(20, 3)", "(30, 3)") + mistaken)
    assert code == report.WRONG, text
    assert "WRONG  b: it has the opposite sign" in text


def test_a_bound_is_one_that_the_code_has() -> None:
    n = np.array([0.2, -3.0])
    a = np.clip(n, -1, 1)
    assert clipped([(a, a, n)], [1.0])
    assert not clipped([(a, a, n)], [2.0])
    assert not clipped([(a, a, -n)], [1.0])
    half = n * 0.5 / np.sqrt((n**2).sum())
    assert clipped([(half, half, n)], [0.5])
    assert not clipped([(half, half, n)], [0.6])


def test_an_error_for_the_eye_is_no_loss_with_a_factor() -> None:
    assert is_watched(":total_error", named=False)
    assert not is_watched(":total_error", named=True)
    assert not is_watched(":loss", named=False)


REPORTED = """
import numpy as np

class Net:
    def __init__(self):
        self.A = np.random.randn(2, 12)
        self.B = np.random.randn(12, 3) * 0.5

    def go(self, x, learning=True):
        self.x = x
        self.z = x @ self.A
        self.off = np.ones_like(self.z)
        if learning:
            self.off = (np.random.rand(*self.z.shape) < 0.7) / 0.7
        self.h = np.maximum(self.z, 0) * self.off
        e = np.exp(self.h @ self.B)
        self.p = e / e.sum(axis=1, keepdims=True)

    def loss(self, t):
        return -np.mean(np.log(self.p[np.arange(len(t)), t]))

    def come(self, t):
        d = self.p.copy()
        d[np.arange(len(t)), t] -= 1
        d /= len(t)
        dB = self.h.T @ d
        dA = self.x.T @ ((d @ self.B.T) * self.off * (self.z > 0))
        return dA, dB

np.random.seed(3)
X = np.random.randn(200, 2)
t = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
net = Net()
for epoch in range(20):
    order = np.random.permutation(len(X))
    for i in range(0, len(X), 25):
        some = order[i:i + 25]
        net.go(X[some])
        dA, dB = net.come(t[some])
        net.A -= 0.3 * dA
        net.B -= 0.3 * dB
    net.go(X, learning=False)
    print(epoch, net.loss(t))
"""


def test_a_report_without_dropout_is_not_the_loss_that_is_trained(tmp_path: Path) -> None:
    code, text = checked(tmp_path, REPORTED)
    assert code == 0, text
    assert "right  A" in text, text


POLICY = """
import numpy as np
rng = np.random.default_rng(0)
W, U = rng.normal(0, 0.5, (5, 6)), rng.normal(0, 0.5, (2, 5))

def upwards(s, a, advantage):
    h = np.tanh(W[:, s])
    z = U @ h
    p = np.exp(z - z.max())
    p = p / p.sum()
    dz = -advantage * p
    dz[a] += advantage
    dU = np.outer(dz, h)
    dW = np.zeros_like(W)
    dW[:, s] = (U.T @ dz) * (1 - h**2)
    return dW, dU

for episode in range(60):
    dW, dU = 0.0, 0.0
    for s in range(6):
        gW, gU = upwards(s, s % 2, 1.0 - 0.1 * s)
        dW, dU = dW + gW, dU + gU
    W += 0.05 * dW
    U += 0.05 * dU
"""


def test_what_is_climbed_on_purpose_is_not_called_wrong(tmp_path: Path) -> None:
    assert checked(tmp_path, POLICY)[0] != report.WRONG


LETTER = """
import math
import random
random.seed(0)
rows = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(20)]
theta = [random.gauss(0, 1) for _ in range(3)]

def gradient(th):
    g = [0.0, 0.0, 0.0]
    for x, y in rows:
        f = math.tanh(th[0] * x + th[1])
        d = 2 * (th[2] * f - y) / len(rows)
        e = d * th[2] * (1 - f * f)
        g[0] += e * x
        g[1] += e
        g[2] += d * f
    return g

for step in range(100):
    g = gradient(theta)
    for i in range(3):
        theta[i] -= 0.1 * g[i]
"""


def test_what_a_single_letter_stands_for_is_no_loss_if_no_gradient_is_right_for_it(
    tmp_path: Path,
) -> None:
    assert checked(tmp_path, LETTER)[0] != report.WRONG


EVALUATED = """
import numpy as np
rng = np.random.default_rng(0)
W, U, V = 0.5 * rng.normal(size=(4, 3)), 0.5 * rng.normal(size=(4, 4)), rng.normal(size=(3, 4))
ids = rng.integers(0, 3, 40)

def perplexity(ids):
    {state}, loss = np.zeros(4), 0.0
    for i, j in zip(ids[:-1], ids[1:]):
        {state} = np.tanh(W[:, i] + U @ {state})
        p = np.exp(V @ {state})
        p /= p.sum()
        loss -= np.log(p[j])
    return np.exp(loss / len(ids))

print(perplexity(ids))
"""


@pytest.mark.slow
@pytest.mark.parametrize("state", ["h", "estado", "zustand", "状态"])
def test_a_state_that_is_handed_on_learns_nothing(tmp_path: Path, state: str) -> None:
    code, text = checked(tmp_path, EVALUATED.format(state=state))
    assert code == report.UNREADABLE, text
    assert "no gradient that could be checked" in text


HEADS = """
import numpy as np
rng = np.random.default_rng(0)
X, t = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
one_hot = np.eye(2)[rng.integers(0, 2, 30)]
W, Ws, Wv = (0.5 * rng.normal(size=s) for s in ((3, 4), (4, 2), (4, 1)))
for step in range(50):
    h = np.tanh(X @ W)
    scores, value = h @ Ws, h @ Wv
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    gs = (p - one_hot) / 30
    gv = 0.3 * (value - t) / 30
    dh = (gs @ Ws.T + gv @ Wv.T) * (1 - h**2)
    Ws, Wv, W = Ws - 0.1 * h.T @ gs, Wv - 0.1 * h.T @ gv, W - 0.1 * X.T @ dh
"""

MEMORIES = """
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
W, V = 0.5 * rng.normal(size=(3, 4)), 0.5 * rng.normal(size=(4, 1))
mems = [np.zeros_like(w) for w in (W, V)]
for step in range(50):
    h = np.tanh(X @ W)
    loss = 0.5 * np.mean((h @ V - y) ** 2)
    d = (h @ V - y) / 30
    dV, dW = h.T @ d, X.T @ (d @ V.T * (1 - h**2))
    print(loss)
    for param, dparam, mem in zip([W, V], [dW, dV], mems):
        mem += dparam * dparam
        param += -0.1 * dparam / np.sqrt(mem + 1e-8)
"""

SHUFFLED = """
import math
import random
random.seed(0)
data = [[random.gauss(0, 1) for _ in range(3)] for _ in range(6)]
classes = [k % 2 for k in range(6)]
W = [[random.gauss(0, 1) for _ in range(3)] for _ in range(2)]
order = list(range(6))
for epoch in range(40):
    random.shuffle(order)
    loss = 0.0
    for n in order:
        scores = [sum(w * v for w, v in zip(row, data[n])) for row in W]
        total = sum(math.exp(s) for s in scores)
        p = [math.exp(s) / total for s in scores]
        loss -= math.log(p[classes[n]])
        for k in range(2):
            for j in range(3):
                W[k][j] -= 0.1 * (p[k] - (k == classes[n])) * data[n][j]
    print(loss)
"""

OTHER_SAMPLES = """
import numpy as np
rng = np.random.default_rng(0)
W = 0.5 * rng.normal(size=(4, 3))

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def draw(n):
    x = rng.normal(size=(n, 4))
    return x, x[:, :3].argmax(axis=1)

def loss_of(prob, lab):
    return -np.log(prob[np.arange(len(lab)), lab]).mean()

for step in range(200):
    x, lab = draw(16)
    prob = softmax(x @ W)
    dz = prob.copy()
    dz[np.arange(16), lab] -= 1
    W -= 0.1 * x.T @ dz / 16
    if step % 100 == 0:
        x, lab = draw(100)
        prob = softmax(x @ W)
        print(step, loss_of(prob, lab))
"""


@pytest.mark.slow
@pytest.mark.parametrize("source", [HEADS, MEMORIES, SHUFFLED, OTHER_SAMPLES])
def test_what_only_looks_like_a_mistake_is_not_called_wrong(source: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source)
    assert code != report.WRONG, text


def test_a_kink_inside_a_step_is_no_mistake() -> None:
    entries, slopes = np.arange(3), np.array([1.0, 2.0, 3.0])
    seen = slopes + np.array([0.0, 0.0, 4e-4])  # half of 1e-3, or less, by where the kink lies
    straight = Block("W", "W", np.ones(3), entries, seen, bent=np.zeros(3, bool))
    assert not straight.agrees(slopes)
    kinked = replace(straight, bend=np.array([0.0, 0.0, 1e-3]))
    assert kinked.agrees(slopes)
    assert not kinked.agrees(slopes + np.array([0.0, 1e-3, 0.0]))
    assert not kinked.agrees(slopes - np.array([0.0, 0.0, 1e-3]))


DATACLASS = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Dict
import numpy as np

@dataclass
class Model:
    params: Dict[str, np.ndarray] = field(default_factory=dict)

    def loss(self, x, t):
        return float(np.mean((x @ self.params["E"] - t) ** 2))

rng = np.random.default_rng(6)
x = rng.normal(size=(20, 3))
t = x @ rng.normal(size=(3, 2))
model = Model({"E": rng.normal(size=(3, 2))})
m, v = {"E": np.zeros((3, 2))}, {"E": np.zeros((3, 2))}
for step in range(1, 50):
    loss = model.loss(x, t)
    g = {"E": 2 * x.T @ (x @ model.params["E"] - t) / t.size}
    for k in g:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        v[k] = 0.99 * v[k] + 0.01 * g[k] ** 2
        m_hat, v_hat = m[k] / (1 - 0.9**step), v[k] / (1 - 0.99**step)
        model.params[k] -= 0.03 * m_hat / (np.sqrt(v_hat) + 1e-8)
"""

MATRIX = """
import numpy as np

rng = np.random.RandomState(1)
X = np.matrix(rng.randn(14, 3))
y = np.matrix((X[:, 0] > 0).astype(float))
theta = np.matrix(np.zeros((3, 1)))

def cost(theta, X, y):
    h = 1 / (1 + np.exp(-X * theta))
    return ((-y.T * np.log(h) - (1 - y).T * np.log(1 - h)) / len(X)).item()

for i in range(60):
    theta = theta - 0.3 * (X.T * (1 / (1 + np.exp(-X * theta)) - y) / len(X))
    print(cost(theta, X, y))
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(DATACLASS, "right  update (Adam)", marks=pytest.mark.slow),
        (MATRIX, "loss: cost()\nright  theta"),
    ],
)
def test_weights_of_a_dataclass_and_matrices_are_read(
    source: str, said: str, tmp_path: Path
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert said in text
