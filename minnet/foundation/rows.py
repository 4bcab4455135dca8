"""The labels of the rows of x and y, where both are of pandas.

Rows are paired by their place. A table that was shuffled beside a column that was not has its
labels in another order: a network learns nothing from such pairs, and nobody says why.
"""

from __future__ import annotations

from typing import Any

from minnet.foundation.checks import is_collection, warn


def labels_of_rows(data: Any) -> list[Any] | None:
    """Return the labels of a DataFrame's or a Series' rows; None of anything else."""
    labels: Any = data.index if hasattr(type(data), "iloc") else None
    return list(labels) if labels is not None and is_collection(labels) else None


def warn_of_other_order(x: Any, y: Any, names: tuple[str, str]) -> None:
    """Warn where the rows of y have the labels of the rows of x, in another order.

    Parameters
    ----------
    names
        What the user calls them.
    """
    first = labels_of_rows(x)
    second = None if first is None else labels_of_rows(y)
    if first is None or second is None or len(first) != len(second) or first == second:
        return
    try:
        same = len(set(first)) == len(first) and set(first) == set(second)
    except TypeError:  # labels that no set takes
        return
    if same:
        at = next(i for i, label in enumerate(first) if label != second[i])
        who, other = names
        here, there = (name.rpartition(" ")[2] for name in names)  # as they are written in code
        warn(
            f"{other} has the row labels of {who} in another order: row {at} is {first[at]!r} in "
            f"{who}, and {second[at]!r} in {other}. Rows are paired by their place. To pair them "
            f"by their labels use {there}.loc[{here}.index]; if the order is right, "
            f"{there}.to_numpy()."
        )
