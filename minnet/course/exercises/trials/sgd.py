"""Gradient descent: a sign, a rate, and the caller's array."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.sgd import sgd
from minnet.course.exercises.trials.drawing import vectors

rates = st.sampled_from([0.5, 0.1])
"""Learning rates."""

GAPS = (
    Gap(
        sgd,
        ("theta",),
        "θ − η g",
        (Trial(vectors("theta", "grad", learning_rate=rates), expecting(sgd, "theta")),),
        (
            KnownMistake(
                "This goes uphill: the gradient points to where the loss grows. Subtract it.",
                lambda theta, grad, learning_rate: theta + learning_rate * grad,
            ),
            KnownMistake(
                "The learning rate is missing: θ − η g.",
                lambda theta, grad, learning_rate: theta - grad,
            ),
            KnownMistake(
                "This is the step alone. Return where it leads: θ − η g.",
                lambda theta, grad, learning_rate: -learning_rate * grad,
            ),
            KnownMistake(
                "This is the step alone. Return where it leads: θ − η g.",
                lambda theta, grad, learning_rate: learning_rate * grad,
            ),
            KnownMistake(
                "θ is multiplied by the rate, and should not be: it is θ − η g, not η (θ − g).",
                lambda theta, grad, learning_rate: learning_rate * (theta - grad),
            ),
            KnownMistake(
                "The gradient is divided by the learning rate; multiply by it.",
                lambda theta, grad, learning_rate: theta - grad / learning_rate,
            ),
            KnownMistake(
                "The step is divided by the length of θ. There is no mean here: θ − η g.",
                lambda theta, grad, learning_rate: theta - learning_rate * grad / len(theta),
            ),
            KnownMistake(
                "The mean of the gradient moves all weights alike. Each weight has its own entry "
                "of g.",
                lambda theta, grad, learning_rate: theta - learning_rate * grad.mean(),
            ),
            KnownMistake(
                "The gradient is divided by its length: only its direction is left. Leave it as "
                "it is.",
                lambda theta, grad, learning_rate: (
                    theta - learning_rate * grad / np.linalg.norm(grad)
                ),
            ),
            KnownMistake(
                "Only the sign of the gradient is used. The step grows with the gradient: η g.",
                lambda theta, grad, learning_rate: theta - learning_rate * np.sign(grad),
            ),
        ),
    ),
)
