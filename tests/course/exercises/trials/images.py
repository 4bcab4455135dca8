"""Answers for convolution, by loops and as a product of matrices."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minnet.course.exercises.sheets.convolution import conv_backward, conv_forward
from minnet.course.exercises.sheets.im2col import im2col
from tests.course.exercises.trials.answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right


# --- by loops -------------------------------------------------------------------------------------


def by_windows(x, W, step=1, last=0, read=lambda W: W):
    """Loops over the window, not over the places."""
    h, w, _, F = W.shape
    rows, columns = x.shape[1] - h + 1 - last, x.shape[2] - w + 1 - last
    y = np.zeros((len(x), rows, columns, F))
    for u in range(h):
        for v in range(w):
            y += x[:, u : u + rows, v : v + columns] @ read(W)[u, v]
    return y[:, ::step, ::step]


@right("conv_forward")
def forward_by_windows(x, W, b):
    return by_windows(x, W) + b


@right("conv_forward")
def forward_einsum(images, filters, bias):
    views = sliding_window_view(images, filters.shape[:2], axis=(1, 2))
    return np.einsum("nijcuv,uvcf->nijf", views, filters) + bias


@right("conv_forward")
def forward_seven_loops(x, W, b):
    h, w, C, F = W.shape
    N, H, V, _ = x.shape
    y = np.zeros((N, H - h + 1, V - w + 1, F))
    for n, i, j, f in np.ndindex(y.shape):
        y[n, i, j, f] = b[f]
        for u, v, c in np.ndindex(h, w, C):
            y[n, i, j, f] += x[n, i + u, j + v, c] * W[u, v, c, f]
    return y


@wrong("conv_forward", "b is missing")
def forward_no_bias(x, W, b):
    return by_windows(x, W)


@wrong("conv_forward", "filter f should get b.f. alone")
def forward_all_of_b(x, W, b):
    return by_windows(x, W) + np.sum(b)


@wrong("conv_forward", "turned round")
def forward_turned(x, W, b):
    return by_windows(x, W, read=lambda W: W[::-1, ::-1]) + b


@wrong("conv_forward", "stops one too early")
def forward_one_too_few(x, W, b):
    return by_windows(x, W, last=1) + b


@wrong("conv_forward", "padded with zeros")
def forward_same(x, W, b):
    h, w = W.shape[:2]
    padded = np.zeros((len(x), x.shape[1] + h - 1, x.shape[2] + w - 1, x.shape[3]))
    above, left = (h - 1) // 2, (w - 1) // 2
    padded[:, above : above + x.shape[1], left : left + x.shape[2]] = x
    return by_windows(padded, W) + b


@wrong("conv_forward", "Only one channel")
def forward_one_channel(x, W, b):
    h, w, _, F = W.shape
    y = np.zeros((len(x), x.shape[1] - h + 1, x.shape[2] - w + 1, F))
    for n, i, j, f in np.ndindex(y.shape):
        y[n, i, j, f] = np.sum(x[n, i : i + h, j : j + w, 0] * W[:, :, 0, f]) + b[f]
    return y


@wrong("conv_forward", "mean over the patch")
def forward_mean(x, W, b):
    return by_windows(x, W) / W[..., 0].size + b


@wrong("conv_forward", "added for every number of the patch")
def forward_bias_in_the_sum(x, W, b):
    h, w, _, F = W.shape
    y = np.zeros((len(x), x.shape[1] - h + 1, x.shape[2] - w + 1, F))
    for n, i, j, f in np.ndindex(y.shape):
        y[n, i, j, f] = (x[n, i : i + h, j : j + w] * W[..., f] + b[f]).sum()
    return y


@wrong("conv_forward", "channels should come last")
def forward_as_pytorch(x, W, b):
    return np.moveaxis(by_windows(x, W) + b, -1, 1)


@wrong("conv_forward", "y has the wrong sign")
def forward_minus(x, W, b):
    return -(by_windows(x, W) + b)


def backward_by_places(x, W, dy, *, over=(), turn=False):
    """Loops over places; what is in `over` is written over instead of added."""
    h, w = W.shape[:2]
    F = W[::-1, ::-1] if turn else W
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for n, i, j in np.ndindex(dy.shape[:3]):
        patch = x[n, i : i + h, j : j + w]
        to_x, to_W = F @ dy[n, i, j], patch[..., None] * dy[n, i, j]
        dx[n, i : i + h, j : j + w] = to_x + (0 if "dx" in over else dx[n, i : i + h, j : j + w])
        dW = to_W + (0 if "dW" in over else dW)
    return dx, dW, dy.sum(axis=(0, 1, 2))


@right("conv_backward", "im2col_backward")
def backward_of_places(x, W, dy):
    return backward_by_places(x, W, dy)


@right("conv_backward", "im2col_backward")
def backward_by_windows(x, W, dy):
    h, w = W.shape[:2]
    rows, columns = dy.shape[1:3]
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for u, v in np.ndindex(h, w):
        dx[:, u : u + rows, v : v + columns] += dy @ W[u, v].T
        dW[u, v] = np.tensordot(x[:, u : u + rows, v : v + columns], dy, ((0, 1, 2),) * 2)
    return dx, dW, np.einsum("nijf->f", dy)


@right("conv_backward", "im2col_backward")
def backward_as_a_convolution(x, W, dy):
    """The filter is turned round, and dy gets a margin."""
    h, w = W.shape[:2]
    padded = np.pad(dy, [(0, 0), (h - 1, h - 1), (w - 1, w - 1), (0, 0)])
    dx = by_windows(padded, W[::-1, ::-1].swapaxes(2, 3))
    return [dx, *conv_backward(x, W, dy)[1:]]


@wrong("conv_backward", r"dx is overwritten.*\+=")
def backward_dx_over(x, W, dy):
    return backward_by_places(x, W, dy, over=("dx",))


@wrong("conv_backward", r"dW is overwritten.*\+=")
def backward_dw_over(x, W, dy):
    return backward_by_places(x, W, dy, over=("dW",))


@wrong("conv_backward", "The filter is turned round in dx")
def backward_turned(x, W, dy):
    return backward_by_places(x, W, dy, turn=True)


@wrong("conv_backward", "dW is divided by N once too often")
def backward_mean(x, W, dy):
    dx, dW, db = backward_by_places(x, W, dy)
    return dx, dW / len(x), db


@wrong("conv_backward", "db is a mean")
def backward_mean_bias(x, W, dy):
    dx, dW, _ = backward_by_places(x, W, dy)
    return dx, dW, np.mean(dy, axis=(0, 1, 2))


@wrong("conv_backward", "db is one number")
def backward_one_number(x, W, dy):
    dx, dW, _ = backward_by_places(x, W, dy)
    return dx, dW, np.sum(dy)


@wrong("conv_backward", "another order: return dx, dW, db")
def backward_other_order(x, W, dy):
    return backward_by_places(x, W, dy)[::-1]


@wrong("conv_backward", "dy belongs to the caller")
def backward_writes_into_dy(x, W, dy):
    dy /= 2
    return backward_by_places(x, W, 2 * dy)


# --- as a product of matrices ---------------------------------------------------------------------


@right("im2col")
def unrolled_by_views(x, h, w):
    views = np.moveaxis(sliding_window_view(x, (h, w), axis=(1, 2)), 3, -1)
    return views.reshape(-1, h * w * x.shape[3])


@right("im2col")
def unrolled_by_windows(images, height, width):
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    pieces = [images[:, u : u + rows, v : v + columns] for u in range(height) for v in range(width)]
    return np.concatenate(pieces, axis=3).reshape(len(images) * rows * columns, -1)


def loops(x, h, w, order="nij", pixels="uvc", last=0, step=1):
    """Patches in any order."""
    rows, columns = x.shape[1] - h + 1 - last, x.shape[2] - w + 1 - last
    ranges = {"n": range(len(x)), "i": range(0, rows, step), "j": range(0, columns, step)}
    names = [
        (a, b, c) for a in ranges[order[0]] for b in ranges[order[1]] for c in ranges[order[2]]
    ]
    axes = ["uvc".index(name) for name in pixels]
    patches = []
    for triple in names:
        at = dict(zip(order, triple, strict=True))
        patch = x[at["n"], at["i"] : at["i"] + h, at["j"] : at["j"] + w]
        patches.append(patch.transpose(axes).ravel())
    return np.array(patches).reshape(-1, h * w * x.shape[3])


@wrong("im2col", "Each patch is a column")
def unrolled_columns(x, h, w):
    return loops(x, h, w).T


@wrong("im2col", "in the order .c, u, v.")
def unrolled_channels_first(x, h, w):
    return loops(x, h, w, pixels="cuv")


@wrong("im2col", "go down its columns")
def unrolled_patches_down(x, h, w):
    return loops(x, h, w, pixels="vuc")


@wrong("im2col", "places go down the columns")
def unrolled_places_down(x, h, w):
    return loops(x, h, w, order="nji")


@wrong("im2col", "images are the innermost loop")
def unrolled_images_last(x, h, w):
    return loops(x, h, w, order="ijn")


@wrong("im2col", "stops one too early")
def unrolled_one_too_few(x, h, w):
    return loops(x, h, w, last=1)


@wrong("im2col", "array of four axes")
def unrolled_not_flat(x, h, w):
    rows, columns = x.shape[1] - h + 1, x.shape[2] - w + 1
    return loops(x, h, w).reshape(len(x), rows, columns, -1)


def by_matrix(x, W, b, K=None, X=None):
    h, w, _, F = W.shape
    X = im2col(x, h, w) if X is None else X
    Y = X @ (W.reshape(-1, F) if K is None else K) + b
    return Y.reshape(len(x), x.shape[1] - h + 1, -1, F)


@right("im2col_forward")
def matrix_of_columns(x, W, b):
    """As minnet has it: patches in columns, Y = Kᵀ X + b."""
    h, w, _, F = W.shape
    Y = W.reshape(-1, F).T @ im2col(x, h, w).T + b[:, None]
    return np.moveaxis(Y.reshape(F, len(x), x.shape[1] - h + 1, -1), 0, -1)


@right("im2col_forward")
def matrix_by_tensordot(x, W, b):
    views = sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.tensordot(views, W.transpose(2, 0, 1, 3), ((3, 4, 5), (0, 1, 2))) + b


@right("im2col_forward")
def matrix_of_loops(x, W, b):
    return conv_forward(x, W, b)


@wrong("im2col_forward", "b is missing")
def matrix_no_bias(x, W, b):
    return by_matrix(x, W, 0.0)


@wrong("im2col_forward", r"K mixes the filters.*W\.reshape\(-1, F\)")
def matrix_mixed(x, W, b):
    return by_matrix(x, W, b, K=W.reshape(W.shape[3], -1).T)


@wrong("im2col_forward", "Both need the same order")
def matrix_channels_first(x, W, b):
    return by_matrix(x, W, b, X=loops(x, *W.shape[:2], pixels="cuv"))


@wrong("im2col_forward", "y is still a matrix")
def matrix_flat(x, W, b):
    return by_matrix(x, W, b).reshape(-1, W.shape[3])


@wrong("im2col_forward", "reshape moves no axis")
def matrix_moved(x, W, b):
    y = by_matrix(x, W, b)
    return y.reshape(y.shape[0], y.shape[3], y.shape[1], y.shape[2])


@wrong("im2col_forward", "The filters are turned round")
def matrix_turned(x, W, b):
    return by_matrix(x, W, b, K=W[::-1, ::-1].reshape(-1, W.shape[3]))


@wrong("im2col_forward", "filter f should get b.f. alone")
def matrix_all_of_b(x, W, b):
    return by_matrix(x, W, b.sum())


def back(x, W, dy, K=None):
    h, w, C, F = W.shape
    dY = dy.reshape(-1, F)
    dX = dY @ (W.reshape(-1, F) if K is None else K).T
    dx = np.zeros(x.shape)
    for (n, i, j), row in zip(np.ndindex(dy.shape[:3]), dX, strict=True):
        dx[n, i : i + h, j : j + w] += row.reshape(h, w, C)
    return dx, im2col(x, h, w).T @ dY, dY.sum(axis=0)


@wrong("im2col_backward", "dW is still the matrix dK")
def back_flat(x, W, dy):
    return back(x, W, dy)


@wrong("im2col_backward", "dW mixes the filters")
def back_mixed(x, W, dy):
    dx, dK, db = back(x, W, dy)
    return dx, dK.T.reshape(W.shape), db


@wrong("im2col_backward", "K mixes the filters")
def back_mixed_k(x, W, dy):
    dx, dK, db = back(x, W, dy, K=W.reshape(W.shape[3], -1).T)
    return dx, dK.reshape(W.shape), db


@wrong("im2col_backward", "patches of dX overwrite each other")
def back_over(x, W, dy):
    return backward_by_places(x, W, dy, over=("dx",))


@wrong("im2col_backward", "dW is divided by N once too often")
def back_mean(x, W, dy):
    dx, dK, db = back(x, W, dy)
    return dx, dK.reshape(W.shape) / x.shape[0], db


@wrong("im2col_backward", "summed over the images alone")
def back_rows(x, W, dy):
    dx, dK, _ = back(x, W, dy)
    return dx, dK.reshape(W.shape), np.sum(dy, axis=0)


@wrong("im2col_backward", "dy is missing in dx")
def back_without_dy(x, W, dy):
    dx, _, _ = back(x, W, np.ones_like(dy))
    return dx, *conv_backward(x, W, dy)[1:]
