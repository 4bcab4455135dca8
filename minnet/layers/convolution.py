"""The convolution of images with learned filters."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, integer
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, Memo
from minnet.layers.kernel import KernelArguments, KernelLayer
from minnet.layers.windows import (
    Windows,
    by_channel,
    expect_images,
    images_of,
    padding,
    pair,
)


@register
class Conv2D(KernelLayer):
    """Each filter looks at every window of the image with the same weights.

    Shapes: x (N, H, W, C), W (h, w, C, F), b (F,), y (N, H', W', F). Channels come last.

    y_nijf = b_f + Σ_uvc x_n,(i·s + u),(j·t + v),c · W_uvcf

    over the rows u, columns v and channels c of the window; (s, t) are the strides. It is the
    cross-correlation that every framework calls convolution: the kernel is not turned round.

    As a matrix product: lay the patch under each window in one column of a matrix X, in the order
    u, v, c (`Windows.unrolled`, "im2col"); lay each filter in one column of K, in the same order.
    Then Y = Kᵀ X + b has a row for each filter, and what is true of Dense is true here:

    - ∂L/∂W_uvcf = Σ_nij x_n,(i·s + u),(j·t + v),c · dy_nijf, that is dK = X dYᵀ: a filter's weight
      meets one pixel in each window
    - ∂L/∂b_f = Σ_nij dy_nijf, since b_f is added in every window
    - ∂L/∂x_npqc = Σ over all (i, j, u, v) with i·s + u = p and j·t + v = q of Σ_f dy_nijf · W_uvcf:
      a pixel stands in several windows, in each at another place of the kernel

    Source: LeCun et al. (1998), "Gradient-based learning applied to document recognition".

    Parameters
    ----------
    filters
        F, the number of filters, and of channels of y.
    kernel_size
        (h, w), rows and columns of the window; one number for both.
    strides
        (s, t), how far the window moves; one number for both.
    padding
        "valid": whole windows only. "same": a margin of zeros, so that H' = ⌈H / s⌉.
    activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, ...
        As for `Dense`.

    Examples
    --------
    >>> edge = Conv2D(1, (1, 2))
    >>> edge.build((1, 4, 1), np.random.default_rng(0))
    >>> edge.W = np.reshape([-1.0, 1.0], (1, 2, 1, 1))  # right minus left
    >>> x = np.array([0.0, 0.0, 1.0, 1.0]).reshape(1, 1, 4, 1)
    >>> edge.forward(x).ravel()
    array([0., 1., 0.])
    """

    takes = "images that it fits into"
    filters: int = setting(integer, minimum=1)
    kernel_size: tuple[int, int] = setting(pair)
    strides: tuple[int, int] = setting(pair)
    padding: str = setting(padding)

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = (1, 1),
        padding: str = "valid",
        activation: str | Layer | None = None,
        **common: Unpack[KernelArguments],
    ) -> None:
        super().__init__(activation, **common)
        self.filters = filters
        self.kernel_size = kernel_size  # type: ignore[assignment]  # one number becomes two
        self.strides = strides  # type: ignore[assignment]
        self.padding = padding

    @property
    def windows(self) -> Windows:
        """The places of the kernel on an image."""
        return Windows(self.kernel_size, self.strides, self.padding)

    @property
    def kind(self) -> str:
        name = type(self).__name__
        return super().kind.replace(name, f"{name} {self.windows}", 1)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        C = expect_images(self.label, input_shape, windows=self.windows)[2]
        self.add_weight("W", (*self.kernel_size, C, self.filters), self.kernel_initializer, rng)
        if self.use_bias:
            self.add_weight("b", (self.filters,), self.bias_initializer, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = self.W.shape[2] if self.built else None
        H, W, _ = expect_images(self.label, input_shape, channels, self.windows)
        return (*self.windows.places(H, W), self.filters)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        outputs = []
        for rows in self._pieces(x):
            X = self.windows.unrolled(x[rows])
            outputs.append(self._filtered(X, x[rows].shape))
        if len(outputs) > 1:
            return np.concatenate(outputs)
        if memo is not None:
            memo["patches"] = (x, X)  # `gradient` wants them again
        return outputs[0]

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        H, W = x.shape[1:3]
        dY, dx = by_channel(dy), self.windows.zeros(x, np.result_type(dy, self.W))
        for u, v in np.ndindex(self.kernel_size):
            pixels = self.windows.under(dx, u, v, dy.shape[1:3])
            pixels += images_of(self.W[u, v] @ dY, dy.shape[:3])  # Σ_f W_uvcf · dy_nijf
        return self.windows.inside(dx, H, W)

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        dK = self.dW.reshape(-1, self.filters)
        given, X = (memo or {}).get("patches", (None, None))
        if given is x:
            dK[...] = self._product(X, dy)
        else:
            unrolled = self.windows.unrolled
            dK[...] = sum(self._product(unrolled(x[rows]), dy[rows]) for rows in self._pieces(x))
        if self.use_bias:
            by_channel(dy).sum(axis=1, out=self.db)  # ∂L/∂b_f = Σ_nij dy_nijf

    def _filtered(self, X: Array, shape: Shape) -> Array:
        """y of images (N, H, W, C) whose patches are X."""
        Y = (
            self.W.reshape(-1, self.filters).T @ X
        )  # y_nijf = Σ_uvc x_n,(i·s + u),(j·t + v),c W_uvcf
        if self.use_bias:
            Y += self.b[:, np.newaxis]
        return images_of(Y, (shape[0], *self.windows.places(*shape[1:3])))

    def _product(self, X: Array, dy: Array) -> Array:
        """dK = X dYᵀ, image by image; the images' products are added in float64."""
        N = len(dy)
        X_n = X.reshape(len(X), N, -1).transpose(1, 0, 2)
        dY_n = by_channel(dy).reshape(self.filters, N, -1).transpose(1, 2, 0)
        products = X_n @ dY_n  # Σ_ij x_n,(i·s + u),(j·t + v),c · dy_nijf
        total: Array = products.sum(axis=0, dtype=np.result_type(products, np.float64))
        return total

    def _pieces(self, x: Array) -> list[slice]:
        """The images, so many at a time that their patches take `MOST_BYTES` at most."""
        size = self.windows.images_at_a_time(x)
        if len(x) <= size:
            return [slice(None)]
        return [slice(n, n + size) for n in range(0, len(x), size)]
