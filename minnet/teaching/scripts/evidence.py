"""What the numbers of a wrong block say without a look at the code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.scaling import fraction
from minnet.teaching.scripts.blocks import Block, fits, ratio
from minnet.teaching.scripts.penalties import is_bias


class BlockFinding(NamedTuple):
    """What is wrong with a block: a kind, as of the detective, and a sentence.

    `cause` is the end of the sentence that names a line, and that is told of several blocks.
    """

    kind: str
    text: str
    cause: str = ""


def of_block(
    block: Block, rows: int | None = None, elsewhere: tuple[int, float] | None = None
) -> BlockFinding | None:
    """The finding that the numbers alone give, or None.

    Parameters
    ----------
    rows
        The number of samples, if it is known.
    elsewhere
        Another number of samples, and the ratio that was found with it.
    """
    label = block.label
    if block.analytic is None:
        return None
    a, shape = np.asarray(block.analytic, float), block.value.shape
    if not fits(a, block.value):
        return _misshapen(block, a)
    flat = block.at(a)
    if not np.isfinite(flat).all():
        return BlockFinding(
            "wrong",
            "it has numbers that are not finite: look for a division by 0, the logarithm of 0, or "
            "an overflow.",
        )
    n = block.measured
    size = float(np.abs(n).max(initial=0.0))
    if not np.any(a):
        return BlockFinding(
            "detached",
            f"it is 0 in every entry, and measured up to {size:.4g}: a term is missing, or the "
            "zeros of the start were never replaced.",
        )
    if size == 0.0:
        return BlockFinding(
            "wrong", f"the loss does not depend on {label}, and the gradient by the code is not 0."
        )
    c = ratio(flat, n)
    several = np.count_nonzero(np.abs(n) > 1e-9 * size) > 1 or block.value.size == 1
    if c is not None and several:
        return _scaled(block, c, rows, elsewhere)
    if len(shape) == 2 and shape[0] == shape[1] and ratio(block.at(a.reshape(shape).T), n):
        return BlockFinding(
            "transposed",
            f"it is transposed: entry [i, j] is what was measured for [j, i] ({shape[0]} by "
            f"{shape[1]}, so no shape gives it away).",
        )
    difference = flat - n
    k = ratio(difference, block.at(block.value), 1e-4)
    if k is not None and block.value.size > 1:
        missing = "missing, or too small" if k < 0 else "there twice, or too large"
        if k > 0 and is_bias(label):
            missing = f"there, and the cost leaves {label} out, or it is too large"
        return BlockFinding(
            "factor",
            f"it differs from what was measured by {k:.4g} times {label} itself: the gradient of "
            f"the penalty (regularisation, weight decay) is {missing}.",
        )
    k = ratio(difference, np.sign(block.at(block.value)), 1e-4)
    if k is not None and np.unique(np.sign(block.at(block.value))).size > 1:
        return BlockFinding(
            "factor",
            f"it differs from what was measured by {k:.4g} times the sign of {label}: the gradient "
            "of an L1 penalty, λ Σ |w|, is "
            f"{'missing, or too small' if k < 0 else 'there twice, or too large'}.",
        )
    whole = np.allclose(a, np.trunc(a)) and not np.allclose(n, np.rint(n), atol=1e-6)
    if whole and np.all(np.abs(flat - n) < 1.0 + 1e-9):
        return BlockFinding(
            "wrong",
            "it has whole numbers only: it is truncated to integers, as an array of integers does "
            "with what is put into it. Make it of floats: np.zeros(shape), or dtype=float.",
        )
    return _in_part(block, flat, n)


def _misshapen(block: Block, a: Array) -> BlockFinding:
    shape = block.value.shape
    text = f"it has shape {a.shape}, and {block.label} has {shape}"
    n = block.measured
    if a.ndim == 2 and a.shape == shape[::-1] and ratio(block.at(a.T), n):
        return BlockFinding("transposed", f"it is transposed: {text}.")
    for axis in range(a.ndim):
        total = a.sum(axis=axis, keepdims=a.ndim == len(shape))
        if fits(total, block.value) and ratio(block.at(total), n):
            return BlockFinding(
                "bias-not-summed",
                f"it is not summed over the samples: {text}. Take the sum over axis {axis}.",
            )
    return BlockFinding("wrong", f"{text}. A gradient has the shape of its array.")


def _scaled(
    block: Block, c: float, rows: int | None, elsewhere: tuple[int, float] | None
) -> BlockFinding:
    sign = "minus " if c < 0 else ""
    size = abs(c)
    if abs(c + 1.0) < 1e-4:
        return BlockFinding("sign", "it has the opposite sign: it is −1 times what was measured.")
    times = f"it is {sign}{fraction(size)} times what was measured"
    by = fraction(size if size > 1 else 1 / size)
    changes = bool(rows and elsewhere and power_of(elsewhere[1] / c, elsewhere[0] / rows))
    if block.value.size == 1 and not changes and abs(c + 1.0) > 1e-4:
        return BlockFinding(
            "wrong", f"it is {c:.4g} times what was measured, in the one entry that it has."
        )
    if rows and elsewhere is not None:
        there, other = elsewhere
        power = power_of(other / c, there / rows)
        if power:
            rest = size / float(rows) ** power
            also = "" if abs(rest - 1) < 1e-4 else f", and a factor {fraction(rest)} besides"
            fix = (
                "the 1/N of the mean over the samples is missing: divide by N"
                if power > 0
                else "the 1/N of the mean over the samples is there once too often: it is divided "
                "by N twice"
            )
            letter = "N" if power == 1 else "1/N" if power == -1 else f"N^{power}"
            return BlockFinding(
                "sum-vs-mean",
                f"{times} with N = {rows} samples, and {fraction(abs(other))} times with {there}, "
                f"so it is {letter} times too large{also}: {fix}.".replace(
                    "1/N times too large", "1/N of what it should be"
                ),
            )
        return BlockFinding(
            "sign" if c < 0 else "factor",
            f"{times}, in every entry and with another number of samples, too: a constant factor"
            f"{' and the sign are' if c < 0 else ' is'} wrong. "
            f"{'Divide' if size > 1 else 'Multiply'} by {by}.",
        )
    if rows and rows > 2:
        for power in (1, -1):
            if abs(size / float(rows) ** power - 1) < 1e-4:
                letter = "N" if power > 0 else "1/N"
                fix = (
                    "the 1/N of the mean over the samples is missing"
                    if power > 0
                    else "the 1/N of the mean over the samples is there once too often"
                )
                return BlockFinding(
                    "sum-vs-mean", f"{times}, and there are N = {rows} samples ({letter}): {fix}."
                )
    return BlockFinding(
        "sign" if c < 0 else "factor",
        f"{times}, in every entry: a constant factor{' and the sign are' if c < 0 else ' is'} "
        f"wrong. {'Divide' if size > 1 else 'Multiply'} by {by}.",
    )


def power_of(change: float, size: float) -> int:
    """The power of a size that a change goes with: 0, ±1 or ±2."""
    if abs(size - 1.0) < 1e-9 or change <= 0:
        return 0
    power = round(math.log(change) / math.log(size))
    return power if abs(power) <= 2 and abs(change / size**power - 1) < 1e-3 else 0


def _in_part(block: Block, a: Array, n: Array) -> BlockFinding | None:
    """Right in some entries, and a multiple in the others; or lines that differ by a factor."""
    size = float(np.abs(n).max())
    good = np.abs(a - n) <= 1e-5 * size
    if good.any() and not good.all():
        zero = np.abs(a) <= 1e-9 * size
        weights = block.at(block.value)[~good]
        k = ratio((a - n)[~good], weights, 1e-4) if (~good).sum() > 1 else None
        if k is not None:
            large = "there, and the cost leaves them out, or it is too large"
            missing = "missing, or too small" if k < 0 else large
            return BlockFinding(
                "factor",
                f"in {int((~good).sum())} of {len(n)} entries it differs from what was measured by "
                f"{k:.4g} times {block.label} itself, and the others are right: the gradient of "
                f"the penalty (regularisation, weight decay) is {missing} there.",
            )
        rest = (a - n)[~good]
        if len(rest) > 1 and np.ptp(rest) <= 1e-4 * np.abs(rest).max():
            return BlockFinding(
                "factor",
                f"in {len(rest)} of {len(n)} entries it is what was measured and {rest[0]:.4g} "
                "more, the same in each, and the others are right: a constant is added there. A "
                "penalty (regularisation) that leaves the bias out has zeros in its place, and no "
                "ones.",
            )
        if np.all(zero[~good]):
            return BlockFinding(
                "wrong-mask",
                f"it is 0 in {int((~good).sum())} of {len(n)} entries that should not be 0, and "
                "right in the others.",
            )
        c = ratio(a[~good], n[~good])
        if c is not None and (~good).sum() > 1:
            where = [
                tuple(map(int, np.unravel_index(block.entries[i], block.value.shape)))
                for i in np.flatnonzero(~good)[:3]
            ]
            return BlockFinding(
                "factor",
                f"it is {fraction(abs(c))} times{' minus' if c < 0 else ''} what was measured in "
                f"{int((~good).sum())} of {len(n)} entries ({', '.join(map(str, where))}, …), and "
                "right in the others.",
            )
    return None


def plainly(block: Block) -> str:
    """The evidence for a mistake without a name."""
    if block.analytic is None or not fits(block.analytic, block.value):
        return "it is not what was measured."
    a, n = block.at(block.analytic), block.measured
    worst = int(np.argmax(np.abs(a - n)))
    index = tuple(map(int, np.unravel_index(block.entries[worst], block.value.shape)))
    length = float(np.linalg.norm(a) * np.linalg.norm(n))
    cosine = float(a @ n) / length if length else 0.0
    at = f"entry {list(index)}" if index else "it"
    return (
        f"the direction agrees with what was measured to a cosine of {cosine:.3f}; at {at} the "
        f"code has {a[worst]:.6g}, measured was {n[worst]:.6g}."
    )
