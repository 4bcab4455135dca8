"""What a layer's `gradient` meant to write, where NumPy refuses it for its shape.

`self.db[...] = dy` with dy (N, M) and db (M,) raises before anything can be compared. So the layer
is run once more with arrays that take whatever they are handed, and remember it.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer


def written(layer: Layer, arguments: tuple[Any, ...]) -> dict[str, Array]:
    """What `layer.gradient(*arguments)` writes for each weight, in whatever shape.

    The layer is a copy that is not used again.
    """
    gradients: dict[str, Array] = {}
    names = {"d" + name: name for name in layer.parameters}
    for name, array in layer.gradients().items():
        buffer = np.zeros(array.shape).view(_Taker)
        buffer.note = _noter(gradients, name)
        layer.rebind("d" + name, buffer)
    kind = type(layer)

    def take(self: Layer, attribute: str, value: Any) -> None:
        """Take `self.db = …` of any shape; all else is set as ever."""
        if attribute not in names:
            kind.__setattr__(self, attribute, value)
        elif not isinstance(value, _Taker):  # `self.db += …` hands the array back
            gradients[names[attribute]] = np.array(value, dtype=np.float64)

    layer.__class__ = type(
        kind.__name__, (kind,), {"__module__": kind.__module__, "__setattr__": take}
    )
    with contextlib.suppress(Exception):  # what was written before is all there is
        layer.gradient(*arguments)
    return gradients


def _noter(gradients: dict[str, Array], name: str) -> Any:
    def note(value: Any) -> None:
        gradients[name] = np.array(value, dtype=np.float64)

    return note


class _Taker(np.ndarray[Any, Any]):
    """An array of zeros that notes what is written into the whole of it, fitting or not."""

    note: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.note = None

    def __setitem__(self, key: Any, value: Any) -> None:
        whole = key is Ellipsis or key == slice(None) or key == ()
        if self.note is not None and whole:
            self.note(value)
            return
        super().__setitem__(key, value)
        if self.note is not None:
            self.note(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        takers = [a for a in kwargs.pop("out", ()) if isinstance(a, _Taker) and a.note is not None]
        plain = [np.asarray(a) if isinstance(a, _Taker) else a for a in inputs]
        result = getattr(ufunc, method)(*plain, **kwargs)
        for taker in takers:
            taker.note(result)
        return takers[0] if takers else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        def plain(value: Any) -> Any:
            return np.asarray(value) if isinstance(value, _Taker) else value

        out = kwargs.pop("out", None)
        if function is np.copyto:
            args[0].note(args[1])
            return None
        result = function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})
        if isinstance(out, _Taker) and out.note is not None:
            out.note(result)
            return out
        return result
