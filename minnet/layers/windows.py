"""Windows that slide over an image, for convolution and pooling: how many fit, and the margin.

An image is (H, W, C): rows, columns, channels last, as in Keras. A window of size (h, w) that moves
by (s, t) stands at rows i·s … i·s + h - 1 and columns j·t … j·t + w - 1 of the padded image. With
"valid" there is no margin, and only whole windows count: H' = ⌊(H - h) / s⌋ + 1. With "same" there
are H' = ⌈H / s⌉ of them, and the margin is what they need; where it is odd, the end gets one more,
as in Keras.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minnet.foundation.checks import Array, Shape, batch_shape, integer, short
from minnet.foundation.words import did_you_mean

PADDINGS = ("valid", "same")

MOST_BYTES = 64 * 2**20
"""So much memory the windows of a batch are copied into at a time."""


def new_images(shape: tuple[int, ...], dtype: Any) -> Array:
    """An empty array of images (N, H, W, C), of which each channel lies by itself in memory.

    So NumPy runs along rows of pixels, which are long, and not along the channels, which are few.
    """
    N, H, W, C = shape
    return np.empty((C, N, H, W), dtype).transpose(1, 2, 3, 0)


def by_channel(images: Array) -> Array:
    """Images (N, H, W, C) as a matrix (C, N H W); a view where `new_images` made them."""
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)).reshape(images.shape[3], -1)


def images_of(matrix: Array, shape: tuple[int, int, int]) -> Array:
    """A matrix (C, N H W) as images (N, H, W, C), for the shape (N, H, W); a view."""
    return matrix.reshape(len(matrix), *shape).transpose(1, 2, 3, 0)


def pair(value: Any, who: str) -> tuple[int, int]:
    """Two whole numbers of 1 or more; one stands for both."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{who} takes one number or two, (rows, columns). Got {short(value)}.")
        rows, columns = (integer(number, who, minimum=1) for number in value)
        return rows, columns
    return (integer(value, who, minimum=1),) * 2


def padding(value: Any, who: str) -> str:
    """Return "valid" or "same", by Keras' words."""
    if not isinstance(value, str) or value.lower() not in PADDINGS:
        raise ValueError(
            f'{who} takes "valid" or "same". Got {short(value)}.' + did_you_mean(value, PADDINGS)
        )
    return value.lower()


class Windows(NamedTuple):
    """All the places of a window on an image."""

    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str

    def __str__(self) -> str:
        """`3×3`, `2×3 stride 2, 1`: the size, and the strides where they are more than 1."""
        (h, w), (s, t) = self.size, self.strides
        moves = "" if (s, t) == (1, 1) else f" stride {s}" + (f", {t}" if s != t else "")
        return f"{h}×{w}{moves}"

    def places(self, height: int, width: int) -> tuple[int, int]:
        """(H', W'): how many windows stand below and beside each other on an image."""
        (h, w), (s, t) = self.size, self.strides
        if self.padding == "same":
            return -(-height // s), -(-width // t)
        return max(0, (height - h) // s + 1), max(0, (width - w) // t + 1)

    def margins(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows above and below, columns left and right, that an image gets."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        (h, w), (s, t), (rows, columns) = self.size, self.strides, self.places(height, width)
        down = max(0, (rows - 1) * s + h - height)
        across = max(0, (columns - 1) * t + w - width)
        return (down // 2, down - down // 2), (across // 2, across - across // 2)

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """Images (N, H, W, C) with margins full of a value; x itself where there are none."""
        H, W = x.shape[1:3]
        shape = self._padded_shape(x)
        if shape == x.shape:
            return x
        padded = new_images(shape, x.dtype)
        padded[...] = value
        self.inside(padded, H, W)[...] = x
        return padded

    def zeros(self, x: Array, dtype: Any) -> Array:
        """Zeros in the shape of padded images, to gather their gradient in."""
        zeros = new_images(self._padded_shape(x), dtype)
        zeros[...] = 0
        return zeros

    def _padded_shape(self, x: Array) -> Shape:
        N, H, W, C = x.shape
        (above, below), (left, right) = self.margins(H, W)
        return N, H + above + below, W + left + right, C

    def inside(self, padded: Array, height: int, width: int) -> Array:
        """The images (N, H, W, C) within their margins; a view."""
        (above, _), (left, _) = self.margins(height, width)
        return padded[:, above : above + height, left : left + width]

    def unrolled(self, x: Array) -> Array:
        """The matrix (h w C, N H' W') of all patches, one column for each window ("im2col").

        Column n H' W' + i W' + j holds the patch of image n under window (i, j), its numbers in the
        order (row, column, channel). So row (u, v, c) holds what one place of the kernel meets: the
        whole image of channel c, moved by u rows and v columns.
        """
        (h, w), (s, t) = self.size, self.strides
        channels = self.pad(x).transpose(3, 0, 1, 2)
        patches = sliding_window_view(channels, (h, w), axis=(2, 3))[:, :, ::s, ::t]
        return patches.transpose(4, 5, 0, 1, 2, 3).reshape(h * w * x.shape[3], -1)

    def under(self, padded: Array, row: int, column: int, shape: tuple[int, int]) -> Array:
        """The pixels (N, H', W', C) that stand at one place of all windows; a view.

        Parameters
        ----------
        padded
            Images with their margins.
        row, column
            The place within the window.
        shape
            (H', W').
        """
        (s, t), (rows, columns) = self.strides, shape
        return padded[:, row : row + rows * s : s, column : column + columns * t : t]

    def images_at_a_time(self, x: Array) -> int:
        """How many images' windows `MOST_BYTES` hold; one at least."""
        rows, columns = self.places(*x.shape[1:3])
        patch = self.size[0] * self.size[1] * x.shape[3]
        return max(1, MOST_BYTES // max(1, int(rows * columns * patch * x.itemsize)))


def expect_images(
    who: str, input_shape: Shape, channels: int | None = None, windows: Windows | None = None
) -> tuple[int, int, int]:
    """H, W, C of a layer that takes images and nothing else.

    Parameters
    ----------
    channels
        The C that the layer is built for, if it is.
    windows
        What has to fit into them.
    """
    came = batch_shape(input_shape)
    if len(input_shape) == 2:
        raise ValueError(
            f"{who} takes x of shape (N, H, W, C). Got {came}. One channel wants an axis of its "
            "own: x[..., None]."
        )
    if len(input_shape) != 3:
        raise ValueError(
            f"{who} takes x of shape (N, H, W, C). Got {came}. "
            + (
                "Bring rows into shape first: Reshape((H, W, C))."
                if len(input_shape) == 1
                else "An image has three axes: rows, columns, and channels last."
            )
        )
    H, W, C = input_shape
    if channels not in (None, C):
        raise ValueError(
            f"{who} takes x of shape (N, H, W, {channels}). Got {came}."
            + (
                " The channels come last: np.moveaxis(x, 1, -1)."
                if channels == H
                else f" Make what comes before it {channels} channels deep, or build {who} for {C}."
            )
        )
    if windows is not None and 0 in windows.places(H, W):
        first = H <= 4 < min(W, C)
        raise ValueError(
            f"{who} takes images that its window of {windows.size} fits into. Got {came}."
            + (
                " The channels come last: np.moveaxis(x, 1, -1)."
                if first
                else ' Take a smaller window, or padding="same".'
                + (" Channels come last in an image." if 4 * H < W else "")
            )
        )
    return H, W, C
