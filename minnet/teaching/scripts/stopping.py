"""A file that stops with an error, and what the line at fault has to do with the network."""

from __future__ import annotations

import ast
import copy
import re
import traceback
from collections.abc import Iterator

from minnet.teaching.scripts.checking import Section
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.programs import FILE, Program
from minnet.teaching.scripts.recording import Recording
from minnet.teaching.scripts.replays import Unit

AXES = (0, 1)


def line_of(error: BaseException) -> int:
    """The line of the student's file in which an error arose, or 0."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == FILE]
    return int(frames[-1].lineno or 0) if frames else 0


def verdict(program: Program, recording: Recording) -> Section | None:
    """What is wrong with the line that the file stopped in, where that is known."""
    error = recording.error
    if error is None or not (line := line_of(error)):
        return None
    finding = _of_integers(program, error, line) or _of_axis(program, recording, error, line)
    if finding is None:
        return None
    label, text = finding
    title = f"the file stops in line {line}, `{program.line(line)}`"
    return Section(title, {label: [BlockFinding("wrong", text)]})


def _of_integers(program: Program, error: BaseException, line: int) -> tuple[str, str] | None:
    cast = re.search(
        r"Cannot cast ufunc .* from dtype\('(float\d+)'\) to dtype\('(u?int\d+)'\)", str(error)
    )
    if cast is None:
        return None
    for node in ast.walk(program.tree):
        if isinstance(node, ast.AugAssign) and node.lineno == line:
            name = ast.unparse(node.target)
            return name, (
                f"{name} is an array of integers ({cast[2]}), and what is put into it here has "
                "something behind the point, which would be lost. Make it of floats where it is "
                f"made: np.array(…, dtype=float), or {name}.astype(float)."
            )
    return None


def _of_axis(
    program: Program, recording: Recording, error: BaseException, line: int
) -> tuple[str, str] | None:
    """An axis with which the pass of the loop runs to its end."""
    for loop in reversed(program.loops):
        snapshots = recording.passes.get(loop.number)
        if not snapshots or not loop.node.lineno <= line <= (loop.node.end_lineno or 0):
            continue
        unit = Unit(
            "",
            program.definitions(),
            loop.node.body,
            snapshots[-1].variables,
            recording.names,
            state=snapshots[-1].state,
        )
        if unit.run().error is None:
            continue
        for words, body in _other_axes(unit.body, line):
            if unit.run(edited=(unit.definitions, body)).error is None:
                told = str(error).split("\n")[0].rstrip(".")
                return words[0], (
                    f"it goes along the wrong axis: {words[1]} belongs there, and with it the pass "
                    f"runs to its end (it stops with {type(error).__name__}: {told[:120]})."
                )
        return None
    return None


def _other_axes(
    body: list[ast.stmt], line: int
) -> Iterator[tuple[tuple[str, str], list[ast.stmt]]]:
    """The statements with another axis in one call of the line."""
    count = sum(1 for _ in _calls(body, line))
    for number in range(count):
        for axis in AXES:
            fresh = copy.deepcopy(body)
            call = list(_calls(fresh, line))[number]
            keyword = next(k for k in call.keywords if k.arg == "axis")
            if ast.unparse(keyword.value) == str(axis):
                continue
            keyword.value = ast.copy_location(ast.Constant(axis), keyword.value)
            yield (ast.unparse(call.func), f"axis={axis}"), fresh


def _calls(body: list[ast.stmt], line: int) -> Iterator[ast.Call]:
    for statement in body:
        for node in ast.walk(statement):
            named = isinstance(node, ast.Call) and any(k.arg == "axis" for k in node.keywords)
            if isinstance(node, ast.Call) and named and node.lineno == line:
                yield node
