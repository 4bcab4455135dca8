"""What an animal of the zoo is: a mistake that students really make, ready to be planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple


class Case(NamedTuple):
    """What a tool is handed: `check_gradients(target, x, y)` or `diagnose(target, x, y, …)`."""

    target: Any
    x: Any
    y: Any = None
    settings: Mapping[str, Any] = MappingProxyType({})  # further arguments of the tool


@dataclass(frozen=True)
class Mistake:
    """A classic mistake, and how to plant it.

    Attributes
    ----------
    name
        Lower-case words with hyphens, as a player types it: "softmax-diagonal".
    tool
        Which tool explains it: the "detective" (`check_gradients`) or the "doctor" (`diagnose`).
    kind
        The kind of finding that is the right explanation.
    title
        The mistake in one line, shown with the answer.
    story
        What was written, and why it looked right.
    hint
        Where to look, without the answer.
    plant
        Seed → a fresh case with the mistake in it; another seed gives other shapes and numbers.
    """

    name: str
    tool: Literal["detective", "doctor"]
    kind: str
    title: str
    story: str
    hint: str
    plant: Callable[[int], Case]
