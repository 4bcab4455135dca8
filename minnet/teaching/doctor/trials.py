"""Short trainings on copies: the learning rate, 20 samples by heart, classes never predicted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.initializers import INITIALIZERS
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.anatomy import against_vanishing, drops_nearly_all
from minnet.teaching.doctor.cures import Cure, Treated
from minnet.teaching.doctor.figures import CureFigure, missed
from minnet.teaching.doctor.findings import Finding, Proof
from minnet.teaching.doctor.patient import (
    LOOKED_AT,
    Patient,
    ShortTraining,
    affordable,
    baseline,
    bearable,
    evaluate,
    forward,
    loss_of,
    peak_rate,
    predicted_classes,
    train_briefly,
)
from minnet.teaching.doctor.structure import is_autoencoder, remedies
from minnet.teaching.doctor.trying import wins

STEPS, MOST_STEPS = 40, 300
"""Updates of a trial of a learning rate, and with a large momentum."""

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


def learning_rate(patient: Patient) -> RateFindings:
    """`step-too-large` and `step-too-small`, decided by training, not by a ratio."""
    model, rows = patient.model, patient.rows
    x, target = patient.x[rows], patient.target[rows]
    rate, batch = peak_rate(model), min(patient.batch_size, 64)
    steps = affordable(model, batch, _long_enough(model))

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
        if bearable(model, other) < other:
            continue
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
    name = f"a rate of {better:.1g}"
    proof = Proof(name, "the loss", own.loss, best.loss, steps)
    if not wins(proof):
        proof = Proof(name, "the largest loss on the way", own.worst, best.worst, steps)
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
    treat = cures.both(cures.started_over, cures.at_rate(better))
    if kind == "step-too-small" or patient.untrained:
        treat = cures.at_rate(better)
    cure = Cure(name, advice, treat)
    finding = Finding(kind, evidence, measurement, advice, cures=(cure,), cure=cure, proof=proof)
    return RateFindings([finding], best)


def _long_enough(model: Sequential) -> int:
    """Updates after which a momentum has built up what it can: three times 1 / (1 − μ)."""
    momentum = float(getattr(model.compiled.optimizer, "momentum", 0.0))
    return min(MOST_STEPS, max(STEPS, round(3.0 / max(1.0 - momentum, 0.01))))


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
    if len(rows) < 2 or not guess > 1e-9 or is_autoencoder(small):
        return [], None
    best, done = _learned(patient.model, small, guess)
    if done is not None:
        return [], done
    steps = affordable(patient.model, len(rows), HEART_STEPS)
    message = (
        f"The model cannot learn {len(rows)} samples by heart: after {steps} updates with Adam the "
        f"loss on them is {best:.3g}, and {guess:.3g} is that of always saying the same. More data "
        "or more epochs will not help."
    )
    measurement = {"loss on them": best, "loss of guessing": guess}
    tried = []
    for evidence, cure in _remedies(patient):
        treated = cure.treat(Treated(patient.model.copy(), x, target, {}))
        loss, _ = _learned(treated.model, small, guess)
        proof = Proof(cure.name, "the loss on them", best, loss, steps)
        if wins(proof):
            finding = Finding(
                "cannot-overfit",
                f"{message} {evidence}".strip(),
                measurement,
                cure.advice,
                cures=(cure,),
                cure=Cure(cure.name, cure.advice, cures.both(cure.treat, _by_adam)),
                proof=proof,
            )
            return [finding], None
        tried.append(cure.name)
    gains = f" Tried without gain: {', '.join(tried)}." if tried else ""
    advice = "" if tried else "Look at the layers one by one, from a plain network on."
    return [Finding("cannot-overfit", message + gains, measurement, advice)], None


def needs_but_a_start(finding: Finding) -> bool:
    """Whether nothing is missing that a look at where the network stands could not explain."""
    return finding.cure is None or finding.cure.name in ("fresh weights", "relu", *INITIALIZERS)


def _by_adam(treated: Treated) -> Treated:
    """By the optimizer of the trial, which is not to blame for what is left."""
    treated.model.compiled.switch_optimizer(Adam(HEART_RATES[0]))
    return treated


def _learned(model: Sequential, small: Patient, guess: float) -> tuple[float, Sequential | None]:
    """The least loss on a few rows, and a copy that knows them, if one of the rates gave it."""
    steps = affordable(model, len(small.x), HEART_STEPS)
    best = math.inf
    for rate in HEART_RATES:
        done = train_briefly(
            model,
            small.x,
            small.target,
            steps=steps,
            batch_size=len(small.x),
            seed=0,
            rate=rate,
            optimizer=Adam(rate),
        )
        loss, accuracy = _as_shown(done.model, small)
        best = min(best, loss)
        half = accuracy > HALF_LEARNED[0] and loss < HALF_LEARNED[1] * guess
        if loss < LEARNED * guess or half:
            return loss, done.model
    return best, None


def _remedies(patient: Patient) -> Iterator[tuple[str, Cure]]:
    """What may be in the way, or missing, each with its sentence of evidence."""
    model = patient.model
    dropout = drops_nearly_all(patient)
    if dropout:
        yield (
            f"{dropout} drops most of what it is given.",
            Cure(
                "Dropout(0.3)",
                "Drop less: a rate of 0.2 to 0.5 is usual.",
                cures.unconstrained(0.3, 1e-4),
            ),
        )
    penalty = model.penalty()
    loss = loss_of(model, forward(model, patient.x[:LOOKED_AT]), patient.target[:LOOKED_AT])
    if penalty > loss:
        yield (
            f"The penalty on the weights, {penalty:.3g}, outweighs the loss, {loss:.3g}.",
            Cure("L2(1e-4)", "Penalise less: L2(1e-4).", cures.unconstrained(0.5, 1e-4)),
        )
    yield from remedies(patient)
    for cure in against_vanishing(patient):
        yield "", cure
    yield (
        "",
        Cure(
            "fresh weights",
            "Start over: model.reset(seed).",
            cures.started_over,
        ),
    )


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
        cures=_for_silent(model, first),
        figures=(CureFigure(f"the share of class {first} that is missed", missed(first)),),
    )


def _for_silent(model: Sequential, label: int) -> tuple[Cure, ...]:
    """A new bias for an output that is silent, or a new start."""
    advice = (
        f"Look at output {label} of the last layer, its weights and its bias: a bias far below "
        "the others', or a dead unit, silences it; model.reset(seed) starts over."
    )
    denses = [i for i, layer in enumerate(model.layers) if isinstance(layer, Dense)]
    head = cures.started("glorot_uniform", lowest=denses[-1]) if denses else cures.started_over
    return (
        Cure("a fresh last layer", advice, head),
        Cure("fresh weights", advice, cures.started_over),
    )


def _predictions(model: Sequential, patient: Patient) -> Array | None:
    """The classes that a model predicts for the rows that are looked at."""
    prediction = forward(model, patient.x[patient.rows])[-1]
    if not np.isfinite(prediction).all():
        return None
    return predicted_classes(prediction, patient.loss.from_logits)
