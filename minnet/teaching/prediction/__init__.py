"""Why did it say 7? What each input contributed, which rows are near, and what turns the answer."""

from minnet.teaching.prediction.explain import explain_prediction
from minnet.teaching.prediction.report import ExplainedPrediction, Neighbour

__all__ = ["ExplainedPrediction", "Neighbour", "explain_prediction"]
