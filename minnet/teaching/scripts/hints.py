"""What the other lines of a program tell of a change: names that nothing reads, lines of a form."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

UNREAD = 1.5
"""How much likelier a change is that uses what was computed and is used nowhere."""

ALIKE = 1.0
"""How much likelier a sign is with which a line is as the others of its form."""

Owned = tuple[str, ast.stmt]


class Hints:
    """The names that each function makes and does not read, and the forms of all statements.

    Parameters
    ----------
    tree
        Definitions and the body of a loop.
    statements
        The simple statements, each with the function that it is in.
    """

    def __init__(self, tree: Sequence[ast.stmt], statements: Sequence[Owned]) -> None:
        self.read: dict[str, set[str]] = {}
        self.stored: dict[str, set[str]] = {}
        for owner, node in _nodes(tree, "<module>"):
            text = _name_of(node.target if isinstance(node, ast.AugAssign) else node)
            if isinstance(node, ast.AugAssign):  # what is added to is a result
                self.read.setdefault("" if "." in text else owner, set()).add(text)
            elif text:
                loaded = isinstance(node.ctx, ast.Load)  # type: ignore[attr-defined]
                names = self.read if loaded else self.stored
                names.setdefault("" if "." in text else owner, set()).add(text)
        self.forms = Counter(form(statement) for _, statement in statements)

    def of(self, owner: str, old: ast.stmt, new: ast.stmt, kind: str) -> float:
        """How much likelier a change is by what the other lines tell."""
        fresh = _loads(new) - _loads(old)
        if any(self._is_unread(owner, name) for name in fresh):
            return UNREAD
        if kind == "sign" and self.forms[form(old)] == 1 and self.forms[form(new)]:
            return ALIKE
        return 0.0

    def _is_unread(self, owner: str, name: str) -> bool:
        owner = "" if "." in name else owner
        return name in self.stored.get(owner, set()) - self.read.get(owner, set())


def form(statement: ast.stmt) -> str:
    """A statement with a blank for each name, entry and attribute: `_ += _`."""
    return ast.unparse(_Blank().visit(copy.deepcopy(statement)))


class _Blank(ast.NodeTransformer):
    def _blank(self, node: Any) -> Any:
        return ast.copy_location(ast.Name("_", node.ctx), node)

    visit_Name = visit_Attribute = visit_Subscript = _blank

    def visit_Call(self, node: ast.Call) -> Any:
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _name_of(node: ast.AST) -> str:
    """A variable or an attribute of one, as text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _loads(statement: ast.stmt) -> set[str]:
    value = getattr(statement, "value", None)
    return {_name_of(node) for node in ast.walk(value)} if value is not None else set()


def _nodes(tree: Sequence[ast.AST], owner: str) -> Iterator[tuple[str, ast.AST]]:
    """All nodes with the function that they are in."""
    for node in tree:
        within = owner
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            within = node.name if owner == "<module>" else f"{owner}.{node.name}"
        yield within, node
        yield from _nodes(list(ast.iter_child_nodes(node)), within)
