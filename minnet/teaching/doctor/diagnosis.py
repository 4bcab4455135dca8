"""`diagnose`: all experiments, one after the other, on a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation import checks
from minnet.foundation.checks import Array, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.losses import BinaryCrossEntropy
from minnet.models import Sequential
from minnet.teaching.doctor import anatomy, relation, samples, scales, trials
from minnet.teaching.doctor.findings import Diagnosis, Finding, explained_by
from minnet.teaching.doctor.patient import LOOKED_AT, Patient, classes_of, signals

LARGEST = 2**26
"""Numbers of x that are looked at; of more, that many are drawn by rows."""


@np.errstate(all="ignore")  # what is not finite is a finding
@named
@seed_unmoved_where_refused
def diagnose(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    validation_data: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | np.random.Generator = 0,
) -> Diagnosis:
    """Why does it not learn? Quick experiments on a copy of a compiled model.

    Call it as `fit` would be called, before a training or after one. The model, what its optimizer
    remembers, its generator and the arrays stay as they are. Half a second for small problems.

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
    batch_size, shuffle
        As `fit` will be given them.
    seed
        For the rows and the trials.

    Returns
    -------
    Diagnosis
        `.findings`, most serious first, each with `.kind`, `.message`, `.measurement` and
        `.advice`; `.healthy` where there are none.

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
    x, y = _affordable_rows(x, y, rng)
    data = twin.checked_data(x, y)
    x, target = data.x, data.target
    labels, K = classes_of(twin, target)
    validation = None
    if validation_data is not None:
        validation = _validation(twin, validation_data)
    twin.rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(x), min(len(x), LOOKED_AT), replace=False))
    rows = rng.permutation(rows)
    patient = Patient(twin, np.asarray(x), target, labels, K, validation, size, shuffle, rng, rows)
    return Diagnosis(_experiments(patient), f"{len(x):,} rows, {LOOKED_AT} at most in the network")


def _experiments(patient: Patient) -> list[Finding]:
    """All findings; experiments whose outcome is explained already are left out."""
    findings = list(anatomy.finite_weights(patient))
    if findings:
        return findings
    for look in (
        anatomy.trainable,
        scales.output_range,
        scales.target_scale,
        scales.input_scales,
        anatomy.symmetric_weights,
        samples.sorted_rows,
        samples.validation,
        samples.copies,
        samples.class_imbalance,
        samples.absent_class,
        relation.labels_unrelated,
    ):
        findings += look(patient)
    if not explained_by("vanishing-gradient", findings):
        rows = patient.rows
        inside = signals(patient.model, patient.x[rows], patient.target[rows])
        findings += anatomy.saturated(patient, inside)
        findings += anatomy.dead_relu(patient, inside)
        findings += anatomy.running_statistics(patient, inside)
        findings += anatomy.gradients(patient, inside)
        findings += anatomy.initial_loss(patient)
    single = patient.labels is not None and len(np.unique(patient.labels)) < 2
    if single or any(finding.kind == "nothing-trainable" for finding in findings):
        return findings
    tried = None
    if not explained_by("step-too-large", findings):
        tried = trials.learning_rate(patient)
        findings += tried.findings
    heart = None
    if not explained_by("cannot-overfit", findings):
        more, heart = trials.by_heart(patient)
        findings += more
    if tried is not None:
        findings += trials.never_predicted(patient, tried.best, heart)
    return findings


def _refused(model: Sequential, y: Any) -> list[Finding]:
    """Findings in targets that `fit` would refuse."""
    if isinstance(model.loss, BinaryCrossEntropy):
        labels = np.asarray(y)
        if labels.dtype.kind in "iuf":
            return list(scales.yes_or_no_as_signs(labels))
    return []


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
