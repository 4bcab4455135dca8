"""What a user's own classes do, looked at once before they train; minnet's own run bare.

`check_gradients` finds more, and names it: this is what would end in NumPy's words, or in a figure
that is not what its name says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minnet.engine.plan import Plan, make_plan
from minnet.foundation.borders import array_of, figure_of, like, one_a_sample, sums_of
from minnet.foundation.checks import Array, short, warn
from minnet.foundation.strict import is_minnets, is_own
from minnet.layers.base import Layer, Memo
from minnet.losses import Loss
from minnet.metrics import Metric
from minnet.optimizers import Optimizer

ROWS = 8
"""Samples on which own classes are tried."""


def try_own_classes(model: Any, data: Any) -> None:
    """Run copies of a user's own classes on a few samples, and raise where one is at fault.

    Once for each plan and loss. What cannot be copied is not tried.

    Parameters
    ----------
    model : Network
        Built and compiled, with classes of a user's.
    data : Data
        Checked.
    """
    plan, compiled, memory = model.plan(), model.compiled, model.training_step
    if memory.tried and all(a is b for a, b in zip(memory.tried, (plan, compiled), strict=True)):
        return
    memory.tried = (plan, compiled)
    try:
        copies = copy.deepcopy((plan.layers, compiled.loss, compiled.metrics, model.rng))
    except Exception:  # an open file, a lock, …
        return
    layers, loss, metrics, rng = copies
    x = np.asarray(data.x[:ROWS], model.dtype)
    try:
        with np.errstate(all="ignore"):
            _try_formulas(make_plan(layers), loss, metrics, x, data.target[:ROWS], rng)
    except BaseException:
        memory.tried = ()
        raise


def _try_formulas(
    plan: Plan,
    loss: Loss,
    metrics: Sequence[Metric],
    x: Array,
    target: Array,
    rng: np.random.Generator,
) -> None:
    steps = plan.steps
    memos: list[Memo | None] = [{"rng": rng} if on else None for on in plan.in_training]
    outputs = [x]
    for step, memo in zip(steps, memos, strict=True):
        outputs.append(_forward(step, outputs[-1], memo))
    dy = _loss(loss, steps[-1] if steps else None, outputs, target)
    for metric in metrics:
        _metric(metric, outputs[-1], target)
    for penalty in plan.penalties:
        if is_own(penalty.regularizer):
            figure_of(penalty.regularizer, penalty.regularizer(penalty.weight), "__call__")
            gradient = penalty.regularizer.gradient(penalty.weight)
            like(penalty.regularizer, "gradient", penalty.weight, gradient)
    for weight, constraint in plan.bounds:
        if is_own(constraint):
            with _Reading(constraint, "project", weight) as (weights,):
                like(constraint, "project", weight, constraint.project(weights), "The weights")
    if any(map(is_own, steps)):
        _backward(plan, outputs, dy, memos)


def _forward(step: Layer, x: Array, memo: Memo | None) -> Array:
    if not is_own(step):
        return step.forward(x, memo)
    with _Reading(step, "forward", x) as (samples,):
        y = step.forward(samples, memo)
    shape = (len(x), *step.compute_output_shape(x.shape[1:]))
    hint = "Write compute_output_shape where y is no x in shape."
    return real(step, "forward", array_of(step, "forward", y, shape, hint))


def real(owner: object, method: str, result: Array) -> Array:
    """Return what a formula made of real numbers, if it is real."""
    if result.dtype.kind == "c":
        who = f"{getattr(owner, 'label', type(owner).__name__)}.{method}"
        raise TypeError(f"{who} returns real numbers for real ones. Got {result.dtype}. Use .real.")
    return result


def _loss(loss: Loss, last: Layer | None, outputs: Sequence[Array], target: Array) -> Array:
    """Return ∂L/∂y of the last output."""
    y = outputs[-1]
    if not is_own(loss):
        return loss.gradient(y, target)
    with _Reading(loss, "per_sample", y, target) as (prediction, targets):
        losses = one_a_sample(loss, "per_sample", y, loss.per_sample(prediction, targets))
        real(loss, "per_sample", losses)
    with _Reading(loss, "gradient", y, target) as (prediction, targets):
        dy = real(loss, "gradient", like(loss, "gradient", y, loss.gradient(prediction, targets)))
    if last is not None and len(outputs) > 1 and loss.is_fused_with(last):
        losses, dz = loss.fused(outputs[-2], y, target)
        one_a_sample(loss, "fused", y, losses)
        like(loss, "fused", y, dz)
    return dy


def _metric(metric: Metric, prediction: Array, target: Array) -> None:
    if is_own(metric):
        divided = type(metric).result is Metric.result
        with _Reading(metric, "statistics", prediction, target) as (p, t):
            statistics = sums_of(metric, metric.statistics(p, t), divided=divided)
        both = metric.merge(statistics.copy(), statistics.copy())
        hint = "The statistics of two batches have the shape of each."
        array_of(metric, "merge", both, statistics.shape, hint)
        figure_of(metric, metric.result(both))


class _Reading:
    """Views that cannot be written to, and words for a formula that tries."""

    def __init__(self, owner: object, method: str, *arrays: Array) -> None:
        self.who = f"{getattr(owner, 'label', type(owner).__name__)}.{method}"
        self.hint = "error = prediction - target, and not prediction -= target"
        if isinstance(owner, Layer):
            self.hint = "y = x * 2, and not x *= 2"
        self.views = [a.view() for a in arrays]
        for view in self.views:
            view.flags.writeable = False

    def __enter__(self) -> list[Array]:
        return self.views

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise ValueError(
                f"{self.who} takes arrays to read. Got a formula that writes into one of them. "
                f"Write {self.hint}."
            ) from None


def _backward(
    plan: Plan,
    outputs: Sequence[Array],
    dy: Array,
    memos: Sequence[Memo | None],
) -> None:
    for i, step, learns, goes_on in plan.backward:
        x, y, memo = outputs[i], outputs[i + 1], memos[i]
        if learns:
            _gradient(step, x, y, dy, memo)
        if goes_on:
            dy = _backward_of(step, x, y, dy, memo)


def _backward_of(step: Layer, x: Array, y: Array, dy: Array, memo: Memo | None) -> Array:
    """Return ∂L/∂x; dy is used by nobody else, and may be written into."""
    if not is_own(step):
        return step.backward(x, y, dy, memo)
    with _Reading(step, "backward", x, y) as (samples, outputs):
        dx = like(step, "backward", x, step.backward(samples, outputs, dy, memo))
    return real(step, "backward", dx)


def _gradient(step: Layer, x: Array, y: Array, dy: Array, memo: Memo | None) -> None:
    """See that a gradient overwrites what was there: else a step would learn from older batches."""
    arrays = step.gradients()
    for array in arrays.values():
        array[...] = np.nan
    if is_own(step):
        with _Reading(step, "gradient", x, y, dy) as (samples, outputs, slope):
            step.gradient(samples, outputs, slope, memo)
    else:
        step.gradient(x, y, dy, memo)
    if is_own(step) and all(np.isfinite(array).all() for array in (x, y, dy)):
        for name, array in arrays.items():
            if np.isnan(array).all():
                raise ValueError(
                    f"{step.label}.gradient fills the gradient of each weight, over what was in "
                    f"it. Got d{name} as it was, or added to. Write self.d{name}[...] = …, not +=."
                )


def first_update(optimizer: Optimizer) -> Callable[..., None]:
    """Return the optimizer's `update`; of a user's own, the first is seen to move theta."""
    if is_minnets(type(optimizer)):
        return optimizer.update
    who, looked = f"{type(optimizer).__name__}.update", False

    def update(
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        nonlocal looked
        if looked:
            optimizer.update(theta, grad, slots, t, learning_rate, scratch)
            return
        looked = True
        before, gradient = theta.copy(), grad.copy()
        kept = [slot.copy() for slot in slots]
        result: Any = optimizer.update(theta, grad, slots, t, learning_rate, scratch)  # type: ignore[func-returns-value]
        if result is not None or not np.array_equal(grad, gradient, equal_nan=True):
            theta[...], grad[...] = before, gradient
            fault = "an update that changes grad" if result is None else short(result)
            raise ValueError(
                f"{who} moves theta in place, leaves grad as it is and returns nothing. Got "
                f"{fault}. Write theta -= learning_rate * grad."
            )
        large = learning_rate * np.abs(gradient).max(initial=0.0)
        if (
            np.array_equal(theta, before)
            and all(map(np.array_equal, slots, kept))
            and large > 1e-6 * np.abs(before).max(initial=0.0)
        ):
            warn(
                f"{who} left theta as it was, so nothing is learned. It moves theta in place: "
                "write theta -= …, and not theta = theta - …."
            )

    return update
