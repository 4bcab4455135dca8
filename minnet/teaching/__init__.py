"""Tools for learning and teaching: is my gradient right?"""

from minnet.teaching.gradients import Finding, GradientReport, check_gradients

__all__ = ["Finding", "GradientReport", "check_gradients"]
