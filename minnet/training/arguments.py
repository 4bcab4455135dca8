"""How fit was called, and what is checked before a training begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from minnet.engine.inputs import Data
from minnet.engine.network import Network
from minnet.engine.originals import warn_of_originals
from minnet.engine.selection import select
from minnet.engine.updates import Rate
from minnet.files.provenance import check_scale
from minnet.foundation.checks import (
    Array,
    boolean,
    finite,
    generator,
    integer,
    number,
    one_argument,
    short,
    warn,
)
from minnet.foundation.columns import check_names, columns_of, replaces
from minnet.foundation.targets import check_one_class_a_row, labels_of
from minnet.layers import Layer, Normalization
from minnet.losses import CrossEntropy
from minnet.training.callback import Callback, check_hooks
from minnet.training.checkpoint import Checkpoint
from minnet.training.progress import progress


class FitArguments:
    """What `Sequential.fit` was given besides x and y; its docstring explains each.

    Parameters
    ----------
    given
        The arguments by name, among others.
    """

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
    seed: int | np.random.Generator | None
    resume: Any

    def __init__(self, given: Mapping[str, Any]) -> None:
        for name in FitArguments.__annotations__:
            setattr(self, name, given[name])
        self.batch_size = integer(self.batch_size, "batch_size", minimum=1)
        self.epochs = integer(self.epochs, "fit's epochs", minimum=0)
        self.shuffle = boolean(self.shuffle, "fit's shuffle")
        self.rng = None if self.seed is None else generator(self.seed, "fit's seed")
        self.callbacks = check_callbacks(self.callbacks)
        self.shown = progress(self.verbose)
        if isinstance(self.resume, Checkpoint):
            raise TypeError(
                "fit's resume takes a path. Got a Checkpoint. "
                f"Use resume={str(self.resume.path)!r}."
            )


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return fit's callbacks as a list."""
    if callbacks is None:
        return []
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(_no_list(callbacks))
    for callback in callbacks:
        if not isinstance(callback, Callback):
            hint = f" Call it: {callback.__name__}()." if isinstance(callback, type) else ""
            raise TypeError(f"fit's callbacks takes Callback objects. Got {short(callback)}.{hint}")
    if len(set(map(id, callbacks))) < len(callbacks):
        twice = next(one for i, one in enumerate(callbacks) if any(one is b for b in callbacks[:i]))
        raise ValueError(
            f"fit's callbacks takes each object once. Got one {type(twice).__name__} twice, which "
            "would count every epoch twice. Leave one out."
        )
    for callback in callbacks:
        check_hooks(callback)
    paths = [callback.path.resolve() for callback in callbacks if isinstance(callback, Checkpoint)]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "Each Checkpoint of a fit takes a path of its own. Got two with one. Leave one out, or "
            "give it another path."
        )
    return list(callbacks)


def _no_list(callbacks: Any) -> str:
    if isinstance(callbacks, Callback):
        kind = type(callbacks).__name__
        return f"fit's callbacks takes a list. Got one {kind}. Use callbacks=[{kind}(…)]."
    return (
        f"fit's callbacks takes a list of Callback objects. Got {short(callbacks)}. "
        "Use [EarlyStopping(…)]."
    )


def fit_data(model: Network, arguments: FitArguments, x: Any, y: Any) -> tuple[Data, Data | None]:
    """Return training and validation data, checked; the model is built for them."""
    split = number(arguments.validation_split, "fit's validation_split", minimum=0.0, below=1.0)
    pair = arguments.validation_data
    if pair is not None:
        _check_pair(pair, split)
    columns = None if type(x) is np.ndarray else columns_of(x)
    if columns is not None and replaces(columns, model.columns):
        check_names(columns, "x")
        model.columns = columns  # the first that are named, or those of another task
    data, compiled = model.checked_data(x, y, arguments.sample_weight), model.compiled
    if compiled.metrics:
        compiled.check_metrics(data.target, model.output_shape)
    if not model.told_of_originals and any(layer.original is not None for layer in model.layers):
        model.told_of_originals = warn_of_originals(model.layers)
    check_scale(model, data.x_range, len(data))
    if model.provenance["input_range"] is None:
        _warn_of_scale(model, data.x_range)
    validation = None
    if split:
        whole = data
        data, validation = _split(data, split)
        _warn_of_unseen_classes(model, whole.target, len(data))
    elif pair is not None:
        validation = _validation(model, *pair)
    if arguments.class_weight is not None:
        data = weighted_by_class(model, data, arguments.class_weight)
    if compiled.metrics:
        kept = None if validation is None else validation.weight
        compiled.check_weight(data.weight, "weights of the training samples")
        compiled.check_weight(kept, "validation weights")
    return data, validation


def _check_pair(pair: Any, split: float) -> None:
    """Refuse validation data that are no pair, or beside a split."""
    if split:
        raise ValueError("fit takes validation_data or validation_split. Got both.")
    if not isinstance(pair, (tuple, list)) or len(pair) not in (2, 3):
        raise TypeError(
            f"fit's validation_data takes (x, y) or (x, y, sample_weight). Got {_described(pair)}."
        )


def _split(data: Data, share: float) -> tuple[Data, Data]:
    """Return the first ⌊N(1 − share)⌋ rows, as in Keras, and the others.

    A share that is less than half a row is refused, where Keras would take a whole one.
    """
    trained = int(len(data) * (1 - share) + 1e-9)
    if share * len(data) < 0.5:
        raise ValueError(
            f"fit's validation_split takes a share that leaves rows on both sides. Got {share:g} "
            f"of {len(data)} rows, which is not half a row. Use more data or another share."
        )
    if not 0 < trained < len(data):
        raise ValueError(
            f"fit's validation_split takes a share that leaves rows on both sides. Got {share:g} "
            f"of {len(data)} rows, so {trained} would train. Use more data or another share."
        )
    return data.rows(slice(0, trained)), data.rows(slice(trained, None))


def _warn_of_unseen_classes(model: Network, target: Array, kept: int) -> None:
    """Warn where a split of sorted rows leaves classes out of the training."""
    labels = labels_of(target) if target.ndim <= 2 else target
    kinds = target.ndim == 1 or (target.ndim == 2 and isinstance(model.loss, CrossEntropy))
    if not kinds and target.ndim == 2:  # yes or no, by 0 and 1 or by −1 and 1, or one-hot rows
        single = target.shape[1] == 1
        kinds = bool(
            (np.isin(target, (0, 1)).all() and (single or (target.sum(axis=1) == 1).all()))
            or (single and np.isin(target, (-1, 1)).all())
        )
    if not kinds or (labels.dtype.kind == "f" and not np.isin(labels, (-1, 0, 1)).all()):
        return
    unseen = np.setdiff1d(labels[kept:], labels[:kept]).astype(int)
    if unseen.size:
        named = ", ".join(map(str, unseen[:5])) + ("…" if unseen.size > 5 else "")
        warn(
            f"The last rows, which validation_split keeps, have classes that no training row has: "
            f"{named}. The rows seem to be sorted by class. Shuffle x and y together first."
        )


def _validation(model: Network, x: Any, y: Any, weight: Any = None) -> Data:
    """Return validation data, checked."""
    data = model.checked_data(x, y, weight, "validation ")
    model.compiled.check_metrics(data.target, model.output_shape, "validation y")
    return data


def weighted_by_class(model: Network, data: Data, class_weight: Any) -> Data:
    """Return the data with each sample weighted by its class, beside its own weight."""
    weight = _class_weights(model, data.target, class_weight)
    told = data.weight is not None and not data.weight.any()
    weight = weight if data.weight is None else weight * data.weight
    finite(weight, "class_weight", model.dtype)
    weight = weight.astype(model.dtype)  # where a tiny one becomes 0
    if not weight.any() and not told:
        warn("class_weight is 0 for every sample, so there is nothing to learn from.")
    return Data(data.x, data.target, weight, data.x_range)


def _class_weights(model: Network, target: Array, class_weight: Any) -> Array:
    """The weight of each sample by its class."""
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"fit's class_weight takes {{class: weight}}. Got {short(class_weight)}. Give a rare "
            "class more, such as {0: 1.0, 1: 9.0}; minnet.diagnose(model, x, y) proposes weights."
        )
    if target.ndim == 2 and target.shape[1] > 1:
        one_hot = np.isin(target, (0, 1)).all() and (target.sum(axis=1) == 1).all()
        if not one_hot and not isinstance(model.loss, CrossEntropy):
            raise ValueError(
                "fit's class_weight takes class labels or one-hot rows in y. Got rows of several "
                "numbers. Use sample_weight."
            )
        check_one_class_a_row(target, "fit's class_weight", "y", shares=False)
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
        if isinstance(key, str):
            raise TypeError(
                "fit's class_weight takes the numbers of classes, as they are in y. Got "
                f"{short(key)}. Number them: {{0: …, 1: …}}."
            )
        label = integer(key, "Each class of fit's class_weight", minimum=0)
        if label >= K:
            raise ValueError(f"fit's class_weight takes classes 0 to {K - 1}. Got {label}.")
        table[label] = number(value, f"fit's class_weight of class {label}", minimum=0.0)
    weights: Array = table[labels]
    return weights


def _warn_of_scale(model: Network, x_range: list[float]) -> None:
    """Warn once of inputs such as raw 0–255 pixels, unless a layer is there to rescale them."""
    first = next((step for step in model.steps if step.rescales or step.parameters), None)
    largest = max(abs(x_range[0]), abs(x_range[1]))
    if isinstance(first, Normalization) and first.changes_nothing:
        if largest > 1.0:
            warn(
                f"{first.label} has seen no data, so it hands x on as it is, with values up to "
                f"{largest:g}. Call its adapt(x) before fit."
            )
        return
    if first is not None and first.rescales:
        return
    if largest > 100.0:
        warn(
            f"x has values up to {largest:g}, and networks learn badly from such numbers. Scale "
            "it first: x / 255 for pixels, or x, x_test = minnet.datasets.standardize(x, x_test)."
        )


def _described(value: Any) -> str:
    """A tuple or list by its length, anything else as it would be typed."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return short(value)


def learning_rates(
    layers: Sequence[Layer],
    flags: Sequence[bool],
    learning_rate: Any,
    start: int,
    unfreezing: bool = False,
) -> dict[str, Rate]:
    """Return the learning rate of each layer that fit's `learning_rate` names, by its name.

    Parameters
    ----------
    flags
        Whether each layer is trainable.
    start
        The number of the fit's first update: a schedule counts from there.
    unfreezing
        Whether a callback may unfreeze layers, so that frozen ones may have rates, too.
    """
    if not isinstance(learning_rate, dict):
        rate = _rate(learning_rate, start, "fit's learning_rate")
        return {layer.label: rate for layer in layers if layer.parameters}
    if not learning_rate:
        raise ValueError("fit's learning_rate takes {layer: number}. Got an empty dict.")
    both = zip(layers, flags, strict=True)
    learning = [layer for layer, on in both if (on or unfreezing) and layer.parameters]
    rates: dict[str, Rate] = {}
    for selector, value in learning_rate.items():
        named = select(layers, selector, "fit's learning_rate")
        trainable = [layer for layer in named if any(layer is one for one in learning)]
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


def check_decay(model: Network, rates: dict[str, Rate]) -> None:
    """Refuse a first update in which weight decay would turn weights around."""
    optimizer, first = model.compiled.optimizer, model.compiled.updates.iterations
    for rate in rates.values() or [optimizer.rate]:
        optimizer.check_decay(rate(first))


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
    return ConstantRate(number(value, who, minimum=0.0))


class ConstantRate:
    """The same learning rate for every update."""

    def __init__(self, constant: float) -> None:
        self.constant = constant

    def __call__(self, step: int) -> float:
        return self.constant
