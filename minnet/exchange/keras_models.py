"""To Keras and back: `Sequential` models, in memory or in `.keras` files."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minnet.exchange import keras_files
from minnet.exchange.keras_files import KerasFile, KerasLayer
from minnet.exchange.keras_graphs import chain
from minnet.exchange.keras_layers import GELU_TANH, carried
from minnet.exchange.record import Record, a_model, first_width, imported, kind_of, model_of, refuse
from minnet.files import saving
from minnet.foundation import checks
from minnet.foundation.checks import Shape
from minnet.foundation.registry import to_config
from minnet.foundation.strict import named
from minnet.layers import Layer
from minnet.models import Sequential

# --- in -------------------------------------------------------------------------------------------


@named
def from_keras(model: Any) -> Sequential:
    """Return a Keras model as a minnet model, with its weights.

    It takes `Sequential`, also inside of one another, and functional models that are a chain. What
    is carried over: slopes, ε, momentum, what is frozen, penalties and bounds of kernels, names,
    float64. The optimizer stays behind: compile the model. `report(model)` is the table of what was
    done.

    Parameters
    ----------
    model
        A built model of Keras, or the path of a `.keras` file, which is read in NumPy alone:
        nothing in it is run or unpickled.

    Raises
    ------
    TypeError
        A layer that minnet does not have, by its name.
    ValueError
        Settings that minnet's layer does not have; a graph that is no chain.
    ModelFileError
        The file is missing or damaged, or describes such a layer.

    Examples
    --------
    >>> import keras  # doctest: +SKIP
    >>> layers = [keras.Input((4,)), keras.layers.Dense(2, activation="relu")]  # doctest: +SKIP
    >>> from_keras(keras.Sequential(layers)).count_params()  # doctest: +SKIP
    10
    """
    if isinstance(model, Sequential):
        raise TypeError("from_keras takes a model of Keras. Got one of minnet, which is ready.")
    if isinstance(model, (str, os.PathLike)):
        opened = keras_files.read(model)
        origin = os.path.basename(os.fspath(model))  # noqa: PTH119 - a path in any form
        with saving.refusing(f"{os.fspath(model)} describes no model that minnet can build"):
            return from_description(opened, origin)
    if not all(hasattr(model, name) for name in ("get_config", "layers", "get_layer")):
        raise TypeError(
            "from_keras takes a Keras model or the path of a .keras file. Got "
            f"{checks.short(model)}."
        )
    config = _config_of(model)
    layers = list(_layers(model, config))
    shape = keras_files.input_shape_of(config)
    return from_description(KerasFile(str(model.name), {}, layers, shape), "Keras")


def from_description(opened: KerasFile, origin: str, who: str = "from_keras") -> Sequential:
    """Return the model of layers that `keras_files.read` read.

    Parameters
    ----------
    origin
        Where the weights come from, for the summary.
    who
        The function that was called, for messages.
    """
    record = Record(who, "Keras", "minnet")
    layers = carried(opened.layers, who, record)
    shape = _sample_shape(opened.input_shape) or first_width(layers)
    name = opened.name or None
    model = model_of(layers, record, input_shape=shape, origin=origin, name=name)
    record.done(model)
    return model


def _sample_shape(shape: Any) -> Shape | None:
    """The shape of one sample, from one with the batch."""
    if shape is None:
        return None
    fine = isinstance(shape, (list, tuple)) and len(shape) > 1
    if not fine or not all(type(n) is int and n > 0 for n in shape[1:]):
        raise ValueError(
            f"from_keras takes models whose input has a fixed shape. Got {checks.short(shape)}."
        )
    return tuple(shape[1:])


def _config_of(model: Any) -> Any:
    try:
        return model.get_config()
    except Exception:  # whatever a class of a user's own raises
        return {}


def _layers(model: Any, config: Any) -> Iterator[KerasLayer]:
    """The layers of a model in memory, and of the models in it."""
    kind = "Sequential" if type(model).__name__ == "Sequential" else type(model).__name__
    for entry in chain(config, kind, "from_keras's model"):
        layer = model.get_layer(entry["config"]["name"]) if _has(model, entry) else None
        if layer is None:  # the input of a Sequential
            continue
        inner = entry["config"]
        if isinstance(inner.get("layers"), list):
            yield from _layers(layer, inner)
        else:
            arrays = [np.asarray(array) for array in layer.get_weights()]
            own = {
                "module": type(layer).__module__,
                "registered_name": entry.get("registered_name"),
                "build_config": entry.get("build_config") or _build_config(layer),
            }
            yield KerasLayer(type(layer).__name__, inner, arrays, own)


def _build_config(layer: Any) -> Any:
    """What a layer of Keras says of the shape that it was built for."""
    try:
        return layer.get_build_config()
    except Exception:  # whatever a class of a user's own raises
        return None


def _has(model: Any, entry: Any) -> bool:
    return any(layer.name == entry["config"].get("name") for layer in model.layers)


# --- out ------------------------------------------------------------------------------------------


@named
def to_keras(model: Sequential) -> Any:
    """Return a `keras.Sequential` that predicts what the model predicts, with equal names.

    Penalties, bounds and what is frozen come along; the optimizer stays behind. A Dense whose
    activation has settings that Keras names no function for (LeakyReLU's slope, ELU's α) becomes
    two layers. `report(keras_model)` is the table of what was done.

    Keras' PyTorch backend averages windows with padding="same" in another way than minnet.
    GELU's tanh form has no name in Keras, so it is registered as `minnet>gelu_tanh`: a program that
    loads a saved model with it calls `minnet.exchange.keras_models.gelu_tanh()` first.

    Parameters
    ----------
    model
        A built model of minnet's own layers.

    Raises
    ------
    TypeError
        A layer with a formula of its own.

    Examples
    --------
    >>> import minnet  # doctest: +SKIP
    >>> model = minnet.Sequential([minnet.layers.Dense(2, input_dim=4)], seed=0)  # doctest: +SKIP
    >>> to_keras(model).count_params()  # doctest: +SKIP
    10
    """
    model = a_model(model, "to_keras")
    keras = imported("keras", "to_keras")
    record = Record("to_keras", "minnet", "Keras")
    dtype = model.dtype.name
    made: list[Any] = [keras.Input(model.input_shape, dtype=dtype)]
    fills: list[tuple[Layer, Any, list[tuple[Layer, Any]]]] = []
    for layer in model.layers:
        first, *rest = layer.steps()
        common = {"name": layer.name, "dtype": dtype, "trainable": layer.trainable}
        name = None
        if rest and kind_of(first, "to_keras") in KERNELS:
            name = _function(keras, rest[0])
        if name is not None:
            built = _with_kernel(keras, first, common, record, activation=name)
            rest = rest[1:]
        else:
            built = _made(keras, first, common, record)
        made.append(built)
        curves = []
        for step in rest:
            name = f"{layer.name}_{type(step).__name__.lower()}"
            curves.append((step, _made(keras, step, {**common, "name": name}, record)))
        made += [curve for _, curve in curves]
        fills.append((layer, built, curves))
    result = keras.Sequential(made, name=model.name.replace("/", "_"))  # "/" is a path to Keras
    for layer, built, curves in fills:
        _fill(layer, built, record)
        for step, curve in curves:
            record.row(step.label, curve.name, type(curve).__name__)
    record.done(result)
    return result


def _fill(layer: Layer, built: Any, record: Record) -> None:
    """Copy the arrays of a layer into Keras'."""
    arrays = layer.get_weights()
    if kind_of(layer, "to_keras") == "Normalization":
        arrays = [array.reshape(w.shape) for array, w in zip(arrays, built.weights, strict=False)]
        built.set_weights([*arrays, np.zeros((), "int32")])
        built.finalize_state()
    elif arrays:
        built.set_weights(arrays)
    for name, array in layer.arrays().items():
        record.array(f"{layer.name}.{name}", array.shape, built.name, array.shape, "COPIED")
    if not arrays:
        record.row(str(layer.name), built.name, type(built).__name__)


@functools.cache
def gelu_tanh() -> Any:
    """Return the tanh form of GELU as a function of Keras, registered for its files."""
    keras = imported("keras", "to_keras")
    package, _, name = GELU_TANH.partition(">")

    def gelu(x: Any) -> Any:
        return keras.activations.gelu(x, approximate=True)

    gelu.__name__ = name
    return keras.saving.register_keras_serializable(package, name)(gelu)


FUNCTIONS = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "SiLU": "silu",
    "Mish": "mish",
    "HardSiLU": "hard_silu",
    "Exponential": "exponential",
    "Linear": "linear",
}
"""minnet's activation → the name of Keras' function, where it has no settings."""


def _function(keras: Any, step: Layer) -> Any:
    """Keras' function for an activation; None where it has to be a layer of its own."""
    kind = kind_of(step, "to_keras")
    if kind == "GELU":
        return gelu_tanh() if getattr(step, "approximate", True) else "gelu"
    return "elu" if kind == "ELU" and getattr(step, "alpha", None) == 1.0 else FUNCTIONS.get(kind)


def _object(keras: Any, room: str, value: Any, record: Record, whose: str) -> Any:
    """An initializer, a penalty or a bound as Keras' own; None where Keras has none."""
    if value is None:
        return None
    kind = getattr(getattr(keras, room), type(value).__name__, None)
    try:
        if kind is None:
            raise TypeError(type(value).__name__)
        return kind(**to_config(value)["config"])
    except TypeError:
        if room != "initializers":  # which matter before training alone
            record.leave(f"{checks.short(value)} of {whose}")
        return None


KERNELS: dict[str, tuple[str, ...]] = {
    "Dense": ("units",),
    "Conv2D": ("filters", "kernel_size", "strides", "padding"),
}
"""minnet's layers with a kernel → their own settings, which have the same names in Keras."""


def _with_kernel(
    keras: Any, layer: Any, common: Any, record: Record, activation: Any = None
) -> Any:
    kind = kind_of(layer, "to_keras")
    settings: dict[str, Any] = {}
    for key in ("kernel_initializer", "bias_initializer"):
        value = _object(keras, "initializers", getattr(layer, key), record, layer.name)
        settings |= {} if value is None else {key: value}
    for key, room in (
        ("kernel_regularizer", "regularizers"),
        ("kernel_constraint", "constraints"),
        ("bias_constraint", "constraints"),
    ):
        settings[key] = _object(keras, room, getattr(layer, key), record, layer.name)
    settings |= {key: getattr(layer, key) for key in KERNELS[kind]}
    settings |= {"activation": activation, "use_bias": layer.use_bias}
    return getattr(keras.layers, kind)(**settings, **common)


def _made(keras: Any, step: Layer, common: Any, record: Record) -> Any:
    """One step as a layer of Keras."""
    kind = kind_of(step, "to_keras")
    if kind in KERNELS:
        return _with_kernel(keras, step, common, record)
    if kind in WRITERS:
        return WRITERS[kind](keras.layers, step, common)
    function = _function(keras, step)
    if function is None:
        raise refuse(kind, step, "to_keras", "Take it out of the model first.")
    return keras.layers.Activation(function, **common)


WRITERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "ReLU": lambda L, s, common: L.ReLU(**common),
    "LeakyReLU": lambda L, s, common: L.LeakyReLU(negative_slope=s.negative_slope, **common),
    "ELU": lambda L, s, common: L.ELU(alpha=s.alpha, **common),
    "Softmax": lambda L, s, common: L.Softmax(**common),
    "PReLU": lambda L, s, common: L.PReLU(**common),
    "Dropout": lambda L, s, common: L.Dropout(s.rate, **common),
    "AlphaDropout": lambda L, s, common: L.AlphaDropout(s.rate, **common),
    "GaussianDropout": lambda L, s, common: L.GaussianDropout(s.rate, **common),
    "GaussianNoise": lambda L, s, common: L.GaussianNoise(s.stddev, **common),
    "BatchNormalization": lambda L, s, common: L.BatchNormalization(
        momentum=s.momentum, epsilon=s.epsilon, center=s.center, scale=s.scale, **common
    ),
    "Normalization": lambda L, s, common: L.Normalization(axis=s.axis, **common),
    "Rescaling": lambda L, s, common: L.Rescaling(s.scale, s.offset, **common),
    "MaxPooling2D": lambda L, s, common: L.MaxPooling2D(
        s.pool_size, s.strides, s.padding, **common
    ),
    "AveragePooling2D": lambda L, s, common: L.AveragePooling2D(
        s.pool_size, s.strides, s.padding, **common
    ),
    "GlobalAveragePooling2D": lambda L, s, common: L.GlobalAveragePooling2D(
        keepdims=s.keepdims, **common
    ),
    "GlobalMaxPooling2D": lambda L, s, common: L.GlobalMaxPooling2D(keepdims=s.keepdims, **common),
    "ZeroPadding2D": lambda L, s, common: L.ZeroPadding2D(s.padding, **common),
    "Flatten": lambda L, s, common: L.Flatten(**common),
    "Reshape": lambda L, s, common: L.Reshape(s.target_shape, **common),
}
"""minnet's layer → Keras' layer, with what all layers take."""
