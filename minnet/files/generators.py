"""Random generators as plain values, and back: all that their future draws depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minnet.foundation.checks import short

LARGEST_POOL = 64
"""Words of a SeedSequence's pool; NumPy's default is 4."""

MOST_SPAWNED = 10_000
"""So many generators, and no more, are spawned to bring one up to where another is."""


def generator_state(rng: np.random.Generator, who: str) -> dict[str, Any]:
    """Return all that a generator's future draws depend on, of whatever kind its bits are.

    Raises
    ------
    TypeError
        It is of a kind that no file holds: not of NumPy's own.
    """
    bits = rng.bit_generator
    sequence = bits.seed_seq
    spawns = sequence.state if isinstance(sequence, np.random.SeedSequence) else None
    if _kinds().get(type(bits).__name__) is not type(bits) or (
        spawns is not None and spawns["pool_size"] > LARGEST_POOL
    ):
        raise TypeError(
            f"A checkpoint takes NumPy's own random generators, with a pool of up to "
            f"{LARGEST_POOL} words. Got {who}, {short(rng)}. Use numpy.random.default_rng."
        )
    return {"bits": _plain(bits.state), "spawns": _plain(spawns)}


def generator_from(state: dict[str, Any]) -> np.random.Generator:
    """Return a generator in the state that `generator_state` gave.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError, AttributeError
        It is no such state.
    """
    if state.keys() != {"bits", "spawns"}:
        raise ValueError("its state has other parts")
    bits, spawns = state["bits"], state["spawns"]
    if spawns is not None and not 0 < int(spawns["pool_size"]) <= LARGEST_POOL:
        raise ValueError("its pool is too large")
    sequence = None if spawns is None else np.random.SeedSequence(**spawns)
    made: Any = _kinds()[bits["bit_generator"]](sequence)
    _check_form(bits, made.state)
    made.state = bits
    return np.random.Generator(made)


def set_generator(rng: np.random.Generator, saved: np.random.Generator) -> bool:
    """Make `rng` draw and spawn what `saved` would; False where it cannot.

    It cannot where it is of another kind, or where `saved` has spawned others and `rng` was made
    from another seed: what a generator is made from cannot be changed.
    """
    bits, wanted = rng.bit_generator, saved.bit_generator
    if type(bits) is not type(wanted):
        return False
    own, other = _spawned(rng), _spawned(saved)
    if other and other[1]:
        missing = other[1] - own[1] if own and own[0] == other[0] else -1
        if not 0 <= missing <= MOST_SPAWNED:
            return False
        if missing:
            bits.seed_seq.spawn(missing)  # type: ignore[attr-defined]  # one that can spawn
    bits.state = wanted.state
    return True


def _spawned(rng: np.random.Generator) -> tuple[str, int] | None:
    """From which seed a generator spawns others, and how many it has; None where it cannot."""
    sequence = rng.bit_generator.seed_seq
    if not isinstance(sequence, np.random.SeedSequence):
        return None
    seed = (sequence.entropy, sequence.spawn_key, sequence.pool_size)
    return repr(seed), sequence.n_children_spawned


def _kinds() -> dict[str, Any]:
    """The bit generators of NumPy, by name."""
    return {kind.__name__: kind for kind in np.random.BitGenerator.__subclasses__()}


def _plain(value: Any) -> Any:
    """NumPy's state as Python's numbers and arrays."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


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
