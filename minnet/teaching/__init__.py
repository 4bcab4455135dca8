"""Tools for learning and teaching: is my gradient right, and why does it not learn?"""

from minnet.teaching.doctor import Diagnosis, Doctor, Finding, diagnose
from minnet.teaching.gradients import GradientReport, check_gradients

__all__ = ["Diagnosis", "Doctor", "Finding", "GradientReport", "check_gradients", "diagnose"]
