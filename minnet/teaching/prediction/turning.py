"""The smallest change of an input, in Euclidean length, that turns a classifier's answer.

The first point on the other side is sought by DeepFool's steps (Moosavi-Dezfooli, Fawzi and
Frossard, 2016): each goes to the nearest boundary of the local linear map. Straight lines to rows
with another answer are tried as well, and random directions where nothing else leads over. Every
point is then drawn in: to the boundary by halving, and along the boundary towards the point that
is nearest to x. Last, random directions are searched for a nearer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.prediction.local import LocalClassifier

DEEPFOOL_STEPS, DRAWN_IN, HALVINGS = 50, 30, 50
"""How often at most the three kinds of steps are made; each stops when nothing is gained."""

DIRECTIONS, ROUNDS, SHORTER = 64, 8, 0.98
"""Random directions that are tried at once, how often, and how much nearer is worth it."""

FAR_DIRECTIONS, FEW = 2048, 8
"""Random directions to look in where nothing else led over, and points that are drawn in of
them."""

OVERSHOOT = 1e-6
"""How far over the boundary the change ends, relative to its length, at first."""


def smallest_change(
    network: LocalClassifier, x: Array, top: int, others: Array, answer: Callable[[Array], int]
) -> Array | None:
    """The change of x with the smallest length that was found, or None where nothing was.

    Parameters
    ----------
    x
        One sample in float64.
    top
        The answer that should turn.
    others : (N, …) array
        Samples that may have another answer, to look along the lines to them.
    answer
        What the model itself says to a sample. The change that is returned turns that.
    """

    def turned(z: Array) -> bool:
        return int(network.scores(z[None])[0].argmax()) != top

    best: Array | None = None
    for start in _starts(network, x, top, others, turned):
        found_here = _drawn_in(network, x, top, start, turned)
        if best is None or _length(found_here - x) < _length(best - x):
            best = found_here
    if best is None:
        return None
    best = _around(network, x, top, best, turned)
    return _surely(x, best, top, answer)


def _starts(
    network: LocalClassifier, x: Array, top: int, others: Array, turned: Callable[[Array], bool]
) -> Iterator[Array]:
    """Points with another answer."""
    count = 0
    for z in (_deepfool(network, x, top, turned), *others):
        if z is not None and turned(z):
            count += 1
            yield z
    if count:
        return
    directions = _directions(np.random.default_rng(0), FAR_DIRECTIONS, x)
    for radius in 2.0 ** np.arange(-6, 24):
        points = x + radius * directions
        other = np.flatnonzero(network.scores(points).argmax(axis=1) != top)
        if len(other):
            yield from points[other[:FEW]]
            return


def _directions(rng: np.random.Generator, count: int, x: Array) -> Array:
    """Random directions of length 1, each in the shape of x."""
    directions: Array = rng.standard_normal((count, *x.shape))
    sizes = np.sqrt((directions.reshape(count, -1) ** 2).sum(axis=1))
    directions /= sizes.reshape(-1, *(1,) * x.ndim)
    return directions


def _around(
    network: LocalClassifier, x: Array, top: int, best: Array, turned: Callable[[Array], bool]
) -> Array:
    """A nearer point, if one lies in a random direction, and from there again."""
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        directions = _directions(rng, DIRECTIONS, x)
        points = x + directions * _length(best - x) * SHORTER
        other = np.flatnonzero(network.scores(points).argmax(axis=1) != top)
        if len(other):
            best = _drawn_in(network, x, top, points[other[0]], turned)
    return best


def _deepfool(
    network: LocalClassifier, x: Array, top: int, turned: Callable[[Array], bool]
) -> Array | None:
    """Step by step to the nearest boundary of the local linear map, until the answer turns."""
    z = x.copy()
    for _ in range(DEEPFOOL_STEPS):
        scores, gradients = network.slopes(z)
        gaps = scores[top] - scores
        w = gradients[top] - gradients
        sizes = (w.reshape(len(w), -1) ** 2).sum(axis=1)
        possible = [k for k in range(len(scores)) if k != top and sizes[k] > 0]
        if not possible:
            return None
        k = min(possible, key=lambda k: abs(gaps[k]) / np.sqrt(sizes[k]))
        z = np.asarray(z - (gaps[k] / sizes[k]) * 1.02 * w[k])
        if not np.isfinite(z).all():
            return None
        if turned(z):
            return z
    return None


def _drawn_in(
    network: LocalClassifier, x: Array, top: int, z: Array, turned: Callable[[Array], bool]
) -> Array:
    """A point with another answer that is as near to x as can be had from z."""
    z = _halved(x, z, turned)
    for _ in range(DRAWN_IN):
        scores, gradients = network.slopes(z)
        w = gradients[top] - gradients[int(scores.argmax())]
        size = float((w**2).sum())
        if size == 0.0:
            break
        foot = x + w * (float((w * (z - x)).sum()) / size)  # on the boundary's tangent
        nearer = None
        for share in (1.0, 0.5, 0.25, 0.1):
            tried = z + share * (foot - z)
            tried = x + (tried - x) * (1.0 + 1e-3)
            if turned(tried):
                nearer = _halved(x, tried, turned)
                break
        if nearer is None or _length(nearer - x) >= _length(z - x) * (1.0 - 1e-6):
            break
        z = nearer
    return z


def _halved(x: Array, z: Array, turned: Callable[[Array], bool]) -> Array:
    """The point on the line from x to z where the answer has just turned."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if turned(x + middle * (z - x)) else (middle, high)
    return x + high * (z - x)


def _surely(x: Array, z: Array, top: int, answer: Callable[[Array], int]) -> Array | None:
    """The change to z, a little longer: as far as the model, in its own precision, turns."""
    overshoot = OVERSHOOT
    while overshoot < 1.0:
        change = (z - x) * (1.0 + overshoot)
        if answer(x + change) != top:
            return np.asarray(change)
        overshoot *= 2.0
    return None


def _length(change: Array) -> float:
    return float(np.linalg.norm(change))
