"""What Hypothesis draws, named as in the docstrings: N samples, D inputs, M outputs, K classes.

For gradients draw shapes and a seed, and numbers from the seed: drawn numbers shrink to zeros,
which hide errors and sit on ReLU's kink. For identities draw the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet import Sequential
from minnet.checks import Array
from minnet.layers import (
    GELU,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    LeakyReLU,
    Tanh,
)

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


@st.composite
def stacks(draw: st.DrawFn, *, outputs: int | None = None) -> Sequential:
    """A built float64 model of a few layers of all kinds, ending in a Dense of M outputs."""
    seed, width = draw(seeds), draw(D)
    kinds = draw(st.lists(st.sampled_from(sorted(_BLOCKS)), max_size=4))
    layers = [layer for kind in kinds for layer in _BLOCKS[kind](draw(M))]
    model = Sequential(
        [Input((width,)), *layers, Dense(draw(M) if outputs is None else outputs)],
        seed=seed,
        dtype="float64",
    )
    # Away from zero biases and unit scales, where a mistake can hide.
    model.theta += 0.3 * np.random.default_rng(seed).standard_normal(model.theta.size)
    return model


_BLOCKS: dict[str, Callable[[int], list[Layer]]] = {
    "tanh": lambda units: [Dense(units, activation="tanh")],
    "sigmoid": lambda units: [Dense(units, activation="sigmoid", kernel_regularizer="l2")],
    "softplus": lambda units: [Dense(units, activation="softplus", use_bias=False)],
    "gelu": lambda units: [Dense(units), GELU()],
    "relu": lambda units: [Dense(units), LeakyReLU()],
    "softmax": lambda units: [Dense(units + 1, activation="softmax")],
    "normalised": lambda units: [Dense(units), BatchNormalization(), Tanh()],
    "dropped": lambda units: [Dense(units + 1, activation="elu"), Dropout(0.4)],
    "flat": lambda units: [Flatten()],
}
