"""Mistakes of convolution and pooling in a student's functions and scripts.

As for layers: the kernel is changed in the ways in which students change it, and the change with
which the code's gradient is what was measured is the mistake.
"""

from __future__ import annotations

import itertools

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.images import AXES, MOVED, POOLED, kernel_changes, spatial
from minnet.teaching.scripts.blocks import Analysis, Block, fits, gradient_of, ratio
from minnet.teaching.scripts.evidence import BlockFinding

SEVERAL = 8
"""Entries that have to agree before a mistake is named."""


def of_block(analysis: Analysis, block: Block) -> BlockFinding | None:
    """What is wrong with the gradient of images or of a kernel, or None."""
    if block.analytic is None or block.value.ndim not in (3, 4):
        return None
    a = np.asarray(block.analytic, float)
    if not fits(a, block.value):
        return _margin(block, a)
    a = a.reshape(block.value.shape)
    return (
        _other_kernel(block, a)
        or _by_kernel(analysis, block)
        or _moved(block, a)
        or _pooled(block, a)
    )


def _names(ndim: int) -> list[tuple[str, ...]]:
    """The names of a kernel's axes, both ways."""
    names = [*AXES.values()]
    if ndim == 3:
        names = [
            tuple(n for n in way if n != gone) for gone in ("width", "channels") for way in names
        ]
    return names


def _other_kernel(block: Block, a: Array) -> BlockFinding | None:
    """dW with its numbers elsewhere."""
    if not _is_kernel(block.path):
        return None
    for words, change in kernel_changes(a.shape, _names(a.ndim)):
        changed = np.asarray(change(a))
        if np.array_equal(changed, a):  # an axis of length 1
            continue
        if changed.shape == a.shape and ratio(block.at(changed), block.measured) is not None:
            return BlockFinding("wrong", f"{words}.")
    return None


def _is_kernel(path: str) -> bool:
    return path[:1] not in ("x", "X") and not path.lower().startswith(("image", "input", "a_prev"))


def _by_kernel(analysis: Analysis, block: Block) -> BlockFinding | None:
    """dx that is right once the kernel is changed: so the code has changed it."""
    for path, kernel in analysis.put.items():
        if path == block.path or kernel.ndim != block.value.ndim:
            continue
        for words, change in kernel_changes(kernel.shape, _names(kernel.ndim)):
            other = np.asarray(change(kernel))
            if other.shape != kernel.shape or np.array_equal(other, kernel):
                continue
            run = analysis.unit.run({**analysis.put, path: other.copy()})
            if run.error is None and block.agrees(gradient_of(block, run, analysis.put)):
                return BlockFinding("wrong", f"{words}.")
    return None


def _moved(block: Block, a: Array) -> BlockFinding | None:
    """dx that is moved by some pixels: the padding was cut off at the wrong end."""
    shape = block.value.shape
    positions = np.array(np.unravel_index(block.entries, shape)).T
    for axes in spatial(a.ndim):
        for steps in itertools.product(range(-MOVED, MOVED + 1), repeat=len(axes)):
            there = positions.copy()
            there[:, axes] += steps
            inside = np.all((there >= 0) & (there < shape), axis=1)
            if not any(steps) or inside.sum() < min(SEVERAL, len(positions)):
                continue
            if ratio(a[tuple(there[inside].T)], block.measured[inside]) is not None:
                return BlockFinding(
                    "wrong",
                    f"it is the right gradient, moved by {steps} along the axes {axes}: the "
                    "padding of the forward pass is forgotten on the way back. Of the gradient of "
                    "the padded array the margin belongs cut off on every side: [pad:-pad] or "
                    "[pad:pad + size] along height and width.",
                )
    return None


def _margin(block: Block, a: Array) -> BlockFinding | None:
    """A gradient that still has the margin of the padding on."""
    shape = block.value.shape
    if a.ndim != len(shape) or any(n < m for n, m in zip(a.shape, shape, strict=True)):
        return None
    cut = tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(a.shape, shape, strict=True))
    if ratio(block.at(a[cut]), block.measured) is None:
        return None
    return BlockFinding(
        "wrong",
        f"it has shape {a.shape}, and {block.label} has {shape}: it is the gradient of the padded "
        "array, and its margin is still on. Cut off what was padded, on every side.",
    )


def _pooled(block: Block, a: Array) -> BlockFinding | None:
    """Whether what belongs to one entry of a window was shared out over all of it."""
    n, flat = block.measured, block.at(a)
    size = float(np.abs(n).max())
    some = np.abs(n) > 1e-9 * size
    if some.all():
        return _all_to_one(block, flat, n)
    if some.sum() < 3:
        return None
    c = ratio(flat[some], n[some])
    others = np.abs(flat[~some]) > 1e-9 * size
    if c is None or not others.any():
        return None
    if abs(c - 1.0) < 1e-4:
        return BlockFinding("wrong", POOLED["all for max"])
    whole = 1.0 / c
    if 1.5 < whole < 40 and abs(whole - round(whole)) < 1e-3:
        return BlockFinding("wrong", POOLED["mean for max"])
    return None


def _all_to_one(block: Block, flat: Array, n: Array) -> BlockFinding | None:
    """Whether all of dy goes to one entry, where each has an equal share."""
    given = np.abs(flat) > 1e-9 * float(np.abs(n).max())
    if given.all() or given.sum() < 2:
        return None
    c = ratio(flat[given], n[given])
    if c is not None and c > 1.5 and abs(c - round(c)) < 1e-3:
        return BlockFinding("wrong", POOLED["max for mean"])
    return None
