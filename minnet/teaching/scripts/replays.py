"""A piece of a student's program that can be run again and again, and what is seen of a run.

A unit is the body of a loop (or a few calls) with the variables as they were when it began. Each
run works on a copy of these, with the random numbers of the first, so that two runs differ only by
what was changed on purpose: a weight by a little, or a line of the code.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.closures import is_inner
from minnet.teaching.scripts.programs import (
    FILE,
    LEAVE,
    NOTE,
    LeaveError,
    compiled,
    fresh_names,
    prepared,
)
from minnet.teaching.scripts.running import (
    execute,
    random_state,
    seeded_state,
    set_random_state,
    value_of,
)
from minnet.teaching.scripts.values import (
    Slot,
    assign,
    copied,
    is_numeric,
    is_own,
    reclassed,
    slots,
)

CALLS = 400
"""Calls of a run whose variables are looked at."""

INSIDE = 4
"""How deep the variables of a call are looked into."""

MANY = 40
"""Entries of a list or dict inside a call that are looked at."""

SMALL = 4_000
"""Larger arrays inside a call are not kept."""


@dataclass
class Run:
    """What one run left.

    Attributes
    ----------
    names
        The variables at its end.
    values
        What else was seen, by a key: `backward:dW1`, a variable at the end of a call;
        `forward()`, what a call gave; `print(…)`, a number that was shown. A second call of the
        same function has `#2` in it.
    sums
        For a key without its number: numbers added up over all calls.
    halves
        The same for ½ Σ v² of arrays.
    error
        What stopped it.
    """

    names: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    halves: dict[str, float] = field(default_factory=dict)
    error: BaseException | None = None

    def get(self, key: str) -> Any:
        """A value by its key; a path of a variable begins with a colon."""
        if key in self.values:
            return self.values[key]
        if not key.startswith(":"):
            return None
        try:
            return value_of(key[1:], dict(self.names))
        except Exception:  # it is not there in this run
            return None


class _Watch:
    """Sees what the student's functions have in their variables when they return."""

    def __init__(self, run: Run, only: set[str] | None, scope: dict[tuple[str, int], Any] | None):
        self.run, self.only, self.scope = run, only, scope
        self.calls: dict[str, int] = {}
        self.total = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code.co_filename != FILE or code.co_name.startswith("<"):
            if self.scope is not None and code.co_filename == FILE and code.co_name == "<module>":
                return self.local
            return None
        frame.f_trace_lines = self.scope is not None
        return self.local

    def local(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and self.scope is not None:
            key = (owner_of(frame), frame.f_lineno)
            if key not in self.scope:
                self.scope[key] = {
                    name: value.copy() if isinstance(value, np.ndarray) else value
                    for name, value in frame.f_locals.items()
                    if not name.startswith("__")
                }
        elif event == "return" and frame.f_code.co_name != "<module>":
            self.returned(frame, argument)
        return self.local

    def returned(self, frame: FrameType, result: Any) -> None:
        name = owner_of(frame)
        if self.only is not None and name not in self.only:
            return
        self.total += 1
        if self.total > CALLS:
            return
        count = self.calls[name] = self.calls.get(name, 0) + 1
        tag = f"#{count}" if count > 1 else ""
        variables = {
            k: v for k, v in frame.f_locals.items() if k != "self" and not _whole_object(v)
        }
        for slot in slots({"()": result} if not _whole_object(result) else {}, INSIDE):
            self.note(f"{name}{tag}{slot.path}", f"{name}{slot.path}", slot.value)
        for slot in slots(variables, INSIDE):
            self.note(f"{name}{tag}:{slot.path}", f"{name}:{slot.path}", slot.value)
        for path, value in _entries(variables):  # the last delta is an entry of nabla_b, too
            if f"{name}{tag}:{path}" not in self.run.values:
                self.note(f"{name}{tag}:{path}", f"{name}:{path}", value)

    def note(self, key: str, plain: str, value: Any) -> None:
        run = self.run
        array = np.asarray(value)
        if array.size > SMALL:
            return
        run.values[key] = array.copy() if isinstance(value, np.ndarray) else value
        if array.size == 1:
            run.sums[plain] = run.sums.get(plain, 0.0) + float(array.reshape(-1)[0].real)
        else:
            half = 0.5 * float((array.astype(float) ** 2).sum())
            run.halves[plain] = run.halves.get(plain, 0.0) + half


def owner_of(frame: FrameType) -> str:
    """The function that runs, with the class or function that it was made in."""
    return frame.f_code.co_qualname.replace(".<locals>", "")


def _entries(variables: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """The arrays of some variables, and in their lists and dicts, under all names that they have.

    After `db1 = delta1` the array has two.
    """
    for name, value in variables.items():
        pairs: Any = ()
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            yield name, value
        if isinstance(value, dict):
            pairs = list(value.items())[:MANY]
        elif isinstance(value, list):
            pairs = enumerate(value[:MANY])
        for key, array in pairs:
            if isinstance(array, np.ndarray) and array.dtype.kind in "fiu":
                yield f"{name}[{key!r}]", array


def _whole_object(value: Any) -> bool:
    """Whether it is an object of the student's, or a function made in one, or a list of such."""
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    return is_own(first) or is_inner(first)


@dataclass
class Unit:
    """A piece of a program and the variables that it begins with.

    Attributes
    ----------
    title
        What it is, for the student.
    definitions, body
        The code; `alone` says that the body is that of a loop.
    variables
        Those that it begins with; they are never changed.
    old
        The functions and classes that the variables may refer to, by name.
    """

    title: str
    definitions: list[ast.stmt]
    body: list[ast.stmt]
    variables: dict[str, Any]
    old: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = True
    base: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None
    owner: str = ""
    loop: int = -1
    is_prepared: bool = False
    _codes: dict[int, Any] = field(default_factory=dict)
    _others: dict[frozenset[int], Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.is_prepared:
            self.definitions, self.body = prepared(self.definitions), prepared(self.body)
            self.is_prepared = True
        if self.state is None:
            self.state = seeded_state(1)

    def run(
        self,
        put: Mapping[str, Array] | None = None,
        *,
        edited: tuple[Sequence[ast.stmt], Sequence[ast.stmt]] | None = None,
        without: frozenset[int] = frozenset(),
        only: set[str] | None = None,
        scope: dict[tuple[str, int], Any] | None = None,
        tracer: Any = None,
    ) -> Run:
        """Run it once.

        Parameters
        ----------
        put
            Other numbers for some of the variables, by their paths.
        edited
            Other definitions and another body.
        without
            Lines that are left out.
        only
            The functions whose variables are looked at; all, if None.
        scope
            Takes the variables before each line, if it is there.
        """
        if without:
            return self.leaving_out(without).run(
                put, edited=edited, only=only, scope=scope, tracer=tracer
            )
        names: dict[str, Any] = {**fresh_names(), **self.base}
        run = Run(names)
        try:
            definitions, body = self._compiled(edited)
        except SyntaxError as error:  # a change that is no program
            run.error = error
            return run
        noted: dict[str, int] = {}

        def note(label: str, value: Any) -> Any:
            if is_numeric(value) and np.size(value) == 1:
                noted[label] = noted.get(label, 0) + 1
                tag = f"#{noted[label]}" if noted[label] > 1 else ""
                run.values[label + tag] = float(np.reshape(value, -1)[0])
                run.sums[label] = run.sums.get(label, 0.0) + float(np.reshape(value, -1)[0])
            return value

        def leave(*result: Any) -> None:
            raise LeaveError

        names[NOTE], names[LEAVE] = note, leave
        state = random_state()
        set_random_state(self.state)
        watch = tracer or _Watch(run, only, scope)
        before = sys.gettrace()
        try:
            for code in definitions:
                try:
                    execute(code, names)
                except Exception:  # noqa: S112 - a module that is not here
                    continue
            names.update(self._fresh(names))
            if put:
                for slot in list(slots(names)):
                    if slot.path in put:
                        assign(slot, put[slot.path])
            sys.settrace(watch)
            try:
                execute(body, names)
            finally:
                sys.settrace(before)
        except LeaveError:
            pass
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if type(error).__name__ == "OutOfTimeError":
                raise
            run.error = error
        finally:
            set_random_state(state)
        return run

    def beginning_with(self, variables: dict[str, Any], state: Any) -> Unit:
        """The unit with other variables, and another state of the random numbers."""
        return replace(self, variables=variables, state=state, _codes={}, _others={})

    def leaving_out(self, lines: frozenset[int]) -> Unit:
        """The unit without some lines."""
        if not lines:
            return self
        if lines not in self._others:
            own = own_functions(self.definitions)
            self._others[lines] = replace(
                self,
                definitions=[left_out(s, lines, own) for s in self.definitions],
                body=[left_out(s, lines, own) for s in self.body],
                _codes={},
                _others={},
            )
        return self._others[lines]

    def _code(self, statement: ast.stmt, known: bool) -> Any:
        if not known:
            return compiled([statement])
        if id(statement) not in self._codes:
            self._codes[id(statement)] = compiled([statement])
        return self._codes[id(statement)]

    def _compiled(self, edited: Any) -> tuple[list[Any], Any]:
        definitions, body = edited or (self.definitions, self.body)
        own = set(map(id, self.definitions))
        codes = [self._code(s, id(s) in own) for s in definitions]
        if all(a is b for a, b in zip(body, self.body, strict=True)):
            if 0 not in self._codes:
                self._codes[0] = compiled(self.body, once=self.alone)
            return codes, self._codes[0]
        return codes, compiled(body, once=self.alone)

    def _fresh(self, names: dict[str, Any]) -> dict[str, Any]:
        """The variables copied, with functions and classes of this run in place of older ones."""
        replaced = {id(old): names[name] for name, old in self.old.items() if name in names}
        variables = {}
        for name, value in self.variables.items():
            variables[name] = value
        copies: dict[str, Any] = copied(variables, replaced, names)
        for name, value in list(copies.items()):
            own = isinstance(value, FunctionType) and value.__module__ == names["__name__"]
            own = own and not is_inner(value)
            if own and name in names and value.__name__ in names:
                copies[name] = names[value.__name__]
        reclassed(copies, {k: v for k, v in names.items() if isinstance(v, type)})
        return copies

    def numbers(self, *, held: bool = True) -> list[float]:
        """The numbers that stand in its code, and those that its variables hold."""
        nodes = [n for s in [*self.definitions, *self.body] for n in ast.walk(s)]
        values = [n.value for n in nodes if isinstance(n, ast.Constant)]
        values += [slot.value for slot in self.slots().values()] if held else []
        plain = (int, float, np.integer, np.floating)
        return [float(v) for v in values if type(v) is not bool and isinstance(v, plain)]

    def slots(self) -> dict[str, Slot]:
        """What the variables hold, by path."""
        return {slot.path: slot for slot in slots(self.variables)}


LEFT = "__minnet_left__"
"""The name that takes what is not to be changed."""


class _LeftOut(ast.NodeTransformer):
    """Leaves out what some lines assign; functions of the file that they call are still called.

    `params = step(params, backward(params, x, y))` goes back and updates in one line.
    """

    def __init__(self, lines: frozenset[int], own: frozenset[str]) -> None:
        self.lines, self.own = lines, own

    def generic_visit(self, node: ast.AST) -> Any:
        simple = isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr))
        if simple and getattr(node, "lineno", 0) in self.lines:
            if isinstance(node, ast.Assign) and self._calls(node.value):
                return self._called(node)
            return ast.copy_location(ast.Pass(), node)
        return super().generic_visit(node)

    def _calls(self, value: ast.expr) -> bool:
        called = [n.func for n in ast.walk(value) if isinstance(n, ast.Call)]
        names = {getattr(f, "attr", getattr(f, "id", "")) for f in called}
        return bool(names & self.own)

    def _called(self, node: ast.Assign) -> ast.stmt:
        """The call without the new weights: of `W, loss = step(W, x)` the loss is kept."""
        handed = {ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, ast.expr)}
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and not any(
            isinstance(one, ast.Starred) for one in target.elts
        ):
            kept = [
                ast.Name(LEFT, ast.Store()) if ast.unparse(one) in handed else one
                for one in target.elts
            ]
            left = ast.Assign([ast.Tuple(kept, ast.Store())], node.value)
            return ast.fix_missing_locations(ast.copy_location(left, node))
        return ast.copy_location(ast.Expr(node.value), node)


def own_functions(statements: Sequence[ast.stmt]) -> frozenset[str]:
    """The names of the functions and methods among some definitions."""
    nodes = [n for s in statements for n in ast.walk(s)]
    return frozenset(n.name for n in nodes if isinstance(n, ast.FunctionDef))


def left_out(
    statement: ast.stmt, lines: frozenset[int], own: frozenset[str] = frozenset()
) -> ast.stmt:
    """The statement without those of its simple statements that begin on these lines.

    The functions named in `own` are called all the same.
    """
    done: ast.stmt = _LeftOut(lines, own).visit(copy.deepcopy(statement))
    return done


class _Changes:
    """Notes after which lines the values at some paths are others than before.

    A loop over the entries of a weight changes it often, and each entry once. A line that makes
    the same step again stands in a loop that it knows nothing of, and counts once.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = {path: compile(path, "<path>", "eval") for path in paths}
        self.last: dict[int, int] = {}
        self.seen: dict[str, tuple[bytes, Array]] = {}
        self.lines: dict[str, set[int]] = {path: set() for path in paths}
        self.counts: dict[str, Any] = dict.fromkeys(paths, 0)  # of each entry
        self.steps: dict[str, tuple[int, Array]] = {}
        self.zeroed: dict[str, list[int]] = {path: [] for path in paths}
        self.names: dict[str, Any] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != FILE:
            return None
        if not self.names and frame.f_code.co_name == "<module>":
            self.names = frame.f_globals
            self.look(0)
        return self.local

    def look(self, line: int) -> None:
        for path, code in self.paths.items():
            try:
                now = np.asarray(value_of(code, self.names))
                data = now.tobytes()
            except Exception:  # noqa: S112 - it is not there at the moment
                continue
            known, before = self.seen.get(path, (data, now))
            if known != data and line and now.size:
                same = before.shape == now.shape and before.dtype == now.dtype
                self.lines[path].add(line)
                if np.any(before) and not np.any(now):
                    self.zeroed[path].append(line)
                if not (same and self._again(path, line, now - before)):
                    counts = self.counts[path]
                    fits = same and np.shape(counts) in ((), now.shape)
                    self.counts[path] = (counts if fits else np.max(counts)) + (
                        (before != now) if same else np.ones(now.shape, bool)
                    )
            if known != data or path not in self.seen:
                self.seen[path] = data, now.copy()

    def _again(self, path: str, line: int, step: Array) -> bool:
        """Whether a line makes the same step as it did before."""
        at, last = self.steps.get(path, (0, step))
        self.steps[path] = line, step
        return at == line and np.shape(last) == step.shape and np.allclose(last, step, rtol=1e-9)

    def local(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            self.look(self.last.get(id(frame), 0))
            self.last[id(frame)] = frame.f_lineno
        if event == "return":
            self.last.pop(id(frame), None)
        return self.local


def changing_lines(
    unit: Unit, paths: Sequence[str], put: Mapping[str, Array]
) -> tuple[dict[str, set[int]], int]:
    """For each path the lines that change what is there, and how often one entry is at most."""
    changes = _Changes(paths)
    unit.run(put, tracer=changes)
    return changes.lines, max((int(np.max(c)) for c in changes.counts.values()), default=0)


def zeroing_lines(unit: Unit, paths: Sequence[str]) -> set[int]:
    """The lines that set what is at these paths to 0, each once in a pass."""
    changes = _Changes(paths)
    unit.run(tracer=changes)
    return {lines[0] for lines in changes.zeroed.values() if len(lines) == 1}
