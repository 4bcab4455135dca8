"""Scenes of a single formula with a number on top: a loss, a penalty, a student's function."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer
from minnet.losses import Loss, mean
from minnet.regularizers import Regularizer
from minnet.teaching.gradients.measuring import Measurable
from minnet.teaching.gradients.scenes import (
    AS_IN_TRAINING,
    Answer,
    Circumstances,
    Scene,
    mixed,
    numbers_of,
)


class FormulaScene(Scene):
    """A number that depends on one array, and a formula for its gradient."""

    def __init__(
        self,
        who: str,
        variable: str,
        value: Array,
        functions: Callable[[], tuple[Callable[[Array], Any], Callable[[Array], Any]]],
        again: Callable[[int, bool, np.random.Generator], FormulaScene | None] | None = None,
        *,
        keeps: bool = True,
        target: Array | None = None,
    ) -> None:
        """`functions` makes f and its gradient; `keeps`: they have to leave the array as it is."""
        self.who, self.variable, self.value, self.functions = who, variable, value, functions
        self.again, self.keeps, self.target = again, keeps, target
        self.values, self.y, self.suspects = {variable: value}, np.zeros(()), {}
        self.rows = len(value) if value.ndim else 1

    def where(self, variable: str) -> str:
        return self.who

    def make(self, dtype: Any) -> Measurable:
        value, (f, _) = self.value.astype(dtype), self.functions()
        return Measurable({self.variable: value}, lambda: f(value.copy()))

    def answer(self, dy: Array, how: Circumstances = AS_IN_TRAINING) -> Answer:
        answer, (f, formula) = Answer(), self.functions()
        if not how.fresh:
            other = mixed(self.value, self.rows, np.random.default_rng(1)) if self.value.ndim else 1
            try:
                f(np.array(other, np.float64))
                formula(np.array(other, np.float64))
            except Exception:  # it takes no other numbers than those it was given
                f, formula = self.functions()
        given = self.value.copy()
        f(given if self.keeps else given.copy())
        if self.keeps and not np.array_equal(given, self.value, equal_nan=True):
            answer.touched.append(f"computing the value changes the {self.variable}")
        if how.pristine:
            given = self.value.copy()
        before = given.copy()
        try:
            gradient = np.array(numbers_of(formula(given), self.who))
            answer.gradients[self.variable] = gradient * dy
        except NotImplementedError:
            raise
        except Exception as error:
            answer.errors[self.variable] = error
        if self.keeps and not np.array_equal(given, before, equal_nan=True):
            answer.touched.append(f"gradient changes the {self.variable}")
        return answer

    def resized(self, rows: int, rng: np.random.Generator) -> Scene | None:
        return None if self.again is None else self.again(rows, False, rng)

    def widened(self, rng: np.random.Generator) -> Scene | None:
        return None if self.again is None else self.again(self.rows, True, rng)


def loss_scene(loss: Loss, p: Array, target: Array, fuse: Layer | None = None) -> FormulaScene:
    """A loss's gradient with respect to the prediction, or to z where `fuse` is the activation."""

    def functions() -> tuple[Callable[[Array], Any], Callable[[Array], Any]]:
        own = copy.deepcopy(loss)
        if fuse is None:
            return (
                lambda p: mean(own.per_sample(p, target.copy())),
                lambda p: own.gradient(p, target.copy()),
            )
        return (
            lambda z: mean(own.fused(z, fuse.forward(z), target)[0]),
            lambda z: own.fused(z, fuse.forward(z), target)[1],
        )

    def again(rows: int, wide: bool, rng: np.random.Generator) -> FormulaScene | None:
        order = np.arange(rows) % len(p)
        q, t = p[order], target[order]
        if wide and p.ndim == 2:
            q = np.concatenate([q, 0.5 * q + 0.5 * q[::-1]], axis=1)
            t = np.concatenate([t, t], axis=1) if t.ndim == 2 else t
        try:
            scene = loss_scene(loss, q, t, fuse)
            for function in scene.functions():
                function(q.copy())
        except Exception:  # it does not take that shape
            return None
        return scene

    name = f"{type(loss).__name__}.{'gradient' if fuse is None else 'fused'}"
    return FormulaScene(name, "prediction", p, functions, again, target=target)


def penalty_scene(who: str, penalty: Regularizer, weights: Array) -> FormulaScene:
    """A regularizer's gradient with respect to the weights."""

    def functions() -> tuple[Callable[[Array], Any], Callable[[Array], Any]]:
        own = copy.deepcopy(penalty)
        return own, own.gradient

    name = f"{who}, {type(penalty).__name__}.gradient"
    return FormulaScene(name, "weights", weights, functions)
