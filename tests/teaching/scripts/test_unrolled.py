"""Gradients that are unrolled in another order than the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

VECTOR = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]])

def cost(theta):
    A, a = theta[:12].reshape(3, 4{order}), theta[12:16]
    B, b = theta[16:24].reshape(4, 2{order}), theta[24:]
    h = np.tanh(X @ A + a)
    error = h @ B + b - Y
    J = np.sum(error ** 2) / 2
    gB, gb = h.T @ error, error.sum(axis=0)
    back = error @ B.T * (1 - h ** 2)
    gA, ga = X.T @ back, back.sum(axis=0)
    grad = {unrolled}
    return J / len(X), grad / len(X)

theta = 0.5 * rng.normal(size=26)
for step in range(20):
    J, grad = cost(theta)
    theta = theta - 0.1 * grad
"""
BY_ROWS = "np.concatenate([gA.ravel(), ga, gB.ravel(), gb])"
BY_COLUMNS = "np.concatenate((gA.flatten('F'), ga, gB.flatten('F'), gb))"
MISTAKES = {
    "order F": (BY_COLUMNS, "gA and gB are unrolled column by column"),
    "transposed": ("np.hstack([gA.T.ravel(), ga, gB.T.ravel(), gb])", "gA and gB are unrolled"),
    "one of two": ("np.hstack([gA.ravel(), ga, gB.T.ravel(), gb])", "gB is unrolled column"),
    "sequence": ("np.r_[gB.ravel(), gb, gA.ravel(), ga]", "has gB, gb, gA, ga in this sequence"),
    "biases last": ("np.hstack((gA.ravel(), gB.ravel(), ga, gb))", "has the weights of gA, ga, gB"),
}


@pytest.mark.parametrize(("unrolled", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_gradient_in_another_order_is_named_with_its_line(
    tmp_path: Path, unrolled: str, told: str
) -> None:
    code, text = checked(tmp_path, VECTOR.format(order="", unrolled=unrolled))
    assert code == 1, text
    assert "WRONG  theta: its numbers are right and stand in other places" in text, text
    assert told in text, text
    assert "Line 16: the line is `grad = " in text, text


@pytest.mark.parametrize(
    ("order", "unrolled"),
    [("", BY_ROWS), (", order='F'", BY_COLUMNS)],
    ids=["by rows", "by columns"],
)
def test_one_order_for_both_is_right(tmp_path: Path, order: str, unrolled: str) -> None:
    code, text = checked(tmp_path, VECTOR.format(order=order, unrolled=unrolled))
    assert code == 0, text


MATRIX = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]])
W = np.zeros((3, 2))
for step in range(20):
    error = X @ W - Y
    loss = np.mean(np.sum(error ** 2, axis=1)) / 2
    dW = {gradient}
    W -= 0.1 * dW
"""


def test_a_reshape_where_the_transpose_belongs_is_named(tmp_path: Path) -> None:
    right = MATRIX.format(gradient="(error.T @ X / len(X)).T")
    assert checked(tmp_path, right)[0] == 0
    code, text = checked(tmp_path, MATRIX.format(gradient="(error.T @ X / len(X)).reshape(3, 2)"))
    assert code == 1, text
    assert "an array of shape (2, 3) was brought to (3, 2) row by row" in text, text
