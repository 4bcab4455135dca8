"""The one run of a student's file: what every loop began its first passes with."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minnet.teaching.scripts.programs import LOOP, Program, fresh_names
from minnet.teaching.scripts.running import execute, random_state, set_random_state
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
class Recording:
    """What was seen while the file ran."""

    names: dict[str, Any]
    passes: dict[int, list[PassStart]] = field(default_factory=dict)
    error: BaseException | None = None
    out_of_time: bool = False


def record(program: Program, prepare: Callable[[], Any] = lambda: None) -> Recording:
    """Run the file once, up to where enough of its loops was seen."""
    names = fresh_names()
    recording = Recording(names)
    counts: dict[int, int] = {}
    since = [0.0]
    outer = {loop.number for loop in program.loops} - {
        n for loop in program.loops for n in loop.inner
    }

    def at_loop(number: int, inside: Mapping[str, Any], around: Mapping[str, Any]) -> None:
        count = counts[number] = counts.get(number, 0) + 1
        if count <= PASSES:
            variables = {k: v for k, v in around.items() if _kept(k, v)}
            if inside is not around:
                variables |= {k: v for k, v in inside.items() if not k.startswith("__")}
            recording.passes.setdefault(number, []).append(
                PassStart(copied(variables), random_state())
            )
        elif count > PASSES and number in outer and program.loops[number].owner != "":
            since[0] = since[0] or time.monotonic()
        if count > PASSES:
            since[0] = since[0] or time.monotonic()
        if since[0] and time.monotonic() - since[0] > PATIENCE:
            raise StopError

    names[LOOP] = at_loop
    state = random_state()
    try:
        execute(program.watched(), names)
    except StopError:
        pass
    except OutOfTimeError:
        recording.out_of_time = True
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit as well
        recording.error = error
    finally:
        sys.settrace(None)
        set_random_state(state)
    return recording


def _kept(name: str, value: Any) -> bool:
    return not name.startswith("__") and is_data(value)
