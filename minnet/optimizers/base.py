"""Optimizers: one update formula after another, each on one vector.

An optimizer holds hyper-parameters and a formula, and nothing that changes. What it remembers
between updates (its *slots*) belongs to the model, has `theta`'s layout and is handed over.

`g` is the gradient, `t` counts updates from 1, η is the learning rate, per update. Every factor is
a Python float before it meets a float32 array: a NumPy float64 scalar would turn whole arrays into
float64. A comment beside a line is the formula that has been computed once the line is done.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, cast

from minnet.foundation.checks import Array, number, rate_or_schedule, short, text
from minnet.foundation.registry import Config, Configurable, constructor_arguments
from minnet.foundation.strict import named, setting

CLIPPINGS = ("global_clipnorm", "clipnorm", "clipvalue")
"""The ways to make a gradient smaller; an optimizer has one of them, or none."""

LearningRate = float | Callable[[int], float]
"""A number, or a function of the number of the update (from 0), such as a `Schedule`."""


class OptimizerArguments(TypedDict, total=False):
    """What every optimizer takes by name, besides its own arguments; see `Optimizer`."""

    weight_decay: float
    global_clipnorm: float | None
    clipnorm: float | None
    clipvalue: float | None
    excluded_from_weight_decay: Sequence[str]


KERAS_NAMES = {"W": "kernel", "b": "bias"}
"""What Keras calls the weights of a Dense."""

USUAL_NAMES = {"W", "b", "kernel", "bias", "gamma", "beta"}
"""Names of weights that a model need not have when they are excluded from weight decay."""


def _names(value: Any, who: str) -> tuple[str, ...]:
    """Names, or patterns of names, as a tuple."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f'{who} takes a list of names such as ["b", "gamma"]. Got {short(value)}.')
    return tuple(text(name, f"Each name of {who}", empty=False) for name in value)


class Optimizer(Configurable):
    """The contract of an optimizer.

    Shapes: theta, grad and each slot are vectors (P,), one number for each parameter.

    An optimizer of your own names its slots and has one formula, as the example does, and
    `@minnet.register` above it if it is to be saved.

    Parameters
    ----------
    learning_rate
        η: a number, 0 or more, or a schedule.
    weight_decay
        λ of the decoupled decay θ ← θ − η λ θ that comes before each update (Loshchilov and
        Hutter, 2019); 0 for none. Not in the gradient, so no optimizer rescales it. At most 1 / η:
        above it weights would change their signs.
    global_clipnorm
        c: where ‖g‖ over all that is trainable is larger, g is scaled down to it, g ← g c / ‖g‖
        (Pascanu, Mikolov and Bengio, 2013). The direction of the step stays.
    clipnorm
        The same for each array of weights by itself, Keras' `clipnorm`. The arrays keep their
        directions, the step as a whole does not.
    clipvalue
        c: every number of g is cut off at −c and c. Of the three, one can be given at a time.
    excluded_from_weight_decay
        Which weights do not decay; see `exclude_from_weight_decay`.

    Raises
    ------
    ValueError
        A number out of range, or more than one way of clipping.
    TypeError
        An argument of another type, or one that this optimizer does not have.

    Arguments of its methods
    ------------------------
    layer, weight
        The names of a layer and of one of its weights, such as "dense_1" and "W".
    slot
        One of the names in `slots`.
    step
        The number of the update, from 0.
    theta : (P,) ndarray
        A piece of the model's parameters.
    learning_rate
        η.

    Examples
    --------
    >>> import numpy as np
    >>> class Heavy(Optimizer):
    ...     slots = ("v",)
    ...
    ...     def __init__(self, learning_rate=0.01, **common):
    ...         super().__init__(learning_rate, **common)  # weight_decay, …
    ...
    ...     def update(self, theta, grad, slots, t, learning_rate, scratch):
    ...         (v,) = slots
    ...         v *= 0.9
    ...         v -= learning_rate * grad
    ...         theta += v
    >>> optimizer = Heavy(0.5, weight_decay=0.1)
    >>> theta, v = np.array([1.0]), np.array([optimizer.initial("v")])
    >>> optimizer.update(theta, np.array([2.0]), (v,), 1, optimizer.rate(0), np.empty(1))
    >>> theta, v
    (array([0.]), array([-1.]))
    >>> theta += 1
    >>> optimizer.decay(theta, 0.5)
    >>> theta, optimizer.decays("dense_1", "W")
    (array([0.95]), True)
    """

    slots: tuple[str, ...] = ()
    """Names of the arrays that the formula keeps from one update to the next."""

    learning_rate: LearningRate = setting(rate_or_schedule)
    weight_decay: float = setting(number, minimum=0.0)
    global_clipnorm: float | None = setting(number, above=0.0, optional=True)
    clipnorm: float | None = setting(number, above=0.0, optional=True)
    clipvalue: float | None = setting(number, above=0.0, optional=True)
    excluded_from_weight_decay: tuple[str, ...] = setting(_names, default=())

    rates_set: int = 0
    """How often the learning rate was set: a rate that a fit was given holds until then."""

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float = 0.0,
        global_clipnorm: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        excluded_from_weight_decay: Sequence[str] = (),
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.global_clipnorm = global_clipnorm
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.excluded_from_weight_decay = cast("tuple[str, ...]", excluded_from_weight_decay)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "learning_rate":
            super().__setattr__("rates_set", self.rates_set + 1)

    def _check_together(self, name: str, value: Any) -> None:
        if name in CLIPPINGS and value is not None:
            for other in CLIPPINGS:
                given = vars(self).get(other)
                if other != name and given is not None:
                    raise ValueError(
                        f"{type(self).__name__} takes one of {', '.join(CLIPPINGS)}. Got "
                        f"{name}={value:g} beside {other}={given:g}. Make one of them None."
                    )
        now = {**vars(self), name: value}
        rate = now.get("learning_rate")
        if name in ("learning_rate", "weight_decay") and isinstance(rate, float):
            self.check_decay(rate, now.get("weight_decay", 0.0))

    def get_config(self) -> Config:
        """Leave out what most optimizers do not use: most files have none of it."""
        rare = ("clipnorm", "clipvalue", "excluded_from_weight_decay")
        config = super().get_config()
        return {n: value for n, value in config.items() if n not in rare or value}

    def check_decay(self, learning_rate: float, weight_decay: float | None = None) -> None:
        """Raise ValueError where θ ← θ − η λ θ would turn weights around, by η λ above 1.

        Parameters
        ----------
        weight_decay
            λ; the optimizer's own if None.
        """
        decay = self.weight_decay if weight_decay is None else weight_decay
        if learning_rate * decay > 1.0:
            raise ValueError(
                f"{type(self).__name__}'s weight_decay takes a number up to 1 / learning_rate, "
                f"{1.0 / learning_rate:g}: above it θ ← θ − η λ θ turns weights around. Got "
                f"{decay:g}. Try 1e-4."
            )

    @named
    def exclude_from_weight_decay(self, var_names: Sequence[str]) -> None:
        """Let no weight of these names decay: Keras' method.

        By default all decay, biases and γ and β of batch normalization too, as in Keras and
        PyTorch; optax takes a mask. Sparing these is common, since nothing is gained by drawing
        them towards 0.

        Parameters
        ----------
        var_names
            Names such as "b", "gamma" and "beta" (or Keras' "bias" and "kernel"), for all layers,
            or with the layer's, "dense_1.W"; `*` stands for anything.

        Raises
        ------
        TypeError
            No list of names, or an optimizer of your own that does not hand `**common` on.

        Examples
        --------
        >>> from minnet.optimizers import AdamW
        >>> optimizer = AdamW(weight_decay=0.01)
        >>> optimizer.exclude_from_weight_decay(["bias", "gamma", "beta"])
        >>> optimizer.decays("dense_1", "W"), optimizer.decays("dense_1", "b")
        (True, False)
        """
        if "excluded_from_weight_decay" not in constructor_arguments(type(self)):
            raise TypeError(
                f"exclude_from_weight_decay takes an optimizer that hands its common arguments on, "
                f"so that a file can keep the names. Got {type(self).__name__}. Write **common in "
                "its constructor, and super().__init__(learning_rate, **common)."
            )
        self.excluded_from_weight_decay = cast("tuple[str, ...]", var_names)

    def decays(self, layer: str, weight: str) -> bool:
        """Whether weight decay acts on the weight of this name, of the layer of this name."""
        excluded = self.excluded_from_weight_decay
        return not any(self.is_named(pattern, layer, weight) for pattern in excluded)

    @staticmethod
    def is_named(pattern: str, layer: str, weight: str) -> bool:
        """Whether a name or a pattern means the weight of this name, of the layer of this name."""
        names = (weight, KERAS_NAMES.get(weight, weight))
        shown = (*names, *(f"{layer}{dot}{name}" for name in names for dot in "./"))
        return any(fnmatch.fnmatchcase(name, pattern) for name in shown)

    def initial(self, slot: str) -> float:
        """What a slot is filled with at first."""
        return 0.0

    def rate(self, step: int) -> float:
        """The learning rate of update number `step`, counted from 0.

        Raises
        ------
        ValueError, TypeError
            A schedule gave something else than a finite number, 0 or more.
        """
        rate = self.learning_rate
        if isinstance(rate, float):
            return rate
        return number(
            rate(step), f"The schedule of {type(self).__name__} at step {step}", minimum=0.0
        )

    def decay(self, theta: Array, learning_rate: float) -> None:
        """θ ← θ − η λ θ, in place."""
        theta *= 1.0 - learning_rate * self.weight_decay

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        """Move theta by one step, in place.

        Parameters
        ----------
        theta, grad : (P,) ndarray
            A piece of the model's parameters, and its gradient, which is not written to.
        slots
            One (P,) array for each name in `slots`.
        t
            How many updates this piece has had, this one included.
        learning_rate
            η.
        scratch : (P,) ndarray
            For intermediate results, so that a step allocates nothing.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(theta, grad, …).")
