"""Gradients found without their formulas, to hold the formulas against.

For a function f that is smooth and takes complex numbers, f(z + ih) = f(z) + ih f'(z) - h²f''(z)/2
…, so the imaginary part of f(z + ih) / h is f'(z). Nothing is subtracted, so h may be 1e-20, and
the answer is exact to rounding. This file knows nothing of `minnet.teaching`, which does the same
for users.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer, Memo

STEP = 1e-20
TOLERANCE = 1e-10


def derivative(f: Callable[[Array], complex], z: Array) -> Array:
    """df/dz for each entry of z, by complex step; f returns one number."""
    result = np.empty(z.shape)
    for place in np.ndindex(z.shape):
        moved = z.astype(complex)
        moved[place] += 1j * STEP
        result[place] = np.imag(f(moved)) / STEP
    return result


def central_difference(f: Callable[[Array], float], z: Array, step: float = 1e-5) -> Array:
    """df/dz for each entry of z, from f(z ± step): good to 1e-8 or so, for functions of reals."""
    result = np.empty(z.shape)
    for place in np.ndindex(z.shape):
        ends = []
        for sign in (-1.0, 1.0):
            moved = z.copy()
            moved[place] += sign * step
            ends.append(f(moved))
        result[place] = (ends[1] - ends[0]) / (2 * step)
    return result


def assert_close(
    analytic: Array, numeric: Array, what: str = "", tolerance: float = TOLERANCE
) -> None:
    """max |analytic - numeric| ≤ tolerance · max |numeric|, over the whole vector."""
    assert analytic.shape == numeric.shape, f"{what}: {analytic.shape}, not {numeric.shape}"
    if numeric.size:
        error, size = abs(analytic - numeric).max(), abs(numeric).max()
        assert error <= tolerance * size, f"{what}: off by {error:g} beside {size:g}"


def assert_gradients(layer: Layer, x: Array, dy: Array, memo: Memo | None = None) -> None:
    """Compare a layer's backward and gradient with the derivatives of Σ dy · forward(x).

    The layer is built, in float64. The arrays are locked, so that writing into one is an error.
    A memo is handed over as it is at the start of a step.
    """
    for array in (x, dy):
        array.flags.writeable = False
    begun = copy.deepcopy(memo)
    y = layer.forward(x, memo)
    y.flags.writeable = False
    after = copy.deepcopy(memo)

    for name in layer.parameters:  # a gradient overwrites: what was there must not come through
        layer.__dict__["d" + name][...] = np.nan
    dx = layer.backward(x, y, dy, memo)
    layer.gradient(x, y, dy, memo)
    gradients = [layer.__dict__["d" + name].copy() for name in layer.parameters]

    # The other way round, with a memo that backward has not seen: the same to the last bit.
    layer.gradient(x, y, dy, after)
    for name, gradient in zip(layer.parameters, gradients, strict=True):
        np.testing.assert_array_equal(layer.__dict__["d" + name], gradient)
    np.testing.assert_array_equal(layer.backward(x, y, dy, after), dx)

    def loss(x: Array, weights: Array | None = None) -> complex:
        twin = layer.copy()
        start = 0
        for name in layer.parameters if weights is not None else ():
            old = layer.__dict__[name]
            twin.__dict__[name] = weights[start : start + old.size].reshape(old.shape)
            start += old.size
        return (dy * twin.forward(x, copy.deepcopy(begun))).sum()

    assert_close(dx, derivative(loss, x), f"dx of {layer!r}")
    if layer.parameters:
        theta = np.concatenate([layer.__dict__[name].ravel() for name in layer.parameters])
        grad = np.concatenate([gradient.ravel() for gradient in gradients])
        numeric = derivative(lambda moved: loss(x, moved), theta)
        assert_close(grad, numeric, f"weights of {layer!r}")
