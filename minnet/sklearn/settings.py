"""scikit-learn's arguments in minnet's words, checked when `fit` begins, as scikit-learn does."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from minnet.foundation.checks import boolean, choice, dtype, instance, integer, number, short, warn
from minnet.layers import ACTIVATIONS, Layer
from minnet.losses import LOSSES, Loss
from minnet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from minnet.training.arguments import check_callbacks

SOLVERS = ("adam", "sgd")
LEARNING_RATES = ("constant", "invscaling", "adaptive")

SKLEARN_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
"""scikit-learn's names of activations that minnet calls otherwise; "tanh" and "relu" are equal."""

SKLEARN_LOSSES = {"squared_error": "mse", "absolute_error": "mae"}
"""scikit-learn's names of losses that minnet calls otherwise."""

FULL_BATCH = 200
"""Rows of a batch where nobody says: scikit-learn's "auto"."""


class Settings:
    """An estimator's arguments, checked.

    Parameters
    ----------
    who
        The estimator's class, for errors.
    given
        Its arguments by name, which stay as they are: what a fit would change is copied.

    Attributes
    ----------
    hidden : list of int
        The width of each hidden layer.
    activations : list of Layer
        That of each hidden layer.
    dropout : list of float
        After each hidden layer; 0 for none.
    loss : Loss or None
        None for scikit-learn's own.
    patience : int or float
        How many epochs without improvement are waited for; infinite for all.
    """

    def __init__(self, who: str, given: Mapping[str, Any], own_loss: str) -> None:
        self.who, self.given = who, given
        self.hidden = _widths(given["hidden_layer_sizes"], f"{who}'s hidden_layer_sizes")
        self.logistic = [name == "logistic" for name in self._each("activation")]
        self.activations = [self._activation(one) for one in self._each("activation", Layer)]
        self.dropout = [
            number(rate, f"{who}'s dropout", minimum=0.0, below=1.0)
            for rate in self._each("dropout")
        ]
        self.layers = self._own_layers()
        self._check_solver()
        for name, limits in {
            "alpha": {"minimum": 0.0},
            "learning_rate_init": {"above": 0.0},
            "power_t": {"minimum": 0.0},
            "tol": {"minimum": 0.0},
            "momentum": {"minimum": 0.0, "below": 1.0},
            "validation_fraction": {"minimum": 0.0, "below": 1.0},
            "beta_1": {"minimum": 0.0, "below": 1.0},
            "beta_2": {"minimum": 0.0, "below": 1.0},
            "epsilon": {"above": 0.0},
        }.items():
            setattr(self, name, number(given[name], f"{who}'s {name}", **limits))
        for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
            setattr(self, name, boolean(given[name], f"{who}'s {name}"))
        self.learning_rate = choice(
            given["learning_rate"], LEARNING_RATES, f"{who}'s learning_rate"
        )
        self.max_iter = integer(given["max_iter"], f"{who}'s max_iter", minimum=1)
        verbose = given["verbose"]
        if not isinstance(verbose, (bool, int, np.bool_, np.integer)):
            raise TypeError(f"{who}'s verbose takes True or False. Got {short(verbose)}.")
        self.verbose = bool(verbose)
        self.patience = self._patience(given["n_iter_no_change"])
        self.dtype = dtype(given["dtype"], f"{who}'s dtype")
        self.loss = self._loss(given["loss"], own_loss)
        self.optimizer = self._optimizer(given["optimizer"])
        self.callbacks = copy.deepcopy(check_callbacks(given["callbacks"]))

    alpha: float
    learning_rate_init: float
    power_t: float
    tol: float
    momentum: float
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    shuffle: bool
    warm_start: bool
    nesterovs_momentum: bool
    early_stopping: bool

    def batch_size(self, N: int, *, partial: bool) -> int:
        """Return the rows of a batch, of N that train; fewer are no surprise in `partial_fit`."""
        size = self.given["batch_size"]
        if isinstance(size, str) and size == "auto":
            return min(FULL_BATCH, N)
        if isinstance(size, str) or size is None:
            raise TypeError(
                f'{self.who}\'s batch_size takes a whole number or "auto". Got {short(size)}.'
            )
        size = integer(size, f"{self.who}'s batch_size", minimum=1)
        if size > N and not partial:
            warn(f"{self.who}'s batch_size is {size}, and only {N} rows train: all in one batch.")
        return min(size, N)

    def new_optimizer(self) -> Optimizer:
        """Return the optimizer that a fit begins with, which remembers nothing yet."""
        if self.optimizer is not None:
            return copy.deepcopy(self.optimizer)
        if self.given["solver"] == "sgd":
            return SGD(self.learning_rate_init, self.momentum, self.nesterovs_momentum)
        return Adam(self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)

    @property
    def changes_rate(self) -> str:
        """How the learning rate changes: only scikit-learn's "sgd" knows more than "constant"."""
        sgd = self.optimizer is None and self.given["solver"] == "sgd"
        return self.learning_rate if sgd else "constant"

    @property
    def architecture(self) -> str:
        """What a network is built from, in words: a warm start goes on with the same."""
        names = ("hidden_layer_sizes", "activation", "dropout", "layers", "base", "dtype")
        widths = {"hidden_layer_sizes": self.hidden}
        return ", ".join(f"{n}={short(widths.get(n, self.given[n]), 200)}" for n in names)

    def _each(self, name: str, *kinds: type) -> list[Any]:
        """Return one value for each hidden layer: the same for all, or as they were given."""
        value = self.given[name]
        if isinstance(value, (str, *kinds)) or not _is_several(value):
            return [value] * len(self.hidden)
        values = list(value)
        if len(values) != len(self.hidden):
            raise ValueError(
                f"{self.who}'s {name} takes one value for all hidden layers, or a list of one for "
                f"each of the {len(self.hidden)}. Got {len(values)}. "
                f"hidden_layer_sizes is {short(self.given['hidden_layer_sizes'])}."
            )
        return values

    def _activation(self, value: Any) -> Layer:
        if isinstance(value, str):
            value = SKLEARN_ACTIVATIONS.get(value, value)
        known = {**dict.fromkeys(SKLEARN_ACTIVATIONS, ACTIVATIONS["linear"]), **ACTIVATIONS}
        return instance(value, Layer, known, f"{self.who}'s activation")

    def _own_layers(self) -> list[Layer] | None:
        layers = self.given["layers"]
        if layers is None:
            return None
        if not isinstance(layers, (list, tuple)) or not all(isinstance(a, Layer) for a in layers):
            raise TypeError(
                f"{self.who}'s layers takes a list of minnet layers, without the last one, which "
                f"follows from y. Got {short(layers)}. Use layers=[Dense(64, activation='relu')]."
            )
        return copy.deepcopy(list(layers))

    def _check_solver(self) -> None:
        solver = self.given["solver"]
        if isinstance(solver, str) and solver == "lbfgs":
            raise ValueError(
                f'{self.who}\'s solver takes "adam" or "sgd". Got "lbfgs", a method for the whole '
                'data at once that minnet does not have. Use solver="adam", and for few rows a '
                "larger learning_rate_init, such as 0.01."
            )
        choice(solver, SOLVERS, f"{self.who}'s solver")

    def _patience(self, value: Any) -> float:
        if isinstance(value, float) and value == np.inf:
            return value
        return integer(value, f"{self.who}'s n_iter_no_change", minimum=1)

    def _loss(self, value: Any, own: str) -> Loss | None:
        who = f"{self.who}'s loss"
        if isinstance(value, str):
            if value == own:
                return None
            value = SKLEARN_LOSSES.get(value, value)
        elif isinstance(value, (int, tuple, list)):
            raise TypeError(
                f"{who} takes a Loss or its name. Got {short(value)}. For widths of hidden layers "
                f"write hidden_layer_sizes={short(value)}."
            )
        loss = instance(value, Loss, {own: LOSSES["mse"], **LOSSES}, who)
        if loss.from_logits:
            raise ValueError(
                f"{who} takes a loss of probabilities, since the last layer follows from y. Got "
                f"{short(loss)}. Leave from_logits out."
            )
        return copy.deepcopy(loss)

    def _optimizer(self, value: Any) -> Optimizer | None:
        if value is None:
            return None
        optimizer = instance(value, Optimizer, OPTIMIZERS, f"{self.who}'s optimizer")
        if isinstance(value, str):
            optimizer.learning_rate = self.learning_rate_init
        return optimizer


def seed_of(random_state: Any) -> int:
    """Return a seed for minnet's generators from what scikit-learn takes as `random_state`.

    None draws fresh entropy. scikit-learn takes NumPy's global generator there, which minnet never
    reads: two fits would no longer be apart from what else a program draws. A
    `numpy.random.Generator` passes as well.
    """
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError:
        raise ValueError(
            "random_state takes a whole number from 0 to 2**32 - 1, a RandomState, a Generator or "
            f"None. Got {short(random_state)}. Use random_state=0."
        ) from None


def _widths(value: Any, who: str) -> list[int]:
    """Return the widths of the hidden layers; one number is one layer."""
    several = not isinstance(value, str) and _is_several(value)
    if not several and not isinstance(value, (int, np.integer)):
        raise TypeError(f"{who} takes whole numbers, such as (64, 32). Got {short(value)}.")
    widths: Sequence[Any] = list(value) if several else [value]
    return [integer(width, f"Each of {who}", minimum=1) for width in widths]


def _is_several(value: Any) -> bool:
    """Whether this has items; an array without an axis has none, though it is iterable by type."""
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0
