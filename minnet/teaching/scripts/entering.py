"""What goes into a weight that is one number, where its gradient has another in its place.

In a network of lists the gradient of a weight is that of its neuron's bias times what the weight
was multiplied by on the way forward. Where the one is right and the other is not, the quotients
tell both: what the code multiplied by, and what belongs there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minnet.teaching.scripts.blocks import Analysis, Block
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.names import label_of, leaf
from minnet.teaching.scripts.values import is_number, slots

NEAR = 1e-5
"""How far a quotient of two measured numbers may be from the number that it is."""


def of_number(analysis: Analysis, block: Block) -> BlockFinding | None:
    """What is said of a weight's gradient that has another number than went into the weight."""
    if block.value.size != 1 or block.analytic is None or np.size(block.analytic) != 1:
        return None
    numbers = _numbers(analysis)
    for bias, is_kin in _beside(block, analysis.blocks):
        whole = float(bias.measured[0])
        number = float(np.reshape(block.analytic, -1)[0]) / whole
        written = _name_of(number, numbers) or (f"{number:.6g}" if is_kin else "")
        right = _name_of(float(block.measured[0]) / whole, numbers)
        if right and written and right != written:
            lines = sorted(analysis.updates.get(block.path, ()) if not block.key else ())
            where = f" Look at what line {lines[0]} multiplies by." if lines else ""
            return BlockFinding(
                "wrong",
                f"{written} stands where {right} belongs: its gradient is that of {bias.label} "
                f"times what the weight is multiplied by on the way forward, which is {right}."
                f"{where}",
            )
    return None


def _beside(block: Block, blocks: list[Block]) -> list[tuple[Block, bool]]:
    """The right gradients of single numbers, those of the same neuron first, and if they are."""
    around = leaf(block.path)[1]
    owners = [owner for owner in (around, leaf(around)[1]) if owner]
    right = [b for b in blocks if b.right and b.value.size == 1 and np.any(b.measured)]
    kin = [(b, any(b.path.startswith(owner) for owner in owners)) for b in right]
    return sorted(kin, key=lambda one: not one[1])


def _numbers(analysis: Analysis) -> dict[str, float]:
    """The numbers of a pass before any weight moves, but for the weights, by their names."""
    run = analysis.unit.leaving_out(analysis.stop).run(analysis.put)
    own = {k: v for k, v in run.names.items() if not k.startswith("__")}
    numbers = {s.path: float(s.value) for s in slots(own) if is_number(s.value)}
    return {path: value for path, value in numbers.items() if path not in analysis.put}


def _name_of(number: float, numbers: Mapping[str, float]) -> str:
    """What has a number, by its shortest name; "" for nothing."""
    there = [p for p, value in numbers.items() if value and abs(number / value - 1.0) < NEAR]
    shortest = min(there, key=len, default="")
    return label_of(shortest, 2 * [shortest])
