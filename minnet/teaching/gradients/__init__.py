"""The gradient detective: is my gradient right, and if not, what is wrong with it, and where?

`measuring` measures derivatives, `targets` says what can be checked and finds the formula at
fault, `scenes` runs that formula alone, `diagnosis` experiments with it (with `scaling`, `shapes`
and `derivatives` for their kinds of mistakes), and `report` says what was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.foundation.checks import generator, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.layers.base import Layer
from minnet.losses import Loss
from minnet.models import Sequential
from minnet.teaching.gradients.measuring import Entry, Measured, measure, on_a_kink, repeats
from minnet.teaching.gradients.passes import some_entries
from minnet.teaching.gradients.report import KINDS, GradientFinding, GradientReport
from minnet.teaching.gradients.targets import (
    Target,
    of_functions,
    of_layer,
    of_loss,
    of_model,
)
from minnet.teaching.scripts.named import check_named, explained, truncated

__all__ = ["KINDS", "GradientFinding", "GradientReport", "check_gradients"]

LIMIT = 200
"""Entries that are checked one by one; of more, as many are drawn from each array, and each array
is checked along two random directions as well."""

FEW = 32
"""Entries that are looked through for the worst, where a direction tells of one."""


@named
@seed_unmoved_where_refused
def check_gradients(
    target: Any,
    x: Any = None,
    y: Any = None,
    *,
    params: Any = None,
    seed: int | np.random.Generator = 0,
) -> GradientReport:
    """Whether gradients are right, by complex step or central differences, and if not, why.

    Where no experiment names the mistake, the lines of your own functions and methods are changed
    one at a time in the ways in which students go wrong, and the change that makes the gradient
    right is told. Everything runs on a copy, after another batch and with gradients filled with
    junk, so that what is kept from earlier shows. A layer has to leave x, y and dy as they are. The
    kinds of findings:

    - sign: the opposite sign
    - factor: a constant factor; the message says which (2, 1/2, K, …)
    - sum-vs-mean: a factor of N or 1/N, which changes with the batch
    - transposed: a matrix the wrong way round
    - detached: zero where it is not
    - diagonal-jacobian: entries are treated as if they did not depend on each other
    - bias-not-summed: not the sum over the rows
    - stale-input: an array was used that was changed in place, or kept from an earlier batch
    - wrong-mask: ReLU's or dropout's mask from the wrong array
    - not-filled: `dW +=` where `dW[...] =` belongs, or never written
    - kink: right, but the check sits on a kink, such as ReLU's at 0; no alarm
    - wrong: none of these; the message says which change of a line makes it right, or has the
      evidence

    Parameters
    ----------
    target
        A compiled model (checked through its loss, with y); a layer (with a random gradient from
        above; built for x if it is not); a loss (x is the prediction, y the target); a pair of
        functions (f, gradient_of_f), where f(x) is a number and gradient_of_f(x) has x's shape; or,
        with `params`, a function of named weights that gives (loss, gradients), or such a pair.
    x : (N, …) array
        A small batch: a few rows are enough. A dict of arrays is taken as `params`.
    y : (N, …) array
        The targets, for a model or a loss.
    params : dict of arrays
        Weights by name. The report then has a verdict for each: see `GradientReport.blocks`.
    seed
        For the gradient from above, dropout, and which entries are drawn of more than 200.

    Returns
    -------
    GradientReport

    Raises
    ------
    RuntimeError
        A model that is not compiled.
    TypeError
        The target is of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from minnet.layers import Tanh
    >>> check_gradients(Tanh(), np.array([[0.5, -1.0]])).ok
    True
    >>> report = check_gradients((lambda x: (x**3).sum(), lambda x: 2 * x**2), [1.0, 2.0])
    >>> report.ok, report.worst
    (False, 'x[1]')
    >>> [finding.kind for finding in report.findings]
    ['factor']
    >>> def loss(p):
    ...     error = np.array([[1.0, 2.0], [3.0, 5.0]]) @ p["W"] + p["b"] - 1.0
    ...     gradients = {"W": np.array([[1.0, 3.0], [2.0, 5.0]]) @ error, "b": 2 * error.sum()}
    ...     return (error**2).sum(), gradients
    >>> report = check_gradients(loss, params={"W": np.array([0.5, -0.5]), "b": np.array(0.1)})
    >>> {name: [finding.kind for finding in found] for name, found in report.blocks.items()}
    {'b': [], 'W': ['factor']}
    """
    rng = generator(seed)
    with np.errstate(all="ignore"):
        if params is None and isinstance(x, Mapping):
            x, params = None, x
        if params is not None:
            return check_named(_functions(target, x), params)
        if isinstance(target, Sequential):
            checked: Target = of_model(target, x, y, rng)
        elif isinstance(target, Layer):
            checked = of_layer(target, x, rng)
        elif isinstance(target, Loss):
            checked = of_loss(target, x, y)
        elif isinstance(target, (tuple, list)) and len(target) == 2 and all(map(callable, target)):
            return _of_pair(target, x, rng)
        else:
            raise TypeError(
                "check_gradients takes a compiled model, a layer, a loss, or a pair of functions "
                f"(f, gradient_of_f). Got {short(target)}."
            )
        report = _check(checked, rng)
        return _by_the_lines(report, checked) if not report.ok else report


UNKNOWN = "Differentiate the formula of forward again"
"""What is said where no experiment names the mistake."""

OF_ITS_OWN = "but for a factor of its own"
"""What is said of outputs that are each scaled by another number."""


def _by_the_lines(report: GradientReport, checked: Target) -> GradientReport:
    """The report with what the lines of a student's own methods say, where that is more."""
    if not any(_is_vague(finding) for finding in report.findings):
        return report
    told = checked.lines()
    findings = []
    for finding in report.findings:
        better = None
        if _is_vague(finding):
            owner, array = finding.where.split(".")[0], _array_of(finding.where)
            keys = [f"{owner}.{array}", array, f"{owner}.loss", "loss"]
            if OF_ITS_OWN not in finding.message:
                keys.append(f"{owner}.{array}~")
            better = next((told[key] for key in keys if key in told), None)
        if better is not None:
            finding = GradientFinding(finding.kind, finding.where, better.message)
        findings.append(finding)
    return replace(report, findings=tuple(findings))


def _is_vague(finding: GradientFinding) -> bool:
    """Whether it says where, and not why."""
    return ("in rows" in finding.message and "Look at what treats" in finding.message) or (
        finding.kind in ("wrong", "diagonal-jacobian")
        and (
            UNKNOWN in finding.message
            or ("the layer's derivative is missing" in finding.message and "…" in finding.message)
            or "not even its diagonal" in finding.message
            or OF_ITS_OWN in finding.message
        )
    )


def _array_of(where: str) -> str:
    """The array whose gradient a formula gives: "W" of `dense_1.gradient (dW)`, "x" of backward."""
    if "(d" in where:
        return where.split("(d")[1].rstrip(")")
    return "x" if where.endswith("backward") else "p"


def _of_pair(pair: Any, x: Any, rng: np.random.Generator) -> GradientReport:
    """The report on a pair of functions; where no experiment names the mistake, their lines may."""
    report = _check(of_functions(pair[0], pair[1], x), rng)
    lost = truncated(pair[1], x)
    if lost is not None and (not report.ok or np.asarray(x).dtype.kind in "iu"):
        return replace(report, ok=False, findings=(lost, *report.findings))
    if not report.findings:
        return report
    first, single = report.findings[0], np.size(x) == 1
    unsure = "treats these apart" in first.message or (
        "in every entry" in first.message and "whatever the batch" not in first.message
    )
    if (
        UNKNOWN in first.message
        or "one entry" in first.message
        or (first.kind == "factor" and (single or unsure))
    ):
        better = explained(pair[0], pair[1], np.array(x, dtype=float))
        if better and (first.kind == "wrong" or better[0].kind != "factor" or single):
            if first.kind == "wrong":
                better = [GradientFinding("wrong", b.where, b.message) for b in better]
            return replace(report, findings=tuple(better))
    return report


def _functions(target: Any, x: Any) -> Any:
    """A function or a pair, as they are taken with named weights."""
    pair = isinstance(target, (tuple, list)) and len(target) == 2 and all(map(callable, target))
    if x is not None or not (pair or callable(target)) or isinstance(target, (Layer, Loss)):
        raise TypeError(
            "check_gradients takes with params a function that gives (loss, gradients), or a pair "
            f"(loss, gradient) of functions, and no x. Got {short(target)}."
        )
    return target


def _check(target: Target, rng: np.random.Generator) -> GradientReport:
    kinks: list[GradientFinding] = []
    if not repeats(target.make):
        return _restless(target)
    if on_a_kink(target.make, rng):
        kinks = _kinks(target, rng)
        target = target.jittered(rng)
    report, right, worst = _compare(target, rng)
    findings = target.changed()
    if not right:
        known = {(finding.kind, finding.where) for finding in findings}
        findings += [f for f in target.culprits(rng, worst) if (f.kind, f.where) not in known]
        if not findings:
            findings = [_only_together(report)]
        findings = _most_telling_first(findings)
    return GradientReport(
        **{**vars(report), "ok": right and not findings, "findings": (*findings, *kinks)}
    )


def _restless(target: Target) -> GradientReport:
    """The report on a value that changes from one run to the next, and so has no derivative."""
    measurable = target.make(np.float64)
    whose = [who for who, scene in target.scenes() if not repeats(scene.make)]
    findings = [
        GradientFinding(
            "wrong",
            f"{who}.forward",
            "with the same input it gives other numbers each time, so there is no derivative to "
            'hold it to. Draw random numbers from memo["rng"], and keep them in the memo.',
        )
        for who in (whose or ["f"])
    ]
    return GradientReport(
        ok=False,
        max_relative_error=math.inf,
        worst=next(iter(measurable.arrays)),
        analytic=math.nan,
        numerical=math.nan,
        method="none",
        checked=0,
        total=sum(array.size for array in measurable.arrays.values()),
        findings=tuple(findings),
    )


def _most_telling_first(findings: list[GradientFinding]) -> list[GradientFinding]:
    """In the order found, from the loss down; a "wrong" after what has a name in its layer."""
    named = {f.where.split(".")[0] for f in findings if f.kind != "wrong"}
    return sorted(findings, key=lambda f: f.kind == "wrong" and f.where.split(".")[0] in named)


def _only_together(report: GradientReport) -> GradientFinding:
    return GradientFinding(
        "wrong",
        report.worst,
        f"by the code {report.analytic:.6g}, measured {report.numerical:.6g}, though each formula "
        "is right alone. Look at what layers share with each other.",
    )


def _kinks(target: Target, rng: np.random.Generator) -> list[GradientFinding]:
    """Where the kinks are: in each formula that has one of its own."""
    message = (
        "the check sits on a kink, such as ReLU's or |x|'s at 0 or a tie for the largest: the "
        "slope in front is not the slope behind, and each number between them is right. It was "
        "checked a thousandth beside it. Nothing to mend; other numbers for x avoid it."
    )
    bent = [who for who, scene in target.scenes() if on_a_kink(scene.make, rng)]
    return [GradientFinding("kink", who, message) for who in (bent or ["x"])]


def _compare(target: Target, rng: np.random.Generator) -> tuple[GradientReport, bool, Entry]:
    """The figures of the report, whether the gradients agree, and the entry that differs most."""
    arrays = target.make(np.float64).arrays
    total = sum(array.size for array in arrays.values())
    entries = some_entries(dict(arrays), LIMIT, rng)
    missing = [name for name, gradient in target.gradients.items() if gradient is None]
    analytic = _analytic(target, entries)
    measured = measure(target.make, entries, analytic)
    checked = sum(entry.direction is None for entry in entries)
    right = not missing and measured.agrees(analytic)
    if not right and not missing:
        entries, analytic, measured = _closer(target, entries, analytic, measured)
    single = [i for i, entry in enumerate(entries) if entry.direction is None]
    differences = measured.differences(analytic)
    worst = max(single, key=lambda i: differences[i])
    entry = entries[worst]
    position = ", ".join(map(str, entry.position))
    report = GradientReport(
        ok=right,
        max_relative_error=math.inf if missing else measured.error(analytic),
        worst=f"{entry.name}[{position}]" if position else entry.name,
        analytic=float(analytic[worst].real),
        numerical=float(measured.slopes[worst]),
        method=measured.method,
        checked=checked,
        total=total,
    )
    return report, right, entry


def _analytic(target: Target, entries: list[Entry]) -> np.ndarray[Any, Any]:
    values = []
    for entry in entries:
        gradient = target.gradients[entry.name]
        values.append(math.nan if gradient is None else entry.of(gradient))
    return np.array(values)


def _closer(
    target: Target, entries: list[Entry], analytic: Any, measured: Measured
) -> tuple[list[Entry], Any, Measured]:
    """The entries around an error that shows along a direction alone, found by halving it."""
    differences = measured.differences(analytic)
    limit = measured.tolerance * float(np.abs(measured.slopes).max())
    off = [entry for entry, d in zip(entries, differences, strict=True) if d > limit]
    if not off or any(entry.direction is None for entry in off):
        return entries, analytic, measured
    name, shape = off[0].name, target.make(np.float64).arrays[off[0].name].shape
    inside = np.arange(np.prod(shape))
    while len(inside) > FEW:
        halves = np.array_split(inside, 2)
        along = [
            Entry(name, (), np.isin(np.arange(np.prod(shape)), half).reshape(shape) * 1.0)
            for half in halves
        ]
        by_code = _analytic(target, along)
        errors = np.abs(by_code - measure(target.make, along, by_code).slopes)
        inside = halves[int(np.argmax(errors))]
    few = [Entry(name, tuple(map(int, np.unravel_index(i, shape)))) for i in inside]
    analytic = _analytic(target, few)
    return few, analytic, measure(target.make, few, analytic)
