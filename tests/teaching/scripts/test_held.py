"""Steps after each sample, and a loss of all samples that is reported when an epoch has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

FACTORS = """
import numpy as np
rng = np.random.default_rng(8)
R = np.array([[5, 3, 0, 1], [4, 0, 0, 1], [1, 1, 0, 5], [0, 1, 5, 4]], float)
P, Q = rng.random((4, 2)), rng.random((2, 4))
rate, beta = 0.01, 0.05

def error():
    e = 0.0
    for i in range(4):
        for j in range(4):
            if R[i, j] > 0:
                e += 0.5 * (R[i, j] - P[i] @ Q[:, j]) ** 2
                e += 0.5 * beta * (np.sum(P[i] ** 2) + np.sum(Q[:, j] ** 2))
    return e

for step in range(50):
    for i in range(4):
        for j in range(4):
            if R[i, j] > 0:
                eij = R[i, j] - P[i] @ Q[:, j]
                for k in range(2):
                    old = P[i, k]
                    P[i, k] = P[i, k] + rate * (eij * Q[k, j] - beta * P[i, k])
                    Q[k, j] = Q[k, j] + rate * ({step})
    print(step, error())
"""


def test_steps_of_an_epoch_are_held_to_the_loss_that_it_reports(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FACTORS.format(step="eij * old - beta * Q[k, j]"))
    assert code == 0, text
    assert "right  P" in text, text
    assert "right  Q" in text, text


def test_a_penalty_that_is_missing_in_a_step_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FACTORS.format(step="eij * old"))
    assert code == 1, text
    assert "right  P" in text, text
    assert "(regularisation, weight decay) is missing: − beta * Q[k, j]" in text, text


ADAPTIVE = """
import numpy as np
rng = np.random.default_rng(7)
X = rng.normal(size=(40, 2))
y = ((X**2).sum(axis=1) > 1.4).astype(int)
W, b = 0.5 * rng.normal(size=(2, 2)), np.zeros(2)
m, v = [np.zeros_like(W), np.zeros_like(b)], [np.zeros_like(W), np.zeros_like(b)]

def scores(x):
    e = np.exp(x @ W + b)
    return e / e.sum(axis=1, keepdims=True)

t = 0
for epoch in range(10):
    for i in range(0, 40, 10):
        x, d = X[i:i + 10], scores(X[i:i + 10])
        d[np.arange(10), y[i:i + 10]] -= 1
        t += 1
        for n, (w, g) in enumerate([(W, x.T @ d / 10), (b, d.mean(axis=0))]):
            m[n] = 0.9 * m[n] + 0.1 * g
            v[n] = 0.999 * v[n] + 0.001 * g**2
            w -= 0.05 * m[n] / (1 - 0.9**t) / (np.sqrt(v[n] / (1 - 0.999**t)) + 1e-8)
    print(epoch, -np.mean(np.log(scores(X)[np.arange(40), y])))
"""


def test_steps_that_are_no_multiples_of_gradients_are_not_called_wrong(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ADAPTIVE)
    assert code != 1, text
