"""Tools for learning and teaching: what does one step do, and is my gradient right?"""

from minnet.teaching.explain import Explanation, explain_step
from minnet.teaching.gradients import GradientReport, check_gradients

__all__ = ["Explanation", "GradientReport", "check_gradients", "explain_step"]
