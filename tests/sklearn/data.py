"""Small data and warnings for the tests of the door to scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 5))
TWO = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
SEVERAL = (X[:, :3] > 0).astype(int)
NUMBER = X @ rng.normal(size=5)
NUMBERS = X @ rng.normal(size=(5, 3))


@contextmanager
def calm() -> Iterator[None]:
    """No warnings of trainings that are cut short on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def fitted(estimator: Any, x: Any = X, y: Any = TWO, **more: Any) -> Any:
    """The estimator, fitted, without a word of how soon it stopped."""
    with calm():
        return estimator.fit(x, y, **more)
