"""Whether the last steps of a model suit each other, and the loss."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from minnet.foundation.checks import Shape, is_collection, short, text, warn
from minnet.foundation.strict import is_minnets
from minnet.layers import (
    AlphaDropout,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    HardSigmoid,
    Layer,
    Linear,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)
from minnet.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from minnet.metrics import Metric

SAME_NUMBERS = (
    Linear,
    Dropout,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    Flatten,
    Reshape,
)
"""Steps that a trained model's numbers pass unchanged."""

FROM_0_TO_1 = (Sigmoid, Softmax, HardSigmoid)
"""Steps whose outputs may be read as probabilities."""


def check_end(steps: Sequence[Layer], output_shape: Shape | None, loss: Loss) -> None:
    """Refuse or warn where the loss and the last layers do not suit each other.

    Parameters
    ----------
    output_shape
        The shape of one prediction; None where the model is not built.
    """
    if isinstance(steps[-1], Softmax) and output_shape == (1,):
        raise ValueError(
            "Softmax over one output is always 1. Give the last layer one unit for each class, "
            "or use activation='sigmoid' with loss='binary_crossentropy'."
        )
    last: Layer | None = None  # the last step that changes numbers for good
    for step in steps:
        if isinstance(last, Softmax) and isinstance(step, Softmax):
            raise ValueError(
                f"Softmax is applied twice, in {last.label} and in {step.label}. Drop one."
            )
        if isinstance(last, Softmax) and isinstance(step, Sigmoid):
            raise ValueError(
                f"{last.label} gives probabilities, and {step.label} would squash them into "
                "another form. Drop one of the two."
            )
        if not isinstance(step, SAME_NUMBERS):
            last = step
    own = (step for step in steps if type(step) is Softmax)  # a student's may be anything
    _warn_of_cut_logits(steps)
    hidden = [step.label for step in own if step is not last]
    if hidden:
        warn(
            f"{hidden[0]} is a softmax inside the network: its outputs compete, and each is "
            "small. Hidden layers usually have activation='relu'."
        )
    check_last(_last_but_shapes(steps), loss)


def _last_but_shapes(steps: Sequence[Layer]) -> Layer:
    """Return the last step that does more than to change the shape."""
    others = (step for step in reversed(steps) if not isinstance(step, (Flatten, Reshape)))
    return next(others, steps[-1])


def check_probabilities(steps: Sequence[Layer], metrics: Sequence[Metric]) -> None:
    """Refuse a metric of probabilities where the model gives others; one's own may give any."""
    last = next((step for step in reversed(steps) if not isinstance(step, SAME_NUMBERS)), None)
    if last is None or isinstance(last, FROM_0_TO_1) or not is_minnets(type(last)):
        return
    for metric in metrics:
        if metric.takes_probabilities():
            raise ValueError(
                f"{metric.name} takes probabilities, from 0 to 1. Got a model that ends in "
                f"{last.label} ({type(last).__name__}). Add activation='sigmoid', or use "
                "AUC(from_logits=True)."
            )


def _warn_of_cut_logits(steps: Sequence[Layer]) -> None:
    """Warn where a ReLU stands between the last weights and the activation that wants logits."""
    for below, step in itertools.pairwise(steps):
        if type(below) is ReLU and step is steps[-1] and type(step) in (Softmax, Sigmoid):
            warn(
                f"{step.label} takes numbers of any sign, and {below.label} below it cuts off the "
                "negative ones: no probability can be small. Leave that layer without an "
                "activation."
            )


def check_last(step: Layer, loss: Loss) -> None:
    """Refuse or warn where a model's last step does not suit the loss."""
    if isinstance(loss, MeanSquaredError) and isinstance(step, Softmax):
        warn(
            "Softmax with the mean squared error learns slowly: where the network is surest "
            "and wrong, its gradient vanishes. Use loss='cross_entropy'."
        )
    if isinstance(loss, (CrossEntropy, BinaryCrossEntropy)):
        if loss.from_logits:
            _check_logits(step, loss)
        else:
            _check_probabilities(step, loss)


def _check_logits(step: Layer, loss: CrossEntropy | BinaryCrossEntropy) -> None:
    """Refuse what makes probabilities, and warn of what cuts logits off."""
    who, activation = f"{type(loss).__name__}(from_logits=True)", loss.fuses.__name__.lower()
    if isinstance(step, loss.fuses):
        raise ValueError(
            f"{who} takes logits and applies {activation} itself. Got a model that ends in "
            f"{activation}, so it would be applied twice. Drop one of them."
        )
    if isinstance(step, (Sigmoid, Softmax)):
        raise ValueError(
            f"{who} takes logits, of any size and sign. Got a model that ends in {step.label}, "
            "whose outputs are probabilities. Drop that activation, or from_logits."
        )
    if isinstance(step, (ReLU, Tanh)):
        warn(
            f"{who} takes logits, of any size and sign, and {step.label} cuts them off. Leave the "
            "last layer without an activation."
        )


def _check_probabilities(step: Layer, loss: CrossEntropy | BinaryCrossEntropy) -> None:
    """Refuse what makes no probabilities; a student's own layer may give anything."""
    name, activation = type(loss).__name__, loss.fuses.__name__.lower()
    if isinstance(loss, BinaryCrossEntropy) and isinstance(step, Softmax):
        warn(
            "Softmax with the binary cross-entropy counts every class twice, once as itself "
            "and once as not the others. Use loss='cross_entropy'."
        )
    elif not isinstance(step, loss.fuses) and is_minnets(type(step)):
        raise ValueError(
            f"{name} takes probabilities. Got a model that ends in {step.label} "
            f"({type(step).__name__}), not in {activation}. Add activation='{activation}', "
            f"or use {name}(from_logits=True). For a regression, whose y are numbers of any size, "
            "use loss='mse'."
        )


def check_class_names(names: Any, outputs: Shape | None) -> list[str]:
    """Return the names of classes, one for each output of the last step.

    Parameters
    ----------
    outputs
        The shape of one prediction; None where the model is not built.

    Raises
    ------
    TypeError, ValueError
        They are no list of different texts, or there are more or fewer than outputs.
    """
    if not is_collection(names):
        raise TypeError(f"class_names takes a list of texts. Got {short(names)}.")
    texts: list[str] = list(names)
    wrong = [name for name in texts if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"class_names takes texts. Got {short(wrong[0])}. Use str(…).")
    for name in texts:
        text(name, "Each of class_names")
    if len(set(texts)) < len(texts):
        raise ValueError(f"class_names takes different texts. Got {short(texts)}.")
    yes_or_no = outputs == (1,) and len(texts) == 2
    if outputs is not None and outputs != (len(texts),) and not yes_or_no:
        raise ValueError(
            f"class_names takes one name for each output, {outputs[-1]}. Got {len(texts)}."
        )
    return texts
