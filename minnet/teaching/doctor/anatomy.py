"""Inside the network: what can learn, what the units do, how signals grow or shrink.

The bounds were set by `benchmarks/doctor.py`, which prints how far healthy and sick cases are from
each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import BatchNormalization, Dense, Dropout, ReLU, Sigmoid, Softmax, Tanh
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.cures import Cure
from minnet.teaching.doctor.figures import LOSS_PREDICTING
from minnet.teaching.doctor.findings import Finding
from minnet.teaching.doctor.patient import (
    Patient,
    Signal,
    baseline,
    evaluate,
    has_kernel,
    loss_of,
    norm,
    peak_rate,
    ratio,
)

WORSE_THAN_GUESSING = 2.5
"""Initial loss by that of guessing. Seen in healthy networks: 0.66 to 2 (softplus, K = 2)."""

DEEPLY_DEAD = 0.3
"""The share of a layer's units that are 0 for every row, and far from ever being more."""

SATURATED, SATURATED_AT_FIRST = 0.6, 0.2
"""The share of a layer's outputs within 1 % of an end of the curve: of a trained network, which may
be sure of itself, and before any training. Seen before training: healthy 0, sick 0.25 to 0.8.
"""

SQUEEZED = 0.2
"""What a softmax inside the network leaves of the differences between rows. Seen: 0.02 to 0.1."""

FLAT = 0.99
"""As far out as counts as an end, on the scale of tanh."""

SHRINKS, GROWS = 2e-3, 60.0
"""Size of a signal at one end of the network by that at the other, forward or backward."""

GROWS_PER_LAYER, SURE, ALONE = 2.0, 10.0, 3.0
"""Growth from one layer to the next that is still healthy; how much larger logits are by right
where the network was trained; growth of the whole by that of its most growing layer.
"""

LAGS, LAGS_EARLY = 0.5, 0.3
"""How far running statistics are from those of the rows, later and after the first updates: seen
0 to 0.2 after enough of them.
"""

STARTED, WORSE = 0.3, 2.0
"""The part of running statistics that is still what they began with; and where it is less, the
loss as the network predicts, by that with a batch's own statistics. Seen after three epochs: 1.7.
"""

EQUAL = 1e-4
"""Columns of a matrix differ by less than this part of its size: they are the same."""


def trainable(patient: Patient) -> Iterator[Finding]:
    """`nothing-trainable` and `untrained-base`."""
    layers = patient.model.layers
    learned = [layer for layer in layers if layer.parameters]
    if not any(layer.trainable for layer in learned):
        frozen = [layer.label for layer in learned]
        yield Finding(
            "nothing-trainable",
            f"Every layer with weights is frozen: {', '.join(frozen)}."
            if frozen
            else "No layer has weights.",
            {"layers with weights": len(frozen), "trainable": 0},
            "" if frozen else "Add a Dense layer.",
            _thawing(frozen),
        )
        return
    raw = [
        layer for layer in learned if not layer.trainable and has_kernel(layer) and layer.as_drawn
    ]
    if raw:
        names = ", ".join(layer.label for layer in raw)
        yield Finding(
            "untrained-base",
            f"Frozen, and still as drawn at random: {names}. What such a layer gives to the next "
            "one was never learned from any data.",
            {"frozen layers as drawn": len(raw)},
            cures=(
                Cure(
                    f"{names} trainable",
                    f'model.unfreeze("{raw[-1].label}") to train it, or load the base first: '
                    "model.load_weights(path), minnet.load(path) or minnet.load_pretrained(name).",
                    cures.unfrozen([layer.label for layer in raw]),
                ),
            ),
        )


def _thawing(frozen: Sequence[str]) -> tuple[Cure, ...]:
    if not frozen:
        return ()
    advice = f'model.unfreeze("{frozen[-1]}"), or model.unfreeze() for all.'
    return (Cure("all layers trainable", advice, cures.unfrozen("*")),)


def finite_weights(patient: Patient) -> Iterator[Finding]:
    """`exploding-gradient`, for weights that have left the finite numbers already."""
    arrays = patient.model.named_arrays()
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        yield Finding(
            "exploding-gradient",
            f"There are NaN or infinite numbers in {', '.join(broken[:5])}: whatever comes in, "
            "nothing comes out.",
            {"arrays": len(broken)},
            "Start over, model.reset(seed), at a learning rate ten times smaller.",
        )


def symmetric_weights(patient: Patient) -> Iterator[Finding]:
    """`symmetric-weights`: a hidden layer whose units all have the same weights."""
    for layer, above in itertools.pairwise(_denses(patient)):
        W = layer.W
        if W.shape[1] < 2:
            continue
        spread = norm(W - W.mean(axis=1, keepdims=True))
        if spread > EQUAL * norm(W):
            continue
        value = f"all {W.flat[0]:g}" if float(np.ptp(W)) == 0.0 else "the same in every unit"
        alike = norm(above.W - above.W.mean(axis=0)) <= EQUAL * norm(above.W)
        fate = (
            "get the same gradient and stay the same: one unit would do."
            if alike or float(np.ptp(W)) == 0.0 == W.flat[0]
            else f"and begin as one unit; only the weights of {above.label} tell them apart."
        )
        yield Finding(
            "symmetric-weights",
            f"The weights of {layer.label} are {value}. Its {W.shape[1]} units then give the same "
            f"output, {fate}",
            {"units": W.shape[1], "difference between units": ratio(spread, norm(W))},
            cures=_starts(patient, "Start from random weights: "),
        )
        return


def _starts(patient: Patient, words: str) -> tuple[Cure, ...]:
    """The starts that are not the patient's own."""
    own = {type(layer.kernel_initializer).__name__ for layer in _denses(patient) if layer.trainable}
    rectified = any(isinstance(step, ReLU) for step in patient.model.steps)
    names = ("he_normal", "glorot_uniform") if rectified else ("glorot_uniform", "he_normal")
    return tuple(
        Cure(name, f'{words}kernel_initializer="{name}", biases from 0.', cures.started(name))
        for name in names
        if own != {name.title().replace("_", "")} or not patient.untrained or _was_set(patient)
    )


def _was_set(patient: Patient) -> bool:
    """Whether weights are others than were drawn, without a training."""
    return any(layer.trainable and not layer.as_drawn for layer in _denses(patient))


def running_statistics(patient: Patient, signals: Sequence[Signal]) -> Iterator[Finding]:
    """`running-statistics`: those of a trained batch normalisation lag behind what it sees."""
    for signal in signals:
        layer = signal.step
        if not isinstance(layer, BatchNormalization) or not layer.trainable or layer.as_drawn:
            continue
        x = signal.x.astype(np.float64)
        mean, deviation = x.mean(axis=0), x.std(axis=0) + math.sqrt(layer.epsilon)
        off = np.abs(layer.moving_mean - mean) / deviation
        ratio_of = np.sqrt(layer.moving_variance + layer.epsilon) / deviation
        gap = float(np.median(np.maximum(off, np.abs(np.log(ratio_of)))))
        early = layer.momentum**patient.updates_made > STARTED
        if gap > LAGS or (early and gap > LAGS_EARLY):
            if not early and not _predicts_worse(patient):
                continue
            yield Finding(
                "running-statistics",
                f"{layer.label} was trained, and its running mean and variance are far from those "
                "of the rows: it predicts otherwise than it trains.",
                {"distance, in deviations of a column": gap},
                cures=(
                    Cure(
                        "momentum=0.9",
                        "BatchNormalization(momentum=0.9), or more updates: each moves them by "
                        f"1 − momentum, now {1 - layer.momentum:.2g}.",
                        cures.normalised_faster(0.9),
                    ),
                ),
                figures=(LOSS_PREDICTING,),
            )
            return


def _predicts_worse(patient: Patient) -> bool:
    """Whether the loss is far higher with running statistics than with the rows' own."""
    x, target = patient.x[patient.rows], patient.target[patient.rows]
    predicting = loss_of(patient.model, patient.model.forward(x), target)
    return predicting > WORSE * evaluate(patient.model, x, target)


def _denses(patient: Patient) -> list[Dense]:
    return [layer for layer in patient.model.layers if isinstance(layer, Dense)]


def saturated(patient: Patient, signals: Sequence[Signal]) -> Iterator[Finding]:
    """`saturated`: hidden sigmoids and tanhs at the ends of their curve."""
    worst: tuple[float, Signal] | None = None
    for signal in signals[:-1]:
        if isinstance(signal.step, (Sigmoid, Tanh)):
            y = signal.y if isinstance(signal.step, Tanh) else 2.0 * signal.y - 1.0
            share = float((np.abs(y) > FLAT).mean())
            if worst is None or share > worst[0]:
                worst = share, signal
    bound = SATURATED_AT_FIRST if patient.untrained else SATURATED
    if worst is not None and worst[0] > bound:
        share, signal = worst
        z = norm(signal.x) / math.sqrt(signal.x.size)
        target = 1.0 if isinstance(signal.step, Tanh) else 2.0
        yield Finding(
            "saturated",
            f"{100 * share:.0f} % of the outputs of {signal.step.label} are within 1 % of an end "
            f"of the curve, where its slope is nearly 0: what goes in has a size of {z:.3g}.",
            {"share at an end": share, "size of the inputs": z},
            cures=(
                *_starts(
                    patient, f"Smaller weights: divide them by {max(2.0, z / target):.2g}, or "
                ),
                _calmer(patient),
            ),
        )


def dead_relu(patient: Patient, signals: Sequence[Signal]) -> Iterator[Finding]:
    """`dead-relu`: units that give 0 for every row that was looked at."""
    for signal in signals:
        if not isinstance(signal.step, ReLU) or len(signal.x) < 2:
            continue
        z = signal.x.reshape(len(signal.x), -1).astype(np.float64)
        top, spread = z.max(axis=0), z.std(axis=0)
        dead = top <= 0.0
        share = float(dead.mean())
        if are_dead(top, spread):
            yield Finding(
                "dead-relu",
                f"{int(dead.sum())} of the {dead.size} ReLU units of {signal.step.label} are 0 for "
                f"all {len(z)} rows looked at. Their gradient is 0 too, so they never come back.",
                {"share of dead units": share, "mean input": float(z.mean())},
                cures=(
                    *_starts(patient, "Start over, model.reset(seed), with "),
                    Cure(
                        "leaky_relu",
                        'Start over with activation="leaky_relu", whose units can come back, '
                        "and biases from 0.",
                        cures.activated("leaky_relu", "he_normal"),
                    ),
                    _calmer(patient),
                ),
            )
            return


def _calmer(patient: Patient) -> Cure:
    """To start over at a tenth of the rate."""
    rate = peak_rate(patient.model) / 10.0
    return Cure(
        f"a rate of {rate:.2g}",
        f"Start over, model.reset(seed), at a learning rate of {rate:.2g}, ten times smaller.",
        cures.both(cures.started_over, cures.at_rate(rate)),
    )


def are_dead(top: Array, spread: Array) -> bool:
    """Whether a layer of ReLUs has too many units that are 0, by their largest inputs.

    Where all of x is positive half the units are 0 by right: a narrow layer may have more of them
    by chance (three standard deviations are allowed). Units far below 0 are counted apart.
    """
    dead = top <= 0.0
    deep = dead & (top < -spread)
    bound = min(0.9, 0.5 + 1.5 / math.sqrt(dead.size))
    return bool(dead.mean() > bound or deep.mean() > DEEPLY_DEAD)


def gradients(patient: Patient, signals: Sequence[Signal]) -> Iterator[Finding]:
    """`exploding-gradient` and `vanishing-gradient`, by activations and by ∂L/∂y.

    A ratio of weight gradients does not do: where every layer scales alike, activations shrink
    upward as ∂L/∂y shrinks downward, and the products are all the same.
    """
    kernels = [signal for signal in signals if signal.step.parameters and has_kernel(signal.step)]
    if len(kernels) < 2 or len(patient.rows) < 2:
        return
    first, last = kernels[0], kernels[-1]
    up = ratio(_spread(last.y), _spread(patient.x[patient.rows]))
    down = ratio(_size(first.dy), _size(last.dy))
    deepest = [ratio(_size(s.dy), _size(last.dy)) for s in kernels]
    layers = len(kernels) - 1
    numbers = {"activations, top by bottom": up, "gradient, bottom by top": down}
    squeezed = [s for s in signals[:-1] if isinstance(s.step, Softmax) and _left(s) < SQUEEZED]
    grown = max(up / (1.0 if patient.untrained else SURE), down)
    if grown > max(GROWS, GROWS_PER_LAYER**layers) and grown > ALONE * _largest_growth(kernels):
        way = "activations grow" if up >= down else "gradients grow on the way back"
        per_layer = max(up, down) ** (1.0 / (layers + (up >= down)))
        yield Finding(
            "exploding-gradient",
            f"Through {len(kernels)} layers of weights the {way} {max(up, down):.3g} times, about "
            f"{per_layer:.2g} times a layer.",
            numbers,
            cures=_starts(
                patient,
                f"Divide the weights by {per_layer:.2g} (model.theta = model.theta / "
                f"{per_layer:.2g}), or start from ",
            ),
        )
    elif squeezed:
        label, left = squeezed[0].step.label, _left(squeezed[0])
        yield Finding(
            "vanishing-gradient",
            f"{label} is a softmax inside the network: its outputs sum to 1 in each row, and only "
            f"{100 * left:.2g} % of the differences between rows come through it.",
            {**numbers, "left by the softmax": left},
            cures=(
                Cure(
                    "relu",
                    'Use "relu" or "tanh" there; softmax is for the last layer.',
                    cures.activated("relu", "he_normal"),
                ),
            ),
        )
    elif min(up, *deepest) < SHRINKS and not _solved(last):
        way = "activations differ" if up < min(deepest) else "gradient that comes down is"
        least = min(up, *deepest)
        yield Finding(
            "vanishing-gradient",
            f"Through {len(kernels)} layers of weights the {way} only {least:.1e} of what there is "
            "at the other end: the lower layers hardly learn.",
            numbers,
            cures=against_vanishing(patient),
        )


def against_vanishing(patient: Patient) -> tuple[Cure, ...]:
    """Another activation where the layers have one that squashes, and another start."""
    starts = _starts(patient, "Start from ")
    if not any(isinstance(step, cures.SQUASHING) for step in patient.model.steps[:-1]):
        return starts
    advice = 'Use activation="relu" in the hidden layers, with kernel_initializer="he_normal".'
    relu = cures.activated("relu", "he_normal")
    rate = peak_rate(patient.model) / 10.0
    slower = (
        f"{advice} Learn at a rate of {rate:.2g}, a tenth: through ReLUs more of it comes down."
    )
    return (
        Cure("relu", advice, relu),
        Cure(
            f"relu and a rate of {rate:.2g}",
            slower,
            cures.both(relu, cures.at_rate(rate)),
            simpler="relu",
        ),
        *starts,
    )


def attenuation(signals: Sequence[Signal]) -> float:
    """The gradient that arrives at the lowest layer of weights, by that at the highest."""
    kernels = [signal for signal in signals if signal.step.parameters and has_kernel(signal.step)]
    return ratio(_size(kernels[0].dy), _size(kernels[-1].dy)) if kernels else 1.0


def _left(signal: Signal) -> float:
    """How much of the differences between rows a step leaves."""
    return ratio(_spread(signal.y), _spread(signal.x))


def _largest_growth(kernels: Sequence[Signal]) -> float:
    """The largest growth from one layer of weights to the next, forward or backward.

    Where that is nearly all there is, one layer is to blame and nothing explodes.
    """
    return max(
        max(
            ratio(_spread(above.y), _spread(below.y)),
            ratio(_size(below.dy), _size(above.dy)),
        )
        for below, above in itertools.pairwise(kernels)
    )


def _solved(last: Signal) -> bool:
    """Whether ∂L/∂logits is nothing but rounding."""
    return _size(last.dy) < 1e-12


def _size(a: Array) -> float:
    return norm(a)


def _spread(a: Array) -> float:
    """How much rows differ: the root mean square over columns of their deviation."""
    rows = a.reshape(len(a), -1).astype(np.float64)
    return math.sqrt(float(np.square(rows.std(axis=0)).mean()))


def initial_loss(patient: Patient) -> Iterator[Finding]:
    """`initial-loss`: a cross-entropy far above ln K, that of a network that knows nothing."""
    if not patient.untrained or not isinstance(patient.loss, (CrossEntropy, BinaryCrossEntropy)):
        return
    K = 2 if isinstance(patient.loss, BinaryCrossEntropy) else patient.model.output_shape[-1]
    model, rows = patient.model, patient.rows
    x, target = patient.x[rows], patient.target[rows]
    loss = evaluate(model, x, target)
    guess = math.log(K)
    if math.isfinite(loss) and loss <= worst_start(x, max(guess, baseline(patient))):
        return
    advice = "Smaller weights in the last layer: start them from glorot_uniform, biases from 0."
    treatments = []
    denses = [i for i, layer in enumerate(model.layers) if isinstance(layer, Dense)]
    if denses:
        top = _denses(patient)[-1]
        advice = (
            f"Start {top.label} smaller: its weights have a size of "
            f"{norm(top.W) / math.sqrt(top.W.size):.3g}, glorot_uniform draws "
            f"{math.sqrt(2.0 / sum(top.W.shape)):.2g}; biases start from 0."
        )
        anew = cures.started("glorot_uniform", lowest=denses[-1])
        treatments.append(Cure(f"{top.label} from glorot_uniform", advice, anew))
    yield Finding(
        "initial-loss",
        f"The loss is {loss:.3g}, and a network that knows nothing and says so has ln {K} = "
        f"{guess:.3g}: it is sure of wrong answers.",
        {"loss": loss, f"ln {K}": guess},
        cures=(*treatments, *_starts(patient, "Smaller weights: ")),
    )


def worst_start(x: Array, guess: float) -> float:
    """The largest initial loss that is healthy; inputs larger than 1 make logits larger."""
    size = norm(x) / math.sqrt(max(1, x.size))
    return WORSE_THAN_GUESSING * guess * max(1.0, size / 1.5)


def drops_nearly_all(patient: Patient) -> str:
    """The label of a dropout that leaves less than a fifth, or nothing."""
    return next(
        (s.label for s in patient.model.steps if isinstance(s, Dropout) and s.rate > 0.8), ""
    )
