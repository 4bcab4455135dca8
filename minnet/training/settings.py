"""How `fit` was called, and all that is checked before a training begins."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.callbacks import Callback, Checkpoint
from minnet.engine.selection import select
from minnet.engine.shapes import draw_end, layer_shapes
from minnet.files.provenance import input_range
from minnet.foundation.checks import (
    Array,
    Shape,
    as_array,
    finite,
    integer,
    number,
    one_argument,
    same_length,
    shaped,
    short,
    warn,
)
from minnet.foundation.targets import check_weight
from minnet.training.batches import Data

if TYPE_CHECKING:
    from minnet.engine.updates import Rate
    from minnet.models import Sequential


class Settings(NamedTuple):
    """How `Sequential.fit` was called; its docstring explains each."""

    batch_size: int
    epochs: int
    verbose: str | int
    callbacks: Sequence[Callback]
    validation_split: float
    validation_data: Sequence[Any] | None
    shuffle: bool
    class_weight: dict[int, float] | None
    sample_weight: Any
    learning_rate: Any
    seed: Any
    rng: np.random.Generator
    resume: Any


def prepare(
    model: Sequential, settings: Settings, x: Any, y: Any
) -> tuple[Data, Data | None, list[float]]:
    """Training and validation data, checked, and the smallest and largest number of x."""
    split = number(settings.validation_split, "fit's validation_split", minimum=0.0, below=1.0)
    if split and settings.validation_data is not None:
        raise ValueError("fit takes validation_data or validation_split. Got both.")
    if settings.validation_data is not None and (
        not isinstance(settings.validation_data, (tuple, list))
        or len(settings.validation_data) not in (2, 3)
    ):
        raise TypeError(
            "fit's validation_data takes (x, y) or (x, y, sample_weight). "
            f"Got {_described(settings.validation_data)}."
        )
    x, target, weight, found = check_data(model, x, y, settings.sample_weight)
    data = Data(x, target, weight)
    check_metrics(model, data.target)
    model._warn_of_other_scale(data.x, found)
    if model.provenance["input_range"] is None:
        _warn_of_scale(model, found)
    validation = None
    if split:
        kept = int(len(data) * split + 1e-9)
        if not 0 < kept < len(data):
            raise ValueError(
                f"fit's validation_split takes a share that leaves rows on both sides. Got "
                f"{split:g} of {len(data)} rows, which is {kept}. Use more data or another share."
            )
        data, validation = data.part(slice(0, -kept)), data.part(slice(len(data) - kept, None))
    elif settings.validation_data is not None:
        vx, vy, *vw = settings.validation_data
        validation = Data(*check_data(model, vx, vy, vw[0] if vw else None, "validation ")[:3])
        check_metrics(model, validation.target, "validation y")
    if settings.class_weight is not None:
        weight = _class_weights(model, data.target, settings.class_weight)
        weight = weight if data.weight is None else weight * data.weight
        finite(weight, "class_weight", model.dtype)
        data = Data(data.x, data.target, weight.astype(model.dtype))
    return data, validation, found


def check_trainable(model: Sequential) -> None:
    """Refuse to train where nothing would change."""
    model._require_compiled()
    if model._layers and not any(layer.trainable and layer.weights for layer in model._layers):
        names = [layer.label for layer in model._layers if layer.weights]
        if not names:
            raise ValueError("The model has no weights, so fit would change nothing. Add a Dense.")
        raise ValueError(
            "Every layer is frozen, so fit would change nothing. Unfreeze one: "
            f'model.unfreeze("{names[-1]}").'
        )


def check_data(
    model: Sequential, x: Any, y: Any, sample_weight: Any, whose: str = ""
) -> tuple[Array, Array, Array | None, list[float]]:
    """x, the target and the weights as training computes with them; builds the model.

    The fourth is the range of x, [smallest, largest], which the check finds anyway.
    """
    names = f"{whose}x", f"{whose}y"
    loss = model._require_loss()
    if not model._layers:
        model._require_built()
    input_shape = model._input_shape
    if input_shape is None:
        input_shape = as_array(x, names[0]).shape[1:]
    x, found = check_x(model, x, input_shape, names[0])
    shapes = layer_shapes(model._layers, input_shape, len(x))
    outputs = shapes[-1]
    _check_classes(model, y, outputs, names[1])
    try:
        target = loss.check_target(y, outputs, names[1])
    except ValueError as error:
        came = as_array(y, names[1])
        if came.shape[1:] in ((), (1,), outputs):
            raise
        drawn = draw_end(model._layers, [input_shape, *shapes], came)
        raise ValueError(f"{error} {drawn}") from None
    same_length(x, target, names)
    weight = None
    if sample_weight is not None:
        weight = check_weight(sample_weight, len(x), f"{whose}sample_weight")
        finite(weight, f"{whose}sample_weight", model.dtype)
    finite(target, names[1], model.dtype)
    if not model.built:
        model.build(input_shape)
    if model._ended != model._end_of(loss):  # layers came or went since compile
        model._check_end(loss)
    if target.dtype.kind != "i" or target.ndim > 1:
        target = target.astype(model.dtype, copy=False)
    if weight is not None:
        weight = weight.astype(model.dtype, copy=False)
    if not isinstance(x, np.memmap):
        x = x.astype(model.dtype, copy=False)
    return x, target, weight, found


def check_x(
    model: Sequential, x: Any, input_shape: Shape, who: str = "x", *, empty: bool = False
) -> tuple[Array, list[float]]:
    """x as samples of this shape, all finite, and its range, [smallest, largest]."""
    x = shaped(as_array(x, who), input_shape, who, empty=empty, drawn=model._draw_misfit)
    low, high = found = input_range(x)
    largest = _largest(model.dtype)
    if not (low >= -largest and high <= largest):  # so a NaN, which compares as False, is caught
        finite(x, who, model.dtype)  # says where
    return x, found


@functools.cache
def _largest(dtype: np.dtype[Any]) -> float:
    """The largest number that a dtype holds."""
    return float(np.finfo(dtype).max)


def _check_classes(model: Sequential, y: Any, outputs: Shape, who: str) -> None:
    """Refuse labels beyond the named classes, with those names: they are of another task."""
    known = model.class_names
    if known is None or outputs != (len(known),) or len(known) == 1:
        return
    labels = as_array(y, who)
    if labels.size and labels.min() == 1 and labels.max() == len(known):
        return  # counted from 1: the loss says so
    if labels.size == len(labels) and labels.size and labels.max() >= len(known):
        raise ValueError(
            f"{who} contains {labels.max():g}, and this model knows {len(known)} classes: "
            f"{known[0]}…{known[-1]}. Fitting a new task? Call replace_head first."
        )


def check_metrics(model: Sequential, target: Array, who: str = "y") -> None:
    """Refuse targets that one of the metrics has no answer for, before anything is trained."""
    for metric in model.metrics:
        metric.check_target(target, model.output_shape, who)


def _class_weights(model: Sequential, target: Array, class_weight: Any) -> Array:
    """The weight of each sample by its class."""
    if not isinstance(class_weight, dict):
        raise TypeError(f"fit's class_weight takes {{class: weight}}. Got {short(class_weight)}.")
    if target.ndim == 2 and target.shape[1] > 1 and np.allclose(target.sum(axis=1), 1.0, atol=1e-3):
        labels, K = target.argmax(axis=1), target.shape[1]
    elif target.ndim == 2 and np.isin(target, (0, 1)).all():
        labels, K = target[:, 0].astype(np.intp), 2
    elif target.ndim == 1 and target.dtype.kind == "i":
        labels, K = target, model.output_shape[-1]
    else:
        raise ValueError(
            "fit's class_weight takes class labels or one-hot rows in y. Got other numbers. "
            "Use sample_weight."
        )
    table = np.ones(K)
    for key, value in class_weight.items():
        label = integer(key, "Each class of fit's class_weight", minimum=0)
        if label >= K:
            raise ValueError(f"fit's class_weight takes classes 0 to {K - 1}. Got {label}.")
        table[label] = number(value, f"fit's class_weight of class {label}", minimum=0.0)
    weights: Array = table[labels]
    return weights


def _warn_of_scale(model: Sequential, found: list[float]) -> None:
    """Warn once of inputs such as raw 0–255 pixels, unless a first layer normalises them."""
    if type(model._steps[0]).__name__ == "BatchNormalization":
        return
    largest = max(abs(found[0]), abs(found[1]))
    if largest > 100.0:
        warn(
            f"x has values up to {largest:g}, and networks learn badly from such numbers. Scale "
            "it first: x / 255 for pixels, or minnet.datasets.standardize(x)."
        )


def learning_rates(model: Sequential, learning_rate: Any, start: int) -> dict[str, Rate]:
    """Layer name → learning rate, for what fit's `learning_rate` names.

    Parameters
    ----------
    start
        The number of the fit's first update: a schedule counts from there.
    """
    if learning_rate is None:
        return {}
    layers = [layer for layer in model._layers if layer.weights]
    if not isinstance(learning_rate, dict):
        rate = _rate(learning_rate, start, "fit's learning_rate")
        return {layer.label: rate for layer in layers}
    if not learning_rate:
        raise ValueError("fit's learning_rate takes {layer: number}. Got an empty dict.")
    rates: dict[str, Rate] = {}
    for selector, value in learning_rate.items():
        named = select(model._layers, selector, "fit's learning_rate")
        trainable = [layer for layer in named if layer.trainable and layer.weights]
        if not trainable:
            raise ValueError(
                f"fit's learning_rate takes layers that learn. Got {short(selector)}, which is "
                f"frozen or has no weights. Unfreeze it first: model.unfreeze({short(selector)})."
            )
        rate = _rate(value, start, f"fit's learning_rate of {short(selector)}")
        for layer in trainable:
            if layer.label in rates:
                raise ValueError(
                    f"fit's learning_rate takes one rate for each layer. Got two for {layer.label}."
                )
            rates[layer.label] = rate
    return rates


def _rate(value: Any, start: int, who: str) -> Rate:
    if isinstance(value, type):
        raise TypeError(
            f"{who} takes a number or a schedule. Got the class {value.__name__} itself. "
            f"Call it: {value.__name__}(…)."
        )
    if callable(value):
        one_argument(value, who)
        return lambda step: number(value(step - start), f"{who} at step {step - start}", minimum=0)
    if not isinstance(value, (Real, np.ndarray)):
        raise TypeError(
            f"{who} takes a number, a schedule or {{layer: number}}. Got {short(value)}. Use 0.01."
        )
    constant = number(value, who, minimum=0.0)
    return lambda step: constant


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Fit's callbacks as a list."""
    if isinstance(callbacks, Callback):
        raise TypeError(
            f"fit's callbacks takes a list. Got one {type(callbacks).__name__}. Use "
            f"callbacks=[{type(callbacks).__name__}(…)]."
        )
    if callbacks is not None and not isinstance(callbacks, (list, tuple)):
        raise TypeError(
            f"fit's callbacks takes a list of Callback objects. Got {short(callbacks)}. "
            "Use [EarlyStopping(…)]."
        )
    checked: list[Callback] = list(callbacks or ())
    for callback in checked:
        if not isinstance(callback, Callback):
            hint = f" Call it: {callback.__name__}()." if isinstance(callback, type) else ""
            raise TypeError(f"fit's callbacks takes Callback objects. Got {short(callback)}.{hint}")
    paths = [callback.path.resolve() for callback in checked if isinstance(callback, Checkpoint)]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "Each Checkpoint of a fit takes a path of its own. Got two with one. Leave one out, or "
            "give it another path."
        )
    return checked


def said(learning_rate: Any) -> str | None:
    """What fit's `learning_rate` was, in words for the model's card."""
    if learning_rate is None:
        return None
    return short(learning_rate, 200)


def _described(value: Any) -> str:
    """A tuple or list by its length, anything else as it would be typed."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return short(value)
