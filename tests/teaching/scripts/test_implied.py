"""Which loss a script means that computes none, and mistakes that are told by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

FORWARD = """
import numpy as np
rng = np.random.default_rng(4)
X = rng.uniform(0, 1, (6, 3))
y = (X[:, :1] > 0.5).astype(float)
first, second = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))

def squash(v, slope=False):
    if slope:
        return v * (1 - v)
    return 1 / (1 + np.exp(-v))

for step in range(50):
    z1 = X @ first
    a1 = squash(z1)
    z2 = a1 @ second
    a2 = squash(z2)
    miss = y - a2
    d2 = miss * squash(a2, slope=True)
    d1 = d2 @ second.T * squash(a1, slope=True)
    second += 0.5 * a1.T @ d2
    first += 0.5 * X.T @ d1
    if step % 10 == 0:
        print(np.mean(miss ** 2))
"""


def test_a_slope_of_z_that_is_called_with_the_activation_is_named(tmp_path: Path) -> None:
    assert checked(tmp_path, FORWARD)[0] == 0
    twice = FORWARD.replace("v * (1 - v)", "squash(v) * (1 - squash(v))")
    code, text = checked(tmp_path, twice)
    assert code == 1
    assert "squash is applied twice" in text
    assert "with `return v * (1 - v)` second, first agree" in text


def test_a_slope_of_the_activation_that_is_called_with_z_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FORWARD.replace("squash(a", "squash(z"))
    assert code == 1
    assert "with `return squash(v) * (1 - squash(v))` second, first agree" in text


SEQUENCES = """
import numpy as np
rng = np.random.default_rng(6)
data = [(list(rng.integers(0, 5, 4)), k % 2) for k in range(8)]

class Reader:
    def __init__(self):
        self.E, self.U = rng.normal(size=(5, 3)), rng.normal(size=(3, 4))
        self.V, self.c = rng.normal(size=(4, 4)) * 0.5, np.zeros(4)

    def read(self, ids):
        self.ids, self.states = ids, [np.zeros(4)]
        for i in ids:
            s = np.tanh(self.E[i] @ self.U + self.states[-1] @ self.V + self.c)
            self.states.append(s)
        return s

    def back(self, d, rate):
        self.dE, self.dU = np.zeros_like(self.E), np.zeros_like(self.U)
        self.dV, self.dc = np.zeros_like(self.V), np.zeros_like(self.c)
        for k in reversed(range(len(self.ids))):
            now = self.states[k + 1]
            raw = (1 - now ** 2) * d
            self.dU += np.outer(self.E[self.ids[k]], raw)
            self.dV += np.outer(self.states[k], raw)
            self.dc += raw
            self.dE[self.ids[k]] += self.U @ raw
            d = raw @ self.V.T
        self.U -= rate * self.dU
        self.V -= rate * self.dV
        self.c -= rate * self.dc
        self.E -= rate * self.dE

class Judge:
    def __init__(self):
        self.w, self.b = rng.normal(size=4), 0.0

    def say(self, s):
        self.s = s
        self.p = 1 / (1 + np.exp(-(s @ self.w + self.b)))
        return self.p

    def back(self, y, rate):
        dz = self.p - y
        d = dz * self.w
        self.w = self.w - rate * dz * self.s
        self.b = self.b - rate * dz
        return d

reader, judge, lr = Reader(), Judge(), 0.1
for epoch in range(3):
    for ids, y in data:
        p = judge.say(reader.read(ids))
        reader.back(judge.back(y, lr), lr)
"""


def test_steps_and_gradients_with_names_have_one_factor(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SEQUENCES)
    assert code == 0, text


def test_the_state_of_the_step_itself_in_place_of_the_one_before_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SEQUENCES.replace("outer(self.states[k]", "outer(now"))
    assert code == 1
    assert "now stands where self.states[k] belongs" in text
    assert "right  w" in text


STATED = """
import numpy as np
rng = np.random.default_rng(2)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def output(a):
    for W, b in zip(weights, biases):
        a = sigmoid(W @ a + b)
    return a

def total_cost(pairs):
    return sum(0.5 * np.sum((output(x) - y) ** 2) for x, y in pairs) / len(pairs)

def back(x, y):
    hidden = sigmoid(weights[0] @ x + biases[0])
    out = sigmoid(weights[1] @ hidden + biases[1])
    delta = (out - y) * out * (1 - out)
    below = weights[1].T @ delta * hidden * (1 - hidden)
    return [below @ x.T, delta @ hidden.T], [below, delta]

weights = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
biases = [rng.normal(size=(4, 1)), rng.normal(size=(2, 1))]
data = [(rng.normal(size=(3, 1)), np.array([[k % 2], [1 - k % 2]])) for k in range(12)]
for epoch in range(4):
    for batch in [data[:6], data[6:]]:
        nw, nb = [0 * w for w in weights], [0 * b for b in biases]
        for x, y in batch:
            dw, db = back(x, y)
            nw, nb = [s + d for s, d in zip(nw, dw)], [s + d for s, d in zip(nb, db)]
        weights = [w - 0.5 / len(batch) * g for w, g in zip(weights, nw)]
        biases = [b - 0.5 / len(batch) * g for b, g in zip(biases, nb)]
    print(total_cost(data))
"""
ENTROPY = (
    "0.5 * np.sum((output(x) - y) ** 2)",
    "-np.sum(y * np.log(output(x)) + (1 - y) * np.log(1 - output(x)))",
)


def test_a_cost_that_is_reported_and_not_the_one_of_the_gradients_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, STATED)
    assert code == 0, text
    code, text = checked(tmp_path, STATED.replace(*ENTROPY))
    assert code == 1
    assert "right for ½ Σ (out − y)²" in text or "right for ½ Σ (output() − y)²" in text
    assert "the cost that is reported, total_cost(), is −Σ" in text


def test_squares_that_are_reported_beside_gradients_of_an_entropy_are_named(tmp_path: Path) -> None:
    fitting = STATED.replace("(out - y) * out * (1 - out)", "out - y")
    code, text = checked(tmp_path, fitting)
    assert code == 1
    assert "times the derivative of the activation" in text
    assert checked(tmp_path, fitting.replace(*ENTROPY))[0] == 0


def test_a_measure_beside_the_loss_is_no_mistake(tmp_path: Path) -> None:
    fitting = STATED.replace("(out - y) * out * (1 - out)", "out - y")
    code, text = checked(tmp_path, fitting.replace("total_cost", "mean_squared_error"))
    assert code == 0, text
