"""Tools for learning and teaching: is my gradient right?"""

from minnet.teaching.gradients import GradientReport, check_gradients

__all__ = ["GradientReport", "check_gradients"]
