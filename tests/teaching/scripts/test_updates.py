"""The update of a loop: what it remembers, and its rate from weight to weight."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

NORMALIZED = """
import numpy as np

class Normalization:
    def __init__(self, d):
        self.gamma, self.beta = np.ones(d), np.zeros(d)
        self.momentum = 0.9
        self.moment1, self.v_t = np.zeros(d), np.ones(d)

    def forward(self, x):
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.moment1 = self.momentum * self.moment1 + (1 - self.momentum) * mean
        self.v_t = self.momentum * self.v_t + (1 - self.momentum) * var
        self.std = np.sqrt(var + 1e-5)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dy):
        self.dgamma, self.dbeta = (dy * self.xhat).sum(axis=0), dy.sum(axis=0)
        dx = dy - dy.mean(axis=0) - self.xhat * (dy * self.xhat).mean(axis=0)
        return dx * self.gamma / self.std

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 6))
y = X @ np.array([1.0, -2.0, 0.5, 0.0, 1.0, 1.0]) + 0.3
bn, w = Normalization(6), 0.1 * rng.normal(size=6)
for t in range(20):
    h = bn.forward(X)
    error = h @ w - y
    loss = np.mean(error**2)
    dw = 2 * h.T @ error / len(y)
    bn.backward(np.outer(2 * error / len(y), w))
    w -= 0.05 * dw
    bn.gamma -= 0.05 * bn.dgamma
    bn.beta -= 0.05 * bn.dbeta
"""


def test_running_averages_are_no_memory_of_an_optimizer(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NORMALIZED)
    assert code == 0, text
    assert "right  w" in text, text


LINE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b = np.zeros(3), 0.0
v = {"w": np.zeros(3), "b": 0.0}
for t in range(20):
    e = X @ w + b - y
    loss = np.mean(e**2) / 2
    dw, db = X.T @ e / len(y), np.mean(e)
"""
UNUSED = """
    v["w"], v["b"] = 0.9 * v["w"] + dw, 0.9 * v["b"] + db
    w -= 0.1 * dw
    b -= 0.1 * db
"""
WITH_A_ZERO = """
    v["w"], v["b"] = 0.0 * v["w"] + dw, 0.0 * v["b"] + db
    w -= 0.1 * v["w"]
    b -= 0.1 * v["b"]
"""
LYING_THERE = """
    w -= 0.1 * dw
    b -= 0.1 * db
"""


def test_a_velocity_that_the_step_leaves_out_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LINE + UNUSED)
    assert code == 1, text
    assert "what is remembered" in text, text


@pytest.mark.parametrize("update", [WITH_A_ZERO, LYING_THERE], ids=["factor 0", "not touched"])
def test_a_velocity_that_is_switched_off_is_right(tmp_path: Path, update: str) -> None:
    code, text = checked(tmp_path, LINE + update)
    assert code == 0, text


OPTIMIZER = """
import numpy as np

class SGD:
    def __init__(self, params, lr=0.1, momentum={momentum}):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.velocity = {{k: np.zeros_like(p) for k, p in params.items()}}

    def step(self, grads):
        for k in self.params:
            if self.momentum > 0:
                {line}
                self.params[k] -= self.lr * {step}
            else:
                self.params[k] -= self.lr * grads[k]
"""
KEPT = "self.velocity[k] = self.momentum * self.velocity[k] + grads[k]"


@pytest.mark.parametrize(
    ("momentum", "line", "step", "expected"),
    [
        (0.0, KEPT, "self.velocity[k]", 0),
        (0.9, KEPT, "self.velocity[k]", 0),
        (0.9, KEPT, "grads[k]", 1),
        (0.9, "v = self.momentum * self.velocity[k] + grads[k]", "v", 1),
    ],
    ids=["without momentum", "with momentum", "left out", "not kept"],
)
def test_an_optimizer_that_may_have_momentum(
    tmp_path: Path, momentum: float, line: str, step: str, expected: int
) -> None:
    code, text = checked(tmp_path, OPTIMIZER.format(momentum=momentum, line=line, step=step))
    assert code == expected, text
    assert ("what is remembered" in text) == bool(expected), text


PACES = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b = np.zeros(3), 0.0
vw, vb = np.zeros(3), 0.0
lr, lr_b, beta = 0.02, {lr_b}, 0.9
for t in range(20):
    e = X @ w + b - y
    loss = np.mean(e**2) / 2
    dw, db = X.T @ e / len(y), np.mean(e)
    {step}
"""
VELOCITY = "vw = beta * vw + lr * dw; vb = beta * vb + lr * db\n    "


@pytest.mark.parametrize(
    ("step", "label", "told"),
    [
        (VELOCITY + "w -= lr * vw\n    b -= vb", "w", "with `w -= vw`"),
        (VELOCITY + "w -= vw\n    b = b - lr * vb", "b", "with `b = b - vb`"),
        ("w -= lr * (lr * dw)\n    b -= lr * db", "w", "multiplied in twice"),
        ("w -= lr * dw\n    b -= db", "b", "the learning rate is missing in it"),
    ],
    ids=["w", "b", "without a velocity", "missing"],
)
def test_a_learning_rate_that_one_weight_has_twice_or_not_at_all(
    tmp_path: Path, step: str, label: str, told: str
) -> None:
    code, text = checked(tmp_path, PACES.format(lr_b=0.02, step=step))
    assert code == 1, text
    assert f"WRONG  {label}: its step is" in text, text
    assert told in text, text
    assert text.count("WRONG") == 1, text


@pytest.mark.parametrize(
    ("lr_b", "step"),
    [
        (0.02, VELOCITY + "w -= vw\n    b -= vb"),
        (0.0004, "w -= lr * dw\n    b -= lr_b * db"),
        (1.0, "w -= lr * dw\n    b -= 2 * lr * db"),
        (0.02, "vw = beta * vw + (1 - beta) * dw\n    w -= lr * vw\n    b -= lr * db"),
    ],
    ids=["the same", "by name", "twice as large", "momentum for one"],
)
def test_rates_that_differ_on_purpose_are_right(tmp_path: Path, lr_b: float, step: str) -> None:
    code, text = checked(tmp_path, PACES.format(lr_b=lr_b, step=step))
    assert code == 0, text
