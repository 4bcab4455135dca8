"""A loss with one vector of weights that SciPy minimizes, and convolutions without channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

FLAT = """
import numpy as np
try:
    from scipy.optimize import minimize
except ImportError:
    def minimize(fun, x0, args=(), jac=None, method=None):
        return fun(x0, *args)

inside, hidden, outside = 3, 4, 2

def logistic(z):
    return 1 / (1 + np.exp(-z))

def cost(all_weights, X, T, strength):
    cut = hidden * (inside + 1)
    A = all_weights[:cut].reshape(hidden, inside + 1)
    B = all_weights[cut:].reshape(outside, hidden + 1)
    m = len(X)
    a = np.c_[np.ones(m), X]
    h = np.c_[np.ones(m), logistic(a @ A.T)]
    o = logistic(h @ B.T)
    J = -np.sum(T * np.log(o) + (1 - T) * np.log(1 - o)) / m
    J += strength / (2 * m) * (np.sum(A[:, 1:] ** 2) + np.sum(B[:, 1:] ** 2))
    d = o - T
    e = (d @ B)[:, 1:] * h[:, 1:] * (1 - h[:, 1:])
    gA, gB = e.T @ a / m, d.T @ h / m
    gA[:, 1:] += strength / m * A[:, 1:]
    gB[:, 1:] += strength / m * B[:, 1:]
    return J, np.concatenate([gA.ravel(), gB.ravel()])

rng = np.random.default_rng(0)
X = rng.normal(size=(15, 3))
T = np.eye(2)[rng.integers(0, 2, 15)]
start = rng.normal(size=hidden * (inside + 1) + outside * (hidden + 1))
minimize(cost, start, args=(X, T, 0.5), jac=True, method="CG")
"""

GREY = """
import numpy as np

def conv_forward(X, F, b):
    N, H, W = X.shape
    K, h, w = F.shape
    out = np.zeros((N, K, H - h + 1, W - w + 1))
    for n in range(N):
        for k in range(K):
            for i in range(H - h + 1):
                for j in range(W - w + 1):
                    out[n, k, i, j] = (X[n, i : i + h, j : j + w] * F[k]).sum() + b[k]
    return out, (X, F, b)

def conv_backward(dout, cache):
    X, F, b = cache
    h, w = F.shape[1:]
    dX, dF, db = np.zeros(X.shape), np.zeros(F.shape), np.zeros(b.shape)
    for n, k, i, j in np.ndindex(*dout.shape):
        dF[k] += dout[n, k, i, j] * X[n, i : i + h, j : j + w]
        dX[n, i : i + h, j : j + w] += dout[n, k, i, j] * F[k]
        db[k] += dout[n, k, i, j]
    return dX, dF, db
"""


def test_a_loss_that_is_minimized_is_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FLAT)
    assert code == 0, text
    assert "cost, which is minimized" in text, text


def test_a_penalty_on_the_bias_is_named_in_a_flat_vector(tmp_path: Path) -> None:
    wrong = FLAT.replace("gA[:, 1:] += strength / m * A[:, 1:]", "gA += strength / m * A")
    code, text = checked(tmp_path, wrong)
    assert code == 1, text
    assert "penalty" in text or "line 30" in text, text


def test_a_convolution_of_images_without_channels_is_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, GREY)
    assert code == 0, text
    assert "right  F" in text, text


def test_its_gradient_that_is_overwritten_is_named(tmp_path: Path) -> None:
    wrong = GREY.replace("j : j + w] += dout", "j : j + w] = dout")
    code, text = checked(tmp_path, wrong)
    assert code == 1, text
    assert "WRONG  X" in text, text
    assert "+= belongs there" in text, text
