"""The one run of a student's file: what every loop began its first passes with."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minnet.teaching.scripts.lent import LOADS
from minnet.teaching.scripts.programs import LENT, LOADED, LOOP, MINIMIZED, Program, fresh_names
from minnet.teaching.scripts.running import execute, random_state, set_random_state
from minnet.teaching.scripts.standins import MadeData
from minnet.teaching.scripts.values import copied, is_data

PASSES = 7
"""Passes of a loop whose variables are kept."""

PATIENCE = 0.7
"""Seconds that a file goes on after a loop has made as many passes."""


class StopError(BaseException):
    """Enough was seen."""


class OutOfTimeError(BaseException):
    """It took too long."""


@dataclass
class PassStart:
    """The variables at the beginning of a pass, and the state of the random numbers."""

    variables: dict[str, Any]
    state: Any


@dataclass
class Minimization:
    """A loss and its gradient that were handed to an optimizer, and the variables at that moment.

    `gradient` is None where the loss gives both.
    """

    loss: Any
    gradient: Any
    start: PassStart
    point: Any
    arguments: tuple[Any, ...]


@dataclass
class Recording:
    """What was seen while the file ran."""

    names: dict[str, Any]
    passes: dict[int, list[PassStart]] = field(default_factory=dict)
    minimized: list[Minimization] = field(default_factory=list)
    error: BaseException | None = None
    out_of_time: bool = False


def record(program: Program) -> Recording:
    """Run the file once, up to where enough of its loops was seen."""
    recording = Recording(fresh_names())
    _run(program, recording, [program.watched()])
    return recording


def record_with(program: Program, scene: MadeData) -> Recording:
    """Run the file with data that are made, where it loads some that are not here."""
    recording = Recording(fresh_names())
    recording.names[LOADED], recording.names[LENT] = scene.loaded, scene.lend
    with scene.files():
        _run(program, recording, [program.watched(LOADS)])
    return recording


def record_call(program: Program, lines: Sequence[str], variables: Mapping[str, Any]) -> Recording:
    """Run calls of the file's functions that it does not make itself."""
    recording = Recording(fresh_names())
    for code in program.watched_definitions():
        try:
            execute(code, recording.names)
        except Exception:  # noqa: S112 - a module that is not here
            continue
    recording.names.update(copied(variables))
    calls = compile("\n".join(lines), "<calls>", "exec")
    _run(program, recording, [calls])
    return recording


def _run(program: Program, recording: Recording, codes: Sequence[Any]) -> None:
    names, since = recording.names, [0.0]
    counts: dict[int, int] = {}

    def at_loop(number: int, inside: Mapping[str, Any], around: Mapping[str, Any]) -> None:
        count = counts[number] = counts.get(number, 0) + 1
        if count <= PASSES:
            variables = {k: v for k, v in around.items() if _kept(k, v)}
            if inside is not around:
                variables |= {k: v for k, v in inside.items() if not k.startswith("__")}
            recording.passes.setdefault(number, []).append(
                PassStart(copied(variables), random_state())
            )
        else:
            since[0] = since[0] or time.monotonic()
        if since[0] and time.monotonic() - since[0] > PATIENCE:
            raise StopError

    def at_minimizer(optimizer: Any, *given: Any, **more: Any) -> Any:
        loss, point = [*given, more.get("fun", more.get("func")), more.get("x0")][:2]
        gradient = more.get("jac", more.get("fprime", given[2] if len(given) > 2 else None))
        arguments = more.get("args", ())
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        both = gradient is True or (gradient is None and re.search("tnc|l_bfgs", str(optimizer)))
        if callable(loss) and (both or callable(gradient)):
            variables = {k: v for k, v in names.items() if _kept(k, v)}
            everything = copied({**variables, "start": point, "arguments": arguments})
            recording.minimized.append(
                Minimization(
                    loss,
                    None if both else gradient,
                    PassStart(everything, random_state()),
                    point,
                    arguments,
                )
            )
        return optimizer(*given, **more)

    names[LOOP], names[MINIMIZED] = at_loop, at_minimizer
    state, tracer = random_state(), sys.gettrace()
    try:
        for code in codes:
            execute(code, names)
    except StopError:
        pass
    except OutOfTimeError:
        recording.out_of_time = True
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit as well
        recording.error = error
    finally:
        sys.settrace(tracer)  # a file may have set its own
        set_random_state(state)


def _kept(name: str, value: Any) -> bool:
    return not name.startswith("__") and is_data(value)
