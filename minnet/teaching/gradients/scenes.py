"""One formula of the code, alone on a stage, where it can be run again and again.

A scene is a layer's step, a loss, a penalty or a student's function with the arrays it depends on.
It can be measured, asked for its analytic gradient under other circumstances (another gradient
from above, other numbers in the buffers, after another batch or before any), and made anew for
another batch size or another shape. What it is asked never changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer, Memo, bind
from minnet.teaching.gradients.capture import written
from minnet.teaching.gradients.measuring import Measurable

JUNK = 3.141592653589793
OTHER_JUNK = -2.718281828459045
"""What gradients are filled with first, so that one that is not written, or added to, shows."""


@dataclass(frozen=True)
class Circumstances:
    """Those under which the code is asked for a gradient.

    Attributes
    ----------
    junk
        What stands in the buffers before.
    pristine
        Whether each formula gets arrays as they were, or as the formulas before left them.
    fresh
        Whether nothing was run before; otherwise another batch was.
    capture
        Whether gradients of another shape are taken as well.
    """

    junk: float = JUNK
    pristine: bool = False
    fresh: bool = False
    capture: bool = False


AS_IN_TRAINING = Circumstances()
PRISTINE = Circumstances(pristine=True)
"""What one formula does to its arrays is hidden from the next."""


@dataclass
class Answer:
    """What the code says: the gradient of each array, in whatever shape, or the error instead."""

    gradients: dict[str, Array] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)  # "forward changed x", as (method, array)


class Scene:
    """What all scenes have; `y` is the output, of which `dy` is the gradient from above."""

    who: str
    values: dict[str, Array]
    y: Array
    rows: int  # N
    suspects: dict[str, int]  # an entry of an array, by its flat index, that has to be looked at
    target: Array | None = None  # of a loss
    data_rows: int | None = None  # N of the whole, where this scene has fewer of them

    def where(self, variable: str) -> str:
        """The formula that gives the gradient of this array."""
        raise NotImplementedError

    def make(self, dtype: Any) -> Measurable:
        """The arrays with y, in this dtype, to be measured."""
        raise NotImplementedError

    def answer(self, dy: Array, how: Circumstances = AS_IN_TRAINING) -> Answer:
        """What the code says for dy."""
        raise NotImplementedError

    def resized(self, rows: int, rng: np.random.Generator) -> Scene | None:
        """The same with another number of rows, or None."""
        return None

    def widened(self, rng: np.random.Generator) -> Scene | None:
        """The same with twice as many columns, or None."""
        return None

    def squared(self, rng: np.random.Generator) -> Scene | None:
        """The same with as many inputs as outputs, or None."""
        return None

    def elsewhere(self, rng: np.random.Generator) -> Scene | None:
        """The same with an x of both signs, where the layer takes any; or None."""
        return None

    def numbers(self) -> dict[str, float]:
        """The formula's hyper-parameters by name."""
        return {}


def mixed(x: Array, rows: int, rng: np.random.Generator) -> Array:
    """Other rows than x's, each between two of them: what the code takes, and another batch."""
    N = len(x)
    if N == 1 and rows == 1:
        return 0.9 * x
    first, second = rng.integers(N, size=(2, rows))
    second = np.where(first == second, (first + 1) % N, second)
    share = rng.uniform(0.55, 0.95, rows).reshape(-1, *[1] * (x.ndim - 1))
    return np.asarray(share * x[first] + (1.0 - share) * x[second] * (0.9 if N == 1 else 1.0))


class StepScene(Scene):
    """One step of a layer: `backward` for x, `gradient` for its weights."""

    def __init__(
        self,
        step: Layer,
        x: Array,
        *,
        training: bool = True,
        noise: int = 0,
        variables: tuple[str, ...] | None = None,
        fresh: Layer | None = None,
    ) -> None:
        """`fresh`: the step before anything was run, where it cannot be made anew."""
        self.x, self.training, self.noise, self.suspects = x, training, noise, {}
        self.step = _reborn(step, x) or (fresh or step).copy()
        bind([self.step], np.float64)
        self.who, self.rows = step.label, len(x)
        self.after = step.copy()
        before = np.random.default_rng(noise + 1)
        try:  # another batch comes first, as in training
            x0 = mixed(x, len(x), before)
            memo = self._memo()
            y0 = self.after.forward(x0, memo)
            dy0 = before.standard_normal(y0.shape)
            self.after.gradient(x0, y0, dy0, memo)
            self.after.backward(x0, y0, dy0, memo)
        except Exception:  # whatever is wrong shows where it is looked at
            self.after = step.copy() if not self.after.arrays() else self.after
        for name, array in step.arrays().items():  # that batch may have changed weights
            getattr(self.after, name)[...] = array
        bind([self.after], np.float64)
        self.variables = (*step.parameters, "x") if variables is None else variables
        self.y = self.after.copy().forward(x.copy(), self._memo())
        every = {**self.step.arrays(), "x": x}
        self.values = {variable: every[variable] for variable in self.variables}

    def _memo(self) -> Memo | None:
        return {"rng": np.random.default_rng(self.noise)} if self.training else None

    def where(self, variable: str) -> str:
        return f"{self.who}.backward" if variable == "x" else f"{self.who}.gradient (d{variable})"

    def make(self, dtype: Any) -> Measurable:
        layer, x = self.after.copy(), self.x.astype(dtype)
        theta, _, _ = bind([layer], dtype)
        rng, reset = np.random.default_rng(self.noise), generators(layer)
        start = rng.bit_generator.state

        def measure() -> Any:
            rng.bit_generator.state = start
            reset()
            kept = theta.copy()
            y = layer.forward(x.copy(), {"rng": rng} if self.training else None)
            theta[...] = kept
            return y

        every = {**layer.arrays(), "x": x}
        return Measurable({variable: every[variable] for variable in self.variables}, measure)

    def answer(self, dy: Array, how: Circumstances = AS_IN_TRAINING) -> Answer:
        layer = (self.step if how.fresh else self.after).copy()
        answer = Answer()
        for gradient in layer.gradients().values():
            gradient[...] = how.junk
        weights = {name: array.copy() for name, array in layer.arrays().items()}
        memo = self._memo()
        true = {"x": self.x, "dy": dy}
        given = {name: array.copy() for name, array in true.items()}
        given["y"] = layer.forward(given["x"], memo)
        true["y"] = np.array(given["y"])

        def look(method: str) -> None:
            """Which arrays are not as they were; in a pristine run they are put right again."""
            for name, array in true.items():
                if not np.array_equal(given[name], array, equal_nan=True):
                    if (method, name) not in seen and not _is_alias(name, given, seen):
                        answer.touched.append(f"{method} changes its {name}")
                    seen.add((method, name))
                    if how.pristine:
                        given[name] = array.copy()
                    else:
                        true[name] = np.array(given[name])
            for name, array in layer.arrays().items():
                same = np.array_equal(array, weights[name], equal_nan=True)
                if name in layer.parameters and not same:
                    answer.touched.append(f"{method} changes {name}")
                    if how.pristine:
                        array[...] = weights[name]
                    else:
                        weights[name] = array.copy()

        seen: set[tuple[str, str]] = set()
        look("forward")
        if any(variable != "x" for variable in self.variables):
            arguments = (given["x"], given["y"], given["dy"], memo)
            kept = layer.copy() if how.capture else None
            try:
                layer.gradient(*arguments)
                for name, gradient in layer.gradients().items():
                    answer.gradients[name] = np.array(gradient)
            except NotImplementedError:
                raise
            except Exception as error:
                answer.errors = dict.fromkeys(layer.parameters, error)
            if kept is not None:
                answer.gradients.update(written(kept, arguments))
            look("gradient")
        if "x" in self.variables:
            try:
                dx = layer.backward(given["x"], given["y"], given["dy"], memo)
                answer.gradients["x"] = np.array(numbers_of(dx, f"{self.who}.backward"))
            except NotImplementedError:
                raise
            except Exception as error:
                answer.errors["x"] = error
            look("backward")
        return answer

    def resized(self, rows: int, rng: np.random.Generator) -> Scene | None:
        return self._again(self.step, mixed(self.x, rows, rng))

    def widened(self, rng: np.random.Generator) -> Scene | None:
        if self.step.arrays() or self.x.ndim != 2:
            return None
        other = mixed(self.x, len(self.x), rng)
        return self._again(self.step, np.concatenate([self.x, other], axis=1))

    def elsewhere(self, rng: np.random.Generator) -> Scene | None:
        if self.step.arrays():
            return None
        shape = (max(5, len(self.x)), *self.x.shape[1:])
        scene = self._again(self.step, rng.standard_normal(shape))
        return scene if scene is not None and np.isfinite(scene.y).all() else None

    def squared(self, rng: np.random.Generator) -> Scene | None:
        if self.x.ndim != 2 or self.y.ndim != 2:
            return None
        layer, M = self.step.copy(), self.y.shape[1]
        layer.built_for = None
        try:
            layer.build((M,), rng)
        except Exception:  # it cannot be built for another input
            return None
        for name in layer.parameters:
            array = getattr(layer, name)
            array[...] = rng.standard_normal(array.shape)
        rows = M + 1 if len(self.x) != M else len(self.x)
        return self._again(layer, rng.standard_normal((rows, M)))

    def _again(self, step: Layer, x: Array) -> Scene | None:
        try:
            return StepScene(
                step, x, training=self.training, noise=self.noise + 7, variables=self.variables
            )
        except Exception:  # it does not take that shape
            return None

    def numbers(self) -> dict[str, float]:
        return {
            name: float(value)
            for name, value in vars(self.step).items()
            if isinstance(value, float) and name[0] != "_"
        }


def generators(*layers: Layer) -> Callable[[], None]:
    """A function that puts back the generators that layers keep themselves."""
    own = [v for one in layers for v in vars(one).values() if isinstance(v, np.random.Generator)]
    start = [(rng, rng.bit_generator.state) for rng in own]

    def reset() -> None:
        for rng, state in start:
            rng.bit_generator.state = state

    return reset


def _reborn(step: Layer, x: Array) -> Layer | None:
    """The step made anew from its settings, with its weights and nothing that earlier runs left."""
    try:
        layer = step.from_config(step.get_config())
        layer.name, layer.within = step.name, step.within
        if step.arrays():
            layer.build(x.shape[1:], np.random.default_rng(0))
        for name, array in step.arrays().items():
            if getattr(layer, name).shape != array.shape:
                return None
            layer.rebind(name, array.copy())
    except Exception:  # its constructor does not keep its arguments
        return None
    plain = {
        name: value  # what every layer has is the model's to set
        for name, value in vars(step).items()
        if isinstance(value, (int, float, str, tuple)) and not hasattr(Layer, name)
    }
    if any(vars(layer).get(name, value) != value for name, value in plain.items()):
        return None  # it was set otherwise after it was made
    return layer


def _is_alias(name: str, given: dict[str, Array], seen: set[tuple[str, str]]) -> bool:
    """Whether y changed only because it is x, which was seen to change."""
    return name == "y" and np.shares_memory(given["y"], given["x"]) and any(seen)


def numbers_of(gradient: Any, who: str) -> Array:
    """What a formula returned as an array of numbers, or an error that says what it is instead."""
    array = np.asarray(gradient)
    if array.dtype.kind not in "fciu":
        kind = "None" if gradient is None else type(gradient).__name__
        raise TypeError(f"{who} gives an array of numbers. Got {kind}. Return it.")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
