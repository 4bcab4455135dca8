"""A step by the gradient of a batch's last sample, which takes the place of those before.

Of a function that goes back for one sample the gradient is right by the loss of that sample. Which
of its calls the step uses is told by the numbers: that of the last, or the sum over all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, differs, ratio
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import OVER_CALLS, of_call
from minnet.teaching.scripts.programs import FILE
from minnet.teaching.scripts.repairs import Edit, edits, replaced_in
from minnet.teaching.scripts.replays import Run, owner_of
from minnet.teaching.scripts.steps import moves
from minnet.teaching.scripts.values import slots

FEWEST = 3
"""Calls in a pass; of two the first may be for the eye."""

SAME = 1e-6
"""How far two factors may be apart."""


def of_batch(analysis: Analysis) -> dict[str, BlockFinding]:
    """What is said of the steps that are by the last sample alone, by the paths of the weights."""
    blocks = [b for b in analysis.blocks if b.update is not None]
    whole = analysis.loss.startswith("Σ ") or analysis.loss.endswith(OVER_CALLS)
    if analysis.wrong or whole or not blocks:
        return {}
    scopes: dict[tuple[str, int], Any] = {}
    run = analysis.unit.run(analysis.put, scope=scopes)
    keys = {b.path: key for b in blocks if (key := _used(b, run))}
    owners = {_owner_in(key) for key in keys.values()}
    if len(keys) < len(blocks) or len(owners) != 1:
        return {}
    calls = {path: list(_calls(run, key)) for path, key in keys.items()}
    counts = {len(gradients) for gradients in calls.values()}
    number = counts.pop()
    factor = 0.0 if counts or number < FEWEST else _by_the_last(blocks, calls)
    if not factor:
        return {}
    forgetful = _Forgetful(next(iter(owners)), set(keys.values()), number)
    there = analysis.unit.run(analysis.put, tracer=forgetful)
    if any(differs(run.get(":" + b.path), there.get(":" + b.path)) for b in blocks):
        return {}  # the gradients of the first calls are in that of the last
    text = (
        f"its step is by the last of {number} samples alone: what {next(iter(owners))}() gives "
        "for each takes the place of what it gave before, and is to be added up."
    )
    findings = {b.path: BlockFinding("bias-not-summed", text) for b in blocks}
    for edit, paths in _summed(analysis, blocks, calls, factor, scopes):
        labels = ", ".join(b.label for b in blocks if b.path in paths)
        line = (
            f"Line {edit.line}: {edit.words}. The line is `{edit.before}`; with `{edit.after}` "
            f"the steps of {labels} are by all {number} samples."
        )
        for path in paths:
            findings[path] = BlockFinding("bias-not-summed", f"{text} {line}", line)
    return findings


def _used(block: Block, run: Run) -> str:
    """What a function gives in each of its calls, and the step is a multiple of in the last one."""
    for key in [block.key, *run.values]:
        second = of_call(key, 2)  # the key itself where it is none of a function
        again = second != key and second in run.values
        if again and "#" not in key and np.shape(run.values[key]) == block.value.shape:
            *_, last = _calls(run, key)
            if _times(block.update, last) is not None:
                return key
    return ""


def _owner_in(key: str) -> str:
    return re.split(r"\(\)|:", key)[0]


class _Forgetful:
    """Sets the gradients that the calls of a function give to 0, but for those of the last."""

    def __init__(self, function: str, keys: set[str], number: int) -> None:
        self.function, self.keys, self.left = function, keys, number

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self.local if frame.f_code.co_filename == FILE else None

    def local(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return" and owner_of(frame) == self.function:
            self.left -= 1
            given = [
                *slots({"()": argument}),
                *slots({f":{k}": v for k, v in frame.f_locals.items()}),
            ]
            for slot in given if self.left else ():
                if self.function + slot.path in self.keys and isinstance(slot.value, np.ndarray):
                    slot.value[...] = 0
        return self.local


def _calls(run: Run, key: str) -> Iterator[Array]:
    """What each call of the function had there."""
    number = 1
    while (there := key if number == 1 else of_call(key, number)) in run.values:
        yield np.asarray(run.values[there], float).reshape(-1)
        number += 1


def _by_the_last(blocks: list[Block], calls: Mapping[str, list[Array]]) -> float:
    """How many times the gradients of the last call, and of no other, all steps are; 0 for none."""
    last = [_times(b.update, calls[b.path][-1]) or 0.0 for b in blocks]
    first = [_times(b.update, calls[b.path][0]) for b in blocks if b.value.size > 1]
    alike = max(last) - min(last) <= SAME * abs(max(last))
    return max(last) if alike and first and all(c is None for c in first) else 0.0


def _times(step: Array | None, gradient: Array) -> float | None:
    flat = np.reshape(np.asarray(step, float), -1)
    return ratio(flat, gradient) if flat.shape == gradient.shape else None


def _summed(
    analysis: Analysis,
    blocks: list[Block],
    calls: Mapping[str, list[Array]],
    factor: float,
    scopes: Mapping[tuple[str, int], Any],
) -> Iterator[tuple[Edit, set[str]]]:
    """The changes with which some steps are by the sum over all calls, and of which weights."""
    unit = analysis.unit
    for owner, statement in statements(unit):
        for edit in edits(statement, scopes.get((owner, statement.lineno), {}), {}):
            if edit.kind != "bias-not-summed":
                continue
            edited = tuple(
                replaced_in(body, edit.old, edit.new) for body in (unit.definitions, unit.body)
            )
            run = unit.run(analysis.put, edited=edited)  # type: ignore[arg-type]
            paths = set()
            taken = moves(analysis, run) if run.error is None else {}
            for block in [b for b in blocks if b.path in taken]:
                c = _times(taken[block.path], np.sum(calls[block.path], axis=0)) or 0.0
                if abs(c - factor) <= SAME * abs(factor):
                    paths.add(block.path)
            if paths:
                yield edit, paths
                break
