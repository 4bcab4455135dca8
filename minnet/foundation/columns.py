"""The names of the columns that a model was trained on, where its data had any.

A DataFrame's columns in another order are the same numbers in other places: an array could not
tell, and the predictions would be wrong without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minnet.foundation.checks import is_collection, short, text
from minnet.foundation.words import did_you_mean

SHOWN = 5
"""Names that a message lists."""

Name = str | int
"""A column's name; a table without a line of names has numbers."""


def columns_of(x: Any) -> list[Name] | None:
    """Return the names of the columns of a DataFrame: all texts, or all numbers, each once.

    None where there are none, or others. Texts may be there twice, which `check_names` refuses.
    """
    named: Any = x.columns if hasattr(type(x), "columns") else None
    columns = list(named) if named is not None and is_collection(named) else []
    if columns and all(isinstance(name, str) for name in columns):
        return columns
    numbers = [as_number(name) for name in columns]
    if not numbers or None in numbers or len(set(numbers)) < len(numbers):
        return None
    return [number for number in numbers if number is not None]


def as_number(name: object) -> int | None:
    """Return a whole number of Python's or NumPy's as an int, anything else as None."""
    if isinstance(name, bool) or not hasattr(type(name), "__index__"):
        return None
    return int(name)  # type: ignore[call-overload,no-any-return]


def are_texts(names: Sequence[Name]) -> bool:
    """Whether these are names, and no numbers."""
    return isinstance(names[0], str)


def replaces(columns: Sequence[Name], known: Sequence[Name] | None) -> bool:
    """Whether a fit is of another task, so that its columns are those to know from then on.

    Numbers do not take the place of names.
    """
    if known is None:
        return True
    return set(columns) != set(known) and (are_texts(columns) or not are_texts(known))


def check_names(columns: Sequence[Name], who: str) -> None:
    """Refuse names that no model could keep: the same twice, or with half a character in it."""
    for name in columns:
        if isinstance(name, str):
            text(name, f"Each column of {who}")
    if len(set(columns)) < len(columns):
        twice = next(name for i, name in enumerate(columns) if name in columns[:i])
        raise ValueError(
            f"{who} takes columns of different names. Got {short(twice)} twice. Rename one, or use "
            f"{who}.to_numpy()."
        )


def check_columns(known: Sequence[Name] | None, x: Any, who: str) -> None:
    """Refuse columns of other names, or in another order, than those of the training.

    Numbers are refused in another order alone: other numbers may count the same columns.

    Parameters
    ----------
    known
        Those of the training; None where its data had no names.
    x
        Data as they came; without names they are taken as they are.
    """
    came = None if known is None else columns_of(x)
    if known is None or came is None or came == list(known):
        return
    if len(came) == len(known) and set(came) == set(known):
        at = next(i for i, name in enumerate(known) if came[i] != name)
        raise ValueError(
            f"{who} takes its columns in the order of the training. Got {came[at]!r} where "
            f"{known[at]!r} was, column {at}. Use {who}[{_listed(known)}]."
        )
    if not (are_texts(known) and are_texts(came)):
        return
    missing = [str(name) for name in known if name not in came]
    extra = [str(name) for name in came if name not in known]
    fault = f"no {_named(missing)}" if missing else f"{_named(extra)} besides"
    near = did_you_mean(missing[0], extra) if missing else ""
    raise ValueError(
        f"{who} takes the columns of the training. Got {fault}.{near} Use {who}[{_listed(known)}]."
    )


def _listed(names: Sequence[Name]) -> str:
    """The names as a list to be typed, if they are few."""
    if len(names) > SHOWN:
        return f"[{', '.join(map(repr, names[:SHOWN]))}, …]"
    return short(list(names), 400)


def _named(names: Sequence[str]) -> str:
    """Some names, in words."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
