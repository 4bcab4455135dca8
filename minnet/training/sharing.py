"""Which random generators a fit, its model and its callbacks hold together.

A callback may say itself what it remembers, and so leave out of a checkpoint that its generator is
the model's, too. Then a resumed fit must find that it still is: else each would draw for itself.
"""

from __future__ import annotations

import itertools
import types
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from minnet.foundation.checks import ModelFileError
from minnet.foundation.strict import Strict
from minnet.training.fit import Fit

MOST_LOOKED_AT = 2_000
"""How many things that a callback holds are looked at, those that it holds itself first."""


def generators(fit: Fit) -> dict[str, np.random.Generator]:
    """Return the generators of a fit, its model and its callbacks, by where they are held."""
    held = {"fit": fit.rng, "model": fit.model.rng}
    for i, callback in enumerate(fit.user_callbacks):
        own = {k: v for k, v in vars(callback).items() if k not in ("model", "fit", "params")}
        held.update(_held(own, f"callbacks[{i}]"))
    return held


def _held(own: dict[str, Any], owner: str) -> Iterator[tuple[str, np.random.Generator]]:
    """Find generators in attributes, in collections, and in objects of a student's."""
    waiting = deque((f"{owner}.{name}", value) for name, value in own.items())
    known: dict[int, Any] = {}
    while waiting and len(known) < MOST_LOOKED_AT:
        path, value = waiting.popleft()
        if isinstance(value, np.random.Generator):
            yield path, value
        elif id(value) not in known and not isinstance(value, _WITHOUT):
            known[id(value)] = value
            inside = itertools.islice(_inside(value, path), MOST_LOOKED_AT)
            waiting.extend(inside)


def _inside(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What a value holds, by where it holds it."""
    if isinstance(value, (list, tuple)):
        yield from ((f"{path}[{i}]", item) for i, item in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"{path}[{key!r}]", item) for key, item in value.items())
    elif hasattr(value, "__dict__"):
        yield from ((f"{path}.{name}", item) for name, item in vars(value).items())


_WITHOUT = (int, float, str, bytes, type, types.ModuleType, types.FunctionType, np.ndarray, Strict)
"""What holds no generator, or one that has nothing to do with the fit."""


def shared_generators(fit: Fit) -> list[list[str]]:
    """Return the places that hold one generator together, but for the fit and its model alone."""
    groups: dict[int, list[str]] = defaultdict(list)
    for path, rng in generators(fit).items():
        groups[id(rng)].append(path)
    return [group for group in groups.values() if len(group) > 1 and group != ["fit", "model"]]


def check_shared(fit: Fit, groups: list[list[str]], path: str) -> None:
    """Raise ModelFileError where places that held one generator hold two now."""
    held = generators(fit)
    for group in groups:
        there = [name for name in group if name in held]
        others = [name for name in there if held[name] is not held[there[0]]]
        if others:
            raise ModelFileError(
                f"fit's resume takes callbacks that share their random generators as they did when "
                f"{path} was written. Got two, in {_named(fit, there[0])} and in "
                f"{_named(fit, others[0])}, where there was one. Give both the same one, or return "
                "the generator itself from get_state."
            )


def _named(fit: Fit, owner: str) -> str:
    """Where a generator is held, with the class of the callback."""
    if not owner.startswith("callbacks["):
        return f"the {owner}"
    callback = fit.user_callbacks[int(owner[len("callbacks[") : owner.index("]")])]
    return f"{owner} ({type(callback).__name__})"
