"""Values that change while a model trains, as JSON and arrays, and back: exactly the same values.

A file holds JSON and arrays of numbers. Python has more: infinity, tuples, dicts with numbers as
keys, NumPy's scalars, random generators. `pack` writes these in terms of the others, marked by a
dict of one kind each, so that `unpack` gives back what there was, to the bit; anything else is
refused rather than changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from minnet.files import DTYPES
from minnet.foundation.checks import Array, short

LONG = 16
"""Lists of so many numbers, all of one kind, or arrays of one shape, become one array."""

LARGEST_POOL = 64
"""Words of a SeedSequence's pool; NumPy's default is 4."""

_STORED = "biufc"
"""Kinds of dtypes that are nothing but numbers: booleans, integers, floats, complex."""


def pack(value: Any, arrays: dict[str, Array], prefix: str, who: str) -> Any:
    """The value as JSON; its arrays are put into `arrays` under names that begin with `prefix`.

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

    Examples
    --------
    >>> arrays = {}
    >>> packed = pack({"best": float("inf"), "at": (3, None)}, arrays, "fit", "a callback")
    >>> packed
    {'dict': [['best', {'float': 'inf'}], ['at', {'tuple': [3, None]}]]}
    >>> unpack(packed, arrays)
    {'best': inf, 'at': (3, None)}
    """

    def inner(value: Any, who: str) -> Any:
        return pack(value, arrays, prefix, who)

    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is list:
        return _pack_list(value, arrays, prefix, who)
    if type(value) is tuple:
        return {"tuple": [inner(item, f"{who}[{i}]") for i, item in enumerate(value)]}
    if type(value) is dict:
        return {
            "dict": [
                [inner(key, f"a key of {who}"), inner(item, f"{who}[{key!r}]")]
                for key, item in value.items()
            ]
        }
    if type(value) is np.ndarray and value.dtype.kind in _STORED:
        return {"array": _pack_array(value, arrays, prefix)}
    if isinstance(value, np.generic) and value.dtype.kind in _STORED:
        return {"scalar": _pack_array(np.asarray(value), arrays, prefix)}
    if type(value) is np.random.Generator:
        return {"generator": inner(_generator_state(value), who)}
    raise TypeError(
        f"A checkpoint takes numbers, text, lists, tuples, dicts, arrays and generators. Got "
        f"{who}, {short(value)}."
    )


def _pack_list(value: list[Any], arrays: dict[str, Array], prefix: str, who: str) -> Any:
    kinds = set(map(type, value))
    if len(value) >= LONG and kinds == {float}:
        return {"floats": _pack_array(np.array(value), arrays, prefix)}
    if len(value) >= LONG and kinds == {int} and all(-(2**63) <= n < 2**63 for n in value):
        return {"ints": _pack_array(np.array(value, np.int64), arrays, prefix)}
    (kind,) = kinds if len(kinds) == 1 else (object,)
    if len(value) >= LONG and issubclass(kind, np.generic) and value[0].dtype.kind in _STORED:
        return {"scalars": _pack_array(np.array(value), arrays, prefix)}
    alike = kind is np.ndarray and len({(item.dtype, item.shape) for item in value}) == 1
    if len(value) >= LONG and alike and value[0].dtype.kind in _STORED:
        return {"arrays": _pack_array(np.stack(value), arrays, prefix)}
    return [pack(item, arrays, prefix, f"{who}[{i}]") for i, item in enumerate(value)]


def _pack_array(array: Array, arrays: dict[str, Array], prefix: str) -> Any:
    """The name under which an array is kept; its bytes are kept where a file takes no such one."""
    name = f"{prefix}{len(arrays)}]"
    kind = array.dtype
    if kind.name in DTYPES and (kind.kind != "f" or bool(np.isfinite(array).all())):
        arrays[name] = array
        return name
    arrays[name] = np.frombuffer(array.tobytes(), np.uint8)
    return [name, kind.str, list(array.shape)]


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """What `pack` packed.

    Raises
    ------
    ValueError
        It is nothing that `pack` gives.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"it has {short(value)} where a value should be")
    ((kind, content),) = value.items()
    try:
        if kind == "float":
            return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[content]
        if kind == "tuple":
            return tuple(unpack(item, arrays) for item in content)
        if kind == "dict":
            return {unpack(key, arrays): unpack(item, arrays) for key, item in content}
        if kind == "array":
            return _unpack_array(content, arrays)
        if kind == "scalar":
            return _unpack_array(content, arrays)[()]
        if kind in ("floats", "ints"):
            return _unpack_array(content, arrays).tolist()
        if kind == "scalars":
            return list(_unpack_array(content, arrays))
        if kind == "arrays":
            return [np.array(item) for item in _unpack_array(content, arrays)]
        if kind == "generator":
            return _generator(unpack(content, arrays))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it has no {kind} in {short(content)}: {error}") from None
    raise ValueError(f"it has {short(value)} where a value should be")


def _unpack_array(content: Any, arrays: Mapping[str, Array]) -> Array:
    if isinstance(content, str):
        return arrays[content]
    name, kind, shape = content
    dtype = np.dtype(str(kind))
    if dtype.kind not in _STORED or arrays[name].dtype != np.uint8:
        raise ValueError(f"no array of {dtype}")
    return np.frombuffer(arrays[name].tobytes(), dtype).reshape(shape).copy()


# --- random generators ----------------------------------------------------------------------------


def _generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """All that a generator's future draws depend on, of whatever kind its bit generator is."""
    bits = rng.bit_generator
    sequence = bits.seed_seq
    spawns = sequence.state if isinstance(sequence, np.random.SeedSequence) else None
    return {"bits": _plain(bits.state), "spawns": _plain(spawns)}


def _plain(value: Any) -> Any:
    """NumPy's state as Python's numbers and arrays."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _generator(state: dict[str, Any]) -> np.random.Generator:
    """A generator in this state."""
    kinds = {kind.__name__: kind for kind in np.random.BitGenerator.__subclasses__()}
    bits, spawns = state["bits"], state["spawns"]
    if spawns is not None and not 0 < int(spawns["pool_size"]) <= LARGEST_POOL:
        raise ValueError("its pool is too large")
    sequence = None if spawns is None else np.random.SeedSequence(**spawns)
    made: Any = kinds[bits["bit_generator"]](sequence)
    _check_form(bits, made.state)
    made.state = bits
    return np.random.Generator(made)


def _check_form(bits: Any, fresh: Any) -> None:
    """NumPy copies from a state's arrays, and later reads on in them from a place, unchecked."""
    if isinstance(fresh, Mapping):
        if bits.keys() != fresh.keys():
            raise ValueError("its state has other parts")
        for name, value in fresh.items():
            _check_form(bits[name], value)
        for position, buffer in (("pos", "key"), ("buffer_pos", "buffer")):
            if position in fresh and not 0 <= bits[position] <= len(fresh[buffer]):
                raise ValueError(f"its {position} is outside of its {buffer}")
    elif isinstance(fresh, np.ndarray):
        if not isinstance(bits, np.ndarray) or (bits.shape, bits.dtype) != (
            fresh.shape,
            fresh.dtype,
        ):
            raise ValueError("its state has an array of another form")
    elif type(bits) is not type(_plain(fresh)):
        raise ValueError(f"its state has {short(bits)}")


def set_generator(rng: np.random.Generator, saved: np.random.Generator) -> bool:
    """Make `rng` draw what `saved` would draw; False where it is of another kind."""
    if type(rng.bit_generator) is not type(saved.bit_generator):
        return False
    rng.bit_generator.state = saved.bit_generator.state
    return True
