"""Transposed, and not summed: gradients of the wrong shape, also where the shape fits by chance."""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.evidence import View, ratio
from minnet.teaching.gradients.images import margin_kept
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import PRISTINE, Answer, Circumstances, Scene

CAPTURED = Circumstances(pristine=True, capture=True)
"""Gradients of another shape are answers, too."""

TRANSPOSED_FIX = {
    "x": "For y = x W that is dx = dy @ W.T.",
    "": "For y = x W that is dW = x.T @ dy.",
}


def misshapen(view: View, where: str, rng: np.random.Generator) -> GradientFinding | None:
    """What is wrong with a gradient of another shape, or one that raises an error."""
    scene, variable = view.scene, view.variable
    dy = view.dys[0]
    answer = scene.answer(dy, PRISTINE)
    gradient = answer.gradients.get(variable)
    if gradient is not None and gradient.shape == view.shape:
        return None
    if variable != "x":
        answer = scene.answer(dy, CAPTURED)
        gradient = answer.gradients.get(variable)
    error = answer.errors.get(variable)
    if gradient is None:
        return _without_an_answer(view, where, answer, rng)
    if gradient.shape == view.shape:  # an earlier weight raised the error, and this one is right
        if view.right(CAPTURED):
            return GradientFinding("", where, "")
        return None
    shapes = f"the gradient has shape {gradient.shape}, not {view.shape}"
    if error is not None:
        shapes += f" (NumPy says: {error})"
    n = view.numerical(dy)
    flipped = gradient.ndim == 2 and gradient.shape == view.shape[::-1]
    if flipped and ratio(view.at(gradient.T), n, view.tolerance) is not None:
        return GradientFinding(
            "transposed",
            where,
            f"{shapes}, and its transpose has the right numbers, up to a factor at most. "
            f"{TRANSPOSED_FIX['x' if variable == 'x' else '']}",
        )
    unsummed = _not_summed(view, gradient, dy)
    if unsummed:
        return GradientFinding("bias-not-summed", where, f"{shapes}: {unsummed}")
    margin = margin_kept(view, gradient, dy) if variable == "x" else ""
    if margin:
        return GradientFinding("wrong", where, f"{shapes}: {margin}.")
    return GradientFinding("wrong", where, f"{shapes}. A gradient has the shape of its array.")


def _not_summed(view: View, gradient: Array, dy: Array) -> str:
    """Whether one gradient for each row was given, or another axis summed."""
    if not dy.ndim:
        return ""
    rows, extra = len(dy), gradient.ndim - len(view.shape)
    name = "d" + view.variable if view.variable != "x" else "dx"
    fix = f"Every row adds to it: {name} = dy.sum(axis=0), or the like."
    shares = _shares(view, dy)
    if gradient.shape == (rows, *view.shape):
        flat = gradient.reshape(rows, -1)[:, view.index][:, view.use]
        if ratio(flat.ravel(), shares.T.ravel(), view.tolerance) is not None:
            return f"there is one gradient for each of the {rows} rows. {fix}"
    if extra > 0 and gradient.shape[extra:] == view.shape:
        total = gradient.sum(axis=tuple(range(extra)))
        if ratio(view.at(total), view.numerical(dy), view.tolerance) is not None:
            return f"the sum over the first {'axis' if extra == 1 else 'axes'} is missing. {fix}"
    if len(view.shape) == 1 and len(view.index) == view.shape[0] and view.use.all():
        other = shares.sum(axis=0)
        if ratio(gradient.ravel(), other, view.tolerance) is not None:
            return f"it is summed over the columns (axis 1), one number for each row. {fix}"
    return ""


def _shares(view: View, dy: Array) -> Array:
    """What each row of dy adds to the gradient: (entries, rows)."""
    each = view.jacobian.reshape(len(view.index), len(dy), -1) * dy.reshape(1, len(dy), -1)
    shares: Array = each.sum(axis=2)[view.use]
    return shares


def not_summed(view: View, where: str) -> GradientFinding | None:
    """One row's gradient, or a sum over the wrong axis, where the shape fits all the same."""
    if view.variable == "x" or len(view.shape) != 1 or view.scene.y.ndim < 2:
        return None
    answers = [view.ask(dy, PRISTINE) for dy in view.dys]
    rows = len(view.scene.y)
    fix = f"Every row adds to it: d{view.variable} = dy.sum(axis=0), or the like."
    for row in (0, rows - 1, *range(1, rows - 1)):
        if rows > 1 and all(
            a is not None and ratio(view.at(a), _shares(view, dy)[:, row], view.tolerance)
            for a, dy in zip(answers, view.dys, strict=True)
        ):
            return GradientFinding(
                "bias-not-summed",
                where,
                f"it is the gradient of row {row} alone; the other {rows - 1} rows are left out. "
                f"{fix}",
            )
    if len(view.index) < view.shape[0] or not view.use.all() or view.shape[0] == 1:
        return None
    for axes, total in (
        ("the columns (axis 1)", lambda each: each.sum(axis=0)),
        ("rows and columns alike", lambda each: np.full(view.shape, each.sum())),
    ):
        if all(
            a is not None and ratio(a.ravel(), total(_shares(view, dy)), view.tolerance)
            for a, dy in zip(answers, view.dys, strict=True)
        ):
            return GradientFinding(
                "bias-not-summed",
                where,
                f"it is the sum over {axes}, where the rows alone are to be summed. {fix}",
            )
    return None


def transposed(view: View, where: str, rng: np.random.Generator) -> GradientFinding | None:
    """A square gradient the wrong way round, or dx by W where Wᵀ belongs."""
    if len(view.shape) != 2:
        return None
    both = []
    square = view.shape[0] == view.shape[1]
    for dy in view.dys:
        a = view.ask(dy, PRISTINE)
        if a is None or not square:
            break
        both.append(ratio(view.at(a.T), view.numerical(dy), view.tolerance))
    if len(both) == 2 and all(both):
        return GradientFinding(
            "transposed",
            where,
            f"entry [i, j] of the code's gradient is what was measured for [j, i] "
            f"({view.shape[0]} by {view.shape[1]}, so no shape gives it away). "
            f"{TRANSPOSED_FIX['x' if view.variable == 'x' else '']}",
        )
    if view.variable == "x" and view.scene.y.shape == view.shape:
        return _through_the_transpose(view.scene, where, rng)
    return None


def _through_the_transpose(
    scene: Scene, where: str, rng: np.random.Generator
) -> GradientFinding | None:
    """dx = dy @ W: each row went through the matrix instead of its transpose."""
    small = scene.resized(2, rng)
    if small is None or small.y.ndim != 2 or small.values["x"].shape != small.y.shape:
        return None
    view, size = View(small, "x", rng), small.y.size
    if size > 600:  # the whole Jacobian is needed
        return None
    view.index = np.arange(size)
    for dy in view.dys:
        a = view.ask(dy, PRISTINE)
        flipped = view.jacobian.T @ dy.ravel()
        if a is None or not ratio(a.ravel(), flipped, view.tolerance):
            return None
        if ratio(a.ravel(), view.jacobian @ dy.ravel(), view.tolerance):  # the same either way
            return None
    return GradientFinding(
        "transposed",
        where,
        "dy goes back through the matrix itself, and not through its transpose: the numbers are "
        "those of Jᵀ, with J[i, k] = ∂y_k/∂x_i as measured. " + TRANSPOSED_FIX["x"],
    )


def _without_an_answer(
    view: View, where: str, answer: Answer, rng: np.random.Generator
) -> GradientFinding:
    """An error: with as many inputs as outputs the same formula may run, and show what it is."""
    error = answer.errors.get(view.variable)
    failure = f"{type(error).__name__}: {error}" if error is not None else "nothing was written"
    failure = failure.rstrip(".")
    square = view.scene.squared(rng)
    if square is not None:
        other = View(square, view.variable, rng)
        finding = transposed(other, where, rng) or not_summed(other, where)
        if finding is not None:
            return GradientFinding(
                finding.kind,
                where,
                f"it stops with {failure}. With as many inputs as outputs it runs, and there "
                f"{finding.message}",
            )
    return GradientFinding(
        "wrong",
        where,
        f"it stops with {failure}. The gradient has the shape of its array, {view.shape}; dy has "
        f"that of the output, {view.scene.y.shape}.",
    )
