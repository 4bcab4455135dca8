"""Loops: lines that stand on the wrong side of the end of one, and rows that it leaves out."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from minnet.teaching.scripts.repairs import Edit
from minnet.teaching.scripts.scopes import parsed, text_of


def of_loops(tree: Sequence[ast.stmt], within: str) -> Iterator[tuple[str, ast.stmt, Edit]]:
    """Changes that move an adding line into or out of a loop, or take a loop over all its rows.

    Each with the function that it is in, `within` at the top, and the line that is changed. Lines
    of the tree itself are not changed, only those deeper.
    """

    def walk(node: Any, owner: str) -> Iterator[tuple[str, ast.stmt, Edit]]:
        for line, edit in _out_of(node) if isinstance(node, ast.For) else ():
            yield owner, line, edit
        for name, body in ast.iter_fields(node):
            if not isinstance(body, list):
                continue
            for i, moved in enumerate(body):
                if isinstance(moved, ast.AugAssign):
                    for j, loop in enumerate(body[:i]):
                        if isinstance(loop, ast.For):
                            for edit in _moved(node, name, j, i):
                                yield owner, moved, edit
                elif isinstance(moved, ast.For):
                    for edit in _over_all(moved):
                        yield owner, moved, edit
                if isinstance(moved, (ast.stmt, ast.excepthandler)):
                    yield from walk(moved, _inside(owner, moved))

    for statement in tree:
        yield from walk(statement, _inside(within, statement))


def _over_all(loop: ast.For) -> Iterator[Edit]:
    """The loop from the first row on, or to the last."""
    call = loop.iter
    if not isinstance(call, ast.Call) or text_of(call.func) != "range" or len(call.args) > 2:
        return
    end = call.args[-1]
    starts = [""] if len(call.args) == 1 else [f"{text_of(call.args[0])}, ", ""]
    ends = [end]
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Sub) and text_of(end.right) == "1":
        ends.append(end.left)
    for start, last in [(a, b) for a in starts for b in ends][1:]:
        new = copy.copy(loop)
        new.iter = parsed(f"range({start}{text_of(last)})")
        ast.fix_missing_locations(ast.copy_location(new.iter, call))
        first, left_out = "" if start else " the first", "" if last is end else " the last"
        both = " and".join(side for side in (first if len(starts) > 1 else "", left_out) if side)
        words = f"the loop leaves out{both}: {text_of(new.iter)} belongs there"
        before, after = (f"for {text_of(loop.target)} in {text_of(c)}:" for c in (call, new.iter))
        yield Edit(loop.lineno, "wrong", words, before, after, 1.8, new, loop)


def _inside(owner: str, node: Any) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return f"{owner}.{node.name}" if owner not in ("", "<module>") else node.name
    return owner


def _base(statement: ast.AugAssign) -> str:
    target: ast.expr = statement.target
    while isinstance(target, ast.Subscript):
        target = target.value
    return text_of(target)


def _moved(parent: Any, name: str, loop: int, line: int) -> Iterator[Edit]:
    body = getattr(parent, name)
    moved = body[line]
    for beside in ast.walk(body[loop]):
        if not isinstance(beside, ast.AugAssign) or _base(beside) != _base(moved):
            continue
        if not isinstance(moved.target, ast.Subscript):
            continue
        new = copy.copy(parent)
        inner = _with_after(body[loop], beside, moved)
        setattr(new, name, [inner if k == loop else s for k, s in enumerate(body) if k != line])
        each = text_of(body[loop].target)
        words = (
            f"it is done once behind the loop over {each}, and belongs inside, beside "
            f"`{text_of(beside)}`: as many times as that is done"
        )
        after = f"{text_of(beside)}; {text_of(moved)}"
        yield Edit(moved.lineno, "wrong", words, text_of(moved), after, 1.5, new, parent)


def _out_of(loop: ast.For) -> Iterator[tuple[ast.stmt, Edit]]:
    """Changes that take a line which knows nothing of its loop out of it, each with the line."""
    made = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and _is_stored(n)}
    for line in loop.body if len(loop.body) > 1 else ():
        target = _added_to(line)
        used = {n.id for n in ast.walk(line) if isinstance(n, ast.Name)}
        if not target or used & (made - {target}):
            continue
        shorter = copy.copy(loop)
        shorter.body = [other for other in loop.body if other is not line]
        both = ast.copy_location(ast.If(ast.Constant(value=True), [shorter, line], []), loop)
        each = text_of(loop).split(":\n")[0]
        words = f"it is done again in each turn of `{each}`, and belongs behind that loop: once"
        before, after = text_of(line), f"{text_of(line)}  # behind the loop"
        new = ast.fix_missing_locations(both)
        yield line, Edit(line.lineno, "wrong", words, before, after, 0.8, new, loop)


def _added_to(line: ast.stmt) -> str:
    """The variable that a line adds to, or whose entry; "" where it adds to none."""
    if isinstance(line, ast.AugAssign):
        return _base(line)
    plain = isinstance(line, ast.Assign) and len(line.targets) == 1
    target = text_of(line.targets[0]) if plain else ""  # type: ignore[attr-defined]
    return target if target and target in map(text_of, ast.walk(line.value)) else ""  # type: ignore[attr-defined]


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _with_after(node: Any, beside: ast.stmt, moved: ast.stmt) -> Any:
    """A tree with one more line after a line of it."""
    fresh = copy.copy(node)
    for name, field in ast.iter_fields(node):
        if isinstance(field, list) and any(isinstance(s, ast.stmt) for s in field):
            lines: list[ast.stmt] = []
            for statement in field:
                lines.append(_with_after(statement, beside, moved))
                if statement is beside:
                    lines.append(moved)
            setattr(fresh, name, lines)
    return fresh
