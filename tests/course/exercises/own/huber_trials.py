"""What is tried of Huber's loss."""

import numpy as np
from huber import huber
from hypothesis import strategies as st

from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.trials.drawing import vectors

GAPS = (
    Gap(
        huber,
        ("loss",),
        "d² / 2 where |d| ≤ δ, else δ (|d| − δ / 2)",
        (
            Trial(
                vectors("difference", delta=st.sampled_from([1.0, 2.0])), expecting(huber, "loss")
            ),
        ),
        (
            KnownMistake(
                "The squared form is used everywhere; beyond δ the loss is a straight line.",
                lambda difference, delta: difference**2 / 2,
            ),
            KnownMistake(
                "The two forms do not meet at |d| = δ: the straight one is δ (|d| − δ / 2).",
                lambda difference, delta: np.where(
                    np.abs(difference) <= delta, difference**2 / 2, delta * np.abs(difference)
                ),
            ),
        ),
    ),
)
