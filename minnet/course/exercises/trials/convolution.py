"""Convolution by loops: windows, the filter's direction, and what has to add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.convolution import conv_backward, conv_forward
from minnet.course.exercises.trials.drawing import Draw, derivative, seeds, whole
from minnet.foundation.checks import Array

Gradients = tuple[Any, Any, Any]
"""dx, dW and db."""

few = st.integers(1, 2)
"""N, C, F, and the sides of the window."""

more = st.integers(0, 2)
"""By how much an image is larger than the window."""


@st.composite
def forwards(draw: Draw) -> Given:
    """x, W and b."""
    N, h, w, C, F = (draw(few) for _ in range(5))
    x, W, b = whole(draw(seeds), (N, h + draw(more), w + draw(more), C), (h, w, C, F), (F,))
    return {"x": x, "W": W, "b": b}


@st.composite
def backwards(draw: Draw) -> Given:
    """x, W and dy."""
    N, h, w, C, F = (draw(few) for _ in range(5))
    rows, columns = draw(more), draw(more)
    x, W, dy = whole(
        draw(seeds), (N, h + rows, w + columns, C), (h, w, C, F), (N, rows + 1, columns + 1, F)
    )
    return {"x": x, "W": W, "dy": dy}


def patches(x: Array, h: int, w: int) -> Array:
    """(N, rows, columns, h, w, C): the patch of each place."""
    return sliding_window_view(x, (h, w), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)


def convolved(x: Array, W: Array, b: Any = 0.0) -> Array:
    """y, in one line."""
    return np.asarray(np.einsum("nijuvc,uvcf->nijf", patches(x, *W.shape[:2]), W) + b)


def measured(x: Array, W: Array, dy: Array) -> Gradients:
    """dx, dW and db of L = Σ dy · y, which has the gradient dy with respect to y."""
    return (
        derivative(lambda x: (dy * convolved(x, W)).sum(), x),
        derivative(lambda W: (dy * convolved(x, W)).sum(), W),
        derivative(lambda b: (dy * convolved(x, W, b)).sum(), np.zeros(W.shape[3])),
    )


def turned(W: Array) -> Array:
    """Each filter turned round, as the convolution of mathematics has it."""
    return W[::-1, ::-1]


def gathered(parts: Array, x: Array, *, add: bool = True) -> Array:
    """Parts (N, rows, columns, h, w, C), each put where its patch was; added, or written over."""
    _, rows, columns, h, w, _ = parts.shape
    dx = np.zeros(x.shape)
    for i in range(rows):
        for j in range(columns):
            before = dx[:, i : i + h, j : j + w] if add else 0.0
            dx[:, i : i + h, j : j + w] = before + parts[:, i, j]
    return dx


def dx_parts(W: Array, dy: Array) -> Array:
    """What each place sends to its patch."""
    return np.asarray(np.einsum("nijf,uvcf->nijuvc", dy, W))


def changed(
    dx: Callable[..., Any] | None = None,
    dW: Callable[..., Any] | None = None,
    db: Callable[..., Any] | None = None,
) -> Callable[..., Gradients]:
    """The right gradients, but for those that are made otherwise."""

    def formula(x: Array, W: Array, dy: Array) -> Gradients:
        right = conv_backward(x, W, dy)
        given = {"x": x, "W": W, "dy": dy}
        dx_, dW_, db_ = (
            value if other is None else other(value, **given)
            for value, other in zip(right, (dx, dW, db), strict=True)
        )
        return dx_, dW_, db_

    return formula


def last_window(dW: Array, x: Array, W: Array, dy: Array) -> Array:
    """dW that is written over in every window: the last one stays."""
    h, w = W.shape[:2]
    patch = patches(x, h, w)[-1, -1, -1]
    return np.asarray(patch[..., np.newaxis] * dy[-1, -1, -1])


def last_filter(dx: Array, x: Array, W: Array, dy: Array) -> Array:
    """dx that is written over in every window by every filter: the last one stays."""
    return gathered(dx_parts(W[..., -1:], dy[..., -1:]), x, add=False)


def side_by_side(x: Array, W: Array, b: Array) -> Array:
    """Windows that do not overlap."""
    h, w = W.shape[:2]
    return convolved(x, W, b)[:, ::h, ::w]


def with_margin(x: Array, W: Array, b: Array) -> Array:
    """Zeros around the image, so that y is as large as it."""
    h, w = (side - 1 for side in W.shape[:2])
    around = [(0, 0), (h // 2, h - h // 2), (w // 2, w - w // 2), (0, 0)]
    return convolved(np.pad(x, around), W, b)


FORWARD_MISTAKES = (
    KnownMistake("b is missing: b[f] is added at every place.", lambda x, W, b: convolved(x, W)),
    KnownMistake(
        "The sum of b is added everywhere; filter f should get b[f] alone.",
        lambda x, W, b: convolved(x, W, b.sum()),
    ),
    KnownMistake(
        "The windows lie side by side. They should overlap: the window moves by one pixel, "
        "so there are rows − h + 1 places, one below the other.",
        side_by_side,
    ),
    KnownMistake(
        "The image is padded with zeros. Only places where the whole filter fits count, so y "
        "is smaller than x.",
        with_margin,
    ),
    KnownMistake(
        "The last place is missing, at the bottom and at the right: there are rows − h + 1 "
        "places, and range(rows − h) stops one too early.",
        lambda x, W, b: convolved(x, W, b)[:, :-1, :-1],
    ),
    KnownMistake(
        "The channels should come last: y is (N, rows, columns, F).",
        lambda x, W, b: convolved(x, W, b).transpose(0, 3, 1, 2),
    ),
)
"""What goes wrong by loops and by matrices alike."""

BACKWARD_MISTAKES = (
    KnownMistake(
        "The filter is turned round in dx. At each place the patch grows by dy · W as it is; "
        "turning belongs to another way of writing it.",
        changed(dx=lambda dx, x, W, dy: gathered(dx_parts(turned(W), dy), x)),
    ),
    KnownMistake(
        "dW is turned round: W[u, v] meets the pixel u rows down and v columns right in each "
        "patch.",
        changed(dW=lambda dW, **_: turned(dW)),
    ),
    KnownMistake(
        "dW is divided by N once too often: the loss is a mean, so dy is divided by N already.",
        changed(dW=lambda dW, x, **_: dW / len(x)),
    ),
    KnownMistake(
        "db is a mean, and should be the sum: b is added at every place of every image.",
        changed(db=lambda db, dy, **_: dy.mean(axis=(0, 1, 2))),
    ),
    KnownMistake(
        "db is one number, summed over everything; there is one for each filter.",
        changed(db=lambda db, dy, **_: dy.sum()),
    ),
    KnownMistake(
        "db is summed over the images alone: b[f] is added at every place too, so sum over the "
        "first three axes.",
        changed(db=lambda db, dy, **_: dy.sum(axis=0)),
    ),
    KnownMistake(
        "dy is missing in dx: what comes from above multiplies the filter.",
        changed(dx=lambda dx, x, W, dy: gathered(dx_parts(W, np.ones_like(dy)), x)),
    ),
    KnownMistake(
        "dy is missing in dW: what comes from above multiplies the patch.",
        changed(dW=lambda dW, x, W, dy: conv_backward(x, W, np.ones_like(dy))[1]),
    ),
)
"""What goes wrong by loops and by matrices alike."""

GAPS = (
    Gap(
        conv_forward,
        ("y",),
        "y[n, i, j, f] = b[f] + Σ_uvc x[n, i + u, j + v, c] · W[u, v, c, f]",
        (Trial(forwards(), expecting(convolved, "y")),),
        (
            *FORWARD_MISTAKES,
            KnownMistake(
                "The filter is turned round. Here it lies on the image as it is: x[i + u, j + v] "
                "meets W[u, v].",
                lambda x, W, b: convolved(x, turned(W), b),
            ),
            KnownMistake(
                "Only one channel is used: the sum goes over all channels c.",
                lambda x, W, b: convolved(x[..., :1], W[:, :, :1], b),
            ),
            KnownMistake(
                "This is the mean over the patch; it should be the sum.",
                lambda x, W, b: convolved(x, W) / np.prod(W.shape[:3]) + b,
            ),
            KnownMistake(
                "The patches are added up without the filter: each pixel is multiplied by its "
                "weight first.",
                lambda x, W, b: convolved(x, np.ones_like(W), b),
            ),
            KnownMistake(
                "b is added for every number of the patch. Add it once, outside of the sum.",
                lambda x, W, b: convolved(x, W, b * np.prod(W.shape[:3])),
            ),
        ),
    ),
    Gap(
        conv_backward,
        ("dx", "dW", "db"),
        "dx of the patch grows by dy · W, dW by dy · patch, db by dy, at every place",
        (Trial(backwards(), expecting(measured, "dx", "dW", "db")),),
        (
            KnownMistake(
                "dx is overwritten. A pixel lies under several windows, so their shares add "
                "up: += in place of =.",
                changed(dx=last_filter),
            ),
            KnownMistake(
                "dx is overwritten. A pixel lies under several windows, so their shares add "
                "up: += in place of =.",
                changed(dx=lambda dx, x, W, dy: gathered(dx_parts(W, dy), x, add=False)),
            ),
            KnownMistake(
                "dW is overwritten. A filter meets every window, so their shares add up: += "
                "in place of =.",
                changed(dW=last_window),
            ),
            KnownMistake(
                "dx and dW are overwritten. The shares of all windows add up: += in place of =.",
                changed(dx=last_filter, dW=last_window),
            ),
            *BACKWARD_MISTAKES,
        ),
    ),
)
