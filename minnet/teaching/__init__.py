"""Tools for learning: what does one step do, is my gradient right, why does it not learn, why 7?"""

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
from minnet.teaching.prediction import ExplainedPrediction, explain_prediction

__all__ = [
    "Computation",
    "Diagnosis",
    "Doctor",
    "ExplainedPrediction",
    "Explanation",
    "Finding",
    "GradientReport",
    "LayerFormulas",
    "LossFormulas",
    "OptimizerFormulas",
    "check_gradients",
    "diagnose",
    "explain_prediction",
    "explain_step",
    "explains",
]
