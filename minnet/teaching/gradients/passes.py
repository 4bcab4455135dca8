"""A whole pass forward and backward, with every step's numbers noted, to find the step at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer, Memo, bind
from minnet.teaching.gradients.evidence import View
from minnet.teaching.gradients.measuring import Entry, Measurable, measure
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import StepScene, generators

ROWS = 6
"""Rows of the batch that a formula is tried with alone."""

CONTEXT = 40
"""Entries of an array that are measured to find the layer at fault."""


class Way(NamedTuple):
    """How a pass goes through the steps."""

    in_training: tuple[bool, ...]  # for each step: whether it gets a memo
    has_gradient: tuple[bool, ...]  # for each step: whether its weights want a gradient
    lowest_learning: int  # the lowest step, whose backward is not needed; -1 where that of all is


@dataclass
class Meeting:
    """One step of a layer as it is met in a whole pass: its numbers, and what it made of them."""

    step: Layer  # as it was before its forward
    x: Array
    y: Array
    variables: tuple[str, ...]  # what it has to give the gradient of
    training: bool
    state: Any  # of the generator, before
    dy: Array | None = None
    gradients: dict[str, Array] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)  # the methods that changed what they were handed

    def scene(self, fresh: Layer) -> StepScene:
        """The step alone, with some of the rows."""

        def of(x: Array) -> StepScene:
            return StepScene(
                self.step, x, training=self.training, variables=self.variables, fresh=fresh
            )

        try:
            return of(self.x[:ROWS])
        except Exception:  # it keeps something of the whole batch's size
            return of(self.x)

    def is_right(self, variable: str, rng: np.random.Generator) -> bool:
        """Whether what it gave in the pass is what is measured for the x and dy it met."""
        gradient, dy = self.gradients.get(variable), self.dy
        every = {**self.step.arrays(), "x": self.x}
        if dy is None or gradient is None or gradient.shape != every[variable].shape:
            return False

        def make(dtype: Any) -> Measurable:
            layer, x = self.step.copy(), self.x.astype(dtype)
            theta, _, _ = bind([layer], dtype)
            rng = np.random.default_rng()
            reset = generators(layer)

            def number() -> Any:
                rng.bit_generator.state = self.state
                reset()
                kept = theta.copy()
                y = layer.forward(x.copy(), {"rng": rng} if self.training else None)
                theta[...] = kept
                return (dy * y).sum()

            return Measurable({**layer.arrays(), "x": x}, number)

        entries = some_entries({variable: every[variable]}, CONTEXT, rng)
        analytic = np.array([entry.of(gradient) for entry in entries])
        measured = measure(make, entries, analytic)
        # a bias below a batch normalization has a gradient of 0, and rounding in its place
        floor = 1e-14 * float(np.abs(dy).sum()) * (1.0 + float(np.abs(self.x).max()))
        measured.rounding = np.maximum(measured.rounding, floor)
        return measured.agrees(analytic)


def some_entries(arrays: dict[str, Array], limit: int, rng: np.random.Generator) -> list[Entry]:
    """All entries, or of more than the limit some of each array and directions through all."""
    total = sum(array.size for array in arrays.values())
    share = total if total <= limit else max(1, limit // len(arrays))
    entries = []
    for name, array in arrays.items():
        size = array.size
        chosen = range(size) if size <= share else sorted(rng.choice(size, share, replace=False))
        entries += [Entry(name, tuple(map(int, np.unravel_index(i, array.shape)))) for i in chosen]
        if size > share:
            entries += [Entry(name, (), rng.standard_normal(array.shape)) for _ in range(2)]
    return entries


def a_pass(
    steps: Sequence[Layer], way: Way, x: Array, noise: int, top: Callable[[list[Array]], Any]
) -> list[Meeting]:
    """Forward and backward through all steps as a training does it, and everything noted.

    Parameters
    ----------
    top
        Outputs → dy (None if there is none), and the number of the step above the first to go
        back through.
    """
    rng = np.random.default_rng(noise)
    outputs: list[Array] = [x]
    memos: list[Memo | None] = []
    met: list[Meeting] = []
    for i, step in enumerate(steps):
        memo: Memo | None = {"rng": rng} if way.in_training[i] else None
        weights = step.parameters if way.has_gradient[i] else ()
        variables = (*weights, "x") if i > way.lowest_learning else weights
        before, given, state = step.copy(), outputs[-1], rng.bit_generator.state
        kept = given.copy()
        y = step.forward(given, memo)
        met.append(Meeting(before, kept, np.array(y), variables, way.in_training[i], state))
        if not (_same([given], [kept]) and _same(_weights(step), _weights(before))):
            met[-1].changed.add("forward")
        outputs.append(y)
        memos.append(memo)
    dy, stop = top(outputs)
    other = np.random.default_rng(noise + 1)
    for i in range(stop - 1, max(way.lowest_learning, 0) - 1, -1):
        if dy is None or np.shape(dy) != met[i].y.shape or not np.isfinite(dy).all():
            dy = other.standard_normal(met[i].y.shape)  # what came from above is of no use
        dy = np.array(dy, np.float64)
        met[i].dy = dy.copy()
        dy = _go_back(steps[i], met[i], outputs[i], outputs[i + 1], dy, memos[i])
    return met


def _go_back(step: Layer, met: Meeting, x: Array, y: Array, dy: Array, memo: Memo | None) -> Any:
    """One step of the way back; returns dx, or None where it cannot be had."""
    dx: Any = None
    for method in ("gradient", "backward"):
        if not (set(met.variables) - {"x"} if method == "gradient" else "x" in met.variables):
            continue
        before = [array.copy() for array in (x, y, dy, *_weights(step))]
        try:
            if method == "gradient":
                step.gradient(x, y, dy, memo)
                for name, gradient in step.gradients().items():
                    met.gradients[name] = np.array(gradient)
            else:
                dx = np.array(step.backward(x, y, dy, memo), np.float64)
                met.gradients["x"] = dx
        except NotImplementedError:
            raise
        except Exception:  # the step is looked at alone later
            dx = None
        if not _same([x, y, dy, *_weights(step)], before):
            met.changed.add(method)
    return dx


def _weights(step: Layer) -> list[Array]:
    return [getattr(step, name) for name in step.parameters]


def _same(now: Sequence[Array], before: Sequence[Array]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(now, before, strict=True))


def anothers_mask(scene: StepScene, meeting: Meeting) -> GradientFinding | None:
    """Whether the step let through in the pass what another layer or batch would have."""
    dx, dy = meeting.gradients.get("x"), meeting.dy
    if dx is None or dy is None or dx.shape != dy.shape or meeting.x.shape != meeting.y.shape:
        return None
    with np.errstate(all="ignore"):
        passed = dx / dy
    view = View(scene, "x", np.random.default_rng(0))
    J = view.jacobian[:, view.index]
    if np.any(np.abs(J - np.diag(np.diag(J))) > 1e-9):
        return None
    levels = {*np.round(np.diag(J), 6), 0.0}
    if len(levels) > 3 or not set(np.round(passed.ravel(), 6)) <= levels:
        return None
    return GradientFinding(
        "wrong-mask",
        scene.where("x"),
        f"its mask is that of another layer or batch: it lets {int((passed != 0).sum())} of "
        f"{passed.size} entries through, and by its own x it would be "
        f"{int((meeting.y != 0).sum())}. Take the mask from the x or y that backward is handed.",
    )


def in_company(scene: StepScene, variable: str) -> GradientFinding:
    """A formula that is right alone and wrong among the others: it uses what is not its own."""
    return GradientFinding(
        "stale-input",
        scene.where(variable),
        "alone it is right, and wrong where other layers and batches run between its forward and "
        "its way back: it uses an array that they have changed since, or share with it. Use the "
        "x, y and dy that backward and gradient are handed, and keep nothing on the class.",
    )
