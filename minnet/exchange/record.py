"""What every exchange does alike: tools found, layers told apart, models made, and a table of it.

A layer on its way in is a `Carried`: a minnet layer without weights, and its arrays under the names
that they had. `model_of` makes a model of them, all of it or nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from minnet.foundation import checks
from minnet.foundation.checks import Array, Shape
from minnet.foundation.tables import Table
from minnet.initializers import Initializer, Zeros
from minnet.layers import Conv2D, Dense, Input, Layer, Linear, Reshape
from minnet.models import Sequential

REPEATED = "REPEATED for every unit"
"""What is done with one number that stands for many."""

_REPORTS: WeakKeyDictionary[object, Table] = WeakKeyDictionary()


class Given(NamedTuple):
    """An array that comes in: its values in minnet's layout, and what it was before."""

    value: Array
    source: str
    shape: Shape
    verdict: str = "LOADED"


class Carried(NamedTuple):
    """A layer that comes in."""

    layer: Layer
    arrays: Mapping[str, Given] = {}
    source: str = ""  # its name and kind where it comes from
    remark: str = ""  # what was done, where it has no arrays to say it of
    trainable: bool = True


class Record:
    """The table of one exchange, row by row, and what it leaves behind.

    Parameters
    ----------
    who
        The function that exchanges, for messages.
    source, target
        Titles of the two sides.
    """

    def __init__(self, who: str, source: str, target: str) -> None:
        self.who = who
        self.heading = [source, "shape", target, "shape", ""]
        self.rows: list[list[str]] = []
        self.notes: list[str] = []
        self._behind: list[str] = []

    def row(self, source: str, target: str, verdict: str) -> None:
        """Add a layer without arrays."""
        self.rows.append([source, "", target, "", verdict])

    def array(self, source: str, before: Shape, target: str, after: Shape, verdict: str) -> None:
        """Add an array of a layer."""
        self.rows.append([source, str(tuple(before)), target, str(tuple(after)), verdict])

    def leave(self, thing: str) -> None:
        """Note what is not carried over and changes no prediction; the user is warned of it."""
        self._behind.append(thing)

    def done(self, thing: object = None) -> Table:
        """Return the table, kept for `report(thing)`; warn of what was left behind."""
        if self._behind:
            left = f"Left behind, since it acts in training alone: {', '.join(self._behind)}."
            self.notes.append(left)
            checks.warn(f"{self.who}: {left} Predictions are the same.")
        table = Table(self.heading, self.rows, notes=self.notes)
        if thing is not None:
            _REPORTS[thing] = table
        return table


def report(thing: object) -> Table:
    """Return the table of the exchange that a model, a module or an estimator came from.

    Every array has a row with its name and shape on both sides and what was done: LOADED as it is,
    TRANSPOSED, and so on. Every other layer has a row with what became of it.

    Parameters
    ----------
    thing
        What an exchange gave: a model, a module or an estimator.

    Raises
    ------
    ValueError
        It came from none of minnet's exchanges, or it is a copy.

    Examples
    --------
    >>> report(3)
    Traceback (most recent call last):
    ...
    ValueError: report takes what an exchange gave. Got 3. Give the object itself, no copy.
    """
    try:
        return _REPORTS[thing]
    except (KeyError, TypeError):
        raise ValueError(
            f"report takes what an exchange gave. Got {checks.short(thing)}. Give the object "
            "itself, no copy."
        ) from None


def imported(module: str, who: str, package: str = "") -> Any:
    """Return a tool, imported now.

    Parameters
    ----------
    module
        Its name in an import line.
    package
        Its name for pip, where that is another.

    Raises
    ------
    ModuleNotFoundError
        It is not installed; the sentence has the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        raise ModuleNotFoundError(
            f"{who} needs {name}, which could not be imported ({error}): "
            f"python -m pip install {name}.",
            name=module,
        ) from None


def a_model(model: object, who: str) -> Sequential:
    """Return the model, if it is one that is built."""
    if not isinstance(model, Sequential):
        raise TypeError(f"{who} takes a minnet model. Got {checks.short(model)}.")
    model.require_built()
    return model


def kind_of(step: Layer, who: str) -> str:
    """Return the name of minnet's own class whose formula this layer computes.

    Raises
    ------
    TypeError
        It has a formula of its own.
    """
    classes: tuple[Any, ...] = type(step).__mro__
    own = next(c for c in classes if c.__module__.startswith("minnet.layers."))
    overridden = type(step).forward is not own.forward or "forward" in vars(step)
    if overridden or own is Layer:
        raise TypeError(
            f"{who} takes minnet's own layers. Got {step.label}, a {type(step).__name__}, whose "
            "formula is known here alone. Take it out of the model, or write it in the other tool "
            "and hand over the weights: model.get_weights()."
        )
    return str(own.__name__)


TOOLS = {
    "to_torch": "PyTorch",
    "to_keras": "Keras",
    "to_sklearn": "scikit-learn",
    "to_onnx": "ONNX",
}
"""The functions that take a model elsewhere → where."""


def refuse(kind: str, step: Layer, who: str, reason: str) -> TypeError:
    """Return the error for a layer that the other tool does not have."""
    return TypeError(
        f"{who} takes layers that {TOOLS[who]} has. Got {step.label}, a {kind}. {reason}"
    )


def wide(arrays: Iterator[Array] | Sequence[Array]) -> str:
    """Return the dtype of a model that loses no digit of these arrays."""
    return "float64" if any(array.dtype == np.float64 for array in arrays) else "float32"


def numbers(value: Any, who: str, name: str) -> Array:
    """Return an array of finite floats, float16 as float32; other kinds are refused."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise TypeError(
            f"{who} takes weights that are real numbers of up to 64 bits. Got {array.dtype} in "
            f"{name}. Convert them first."
        )
    if array.dtype.itemsize == 2:
        array = array.astype("float32")
    check_finite(array, who, name)
    return array


def check_finite(array: Array, who: str, name: str) -> None:
    """Refuse weights with a NaN or an infinity."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{who} takes finite weights. Got NaN or infinity in {name}. Take the weights from "
            "before the training diverged."
        )


def with_activations(carried: Sequence[Carried]) -> list[Carried]:
    """Return the layers with each activation that follows a Dense put into it, as in Keras."""
    merged: list[Carried] = []
    for one in carried:
        below = merged[-1] if merged else None
        dense = below.layer if below is not None else None
        plain = not (one.arrays or one.layer.training_differs or one.layer.name)
        if (
            below is None
            or not isinstance(dense, (Dense, Conv2D))
            or not plain
            or not _is_curve(one.layer)
        ):
            merged.append(one)
        elif dense.activation is None:
            config = {**dense.get_config(), "activation": one.layer}
            layer = type(dense)(**config)
            merged[-1] = below._replace(layer=layer, source=f"{below.source}, {one.source}")
        else:
            merged.append(one)
    return merged


def _is_curve(layer: Layer) -> bool:
    """Whether a layer is an activation."""
    if isinstance(layer, Linear):
        return False
    return type(layer).__module__ in ("minnet.layers.activations", "minnet.layers.curves")


def model_of(
    carried: Sequence[Carried],
    record: Record,
    *,
    input_shape: Shape | None,
    origin: str,
    name: str | None = None,
) -> Sequential:
    """Return the model of these layers, with a row for each in the record.

    No array takes memory before its shape is that of the values that came.

    Raises
    ------
    ValueError
        The layers do not fit each other or their arrays, or an array has NaN or infinity.
    """
    given = [array for one in carried for array in one.arrays.values()]
    for array in given:
        check_finite(array.value, record.who, array.source)
    for one in carried:
        for key, array in one.arrays.items():
            one.layer.check_values({f"{one.layer.label}.{key}": array.value})
    layers = [one.layer for one in carried]
    model = Sequential(dtype=wide([array.value for array in given]), name=name)
    with _only_given(carried):
        model.add_all([*([] if input_shape is None else [Input(input_shape)]), *layers])
    if given:
        model.require_built()
    for one in carried:
        arrays = one.layer.arrays()
        for key, array in one.arrays.items():
            arrays[key][...] = array.value
            target = f"{one.layer.name}.{key}"
            record.array(array.source, array.shape, target, arrays[key].shape, array.verdict)
        if one.arrays:
            one.layer.origin = origin
            one.layer.trainable = one.trainable
        named = f"name={one.layer.name!r}"
        kind = one.remark or repr(one.layer).replace(f", {named}", "").replace(named, "")
        if not one.arrays or one.remark:
            record.row(one.source, str(one.layer.name), kind)
        elif isinstance(one.layer, Dense) and one.layer.activation is not None:
            record.row(one.source, str(one.layer.name), f"activation={one.layer.activation!r}")
    return model


@contextmanager
def _only_given(carried: Sequence[Carried]) -> Iterator[None]:
    """Let layers create the arrays that came, in their shapes, and no others."""

    def creating(layer: Layer, arrays: Mapping[str, Given]) -> Any:
        def add_weight(
            name: str, shape: Shape, initializer: Initializer, rng: np.random.Generator
        ) -> None:
            given = arrays.get(name)
            repeated = given is not None and given.verdict == REPEATED
            if given is None or not (repeated or given.value.shape == shape):
                came = "none" if given is None else f"{given.value.shape}, from {given.source}"
                raise ValueError(
                    f"{layer.label}.{name} takes an array of shape {shape}. Got {came}."
                )
            type(layer).add_weight(layer, name, shape, Zeros(), rng)

        return add_weight

    for one in carried:
        one.layer.add_weight = creating(one.layer, one.arrays)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for one in carried:
            del one.layer.add_weight


def first_width(carried: Sequence[Carried]) -> Shape | None:
    """Return the shape of a sample by the first layer with arrays, where nothing else tells it."""
    for one in carried:
        if "W" in one.arrays:
            W = one.arrays["W"].value
            return (len(W),) if W.ndim == 2 else None  # images may be of any size
        for array in one.arrays.values():
            if array.verdict != REPEATED:
                return array.value.shape
        if isinstance(one.layer, Reshape):
            return None
    return None
