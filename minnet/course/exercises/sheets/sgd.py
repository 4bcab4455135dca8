"""Gradient descent: the weights go a small step downhill.

All weights of a network are one vector theta, and all their gradients one vector grad, both (P,).
"""

import numpy as np


def sgd(theta: np.ndarray, grad: np.ndarray, learning_rate: float) -> np.ndarray:
    """The weights after one step, θ − η g.

    theta and grad are (P,), the learning rate η is a number; a new array (P,) comes back, and
    theta stays as it is.

    For example 1 − 0.5·2 = 0 and 1 − 0.5·(−4) = 3:

    >>> sgd(np.array([1.0, 1.0]), np.array([2.0, -4.0]), 0.5)
    array([0., 3.])
    """
    # gap begins
    return theta - learning_rate * grad
    # gap ends
