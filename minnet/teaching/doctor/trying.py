"""Cures are tried: a treated copy and the patient as it is make the same number of updates.

A cure has to win twice, the second time with other batches and other draws; what does not win is
not advised. A finding about what happens inside a network that no cure improves is dropped: the
network does as well as it can.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.models import Sequential
from minnet.teaching.doctor.cures import Cure, Treat, Treated
from minnet.teaching.doctor.figures import CureFigure, checked
from minnet.teaching.doctor.findings import Finding, Proof
from minnet.teaching.doctor.patient import (
    LOOKED_AT,
    Patient,
    affordable,
    baseline,
    classes_of,
    has_kernel,
    peak_rate,
)
from minnet.teaching.shuffling import shuffled_batches

UPDATES = (60, 240)
"""Updates of a trial, and of the next where the first shows no winner."""

WINS = 0.9
"""A cure wins where it leaves less than this part of the figure."""

LEFT = 0.85
"""A loss below this part of that of guessing is one that has left it."""

MOST_ROWS = 4096
"""Rows of a trial that needs many."""

COUNTED = 2**22
"""Numbers of x that are counted again."""

LARGEST_BATCH = 64
"""Rows of a batch in trials."""

MANY = 0.5
"""The share of saturated outputs that is a fault of an untrained network in any case."""

IN_TRAINED = ("saturated", "dead-relu", "exploding-gradient")
"""Kinds that are no faults of a trained network which no cure helps: it does as well as it can."""


# --- trials ---------------------------------------------------------------------------------------


def proved(patient: Patient, finding: Finding, earlier: Sequence[Cure] = ()) -> Finding | None:
    """The finding with the cure that helps most; None where it is no fault after all.

    What does not help the patient as it is may help after the cures of earlier findings.
    """
    if not finding.cures or finding.proof is not None:
        return finding
    best = None
    for figure in finding.figures:
        best = best or _winner(patient, finding, figure)
        if figure.trained and earlier:
            best = best or _winner(patient, finding, figure, earlier)
    if best is not None and not _learns_anyway(patient, finding, best[1]):
        cure, proof = best
        return dataclasses.replace(finding, advice=cure.advice, cure=cure, proof=proof)
    if finding.kind == "vanishing-gradient":
        return None
    if finding.kind in IN_TRAINED and not patient.untrained:
        return None
    if finding.measurement.get("share at an end", 1.0) < MANY:
        return None
    names = ", ".join(cure.name for cure in finding.cures)
    return dataclasses.replace(finding, message=f"{finding.message} Tried without gain: {names}.")


def _winner(
    patient: Patient, finding: Finding, figure: CureFigure, earlier: Sequence[Cure] = ()
) -> tuple[Cure, Proof] | None:
    """The cure that leaves least of the figure, if one wins."""
    for updates in UPDATES if figure.trained else (0,):
        trials = list(_trials(patient, finding, figure, updates, earlier))
        winners = {cure.name for cure, proof in trials if wins(proof)}
        for i in sorted(range(len(trials)), key=lambda i: trials[i][1].after):
            cure = finding.cures[i]
            if not wins(trials[i][1]):
                break
            if cure.simpler in winners:
                continue
            if not figure.trained:
                return trials[i]  # a count is the same again
            again = dataclasses.replace(finding, cures=(cure,))
            _, second = next(_trials(patient, again, figure, updates, earlier, seed=1))
            if wins(second):
                return trials[i]
    return None


def _learns_anyway(patient: Patient, finding: Finding, proof: Proof) -> bool:
    """Whether one hidden layer's small gradient is no worry: it leaves guessing all the same.

    The small start of an example of CS231n is one: 0.01 · N(0, 1), at a rate that suits it.
    """
    kernels = [layer for layer in patient.model.layers if has_kernel(layer)]
    shallow = finding.kind == "vanishing-gradient" and len(kernels) == 2
    return shallow and proof.before < LEFT * baseline(patient)


def wins(proof: Proof) -> bool:
    """Whether the cure helped."""
    before = proof.before if math.isfinite(proof.before) else math.inf
    return math.isfinite(proof.after) and proof.after < WINS * before


def _trials(
    patient: Patient,
    finding: Finding,
    figure: CureFigure,
    updates: int,
    earlier: Sequence[Cure],
    seed: int = 0,
) -> Iterator[tuple[Cure, Proof]]:
    """Each cure beside the patient as it is, which runs once for cures that need the same rows."""
    after_others = f", after {', '.join(cure.name for cure in earlier)}" if earlier else ""
    as_it_is: dict[tuple[int, int], float] = {}
    for cure in finding.cures:
        untreated, treated = (_prepared(patient, cure, figure, earlier, seed) for _ in range(2))
        treated = cure.treat(treated)
        if earlier:
            cure = dataclasses.replace(cure, treat=_all_of([*earlier, cure]))
        steps = 0
        if figure.trained:
            steps = min(budget(t.model, t, updates) for t in (untreated, treated))
        key = id(cure.rows), steps
        if key not in as_it_is:
            as_it_is[key] = after_updates(untreated, figure, steps, seed)
        after = after_updates(treated, figure, steps, seed)
        yield cure, Proof(cure.name + after_others, figure.name, as_it_is[key], after, steps)


def _all_of(cures: Sequence[Cure]) -> Treat:
    """One cure after the other."""

    def treat(treated: Treated) -> Treated:
        for cure in cures:
            treated = cure.treat(treated)
        return treated

    return treat


def _prepared(
    patient: Patient, cure: Cure, figure: CureFigure, earlier: Sequence[Cure], seed: int
) -> Treated:
    """A copy of the patient, after earlier cures."""
    treated = patient_with(
        patient, cure.rows, whole=figure.whole, counted=not figure.trained, seed=seed
    )
    for other in earlier:
        treated = other.treat(treated)
    return treated


def budget(model: Sequential, treated: Treated, updates: int, times: float = 1.0) -> int:
    """So many of these updates as a trial may cost; `times` that of a usual one."""
    batch = min(treated.settings.get("batch_size", 32), LARGEST_BATCH, len(treated.x))
    return affordable(model, batch, updates, times)


def patient_with(
    patient: Patient,
    rows: Array | None,
    *,
    whole: bool,
    counted: bool = False,
    seed: int = 0,
) -> Treated:
    """A copy of the patient with some of its rows, in their order."""
    chosen = patient.rows
    if rows is not None:
        chosen = np.concatenate([rows[: LOOKED_AT // 2], chosen])[:LOOKED_AT]
    chosen = _many(patient, counted) if whole else np.unique(chosen)
    model = patient.model.copy()
    model.rng = np.random.default_rng(seed)  # draws what a cure draws anew
    model.compiled.optimizer.learning_rate = peak_rate(model)
    settings: dict[str, Any] = {"batch_size": patient.batch_size, "shuffle": patient.shuffle}
    if patient.validation is not None:
        x, y, _ = patient.validation
        held = some_rows(len(x), COUNTED // x[0].size if counted else MOST_ROWS)
        settings["validation_data"] = (x[held], y[held])
    return Treated(model, patient.x[chosen], patient.target[chosen], settings)


def _many(patient: Patient, counted: bool) -> Array:
    """As many rows as can be counted, or as a trial can use, in their order."""
    return some_rows(len(patient.x), COUNTED // patient.x[0].size if counted else MOST_ROWS)


def some_rows(N: int, most: int) -> Array:
    """At most so many of N rows, and 256 in any case, in their order."""
    most = max(most, 256)
    if most >= N:
        return np.arange(N)
    chosen = np.random.default_rng(0).choice(N, most, replace=False)
    rows: Array = np.sort(chosen)
    return rows


def after_updates(treated: Treated, figure: CureFigure, updates: int, seed: int = 0) -> float:
    """The figure after so many updates; infinite where they left the finite numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is known already
        if updates and not _trained(treated, updates, seed):
            return math.inf
        value = figure.of(treated.model, treated)
    return value if math.isfinite(value) else math.inf


def _trained(treated: Treated, updates: int, seed: int) -> bool:
    """Train a model that may be changed; whether the loss stayed finite."""
    model, settings = treated.model, treated.settings
    x, target = checked(model, treated.x, treated.y)
    rng = np.random.default_rng(seed)
    weight = _weights(model, target, settings.get("class_weight"))
    size = min(settings.get("batch_size", 32), LARGEST_BATCH, len(x))
    mixed = settings.get("shuffle", True)
    batches = shuffled_batches(len(x), size, rng) if mixed else _in_order(len(x), size)
    for _, rows in zip(range(updates), batches, strict=False):
        loss = model.run_batch(x[rows], target[rows], None if weight is None else weight[rows], rng)
        if not math.isfinite(loss):
            return False
        model.run_update()
    return True


def _in_order(N: int, batch_size: int) -> Iterator[Array]:
    """The rows of one batch after the other, as they stand, without an end."""
    while True:
        for first in range(0, N, batch_size):
            yield np.arange(first, min(first + batch_size, N))


def _weights(
    model: Sequential, target: Array, class_weight: dict[int, float] | None
) -> Array | None:
    """The weight of each row by its class."""
    if class_weight is None:
        return None
    labels, K = classes_of(model, target)
    if labels is None:
        return None
    table = np.array([class_weight.get(k, 1.0) for k in range(K)])
    weights: Array = table[labels].astype(model.dtype)
    return weights
