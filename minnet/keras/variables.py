"""Arrays with the words of Keras' tensors and variables; they are NumPy's all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer

KERAS_NAMES = {"W": "kernel", "b": "bias"}


class Tensor(np.ndarray):
    """An array that also answers to `numpy()`."""

    def numpy(self) -> Any:
        """Return the numbers as a plain array, or as a number where it is one."""
        return np.array(self, subok=False)[()]


class Variable(Tensor):
    """An array of a layer: the very numbers that the layer computes with.

    Attributes
    ----------
    name, path
        "kernel", and "dense_1/kernel".
    trainable
        Whether training changes it.
    """

    name: str
    path: str
    trainable: bool
    _of: tuple[Layer, str] | None

    def __array_finalize__(self, source: Any) -> None:
        self.name, self.path, self.trainable, self._of = "", "", False, None

    @property
    def value(self) -> Array:
        """The numbers."""
        return self.view(np.ndarray)

    def assign(self, value: Any) -> Variable:
        """Put other numbers in their place, after a check of the shape."""
        if self._of is None:
            raise TypeError(
                "assign takes an array of a layer, such as layer.kernel. Got what was computed "
                "from one. Assign to that."
            )
        layer, name = self._of
        setattr(layer, name, value)
        return self


def tensor(array: Any) -> Tensor:
    """Return an array, or a number, as a Tensor."""
    return np.asarray(array).view(Tensor)


def variable(layer: Layer, name: str) -> Variable:
    """Return a layer's array of this name as a Variable."""
    if name not in layer.arrays():
        raise AttributeError(f"{layer.label} has no {name}.")
    new = layer.arrays()[name].view(Variable)
    new.name = KERAS_NAMES.get(name, name)
    new.path = f"{layer.label}/{new.name}"
    new.trainable = layer.trainable and name in layer.parameters
    new._of = (layer, name)
    return new


def variables(layers: Iterable[Layer]) -> list[Variable]:
    """Return all arrays of layers, in Keras' order."""
    return [variable(layer, name) for layer in layers for name in layer.arrays()]


class Symbolic:
    """What Keras calls a symbolic tensor: a shape, with None for the batch."""

    def __init__(
        self, shape: tuple[int, ...], name: str, source: Any, side: str, dtype: str = "float32"
    ) -> None:
        self.shape, self.name, self.dtype = (None, *shape), name, dtype
        self.source, self.side = source, side  # a layer or a model; its "input" or "output"

    def __repr__(self) -> str:
        return f"<Symbolic {self.name!r}, shape {self.shape}>"
