"""Short trainings on copies: the learning rate, 20 samples by heart, classes never predicted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.regularizers import L2
from minnet.teaching.doctor.anatomy import drops_nearly_all
from minnet.teaching.doctor.findings import Finding
from minnet.teaching.doctor.patient import (
    LOOKED_AT,
    Patient,
    ShortTraining,
    affordable,
    baseline,
    evaluate,
    forward,
    loss_of,
    predicted_classes,
    train_briefly,
)

STEPS = 40
"""Updates of a trial of a learning rate."""

LEARNS = 0.95
"""A rate whose loss after the trial is below this part of where it began is fine."""

MUCH_BETTER = 0.75
"""A rate is at fault if another reaches less than this part of its loss."""

TINY_GAIN = 0.02
"""A rate is too small only if it gains less than this part of what the best one gains."""

SMALL_UPDATE = 1e-4
"""‖first update‖ / ‖weights‖ of a rate that is too small, besides. Seen: sick up to 8e-5, healthy
from 1.6e-4 (Adagrad at Keras' 0.001).
"""

SPIKE, JUMP, BURST = 3.0, 10.0, 40.0
"""The largest loss of a batch in a trial, by the loss at its beginning: from SPIKE on other rates
are looked at; from JUMP on a rate is too large if a calmer one learns more, from BURST on in any
case. Seen: healthy up to 14 (softplus), sick 13 to 1e7.
"""

LARGEST_RATE, SMALLEST_RATE = 3.0, 1e-5
"""Rates that are tried instead."""

FEW = 20
"""Samples to be learned by heart."""

LEARNED, HALF_LEARNED = 0.5, (0.8, 0.8)
"""Loss by that of guessing after learning 20 samples by heart; or accuracy with a larger loss."""

HEART_RATES = (1e-2, 1e-3, 1e-1)
HEART_STEPS = 150

KNOWS = 0.5
"""Accuracy from which a class that is never predicted is no longer a matter of patience."""


class RateFindings(NamedTuple):
    """What trials of learning rates showed: the findings, and the best trained copy."""

    findings: list[Finding]
    best: ShortTraining


def peak_rate(patient: Patient) -> float:
    """The optimizer's rate; of a schedule the largest it will come to."""
    optimizer = patient.model.compiled.optimizer
    if isinstance(optimizer.learning_rate, float):
        return optimizer.learning_rate
    updates = np.unique(np.geomspace(1, 10_000, 60).astype(int)) - 1
    return max(optimizer.rate(int(done)) for done in updates)


def learning_rate(patient: Patient) -> RateFindings:
    """`step-too-large` and `step-too-small`, decided by training, not by a ratio."""
    model, rows = patient.model, patient.rows
    x, target = patient.x[rows], patient.target[rows]
    rate, batch = peak_rate(patient), min(patient.batch_size, 64)
    steps = affordable(model, batch, STEPS)

    def run(rate: float) -> ShortTraining:
        return train_briefly(model, x, target, steps=steps, batch_size=batch, seed=0, rate=rate)

    start = evaluate(model, x, target)
    guess = baseline(patient)
    begin = min(start, guess) if math.isfinite(start) else guess
    own = run(rate)
    level = max(start, guess)
    spiked = own.worst > SPIKE * level
    known = start < 0.5 * guess and own.loss < 0.5 * guess
    if not spiked and (own.loss < LEARNS * begin or known):
        return RateFindings([], own)
    trials = {rate: own}
    for other in _other_rates(rate, down=spiked or own.loss > start):
        trials[other] = run(other)
        if trials[other].loss < 0.3 * begin and other > rate:
            break
    better, best = _best(trials)
    calm = {r: t for r, t in trials.items() if r < rate and t.worst < SPIKE * level}
    calmer = _best(calm) if calm else (rate, own)
    if own.worst > BURST * level or (
        own.worst > JUMP * level and calmer[1].loss < MUCH_BETTER * own.loss
    ):
        better, best = calmer
    elif best.loss > MUCH_BETTER * min(own.loss, 1e30) or better == rate:
        return RateFindings([], best)
    reached = "left the finite numbers" if own.loss == math.inf else f"came to {own.loss:.3g}"
    rose = f", after {own.worst:.2g} on the way" if SPIKE * level < own.worst < math.inf else ""
    evidence = (
        f"In {steps} updates at {rate:.3g} the loss {reached}{rose} (before: {start:.3g}); at "
        f"{better:.2g} it came to {best.loss:.3g}."
    )
    measurement = {
        "rate": rate,
        "loss at it": own.loss,
        "better rate": better,
        "loss at that": best.loss,
    }
    advice = f"A learning rate of {better:.1g}, which learned most in the trial."
    if better < rate:
        kind = "step-too-large"
    elif (
        start - own.loss < TINY_GAIN * (start - best.loss)
        and own.moved < SMALL_UPDATE
        and start > 0.5 * guess
    ):
        kind = "step-too-small"
        evidence += f" The first update moved the weights by {own.moved:.1e} of their size."
        measurement["update by weights"] = own.moved
    else:
        return RateFindings([], best)
    return RateFindings([Finding(kind, evidence, measurement, advice)], best)


def _other_rates(rate: float, *, down: bool) -> list[float]:
    """Powers of ten below a rate and above it."""
    below = [min(rate, 10.0) * 10.0**-k for k in range(1, 6)]
    above = [(rate or 1e-7) * 10.0**k for k in range(1, 9)]
    return [
        other for other in (below if down else below[:1]) if SMALLEST_RATE < other < LARGEST_RATE
    ] + [other for other in above if SMALLEST_RATE < other < LARGEST_RATE]


def _best(trials: dict[float, ShortTraining]) -> tuple[float, ShortTraining]:
    rate = min(trials, key=lambda rate: trials[rate].loss)
    return rate, trials[rate]


def by_heart(patient: Patient) -> tuple[list[Finding], Sequential | None]:
    """`cannot-overfit`, or a copy that has learned 20 samples by heart, as it should."""
    rows = _few(patient)
    x, target = patient.x[rows], patient.target[rows]
    small = patient._replace(
        x=x, target=target, labels=None if patient.labels is None else patient.labels[rows]
    )
    guess = baseline(small)
    if len(rows) < 2 or not guess > 1e-9:
        return [], None
    model = patient.model
    steps = affordable(model, len(rows), HEART_STEPS)
    best = math.inf
    for rate in HEART_RATES:
        done = train_briefly(
            model,
            x,
            target,
            steps=steps,
            batch_size=len(rows),
            seed=0,
            rate=rate,
            optimizer=Adam(rate),
        )
        loss, accuracy = _as_shown(done.model, small)
        best = min(best, loss)
        half = accuracy > HALF_LEARNED[0] and loss < HALF_LEARNED[1] * guess
        if loss < LEARNED * guess or half:
            return [], done.model
    finding = Finding(
        "cannot-overfit",
        f"The model cannot learn {len(rows)} samples by heart: after {steps} updates with Adam the "
        f"loss on them is {best:.3g}, and {guess:.3g} is that of always saying the same. More data "
        "or more epochs will not help.",
        {"loss on them": best, "loss of guessing": guess},
        _remedy(patient),
    )
    return [finding], None


def _few(patient: Patient) -> Array:
    """Rows of all classes alike, without copies."""
    if patient.labels is None:
        return patient.rows[:FEW]
    labels = patient.labels[patient.rows]
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(order), np.intp)  # among the rows of its class
    starts = np.searchsorted(labels[order], labels[order])
    rank[order] = np.arange(len(order)) - starts
    return patient.rows[np.argsort(rank, kind="stable")[:FEW]]


def _as_shown(model: Sequential, small: Patient) -> tuple[float, float]:
    """Loss and accuracy as a training shows them: with dropout and penalties."""
    rng = np.random.default_rng(0)
    noisy = any(step.training_differs and not step.states for step in model.steps)
    losses, right = [], []
    for _ in range(8 if noisy else 1):
        outputs = forward(model, small.x, rng)
        losses.append(loss_of(model, outputs, small.target))
        if small.labels is not None:
            predicted = predicted_classes(outputs[-1], small.loss.from_logits)
            right.append(float((predicted == small.labels).mean()))
    loss = float(np.mean(losses)) + model.penalty()
    return (loss if math.isfinite(loss) else math.inf), float(np.mean(right)) if right else 0.0


def _remedy(patient: Patient) -> str:
    model = patient.model
    dropout = drops_nearly_all(patient)
    if dropout:
        return f"{dropout} drops most of what it is given: a rate of 0.2 to 0.5 is usual."
    penalty = model.penalty()
    loss = loss_of(model, forward(model, patient.x[:LOOKED_AT]), patient.target[:LOOKED_AT])
    if penalty > loss:
        return (
            f"The penalty on the weights, {penalty:.3g}, outweighs the loss, {loss:.3g}: try "
            f"{L2.__name__}(1e-4)."
        )
    widths = [layer.units for layer in model.layers if hasattr(layer, "units")]
    narrow = min(widths[:-1], default=0)
    if not widths[:-1]:
        return 'Add a hidden layer: Dense(32, activation="relu").'
    if narrow < 8:
        return f"The narrowest hidden layer has {narrow} units: try {max(16, 4 * narrow)}."
    return 'Look at the layers one by one; Dense(64, activation="relu") is a plain start.'


def never_predicted(
    patient: Patient, tried: ShortTraining, heart: Sequential | None
) -> Iterator[Finding]:
    """`never-predicted`: by the model itself if it was trained, else by both trained copies."""
    if patient.labels is None or len(patient.rows) < 10:
        return
    rows = patient.rows
    labels, K = patient.labels[rows], patient.classes
    trained = not patient.untrained
    if not trained and heart is None:
        return
    model = patient.model if trained else tried.model
    predicted = _predictions(model, patient)
    if predicted is None:
        return
    counts, predictions = (np.bincount(y, minlength=K) for y in (labels, predicted))
    accuracy = float((predicted == labels).mean())
    present = counts > 0
    missing = np.flatnonzero((predictions == 0) & (counts >= max(3, 0.02 * len(rows))))
    if heart is not None and not trained:
        also = _predictions(heart, patient)
        missing = missing[~np.isin(missing, [] if also is None else also)]
    if not len(missing) or present.sum() < 2:
        return
    others = ~np.isin(labels, missing)
    knows = float((predicted == labels)[others].mean()) if others.any() else 0.0
    epochs = sum(entry["epochs"] for entry in model.provenance["trainings"])
    if not (
        knows > max(KNOWS, 1.5 / K) or (trained and epochs >= 5 and (predictions > 0).sum() == 1)
    ):
        return
    first = int(missing[0])
    when = "" if trained else f" after a trial of {tried.steps} updates"
    yield Finding(
        "never-predicted",
        f"Class {', '.join(map(str, missing[:5]))} is never predicted{when}: {counts[first]} of "
        f"{len(rows)} rows looked at are of class {first}, and accuracy over all is "
        f"{100 * accuracy:.0f} %.",
        {"classes never predicted": len(missing), "accuracy": accuracy},
        f"Look at output {first} of the last layer, its weights and its bias: a bias far below the "
        "others', or a dead unit, silences it; model.reset(seed) starts over.",
    )


def _predictions(model: Sequential, patient: Patient) -> Array | None:
    """The classes that a model predicts for the rows that are looked at."""
    prediction = forward(model, patient.x[patient.rows])[-1]
    if not np.isfinite(prediction).all():
        return None
    return predicted_classes(prediction, patient.loss.from_logits)
