"""Tools for learning: what does one step do, is my gradient right, and why does it not learn?"""

from minnet.teaching.doctor import Diagnosis, Doctor, Finding, diagnose
from minnet.teaching.explain import (
    Computation,
    Explanation,
    LayerFormulas,
    LossFormulas,
    OptimizerFormulas,
    explain_step,
    explains,
)
from minnet.teaching.gradients import GradientReport, check_gradients

__all__ = [
    "Computation",
    "Diagnosis",
    "Doctor",
    "Explanation",
    "Finding",
    "GradientReport",
    "LayerFormulas",
    "LossFormulas",
    "OptimizerFormulas",
    "check_gradients",
    "diagnose",
    "explain_step",
    "explains",
]
