"""Momentum: signs, where the rate stands, and which velocity moves the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.momentum import momentum_step
from minnet.course.exercises.trials.drawing import vectors
from minnet.foundation.checks import Array

states = vectors(
    "theta",
    "v",
    "grad",
    learning_rate=st.sampled_from([0.5, 0.1]),
    momentum=st.sampled_from([0.5, 0.9]),
)

Velocity = Callable[[Array, Array, float, float], Array]
"""v, g, η and μ → the new v."""


def _moved_by(velocity: Velocity, sign: float = 1.0) -> Callable[..., Any]:
    """The formula with another velocity."""

    def formula(theta: Array, v: Array, grad: Array, learning_rate: float, momentum: float) -> Any:
        v = velocity(v, grad, learning_rate, momentum)
        return theta + sign * v, v

    return formula


def _rate_outside(
    theta: Array, v: Array, grad: Array, learning_rate: float, momentum: float
) -> Any:
    v = momentum * v + grad
    return theta - learning_rate * v, v


GAPS = (
    Gap(
        momentum_step,
        ("theta", "v"),
        "v ← μ v − η g, then θ ← θ + v",
        (Trial(states, expecting(momentum_step, "theta", "v")),),
        (
            KnownMistake(
                "The gradient is added to the velocity: that rolls uphill. v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: mu * v + rate * g),
            ),
            KnownMistake(
                "The velocity has the other sign here: v ← μ v − η g, and then θ + v.",
                _moved_by(lambda v, g, rate, mu: mu * v + rate * g, sign=-1.0),
            ),
            KnownMistake(
                "The velocity is subtracted, but its minus sign is in v already: θ ← θ + v.",
                _moved_by(lambda v, g, rate, mu: mu * v - rate * g, sign=-1.0),
            ),
            KnownMistake(
                "The momentum has the wrong sign, and brakes: v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: -mu * v - rate * g),
            ),
            KnownMistake(
                "The learning rate stands outside of the velocity, as in PyTorch. Here it is in "
                "it: v ← μ v − η g, then θ ← θ + v.",
                _rate_outside,
            ),
            KnownMistake(
                "The learning rate is applied twice, in v and again in θ: θ ← θ + v.",
                lambda theta, v, grad, learning_rate, momentum: (
                    theta + learning_rate * (momentum * v - learning_rate * grad),
                    momentum * v - learning_rate * grad,
                ),
            ),
            KnownMistake(
                "The gradient has a factor 1 − μ, as in a running mean. Here it has none: "
                "v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: mu * v - (1 - mu) * rate * g),
            ),
            KnownMistake(
                "θ is moved by the old velocity. Make the new one first: v ← μ v − η g, then "
                "θ ← θ + v.",
                lambda theta, v, grad, learning_rate, momentum: (
                    theta + v,
                    momentum * v - learning_rate * grad,
                ),
            ),
            KnownMistake(
                "The old velocity is returned. Return the new one: the next step begins with it.",
                lambda theta, v, grad, learning_rate, momentum: (
                    theta + momentum * v - learning_rate * grad,
                    v,
                ),
            ),
            KnownMistake(
                "The learning rate is missing: v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: mu * v - g),
            ),
            KnownMistake(
                "The momentum is missing: v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: v - rate * g),
            ),
            KnownMistake(
                "This is plain gradient descent: the velocity from before is not used. "
                "v ← μ v − η g.",
                _moved_by(lambda v, g, rate, mu: -rate * g),
            ),
            KnownMistake(
                "This is Nesterov's form, which looks ahead. Here θ is moved by v itself.",
                lambda theta, v, grad, learning_rate, momentum: (
                    theta + momentum * (momentum * v - learning_rate * grad) - learning_rate * grad,
                    momentum * v - learning_rate * grad,
                ),
            ),
        ),
    ),
)
