"""A loss that is computed only when an epoch has ended: all samples in one pass, and the report.

A loop over batches may compute gradients alone, and the loop around it the loss of all samples.
The two belong together where a batch has all samples.
"""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import replace

import numpy as np

from minnet.teaching.scripts.blocks import Analysis
from minnet.teaching.scripts.programs import Loop, Program, own_names, prepared
from minnet.teaching.scripts.replays import Unit
from minnet.teaching.scripts.values import is_numeric


def whole_pass(program: Program, loop: Loop, unit: Unit) -> Unit | None:
    """The pass of a loop over batches with all samples, and what the loop around it does then.

    None where there is no loop around it, or nothing behind it there.
    """
    if not isinstance(loop.node, ast.For):
        return None
    for around in program.loops:
        if around.owner == loop.owner and loop.node in around.node.body:
            behind = around.node.body[around.node.body.index(loop.node) + 1 :]
            break
    else:
        return None
    if not behind:
        return None
    body = [copy.deepcopy(statement) for statement in loop.node.body]
    edit = _AllSamples(_follow(body, _names_in(loop.node.target)))
    body = [edit.visit(statement) for statement in body]
    shared = _shared_out(loop.node)
    if shared is not None:
        body = [ast.copy_location(shared, body[0]), *body]
    elif not edit.has_cut:
        return None
    body += copy.deepcopy(behind)
    for statement in body:
        ast.fix_missing_locations(statement)
    return replace(unit, body=prepared(own_names(body, loop.owner)), _codes={}, _others={})


def proves_itself(analysis: Analysis | None) -> bool:
    """Whether the loss of the report is the one that is trained: some gradient is right for it."""
    return (
        analysis is not None
        and analysis.explicit
        and any(b.right and np.any(b.measured) for b in analysis.blocks)
    )


def replaces_samples(loop: Loop) -> bool:
    """Whether some passes put other arrays in the place of those that are trained: `if i % 100`."""
    plain: set[str] = set()
    replaced: set[str] = set()
    for statement in loop.node.body:
        names = replaced if isinstance(statement, ast.If) else plain
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign):
                names |= set().union(*(_names_in(target) for target in node.targets))
    return bool(plain & replaced)


def is_figure(analysis: Analysis, other: Analysis) -> bool:
    """Whether a loss is but a figure of the error whose squares are trained, as its mean size."""
    parts = re.fullmatch(r"½ Σ (?:\((.+) − (.+)\)|([^ ()]+))²", other.loss)
    if parts is None:
        return False
    run = analysis.unit.run(analysis.put)
    keys = [key if key.startswith(":") else f":{key}" for key in parts.groups() if key]
    *sides, value = [run.get(key) for key in [*keys, analysis.loss]]
    if not all(map(is_numeric, (*sides, value))) or len({np.shape(side) for side in sides}) > 1:
        return False
    error = np.abs(np.asarray(sides[0], float) - sum(sides[1:]))
    figures = [error.mean(), error.sum(), error.max(), np.median(error), np.sqrt((error**2).mean())]
    return np.size(value) == 1 and bool(np.isclose(float(np.reshape(value, -1)[0]), figures).any())


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _follow(body: list[ast.stmt], names: set[str]) -> set[str]:
    """These names and those of numbers that are made of them: end = start + size."""
    known = set(names)
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.BinOp, ast.Call)):
            plain = not any(isinstance(n, ast.Subscript) for n in ast.walk(statement.value))
            if plain and _names_in(statement.value) & known:
                known |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return known


class _AllSamples(ast.NodeTransformer):
    """Slices that end where the batch does go to the end."""

    def __init__(self, names: set[str]) -> None:
        self.names, self.has_cut = names, False

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        if node.upper is not None and _names_in(node.upper) & self.names:
            self.has_cut = True
            return ast.Slice(node.lower, None, node.step)
        return node


def _shared_out(loop: ast.For) -> ast.stmt | None:
    """`batch = order`, for a loop over `np.array_split(order, 8)`."""
    call = loop.iter
    named = isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("array_split", "split"))
    if not named or not isinstance(call, ast.Call) or not call.args:
        return None
    if not isinstance(loop.target, ast.Name):
        return None
    target = ast.Name(loop.target.id, ast.Store())
    return ast.Assign([target], copy.deepcopy(call.args[0]))
