"""Batch normalisation: each column of a batch gets mean 0 and variance 1 (Ioffe and Szegedy, 2015).

Rows are samples: N samples, D features. γ and β let the network undo what it does not need.
"""

import numpy as np


def batch_norm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    moving_mean: np.ndarray,
    moving_variance: np.ndarray,
    momentum: float,
    epsilon: float,
    training: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The output y, and the running mean and variance after it.

        y = γ (x − mean) / √(variance + ε) + β

    In training the mean and the variance are those of the batch, column by column, the variance
    divided by N; and the running ones follow slowly, with a momentum μ near 1:

        moving ← μ moving + (1 − μ) batch

    Not in training, the running mean and variance are used and come back as they are. x and y are
    (N, D), all other arrays (D,). New arrays come back; those handed in stay as they are.

    For example x has mean 3 and variance ((1 − 3)² + (5 − 3)²)/2 = 4, so x̂ is −1 and 1, and the
    running mean goes from 0 to 0.9·0 + 0.1·3 = 0.3, the variance from 1 to 0.9·1 + 0.1·4 = 1.3:

    >>> one, zero = np.array([1.0]), np.array([0.0])
    >>> y, mean, variance = batch_norm_forward(
    ...     np.array([[1.0], [5.0]]), one, zero, zero, one, 0.9, 0.0, True
    ... )
    >>> y
    array([[-1.],
           [ 1.]])
    >>> print(mean.round(3), variance.round(3))
    [0.3] [1.3]
    """
    # gap begins
    if training:
        mean, variance = x.mean(axis=0), x.var(axis=0)
        moving_mean = momentum * moving_mean + (1 - momentum) * mean
        moving_variance = momentum * moving_variance + (1 - momentum) * variance
    else:
        mean, variance = moving_mean, moving_variance
    x_hat = (x - mean) / np.sqrt(variance + epsilon)
    return gamma * x_hat + beta, moving_mean, moving_variance
    # gap ends


def batch_norm_backward(
    x: np.ndarray, dy: np.ndarray, gamma: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients dx, dgamma and dbeta, in training.

    With x̂ = (x − mean) / √(variance + ε), of the batch, and all means over the rows:

        dβ = Σ_n dy[n]
        dγ = Σ_n dy[n] x̂[n]
        dx = γ / √(variance + ε) · (dy − mean(dy) − x̂ mean(dy x̂))

    The last two terms are there because the mean and the variance depend on x too. x, dy and dx
    are (N, D), gamma, dgamma and dbeta are (D,).

    For example the mean of x is 3, its variance 4, so with γ = 2 and ε = 0 the factor is 2/2 = 1.
    dy = (1, 0) has mean 1/2, dy x̂ = (−1, 0) has mean −1/2, and 1 − 1/2 − (−1)(−1/2) = 0: with two
    rows x̂ is (−1, 1) whatever x is, so x has no gradient at all.

    >>> x, dy = np.array([[1.0], [5.0]]), np.array([[1.0], [0.0]])
    >>> dx, dgamma, dbeta = batch_norm_backward(x, dy, np.array([2.0]), 0.0)
    >>> dx
    array([[0.],
           [0.]])
    >>> dgamma, dbeta
    (array([-1.]), array([1.]))
    """
    # gap begins
    s = 1 / np.sqrt(x.var(axis=0) + epsilon)
    x_hat = (x - x.mean(axis=0)) * s
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx = gamma * s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, dgamma, dbeta
    # gap ends
