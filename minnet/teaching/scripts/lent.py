"""Modules, tables and boxes of arrays that stand in for those that are not here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LOADS = (
    r"load|read|open|fetch|get_?data|import_?data|download|data_?set|pickle|genfromtxt|File\(|mnist|"
    r"prepare|make_(moons|blobs|circles|classification|regression)|extract|parse"
)
"""Calls that bring data."""


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _softmax(z: Any) -> Any:
    axis = 0 if np.ndim(z) < 2 else 1
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _one_hot(y: Any, count: int | None = None, **more: Any) -> Any:
    labels = np.asarray(y).reshape(-1).astype(int)
    return np.eye(count or more.get("num_classes") or int(labels.max()) + 1)[labels]


def _split(*arrays: Any, **more: Any) -> list[Any]:
    """The first three quarters and the rest of each."""
    parts: list[Any] = []
    for array in arrays:
        cut = max(1, 3 * len(array) // 4)
        parts += [array[:cut], array[cut:]]
    return parts


def _standard(x: Any, *rest: Any) -> Any:
    spread = np.std(x, axis=0)
    return (x - np.mean(x, axis=0)) / np.where(spread > 0, spread, 1.0)


KNOWN: dict[str, Callable[..., Any]] = {
    "sigmoid": _sigmoid,
    "expit": _sigmoid,
    "relu": lambda z: np.maximum(0, z),
    "softmax": _softmax,
    "tanh": np.tanh,
    "sigmoid_prime": lambda z: _sigmoid(z) * (1 - _sigmoid(z)),
    "to_categorical": _one_hot,
    "train_test_split": _split,
    "tqdm": lambda values, *rest, **more: values,
    "trange": lambda count, *rest, **more: range(count),
    "fit_transform": _standard,
    "transform": _standard,
    "accuracy_score": lambda *arrays, **more: 0.0,
}
"""Functions of other modules that have a value for the training."""


class Lent:
    """Something of a module that is not installed: it gives nothing, and data are not in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Lent:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lent(f"{self.name}.{name}")

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        short = self.name.split(".")[-1]
        if short in KNOWN:
            return KNOWN[short](*arguments, **more)
        if re.search(LOADS, short):
            raise FileNotFoundError(f"{self.name} is not here")
        return Lent(f"{self.name}()")

    def __getitem__(self, key: Any) -> Lent:
        return Lent(f"{self.name}[]")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __enter__(self) -> Lent:
        return self

    def __exit__(self, *error: Any) -> None:
        return None


class Bag:
    """Arrays by name, as a dict and as attributes; each is made when it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def _of(self, key: str) -> Any:
        value = self.make("x" if key in ("data", "images") else key)
        return self.make("x") if value is None else value

    def __getitem__(self, key: Any) -> Any:
        if key in ("arr_0", "arr_1"):
            return self._of("x" if key == "arr_0" else "y")
        return self._of(str(key).strip("bB'"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self if name == "f" else self._of(name)


class Columns:
    """A table of named columns with the few things that a training asks of it."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.by_name = columns

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Any:
        """A DataFrame of pandas, or a plain table where pandas is not installed."""
        try:
            return importlib.import_module("pandas").DataFrame(columns)
        except ImportError:
            return cls(columns)

    @property
    def columns(self) -> list[str]:
        """The names."""
        return list(self.by_name)

    @property
    def values(self) -> Any:
        """All columns, side by side."""
        return np.column_stack(list(self.by_name.values()))

    @property
    def iloc(self) -> Any:
        """The array, which is indexed by numbers."""
        return Series(self.values)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.values.shape
        return rows, columns

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.values, dtype)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, list):
            return Columns({name: self.by_name[name] for name in key})
        return Series(self.by_name[key])

    def __getattr__(self, name: str) -> Any:
        if name == "T":
            return self.values.T
        if name.startswith("__") or name not in vars(self).get("by_name", {}):
            raise AttributeError(name)
        return Series(self.by_name[name])

    def to_numpy(self, *arguments: Any) -> Any:
        """All columns, side by side."""
        return self.values

    def drop(self, names: Any = None, **more: Any) -> Columns:
        """The table without some columns."""
        gone = more.get("columns", names)
        gone = [gone] if isinstance(gone, str) else list(gone)
        return Columns({n: c for n, c in self.by_name.items() if n not in gone})

    def pop(self, name: str) -> Any:
        """Take a column out."""
        return Series(self.by_name.pop(name))

    def head(self, *arguments: Any, **more: Any) -> Columns:
        """The table: so are `sample`, `dropna` and the like."""
        return self

    sample = dropna = reset_index = copy = head


class Series(np.ndarray[Any, np.dtype[Any]]):
    """An array that is also asked for its values."""

    def __new__(cls, array: Any) -> Series:
        """The same numbers."""
        return np.asarray(array).view(cls)

    @property
    def values(self) -> Any:
        """The plain array."""
        return np.asarray(self)

    def to_numpy(self, *arguments: Any) -> Any:
        """The plain array."""
        return np.asarray(self)
