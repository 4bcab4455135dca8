"""Dense: transposes, sums, and what belongs into a batch."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.dense import dense_backward, dense_forward, dense_gradient
from minnet.course.exercises.trials.drawing import Draw, derivative, seeds, sizes, whole
from minnet.foundation.checks import Array


@st.composite
def forwards(draw: Draw) -> Given:
    """x, W and b."""
    N, D, M = draw(sizes), draw(sizes), draw(sizes)
    x, W, b = whole(draw(seeds), (N, D), (D, M), (M,))
    return {"x": x, "W": W, "b": b}


@st.composite
def backwards(draw: Draw) -> Given:
    """dy and W."""
    N, D, M = draw(sizes), draw(sizes), draw(sizes)
    dy, W = whole(draw(seeds), (N, M), (D, M))
    return {"dy": dy, "W": W}


@st.composite
def gradients(draw: Draw) -> Given:
    """x and dy."""
    N, D, M = draw(sizes), draw(sizes), draw(sizes)
    x, dy = whole(draw(seeds), (N, D), (N, M))
    return {"x": x, "dy": dy}


def measured_dx(dy: Array, W: Array) -> Array:
    """∂L/∂x of L = Σ dy · y, which has the gradient dy with respect to y."""
    D, M = W.shape
    return derivative(
        lambda x: (dy * dense_forward(x, W, np.zeros(M))).sum(), np.ones((len(dy), D))
    )


def measured_gradients(x: Array, dy: Array) -> tuple[Array, Array]:
    """∂L/∂W and ∂L/∂b of L = Σ dy · y."""
    W, b = np.ones((x.shape[1], dy.shape[1])), np.ones(dy.shape[1])
    return (
        derivative(lambda W: (dy * dense_forward(x, W, b)).sum(), W),
        derivative(lambda b: (dy * dense_forward(x, W, b)).sum(), b),
    )


GAPS = (
    Gap(
        dense_forward,
        ("y",),
        "y = x W + b",
        (Trial(forwards(), expecting(dense_forward, "y")),),
        (
            KnownMistake("b is missing: y = x W + b.", lambda x, W, b: x @ W),
            KnownMistake(
                "* multiplies entry by entry. The product of matrices is @: x @ W.",
                lambda x, W, b: x * W + b,
            ),
            KnownMistake(
                "W is transposed, and should not be: W is (D, M), and x @ W is (N, M).",
                lambda x, W, b: x @ W.T + b,
            ),
            KnownMistake("x and W are the wrong way round: x @ W.", lambda x, W, b: W @ x + b),
            KnownMistake(
                "The result is transposed. Rows are samples: x @ W + b.",
                lambda x, W, b: W.T @ x.T + b[:, None],
            ),
            KnownMistake(
                "b has one axis too many: it is (M,), and NumPy adds it to each row as it is.",
                lambda x, W, b: x @ W + b[:, None],
            ),
            KnownMistake("b is subtracted; it should be added.", lambda x, W, b: x @ W - b),
            KnownMistake(
                "Every output gets the sum of b; output j should get b[j] alone.",
                lambda x, W, b: x @ W + b.sum(),
            ),
        ),
    ),
    Gap(
        dense_backward,
        ("dx",),
        "dx = dy Wᵀ",
        (Trial(backwards(), expecting(measured_dx, "dx")),),
        (
            KnownMistake(
                "W is not transposed: W leads from D inputs to M outputs, and the gradient goes "
                "the other way, dy @ W.T.",
                lambda dy, W: dy @ W,
            ),
            KnownMistake(
                "The result is transposed: dx has the shape of x, (N, D). Write dy @ W.T.",
                lambda dy, W: W @ dy.T,
            ),
            KnownMistake(
                "dy and Wᵀ are the wrong way round: dy @ W.T.",
                lambda dy, W: W.T @ dy,
            ),
            KnownMistake("dy and Wᵀ are the wrong way round: dy @ W.T.", lambda dy, W: W @ dy),
            KnownMistake(
                "* multiplies entry by entry. The product of matrices is @: dy @ W.T.",
                lambda dy, W: dy * W.T,
            ),
            KnownMistake(
                "This divides by N once too often: the loss is a mean, so dy is divided by N "
                "already.",
                lambda dy, W: dy @ W.T / len(dy),
            ),
            KnownMistake(
                "dy is missing: the chain rule multiplies W by what comes from above, dy @ W.T.",
                lambda dy, W: np.ones_like(dy) @ W.T,
            ),
            KnownMistake(
                "The rows are added up, but each sample has a gradient of its own: dy @ W.T.",
                lambda dy, W: dy.sum(axis=0) @ W.T,
            ),
        ),
    ),
    Gap(
        dense_gradient,
        ("dW", "db"),
        "dW = xᵀ dy and db = Σ_n dy[n]",
        (Trial(gradients(), expecting(measured_gradients, "dW", "db")),),
        (
            KnownMistake(
                "dW is the wrong way round: dyᵀ x is (M, D), W is (D, M). Write x.T @ dy.",
                lambda x, dy: (dy.T @ x, dy.sum(axis=0)),
            ),
            KnownMistake(
                "x is not transposed: the sum in dW goes over the samples, x.T @ dy.",
                lambda x, dy: (x @ dy, dy.sum(axis=0)),
            ),
            KnownMistake(
                "dW and db are divided by N once too often: the loss is a mean, so dy is "
                "divided by N already.",
                lambda x, dy: (x.T @ dy / len(x), dy.sum(axis=0) / len(x)),
            ),
            KnownMistake(
                "dW is divided by N once too often: the loss is a mean, so dy is divided by "
                "N already.",
                lambda x, dy: (x.T @ dy / len(x), dy.sum(axis=0)),
            ),
            KnownMistake(
                "db is a mean over the samples, and should be the sum: the 1/N of the loss is in "
                "dy already.",
                lambda x, dy: (x.T @ dy, dy.mean(axis=0)),
            ),
            KnownMistake(
                "db is summed over the wrong axis: b belongs to all rows, so sum over the rows, "
                "axis=0.",
                lambda x, dy: (x.T @ dy, dy.sum(axis=1)),
            ),
            KnownMistake(
                "db is not summed: b is one row that is added to all N, so its gradient is the "
                "sum over the rows, dy.sum(axis=0).",
                lambda x, dy: (x.T @ dy, dy),
            ),
            KnownMistake(
                "db is one number, summed over everything; there is one for each output. Sum "
                "over the rows alone, axis=0.",
                lambda x, dy: (x.T @ dy, dy.sum()),
            ),
            KnownMistake(
                "db should have the shape of b, (M,): leave out keepdims.",
                lambda x, dy: (x.T @ dy, dy.sum(axis=0, keepdims=True)),
            ),
        ),
    ),
)
