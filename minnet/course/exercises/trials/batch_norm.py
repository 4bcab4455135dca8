"""Batch normalisation: which axis, which variance, where ε stands, and what depends on x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.batch_norm import batch_norm_backward, batch_norm_forward
from minnet.course.exercises.trials.drawing import Draw, derivative, seeds, sizes, whole
from minnet.foundation.checks import Array

rows = st.integers(2, 4)
"""N: one row has no variance."""

epsilons = st.sampled_from([1.0, 0.1])


@st.composite
def forwards(draw: Draw, training: bool) -> Given:
    """All arguments of the forward pass."""
    N, D = draw(rows), draw(sizes)
    x, gamma, beta, mean, variance = whole(draw(seeds), (N, D), *[(D,)] * 4)
    return {
        "x": x,
        "gamma": gamma,
        "beta": beta,
        "moving_mean": mean,
        "moving_variance": np.abs(variance),
        "momentum": draw(st.sampled_from([0.9, 0.8])),
        "epsilon": draw(epsilons),
        "training": training,
    }


@st.composite
def backwards(draw: Draw) -> Given:
    """x, dy and γ."""
    N, D = draw(rows), draw(sizes)
    x, dy, gamma = whole(draw(seeds), (N, D), (N, D), (D,))
    return {"x": x, "dy": dy, "gamma": gamma, "epsilon": draw(epsilons)}


def _normed(x: Array, epsilon: float) -> Array:
    """x̂, also of complex numbers, of which np.var takes the absolute value."""
    centered = x - x.mean(axis=0)
    y: Array = centered / np.sqrt((centered * centered).mean(axis=0) + epsilon)
    return y


def measured(x: Array, dy: Array, gamma: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """The gradients of L = Σ dy · y by x, γ and β."""
    return (
        derivative(lambda x: (dy * gamma * _normed(x, epsilon)).sum(), x),
        derivative(lambda gamma: (dy * gamma * _normed(x, epsilon)).sum(), gamma),
        derivative(lambda beta: (dy * beta).sum(), np.zeros(len(gamma))),
    )


Statistic = Callable[[Array], Any]


def _forward(
    mean: Statistic = lambda x: x.mean(axis=0),
    variance: Statistic = lambda x: x.var(axis=0),
    by: Callable[[Any, float], Any] = lambda v, e: np.sqrt(v + e),
    moving: Callable[[Array, Any, float], Any] = lambda old, new, mu: mu * old + (1 - mu) * new,
    affine: Callable[[Array, Array, Array], Any] = lambda x_hat, g, b: g * x_hat + b,
    from_moving: bool = False,
    always: bool = False,
) -> Callable[..., Any]:
    """The forward pass with one of its formulas changed."""

    def formula(
        x: Array,
        gamma: Array,
        beta: Array,
        moving_mean: Array,
        moving_variance: Array,
        momentum: float,
        epsilon: float,
        training: bool,
    ) -> Any:
        m, v = moving_mean, moving_variance
        if training or always:
            m, v = mean(x), variance(x)
            moving_mean = moving(moving_mean, m, momentum)
            moving_variance = moving(moving_variance, v, momentum)
        if from_moving:
            m, v = moving_mean, moving_variance
        return affine((x - m) / by(v, epsilon), gamma, beta), moving_mean, moving_variance

    return formula


def _outside(mixed: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Of the right results and those as in training, some of each."""

    def formula(*given: Any) -> Any:  # training comes last
        in_training = (*given[:-1], True)
        return mixed(batch_norm_forward(*given), batch_norm_forward(*in_training))

    return formula


def _backward(
    dx: Callable[[Array, Array, Array, Array], Any] | None = None,
    dgamma: Callable[[Array, Array, Array], Any] | None = None,
    dbeta: Callable[[Array], Any] | None = None,
) -> Callable[..., Any]:
    """The gradients with one of them changed: dx of x̂, dy and the factor γ s, and x."""

    def formula(x: Array, dy: Array, gamma: Array, epsilon: float) -> Any:
        x_hat = _normed(x, epsilon)
        factor = gamma / np.sqrt(x.var(axis=0) + epsilon)
        right = batch_norm_backward(x, dy, gamma, epsilon)
        return (
            right[0] if dx is None else dx(x_hat, dy, factor, gamma),
            right[1] if dgamma is None else dgamma(x_hat, dy, x),
            right[2] if dbeta is None else dbeta(dy),
        )

    return formula


def _with(s: Array, x: Array, dy: Array, gamma: Array) -> Any:
    """The gradients with another s in the place of 1 / √(variance + ε)."""
    x_hat = (x - x.mean(axis=0)) * s
    dx = gamma * s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


_WRONG_AXIS = (
    "The mean and the variance go along the rows, axis=1. Each column has its own, over the "
    "samples: axis=0."
)

GAPS = (
    Gap(
        batch_norm_forward,
        ("y", "moving_mean", "moving_variance"),
        "y = γ (x − mean) / √(variance + ε) + β; moving ← μ moving + (1 − μ) batch",
        tuple(
            Trial(
                forwards(training),
                expecting(batch_norm_forward, "y", "moving_mean", "moving_variance"),
            )
            for training in (True, False)
        ),
        (
            KnownMistake(
                "The variance is divided by N − 1. Here it is that of the batch, divided by N: "
                "x.var(axis=0) without ddof.",
                _forward(variance=lambda x: x.var(axis=0, ddof=1)),
            ),
            KnownMistake(
                _WRONG_AXIS,
                _forward(mean=lambda x: x.mean(axis=1), variance=lambda x: x.var(axis=1)),
            ),
            KnownMistake(
                _WRONG_AXIS,
                _forward(
                    mean=lambda x: x.mean(axis=1, keepdims=True),
                    variance=lambda x: x.var(axis=1, keepdims=True),
                ),
            ),
            KnownMistake(
                "The mean and the variance are of the whole batch, one number. Each column has its "
                "own: axis=0.",
                _forward(mean=np.mean, variance=np.var),
            ),
            KnownMistake(
                "ε stands beside the root. Here it belongs inside: √(variance + ε).",
                _forward(by=lambda v, e: np.sqrt(v) + e),
            ),
            KnownMistake(
                "The root is missing: divide by √(variance + ε).", _forward(by=lambda v, e: v + e)
            ),
            KnownMistake(
                "ε is missing: √(variance + ε). Without it a column that is constant gives 0 / 0.",
                _forward(by=lambda v, e: np.sqrt(v)),
            ),
            KnownMistake(
                "The running mean and variance are the wrong way round: the momentum, near 1, "
                "belongs to the old ones: μ moving + (1 − μ) batch.",
                _forward(moving=lambda old, new, mu: (1 - mu) * old + mu * new),
            ),
            KnownMistake(
                "The running mean and variance are returned unchanged. In training they "
                "follow the batch: μ moving + (1 − μ) batch.",
                _forward(moving=lambda old, new, mu: old),
            ),
            KnownMistake(
                "The batch's own mean and variance are returned. The running ones follow "
                "slowly: μ moving + (1 − μ) batch.",
                _forward(moving=lambda old, new, mu: new),
            ),
            KnownMistake(
                "The running mean and variance are used in training. In training, normalise "
                "with those of the batch.",
                _forward(from_moving=True),
            ),
            KnownMistake(
                "β is inside the bracket, where γ multiplies it too: y = γ x̂ + β.",
                _forward(affine=lambda x_hat, g, b: g * (x_hat + b)),
            ),
            KnownMistake(
                "γ and β are missing: y = γ x̂ + β.", _forward(affine=lambda x_hat, g, b: x_hat)
            ),
            KnownMistake(
                "β is missing: y = γ x̂ + β.", _forward(affine=lambda x_hat, g, b: g * x_hat)
            ),
            KnownMistake(
                "γ is missing: y = γ x̂ + β.", _forward(affine=lambda x_hat, g, b: x_hat + b)
            ),
            KnownMistake(
                "The batch's mean and variance are used outside of training too, so that a "
                "prediction depends on its neighbours. There, use the running ones and leave them "
                "as they are.",
                _forward(always=True),
            ),
            KnownMistake(
                "The running mean and variance change outside of training. Return them "
                "unchanged there.",
                _outside(
                    lambda right, always: (right[0], always[1], always[2]),
                ),
            ),
            KnownMistake(
                "Outside of training y has the batch's mean and variance, so that a prediction "
                "depends on its neighbours. Use the running ones.",
                _outside(lambda right, always: (always[0], right[1], right[2])),
            ),
        ),
    ),
    Gap(
        batch_norm_backward,
        ("dx", "dgamma", "dbeta"),
        "dx = γ / √(variance + ε) · (dy − mean(dy) − x̂ mean(dy x̂)), dγ = Σ dy x̂, dβ = Σ dy",
        (Trial(backwards(), expecting(measured, "dx", "dgamma", "dbeta")),),
        (
            KnownMistake(
                "The mean and the variance are treated as constants, but they depend on x "
                "too: dx = γ s (dy − mean(dy) − x̂ mean(dy x̂)).",
                _backward(dx=lambda x_hat, dy, factor, gamma: factor * dy),
            ),
            KnownMistake(
                "The variance is treated as a constant, but it depends on x too: − x̂ "
                "mean(dy x̂) is missing.",
                _backward(dx=lambda x_hat, dy, factor, gamma: factor * (dy - dy.mean(axis=0))),
            ),
            KnownMistake(
                "The mean is treated as a constant, but it depends on x too: − mean(dy) is "
                "missing.",
                _backward(
                    dx=lambda x_hat, dy, factor, gamma: (
                        factor * (dy - x_hat * (dy * x_hat).mean(axis=0))
                    )
                ),
            ),
            KnownMistake(
                "These are sums, and should be means: mean(dy) and mean(dy x̂), each over the rows.",
                _backward(
                    dx=lambda x_hat, dy, factor, gamma: (
                        factor * (dy - dy.sum(axis=0) - x_hat * (dy * x_hat).sum(axis=0))
                    )
                ),
            ),
            KnownMistake(
                "The means in dx go along the rows, axis=1. Each column has its own, over the "
                "samples: axis=0.",
                _backward(
                    dx=lambda x_hat, dy, factor, gamma: (
                        factor
                        * (
                            dy
                            - dy.mean(axis=1, keepdims=True)
                            - x_hat * (dy * x_hat).mean(axis=1, keepdims=True)
                        )
                    )
                ),
            ),
            KnownMistake(
                "γ is missing in dx: y = γ x̂ + β, so everything that comes back through x̂ has it.",
                _backward(
                    dx=lambda x_hat, dy, factor, gamma: (
                        factor / gamma * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
                    )
                ),
            ),
            KnownMistake(
                "1 / √(variance + ε) is missing in dx.",
                _backward(
                    dx=lambda x_hat, dy, factor, gamma: (
                        gamma * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
                    )
                ),
            ),
            KnownMistake(
                "dγ uses x in place of x̂: γ multiplies the normalised values.",
                _backward(dgamma=lambda x_hat, dy, x: (dy * x).sum(axis=0)),
            ),
            KnownMistake(
                "dγ lacks x̂: γ multiplies x̂, so dγ = Σ_n dy[n] x̂[n].",
                _backward(dgamma=lambda x_hat, dy, x: dy.sum(axis=0)),
            ),
            KnownMistake(
                "dγ and dβ are means over the rows, and should be sums: the 1/N of the loss is in "
                "dy already.",
                _backward(
                    dgamma=lambda x_hat, dy, x: (dy * x_hat).mean(axis=0),
                    dbeta=lambda dy: dy.mean(axis=0),
                ),
            ),
            KnownMistake(
                "dβ is a mean over the rows, and should be the sum: the 1/N of the loss is in dy "
                "already.",
                _backward(dbeta=lambda dy: dy.mean(axis=0)),
            ),
            KnownMistake(
                "The variance is divided by N − 1. Here it is that of the batch, divided by N: "
                "x.var(axis=0) without ddof.",
                lambda x, dy, gamma, epsilon: _with(
                    1 / np.sqrt(x.var(axis=0, ddof=1) + epsilon), x, dy, gamma
                ),
            ),
            KnownMistake(
                "ε stands beside the root. Here it belongs inside: √(variance + ε).",
                lambda x, dy, gamma, epsilon: _with(
                    1 / (np.sqrt(x.var(axis=0)) + epsilon), x, dy, gamma
                ),
            ),
        ),
    ),
)
