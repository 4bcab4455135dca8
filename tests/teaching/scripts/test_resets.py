"""Gradients that are set back to 0 behind the step, and rules that do not tell them by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

PIECES = """
import numpy as np
rng = np.random.default_rng(3)

class Node:
    def __init__(self, value, back=None, parents=()):
        self.value, self.grad = np.asarray(value, float), np.zeros(np.shape(value))
        self.back, self.parents = back, parents

    def affine(self, w, b):
        def back(g):
            self.grad = self.grad + g @ w.value.T
            w.grad = w.grad + self.value.T @ g
            b.grad = b.grad + {bias}
        return Node(self.value @ w.value + b.value, back, (self, w, b))

    def tanh(self):
        y = np.tanh(self.value)
        def back(g):
            self.grad = self.grad + g * (1 - y**2)
        return Node(y, back, (self,))

    def backward(self, g):
        self.grad = g
        node = self
        while node.back is not None:
            node.back(node.grad)
            node = node.parents[0]

X = rng.normal(size=(24, 2))
y = np.sin(X[:, :1]) + X[:, 1:]
nodes = [Node(rng.normal(size=s)) for s in [(2, 4), (4,), (4, 1), (1,)]]
W1, b1, W2, b2 = nodes
memory = [np.zeros_like(node.value) for node in nodes]
for epoch in range(20):
    loss = 0.0
    for k in range(0, 24, 8):
        out = Node(X[k:k + 8]).affine(W1, b1).tanh().affine(W2, b2)
        error = out.value - y[k:k + 8]
        loss += np.sum(error**2) / 24
        out.backward(2 * error / 24)
    for i, node in enumerate(nodes):
        memory[i] = 0.9 * memory[i] + 0.1 * node.grad ** 2
        node.value = node.value - 0.01 * node.grad / {root}
        {reset}
    print(loss)
"""
SUM, ROOT = "g.sum(axis=0)", "np.sqrt(memory[i] + 1e-6)"


@pytest.mark.parametrize("reset", ["node.grad = 0 * node.grad", "node.grad[...] = 0.0"])
def test_a_step_by_what_is_remembered_is_right_where_gradients_are_set_back(
    tmp_path: Path, reset: str
) -> None:
    code, text = checked(tmp_path, PIECES.format(bias=SUM, root=ROOT, reset=reset))
    assert code == 0, text
    assert "right  W1.value" in text, text
    assert "right  update (RMSprop)" in text, text


def test_a_wrong_gradient_there_is_named(tmp_path: Path) -> None:
    source = PIECES.format(bias="g.mean(axis=0)", root=ROOT, reset="node.grad = 0 * node.grad")
    code, text = checked(tmp_path, source)
    assert code == 1, text
    assert "right  W2.value" in text, text
    assert "with `b.grad = b.grad + g.sum(axis=0)` b2.value, b1.value agree" in text, text


def test_a_wrong_rule_there_is_named(tmp_path: Path) -> None:
    source = PIECES.format(bias=SUM, root="(memory[i] + 1e-6)", reset="node.grad = 0 * node.grad")
    code, text = checked(tmp_path, source)
    assert code == 1, text
    assert "right  W1.value" in text, text
    assert "WRONG  update (RMSprop" in text, text
