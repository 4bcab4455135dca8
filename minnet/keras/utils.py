"""Small tools."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.foundation.registry import register
from minnet.foundation.strict import named
from minnet.keras import words
from minnet.keras.backend import clear_session as clear_session
from minnet.keras.backend import set_random_seed as set_random_seed

__getattr__ = words.answering(__name__)


@named
def to_categorical(x: Any = None, num_classes: int | None = None, *, y: Any = None) -> Array:
    """Rows with a 1 at the label and 0 elsewhere, in float32 (Keras' are float64).

    Parameters
    ----------
    x
        Labels, (N,) or (N, 1).
    num_classes
        K; by default the largest label and one.
    """
    from minnet.datasets.preparation import one_hot

    labels = np.asarray(y if x is None else x)
    K = int(labels.max()) + 1 if num_classes is None else num_classes
    if labels.ndim == 0:
        row: Array = one_hot(labels.reshape(1), K)[0]
        return row
    return one_hot(labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels, K)


@named
def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """Bring each row, or what goes along another axis, to length 1: `minnet.datasets.unit_length`.

    Parameters
    ----------
    axis
        The axis along which a length is taken.
    order
        2 for Euclid's length, 1 for the sum of the sizes.
    """
    from minnet.datasets.preparation import unit_length

    return unit_length(x, axis, order)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Any:
    """Make a class of your own known, so that files can hold it: `minnet.register`.

    A function stays as it is: files hold metrics by name, and the program has it anyway.
    """

    def known(thing: Any) -> Any:
        return register(thing) if isinstance(thing, type) else thing

    return known
