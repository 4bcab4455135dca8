"""The network that scikit-learn's arguments describe, or a trained one with a new head."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

import numpy as np

from minnet.foundation.checks import short
from minnet.initializers import RandomUniform, VarianceScaling
from minnet.layers import Dense, Dropout, Input, Layer
from minnet.models import Sequential, load
from minnet.pretrained import MODELS, load_pretrained
from minnet.regularizers import L2
from minnet.sklearn.settings import Settings


def build_network(
    settings: Settings, D: int, M: int, out_activation: str | None, rng: np.random.Generator
) -> tuple[Sequential, list[str]]:
    """Return a network of D inputs and M outputs, and the names of the layers that are penalised.

    These have an `L2` whose strength `set_penalty` sets: all Dense layers without a penalty of
    their own, and of a trained network the head.

    Parameters
    ----------
    out_activation
        minnet's name of the last activation.
    """
    if settings.given["base"] is not None:
        base = _trained(settings.given["base"], settings.who, D)
        head = Dense(M, out_activation, kernel_regularizer=L2(0.0))
        model = base.replace_head(head, seed=rng)
        penalised = [model.layers[-1].label]
    else:
        own = settings.layers
        hidden = _hidden(settings, D) if own is None else [_with_penalty(layer) for layer in own]
        model = Sequential([Input((D,)), *hidden], seed=rng, dtype=settings.dtype.name)
        below = model.output_shape[-1] if hidden else D
        logistic = own is None and settings.logistic[-1:] == [True]
        hidden.append(_dense(below, M, out_activation, logistic=logistic))
        model.add(hidden[-1])
        made = [one for one in hidden if isinstance(one, Dense) and _is_unset(one)]
        penalised = [layer.label for layer in made]
    if settings.given["freeze"] is not None:
        model.freeze(settings.given["freeze"])
    return model, penalised


def set_penalty(model: Sequential, penalised: list[str], alpha: float, rows: float) -> None:
    """Give the penalties that `build_network` made their strength.

    scikit-learn adds α ‖W‖² / 2, divided by the samples of a batch, and minnet's `L2` is λ ‖W‖².

    Parameters
    ----------
    rows
        The samples of a batch; with weights, the sum of them.
    """
    for name in penalised:
        regularizer = getattr(model.get_layer(name), "kernel_regularizer", None)
        if isinstance(regularizer, L2):
            regularizer.l2 = alpha / (2.0 * rows)


def shaped_for(model: Sequential, x: Any) -> Any:
    """Return rows of numbers as the samples that a network takes, such as (N, 8, 8) for images."""
    shape = model.input_shape
    return x.reshape(len(x), *shape) if math.prod(shape) == x.shape[1] else x


def _hidden(settings: Settings, D: int) -> list[Layer]:
    """Return the hidden layers that `hidden_layer_sizes`, `activation` and `dropout` describe."""
    layers: list[Layer] = []
    described = zip(
        settings.hidden, settings.activations, settings.logistic, settings.dropout, strict=True
    )
    for units, activation, logistic, rate in described:
        layers.append(_dense(D, units, activation, logistic=logistic))
        if rate:
            layers.append(Dropout(rate))
        D = units
    return layers


def _dense(D: int, M: int, activation: str | Layer | None, *, logistic: bool) -> Dense:
    """Return a layer whose weights begin as scikit-learn's: W and b uniform, within one limit.

    It is Glorot and Bengio's √(6 / (D + M)), and √(2 / (D + M)) where the activation is logistic.
    """
    uniform = VarianceScaling(1 / 3 if logistic else 1.0, "fan_avg", "uniform")
    limit = uniform.limit((D, M))
    return Dense(
        M,
        activation,
        kernel_initializer=uniform,
        bias_initializer=RandomUniform(-limit, limit),
        kernel_regularizer=L2(0.0),
    )


def _with_penalty(layer: Layer) -> Layer:
    """Return a user's layer, with a penalty that is not set yet where it is a Dense without one."""
    if type(layer) is not Dense or layer.built or layer.kernel_regularizer is not None:
        return layer
    return Dense.from_config({**layer.get_config(), "kernel_regularizer": L2(0.0)})


def _is_unset(layer: Dense) -> bool:
    penalty = layer.kernel_regularizer
    return type(penalty) is L2 and penalty.l2 == 0.0


def _trained(base: Any, who: str, D: int) -> Sequential:
    """Return the network that `base` is, or names, for rows of D numbers."""
    if isinstance(base, str) and base in MODELS:
        model = load_pretrained(base)
    elif isinstance(base, (str, PathLike)):
        model = load(base)
    elif isinstance(base, Sequential):
        model = base
    else:
        hint = " Give its network: base=….model_." if hasattr(base, "get_params") else ""
        raise TypeError(
            f"{who}'s base takes a minnet model, the path of its file, or the name of one that "
            f"ships with minnet: {', '.join(MODELS)}. Got {short(base)}.{hint}"
        )
    model.require_built()
    if math.prod(model.input_shape) != D:
        raise ValueError(
            f"{who}'s base takes X with {math.prod(model.input_shape)} columns, as it was trained. "
            f"Got {D}. Use a base that was trained on such data, or base=None."
        )
    return model
