"""A function that trains is called with small data where the file does not come to call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

NEVER_CALLED = """
import numpy as np

class Logistic:
    def __init__(self, lr=0.1, n_iters=50):
        self.lr, self.n_iters = lr, n_iters

    def fit(self, X, y):
        self.w, self.b = np.zeros(X.shape[1]), 0
        for _ in range(self.n_iters):
            p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
            self.w = self.w - self.lr * X.T @ (p - y) / len(y)
            self.b = self.b - self.lr * np.mean(p - y)

    def predict(self, X):
        return [int(z > 0) for z in X @ self.w + self.b]
"""

COLUMNS = """
import numpy as np
from course_data import load_cats

def initialize(layer_dims):
    rng = np.random.default_rng(3)
    return {f"W{l}": rng.normal(size=(layer_dims[l], layer_dims[l - 1]))
            for l in range(1, len(layer_dims))}

def model(X, Y, layer_dims, learning_rate=0.1, num_iterations=100):
    P = initialize(layer_dims)
    m = X.shape[1]
    for i in range(num_iterations):
        A1 = np.tanh(P["W1"] @ X)
        A2 = 1 / (1 + np.exp(-P["W2"] @ A1))
        cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
        dZ2 = A2 - Y
        dZ1 = P["W2"].T @ dZ2 * (1 - A1**2)
        G = {"W1": dZ1 @ X.T / m, "W2": dZ2 @ A1.T / m}
        for k in P:
            P[k] -= learning_rate * G[k]
    return P

if __name__ == "__main__":
    X, Y = load_cats("cats.h5")
    model(X, Y, [12288, 7, 1])
"""

SAMPLE_BY_SAMPLE = """
import random
import numpy as np
import digits_of_the_course

class Net:
    def __init__(self, sizes):
        self.depth, self.sizes = len(sizes), sizes
        self.b = [np.random.randn(n, 1) for n in sizes[1:]]
        self.w = [np.random.randn(n, d) for d, n in zip(sizes[:-1], sizes[1:])]

    def learn(self, training_data, epochs, mini_batch_size, eta):
        for epoch in range(epochs):
            random.shuffle(training_data)
            for k in range(0, len(training_data), mini_batch_size):
                batch = training_data[k : k + mini_batch_size]
                db = [np.zeros(b.shape) for b in self.b]
                dw = [np.zeros(w.shape) for w in self.w]
                for x, y in batch:
                    db_1, dw_1 = self.backprop(x, y)
                    db = [a + c for a, c in zip(db, db_1)]
                    dw = [a + c for a, c in zip(dw, dw_1)]
                self.w = [w - eta / len(batch) * g for w, g in zip(self.w, dw)]
                self.b = [b - eta / len(batch) * g for b, g in zip(self.b, db)]

    def backprop(self, x, y):
        db, dw = [None] * len(self.b), [None] * len(self.w)
        activations, zs = [x], []
        for b, w in zip(self.b, self.w):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        delta = self.cost_derivative(activations[-1], y) * slope(zs[-1])
        db[-1], dw[-1] = delta, delta @ activations[-2].T
        for l in range(2, self.depth):
            z = zs[-l]
            delta = (self.w[-l + 1].T @ delta) * slope(z)
            db[-l], dw[-l] = delta, delta @ activations[-l - 1].T
        return db, dw

    def cost_derivative(self, output, y):
        return output - y

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))

if __name__ == "__main__":
    net = Net([784, 30, 10])
    net.learn(digits_of_the_course.load(), 30, 10, 3.0)
"""


@pytest.mark.parametrize("source", [NEVER_CALLED, COLUMNS, SAMPLE_BY_SAMPLE])
def test_what_is_never_called_is_checked_and_right(source: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert text.startswith("the loop in line")
    assert "right  " in text


@pytest.mark.parametrize(
    ("source", "old", "new", "words"),
    [
        (NEVER_CALLED, "X.T @ (p - y)", "X.T @ (y - p)", "opposite sign"),
        (COLUMNS, " * (1 - A1**2)", "", "the derivative of tanh, 1 − A1², is missing"),
        pytest.param(
            SAMPLE_BY_SAMPLE,
            "z = zs[-l]",
            "z = activations[-l]",
            "activations[-l] stands where",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_its_mistake_is_named(source: str, old: str, new: str, words: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source.replace(old, new))
    assert code == report.WRONG, text
    assert words in text


def test_a_function_that_does_not_learn_is_left_alone(tmp_path: Path) -> None:
    code, text = checked(tmp_path, "def total(x):\n    for v in x:\n        print(v)\n")
    assert code == report.UNREADABLE
    assert "has no gradient that could be checked" in text
