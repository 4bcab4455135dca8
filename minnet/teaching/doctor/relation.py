"""Do the targets have anything to do with the inputs? Two tests against shuffled targets.

Where neither sees anything the model itself is asked: what it says of rows that it did not learn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.cures import Treated
from minnet.teaching.doctor.findings import Finding
from minnet.teaching.doctor.patient import (
    Patient,
    affordable,
    forward,
    predicted_classes,
    train_briefly,
)

ENOUGH_ROWS = 40
"""With fewer rows no test can tell."""

ROWS = 400
"""Rows that are tested."""

SHUFFLES = 60
"""Orders of the targets that the true one is held against."""

RELATED = 3.0
"""Standard deviations of the shuffled scores. By chance 1 in 700 is further."""

NEIGHBOURS = 5

THE_SAME = 1 - 1e-5
"""The correlation from which on a column is the target: one with 0.5 % of noise is below."""

MOST_ROWS, STEPS = 2000, 400
"""Rows with which the model is asked, and the updates of Adam that it has to learn them."""


def target_in_x(patient: Patient) -> Iterator[Finding]:
    """`target-in-x`: a column of x that is y, perhaps in another unit, or that tells one class.

    Several targets a row may well be among the inputs: an autoencoder's are.
    """
    x = patient.x.reshape(len(patient.x), -1)[patient.rows]
    if len(x) < ENOUGH_ROWS or x.shape[1] < 2:
        return
    answers = patient.target[patient.rows].reshape(len(x), -1)
    if patient.labels is not None:
        labels = patient.labels[patient.rows]
        answers = np.c_[labels, labels[:, None] == np.arange(patient.classes)]
    elif answers.shape[1] > 1:
        return
    alike = np.abs(_correlations(x, answers))
    column, answer = np.unravel_index(np.argmax(alike), alike.shape)
    if alike[column, answer] < THE_SAME:
        return
    one = patient.labels is not None and answer > 0 and patient.classes > 2
    name = f"class {answer - 1}" if one else "the target"
    yield Finding(
        "target-in-x",
        f"Column {column} of x tells {name} by itself, with nothing left over: it is y in another "
        "unit or code, or something that is known only after y.",
        {"correlation with y": float(alike[column, answer])},
        "Ask whether it is known on the day of the prediction. If not, leave it out: "
        f"x = np.delete(x, {column}, axis=1).",
    )


def _correlations(x: Array, t: Array) -> Array:
    """Between each column of x (N, D) and each of t (N, M): (D, M); 0 where one is constant."""
    standard = []
    for columns in (x, t):
        away = columns.astype(np.float64) - columns.mean(axis=0, dtype=np.float64)
        length = np.sqrt(np.sum(np.square(away), axis=0))
        varies = length > 1e-6 * np.abs(columns).max(axis=0)
        standard.append(np.divide(away, length, out=np.zeros_like(away), where=varies))
    product: Array = standard[0].T @ standard[1]
    return product


def labels_unrelated(patient: Patient) -> Iterator[Finding]:
    """`labels-unrelated`: neither neighbours nor a regression do better than with shuffled ones."""
    x, t = _sample(patient)
    if len(x) < ENOUGH_ROWS or not t.any():
        return
    rng = np.random.default_rng(0)
    shuffled = np.stack([rng.permutation(t) for _ in range(SHUFFLES)])
    scores = []
    for smoother in (_neighbours(x), _regression(x, rng)):
        error = _error(smoother, t[None])[0]
        others = _error(smoother, shuffled)
        spread = float(others.std())
        scores.append(float(others.mean() - error) / spread if spread > 0 else 0.0)
        if scores[-1] > RELATED:
            return
    asked = _asked(patient)
    if asked > RELATED:
        return
    targets = "labels" if patient.labels is not None else "targets"
    yield Finding(
        "labels-unrelated",
        f"The {targets} can be told from x no better than shuffled ones: neither near rows nor a "
        f"regression predict them ({scores[0]:.1f} and {scores[1]:.1f} standard deviations better "
        f"than {SHUFFLES} random orders; {RELATED:g} would say something), nor the model itself on "
        f"rows that it did not learn ({asked:.1f}).",
        {"by neighbours": scores[0], "by regression": scores[1], "by the model": asked},
        "Look whether x and y are still in the same order: was one of them shuffled, sorted or "
        "filtered alone? Print a few rows with their targets.",
    )


def _asked(patient: Patient) -> float:
    """How far the model's answers on rows it did not learn are above chance, in deviations.

    A trained model is asked about the validation rows; a fresh copy learns most of the rows and is
    asked about the others.
    """
    scores = [0.0]
    if patient.validation is not None and not patient.untrained:
        vx, target, labels = patient.validation
        scores.append(_above_chance(patient, patient.model, vx[:MOST_ROWS], target, labels))
    if not any(layer.parameters and layer.trainable for layer in patient.model.layers):
        return max(scores)
    rows = np.random.default_rng(0).permutation(len(patient.x))[:MOST_ROWS]
    held = rows[: len(rows) // 4]
    learned = rows[len(held) :]
    treated = cures.started_over(Treated(patient.model.copy(), None, None, {}))
    batch = min(patient.batch_size, 64, len(learned))
    done = train_briefly(
        treated.model,
        patient.x[learned],
        patient.target[learned],
        steps=affordable(treated.model, batch, STEPS),
        batch_size=batch,
        seed=0,
        rate=1e-2,
        optimizer=Adam(1e-2),
    )
    if np.isfinite(done.loss):
        labels = None if patient.labels is None else patient.labels[held]
        x, target = patient.x[held], patient.target[held]
        scores.append(_above_chance(patient, done.model, x, target, labels))
    return max(scores)


def _above_chance(
    patient: Patient, model: Sequential, x: Array, target: Array, labels: Array | None
) -> float:
    """Standard deviations of an accuracy above that of the largest class, or of a correlation."""
    prediction = forward(model, x)[-1]
    n = len(x)
    if not n or not np.isfinite(prediction).all():
        return 0.0
    if labels is not None:
        labels = labels[:n]
        right = predicted_classes(prediction, patient.loss.from_logits) == labels
        usual = float(np.bincount(labels).max()) / n
        return (float(right.mean()) - usual) / math.sqrt(max(usual * (1.0 - usual), 1e-6) / n)
    t = _standard(target[:n].reshape(n, -1).astype(np.float64))
    p = _standard(prediction.reshape(n, -1).astype(np.float64))
    return float((t * p).mean()) * math.sqrt(n * t.shape[1])


def _sample(patient: Patient) -> tuple[Array, Array]:
    """Some rows, each column with mean 0 and deviation 1, and their targets likewise."""
    rows = patient.rows[:ROWS]
    x = patient.x[rows].reshape(len(rows), -1).astype(np.float64)
    if patient.labels is not None:
        t = np.eye(patient.classes)[patient.labels[rows]]
    else:
        t = patient.target[rows].reshape(len(rows), -1).astype(np.float64)
    clipped: Array = np.clip(_standard(x), -5.0, 5.0)
    return clipped, _standard(t)


def _standard(a: Array) -> Array:
    deviation = a.std(axis=0)
    standard: Array = (a - a.mean(axis=0)) / np.where(deviation > 1e-12, deviation, np.inf)
    return standard


def _neighbours(x: Array) -> Array:
    """(n, n): row i times the targets is the mean target of the rows nearest to row i."""
    squares = np.square(x).sum(axis=1)
    distances = squares[:, None] + squares - 2.0 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    smoother: Array = np.zeros_like(distances)
    np.put_along_axis(smoother, nearest, 1.0 / NEIGHBOURS, axis=1)
    return smoother


def _regression(x: Array, rng: np.random.Generator) -> Array:
    """(n, n): row i times the targets is the prediction of a ridge regression on all other rows.

    On x and 64 random tanh features of it; with the hat matrix H, leaving row i out gives
    (Σ_j H_ij t_j − H_ii t_i) / (1 − H_ii).
    """
    n, D = x.shape
    features = np.tanh(x @ rng.standard_normal((D, 64)) * (1.5 / np.sqrt(D)) + rng.normal(size=64))
    phi = np.concatenate([x, features, np.ones((n, 1))], axis=1)
    gram = phi @ phi.T
    hat = np.linalg.solve(gram + 0.1 * np.trace(gram) / n * np.eye(n), gram).T
    own = np.diag(hat).copy()
    np.fill_diagonal(hat, 0.0)
    smoother: Array = hat / np.maximum(1.0 - own, 1e-6)[:, None]
    return smoother


def _error(smoother: Array, targets: Array) -> Array:
    """The squared error of each of several orders of the targets (S, n, M): (S,)."""
    S, n, M = targets.shape
    columns = targets.transpose(1, 0, 2).reshape(n, S * M)
    missed = np.square(smoother @ columns - columns)
    errors: Array = missed.reshape(n, S, M).sum(axis=(0, 2))
    return errors
