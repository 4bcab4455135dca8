"""`diagnose`: all experiments, one after the other, on a copy."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minnet.foundation import checks
from minnet.foundation.checks import Array, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.losses import BinaryCrossEntropy
from minnet.models import Sequential
from minnet.teaching.doctor import (
    anatomy,
    plateau,
    relation,
    samples,
    scales,
    structure,
    trials,
    trying,
)
from minnet.teaching.doctor.cures import Cure, started_over
from minnet.teaching.doctor.findings import SCALES, Diagnosis, Finding, explained_by, ranked
from minnet.teaching.doctor.patient import LOOKED_AT, Patient, Signal, classes_of, signals

LARGEST = 2**26
"""Numbers of x that are looked at; of more, that many are drawn by rows."""

STARTED_OVER = Cure(
    "all weights drawn anew",
    "Start from new weights: these have learned to live with the old sizes.",
    started_over,
)


@np.errstate(all="ignore")  # what is not finite is a finding
@named
@seed_unmoved_where_refused
def diagnose(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    validation_data: Any = None,
    validation_split: float = 0.0,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | np.random.Generator = 0,
) -> Diagnosis:
    """Why does it not learn? Quick experiments on a copy of a compiled model.

    Call it as `fit` would be called, before a training or after one. The model, what its optimizer
    remembers, its generator and the arrays stay as they are. A healthy small problem takes half a
    second and a large one two; where cures are tried it may be three.

    Parameters
    ----------
    model
        A compiled model.
    x : (N, …) array
        Samples.
    y : (N,) or (N, …) array
        Targets.
    validation_data
        (x, y) as for `fit`, or None.
    validation_split
        The share of the last rows that `fit` will keep for validation, or 0.
    batch_size, shuffle
        As `fit` will be given them.
    seed
        For the rows and the trials.

    Returns
    -------
    Diagnosis
        `.findings`, most serious first, each with `.kind`, `.message`, `.measurement` and
        `.advice`, and, where a cure won on a copy, `.proof` and the `.cure` itself, to be run;
        `.healthy` where there are none.

    Raises
    ------
    RuntimeError
        The model is not compiled.
    TypeError, ValueError
        No model, or data that do not fit it, as in `fit`.

    Notes
    -----
    Every bound was set from measured healthy and sick trainings: `benchmarks/doctor.py`. The ideas
    are those of Karpathy, "A recipe for training neural networks" (2019), the notes of CS231n, and
    Glorot and Bengio (2010) for signals that grow or shrink.

    Examples
    --------
    >>> import minnet
    >>> from minnet.layers import Dense
    >>> x, y, _, _ = minnet.datasets.blobs(200, seed=0)
    >>> layers = [Dense(16, activation="relu", input_dim=2), Dense(3, activation="softmax")]
    >>> model = minnet.Sequential(layers, seed=0)
    >>> model.compile("adam", "cross_entropy")
    >>> diagnose(model, x, y).healthy
    True
    >>> diagnose(model, 255 * x, y).kinds
    ['input-scale']
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"diagnose takes a compiled model. Got {short(model)}.")
    size = checks.integer(batch_size, "diagnose's batch_size", minimum=1)
    shuffle = checks.boolean(shuffle, "diagnose's shuffle")
    rng = checks.generator(seed, "diagnose's seed")
    model.compiled  # noqa: B018 - raises where there is none
    twin = model.copy()
    refused = _refused(twin, y)
    if refused:
        return Diagnosis(refused)
    x, y, validation_data = _split(x, y, validation_data, validation_split)
    x, y = _affordable_rows(x, y, rng)
    data = twin.checked_data(x, y)
    twin.compiled.check_metrics(data.target, twin.output_shape)
    x, target = data.x, data.target
    labels, K = classes_of(twin, target)
    validation = None
    if validation_data is not None:
        validation = _validation(twin, validation_data)
    twin.rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(x), min(len(x), LOOKED_AT), replace=False))
    rows = rng.permutation(rows)
    patient = Patient(twin, np.asarray(x), target, labels, K, validation, size, shuffle, rng, rows)
    return Diagnosis(_proved(patient), f"{len(x):,} rows, {LOOKED_AT} at most in the network")


def _proved(patient: Patient) -> list[Finding]:
    """The findings with cures that won; what proves to be no fault is looked past."""
    no_faults: set[str] = set()
    while True:
        findings = ranked(_experiments(patient, no_faults))
        proved: list[Finding] = []
        for finding in findings:
            earlier = [f.cure for f in proved if f.cure is not None]
            tried = trying.proved(patient, finding, earlier)
            if tried is None:
                no_faults.add(finding.kind)
            else:
                proved.append(tried)
        if len(proved) == len(findings):
            return _proved_together(patient, findings, proved)


def _proved_together(
    patient: Patient, findings: Sequence[Finding], proved: Sequence[Finding]
) -> list[Finding]:
    """The findings; those about scales that no cure of their own helped are cured together.

    Where the weights have learned the sizes as they were, all are drawn anew first.
    """
    helpless = {
        finding.kind: finding
        for finding, tried in zip(findings, proved, strict=True)
        if finding.kind in SCALES and finding.cures and tried.cure is None
    }
    for before in ([], [STARTED_OVER])[: 1 if patient.untrained else 2]:
        cured = {kind: _cured_beside(patient, kind, helpless, before) for kind in helpless}
        if cured and all(finding.cure is not None for finding in cured.values()):
            return [cured.get(finding.kind, finding) for finding in proved]
    return list(proved)


def _cured_beside(
    patient: Patient, kind: str, helpless: Mapping[str, Finding], before: Sequence[Cure]
) -> Finding:
    """One of them with a cure that wins after one of another's, if there is such a pair."""
    for other in (cure for k, f in helpless.items() if k != kind for cure in f.cures):
        tried = trying.proved(patient, helpless[kind], [*before, other])
        if tried is not None and tried.cure is not None:
            advice = " ".join([tried.advice, *(cure.advice for cure in before)])
            return dataclasses.replace(tried, advice=advice)
    return helpless[kind]


def _experiments(patient: Patient, no_faults: Container[str] = ()) -> list[Finding]:
    """All findings; experiments whose outcome is explained already are left out."""
    findings = list(anatomy.finite_weights(patient))
    if findings:
        return findings

    def look(findings_of_one: Iterable[Finding]) -> None:
        findings.extend(f for f in findings_of_one if f.kind not in no_faults)

    for at_data in (
        anatomy.trainable,
        scales.constant_target,
        scales.wrong_metric,
        scales.output_range,
        scales.target_scale,
        scales.input_scales,
        anatomy.symmetric_weights,
        samples.sorted_rows,
        relation.target_in_x,
        samples.validation,
        samples.copies,
        samples.class_imbalance,
        samples.absent_class,
        relation.labels_unrelated,
    ):
        look(at_data(patient))
    rows = patient.rows
    inside: Sequence[Signal] = ()
    if not explained_by("vanishing-gradient", findings):
        inside = signals(patient.model, patient.x[rows], patient.target[rows])
        look(anatomy.saturated(patient, inside))
        look(anatomy.dead_relu(patient, inside))
        look(anatomy.running_statistics(patient, inside))
        look(anatomy.gradients(patient, inside))
        look(anatomy.initial_loss(patient))
    single = patient.labels is not None and len(np.unique(patient.labels)) < 2
    if single or any(f.kind in ("nothing-trainable", "constant-target") for f in findings):
        return findings
    tried = None
    if not explained_by("step-too-large", findings):
        tried = trials.learning_rate(patient)
        look(tried.findings)
    heart = None
    if not explained_by("cannot-overfit", findings):
        more, heart = trials.by_heart(patient)
        if tried is not None and inside and more and trials.needs_but_a_start(more[0]):
            held = [f for f in plateau.stuck(patient, inside, tried.best) if f.cure is not None]
            more = held or [plateau.by_depth(patient, inside, more[0])]
        look(more)
        if not more:
            look(structure.too_little(patient))
    if tried is not None and inside and not explained_by("stuck", findings):
        look(plateau.stuck(patient, inside, tried.best))
    if tried is not None:
        look(trials.never_predicted(patient, tried.best, heart))
    return findings


def _refused(model: Sequential, y: Any) -> list[Finding]:
    """Findings in targets that `fit` would refuse."""
    if isinstance(model.loss, BinaryCrossEntropy):
        labels = np.asarray(y)
        if labels.dtype.kind in "iuf":
            return list(scales.yes_or_no_as_signs(labels))
    return []


def _split(x: Any, y: Any, validation_data: Any, share: float) -> tuple[Any, Any, Any]:
    """x, y and the validation data, which may be the last rows of x and y, as in `fit`."""
    share = checks.number(share, "diagnose's validation_split", minimum=0.0, below=1.0)
    if not share:
        return x, y, validation_data
    if validation_data is not None:
        raise ValueError("diagnose takes validation_data or validation_split. Got both.")
    x, y = checks.as_array(x, "x"), checks.as_array(y, "y")
    checks.same_length(x, y, ("x", "y"))
    kept = int(len(x) * (1 - share) + 1e-9)
    if not 0 < kept < len(x):
        raise ValueError(
            "diagnose's validation_split takes a share that leaves rows on both sides. Got "
            f"{share:g} of {len(x)} rows. Use more data or another share."
        )
    return x[:kept], y[:kept], (x[kept:], y[kept:])


def _affordable_rows(x: Any, y: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """x and y, or as many of their rows as can be looked at in a second."""
    if not isinstance(x, np.ndarray) or x.size <= LARGEST or len(np.shape(y)) == 0:
        return x, y
    N = len(x)
    if len(y) != N:
        return x, y  # what comes next says so
    rows = np.sort(rng.choice(N, max(1, LARGEST * N // x.size), replace=False))
    return x[rows], np.asarray(y)[rows]


def _validation(model: Sequential, given: Any) -> tuple[Array, Array, Array | None]:
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise TypeError(f"diagnose's validation_data takes (x, y). Got {short(given)}.")
    data = model.checked_data(given[0], given[1], whose="validation ")
    return np.asarray(data.x), data.target, classes_of(model, data.target)[0]
