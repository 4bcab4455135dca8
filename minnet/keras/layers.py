"""The layers, with Keras' arguments, defaults and words; each is a layer of minnet's."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar, Unpack

import numpy as np

from minnet import layers as core
from minnet.keras import initializers, words
from minnet.keras.activations import activation as activation_of
from minnet.keras.data import samples
from minnet.keras.images import (
    AveragePooling2D,
    Conv2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from minnet.keras.layer import Common, KerasLayer, WithKernel, kernel_settings
from minnet.keras.layer import Layer as Layer
from minnet.keras.names import only
from minnet.keras.variables import NoArithmetic, Symbolic, variable

__getattr__ = words.answering(__name__)


class Dense(WithKernel, core.Dense):
    """y = x W + b, then the activation."""

    in_files: ClassVar[Any] = core.Dense

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **common: Unpack[Common],
    ) -> None:
        self.make_as(
            core.Dense,
            common,
            units,
            activation_of(activation, "Dense's activation"),
            **kernel_settings(
                "Dense",
                use_bias,
                kernel_initializer,
                bias_initializer,
                kernel_regularizer,
                bias_regularizer,
                activity_regularizer,
                kernel_constraint,
                bias_constraint,
            ),
        )


class Activation(KerasLayer, core.Activation):
    """An activation by its name."""

    in_files: ClassVar[Any] = core.Activation

    def __init__(self, activation: Any, **common: Unpack[Common]) -> None:
        activation = activation_of(activation, "Activation's activation")
        self.make_as(core.Activation, common, activation)


class ReLU(KerasLayer, core.ReLU):
    """max(x, 0), cut off at `max_value` where there is one."""

    in_files: ClassVar[Any] = core.ReLU

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        slope, start = (float(negative_slope or 0.0), 0.0), (float(threshold or 0.0), 0.0)
        only("ReLU", "Use LeakyReLU(negative_slope).", negative_slope=slope, threshold=start)
        self.make_as(core.ReLU, common, max_value)


class LeakyReLU(KerasLayer, core.LeakyReLU):
    """x where it is above 0, else a part of it."""

    in_files: ClassVar[Any] = core.LeakyReLU

    def __init__(
        self, negative_slope: float = 0.3, *, alpha: float | None = None, **common: Unpack[Common]
    ) -> None:
        self.make_as(core.LeakyReLU, common, negative_slope if alpha is None else alpha)


class ELU(KerasLayer, core.ELU):
    """x where it is above 0, else α (eˣ − 1)."""

    in_files: ClassVar[Any] = core.ELU

    def __init__(self, alpha: float = 1.0, **common: Unpack[Common]) -> None:
        self.make_as(core.ELU, common, alpha)


class PReLU(KerasLayer, core.PReLU):
    """A leaky ReLU that learns its slopes."""

    in_files: ClassVar[Any] = core.PReLU

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **common: Unpack[Common],
    ) -> None:
        only(
            "PReLU",
            "There is one slope for each unit, without a penalty.",
            alpha_regularizer=(alpha_regularizer, None),
            alpha_constraint=(alpha_constraint, None),
            shared_axes=(shared_axes, None),
        )
        self.make_as(core.PReLU, common, initializers.get(alpha_initializer))


class Softmax(KerasLayer, core.Softmax):
    """Each row becomes probabilities; as a model's last step computed together with the loss."""

    in_files: ClassVar[Any] = core.Softmax

    def __init__(self, axis: int = -1, **common: Unpack[Common]) -> None:
        only("Softmax", "It goes along the last axis.", axis=(axis, -1))
        self.make_as(core.Softmax, common)
        self._step = core.Softmax()

    def steps(self) -> tuple[core.Layer, ...]:
        """The core's own, which its loss is computed together with."""
        return (self._step,)


class Identity(KerasLayer, core.Linear):
    """y = x."""

    in_files: ClassVar[Any] = core.Linear

    def __init__(self, **common: Unpack[Common]) -> None:
        self.make_as(core.Linear, common)


class Dropout(KerasLayer, core.Dropout):
    """In training a random part of the numbers is 0. The model's seed draws, whatever `seed`."""

    in_files: ClassVar[Any] = core.Dropout

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: Any = None, **common: Unpack[Common]
    ) -> None:
        only("Dropout", "Each number is drawn for itself.", noise_shape=(noise_shape, None))
        self.make_as(core.Dropout, common, rate)


class AlphaDropout(KerasLayer, core.AlphaDropout):
    """Dropout that keeps mean and variance, for SELU."""

    in_files: ClassVar[Any] = core.AlphaDropout

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: Any = None, **common: Unpack[Common]
    ) -> None:
        only("AlphaDropout", "Each number is drawn for itself.", noise_shape=(noise_shape, None))
        self.make_as(core.AlphaDropout, common, rate)


class GaussianDropout(KerasLayer, core.GaussianDropout):
    """In training, every number times normal noise about 1."""

    in_files: ClassVar[Any] = core.GaussianDropout

    def __init__(self, rate: float, seed: Any = None, **common: Unpack[Common]) -> None:
        self.make_as(core.GaussianDropout, common, rate)


class GaussianNoise(KerasLayer, core.GaussianNoise):
    """In training, normal noise is added."""

    in_files: ClassVar[Any] = core.GaussianNoise

    def __init__(self, stddev: float, seed: Any = None, **common: Unpack[Common]) -> None:
        self.make_as(core.GaussianNoise, common, stddev)


class BatchNormalization(KerasLayer, core.BatchNormalization):
    """Every column of a batch, or channel, brought to mean 0 and variance 1, scaled and moved."""

    in_files: ClassVar[Any] = core.BatchNormalization

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **common: Unpack[Common],
    ) -> None:
        only(
            "BatchNormalization",
            "It starts with 0 and 1, and has no penalty and no bound.",
            beta_initializer=(beta_initializer, "zeros"),
            gamma_initializer=(gamma_initializer, "ones"),
            moving_mean_initializer=(moving_mean_initializer, "zeros"),
            moving_variance_initializer=(moving_variance_initializer, "ones"),
            beta_regularizer=(beta_regularizer, None),
            gamma_regularizer=(gamma_regularizer, None),
            beta_constraint=(beta_constraint, None),
            gamma_constraint=(gamma_constraint, None),
        )
        self.make_as(
            core.BatchNormalization,
            common,
            momentum=momentum,
            epsilon=epsilon,
            center=center,
            scale=scale,
        )
        self._axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis

    def build(self, input_shape: Any, rng: Any) -> None:
        """Create γ, β and the statistics, for the last axis."""
        last = (-1, len(input_shape))
        if self._axis not in last:
            instead = "Channels come last: leave axis out."
            only("BatchNormalization", instead, axis=(self._axis, -1))
        super().build(input_shape, rng)


class Normalization(KerasLayer, core.Normalization):
    """(x − μ) / σ, with statistics that `adapt` takes from data, or that are given."""

    in_files: ClassVar[Any] = core.Normalization

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **common: Unpack[Common],
    ) -> None:
        only("Normalization", "It goes one way.", invert=(invert, False))
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            (axis,) = axis
        self.make_as(core.Normalization, common, -1 if axis == 1 else axis)
        self._given = None if mean is None else (mean, variance)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """μ, with the words of Keras' variables."""
        return variable(self, "mean")

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """σ², with the words of Keras' variables."""
        return variable(self, "variance")

    def forward(self, x: Any, memo: Any = None) -> Any:
        """y, as a plain array."""
        return np.asarray(super().forward(x, memo))

    def backward(self, x: Any, y: Any, dy: Any, memo: Any = None) -> Any:
        """dx, as a plain array."""
        return np.asarray(super().backward(x, y, dy, memo))

    def build(self, input_shape: Any, rng: Any) -> None:
        """Create the statistics, as they were given or as `adapt` is to take them."""
        super().build(input_shape, rng)
        if self._given is not None:
            self.mean[...], self.variance[...] = self._given

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take mean and variance of these samples."""
        super().adapt(samples(data))


class Rescaling(KerasLayer, core.Rescaling):
    """scale · x + offset."""

    in_files: ClassVar[Any] = core.Rescaling

    def __init__(self, scale: float, offset: float = 0.0, **common: Unpack[Common]) -> None:
        self.make_as(core.Rescaling, common, scale, offset)


class Flatten(KerasLayer, core.Flatten):
    """Each sample becomes one row."""

    in_files: ClassVar[Any] = core.Flatten

    def __init__(self, data_format: str | None = None, **common: Unpack[Common]) -> None:
        self.make_as(core.Flatten, common)


class Reshape(KerasLayer, core.Reshape):
    """Each sample gets another shape."""

    in_files: ClassVar[Any] = core.Reshape

    def __init__(self, target_shape: Any, **common: Unpack[Common]) -> None:
        self.make_as(core.Reshape, common, tuple(target_shape))


class Input(NoArithmetic, core.Input):
    """The shape of one sample, as the first entry of a model.

    Attributes
    ----------
    models
        Those that `Model` made with it.
    """

    name: str
    trainable: bool = True
    weights: tuple[Any, ...] = ()
    models: weakref.WeakSet[Any]

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        batch_shape: Any = None,
        name: str | None = None,
        *,
        input_shape: Any = None,
    ) -> None:
        shape = input_shape if shape is None else shape
        super().__init__(tuple(batch_shape)[1:] if batch_shape is not None else shape)
        self.name = name or "input_layer"
        self.models = weakref.WeakSet()

    def get_weights(self) -> list[Any]:
        """Return nothing: it has no weights."""
        return []

    def count_params(self) -> int:
        """Return 0."""
        return 0


InputLayer = Input
Convolution2D = Conv2D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D

Symbolic.makers["Activation"] = Activation

BY_CORE: dict[str, Any] = {
    kind.in_files.__name__: kind
    for kind in (
        *(Dense, Activation, ReLU, LeakyReLU, ELU, PReLU, Softmax, Identity, Dropout),
        *(AlphaDropout, GaussianDropout, GaussianNoise, BatchNormalization, Normalization),
        *(Rescaling, Flatten, Reshape, Conv2D, MaxPooling2D, AveragePooling2D),
        *(GlobalAveragePooling2D, GlobalMaxPooling2D, ZeroPadding2D),
    )
}
"""Class in a file → the class behind this door."""
