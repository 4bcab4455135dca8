"""Layers for images, (N, height, width, channels)."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from minnet import layers as core
from minnet.keras.activations import activation as activation_of
from minnet.keras.layer import Common, KerasLayer, WithKernel, kernel_settings
from minnet.keras.names import only

LAST = "Channels come last: x.transpose(0, 2, 3, 1)."


def _channels_last(who: str, data_format: str | None) -> None:
    if data_format is not None:
        only(who, LAST, data_format=(data_format, "channels_last"))


class Conv2D(WithKernel, core.Conv2D):
    """Each window of an image times the same weights, then the activation."""

    in_files: ClassVar[Any] = core.Conv2D

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
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
        _channels_last("Conv2D", data_format)
        wide = (1, 1) if dilation_rate == 1 else tuple(dilation_rate)
        instead = "Windows are whole, and see all channels."
        only("Conv2D", instead, dilation_rate=(wide, (1, 1)), groups=(groups, 1))
        self.make_as(
            core.Conv2D,
            common,
            filters,
            _pair(kernel_size),
            _pair(strides),
            padding.lower(),
            activation_of(activation, "Conv2D's activation"),
            **kernel_settings(
                "Conv2D",
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


def _pair(size: Any) -> Any:
    return tuple(size) if isinstance(size, list) else size


class _Pooling2D(KerasLayer):
    """What both kinds of pooling take."""

    in_files: ClassVar[Any]

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        _channels_last(self.in_files.__name__, data_format)
        self.make_as(self.in_files, common, _pair(pool_size), _pair(strides), padding.lower())


class MaxPooling2D(_Pooling2D, core.MaxPooling2D):
    """The largest number of each window."""

    in_files: ClassVar[Any] = core.MaxPooling2D


class AveragePooling2D(_Pooling2D, core.AveragePooling2D):
    """The mean of each window."""

    in_files: ClassVar[Any] = core.AveragePooling2D


class _GlobalPooling2D(KerasLayer):
    """What both kinds of pooling over a whole image take."""

    in_files: ClassVar[Any]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **common: Unpack[Common]
    ) -> None:
        _channels_last(self.in_files.__name__, data_format)
        self.make_as(self.in_files, common, keepdims)


class GlobalAveragePooling2D(_GlobalPooling2D, core.GlobalAveragePooling2D):
    """The mean of each channel over the whole image."""

    in_files: ClassVar[Any] = core.GlobalAveragePooling2D


class GlobalMaxPooling2D(_GlobalPooling2D, core.GlobalMaxPooling2D):
    """The largest number of each channel over the whole image."""

    in_files: ClassVar[Any] = core.GlobalMaxPooling2D


class ZeroPadding2D(KerasLayer, core.ZeroPadding2D):
    """Images with rows and columns of zeros around them."""

    in_files: ClassVar[Any] = core.ZeroPadding2D

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **common: Unpack[Common]
    ) -> None:
        _channels_last("ZeroPadding2D", data_format)
        self.make_as(core.ZeroPadding2D, common, padding)
