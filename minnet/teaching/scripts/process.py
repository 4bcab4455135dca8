"""The process in which a student's file is run and judged; one line of JSON is its answer."""

from __future__ import annotations

import builtins
import io
import json
import math
import os
import signal
import sys
import threading
import time
import warnings
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minnet.teaching.scripts import (
    drivers,
    inputs,
    minimized,
    optimizers,
    standins,
    stopping,
    straight,
    validated,
)
from minnet.teaching.scripts.blocks import Analysis, proportional
from minnet.teaching.scripts.checking import Section, examine, loops
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import SECONDS
from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.recording import (
    OutOfTimeError,
    Recording,
    record,
    record_call,
    record_with,
)
from minnet.teaching.scripts.repairs import Deadline
from minnet.teaching.scripts.report import RIGHT, UNREADABLE, WRITE, WRONG, silence
from minnet.teaching.scripts.running import seeded_state, set_random_state

RUNNING = 10.0
"""Seconds that the file may run before what was seen of it is looked at."""

LOOP = 20.0
"""Seconds for the measurements of one loop."""

DRIVING = 3.0
"""Seconds for a call of a function that the file does not call."""

BELL = "the clock's bell"
"""Name of the thread that rings where the system has no alarm."""

FORBIDDEN = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.system",
    "os.exec",
    "os.fork",
    "os.spawn",
    "os.posix_spawn",
    "subprocess.Popen",
    "shutil.rmtree",
    "shutil.move",
    "os.kill",
    "os.truncate",
    "socket.connect",
    "socket.getaddrinfo",
)
"""What a file may not do while it is checked."""


def without_traces() -> None:
    """Let nothing be written: what is opened for writing is nowhere, and nothing is deleted."""
    plain = open

    def opened(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if any(letter in mode for letter in "wax+"):
            if isinstance(file, int):
                return plain(os.devnull, "wb" if "b" in mode else "w")
            return plain(os.devnull, "w+b" if "b" in mode else "w+", *rest, **more)
        return plain(file, mode, *rest, **more)

    builtins.open = opened
    io.open = opened

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN:
            raise PermissionError(f"{event} is not done while a file is checked")
        if event == "open" and isinstance(arguments[1], str):
            name = str(arguments[0])
            if any(letter in arguments[1] for letter in "wax+") and name != os.devnull:
                raise PermissionError("nothing is written while a file is checked")

    for name in ("mkdir", "makedirs"):
        setattr(os, name, lambda *arguments, **more: None)
    sys.addaudithook(watch)


def answered(*question: Any) -> str:
    """Return what a file gets that asks for something: a number, whole or not."""
    return "1"


class Clock:
    """Raises `OutOfTimeError` in the main thread when a time is over, and each second after it.

    What counts is the processor's time, so that a busy machine comes to the same report; but at
    most twice as much goes by, and nothing after `end`, by the clock that only goes forward.

    The system's alarm does it; where it has none, as on Windows, another thread.
    """

    def __init__(self, end: float = math.inf) -> None:
        self.end, self.deadline = end, Deadline(0.0, end)
        self.real = threading.current_thread() is threading.main_thread()
        self.alarm = hasattr(signal, "setitimer")
        self.runs = False
        if self.real:
            signal.signal(signal.SIGALRM if self.alarm else signal.SIGINT, self._ring)

    def _ring(self, number: int, frame: Any) -> None:
        if self.runs and self.deadline.over:  # and not in the moment after it
            raise OutOfTimeError

    def within(self, seconds: float, do: Callable[[], Any], default: Any = None) -> Any:
        """What a function gives, or the default when it takes too long."""
        if not self.real:
            return _tried(do, default)
        late = min(time.monotonic() + 1.9 * seconds, self.end)
        self.deadline = Deadline(0.9 * seconds, late)
        with self._alarm(seconds) if self.alarm else self._thread(seconds):
            self.runs = True
            try:
                return _tried(do, default)
            finally:
                self.runs = False

    @contextmanager
    def _alarm(self, seconds: float) -> Iterator[None]:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    @contextmanager
    def _thread(self, seconds: float) -> Iterator[None]:
        over = threading.Event()

        def ring() -> None:
            wait = seconds
            while not over.wait(wait):
                interrupt_main()
                wait = 1.0

        thread = threading.Thread(target=ring, name=BELL, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _tried(do: Callable[[], Any], default: Any) -> Any:
    """What a function gives, or the default where it raises or has no time left."""
    try:
        return do()
    except (OutOfTimeError, Exception):  # whatever a student's objects do where they are asked
        return default


def judged(source: str, name: str, names: Sequence[str], seconds: float) -> tuple[int, str]:
    """The exit code and what is said of a file."""
    end = time.monotonic() + seconds
    try:
        program = Program(source)
    except SyntaxError as error:
        return UNREADABLE, (
            f"{name} is no Python: {error.msg}, in line {error.lineno}. Mend that first."
        )
    unknown = [n for n in names if n not in _defined(program)]
    if unknown:
        known = ", ".join(_defined(program)) or "none"
        return UNREADABLE, (
            f"{name} has no function or class {unknown[0]}. It has: {known}. Name one of these."
        )
    clock = Clock(end)
    recording = clock.within(RUNNING, lambda: record(program))
    if recording is None:
        recording = Recording({}, out_of_time=True)
    sections: list[Section] = []
    covered: set[str] = set()
    if recording.passes:

        def attempt(do: Callable[[], Analysis | None]) -> Analysis | None:
            left = min(LOOP, 0.6 * seconds - (seconds - (end - time.monotonic())))
            return clock.within(left, do) if left > 0.5 else None

        analyses = loops(program, recording, names, attempt)
        for analysis in analyses:
            covered |= {b.label for b in analysis.blocks}
            snapshots = recording.passes[analysis.unit.loop]
            left = max(5.0, end - time.monotonic())
            search = min(SECONDS, left / 4)
            section = clock.within(left, partial(examine, analysis, snapshots, search))
            if section is not None:
                sections.append(section)
    sections += _minimized(program, recording, clock, end)
    stopped = clock.within(5.0, partial(stopping.verdict, program, recording))
    if stopped is not None:
        sections.append(stopped)
    if not sections and (recording.out_of_time or standins.is_missing(recording.error)):
        sections += _with_made_data(program, names, clock, end)
    if not sections and recording.error is None and not names:
        sections += _of_one_pass(program, clock, end)
    if not sections:
        sections += _driven(program, recording, names, clock, end)
    if not sections or names:
        for analysis in inputs.analyses(program, names):
            if time.monotonic() > end:
                break
            if {b.label for b in analysis.blocks} <= covered and sections:
                continue
            left = max(5.0, end - time.monotonic())
            search = min(SECONDS, left / 4)
            section = clock.within(left, partial(examine, analysis, (), search))
            if section is not None:
                sections.append(section)
    steps = Section("update rules")
    for where, rule, finding in optimizers.verdicts(program, names):
        label = where if finding is not None else f"{where} ({rule})"
        if rule == "SGD" and finding is None and sections:
            continue
        steps.blocks[label] = [finding] if finding is not None else []
    if steps.blocks:
        sections.append(steps)
    measured = validated.verdict(program)
    if measured is not None and not names:
        sections.append(measured)
    if not sections:
        return UNREADABLE, _unreadable(name, recording)
    code = RIGHT if all(section.ok for section in sections) else WRONG
    return code, "\n".join(str(section) for section in sections)


def _minimized(program: Program, recording: Recording, clock: Clock, end: float) -> list[Section]:
    """What is said of losses and gradients that were handed to an optimizer."""
    sections = []
    calls = clock.within(LOOP, lambda: list(minimized.analyses(program, recording)), [])
    for analysis in calls:
        left = max(5.0, end - time.monotonic())
        section = clock.within(left, partial(examine, analysis, (), min(SECONDS, left / 4)))
        if section is not None:
            sections.append(section)
    return sections


def _with_made_data(
    program: Program, names: Sequence[str], clock: Clock, end: float
) -> list[Section]:
    """What is said of a file that loads data which are not here, with made ones in their place."""
    best: tuple[tuple[int, bool], Analysis, Recording, standins.MadeData] | None = None
    begun = time.monotonic()
    for scene in standins.scenes(program):
        if time.monotonic() > min(begun + LOOP, end - 2 * LOOP):
            break
        seen = clock.within(DRIVING, partial(record_with, program, scene))
        if not scene.made and (seen is None or not scene.lent):
            break  # nothing of it is missing
        if seen is not None and seen.minimized:
            sections = _minimized(program, seen, clock, end)
            if sections and all(map(_is_told, sections)):
                return sections
        if seen is None or not seen.passes:
            if not scene.made:
                break
            continue
        for analysis in loops(program, seen, names, partial(clock.within, LOOP)):
            right = sum(block.right for block in analysis.blocks)
            known = sum(b.right or proportional(b) is not None for b in analysis.blocks)
            score = (2 * right + known, analysis.explicit)
            if best is None or score > best[0]:
                best = (score, analysis, seen, scene)
        if not scene.made or (best is not None and (best[0][0] or seen.error is None)):
            break
    if best is None:
        return []
    _, analysis, seen, scene = best
    analysis.unit.title += f", {scene.in_words()}"
    left = max(5.0, end - time.monotonic())
    snapshots = seen.passes[analysis.unit.loop]
    search = min(SECONDS, left / 4)
    section = clock.within(left, partial(examine, analysis, snapshots, search))
    if section is not None and (_some_right(analysis) or _all_named(section)):
        return [section]
    return []


def _driven(
    program: Program, recording: Recording, names: Sequence[str], clock: Clock, end: float
) -> list[Section]:
    """What is said of functions that train and that the file does not come to call."""
    for name in drivers.uncalled(program, recording):
        if names and not {name, name.split(".")[0]} & set(names):
            continue
        best: tuple[tuple[int, bool], Analysis, Recording] | None = None
        begun = time.monotonic()
        for driver in drivers.drivers(program, name):
            if time.monotonic() > min(begun + LOOP, end - 2 * LOOP):
                break
            call = partial(record_call, program, driver.lines, driver.variables)
            seen = clock.within(DRIVING, call)
            if seen is None or seen.error is not None or not seen.passes:
                continue
            for analysis in loops(program, seen, (), partial(clock.within, LOOP)):
                right = sum(block.right for block in analysis.blocks)
                known = sum(b.right or proportional(b) is not None for b in analysis.blocks)
                score = (2 * right + known, analysis.explicit)
                if any(score) and (best is None or score > best[0]):
                    best = (score, analysis, seen)
            if best is not None and not best[1].wrong:
                break
        if best is None:
            continue
        _, analysis, seen = best
        left = max(5.0, end - time.monotonic())
        snapshots = seen.passes[analysis.unit.loop]
        search = min(SECONDS, left / 4)
        section = clock.within(left, partial(examine, analysis, snapshots, search))
        if section is not None and (_some_right(analysis) or _all_named(section)):
            return [section]
    return []


def _of_one_pass(program: Program, clock: Clock, end: float) -> list[Section]:
    """What is said of a file that goes forward and back once, without a loop."""
    for other in straight.as_passes(program):
        seen = clock.within(DRIVING, partial(record, other))
        if seen is None or time.monotonic() > end - LOOP:
            break
        for analysis in loops(other, seen, (), partial(clock.within, LOOP)):
            line = other.loops[analysis.unit.loop].node.lineno
            analysis.unit.title = f"the lines from {line} on"
            left = max(5.0, end - time.monotonic())
            section = clock.within(left, partial(examine, analysis, (), min(SECONDS, left / 4)))
            if section is not None:
                return [section]
    return []


def _is_told(section: Section) -> bool:
    """Whether all that is wrong has a cause, so that it is not the data that are made."""
    return all(f[0].kind != "wrong" or "The line is" in f[0].text for f in _wrong(section))


def _wrong(section: Section) -> list[list[BlockFinding]]:
    return [findings for findings in section.blocks.values() if findings]


def _some_right(analysis: Analysis) -> bool:
    return any(block.right for block in analysis.blocks)


def _all_named(section: Section) -> bool:
    """Whether a line is named for all that is wrong: data that are made may not fit the file."""
    return all("The line is" in f[0].text for f in section.blocks.values() if f)


def _defined(program: Program) -> list[str]:
    names = list(program.functions())
    return [*names, *{n.split(".")[0] for n in names if "." in n}]


def _unreadable(name: str, recording: Recording) -> str:
    text = f"{name} has no gradient that could be checked."
    if recording.out_of_time:
        text = f"{name} was stopped after {RUNNING:g} seconds, and no gradient was seen by then."
    elif recording.error is not None:
        error = f"{type(recording.error).__name__}: {recording.error}".split("\n")[0][:150]
        line = stopping.line_of(recording.error)
        at = f" in line {line}" if line else ""
        text = f"{name} ends{at} with {error.rstrip('. ')}, and no gradient was seen before."
    return f"{text} {WRITE}"


def main(arguments: Sequence[str]) -> None:
    """Judge the file that is named, and write the answer to where stdout went."""
    path, *names = arguments
    seconds = float(os.environ.get("MINNET_CHECK_SECONDS", "90"))
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    source = Path(path).read_text(encoding="utf-8", errors="replace")
    sys.path.insert(0, str(Path(path).parent))
    sys.argv = [path]  # a file that takes arguments has its own defaults
    builtins.input = answered
    sys.dont_write_bytecode = True
    without_traces()
    set_random_state(seeded_state(0))  # so that a check can be repeated
    with silence(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        code, text = judged(source, Path(path).name, names, seconds)
    answer.write(json.dumps({"code": code, "text": text}) + "\n")
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
