"""A classifier around one input: its scores, their gradients, and the local linear map.

Between its kinks a network of Dense and ReLU is a straight line: near x the difference of two
scores is g·x + c, with the gradient g and a constant c that the biases make. Going down from the
scores, a step y = f(x) that is handed v = ∂d/∂y hands on u = ∂d/∂x, and adds v·y − u·x to the
constant; the sum of all that, and of g ⊙ x, is the difference itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import (
    AlphaDropout,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    HardSigmoid,
    LeakyReLU,
    Linear,
    MaxPooling2D,
    Normalization,
    PReLU,
    ReLU,
    ReLU6,
    Rescaling,
    Reshape,
    Sigmoid,
    Softmax,
    ZeroPadding2D,
)
from minnet.layers.base import Layer
from minnet.models import Sequential

STRAIGHT = (
    *(Dense, Linear, ReLU, LeakyReLU, PReLU, ReLU6, HardSigmoid),
    *(Flatten, Reshape, Rescaling, Normalization, BatchNormalization),
    *(Conv2D, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D),
    ZeroPadding2D,
    *(Dropout, AlphaDropout, GaussianDropout, GaussianNoise),
)
"""Steps that are straight lines between their kinks, as they run when a model predicts."""


class LocalClassifier:
    """A model in float64 up to the scores among which its last step chooses."""

    def __init__(self, model: Sequential) -> None:
        steps = model.in_dtype(np.float64).steps
        self.single = type(steps[-1]) is Sigmoid and model.output_shape == (1,)
        ends = type(steps[-1]) in (Sigmoid, Softmax)
        self.steps: list[Layer] = steps[:-1] if ends else steps

    def run(self, x: Array) -> list[Array]:
        """[x, y1, …] up to the scores, for samples in float64."""
        outputs = [np.asarray(x, np.float64)]
        for step in self.steps:
            outputs.append(step.forward(outputs[-1]))
        return outputs

    def scores_of(self, output: Array) -> Array:
        """One score for each class (N, K); one that answers yes or no has the scores 0 and z."""
        return np.hstack([np.zeros_like(output), output]) if self.single else output

    def scores(self, x: Array) -> Array:
        """The scores (N, K) of samples."""
        return self.scores_of(self.run(x)[-1])

    def way_down(self, outputs: list[Array], towards: Array) -> list[Array]:
        """∂/∂ of all outputs, of x first, for scores that are weighted by `towards` (N, K)."""
        v = towards[:, 1:] if self.single else towards
        slopes = [v]
        for step, x, y in zip(self.steps[::-1], outputs[-2::-1], outputs[:0:-1], strict=True):
            v = step.backward(x, y, v)
            slopes.append(v)
        return slopes[::-1]

    def slopes(self, x: Array) -> tuple[Array, Array]:
        """The scores (K,) of one sample, and the gradient (K, …) of each by its input."""
        K = self.scores(x[None]).shape[1]
        outputs = self.run(np.repeat(x[None], K, axis=0))
        gradients = self.way_down(outputs, np.eye(K))[0]
        return self.scores_of(outputs[-1])[0], gradients

    @property
    def bent(self) -> list[str]:
        """The names of the steps that are no straight lines, or that nobody here knows."""
        return [step.label for step in self.steps if type(step) not in STRAIGHT]


def take_apart(
    network: LocalClassifier, x: Array, top: int, second: int
) -> tuple[Array, Array, dict[str, float], list[tuple[str, Array]]]:
    """The difference of two scores at one sample, as a sum.

    Returns
    -------
    slopes, contributions
        The gradient g by each input, and g ⊙ x; of the sample's shape.
    constants : dict of float
        What each step adds to them, by its name: of a Dense its biases.
    units : list of (name, ndarray)
        For each step, bottom up, what each number of its output contributes to the difference.
    """
    outputs = network.run(x[None])
    towards = np.zeros_like(network.scores_of(outputs[-1]))
    towards[0, top], towards[0, second] = 1.0, -1.0
    way = network.way_down(outputs, towards)
    constants: dict[str, float] = {}
    units: list[tuple[str, Array]] = []
    for step, below, above, u, v in zip(
        network.steps, outputs, outputs[1:], way, way[1:], strict=False
    ):
        constant = _dot(v, above) - _dot(u, below)
        if step.parameters or abs(constant) > 1e-9 * (1.0 + _size(v, above)):
            constants[step.label] = constant
        units.append((step.label, (v * above)[0]))
    return way[0][0], way[0][0] * x, constants, units


def _dot(a: Any, b: Any) -> float:
    return float((a * b).sum())


def _size(a: Any, b: Any) -> float:
    return float(np.abs(a * b).sum())
