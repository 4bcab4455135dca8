"""A student's pair of functions, and the same functions for another number of rows.

`f` often closes over its data: `lambda w: ((x @ w - y) ** 2).mean()`. Whether its gradient forgot
1/N shows only with another N, so the functions are made once more over fewer rows of every array
that they close over or take from their module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.formulas import FormulaScene
from minnet.teaching.gradients.scenes import mixed

Function = Callable[[Array], Any]


def function_scene(f: Function, gradient_of_f: Function, x: Array) -> FormulaScene:
    """The scene of f and its gradient, with x as the array."""

    def again(rows: int, wide: bool, rng: np.random.Generator) -> FormulaScene | None:
        if x.ndim == 0 or wide:
            return None
        shown = _over_fewer_rows(f, gradient_of_f, x)
        if shown is not None:
            return shown
        try:
            scene = function_scene(f, gradient_of_f, mixed(x, rows, rng))
            answer = scene.answer(np.ones(()))
        except Exception:  # it does not take that shape
            return None
        return None if answer.errors or _misfits(scene) else scene

    scene = _scene(f, gradient_of_f, x)
    scene.again = again
    return scene


def _scene(f: Function, gradient_of_f: Function, x: Array) -> FormulaScene:
    return FormulaScene("gradient_of_f", "x", x, lambda: (f, gradient_of_f), keeps=False)


def _misfits(scene: FormulaScene) -> bool:
    f, gradient = scene.functions()
    return np.size(f(scene.value.copy())) != 1 or (
        np.shape(gradient(scene.value.copy())) != scene.value.shape
    )


def _over_fewer_rows(f: Function, gradient_of_f: Function, x: Array) -> FormulaScene | None:
    """The same pair over fewer rows of its data; `rows` of the scene is then the data's."""
    data = _data(f) + _data(gradient_of_f)
    lengths = Counter(len(array) for array in data if array.ndim and len(array) > 1)
    for length, _ in lengths.most_common():
        fewer = max(1, (2 * length) // 3)
        cut_f, cut_g = (_with_rows(g, length, fewer) for g in (f, gradient_of_f))
        if cut_f is None or cut_g is None:
            continue
        cut_x = x[:fewer] if len(x) == length else x
        scene = _scene(cut_f, cut_g, cut_x)
        try:
            if _misfits(scene):
                continue
        except Exception:  # noqa: S112 - these rows belong together with something else
            continue
        scene.rows, scene.data_rows = fewer, length
        return scene
    return None


def _data(function: Any, depth: int = 3) -> list[Array]:
    """The arrays that a function, or one that it calls, closes over or takes from its module."""
    if not isinstance(function, FunctionType):
        return []
    values = [function.__globals__.get(name) for name in function.__code__.co_names]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # an empty cell
            continue
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if depth > 0:
        for called in values:
            if called is not function:
                arrays += _data(called, depth - 1)
    return arrays


def _with_rows(function: Function, length: int, fewer: int, depth: int = 3) -> Function | None:
    """The function over the first rows of those of its arrays that have this length.

    Functions that it calls are made anew as well.
    """
    if not isinstance(function, FunctionType):
        return None

    def cut(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.ndim and len(value) == length:
            return value[:fewer]
        if isinstance(value, FunctionType) and depth > 0 and value is not function:
            return _with_rows(value, length, fewer, depth - 1)
        return value

    names = set(function.__code__.co_names) & set(function.__globals__)
    around = {**function.__globals__, **{n: cut(function.__globals__[n]) for n in names}}
    try:
        cells = tuple(CellType(cut(cell.cell_contents)) for cell in function.__closure__ or ())
    except ValueError:  # an empty cell
        return None
    again = FunctionType(
        function.__code__, around, function.__name__, function.__defaults__, cells or None
    )
    again.__kwdefaults__ = function.__kwdefaults__
    return again
