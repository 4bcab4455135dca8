"""To scikit-learn and back: `MLPClassifier` and `MLPRegressor`.

Their weights `coefs_` are (in, out), as minnet's W. All hidden layers have one activation, and the
output's is a softmax for three classes or more, a sigmoid for two or for several labels at once,
none for numbers, and an exponential for counts (`loss="poisson"`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.exchange.record import (
    Carried,
    Given,
    Record,
    a_model,
    imported,
    kind_of,
    model_of,
    numbers,
    refuse,
    wide,
)
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.foundation.strict import named
from minnet.layers import Dense, Layer
from minnet.models import Sequential

_CURVES = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names of activations → minnet's."""

_NAMES = {"Linear": "identity", "Sigmoid": "logistic", "Tanh": "tanh", "ReLU": "relu"}
"""minnet's activations → scikit-learn's names."""

_ENDS = {"Softmax": "softmax", "Exponential": "exp"}
"""The same, for those that stand at the end alone."""

_TRAINING_ALONE = ("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise")

ORIGIN = "scikit-learn"


@named
def from_sklearn(mlp: Any) -> Sequential:
    """Return a fitted `MLPClassifier` or `MLPRegressor` as a minnet model, with its weights.

    The classes become `class_names`. Its `predict` gives what `predict_proba` gives, but for two
    classes, where it is the probability of the second, of shape (N, 1). scikit-learn computes in
    float64 unless it was fitted to float32; so does the model.

    Parameters
    ----------
    mlp
        A fitted `MLPClassifier` or `MLPRegressor` of scikit-learn.

    Raises
    ------
    TypeError
        Another estimator.
    ValueError
        It is not fitted.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor  # doctest: +SKIP
    >>> mlp = MLPRegressor(max_iter=1000, random_state=0)  # doctest: +SKIP
    >>> from_sklearn(mlp.fit([[0.0], [1.0]], [0.0, 1.0])).count_params()  # doctest: +SKIP
    301
    """
    kind = type(mlp).__name__
    if not all(hasattr(mlp, name) for name in ("hidden_layer_sizes", "activation", "get_params")):
        inside = " Give its last step: pipeline[-1]." if hasattr(mlp, "named_steps") else ""
        raise TypeError(
            f"from_sklearn takes an MLPClassifier or an MLPRegressor. Got {checks.short(mlp)}."
            f"{inside}"
        )
    if not hasattr(mlp, "coefs_"):
        raise ValueError(f"from_sklearn takes a fitted {kind}. Got one without weights. Fit it.")
    if mlp.activation not in _CURVES:
        raise ValueError(
            f"from_sklearn takes one of the activations {', '.join(_CURVES)}. Got "
            f"{checks.short(mlp.activation)}."
        )
    record = Record("from_sklearn", ORIGIN, "minnet")
    carried = []
    ends = {**_CURVES, "softmax": "softmax", "exp": "exponential"}
    last = len(mlp.coefs_) - 1
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        W = numbers(W, "from_sklearn", f"coefs_[{i}]")
        b = numbers(b, "from_sklearn", f"intercepts_[{i}]")
        curve = ends[mlp.out_activation_] if i == last else _CURVES[mlp.activation]
        arrays = {
            "W": Given(W, f"coefs_[{i}]", W.shape),
            "b": Given(b, f"intercepts_[{i}]", b.shape),
        }
        layer = Dense(W.shape[1], activation=curve)
        carried.append(Carried(layer, arrays, source=f"layer {i + 1}"))
    shape = (len(mlp.coefs_[0]),)
    model = model_of(carried, record, input_shape=shape, origin=ORIGIN)
    model.class_names = _class_names(mlp, record)
    record.done(model)
    return model


def _class_names(mlp: Any, record: Record) -> list[str] | None:
    """What the classes are called."""
    classes = getattr(mlp, "classes_", None)
    if not isinstance(classes, np.ndarray):
        return None
    names = [str(name) for name in classes]
    if len(set(names)) < len(names) or not all(names):
        record.notes.append("The classes have no names of their own, so class_names stays empty.")
        return None
    record.notes.append(f"class_names: {checks.short(names)}")
    return names


@named
def to_sklearn(model: Sequential, *, classes: Any = None) -> Any:
    """Return a fitted `MLPClassifier` or `MLPRegressor` that predicts what the model predicts.

    A softmax or a sigmoid at the end makes a classifier, no activation a regressor. `fit` would
    start over; `partial_fit` goes on from these weights. Layers that act in training alone are left
    out. scikit-learn has one output for two classes, so the two columns of a softmax over two
    classes are combined: σ(z₁ − z₀) is the same probability.

    Parameters
    ----------
    classes
        The labels, such as `["cat", "dog"]`; the model's class names, or 0, 1, …, if None. Names
        that are whole numbers become numbers.
    model
        A built model of dense layers with one activation.

    Raises
    ------
    TypeError
        A layer that scikit-learn does not have, by its name.
    ValueError
        Hidden layers with different activations; another number of classes than outputs.

    Examples
    --------
    >>> import minnet  # doctest: +SKIP
    >>> model = minnet.Sequential([minnet.layers.Dense(1, input_dim=4)], seed=0)  # doctest: +SKIP
    >>> to_sklearn(model).predict([[0.0, 0.0, 0.0, 0.0]]).tolist()  # doctest: +SKIP
    [0.0]
    """
    model = a_model(model, "to_sklearn")
    neural = imported("sklearn.neural_network", "to_sklearn", "scikit-learn")
    record = Record("to_sklearn", "minnet", ORIGIN)
    dense, curves = _stack(model, record)
    hidden = _hidden_activation(dense, curves)
    end = curves[-1]
    if end not in ("softmax", "logistic", "identity", "exp"):
        raise ValueError(
            "to_sklearn takes models that end in a softmax, a sigmoid, an exponential or no "
            f"activation. Got {end} at the end."
        )
    weights = [np.array(layer.W) for layer in dense]
    biases = [np.array(layer.b) if layer.use_bias else np.zeros_like(layer.W[0]) for layer in dense]
    outputs = weights[-1].shape[1]
    combined = end == "softmax" and outputs == 2
    if combined:
        weights[-1] = weights[-1][:, 1:] - weights[-1][:, :1]
        biases[-1] = biases[-1][1:] - biases[-1][:1]
    settings = {
        "hidden_layer_sizes": tuple(layer.units for layer in dense[:-1]),
        "activation": hidden,
        "random_state": 0,  # or it draws from the global generator
    }
    D = len(weights[0])
    x = np.zeros((max(outputs, 2), D), wide(weights))
    if end in ("identity", "exp"):
        counts = {"loss": "poisson"} if end == "exp" else {}
        mlp = neural.MLPRegressor(**settings, **counts)
        mlp.partial_fit(x, np.zeros((len(x), outputs)) if outputs > 1 else np.zeros(len(x)))
    else:
        labels = _labels(model, classes, outputs, end)
        mlp = neural.MLPClassifier(**settings)
        several = end == "logistic" and outputs > 1
        y = np.eye(len(x), outputs, dtype=int) if several else labels
        mlp.partial_fit(x, y, classes=labels)
    _put_in(mlp, weights, biases)
    _tell(record, dense, mlp, combined)
    record.done(mlp)
    return mlp


def _stack(model: Sequential, record: Record) -> tuple[list[Any], list[str]]:
    """The Dense layers, and the name of the activation after each."""
    dense: list[Any] = []
    curves: list[str] = []
    for step in model.steps:
        kind = kind_of(step, "to_sklearn")
        if kind == "Dense":
            dense.append(step)
            curves.append("identity")
            if step.regularizers or step.constraints:
                record.leave(f"the penalties and bounds of {step.label}")
        elif kind in _TRAINING_ALONE:
            record.leave(f"{step.label}, a {kind}")
        elif kind == "Flatten" and len(model.input_shape) == 1:
            record.row(step.label, "", "LEFT OUT: samples are rows already")
        elif dense and curves[-1] == "identity" and kind in _NAMES | _ENDS:
            curves[-1] = (_NAMES | _ENDS)[kind]
        else:
            reason = "Its networks are Dense layers with relu, tanh, sigmoid or no activation."
            raise refuse(kind, step, "to_sklearn", reason)
    if not dense:
        raise ValueError("to_sklearn takes a model with a Dense. Got one without.")
    return dense, curves


def _hidden_activation(dense: list[Layer], curves: list[str]) -> str:
    """The one activation of all hidden layers."""
    hidden = dict.fromkeys(curves[:-1])
    if len(hidden) > 1 or set(hidden) & set(_ENDS.values()):
        each = ", ".join(f"{d.label}: {c}" for d, c in zip(dense, curves[:-1], strict=False))
        raise ValueError(
            "to_sklearn takes hidden layers of one activation: relu, tanh, sigmoid (logistic) or "
            f"none (identity), as scikit-learn has. Got {each}."
        )
    return next(iter(hidden), "relu")


def _labels(model: Sequential, classes: Any, outputs: int, end: str) -> Array:
    """The labels of a classifier, in scikit-learn's order, which is sorted."""
    several = end == "logistic" and outputs > 1
    count = 2 if outputs == 1 else outputs
    known = model.class_names if classes is None and not several else classes
    if classes is None and known and all(n.isdecimal() and str(int(n)) == n for n in known):
        known = [int(name) for name in known]
    labels: Array = np.arange(count) if known is None else np.asarray(known)
    if labels.shape != (count,) or len(np.unique(labels)) < count:
        raise ValueError(
            f"to_sklearn's classes takes {count} different labels, one for each output. Got "
            f"{checks.short(known)}."
        )
    if not np.array_equal(np.sort(labels), labels):
        raise ValueError(
            "to_sklearn's classes takes labels in sorted order, as scikit-learn keeps them. Got "
            f"{checks.short(list(map(str, labels)))}. Give classes=range({count}), and look the "
            "names up."
        )
    return labels


def _put_in(mlp: Any, weights: list[Array], biases: list[Array]) -> None:
    """Give a fitted estimator these weights, and let it forget how it came to others."""
    mlp.coefs_, mlp.intercepts_ = weights, biases
    mlp.n_iter_, mlp.t_, mlp.loss_curve_ = 0, 0, []
    mlp.set_params(random_state=None)
    if hasattr(mlp, "_optimizer"):  # made anew by the next partial_fit, for these arrays
        delattr(mlp, "_optimizer")


def _tell(record: Record, dense: list[Any], mlp: Any, combined: bool) -> None:
    """Write the rows of the table."""
    for i, layer in enumerate(dense):
        verdict = "COMBINED: one output for two classes"
        verdict = verdict if combined and i == len(dense) - 1 else "COPIED"
        W, b = mlp.coefs_[i], mlp.intercepts_[i]
        record.array(f"{layer.label}.W", layer.W.shape, f"coefs_[{i}]", W.shape, verdict)
        if layer.use_bias:
            record.array(f"{layer.label}.b", layer.b.shape, f"intercepts_[{i}]", b.shape, verdict)
        else:
            record.array("none", (), f"intercepts_[{i}]", b.shape, "zeros")
    record.row("", type(mlp).__name__, f"{mlp.activation}, {mlp.out_activation_} at the end")
