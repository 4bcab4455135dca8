"""What can be checked: a model through its loss, a layer, a loss, a pair of functions.

Each target says what is varied and measured, what the code says of it, and, when the two differ,
looks for the formula at fault: every one is tried alone, with the numbers that it really meets, so
that a wrong `backward` high up is told from the layers below it that it spoils.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, same_length, short
from minnet.layers.base import Layer, bind
from minnet.losses import Loss
from minnet.models import Sequential
from minnet.teaching.gradients.diagnosis import diagnose, touched
from minnet.teaching.gradients.formulas import FormulaScene, loss_scene, penalty_scene
from minnet.teaching.gradients.functions import function_scene
from minnet.teaching.gradients.measuring import Entry, Maker, Measurable
from minnet.teaching.gradients.passes import ROWS, Meeting, Way, a_pass, anothers_mask, in_company
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import JUNK, Scene, generators, mixed
from minnet.teaching.scripts.named import of_layer_lines, of_loss_lines


class Target:
    """A target with its numbers."""

    make: Maker
    gradients: dict[str, Array | None]  # None where the code gives none of the right shape

    def jittered(self, rng: np.random.Generator) -> Target:
        """The same a small step away, where no kink is."""
        raise NotImplementedError

    def changed(self) -> list[GradientFinding]:
        """Arrays that are changed in place, though nothing may be wrong with the gradient."""
        raise NotImplementedError

    def culprits(self, rng: np.random.Generator, worst: Entry) -> list[GradientFinding]:
        """What is wrong, and where; `worst` is the entry that differs most."""
        raise NotImplementedError

    def scenes(self) -> list[tuple[str, Scene]]:
        """Every formula alone, with numbers that it meets, and its owner's name."""
        raise NotImplementedError

    def lines(self) -> dict[str, GradientFinding]:
        """What the lines of methods say, by owner and array; "~" where they are minnet's own."""
        return {}


class ScenicTarget(Target):
    """A loss or a pair of functions: one formula."""

    def __init__(
        self,
        again: Callable[[Array], FormulaScene],
        value: Array,
        loss: tuple[Loss, Array] | None = None,
    ) -> None:
        self.again, self.value, self.loss = again, value, loss
        self.scene = again(value)
        self.make = self.scene.make
        (variable,) = self.scene.values
        self.answer = self.scene.answer(np.ones(()))
        gradient = self.answer.gradients.get(variable)
        fits = gradient is not None and gradient.shape == value.shape
        self.gradients = {variable: gradient if fits else None}

    def jittered(self, rng: np.random.Generator) -> Target:
        return ScenicTarget(self.again, near_by(self.value, rng), self.loss)

    def changed(self) -> list[GradientFinding]:
        return touched(self.scene, np.random.default_rng(0)) if self.answer.touched else []

    def culprits(self, rng: np.random.Generator, worst: Entry) -> list[GradientFinding]:
        return diagnose(self.scene, rng)

    def scenes(self) -> list[tuple[str, Scene]]:
        return [(self.scene.who, self.scene)]

    def lines(self) -> dict[str, GradientFinding]:
        if self.loss is None:
            return {}
        return of_loss_lines(self.loss[0], self.value, self.loss[1])


def near_by(x: Array, rng: np.random.Generator) -> Array:
    """x with every number moved by about a thousandth."""
    size = np.maximum(np.abs(x), float(np.abs(x).mean()) if x.size and np.any(x) else 1.0)
    moved: Array = x + 1e-3 * size * rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1, 1], x.shape)
    return moved


def of_loss(loss: Loss, x: Any, y: Any) -> ScenicTarget:
    """The target for a loss, with x the prediction."""
    prediction = batch(x)
    if prediction.ndim == 1:
        prediction = prediction.reshape(-1, 1)
    target = loss.check_target(y, prediction.shape[1:])
    same_length(prediction, target, ("x", "y"))
    losses = np.shape(loss.per_sample(prediction.copy(), target))
    if losses != (len(prediction),):
        raise ValueError(
            f"{type(loss).__name__}.per_sample gives one number for each sample, shape "
            f"({len(prediction)},). Got {losses}. Take the mean over the other axes only."
        )
    return ScenicTarget(lambda p: loss_scene(loss, p, target), prediction, (loss, target))


def of_functions(f: Callable[[Array], Any], gradient: Callable[[Array], Any], x: Any) -> Target:
    """The target for a pair of functions."""

    def number(x: Array) -> Any:
        value = f(x)
        if np.size(value) != 1 or np.asarray(value).dtype.kind not in "fciu":
            raise ValueError(f"f gives one number. Got {short(value)}. Sum or average it.")
        return np.asarray(value).item()

    array = batch(x)
    number(array.copy())
    return ScenicTarget(lambda x: function_scene(f, gradient, x), array)


def batch(x: Any) -> Array:
    """x as a new float64 array of finite numbers, at least one."""
    x = as_array(x, "x")
    if x.size == 0:
        raise ValueError(f"check_gradients takes an x with numbers in it. Got shape {x.shape}.")
    finite(x, "x")
    copy: Array = x.astype(np.float64)
    return copy


class ChainTarget(Target):
    """A target of several steps: a model or a layer."""

    steps: Sequence[Layer]  # never run
    met: list[Meeting]

    def changed(self) -> list[GradientFinding]:
        rng = np.random.default_rng(0)
        findings = []
        for fresh, meeting in self.pairs():
            if meeting.changed:
                findings += touched(meeting.scene(fresh), rng)
        return findings

    def pairs(self) -> list[tuple[Layer, Meeting]]:
        """Each step with what was met, from the top."""
        return list(zip(self.steps, self.met, strict=True))[::-1]

    def culprits(self, rng: np.random.Generator, worst: Entry) -> list[GradientFinding]:
        findings: list[GradientFinding] = []
        spoilt = any(meeting.changed for meeting in self.met)
        for fresh, meeting in self.pairs():
            wrong = [name for name in meeting.variables if not meeting.is_right(name, rng)]
            if meeting.dy is None or not (wrong or meeting.changed):
                continue
            scene = meeting.scene(fresh)
            for name in meeting.variables:
                if name != "x" and worst.name in (name, f"{fresh.label}.{name}"):
                    shape = scene.values[name].shape
                    scene.suspects[name] = int(np.ravel_multi_index(worst.position, shape))
            here = diagnose(scene, rng, wrong)
            if "x" in wrong and all(finding.kind == "wrong" for finding in here):
                mask = anothers_mask(scene, meeting)
                here = here if mask is None else [mask]
            if wrong and not here and not spoilt:
                here = [in_company(scene, variable) for variable in wrong]
            findings += here
        return findings

    def scenes(self) -> list[tuple[str, Scene]]:
        return [(fresh.label, meeting.scene(fresh)) for fresh, meeting in self.pairs()]

    def lines(self) -> dict[str, GradientFinding]:
        told = {}
        for fresh, meeting in self.pairs():
            if meeting.dy is None or not set(meeting.variables):
                continue
            step = meeting.step.copy()
            bind([step], np.float64)
            here = of_layer_lines(step, meeting.x[:ROWS], meeting.dy[:ROWS])
            for name, finding in here.items():
                method = getattr(type(fresh), "backward" if name == "x" else "gradient")
                inherited = "~" if method.__module__.startswith("minnet.layers") else ""
                told[f"{fresh.label}.{name}{inherited}"] = finding
        return told


class LayerTarget(ChainTarget):
    """A layer with a random gradient from above."""

    def __init__(self, layer: Layer, x: Array, rng: np.random.Generator) -> None:
        self.layer, self.x = layer, x
        self.noise = int(rng.integers(2**31))
        self.seed = int(rng.integers(2**31))
        bind([layer], np.float64)
        self.steps = layer.copy().steps()
        n = len(self.steps)
        way = Way((True,) * n, tuple(bool(step.parameters) for step in self.steps), -1)
        worked = layer.copy()
        other = np.random.default_rng(self.seed)

        def top(outputs: list[Array]) -> tuple[Array, int]:
            shape = outputs[-1].shape
            return np.random.default_rng(self.seed).standard_normal(shape), n

        kept = layer.get_weights()
        before = mixed(x, len(x), other)
        try:
            a_pass(worked.steps(), way, before, self.noise, top)
        except NotImplementedError:
            raise
        except Exception:  # it takes no other numbers than those it was given
            worked = layer.copy()
        for array, values in zip(worked.arrays().values(), kept, strict=True):
            array[...] = values
        bind([worked], np.float64)
        self.start = worked.copy()
        for gradient in worked.gradients().values():
            gradient[...] = JUNK
        self.met = a_pass(worked.steps(), way, x.copy(), self.noise, top)
        self.dy = np.random.default_rng(self.seed).standard_normal(self.met[-1].y.shape)
        self.gradients = {}
        for name, array in (*((w, getattr(layer, w)) for w in layer.parameters), ("x", x)):
            first = self.met[0].gradients.get(name)
            fits = first is not None and first.shape == array.shape
            self.gradients[name if name == "x" else f"{layer.label}.{name}"] = (
                first if fits else None
            )
        self.make = self._make

    def _make(self, dtype: Any) -> Measurable:
        layer, x = self.start.copy(), self.x.astype(dtype)
        theta, _, _ = bind([layer], dtype)
        steps, reset = layer.steps(), generators(layer, *layer.steps())
        rng = np.random.default_rng(self.noise)
        state = rng.bit_generator.state

        def number() -> Any:
            rng.bit_generator.state = state
            reset()
            kept, y = theta.copy(), x.copy()
            for step in steps:
                y = step.forward(y, {"rng": rng})
            theta[...] = kept
            return (self.dy * y).sum()

        arrays = {f"{layer.label}.{name}": getattr(layer, name) for name in layer.parameters}
        return Measurable({**arrays, "x": x}, number)

    def jittered(self, rng: np.random.Generator) -> Target:
        layer = self.layer.copy()
        for name in layer.parameters:
            array = getattr(layer, name)
            array[...] = near_by(array, rng)
        return LayerTarget(layer, near_by(self.x, rng), rng)


class ModelTarget(ChainTarget):
    """A compiled model with its loss."""

    def __init__(
        self, model: Sequential, x: Array, target: Array, rng: np.random.Generator
    ) -> None:
        self.model, self.x, self.target = model, x, target
        self.noise = int(rng.integers(2**31))
        self.steps = model.copy().steps
        self.start = model.copy()
        theta = model.theta.copy()
        order = rng.permutation(len(x))
        try:
            other = mixed(x, len(x), rng)
            self.start.run_batch(other, target[order], None, np.random.default_rng(self.noise + 1))
        except NotImplementedError:
            raise
        except Exception:  # it is looked at layer by layer later
            self.start = model.copy()
        self.start.theta[...] = theta
        worked = self.start.copy()
        worked.grad[...] = JUNK
        self.gradients = {key: None for key, _, _ in self._learned(worked)}
        try:
            worked.run_batch(x.copy(), target, None, np.random.default_rng(self.noise))
            for key, layer, name in self._learned(worked):
                self.gradients[key] = np.array(layer.gradients()[name])
        except NotImplementedError:
            raise
        except Exception:  # it is looked at layer by layer
            self.gradients = dict.fromkeys(self.gradients)
        self.make = self._make
        watched = self.start.copy()
        watched.grad[...] = JUNK
        self.fused = watched.compiled.loss.is_fused_with(self.steps[-1])
        plan = watched.plan()
        way = Way(plan.in_training, plan.has_gradient, plan.lowest_learning)
        self.met = a_pass(watched.steps, way, x.copy(), self.noise, self._top(watched))

    @staticmethod
    def _learned(model: Sequential) -> list[tuple[str, Layer, str]]:
        """What it learns: a name for each array, its layer and its own name."""
        return [
            (f"{layer.label}.{name}", layer, name)
            for layer in model.layers
            if layer.trainable
            for name in layer.parameters
        ]

    def _top(self, model: Sequential) -> Callable[[list[Array]], Any]:
        loss, stop = model.compiled.loss, len(self.steps)

        def top(outputs: list[Array]) -> Any:
            self.prediction = outputs[-2 if self.fused else -1].copy()
            try:
                if self.fused:
                    return loss.fused(outputs[-2], outputs[-1], self.target)[1], stop - 1
                loss.per_sample(outputs[-1], self.target)
                return loss.gradient(outputs[-1], self.target), stop
            except NotImplementedError:
                raise
            except Exception:  # the loss is looked at alone later
                return None, stop

        return top

    def _make(self, dtype: Any) -> Measurable:
        model = self.start.in_dtype(dtype)
        reset = generators(*model.steps)
        rng = np.random.default_rng(self.noise)
        state = rng.bit_generator.state
        loss, theta = model.compiled.loss, model.theta
        in_training = model.plan().in_training
        fused = self.fused
        x = self.x.astype(dtype)

        def number() -> Any:
            rng.bit_generator.state = state
            reset()
            kept = theta.copy()
            if model.has_own_step:  # a student's own loss, with the gradient that goes with it
                value = model.run_batch(x.copy(), self.target, None, rng)
                theta[...] = kept
                return value
            outputs = model.forward(x.copy(), [{"rng": rng} if on else None for on in in_training])
            if fused:
                losses = loss.fused(outputs[-2], outputs[-1], self.target)[0]
            else:
                losses = loss.per_sample(outputs[-1], self.target)
            theta[...] = kept
            return np.add.reduce(losses) / len(losses) + model.penalty()

        arrays = {key: getattr(layer, name) for key, layer, name in self._learned(model)}
        return Measurable(arrays, number)

    def jittered(self, rng: np.random.Generator) -> Target:
        model = self.model.copy()
        model.theta[...] = near_by(model.theta, rng)
        return ModelTarget(model, near_by(self.x, rng), self.target, rng)

    def _loss_scene(self) -> FormulaScene:
        loss, last = self.model.compiled.loss, self.steps[-1]
        p, t = self.prediction[:ROWS], self.target[:ROWS]
        return loss_scene(loss, p, t, last if self.fused else None)

    def changed(self) -> list[GradientFinding]:
        rng = np.random.default_rng(0)
        findings = touched(self._loss_scene(), rng) + super().changed()
        for scene in self._penalties():
            findings += touched(scene, rng)
        return findings

    def _penalties(self) -> list[FormulaScene]:
        return [
            penalty_scene(f"{layer.label}.{name}", penalty, getattr(layer, name))
            for layer in self.model.layers
            if layer.trainable
            for name, penalty in layer.regularizers.items()
        ]

    def culprits(self, rng: np.random.Generator, worst: Entry) -> list[GradientFinding]:
        findings = diagnose(self._loss_scene(), rng)
        findings += super().culprits(rng, worst)
        for scene in self._penalties():
            findings += diagnose(scene, rng)
        return findings

    def scenes(self) -> list[tuple[str, Scene]]:
        return [(type(self.model.loss).__name__, self._loss_scene()), *super().scenes()]

    def lines(self) -> dict[str, GradientFinding]:
        told = super().lines()
        if not self.fused:
            loss = self.model.compiled.loss
            here = of_loss_lines(loss, self.prediction[:ROWS], self.target[:ROWS])
            told.update({f"{type(loss).__name__}.{name}": f for name, f in here.items()})
        return told


def of_model(model: Sequential, x: Any, y: Any, rng: np.random.Generator) -> ModelTarget:
    """The target for a compiled model, on a copy in float64."""
    model = model.in_dtype(np.float64)  # before x and y are brought to it
    data = model.checked_data(x, y)
    if not any(layer.trainable and layer.parameters for layer in model.layers):
        raise ValueError(
            "check_gradients takes a model with a weight that is trained. Got none. Unfreeze a "
            "layer, or add a Dense."
        )
    return ModelTarget(model, np.array(data.x, np.float64), data.target, rng)


def of_layer(layer: Layer, x: Any, rng: np.random.Generator) -> LayerTarget:
    """The target for a layer, on a copy in float64, built for x if it is not."""
    layer, x = layer.copy(), batch(x)
    layer.compute_output_shape(x.shape[1:])
    if not layer.built:
        layer.build(x.shape[1:], rng)
    return LayerTarget(layer, x, rng)
