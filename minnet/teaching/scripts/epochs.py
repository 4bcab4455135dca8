"""Analyses of loops that report a loss of all samples behind a loop that updates after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from minnet.teaching.scripts import held
from minnet.teaching.scripts.analysis import analyse, weights_of
from minnet.teaching.scripts.blocks import Analysis, explains_some, proportional
from minnet.teaching.scripts.faint import penalty_of
from minnet.teaching.scripts.fewer import smaller
from minnet.teaching.scripts.mending import SECONDS, Search
from minnet.teaching.scripts.programs import Loop, Program, own_names
from minnet.teaching.scripts.recording import Recording
from minnet.teaching.scripts.replays import Unit, changing_lines
from minnet.teaching.scripts.reported import proves_itself

Attempt = Callable[[Callable[[], "Analysis | None"]], "Analysis | None"]
"""Does a part of the work, and gives None where that takes too long."""


def unit_of(program: Program, recording: Recording, loop: Loop, number: int = 0) -> Unit:
    """A pass of a loop that was seen to run, the first if no other is asked for."""
    start = recording.passes[loop.number][number]
    where = f"the loop in line {loop.node.lineno}"
    return Unit(
        where + (f" ({loop.owner})" if loop.owner else ""),
        program.definitions(),
        own_names(loop.node.body, loop.owner),
        start.variables,
        recording.names,
        state=start.state,
        owner=loop.owner,
    )


Numbered = tuple[tuple[Any, ...], int, Analysis]


def analyses(
    program: Program, recording: Recording, attempt: Attempt, known: Sequence[Numbered]
) -> list[Numbered]:
    """Analyses of loops that report a loss behind a loop that updates, where no other is computed.

    They take the place of those by a loss that is implied.
    """
    more: list[Numbered] = []
    for loop in program.loops:
        within = [one for one in known if one[1] in (loop.number, *loop.inner)]
        steps = held.inside(program.loops, loop, recording.passes)
        known_loss = any(one[2].explicit or explains_some(one[2]) for one in within)
        if not steps or loop.number not in recording.passes or known_loss:
            continue
        analysis = attempt(partial(_of_epoch, program, recording, loop, steps))
        if analysis is not None and _is_trained(analysis, bool(within)):
            more.append((EPOCH, loop.number, analysis))
    return more


EPOCH = (True, True, True)
"""The quality of an analysis that has proved itself."""


def _of_epoch(
    program: Program, recording: Recording, loop: Loop, steps: Sequence[Loop]
) -> Analysis | None:
    """The analysis of an epoch with the weights held, by the loss that is reported behind it."""
    unit = unit_of(program, recording, loop)
    first = unit.run()
    weights = [] if first.error is not None else weights_of(unit, first)
    if not weights:
        return None
    for inner in steps:  # the outermost in a pass of which each entry moves once
        alone = unit_of(program, recording, inner)
        paths = [p for p in alone.slots() if p in weights]
        if paths and changing_lines(alone, paths, {})[1] <= 1:
            break
    else:
        return None
    still = smaller(held.with_weights_held(unit, loop, inner, weights), set(weights))
    analysis = analyse(still, {path: held.key_of(path) for path in weights})
    return None if analysis is None or not analysis.explicit else held.at_one_rate(analysis)


def _is_trained(analysis: Analysis, is_read: bool) -> bool:
    """Whether the loss that an epoch reports is the one that its steps go by.

    Some gradients are right for it, and one change of a line makes all others right. A report may
    leave out a penalty, and steps need be no multiple of gradients: nothing is said of those.
    """
    if not proves_itself(analysis) or (is_read and not analysis.wrong):
        return False
    if not analysis.wrong:
        return True
    if any(proportional(block) is not None for block in analysis.wrong):
        return False  # each may have a rate of its own
    search = Search(analysis, SECONDS / 2)
    search.of_loss = False
    mended = search.run()
    left_out = [penalty_of(block, 1e-3) for block in analysis.wrong]
    return (
        len(mended) == 1
        and mended[0].paths == {block.path for block in analysis.wrong}
        and "one too many" not in mended[0].edit.words
        and not any(share is not None and share > 0 for share in left_out)
    )
