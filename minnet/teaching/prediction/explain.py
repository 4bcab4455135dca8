"""`explain_prediction`: one prediction of a classifier, taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array, as_array, integer, same_length, samples, short
from minnet.foundation.strict import named
from minnet.foundation.targets import check_labels
from minnet.layers import Sigmoid
from minnet.models import Sequential
from minnet.teaching.prediction.local import LocalClassifier, take_apart
from minnet.teaching.prediction.report import ExplainedPrediction, Neighbour
from minnet.teaching.prediction.turning import smallest_change

LINES = 2
"""Rows with another answer, nearest first, to which the lines are searched for a boundary."""


@named
def explain_prediction(
    model: Sequential, x: Any, x_train: Any = None, y_train: Any = None, *, neighbours: int = 3
) -> ExplainedPrediction:
    """Why a classifier gave its answer to one sample, in three views that all have their limits.

    What each input contributed to the score of the answer against the class that came second, by
    the local linear map; the nearest training rows, if rows are given; and the smallest change of
    the input that turns the answer. The model stays as it is.

    Parameters
    ----------
    model
        A model that is built and chooses among classes: it ends in K ≥ 2 scores or probabilities,
        or in one sigmoid.
    x : array of the shape of one sample, or (1, …)
        The sample.
    x_train : (N, …) array or None
        The rows that the model was trained on.
    y_train : (N,) or (N, K) array or None
        Their labels, or one-hot rows.
    neighbours
        How many of the nearest rows to show.

    Returns
    -------
    ExplainedPrediction
        `print` it, let a notebook show it, or look at `.contributions`, `.near`, `.change`, …

    Raises
    ------
    TypeError, ValueError
        It is no such model, or the arrays do not fit it.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import minnet, numpy as np
    >>> from minnet.layers import Dense
    >>> model = minnet.Sequential([Dense(2, activation="softmax", input_dim=2)], seed=0)
    >>> model.set_weights([[[1.0, 0.0], [0.0, 2.0]], [0.5, 0.0]])
    >>> why = explain_prediction(model, [1.0, 3.0])
    >>> why.top, why.second, why.difference
    (1, 0, 4.5)
    >>> why.contributions, why.constants
    (array([-1.,  6.]), {'dense_1': -0.5})
    >>> round(why.length, 3), why.turned_to
    (2.012, 0)
    """
    _check_model(model)
    sample = _one_sample(x, model.input_shape)
    wide = np.asarray(sample, np.float64)
    rows, labels = _rows(model, x_train, y_train)
    count = min(integer(neighbours, "explain_prediction's neighbours", minimum=1), len(rows))
    network = LocalClassifier(model)
    scores = network.scores(wide[None])[0]
    top = _answer(model, wide)
    second = int(max((k for k in range(len(scores)) if k != top), key=lambda k: scores[k]))
    slopes, contributions, constants, units = take_apart(network, wide, top, second)
    near = _nearest(wide[None], rows, labels, count)
    alike = (
        _nearest(model.features(wide[None]), model.features(rows), labels, count) if count else []
    )
    differing = rows[_differ(model, rows, top)]
    others = differing[[n.row for n in _nearest(wide[None], differing, None, LINES)]]
    change = smallest_change(network, wide, top, others, lambda z: _answer(model, z))
    turned = None if change is None else _answer(model, wide + change)
    outside = 0
    if change is not None and len(rows):
        moved = wide + change
        outside = int(((moved < rows.min()) | (moved > rows.max())).sum())
    return ExplainedPrediction(
        x=wide,
        top=top,
        second=second,
        scores=scores,
        difference=float(scores[top] - scores[second]),
        slopes=slopes,
        contributions=contributions,
        constants=constants,
        units=units,
        bent=network.bent,
        near=near,
        alike=alike,
        change=change,
        turned_to=turned,
        outside=outside,
    )


def _check_model(model: object) -> None:
    if not isinstance(model, Sequential):
        raise TypeError(
            f"explain_prediction takes a model. Got {short(model)}. Pass the model that predicted."
        )
    model.require_built()
    shape, last = model.output_shape, model.steps[-1]
    several_answers = isinstance(last, Sigmoid) and shape != (1,)
    one_number = shape == (1,) and not isinstance(last, Sigmoid)
    if len(shape) != 1 or several_answers or one_number:
        raise ValueError(
            "explain_prediction takes a model that chooses among classes. Got one whose "
            f"predictions have the shape {shape}, from {last.label}. End it with Dense(K, "
            'activation="softmax") for K classes, or with one sigmoid.'
        )


def _one_sample(x: Any, shape: tuple[int, ...]) -> Array:
    """x as one sample, which may come as a batch of one."""
    array = as_array(x, "explain_prediction's x")
    batch = array[None] if array.shape == shape else array
    batch = samples(batch, shape, "explain_prediction's x")
    if len(batch) != 1:
        raise ValueError(
            f"explain_prediction takes one sample. Got x with {len(batch)} rows. Pass x[0]."
        )
    return np.asarray(batch[0])


def _rows(model: Sequential, x_train: Any, y_train: Any) -> tuple[Array, Array | None]:
    """The training rows, and their labels, if they came."""
    if x_train is None:
        if y_train is not None:
            raise ValueError(
                "explain_prediction takes y_train with x_train. Got y_train alone. Pass x_train "
                "as well."
            )
        return np.empty((0, *model.input_shape)), None
    rows = samples(x_train, model.input_shape, "explain_prediction's x_train").astype(np.float64)
    if y_train is None:
        return rows, None
    y = as_array(y_train, "explain_prediction's y_train")
    same_length(rows, y, ("x_train", "y_train"))
    K = model.output_shape[0]
    if y.ndim == 2 and y.shape[1] > 1:
        labels: Array = y.argmax(axis=1)
        return rows, labels
    return rows, check_labels(y.reshape(len(y)), max(K, 2), "explain_prediction's y_train")


def _answer(model: Sequential, x: Array) -> int:
    """The class that the model itself predicts."""
    return int(_answers(model.run(x[None]))[0])


def _answers(prediction: Array) -> Array:
    if prediction.shape[1] == 1:
        return np.asarray(prediction[:, 0] > 0.5, int)
    return np.asarray(prediction.argmax(axis=1))


def _differ(model: Sequential, rows: Array, top: int) -> Array:
    """The indices of the rows to which the model answers something else."""
    if not len(rows):
        return np.empty(0, int)
    return np.flatnonzero(_answers(model.predict(rows)) != top)


def _nearest(x: Array, rows: Array, labels: Array | None, count: int) -> list[Neighbour]:
    """The rows that are nearest to x (1, …), by Euclidean distance."""
    if not len(rows):
        return []
    distances = np.sqrt(((rows - x).reshape(len(rows), -1) ** 2).sum(axis=1))
    order = np.argsort(distances, kind="stable")[:count]
    return [
        Neighbour(int(n), float(distances[n]), None if labels is None else int(labels[n]))
        for n in order
    ]
