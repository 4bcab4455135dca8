"""Steps of which one kind alone is divided by the number of samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

LINE = """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(10, 3)
y = X @ np.array([1., -2., .5]) + 3 + .1 * rng.randn(10)
w = np.zeros(3)
b = 0.0
lr = 0.01
for i in range(20):
    pred = X @ w + b
    error = pred - y
    w = w - lr * X.T @ error / len(y)
    b = b - lr * error.sum()
print(w, b)
"""

BOOK = """import numpy as np, random
class Network:
    def __init__(self, sizes):
        rng = np.random.RandomState(1)
        self.sizes = sizes
        self.biases = [rng.randn(y, 1) for y in sizes[1:]]
        self.weights = [rng.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = 1 / (1 + np.exp(-z))
            activations.append(activation)
        delta = activations[-1] - y
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for l in range(2, len(self.sizes)):
            delta = np.dot(self.weights[-l + 1].T, delta) * activations[-l] * (1 - activations[-l])
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].T)
        return nabla_b, nabla_w
    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            db, dw = self.backprop(x, y)
            nabla_b = [nb + d for nb, d in zip(nabla_b, db)]
            nabla_w = [nw + d for nw, d in zip(nabla_w, dw)]
        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta * nb for b, nb in zip(self.biases, nabla_b)]
    def SGD(self, data, epochs, size, eta):
        n = len(data)
        for j in range(epochs):
            random.shuffle(data)
            batches = [data[k:k + size] for k in range(0, n, size)]
            for batch in batches:
                self.update_mini_batch(batch, eta)
            print("Epoch", j)
rng = np.random.RandomState(0)
data = [(rng.rand(4, 1), np.eye(3)[:, [rng.randint(3)]]) for _ in range(40)]
net = Network([4, 3])
net.SGD(data, 3, 4, 0.5)
"""


def test_a_step_that_is_not_divided_by_the_samples_as_the_others_are_is_named(
    tmp_path: Path,
) -> None:
    code, text = checked(tmp_path, LINE)
    assert code == report.WRONG, text
    assert "right  w" in text
    assert "WRONG  b: its step is not divided by the number of samples, len(y)" in text
    assert "with `b = b - lr * error.sum() / len(y)`" in text


def test_steps_that_are_all_of_the_mean_or_all_of_the_sum_are_right(
    tmp_path: Path,
) -> None:
    for step in ("error.sum() / len(y)", "error.mean()"):
        code, text = checked(tmp_path, LINE.replace("error.sum()", step))
        assert code == report.RIGHT, text
    code, text = checked(tmp_path, LINE.replace(" / len(y)", ""))
    assert code == report.RIGHT, text


@pytest.mark.slow
def test_lists_of_weights_and_biases_are_held_to_each_other(tmp_path: Path) -> None:
    code, text = checked(tmp_path, BOOK)
    assert code == report.WRONG, text
    assert "right  weights" in text
    assert "WRONG  biases[0]: its step is not divided by the number of samples" in text
    right = BOOK.replace("b - eta * nb", "b - eta / len(mini_batch) * nb")
    code, text = checked(tmp_path, right)
    assert code == report.RIGHT, text
