"""The optimizers, with Keras' arguments and defaults; Adam's ε stands where Keras puts it."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar, TypedDict, Unpack

from minnet import optimizers as core
from minnet.foundation.words import did_you_mean
from minnet.keras import words
from minnet.keras.names import meant, only, plain, public, table
from minnet.keras.optimizers import schedules as schedules
from minnet.keras.variables import tensor
from minnet.optimizers import Optimizer as Optimizer
from minnet.optimizers.base import LearningRate

__getattr__ = words.answering(__name__)


class Rate(float):
    """A learning rate, which Keras' programs also read by `numpy()` and set by `assign`."""

    _of: Any = None

    def numpy(self) -> float:
        """Return the number."""
        return float(self)

    def assign(self, value: Any) -> None:
        """Let the optimizer have another rate."""
        self._of.learning_rate = value

    def __reduce__(self) -> Any:
        return float, (float(self),)


_COUNTING: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""Optimizer → the model whose updates it makes."""


def counts_for(optimizer: Any, model: Any) -> None:
    """Let an optimizer answer with the number of a model's updates."""
    if isinstance(optimizer, KerasOptimizer):
        _COUNTING[optimizer] = weakref.ref(model)


class Arguments(TypedDict, total=False):
    """What every optimizer takes by name, besides its own arguments; see `KerasOptimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    excluded_from_weight_decay: Any
    name: str | None


class KerasOptimizer(core.Optimizer):
    """What all optimizers behind this door take and answer to.

    Parameters
    ----------
    weight_decay, clipnorm, clipvalue, global_clipnorm
        See `minnet.optimizers.Optimizer`; None for none.
    name
        Taken, and kept nowhere.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        excluded_from_weight_decay: Any = (),
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, **settings({"weight_decay": weight_decay}))

    def _checked_setting(self, name: str, value: Any) -> Any:
        checked = super()._checked_setting(name, value)
        if name == "learning_rate" and isinstance(checked, float):
            checked = Rate(checked)
            checked._of = self
        return checked

    def rate(self, step: int) -> float:
        """The learning rate of update number `step`, as a plain number."""
        return float(super().rate(step))

    def __getattr__(self, name: str) -> Any:
        """Answer for what optimizers of Keras have, and minnet's have not."""
        who = "optimizer" if name in words.OF_OPTIMIZERS else type(self).__name__
        sentence = words.OF_OPTIMIZERS.get(name) or did_you_mean(name, public(self)).strip()
        raise AttributeError(f"minnet.keras has no {who}.{name}. {sentence}".rstrip())

    @property
    def iterations(self) -> Any:
        """How many updates the model has had that was compiled with it."""
        model = _COUNTING[self]() if self in _COUNTING else None
        if model is None or not model.is_compiled:
            return self.__getattr__("iterations")
        return tensor(model.compiled.updates.iterations)

    @property
    def name(self) -> str:
        """Keras' word for the class: "adam", "sgd", "rm_sprop"."""
        return NAMES_OF_CLASSES[type(self).__name__]


def settings(common: Any) -> Any:
    """Return what the core's optimizers take of Keras' common arguments."""
    given = dict(common)
    given.pop("name", None)
    who = "An optimizer"
    only(
        who,
        words.OPTIMIZERS.split(". ", 1)[1],
        use_ema=(given.pop("use_ema", False), False),
        loss_scale_factor=(given.pop("loss_scale_factor", None), None),
        gradient_accumulation_steps=(given.pop("gradient_accumulation_steps", None), None),
    )
    given.pop("ema_momentum", None)
    given.pop("ema_overwrite_frequency", None)
    if given.get("weight_decay", 0.0) is None:
        given["weight_decay"] = 0.0
    return given


class SGD(KerasOptimizer, core.SGD):
    """Gradient descent, plain or with momentum."""

    in_files: ClassVar[Any] = core.SGD

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Arguments],
    ) -> None:
        core.SGD.__init__(self, learning_rate, momentum, nesterov, **settings(common))


class RMSprop(KerasOptimizer, core.RMSprop):
    """Steps divided by the running root mean square of the gradient."""

    in_files: ClassVar[Any] = core.RMSprop

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Arguments],
    ) -> None:
        core.RMSprop.__init__(
            self, learning_rate, rho, momentum, epsilon, centered, **settings(common)
        )


class Adagrad(KerasOptimizer, core.Adagrad):
    """Steps divided by the root of the sum of all squares."""

    in_files: ClassVar[Any] = core.Adagrad

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Arguments],
    ) -> None:
        core.Adagrad.__init__(
            self, learning_rate, initial_accumulator_value, epsilon, **settings(common)
        )


class Adadelta(KerasOptimizer, core.Adadelta):
    """Steps in the units of the weights."""

    in_files: ClassVar[Any] = core.Adadelta

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Arguments],
    ) -> None:
        core.Adadelta.__init__(self, learning_rate, rho, epsilon, **settings(common))


class Adamax(KerasOptimizer, core.Adamax):
    """Adam with the largest gradient."""

    in_files: ClassVar[Any] = core.Adamax

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Arguments],
    ) -> None:
        core.Adamax.__init__(self, learning_rate, beta_1, beta_2, epsilon, **settings(common))


class Nadam(KerasOptimizer, core.Nadam):
    """Adam with Nesterov's look ahead."""

    in_files: ClassVar[Any] = core.Nadam

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Arguments],
    ) -> None:
        core.Nadam.__init__(self, learning_rate, beta_1, beta_2, epsilon, **settings(common))


class Adam(KerasOptimizer, core.Adam):
    """Adam in the second form of its paper, with ε beside √v: Keras'."""

    in_files: ClassVar[Any] = core.Adam

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *,
        epsilon_beside: str = "v",
        **common: Unpack[Arguments],
    ) -> None:
        only("Adam", words.OPTIMIZERS, amsgrad=(amsgrad, False))
        core.Adam.__init__(
            self,
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            epsilon_beside=epsilon_beside,
            **settings(common),
        )


class AdamW(KerasOptimizer, core.AdamW):
    """Adam with decoupled weight decay, with ε beside √v."""

    in_files: ClassVar[Any] = core.AdamW

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *,
        epsilon_beside: str = "v",
        **common: Any,
    ) -> None:
        only("AdamW", words.OPTIMIZERS, amsgrad=(amsgrad, False))
        core.AdamW.__init__(
            self,
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            epsilon_beside=epsilon_beside,
            weight_decay=weight_decay or 0.0,
            **settings(common),
        )


NAMES_OF_CLASSES = {
    "SGD": "sgd",
    "RMSprop": "rm_sprop",
    "Adagrad": "adagrad",
    "Adadelta": "adadelta",
    "Adamax": "adamax",
    "Nadam": "nadam",
    "Adam": "adam",
    "AdamW": "adam_w",
}
adadelta, adagrad, adam, adamax, nadam = Adadelta, Adagrad, Adam, Adamax, Nadam
rmsprop, sgd = RMSprop, SGD
CLASSES = (SGD, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Adam, AdamW)

NAMES = table({kind.__name__: kind for kind in CLASSES})


def get(identifier: Any) -> Any:
    """Return the optimizer of this name, in any spelling; an object as it is."""
    for name in words.TABLE["optimizers"]:
        if isinstance(identifier, str) and plain(identifier) == plain(name):
            words.Missing(f"optimizers.{name}", words.OPTIMIZERS)()
    return meant(identifier, NAMES, "compile's optimizer")
