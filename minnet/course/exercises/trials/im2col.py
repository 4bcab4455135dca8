"""Convolution as a product of matrices: the order of patches and filters, and the way back."""

from __future__ import annotations

from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.im2col import im2col, im2col_backward, im2col_forward
from minnet.course.exercises.trials.convolution import (
    BACKWARD_MISTAKES,
    FORWARD_MISTAKES,
    Gradients,
    backwards,
    changed,
    convolved,
    dx_parts,
    few,
    forwards,
    gathered,
    measured,
    more,
    patches,
)
from minnet.course.exercises.trials.drawing import Draw, seeds, whole
from minnet.foundation.checks import Array


@st.composite
def images(draw: Draw) -> Given:
    """x, h and w."""
    N, h, w, C = (draw(few) for _ in range(4))
    (x,) = whole(draw(seeds), (N, h + draw(more), w + draw(more), C))
    return {"x": x, "h": h, "w": w}


def unrolled(x: Array, h: int, w: int) -> Array:
    """The matrix, in one line."""
    return patches(x, h, w).reshape(-1, h * w * x.shape[3])


def mixed(W: Array) -> Array:
    """K by a reshape that takes the filters for the first axis of W."""
    return W.reshape(W.shape[3], -1).T


def forward_of(K: Array, x: Array, W: Array, b: Array) -> Array:
    """y with another K."""
    h, w, _, F = W.shape
    y = patches(x, h, w).reshape(-1, len(K)) @ K + b
    return y.reshape(*patches(x, h, w).shape[:3], F)


def channels_first(x: Array, W: Array, b: Array) -> Array:
    """Patches in the order (c, u, v), filters in that of W."""
    h, w, C, F = W.shape
    X = patches(x, h, w).transpose(0, 1, 2, 5, 3, 4).reshape(-1, h * w * C)
    return (X @ W.reshape(-1, F) + b).reshape(*patches(x, h, w).shape[:3], F)


def flat(x: Array, W: Array, b: Array) -> Array:
    """Y as a matrix."""
    return convolved(x, W, b).reshape(-1, W.shape[3])


def moved_axis(x: Array, W: Array, b: Array) -> Array:
    """y that a reshape was to bring into the shape (N, F, rows, columns)."""
    N, rows, columns, F = convolved(x, W, b).shape
    return convolved(x, W, b).reshape(N, F, rows, columns)


def with_mixed_filters(x: Array, W: Array, dy: Array) -> Gradients:
    """dX by a K that mixes the filters."""
    F = W.shape[3]
    dX = dy.reshape(-1, F) @ mixed(W).T
    _, dW, db = im2col_backward(x, W, dy)
    return gathered(dX.reshape(*dy.shape[:3], *W.shape[:3]), x), dW, db


GAPS = (
    Gap(
        im2col,
        ("X",),
        "a row for each (n, i, j), with the numbers of x[n, i : i + h, j : j + w] as they lie",
        (Trial(images(), expecting(unrolled, "X")),),
        (
            KnownMistake(
                "Each patch is a column here. It should be a row, as a sample is.",
                lambda x, h, w: unrolled(x, h, w).T,
            ),
            KnownMistake(
                "The numbers of a patch are in the order (c, u, v). The channels lie last in x, "
                "and should stay last: x[n, i : i + h, j : j + w].ravel().",
                lambda x, h, w: (
                    patches(x, h, w).transpose(0, 1, 2, 5, 3, 4).reshape(-1, h * w * x.shape[3])
                ),
            ),
            KnownMistake(
                "The numbers of a patch go down its columns, and should go along its rows: u is "
                "the outer loop, v the inner one.",
                lambda x, h, w: (
                    patches(x, h, w).transpose(0, 1, 2, 4, 3, 5).reshape(-1, h * w * x.shape[3])
                ),
            ),
            KnownMistake(
                "The places go down the columns of the image, and should go along its rows: i is "
                "the outer loop, j the inner one.",
                lambda x, h, w: (
                    patches(x, h, w).transpose(0, 2, 1, 3, 4, 5).reshape(-1, h * w * x.shape[3])
                ),
            ),
            KnownMistake(
                "The images are the innermost loop, and should be the outermost: first all patches "
                "of one image.",
                lambda x, h, w: (
                    patches(x, h, w).transpose(1, 2, 0, 3, 4, 5).reshape(-1, h * w * x.shape[3])
                ),
            ),
            KnownMistake(
                "The windows lie side by side. They should overlap: the window moves by one pixel.",
                lambda x, h, w: patches(x, h, w)[:, ::h, ::w].reshape(-1, h * w * x.shape[3]),
            ),
            KnownMistake(
                "The last place is missing, at the bottom and at the right: there are rows − "
                "h + 1 places, and range(rows − h) stops one too early.",
                lambda x, h, w: patches(x, h, w)[:, :-1, :-1].reshape(-1, h * w * x.shape[3]),
            ),
            KnownMistake(
                "The patches of all images stand in an array of four axes; X is a matrix, a row "
                "for each place of each image.",
                lambda x, h, w: patches(x, h, w).reshape(
                    *patches(x, h, w).shape[:3], h * w * x.shape[3]
                ),
            ),
        ),
    ),
    Gap(
        im2col_forward,
        ("y",),
        "Y = X K + b, with K = W in the shape (h w C, F), and y is Y in the shape of images",
        (Trial(forwards(), expecting(convolved, "y")),),
        (
            *FORWARD_MISTAKES,
            KnownMistake(
                "K mixes the filters: they are the last axis of W, so K = W.reshape(-1, F).",
                lambda x, W, b: forward_of(mixed(W), x, W, b),
            ),
            KnownMistake(
                "The patches are in the order (c, u, v), and K is in that of W, (u, v, c). Both "
                "need the same order.",
                channels_first,
            ),
            KnownMistake(
                "y is still a matrix. Bring Y into the shape (N, rows − h + 1, columns − w + 1, "
                "F).",
                flat,
            ),
            KnownMistake(
                "y is (N, F, …), and its numbers are mixed up, since reshape moves no axis. "
                "The filters are the last axis of Y, and stay the last axis of y.",
                moved_axis,
            ),
            KnownMistake(
                "The filters are turned round. Here they lie on the image as they are: K is "
                "W.reshape(-1, F).",
                lambda x, W, b: convolved(x, W[::-1, ::-1], b),
            ),
        ),
    ),
    Gap(
        im2col_backward,
        ("dx", "dW", "db"),
        "dK = Xᵀ dY, db = Σ over the rows of dY, dX = dY Kᵀ, gathered into dx",
        (Trial(backwards(), expecting(measured, "dx", "dW", "db")),),
        (
            KnownMistake(
                "The patches of dX overwrite each other. A pixel lies in several of them, so "
                "they add up: += in place of =.",
                changed(dx=lambda dx, x, W, dy: gathered(dx_parts(W, dy), x, add=False)),
            ),
            KnownMistake(
                "dW mixes the filters: dK is (h w C, F), so reshape it to W.shape as it is, "
                "without a transpose.",
                changed(dW=lambda dW, W, **_: dW.reshape(-1, W.shape[3]).T.reshape(W.shape)),
            ),
            KnownMistake(
                "dW is still the matrix dK. Bring it into the shape of W: dK.reshape(W.shape).",
                changed(dW=lambda dW, W, **_: dW.reshape(-1, W.shape[3])),
            ),
            KnownMistake(
                "K mixes the filters: they are the last axis of W, so K = W.reshape(-1, F), and "
                "dX = dY @ K.T.",
                with_mixed_filters,
            ),
            *BACKWARD_MISTAKES,
        ),
    ),
)
