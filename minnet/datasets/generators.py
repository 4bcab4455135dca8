"""Small made-up data: for pictures, and for problems whose answer is known.

Each returns x, y, x_test, y_test, the test samples drawn anew from the same source, in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.datasets.digits import Split
from minnet.foundation.checks import Array, generator, integer, number
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused

MOST_NOISE = 1e30
"""Points beyond are no numbers of float32."""

Sampler = Callable[[int], tuple[Array, Array]]
"""How many → x and y, drawn anew."""


@named
@seed_unmoved_where_refused
def spirals(n: int = 100, classes: int = 3, noise: float = 0.2, seed: Any = None) -> Split:
    """Arms of a spiral, one for each class: what no straight line separates.

    The points of the course notes CS231n: radius r from 0 to 1, angle from 4k to 4(k + 1) for arm
    k, with normal noise on the angle; x = (r sin, r cos).

    Parameters
    ----------
    n
        Points of each class.
    classes
        Arms.
    noise
        Standard deviation of the angle, in radians.
    seed
        An int or a generator.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        What is no number, or no seed.

    Examples
    --------
    >>> x, y, x_test, y_test = spirals(100, seed=0)
    >>> x.shape, y.shape
    ((300, 2), (300,))
    """
    K = integer(classes, "spirals' classes", minimum=1)
    noise = number(noise, "spirals' noise", minimum=0.0, maximum=MOST_NOISE)
    rng = generator(seed)

    def draw(n: int) -> tuple[Array, Array]:
        radius = np.tile(np.linspace(0.0, 1.0, n), K)
        arm = np.repeat(np.arange(K), n)
        angle = 4.0 * arm + 4.0 * radius + noise * rng.standard_normal(K * n)
        return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]), arm

    return _twice(draw, integer(n, "spirals' n", minimum=1))


@named
@seed_unmoved_where_refused
def moons(n: int = 200, noise: float = 0.1, seed: Any = None) -> Split:
    """Two half circles that reach into each other, as in scikit-learn.

    Parameters
    ----------
    n
        Points in all.
    noise
        Standard deviation of normal noise on both coordinates.
    seed
        An int or a `numpy.random.Generator`; None draws fresh entropy.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        What is no number, or no seed.

    Examples
    --------
    >>> x, y, x_test, y_test = moons(100, seed=0)
    >>> x.shape, y.shape
    ((100, 2), (100,))
    """
    noise = number(noise, "moons' noise", minimum=0.0, maximum=MOST_NOISE)
    rng = generator(seed)

    def draw(n: int) -> tuple[Array, Array]:
        y = np.arange(n) % 2
        angle = rng.uniform(0.0, math.pi, n)
        upper = np.column_stack([np.cos(angle), np.sin(angle)])
        lower = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])
        return np.where(y[:, None] == 0, upper, lower) + noise * rng.standard_normal((n, 2)), y

    return _twice(draw, integer(n, "moons' n", minimum=2))


@named
@seed_unmoved_where_refused
def blobs(
    n: int = 200, classes: int = 3, features: int = 2, noise: float = 1.0, seed: Any = None
) -> Split:
    """Round clouds of points, one for each class, around centres drawn from ±5.

    Parameters
    ----------
    n
        Points in all.
    classes, features
        K and D.
    noise
        Standard deviation of each cloud.
    seed
        An int or a `numpy.random.Generator`; None draws fresh entropy.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        What is no number, or no seed.

    Examples
    --------
    >>> x, y, x_test, y_test = blobs(90, classes=3, seed=0)
    >>> x.shape, y.shape
    ((90, 2), (90,))
    """
    K = integer(classes, "blobs' classes", minimum=1)
    D = integer(features, "blobs' features", minimum=1)
    noise = number(noise, "blobs' noise", minimum=0.0, maximum=MOST_NOISE)
    n = integer(n, "blobs' n", minimum=1)  # before anything is drawn
    rng = generator(seed)
    centres = rng.uniform(-5.0, 5.0, (K, D))

    def draw(n: int) -> tuple[Array, Array]:
        y = np.arange(n) % K
        return centres[y] + noise * rng.standard_normal((n, D)), y

    return _twice(draw, n)


@named
@seed_unmoved_where_refused
def xor(n: int = 200, noise: float = 0.1, seed: Any = None) -> Split:
    """The corners of a square, of class 1 where the coordinates differ: XOR.

    Parameters
    ----------
    n
        Points in all; with n=4 and noise=0 exactly the truth table.
    noise
        Standard deviation of normal noise around the corners.
    seed
        An int or a `numpy.random.Generator`; None draws fresh entropy.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        What is no number, or no seed.

    Examples
    --------
    >>> x, y, _, _ = xor(4, noise=0.0, seed=0)
    >>> sorted(zip(x.tolist(), y.tolist()))[0]
    ([0.0, 0.0], 0)
    """
    noise = number(noise, "xor's noise", minimum=0.0, maximum=MOST_NOISE)
    rng = generator(seed)

    def draw(n: int) -> tuple[Array, Array]:
        corner = np.arange(n) % 4
        a, b = corner // 2, corner % 2
        return np.column_stack([a, b]) + noise * rng.standard_normal((n, 2)), a ^ b

    return _twice(draw, integer(n, "xor's n", minimum=1))


@named
@seed_unmoved_where_refused
def sine(n: int = 200, noise: float = 0.1, seed: Any = None) -> Split:
    """One wave, y = sin x for x from −π to π: a curve to fit, with y of shape (N, 1).

    Parameters
    ----------
    n
        Points.
    noise
        Standard deviation of normal noise on y.
    seed
        An int or a `numpy.random.Generator`; None draws fresh entropy.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        What is no number, or no seed.

    Examples
    --------
    >>> x, y, x_test, y_test = sine(50, seed=0)
    >>> x.shape, y.shape
    ((50, 1), (50, 1))
    """
    noise = number(noise, "sine's noise", minimum=0.0, maximum=MOST_NOISE)
    rng = generator(seed)

    def draw(n: int) -> tuple[Array, Array]:
        x = rng.uniform(-math.pi, math.pi, (n, 1))
        return x, np.sin(x) + noise * rng.standard_normal((n, 1))

    x, y, x_test, y_test = _twice(draw, integer(n, "sine's n", minimum=1))
    return x, y.astype(np.float32), x_test, y_test.astype(np.float32)


def _twice(draw: Sampler, n: int) -> Split:
    (x, y), (x_test, y_test) = draw(n), draw(n)
    return x.astype(np.float32), y, x_test.astype(np.float32), y_test
