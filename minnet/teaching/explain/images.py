"""How convolution and pooling are explained: one pixel with its patch, and what it meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from minnet.layers import (
    AveragePooling2D,
    Conv2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from minnet.layers.windows import Windows
from minnet.teaching.explain.blocks import Index, Math, Worked
from minnet.teaching.explain.formulas import Computation, LayerFormulas, explains
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.words import (
    DX,
    DY,
    Factor,
    X,
    Y,
    at,
    entry,
    gradient,
    sources,
    sum_of_products,
    symbol,
    value,
)


@explains(Conv2D)
def convolution(step: Step) -> LayerFormulas:
    """Each filter's dot product with the patch under each window."""
    layer = cast("Conv2D", step.layer)
    bias = "b" in layer.parameters
    gradients = {
        "W": Computation(
            Math(
                "∂L/∂W[u, v, c, f] = Σ_nij @dy[n, i, j, f] · @x[n, i·s + u, j·t + v, c]",
                r"\frac{\partial L}{\partial W[u,v,c,f]} = \sum_{n,i,j} @dy[n,i,j,f]"
                r" \cdot @x[n,\, i s + u,\, j t + v,\, c]",
            ),
            Math(
                "dK = X @dyᵀ, with a column of X and of @dy for each window",
                r"\mathrm{d}K = X\, @dy^{\top}",
            ),
            by_hand=_one_weight(step, layer.windows),
        )
    }
    if bias:
        gradients["b"] = Computation(
            Math(
                "∂L/∂b[f] = Σ_nij @dy[n, i, j, f]: b[f] is added in every window",
                r"\frac{\partial L}{\partial b[f]} = \sum_{n,i,j} @dy[n,i,j,f]",
            ),
            by_hand=_one_bias(step),
        )
    b = " + b[f]" if bias else ""
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y[n, i, j, f] = Σ_uvc @x[n, i·s + u, j·t + v, c] · W[u, v, c, f]{b}",
                r"@y[n,i,j,f] = \sum_{u,v,c} @x[n,\, i s + u,\, j t + v,\, c] \cdot W[u,v,c,f]" + b,
            ),
            by_hand=_one_pixel(step, layer.windows),
        ),
        dx=Computation(
            Math(
                "∂L/∂@x[n, p, q, c] = Σ_f @dy[n, i, j, f] · W[u, v, c, f], over all i·s + u = p, "
                "j·t + v = q",
                r"\frac{\partial L}{\partial @x[n,p,q,c]} = \sum_{i s + u = p,\; j t + v = q}"
                r"\; \sum_f @dy[n,i,j,f] \cdot W[u,v,c,f]",
            ),
            by_hand=_one_input(step, layer.windows),
        ),
        gradients=gradients,
        shapes=_shapes(step, layer),
        about=_margin(step, layer.windows),
    )


@explains(MaxPooling2D)
def max_pooling(step: Step) -> LayerFormulas:
    """The largest pixel of each window."""
    layer = cast("MaxPooling2D", step.layer)
    return LayerFormulas(
        y=Computation(
            Math(
                "@y[n, i, j, c] = max over u, v of @x[n, i·s + u, j·t + v, c]",
                r"@y[n,i,j,c] = \max_{u,v} @x[n,\, i s + u,\, j t + v,\, c]",
            ),
            by_hand=_largest(step, layer.windows),
        ),
        dx=Computation(
            Math(
                "∂@y[n, i, j, c]/∂@x = 1 for the first largest pixel of window (i, j), else 0: "
                "that pixel gets @dy[n, i, j, c]",
                r"\frac{\partial @y[n,i,j,c]}{\partial @x} = 1 \text{ for the first largest pixel,"
                r" else } 0",
            )
        ),
        about="A pixel that is the largest of no window gets no gradient.",
    )


@explains(AveragePooling2D)
def average_pooling(step: Step) -> LayerFormulas:
    """The mean of each window."""
    layer = cast("AveragePooling2D", step.layer)
    return LayerFormulas(
        y=Computation(
            Math(
                "@y[n, i, j, c] = 1/m Σ_uv @x[n, i·s + u, j·t + v, c], over m pixels",
                r"@y[n,i,j,c] = \frac{1}{m} \sum_{u,v} @x[n,\, i s + u,\, j t + v,\, c]",
            ),
            by_hand=_mean(step, layer.windows),
        ),
        dx=Computation(
            Math(
                "∂@y[n, i, j, c]/∂@x = 1/m for each pixel of window (i, j): each gets @dy / m",
                r"\frac{\partial @y[n,i,j,c]}{\partial @x} = \frac{1}{m}"
                r" \text{ for each pixel of the window}",
            )
        ),
    )


@explains(GlobalAveragePooling2D)
def global_average_pooling(step: Step) -> LayerFormulas:
    """The mean of each channel."""
    H, W = step.x.shape[1:3]
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y[n, c] = 1/{H * W} Σ_pq @x[n, p, q, c]",
                rf"@y[n,c] = \frac{{1}}{{{H * W}}} \sum_{{p,q}} @x[n,p,q,c]",
            )
        ),
        dx=Computation(
            Math(
                f"∂@y[n, c]/∂@x[n, p, q, c] = 1/{H * W}: every pixel gets @dy[n, c] / {H * W}",
                rf"\frac{{\partial @y[n,c]}}{{\partial @x[n,p,q,c]}} = \frac{{1}}{{{H * W}}}",
            )
        ),
    )


@explains(GlobalMaxPooling2D)
def global_max_pooling(step: Step) -> LayerFormulas:
    """The largest number of each channel."""
    return LayerFormulas(
        y=Computation(
            Math("@y[n, c] = max_pq @x[n, p, q, c]", r"@y[n,c] = \max_{p,q} @x[n,p,q,c]")
        ),
        dx=Computation(
            Math(
                "∂@y[n, c]/∂@x[n, p, q, c] = 1 for the largest pixel, else 0: it gets @dy[n, c]",
                r"\frac{\partial @y[n,c]}{\partial @x[n,p,q,c]} ="
                r" \mathbb{1}[\text{largest of channel } c]",
            )
        ),
    )


@explains(ZeroPadding2D)
def zero_padding(step: Step) -> LayerFormulas:
    """The image in a margin of zeros."""
    (above, _), (left, _) = cast("ZeroPadding2D", step.layer).padding
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y[n, p + {above}, q + {left}, c] = @x[n, p, q, c], and 0 in the margin",
                rf"@y[n,\, p + {above},\, q + {left},\, c] = @x[n,p,q,c]",
            )
        ),
        dx=Computation(
            Math(
                f"every pixel gets @dy[n, p + {above}, q + {left}, c], and the margin is left out",
                r"\frac{\partial L}{\partial @x[n,p,q,c]} ="
                rf" @dy[n,\, p + {above},\, q + {left},\, c]",
            )
        ),
    )


# --- one number by hand ---------------------------------------------------------------------------


def _corner(step: Step, windows: Windows, i: int, j: int) -> tuple[int, int]:
    """The row and column of x where window (i, j) begins; negative in a margin."""
    (above, _), (left, _) = windows.margins(*step.x.shape[1:3])
    return i * windows.strides[0] - above, j * windows.strides[1] - left


def _places(
    step: Step, windows: Windows, i: int, j: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The places of window (i, j) with their pixels, without those in a margin."""
    top, left = _corner(step, windows, i, j)
    for u, v in np.ndindex(windows.size):
        if 0 <= top + u < step.x.shape[1] and 0 <= left + v < step.x.shape[2]:
            yield (u, v), (top + u, left + v)


def _patch(step: Step, windows: Windows, index: Index) -> list[Factor]:
    """The pixels of the window that one number of y comes from, in its channel."""
    n, i, j, c = index
    return [entry(X, step.x, n, p, q, c) for _, (p, q) in _places(step, windows, i, j)]


def _largest(step: Step, windows: Windows) -> Callable[[Index], Worked]:
    """One number of y by hand: the largest of its patch."""

    def work(index: Index) -> Worked:
        pixels = _patch(step, windows, index)
        largest = max(pixels, key=lambda pixel: float(pixel.value))
        numbers = [value(pixel.value, bracketed=False) for pixel in pixels]
        inside = Math(
            f"max({', '.join(number.text for number in numbers)})",
            rf"\max({', '.join(number.latex for number in numbers)})",
        )
        result = value(step.y[index], bracketed=False)
        return Worked(at(Y, *index), [inside, largest.name, result], sources(pixels))

    return work


def _mean(step: Step, windows: Windows) -> Callable[[Index], Worked]:
    """One number of y by hand: the mean of its patch."""

    def work(index: Index) -> Worked:
        pixels = _patch(step, windows, index)
        numbers = [value(pixel.value) for pixel in pixels]
        total = Math(
            f"({' + '.join(number.text for number in numbers)}) / {len(pixels)}",
            rf"\frac{{{' + '.join(number.latex for number in numbers)}}}{{{len(pixels)}}}",
        )
        result = value(step.y[index], bracketed=False)
        return Worked(at(Y, *index), [total, result], sources(pixels))

    return work


def _one_pixel(step: Step, windows: Windows) -> Callable[[Index], Worked]:
    """One number of y by hand."""
    W, b = step.weights["W"], step.weights.get("b")

    def work(index: Index) -> Worked:
        n, i, j, f = index
        terms: list[tuple[Factor, ...]] = [
            (entry(X, step.x, n, p, q, c), entry(symbol("W"), W, u, v, c, f))
            for (u, v), (p, q) in _places(step, windows, i, j)
            for c in range(W.shape[2])
        ]
        if b is not None:
            terms.append((entry(symbol("b"), b, f),))
        return sum_of_products(at(Y, *index), terms, step.y[index])

    return work


def _one_weight(step: Step, windows: Windows) -> Callable[[Index], Worked] | None:
    """One number of dW by hand: the patches' pixels at its place, each with its window's dy."""
    dy = step.dy
    if dy is None or "W" not in step.gradients:
        return None

    def work(index: Index) -> Worked:
        u, v, c, f = index
        terms = []
        for n, i, j in np.ndindex(dy.shape[:3]):
            top, left = _corner(step, windows, i, j)
            p, q = top + u, left + v
            if 0 <= p < step.x.shape[1] and 0 <= q < step.x.shape[2]:
                terms.append((entry(X, step.x, n, p, q, c), entry(DY, dy, n, i, j, f)))
        return sum_of_products(at(gradient(symbol("W")), *index), terms, step.gradients["W"][index])

    return work


def _one_bias(step: Step) -> Callable[[Index], Worked] | None:
    """One number of db by hand: dy of all windows."""
    dy = step.dy
    if dy is None or "b" not in step.gradients:
        return None

    def work(index: Index) -> Worked:
        terms = [(entry(DY, dy, n, i, j, *index),) for n, i, j in np.ndindex(dy.shape[:3])]
        return sum_of_products(at(gradient(symbol("b")), *index), terms, step.gradients["b"][index])

    return work


def _one_input(step: Step, windows: Windows) -> Callable[[Index], Worked] | None:
    """One number of dx by hand, if the way back went on below: all windows with that pixel."""
    W, dy, dx = step.weights["W"], step.dy, step.dx
    if dy is None or dx is None:
        return None

    def work(index: Index) -> Worked:
        n, p, q, c = index
        terms = [
            (entry(DY, dy, n, i, j, f), entry(symbol("W"), W, u, v, c, f))
            for i, j in np.ndindex(dy.shape[1:3])
            for (u, v), pixel in _places(step, windows, i, j)
            if pixel == (p, q)
            for f in range(W.shape[3])
        ]
        if not terms:  # no window holds this pixel
            return Worked(at(DX, *index), [value(dx[index], bracketed=False)])
        return sum_of_products(at(DX, *index), terms, dx[index])

    return work


def _shapes(step: Step, layer: Conv2D) -> str:
    """What becomes of the images' shape."""
    H, W, C = step.x.shape[1:]
    rows, columns, F = step.y.shape[1:]
    (h, w), (s, t) = layer.kernel_size, layer.strides
    sentence = (
        f"A window of {h}×{w} pixels has {rows}×{columns} places on an image of {H}×{W}. "
        f"{'The filter' if F == 1 else f'Each of the {F} filters'} meets {h}·{w}·{C} = {h * w * C} "
        "numbers there."
    )
    if (s, t) != (1, 1):
        sentence += f" It moves by s = {s} rows and t = {t} columns."
    return sentence


def _margin(step: Step, windows: Windows) -> str:
    """A sentence about the margin, if there is one."""
    (above, below), (left, right) = windows.margins(*step.x.shape[1:3])
    if not (above or below or left or right):
        return ""
    return (
        f"Around the image lie {above} + {below} rows and {left} + {right} columns of zeros: index "
        f"i·s + u counts from the first of them, the indices in the line by hand from the image."
    )
