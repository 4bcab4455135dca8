"""Gradients that are unrolled into one vector in another order than the weights are."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, fits, ratio
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import arrays_in, leaf

PIECES = 8
"""The most arrays that a vector is taken apart into."""

FEW = 4
"""As many arrays are tried in all sequences."""

WAYS = {"C": "row by row", "F": "column by column (order 'F', or transposed)"}


@dataclass(frozen=True)
class Unrolled:
    """An array in a vector: its name, its numbers, and whether they come by rows or by columns."""

    name: str
    array: Array
    order: str

    @property
    def flat(self) -> Array:
        """Its numbers in that order."""
        return self.array.ravel("F" if self.order == "F" else "C")


def of_block(analysis: Analysis, block: Block) -> BlockFinding | None:
    """Whether a gradient has the right numbers in other places, or None."""
    if block.analytic is None or not fits(block.analytic, block.value) or block.value.size < 4:
        return None
    a = np.asarray(block.analytic, float)
    if sum(n > 1 for n in a.shape) == 2:
        return _reshaped(block, a)
    named = arrays_in(analysis.unit.run(analysis.put)).items()
    arrays = {(np.shape(v), np.asarray(v).tobytes()): (k, v) for k, v in named}  # each once
    pieces = next(_taken_apart(a.reshape(-1), dict(arrays.values()), ()), ())
    for other in _otherwise(pieces):
        c = ratio(block.at(np.concatenate([piece.flat for piece in other])), block.measured)
        if c is not None and c > 0:
            return BlockFinding("wrong", _told(analysis, block, pieces, other))
    return None


def _reshaped(block: Block, a: Array) -> BlockFinding | None:
    """A matrix that came to its shape by reshape, where it has to be transposed."""
    shape = block.value.shape
    if a.shape != shape or not block.agrees(a.reshape(shape[::-1]).T):
        return None
    return BlockFinding(
        "transposed",
        f"its numbers are right and stand in other places: an array of shape {shape[::-1]} was "
        f"brought to {shape} row by row, as reshape does. Transpose it, .T, or unroll and reshape "
        "both in one order.",
    )


def _taken_apart(
    vector: Array, arrays: Mapping[str, Array], before: tuple[Unrolled, ...]
) -> Iterator[tuple[Unrolled, ...]]:
    """The sequences of arrays that a vector is made of, the largest arrays first."""
    if not vector.size:
        yield before
    if not vector.size or len(before) == PIECES:
        return
    fitting = {k: v for k, v in arrays.items() if 0 < np.size(v) <= vector.size and np.any(v)}
    for key in sorted(fitting, key=lambda k: -np.size(fitting[k])):
        array = np.asarray(fitting[key], float)
        if array.size == vector.size and not before:
            continue  # the vector itself
        for order in WAYS:
            piece = Unrolled(leaf(key.split(":")[-1])[0], array, order)
            c = ratio(vector[: array.size], piece.flat, 1e-9)
            if c is not None and (array.size > 1 or c == 1.0):
                piece = replace(piece, array=c * array)
                yield from _taken_apart(vector[array.size :], arrays, (*before, piece))
                break  # a row is the same both ways


def _otherwise(pieces: Sequence[Unrolled]) -> Iterator[tuple[Unrolled, ...]]:
    """The same arrays in other orders and sequences."""
    yield from itertools.islice(_in_orders(pieces), 1, None)
    if len(pieces) > FEW:
        swaps = itertools.combinations(range(len(pieces)), 2)
        sequences = [list(reversed(pieces)), *(_swapped(pieces, i, j) for i, j in swaps)]
        yield from map(tuple, sequences)
    else:
        for sequence in itertools.islice(itertools.permutations(pieces), 1, None):
            yield from _in_orders(sequence)


def _swapped(pieces: Sequence[Unrolled], i: int, j: int) -> list[Unrolled]:
    other = list(pieces)
    other[i], other[j] = pieces[j], pieces[i]
    return other


def _in_orders(pieces: Sequence[Unrolled]) -> Iterator[tuple[Unrolled, ...]]:
    """The arrays by rows and by columns, first as they are."""
    ways = []
    for piece in pieces:
        turned = replace(piece, order="C" if piece.order == "F" else "F")
        ways.append([piece, turned] if piece.array.ndim > 1 else [piece])
    return itertools.product(*ways)


def _told(
    analysis: Analysis, block: Block, pieces: Sequence[Unrolled], other: Sequence[Unrolled]
) -> str:
    text = "its numbers are right and stand in other places: "
    names = [piece.name for piece in pieces]
    if names != [piece.name for piece in other]:
        sequence = ", ".join(piece.name for piece in other)
        text += f"the code has {', '.join(names)} in this sequence, and {block.label} "
        text += f"has the weights of {sequence}. "
    by_name = {piece.name: piece.order for piece in other}
    for order, way in WAYS.items():
        turned = [p.name for p in pieces if p.order == order != by_name[p.name]]
        if turned:
            be = "is" if len(turned) == 1 else "are"
            text += f"{' and '.join(turned)} {be} unrolled {way}, and the weights in {block.label} "
            text += f"{WAYS['F' if order == 'C' else 'C'].split(' (')[0]}. "
    line = _line(analysis, names)
    where = f" Line {line.lineno}: the line is `{ast.unparse(line)}`." if line is not None else ""
    return f"{text}Unroll both in one order.{where}"


def _line(analysis: Analysis, names: Sequence[str]) -> ast.stmt | None:
    """The statement that makes the vector of these arrays."""
    for _, statement in statements(analysis.unit):
        code = ast.unparse(statement)
        if re.search("concatenate|stack|append|r_|ravel|flatten|reshape", code) and all(
            re.search(rf"\b{re.escape(name)}\b", code) for name in names
        ):
            return statement
    return None
