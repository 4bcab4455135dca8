"""Momentum: the weights roll downhill, and gather speed where the gradient keeps its direction."""

import numpy as np


def momentum_step(
    theta: np.ndarray, v: np.ndarray, grad: np.ndarray, learning_rate: float, momentum: float
) -> tuple[np.ndarray, np.ndarray]:
    """The weights and the velocity after one step of gradient descent with momentum.

        v ← μ v − η g
        θ ← θ + v      with the v just made

    theta, v and grad are (P,), the learning rate η and the momentum μ are numbers. New arrays
    theta and v come back; those handed in stay as they are. (Keras' form: the velocity has the
    learning rate in it already.)

    For example v = 0.5·2 − 0.1·10 = 0, and then 0.5·(−4) − 0.1·10 = −3, which moves 1 to −2:

    >>> theta, v = np.array([1.0, 1.0]), np.array([2.0, -4.0])
    >>> theta, v = momentum_step(theta, v, np.array([10.0, 10.0]), 0.1, 0.5)
    >>> theta
    array([ 1., -2.])
    >>> v
    array([ 0., -3.])
    """
    # gap begins
    v = momentum * v - learning_rate * grad
    return theta + v, v
    # gap ends
