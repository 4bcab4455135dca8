"""The rows and their targets: classes, copies, contradictions, order, and the validation data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.models import Sequential
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.cures import Cure, Treated
from minnet.teaching.doctor.figures import ALL_ROWS_LOSS, VALIDATION_LOSS, CureFigure, missed
from minnet.teaching.doctor.findings import Finding
from minnet.teaching.doctor.patient import Patient, classes_of

RARE = 0.3
"""A class with less than this part of its even share N/K is rare, if chance does not explain it."""

CHANCE = 3.5
"""Standard deviations of a count that chance is allowed."""

COPIES = 0.05
"""The share of rows that are copies of others. Seen in healthy data: 0."""

CONTRADICTIONS = 0.01
"""The share of rows with a twin of another label."""

NEAR = 0.05
"""A copy with noise is nearer than this, by the usual distance to the nearest row."""

LEAKED, NEARLY_LEAKED, ON_A_LINE = 0.02, 0.15, 0.3
"""The share of validation rows that are copies: exact, with noise, and that in a single column,
where rows are near each other by chance (3 % of them, by the formula).
"""

WORK = 2e9
"""Multiplications that the search for near copies may cost."""

FILLED = 0.2
"""The part of a regular grid that the values of a single coarse column fill."""

ALIKE = 0.2
"""Changes of label from row to row, by those of a random order."""


def class_imbalance(patient: Patient) -> Iterator[Finding]:
    """`class-imbalance`: a class that is rare, or the only one."""
    if patient.labels is None:
        return
    N, K = len(patient.labels), patient.classes
    counts = np.bincount(patient.labels, minlength=K)
    present = np.flatnonzero(counts)
    if len(present) == 1 and N > 1:
        yield Finding(
            "class-imbalance",
            f"All {N:,} labels are {present[0]}: there is nothing to tell apart.",
            {"share of the largest class": 1.0},
            f"Look at how y was made; the model has {K} classes, so y should have labels 0 to "
            f"{K - 1}.",
        )
        return
    even = N / len(present)
    rare = int(present[np.argmin(counts[present])])
    if counts[rare] < RARE * even and counts[rare] - even < -CHANCE * math.sqrt(even):
        weight = {int(k): round(even / int(counts[k]), 2) for k in present}
        shown = weight if len(weight) <= 5 else {rare: weight[rare]}
        yield Finding(
            "class-imbalance",
            f"Class {rare} has {counts[rare]:,} of {N:,} rows, {100 * counts[rare] / N:.2g} %; "
            f"an even share is {100 / len(present):.2g} %. Accuracy hides it: always saying "
            f"{int(np.argmax(counts))} is right in {100 * counts.max() / N:.0f} % of the rows.",
            {"share of the class": counts[rare] / N, "even share": 1 / len(present)},
            cures=(
                Cure(
                    "class_weight",
                    f"fit(…, class_weight={shown}), more rows of it, and look at each class by "
                    "itself: minnet.confusion_matrix.",
                    cures.fitted_with(class_weight=weight),
                    np.flatnonzero(patient.labels == rare),
                ),
            ),
            figures=(CureFigure(f"the share of class {rare} that is missed", missed(rare)),),
        )


def absent_class(patient: Patient) -> Iterator[Finding]:
    """`never-predicted`, for outputs that no label ever uses."""
    if patient.labels is None or patient.classes < 3:
        return
    N, K = len(patient.labels), patient.classes
    counts = np.bincount(patient.labels, minlength=K)
    absent = np.flatnonzero(counts == 0)
    if not 0 < len(absent) < K:
        return
    counted_from_one = absent.tolist() == [0] and N >= 2 * K
    if counted_from_one or N / (K - len(absent)) >= 7.0:
        first = int(absent[0])
        hint = (
            f"If labels are counted from 1, use y - 1 and {K - 1} outputs."
            if absent[0] == 0
            else f"Use {K - len(absent)} outputs, or look for the rows of class {first}."
        )
        treatments = _fewer_outputs(patient, absent.tolist())
        yield Finding(
            "never-predicted",
            f"The model has {K} outputs and y has no row of class {_listed(absent)}, so it can "
            "only learn never to predict it.",
            {"outputs": K, "classes in y": K - len(absent)},
            "" if treatments else hint,
            treatments,
            (UNUSED,),
        )


def _unused(model: Sequential, treated: Treated) -> float:
    """How many outputs no label ever names."""
    labels, K = classes_of(model, np.asarray(treated.y))
    return float(K - len(np.unique(labels))) if labels is not None else 0.0


UNUSED = CureFigure("the outputs without a class", _unused, trained=False, whole=True)


def _fewer_outputs(patient: Patient, absent: list[int]) -> tuple[Cure, ...]:
    """Labels from 0, or no outputs above the largest label; nothing where a class in between
    is missing.
    """
    N, K = len(patient.x), patient.classes
    if patient.target.ndim != 1:
        return ()
    if absent == [0]:
        return (
            Cure(
                "labels from 0",
                f"If labels are counted from 1, use y - 1 and {K - 1} outputs.",
                cures.both(cures.with_outputs(K - 1), cures.labels_lowered),
            ),
        )
    used = K - len(absent)
    if absent == list(range(used, K)) and used > 1 and N:
        advice = f"Use {used} outputs, or look for the rows of class {absent[0]}."
        return (Cure(f"{used} outputs", advice, cures.with_outputs(used)),)
    return ()


def twins(x: Array) -> Array:
    """For each row the number of its group of equal rows: (N,) ints."""
    flat = np.ascontiguousarray(x.reshape(len(x), -1))
    draw = np.random.default_rng(0).standard_normal((flat.shape[1], 2)).astype(flat.dtype)
    keys = np.nan_to_num(flat @ draw)
    order = np.argsort(keys[:, 0], kind="stable")
    a, b = order[:-1], order[1:]
    # products of equal rows may differ by rounding with their place in the batch; of a hundred
    # thousand rows nearly all have a neighbour as near as that in one product, and not in two
    apart = np.abs(keys[b] - keys[a])
    near = (apart <= 1e-4 * np.abs(keys[a]) + 1e-6 * np.abs(keys).max(axis=0) + 1e-30).all(axis=1)
    same = np.zeros(len(order), bool)
    pairs = np.flatnonzero(near)
    for i in range(0, len(pairs), 4096):
        chunk = pairs[i : i + 4096]
        same[chunk + 1] = (flat[a[chunk]] == flat[b[chunk]]).all(axis=1)
    groups = np.empty(len(order), np.intp)
    groups[order] = np.cumsum(~same)
    return groups


def _by_chance(x: Array, vx: Array | None, rng: np.random.Generator) -> float:
    """The share of copies to be expected of numbers so coarse, within x, or of vx in x.

    Each column is brought into an order of its own, which keeps its values and breaks up rows. One
    column alone has no rows to break up: it is coarse where its values fill a regular grid.
    """
    flat = x.reshape(len(x), -1)
    if flat.shape[1] == 1:
        values = np.unique(flat)
        if len(values) < 2:
            return 1.0
        places = float(np.ptp(values)) / float(np.diff(values).min()) + 1.0
        return 1.0 if len(values) > FILLED * places else 0.0
    mixed = rng.permuted(flat, axis=0)
    if vx is None:
        return 1.0 - len(np.unique(twins(mixed))) / len(flat)
    again = twins(np.concatenate([mixed, rng.permuted(vx.reshape(len(vx), -1), axis=0)]))
    return float(np.isin(again[len(x) :], again[: len(x)]).mean())


def copies(patient: Patient) -> Iterator[Finding]:
    """`duplicate-samples` and `contradictory-labels`."""
    x, N = patient.x, len(patient.x)
    groups = twins(x)
    sizes = np.bincount(groups)
    surplus = N - int((sizes > 0).sum())
    if surplus == 0:
        return
    many = surplus >= COPIES * N
    if many and _by_chance(x, None, patient.rng) > 0.5 * surplus / N:
        return  # numbers so coarse that rows agree by chance
    contradicting, places, example = _contradictions(patient, groups)
    if contradicting >= CONTRADICTIONS * N and (places > 1 or contradicting > 0.1 * N):
        rows, values = example
        yield Finding(
            "contradictory-labels",
            f"{contradicting:,} of {N:,} rows have an equal row with another target, such as rows "
            f"{rows[0]} and {rows[1]}: {values[0]} and {values[1]}. No network can learn both.",
            {"share of rows": contradicting / N},
            cures=(
                Cure(
                    "one of each kept",
                    "Find out which is right and drop the other; np.unique(x, axis=0, "
                    "return_inverse=True) groups equal rows.",
                    cures.rows_kept(_one_of_each),
                ),
            ),
            figures=(
                CureFigure("the share of copies", share_of_copies, trained=False, whole=True),
            ),
        )
    if many:
        yield Finding(
            "duplicate-samples",
            f"{surplus:,} of {N:,} rows are copies of others; one row is there "
            f"{int(sizes.max())} times. They count several times, and a split puts the same row "
            "on both sides.",
            {"share of copies": surplus / N},
            cures=(
                Cure(
                    "one of each kept",
                    "Keep one of each, before splitting: "
                    "_, kept = np.unique(x, axis=0, return_index=True); x, y = x[kept], y[kept].",
                    cures.rows_kept(_one_of_each),
                ),
            ),
            figures=(
                CureFigure("the share of copies", share_of_copies, trained=False, whole=True),
            ),
        )


def _one_of_each(treated: Treated) -> Array:
    """The first row of each group of equal ones."""
    _, first = np.unique(twins(np.asarray(treated.x)), return_index=True)
    rows: Array = np.sort(first)
    return rows


def share_of_copies(_: object, treated: Treated) -> float:
    """The share of the rows that are there already."""
    groups = twins(np.asarray(treated.x))
    return 1.0 - len(np.unique(groups)) / len(groups)


def _contradictions(
    patient: Patient, groups: Array
) -> tuple[int, int, tuple[tuple[int, int], tuple[str, str]]]:
    """How many rows have a twin of another target, in how many places, and one such pair."""
    t = patient.target if patient.labels is None else patient.labels
    values = t.reshape(len(t), -1).astype(np.float64)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    low = np.minimum.reduceat(values[order], starts)
    high = np.maximum.reduceat(values[order], starts)
    gap = (high - low).max(axis=1)
    bound = 0.0 if patient.labels is not None else float(values.std(axis=0).max())
    bad = gap > bound
    counts = np.diff(np.append(starts, len(order)))
    total = int(counts[bad].sum())
    if not total:
        return 0, 0, ((0, 0), ("", ""))
    members = order[starts[np.argmax(bad)] :][: counts[np.argmax(bad)]]
    first = int(members[0])
    other = int(members[np.argmax(np.abs(values[members] - values[first]).max(axis=1))])
    shown = tuple(f"{values[row][0]:g}" for row in (first, other))
    return total, int(bad.sum()), ((first, other), (shown[0], shown[1]))


def sorted_rows(patient: Patient) -> Iterator[Finding]:
    """`sorted-unshuffled`: batches that are all of one kind, one after the other."""
    N = len(patient.x)
    if patient.shuffle or patient.batch_size >= N or N < 8:
        return
    if patient.labels is not None:
        shares = np.bincount(patient.labels) / N
        expected = (N - 1) * float(1.0 - np.square(shares).sum())
        changes = float((np.diff(patient.labels) != 0).sum())
        alike = changes / expected if expected else 1.0
        words = f"the label changes {changes:.0f} times from row to row, {expected:.0f} if mixed"
    else:
        t = patient.target.reshape(N, -1)[:, 0].astype(np.float64)
        deviation = t - t.mean()
        power = float(np.dot(deviation, deviation))
        differences = np.diff(t)
        alike = float(np.dot(differences, differences)) / (2.0 * power) if power else 1.0
        words = f"neighbouring targets differ by {100 * math.sqrt(alike):.0f} % of a random pair's"
    if alike < ALIKE:
        yield Finding(
            "sorted-unshuffled",
            f"shuffle=False, and the rows are sorted: {words}. Each batch of {patient.batch_size} "
            "teaches one thing and unteaches the one before.",
            {"mixing, 1 is random": alike},
            cures=(
                Cure(
                    "shuffle=True",
                    "fit(…, shuffle=True), or order = rng.permutation(len(x)); "
                    "x, y = x[order], y[order].",
                    cures.fitted_with(shuffle=True),
                ),
            ),
            figures=(ALL_ROWS_LOSS,),
        )


def validation(patient: Patient) -> Iterator[Finding]:
    """`validation-leak` and `validation-mismatch`."""
    if patient.validation is None:
        return
    vx, vt, vlabels = patient.validation
    yield from _leak(patient, vx)
    yield from _mismatch(patient, vx, vt, vlabels)


def _leak(patient: Patient, vx: Array) -> Iterator[Finding]:
    x, N, V = patient.x, len(patient.x), len(vx)
    groups = twins(np.concatenate([x, vx]))
    share = float(np.isin(groups[N:], groups[:N]).mean())
    how, seen_before = "are", _is_there
    if share > LEAKED:
        if _by_chance(x, vx, patient.rng) > 0.5 * share:
            return
    else:
        share, how, seen_before = _near(patient, vx), "are, but for a little noise,", _is_near
        if share < (NEARLY_LEAKED if x[0].size > 1 else ON_A_LINE):
            return
    yield Finding(
        "validation-leak",
        f"{100 * share:.0f} % of the {V:,} validation rows {how} rows of the training data: they "
        "are remembered, and say nothing of new ones.",
        {"share of validation rows": share},
        cures=(
            Cure(
                "only new rows",
                "Split before copying or augmenting rows, and drop from the validation data what "
                "is in the training data.",
                cures.validation_kept(lambda treated: np.flatnonzero(~seen_before(treated))),
            ),
        )
        if share < 1.0
        else (),
        advice=""
        if share < 1.0
        else "Split before copying or augmenting rows: none of these rows is new.",
        figures=(
            CureFigure(
                "the share of rows seen before",
                lambda _, treated: float(seen_before(treated).mean()),
                trained=False,
                whole=True,
            ),
        ),
    )


def _is_there(treated: Treated) -> Array:
    """For each validation row whether it is a training row, bit for bit: (V,) bools."""
    x = np.asarray(treated.x)
    vx = np.asarray(treated.settings["validation_data"][0], x.dtype)
    groups = twins(np.concatenate([x, vx]))
    there: Array = np.isin(groups[len(x) :], groups[: len(x)])
    return there


def _is_near(treated: Treated) -> Array:
    """For each validation row whether it is a training row, but for a little noise: (V,) bools."""
    x = np.asarray(treated.x).reshape(len(treated.x), -1)
    vx = np.asarray(treated.settings["validation_data"][0], x.dtype).reshape(-1, x.shape[1])
    deviation = x.astype(np.float64).std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0).astype(x.dtype)
    own = np.random.default_rng(0).choice(len(x), min(len(x), 100), replace=False)
    usual = float(np.median(_nearest(x[own] / scale, x / scale, own)))
    near: Array = _nearest(vx / scale, x / scale, None) < NEAR * usual
    return near


def _near(patient: Patient, vx: Array) -> float:
    """The share of validation rows that are much nearer to a training row than those are apart."""
    x = patient.x.reshape(len(patient.x), -1)
    N, D = x.shape
    if N < 20:
        return 0.0
    count = int(min(len(vx), 100, max(10, WORK / (2 * N * D))))
    deviation = x[patient.rows].astype(np.float64).std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0).astype(x.dtype)
    scaled = x / scale
    chosen = patient.rng.choice(len(vx), count, replace=False)
    own = patient.rng.choice(N, min(N, 100, count), replace=False)
    new = _nearest(vx.reshape(len(vx), -1)[chosen] / scale, scaled, None)
    usual = float(np.median(_nearest(scaled[own], scaled, own)))
    return float((new < NEAR * usual).mean())


def _nearest(a: Array, b: Array, own: Array | None) -> Array:
    """The distance of each row of a to the nearest of b, its own place in b aside."""
    squares = (
        np.square(a).sum(axis=1, dtype=np.float64)[:, None]
        + np.square(b).sum(axis=1, dtype=np.float64)
        - 2.0 * (a @ b.T)
    )
    if own is not None:
        squares[np.arange(len(own)), own] = math.inf
    near = squares.argmin(axis=1)
    distances: Array = np.sqrt(np.square((a - b[near]).astype(np.float64)).sum(axis=1))
    return distances


def _mismatch(patient: Patient, vx: Array, vt: Array, vlabels: Array | None) -> Iterator[Finding]:
    N, V = len(patient.x), len(vx)
    if patient.labels is not None and vlabels is not None:
        K = patient.classes
        known, seen = (np.bincount(y, minlength=K) for y in (patient.labels, vlabels))
        new = np.flatnonzero((seen > 0) & (known == 0))
        lost = np.flatnonzero((seen == 0) & (known * V >= 10 * N))
        if len(new) or len(lost):
            one = new if len(new) else lost
            a, b = ("validation", "training") if len(new) else ("training", "validation")
            count = int((seen if len(new) else known)[one].sum())
            yield Finding(
                "validation-mismatch",
                f"Class {_listed(one)} is in the {a} data ({count:,} rows) and never in the {b} "
                "data.",
                {"classes on one side only": len(one)},
                cures=(_mixed("Shuffle before splitting: the rows may be sorted by class."),),
                figures=(VALIDATION_LOSS,),
            )
            return
    x, vx = x_of(patient.x[patient.rows]), x_of(vx[:2048])
    if N < 4:
        return
    deviation, vdeviation = x.std(axis=0), vx.std(axis=0)
    size, vsize = (math.sqrt(float(np.square(a).mean())) for a in (x, vx))
    varies = deviation > 1e-3 * max(size, 1e-30)
    if not varies.any():
        return
    shift = float(np.median(np.abs(vx.mean(axis=0) - x.mean(axis=0))[varies] / deviation[varies]))
    chance = 4.0 / math.sqrt(min(N, V))
    scale = max(vsize, 1e-30) / max(size, 1e-30)
    if V >= 8:
        wider = float(np.median(vdeviation[varies] / deviation[varies]))
        scale = wider if max(wider, 1 / max(wider, 1e-30)) > max(scale, 1 / scale) else scale
    bound = 3.0 if V >= 8 else 10.0
    if scale > bound or scale < 1.0 / bound or shift > 1.0 + chance:
        yield Finding(
            "validation-mismatch",
            f"The validation inputs are of another range: {vx.min():.4g} to {vx.max():.4g}, "
            f"training {x.min():.4g} to {x.max():.4g}.",
            {"validation size by training size": scale, "shift in deviations": shift},
            "",
            (_prepared_alike(x, vx),),
            (VALIDATION_LOSS, RANGES),
        )
        return
    if patient.labels is None and V >= 8:
        t, vt = x_of(patient.target), x_of(vt)
        deviation = t.std(axis=0)
        far = np.abs(vt.mean(axis=0) - t.mean(axis=0)) > (1.0 + chance) * deviation
        wide = (vt.std(axis=0) > 3.0 * deviation) | (3.0 * vt.std(axis=0) < deviation)
        if ((far | wide) & (deviation > 0)).any():
            yield Finding(
                "validation-mismatch",
                f"The validation targets are of another range: {vt.min():.4g} to {vt.max():.4g}, "
                f"training {t.min():.4g} to {t.max():.4g}.",
                {"validation mean": float(vt.mean()), "training mean": float(t.mean())},
                cures=(_mixed("Shuffle before splitting, and scale both alike."),),
                figures=(VALIDATION_LOSS,),
            )


def _apart(_: object, treated: Treated) -> float:
    """How far the validation's columns are from the training's, in means and in deviations."""
    x, vx = (x_of(np.asarray(a)) for a in (treated.x, treated.settings["validation_data"][0]))
    deviation = x.std(axis=0)
    varies = deviation > 0
    if not varies.any():
        return 0.0
    shift = np.abs(vx.mean(axis=0) - x.mean(axis=0))[varies] / deviation[varies]
    wider = np.maximum(vx.std(axis=0)[varies], 1e-30) / deviation[varies]
    return float(np.median(np.maximum(shift, np.abs(np.log(wider)))))


RANGES = CureFigure("the distance of their ranges", _apart, trained=False, whole=True)


def _mixed(advice: str) -> Cure:
    return Cure("rows mixed before the split", advice, cures.split_anew)


def _prepared_alike(x: Array, vx: Array) -> Cure:
    """The validation rows brought to the training rows' mean and deviation, as they should be."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    vmean, vdeviation = vx.mean(axis=0), vx.std(axis=0)

    def treat(treated: Treated) -> Treated:
        given, *others = treated.settings["validation_data"]
        flat = np.asarray(given, np.float64).reshape(len(given), -1)
        alike = (flat - vmean) / np.where(vdeviation > 0, vdeviation, 1.0) * deviation + mean
        shaped = alike.reshape(np.shape(given)).astype(np.float32)
        settings = {**treated.settings, "validation_data": (shaped, *others)}
        return treated._replace(settings=settings)

    return Cure(
        "both prepared alike",
        "Prepare both alike, by the training data's numbers: "
        "x, x_val = minnet.datasets.standardize(x, x_val).",
        treat,
    )


def x_of(array: Array) -> Array:
    """As rows of float64."""
    return array.reshape(len(array), -1).astype(np.float64)


def _listed(classes: Array) -> str:
    shown = ", ".join(map(str, classes[:5]))
    return shown + (", …" if len(classes) > 5 else "")
