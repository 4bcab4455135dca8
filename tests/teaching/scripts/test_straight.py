"""Files without a loop, which go forward and back once."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

ONE_STEP = """
import numpy as np
np.random.seed(0)
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([[0.0], [1.0], [1.0], [0.0]])
W1 = np.random.randn(2, 3)
W2 = np.random.randn(3, 1)
z1 = X @ W1
a1 = np.tanh(z1)
out = 1 / (1 + np.exp(-a1 @ W2))
loss = np.mean((out - y) ** 2)
print(loss)
dz2 = 2 * (out - y) / len(y) * out * (1 - out)
dW2 = a1.T @ dz2
dW1 = X.T @ (dz2 @ W2.T * (1 - a1**2))
W1 = W1 - 0.1 * dW1
W2 = W2 - 0.1 * dW2
"""

NO_STEP = """
import numpy as np

class Dense:
    def __init__(self, inputs, units):
        self.weights = np.random.randn(inputs, units)
        self.biases = np.zeros(units)

    def forward(self, x):
        self.x = x
        self.output = x @ self.weights + self.biases

    def backward(self, dy):
        self.dweights = self.x.T @ dy
        self.dbiases = dy.sum(axis=0)

x = np.random.randn(8, 3)
t = np.random.randn(8, 2)
dense = Dense(3, 2)
dense.forward(x)
loss = ((dense.output - t) ** 2).mean()
print(loss)
dense.backward(2 * (dense.output - t) / t.size)
print(dense.dweights)
"""


@pytest.mark.parametrize(
    ("source", "line", "old", "new", "words"),
    [
        (ONE_STEP, 8, "(1 - a1**2)", "(1 - a1)", "line 15: the derivative is wrong: that of tanh"),
        (NO_STEP, 20, "dy.sum(axis=0)", "dy.sum()", "line 15: the sum goes along the wrong axis"),
    ],
)
def test_one_pass_is_looked_at(
    source: str, line: int, old: str, new: str, words: str, tmp_path: Path
) -> None:
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert text.startswith(f"the lines from {line} on, loss: loss")
    code, text = checked(tmp_path, source.replace(old, new))
    assert code == report.WRONG, text
    assert words in text


def test_a_file_that_only_goes_forward_has_nothing_to_check(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ONE_STEP[: ONE_STEP.index("dz2")])
    assert code == report.UNREADABLE
    assert "has no gradient that could be checked" in text
