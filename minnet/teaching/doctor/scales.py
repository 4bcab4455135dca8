"""Sizes: of the inputs, of their columns, and of the targets beside what the output can reach.

The bounds were set by `benchmarks/doctor.py`, which prints how far healthy and sick cases are from
each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import (
    ELU,
    GELU,
    BatchNormalization,
    Layer,
    ReLU,
    Rescaling,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.losses import MeanAbsoluteError, MeanSquaredError
from minnet.metrics import Accuracy, BinaryAccuracy
from minnet.optimizers import SGD
from minnet.teaching.doctor import cures
from minnet.teaching.doctor.cures import Cure
from minnet.teaching.doctor.findings import Finding
from minnet.teaching.doctor.patient import Patient, baseline, peak_rate

LARGE_INPUT, SMALL_INPUT = 15.0, 0.02
"""Root mean square of x, outliers aside. Seen in healthy data: 0.1 to 8 (pixels from 0 to 16)."""

COLUMN_RATIO, SMALLEST_RATIO = 50.0, 500.0
"""Largest column by the lower quartile of columns, and by the smallest. Healthy: up to 20."""

OUTLIER = 30.0
"""An entry by the 95th percentile of its column, sizes taken from the median."""

LARGE_TARGET, SMALL_TARGET = 50.0, 5e-3
"""Root mean square of the targets of a squared or absolute error."""

OUT_OF_REACH = 0.02
"""The part of the targets' variance that the last activation leaves at best."""


def input_scales(patient: Patient) -> Iterator[Finding]:
    """`feature-scale` and `input-scale`; nothing where the first layer normalises.

    What counts is what reaches the first layer with weights: `Normalization` and `Rescaling` before
    it have done their work.
    """
    if first_normalises(patient.model.steps[0]):
        return
    x = _scaled_by_model(patient).reshape(len(patient.x), -1)
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    rows = patient.rows if len(patient.rows) > 3 else np.arange(len(x))
    sample = x[rows].astype(np.float64)
    middle = np.median(sample, axis=0)
    away = np.abs(sample - middle)
    usual = np.quantile(away, 0.95, axis=0, method="lower")
    farthest = np.maximum(high - middle, middle - low)
    typical = max(float(usual.max()), float(np.abs(middle).max()), 1e-30)
    outlying = (farthest > OUTLIER * np.maximum(usual, 1e-3 * typical)) & (
        farthest > OUTLIER * typical * (usual == 0) + OUTLIER * usual
    )
    lone = outlying & (len(x) >= 8)
    if lone.any():
        column = int(np.argmax(np.where(lone, farthest, 0.0)))
        row = int(np.argmax(np.abs(x[:, column].astype(np.float64) - middle[column])))
        value = float(x[row, column])
        yield Finding(
            "feature-scale",
            f"One number rules: row {row} has {value:.4g} in column {column}, where 95 % of the "
            f"rows are within {usual[column]:.3g} of {middle[column]:.3g}. Look at row {row}: "
            "is it a mistake?",
            {"outlier": value, "95 % within": float(usual[column])},
            cures=(_cut(row, column, middle[column], usual[column]),),
        )
        return
    size = np.maximum(np.abs(low), np.abs(high))
    varies = high > low
    sizes = np.sort(size[varies & (size > 0)])
    if len(sizes) > 1:
        quartile = sizes[int(0.25 * (len(sizes) - 1))]
        largest, smallest = sizes[-1], sizes[0]
        if largest > COLUMN_RATIO * quartile or largest > SMALLEST_RATIO * smallest:
            a, b = int(np.argmax(size)), int(np.argmin(np.where(varies, size, math.inf)))
            yield Finding(
                "feature-scale",
                f"Column {a} reaches {size[a]:.3g} and column {b} only {size[b]:.3g}: to the first "
                "layer the larger one is all there is, and one learning rate cannot suit both.",
                {"largest column": float(size[a]), "smallest column": float(size[b])},
                cures=(
                    Cure(
                        "x standardised",
                        "Bring all columns to mean 0 and deviation 1, by the training data's "
                        "numbers: x, x_val = minnet.datasets.standardize(x, x_val).",
                        cures.inputs_changed(cures.standardized),
                    ),
                ),
            )
            return
    rms = float(np.sqrt(np.mean(np.square(sample))))
    if rms > LARGE_INPUT or 0.0 < rms < SMALL_INPUT:
        yield Finding(
            "input-scale",
            f"x goes from {low.min():.4g} to {high.max():.4g}; networks start well where inputs "
            "have a size of about 1.",
            {"root mean square of x": rms},
            cures=_rescaled(float(low.min()), float(high.max()), peak_rate(patient.model)),
        )


def _scaled_by_model(patient: Patient) -> Array:
    """x behind those steps at the beginning of the model that only rescale."""
    x = patient.x
    for step in patient.model.steps:
        if not step.rescales or isinstance(step, BatchNormalization):
            break
        x = step.forward(x)
    return x


def _target_before_scaling(patient: Patient) -> Array:
    """What the network has to reach in front of a last `Rescaling`; y itself where there is none.

    The steps of SGD grow with the scale all the same, so under SGD y counts as it is.
    """
    target = patient.target.astype(np.float64)
    if isinstance(patient.model.optimizer, SGD):
        return target
    for step in reversed(patient.model.steps):
        if not isinstance(step, Rescaling) or step.scale == 0:
            break
        target = (target - step.offset) / step.scale
    return target


def _cut(row: int, column: int, middle: float, usual: float) -> Cure:
    low, high = middle - 3 * usual, middle + 3 * usual
    return Cure(
        f"column {column} cut off",
        f"Drop row {row}, or cut the column off: np.clip(x[:, {column}], {low:.3g}, {high:.3g}).",
        cures.inputs_changed(cures.clipped(column, low, high)),
        np.array([row]),
    )


def first_normalises(step: Layer) -> bool:
    """Whether the first step brings any inputs to mean 0 and deviation 1."""
    return isinstance(step, BatchNormalization)


def _rescaled(low: float, high: float, rate: float) -> tuple[Cure, ...]:
    standard = Cure(
        "x standardised",
        "Use minnet.datasets.standardize(x, x_val): mean 0 and deviation 1.",
        cures.inputs_changed(cures.standardized),
    )
    if low < 0.0 or high == 0.0:
        return standard, _faster(standard, rate)
    advice = f"Scale it: x / {high:.4g}, or minnet.datasets.standardize(x, x_val)."
    if 200.0 < high <= 255.0:
        high, advice = 255.0, "Divide pixels by their largest value: x / 255 (and x_val / 255)."
    divided = cures.inputs_changed(cures.divided(high))
    by_largest = Cure(f"x / {high:.4g}", advice, divided)
    return by_largest, standard, _faster(by_largest, rate)


def _faster(cure: Cure, rate: float) -> Cure:
    """The same at ten times the rate, which inputs of a size of 1 bear and large ones do not."""
    return Cure(
        f"{cure.name} and a rate of {10 * rate:.2g}",
        f"{cure.advice} Inputs of that size bear a larger learning rate: {10 * rate:.2g}.",
        cures.both(cure.treat, cures.at_rate(10 * rate)),
    )


def target_scale(patient: Patient) -> Iterator[Finding]:
    """`target-scale`, for squared and absolute errors."""
    if not isinstance(patient.loss, (MeanSquaredError, MeanAbsoluteError)):
        return
    t = _target_before_scaling(patient)
    rms = float(np.sqrt(np.mean(np.square(t))))
    if not (rms > LARGE_TARGET or 0.0 < rms < SMALL_TARGET):
        return
    mean, deviation = float(t.mean()), float(t.std()) or rms
    effect = (
        "the loss and its gradient are as huge, and one step throws the weights far off"
        if rms > 1.0
        else "the loss is near 0 before anything is learned, and so is its gradient"
    )
    yield Finding(
        "target-scale",
        f"The targets have a size of {rms:.3g}: {effect}.",
        {"root mean square of y": rms, "loss of the mean": baseline(patient)},
        cures=(
            Cure(
                "y standardised",
                f"Train on (y - {mean:.4g}) / {deviation:.4g}, and turn predictions back: "
                f"{deviation:.4g} * p + {mean:.4g}.",
                cures.targets_scaled(mean, deviation),
            ),
        ),
    )


def constant_target(patient: Patient) -> Iterator[Finding]:
    """`constant-target`: there is nothing to learn but one number."""
    t = patient.target
    if patient.labels is not None or len(t) < 2 or not (t == t[0]).all():
        return
    yield Finding(
        "constant-target",
        f"All {len(t):,} targets are {t.reshape(-1)[0]:g}: a bias alone gives that, and x is of no "
        "use.",
        {"different targets": 1.0},
        "Look at how y was made: print y.min(), y.max() and a few rows of x beside it.",
    )


def wrong_metric(patient: Patient) -> Iterator[Finding]:
    """`wrong-metric`: an accuracy of numbers between 0 and 1, which are no classes."""
    names = [m.name for m in patient.model.metrics if isinstance(m, (Accuracy, BinaryAccuracy))]
    if not names or patient.labels is not None:
        return
    if not isinstance(patient.loss, (MeanSquaredError, MeanAbsoluteError)):
        return
    t = patient.target
    if t.shape[1:] != (1,) or np.isin(t, (0, 1)).all():
        return
    between = float(((t > 0) & (t < 1)).mean())
    yield Finding(
        "wrong-metric",
        f"{names[0]} asks on which side of 0.5 a prediction is, and y has numbers such as "
        f"{', '.join(f'{value:.3g}' for value in t[:3, 0])}: this is a regression, and the figure "
        "says nothing of it.",
        {"share of y between 0 and 1": between},
        'compile(…, metrics=["mae"]), or "r2_score", where 1 is perfect and 0 is guessing.',
    )


def output_range(patient: Patient) -> Iterator[Finding]:
    """`output-range`: targets that the last activation cannot give."""
    if not isinstance(patient.loss, (MeanSquaredError, MeanAbsoluteError)):
        return
    last = patient.model.steps[-1]
    reach = reachable(last)
    if reach is None:
        return
    t = patient.target.astype(np.float64)
    missed = t - np.clip(t, *reach)
    if isinstance(last, Softmax):  # each row sums to 1
        missed = np.maximum(np.abs(missed), np.abs(t.sum(axis=1, keepdims=True) - 1.0) / t.shape[1])
    spread = float(t.var(axis=0).mean())
    left = float(np.square(missed).mean())
    share = float((np.abs(missed) > 1e-6).mean())
    if not (left > OUT_OF_REACH * spread and share > 0.0 and left > 1e-12):
        return
    low, high = reach
    kind = type(last).__name__.lower()
    sums = " and sum to 1 in each row" if isinstance(last, Softmax) else ""
    yield Finding(
        "output-range",
        f"The last activation is {kind}, whose outputs are {_interval(low, high)}{sums}; y goes "
        f"from {t.min():.4g} to {t.max():.4g}, and {100 * share:.0f} % of it cannot be reached.",
        {"share out of reach": share, "smallest loss possible": left},
        cures=(
            Cure(
                "a linear end",
                "End with activation='linear' for targets of any size"
                + (
                    f", or scale y to {low:g}…{high:g}."
                    if math.isfinite(low) and math.isfinite(high)
                    else "."
                ),
                cures.ended(None),
            ),
            *_ended_and_scaled(t),
        ),
    )


def _ended_and_scaled(t: Array) -> tuple[Cure, ...]:
    """The same with targets of a usual size, where they are large."""
    mean, deviation = float(t.mean()), float(t.std())
    if not deviation or float(np.abs(t).max()) < LARGE_TARGET:
        return ()
    scaled = cures.targets_scaled(mean, deviation)
    return (
        Cure(
            "a linear end and y standardised",
            "End with activation='linear', and train on "
            f"(y - {mean:.4g}) / {deviation:.4g}; turn predictions back.",
            cures.both(cures.ended(None), scaled),
        ),
    )


def reachable(step: Layer) -> tuple[float, float] | None:
    """The interval of a step's outputs, or None where it has no bounds."""
    if isinstance(step, (Sigmoid, Softmax)):
        return 0.0, 1.0
    if isinstance(step, Tanh):
        return -1.0, 1.0
    if isinstance(step, (ReLU, Softplus)):
        return 0.0, math.inf
    if isinstance(step, ELU):
        return -step.alpha, math.inf
    if isinstance(step, GELU):
        return -0.17, math.inf
    return None


def _interval(low: float, high: float) -> str:
    return f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"


def yes_or_no_as_signs(y: Array) -> Iterator[Finding]:
    """`output-range`, for labels −1 and +1 where a binary cross-entropy wants 0 and 1."""
    if y.size and np.isin(y, (-1, 1)).all() and (y < 0).any():
        yield Finding(
            "output-range",
            "The labels are −1 and +1, and the binary cross-entropy of a sigmoid wants 0 and 1.",
            {"share of −1": float((y < 0).mean())},
            "Use (y + 1) / 2.",
            cure=Cure(
                "y from 0 to 1",
                "Use (y + 1) / 2.",
                lambda treated: treated._replace(y=(np.asarray(treated.y) + 1) / 2),
            ),
        )
