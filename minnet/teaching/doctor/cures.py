"""Cures that can be run: each makes of a model and its data a treated copy of both.

A cure has a name, the words of the advice, and a function. The functions below are what cures are
made of: another start, other layers, other settings, other data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.initializers import INITIALIZERS
from minnet.layers import (
    ACTIVATIONS,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    Linear,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minnet.models import Sequential
from minnet.optimizers import Optimizer
from minnet.regularizers import L2

SQUASHING = (Sigmoid, Tanh, Softsign, Softmax, Softplus)
"""Activations whose slope is far below 1 on much of their curve, or competes with the others'."""


class Treated(NamedTuple):
    """A model and its data, as they were or after a cure.

    Attributes
    ----------
    model
        Compiled; a copy.
    x, y
        What it is to be trained with.
    settings
        Further arguments of `fit`, such as batch_size, shuffle, class_weight, validation_data.
    restore
        Predictions → predictions of the y that came, where the cure has changed y; or None.
    """

    model: Sequential
    x: Any
    y: Any
    settings: dict[str, Any]
    restore: Callable[[Array], Array] | None = None


Treat = Callable[[Treated], Treated]


@dataclass(frozen=True)
class Cure:
    """Something that can be done about a finding.

    Call it with the model and the data, and train what it gives::

        cured = finding.cure(model, x, y)
        cured.model.fit(cured.x, cured.y, **cured.settings)

    Attributes
    ----------
    name
        What is new, in a word or two: "relu", "SGD(0.1)", "x standardised".
    advice
        The same as a sentence, with the code to write.
    treat
        `Treated` → `Treated`: changes the model that it is given, and copies data.
    rows : (n,) ndarray of int, or None
        Rows without which a trial of the cure would show nothing, such as those of a rare class.
    simpler
        The name of a cure that does less, and is preferred where it wins as well; or "".
    """

    name: str
    advice: str
    treat: Treat
    rows: Array | None = None
    simpler: str = ""

    def __call__(self, model: Sequential, x: Any, y: Any, **settings: Any) -> Treated:
        """Return a treated copy of the model with the data to train it on.

        Parameters
        ----------
        model
            A compiled model; it stays as it is.
        x, y
            As `fit` would be given them; they stay as they are.
        settings
            Further arguments of `fit`.
        """
        twin = model.copy()
        if not twin.built:
            twin.checked_data(x, y)
        return self.treat(Treated(twin, np.asarray(x), np.asarray(y), dict(settings)))


def both(first: Treat, second: Treat) -> Treat:
    """One cure after the other."""
    return lambda treated: second(first(treated))


# --- the model ------------------------------------------------------------------------------------


def restacked(model: Sequential, change: Callable[[int, Layer], list[Layer]]) -> Sequential:
    """The model with other layers, as many of them drawn anew as may be.

    `change` is handed the number of a layer and a fresh one like it, and gives what stands there
    instead. What is frozen, or came from elsewhere with its weights, stays as it is.
    """
    stack: list[Layer] = []
    for i, layer in enumerate(model.layers):
        stack += [layer.copy()] if is_kept(layer) else change(i, fresh(layer))
    for _ in model.layers:
        model.pop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the patient's own layers were warned of
        model.add_all(stack)
    model.compiled.forget()
    return model


def is_kept(layer: Layer) -> bool:
    """Whether a layer's weights are not the patient's to draw anew."""
    if not layer.parameters:
        return bool(layer.states)  # statistics that were taken from data
    return not layer.trainable or layer.origin != "new"


def fresh(layer: Layer, **settings: Any) -> Layer:
    """A layer with the same arguments but for these, without weights yet."""
    try:
        new = type(layer).from_config({**layer.get_config(), **settings})
    except Exception:  # a class of a student's own may keep its arguments elsewhere
        new = layer.copy()
    return new


def started(initializer: str, *, lowest: int = 0) -> Treat:
    """Draw the weights of dense layers anew, from layer `lowest` on; biases start from 0."""

    def change(i: int, layer: Layer) -> list[Layer]:
        if not isinstance(layer, Dense):
            return [layer]
        start = INITIALIZERS[initializer]()
        return [fresh(layer, kernel_initializer=start, bias_initializer="zeros")]

    def treat(treated: Treated) -> Treated:
        model = treated.model
        if not lowest:
            return treated._replace(model=restacked(model, change))
        for i, layer in enumerate(model.layers):
            if i >= lowest % len(model.layers) and isinstance(layer, Dense) and layer.built:
                new: Any = change(i, layer)[0]
                new.build((len(layer.W),), np.random.default_rng(0))
                layer.set_weights(new.get_weights())
        model.compiled.forget()
        return treated

    return treat


def activated(activation: str, initializer: str) -> Treat:
    """Give all hidden layers another activation, and weights that suit it."""

    def treat(treated: Treated) -> Treated:
        last = len(treated.model.layers) - 1
        top = max(i for i, layer in enumerate(treated.model.layers) if layer.parameters)

        def change(i: int, layer: Layer) -> list[Layer]:
            if isinstance(layer, Dense) and i < top:
                start = INITIALIZERS[initializer]()
                plain = isinstance(layer.activation, (Linear, NoneType))
                new = None if plain else activation
                zeros: Any = {"bias_initializer": "zeros"} if layer.use_bias else {}
                return [fresh(layer, activation=new, kernel_initializer=start, **zeros)]
            if i < min(top, last) and isinstance(layer, (*SQUASHING, Activation)):
                return [ACTIVATIONS[activation]()]
            return [layer]

        return treated._replace(model=restacked(treated.model, change))

    return treat


def nonlinear(numbers: Sequence[int], activation: str = "relu") -> Treat:
    """Give the dense layers of these numbers an activation."""

    def change(i: int, layer: Layer) -> list[Layer]:
        plain = isinstance(layer, Dense) and isinstance(layer.activation, (Linear, NoneType))
        if plain and i in numbers:
            start = INITIALIZERS["he_normal"]()
            return [fresh(layer, activation=activation, kernel_initializer=start)]
        return [layer]

    return lambda treated: treated._replace(model=restacked(treated.model, change))


def unbent(number: int) -> Treat:
    """Take the activation of the layer of this number away; one that is nothing else goes."""

    def change(i: int, layer: Layer) -> list[Layer]:
        if i != number:
            return [layer]
        return [fresh(layer, activation=None)] if isinstance(layer, Dense) else []

    return lambda treated: treated._replace(model=restacked(treated.model, change))


def widened(units: int) -> Treat:
    """Make all hidden dense layers that are narrower so wide."""

    def treat(treated: Treated) -> Treated:
        top = max(i for i, a in enumerate(treated.model.layers) if isinstance(a, Dense))

        def change(i: int, layer: Layer) -> list[Layer]:
            if isinstance(layer, Dense) and i < top and layer.units < units:
                return [fresh(layer, units=units)]
            return [layer]

        return treated._replace(model=restacked(treated.model, change))

    return treat


def deepened(units: int) -> Treat:
    """Put a hidden layer of ReLU units below the last dense layer."""

    def treat(treated: Treated) -> Treated:
        taken = {layer.name for layer in treated.model.layers}
        name = next(f"hidden_{i}" for i in range(1, 1000) if f"hidden_{i}" not in taken)
        top = max(i for i, a in enumerate(treated.model.layers) if isinstance(a, Dense))

        def change(i: int, layer: Layer) -> list[Layer]:
            if i != top:
                return [layer]
            start = INITIALIZERS["he_normal"]()
            hidden = Dense(units, activation="relu", kernel_initializer=start, name=name)
            return [hidden, fresh(layer, input_shape=None)]

        return treated._replace(model=restacked(treated.model, change))

    return treat


def with_biases() -> Treat:
    """Give every dense layer its bias."""

    def change(i: int, layer: Layer) -> list[Layer]:
        return [fresh(layer, use_bias=True) if isinstance(layer, Dense) else layer]

    return lambda treated: treated._replace(model=restacked(treated.model, change))


def unconstrained(rate: float, penalty: float) -> Treat:
    """Drop less, or nothing, and punish weights less."""

    def change(i: int, layer: Layer) -> list[Layer]:
        if isinstance(layer, Dropout) and layer.rate > rate:
            return [fresh(layer, rate=rate)]
        if isinstance(layer, Dense) and layer.kernel_regularizer is not None:
            return [fresh(layer, kernel_regularizer=L2(penalty))]
        return [layer]

    return lambda treated: treated._replace(model=restacked(treated.model, change))


def started_over(treated: Treated) -> Treated:
    """Draw all weights anew, those that are kept aside."""
    return treated._replace(model=restacked(treated.model, lambda i, layer: [layer]))


def ended(activation: str | None) -> Treat:
    """Give the model another last activation; the weights stay."""

    def treat(treated: Treated) -> Treated:
        last = len(treated.model.layers) - 1

        def change(i: int, layer: Layer) -> list[Layer]:
            if i < last:
                return [layer]
            if isinstance(layer, Dense):
                return [fresh(layer, activation=activation)]
            return [ACTIVATIONS[activation or "linear"]()]

        return treated._replace(model=with_weights(treated.model, change))

    return treat


def with_weights(model: Sequential, change: Callable[[int, Layer], list[Layer]]) -> Sequential:
    """The model with each layer changed for one with the same arrays, which keep their values."""
    arrays = [layer.get_weights() for layer in model.layers]
    model = restacked(model, change)
    for layer, values in zip(model.layers, arrays, strict=True):
        if values:
            layer.set_weights(values)
    return model


def with_outputs(outputs: int) -> Treat:
    """Make the last dense layer so wide."""

    def treat(treated: Treated) -> Treated:
        top = max(i for i, a in enumerate(treated.model.layers) if isinstance(a, Dense))

        def change(i: int, layer: Layer) -> list[Layer]:
            return [fresh(layer, units=outputs) if i == top else layer]

        return treated._replace(model=restacked(treated.model, change))

    return treat


def unfrozen(which: Any) -> Treat:
    """Let layers learn."""

    def treat(treated: Treated) -> Treated:
        treated.model.unfreeze(which)
        return treated

    return treat


def normalised_faster(momentum: float) -> Treat:
    """Let running statistics follow faster; all weights stay."""

    def change(i: int, layer: Layer) -> list[Layer]:
        if isinstance(layer, BatchNormalization) and layer.momentum > momentum:
            return [fresh(layer, momentum=momentum)]
        return [layer]

    return lambda treated: treated._replace(model=with_weights(treated.model, change))


# --- the settings ---------------------------------------------------------------------------------


def at_rate(rate: float) -> Treat:
    """Learn at another rate, from the first weights on."""

    def treat(treated: Treated) -> Treated:
        treated.model.compiled.forget()
        optimizer = treated.model.compiled.optimizer
        decay = getattr(optimizer, "weight_decay", 0.0)
        optimizer.learning_rate = min(rate, 1.0 / decay) if decay else rate  # beyond, it turns
        return treated

    return treat


def updated_by(make: Callable[[], Optimizer]) -> Treat:
    """Learn by another optimizer."""

    def treat(treated: Treated) -> Treated:
        treated.model.compiled.switch_optimizer(make())
        return treated

    return treat


def fitted_with(**settings: Any) -> Treat:
    """Call fit with other arguments."""
    return lambda treated: treated._replace(settings={**treated.settings, **settings})


# --- the data -------------------------------------------------------------------------------------


def inputs_changed(make: Callable[[Array], Callable[[Array], Array]]) -> Treat:
    """Change x, and the validation's in the same way; `make` is handed the training's x."""

    def treat(treated: Treated) -> Treated:
        change = make(treated.x)
        settings = dict(treated.settings)
        if settings.get("validation_data") is not None:
            vx, *others = settings["validation_data"]
            settings["validation_data"] = (change(np.asarray(vx)), *others)
        return treated._replace(x=change(treated.x), settings=settings)

    return treat


def standardized(x: Array) -> Callable[[Array], Array]:
    """Bring all columns to mean 0 and deviation 1, by the numbers of x."""
    wide = x.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)

    def change(x: Array) -> Array:
        scaled: Array = ((x - mean) / deviation).astype(np.float32)
        return scaled

    return change


def divided(by: float) -> Callable[[Array], Callable[[Array], Array]]:
    """Divide by a number."""
    return lambda _: lambda x: np.asarray(x / by, np.float32)


def clipped(column: int, low: float, high: float) -> Callable[[Array], Callable[[Array], Array]]:
    """Cut one column off at both ends."""

    def change(x: Array) -> Array:
        flat = np.array(x).reshape(len(x), -1)
        flat[:, column] = np.clip(flat[:, column], low, high)
        return flat.reshape(x.shape)

    return lambda _: change


def targets_scaled(mean: float, deviation: float) -> Treat:
    """Learn (y − mean) / deviation, and turn predictions back."""

    def treat(treated: Treated) -> Treated:
        settings = dict(treated.settings)
        if settings.get("validation_data") is not None:
            vx, vy, *others = settings["validation_data"]
            scaled = (np.asarray(vy, np.float64) - mean) / deviation
            settings["validation_data"] = (vx, scaled, *others)
        y = (np.asarray(treated.y, np.float64) - mean) / deviation
        before = treated.restore or (lambda prediction: prediction)
        return treated._replace(
            y=y.astype(np.float32),
            settings=settings,
            restore=lambda prediction: before(prediction * deviation + mean),
        )

    return treat


def rows_kept(choose: Callable[[Treated], Array]) -> Treat:
    """Keep the rows that `choose` names."""

    def treat(treated: Treated) -> Treated:
        rows = choose(treated)
        return treated._replace(x=treated.x[rows], y=treated.y[rows])

    return treat


def labels_lowered(treated: Treated) -> Treated:
    """Count labels from 0 and not from 1."""
    return treated._replace(y=np.asarray(treated.y) - 1)


def validation_kept(choose: Callable[[Treated], Array]) -> Treat:
    """Keep the validation rows that `choose` names."""

    def treat(treated: Treated) -> Treated:
        rows = choose(treated)
        pair = tuple(np.asarray(array)[rows] for array in treated.settings["validation_data"])
        return treated._replace(settings={**treated.settings, "validation_data": pair})

    return treat


def split_anew(treated: Treated) -> Treated:
    """Shuffle the training and the validation rows together, and split them as before."""
    vx, vy = (np.asarray(array) for array in treated.settings["validation_data"][:2])
    x = np.concatenate([treated.x, vx.astype(treated.x.dtype)])
    y = np.concatenate([treated.y, vy.astype(treated.y.dtype)])
    order = np.random.default_rng(0).permutation(len(x))
    train, held = order[: len(treated.x)], order[len(treated.x) :]
    settings = {**treated.settings, "validation_data": (x[held], y[held])}
    return treated._replace(x=x[train], y=y[train], settings=settings)
