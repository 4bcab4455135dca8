"""One layer of Keras as one of minnet's, from what Keras says of it in words and numbers.

The same for a model in memory and for one in a file. Nothing is looked up but in the tables below,
so a description can make nothing run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minnet.exchange.keras_files import KerasLayer
from minnet.exchange.record import Carried, Given, Record, rank_after
from minnet.foundation.checks import Array, short
from minnet.foundation.registry import from_config
from minnet.layers import (
    ELU,
    GELU,
    SELU,
    AlphaDropout,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Exponential,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    HardSigmoid,
    HardSiLU,
    Layer,
    LeakyReLU,
    Linear,
    MaxPooling2D,
    Mish,
    Normalization,
    PReLU,
    ReLU,
    ReLU6,
    Rescaling,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    ZeroPadding2D,
)

GELU_TANH = "minnet>gelu_tanh"
"""The name under which `to_keras` registers the tanh form of GELU, which Keras gives no name."""

_CURVES: dict[str, Callable[[], Layer]] = {
    "linear": Linear,
    "relu": ReLU,
    "relu6": ReLU6,
    "leaky_relu": lambda: LeakyReLU(0.2),  # the slope of Keras' function; its layer has 0.3
    "elu": ELU,
    "selu": SELU,
    "softplus": Softplus,
    "softsign": Softsign,
    "sigmoid": Sigmoid,
    "hard_sigmoid": HardSigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
    "silu": SiLU,
    "swish": SiLU,
    "mish": Mish,
    "hard_silu": HardSiLU,
    "hard_swish": HardSiLU,
    "exponential": Exponential,
    "gelu": lambda: GELU(approximate=False),
    GELU_TANH: GELU,
}
"""Keras' names of functions → the layer that computes the same."""

_ACTIVATION_LAYERS = {"ReLU", "LeakyReLU", "ELU", "Softmax"}


class Reader:
    """One layer that is read: what it says, and where it is."""

    def __init__(self, layer: KerasLayer, who: str, record: Record) -> None:
        self.kind, self.config, self.given = layer.kind, layer.config, layer.arrays
        self.who, self.record, self.entry = who, record, layer.entry
        self.name = str(layer.config.get("name"))
        self.rank: int | None = None  # axes of a sample here, where they are known

    def refusal(self, reason: str) -> ValueError:
        """The error for what minnet's layer does not have."""
        return ValueError(
            f"{self.who} takes layers that minnet computes alike. Got {short(self.name)}, "
            f"{short(self.kind)}. {reason}"
        )

    def need(self, key: str, *values: Any) -> None:
        """Refuse a setting that is there and has none of these values."""
        value = self.config.get(key, values[0])
        if value not in values:
            raise self.refusal(
                f"Its {key} is {short(value)}, and minnet's layer computes with {values[0]!r}."
            )

    def arrays(self, *names: str) -> dict[str, Given]:
        """The arrays under minnet's names; there have to be as many."""
        if len(self.given) != len(names):
            raise self.refusal(
                f"It has {len(self.given)} arrays, and minnet's layer has {len(names)}: "
                f"{', '.join(names)}. Build the model first."
            )
        return {
            name: Given(self._floats(array), f"{self.name}/{i}", array.shape)
            for i, (name, array) in enumerate(zip(names, self.given, strict=True))
        }

    def _floats(self, array: Array) -> Array:
        if array.dtype.kind != "f":
            raise self.refusal(f"One of its arrays is of {array.dtype}.")
        return array.astype("float32") if array.dtype.itemsize == 2 else array

    def made(self, key: str) -> Any:
        """An initializer, a regularizer or a constraint, by its name and numbers; None without."""
        described = self.config.get(key)
        if described is None:
            return None
        if isinstance(described, str):
            described = {"class_name": described, "config": {}}
        try:
            numbers = {n: as_typed(v) for n, v in (described.get("config") or {}).items()}
            for unused in ("seed", "input_axes", "output_axes", "dtype"):
                numbers.pop(unused, None)
            return from_config({"class": described["class_name"], "config": numbers})
        except (ValueError, KeyError, TypeError, AttributeError):
            if not key.endswith("_initializer"):  # which matters to `reset` alone
                self.record.leave(f"{key} of {self.name}")
            return None

    def left(self, *keys: str) -> None:
        """Note settings that act in training alone and that minnet's layer does not have."""
        for key in keys:
            if self.config.get(key) is not None:
                self.record.leave(f"{key} of {self.name}")

    def curve(self, value: Any) -> Layer | None:
        """The layer of an activation: of a function by its name, or of a layer."""
        if value is None:
            return None
        name = value
        if isinstance(value, Mapping):
            kind, config = value.get("class_name"), value.get("config")
            if kind in _ACTIVATION_LAYERS and isinstance(config, Mapping):
                layer = KerasLayer(str(kind), config, [], value)
                return READERS[str(kind)](Reader(layer, self.who, self.record)).layer
            registered = value.get("registered_name")
            name = registered if registered == GELU_TANH else config
        if not isinstance(name, str) or name not in _CURVES:
            raise self.refusal(
                f"Its activation is {short(name if isinstance(name, str) else value)}. minnet has "
                f"{', '.join(name for name in _CURVES if '>' not in name)}."
            )
        return _CURVES[name]()


def as_typed(value: Any) -> Any:
    """The number that somebody typed, where Keras rounded it to a float32: 0.01."""
    if type(value) is float and abs(value) < 1e30 and float(np.float32(value)) == value:
        return float(str(np.float32(value)))
    return value


def _kernel(reader: Reader, kind: Callable[..., Layer], **settings: Any) -> Carried:
    """A layer with a kernel, a bias and an activation."""
    for key in ("lora_rank", "quantization_config"):
        reader.need(key, None)
    reader.left("bias_regularizer", "activity_regularizer")
    use_bias = bool(reader.config.get("use_bias", True))
    initial = {k: reader.made(k) for k in ("kernel_initializer", "bias_initializer")}
    bounds = ("kernel_regularizer", "kernel_constraint", "bias_constraint")
    curve = reader.curve(reader.config.get("activation"))
    layer = kind(
        **settings,
        activation=None if isinstance(curve, Linear) else curve,
        use_bias=use_bias,
        **{key: value for key, value in initial.items() if value is not None},
        **{key: reader.made(key) for key in bounds},
    )
    return Carried(layer, reader.arrays(*(("W", "b") if use_bias else ("W",))))


def _dense(reader: Reader) -> Carried:
    return _kernel(reader, Dense, units=reader.config["units"])


def _conv2d(reader: Reader) -> Carried:
    reader.need("data_format", "channels_last", None)
    reader.need("dilation_rate", [1, 1], (1, 1), 1)
    reader.need("groups", 1)
    keys = ("filters", "kernel_size", "strides", "padding")
    return _kernel(reader, Conv2D, **{key: reader.config[key] for key in keys})


def _pooling(kind: Callable[..., Layer]) -> Callable[[Reader], Carried]:
    def read(reader: Reader) -> Carried:
        reader.need("data_format", "channels_last", None)
        keys = ("pool_size", "strides", "padding")
        return Carried(kind(**{key: reader.config[key] for key in keys}))

    return read


def _global_pooling(kind: Any) -> Any:
    def carry(reader: Reader) -> Carried:
        reader.need("data_format", "channels_last", None)
        return Carried(kind(keepdims=bool(reader.config.get("keepdims", False))))

    return carry


def _zero_padding(reader: Reader) -> Carried:
    reader.need("data_format", "channels_last", None)
    return Carried(ZeroPadding2D(reader.config["padding"]))


def _batch_normalization(reader: Reader) -> Carried:
    reader.need("renorm", False)
    reader.left("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint")
    axis = reader.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    built = reader.entry.get("build_config")
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    last = len(shape) - 1 if isinstance(shape, (list, tuple)) else 1
    if axis not in (-1, last):
        raise reader.refusal(f"Its axis is {short(axis)}, and minnet's is the last, -1.")
    scale, center = (bool(reader.config.get(key, True)) for key in ("scale", "center"))
    layer = BatchNormalization(
        momentum=reader.config.get("momentum", 0.99),
        epsilon=reader.config.get("epsilon", 1e-3),
        scale=scale,
        center=center,
    )
    names = ("gamma",) * scale + ("beta",) * center + ("moving_mean", "moving_variance")
    remark = f"momentum={layer.momentum:g}, epsilon={layer.epsilon:g}"
    return Carried(layer, reader.arrays(*names), remark=remark)


def _normalization(reader: Reader) -> Carried:
    reader.need("invert", False)
    axis = reader.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    axis = None if axis is None or axis == [] or axis == () else axis
    layer = Normalization(axis=axis)
    statistics = [reader.config.get(key) for key in ("mean", "variance")]
    if None not in statistics:
        reader.given = [np.asarray(value, "float32") for value in statistics]
    elif len(reader.given) == 3:
        reader.given = reader.given[:2]  # the third counts the samples that were shown to it
    reader.given = [array.reshape(-1) for array in reader.given]
    return Carried(layer, reader.arrays("mean", "variance"))


def _prelu(reader: Reader) -> Carried:
    reader.need("shared_axes", None, [])
    reader.left("alpha_regularizer", "alpha_constraint")
    initial = reader.made("alpha_initializer")
    layer = PReLU() if initial is None else PReLU(initial)
    return Carried(layer, reader.arrays("alpha"))


def _relu(reader: Reader) -> Carried:
    config = reader.config
    slope, threshold = config.get("negative_slope") or 0.0, config.get("threshold") or 0.0
    limit = config.get("max_value")
    if threshold == 0.0 and limit is None:
        return Carried(LeakyReLU(slope) if slope else ReLU())
    if (slope, threshold, limit) == (0.0, 0.0, 6.0):
        return Carried(ReLU6())
    raise reader.refusal(
        f"It has max_value={short(limit)}, negative_slope={short(slope)} and "
        f"threshold={short(threshold)}; minnet has ReLU, LeakyReLU and ReLU6."
    )


def _leaky_relu(reader: Reader) -> Carried:
    slope = reader.config.get("negative_slope", reader.config.get("alpha", 0.3))
    return Carried(LeakyReLU(slope))


def _softmax(reader: Reader) -> Carried:
    reader.need("axis", -1, *([1] if reader.rank == 1 else []))  # of rows, axis 1 is the last
    return Carried(Softmax())


def _activation(reader: Reader) -> Carried:
    return Carried(reader.curve(reader.config.get("activation")) or Linear())


def _dropout(kind: Callable[[float], Layer]) -> Callable[[Reader], Carried]:
    def read(reader: Reader) -> Carried:
        if reader.config.get("noise_shape") is not None:
            reader.record.leave(f"noise_shape of {reader.name}")
        return Carried(kind(reader.config["rate"]))

    return read


def _flatten(reader: Reader) -> Carried:
    reader.need("data_format", "channels_last", None)
    return Carried(Flatten())


def _reshape(reader: Reader) -> Carried:
    return Carried(Reshape(tuple(reader.config["target_shape"])))


def _rescaling(reader: Reader) -> Carried:
    config = reader.config
    return Carried(Rescaling(config["scale"], config.get("offset", 0.0)))


READERS: dict[str, Callable[[Reader], Carried]] = {
    "Dense": _dense,
    "Conv2D": _conv2d,
    "MaxPooling2D": _pooling(MaxPooling2D),
    "AveragePooling2D": _pooling(AveragePooling2D),
    "GlobalAveragePooling2D": _global_pooling(GlobalAveragePooling2D),
    "GlobalMaxPooling2D": _global_pooling(GlobalMaxPooling2D),
    "ZeroPadding2D": _zero_padding,
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "PReLU": _prelu,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": lambda reader: Carried(ELU(reader.config.get("alpha", 1.0))),
    "Softmax": _softmax,
    "Activation": _activation,
    "Identity": lambda reader: Carried(Linear()),
    "Dropout": _dropout(Dropout),
    "AlphaDropout": _dropout(AlphaDropout),
    "GaussianDropout": _dropout(GaussianDropout),
    "GaussianNoise": lambda reader: Carried(GaussianNoise(reader.config["stddev"])),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Rescaling": _rescaling,
}
"""Keras' layer → how it is read."""


def carried(layers: Sequence[KerasLayer], who: str, record: Record) -> list[Carried]:
    """Return Keras' layers as layers on their way into a model, with their names.

    Raises
    ------
    TypeError
        A layer that minnet does not have.
    ValueError
        Settings that minnet's layer does not have.
    """
    result: list[Carried] = []
    rank: int | None = None
    for layer in layers:
        shape = layer.config.get("batch_shape", layer.config.get("batch_input_shape"))
        if isinstance(shape, (list, tuple)):
            rank = len(shape) - 1
        if layer.kind == "InputLayer":
            continue
        reader = Reader(layer, who, record)
        reader.rank = rank
        own = str(layer.entry.get("module") or "keras").split(".")[0] in ("keras", "tf_keras")
        if layer.kind not in READERS or not own or ">" in str(layer.entry.get("registered_name")):
            raise TypeError(
                f"{who} takes layers that minnet has. Got {short(reader.name)}, "
                f"{short(layer.kind)}. minnet has {', '.join(READERS)}."
            )
        policy = layer.config.get("dtype")
        if isinstance(policy, Mapping):
            inner = policy.get("config")
            policy = inner.get("name") if isinstance(inner, Mapping) else None
        if policy not in (None, "float32", "float64"):
            record.notes.append(f"{reader.name} computes in {short(policy)} in Keras, here not.")
        one = READERS[layer.kind](reader)
        one.layer.name, rank = reader.name, rank_after(one.layer, rank)
        trainable = layer.config.get("trainable", True) is not False
        source = f"{reader.name} ({layer.kind})"
        result.append(one._replace(source=source, trainable=trainable))
    return result
