"""Checks of a student's files, in a process of their own.

The parent starts one process for all that is asked and reads one line of JSON for each function.
A student's code may loop without an end, end Python, or print; so the process has a watch that says
in which line it is stuck and ends it, and another process is started for what is left. What the
code prints goes nowhere but into the report on its own function.
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import io
import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple, TextIO

from minnet.course.exercises.judging import ArgumentsError, NotWrittenError, Student, silence
from minnet.course.exercises.wording import arguments, rows
from minnet.foundation.words import did_you_mean

SECONDS = 10.0
"""For one function; a right one takes well under one."""

GRACE = 5.0
"""How much longer the parent waits for a process whose own watch cannot act."""

START = 120.0
"""Seconds in which the process has to be ready, on a machine however busy."""

DONE, TO_DO, WRONG = "done", "to do", "wrong"

READY = "ready"

GONE = (
    "    Python came to an end in {}, or had to be ended: os._exit(), or an array that is\n"
    "    larger than the memory?"
)


class Assignment(NamedTuple):
    """A function to be checked, and the file that should have it."""

    path: str
    gap: str


@dataclass
class CheckResult:
    """What came of a check.

    Attributes
    ----------
    state
        "done", "to do" or "wrong".
    text
        What is wrong, in words.
    line
        Where the function begins in the file, counted from 1; 0 if it is the file that does not
        run, or has no such function.
    ended
        Whether the process ended itself with this.
    """

    path: str
    gap: str
    state: str
    text: str = ""
    line: int = 0
    ended: bool = False


# --- in the parent --------------------------------------------------------------------------------


def inspect(assignments: Sequence[Assignment], seconds: float = SECONDS) -> Iterator[CheckResult]:
    """Check one function after the other.

    Parameters
    ----------
    seconds
        How long one function may take.

    Raises
    ------
    RuntimeError
        The process cannot be started; the message has what it said.
    """
    left = list(assignments)
    while left:
        result = None
        for result in _of_one_process(left, seconds):
            left = left[1:]
            yield result
        if left and not (result and result.ended):
            yield CheckResult(*left[0], WRONG, GONE.format(left[0].gap))
            left = left[1:]


def _of_one_process(assignments: Sequence[Assignment], seconds: float) -> Iterator[CheckResult]:
    """Results until all assignments are done, or the process is gone, or it does not answer."""
    lines: queue.Queue[str] = queue.Queue()
    with tempfile.TemporaryDirectory() as storage:
        errors = Path(storage, "errors")
        with (
            errors.open("w", encoding="utf-8") as log,
            subprocess.Popen(  # noqa: S603 - this very module
                [sys.executable, "-m", __name__, str(seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": storage},  # not here
                encoding="utf-8",
            ) as process,
        ):
            reader = threading.Thread(target=_talk, args=(process, assignments, lines), daemon=True)
            reader.start()
            try:
                if lines.get(timeout=START) != READY:
                    raise RuntimeError(
                        f"The checks cannot be started. {errors.read_text('utf-8').strip()}"
                    )
                for _ in assignments:
                    line = lines.get(timeout=seconds + GRACE)
                    if not line:
                        return
                    yield CheckResult(**json.loads(line))
            except queue.Empty:
                return
            finally:
                process.kill()
                reader.join()


def _talk(
    process: subprocess.Popen[str], assignments: Sequence[Assignment], lines: queue.Queue[str]
) -> None:
    """Hand over the assignments, and put each answer into the queue; at the end an empty line.

    An answer begins with a token, which a student's code is not told: so it cannot answer itself.
    """
    token = secrets.token_hex()
    try:
        with process.stdin as source:  # type: ignore[union-attr]
            source.write(json.dumps([token, assignments]))
    except OSError:
        pass  # it is gone already, and its answer is the end
    for line in process.stdout:  # type: ignore[union-attr]
        if line.startswith(token):
            lines.put(line.removeprefix(token).strip())
    lines.put("")


# --- in the process -------------------------------------------------------------------------------


class Inspector:
    """Checks functions, and knows which is being called."""

    def __init__(self) -> None:
        self.files: dict[str, ModuleType | str] = {}  # path → its module, or why there is none
        self.student: Student | None = None

    def judge(self, assignment: Assignment) -> CheckResult:
        """Check one function."""
        from minnet.course.exercises.searching import counterexample
        from minnet.course.exercises.trials import GAPS

        self.student = None
        if assignment.path not in self.files:
            self.files[assignment.path] = load(assignment.path)
        module = self.files[assignment.path]
        if isinstance(module, str):
            return CheckResult(*assignment, WRONG, module)
        function = vars(module).get(assignment.gap)
        if not callable(function):
            return CheckResult(*assignment, WRONG, _no_function(assignment.gap, module))
        gap = GAPS[assignment.gap]
        try:
            student = self.student = Student(function, gap.names, assignment.path)
            text = counterexample(gap, student)
        except NotWrittenError:
            return CheckResult(*assignment, TO_DO, line=student.line)
        except ArgumentsError as error:
            return CheckResult(*assignment, WRONG, f"    {error}")
        return CheckResult(*assignment, WRONG if text else DONE, text, student.line)

    def stuck(self, assignment: Assignment, seconds: float, thread: int) -> CheckResult:
        """What is said of a function that comes to no end."""
        lines = [("hint", f"It is still running after {seconds:g} seconds: a loop without an end?")]
        stack = traceback.extract_stack(sys._current_frames()[thread])
        frames = [frame for frame in stack if frame.filename == assignment.path]
        if frames:
            lines.insert(0, ("it is", f"in line {frames[-1].lineno}: {frames[-1].line}"))
        if self.student is not None and self.student.given:
            lines.insert(0, ("called with", arguments(self.student.given)))
        line = 0 if self.student is None else self.student.line
        return CheckResult(*assignment, WRONG, rows(lines), line, ended=True)


def work(seconds: float, source: TextIO, out: TextIO) -> None:
    """Read assignments, and write a line for each; end the process if one takes too long."""

    token, asked = json.load(source)

    def say(line: str) -> None:
        out.write(f"{token}{line}\n")
        out.flush()

    def end(assignment: Assignment) -> None:
        say(json.dumps(asdict(inspector.stuck(assignment, seconds, thread))))
        os._exit(1)

    assignments = [Assignment(*assignment) for assignment in asked]
    importlib.import_module("minnet.course.exercises.trials")  # before the watch begins
    say(READY)
    inspector, thread = Inspector(), threading.get_ident()
    for assignment in assignments:
        watch = threading.Timer(seconds, end, [assignment])
        watch.daemon = True
        watch.start()
        result = inspector.judge(assignment)
        watch.cancel()
        say(json.dumps(asdict(result)))


def _no_function(gap: str, module: ModuleType) -> str:
    own = [
        name
        for name, thing in vars(module).items()
        if callable(thing) and getattr(thing, "__module__", None) == module.__name__
    ]
    near = next((f' Did you mean "{name}"?' for name in own if did_you_mean(name, [gap])), "")
    return (
        f"    The file has no function {gap}.{near} Call it {gap},\n    or start "
        "the file over with --again."
    )


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads a student's file as it is now, and leaves no `__pycache__` beside it."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _reads_solutions(source: str) -> bool:
    """Whether a file imports the room in which the solutions stand."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{name}" for name in names]
        if isinstance(node, (ast.Import, ast.ImportFrom)) and any(
            f"{name}.".startswith("minnet.course.") for name in names
        ):
            return True
        if isinstance(node, ast.Constant) and "minnet.course" in str(node.value):
            return True
    return False


def load(path: str) -> ModuleType | str:
    """The module that a student's file is, or why it is none, in words."""
    name = f"exercise_{Path(path).stem}"
    spec: Any = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, path))
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(Path(path).parent))  # a file may import its neighbours
    try:
        if _reads_solutions(Path(path).read_text(encoding="utf-8")):
            return "    The file reads minnet's course, where the solutions are. Write your own."
        with silence():
            spec.loader.exec_module(module)
    except FileNotFoundError as error:
        return f"    There is no file {error.filename}."
    except SyntaxError as error:
        lines = [("not Python", f"{error.msg}, in line {error.lineno}:")]
        if error.text:
            lines += [("", error.text.rstrip()), ("", " " * ((error.offset or 1) - 1) + "^")]
        return rows(lines)
    except NotImplementedError:
        return (
            "    A line outside of the functions calls one that is not written yet. Put such "
            'lines\n    under if __name__ == "__main__":'
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        where = f"\nin line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
        return rows([("reading it", f"{type(error).__name__}: {error}".rstrip(": ") + where)])
    finally:
        sys.path.pop()
    return module


def _begin() -> None:
    """Keep the way to the parent, and leave the student's code no other."""
    seconds, source = float(sys.argv[1]), io.StringIO(sys.stdin.read())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for end in (0, 1):
        os.dup2(null, end)
    work(seconds, source, out)


if __name__ == "__main__":
    _begin()
