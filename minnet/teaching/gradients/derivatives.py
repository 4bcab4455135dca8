"""Wrong local derivatives of a layer: a diagonal where a matrix belongs, another's mask, and so on.

Here the layer is asked for one output at a time, which gives the code's own Jacobian, to be held
against the measured one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.evidence import Probes, View, near, ratio
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import PRISTINE

FORMS: dict[str, Callable[[Array, Array], Array]] = {
    "1": lambda x, y: np.ones_like(x),
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "x (1 − x)": lambda x, y: x * (1 - x),
    "y (1 − y)": lambda x, y: y * (1 - y),
    "1 − y": lambda x, y: 1 - y,
    "1 − x": lambda x, y: 1 - x,
    "1 − y²": lambda x, y: 1 - y * y,
    "1 − x²": lambda x, y: 1 - x * x,
    "1 + y²": lambda x, y: 1 + y * y,
    "y²": lambda x, y: y * y,
    "1 / x": lambda x, y: 1 / x,
    "exp(x)": lambda x, y: np.exp(x),
    "2 x": lambda x, y: 2 * x,
}
"""Derivatives that students write, for the wording of a finding."""


def about_outputs(view: View, probes: Probes, where: str) -> GradientFinding | None:
    """What the code's Jacobian says beside the measured one."""
    dy = view.dys[0]
    nothing = view.ask(np.zeros_like(dy), PRISTINE)
    if nothing is not None and np.any(np.abs(nothing) > 1e-12):
        return _without_dy(view, nothing, where)
    if view.variable == "x" and view.shape == view.scene.y.shape:
        view = _at_outputs(view, probes)
    plus, minus = probes.analytic(view), probes.analytic(view, minus=True)
    if plus is None or minus is None:
        return None
    J = view.jacobian[:, probes.outputs]
    good = view.use
    plus, minus, J = plus[good], minus[good], J[good]
    diagonal = _diagonal(view, J, plus, good, where)
    if diagonal is not None:
        return diagonal
    return _mask(view, J, plus, minus, where) or _by_output(view, J, plus, where)


def _at_outputs(view: View, probes: Probes) -> View:
    """The same array, seen at the positions of the outputs that were asked for."""
    other = View(view.scene, view.variable, np.random.default_rng(0))
    other.index, other.dys = probes.outputs, view.dys
    return other


def _without_dy(view: View, nothing: Array, where: str) -> GradientFinding:
    other = view.ask(view.dys[1], PRISTINE)
    if other is not None and near(other, nothing, float(np.abs(nothing).max()), 1e-9):
        return GradientFinding(
            "wrong",
            where,
            "it is the same for every dy: the gradient from above is not used. The chain rule "
            "multiplies the layer's own derivative by dy.",
        )
    c = None
    if view.variable != "x":
        c = ratio(nothing.ravel(), view.scene.values[view.variable].ravel(), 1e-6)
    if c is not None:
        name = view.variable
        size = f"{c:.4g} times {name} itself, as of a penalty that the output does not show"
    else:
        filled = np.argwhere(np.abs(nothing) > 1e-12)
        only = f", at entry {filled[0].tolist()} alone" if len(filled) == 1 else ""
        size = f"up to {np.abs(nothing).max():.4g}{only}"
    return GradientFinding(
        "wrong",
        where,
        f"it is not 0 for dy = 0, but {size}: a term is added that dy is no factor of. Every term "
        "of a gradient has dy in it; a penalty belongs into kernel_regularizer.",
    )


def _diagonal(view: View, J: Array, A: Array, good: Array, where: str) -> GradientFinding | None:
    """Whether the code's Jacobian is diagonal and the true one is not."""
    if view.variable != "x" or J.shape[0] != J.shape[1] or not good.all() or len(J) < 2:
        return None
    off = ~np.eye(len(J), dtype=bool)
    size = float(np.abs(J).max())
    if np.abs(J[off]).max() <= 1e-6 * size or np.abs(A[off]).max() > 1e-9 * size:
        return None
    passed = near(np.diag(A), np.ones(len(A)), 1.0, 1e-9)
    if passed:
        return GradientFinding(
            "wrong",
            where,
            "dy is handed on as it is (dx = dy): the layer's derivative is missing, which was "
            f"measured as {np.diag(J).min():.4g} … {np.diag(J).max():.4g} on the diagonal of its "
            "Jacobian. Multiply by it.",
        )
    exact = near(np.diag(A), np.diag(J), size, 1e-5)
    on_it = "its diagonal is right" if exact else "not even its diagonal is that which was measured"
    N = len(view.scene.y)
    width = view.scene.y[0].size
    rows = _rows_mix(view, N, width)
    through = "of the other rows (by the batch's mean and variance)" if rows else "of its row"
    fix = (
        "Those statistics depend on x, too: dx = γ s (dy − mean(dy) − x̂ mean(dy x̂))."
        if rows
        else "For softmax dx = y (dy − Σ dy y), with the sum over the row."
    )
    return GradientFinding(
        "diagonal-jacobian",
        where,
        f"dx_k depends on dy_k alone, but every output depends on every input {through}: outside "
        f"the diagonal ∂y_j/∂x_k was measured up to {np.abs(J[off]).max():.4g}, and the code has "
        f"0 ({on_it}). {fix}",
    )


def _rows_mix(view: View, N: int, width: int) -> bool:
    row = view.index // width
    J = view.jacobian.reshape(len(view.index), N, width)
    others = [np.delete(J[i], row[i], axis=0) for i in range(len(row))]
    return any(slopes.size and np.abs(slopes).max() > 1e-9 for slopes in others)


def _mask(view: View, J: Array, plus: Array, minus: Array, where: str) -> GradientFinding | None:
    """Whether each output is let through, blocked, or leaks: the pattern of another mask."""
    size = float(np.abs(J).max())
    open_, shut, leak, both, elementwise = 0, 0, 0, 0, _elementwise(view, J)
    slopes = np.abs(np.diag(J)) if elementwise else np.ones(1)
    levels = np.unique(np.round(slopes, 9))
    if elementwise and len(levels) > 3:
        return None
    for column in range(J.shape[1]):
        states = {_state(A[:, column], J[:, column], size, levels) for A in (plus, minus)}
        if "other" in states:
            return None
        shut += "shut" in states
        leak += "leak" in states
        open_ += "open" in states
        both += len(states) == 2
    if not (shut or leak) or not (open_ or (shut and leak)):
        return None
    if not elementwise and not leak:
        return _rows_left_out(view, J, plus, where)
    pattern = _whose(view, plus, minus) if elementwise else ""
    by_sign = (
        f" {both} of them change with the sign of dy: the mask is taken from dy." if both else ""
    )
    return GradientFinding(
        "wrong-mask",
        where,
        f"of {J.shape[1]} outputs, dy is blocked in {shut} that should let it through, and let "
        f"through in {leak} that should block it; the others are right.{by_sign}{pattern} The mask "
        "of the way back has to be that of the forward pass: where x > 0 for ReLU, the mask that "
        "was drawn for dropout.",
    )


def _elementwise(view: View, J: Array) -> bool:
    """Whether each input has its own output and no other."""
    if view.variable != "x" or J.shape[0] != J.shape[1]:
        return False
    off = ~np.eye(len(J), dtype=bool)
    return not off.any() or float(np.abs(J[off]).max()) <= 1e-9 * float(np.abs(J).max())


def _state(a: Array, j: Array, size: float, levels: Array) -> str:
    nothing = 1e-9 * size
    if np.abs(j).max() <= nothing:
        return "none" if np.abs(a).max() <= nothing else "leak"
    if np.abs(a).max() <= nothing:
        return "shut"
    if near(a, j, float(np.abs(j).max()), 1e-5):
        return "open"
    for one in levels:  # of a leaky mask, the other slope
        for other in levels:
            if one > 0 and other > 0 and near(a, j * (one / other), size, 1e-5):
                return "leak" if one > other else "shut"
    return "other"


def _whose(view: View, plus: Array, minus: Array) -> str:
    """Which array's sign the mask follows."""
    passed = np.abs(np.diag(plus)) > 0.5 * np.abs(np.diag(plus)).max()
    x = view.scene.values["x"].ravel()[view.index]
    if np.array_equal(np.diag(plus), np.diag(minus)):
        if passed.all():
            return " Nothing is blocked at all: the mask is missing."
        if np.array_equal(passed, x < 0):
            return " It is the mask of x < 0, the wrong way round."
    return ""


def _by_output(view: View, J: Array, A: Array, where: str) -> GradientFinding | None:
    """Whether each output is only scaled: by one factor in a column, or by a wrong derivative."""
    if not _elementwise(view, J):
        return _inner(view, J, A, where)
    J_diagonal, r = np.diag(J), np.diag(A)
    off = ~np.eye(len(J), dtype=bool)
    if off.any() and np.abs(A[off]).max() > 1e-9 * np.abs(A).max():
        return GradientFinding(
            "wrong",
            where,
            "dx_k depends on the dy of other entries, but y_k depends on x_k alone. Multiply dy "
            "by the derivative entry by entry.",
        )
    x, y = (array.ravel()[view.index] for array in (view.scene.values["x"], view.scene.y))
    names = {}
    with np.errstate(all="ignore"):
        for name, form in FORMS.items():
            value = form(x, y)
            if np.isfinite(value).all():
                names[name] = value
    used = next((s for s, v in names.items() if near(r, v, float(np.abs(r).max()), 1e-6)), "")
    due = next((s for s, v in names.items() if near(J_diagonal, v, 1.0, 1e-6)), "")
    if used == "1":
        mistake = "dy is handed on as it is (dx = dy): the layer's derivative is missing"
    elif used:
        mistake = f"dy is multiplied by {used}"
    else:
        mistake = f"dy is multiplied by {r.min():.4g} … {r.max():.4g}"
    due = due or f"{J_diagonal.min():.4g} … {J_diagonal.max():.4g}"
    return GradientFinding(
        "wrong",
        where,
        f"{mistake}; measured was dy/dx = {due}. At x = {x[0]:.4g}, y = {y[0]:.4g} the code has "
        f"{r[0]:.4g} where {J_diagonal[0]:.4g} belongs. Look at which of x and y the derivative "
        "is written in.",
    )


def _inner(view: View, J: Array, A: Array, where: str) -> GradientFinding | None:
    """Whether the share of each output is right but for a factor of its own."""
    power = (J * J).sum(axis=0)
    several = (np.abs(J) > 1e-9 * np.abs(J).max()).sum(axis=0) > 1  # or each has a factor anyway
    if np.any(power <= 1e-12 * power.max()) or not several.all():
        return None
    c = (A * J).sum(axis=0) / power
    if not near(A, c * J, float(np.abs(A).max()), 1e-5):
        return None
    return GradientFinding(
        "wrong",
        where,
        f"each output's share is right but for a factor of its own, {c.min():.4g} … {c.max():.4g} "
        "times what was measured: the derivative of an activation inside is missing, or is taken "
        "at the wrong array. dy goes through the activation first: dz = dy · activation'(z).",
    )


def _rows_left_out(view: View, J: Array, A: Array, where: str) -> GradientFinding | None:
    """Whether the gradient is that of some rows of the batch alone."""
    rows = len(view.scene.y)
    shut = np.array(np.abs(A).max(axis=0) <= 1e-9 * np.abs(J).max())
    row = np.arange(view.scene.y.size)
    return None if rows < 2 or row.size != len(shut) else _of_rows(shut.reshape(rows, -1), where)


def _of_rows(shut: Array, where: str) -> GradientFinding | None:
    out = np.array(shut.all(axis=1))
    if not np.array_equal(shut, np.repeat(out[:, None], shut.shape[1], axis=1)):
        return GradientFinding(
            "wrong-mask",
            where,
            f"dy is blocked in {int(shut.sum())} of {shut.size} outputs that should let it "
            "through; the others are right. The mask of the way back has to be that of the forward "
            "pass.",
        )
    return GradientFinding(
        "wrong",
        where,
        f"rows {', '.join(map(str, np.flatnonzero(out)))} of the batch are left out of it; the "
        "rest is right. Every row adds to a gradient.",
    )


def about_wrong(view: View, where: str) -> GradientFinding:
    """The evidence for a mistake without a name."""
    a = view.ask(view.dys[0], PRISTINE)
    n = view.numerical(view.dys[0])
    if a is None:
        return GradientFinding("wrong", where, "it gives no gradient of its array's shape.")
    by_code = view.at(a)
    errors = np.abs(by_code - n)
    scale = float(np.abs(n).max(initial=0.0))
    bad = errors > view.tolerance * scale
    worst = int(np.argmax(errors))
    position = [view.positions[i] for i in np.flatnonzero(view.use)][worst]
    cosine = float(by_code @ n) / max(float(np.linalg.norm(by_code) * np.linalg.norm(n)), 1e-300)
    entry = f"entry {list(position)}" if position else "it"
    return GradientFinding(
        "wrong",
        where,
        f"{int(bad.sum())} of {len(n)} entries that were measured differ, by up to "
        f"{errors.max() / max(scale, 1e-300):.2g} of the largest; the direction agrees to a cosine "
        f"of {cosine:.3f}. Worst, {entry}: by the code {by_code[worst]:.6g}, measured "
        f"{n[worst]:.6g}. Differentiate the formula of forward again, for a single entry.",
    )
