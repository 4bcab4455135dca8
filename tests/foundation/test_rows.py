"""Rows of pandas in another order than their labels are paired by place, and not without a word."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.foundation.rows import warn_of_other_order
from minnet.layers import Dense
from minnet.models import Sequential

ORDER = np.array([2, 0, 1, 3])


class Table:
    """What minnet asks of a DataFrame or a Series."""

    iloc = None

    def __init__(self, values, index):
        self.values, self._index = np.asarray(values, float), index

    @property
    def index(self):
        return self._index

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)


X = np.arange(8.0).reshape(4, 2) / 8
Y = X.sum(axis=1)
SHUFFLED = Table(X[ORDER], ORDER)
PLAIN = Table(Y, range(4))


def model() -> Sequential:
    made = Sequential([Dense(1, input_dim=2)], seed=0)
    made.compile("sgd", "mse")
    return made


CALLS = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "weights": lambda model, x, y: model.fit(x, Y, sample_weight=y, verbose=0),
    "validation": lambda model, x, y: model.fit(X, Y, validation_data=(x, y), verbose=0),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_labels_in_another_order_are_warned_of(call) -> None:
    message = r"labels of .*x in another order: row 0 is .*2.* in .*x, and 0 in .*\.loc\[.*x\.index"
    with pytest.warns(UserWarning, match=message):
        call(model(), SHUFFLED, PLAIN)
    call(model(), SHUFFLED, Table(Y[ORDER], ORDER))
    call(model(), SHUFFLED, Y[ORDER])
    call(model(), X, PLAIN)


@pytest.mark.parametrize(
    ("first", "second"),
    [([0, 1, 2, 3], [4, 5, 6, 7]), ([0, 0, 1, 1], [0, 1, 0, 1]), ([[0], 1, 2, 3], [1, [0], 2, 3])],
)
def test_other_labels_say_nothing(first, second) -> None:
    warn_of_other_order(Table(X, first), Table(Y, second), ("x", "y"))
    warn_of_other_order([1, 2], [2, 1], ("x", "y"))  # a list has a method index
