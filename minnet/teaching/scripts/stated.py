"""A cost that a script states in a function of its own, beside gradients that are of another.

A script may report a cross-entropy, and go back with the derivative of the squares.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, ratio
from minnet.teaching.scripts.implied import in_words, is_pair
from minnet.teaching.scripts.mending import WRITTEN_HERE
from minnet.teaching.scripts.names import OVER_CALLS
from minnet.teaching.scripts.programs import Loop, Program, own_names, prepared
from minnet.teaching.scripts.values import is_numeric

STATED = "minnet_stated"
"""What the cost is put into."""

COST = re.compile(r"cost|loss|kosten|verlust|perte|co[uû]t|coste|custo|perdita|perda", re.I)

OTHERWISE = re.compile(r"deriv|prime|delta|grad|mse|acc|err|square", re.I)

NUDGE = 1e-5
"""Of a weight, for a slope."""

CLOSE = 1e-4
"""How near slopes are that are of one loss."""


def verdict(program: Program, loop: Loop, analysis: Analysis) -> str:
    """What is said of gradients that are right for one loss, where the cost is another.

    The cost is that of the samples of one pass, and its slopes are those of the other loss.
    """
    if analysis.explicit or analysis.wrong or not analysis.slopes:
        return ""
    own = _column(analysis, analysis.loss)
    for call, name in _calls(program, loop):
        measured = _slopes_of(analysis, loop, call)
        if measured is None or not np.any(measured) or ratio(measured, own, CLOSE) is not None:
            continue
        for key in analysis.scalars:
            if not is_pair(key) or key[0] == analysis.loss[0]:
                continue  # squares and a cross-entropy are held apart, and no two of a kind
            fits = ratio(measured, _column(analysis, key), CLOSE)
            if fits is not None and fits > 0:
                return _told(analysis.loss, key, name)
    return ""


def _column(analysis: Analysis, key: str) -> Array:
    """The slopes of one of the numbers that were measured."""
    column = analysis.scalars.index(key)
    return np.concatenate([analysis.slopes[b.path][:, column] for b in analysis.blocks])


def _calls(program: Program, loop: Loop) -> Iterator[tuple[ast.Call, str]]:
    """The calls of a cost of all samples beside a loop, each with those of one pass instead."""
    target = loop.node.target if isinstance(loop.node, ast.For) else None
    if isinstance(target, ast.Tuple):
        target = ast.List([target], ast.Load())
    known = {name.split(".")[-1] for name in program.functions()}
    around = program.functions().get(loop.owner, program.tree) if loop.owner else program.tree
    for node in ast.walk(around):
        if target is None or not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split(".")[-1]
        if name not in known or not COST.search(name) or OTHERWISE.search(name):
            continue
        for i, given in enumerate(node.args):
            if isinstance(given, ast.Name):
                call = copy.deepcopy(node)
                call.args[i] = copy.deepcopy(target)
                yield call, name


def _slopes_of(analysis: Analysis, loop: Loop, call: ast.Call) -> Array | None:
    """The slopes of what a call gives at the entries that were measured, or None."""
    statement = ast.parse(f"{STATED} = {ast.unparse(call)}").body
    for node in ast.walk(statement[0]):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = WRITTEN_HERE
    body = prepared(own_names(statement, loop.owner))
    unit = replace(analysis.unit, body=body, _codes={}, _others={})
    slopes = []
    for block in analysis.blocks:
        for index in block.entries:
            sides = []
            for step in (NUDGE, -NUDGE):
                moved = block.value.copy()
                moved.reshape(-1)[index] += step
                run = unit.run({**analysis.put, block.path: moved}, only=set())
                value: Any = run.names.get(STATED)
                if run.error is not None or not is_numeric(value) or np.size(value) != 1:
                    return None
                sides.append(float(np.asarray(value).reshape(-1)[0]))
            slopes.append((sides[0] - sides[1]) / (2 * NUDGE))
    return np.array(slopes)


def _told(trained: str, stated: str, name: str) -> str:
    squares = trained.startswith("½")
    trained, stated = (in_words(key).removesuffix(OVER_CALLS) for key in (trained, stated))
    error = re.search(r"\((\S+ − [^)]+)\)²", trained if squares else stated)
    delta = error[1] if error else "the error"
    fitting = (
        f"The delta that fits it is {delta}, without the derivative of the activation"
        if squares
        else f"The delta that fits it is {delta} times the derivative of the activation"
    )
    return (
        f"the gradients are right for {trained}, and the cost that is reported, {name}(),"
        f" is {stated}: the two do not belong together. {fitting}."
    )
