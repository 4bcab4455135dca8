"""The convolution as one product of matrices: "im2col", images to columns.

All patches are laid into a matrix X, and all filters into a matrix K. Then the convolution is the
dense layer of exercise 01, and so are its gradients. Here a patch is a row of X, as a sample is.
(minnet lays it into a column, which is the same matrix transposed.) Images are (N, rows, columns,
C), W is (h, w, C, F), b is (F,); there is no margin, and the window moves by one.
"""

import numpy as np


def im2col(x: np.ndarray, h: int, w: int) -> np.ndarray:
    """The matrix of all patches: a row for each place of the window.

    The rows go through the images n, in each through the rows i of places, in each through the
    places j. Within a row the numbers of the patch x[n, i : i + h, j : j + w] stand as they lie:
    row by row u, in it pixel by pixel v, in it channel by channel c. So the matrix is
    (N · (rows − h + 1) · (columns − w + 1), h · w · C).

    For example the image with rows 1 2 3 and 4 5 6 has two patches of 2×2:

    >>> im2col(np.arange(1.0, 7.0).reshape(1, 2, 3, 1), 2, 2)
    array([[1., 2., 4., 5.],
           [2., 3., 5., 6.]])
    """
    # gap begins
    N, rows, columns = x.shape[0], x.shape[1] - h + 1, x.shape[2] - w + 1
    patches = [
        x[n, i : i + h, j : j + w].ravel()
        for n in range(N)
        for i in range(rows)
        for j in range(columns)
    ]
    return np.array(patches)
    # gap ends


def im2col_forward(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The output of a convolution, as one product: Y = X K + b.

    K is (h · w · C, F), a column for each filter, its numbers in the order of a patch. Y has a row
    for each place and a column for each filter; y is Y in the shape
    (N, rows − h + 1, columns − w + 1, F). You may call your `im2col`.

    For example "right minus left", with b = 10: (3 − 1) + 10 = 12 and (6 − 3) + 10 = 13:

    >>> x = np.array([1.0, 3.0, 6.0]).reshape(1, 1, 3, 1)
    >>> W = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    >>> im2col_forward(x, W, np.array([10.0])).ravel()
    array([12., 13.])
    """
    # gap begins
    h, w, _, F = W.shape
    K = W.reshape(-1, F)
    Y = im2col(x, h, w) @ K + b
    return Y.reshape(x.shape[0], x.shape[1] - h + 1, x.shape[2] - w + 1, F)
    # gap ends


def im2col_backward(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients with respect to x, W and b, from dy = ∂L/∂y.

    With dY, which is dy with a row for each place, they are those of a dense layer:

        dK = Xᵀ dY        db = Σ over the rows of dY        dX = dY Kᵀ

    dW is dK in the shape of W. A row of dX is the gradient of one patch, and dx gathers them: each
    is *added* where its patch was cut out, since a pixel may lie in several patches. dx, dW and db
    have the shapes of x, W and b.

    For example the pixel in the middle lies in both patches: dx is 5·(−1), 5·1 + 7·(−1), 7·1:

    >>> x = np.array([1.0, 3.0, 6.0]).reshape(1, 1, 3, 1)
    >>> W = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    >>> dx, dW, db = im2col_backward(x, W, np.array([5.0, 7.0]).reshape(1, 1, 2, 1))
    >>> dx.ravel(), dW.ravel(), db
    (array([-5., -2.,  7.]), array([26., 57.]), array([12.]))
    """
    # gap begins
    h, w, C, F = W.shape
    N, rows, columns, _ = dy.shape
    K, dY = W.reshape(-1, F), dy.reshape(-1, F)
    dW = (im2col(x, h, w).T @ dY).reshape(W.shape)
    db = dY.sum(axis=0)
    dX = (dY @ K.T).reshape(N, rows, columns, h, w, C)
    dx = np.zeros(x.shape)
    for i in range(rows):
        for j in range(columns):
            dx[:, i : i + h, j : j + w] += dX[:, i, j]
    return dx, dW, db
    # gap ends
