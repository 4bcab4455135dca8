"""From a gradient that is wrong to what is likely wrong with it.

Each suspicion is an experiment on the scene, and the first that is borne out is the finding; what
fits none of them is "wrong", with the best evidence there is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.gradients.derivatives import about_outputs, about_wrong
from minnet.teaching.gradients.evidence import Probes, View, near
from minnet.teaching.gradients.report import Finding
from minnet.teaching.gradients.scaling import constant_ratio, fraction, scaled
from minnet.teaching.gradients.scenes import JUNK, OTHER_JUNK, Scene
from minnet.teaching.gradients.shapes import misshapen, not_summed, transposed


def diagnose(
    scene: Scene, rng: np.random.Generator, parts: Sequence[str] | None = None
) -> list[Finding]:
    """What is wrong in this scene, the most telling finding first; nothing where all is right.

    `parts` are the arrays whose gradient is in question, by default all.
    """
    findings = touched(scene, rng)
    views = [View(scene, part, rng) for part in (scene.values if parts is None else parts)]
    if findings and all(view.right(pristine=True) for view in views):
        return findings
    probes: Probes | None = None
    for view in views:
        if view.right(pristine=bool(findings)):
            continue
        other = scene.elsewhere(rng)  # numbers of one sign can make one mistake look like another
        if other is not None and not View(other, view.part, rng).right(pristine=bool(findings)):
            scene, view = other, View(other, view.part, rng)
        if probes is None and scene.y.ndim:
            probes = Probes.of(scene, rng)
        findings += _of_part(view, probes, rng)
    found = [finding for finding in findings if finding.kind]
    return sorted(found, key=lambda finding: finding.kind == "wrong")


def touched(scene: Scene, rng: np.random.Generator) -> list[Finding]:
    """Arrays that are changed in place, and so are not what later formulas take them for."""
    dy = rng.standard_normal(scene.y.shape)
    seen = list(dict.fromkeys(scene.answer(dy).touched))
    findings = []
    for said in seen:
        method, name = said.split(" changes ")
        array = name.split()[-1]
        where = f"{scene.who}.{method}" if scene.y.ndim else scene.who
        findings.append(
            Finding(
                "stale-input",
                where,
                f"{said} in place, so whatever uses {array} later (this layer's backward, the "
                "layer below, the caller) computes with other numbers than those that were used. "
                f"Work on a new array: {array} = {array} * …, not {array} *= … or out={array}.",
            )
        )
    return findings


def _of_part(view: View, probes: Probes | None, rng: np.random.Generator) -> list[Finding]:
    where = view.scene.where(view.part)
    if _fails(view):
        stale = _stale(view, where)  # what is kept may be of another batch size
        if stale is not None:
            return [stale]
    shape = misshapen(view, where, rng)
    if shape is not None:
        return [shape]
    for suspicion in (_not_filled, _stale, _not_finite, _detached):
        found = suspicion(view, where)
        if found is not None:
            return [found]
    c = constant_ratio(view)
    if c is not None:
        return scaled(view, c, where, rng)
    turned = transposed(view, where, rng)
    if turned is not None:
        return [turned]
    unsummed = not_summed(view, where)
    if unsummed is not None:
        return [unsummed]
    found = _in_places(view, where)
    if found is None and probes is not None:
        found = about_outputs(view, probes, where)
    return [found or _some_entries(view, where) or about_wrong(view, where)]


def _fails(view: View) -> bool:
    """Whether the code raises an error instead of an answer."""
    return view.part in view.scene.answer(view.dys[0], pristine=True).errors


def _not_filled(view: View, where: str) -> Finding | None:
    """Whether what stood in the buffers before is in the gradient."""
    if view.part == "x" or not view.scene.y.ndim:
        return None
    dy = view.dys[0]
    one, two = view.ask(dy, pristine=True), view.ask(dy, pristine=True, junk=OTHER_JUNK)
    if one is None or two is None:
        return None
    depends = one != two
    if not depends.any():
        return None
    name = f"d{view.part}"
    share = f"{int(depends.sum())} of its {depends.size} entries"
    untouched = bool(np.all(one[depends] == JUNK))
    if untouched and view.right(fresh=True, pristine=True):
        said = "it is written on the first call only; later calls leave the old numbers in it"
    elif untouched:
        said = f"{share} are never written: what stood there before stays"
    elif near(one - two, np.full(one.shape, JUNK - OTHER_JUNK), 1.0, 1e-9):
        said = f"it is added to ({name} += …): what stood there before is in all entries"
    else:
        said = f"what stood there before is in {share}"
    return Finding(
        "not-filled",
        where,
        f"{said} (the buffer was filled with {JUNK:.4g} first, and then with {OTHER_JUNK:.4g}, and "
        f"the answers differ). Each step overwrites the whole of it: self.{name}[...] = …",
    )


def _stale(view: View, where: str) -> Finding | None:
    """Whether it is right when nothing was run before, or when each formula gets fresh arrays."""
    if view.right(fresh=True, pristine=True):
        return Finding(
            "stale-input",
            where,
            "it is right for the first batch, and wrong when another batch was run before: "
            "something is kept from that earlier batch. Use the x, y and dy that backward and "
            "gradient are handed, or overwrite what is kept in every forward.",
        )
    return None


def _not_finite(view: View, where: str) -> Finding | None:
    a = view.ask(view.dys[0], pristine=True)
    if a is None or np.isfinite(a).all():
        return None
    place = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(a)))
    return Finding(
        "wrong",
        where,
        f"{int((~np.isfinite(a)).sum())} of {a.size} entries are not finite, the first {a[place]} "
        f"at {list(place)}. Look for a division by 0, the logarithm of 0, or an overflow.",
    )


def _detached(view: View, where: str) -> Finding | None:
    answers = [view.ask(dy, pristine=True) for dy in view.dys]
    if any(a is None or np.any(a) for a in answers):
        return None
    n = np.abs(view.numerical(view.dys[0])).max()
    return Finding(
        "detached",
        where,
        f"it is 0 in every entry, and measured up to {n:.4g}. The output does depend on "
        f"{view.part}: a term is missing, or the zeros of the start were never replaced.",
    )


def _ratios(view: View) -> Array | None:
    """The ratio of analytic to measured in each place, where it is the same for both dys.

    NaN in the others; a place where both are 0 has the ratio 1.
    """
    columns = []
    for dy in view.dys:
        a = view.ask(dy, pristine=True)
        if a is None:
            return None
        n, found = view.numerical(dy), view.at(a)
        scale = float(np.abs(n).max(initial=0.0))
        if scale == 0.0:
            return None
        zero = np.abs(n) <= 1e-9 * scale
        c = np.where(zero, np.where(np.abs(found) <= 1e-9 * scale, 1.0, np.nan), 0.0)
        c[~zero] = found[~zero] / n[~zero]
        columns.append(c)
    first, second = columns
    with np.errstate(invalid="ignore"):
        same = np.abs(first - second) <= 1e-4 * np.maximum(1.0, np.abs(first))
    return np.where(same, first, np.nan)


def _in_places(view: View, where: str) -> Finding | None:
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
    places = np.array(view.places)[view.use]
    said = ""
    for axis, name in ((-1, "column"), (0, "row")):
        lines = np.unique(places[off][:, axis])
        inside = np.isin(places[:, axis], lines)
        if len(lines) <= 3 and np.array_equal(inside, off):
            label = "entry" if len(view.shape) == 1 else name
            plural = "" if len(lines) == 1 else "s"
            said = f"in {label}{plural} {', '.join(map(str, lines))}".replace("entrys", "entries")
            break
    if not said:
        if view.part == "x" or off.sum() > 1:
            return None
        said = f"in entry {list(map(int, places[off][0]))}"
    c = float(wrong.mean())
    rest = f"and right in the other {int((~off).sum())} entries that were measured"
    if abs(c) < 1e-6:
        return Finding(
            "detached",
            where,
            f"it is 0 {said}, {rest}. Something there is left out of the formula.",
        )
    kind, how = ("sign", "the opposite sign") if abs(c + 1) < 1e-4 else ("factor", "")
    how = how or f"{fraction(abs(c))} times{' minus' if c < 0 else ''} what was measured"
    return Finding(kind, where, f"it is {how} {said}, {rest}. Look at what treats these apart.")


def _some_entries(view: View, where: str) -> Finding | None:
    """A gradient of a single number: blocked where it should pass, and the other way round."""
    if view.scene.y.ndim:
        return None
    a = view.ask(view.dys[0], pristine=True)
    if a is None:
        return None
    dy = view.dys[0]
    n, found = view.numerical(dy), view.at(a)
    scale = float(np.abs(n).max(initial=0.0))
    same = np.abs(found - n) <= view.tolerance * scale
    shut = ~same & (np.abs(found) <= 1e-9 * scale)
    open_ = ~same & (np.abs(n) <= 1e-9 * scale)
    if (same | shut).all() and shut.any() and same.any() and view.scene.target is not None:
        target = np.asarray(view.scene.target)
        if target.ndim == 1 and len(view.shape) == 2 and target.dtype.kind in "iu":
            target = np.eye(view.shape[1])[target]
        if target.shape == view.shape and (view.at(target)[shut] == 0).all():
            return Finding(
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
        return Finding(
            "wrong-mask",
            where,
            f"of {len(n)} entries, {int(shut.sum())} are 0 that should not be and "
            f"{int(open_.sum())} should be 0 and are not; the others are right. The mask is that "
            "of another array: it has to be where the input of the forward pass is positive.",
        )
    return None
