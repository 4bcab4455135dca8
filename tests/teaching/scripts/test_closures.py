"""Layers and models that are functions made by functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts.checking import loops
from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.recording import record
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

PAIRS = """
import numpy as np

def affine(inputs, outputs, rng):
    A = rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)
    c = np.zeros(outputs)
    kept = {}

    def go(x):
        kept["x"] = x
        return x @ A + c

    def come(dy, step):
        nonlocal A, c
        back = dy @ A.T
        A = A - step * kept["x"].T @ dy
        c = c - step * dy.sum(axis=0)
        return back

    return go, come

def bend():
    kept = {}

    def go(x):
        kept["y"] = np.tanh(x)
        return kept["y"]

    def come(dy, step):
        return dy * (1 - kept["y"] ** 2)

    return go, come

rng = np.random.default_rng(1)
x = rng.uniform(-2, 2, size=(30, 1))
t = np.cos(x)
stack = [affine(1, 6, rng), bend(), affine(6, 1, rng)]
for epoch in range(40):
    h = x
    for go, _ in stack:
        h = go(h)
    loss = ((h - t) ** 2).mean()
    g = 2 * (h - t) / len(x)
    for _, come in reversed(stack):
        g = come(g, 0.05)
"""

INSIDE = """
import numpy as np

def main():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(20, 3))
    y = (X[:, :1] > 0).astype(float)
    w = {"in": rng.normal(size=(3, 4)), "out": rng.normal(size=(4, 1))}

    def logistic(z):
        return 1 / (1 + np.exp(-z))

    def forward():
        h = logistic(X @ w["in"])
        return h, logistic(h @ w["out"])

    def backward(h, p):
        d_out = (p - y) / len(X)
        d_h = d_out @ w["out"].T * h * (1 - h)
        return {"in": X.T @ d_h, "out": h.T @ d_out}

    for step in range(30):
        h, p = forward()
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        grads = backward(h, p)
        for name in w:
            w[name] = w[name] - 0.5 * grads[name]

main()
"""

ONE_LINE = """
import numpy as np

class Linear:
    def __init__(self, a, b, rng):
        self.K = rng.normal(size=(a, b))

    def go(self, x):
        self.x = x
        return x @ self.K

    def come(self, dy, step):
        dK = self.x.T @ dy
        dx = dy @ self.K.T
        self.K -= step * dK
        return dx

class Bend:
    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def go(self, x):
        self.x = x
        return self.f(x)

    def come(self, dy, step):
        return dy * self.slope(self.x)

class Tanh(Bend):
    def __init__(self):
        super().__init__(lambda x: np.tanh(x), lambda x: 1 - np.tanh(x) ** 2)

rng = np.random.default_rng(4)
x = rng.normal(size=(15, 2))
t = x[:, :1] * x[:, 1:]
layers = [Linear(2, 5, rng), Tanh(), Linear(5, 1, rng)]
for epoch in range(30):
    h = x
    for layer in layers:
        h = layer.go(h)
    loss = np.mean((h - t) ** 2)
    g = 2 * (h - t) / h.size
    for layer in reversed(layers):
        g = layer.come(g, 0.05)
"""


def test_an_activation_and_its_derivative_on_one_line_are_told_apart(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ONE_LINE)
    assert code == 0, text
    assert "right  layers[0].K" in text, text


def test_a_derivative_on_the_line_of_its_activation_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ONE_LINE.replace("1 - np.tanh(x) ** 2", "1 - np.tanh(x)"))
    assert code == 1, text
    assert "right  layers[2].K" in text, text
    assert "the derivative is wrong: that of tanh at self.x belongs there" in text, text


def test_layers_that_are_pairs_of_functions_are_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, PAIRS)
    assert code == 0, text
    assert "stack[0][0].A" in text, text
    assert "stack[2][0].c" in text, text


def test_a_derivative_at_the_wrong_place_inside_a_pair_is_named(tmp_path: Path) -> None:
    wrong = PAIRS.replace(
        'kept["y"] = np.tanh(x)\n        return kept["y"]',
        'kept["y"] = x\n        return np.tanh(x)',
    )
    code, text = checked(tmp_path, wrong)
    assert code == 1, text
    assert "right  stack[2][0].A" in text, text
    assert "WRONG  stack[0][0].A: line 30: the derivative is wrong: that of tanh at" in text, text


def test_functions_inside_of_main_are_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, INSIDE)
    assert code == 0, text
    assert "right  in" in text, text


def test_a_line_of_a_function_inside_of_main_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, INSIDE.replace(" * h * (1 - h)", " * h"))
    assert code == 1, text
    assert "WRONG  in: line 19" in text, text
    assert "h * (1 - h)" in text, text


WALK = """
class Node:
    def __init__(self, depth):
        self.depth = float(depth)

def walk(depth):
    order = []

    def visit(k):
        if k:
            visit(k - 1)
        order.append(Node(k))

    visit(depth)
    return len(order)

w = 1.0
for step in range(10):
    n = walk(60)
    loss = n * (w - 2.0) ** 2
    dw = 2 * n * (w - 2.0)
    w = w - 0.001 * dw
"""


def test_what_a_function_holds_that_calls_itself_is_not_gone_through_at_every_call() -> None:
    program = Program(WALK)
    (analysis,) = loops(program, record(program), [], lambda do: do())
    assert [block.right for block in analysis.blocks] == [True]
    assert len(analysis.unit.run().values) < 300  # one k for each call, not one more for each node


NESTED = """
import numpy as np

def train(steps=30, rate=0.1):
    rnd = np.random.RandomState(8)
    A, B = rnd.randn(4, 3), rnd.randn(1, 4)
    weights = [A, B]
    squares = [np.zeros_like(p) for p in weights]
    X = rnd.randn(3, 10)
    T = X[:1] * X[1:2]

    def forward(x):
        h = np.tanh(A @ x)
        return h, B @ h

    def backward(x, h, out):
        d = (out - T) / 10
        return ((B.T @ d) * (1 - h**2)) @ x.T, d @ h.T

    def adagrad(gradients):
        for p, g, s in zip(weights, gradients, squares):
            s += g * g
            p -= rate * g / np.sqrt(s + 1e-8)

    for step in range(steps):
        h, out = forward(X)
        loss = 0.5 * np.mean((out - T) ** 2)
        adagrad(backward(X, h, out))
        print(loss)

train()
"""


def test_an_inner_rule_is_left_out_that_then_uses_fewer_names(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NESTED)
    assert code == 0, text
    assert "right  A" in text
    code, text = checked(tmp_path, NESTED.replace("(1 - h**2)", "(1 - h)"))
    assert code == 1, text
    assert "right  B" in text
    assert "WRONG  A" in text
