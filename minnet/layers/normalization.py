"""Batch normalization: every column of a batch brought to mean 0 and variance 1."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, batch_shape, boolean, number
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.initializers import Ones, Zeros
from minnet.layers.base import Layer, LayerArguments, Memo, expect_rows
from minnet.layers.sums import mean_rows, sum_rows

TINY = 1e-13
"""(μ's rounding)² / σ², above which x̂ is made from the mean with all its digits."""


@register
class BatchNormalization(Layer):
    """y = γ x̂ + β, where x̂ = (x - μ) / √(σ² + ε) is x with each column standardized.

    In training, μ and σ² are the mean and the variance of the batch's own columns. In inference
    (and in a frozen layer) they are `moving_mean` and `moving_variance`, which every training step
    moves a little: moving ← momentum · moving + (1 - momentum) · the batch's.

    Shapes: x, y (N, D) or images (N, H, W, D), or any with D last; gamma, beta, moving_mean,
    moving_variance (D,). An image is as many rows as it has pixels, so the statistics of a channel
    are taken over all pixels of all images, and N below stands for N · H · W.

    With s = 1 / √(σ² + ε), and sums over the N rows of a batch:

    - ∂L/∂γ_d = Σ_n dy_nd x̂_nd and ∂L/∂β_d = Σ_n dy_nd, since y_nd = γ_d x̂_nd + β_d
    - if μ and σ² are fixed, ∂L/∂x_nd = γ_d s_d dy_nd
    - if they are the batch's, ∂x̂_md/∂x_nd = s_d (δ_mn - 1/N - x̂_md x̂_nd / N), the last two terms
      by way of μ and σ²; so ∂L/∂x_nd = γ_d s_d (dy_nd - mean_m(dy_md) - x̂_nd mean_m(dy_md x̂_md))

    The variance of a batch is Σ (x - μ)² / N, in the moving average too, as in Keras (PyTorch has
    N - 1 there). One row alone has variance 0: then x̂ = 0, y = β and dx = 0, so it teaches the
    layers below nothing, and here, unlike Keras, it does not move the averages either.

    Source: Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by
    reducing internal covariate shift". The defaults are Keras'.

    Parameters
    ----------
    momentum
        How much of the moving statistics stays at each step, from 0 to 1.
    epsilon
        ε, above 0, which keeps the root from 0 for a column of equal numbers.
    center
        Whether β is added.
    scale
        Whether x̂ is multiplied by γ.

    Examples
    --------
    >>> layer = BatchNormalization()
    >>> layer.build((2,), np.random.default_rng(0))
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> memo = {}
    >>> layer.forward(x, memo).round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.after_step(memo)
    >>> layer.moving_mean.round(3)
    array([0.02, 0.2 ], dtype=float32)
    """

    momentum: float = setting(number, minimum=0, maximum=1)
    epsilon: float = setting(number, above=0)
    center: bool = setting(boolean)
    scale: bool = setting(boolean)

    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array
    moving_mean: Array
    moving_variance: Array

    rescales = True

    parameters: tuple[str, ...] = ("gamma", "beta")
    states = ("moving_mean", "moving_variance")
    not_negative = ("moving_variance",)

    def __init__(
        self,
        *,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.momentum, self.epsilon = momentum, epsilon
        self.center, self.scale = center, scale
        self.parameters = ("gamma",) * self.scale + ("beta",) * self.center

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        shape = (input_shape[-1],)
        if self.scale:
            self.add_weight("gamma", shape, Ones(), rng)
        if self.center:
            self.add_weight("beta", shape, Zeros(), rng)
        self.add_weight("moving_mean", shape, Zeros(), rng)
        self.add_weight("moving_variance", shape, Ones(), rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        D = len(self.moving_mean) if self.built else None
        if len(input_shape) < 2:
            expect_rows(self, input_shape, D)
        elif D not in (None, input_shape[-1]):
            raise ValueError(
                f"{self.label} takes x of shape {batch_shape((*input_shape[:-1], D))}. Got "
                f"{batch_shape(input_shape)}. Make what comes before it {D} channels deep, or "
                f"build {self.label} for {input_shape[-1]}."
            )
        return input_shape

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        x_hat, _ = self._standardize(rows_of(x), memo)
        y = x_hat * self.gamma if self.scale else x_hat
        if self.center:
            y = y + self.beta
        return y.reshape(x.shape)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        x_hat, s = self._recall(x, memo)
        factor = self.gamma * s if self.scale else s
        dx: Array
        if memo is None:  # fixed statistics
            dx = dy * factor
        else:
            dy = rows_of(dy)
            dx = factor * (dy - mean_rows(dy) - x_hat * mean_rows(dy * x_hat))
        return dx.reshape(x.shape)

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        dy = rows_of(dy)
        if self.scale:
            x_hat, _ = self._recall(x, memo)
            sum_rows(dy * x_hat, self.dgamma)  # ∂L/∂γ_d = Σ_n dy_nd · x̂_nd
        if self.center:
            sum_rows(dy, self.dbeta)  # ∂L/∂β_d = Σ_n dy_nd

    def after_step(self, memo: Memo) -> None:
        if len(memo["x_hat"]) == 1:  # the variance of one row is 0, and says nothing
            return
        for moving, batch in (
            (self.moving_mean, memo["mean"]),
            (self.moving_variance, memo["variance"]),
        ):
            moving *= self.momentum
            moving += (1 - self.momentum) * batch

    def _standardize(self, x: Array, memo: Memo | None) -> tuple[Array, Array]:
        """x̂ (N, D) and s (D,); a memo gets them, with the mean and the variance of the batch."""
        if memo is None:
            s = 1 / np.sqrt(self.moving_variance + self.epsilon)
            return (x - self.moving_mean) * s, s
        wide = np.result_type(x, np.float64)  # float32 sums of many rows lose digits
        exact = x.mean(axis=0, dtype=wide)
        mean = exact.astype(x.dtype)
        centered = x - mean
        # Not np.var: it loses the imaginary part.
        squares = (centered * centered).mean(axis=0, dtype=wide)
        off = exact - mean  # by rounding: much, in units of σ, where x is far from 0
        if (off.real * off.real > TINY * squares.real).any():
            centered = centered - off.astype(x.dtype)
            squares = squares - off * off
        variance = squares.astype(x.dtype)
        s = 1 / np.sqrt(variance + self.epsilon)
        memo.update(mean=mean, variance=variance, s=s, x_hat=centered * s)
        return memo["x_hat"], s

    def _recall(self, x: Array, memo: Memo | None) -> tuple[Array, Array]:
        """What `forward` left in the memo, or, where it left nothing, the same computed now."""
        if memo is None or "x_hat" not in memo:
            return self._standardize(rows_of(x), memo)
        return memo["x_hat"], memo["s"]


def rows_of(x: Array) -> Array:
    """All pixels of images, or other numbers with D on the last axis, as rows (…, D)."""
    return x.reshape(-1, x.shape[-1])
