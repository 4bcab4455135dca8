"""Penalties on weights: minnet's own, under Keras' spellings."""

from __future__ import annotations

from typing import Any

from minnet.foundation.checks import short
from minnet.keras import words
from minnet.keras.names import meant, table
from minnet.regularizers import L1, L1L2, L2
from minnet.regularizers import REGULARIZERS as KNOWN
from minnet.regularizers import Regularizer as CoreRegularizer

__getattr__ = words.answering(__name__)

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get", "l1", "l1_l2", "l2"]


class Regularizer(CoreRegularizer):
    """A penalty of your own: `__call__(w)` is the penalty, and `gradient(w)` its gradient."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.gradient is CoreRegularizer.gradient:
            raise NotImplementedError(
                f"{cls.__name__} has no gradient. minnet differentiates no code: write "
                "gradient(self, weights) beside __call__, as minnet.regularizers.Regularizer "
                "explains."
            )


l1, l2, l1_l2 = L1, L2, L1L2

NAMES = table(KNOWN)


def get(identifier: Any) -> Any:
    """Return the penalty of this name; an object as it is.

    Raises
    ------
    NotImplementedError
        A function of one's own: nobody knows its gradient.
    """
    if callable(identifier) and not isinstance(identifier, (type, CoreRegularizer, words.Missing)):
        raise NotImplementedError(
            f"A regularizer is a name, or a Regularizer. Got {short(identifier)}, whose gradient "
            "nobody knows. Use L1, L2 or L1L2, or write a Regularizer with its gradient, as "
            "minnet.regularizers.Regularizer explains."
        )
    return meant(identifier, NAMES, "A regularizer")
