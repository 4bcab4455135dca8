"""Bounds of weights: minnet's own, under Keras' spellings."""

from __future__ import annotations

from typing import Any

from minnet.constraints import CONSTRAINTS as KNOWN
from minnet.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from minnet.keras import words
from minnet.keras.names import meant, table

__getattr__ = words.answering(__name__)

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]

max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm

NAMES = table(KNOWN)


def get(identifier: Any) -> Any:
    """Return the constraint of this name; an object as it is."""
    return meant(identifier, NAMES, "A constraint")
