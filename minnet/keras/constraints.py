"""Bounds of weights: minnet's own, under Keras' spellings."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.constraints import CONSTRAINTS as KNOWN
from minnet.constraints import Constraint as CoreConstraint
from minnet.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
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


class Constraint(CoreConstraint):
    """A constraint of your own: `__call__(w)` returns the weights within the bounds."""

    def __init_subclass__(cls, **options: Any) -> None:
        called = vars(cls).get("__call__")
        if called is not None and "project" not in vars(cls):  # what Keras calls, a step projects
            project: Any = lambda self, weights: np.asarray(called(self, weights))  # noqa: E731
            cls.project = project  # type: ignore[method-assign]
            del cls.__call__
        super().__init_subclass__(**options)


max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm

NAMES = table(KNOWN)


def get(identifier: Any) -> Any:
    """Return the constraint of this name; an object as it is."""
    return meant(identifier, NAMES, "A constraint")
