"""Adam: each weight gets a step of its own size (Kingma and Ba, 2015)."""

import numpy as np


def adam_step(
    theta: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    grad: np.ndarray,
    step: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weights and the two running means after one step of Adam.

        m ← β₁ m + (1 − β₁) g          the running mean of the gradient
        v ← β₂ v + (1 − β₂) g²         the running mean of its square
        m̂ = m / (1 − β₁ᵗ)              both start at 0, which makes them too small at first:
        v̂ = v / (1 − β₂ᵗ)              this corrects it
        θ ← θ − η m̂ / (√v̂ + ε)

    The step is counted from 0 as loops count, and t from 1, so t = step + 1. theta, m, v and grad
    are (P,); η, β₁, β₂ and ε are numbers. New arrays theta, m and v come back, m and v without the
    correction; those handed in stay as they are.

    For example, in the very first step, m = 0.5·4 = 2, v = 0.25·16 = 4, m̂ = 2/0.5 = 4,
    v̂ = 4/0.25 = 16, and θ = 10 − 1·4/(4 + 0) = 9: the first step is as long as η.

    >>> zero = np.array([0.0])
    >>> adam_step(np.array([10.0]), zero, zero, np.array([4.0]), 0, 1.0, 0.5, 0.75, 0.0)
    (array([9.]), array([2.]), array([4.]))
    """
    # gap begins
    t = step + 1
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1**t)
    v_hat = v / (1 - beta_2**t)
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
    # gap ends
