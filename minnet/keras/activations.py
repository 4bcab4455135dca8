"""Activations as functions; `activation="relu"` and `activation=activations.relu` are one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minnet import layers as core
from minnet.foundation.strict import named
from minnet.keras import words
from minnet.keras.names import only, plain, refuse, table
from minnet.keras.variables import Symbolic, tensor

__getattr__ = words.answering(__name__)

MAKERS: dict[str, Callable[[], core.Layer]] = table(
    {
        **core.ACTIVATIONS,
        "leaky_relu": lambda: core.LeakyReLU(0.2),
        "gelu": lambda: core.GELU(approximate=False),
    }
)
"""Plain name → the activation, as Keras' function of that name has its settings."""

SECOND_NAMES = {"swish": "silu", "hard_swish": "hard_silu"}
"""Keras' other name of a function → its own."""


class NoActivation(core.Linear):
    """What a layer without an activation answers with: y = x, which does not run."""

    in_files: ClassVar[Any] = core.Linear

    def steps(self) -> tuple[core.Layer, ...]:
        """Nothing runs."""
        return ()

    def __reduce__(self) -> str:
        return "NO_ACTIVATION"  # there is one, also for a copy


NAMES = {kind.__name__: name for name, kind in core.ACTIVATIONS.items() if name not in SECOND_NAMES}
"""Class of the core → the name of Keras' function."""


def _function(name: str, made: Callable[..., core.Layer] | None = None) -> Callable[..., Any]:
    if made is not None and not isinstance(made, type):
        made.__name__ = made.__qualname__ = name
        make: Callable[..., core.Layer] | None = named(made)
    else:
        make = made

    def activation(x: Any, *settings: Any, **named: Any) -> Any:
        if isinstance(x, (Symbolic, core.Input)):
            return Symbolic.put_on(x, "Activation", _made(*settings, **named))
        array = np.asarray(x)
        if array.dtype.kind != "f":
            array = array.astype("float32")
        return tensor(_made(*settings, **named).forward(array))

    def _made(*settings: Any, **named: Any) -> core.Layer:
        if make is not None:
            return make(*settings, **named)
        if settings or named:
            given = [*settings, *(f"{key}={value!r}" for key, value in named.items())]
            refuse(name, "settings", given, "Call it with x alone.")
        return MAKERS[plain(name)]()

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = f"The formula of `{name}`, of an array."
    return activation


def _gelu(approximate: bool = False) -> core.Layer:
    return core.GELU(approximate)


def _leaky_relu(negative_slope: float = 0.2) -> core.Layer:
    return core.LeakyReLU(negative_slope)


def _relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> core.Layer:
    only("relu", "Use numpy.where.", threshold=(float(threshold), 0.0))
    if negative_slope == 0.0:
        return core.ReLU(max_value)
    only("relu", "Use numpy.clip.", max_value=(max_value, None))
    return core.LeakyReLU(negative_slope)


def _softmax(axis: int = -1) -> core.Layer:
    only("softmax", "It goes along the last axis.", axis=(axis, -1))
    return core.Softmax()


elu = _function("elu", core.ELU)
exponential = _function("exponential")
gelu = _function("gelu", _gelu)
hard_sigmoid = _function("hard_sigmoid")
hard_silu = hard_swish = _function("hard_silu")
leaky_relu = _function("leaky_relu", _leaky_relu)
linear = _function("linear")
mish = _function("mish")
relu = _function("relu", _relu)
relu6 = _function("relu6")
selu = _function("selu")
sigmoid = _function("sigmoid")
silu = swish = _function("silu")
softmax = _function("softmax", _softmax)
softplus = _function("softplus")
softsign = _function("softsign")
tanh = _function("tanh")


def get(identifier: Any) -> Any:
    """Return the function of this name; a function as it is."""
    if identifier is None:
        return linear
    if isinstance(identifier, str) and plain(identifier) in MAKERS:
        return globals()[SECOND_NAMES.get(identifier, identifier)]
    return identifier


def activation(value: Any, who: str) -> Any:
    """Return what a layer of the core takes as an activation; it has Keras' name as `__name__`.

    Raises
    ------
    NotImplementedError
        A function of one's own: nobody knows its derivative.
    ValueError
        An unknown name.
    """
    if value is None:
        return NO_ACTIVATION
    if isinstance(value, core.Layer):
        return _with_name(value)
    if isinstance(value, str):
        if plain(value) in MAKERS:
            return _with_name(MAKERS[plain(value)]())
        if value in words.TABLE["activations"]:
            words.Missing(f"activations.{value}", words.ACTIVATIONS)()
        return value  # the core says what it knows
    name = plain(getattr(value, "__name__", "").removesuffix("_v2"))  # as tf.nn.softmax has it
    if callable(value) and name in MAKERS and _is_known(value):
        return _with_name(MAKERS[name]())
    if isinstance(value, words.Missing) or not callable(value):
        return value() if callable(value) else value
    if (layer := named_by(value)) is not None:
        return _with_name(layer)
    raise NotImplementedError(
        f"{who} takes a name such as 'relu', or a layer. Got a function of your own, whose "
        "derivative nobody knows. Write a Layer with forward and backward, as "
        "minnet.layers.Layer explains, and add it behind the Dense."
    )


def named_by(function: Callable[..., Any]) -> Any:
    """Return the activation that a function of x calls, where it does nothing besides.

    Such as `lambda x: activations.relu(x, negative_slope=0.1)`. None for any other function.
    """
    probe = core.Input((1,))
    try:
        result = function(probe)
    except Exception:
        return None
    alone = isinstance(result, Symbolic) and result.below is probe
    return getattr(result.source, "activation", None) if alone else None


def _with_name(layer: core.Layer) -> core.Layer:
    """Let an activation answer to `layer.activation.__name__`, as the functions of Keras do."""
    kind = layer.class_in_files().__name__
    layer.__name__ = NAMES.get(kind, kind)
    return layer


def _is_known(function: Any) -> bool:
    """Whether a function is one of these, or TensorFlow's of that name, such as tf.nn.relu."""
    module = str(getattr(function, "__module__", ""))
    return module == __name__ or module.split(".")[0] in ("tensorflow", "keras")


NO_ACTIVATION = _with_name(NoActivation())
