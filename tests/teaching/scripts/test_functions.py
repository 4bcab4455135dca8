"""Functions of a student's whose gradient is wrong in one line: the line is named."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.teaching import GradientReport, check_gradients

rng = np.random.default_rng(5)
N, LAM = 7, 0.3
X, Y, T = rng.standard_normal((N, 3)), rng.standard_normal(N), np.eye(2)[rng.integers(0, 2, N)]
W = np.array([0.7, -0.9, 0.4])


def message(report: GradientReport) -> str:
    assert not report.ok
    return report.findings[0].message


def lasso(w: Any) -> Any:
    return ((X @ w - Y) ** 2).mean() + LAM * np.where(w.real > 0, w, -w).sum()


def test_an_l1_penalty_that_is_missing_is_told_by_its_sign() -> None:
    def gradient(w: Any) -> Any:
        return 2 * X.T @ (X @ w - Y) / N

    assert "-0.3 times the sign of x" in message(check_gradients((lasso, gradient), W))


def test_weights_where_their_sign_belongs_are_named() -> None:
    def gradient(w: Any) -> Any:
        return 2 * X.T @ (X @ w - Y) / N + LAM * w

    assert "w stands where its sign belongs" in message(check_gradients((lasso, gradient), W))


def logistic(w: Any) -> Any:
    p = 1 / (1 + np.exp(-(X @ w)))
    return -(T[:, 0] * np.log(p) + (1 - T[:, 0]) * np.log(1 - p)).mean()


def test_rows_that_a_loop_leaves_out_are_named() -> None:
    def without_the_last(w: Any) -> Any:
        p = 1 / (1 + np.exp(-(X @ w)))
        dw = np.zeros_like(w)
        for i in range(N - 1):
            dw += (p[i] - T[i, 0]) * X[i]
        return dw / N

    def without_the_first(w: Any) -> Any:
        p = 1 / (1 + np.exp(-(X @ w)))
        dw = np.zeros_like(w)
        for i in range(1, N):
            dw += (p[i] - T[i, 0]) * X[i]
        return dw / N

    last = message(check_gradients((logistic, without_the_last), W))
    assert "the loop leaves out the last: range(N) belongs there" in last
    first = message(check_gradients((logistic, without_the_first), W))
    assert "the loop leaves out the first: range(N) belongs there" in first


def softmax(z: Any) -> Any:
    e = np.exp(z - z.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(v: Any) -> Any:
    b, V = v[:2], v[2:].reshape(3, 2)
    return -(T * np.log(softmax(X @ V + b))).sum() / N


START = rng.standard_normal(8)


def test_a_bias_of_one_sample_is_named() -> None:
    def gradient(v: Any) -> Any:
        b, V = v[:2], v[2:].reshape(3, 2)
        dz = (softmax(X @ V + b) - T) / N
        return np.concatenate([dz[-1], (X.T @ dz).ravel()])

    told = message(check_gradients((cross_entropy, gradient), START))
    assert "dz[-1] is that of one sample: the sum over all of them, dz.sum(axis=0)" in told


def test_the_error_that_belongs_below_a_cross_entropy_is_named() -> None:
    def without_the_softmax(v: Any) -> Any:
        b, V = v[:2], v[2:].reshape(3, 2)
        p = softmax(X @ V + b)
        dz = -T / p / N
        return np.concatenate([dz.sum(axis=0), (X.T @ dz).ravel()])

    def of_its_diagonal(v: Any) -> Any:
        b, V = v[:2], v[2:].reshape(3, 2)
        p = softmax(X @ V + b)
        dz = -T * (1 - p) / N
        return np.concatenate([dz.sum(axis=0), (X.T @ dz).ravel()])

    for gradient in (without_the_softmax, of_its_diagonal):
        told = message(check_gradients((cross_entropy, gradient), START))
        assert "(p - T) / N belongs where " in told
