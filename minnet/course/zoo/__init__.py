"""The bug zoo: classic mistakes, ready to be planted, found and explained.

`ZOO` has them all by name: mistakes in gradients, which `check_gradients` explains, and in data and
settings, which `diagnose` explains. `python -m minnet zoo` is a game of guessing them.
"""

from minnet.course.zoo import gradient_mistakes, training_mistakes
from minnet.course.zoo.mistake import Case, Mistake

HOUSES = (gradient_mistakes, training_mistakes)
"""The modules that keep the mistakes, each in a tuple `MISTAKES`."""

ZOO: dict[str, Mistake] = {
    mistake.name: mistake
    for mistake in sorted((m for house in HOUSES for m in house.MISTAKES), key=lambda m: m.name)
}
"""Name → mistake, sorted."""

__all__ = ["ZOO", "Case", "Mistake"]
