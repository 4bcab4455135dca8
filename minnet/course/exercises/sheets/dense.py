"""The dense layer: forward, backward and gradient.

A dense layer multiplies each row of x by a matrix W and adds b. Rows are samples: N samples,
D inputs, M outputs. L is the loss, one number; dy is ∂L/∂y, which comes from above.
"""

import numpy as np


def dense_forward(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The output of a dense layer, y = x W + b.

    x is (N, D), W is (D, M), b is (M,), and y is (N, M): b is added to every row.

    For example 1·3 + 2·5 + 10 = 23 and 1·4 + 2·6 + 20 = 36:

    >>> x = np.array([[1.0, 2.0]])
    >>> W = np.array([[3.0, 4.0], [5.0, 6.0]])
    >>> b = np.array([10.0, 20.0])
    >>> dense_forward(x, W, b)
    array([[23., 36.]])
    """
    # gap begins
    return x @ W + b
    # gap ends


def dense_backward(dy: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The gradient of the loss with respect to x, dx = dy Wᵀ.

    x[n, i] goes into every output j of its row, with the weight W[i, j], so
    ∂L/∂x[n, i] = Σ_j dy[n, j] · W[i, j]. dy is (N, M), W is (D, M), and dx is (N, D) as x is.

    For example 1·3 + 2·4 = 11 and 1·5 + 2·6 = 17:

    >>> dy = np.array([[1.0, 2.0]])
    >>> W = np.array([[3.0, 4.0], [5.0, 6.0]])
    >>> dense_backward(dy, W)
    array([[11., 17.]])
    """
    # gap begins
    return dy @ W.T
    # gap ends


def dense_gradient(x: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of the loss with respect to W and b, dW = xᵀ dy and db = Σ_n dy[n].

    W[i, j] meets every sample, so ∂L/∂W[i, j] = Σ_n x[n, i] · dy[n, j]; b[j] is added to every
    row, so ∂L/∂b[j] = Σ_n dy[n, j]. x is (N, D), dy is (N, M); dW is (D, M) and db is (M,), as
    W and b are. There is no 1/N: it is in dy already, because the loss is a mean.

    For example 1·5 + 2·7 = 19 and 3·5 + 4·7 = 43, and 5 + 7 = 12:

    >>> x = np.array([[1.0, 3.0], [2.0, 4.0]])
    >>> dy = np.array([[5.0], [7.0]])
    >>> dW, db = dense_gradient(x, dy)
    >>> dW
    array([[19.],
           [43.]])
    >>> db
    array([12.])
    """
    # gap begins
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dW, db
    # gap ends
