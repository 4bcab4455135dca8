"""Still at the loss of guessing: is it the layers, the optimizer, or cannot anybody tell?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from minnet.optimizers import SGD, Adam
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.anatomy import against_vanishing, attenuation
from minnet.teaching.doctor.cures import Cure
from minnet.teaching.doctor.figures import LOSS
from minnet.teaching.doctor.findings import Finding, Proof
from minnet.teaching.doctor.patient import Patient, ShortTraining, Signal, baseline, evaluate
from minnet.teaching.doctor.trying import WINS, after_updates, budget, patient_with

AT_GUESSING = 0.97
"""A loss above this part of that of guessing is no better."""

DEEP, HARDLY_BETTER = 3, 0.85
"""From so many squashing layers on, a loss above this part of that of guessing is suspect."""

ENOUGH_UPDATES = 100
"""Updates after which a trained model should have left it."""

LONG, LONGEST = 400, 2000
"""Updates of a trial of cures, and before that of the patient alone, to see whether it is slow."""

HOLDS_BACK = {"weight_decay": 0.0, "clipnorm": None, "clipvalue": None, "global_clipnorm": None}
"""What of an optimizer may keep weights where they are, and its value for nothing."""

PATIENT = 3.0
"""How much more than a usual trial one of these may cost: what is stuck has to be waited for."""

LEAVES = 0.75
"""A cure that comes below this part of the loss of guessing has left it."""


class CureTrial(NamedTuple):
    """A cure, and the loss with it."""

    cure: Cure
    loss: float


def stuck(patient: Patient, signals: Sequence[Signal], tried: ShortTraining) -> Iterator[Finding]:
    """`stuck` and, where squashing layers are to blame, `vanishing-gradient`."""
    guess = baseline(patient)
    if not guess > 1e-9 or not math.isfinite(guess):
        return
    rows = patient.rows
    now = evaluate(patient.model, patient.x[rows], patient.target[rows])
    level = guess * (AT_GUESSING if _squashing(patient) < DEEP else HARDLY_BETTER)
    if min(now, tried.loss) < level or tried.loss < AT_GUESSING * now < AT_GUESSING * level:
        return
    before = patient_with(patient, None, whole=False)
    longest = budget(before.model, before, LONGEST, PATIENT)
    last = after_updates(before, LOSS, longest)
    if last < level:
        return
    steps, alone = longest, last
    if longest > LONG:
        steps = LONG
        alone = after_updates(patient_with(patient, None, whole=False), LOSS, steps)
    enough = LEAVES * level
    layers = _first_of(patient, against_vanishing(patient), steps, enough)
    groups = (
        layers,
        _first_of(patient, _freed(patient), steps, enough),
        _first_of(patient, _other_optimizers(patient), steps, enough),
    )
    deep = _squashing(patient) >= DEEP
    helped = [t for t in groups if t is not None and t.loss < enough]
    if deep and layers is not None and layers not in helped and layers.loss < WINS * alone:
        helped.insert(0, layers)  # slower by the rate, and no longer stuck
    updates = patient.updates_made
    if not helped and updates < ENOUGH_UPDATES:
        return
    made = f"After {updates:,} updates, and {steps} more" if updates else f"After {steps} updates"
    story = (
        f"{made} in a trial, the loss is {alone:.3g}; one who always says the same has {guess:.3g}."
    )
    measurement = {"loss": alone, "loss of guessing": guess}
    if not helped:
        yield Finding(
            "stuck",
            f"{story} Neither other activations nor another optimizer left it in {steps} updates.",
            measurement,
            "Look whether x says anything of y: print rows beside their targets, and begin with "
            "the few columns that should matter.",
        )
        return
    (cure, after), *second = helped
    kind, advice = "stuck", cure.advice
    if layers is not None and cure is layers.cure and _squashing(patient) > 1:
        kind, left = "vanishing-gradient", attenuation(signals)
        measurement["gradient, bottom by top"] = left
        story += (
            f" Each layer passes on a part of the gradient only, and {left:.2g} of it arrives at "
            "the first one."
        )
    if second:
        other = second[0]
        advice += f" With {other.cure.name} instead it came to {other.loss:.3g}."
    proof = Proof(cure.name, "the loss", alone, after, steps)
    yield Finding(kind, story, measurement, advice, cures=(cure,), cure=cure, proof=proof)


def by_depth(patient: Patient, signals: Sequence[Signal], finding: Finding) -> Finding:
    """A finding that other activations cure, called after its cause where layers are many."""
    cured_by_relu = finding.cure is not None and finding.cure.name == "relu"
    if not cured_by_relu or _squashing(patient) < DEEP:
        return finding
    left = attenuation(signals)
    return dataclasses.replace(
        finding,
        kind="vanishing-gradient",
        message=f"{finding.message} Of the gradient {left:.2g} arrives at the first layer.",
        measurement={**finding.measurement, "gradient, bottom by top": left},
    )


def _squashing(patient: Patient) -> int:
    """How many hidden steps squash what goes through them."""
    return sum(isinstance(step, cures.SQUASHING) for step in patient.model.steps[:-1])


def _first_of(
    patient: Patient, group: Iterable[Cure], steps: int, enough: float
) -> CureTrial | None:
    """The first cure of a group that leaves less than enough in two trials; else the best."""
    trials = []
    for cure in group:
        trial = CureTrial(cure, _loss_with(patient, cure, steps, seed=0))
        if trial.loss < enough:
            trial = _again(patient, trial, steps)
        if trial.loss < enough:
            return trial
        trials.append(trial)
    best = min(trials, key=lambda trial: trial.loss, default=None)
    return None if best is None or not math.isfinite(best.loss) else _again(patient, best, steps)


def _again(patient: Patient, trial: CureTrial, steps: int) -> CureTrial:
    """The cure with the larger loss of that trial and another."""
    return trial._replace(loss=max(trial.loss, _loss_with(patient, trial.cure, steps, seed=1)))


def _loss_with(patient: Patient, cure: Cure, steps: int, seed: int) -> float:
    treated = cure.treat(patient_with(patient, None, whole=False, seed=seed))
    return after_updates(treated, LOSS, steps, seed)


def _freed(patient: Patient) -> Iterator[Cure]:
    """The patient's own optimizer without what may hold weights where they are."""
    own = patient.model.compiled.optimizer
    config = own.get_config()
    held = {name: value for name, value in HOLDS_BACK.items() if config.get(name, value) != value}
    if held:
        words = " and ".join(name.replace("_", " ") for name in held)
        yield Cure(
            f"{type(own).__name__} without {words}",
            f"Leave {words} out: {type(own).__name__}({config['learning_rate']!r}).",
            cures.both(
                cures.started_over,
                cures.updated_by(lambda: type(own).from_config({**config, **held})),
            ),
        )


def _other_optimizers(patient: Patient) -> Iterator[Cure]:
    """Adam at its usual rates, and plain descent at some, where they are not the patient's own."""
    own = patient.model.compiled.optimizer
    for optimizer in (Adam(1e-2), Adam(1e-3), SGD(0.1, momentum=0.9)):
        if repr(optimizer) != repr(own):
            name = repr(optimizer)

            def make(optimizer: Adam | SGD = optimizer) -> Adam | SGD:
                return type(optimizer).from_config(optimizer.get_config())

            yield Cure(
                name,
                f"compile(optimizer={name}, …): another optimizer is what moved it.",
                cures.both(cures.started_over, cures.updated_by(make)),
            )
