"""What layers with a kernel have in common: how W and b begin, their bounds, the activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from minnet.constraints import CONSTRAINTS, Constraint
from minnet.foundation.checks import Array, Shape, boolean, instance
from minnet.foundation.registry import Config
from minnet.foundation.strict import setting
from minnet.initializers import Initializer, initializer
from minnet.layers.base import Layer
from minnet.layers.by_name import a_layer_without_weights
from minnet.regularizers import REGULARIZERS, Regularizer


class KernelArguments(TypedDict, total=False):
    """What every layer with a kernel takes by name, besides its own arguments."""

    input_shape: Shape | None
    use_bias: bool
    kernel_initializer: str | Initializer | Callable[..., Any]
    bias_initializer: str | Initializer | Callable[..., Any]
    kernel_regularizer: str | Regularizer | None
    kernel_constraint: str | Constraint | None
    bias_constraint: str | Constraint | None
    name: str | None


class KernelLayer(Layer):
    """A layer with a kernel W, a bias b, and an activation that runs as a step of its own.

    Parameters
    ----------
    activation
        A name such as "relu", or an activation layer. It runs as a step of its own, with its own
        formulas; `model.layers` has one entry for both, as in Keras.
    use_bias
        Whether b is added.
    kernel_initializer, bias_initializer
        How W and b start: Glorot and Bengio's (2010) uniform and zeros, Keras' defaults.
        A name, an `Initializer`, or a function of (shape, rng).
    kernel_regularizer
        A penalty on W, such as `L2(1e-4)`, or None.
    kernel_constraint, bias_constraint
        Bounds of W and b, such as `MaxNorm(3)`, or None.
    """

    parameters: tuple[str, ...] = ("W", "b")
    training_differs = False

    activation: Layer | None
    use_bias: bool = setting(boolean)
    kernel_initializer: Initializer
    bias_initializer: Initializer
    kernel_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    bias_constraint: Constraint | None

    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        activation: str | Layer | None = None,
        *,
        input_shape: Shape | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | Initializer | Callable[..., Any] = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        kernel_constraint: str | Constraint | None = None,
        bias_constraint: str | Constraint | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, input_shape=input_shape)
        whose = f"{type(self).__name__}'s"
        self.activation = (
            None
            if activation is None
            else a_layer_without_weights(activation, f"{whose} activation")
        )
        self.use_bias = use_bias
        if not self.use_bias:
            self.parameters = ("W",)
        self.kernel_initializer = initializer(kernel_initializer, f"{whose} kernel_initializer")
        self.bias_initializer = initializer(bias_initializer, f"{whose} bias_initializer")
        self.kernel_regularizer = (
            None
            if kernel_regularizer is None
            else instance(
                kernel_regularizer, Regularizer, REGULARIZERS, f"{whose} kernel_regularizer"
            )
        )
        if self.kernel_regularizer is not None:
            self.regularizers = {"W": self.kernel_regularizer}
        self.kernel_constraint = _constraint(kernel_constraint, f"{whose} kernel_constraint")
        self.bias_constraint = _constraint(bias_constraint, f"{whose} bias_constraint")
        bounds = {"W": self.kernel_constraint, "b": self.bias_constraint}
        self.constraints = {
            name: bound for name in self.parameters if (bound := bounds[name]) is not None
        }

    def get_config(self) -> Config:
        """Leave out bounds that are not there: most files have none."""
        bounds = ("kernel_constraint", "bias_constraint")
        return {
            name: value
            for name, value in super().get_config().items()
            if not (name in bounds and value is None)
        }

    @property
    def kind(self) -> str:
        activation = "" if self.activation is None else f", {type(self.activation).__name__}"
        return super().kind + activation

    def steps(self) -> tuple[Layer, ...]:
        return (self,) if self.activation is None else (self, *self.activation.steps())


def _constraint(value: str | Constraint | None, who: str) -> Constraint | None:
    return None if value is None else instance(value, Constraint, CONSTRAINTS, who)
