"""The process in which a student's code runs: it is asked for calls, and knows no solution.

It is given limits of time and memory, and a guard that ends it where the code reads solutions,
starts programs, or changes minnet. Run as `python -m minnet.course.exercises.apart`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TextIO

from minnet.course.exercises.judging import (
    ArgumentsError,
    FaultError,
    NotWrittenError,
    Student,
    silence,
)
from minnet.course.exercises.messages import decode, encode, send
from minnet.course.exercises.wording import rows
from minnet.foundation.words import did_you_mean

PACKAGE = Path(__file__).resolve().parents[2]

SOLUTIONS = (
    PACKAGE / "course" / "exercises" / "sheets",
    PACKAGE / "course" / "exercises" / "trials",
    PACKAGE.parent / "tutorials" / "answers",
)
"""Folders that a student's code may not read."""

READS = "    The file reads where the solutions are. Write your own."
STARTS = "    The file starts another program or reaches beyond its own process ({})."
CHANGES = "    The file changes files of minnet."

FORBIDDEN = {
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.spawn",
    "os.posix_spawn",
    "os.startfile",
    "os.startfile/2",
    "os.kill",
    "os.killpg",
    "os.link",
    "subprocess.Popen",
    "pty.spawn",
    "signal.pthread_kill",
    "socket.connect",
    "socket.bind",
    "ctypes.dlopen",
    "ctypes.dlsym",
}
"""What exercises do not need; names of Python's audit events."""

CHANGING = frozenset(["os.remove", "os.rename", "os.truncate", "os.rmdir", "os.symlink"])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC

MEGABYTE = 2**20


# --- files ----------------------------------------------------------------------------------------


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
            return READS
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


# --- the guard ------------------------------------------------------------------------------------


def broken_rule(event: str, args: tuple[Any, ...], private: tuple[Path, ...]) -> str:
    """Which rule an audit event of Python's breaks, in words; nothing if it breaks none.

    Parameters
    ----------
    private
        Folders that may not be read.
    """
    if event in FORBIDDEN:
        return STARTS.format(event)
    if event == "import":
        name = f"{args[0]}."
        rooms = ("sheets", "trials", "searching", "course", "files")
        if any(name.startswith(f"minnet.course.exercises.{room}.") for room in rooms):
            return READS
    if event in ("open", "os.listdir", "os.scandir") and args and isinstance(args[0], (str, bytes)):
        path = Path(os.path.realpath(os.fsdecode(args[0])))
        if any(path.is_relative_to(folder) for folder in private):
            return READS
        if event == "open" and _writes(args) and path.is_relative_to(PACKAGE):
            return CHANGES
    if event in CHANGING:
        paths = [
            Path(os.path.realpath(os.fsdecode(arg)))
            for arg in args
            if isinstance(arg, (str, bytes))
        ]
        if any(path.is_relative_to(folder) for path in paths for folder in private):
            return READS  # a link to a solution, say
        if any(path.is_relative_to(PACKAGE) for path in paths):
            return CHANGES
    return ""


def _writes(args: tuple[Any, ...]) -> bool:
    """Whether a file is opened for writing."""
    mode, flags = (*args, None, None)[1:3]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & WRITING)


def _limit_memory(megabytes: float) -> None:
    """Let this process take so much more than it has now; systems without such limits do not."""
    linux = sys.platform == "linux"
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0]) if linux else 0
    except (ModuleNotFoundError, OSError):  # Windows; a container without /proc
        return
    most = pages * resource.getpagesize() + int(megabytes * MEGABYTE)
    with contextlib.suppress(ValueError, OSError):  # macOS has the call, and refuses it
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


# --- answering ------------------------------------------------------------------------------------


class Desk:
    """Answers what is asked of a student's functions."""

    def __init__(self, source: TextIO, out: TextIO, end: Callable[[int], Any]) -> None:
        self.source, self.out, self.end = source, out, end
        self.files: dict[str, ModuleType | str] = {}  # path → its module, or why there is none
        self.path, self.student = "", None
        self.watch: threading.Timer | None = None
        self.thread = threading.get_ident()

    student: Student | None

    def serve(self) -> None:
        """Answer until nothing more is asked."""
        for line in self.source:
            asked = json.loads(line)
            if "gap" in asked:
                self._begin(**asked)
            elif "call" in asked:
                self._call(asked["call"])
            else:
                self._rest()
                send(self.out, rested=True)

    def _rest(self) -> None:
        if self.watch is not None:
            self.watch.cancel()

    def _begin(self, path: str, gap: str, names: list[str], seconds: float) -> None:
        """Get a function ready to be called; from now on the time counts."""
        self._rest()
        self.path, self.student = path, None
        self.watch = threading.Timer(seconds, self._stuck)
        self.watch.daemon = True
        self.watch.start()
        if path not in self.files:
            self.files[path] = load(path)
        module = self.files[path]
        if isinstance(module, str):
            send(self.out, refused=module)
            return
        function = vars(module).get(gap)
        if not callable(function):
            send(self.out, refused=_no_function(gap, module))
            return
        try:
            self.student = Student(function, names, path)
        except ArgumentsError as error:
            send(self.out, refused=f"    {error}")
            return
        send(self.out, line=self.student.line)

    def _call(self, encoded: Any) -> None:
        """Call the function; the answer is its result, or what was wrong with the call."""
        student = self.student
        if student is None:
            raise RuntimeError("A call was asked for before a function.")
        given = decode(encoded, self._function)
        try:
            result = student(given)
        except NotWrittenError:
            send(self.out, unwritten=True)
        except FaultError as fault:
            cause = fault.__cause__
            send(
                self.out,
                fault=[fault.came, fault.expected, fault.hint],
                cause=None if cause is None else type(cause).__name__,
                printed=student.printed,
            )
        else:
            send(self.out, result=encode(result), printed=student.printed)

    def _function(self, index: int) -> Any:
        """A function of the check's, as the student's code calls it: it runs over there."""

        def function(*args: Any, **keywords: Any) -> Any:
            asked = [encode(list(args)), encode(keywords)]
            send(self.out, ask=index, args=asked)
            answer = json.loads(self.source.readline())
            if "error" in answer:
                raise TypeError(answer["error"])
            return decode(answer["answer"])

        function.__name__ = "function"
        return function

    def _stuck(self) -> None:
        """Tell the line in which the code is, and end."""
        stack = traceback.extract_stack(sys._current_frames()[self.thread])
        frames = [frame for frame in stack if frame.filename == self.path]
        where = f"in line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
        send(self.out, stuck=where)
        self.end(1)

    def forbid(self, private: tuple[Path, ...]) -> Callable[[str, tuple[Any, ...]], None]:
        """The guard, for `sys.addaudithook`."""

        def guard(event: str, args: tuple[Any, ...]) -> None:
            rule = broken_rule(event, args, private)
            if rule:
                send(self.out, forbidden=rule)
                self.end(1)

        return guard


def _main() -> None:
    """Keep the way to the check, and leave the student's code no other."""
    megabytes, *folders = sys.argv[1:]
    sys.dont_write_bytecode = True
    source = os.fdopen(os.dup(0), "r", encoding="utf-8")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for end in (0, 1):
        os.dup2(null, end)
    for name in ("numpy.random", "numpy.linalg", "ctypes", "linecache"):
        importlib.import_module(name)  # before the guard, which has nothing against them
    private = (*SOLUTIONS, *(Path(folder).resolve() for folder in folders))
    _limit_memory(float(megabytes))
    desk = Desk(source, out, os._exit)
    send(out, ready=True)
    sys.addaudithook(desk.forbid(private))
    desk.serve()


if __name__ == "__main__":
    _main()
