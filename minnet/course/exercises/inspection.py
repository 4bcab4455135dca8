"""Checks of a student's files, whose code runs in a process of its own.

Here are Hypothesis, the trials and the solutions; over there (`apart.py`) are the student's
functions, which are handed arguments and send back results. So the code can neither reach what its
results are compared with, nor write a report. It may loop without an end, end Python, or fill the
memory: then that process is ended, and another one is started for what is left.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.course.exercises.judging import FaultError, Given, NotWrittenError, Student
from minnet.course.exercises.messages import decode, encode
from minnet.course.exercises.wording import arguments, rows

if TYPE_CHECKING:
    from minnet.course.exercises.searching import Gap

SECONDS = 10.0
"""For one function; a right one takes well under one."""

GRACE = 5.0
"""How much longer is waited for a process whose own watch cannot act."""

START = 120.0
"""Seconds in which the process has to be ready, on a machine however busy."""

MEGABYTES = 1000.0
"""How much more memory a student's code may take than Python and NumPy have."""

MOST_LETTERS, MOST_LINES = 2**27, 1000
"""Of a message, and messages that wait to be read."""

DONE, TO_DO, WRONG = "done", "to do", "wrong"

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
    """

    path: str
    gap: str
    state: str
    text: str = ""
    line: int = 0


class GoneError(BaseException):
    """The process has ended, or was; not an `Exception`, so that no search goes on over it.

    Attributes
    ----------
    text
        Why, in words; nothing if it is not known.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


class StuckError(GoneError):
    """It was still running when its time was over."""


def inspect(
    assignments: Sequence[Assignment],
    seconds: float = SECONDS,
    *,
    gaps: Mapping[str, Gap] | None = None,
    private: Sequence[str | Path] = (),
    megabytes: float = MEGABYTES,
) -> Iterator[CheckResult]:
    """Check one function after the other.

    Parameters
    ----------
    seconds
        How long one function may take.
    gaps
        What is tried for each function; minnet's own exercises if it is None.
    private
        Folders, besides those of minnet's solutions, that a student's code may not read.
    megabytes
        How much memory it may take.

    Raises
    ------
    RuntimeError
        The process cannot be started; the message has what it said.
    """
    with (
        _storage_elsewhere(),
        Inspector(seconds, gaps=gaps, private=private, megabytes=megabytes) as inspector,
    ):
        for assignment in assignments:
            yield inspector.judge(assignment)


@contextlib.contextmanager
def _storage_elsewhere() -> Iterator[None]:
    """Let Hypothesis keep its files elsewhere for the time, and not where the student works."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


class Inspector:
    """Checks functions, with a process for the student's code that is started when needed."""

    def __init__(
        self,
        seconds: float = SECONDS,
        *,
        gaps: Mapping[str, Gap] | None = None,
        private: Sequence[str | Path] = (),
        megabytes: float = MEGABYTES,
    ) -> None:
        self.seconds, self.gaps = seconds, gaps
        self.private, self.megabytes = private, megabytes
        self.process: Process | None = None

    def __enter__(self) -> Inspector:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.close()
            self.process = None

    def judge(self, assignment: Assignment) -> CheckResult:
        """Check one function."""
        from minnet.course.exercises.searching import counterexample

        gap = self._gap(assignment.gap)
        if self.process is None:
            self.process = Process(self.seconds, self.private, self.megabytes)
        student = None
        try:
            begun = self.process.begin(assignment, gap.names)
            if "refused" in begun:
                return CheckResult(*assignment, WRONG, str(begun["refused"]))
            student = RemoteStudent(self.process, gap.names, assignment.path, int(begun["line"]))
            text = counterexample(gap, student)
            self.process.rest()
        except NotWrittenError:
            return CheckResult(*assignment, TO_DO, line=student.line if student else 0)
        except GoneError as gone:
            self.close()
            text = gone.text or GONE.format(assignment.gap)
            if isinstance(gone, StuckError):
                text = self._stuck(student, gone.text)
            return CheckResult(*assignment, WRONG, text, student.line if student else 0)
        return CheckResult(*assignment, WRONG if text else DONE, text, student.line)

    def _gap(self, name: str) -> Gap:
        if self.gaps is None:
            from minnet.course.exercises.trials import GAPS

            self.gaps = GAPS
        return self.gaps[name]

    def _stuck(self, student: RemoteStudent | None, where: str) -> str:
        """What is said of a function that comes to no end."""
        words = f"It is still running after {self.seconds:g} seconds: a loop without an end?"
        lines = [("hint", words)]
        if where:
            lines.insert(0, ("it is", where))
        if student is not None and student.given:
            lines.insert(0, ("called with", arguments(student.given)))
        return rows(lines)


class Process:
    """The process with the student's code, and what is said to it and by it."""

    def __init__(self, seconds: float, private: Sequence[str | Path], megabytes: float) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + START
        self.lines: queue.Queue[str] = queue.Queue(MOST_LINES)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            self.child = subprocess.Popen(  # noqa: S603 - a module of minnet's
                [
                    *(sys.executable, "-m", "minnet.course.exercises.apart", str(megabytes)),
                    *map(str, private),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
            )
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()
            try:
                self._message()
            except GoneError:
                self.close()
                errors.seek(0)
                raise RuntimeError(
                    f"The checks cannot be started. {errors.read().strip()}"
                ) from None

    def _read(self) -> None:
        """Put each line into the queue; at the end an empty one.

        What is longer than any message is cut off, and so is no message.
        """
        while line := self.child.stdout.readline(MOST_LETTERS):  # type: ignore[union-attr]
            self.lines.put(line)
        self.lines.put("")

    def close(self) -> None:
        """End it."""
        self.child.kill()
        self.child.wait()
        while self.reader.is_alive():  # it may have said more than the queue holds
            with contextlib.suppress(queue.Empty):
                self.lines.get(timeout=0.01)
        for pipe in (self.child.stdin, self.child.stdout):
            with contextlib.suppress(OSError):  # what was left in it goes nowhere
                pipe.close()  # type: ignore[union-attr]

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone, and what it said before is read first
            self.child.stdin.write(json.dumps(message) + "\n")  # type: ignore[union-attr]
            self.child.stdin.flush()  # type: ignore[union-attr]

    def _message(self) -> dict[str, Any]:
        """What it says next; raises where that is its end."""
        try:
            line = self.lines.get(timeout=max(self.until - time.monotonic(), 0.0))
        except queue.Empty:
            raise StuckError from None
        try:
            message = json.loads(line)
        except ValueError:
            raise GoneError from None
        if not isinstance(message, dict):
            raise GoneError
        if "forbidden" in message:
            raise GoneError(str(message["forbidden"]))
        if "stuck" in message:
            raise StuckError(str(message["stuck"]))
        return message

    def begin(self, assignment: Assignment, names: Sequence[str]) -> dict[str, Any]:
        """Get a function ready; from now on its time counts."""
        self.until = time.monotonic() + self.seconds + GRACE
        self._say(
            {"path": assignment.path, "gap": assignment.gap, "names": list(names)}
            | {"seconds": self.seconds}
        )
        message = self._message()
        if not (isinstance(message.get("line"), int) or "refused" in message):
            raise GoneError
        return message

    def rest(self) -> None:
        """The time no longer counts."""
        self._say({"rest": True})
        self._message()

    def call(self, given: Given) -> dict[str, Any]:
        """What comes of a call; functions among the arguments are called here."""
        functions: list[Any] = []
        self._say({"call": encode(given, functions)})
        while "ask" in (message := self._message()):
            self._say(_answer(functions, message))
        return message


def _answer(functions: list[Any], message: dict[str, Any]) -> dict[str, Any]:
    """What a function of the check gives to the student's code."""
    try:
        positional, by_name = (decode(sent) for sent in message["args"])
        return {"answer": encode(functions[message["ask"]](*positional, **by_name))}
    except (TypeError, ValueError, IndexError, KeyError, ArithmeticError) as error:
        return {"error": str(error)}


class RemoteStudent(Student):
    """A student's function in its process; a call here is a call there."""

    def __init__(self, process: Process, names: Sequence[str], path: str, line: int) -> None:
        self.process, self.names, self.path = process, tuple(names), path
        self.printed = ""
        self.given: Given = {}
        self._line = line

    @property
    def line(self) -> int:
        """Where the function begins in its file, counted from 1."""
        return self._line

    def __call__(self, given: Given) -> Any:
        """What comes back; a `FaultError` if an error came or an argument was changed."""
        self.given = given
        message = self.process.call(given)
        if "unwritten" in message:
            raise NotWrittenError
        self.printed = str(message.get("printed", ""))
        if "fault" in message:
            came, expected, hint = (str(text) for text in message["fault"])
            fault = FaultError(came, expected, hint)
            raise fault from _error(message.get("cause"), came)
        try:
            return decode(message.get("result"))
        except ValueError:
            raise GoneError from None


def _error(name: object, text: str) -> Exception | None:
    """An error of the kind that came, for telling mistakes apart; never one of the student's."""
    if not isinstance(name, str):
        return None
    kind = getattr(builtins, name, None) or getattr(np.exceptions, name, None)
    if name == "LinAlgError":
        kind = np.linalg.LinAlgError
    plain = isinstance(kind, type) and issubclass(kind, Exception)
    try:
        return kind(text) if plain else None  # type: ignore[misc]
    except TypeError:
        return None
