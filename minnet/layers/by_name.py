"""Activations by their names, as Keras has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from minnet.foundation.checks import Array, Shape, instance
from minnet.foundation.registry import register
from minnet.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.layers.base import Layer, LayerArguments, Memo
from minnet.layers.curves import (
    SELU,
    Exponential,
    HardSigmoid,
    HardSiLU,
    Mish,
    ReLU6,
    SiLU,
    Softsign,
)

ACTIVATIONS: dict[str, Callable[[], Layer]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "softplus": Softplus,
    "gelu": GELU,
    "linear": Linear,
    "selu": SELU,
    "silu": SiLU,
    "swish": SiLU,
    "mish": Mish,
    "relu6": ReLU6,
    "hard_sigmoid": HardSigmoid,
    "hard_silu": HardSiLU,
    "hard_swish": HardSiLU,
    "softsign": Softsign,
    "exponential": Exponential,
}
"""Keras' name → the activation, with its default settings."""


def a_layer_without_weights(activation: object, who: str) -> Layer:
    """The activation of this name, or a copy of this layer."""
    layer = instance(activation, Layer, ACTIVATIONS, who)
    if layer.parameters or layer.states:
        raise ValueError(
            f"{who} takes a layer without weights. Got {layer!r}. "
            "Add it to the model as a layer of its own."
        )
    return layer.copy()


@register
class Activation(Layer):
    """An activation by name, as an entry of `model.layers` of its own.

    When the model runs, the activation itself is the step: `Activation("relu")` and `ReLU()` are
    the same computation.

    Parameters
    ----------
    activation
        A name such as "relu", or an activation layer (it is copied).

    Raises
    ------
    ValueError
        An unknown name, or a layer with weights or states.

    Examples
    --------
    >>> import numpy as np
    >>> Activation("relu").forward(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    training_differs = False

    activation: Layer

    def __init__(
        self,
        activation: str | Layer,
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.activation = a_layer_without_weights(activation, "Activation's activation")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.activation.compute_output_shape(input_shape)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return self.activation.forward(x, memo)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return self.activation.backward(x, y, dy, memo)

    def steps(self) -> tuple[Layer, ...]:
        return self.activation.steps()
