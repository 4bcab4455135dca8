"""Pooling: one number for all pixels of a window, in each channel by itself."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, boolean
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo
from minnet.layers.windows import (
    Windows,
    by_channel,
    expect_images,
    images_of,
    padding,
    pair,
)


class _Pooling(Layer):
    """What both kinds of pooling have: a window that moves over the image.

    Parameters
    ----------
    pool_size
        (h, w), rows and columns of the window; one number for both.
    strides
        How far it moves; None for its own size, so that windows lie side by side.
    padding
        "valid": whole windows only. "same": H' = ⌈H / s⌉; a margin never counts.
    """

    training_differs = False

    takes = "images that it fits into"
    pool_size: tuple[int, int] = setting(pair)
    strides: tuple[int, int] | None = setting(pair, optional=True)
    padding: str = setting(padding)

    def __init__(
        self,
        pool_size: int | tuple[int, int] = (2, 2),
        strides: int | tuple[int, int] | None = None,
        padding: str = "valid",
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.pool_size = pool_size  # type: ignore[assignment]  # one number becomes two
        self.strides = strides  # type: ignore[assignment]
        self.padding = padding

    @property
    def windows(self) -> Windows:
        """The places of the window on an image."""
        return Windows(self.pool_size, self.strides or self.pool_size, self.padding)

    @property
    def kind(self) -> str:
        beside = self.windows.strides == self.pool_size  # these go without saying
        windows = self.windows._replace(strides=(1, 1)) if beside else self.windows
        return f"{type(self).__name__} {windows}"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        H, W, C = expect_images(self.label, input_shape, windows=self.windows)
        return (*self.windows.places(H, W), C)


@register
class MaxPooling2D(_Pooling):
    """The largest pixel of each window, in each channel by itself.

    Shapes: x (N, H, W, C), y (N, H', W', C). Channels come last.

    y_nijc = max over u, v of x_n,(i·s + u),(j·t + v),c, for windows that move by (s, t).

    Only the largest pixel moves y, so it gets all of dy: ∂L/∂x_npqc = Σ dy_nijc over the windows
    (i, j) whose largest pixel is (p, q). Where several are equally large, the first counts, row by
    row: there max has a kink, and a gradient check looks away.

    Source: Riesenhuber and Poggio (1999), "Hierarchical models of object recognition in cortex".

    Parameters
    ----------
    pool_size
        (h, w), rows and columns of the window; one number for both.
    strides
        How far it moves; None for its own size, so that windows lie side by side.
    padding
        "valid": whole windows only. "same": H' = ⌈H / s⌉; the margin is never the largest.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0, 2.0, 2.0]]).reshape(1, 1, 4, 1)
    >>> layer = MaxPooling2D((1, 2))
    >>> layer.forward(x).ravel()
    array([5., 2.])
    >>> layer.backward(x, layer.forward(x), np.ones((1, 1, 2, 1))).ravel()
    array([0., 1., 1., 0.])
    """

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        windows, padded = self.windows, self.windows.pad(x, -np.inf)
        shape = windows.places(*x.shape[1:3])
        y = windows.under(padded, 0, 0, shape).copy(order="K")
        for u, v in np.ndindex(self.pool_size):
            np.maximum(y, windows.under(padded, u, v, shape), out=y)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        windows, padded, shape = self.windows, self.windows.pad(x, -np.inf), y.shape[1:3]
        dx, waits = np.zeros_like(padded, dy.dtype), np.ones_like(y, dtype=bool)
        dy = images_of(by_channel(dy), y.shape[:3])
        for u, v in np.ndindex(self.pool_size):
            largest = waits & (windows.under(padded, u, v, shape) == y)
            pixels = windows.under(dx, u, v, shape)
            pixels += dy * largest  # the first largest pixel of a window gets its dy
            waits &= ~largest
        return windows.inside(dx, *x.shape[1:3])


@register
class AveragePooling2D(_Pooling):
    """The mean of the pixels of each window, in each channel by itself.

    Shapes: x (N, H, W, C), y (N, H', W', C). Channels come last.

    y_nijc = 1/m Σ_uv x_n,(i·s + u),(j·t + v),c, over the m pixels of window (i, j).

    Each of them moves y by 1/m, so ∂L/∂x_npqc = Σ dy_nijc / m over the windows (i, j) that pixel
    (p, q) stands in.

    Source: LeCun et al. (1998), who called it subsampling.

    Parameters
    ----------
    pool_size
        (h, w), rows and columns of the window; one number for both.
    strides
        How far it moves; None for its own size, so that windows lie side by side.
    padding
        "valid": whole windows only. "same": H' = ⌈H / s⌉; the margin does not count in m.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0, 2.0, 4.0]]).reshape(1, 1, 4, 1)
    >>> AveragePooling2D((1, 2)).forward(x).ravel()
    array([3., 3.])
    """

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        windows, padded = self.windows, self.windows.pad(x)
        places, pixels = windows.places(*x.shape[1:3]), self._pixels(x)
        y = self._sums(padded, places)
        y /= pixels
        if not np.isfinite(y).all():  # their sum may overflow
            h, w = self.pool_size
            y = self._sums(padded / (h * w), places) * (h * w / pixels)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        windows, share = self.windows, images_of(by_channel(dy), y.shape[:3]) / self._pixels(x)
        dx = windows.zeros(x, dy.dtype)
        for u, v in np.ndindex(self.pool_size):
            pixels = windows.under(dx, u, v, y.shape[1:3])
            pixels += share  # ∂L/∂x = dy / m, for each window that holds the pixel
        return windows.inside(dx, *x.shape[1:3])

    def _sums(self, padded: Array, shape: tuple[int, int]) -> Array:
        """The sum over each window."""
        sums = np.zeros_like(self.windows.under(padded, 0, 0, shape))
        for u, v in np.ndindex(self.pool_size):
            sums += self.windows.under(padded, u, v, shape)
        return sums

    def _pixels(self, x: Array) -> Array:
        """m, the number of pixels of each window, without its margin: (1, H', W', 1)."""
        inside = np.ones((1, *x.shape[1:3], 1), x.real.dtype)
        return self._sums(self.windows.pad(inside), self.windows.places(*x.shape[1:3]))


class _GlobalPooling(Layer):
    """What both kinds of pooling over a whole image have.

    Parameters
    ----------
    keepdims
        Whether y keeps axes of length 1 for rows and columns.
    """

    training_differs = False

    takes = "images that it fits into"
    keepdims: bool = setting(boolean)

    def __init__(self, keepdims: bool = False, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.keepdims = keepdims

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        C = expect_images(self.label, input_shape)[2]
        return (1, 1, C) if self.keepdims else (C,)


@register
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel over the whole image.

    Shapes: x (N, H, W, C), y (N, C), or (N, 1, 1, C) where `keepdims` is True.

    y_nc = 1/(H W) Σ_pq x_npqc, so ∂L/∂x_npqc = dy_nc / (H W).

    Source: Lin, Chen and Yan (2013), "Network in network".

    Parameters
    ----------
    keepdims
        Whether y keeps axes of length 1 for rows and columns.

    Examples
    --------
    >>> GlobalAveragePooling2D().forward(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 4.]])
    """

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x.mean(axis=(1, 2), keepdims=self.keepdims)
        if not np.isfinite(y).all():  # the sum of the pixels may overflow
            y = (x / (x.shape[1] * x.shape[2])).sum(axis=(1, 2), keepdims=self.keepdims)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        N, H, W, C = x.shape
        return np.broadcast_to(dy.reshape(N, 1, 1, C) / (H * W), x.shape).copy()


@register
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest number of each channel over the whole image.

    Shapes: x (N, H, W, C), y (N, C), or (N, 1, 1, C) where `keepdims` is True.

    y_nc = max over p, q of x_npqc. Only the largest pixel moves y, so it gets dy_nc, and all others
    get 0. Where several are equally large, the first counts, row by row.

    Parameters
    ----------
    keepdims
        Whether y keeps axes of length 1 for rows and columns.

    Examples
    --------
    >>> GlobalMaxPooling2D().forward(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[6., 7.]])
    """

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x.max(axis=(1, 2), keepdims=self.keepdims)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        N, H, W, C = x.shape
        largest = x.reshape(N, H * W, C).argmax(axis=1)[:, None]  # (N, 1, C), the first of equals
        dx = np.zeros((N, H * W, C), dy.dtype)
        np.put_along_axis(dx, largest, dy.reshape(N, 1, C), axis=1)
        return dx.reshape(x.shape)
