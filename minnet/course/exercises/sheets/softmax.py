"""Softmax: numbers become probabilities, row by row, and how a gradient comes back through it.

The numbers that go in are called logits. Rows are samples: N samples, K classes.
"""

import numpy as np


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities p[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j]), each row by itself.

    x and p are (N, K), and each row of p sums to 1. A number that is added to a whole row changes
    nothing, since it cancels. That is needed: exp(1000) is too large for any float, so choose
    what to add such that nothing overflows.

    For example exp(0) = 1 and exp(1.0986…) = 3, and of 1 + 3 that is a quarter and three:

    >>> softmax(np.array([[0.0, np.log(3.0)], [5.0, 5.0]]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    # gap begins
    e = np.exp(x - x.max(axis=1, keepdims=True))  # the largest is exp(0) = 1
    return e / e.sum(axis=1, keepdims=True)
    # gap ends


def softmax_backward(p: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """The gradient of the loss with respect to the logits x, for p = softmax(x) and dy = ∂L/∂p.

    Each logit moves every probability of its row: ∂p[j]/∂x[k] = p[j] (1 − p[j]) if j = k, and
    −p[j] p[k] otherwise. Summed over j, with dy[j] before each, that is

        dx[n, k] = p[n, k] · (dy[n, k] − Σ_j dy[n, j] p[n, j])

    p, dy and dx are (N, K).

    For example Σ_j dy[j] p[j] = 4·0.25 + 0·0.75 = 1, so 0.25·(4 − 1) and 0.75·(0 − 1):

    >>> p = np.array([[0.25, 0.75]])
    >>> dy = np.array([[4.0, 0.0]])
    >>> softmax_backward(p, dy)
    array([[ 0.75, -0.75]])
    """
    # gap begins
    return p * (dy - (dy * p).sum(axis=1, keepdims=True))
    # gap ends
