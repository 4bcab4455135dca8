"""x and y as Keras' programs give them, made into what minnet takes: reshaped and cast, no more."""

from __future__ import annotations

from numbers import Real
from typing import Any, NoReturn

import numpy as np

from minnet.foundation.checks import Shape
from minnet.keras import words

STREAMS = ("Dataset", "DataLoader", "Iterator", "Sequence", "PyDataset")


def samples(x: Any, input_shape: Shape | None = None, who: str = "x") -> Any:
    """Return samples as an array: tables of bool and number columns, sparse rows, (N,) for one.

    Parameters
    ----------
    input_shape
        The shape of one sample, where the model knows it.
    """
    refuse_streams(x, who)
    if isinstance(x, (list, tuple)) and len(x) == 1 and getattr(x[0], "ndim", 0) > 1:
        x = x[0]  # a model with one input may be given a list of one
    if hasattr(x, "toarray"):
        x = x.toarray()
    array = numbers(x)
    if getattr(array, "ndim", 0) == 1 and input_shape in (None, (1,)):
        array = array.reshape(-1, 1)
    return array


def targets(y: Any, who: str = "y") -> Any:
    """Return targets as an array."""
    if isinstance(y, (list, tuple)) and len(y) == 1 and getattr(y[0], "ndim", 0) > 0:
        y = y[0]
    return numbers(y.toarray() if hasattr(y, "toarray") else y)


def numbers(values: Any) -> Any:
    """Return a table, tensor or list as an array; what holds no numbers comes back as it is."""
    if values is None:
        return None
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype("float32") if values.dtype == np.float16 else values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # rows of several lengths: minnet says so
        return values
    mixed = array.dtype.kind == "O" and all(isinstance(one, Real) for one in array.flat)
    return array.astype("float32") if mixed or array.dtype.kind == "b" else array


def refuse_streams(x: Any, who: str) -> None:
    """Raise for a generator of batches, or a data set that gives them."""
    named = {kind.__name__ for kind in type(x).__mro__}
    batches = any(name.endswith(STREAMS) for name in named) and not hasattr(x, "shape")
    if hasattr(x, "__next__") or (batches and not isinstance(x, (list, tuple, range))):
        no_streams(f"{who} of type {type(x).__name__}")


def no_streams(name: str) -> NoReturn:
    """Raise, with what fit takes."""
    raise NotImplementedError(f"minnet.keras has no {name}. {words.STREAMS}")
