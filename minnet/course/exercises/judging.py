"""One call of a student's function, and whether what came is what was expected.

Whatever a student's code does ends here as a `FaultError` that says what came and what was
expected: an error, a changed argument, nothing at all, a wrong kind, a wrong shape, wrong numbers.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import io
import numbers
import re
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np

from minnet.course.exercises.wording import WRAP, Seed, show, show_apart

TOLERANCE = 1e-6
"""Of the largest expected number: measured derivatives are good to 1e-9, mistakes are larger."""

SMALL = 1.0
"""Smaller numbers are held against this: the arguments are whole numbers, and so 1e-17 is 0."""

GAP_LEFT = (
    "The line raise NotImplementedError is still there, and what stands below it never runs. "
    "Delete it."
)

Given = dict[str, Any]
"""Name of an argument → its value; a `Seed` becomes a generator when it is handed over."""


class FaultError(Exception):
    """What is wrong with one call.

    Attributes
    ----------
    came, expected
        In words; `expected` may be empty, where an error says it all.
    hint
        What the mistake is, where one call shows it, or nothing.
    index
        Which of several results is wrong, counted from 0, or None.
    """

    def __init__(
        self, came: str, expected: str = "", hint: str = "", *, index: int | None = None
    ) -> None:
        super().__init__(came)
        self.came, self.expected, self.hint, self.index = came, expected, hint, index


class ArgumentsError(TypeError):
    """A function that takes other arguments than it should."""


class NotWrittenError(BaseException):
    """The gap is as it was; not an `Exception`, so that no search goes on over it."""


class Student:
    """A student's function, called with copies and without noise.

    Parameters
    ----------
    function
        What the student wrote.
    names
        Its arguments as they should be, in order.
    path
        The student's file, for the line in which an error arose; None for where the function is.
    """

    def __init__(
        self, function: Callable[..., Any], names: Sequence[str], path: str | None = None
    ) -> None:
        self.function, self.names = function, tuple(names)
        code = getattr(function, "__code__", None)
        self.path = path or getattr(code, "co_filename", "")
        self.printed = ""
        self.given: Given = {}
        self.by_name = self._accepts()

    def _accepts(self) -> bool:
        """Whether the arguments can be handed over by name; a `TypeError` if not at all."""
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return False
        known = [p.name for p in signature.parameters.values()]
        if set(known) == set(self.names):
            return True
        try:
            signature.bind(*self.names)
        except TypeError:
            name = getattr(self.function, "__name__", "It")
            raise ArgumentsError(
                f"{name} takes ({', '.join(known)}), and should take ({', '.join(self.names)}). "
                "Give it back its first line."
            ) from None
        return False

    @property
    def line(self) -> int:
        """Where the function begins in its file, counted from 1; 0 if that is not known."""
        return int(getattr(getattr(self.function, "__code__", None), "co_firstlineno", 0))

    def raw(self, given: Given) -> Any:
        """What comes back, or the error that came."""
        try:
            return self(given)
        except FaultError as fault:
            return fault.__cause__ or fault

    def __call__(self, given: Given) -> Any:
        """What comes back; a `FaultError` if an error came or an argument was changed."""
        self.given = given
        handed = {name: fresh(value) for name, value in given.items()}
        printed = io.StringIO()
        try:
            with silence(printed):
                if self.by_name:
                    result = self.function(**handed)
                else:
                    result = self.function(*(handed[name] for name in self.names))
        except KeyboardInterrupt:
            raise
        except NotImplementedError as error:
            if _has_more_than_a_gap(self.function):
                raise FaultError(self._told(error), hint=GAP_LEFT) from error
            raise NotWrittenError from None
        except BaseException as error:  # SystemExit too: exit() in an exercise is a mistake
            raise FaultError(self._told(error), hint=_of_error(error, self.names)) from error
        finally:
            self.printed = printed.getvalue()
        for name, value in given.items():
            if not isinstance(value, Seed) and not same(value, handed[name]):
                came, expected = show_apart(handed[name], value)
                raise FaultError(
                    f"{name} = {came} after the call",
                    f"{name} = {expected}, as it was",
                    f"{name} belongs to the caller, and this changes it in place: +=, −=, *= and "
                    f"{name}[…] = … write into the array. Make a new one: a = a − b, or start "
                    "with a copy.",
                )
        return result

    def _told(self, error: BaseException) -> str:
        """The error and the student's line in which it arose."""
        told = f"{type(error).__name__}: {_plainly(str(error).strip())}".rstrip(": ")
        told = textwrap.fill(told.splitlines()[0], WRAP)
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename == self.path:
                return f"{told}\nin line {frame.lineno}: {frame.line}"
        return told


@contextlib.contextmanager
def silence(printed: TextIO | None = None) -> Iterator[None]:
    """What is printed goes elsewhere, and nothing warns."""
    elsewhere = io.StringIO() if printed is None else printed
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(elsewhere),
        contextlib.redirect_stderr(elsewhere),
    ):
        warnings.simplefilter("ignore")
        yield


def _plainly(message: str) -> str:
    """NumPy's two messages on shapes, in words that a beginner knows."""
    if "mismatch in its core dimension" in message:
        sizes = re.search(r"size (\d+) is different from (\d+)", message)
        between = f": {sizes[2]} columns meet {sizes[1]} rows" if sizes else ""
        return f"the shapes do not fit for @{between}"
    return message.replace(
        "operands could not be broadcast together with shapes", "these shapes do not fit:"
    )


def _has_more_than_a_gap(function: Callable[..., Any]) -> bool:
    """Whether a function raises NotImplementedError in a line of its own, and has others."""
    try:
        (written,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    if not isinstance(written, ast.FunctionDef):
        return False
    lines = written.body[int(ast.get_docstring(written) is not None) :]
    gaps = [line for line in lines if isinstance(line, ast.Raise)]
    left = any(line.exc and "NotImplementedError" in ast.unparse(line.exc) for line in gaps)
    return left and len(lines) > 1


def _of_error(error: BaseException, names: Sequence[str]) -> str:
    """What an error means, where beginners do not know it."""
    if isinstance(error, RecursionError):
        return "The function calls itself, without an end."
    if isinstance(error, EOFError):
        return "The function asks for a line from the keyboard; it has its arguments to work with."
    if isinstance(error, SystemExit):
        return "exit() ends Python. Return the result instead."
    if isinstance(error, TypeError) and "bitwise_xor" in str(error):
        return "A power is written **, as in g**2. Python's ^ compares bits."
    if isinstance(error, ValueError) and "truth value of an array" in str(error):
        return (
            "An array is not simply true or false, and Python's own max, min, if, and, or ask "
            "that. NumPy's go through the entries: x.max(axis=1), np.maximum, np.where."
        )
    if isinstance(error, UnboundLocalError):
        return "The variable is used before it gets a value."
    if isinstance(error, NameError) and error.name:
        meant = [name for name in names if name.lower() == error.name.lower()]
        if meant:
            return f"The argument is called {meant[0]}: a capital letter is another letter."
        return f"Nothing is called {error.name} here. The arguments are {', '.join(names)}."
    return ""


def fresh(value: Any) -> Any:
    """A copy for one call."""
    if isinstance(value, Seed):
        return np.random.default_rng(value.number)
    return value if callable(value) else copy.deepcopy(value)


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are alike to the last bit."""
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a is b or a == b)


def near(came: Any, expected: Any) -> bool:
    """Whether two results are alike up to rounding; errors are alike if they are of one kind."""
    if isinstance(came, BaseException) or isinstance(expected, BaseException):
        return type(came) is type(expected)
    if isinstance(expected, (list, tuple)):
        return (
            isinstance(came, (list, tuple))
            and len(came) == len(expected)
            and all(near(a, b) for a, b in zip(came, expected, strict=True))
        )
    try:
        if np.iscomplexobj(came):
            return False
        a, b = np.asarray(came, dtype=float), np.asarray(expected, dtype=float)
    except (TypeError, ValueError):
        return False
    if a.shape != b.shape:
        return False
    finite = np.abs(b[np.isfinite(b)])
    scale = max(float(finite.max(initial=0.0)), SMALL)
    return bool(np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True))


def compare(came: Any, expected: Any, names: Sequence[str]) -> None:
    """Raise a `FaultError` where a result is not what was expected.

    Parameters
    ----------
    names
        What the results are called; where there are several, `expected` is a tuple.
    """
    if came is None:
        raise FaultError(
            "None", show(expected), f"Nothing is returned. End with return {', '.join(names)}."
        )
    if len(names) == 1:
        _compare_one(came, expected, "", None)
        return
    returns = f"return {', '.join(names)}"
    if not isinstance(came, (tuple, list)):
        raise FaultError(
            f"{_kind(came)}", f"{len(names)} results", f"Return all of them: {returns}."
        )
    if len(came) != len(names):
        raise FaultError(
            f"{len(came)} results", f"{len(names)} results", f"Return these: {returns}."
        )
    for i, (name, one, wanted) in enumerate(zip(names, came, expected, strict=True)):
        _compare_one(one, wanted, f"{name} = ", i)


def _compare_one(came: Any, expected: Any, label: str, index: int | None) -> None:
    """Kind, number of entries, shape, dtype, numbers: the first that is wrong."""

    def fault(got: str, wanted: str, hint: str = "") -> FaultError:
        return FaultError(label + got, label + wanted, hint, index=index)

    if came is None:
        raise fault("None", show(expected), "One of the results is None.")
    if isinstance(expected, list):
        if not isinstance(came, (list, tuple)):
            raise fault(_kind(came), f"a list of {len(expected)}", "Return a list.")
        if len(came) != len(expected):
            raise fault(
                f"a list of {len(came)}",
                f"a list of {len(expected)}",
                f"The list should have {len(expected)} entries.",
            )
        for i, (one, wanted) in enumerate(zip(came, expected, strict=True)):
            _compare_one(one, wanted, f"{label.removesuffix(' = ')}[{i}] = ", index)
        return
    if not isinstance(expected, np.ndarray):
        single = isinstance(came, np.ndarray) and came.ndim == 0
        if isinstance(came, (bool, np.bool_)) or not (isinstance(came, numbers.Real) or single):
            raise fault(
                _kind(came), f"one number, {show(expected)}", "The result is one number, no array."
            )
    elif not isinstance(came, np.ndarray):
        raise fault(
            _kind(came),
            f"an array of shape {expected.shape}",
            f"Return a NumPy array of shape {expected.shape}, not {_kind(came)}.",
        )
    elif came.shape != expected.shape:
        raise fault(
            f"{show(came)}, shape {came.shape}", f"{show(expected)}, shape {expected.shape}"
        )
    elif expected.dtype.kind == "f" and came.dtype != expected.dtype:
        raise fault(
            f"{show(came)}, dtype {came.dtype}",
            f"{show(expected)}, dtype {expected.dtype}",
            f"The result has dtype {came.dtype}, and the numbers that go in are float64. Whole "
            "numbers cut off what stands behind the point, float32 most of the digits: leave "
            "out astype and dtype=, or write dtype=float.",
        )
    if not near(came, expected):
        raise fault(*show_apart(came, expected))


def _kind(value: Any) -> str:
    """What a thing is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "one number"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        return f"one number, {show(value)}"
    return f"{show(value)} ({type(value).__name__})"
