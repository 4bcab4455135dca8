"""A function whose results are known: which change of a line gives them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minnet.teaching.scripts.functions_of import unit_of_functions
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.repairs import Deadline, Edit, edits, replaced_in
from minnet.teaching.scripts.scopes import bound, pool_of
from minnet.teaching.scripts.values import is_data

SECONDS = 3.0
"""For the search through the lines of one function."""


def mending_change(
    function: Callable[..., Any],
    given: Sequence[Mapping[str, Any]],
    agrees: Callable[[int, Any], bool],
    seconds: float = SECONDS,
) -> Edit | None:
    """Return the change of one line with which a function gives what it should, or None.

    Parameters
    ----------
    function
        Its source has to be at hand.
    given
        The arguments of some calls, by name.
    agrees
        Whether what came of the call of this number is right.
    """
    arguments = ", ".join(f"{name}={name}" for name in given[0])
    unit = unit_of_functions("", {"f": function}, [f"result = f({arguments})"], given[0])
    units = [unit.beginning_with(dict(one), unit.state) for one in given]
    scope: dict[tuple[str, int], Any] = {}
    names = units[-1].run(scope=scope).names
    modules = {k: v for k, v in names.items() if type(v).__name__ == "module"}
    deadline, candidates = Deadline(seconds), []
    own = [(owner, s) for owner, s in statements(unit) if owner == "f"]
    pool = pool_of([s for _, s in own])
    for owner, statement in own:
        seen = scope.get((owner, statement.lineno))
        if seen is not None:
            seen = {**modules, **{k: v for k, v in seen.items() if is_data(v)}}
            bound(statement, seen, {})
            candidates += list(edits(statement, seen, {}, None, pool))
    for edit in sorted(candidates, key=lambda one: one.cost):
        if deadline.over:
            return None
        body = replaced_in(unit.definitions, edit.old, edit.new)
        if all(_right(one, body, i, agrees) for i, one in enumerate(units)):
            return edit
    return None


def _right(
    unit: Any, definitions: list[ast.stmt], number: int, agrees: Callable[[int, Any], bool]
) -> bool:
    """Whether the changed function gives what it should for one call."""
    run = unit.run(edited=(definitions, unit.body), only=set())
    return run.error is None and "result" in run.names and agrees(number, run.names["result"])
