"""The one place where a student's code is run, and the random numbers that it may draw on.

Nothing else in the package runs code that is handed to it as text. A user who asks for a check asks
for their own file to be run.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def execute(code: Any, names: dict[str, Any]) -> None:
    """Run code in a namespace."""
    exec(code, names)  # noqa: S102 - the student's own


def value_of(code: Any, names: dict[str, Any]) -> Any:
    """Return what an expression gives in a namespace."""
    return eval(code, names)  # noqa: S307 - a part of the student's own code


def random_state() -> Any:
    """Return the state of NumPy's and Python's global generators, which students use."""
    return np.random.get_state(), random.getstate()


def set_random_state(state: Any) -> None:
    """Put both generators into a state."""
    np.random.set_state(state[0])
    random.setstate(state[1])


def seeded_state(seed: int) -> Any:
    """Return the state of both generators after a seed."""
    return np.random.RandomState(seed).get_state(), random.Random(seed).getstate()  # noqa: S311
