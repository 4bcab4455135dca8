"""Functions that train and that the file never calls, or never reaches: they are called here.

A class with `fit` and a course's `model(X, Y, layer_sizes)` come without a call, and a file whose
data are not there stops before its own. Such a function is called with small data that are made for
its arguments, in each of the usual layouts, until one runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minnet.teaching.scripts.inputs import Caller, arguments_of
from minnet.teaching.scripts.making import CONVENTIONS, Convention, Maker, N
from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.recording import Recording

NEVER = r"predict|eval|score|accuracy|plot|test|load|read|check|numeric|sample|generate"
"""Functions with loops that do not train."""

SETTINGS: list[tuple[str, Any]] = [
    (r"(n|num|max|no)?_?(of_)?(iter\w*|epochs?|steps|rounds)", 8),
    (r"(verbose|print|plot|show|display|debug|log)\w*", False),
    (r"mini_?batch\w*|batch(_?size)?|bs", N),
    (r"momentum|beta_?1|mu", 0.9),
    (r"hidden\w*|n_?h\w*", 5),
]
"""What settings of a training are, by the name of the argument."""

PAIRS = r"training_?data|train_?data|data|dataset|train_?set|pairs"
"""Arguments that may be a list of samples with their targets."""


@dataclass
class Driver:
    """Calls that make a function train."""

    name: str
    lines: list[str]
    variables: dict[str, Any] = field(default_factory=dict)


def uncalled(program: Program, recording: Recording) -> list[str]:
    """Functions and methods with loops of which no pass was seen."""
    owners: dict[str, bool] = {}
    for loop in program.loops:
        seen = loop.number in recording.passes
        owners[loop.owner] = owners.get(loop.owner, False) or seen
    return [
        owner
        for owner, seen in owners.items()
        if owner and not seen and not re.search(NEVER, owner.split(".")[-1], re.I)
    ]


def drivers(program: Program, name: str) -> Iterator[Driver]:
    """The calls of a function in each layout of the data."""
    functions = program.functions()
    function = functions.get(name)
    if not isinstance(function, ast.FunctionDef) or name.count(".") > 1:
        return
    owner = name.rpartition(".")[0]
    if owner and not any(
        isinstance(s, ast.ClassDef) and s.name == owner for s in program.tree.body
    ):
        return
    if not arguments_of(function):
        return
    takes_pairs = _takes_pairs(function)
    # a sample by itself is mostly a column, and as a flat vector it broadcasts beside biases
    ways = sorted(CONVENTIONS, key=lambda way: takes_pairs and not way.columns)
    for way in ways:
        for pairs in (True, False) if takes_pairs else (False,):
            driver = _driver(program, functions, name, way, pairs)
            if driver is not None:
                yield driver


def _takes_pairs(function: ast.FunctionDef) -> bool:
    return any(re.fullmatch(PAIRS, a, re.I) for a in arguments_of(function))


def _driver(
    program: Program, functions: Any, name: str, way: Convention, pairs: bool
) -> Driver | None:
    owner, _, short = name.rpartition(".")
    caller = Caller(program, way)
    lines = []
    if owner:
        begin = functions.get(f"{owner}.__init__")
        texts = _texts(caller, begin, way, pairs) if begin is not None else []
        if texts is None:
            return None
        lines.append(f"trained = {owner}({', '.join(texts)})")
        caller.known.clear()
    texts = _texts(caller, functions[name], way, pairs)
    if texts is None:
        return None
    lines.append(f"{'trained.' if owner else ''}{short}({', '.join(texts)})")
    return Driver(name, lines, caller.variables)


def _texts(
    caller: Caller, function: ast.FunctionDef, way: Convention, pairs: bool
) -> list[str] | None:
    """The arguments of a call, or None where one is not known."""
    texts = []
    for argument in arguments_of(function):
        setting = next((v for p, v in SETTINGS if re.fullmatch(p, argument, re.I)), None)
        if setting is not None:
            texts.append(repr(setting))
            continue
        if pairs and re.fullmatch(PAIRS, argument, re.I):
            caller.variables[argument] = _pairs(way)
            texts.append(argument)
            continue
        text = caller.value(argument)
        if text is None:
            return None
        texts.append(text)
    return texts


def _pairs(way: Convention) -> list[tuple[Any, Any]]:
    """Samples with their targets, each a column or each a row."""
    make = Maker(way)
    outputs = max(1, make.out)
    rows = np.eye(outputs) if outputs > 1 else np.array([[0.0], [1.0]])
    x = make.normal(2 * N, 4)
    data = [(x[i], rows[i % len(rows)]) for i in range(2 * N)]
    if way.columns:
        return [(a.reshape(-1, 1), t.reshape(-1, 1)) for a, t in data]
    return data
