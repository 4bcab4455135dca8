"""The wrong sign and the wrong factor: is it 2, K, or N? Other sizes tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from minnet.teaching.gradients.evidence import View, ratio
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import PRISTINE, Scene


def constant_ratio(view: View) -> float | None:
    """c where the analytic gradient is c times the measured one, for both gradients from above."""
    ratios = []
    for dy in view.dys:
        a = view.ask(dy, PRISTINE)
        if a is None or not np.isfinite(a).all():
            return None
        c = ratio(view.at(a), view.numerical(dy), view.tolerance)
        if c is None:
            return None
        ratios.append(c)
    return ratios[0] if abs(ratios[0] - ratios[1]) <= 1e-5 * abs(ratios[0]) else None


def scaled(view: View, c: float, where: str, rng: np.random.Generator) -> list[GradientFinding]:
    """What the ratio c says, after the same was asked with other sizes."""
    scene, findings = view.scene, []
    of_rows, N, sure = _power_of_rows(view, c, rng)
    of_columns = _power_of_columns(view, c, rng)
    K = scene.values[view.variable].shape[-1] if scene.values[view.variable].ndim > 1 else 1
    if scene.y.ndim > 1:
        K = scene.y.shape[-1]
    rest = abs(c) / float(N) ** of_rows / float(K) ** of_columns
    if c < 0:
        findings.append(
            GradientFinding(
                "sign",
                where,
                "every entry has the opposite sign: by the code it is "
                f"{c:.4g} times what was measured. Drop the minus, or add the one that is missing.",
            )
        )
    if of_rows:
        inverse = of_rows < 0
        findings.append(_about_rows(c, N, of_rows, where, inverse=inverse, sure=sure))
    if of_columns:
        fix = "averages over the columns: divide by K"
        if of_columns < 0:
            fix = "sums over the columns: do not divide by K"
        findings.append(
            GradientFinding(
                "factor",
                where,
                f"the gradient is {_power('K', of_columns)} times what it should be (K = {K}, the "
                f"number of columns, that is classes or outputs; by the code it is {c:.4g} times "
                f"what was measured, and with twice the columns that changes). The loss {fix}.",
            )
        )
    if abs(rest - 1.0) > 1e-4:
        findings.append(
            _about_constant(view, c, rest, where, sizes_vary=bool(of_columns), sure=sure)
        )
    return findings


def _about_rows(
    c: float, N: int, power: int, where: str, *, inverse: bool, sure: bool
) -> GradientFinding:
    name = _power("N", power)
    evidence = (
        f"by the code it is {c:.4g} times what was measured with N = {N} rows, and with another N "
        "the ratio changes with it"
        if sure
        else f"by the code it is {c:.4g} times what was measured, and there are N = {N} rows"
    )
    fix = (
        "The 1/N of a mean is there once too often: divide by N once, in the loss."
        if inverse
        else "The mean over the batch has a 1/N that is missing here: divide by N."
    )
    return GradientFinding(
        "sum-vs-mean", where, f"the gradient is {name} times what it should be: {evidence}. {fix}"
    )


def _about_constant(
    view: View, c: float, rest: float, where: str, *, sizes_vary: bool, sure: bool
) -> GradientFinding:
    factor = fraction(rest)
    own = _of_numbers(rest, view.scene.numbers())
    sizes = [] if sizes_vary else _sizes(view.scene, rest)
    hint = ""
    if own:
        hint = f" That is {own} of {view.scene.who}."
    elif sizes:
        hint = f" (Note that {' and '.join(sizes)}, too.)"
    if view.shape and np.prod(view.shape) == 1 and view.scene.who == "gradient_of_f":
        return GradientFinding(
            "wrong",
            where,
            f"by the code it is {c:.6g} times what was measured, in the one entry that it has, "
            "which tells no factor from another mistake. Differentiate the formula of f again.",
        )
    batch = " and whatever the batch" if sure else ""
    fix = f"Divide by {factor}." if rest > 1 else f"Multiply by {fraction(1.0 / rest)}."
    return GradientFinding(
        "factor",
        where,
        f"the gradient is {factor} times what was measured, in every entry{batch} "
        f"(ratio {c:.6g}).{hint} {fix}",
    )


def fraction(value: float) -> str:
    """2 as "2", 0.5 as "1/2", other numbers with their digits."""
    near = Fraction(value).limit_denominator(64)
    if near > 0 and abs(float(near) - value) <= 1e-5 * abs(value) and near.numerator <= 1024:
        return str(near)
    return f"{value:.5g}"


def _power(letter: str, power: int) -> str:
    whole = letter if abs(power) == 1 else f"{letter}²"
    return whole if power > 0 else f"1/{whole}"


def _power_of_rows(view: View, c: float, rng: np.random.Generator) -> tuple[int, int, bool]:
    """p where the ratio goes with Nᵖ, what N is, and whether another N was tried."""
    scene = view.scene
    for rows in (scene.rows + 2, 2 * scene.rows + 1, max(2, scene.rows - 1)):
        other = scene.resized(rows, rng)
        if other is None or (other.rows == scene.rows and other.data_rows is None):
            continue
        ratio_there = _ratio_of(other, view.variable, rng)
        if ratio_there is not None:
            before = other.data_rows or scene.rows
            return _exponent(ratio_there / c, other.rows / before), before, True
    rows = scene.rows
    if scene.who == "gradient_of_f" and rows > 2:  # it cannot be run with other sizes
        for power in (1, -1):
            if abs(abs(c) / float(rows) ** power - 1.0) < 1e-5:
                return power, rows, False
    return 0, rows, False


def _power_of_columns(view: View, c: float, rng: np.random.Generator) -> int:
    other = view.scene.widened(rng)
    ratio_there = None if other is None else _ratio_of(other, view.variable, rng)
    return 0 if ratio_there is None else _exponent(ratio_there / c, 2.0)


def _ratio_of(scene: Scene, variable: str, rng: np.random.Generator) -> float | None:
    return constant_ratio(View(scene, variable, rng))


def _exponent(change: float, size: float) -> int:
    for power in (0, 1, -1, 2, -2):
        if abs(change / size**power - 1.0) < 1e-3:
            return power
    return 0


def _of_numbers(rest: float, numbers: Mapping[str, float]) -> str:
    for name, v in numbers.items():
        forms = {
            name: v,
            f"1/{name}": 1 / v if v else 0.0,
            f"1 - {name}": 1 - v,
            f"1/(1 - {name})": 1 / (1 - v) if v != 1 else 0.0,
        }
        for form, value in forms.items():
            if value not in (0.0, 1.0) and abs(rest / value - 1.0) < 1e-5:
                return form
    return ""


def _sizes(scene: Scene, rest: float) -> list[str]:
    """Sizes that happen to be this number."""
    names = []
    values = scene.values.get("x")
    if values is not None and values.ndim > 1:
        names.append(("the number of inputs", values.shape[-1]))
    if scene.y.ndim > 1:
        names.append(("the number of outputs", scene.y.shape[-1]))
    return [
        f"{name} is {size}"
        for name, size in names
        if size > 1 and min(abs(rest / size - 1), abs(rest * size - 1)) < 1e-5
    ]
