"""One training step, explained with its own numbers."""

from minnet.teaching.explain.numbers import Explanation, State, Step, Weight
from minnet.teaching.explain.run import explain_step

__all__ = ["Explanation", "State", "Step", "Weight", "explain_step"]
