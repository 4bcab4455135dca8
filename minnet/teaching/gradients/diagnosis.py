"""From a gradient that is wrong to what is likely wrong with it.

Each suspicion is an experiment on the scene, and the first that is borne out is the finding; what
fits none of them is "wrong", with the best evidence there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.derivatives import about_outputs, about_wrong
from minnet.teaching.gradients.evidence import Probes, View, near
from minnet.teaching.gradients.images import about_images
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scaling import constant_ratio, fraction, scaled
from minnet.teaching.gradients.scenes import JUNK, OTHER_JUNK, PRISTINE, Circumstances, Scene
from minnet.teaching.gradients.shapes import misshapen, not_summed, transposed

FRESH = Circumstances(pristine=True, fresh=True)
"""Nothing was run before, and each formula gets arrays of its own."""


def diagnose(
    scene: Scene, rng: np.random.Generator, variables: Sequence[str] | None = None
) -> list[GradientFinding]:
    """What is wrong in this scene, the most telling finding first; nothing where all is right.

    `variables` are the arrays whose gradient is in question, by default all.
    """
    findings = touched(scene, rng)
    names = scene.values if variables is None else variables
    views = [View(scene, name, rng) for name in names]
    if findings and all(view.right(PRISTINE) for view in views):
        return findings
    probes: Probes | None = None
    for view in views:
        how = Circumstances(pristine=bool(findings))
        if view.right(how):
            continue
        other = scene.elsewhere(rng)  # numbers of one sign can make one mistake look like another
        if other is not None and not View(other, view.variable, rng).right(how):
            scene, view = other, View(other, view.variable, rng)
        if probes is None and scene.y.ndim:
            probes = Probes.of(scene, rng)
        findings += _of_variable(view, probes, rng)
    named = [finding for finding in findings if finding.kind]
    return sorted(named, key=lambda finding: finding.kind == "wrong")


def touched(scene: Scene, rng: np.random.Generator) -> list[GradientFinding]:
    """Arrays that are changed in place, and so are not what later formulas take them for."""
    dy = rng.standard_normal(scene.y.shape)
    seen = list(dict.fromkeys(scene.answer(dy).touched))
    findings = []
    for change in seen:
        method, name = change.split(" changes ")
        array = name.split()[-1]
        instead = f"Work on a new array: {array} = {array} * …, not {array} *= … or out={array}."
        if method in ("gradient", "backward") and not name.startswith("its "):
            instead = (
                "Leave its update to the optimizer, whose turn comes after the whole way back."
            )
        where = f"{scene.who}.{method}" if scene.y.ndim else scene.who
        findings.append(
            GradientFinding(
                "stale-input",
                where,
                f"{change} in place, so whatever uses {array} later (this layer's backward, the "
                "layer below, the caller) computes with other numbers than those that were used. "
                f"{instead}",
            )
        )
    return findings


def _of_variable(
    view: View, probes: Probes | None, rng: np.random.Generator
) -> list[GradientFinding]:
    where = view.scene.where(view.variable)
    if _fails(view):
        stale = _stale(view, where)  # what is kept may be of another batch size
        if stale is not None:
            return [stale]
    shape = misshapen(view, where, rng)
    if shape is not None:
        return [shape]
    for suspicion in (_not_filled, _stale, _not_finite, _detached):
        finding = suspicion(view, where)
        if finding is not None:
            return [finding]
    c = constant_ratio(view)
    if c is not None:
        return scaled(view, c, where, rng)
    turned = transposed(view, where, rng)
    if turned is not None:
        return [turned]
    unsummed = not_summed(view, where)
    if unsummed is not None:
        return [unsummed]
    finding = about_images(view, where) or _in_lines(view, where)
    if finding is None and probes is not None:
        finding = about_outputs(view, probes, where)
    return [finding or _some_entries(view, where) or about_wrong(view, where)]


def _fails(view: View) -> bool:
    """Whether the code raises an error instead of an answer."""
    return view.variable in view.scene.answer(view.dys[0], PRISTINE).errors


def _not_filled(view: View, where: str) -> GradientFinding | None:
    """Whether what stood in the buffers before is in the gradient."""
    if view.variable == "x" or not view.scene.y.ndim:
        return None
    dy = view.dys[0]
    one, two = view.ask(dy, PRISTINE), view.ask(dy, replace(PRISTINE, junk=OTHER_JUNK))
    if one is None or two is None:
        return None
    depends = one != two
    if not depends.any():
        return None
    name = f"d{view.variable}"
    share = f"{int(depends.sum())} of its {depends.size} entries"
    untouched = bool(np.all(one[depends] == JUNK))
    if untouched and view.right(FRESH):
        evidence = "it is written on the first call only; later calls leave the old numbers in it"
    elif untouched:
        evidence = f"{share} are never written: what stood there before stays"
    elif near(one - two, np.full(one.shape, JUNK - OTHER_JUNK), 1.0, 1e-9):
        evidence = f"it is added to ({name} += …): what stood there before is in all entries"
    else:
        evidence = f"what stood there before is in {share}"
    return GradientFinding(
        "not-filled",
        where,
        f"{evidence} (the buffer was filled with {JUNK:.4g} first, and then with {OTHER_JUNK:.4g}, "
        f"and the answers differ). Each step overwrites the whole of it: self.{name}[...] = …",
    )


def _stale(view: View, where: str) -> GradientFinding | None:
    """Whether it is right when nothing was run before, or when each formula gets fresh arrays."""
    if view.right(FRESH):
        return GradientFinding(
            "stale-input",
            where,
            "it is right for the first batch, and wrong when another batch was run before: "
            "something is kept from that earlier batch. Use the x, y and dy that backward and "
            "gradient are handed, or overwrite what is kept in every forward.",
        )
    return None


def _not_finite(view: View, where: str) -> GradientFinding | None:
    a = view.ask(view.dys[0], PRISTINE)
    if a is None or np.isfinite(a).all():
        return None
    first = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(a)))
    return GradientFinding(
        "wrong",
        where,
        f"{int((~np.isfinite(a)).sum())} of {a.size} entries are not finite, the first {a[first]} "
        f"at {list(first)}. Look for a division by 0, the logarithm of 0, or an overflow.",
    )


def _detached(view: View, where: str) -> GradientFinding | None:
    answers = [view.ask(dy, PRISTINE) for dy in view.dys]
    if any(a is None or np.any(a) for a in answers):
        return None
    n = np.abs(view.numerical(view.dys[0])).max()
    return GradientFinding(
        "detached",
        where,
        f"it is 0 in every entry, and measured up to {n:.4g}. The output does depend on "
        f"{view.variable}: a term is missing, or the zeros of the start were never replaced.",
    )


def _ratios(view: View) -> Array | None:
    """The ratio of analytic to measured for each entry, where it is the same for both dys.

    NaN for the others; an entry where both are 0 has the ratio 1.
    """
    columns = []
    for dy in view.dys:
        a = view.ask(dy, PRISTINE)
        if a is None:
            return None
        n, by_code = view.numerical(dy), view.at(a)
        scale = float(np.abs(n).max(initial=0.0))
        if scale == 0.0:
            return None
        zero = np.abs(n) <= 1e-9 * scale
        c = np.where(zero, np.where(np.abs(by_code) <= 1e-9 * scale, 1.0, np.nan), 0.0)
        c[~zero] = by_code[~zero] / n[~zero]
        columns.append(c)
    first, second = columns
    with np.errstate(invalid="ignore"):
        same = np.abs(first - second) <= 1e-4 * np.maximum(1.0, np.abs(first))
    return np.where(same, first, np.nan)


def _in_lines(view: View, where: str) -> GradientFinding | None:
    """Right but in some columns or rows, where it is a multiple of what was measured."""
    ratios = _ratios(view)
    if ratios is None or np.isnan(ratios).any() or not view.shape:
        return None
    off = np.abs(ratios - 1.0) > 1e-4
    if off.all() or not off.any():
        return None
    wrong = ratios[off]
    if np.ptp(wrong) > 1e-3 * max(1.0, float(np.abs(wrong).max())):
        return None
    positions = np.array(view.positions)[view.use]
    lines_off = ""
    for axis, name in ((-1, "column"), (0, "row")):
        lines = np.unique(positions[off][:, axis])
        inside = np.isin(positions[:, axis], lines)
        if len(lines) <= 3 and np.array_equal(inside, off):
            one, several = ("entry", "entries") if len(view.shape) == 1 else (name, f"{name}s")
            label = one if len(lines) == 1 else several
            lines_off = f"in {label} {', '.join(map(str, lines))}"
            break
    if not lines_off:
        if view.variable == "x" or off.sum() > 1:
            return None
        lines_off = f"in entry {list(map(int, positions[off][0]))}"
    c = float(wrong.mean())
    rest = f"and right in the other {int((~off).sum())} entries that were measured"
    if abs(c) < 1e-6:
        return GradientFinding(
            "detached",
            where,
            f"it is 0 {lines_off}, {rest}. Something there is left out of the formula.",
        )
    kind, how = ("sign", "the opposite sign") if abs(c + 1) < 1e-4 else ("factor", "")
    how = how or f"{fraction(abs(c))} times{' minus' if c < 0 else ''} what was measured"
    return GradientFinding(
        kind, where, f"it is {how} {lines_off}, {rest}. Look at what treats these apart."
    )


def _some_entries(view: View, where: str) -> GradientFinding | None:
    """A gradient of a single number: blocked where it should pass, and the other way round."""
    if view.scene.y.ndim:
        return None
    a = view.ask(view.dys[0], PRISTINE)
    if a is None:
        return None
    dy = view.dys[0]
    n, by_code = view.numerical(dy), view.at(a)
    scale = float(np.abs(n).max(initial=0.0))
    same = np.abs(by_code - n) <= view.tolerance * scale
    shut = ~same & (np.abs(by_code) <= 1e-9 * scale)
    open_ = ~same & (np.abs(n) <= 1e-9 * scale)
    if (same | shut).all() and shut.any() and same.any() and view.scene.target is not None:
        target = np.asarray(view.scene.target)
        if target.ndim == 1 and len(view.shape) == 2 and target.dtype.kind in "iu":
            target = np.eye(view.shape[1])[target]
        if target.shape == view.shape and (view.at(target)[shut] == 0).all():
            return GradientFinding(
                "diagonal-jacobian",
                where,
                f"it is right where the target is not 0 ({int(same.sum())} entries measured) and 0 "
                f"where it is (measured up to {np.abs(n[shut]).max():.4g}). Every output of a "
                "softmax depends on every logit: ∂p_j/∂z_k = p_j (δ_jk − p_k), not p_k (1 − p_k) "
                "alone. With the cross-entropy it becomes (p − t) / N.",
            )
    levels = np.unique(np.round(np.abs(n[~shut & ~open_] if shut.any() else n) / scale, 6))
    masked = (shut.any() and open_.any()) or len(levels) <= 2
    if (same | shut | open_).all() and (shut.any() or open_.any()) and masked:
        return GradientFinding(
            "wrong-mask",
            where,
            f"of {len(n)} entries, {int(shut.sum())} are 0 that should not be and "
            f"{int(open_.sum())} should be 0 and are not; the others are right. The mask is that "
            "of another array: it has to be where the input of the forward pass is positive.",
        )
    return None
