"""Values that change while a model trains, as JSON and arrays, and back: exactly the same values.

A file holds JSON and arrays of numbers. Python has more: infinity, tuples, dicts with numbers as
keys, NumPy's scalars, random generators, and one object in two places. `Packing` writes these in
terms of the others, marked by a dict of one kind each, so that `Unpacking` gives back what there
was, to the bit; anything else is refused rather than changed.

What is read back is never more than the file holds: each array is used once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from minnet.files import DTYPES
from minnet.files.generators import generator_from, generator_state, set_generator
from minnet.foundation.checks import Array, short

LONG = 16
"""Lists of so many numbers, all of one kind, or arrays of one shape, become one array."""

DEEPEST = 50
"""How deep values may be nested; a file's JSON is no deeper."""

_STORED = "biufc"
"""Kinds of dtypes that are nothing but numbers: booleans, integers, floats, complex."""

_DTYPE = re.compile(r"[<>|=][biufc][0-9]{1,2}")


# --- packing --------------------------------------------------------------------------------------


class Packing:
    """Values on their way into one file; an object that occurs twice among them stays one.

    Parameters
    ----------
    arrays
        Gets the values' arrays, under names that begin with `prefix`.
    model_arrays
        Arrays of the model by name. A value that is one of them is kept as its name.
    """

    def __init__(
        self,
        arrays: dict[str, Array],
        prefix: str,
        model_arrays: Mapping[str, Array] | None = None,
    ) -> None:
        self.arrays, self.prefix = arrays, prefix
        self.model_arrays = model_arrays or {}
        self._names = {id(array): name for name, array in self.model_arrays.items()}
        self._vectors = [array for array in self.model_arrays.values() if array.base is None]
        self._uses: Counter[int] = Counter()  # of the objects that can be shared, by identity
        self._numbers: dict[int, int] = {}  # of those that are packed, and are used once more
        self._whole: set[int] = set()  # the numbers of those that are packed to their end

    def look_at(self, value: Any, who: str, depth: int = 0) -> None:
        """Count the uses of each object; all values are looked at before one is packed.

        Raises
        ------
        TypeError
            It is nested too deep.
        """
        if depth > DEEPEST:
            raise TypeError(
                f"A checkpoint takes values nested up to {DEEPEST} deep. Got {short(who, 200)}, "
                "which is deeper."
            )
        if isinstance(value, (list, dict, np.ndarray, np.random.Generator)):  # can be shared
            self._uses[id(value)] += 1
            if self._uses[id(value)] > 1:
                return
        if type(value) in (list, tuple):
            for i, item in enumerate(value):
                if not isinstance(item, (float, int, str)):
                    self.look_at(item, f"{who}[{i}]", depth + 1)
        elif type(value) is dict:
            for key, item in value.items():
                self.look_at(item, f"{who}[{key!r}]", depth + 1)

    def pack(self, value: Any, who: str) -> Any:
        """Return the value as JSON.

        Parameters
        ----------
        value
            None, booleans, numbers, text, lists, tuples, dicts, arrays, NumPy's scalars and
            `numpy.random.Generator`, nested as you like.
        who
            Whose value this is, for the error.

        Raises
        ------
        TypeError
            A value of another kind; the message says where it is.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if id(value) in self._names:
            return {"model": self._names[id(value)]}
        if self._uses[id(value)] < 2:
            return self._packed(value, who)
        number = self._numbers.get(id(value))
        if number is not None:
            if number not in self._whole:
                raise TypeError(
                    f"A checkpoint takes values that end. Got {who}, which holds itself."
                )
            return {"same": number}
        number = self._numbers[id(value)] = len(self._numbers)
        packed = self._packed(value, who)
        self._whole.add(number)
        return {"shared": [number, packed]}

    def _packed(self, value: Any, who: str) -> Any:
        if type(value) is list:
            return self._pack_list(value, who)
        if type(value) is tuple:
            return {"tuple": [self.pack(item, f"{who}[{i}]") for i, item in enumerate(value)]}
        if type(value) is dict:
            return {
                "dict": [
                    [self.pack(key, f"a key of {who}"), self.pack(item, f"{who}[{key!r}]")]
                    for key, item in value.items()
                ]
            }
        if type(value) is np.ndarray and value.dtype.kind in _STORED:
            if any(np.may_share_memory(value, vector) for vector in self._vectors):
                raise TypeError(
                    f"A checkpoint takes arrays of a callback's own. Got {who}, a view of the "
                    "model's numbers. Keep a copy of it, or the whole array, such as layer.W."
                )
            return {"array": self._pack_array(value)}
        if isinstance(value, np.generic) and value.dtype.kind in _STORED:
            return {"scalar": self._pack_array(np.asarray(value))}
        if type(value) is np.random.Generator:
            return {"generator": self.pack(generator_state(value, who), who)}
        raise TypeError(
            f"A checkpoint takes numbers, text, lists, tuples, dicts, arrays and generators. Got "
            f"{who}, {short(value)}."
        )

    def _pack_list(self, value: list[Any], who: str) -> Any:
        kinds = set(map(type, value))
        if len(value) >= LONG and kinds == {float}:
            return {"floats": self._pack_array(np.array(value))}
        if len(value) >= LONG and kinds == {int} and all(-(2**63) <= n < 2**63 for n in value):
            return {"ints": self._pack_array(np.array(value, np.int64))}
        (kind,) = kinds if len(kinds) == 1 else (object,)
        if len(value) >= LONG and issubclass(kind, np.generic) and value[0].dtype.kind in _STORED:
            return {"scalars": self._pack_array(np.array(value))}
        if len(value) >= LONG and kind is np.ndarray and self._are_alike(value):
            return {"arrays": self._pack_array(np.stack(value))}
        return [self.pack(item, f"{who}[{i}]") for i, item in enumerate(value)]

    def _are_alike(self, arrays: list[Array]) -> bool:
        """Whether arrays can be kept as one: of one shape, not empty, and nobody else's."""
        first = arrays[0]
        return (
            first.dtype.kind in _STORED
            and first.size > 0
            and all((a.dtype, a.shape) == (first.dtype, first.shape) for a in arrays)
            and all(self._uses[id(a)] < 2 for a in arrays)
            and not any(np.may_share_memory(a, v) for a in arrays for v in self._vectors)
        )

    def _pack_array(self, array: Array) -> Any:
        """The name under which an array is kept; its bytes are kept where no file holds such."""
        name = f"{self.prefix}{len(self.arrays)}]"
        kind = array.dtype
        if kind.name in DTYPES and (kind.kind != "f" or bool(np.isfinite(array).all())):
            self.arrays[name] = array
            return name
        self.arrays[name] = np.frombuffer(array.tobytes(), np.uint8)
        return [name, kind.str, list(array.shape)]


def pack(value: Any, arrays: dict[str, Array], prefix: str, who: str) -> Any:
    """Return one value as JSON; its arrays are put into `arrays`. See `Packing`.

    Examples
    --------
    >>> arrays = {}
    >>> packed = pack({"best": float("inf"), "at": (3, None)}, arrays, "fit", "a callback")
    >>> packed
    {'dict': [['best', {'float': 'inf'}], ['at', {'tuple': [3, None]}]]}
    >>> unpack(packed, arrays)
    {'best': inf, 'at': (3, None)}
    """
    packing = Packing(arrays, prefix)
    packing.look_at(value, who)
    return packing.pack(value, who)


# --- unpacking ------------------------------------------------------------------------------------


class Unpacking:
    """Values on their way out of one file, in the order in which they were packed.

    Parameters
    ----------
    arrays
        Those of the file. Each is used once, so that no file gives more than it holds.
    model_arrays
        Arrays of the model by name, for values that were those.
    """

    def __init__(
        self, arrays: Mapping[str, Array], model_arrays: Mapping[str, Array] | None = None
    ) -> None:
        self.left = dict(arrays)
        self._model_arrays = model_arrays or {}
        self._shared: dict[int, Any] = {}
        self._begun = 0  # how many shared ones have been met; they are numbered in that order
        self._taken: list[np.random.Generator] = []  # live ones that stand for a saved one

    def put_in_place_of(self, saved: Any, live: Any) -> None:
        """Let values that share `saved` share `live`, a generator of the running program."""
        self._shared = {n: live if one is saved else one for n, one in self._shared.items()}
        self._taken.append(live)

    def unpack(self, value: Any, live: Any = None) -> Any:
        """Return what was packed.

        Parameters
        ----------
        live
            What the value is in the running program, where it is of any use: a generator in the
            place of a saved one goes on as the saved one would have, so that all who hold it see
            that.

        Raises
        ------
        ValueError
            It is nothing that `Packing` gives.
        """
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, list):
            return [self.unpack(item, _inside(live, i)) for i, item in enumerate(value)]
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError(f"it has {short(value)} where a value should be")
        ((kind, content),) = value.items()
        try:
            if kind == "same":
                return self._shared[_integer(content)]
            if kind == "shared":
                number, inner = content
                if _integer(number) != self._begun:
                    raise ValueError("it is shared under another number")
                self._begun += 1
                self._shared[number] = self.unpack(inner, live)
                return self._shared[number]
            return self._unpacked(kind, content, live)
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ValueError(f"it has no {kind[:20]} in {short(content)}: {error}") from None

    def _unpacked(self, kind: str, content: Any, live: Any) -> Any:
        if kind == "float":
            return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[content]
        if kind == "tuple":
            return tuple(self.unpack(_list(content), live))
        if kind == "dict":
            made: dict[Any, Any] = {}
            for key, item in _list(content):
                unpacked = self.unpack(key)
                if unpacked in made:
                    raise ValueError("it has a key twice")
                made[unpacked] = self.unpack(item, _inside(live, unpacked))
            return made
        if kind == "model":
            return self._model_arrays[content]
        if kind == "array":
            return self._array(content)
        if kind == "scalar":
            return self._row(content, axes=0)[()]
        if kind in ("floats", "ints"):
            row = self._row(content, axes=1)
            if row.dtype != (np.float64 if kind == "floats" else np.int64):
                raise ValueError(f"it is of {row.dtype}")
            return row.tolist()
        if kind == "scalars":
            return list(self._row(content, axes=1))
        if kind == "arrays":
            array = self._array(content)
            if not (array.ndim and array.size):  # as many empty ones as it likes
                raise ValueError("it is empty")
            return [np.array(item) for item in array]
        if kind == "generator":
            return self._generator(content, live)
        raise ValueError("values have other kinds")

    def _generator(self, content: Any, live: Any) -> np.random.Generator:
        saved = generator_from(self.unpack(content))
        if not isinstance(live, np.random.Generator) or any(live is one for one in self._taken):
            return saved
        self._taken.append(live)
        return live if set_generator(live, saved) else saved

    def _row(self, content: Any, axes: int) -> Array:
        array = self._array(content)
        if array.ndim != axes:
            raise ValueError(f"it has the shape {array.shape}")
        return array

    def _array(self, content: Any) -> Array:
        if isinstance(content, str):
            return self.left.pop(content)
        name, kind, shape = content
        raw = self.left.pop(name)
        if not isinstance(kind, str) or not _DTYPE.fullmatch(kind):
            raise ValueError("it has no dtype of numbers")
        dtype, axes = np.dtype(kind), [_integer(n) for n in shape]
        size = math.prod(axes) * dtype.itemsize
        if raw.dtype != np.uint8 or raw.shape != (size,) or len(axes) > LARGEST_RANK:
            raise ValueError("it has another number of bytes")
        if dtype.kind == "b":
            raise ValueError("booleans are kept as they are")
        return np.frombuffer(raw.tobytes(), dtype).reshape(axes).copy()


LARGEST_RANK = 32
"""Axes of an array, in every NumPy."""


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """Return what `pack` packed.

    Raises
    ------
    ValueError
        It is nothing that `pack` gives.
    """
    return Unpacking(arrays).unpack(value)


def holds_generator(packed: Any) -> bool:
    """Whether there is a generator in what `Packing` gave."""
    if isinstance(packed, dict):
        return "generator" in packed or any(map(holds_generator, packed.values()))
    return isinstance(packed, list) and any(map(holds_generator, packed))


def _inside(live: Any, key: Any) -> Any:
    """The value under a key or at an index of the running program's value, if there is one."""
    if isinstance(live, dict):
        return live.get(key)
    if isinstance(live, (list, tuple)) and isinstance(key, int) and 0 <= key < len(live):
        return live[key]
    return None


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("it is no list")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"it has {short(value)} in the place of a number")
    return value
