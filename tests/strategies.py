"""What Hypothesis draws, named as in the docstrings: N samples, D inputs, M outputs, K classes.

For gradients draw shapes and a seed, and numbers from the seed: drawn numbers shrink to zeros,
which hide errors and sit on ReLU's kink. For identities draw the numbers themselves.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.foundation.checks import Array

seeds = st.integers(0, 2**32 - 1)
N = st.integers(1, 6)
D = st.integers(1, 5)
M = st.integers(1, 5)
K = st.integers(2, 6)

row_shapes = st.tuples(N, D)
"""(N, D)"""

batch_shapes = st.tuples(N, D) | st.tuples(N, D, D) | st.tuples(N, D, D, D)
"""(N, D), and samples of two and three axes."""


def normal(seed: int, *shapes: tuple[int, ...]) -> list[Array]:
    """One array of normal numbers for each shape, all from one seed, in float64."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def reals(bound: float) -> st.SearchStrategy[float]:
    """Numbers from -bound to bound."""
    return st.floats(-bound, bound, allow_nan=False)


def rows(
    bound: float, shapes: st.SearchStrategy[tuple[int, int]] | None = None
) -> st.SearchStrategy[Array]:
    """(N, K) float64 arrays of numbers from -bound to bound."""
    shape = st.tuples(N, K) if shapes is None else shapes
    return hnp.arrays(np.float64, shape, elements=reals(bound))
