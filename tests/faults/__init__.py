"""Bad inputs and faults: one list of cases, printed as a table by `python -m tests.faults`.

A case has the words of the list of faults that minnet is built against, and something to do. What
comes of it is an *outcome*: `refused` with a message, `works` with a result that is checked, or
`warns` once. Whatever comes, the model, the caller's arrays and a file that was there before stay
as they were.

To add cases write them in a module beside this one, as entries `case(group, words, …)`, and name
the module in `MODULES`: the table and the tests read the same list.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minnet import Sequential
from minnet.layers import Dense

MODULES = ("data", "labels", "shapes", "settings", "files", "numbers", "training")

BARE = re.compile(
    r"allow_pickle|pickled data|operands could not|broadcast|mismatch in its core|object has no attribute|"
    r"unexpected keyword|positional argument|Maximum allowed|Unable to allocate|not callable|"
    r"unsupported operand|setting an array element|index .* out of bounds",
    re.IGNORECASE,
)
"""Words of NumPy and Python about themselves, which no message may hold."""


@dataclass
class Scene:
    """What a case is given, and what has to be as it was afterwards."""

    folder: Path
    model: Sequential
    x: np.ndarray
    y: np.ndarray
    watched: list[np.ndarray] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """A file that holds the model already."""
        return self.folder / "model.npz"

    def watch(self, array: Any) -> Any:
        """An array that must not be written to."""
        if isinstance(array, np.ndarray):
            self.watched.append(array)
        return array


@dataclass(frozen=True)
class Case:
    """One clause of the list."""

    group: str
    words: str
    act: Callable[[Scene], Any]
    error: type[BaseException] | tuple[type[BaseException], ...] | None
    message: str
    changes_model: bool
    needs: str | None = None

    @property
    def id(self) -> str:
        """The name of the test."""
        return f"{self.group}: {self.words}"


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    fine: bool
    kind: str
    said: str


CASES: list[Case] = []


def case(
    group: str,
    words: str,
    act: Callable[[Scene], Any],
    message: str = "",
    error: type[BaseException] | tuple[type[BaseException], ...] | None = (ValueError, TypeError),
    *,
    changes_model: bool = False,
    needs: str | None = None,
) -> None:
    """Put a case on the list.

    Parameters
    ----------
    act
        What the user does. For a case that works it returns what came, after checking it: a
        falsy value counts as wrong.
    message
        A pattern that the error has to match, or the warning for `error=UserWarning`.
    error
        What is raised; None for what works, UserWarning for what warns once and works.
    changes_model
        Whether a case that works may train the model.
    needs
        A package that the case is made with, and that may not be installed.
    """
    CASES.append(Case(group, words, act, error, message, changes_model, needs))


def works(group: str, words: str, act: Callable[[Scene], Any], *, needs: str | None = None) -> None:
    """Put a case on the list that works."""
    case(group, words, act, error=None, changes_model=True, needs=needs)


def warns(group: str, words: str, act: Callable[[Scene], Any], message: str) -> None:
    """Put a case on the list that warns once, and works."""
    case(group, words, act, message, UserWarning, changes_model=True)


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """A trained classifier of three features and three classes, its data, and its file."""
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 3)), np.arange(20) % 3
    model = Sequential([Dense(4, "relu", input_dim=3), Dense(3, "softmax")], seed=0)
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        made = Scene(Path(folder), model, x, y, [x, y])
        model.save(made.path)
        yield made


def picture(model: Sequential) -> tuple[Any, ...]:
    """All of a model that a refused call must leave as it was."""
    updates, history = model.updates, model.history
    assert updates is not None
    assert history is not None
    return (
        model.theta.tobytes(),
        model.state.tobytes(),
        [values.tobytes() for values in updates.slots.values()],
        (updates.iterations, dict(updates.counts), dict(updates.rates)),
        (repr(model.optimizer), repr(model.loss), [m.name for m in model.metrics]),
        (id(history), {name: list(values) for name, values in history.history.items()}),
        str(model.rng.bit_generator.state),
        [(layer.label, layer.trainable) for layer in model.layers],
    )


def outcome(one: Case) -> Outcome:
    """Do what the case says, and see what comes of it."""
    with scene() as given, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before, file = picture(given.model), given.path.read_bytes()
        arrays = [(a, a.tobytes()) for a in given.watched]
        result, raised = None, None
        try:
            result = one.act(given)
        except BaseException as error:
            raised = error
        arrays += [(a, a.tobytes()) for a in given.watched[len(arrays) :]]
        wrong = []
        if any(a.tobytes() != data for a, data in arrays):
            wrong.append("the caller's array was changed")
        if given.path.exists() and given.path.read_bytes() != file and one.error is not None:
            wrong.append("the file was changed")
        if not (one.changes_model or one.error is None) and picture(given.model) != before:
            wrong.append("the model was changed")
        return _judge(one, result, raised, [str(w.message) for w in caught], wrong)


def _judge(
    one: Case, result: Any, raised: BaseException | None, warned: list[str], wrong: list[str]
) -> Outcome:
    """Whether what came is what should come."""
    said = " ".join(str(raised).split()) if raised is not None else ""
    if one.error is None or one.error is UserWarning:
        if raised is not None:
            wrong.append(f"{type(raised).__name__}: {said}")
        elif result is None or not np.all(np.asarray(result, dtype=object)):
            wrong.append(f"gave {result!r}")
        expected = 0 if one.error is None else 1
        if len(warned) != expected:
            wrong.append(f"{len(warned)} warnings: {warned}")
        elif expected and not re.search(one.message, warned[0]):
            wrong.append(f"warned otherwise: {warned[0]}")
        kind = "works" if one.error is None else "warns"
        said = warned[0] if warned else "as it should"
        return Outcome(not wrong, kind, "; ".join(wrong) or said)
    if raised is None:
        wrong.append(f"not refused, gave {result!r}"[:80])
    elif not isinstance(raised, one.error):
        wrong.append(f"another error, {type(raised).__name__}: {said}")
    elif not re.search(one.message, said):
        wrong.append(f"says something else: {said}")
    elif BARE.search(said):
        wrong.append(f"in NumPy's or Python's words: {said}")
    if warned and raised is not None:
        wrong.append(f"warned as well: {warned[0]}")
    return Outcome(not wrong, "refused", "; ".join(wrong) or f"{type(raised).__name__}: {said}")


def all_cases() -> list[Case]:
    """Every case of every module, in order."""
    for name in MODULES:
        importlib.import_module(f"tests.faults.{name}")
    return CASES
