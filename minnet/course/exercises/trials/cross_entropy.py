"""Cross-entropy: the right entry of each row, one mean, and logits that are far apart."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.cross_entropy import cross_entropy, cross_entropy_gradient
from minnet.course.exercises.trials.drawing import (
    Draw,
    arrays,
    central_difference,
    classes,
    seeds,
    sizes,
    whole,
)
from minnet.foundation.checks import Array


@st.composite
def logits(draw: Draw, elements: st.SearchStrategy[int]) -> Given:
    """Logits (N, K), drawn one by one, and labels (N,)."""
    N, K = draw(sizes), draw(classes)
    z = draw(arrays((N, K), elements))
    labels = draw(st.lists(st.integers(0, K - 1), min_size=N, max_size=N))
    return {"logits": z, "labels": np.array(labels[::-1])}


@st.composite
def from_a_seed(draw: Draw) -> Given:
    """Logits (N, K) without zeros, and labels (N,)."""
    N, K = draw(sizes), draw(classes)
    (z,) = whole(draw(seeds), (N, K))
    labels = draw(st.lists(st.integers(0, K - 1), min_size=N, max_size=N))
    return {"logits": z, "labels": np.array(labels)}


small = logits(st.integers(-3, 3))
large = logits(st.sampled_from([0, 1000, -1000]))


def measured(logits: Array, labels: Array) -> Array:
    """∂L/∂logits, from L a little to the left and to the right."""
    return central_difference(lambda z: cross_entropy(z, labels), logits)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def _losses(logits: Array, labels: Array) -> Array:
    """The loss of each sample (N,)."""
    return -np.log(_softmax(logits))[np.arange(len(logits)), labels]


def _log_sum(z: Array) -> Array:
    m = z.max(axis=1, keepdims=True)
    result: Array = m + np.log(np.exp(z - m).sum(axis=1, keepdims=True))
    return result


def _one_hot(labels: Array, K: int) -> Array:
    return np.eye(K)[labels]


def _naive(p: Array, labels: Array) -> Any:
    """−log p at the right places, of a p that has rounded to 0 there."""
    return -np.log(p[np.arange(len(p)), labels]).mean()


def _floored(logits: Array, labels: Array, floor: float, *, add: bool) -> Any:
    p = _softmax(logits)
    return _naive(p + floor if add else np.maximum(p, floor), labels)


def _in_all_rows(logits: Array, labels: Array) -> Array:
    p = _softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


_LOG_OF_0 = (
    "A probability that rounds to 0 has the logarithm −inf. Do not go by way of the softmax: its "
    "logarithm is logits − m − log Σ exp(logits − m), which stays finite."
)
_OVERFLOW = (
    "exp(1000) is too large for a float. Subtract the row's maximum before exp, and add it again "
    "after the logarithm: m + log Σ exp(logits − m)."
)
_FLOORED = (
    "A small number is added to the probability, or the probability is cut off at one: then the "
    "loss of a very wrong answer is too small. It needs no such help: logits − m − "
    "log Σ exp(logits − m) stays finite."
)

GAPS = (
    Gap(
        cross_entropy,
        ("L",),
        "L = 1/N Σ_n (m[n] + log Σ_k exp(logits[n, k] − m[n]) − logits[n, labels[n]])",
        (Trial(small, expecting(cross_entropy, "L")), Trial(large, expecting(cross_entropy, "L"))),
        (
            KnownMistake(
                "The loss is N times too large. It is a mean: is the sum divided by N? And does an "
                "array (N, 1) meet one (N,), of which NumPy makes (N, N)?",
                lambda logits, labels: _losses(logits, labels).sum(),
            ),
            KnownMistake(
                "The sum is divided by N · K, the size of the array. The mean goes over the N "
                "samples: divide by len(labels).",
                lambda logits, labels: _losses(logits, labels).sum() / logits.size,
            ),
            KnownMistake(
                "This is one loss for each sample. Take the mean over the batch.", _losses
            ),
            KnownMistake(
                "The sign is wrong: a logarithm of a probability is negative, and the loss is "
                "minus that.",
                lambda logits, labels: -_losses(logits, labels).mean(),
            ),
            KnownMistake(
                "logits[:, labels] takes N columns from every row: (N, N) numbers. One "
                "number from each row is logits[np.arange(N), labels].",
                lambda logits, labels: (_log_sum(logits) - logits[:, labels]).mean(),
            ),
            KnownMistake(
                "The logits are multiplied by the labels, but a label is only the number of "
                "a class. Take the logit of the right class: logits[np.arange(N), labels].",
                lambda logits, labels: (
                    -(labels[:, None] * np.log(_softmax(logits))).sum(axis=1).mean()
                ),
            ),
            KnownMistake(
                "The largest logit of the row is taken, whatever the label is: take "
                "logits[np.arange(N), labels].",
                lambda logits, labels: (_log_sum(logits)[:, 0] - logits.max(axis=1)).mean(),
            ),
            KnownMistake(
                "The softmax is missing: logits are no probabilities, and may be negative.",
                lambda logits, labels: _naive(logits, labels),
            ),
            KnownMistake(
                "The log Σ exp is missing: this is minus the right logit alone.",
                lambda logits, labels: -logits[np.arange(len(labels)), labels].mean(),
            ),
            KnownMistake(
                "The sum goes over the whole batch. Each row has its own log Σ exp: sum(axis=1).",
                lambda logits, labels: (
                    np.log(np.exp(logits).sum()) - logits[np.arange(len(labels)), labels].mean()
                ),
            ),
            KnownMistake(
                "The logarithm has another base: the loss is in nats, np.log.",
                lambda logits, labels: _losses(logits, labels).mean() / np.log(2),
            ),
            KnownMistake(
                "The maximum is subtracted before exp, but not added back after the logarithm.",
                lambda logits, labels: _losses(logits, labels).mean() - logits.max(axis=1).mean(),
            ),
            KnownMistake(_LOG_OF_0, lambda logits, labels: _naive(_softmax(logits), labels)),
            *(
                KnownMistake(_FLOORED, functools.partial(_floored, floor=floor, add=add))
                for floor in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
                for add in (True, False)
            ),
            KnownMistake(
                _OVERFLOW,
                lambda logits, labels: _naive(
                    np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels
                ),
            ),
            KnownMistake(
                _OVERFLOW,
                lambda logits, labels: (
                    np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]
                ).mean(),
            ),
            KnownMistake(
                "0 · log 0 is nan, at classes that are not even the right ones. Pick the right "
                "entry of each row: logits[np.arange(N), labels].",
                lambda logits, labels: (
                    -(_one_hot(labels, logits.shape[1]) * np.log(_softmax(logits))).sum()
                    / len(labels)
                ),
            ),
            KnownMistake(
                "The maximum is that of the whole batch, so a row far below it has exp = 0 "
                "everywhere. Subtract the row's own.",
                lambda logits, labels: (
                    logits.max()
                    + np.log(np.exp(logits - logits.max()).sum(axis=1))
                    - logits[np.arange(len(labels)), labels]
                ).mean(),
            ),
        ),
    ),
    Gap(
        cross_entropy_gradient,
        ("d_logits",),
        "d_logits = (softmax(logits) − one_hot(labels)) / N",
        (
            Trial(from_a_seed(), expecting(measured, "d_logits")),
            Trial(large, expecting(cross_entropy_gradient, "d_logits")),
        ),
        (
            KnownMistake(
                "The division by N is missing: the loss is a mean over N samples.",
                lambda logits, labels: _softmax(logits) - _one_hot(labels, logits.shape[1]),
            ),
            KnownMistake(
                "The division is by N · K, the size of the array. The loss is a mean over the N "
                "samples: divide by len(labels).",
                lambda logits, labels: (
                    (_softmax(logits) - _one_hot(labels, logits.shape[1])) / logits.size
                ),
            ),
            KnownMistake(
                "The division is by K, the number of classes. The loss is a mean over the N "
                "samples: divide by len(labels).",
                lambda logits, labels: (
                    (_softmax(logits) - _one_hot(labels, logits.shape[1])) / logits.shape[1]
                ),
            ),
            KnownMistake(
                "The sign is wrong: softmax minus one_hot, so that descent makes the right logit "
                "larger.",
                lambda logits, labels: (
                    (_one_hot(labels, logits.shape[1]) - _softmax(logits)) / len(labels)
                ),
            ),
            KnownMistake(
                "The labels themselves are subtracted, the numbers of the classes. Make one-hot "
                "rows of them: a 1 at the right class, 0 elsewhere.",
                lambda logits, labels: (_softmax(logits) - labels[:, None]) / len(labels),
            ),
            KnownMistake(
                "The labels themselves are subtracted, the numbers of the classes, and (N,) "
                "against (N, K) goes along the wrong axis. Make one-hot rows of them.",
                lambda logits, labels: (_softmax(logits) - labels) / len(labels),
            ),
            KnownMistake(
                "p[:, labels] −= 1 subtracts in all rows. One entry of each row is "
                "p[np.arange(N), labels].",
                _in_all_rows,
            ),
            KnownMistake(
                "The softmax is missing: subtract one_hot from softmax(logits).",
                lambda logits, labels: (logits - _one_hot(labels, logits.shape[1])) / len(labels),
            ),
            KnownMistake(
                "one_hot is missing: this is the softmax alone.",
                lambda logits, labels: _softmax(logits) / len(labels),
            ),
            KnownMistake(
                "The derivative of the softmax is applied twice. It is in p − one_hot "
                "already, where p (1 − p) has cancelled.",
                lambda logits, labels: (
                    _softmax(logits)
                    * (1 - _softmax(logits))
                    * (_softmax(logits) - _one_hot(labels, logits.shape[1]))
                    / len(labels)
                ),
            ),
            KnownMistake(
                "This is −one_hot / p, the gradient with respect to the probabilities. With "
                "respect to the logits it is (p − one_hot) / N.",
                lambda logits, labels: (
                    -_one_hot(labels, logits.shape[1]) / _softmax(logits) / len(labels)
                ),
            ),
            KnownMistake(
                "The sum of the softmax goes over the whole batch. Each row has its own: "
                "sum(axis=1, keepdims=True).",
                lambda logits, labels: (
                    (np.exp(logits) / np.exp(logits).sum() - _one_hot(labels, logits.shape[1]))
                    / len(labels)
                ),
            ),
            KnownMistake(
                "exp(1000) is too large for a float, and inf / inf is nan. Subtract the row's "
                "maximum before exp; it cancels.",
                lambda logits, labels: (
                    (
                        np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
                        - _one_hot(labels, logits.shape[1])
                    )
                    / len(labels)
                ),
            ),
            KnownMistake(
                "The maximum is that of the whole batch, and a row far below it becomes 0 / 0. "
                "Subtract the row's own.",
                lambda logits, labels: (
                    (
                        np.exp(logits - logits.max())
                        / np.exp(logits - logits.max()).sum(axis=1, keepdims=True)
                        - _one_hot(labels, logits.shape[1])
                    )
                    / len(labels)
                ),
            ),
        ),
    ),
)
