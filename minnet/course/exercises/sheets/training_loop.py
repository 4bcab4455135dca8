"""The training loop: batches in random order, a step after each, and a look at other data."""

from collections.abc import Callable

import numpy as np


def train(
    theta: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    x_val: np.ndarray,
    y_val: np.ndarray,
    loss_and_gradient: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    learning_rate: float,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[float]]:
    """Train by mini-batch gradient descent; return theta and the validation loss of each epoch.

    In every epoch:

    - draw a new order of the N rows of x, with rng (rng.permutation(N) gives one);
    - take the rows in this order, batch_size at a time, x with its y. The last batch may be
      shorter; it counts like the others;
    - for each batch call loss_and_gradient(theta, x of the batch, y of the batch), which returns
      the loss and the gradient, and make the step θ ← θ − η g before the next batch is looked at;
    - at the end of the epoch, call loss_and_gradient(theta, x_val, y_val) once: its loss is the
      entry of the history for this epoch, and its gradient is not used.

    theta is (P,), x is (N, D), y is (N,), x_val and y_val are data that are not trained on. A new
    theta comes back, with a list of `epochs` numbers; what was handed in stays as it is.

    For example, the loss (θ − 3)² has the gradient 2 (θ − 3) whatever the data. From θ = 0 with
    η = 0.25 two batches move θ to 1.5 and to 2.25, where the loss is 0.75² = 0.5625:

    >>> def loss_and_gradient(theta, x, y):
    ...     return float((theta[0] - 3) ** 2), 2 * (theta - 3)
    >>> x, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
    >>> rng = np.random.default_rng(0)
    >>> train(np.array([0.0]), x, y, x[:1], y[:1], loss_and_gradient, 0.25, 2, 1, rng)
    (array([2.25]), [0.5625])
    """
    # gap begins
    history = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            _, grad = loss_and_gradient(theta, x[rows], y[rows])
            theta = theta - learning_rate * grad
        loss, _ = loss_and_gradient(theta, x_val, y_val)
        history.append(loss)
    return theta, history
    # gap ends
