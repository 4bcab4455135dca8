"""Files without a loop, which show one gradient or take one step: their last lines are one pass."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator

from minnet.teaching.scripts.programs import Program

NUMBER = re.compile(r"^-?\d|^len\(|\.shape|^\(\d")
"""A value that is a number, or some: 5, len(x), X.shape, (2, 3)."""

MAKER = re.compile(r"^[A-Z]\w*$|^([a-z]\w*\.)*(rand\w*|normal|uniform|zeros|ones|array|full|eye)$")
"""A function or a class that makes arrays or objects."""

MOST = 5
"""Starts of a pass that are tried."""


def as_passes(program: Program) -> Iterator[Program]:
    """The program with its last lines as the only pass of a loop, the shortest first.

    The pass begins behind the last array or object that is made, or behind one before it.
    """
    body = program.tree.body
    numbers = {
        target.id
        for s in body
        if isinstance(s, ast.Assign) and NUMBER.search(ast.unparse(s.value))
        for node in s.targets
        for target in ast.walk(node)
        if isinstance(target, ast.Name)
    }
    starts = [i + 1 for i, s in enumerate(body[:-1]) if _makes(s, numbers)]
    for start in starts[: -MOST - 1 : -1]:
        if any(isinstance(s, (ast.For, ast.While)) for s in body[start:]):
            return
        yield _with_a_pass(program, start)


def _makes(statement: ast.stmt, numbers: set[str]) -> bool:
    """Whether an array or an object is made of numbers alone: np.zeros((2, n)), Dense(2, n)."""
    if not isinstance(statement, ast.Assign):
        return False
    calls = [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]
    given = {
        node.id
        for call in calls
        for argument in [*call.args, *[k.value for k in call.keywords]]
        for node in ast.walk(argument)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return any(MAKER.search(ast.unparse(call.func)) for call in calls) and given <= numbers


def _with_a_pass(program: Program, start: int) -> Program:
    tree = copy.deepcopy(program.tree)
    rest = tree.body[start:]
    target, once = ast.Name("_", ast.Store()), ast.Tuple([ast.Constant(0)], ast.Load())
    loop = ast.copy_location(ast.For(target, once, rest, []), rest[0])
    tree.body[start:] = [ast.fix_missing_locations(loop)]
    return Program(program.source, tree)
