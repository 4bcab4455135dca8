"""The fully connected layer."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, integer
from minnet.foundation.registry import Config, register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, Memo, expect_rows
from minnet.layers.kernel import KernelArguments, KernelLayer
from minnet.layers.sums import multiply_rows, sum_rows


@register
class Dense(KernelLayer):
    """Affine map y = x W + b of each row of a batch, then the activation, if there is one.

    Shapes: x (N, D), W (D, M), b (M,), y (N, M).

    With the chain rule, and y_nj = Σ_i x_ni W_ij + b_j:

    - ∂L/∂W_ij = Σ_n ∂L/∂y_nj · ∂y_nj/∂W_ij = Σ_n x_ni dy_nj, that is dW = xᵀ dy
    - ∂L/∂b_j  = Σ_n dy_nj, since b_j is added to every row
    - ∂L/∂x_ni = Σ_j dy_nj W_ij, that is dx = dy Wᵀ

    Parameters
    ----------
    units
        M, the number of outputs.
    activation
        A name such as "relu", or an activation layer. It runs as a step of its own, with its own
        formulas; `model.layers` has one entry for both, as in Keras.
    input_dim
        D, for the first layer of a model.
    use_bias
        Whether b is added.
    kernel_initializer, bias_initializer
        How W and b start: Glorot and Bengio's (2010) uniform and zeros, Keras' defaults.
        A name, an `Initializer`, or a function of (shape, rng).
    kernel_regularizer
        A penalty on W, such as `L2(1e-4)`, or None.
    kernel_constraint, bias_constraint
        Bounds of W and b, such as `MaxNorm(3)`, or None.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dense(2)
    >>> layer.build((3,), np.random.default_rng(0))
    >>> layer.W = [[1, 0], [0, 1], [1, 1]]
    >>> layer.forward(np.array([[1.0, 2.0, 3.0]]))
    array([[4., 5.]])
    """

    units: int = setting(integer, minimum=1)

    def __init__(
        self,
        units: int,
        activation: str | Layer | None = None,
        *,
        input_dim: int | None = None,
        **common: Unpack[KernelArguments],
    ) -> None:
        if input_dim is not None:
            if common.get("input_shape") is not None:
                raise ValueError(
                    f"Dense takes input_dim or input_shape, not both. Got {input_dim} and "
                    f"{common['input_shape']}."
                )
            common["input_shape"] = (integer(input_dim, "Dense's input_dim", minimum=1),)
        super().__init__(activation, **common)
        self.units = units

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        D = expect_rows(self, input_shape)
        self.add_weight("W", (D, self.units), self.kernel_initializer, rng)
        if self.use_bias:
            self.add_weight("b", (self.units,), self.bias_initializer, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        expect_rows(self, input_shape, len(self.W) if self.built else None)
        return (self.units,)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = np.dot(x, self.W)  # x W; np.dot costs small matrices less than @
        if self.use_bias:
            y += self.b
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = np.dot(dy, self.W.T)  # ∂L/∂x_ni = Σ_j dy_nj · W_ij
        return dx

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        multiply_rows(x, dy, self.dW)  # ∂L/∂W_ij = Σ_n x_ni · dy_nj
        if self.use_bias:
            sum_rows(dy, self.db)  # ∂L/∂b_j = Σ_n dy_nj

    @property
    def input_dim(self) -> int | None:
        """D as it was given, or None."""
        return None if self.input_shape is None else self.input_shape[0]

    @property
    def expects(self) -> Shape | None:
        return (len(self.W),) if self.built else super().expects

    def get_config(self) -> Config:
        """Leave out the shorthand."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name != "input_dim"}

    def __repr__(self) -> str:
        return super().__repr__().replace(f", input_shape={self.input_shape}", "")
