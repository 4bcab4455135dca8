"""Dropout: in training a random part of the numbers is set to 0 (Srivastava et al., 2014)."""

import numpy as np


def dropout_forward(
    x: np.ndarray, rate: float, rng: np.random.Generator, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The output y, and the mask that says which numbers were kept.

    In training each number of x is dropped with the probability `rate`, independently of all
    others, and those that are kept are divided by 1 − rate, so that the mean stays:

        y = x · mask / (1 − rate)

    Not in training, nothing happens: y = x, and the mask keeps all. x, y and mask have one shape;
    mask is True where a number is kept. Draw from rng, for example by rng.random(x.shape), which
    gives numbers evenly spread from 0 to below 1.

    For example with a rate of 0.5 what is kept is doubled:

    >>> x = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> y, mask = dropout_forward(x, 0.5, np.random.default_rng(0), True)
    >>> mask
    array([[ True, False, False, False]])
    >>> y
    array([[2., 0., 0., 0.]])
    >>> dropout_forward(x, 0.5, np.random.default_rng(0), False)[0]
    array([[1., 2., 3., 4.]])
    """
    # gap begins
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = rng.random(x.shape) >= rate
    return x * mask / (1 - rate), mask
    # gap ends


def dropout_backward(dy: np.ndarray, mask: np.ndarray, rate: float) -> np.ndarray:
    """The gradient of the loss with respect to x, dx = dy · mask / (1 − rate).

    The mask is the one of the forward pass: only what was kept has a gradient, and it was divided
    by 1 − rate. dy, mask and dx have one shape.

    For example 3·1/(1 − 0.5) = 6 and 3·0/(1 − 0.5) = 0:

    >>> dropout_backward(np.array([[3.0, 3.0]]), np.array([[True, False]]), 0.5)
    array([[6., 0.]])
    """
    # gap begins
    return dy * mask / (1 - rate)
    # gap ends
