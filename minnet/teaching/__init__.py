"""Tools for learning: what does one step do, is my gradient right, and why does it not learn?"""

from minnet.teaching.doctor import Diagnosis, Doctor, Finding, diagnose
from minnet.teaching.explain import Explanation, explain_step
from minnet.teaching.gradients import GradientReport, check_gradients

__all__ = [
    "Diagnosis",
    "Doctor",
    "Explanation",
    "Finding",
    "GradientReport",
    "check_gradients",
    "diagnose",
    "explain_step",
]
