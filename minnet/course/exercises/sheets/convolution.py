"""The convolution of images by loops: forward and backward, one window after another.

Images are (N, rows, columns, C), with the C channels last. A filter of h rows and w columns is laid
on every place where it fits, without a margin, so an image of 5×6 has (5 − h + 1) × (6 − w + 1)
places. There are F filters, W is (h, w, C, F) and b is (F,). Loops are slow, and say what happens.
"""

import numpy as np


def conv_forward(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The output of a convolution: at each place the dot product of the filter and the patch.

        y[n, i, j, f] = b[f] + Σ_uvc x[n, i + u, j + v, c] · W[u, v, c, f]

    The patch of place (i, j) is x[n, i : i + h, j : j + w], of shape (h, w, C). The filter is not
    turned round. y is (N, rows − h + 1, columns − w + 1, F).

    For example a filter of 1×2 with −1 and 1 gives "right minus left", and b = 10 is added:
    (3 − 1) + 10 = 12 and (6 − 3) + 10 = 13:

    >>> x = np.array([1.0, 3.0, 6.0]).reshape(1, 1, 3, 1)
    >>> W = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    >>> conv_forward(x, W, np.array([10.0])).ravel()
    array([12., 13.])
    """
    # gap begins
    h, w, _, F = W.shape
    N, rows, columns = x.shape[0], x.shape[1] - h + 1, x.shape[2] - w + 1
    y = np.zeros((N, rows, columns, F))
    for n in range(N):
        for i in range(rows):
            for j in range(columns):
                patch = x[n, i : i + h, j : j + w]
                for f in range(F):
                    y[n, i, j, f] = (patch * W[..., f]).sum() + b[f]
    return y
    # gap ends


def conv_backward(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of the loss with respect to x, W and b, from dy = ∂L/∂y.

    Go through the places again. At (n, i, j, f) the number dy[n, i, j, f] belongs to a sum over the
    patch times the filter, so

        dx of the patch grows by   dy[n, i, j, f] · W[:, :, :, f]
        dW[:, :, :, f] grows by    dy[n, i, j, f] · the patch
        db[f] grows by             dy[n, i, j, f]

    They *grow*: a pixel lies under several windows, and a filter meets them all. There is no 1/N:
    it is in dy already. dx, dW and db have the shapes of x, W and b.

    For example the pixel in the middle lies under both windows: dx is 5·(−1), 5·1 + 7·(−1), 7·1.
    dW is 5·1 + 7·3 = 26 and 5·3 + 7·6 = 57, and db is 5 + 7:

    >>> x = np.array([1.0, 3.0, 6.0]).reshape(1, 1, 3, 1)
    >>> W = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    >>> dx, dW, db = conv_backward(x, W, np.array([5.0, 7.0]).reshape(1, 1, 2, 1))
    >>> dx.ravel(), dW.ravel(), db
    (array([-5., -2.,  7.]), array([26., 57.]), array([12.]))
    """
    # gap begins
    h, w, _, F = W.shape
    N, rows, columns, _ = dy.shape
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(F)
    for n in range(N):
        for i in range(rows):
            for j in range(columns):
                patch = x[n, i : i + h, j : j + w]
                for f in range(F):
                    dx[n, i : i + h, j : j + w] += dy[n, i, j, f] * W[..., f]
                    dW[..., f] += dy[n, i, j, f] * patch
                    db[f] += dy[n, i, j, f]
    return dx, dW, db
    # gap ends
