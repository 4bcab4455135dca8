"""Arrays of whole numbers that a loop writes fractions into."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

ENTRIES = """
import numpy as np
X = np.array([[3, 2], [4, 1], [2, 5], [5, 0], [1, 1]])
y = np.array([3.1, 4.4, 1.6, 4.9, 2.0])
w = np.zeros_like(X[0])
b = 0.0
for epoch in range(20):
    error = X.dot(w) + b - y
    loss = np.sum(error**2) / (2 * len(y))
    for j in range(2):
        w[j] -= 0.02 * np.sum(error * X[:, j]) / len(y)
    b -= 0.02 * np.sum(error) / len(y)
"""

PARTS = """import numpy as np
class Perceptron:
    def __init__(self, X, rate=0.1):
        self.w = np.zeros_like(X[0])
        self.b = 0.0
        self.rate = rate
    def predict(self, X):
        return X @ self.w + self.b
    def fit(self, X, y, epochs):
        for _ in range(epochs):
            e = self.predict(X) - y
            loss = np.mean(e ** 2)
            self.w[:] = self.w - self.rate * 2 * X.T @ e / len(y)
            self.b = self.b - self.rate * 2 * e.mean()
            print(loss)
X = np.array([[1, 0], [2, 1], [0, 3], [4, 1], [2, 2]])
y = np.array([1.5, 2.0, 3.1, 4.4, 3.0])
Perceptron(X, 0.01).fit(X, y, 30)
"""

PAIR = """import numpy as np
x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
y = np.array([2.1, 3.9, 6.2, 7.8, 10.1, 12.2])
theta = np.array([0, 0])
alpha = 0.02
m = len(x)
for it in range(20):
    h = theta[0] + theta[1] * x
    J = np.sum((h - y) ** 2) / (2 * m)
    t0 = theta[0] - alpha * np.sum(h - y) / m
    t1 = theta[1] - alpha * np.sum((h - y) * x) / m
    theta[0] = t0
    theta[1] = t1
    if it % 10 == 0:
        print(it, J)
"""

VELOCITY = """import numpy as np
X = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1], [3, 1, 2]])
y = np.array([1.0, 2.0, 1.5, 0.5, 3.0])
w = np.zeros(3)
v = np.zeros_like(X[0])
for epoch in range(20):
    e = X @ w - y
    loss = np.mean(e ** 2)
    g = 2 * X.T @ e / len(y)
    v[:] = 0.9 * v - 0.02 * g
    w += v
    print(loss)
"""

BALANCED = """import numpy as np
hours = np.array([[1, 1], [1, 2], [1, 4], [1, 5]])
passed = np.array([0, 0, 1, 1])
def step(theta, rate):
    p = 1 / (1 + np.exp(-hours @ theta))
    slope = hours.T @ (p - passed) / len(passed)
    for j in range(len(theta)):
        theta[j] = theta[j] - rate * slope[j]
    return -np.mean(passed * np.log(p) + (1 - passed) * np.log(1 - p))
theta = np.array([0, 0])
for epoch in range(20):
    loss = step(theta, 0.1)
print(loss)
"""

COUNTS = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(12, 3))
y = rng.integers(0, 3, 12)
W = np.zeros((3, 3))
counts = np.zeros(3, dtype=int)
hist = np.zeros(10, dtype=int)
shade = np.zeros((12, 3), dtype=np.uint8)
for epoch in range(20):
    s = X @ W
    p = np.exp(s)
    p /= p.sum(1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(12), y]))
    shade[:] = 255 * p
    for k in range(3):
        counts[k] = np.sum(p.argmax(1) == k)
    d = p.copy()
    d[np.arange(12), y] -= 1
    W -= 0.1 * X.T @ d / 12
    hist[epoch // 4] = 100 * loss
print(loss, counts)
"""


@pytest.mark.parametrize(
    ("source", "name", "made", "written"),
    [
        (ENTRIES, "w", "`w = np.zeros_like(X[0])`", "w[j] -= "),
        (PARTS, "w", "`self.w = np.zeros_like(X[0])`", "self.w[:] = "),
        (PAIR, "theta", "`theta = np.array([0, 0])`", "theta[0] = t0"),
        (VELOCITY, "v", "`v = np.zeros_like(X[0])`", "v[:] = "),
        (BALANCED, "theta", "`theta = np.array([0, 0])`", "theta[j] = "),
    ],
    ids=["entries", "parts", "pair", "velocity", "a first entry of 0"],
)
def test_weights_of_whole_numbers_are_named_with_the_line_that_makes_them(
    tmp_path: Path, source: str, name: str, made: str, written: str
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.WRONG, text
    assert f"WRONG  {name}: {name} is an array of whole numbers" in text
    assert made in text
    assert written in text


def test_a_loop_over_the_entries_of_a_weight_updates_it_once(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ENTRIES.replace("np.zeros_like(X[0])", "np.zeros(2)"))
    assert code == report.RIGHT, text
    assert "right  w" in text


def test_counts_and_shades_of_whole_numbers_beside_the_weights_are_no_fault(
    tmp_path: Path,
) -> None:
    code, text = checked(tmp_path, COUNTS)
    assert code == report.RIGHT, text
