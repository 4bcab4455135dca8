"""Errors of all pairs: n outputs in a column less n targets in a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

PARABOLA = """
import numpy as np

rng = np.random.default_rng(0)
table = np.column_stack([rng.uniform(-2, 2, 40), rng.normal(size=40)])
x = table[:, [0]]
y = table[:, 1]
a, b = 0.0, 0.0
for k in range(100):
    error = a * x**2 + b * x - y
    loss = np.mean(error**2)
    a -= 0.05 * np.mean(2 * error * x**2)
    b -= 0.05 * np.mean(2 * error * x)
    print(loss)
"""

REGRESSOR = """
import numpy as np

class Regressor:
    def fit(self, X, y):
        self.w = np.zeros((X.shape[1], 1))
        for k in range(50):
            out = X @ self.w
            loss = np.mean((out - y) ** 2)
            dw = 2 * X.T @ (out - y).mean(axis=1, keepdims=True) / len(X)
            self.w -= 0.1 * dw
            print(loss)

rng = np.random.default_rng(0)
Regressor().fit(rng.normal(size=(30, 2)), rng.normal(size=30))
"""

DISTANCES = """
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=20)
y = np.sin(x).reshape(-1, 1)
squared_differences = (x.reshape(-1, 1) - x[None, :]) ** 2
K = np.exp(-squared_differences)
w = np.zeros((20, 1))
for k in range(50):
    error = K @ w - y
    loss = np.mean(error**2)
    dw = 2 * K.T @ error / len(x)
    w -= 0.1 * dw
    print(loss)
"""


TWO_NAMES = """
import numpy as np

rng = np.random.default_rng(3)
area = rng.uniform(1, 3, 40)
price = 2 * area + rng.normal(size=40) / 9
x, y = area.reshape(-1, 1), price
w, b = np.zeros((1, 1)), 0.0
for k in range(50):
    out = x @ w + b
    loss = np.mean((out - y) ** 2)
    w = w - 0.1 * np.mean(2 * (out - y) * x)
    b = b - 0.1 * np.mean(2 * (out - y))
    print(loss)
"""


@pytest.mark.parametrize(("source", "line"), [(PARABOLA, 10), (REGRESSOR, 9), (TWO_NAMES, 11)])
def test_every_output_less_every_target_is_named(source: str, line: int, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.WRONG
    assert f"WRONG  loss: line {line}: " in text
    assert "is an array of (n, n): every output less every target" in text
    assert "y.reshape(-1, 1)" in text


@pytest.mark.parametrize(
    "source",
    [
        PARABOLA.replace("table[:, 1]", "table[:, [1]]"),
        REGRESSOR.replace("size=30)", "size=(30, 1))").replace(
            ".mean(axis=1, keepdims=True) / len", " / len"
        ),
        DISTANCES,
        TWO_NAMES.replace("area.reshape(-1, 1), price", "area[:, None], price[:, None]"),
    ],
)
def test_shapes_that_agree_and_distances_are_right(source: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text


WORDS = """
from numpy import *
random.seed(7)
bhaar = random.uniform(4, 20, (30, 1))
y = 0.3 * bhaar[:, 0] + 1
dhaal, kaat = 0.0, 0.5
for chakkar in range(50):
    andaaz = dhaal * bhaar + kaat
    galti = andaaz - y
    nuksaan = mean(galti ** 2)
    dhaal = dhaal - 0.01 * 2 * mean(galti * bhaar)
    kaat = kaat - 0.01 * 2 * mean(galti)
"""


def test_a_loss_by_any_name_is_known_by_two_right_gradients(tmp_path: Path) -> None:
    code, text = checked(tmp_path, WORDS)
    assert code == report.WRONG, text
    assert "loss: nuksaan" in text
    assert "an array of (n, n): every output less every target" in text
    code, text = checked(tmp_path, WORDS.replace("bhaar[:, 0]", "bhaar"))
    assert code == report.RIGHT, text
