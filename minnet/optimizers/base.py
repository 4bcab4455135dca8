"""Optimizers: one update formula after another, each on one vector.

An optimizer holds hyper-parameters and a formula, and nothing that changes. What it remembers
between updates (its *slots*) belongs to the model, has `theta`'s layout and is handed over.

`g` is the gradient, `t` counts updates from 1, η is the learning rate, per update. Every factor is
a Python float before it meets a float32 array: a NumPy float64 scalar would turn whole arrays into
float64. A comment beside a line is the formula that has been computed once the line is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from minnet.foundation.checks import Array, number, rate_or_schedule
from minnet.foundation.registry import Config, Configurable
from minnet.foundation.strict import setting

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


class Optimizer(Configurable):
    """The contract of an optimizer.

    An optimizer of your own names its slots and has one formula::

        @minnet.register
        class Heavy(Optimizer):
            slots = ("v",)

            def __init__(self, learning_rate=0.01, **common):
                super().__init__(learning_rate, **common)   # weight_decay, …

            def update(self, theta, grad, slots, t, learning_rate, scratch):
                (v,) = slots
                v *= 0.9
                v -= learning_rate * grad
                theta += v

    Parameters
    ----------
    learning_rate
        η: a number, 0 or more, or a schedule.
    weight_decay
        λ of the decoupled decay θ ← θ − η λ θ that comes before each update (Loshchilov and
        Hutter, 2019); 0 for none. Not in the gradient, so no optimizer rescales it.
    global_clipnorm
        c: where ‖g‖ over all that is trainable is larger, g is scaled down to it, g ← g c / ‖g‖
        (Pascanu, Mikolov and Bengio, 2013). The direction of the step stays.
    clipnorm
        The same for each array of weights by itself, Keras' `clipnorm`. The arrays keep their
        directions, the step as a whole does not.
    clipvalue
        c: every number of g is cut off at −c and c. Of the three, one can be given at a time.
    """

    slots: tuple[str, ...] = ()
    """Names of the arrays that the formula keeps from one update to the next."""

    learning_rate: LearningRate = setting(rate_or_schedule)
    weight_decay: float = setting(number, minimum=0.0)
    global_clipnorm: float | None = setting(number, above=0.0, optional=True)
    clipnorm: float | None = setting(number, above=0.0, optional=True)
    clipvalue: float | None = setting(number, above=0.0, optional=True)

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float = 0.0,
        global_clipnorm: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.global_clipnorm = global_clipnorm
        self.clipnorm, self.clipvalue = clipnorm, clipvalue

    def _check_together(self, name: str, value: Any) -> None:
        if name in CLIPPINGS and value is not None:
            for other in CLIPPINGS:
                given = vars(self).get(other)
                if other != name and given is not None:
                    raise ValueError(
                        f"{type(self).__name__} takes one of {', '.join(CLIPPINGS)}. Got "
                        f"{name}={value:g} beside {other}={given:g}. Make one of them None."
                    )
        rate = vars(self).get("learning_rate")
        if name == "weight_decay" and isinstance(rate, float) and rate * value > 1.0:
            raise ValueError(
                f"{type(self).__name__}'s weight_decay takes a number up to 1 / learning_rate, "
                f"{1.0 / rate:g}: above it θ ← θ − η λ θ turns weights around. Got "
                f"{value:g}. Try 1e-4."
            )

    def get_config(self) -> Config:
        """Leave out the rarer ways of clipping where they are None: most files have none."""
        rare = ("clipnorm", "clipvalue")
        config = super().get_config()
        return {n: value for n, value in config.items() if n not in rare or value is not None}

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
