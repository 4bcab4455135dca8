"""How a layer, a loss or an optimizer is explained, and who explains which class.

An explanation is a function under `@explains(Class)`. It is handed the numbers of a step and
returns the formulas that made them, with whatever else is worth a look. minnet's own stand in
`layers.py`, `losses.py` and `optimizers.py`; yours may stand beside your class::

    @explains(Scale)
    def scale(step):
        return LayerFormulas(
            y=Computation("@y = s ⊙ @x"),
            dx=Computation("@dx = @dy ⊙ s"),
            gradients={"s": Computation("ds[d] = Σ_n @dy[n, d] · @x[n, d]")},
        )
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from minnet.foundation.checks import Array, short
from minnet.foundation.strict import named
from minnet.layers.base import Layer
from minnet.losses import Loss
from minnet.optimizers import Optimizer
from minnet.teaching.explain.blocks import Index, Math, Shown, Worked
from minnet.teaching.explain.digits import first_nonzero
from minnet.teaching.explain.numbers import Numbers, Step, UpdatedNumber
from minnet.teaching.explain.typesetting import formula

ByHand = Callable[[Index], Worked | list[Worked] | None] | Worked | list[Worked] | None
"""How a number is worked by hand, as the function of an explanation may say it."""


class Computation:
    """How one array is computed.

    Parameters
    ----------
    formulas
        One below the other, the one that runs last. A formula is text, or a `Math` where its LaTeX
        should be finer than what follows from the text. `@x`, `@y`, `@dx` and `@dy` are the step's
        own arrays; they get the names that these have in the whole network, such as y2 and dy3.
    beside : dict of ndarray, or list of Shown
        Symbol → an array that is shown with the result: `{"s": step.memo["s"]}`; as a list of
        `Shown` with how its numbers are worked by hand. Shown without being asked for are x,
        weights and y; of a gradient dy and the result.
    by_hand : function, Worked, list of Worked, or None
        A function that takes an index of the result and works the number there by hand, in one
        line or several. What is not a function is about one number only.

    Raises
    ------
    TypeError
        Formulas that are no text and no `Math`, when the step is explained.

    Examples
    --------
    >>> [formula.text for formula in Computation("@dx = @dy Wᵀ").formulas]
    ['@dx = @dy Wᵀ']
    """

    def __init__(
        self,
        *formulas: str | Math,
        beside: Mapping[str, Array] | Mapping[Math, Array] | Sequence[Shown] | None = None,
        by_hand: ByHand = None,
    ) -> None:
        self.formulas = [_formula(written) for written in formulas]
        if isinstance(beside, Mapping):
            beside = [Shown(_formula(name), array) for name, array in beside.items()]
        self.beside = list(beside or [])
        self.by_hand = by_hand

    def worked(self, index: Index) -> list[Worked]:
        """The number of the result at this index by hand, as far as somebody wrote how."""
        return _lines(self.by_hand(index)) if callable(self.by_hand) else []

    def example(self, result: Array) -> list[Worked]:
        """One number by hand: of those of the result that are shown, the first that is not 0."""
        if callable(self.by_hand):
            return self.worked(first_nonzero(result))
        return _lines(self.by_hand)


def _lines(by_hand: Worked | list[Worked] | None) -> list[Worked]:
    return by_hand if isinstance(by_hand, list) else [by_hand] if by_hand is not None else []


def _formula(written: str | Math) -> Math:
    return formula(written) if isinstance(written, str) else written


@dataclass(frozen=True)
class LayerFormulas:
    """How a step of a model is computed.

    Attributes
    ----------
    y
        From x to y. Beside it stands what the forward pass kept for the way back.
    dx
        The chain rule for ∂L/∂x, down to the formula that runs.
    gradients : dict of Computation
        Weight name → the same for its gradient.
    about
        A sentence, where formulas do not say everything.
    shapes
        A sentence about the shapes of x and y.
    states
        A sentence about how its states move when a step is finished.
    symbols : dict of str
        How a weight is written, where its name is not its symbol: `{"alpha": "α"}`.
    entrywise
        Whether each number of y depends on the number of x at the same index, and on no other:
        then ∂y/∂x has x's shape, and is shown.
    slope
        A function that works the number of that ∂y/∂x at an index by hand.

    Examples
    --------
    >>> LayerFormulas(y=Computation("@y = 2 @x"), dx=Computation("@dx = 2 @dy")).gradients
    {}
    """

    y: Computation
    dx: Computation
    gradients: Mapping[str, Computation] = field(default_factory=dict)
    about: str = ""
    shapes: str = ""
    states: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)
    entrywise: bool = False
    slope: Callable[[Index], Worked] | None = None


@dataclass(frozen=True)
class LossFormulas:
    """How a loss is computed.

    Attributes
    ----------
    per_sample
        L[n] of each sample. `@y` is the prediction; in a fused pair `@x` are the logits.
    gradient
        ∂L/∂ of the prediction, or of the logits in a fused pair: what the way back starts with.
    about
        A sentence or two: why so, and what the targets are.

    Examples
    --------
    >>> LossFormulas(Computation("L[n] = |@y − t|"), Computation("d@y = sign(@y − t) / N")).about
    ''
    """

    per_sample: Computation
    gradient: Computation
    about: str = ""


@dataclass(frozen=True)
class OptimizerFormulas:
    """How an optimizer moves a weight θ, by its gradient g.

    Attributes
    ----------
    update
        What one update computes, in order, without the decay and the clipping that all have.
    by_hand : callable or None
        `by_hand(optimizer, number)` works the update of one number by hand, line by line.
    about
        A sentence, where formulas do not say everything.
    symbols : dict of str
        How a setting or a slot is written, where its name is not its symbol.

    Examples
    --------
    >>> OptimizerFormulas(["θ ← θ − η sign(g)"]).symbols
    {}
    """

    update: Computation
    by_hand: Callable[[Any, UpdatedNumber], list[Worked]] | None = None
    about: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)


Explained = TypeVar("Explained", LayerFormulas, LossFormulas, OptimizerFormulas)
O_ = TypeVar("O_", bound=Optimizer)

CONTRACTS = (Layer, Loss, Optimizer)

_EXPLANATIONS: dict[type, Callable[[Any], Any]] = {}


@overload
def explains(
    kind: type[Layer],
) -> Callable[[Callable[[Step], LayerFormulas]], Callable[[Step], LayerFormulas]]: ...
@overload
def explains(
    kind: type[Loss],
) -> Callable[[Callable[[Numbers], LossFormulas]], Callable[[Numbers], LossFormulas]]: ...
@overload
def explains(
    kind: type[O_],
) -> Callable[[Callable[[O_], OptimizerFormulas]], Callable[[O_], OptimizerFormulas]]: ...
@named
def explains(kind: type) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Let the function below explain a class of layers, losses or optimizers in `explain_step`.

    It is called with the `Step` of a layer, with all `Numbers` for a loss, and with an optimizer
    itself, and returns `LayerFormulas`, `LossFormulas` or `OptimizerFormulas`. A subclass that
    changes no formula is explained by the same function; one that does needs its own.

    Parameters
    ----------
    kind
        The class that the function explains.

    Raises
    ------
    TypeError
        What it is given is no such class.

    Examples
    --------
    >>> import minnet, numpy as np
    >>> from minnet.layers import Dense, Layer
    >>> class Half(Layer):
    ...     def forward(self, x, memo=None):
    ...         return x / 2
    ...
    ...     def backward(self, x, y, dy, memo=None):
    ...         return dy / 2
    >>> @explains(Half)
    ... def half(step):
    ...     return LayerFormulas(y=Computation("@y = @x / 2"), dx=Computation("@dx = @dy / 2"))
    >>> model = minnet.Sequential([Half(), Dense(1)], seed=0)
    >>> model.build((3,))
    >>> model.compile("sgd", "mse")
    >>> minnet.explain_step(model, np.ones((2, 3)), [0, 1]).steps[0].formula
    'y = x / 2'
    """
    if not (isinstance(kind, type) and issubclass(kind, CONTRACTS)):
        raise TypeError(
            f"explains takes a class of layers, losses or optimizers. Got {short(kind)}. Write "
            "@explains(YourLayer) above the function that explains it."
        )

    def keep(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _EXPLANATIONS[kind] = function
        return function

    return keep


def explained_class(thing: Layer | Loss | Optimizer) -> type[Any] | None:
    """The class by whose explanation an object can be explained: its own, or one above it."""
    return next(
        (kind for kind in type(thing).__mro__ if kind in _EXPLANATIONS and _computes(thing, kind)),
        None,
    )


NO_FORMULA = {"build", "compute_output_shape", "get_config", "check_target", "check_prediction"}
"""Methods that a subclass may have anew without computing anything else."""


def _computes(thing: object, kind: type) -> bool:
    """Whether an object has all the formulas of this class, which is its own or one above it."""
    formulas = {
        name
        for above in kind.__mro__
        if issubclass(above, CONTRACTS) and above not in CONTRACTS
        for name, function in vars(above).items()
        if inspect.isfunction(function) and not name.startswith("__") and name not in NO_FORMULA
    }
    static = inspect.getattr_static
    return all(static(thing, name) is static(kind, name) for name in formulas)


def explanation(kind: type, numbers: object, wanted: type[Explained]) -> Explained:
    """What the explanation of this class returns for these numbers."""
    function = _EXPLANATIONS[kind]
    formulas = function(numbers)
    if not isinstance(formulas, wanted):
        raise TypeError(
            f"explains({kind.__name__}) takes a function that returns {wanted.__name__}. Got "
            f"{short(formulas)} from {function.__name__}. End it with return {wanted.__name__}(…)."
        )
    return formulas


def own_words(thing: object) -> str | None:
    """The first sentence of a student's own docstring, on one line, or None."""
    doc = inspect.cleandoc(vars(type(thing)).get("__doc__") or "")
    first = " ".join(doc.split("\n\n")[0].split())
    return first or None
