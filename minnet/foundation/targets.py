"""Targets, and what comes with them: which of them losses and metrics take, and how that is said.

`owner` is the loss or the metric in a message, and `who` the array, as its user calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, Shape, as_array, batch_shape, finite, in_full, warn

# --- shapes ---------------------------------------------------------------------------------------


def aligned(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method `formula(prediction, target)`, called with its target aligned.

    `(N,)` and `(N, 1)` mean the same, and are never broadcast to `(N, N)`. Any other difference
    of the two shapes is refused where the object says `one_shape`.
    """

    @functools.wraps(formula)
    def call(self: Any, prediction: Array, target: Array, *weight: Array) -> Any:
        if not _alike(prediction, target):
            target = _align(self, prediction, target)
        return formula(self, prediction, target, *weight)

    return call


def aligned_after_activation(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method `formula(z, y, target)`, called with its target aligned as by `aligned`."""

    @functools.wraps(formula)
    def call(self: Any, z: Array, y: Array, target: Array) -> Any:
        if not _alike(z, target):
            target = _align(self, z, target)
        return formula(self, z, y, target)

    return call


def align_formulas(kind: type, doors: Mapping[str, Callable[..., Any]]) -> None:
    """Put the door of each formula, by name, before those formulas that a class has anew."""
    for name in vars(kind).keys() & doors:
        setattr(kind, name, doors[name](vars(kind)[name]))


def _alike(prediction: Any, target: Any) -> bool:
    try:
        return bool(prediction.shape == target.shape)
    except AttributeError:  # a list
        return False


def _align(owner: Any, prediction: Array, target: Array) -> Array:
    shape, wanted = np.shape(target), np.shape(prediction)
    if shape == wanted:
        return target
    if (*shape, 1) == wanted or shape == (*wanted, 1):
        return np.reshape(target, wanted)
    if owner.one_shape:
        name = getattr(owner, "name", type(owner).__name__)
        raise ValueError(
            f"{name} takes predictions and targets of one shape. Got {wanted} and {shape}. "
            f"Call the object itself, {name}(prediction, target), to have both checked."
        )
    return target


def in_shape(target: Array, output_shape: Shape, owner: str, who: str, hint: str = "") -> Array:
    """Return the target in the shape of predictions, (N, *output_shape)."""
    if target.ndim >= 1 and target.shape[1:] == output_shape:
        return target
    if target.ndim == 1 and output_shape == (1,):
        return target.reshape(-1, 1)
    raise ValueError(
        f"{owner} takes {who} of shape {batch_shape(output_shape)}, as the predictions. "
        f"Got {target.shape}.{hint}"
    )


def check_pairs(prediction: Array, target: Array, owner: str) -> None:
    """Raise unless there is one target for each prediction, and at least one."""
    if min(prediction.ndim, target.ndim) == 0 or not len(prediction) == len(target) > 0:
        raise ValueError(
            f"{owner} takes one target for each prediction, and at least one. Got predictions "
            f"{prediction.shape} and targets {target.shape}."
        )


ORDER = ("(prediction, target)", "target", "prediction")
"""How messages name both arguments of a loss or metric in their order, the target, and the
prediction."""


def check_order(
    prediction: Array,
    target: Array,
    owner: str,
    names: tuple[str, str, str] = ORDER,
    *,
    logits: bool = False,
) -> None:
    """Raise where labels came as the prediction, and what a model gave as the target.

    Keras takes (y_true, y_pred), so both orders are written, and with cross-entropies and
    thresholds the wrong one gives a number, too. Labels are plain where they are whole and the
    others are not, and either one of them has a row for each label, or they are all 0 and 1, or
    −1 and 1.

    Parameters
    ----------
    names
        How the message names the arguments in their order, the target, and the prediction.
    logits
        Whether predictions may be any numbers, so that 0.0 and 1.0 are nothing special.
    """
    if not (prediction.ndim and target.ndim and len(prediction) == len(target) > 0):
        return
    if not _are_whole(prediction) or _are_whole(target):
        return
    column = prediction.ndim == 1 or prediction.shape[1:] == (1,)
    labels = column and target.ndim == 2 and target.shape[1] > 1
    low, high = prediction.min(), prediction.max()
    if not labels and prediction.size == target.size and -1 <= low <= high <= 1:
        both = bool(low < high == 1)
        any_number = logits and bool(((target >= 0) & (target <= 1)).all())
        labels = prediction.dtype.kind in "iub" or (both and not any_number)
    if labels:
        order, name_of_target, name_of_prediction = names
        raise ValueError(
            f"{owner} takes {order}. Got labels {prediction.shape} as {name_of_prediction}, and "
            f"outputs {target.shape} as {name_of_target}. Exchange them, or give them by name: "
            f"{name_of_target}=…, {name_of_prediction}=…"
        )


def _are_whole(numbers: Array) -> bool:
    """Whether all numbers are whole, as labels are."""
    return numbers.dtype.kind in "iub" or bool((numbers == np.floor(numbers)).all())


# --- classes --------------------------------------------------------------------------------------


def labels_or_rows(
    target: Array, output_shape: Shape, owner: str, who: str, hint: str = ""
) -> Array:
    """Return the classes of N samples, as whole labels (N,) or, if they came so, rows (N, K)."""
    if len(output_shape) != 1 or output_shape[0] < 2:
        raise ValueError(
            f"{owner} takes predictions of shape (N, K) for K = 2 or more classes. Got "
            f"{batch_shape(output_shape)}.{hint}"
        )
    K = output_shape[0]
    if target.ndim == 2 and target.shape[1] == K:
        return target
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim != 1:
        raise ValueError(
            f"{owner} takes {who} as labels of shape (N,) or rows of shape (N, {K}). "
            f"Got {target.shape}."
        )
    return check_labels(target, K, who)


def check_labels(labels: Array, K: int, who: str = "y") -> Array:
    """Return labels (N,) as integers from 0 to K − 1."""
    if labels.dtype.kind == "f":
        finite(labels, who)
        broken = labels != np.floor(labels)
        if broken.any():
            row = int(np.argmax(broken))
            raise ValueError(
                f"{who} takes whole labels 0 to {K - 1}. Got {labels[row]} in row {row}. For "
                "numbers rather than classes use loss='mse'."
            )
    bad = (labels < 0) | (labels >= K)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{who} takes labels 0 to {K - 1}, since the model has {K} classes. Got "
            f"{int(labels[row])} in row {row}. {_other_labels(labels, K, who)}"
        )
    return labels.astype(np.intp)


def _other_labels(labels: Array, K: int, who: str) -> str:
    """What to do with labels that are not 0 to K − 1."""
    if K == 2 and np.isin(labels, (-1, 1)).all():
        return f"Make −1 and 1 to 0 and 1: ({who} + 1) // 2."
    if labels.min() == 1 and labels.max() == K:
        return f"Labels start at 0: use {who} - 1."
    if 0 <= labels.min() <= labels.max() < 1e6:
        return (
            f"For a model of {int(labels.max()) + 1} classes replace the head, or map the labels "
            f"to 0…{K - 1}."
        )
    return "Drop or relabel such rows."


def labels_of(target: Array) -> Array:
    """Return labels (N,) of what `labels_or_rows` takes: of rows, the largest entry's."""
    if target.ndim == 1:
        return target
    return target[:, 0] if target.shape[1] == 1 else target.argmax(axis=1)


def predicted_labels(prediction: Array) -> Array:
    """Return the label (N,) that predictions (N, K) or (N, 1) mean: the largest, or yes above ½."""
    if prediction.ndim == 2 and prediction.shape[1] > 1:
        largest: Array = prediction.argmax(axis=1)
        return largest
    labels: Array = (prediction.reshape(len(prediction)) > 0.5).astype(np.intp)
    return labels


def probabilities_of_both(prediction: Array) -> Array:
    """Return probabilities (N, 2) of no and yes, for (N, 1) of yes; (N, K) as they are."""
    if prediction.ndim == 2 and prediction.shape[1] > 1:
        return prediction
    yes = prediction.reshape(len(prediction), 1)
    return np.concatenate([1 - yes, yes], axis=1)


def check_distributions(rows: Array, owner: str, who: str) -> None:
    """Raise unless rows (N, K) are 0 or more and sum to 1."""
    finite(rows, who)
    sums = rows.sum(axis=1)
    bad = (np.abs(sums - 1.0) > 1e-3) | (rows < 0).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{owner} takes rows of {who} that are 0 or more and sum to 1. Row {row} has the "
            f"sum {sums[row]:g} and the smallest entry {rows[row].min():g}. For several yes-or-no "
            "answers a row use sigmoid and binary_crossentropy."
        )


def check_one_class_a_row(rows: Array, owner: str, who: str, *, shares: bool = True) -> None:
    """Raise where several entries of a row (N, K) are the largest.

    Parameters
    ----------
    shares
        Whether a distribution may share 1 evenly; its first class then counts.
    """
    largest = rows == rows.max(axis=1, keepdims=True)
    several = largest.sum(axis=1) > 1
    if shares:
        several &= np.abs(rows.sum(axis=1) - 1.0) > 1e-3
    if several.any():
        row = int(np.argmax(several))
        raise ValueError(
            f"{owner} takes rows of {who} that name one class. Got {int(largest[row].sum())} "
            f'equal entries in row {row}. For several yes-or-no answers use "binary_accuracy".'
        )


# --- numbers from 0 to 1 --------------------------------------------------------------------------


def check_from_0_to_1(target: Array, wanted: str, hint: str) -> None:
    """Raise where a number is below 0 or above 1; `wanted` is the message's first sentence."""
    bad = (target < 0) | (target > 1)
    if bad.any():
        row = int(np.nonzero(bad)[0][0])
        if np.isin(target, (-1, 1)).all():
            hint = "Make −1 and 1 to 0 and 1: (y + 1) / 2."
        raise ValueError(f"{wanted}. Got {in_full(target[bad][0])} in row {row}. {hint}")


def check_probabilities(prediction: Array, owner: str, *, rows: bool) -> None:
    """Raise where predictions are no probabilities, or their rows no distributions."""
    if prediction.size and (prediction.min() < 0 or prediction.max() > 1):
        raise ValueError(
            f"{owner} takes probabilities from 0 to 1. Got {in_full(prediction.min())} to "
            f"{in_full(prediction.max())}. For logits use {owner}(from_logits=True)."
        )
    if rows and prediction.ndim == 2 and prediction.size:
        sums = prediction.sum(axis=1)
        row = int(np.argmax(np.abs(sums - 1.0)))
        if abs(sums[row] - 1.0) > 1e-3:
            raise ValueError(
                f"{owner} takes rows of probabilities that sum to 1. Row {row} has the sum "
                f"{sums[row]:g}. For logits use {owner}(from_logits=True)."
            )


def warn_of_probabilities(prediction: Array, owner: str) -> None:
    """Warn of rows that sum to 1 where logits are taken."""
    if (
        prediction.ndim == 2
        and prediction.size
        and prediction.min() >= 0.0
        and np.allclose(prediction.sum(axis=1), 1.0, atol=1e-6)
    ):
        warn(
            f"{owner}(from_logits=True) takes logits, and every row of the prediction sums to "
            f"1, as probabilities do. For probabilities use {owner}()."
        )


# --- weights --------------------------------------------------------------------------------------


def check_weight(sample_weight: Any, N: int, who: str = "sample_weight") -> Array:
    """Return the weights of N samples as (N,), finite and not negative."""
    weight = as_array(sample_weight, who)
    if weight.shape == (N, 1):
        weight = weight[:, 0]
    if weight.shape != (N,):
        raise ValueError(
            f"{who} takes one number for each sample, shape ({N},). Got {weight.shape}."
        )
    finite(weight, who)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(f"{who} takes numbers that are 0 or more. Got {weight[row]} in row {row}.")
    return weight
