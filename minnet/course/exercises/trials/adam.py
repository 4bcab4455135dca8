"""Adam: the correction, when t begins, where ε stands, and what is squared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.adam import adam_step
from minnet.course.exercises.trials.drawing import Draw, seeds, sizes, whole
from minnet.foundation.checks import Array


@st.composite
def states(draw: Draw) -> Given:
    """Any state that Adam can be in; at step 0 both means are 0."""
    step = draw(st.integers(0, 3))
    theta, m, v, grad = whole(draw(seeds), *[(draw(sizes),)] * 4)
    begun = float(step > 0)
    return {
        "theta": theta,
        "m": m * begun,
        "v": np.abs(v) * begun,
        "grad": grad,
        "step": step,
        "learning_rate": draw(st.sampled_from([0.5, 0.1])),
        "beta_1": draw(st.sampled_from([0.5, 0.75])),
        "beta_2": draw(st.sampled_from([0.5, 0.75, 0.9])),
        "epsilon": draw(st.sampled_from([0.1, 0.01])),
    }


def _wrong(
    means: Callable[[Array, Array, Array, float, float], tuple[Array, Array]] | None = None,
    *,
    first: int = 1,
    corrected: bool = True,
    kept_corrected: bool = False,
    t_of_1: Callable[[int], int] | None = None,
    move: Callable[[Array, Array, float], Array] | None = None,
    sign: float = -1.0,
) -> Callable[..., Any]:
    """The formulas of Adam with one of them changed."""

    def formula(
        theta: Array,
        m: Array,
        v: Array,
        grad: Array,
        step: int,
        learning_rate: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
    ) -> Any:
        t = step + first
        if means is None:
            m = beta_1 * m + (1 - beta_1) * grad
            v = beta_2 * v + (1 - beta_2) * grad**2
        else:
            m, v = means(m, v, grad, beta_1, beta_2)
        m_hat, v_hat = m, v
        if corrected:
            m_hat, v_hat = m / _less(beta_1, t), v / _less(beta_2, t)
        if t_of_1 is not None:
            m_hat, v_hat = m / _less(beta_1, t_of_1(t)), v / _less(beta_2, t_of_1(t))
        by = m_hat / (np.sqrt(v_hat) + epsilon) if move is None else move(m_hat, v_hat, epsilon)
        if kept_corrected:
            m, v = m_hat, v_hat
        return theta + sign * learning_rate * by, m, v

    return formula


def _less(beta: float, t: int) -> Any:
    """1 − βᵗ, which is a NumPy number so that a division by 0 is none of Python's."""
    return np.float64(1 - beta**t)


def _of_new_m(m: Array, v: Array, g: Array, b1: float, b2: float) -> tuple[Array, Array]:
    m = b1 * m + (1 - b1) * g
    return m, b2 * v + (1 - b2) * m**2


GAPS = (
    Gap(
        adam_step,
        ("theta", "m", "v"),
        "m and v are running means of g and g²; θ ← θ − η m̂ / (√v̂ + ε)",
        (Trial(states(), expecting(adam_step, "theta", "m", "v")),),
        (
            KnownMistake(
                "The bias correction is missing: m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ). Without "
                "it the first steps have the wrong length.",
                _wrong(corrected=False),
            ),
            KnownMistake(
                "t is the step, counted from 0, so the first step divides by 1 − β⁰ = 0. t "
                "counts from 1: t = step + 1.",
                _wrong(first=0),
            ),
            KnownMistake("t is one too large: t = step + 1.", _wrong(first=2)),
            KnownMistake(
                "The correction is always that of the first step, 1 − β. It is 1 − βᵗ.",
                _wrong(t_of_1=lambda t: 1),
            ),
            KnownMistake(
                "ε stands inside the root. It belongs beside it: √v̂ + ε.",
                _wrong(move=lambda m, v, e: m / np.sqrt(v + e)),
            ),
            KnownMistake(
                "ε is missing: √v̂ + ε. It keeps the division finite where the gradient is 0.",
                _wrong(move=lambda m, v, e: m / np.sqrt(v)),
            ),
            KnownMistake(
                "The root is missing: the step is m̂ / (√v̂ + ε).",
                _wrong(move=lambda m, v, e: m / (v + e)),
            ),
            KnownMistake(
                "The new m is squared for v. v is the mean of the squared gradient: (1 − β₂) g².",
                _wrong(_of_new_m),
            ),
            KnownMistake(
                "The old m is squared for v. v is the mean of the squared gradient: (1 − β₂) g².",
                _wrong(lambda m, v, g, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * m**2)),
            ),
            KnownMistake(
                "v takes the gradient itself. It is the mean of its square: (1 − β₂) g².",
                _wrong(lambda m, v, g, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g)),
            ),
            KnownMistake(
                "β₁ and β₂ are swapped: β₁ is for m, β₂ for v.",
                _wrong(lambda m, v, g, b1, b2: (b2 * m + (1 - b2) * g, b1 * v + (1 - b1) * g**2)),
            ),
            KnownMistake(
                "The running means are the wrong way round: β belongs to the old mean, 1 − β to "
                "what is new.",
                _wrong(lambda m, v, g, b1, b2: ((1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2)),
            ),
            KnownMistake(
                "The factors 1 − β are missing before g and g²: m and v are means, not sums.",
                _wrong(lambda m, v, g, b1, b2: (b1 * m + g, b2 * v + g**2)),
            ),
            KnownMistake(
                "m and v are returned with their correction, so the next step would correct "
                "them again. Return m and v, and use m̂ and v̂ for θ alone.",
                _wrong(kept_corrected=True),
            ),
            KnownMistake(
                "θ goes uphill: subtract the step, θ − η m̂ / (√v̂ + ε).",
                _wrong(sign=1.0),
            ),
            KnownMistake(
                "θ is moved by the gradient; it should be moved by the running mean, m̂.",
                lambda theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon: (
                    theta
                    - learning_rate
                    * grad
                    / (
                        np.sqrt((beta_2 * v + (1 - beta_2) * grad**2) / (1 - beta_2 ** (step + 1)))
                        + epsilon
                    ),
                    beta_1 * m + (1 - beta_1) * grad,
                    beta_2 * v + (1 - beta_2) * grad**2,
                ),
            ),
        ),
    ),
)
