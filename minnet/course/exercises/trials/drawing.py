"""What is drawn for calls: small whole numbers, so that a counterexample can be checked by hand.

Shapes and a seed are drawn for gradients, and the numbers come from the seed, without zeros, which
hide mistakes. Hypothesis makes all of it as small as it can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.foundation.checks import Array, Shape

COMPLEX_STEP = 1e-20
"""It subtracts nothing, so that it may be as small."""

sizes = st.integers(1, 4)
"""N, D, M or P."""

classes = st.integers(2, 4)
"""K."""

seeds = st.integers(0, 999)

Draw = Callable[[st.SearchStrategy[Any]], Any]
"""What `st.composite` hands over."""


def whole(seed: int, *shapes: Shape) -> list[Array]:
    """One array for each shape, of whole numbers from −3 to 3 without 0."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 4, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes]


def arrays(
    shape: Shape, elements: st.SearchStrategy[int] | None = None
) -> st.SearchStrategy[Array]:
    """Arrays of drawn whole numbers, from −3 to 3 unless others are asked for."""
    size = int(np.prod(shape))
    numbers = st.lists(
        st.integers(-3, 3) if elements is None else elements, min_size=size, max_size=size
    )
    return numbers.map(lambda drawn: np.array(drawn[::-1], dtype=float).reshape(shape))


def vectors(*names: str, **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Given]:
    """Arrays (P,) of the same P from one seed, and other things."""

    @st.composite
    def draw_all(draw: Draw) -> Given:
        P, seed = draw(sizes), draw(seeds)
        given = dict(zip(names, whole(seed, *[(P,)] * len(names)), strict=True))
        return given | {name: draw(strategy) for name, strategy in others.items()}

    return draw_all()


def derivative(f: Callable[[Array], Any], at: Array) -> Array:
    """∂f/∂x for each entry, measured: by complex step where f takes it."""
    result = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1j * COMPLEX_STEP
        result[index] = np.imag(f(moved)) / COMPLEX_STEP
    return result.round(12)  # 1e-17 for 0 is hard to read


def central_difference(f: Callable[[Array], float], at: Array, h: float = 1e-5) -> Array:
    """∂f/∂x for each entry, from f(x ± h), for functions of real numbers alone."""
    result = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += h
        down[index] -= h
        result[index] = (f(up) - f(down)) / (2 * h)
    return result.round(8)
