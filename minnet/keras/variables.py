"""Arrays with the words of Keras' tensors and variables; they are NumPy's all the same."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from minnet.foundation.checks import Array
from minnet.keras import words
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


class NoArithmetic:
    """What no arithmetic is done with, since nothing would differentiate it."""

    def _joined(self, other: Any = None) -> Any:
        if isinstance(other, Real):
            words.Missing("arithmetic on the output of a layer", words.RESCALE)()
        words.Missing("sum or product of the outputs of layers", words.BRANCHES)()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _joined
    __truediv__ = __rtruediv__ = __matmul__ = __pow__ = __neg__ = __getitem__ = _joined
    __array_ufunc__ = None  # nor by NumPy


class Symbolic(NoArithmetic):
    """What Keras calls a symbolic tensor: a shape, with None for the batch.

    Parameters
    ----------
    shape
        Of one sample.
    source, side
        A layer or a model, and whether it is its "input" or its "output".
    below
        What the source was called on: an `Input`, or another of these; None where it is what stands
        in a model.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        name: str,
        source: Any,
        side: str,
        dtype: str = "float32",
        below: Any = None,
    ) -> None:
        self.shape, self.name, self.dtype = (None, *shape), name, dtype
        self.source, self.side, self.below = source, side, below

    __array__ = None  # no numbers flow through it

    makers: ClassVar[dict[str, Any]] = {}
    """Name → a class of layers, of those that something else than a layer stands for."""

    @classmethod
    def put_on(cls, below: Any, name: str, *settings: Any) -> Any:
        """Return what a layer of this name gives on top of another, or of an `Input`."""
        return cls.makers[name](*settings)(below)

    def __repr__(self) -> str:
        return f"<Symbolic {self.name!r}, shape {self.shape}>"


class Unknown:
    """Targets or predictions that are not there yet; only a loss is called on them."""

    __array__ = None  # no numbers flow through it


TARGETS, PREDICTIONS = Unknown(), Unknown()


class Known:
    """What a known loss gives for these.

    Parameters
    ----------
    loss
        The loss.
    """

    __array__ = None

    def __init__(self, loss: Any) -> None:
        self.loss = loss


def sample_shape(end: Any) -> tuple[int, ...]:
    """Return the shape of one sample of an `Input`, or of what a layer gives."""
    shape = end.shape[1:] if isinstance(end, Symbolic) else end.shape
    return tuple(shape)
