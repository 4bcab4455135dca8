"""A weight that is changed before all gradients that need it were computed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from minnet.teaching.scripts.blocks import Analysis, Block, gradient_of
from minnet.teaching.scripts.evidence import BlockFinding

KEPT = "before_the_update"
"""What a weight as it was at the beginning is called in the pieces that are tried."""


def verdicts(analysis: Analysis, blocks: list[Block]) -> dict[str, list[BlockFinding]] | None:
    """What is said where a weight is changed before the gradients that need it are computed.

    None where the order is not what is wrong.
    """
    if not analysis.stop:
        return None
    return _without_update(analysis, blocks) or _with_old_weights(analysis, blocks)


def _without_update(
    analysis: Analysis, blocks: list[Block]
) -> dict[str, list[BlockFinding]] | None:
    """Whether the gradients are right once no weight is changed on the way."""
    still = analysis.unit.run(analysis.put, without=analysis.stop)
    if still.error is not None:
        return None
    result: dict[str, list[BlockFinding]] = {}
    for block in blocks:
        if block.right:
            result[block.label] = []
            continue
        if block.key and not block.agrees(gradient_of(block, still, analysis.put)):
            return None
        guilty = []
        for path, lines in analysis.updates.items():
            if path == block.path:
                continue
            one = analysis.unit.run(analysis.put, without=frozenset(lines))
            if one.error is None and block.agrees(gradient_of(block, one, analysis.put)):
                guilty.append((path, min(lines)))
        if not block.key and not guilty:
            return None
        names = [next((b.label for b in blocks if b.path == path), path) for path, _ in guilty]
        at = f" (line {guilty[0][1]})" if guilty else ""
        result[block.label] = [_finding(names, at, "")]
    return result


def _finding(names: list[str], at: str, used: str) -> BlockFinding:
    verb = "are" if len(names) > 1 else "is"
    it = "they are" if len(names) > 1 else "it is"
    return BlockFinding(
        "stale-input",
        f"{', '.join(names) or 'a weight'} {verb} changed{at} before {it} used for this "
        f"gradient{used}: the update comes too early, and the new weights are taken where the old "
        "ones belong. Compute all gradients first, and update all weights after that.",
    )


def _with_old_weights(
    analysis: Analysis, blocks: list[Block]
) -> dict[str, list[BlockFinding]] | None:
    """Whether all are right once one line takes the weights as they were when the pass began."""
    unit = analysis.unit
    for line, root, edited in _readers(unit.definitions, unit.body, analysis.stop):
        run = unit.run(analysis.put, edited=edited)
        if run.error is not None:
            continue
        if all(b.agrees(gradient_of(b, run, analysis.put)) for b in blocks):
            changed = min(analysis.stop)
            finding = _finding([root], f" (line {changed})", f" (line {line})")
            return {b.label: [] if b.right else [finding] for b in blocks}
    return None


Edited = tuple[list[ast.stmt], list[ast.stmt]]


def _readers(
    definitions: Sequence[ast.stmt], body: Sequence[ast.stmt], stop: frozenset[int]
) -> Iterator[tuple[int, str, Edited]]:
    """The code with the old value of a name in one line, for each line that may read a new one."""
    pieces = [("", list(body)), *((f.name, f.body) for f in _functions(definitions))]
    for number, (_, statements) in enumerate(pieces):
        lines = [s for s in _simple(statements) if isinstance(s, ast.Assign)]
        changed = {
            n.id
            for s in _simple(statements)
            if s.lineno in stop
            for target in _targets(s)
            for n in ast.walk(target)
            if isinstance(n, ast.Name) and target is not n
        }
        changed |= {t.id for s in _simple(statements) if s.lineno in stop for t in _plain(s)}
        for statement in lines:
            if statement.lineno in stop:
                continue
            for root in sorted(changed & _reads(statement.value)):
                fresh_definitions, fresh_body = copy.deepcopy(list(definitions)), list(body)
                if number == 0:
                    fresh_body = _kept(copy.deepcopy(fresh_body), root, statement.lineno)
                else:
                    function = list(_functions(fresh_definitions))[number - 1]
                    function.body = _kept(function.body, root, statement.lineno)
                yield statement.lineno, root, (fresh_definitions, fresh_body)


def _functions(definitions: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef]:
    for statement in definitions:
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef):
                yield node


def _simple(statements: Sequence[ast.stmt]) -> list[ast.Assign | ast.AugAssign]:
    return [
        n
        for s in statements
        for n in ast.walk(s)
        if isinstance(n, (ast.Assign, ast.AugAssign)) and not isinstance(s, ast.FunctionDef)
    ]


def _targets(statement: ast.Assign | ast.AugAssign) -> list[ast.expr]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]


def _plain(statement: ast.Assign | ast.AugAssign) -> list[ast.Name]:
    return [t for t in _targets(statement) if isinstance(t, ast.Name)]


def _reads(value: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}


def _kept(body: list[ast.stmt], root: str, line: int) -> list[ast.stmt]:
    """Statements in which one line takes a name as it was at the beginning."""

    class Old(ast.NodeTransformer):
        def visit_Assign(self, node: ast.Assign) -> Any:
            if node.lineno == line:
                for inner in ast.walk(node.value):
                    if isinstance(inner, ast.Name) and inner.id == root:
                        inner.id = KEPT
            return node

    keep = ast.parse(f"{KEPT} = __import__('copy').deepcopy({root})").body[0]
    for node in ast.walk(keep):
        ast.copy_location(node, body[0])
    first = [s for s in body if isinstance(s, (ast.Global, ast.Nonlocal))]  # they come before a use
    return [*first, keep, *(Old().visit(s) for s in body if s not in first)]
