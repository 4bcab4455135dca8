"""A loss and its gradient that a file hands to an optimizer of SciPy, weights in one vector."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from minnet.teaching.scripts.analysis import analyse
from minnet.teaching.scripts.blocks import Analysis
from minnet.teaching.scripts.fewer import smaller
from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.recording import Minimization, Recording
from minnet.teaching.scripts.replays import Unit

THETA = "weights"
"""What the vector of weights is called."""

WRITTEN_HERE = 1_000_000
"""The line of calls that no student wrote."""


def analyses(program: Program, recording: Recording) -> Iterator[Analysis]:
    """The analysis of each pair of functions that was handed over."""
    seen = set()
    for call in recording.minimized:
        name = getattr(call.loss, "__name__", "the loss")
        point = np.asarray(call.point)
        if name in seen or point.dtype.kind not in "fiu":
            continue
        seen.add(name)
        analysis = analyse(
            smaller(_unit(program, recording, call, name)), {THETA: ":grad"}, whole=True
        )
        if analysis is not None:
            yield analysis


def _unit(program: Program, recording: Recording, call: Minimization, name: str) -> Unit:
    kept = dict(call.start.variables)
    theta = np.asarray(kept.pop("start"), float)
    variables: dict[str, Any] = {THETA: theta, **{k: v for k, v in kept.items() if k != THETA}}
    arguments = variables.pop("arguments")
    names = [f"given_{i}" for i in range(len(arguments))]
    variables |= dict(zip(names, arguments, strict=True))
    texts = []
    for i, function in enumerate((call.loss, call.gradient)):
        plain = getattr(function, "__name__", "")
        known = recording.names.get(plain) is function
        texts.append(plain if known else f"function_{i}")
        if not known and function is not None:
            variables[f"function_{i}"] = function
    given = ", ".join([THETA, *names])
    lines = [f"loss, grad = {texts[0]}({given})"]
    if call.gradient is not None:
        lines = [f"loss = {texts[0]}({given})", f"grad = {texts[1]}({given})"]
    body = ast.parse("\n".join(lines)).body
    for node in body:
        ast.increment_lineno(node, WRITTEN_HERE)
    return Unit(
        f"{name}, which is minimized",
        program.definitions(),
        body,
        variables,
        recording.names,
        state=call.start.state,
    )
