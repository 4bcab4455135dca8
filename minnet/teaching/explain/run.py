"""One training step, run on a copy of the model, with everything that passed by written down.

Nothing is computed a second time in another way: the model's own `forward`, `backward` and
`apply_gradient` run, and what they hand on is copied as it passes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.engine.updates import norm, slices_by_layer
from minnet.foundation.checks import Array, DivergedError, boolean, choice, generator
from minnet.foundation.checks import short as shortened
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.layers.base import Layer
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.models import Sequential
from minnet.teaching.explain.explanation import Explanation
from minnet.teaching.explain.layers import layer_formulas
from minnet.teaching.explain.numbers import State, Step, Weight
from minnet.teaching.explain.story import CHAPTERS


@named
@seed_unmoved_where_refused
def explain_step(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    seed: int | np.random.Generator | None = 0,
    chapter: str | None = None,
    short: bool = False,
) -> Explanation:
    """One full training step with its real numbers, made on a copy: the model stays as it is.

    Forward, loss, backward by the chain rule, the update of every weight, and the loss that came
    beside the loss that the gradient promised. Every number is taken from the run.

    Parameters
    ----------
    model
        A compiled model that is built.
    x : (N, …) array
        The batch; a few rows read best. Matrices larger than 5 × 5 are shown in part.
    y : (N,) or (N, …) array
        The targets.
    sample_weight : (N,) array or None
    seed
        For dropout. `seed=model.rng` shows the very step that `train_on_batch(x, y)` would make
        next; the generator is copied, and stays where it is.
    chapter
        What to show of it: "forward", "loss", "backward", "update", "outcome", or a layer's name
        for all that is about this layer. None shows everything.
    short
        Whether to show the short form, of one screen: formulas and arrays, nothing by hand.

    Returns
    -------
    Explanation
        `print` it, let a notebook show it, or write a page to go through by `to_html("step.html")`;
        `to_markdown()` has LaTeX. The numbers themselves are there too: `.steps[0].y`,
        `.weights["dense_1.W"].gradient`, `.loss`, `.new_loss`.

    Raises
    ------
    RuntimeError
        The model is not compiled, or not built.
    ValueError
        Shapes that do not fit, or everything is frozen.
    DivergedError
        The loss is not finite; the message says in which step that began.

    Examples
    --------
    >>> import minnet, numpy as np
    >>> from minnet.layers import Dense
    >>> model = minnet.Sequential([Dense(1, input_dim=2)], seed=0)
    >>> model.set_weights([[[0.5], [-1.0]], [0.0]])
    >>> model.compile(optimizer=minnet.optimizers.SGD(0.1), loss="mse")
    >>> step = explain_step(model, [[1.0, 2.0]], [0.5])
    >>> step.steps[0].formula, step.steps[0].y
    ('y = x W + b', array([[-1.5]], dtype=float32))
    >>> step.weights["dense_1.W"].gradient  # ∂L/∂W = xᵀ · 2 (y − t)
    array([[-4.],
           [-8.]], dtype=float32)
    >>> round(step.loss, 4), round(step.predicted_loss, 4), round(step.new_loss, 4)
    (4.0, -5.6, 0.16)
    """
    if not isinstance(model, Sequential):
        raise TypeError(
            f"explain_step takes a compiled model. Got {shortened(model)}. For the gradients of a "
            "layer or a loss use check_gradients."
        )
    rng = copy.deepcopy(generator(seed, "explain_step's seed"))
    _check_shown(model, chapter, boolean(short, "explain_step's short"))
    rates = dict(model.compiled.updates.rates)  # those of a fit under way
    model.require_built()
    model.require_trainable()
    model = model.copy()
    model.compiled.updates.rates = rates
    data = model.checked_data(x, y, sample_weight)
    # The caller's arrays are out of reach even for a layer that overwrites its input.
    x, target, weight = np.array(data.x), np.array(data.target), data.weight
    with np.errstate(all="ignore"):
        explanation = RecordedStep(model, x, target, weight, rng).explanation()
    return replace(explanation, chapter=chapter, short=short)


def _check_shown(model: Sequential, chapter: object, short: bool) -> None:
    """Refuse a chapter that is none, and one chapter of the short form."""
    if chapter is None:
        return
    layers = [layer.label for layer in model.layers]
    choice(chapter, [*CHAPTERS, *layers], "explain_step's chapter")
    if short:
        raise ValueError(
            f"explain_step takes a chapter or short=True. Got both. Leave out chapter={chapter!r} "
            "or short=True."
        )


@contextmanager
def _watched(
    thing: Any, method: str, note: Callable[[tuple[Any, ...], Any], None]
) -> Iterator[None]:
    """Call `note(arguments, result)` whenever this object's method has run."""
    run = getattr(thing, method)
    replaced = method in vars(thing)  # a method of the object's own, not of its class

    def watched(*arguments: Any) -> Any:
        result = run(*arguments)
        note(arguments, result)
        return result

    setattr(thing, method, watched)
    try:
        yield
    finally:
        if replaced:
            setattr(thing, method, run)
        else:
            delattr(thing, method)


class RecordedStep:
    """The step under way; `model` is a copy that nobody else has."""

    def __init__(
        self,
        model: Sequential,
        x: Array,
        target: Array,
        weight: Array | None,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.x, self.target, self.weight, self.rng = model, x, target, weight, rng
        self.loss, self.optimizer = model.compiled.loss, model.compiled.optimizer
        self.updates = model.compiled.updates
        self.fused = len(model.steps) > 0 and self.loss.is_fused_with(model.steps[-1])
        count = len(model.steps)
        self.y: list[Array] = []
        self.dy: list[Array | None] = [None] * count
        self.dx: list[Array | None] = [None] * count
        self.gradients: list[dict[str, Array]] = [{} for _ in range(count)]
        self.losses = np.empty(0)

    def explanation(self) -> Explanation:
        """Run the step and put its numbers in order."""
        model = self.model
        theta = model.theta.copy()
        values = {name: array.copy() for name, array in model.named_arrays().items()}
        exact = self._in_float64()
        loss = self._forward_and_backward()
        gradient = model.grad.copy()
        steps = self._steps(values)
        penalties, of_penalties = self._penalties()
        runs = model.update_groups()
        gradient_norm = norm([group.grad for group in runs])
        slots = {name: array.copy() for name, array in self.updates.slots.items()}
        used = self._apply()
        delta = model.theta - theta
        weights = self._weights(values, theta, delta, gradient, slots, used, of_penalties)
        new_loss = self._loss_of(model, self.x, self.target, self.weight)
        gap, half_gap = self._gaps(exact, theta, delta)
        return Explanation(
            model=model.name,
            steps=steps,
            weights=weights,
            states={
                f"{layer.label}.{name}": State(
                    f"{layer.label}.{name}",
                    values[f"{layer.label}.{name}"],
                    getattr(layer, name).copy(),
                )
                for layer in model.layers
                for name in layer.states
            },
            prediction=self.y[-1],
            target=self._shown_target(),
            losses=self.losses,
            sample_weight=self.weight,
            penalties=penalties,
            regularizers={
                f"{layer.label}.{name}": regularizer
                for layer in model.layers
                if layer.trainable
                for name, regularizer in layer.regularizers.items()
            },
            loss=loss,
            new_loss=new_loss,
            predicted_loss=loss + _dot(gradient, delta),
            gap=gap,
            half_gap=half_gap,
            gradient_norm=gradient_norm,
            fused=self.fused,
            loss_function=self.loss,
            optimizer=self.optimizer,
        )

    def _shown_target(self) -> Array:
        """The targets as the loss computes with them: smoothed, where it smoothes labels."""
        loss = self.model.compiled.loss
        if isinstance(loss, (CrossEntropy, BinaryCrossEntropy)) and loss.label_smoothing:
            return loss.smoothed(self.target, self.model.training_step.outputs[-1])
        return self.target

    def _loss_of(self, model: Sequential, x: Array, target: Array, weight: Array | None) -> float:
        """L in training mode, each time with the same dropout."""
        return model.run_batch(x, target, weight, copy.deepcopy(self.rng))

    # --- the step itself ------------------------------------------------------------------------

    def _forward_and_backward(self) -> float:
        with ExitStack() as watching:
            for i, step in enumerate(self.model.steps):
                for method, note in self._notes(i, step):
                    watching.enter_context(_watched(step, method, note))
            method = "fused" if self.fused else "per_sample"
            watching.enter_context(_watched(self.loss, method, self._note_losses))
            loss = self._loss_of(self.model, self.x, self.target, self.weight)
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss of this batch is {loss:g}, so there is no step to explain. "
                f"{self._where_it_began()}"
            )
        return loss

    def _notes(
        self, i: int, step: Layer
    ) -> Iterator[tuple[str, Callable[[tuple[Any, ...], Any], None]]]:
        """What to write down when a method of step number i has run."""

        def forward(arguments: tuple[Any, ...], y: Array) -> None:
            self.y.append(np.array(y))

        def backward(arguments: tuple[Any, ...], dx: Array) -> None:
            self.dy[i], self.dx[i] = np.array(arguments[2]), np.array(dx)

        def gradient(arguments: tuple[Any, ...], _: None) -> None:
            self.dy[i] = np.array(arguments[2])
            self.gradients[i] = {
                name: np.array(getattr(step, "d" + name)) for name in step.parameters
            }

        return iter([("forward", forward), ("backward", backward), ("gradient", gradient)])

    def _note_losses(self, arguments: tuple[Any, ...], result: Any) -> None:
        self.losses = np.array(result[0] if self.fused else result)

    def _where_it_began(self) -> str:
        for step, y in zip(self.model.steps, self.y, strict=False):
            if not np.isfinite(y).all():
                return (
                    f"The first number that is not finite comes out of {step.label}. Try a "
                    "smaller learning rate, or inputs scaled to about 1."
                )
        return "Every step's output is finite, so look at the loss and the penalties."

    def _steps(self, values: dict[str, Array]) -> list[Step]:
        plan, steps = self.model.plan(), []
        last = len(self.model.steps) - 1
        inputs = [self.x, *self.y[:-1]]
        owners = [layer for layer in self.model.layers for _ in layer.steps()]
        for i, step in enumerate(self.model.steps):
            memo = self.model.training_step.memos[i]
            dx = self.dx[i]
            if i == last and self.fused:
                dx = self.dy[i - 1]
            ran = Step(
                name=step.label,
                kind=type(step).__name__,
                layer=step,
                x=inputs[i],
                y=self.y[i],
                dy=self.dy[i],
                dx=dx,
                in_training=plan.in_training[i],
                has_gradient=plan.has_gradient[i],
                weights={
                    name: values[f"{owners[i].label}.{name}"]
                    for name in (*step.parameters, *step.states)
                    if f"{owners[i].label}.{name}" in values
                },
                gradients=self.gradients[i],
                memo={
                    name: np.array(value)
                    for name, value in (memo or {}).items()
                    if isinstance(value, np.ndarray)
                },
            )
            steps.append(_described(ran, memo))
        return steps

    def _penalties(self) -> tuple[dict[str, float], dict[str, Array]]:
        """Weight name → its penalty, and the penalty's gradient."""
        penalties, gradients = {}, {}
        for layer in self.model.layers:
            if layer.trainable:
                for name, regularizer in layer.regularizers.items():
                    array = getattr(layer, name)
                    penalties[f"{layer.label}.{name}"] = float(regularizer(array))
                    gradients[f"{layer.label}.{name}"] = np.array(regularizer.gradient(array))
        return penalties, gradients

    def _apply(self) -> dict[str, tuple[int, float]]:
        """Update, and say for each layer which update it was, and at which rate."""
        calls: list[tuple[int, float]] = []

        def update(arguments: tuple[Any, ...], _: None) -> None:
            calls.append((arguments[3], float(arguments[4])))

        with _watched(self.optimizer, "update", update):
            self.model.run_update()
        used: dict[str, tuple[int, float]] = {}
        remaining = iter(calls)
        for group in self.model.update_groups():
            for _ in group.pieces:
                used.update(dict.fromkeys(group.names, next(remaining)))
        return used

    def _weights(
        self,
        values: dict[str, Array],
        theta: Array,
        delta: Array,
        gradient: Array,
        slots: dict[str, Array],
        used: dict[str, tuple[int, float]],
        of_penalties: dict[str, Array],
    ) -> dict[str, Weight]:
        """Each array of weights, cut out of the vectors that the step worked on."""
        model, weights = self.model, {}
        clipped, new_slots = model.grad.copy(), self.updates.slots
        places = slices_by_layer(model.layers)
        for layer in model.layers:
            start = places[layer.label].start if layer.parameters else 0
            for name in layer.parameters:
                key = f"{layer.label}.{name}"
                shape, size = values[key].shape, values[key].size
                span = slice(start, start + size)
                start += size

                def cut(vector: Array, span: slice = span, shape: Any = shape) -> Array:
                    return vector[span].reshape(shape).copy()

                learns = layer.trainable
                t, rate = used[layer.label] if learns else (None, None)
                weights[key] = Weight(
                    name=key,
                    layer=layer.label,
                    value=values[key],
                    new=cut(model.theta),
                    delta=cut(delta),
                    gradient=cut(gradient) if learns else None,
                    penalty_gradient=of_penalties.get(key),
                    clipped_gradient=cut(clipped) if learns else None,
                    slots={slot: cut(vector) for slot, vector in slots.items()} if learns else {},
                    new_slots={s: cut(v) for s, v in new_slots.items()} if learns else {},
                    learning_rate=rate,
                    t=t,
                    constraint=layer.constraints.get(name) if learns else None,
                )
        return weights

    # --- the loss around it ---------------------------------------------------------------------

    def _in_float64(self) -> Sequential:
        """A second copy, as it is before the step, that computes in float64."""
        return self.model.in_dtype(np.float64)

    def _gaps(self, exact: Sequential, theta: Array, delta: Array) -> tuple[float, float]:
        """L(θ + sΔθ) − (L + s ∇L·Δθ) for the whole step, s = 1, and for half of it."""

        def widened(array: Array) -> Array:
            return array.astype(np.float64) if array.dtype.kind == "f" else array

        batch = widened(self.x), widened(self.target)
        weight = None if self.weight is None else widened(self.weight)
        loss = self._loss_of(exact, *batch, weight)
        slope = _dot(exact.grad, delta)
        start, change = widened(theta), widened(delta)
        gaps = []
        for s in (1.0, 0.5):
            exact.theta[...] = start + s * change
            gaps.append(self._loss_of(exact, *batch, weight) - (loss + s * slope))
        return gaps[0], gaps[1]


def _described(step: Step, memo: dict[str, Any] | None) -> Step:
    """The step with its formula, and with ∂y/∂x where that has an entry for each number of x."""
    formulas = layer_formulas(step)
    slope = None
    if formulas.entrywise:
        slope = step.layer.backward(step.x, step.y, np.ones_like(step.y), memo)
    texts = (formula.in_names({"@x": "x", "@y": "y"}) for formula in formulas.y.formulas)
    return replace(step, formula="; ".join(texts), slope=slope)


def _dot(a: Array, b: Array) -> float:
    """a · b, summed in float64."""
    return float(np.dot(a.astype(np.float64), b.astype(np.float64)))
