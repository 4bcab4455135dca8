"""What the network can represent at all: layers with nothing between them, too few units, no bias.

Whether it matters is decided by a twin without the fault, trained beside the network.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Layer,
    Linear,
    Rescaling,
    Reshape,
    Sigmoid,
    Softmax,
)
from minnet.layers.by_name import ACTIVATIONS
from minnet.optimizers import Adam
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.cures import Cure, Treated
from minnet.teaching.doctor.findings import Finding, Proof
from minnet.teaching.doctor.patient import (
    Patient,
    ShortTraining,
    affordable,
    baseline,
    evaluate,
    train_briefly,
)

BETWEEN = (
    BatchNormalization,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Linear,
    Rescaling,
    Reshape,
)
"""Steps that two matrices remain one matrix across, in inference."""

KNOWN = 0.2
"""Loss by that of guessing, below which the network holds enough."""

CLEARLY_BETTER = 0.6
"""What a twin may leave of the network's own loss to be clearly better."""

STEPS, RATES = 300, (1e-2, 1e-3)
"""Updates of Adam that network and twin are given, and its rates."""

FEWEST_WIDE = 16
"""Units of a twin."""


def linear_pairs(patient: Patient) -> list[int]:
    """The numbers of dense layers whose output another dense layer takes as it is."""
    layers = patient.model.layers
    open_end: int | None = None
    numbers = []
    for i, layer in enumerate(layers):
        for step in layer.steps():
            if isinstance(step, Dense):
                if open_end is not None:
                    numbers.append(open_end)
                open_end = i
            elif not isinstance(step, BETWEEN):
                open_end = None
    return numbers


def bent_scores(patient: Patient) -> tuple[int, str] | None:
    """The layer that bends the scores below the last softmax or sigmoid, and how."""
    steps = [(i, step) for i, layer in enumerate(patient.model.layers) for step in layer.steps()]
    top = "softmax or sigmoid in the loss"
    if not getattr(patient.model.loss, "from_logits", False):
        if not isinstance(steps[-1][1], (Softmax, Sigmoid)):
            return None
        top = type(steps.pop()[1]).__name__.lower()
    number, below = steps[-1] if steps else (0, Linear())
    names = [name for name, kind in ACTIVATIONS.items() if kind is type(below)]
    if not names or isinstance(below, (Linear, Softmax)):
        return None
    return number, f"{names[0]} before the {top}"


def narrowest(patient: Patient) -> Dense | None:
    """The hidden dense layer with the fewest units."""
    hidden = [layer for layer in patient.model.layers if isinstance(layer, Dense)][:-1]
    return min(hidden, key=lambda layer: layer.units, default=None)


def is_narrow(patient: Patient) -> bool:
    """Whether there are so few hidden units that a twin is worth its time.

    An autoencoder is narrow on purpose.
    """
    layer = narrowest(patient)
    if layer is None or is_autoencoder(patient):
        return False
    return 2 * layer.units <= max(2, patient.classes, patient.target[:1].size)


def is_autoencoder(patient: Patient) -> bool:
    """Whether y is x: what passes through the middle is little on purpose."""
    x, t = patient.x[:100], patient.target[:100]
    return x.size == t.size and bool(np.array_equal(x.reshape(len(x), -1), t.reshape(len(t), -1)))


def lacks_bias(patient: Patient) -> bool:
    """Whether no column and no layer can shift anything."""
    layers = [layer for layer in patient.model.layers if isinstance(layer, Dense)]
    without = [layer for layer in layers if not layer.use_bias and layer.trainable]
    normed = any(isinstance(layer, BatchNormalization) for layer in patient.model.layers)
    x = patient.x[patient.rows].reshape(len(patient.rows), -1)
    constant = bool(((x == x[:1]).all(axis=0) & (x[0] != 0)).any())
    return bool(without) and not normed and not constant


def has_hidden(patient: Patient) -> bool:
    """Whether there is anything between the input and the last dense layer."""
    return narrowest(patient) is not None


def remedies(patient: Patient) -> Iterator[tuple[str, Cure]]:
    """What may be missing, most certain first, each with its sentence of evidence."""
    bent = bent_scores(patient)
    if bent is not None:
        number, bend = bent
        yield (
            f"The scores go through {bend}, which takes any numbers, and never sees what is cut "
            "off or pressed together there.",
            Cure(
                "plain scores",
                "No activation at the scores: Dense(…) without one, then the last step.",
                cures.unbent(number),
            ),
        )
    numbers = linear_pairs(patient)
    if numbers:
        model = patient.model
        names = [model.layers[i].label for i in numbers]
        above = _next_dense(model.layers, numbers[0])
        yield (
            f"There is no non-linearity between {names[0]} and {above}: two linear layers in a row "
            "are one linear layer.",
            Cure(
                "relu between them",
                f'Give {", ".join(names)} an activation: Dense(…, activation="relu").',
                cures.nonlinear(numbers),
            ),
        )
    narrow = narrowest(patient)
    if narrow is not None and narrow.units < FEWEST_WIDE and not is_autoencoder(patient):
        units = max(FEWEST_WIDE, 4 * narrow.units)
        count = f"{narrow.units} unit{'s' if narrow.units > 1 else ''}"
        yield (
            f"The narrowest hidden layer, {narrow.label}, has {count}, and everything has to pass "
            "through there.",
            Cure(
                f"{units} units",
                f"A wider layer: {units} units in place of {narrow.units}.",
                cures.widened(units),
            ),
        )
    if lacks_bias(patient):
        yield (
            "The layers have no bias, so where x is 0 the output is fixed.",
            Cure("biases", "Dense(…, use_bias=True), the default.", cures.with_biases()),
        )
    if not has_hidden(patient) and any(isinstance(a, Dense) for a in patient.model.layers):
        yield (
            "There is no hidden layer, so the network is a linear model.",
            Cure(
                "a hidden layer",
                'Add a hidden layer: Dense(32, activation="relu").',
                cures.deepened(32),
            ),
        )


def _next_dense(layers: list[Layer], number: int) -> str:
    return next(a.label for a in layers[number + 1 :] if isinstance(a, Dense))


def too_little(patient: Patient) -> Iterator[Finding]:
    """`cannot-overfit`, where a twin with what is missing does clearly better on all rows."""
    faults = (bent_scores, linear_pairs, is_narrow, lacks_bias)
    suspect = any(fault(patient) for fault in faults)
    if not suspect or is_autoencoder(patient):
        return
    guess = baseline(patient)
    if not guess > 1e-9 or evaluate(patient.model, *_rows(patient)) < KNOWN * guess:
        return
    own = _best(patient, Treated(patient.model, *_rows(patient), {}))
    if own.loss < KNOWN * guess:
        return
    for evidence, cure in remedies(patient):
        treated = cure.treat(Treated(patient.model.copy(), *_rows(patient), {}))
        twin = _best(patient, treated)
        if twin.loss < CLEARLY_BETTER * own.loss:
            yield Finding(
                "cannot-overfit",
                f"{evidence} {own.steps} updates with Adam leave a loss of {own.loss:.3g}, and "
                f"{guess:.3g} is that of always saying the same; a twin {_with(cure)} comes to "
                f"{twin.loss:.3g}.",
                {"loss": own.loss, "loss of the twin": twin.loss, "loss of guessing": guess},
                cures=(cure, _with_adam(cure)),
                cure=_with_adam(cure),
                proof=Proof(cure.name, "the loss", own.loss, twin.loss, twin.steps),
                advice=cure.advice,
            )
            return


def _with(cure: Cure) -> str:
    return f"with {cure.name}"


def _with_adam(cure: Cure) -> Cure:
    """The cure as it was tried: by Adam, which is not to blame for what is left."""
    adam = cures.updated_by(lambda: Adam(RATES[0]))
    return Cure(cure.name, cure.advice, cures.both(cure.treat, adam), cure.rows)


def _rows(patient: Patient) -> tuple[Array, Array]:
    return patient.x[patient.rows], patient.target[patient.rows]


def _best(patient: Patient, treated: Treated) -> ShortTraining:
    """The better of trainings at two rates."""
    batch = min(patient.batch_size, 64, len(treated.x))
    steps = affordable(treated.model, batch, STEPS)
    trainings = [
        train_briefly(
            treated.model,
            treated.x,
            treated.y,
            steps=steps,
            batch_size=batch,
            seed=0,
            rate=rate,
            optimizer=Adam(rate),
        )
        for rate in RATES
    ]
    return min(trainings, key=lambda training: training.loss)
