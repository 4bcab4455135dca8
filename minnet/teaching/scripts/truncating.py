"""Arrays of whole numbers into which a loop writes fractions, so that what it writes is cut.

`w = np.zeros_like(X[0])` is an array of integers where X has integers, and `w[j] -= 0.3` leaves it
as it was, without an error.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, differs
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.names import leaf
from minnet.teaching.scripts.programs import FILE, Program
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.scopes import evaluated, text_of
from minnet.teaching.scripts.values import copied, slots

Writing = ast.Assign | ast.AugAssign


def cut(unit: Unit) -> dict[str, int]:
    """The lines that write fractions into arrays of whole numbers, by the paths of these."""
    whole = {
        path: slot.value
        for path, slot in unit.slots().items()
        if isinstance(slot.value, np.ndarray) and slot.value.dtype.kind in "iu" and slot.value.size
    }
    written = list(_written(unit)) if whole else []
    if not written:
        return {}
    seen = _Fractions(written, whole)
    unit.run(tracer=seen)
    return seen.lines


TIMES = 40
"""How often a line is looked at: the first entry that it writes may be 0 by chance."""


class _Fractions:
    """Notes which lines write fractions into which arrays of whole numbers, as a run goes on."""

    def __init__(
        self, written: Sequence[tuple[Writing, ast.Subscript]], whole: Mapping[str, Array]
    ) -> None:
        self.written, self.whole = written, whole
        self.left = {statement.lineno: TIMES for statement, _ in written}
        self.lines: dict[str, int] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != FILE:
            return None
        if event == "line" and self.left.get(frame.f_lineno):
            self.left[frame.f_lineno] -= 1
            self.look(frame.f_lineno, {**frame.f_globals, **frame.f_locals})
        return self

    def look(self, line: int, scope: dict[str, Any]) -> None:
        for statement, target in self.written:
            if statement.lineno != line:
                continue
            array = evaluated(target.value, scope)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
                continue
            value: ast.expr | None = statement.value
            if isinstance(statement, ast.AugAssign):
                value = ast.BinOp(target, statement.op, statement.value)
            if value is not None and _has_fraction(evaluated(value, scope)):
                for path in _paths(text_of(target.value), array, self.whole):
                    self.lines.setdefault(path, line)


def _written(unit: Unit) -> Iterator[tuple[Writing, ast.Subscript]]:
    """The statements that write into an entry or a part of an array."""
    for statement in [*unit.body, *unit.definitions]:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Assign, ast.AugAssign)):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Subscript):
                    yield node, target


def _has_fraction(value: Any) -> bool:
    if not isinstance(value, (float, np.floating, np.ndarray)):
        return False
    numbers = np.asarray(value)
    if numbers.dtype.kind != "f" or not np.isfinite(numbers).all():
        return False
    return bool(np.any(np.abs(numbers - np.rint(numbers)) > 1e-9))


def _paths(text: str, array: Array, whole: Mapping[str, Array]) -> list[str]:
    """The paths at which an array of the unit is, which has a name of its own where it is used."""
    if text in whole:
        return [text]
    same = [p for p, v in whole.items() if v.shape == array.shape and v.dtype == array.dtype]
    own = [p for p in same if leaf(p)[0] == leaf(text)[0]]
    return own or (same if len(same) == 1 else [])


@dataclass
class Truncated:
    """A unit whose arrays of whole numbers were made floats, and what is said of these.

    Attributes
    ----------
    unit
        It begins with floats.
    told
        What is said of each array, by its path.
    before, after
        A run with whole numbers, and one with floats.
    """

    unit: Unit
    told: dict[str, str] = field(default_factory=dict)
    before: Run | None = None
    after: Run | None = None

    def of(self, analysis: Analysis) -> dict[str, str]:
        """What is said of those that are weights, or that weights go by."""
        paths = {block.path for block in analysis.blocks}
        before, after = self.before, self.after
        if before is None or after is None or before.error is not None:
            return {}
        moved = any(differs(before.get(":" + p), after.get(":" + p)) for p in paths)
        return {p: text for p, text in self.told.items() if p in paths or moved}


def as_floats(program: Program, unit: Unit) -> Truncated:
    """The unit with floats where it writes fractions into arrays of whole numbers."""
    lines = cut(unit)
    if not lines:
        return Truncated(unit)
    told = {path: _told(program, unit, path, line) for path, line in lines.items()}
    fresh = replace(unit, variables=copied(unit.variables), _codes={}, _others={})
    for slot in list(slots(fresh.variables)):
        if slot.path in lines:
            slot.put(slot.value.astype(float))
    return Truncated(fresh, told, unit.run(), fresh.run())


def _told(program: Program, unit: Unit, path: str, line: int) -> str:
    """Where such an array is made, where it is written, and what belongs there."""
    slot = unit.slots()[path]
    name = leaf(path)[0] if "[" not in path else path
    made = _made(program, path)
    where = f", made in line {made.lineno} by `{text_of(made)}`" if made is not None else ""
    advice = "Make it of floats there: np.zeros(shape), or dtype=float."
    return (
        f"{name} is an array of whole numbers ({slot.value.dtype}){where}, and line {line} writes "
        f"fractions into it, `{program.line(line)}`: what stands behind the point is cut off each "
        f"time. {advice}"
    )


def _made(program: Program, path: str) -> ast.Assign | None:
    """The first statement that gives an array its name, or one whose last name is the same."""
    first: ast.Assign | None = None
    for exact in (True, False):
        for node in ast.walk(program.tree):
            if not isinstance(node, ast.Assign) or isinstance(node.value, (ast.Name, ast.Constant)):
                continue
            text = text_of(node.targets[0])
            fitting = text == path or (not exact and leaf(text)[0] == leaf(path)[0])
            if fitting and not isinstance(node.targets[0], ast.Tuple) and first is None:
                first = node
    return first


def gradients(analysis: Analysis, blocks: list[Block]) -> dict[str, BlockFinding]:
    """Blocks whose gradients are whole numbers because an array of integers holds them."""
    findings = {}
    first = analysis.unit.run()
    for block in blocks:
        if block.right or not block.key:
            continue
        value = first.get(block.key)
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
            findings[block.path] = BlockFinding(
                "wrong",
                f"the array of the gradient is of integers ({value.dtype}), so what is put into it "
                "is truncated to whole numbers: everything behind the point is lost. Make it of "
                "floats: np.zeros(shape), or zeros_like(…, dtype=float).",
            )
    return findings
