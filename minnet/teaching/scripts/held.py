"""What all steps of an epoch take from the weights, where these are held as they were.

A loop may update after each sample or batch, and the loop around it report a loss of all samples.
With the weights put back after each step, the steps of an epoch add up to a multiple of the
gradient of that loss, if it is the one that is trained.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, proportional
from minnet.teaching.scripts.common import same_as
from minnet.teaching.scripts.mending import WRITTEN_HERE
from minnet.teaching.scripts.programs import Loop, own_names, prepared
from minnet.teaching.scripts.replays import Unit
from minnet.teaching.scripts.values import assign, slots

HOLD, TAKEN = "__minnet_hold__", "__minnet_taken__"
"""What puts the weights back, and what the steps have taken from each by then."""


def key_of(path: str) -> str:
    """Where in a run the sum of the steps of a weight is seen."""
    return f":{TAKEN}[{path!r}]"


def with_weights_held(unit: Unit, around: Loop, steps: Loop, weights: Collection[str]) -> Unit:
    """The pass of a loop in which each pass of a loop inside begins with the same weights."""
    body = own_names(copy.deepcopy(around.node.body), around.owner)
    same = [n for s in body for n in ast.walk(s) if _is_same(n, steps.node)]
    same[0].body.insert(0, _call())  # type: ignore[attr-defined]
    outermost = next(i for i, s in enumerate(body) if same[0] in ast.walk(s))
    body = [_call(), *body[: outermost + 1], _call(), *body[outermost + 1 :]]
    base = {**unit.base, HOLD: _holding(frozenset(weights))}
    return replace(unit, body=prepared(body), base=base, _codes={}, _others={})


def _is_same(node: ast.AST, loop: ast.stmt) -> bool:
    return isinstance(node, (ast.For, ast.While)) and node.lineno == loop.lineno


def _call() -> ast.stmt:
    statement = ast.parse(f"{HOLD}(globals())").body[0]
    for node in ast.walk(statement):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = WRITTEN_HERE
    return statement


def _holding(weights: Collection[str]) -> Any:
    """A function that keeps the weights when it is called first, and then puts them back."""

    def hold(names: dict[str, Any]) -> None:
        begun: dict[str, Array] = names.setdefault("__minnet_begun__", {})
        taken: dict[str, Array] = names.setdefault(TAKEN, {})
        for slot in list(slots(names)):
            if slot.path not in weights:
                continue
            now = np.array(slot.value, float)
            if slot.path not in begun:
                begun[slot.path], taken[slot.path] = now, np.zeros_like(now)
            elif now.shape == begun[slot.path].shape:
                taken[slot.path] = taken[slot.path] + begun[slot.path] - now
                assign(slot, begun[slot.path])

    return hold


def at_one_rate(analysis: Analysis) -> Analysis:
    """The analysis with the sums of steps over the rate that most weights have in common."""
    rates = [c for b in analysis.blocks if b.value.size > 1 and (c := proportional(b)) is not None]
    if not rates:
        return analysis
    rate = abs(sorted(rates, key=lambda c: -same_as(c, rates))[0])
    for block in analysis.blocks:
        if block.analytic is not None:
            block.sign, block.analytic = 1 / rate, np.asarray(block.analytic) / rate
            block.right = block.agrees(block.analytic)
    return analysis


def inside(loops: Sequence[Loop], around: Loop, seen: Mapping[int, Any]) -> list[Loop]:
    """The loops inside of one that were seen to run, the outermost first."""
    return [loops[n] for n in around.inner if n in seen and loops[n].owner == around.owner]
