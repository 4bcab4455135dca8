"""Softmax: rows, large numbers, and the derivative of every probability by every logit."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.softmax import softmax, softmax_backward
from minnet.course.exercises.trials.drawing import (
    Draw,
    arrays,
    classes,
    derivative,
    seeds,
    sizes,
    whole,
)
from minnet.foundation.checks import Array


@st.composite
def logits(draw: Draw, elements: st.SearchStrategy[int]) -> Given:
    """x (N, K)."""
    return {"x": draw(arrays((draw(sizes), draw(classes)), elements))}


small = logits(st.integers(-3, 3))
large = logits(st.sampled_from([0, 1000, -1000]))


@st.composite
def backwards(draw: Draw) -> Given:
    """Probabilities p, which are fractions of small numbers, and dy."""
    shape = draw(sizes), draw(classes)
    counts, dy = whole(draw(seeds), shape, shape)
    counts = np.abs(counts)
    return {"p": counts / counts.sum(axis=1, keepdims=True), "dy": dy}


def measured_dx(p: Array, dy: Array) -> Array:
    """∂L/∂x of L = Σ dy · softmax(x), at an x whose softmax is p."""
    return derivative(lambda x: (dy * softmax(x)).sum(), np.log(p))


def _normed(e: Array) -> Array:
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def _whole_sum(e: Array) -> Array:
    p: Array = e / e.sum()
    return p


def _pythons(x: Array) -> Array:
    e = np.exp(x - max(x))
    p: Array = e / sum(e)
    return p


def _columns(x: Array) -> Array:
    e = np.exp(x - x.max(axis=0))
    p: Array = e / e.sum(axis=0)
    return p


GAPS = (
    Gap(
        softmax,
        ("p",),
        "p[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j])",
        (Trial(small, expecting(softmax, "p")), Trial(large, expecting(softmax, "p"))),
        (
            KnownMistake(
                "The exponentials are not divided by their sum: each row of p has to sum to 1.",
                np.exp,
            ),
            KnownMistake(
                "The exponentials are not divided by their sum: each row of p has to sum to 1.",
                lambda x: np.exp(x - x.max(axis=1, keepdims=True)),
            ),
            KnownMistake(
                "The sum goes over the whole batch, so that all rows together sum to 1. Sum over "
                "each row: sum(axis=1, keepdims=True).",
                lambda x: np.exp(x) / np.exp(x).sum(),
            ),
            KnownMistake(
                "The sum goes over the whole batch, but each row has its own maximum. Sum over "
                "each row: sum(axis=1, keepdims=True).",
                lambda x: _whole_sum(np.exp(x - x.max(axis=1, keepdims=True))),
            ),
            KnownMistake(
                "Python's own max and sum go over the rows of an array, and here down its columns. "
                "NumPy's take an axis: x.max(axis=1, keepdims=True), e.sum(axis=1, keepdims=True).",
                _pythons,
            ),
            KnownMistake(
                "The sum goes down the columns, axis=0. Rows are samples: sum over each row, "
                "sum(axis=1, keepdims=True).",
                _columns,
            ),
            KnownMistake(
                "The sum over a row, sum(axis=1), has the shape (N,), and NumPy sets it against "
                "the columns. Keep the axis: sum(axis=1, keepdims=True).",
                lambda x: np.exp(x) / np.exp(x).sum(axis=1),
            ),
            KnownMistake(
                "The maximum of a row, x.max(axis=1), has the shape (N,), and NumPy sets it "
                "against the columns. Keep the axis: x.max(axis=1, keepdims=True).",
                lambda x: _normed(np.exp(x - x.max(axis=1))),
            ),
            KnownMistake(
                "The numbers themselves are divided by their sum: exp is missing.", _normed
            ),
            KnownMistake(
                "The exponential is of −x: leave out the sign.", lambda x: _normed(np.exp(-x))
            ),
            KnownMistake(
                "exp(1000) is too large for a float, and inf / inf is nan. Subtract the row's "
                "maximum before exp: x - x.max(axis=1, keepdims=True); it cancels.",
                lambda x: _normed(np.exp(x)),
            ),
            KnownMistake(
                "The maximum is that of the whole batch, and a row far below it becomes 0 / 0. "
                "Subtract the row's own: x - x.max(axis=1, keepdims=True).",
                lambda x: _normed(np.exp(x - x.max())),
            ),
            KnownMistake(
                "The maximum is that of each column. Subtract the row's own: "
                "x - x.max(axis=1, keepdims=True).",
                lambda x: _normed(np.exp(x - x.max(axis=0))),
            ),
            KnownMistake(
                "The mean is subtracted, and what is far above it still overflows. Subtract the "
                "row's maximum: x - x.max(axis=1, keepdims=True).",
                lambda x: _normed(np.exp(x - x.mean(axis=1, keepdims=True))),
            ),
            KnownMistake(
                "The minimum is subtracted, which leaves numbers that are too large for exp. "
                "Subtract the row's maximum: x - x.max(axis=1, keepdims=True).",
                lambda x: _normed(np.exp(x - x.min(axis=1, keepdims=True))),
            ),
        ),
    ),
    Gap(
        softmax_backward,
        ("dx",),
        "dx[n, k] = p[n, k] · (dy[n, k] − Σ_j dy[n, j] p[n, j])",
        (Trial(backwards(), expecting(measured_dx, "dx")),),
        (
            KnownMistake(
                "This is the diagonal alone, p (1 − p): each logit moves the other probabilities "
                "of its row too, because the row sums to 1. Subtract the sum: "
                "p (dy − Σ_j dy[j] p[j]).",
                lambda p, dy: dy * p * (1 - p),
            ),
            KnownMistake(
                "dy is missing: the chain rule multiplies by what comes from above.",
                lambda p, dy: p * (1 - p),
            ),
            KnownMistake(
                "The sum goes over the whole batch. Each row has its own: "
                "sum(axis=1, keepdims=True).",
                lambda p, dy: p * (dy - (dy * p).sum()),
            ),
            KnownMistake(
                "The sum goes down the columns, axis=0. Rows are samples: "
                "sum(axis=1, keepdims=True).",
                lambda p, dy: p * (dy - (dy * p).sum(axis=0)),
            ),
            KnownMistake(
                "The sum over a row has the shape (N,), and NumPy sets it against the columns. "
                "Keep the axis: sum(axis=1, keepdims=True).",
                lambda p, dy: p * (dy - (dy * p).sum(axis=1)),
            ),
            KnownMistake(
                "The sum is of dy alone. Each dy[j] counts with its probability: Σ_j dy[j] p[j].",
                lambda p, dy: p * (dy - dy.sum(axis=1, keepdims=True)),
            ),
            KnownMistake(
                "The p before the bracket is missing: p (dy − Σ_j dy[j] p[j]).",
                lambda p, dy: dy - (dy * p).sum(axis=1, keepdims=True),
            ),
            KnownMistake(
                "The sum is added; it should be subtracted.",
                lambda p, dy: p * (dy + (dy * p).sum(axis=1, keepdims=True)),
            ),
            KnownMistake(
                "The sum is missing: p (dy − Σ_j dy[j] p[j]).",
                lambda p, dy: p * dy,
            ),
            KnownMistake(
                "This divides by N once too often: the loss is a mean, so dy is divided by N "
                "already.",
                lambda p, dy: p * (dy - (dy * p).sum(axis=1, keepdims=True)) / len(p),
            ),
        ),
    ),
)
