"""A student's file as a syntax tree: its definitions, its loops, and pieces of it to run again."""

from __future__ import annotations

import ast
import builtins
import copy
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from minnet.teaching.scripts.closures import CELLS, STUDENT, Cells
from minnet.teaching.scripts.running import execute

LOOP, NOTE, LEAVE = "__minnet_loop__", "__minnet_note__", "__minnet_leave__"
"""What is called at the beginning of a loop's pass, for a number that is printed, and to leave."""

MINIMIZED = "__minnet_minimized__"
"""What is called with an optimizer of SciPy and its arguments."""

LOADED, LENT = "__minnet_loaded__", "__minnet_lent__"
"""What is called with a call that loads data, and for a module that is not installed."""

MINIMIZERS = r"([\w.]+\.)?(minimize|fmin_(cg|bfgs|tnc|l_bfgs_b|ncg))"
"""Functions of SciPy that take a loss and its gradient."""

FILE = "<student's file>"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class LeaveError(BaseException):
    """A `return` in a piece of a function that is run alone."""


@dataclass
class Loop:
    """A loop of the file and the function that it is in, if it is in one."""

    number: int
    node: ast.For | ast.While
    owner: str  # "" at the top of the file
    inner: list[int] = field(default_factory=list)  # numbers of loops inside of it


class Program:
    """A parsed file, or another tree of it."""

    def __init__(self, source: str, tree: ast.Module | None = None) -> None:
        self.source = source
        self.lines = source.splitlines()
        self.tree = tree or ast.parse(source)
        self.loops: list[Loop] = []
        self._find_loops(self.tree.body, "", [])

    def _find_loops(self, body: Sequence[ast.stmt], owner: str, around: list[int]) -> None:
        for statement in body:
            inside = around
            if isinstance(statement, (ast.For, ast.While)):
                loop = Loop(len(self.loops), statement, owner)
                self.loops.append(loop)
                for number in around:
                    self.loops[number].inner.append(loop.number)
                inside = [*around, loop.number]
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                name = f"{owner}.{statement.name}" if owner else statement.name
                self._find_loops(statement.body, name, [])
                continue
            for block in ("body", "orelse", "finalbody"):
                self._find_loops(getattr(statement, block, []), owner, inside)
            for handler in getattr(statement, "handlers", []):
                self._find_loops(handler.body, owner, inside)

    def definitions(self) -> list[ast.stmt]:
        """Imports, functions, classes, named lambdas and tuples: they run as often as wanted."""
        return [s for s in self.tree.body if _is_definition(s)]

    def functions(self) -> dict[str, Function]:
        """Functions and methods by their qualified names."""
        return dict(_functions(self.tree.body, ""))

    def watched(self, loads: str = "") -> Any:
        """The code of the whole file, with a call at the beginning of every loop's pass.

        `loads` is a pattern of calls that bring data; LOADED is asked for what they give then.
        """
        tree = self._watched_tree()
        if loads:
            tree = ast.fix_missing_locations(_Loading(loads, self._missing_names()).visit(tree))
        return compile(tree, FILE, "exec")

    def _missing_names(self) -> list[str]:
        """The names that the file uses and that it makes nowhere: those of `import *`."""
        nodes = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name)]
        made = {n.id for n in nodes if not isinstance(n.ctx, ast.Load)} | set(dir(builtins))
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                made.add(node.name)
            elif isinstance(node, ast.arg):
                made.add(node.arg)
            elif isinstance(node, ast.alias):
                made.add((node.asname or node.name).split(".")[0])
        return list(dict.fromkeys(n.id for n in nodes if n.id not in made))

    def watched_definitions(self) -> list[Any]:
        """The code of each definition and plain number alone, with the same calls."""
        return [
            compile(ast.Module([s], []), FILE, "exec")
            for s in self._watched_tree().body
            if _is_definition(s)
            or (isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant))
        ]

    def _watched_tree(self) -> ast.Module:
        tree = copy.deepcopy(self.tree)
        numbers = {(loop.node.lineno, loop.node.col_offset): loop.number for loop in self.loops}
        for node in list(ast.walk(tree)):
            if isinstance(node, ast.Call) and re.fullmatch(MINIMIZERS, ast.unparse(node.func)):
                node.args = [node.func, *node.args]
                node.func = ast.copy_location(ast.Name(MINIMIZED, ast.Load()), node)
            if isinstance(node, ast.Compare) and "'__main__'" in ast.unparse(node):
                node.left, node.ops = ast.Constant("__main__"), [ast.Eq()]
                node.comparators = [ast.Constant("__main__")]
            if isinstance(node, (ast.For, ast.While)):
                number = numbers[(node.lineno, node.col_offset)]
                call = ast.parse(f"{LOOP}({number}, locals(), globals())").body[0]
                for inner in ast.walk(call):
                    ast.copy_location(inner, node.body[0])
                node.body.insert(0, call)
        return ast.fix_missing_locations(tree)

    def line(self, number: int) -> str:
        """A line of the file."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""


def _is_definition(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if not isinstance(statement, ast.Assign):
        return False
    value = statement.value
    if isinstance(value, ast.Call):  # Layer = namedtuple("Layer", "W b")
        return bool(re.fullmatch(r"(\w+\.)?(namedtuple|NamedTuple)", ast.unparse(value.func)))
    return isinstance(value, ast.Lambda)


def _functions(body: Sequence[ast.stmt], owner: str) -> Iterator[tuple[str, Function]]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{owner}.{statement.name}" if owner else statement.name
            yield name, statement
            yield from _functions(statement.body, name)
        elif isinstance(statement, ast.ClassDef):
            name = f"{owner}.{statement.name}" if owner else statement.name
            yield from _functions(statement.body, name)


class _Alone(ast.NodeTransformer):
    """Makes a piece of a function run alone: a `return` leaves it; numbers shown are noted.

    What is imported a second time is there already, and `global` has nothing to say at the top.
    """

    def __init__(self) -> None:
        self.inside = self.keys = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.inside += 1
        self.generic_visit(node)
        self.inside -= 1
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        if self.inside:
            return node
        return ast.copy_location(ast.Expr(_call(LEAVE, [], node)), node)

    def visit_Global(self, node: ast.Global) -> Any:
        return node if self.inside else ast.copy_location(ast.Pass(), node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        return node if self.inside else ast.copy_location(ast.Pass(), node)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        shown = isinstance(node.func, ast.Name) and node.func.id == "print"
        kept = isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        if shown or kept:
            word = "print" if shown else "append"
            node.args = [_noted(a, word) for a in node.args]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        node.value = self.visit(node.value)
        self.keys += 1
        node.slice = self.visit(node.slice)
        self.keys -= 1
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        self.generic_visit(node)
        if not self.keys:  # what makes a key is not shown
            node.value = _noted(node.value, "print")
        return node


class _Loading(ast.NodeTransformer):
    """Lets calls that load be asked of LOADED, and modules that are missing be lent."""

    def __init__(self, loads: str, missing: list[str]) -> None:
        self.loads, self.missing = loads, missing

    def visit_Assign(self, node: ast.Assign) -> Any:
        calls = [n for n in ast.walk(node.value) if isinstance(n, ast.Call)]
        if len(node.targets) != 1 or not isinstance(node.value, (ast.Call, ast.Attribute)):
            return node
        if not any(re.search(self.loads, ast.unparse(n.func), re.I) for n in calls):
            return node
        texts = [ast.Constant(ast.unparse(node.value)), ast.Constant(ast.unparse(node.targets[0]))]
        nothing = ast.arguments([], [], None, [], [], None, [])
        call = _call(LOADED, [ast.Lambda(nothing, node.value), *texts], node)
        node.value = call
        return node

    def _lent(self, node: ast.Import | ast.ImportFrom, names: list[tuple[str, str]]) -> ast.Try:
        lines = [f"{name} = {LENT}({whole!r})" for name, whole in names] or ["pass"]
        instead = ast.parse("\n".join(lines)).body
        kind = ast.Name("ImportError", ast.Load())
        return ast.copy_location(
            ast.Try([node], [ast.ExceptHandler(kind, None, instead)], [], []), node
        )

    def visit_Import(self, node: ast.Import) -> Any:
        return self._lent(
            node, [((a.asname or a.name).split(".")[0], a.asname or a.name) for a in node.names]
        )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.module == "__future__":
            return node
        names = [(a.asname or a.name, f"{node.module}.{a.name}") for a in node.names]
        if [a.name for a in node.names] == ["*"]:
            names = [(name, f"{node.module}.{name}") for name in self.missing]
        return self._lent(node, names)


def _noted(node: ast.expr, word: str) -> ast.expr:
    if isinstance(node, (ast.Constant, ast.Name, ast.JoinedStr, ast.Starred)):
        return node
    text = ast.unparse(node)
    if NOTE in text:
        return node
    label = ast.copy_location(ast.Constant(f"{word}({text})"), node)
    return _call(NOTE, [label, node], node)


def _call(name: str, arguments: list[ast.expr], at: ast.AST) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, arguments, []), at)


class _Mangled(ast.NodeTransformer):
    def __init__(self, owner: str) -> None:
        self.owner = owner.lstrip("_")

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = f"_{self.owner}{node.attr}"
        return node


def own_names(body: list[ast.stmt], owner: str) -> list[ast.stmt]:
    """A method's statements as they are outside of its class, where self.__x is _Class__x."""
    if "." not in owner:
        return body
    mangled = _Mangled(owner.split(".")[0])
    return [mangled.visit(copy.deepcopy(s)) for s in body]


def prepared(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """A copy of statements that can be run alone, piece by piece, and changed."""
    body = [_Alone().visit(copy.deepcopy(s)) for s in statements]
    for statement in body:
        ast.fix_missing_locations(statement)
    return body


def compiled(statements: Sequence[ast.stmt], *, once: bool = False) -> Any:
    """The code of prepared statements; `once`: they are the body of a loop."""
    body = list(statements)
    if once:
        loop = ast.parse("for __minnet_once__ in (0,):\n    pass").body[0]
        loop.body = body  # type: ignore[attr-defined]
        body = [loop]
    return compile(ast.fix_missing_locations(ast.Module(body, [])), FILE, "exec")


def fresh_names() -> dict[str, Any]:
    """A namespace for the student's code, of a module that dataclasses may look up."""
    sys.modules.setdefault(STUDENT, ModuleType(STUDENT))
    return {"__name__": STUDENT, "__builtins__": builtins, "__file__": FILE, CELLS: Cells}


def define(statements: Sequence[ast.stmt]) -> dict[str, Any]:
    """The names that definitions make, each statement alone; those that fail are left out."""
    names = fresh_names()
    names[NOTE] = lambda label, value: value
    for statement in statements:
        try:
            execute(compiled(prepared([statement])), names)
        except Exception:  # noqa: S112 - a module that is not here
            continue
    return names
