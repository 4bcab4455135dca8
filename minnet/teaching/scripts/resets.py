"""Lines that set gradients back to 0 at the end of a pass, behind the step that used them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from minnet.teaching.scripts.blocks import fits
from minnet.teaching.scripts.names import likeness
from minnet.teaching.scripts.replays import Run, Unit, zeroing_lines
from minnet.teaching.scripts.values import is_numeric


def behind_the_step(
    unit: Unit, run: Run, weights: Collection[str], stop: frozenset[int]
) -> frozenset[int]:
    """The lines without which a pass ends with the gradients that its step has used.

    A rule that divides by what it remembers, as RMSprop does, does not tell its gradient by its
    step. `run` is a whole pass, and `stop` has the lines of the step.
    """
    places = unit.slots()
    paths = []
    for weight in weights:
        value = places[weight].array
        for path, slot in places.items():
            if path == weight or not is_numeric(slot.value) or likeness(weight, ":" + path) < 9:
                continue
            after = run.get(":" + path)
            is_its_own = after is not None and is_numeric(after) and fits(after, value)
            if is_its_own and not np.any(after):
                paths.append(path)
    if not paths:
        return frozenset()
    return frozenset(zeroing_lines(unit, paths)) - stop
