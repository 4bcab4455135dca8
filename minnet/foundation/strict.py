"""Words for slips of the pen: a keyword that a call does not take, an attribute that is not there.

Python answers the first in words about itself, and takes the second without a word: after
`layer.trianable = False` the layer trains on. So a class says in its body which attributes it has,
and how those that are settings are checked, in its constructor and whenever they are set.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from minnet.foundation.checks import short
from minnet.foundation.words import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

OTHER_WORDS = {
    "lr": ("learning_rate",),
    "eta": ("learning_rate",),
    "learning_rate_init": ("learning_rate",),
    "alpha": ("negative_slope",),
    "betas": ("beta_1",),
    "eps": ("epsilon",),
    "thresholds": ("threshold",),
    "max_norm": ("global_clipnorm",),
    "n_epochs": ("epochs",),
    "nb_epoch": ("epochs",),
    "max_iter": ("epochs",),
    "random_state": ("seed",),
    "out_features": ("units",),
    "in_features": ("input_dim",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "batch": ("batch_size",),
    "activation_fn": ("activation",),
    "nb_filter": ("filters",),
    "nb_row": ("kernel_size",),
    "nb_col": ("kernel_size",),
    "border_mode": ("padding",),
    "subsample": ("strides",),
    "dim_ordering": ("data_format",),
    "output_dim": ("units",),
    "init": ("kernel_initializer",),
    "W_regularizer": ("kernel_regularizer",),
    "W_constraint": ("kernel_constraint",),
    "b_constraint": ("bias_constraint",),
    "nb_classes": ("num_classes",),
    "y_true": ("target",),
    "y_pred": ("prediction",),
}
"""What other libraries call things → minnet's names for them."""

NOT_TAKEN = {
    "bias_regularizer": "Only W can be penalised, by kernel_regularizer.",
    "weights": "Give it them once it is built: layer.set_weights([W, b]).",
    "decay": "Give the rate as a schedule: InverseTimeDecay(learning_rate, 1, decay).",
    "activity_regularizer": "No layer penalises its outputs. Penalise W: kernel_regularizer.",
    "amsgrad": "AMSGrad is another optimizer, and minnet has none.",
    "centered": "It is RMSprop's: RMSprop(centered=True).",
    "use_ema": "No optimizer averages weights over time here.",
    "ema_momentum": "No optimizer averages weights over time here.",
    "weighted_metrics": 'Put them into metrics, weighted: metrics=[Weighted("accuracy")].',
    "loss_weights": "A model has one output and one loss.",
    "learning_rate": "It belongs to the optimizer: Adam(learning_rate=…), or to one fit.",
    "validation_freq": "fit validates after every epoch.",
    "validation_steps": "fit validates on all rows of validation_data: give it fewer.",
    "validation_batch_size": "It changes no figure: validation takes rows in pieces by itself.",
    "steps_per_epoch": "An epoch takes every row of x once: give it fewer rows, or more epochs.",
    "initial_epoch": "A second fit goes on from the first by itself; resume= goes on from a file.",
    "noise_shape": "Dropout drops each number for itself.",
    "axis": "It acts on the last axis.",
    "data_format": "The channels come last. Move them there: np.moveaxis(x, 1, -1).",
    "dilation_rate": "Windows have no gaps. Take a larger kernel_size.",
    "groups": "Every filter sees all channels. Leave it out.",
}
"""Keywords of Keras that have no other word here → what to write instead, or why not."""

OTHER_ATTRIBUTES = {
    "kernel": ("W",),
    "bias": ("b",),
    "requires_grad": ("trainable",),
}
"""What other libraries call attributes → minnet's names for them."""

BELONGS_ELSEWHERE = {
    "frozen": "Set the opposite: trainable = False.",
    "learning_rate": "It belongs to the optimizer: model.optimizer.learning_rate = …",
    "lr": "It belongs to the optimizer: model.optimizer.learning_rate = …",
}
"""Attributes that have another place or sense here → what to set instead."""


def named(function: F, *, complete: bool = False) -> F:
    """Answer a call that does not fit the signature with the names that it takes.

    A call that fits costs one Python call more, so what runs in every step goes without.

    Parameters
    ----------
    complete
        Whether the signature has all keywords, those included that a `**` hands on.
    """
    explain, entered = _fault, _entered
    too_large, out_of_memory = _is_too_large, _out_of_memory
    code = inspect.unwrap(function).__code__
    names = frozenset(inspect.signature(function).parameters) if complete else None

    def call(*args: Any, **kwargs: Any) -> Any:
        if names is not None and not names.issuperset(kwargs):
            raise TypeError(explain(function, args, kwargs))
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if entered(code, error.__traceback__):
                raise  # the call itself was fine
            fault = explain(function, args, kwargs)
        except (MemoryError, ValueError) as error:
            if not too_large(error):
                raise
            raise out_of_memory(function, error) from None
        raise TypeError(fault)

    # With the globals of the function's own module, since doctest looks there whose it is.
    wrapped = types.FunctionType(
        call.__code__, function.__globals__, function.__name__, None, call.__closure__
    )
    return cast("F", functools.update_wrapper(wrapped, function))


TOO_LARGE = ("Unable to allocate", "array is too big", "Maximum allowed", "Integer overflow")
"""How NumPy says that no memory holds an array."""


def _is_too_large(error: Exception) -> bool:
    """Whether an error is NumPy's about an array that no memory holds."""
    text = str(error)
    return text.startswith(TOO_LARGE) or (isinstance(error, MemoryError) and not text)


def _out_of_memory(function: Callable[..., Any], error: Exception) -> MemoryError:
    """Return an error, in minnet's words, for a call that asks for too much."""
    asked = re.search(r"[\d.]+ [KMGTPE]iB", str(error))
    return MemoryError(
        f"{function.__qualname__.removesuffix('.__init__')} takes what fits into memory. Got a "
        f"call that needs {asked.group() if asked else 'more'} at once. Use smaller numbers."
    )


def _entered(code: types.CodeType, traceback: types.TracebackType | None) -> bool:
    """Whether an error came from inside the function with this code."""
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return True
        traceback = traceback.tb_next
    return False


def _fault(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What is wrong with a call, and what to write."""
    parameters = dict(inspect.signature(function).parameters)
    who = function.__name__
    if "self" in parameters:
        del parameters["self"]
        if who in ("__init__", "__call__"):
            who = type(args[0]).__name__ if who == "__init__" else f"A {type(args[0]).__name__}"
        args = args[1:]
    kinds = inspect.Parameter
    first = [
        n
        for n, p in parameters.items()
        if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    names = [n for n, p in parameters.items() if p.kind not in (kinds.VAR_POSITIONAL,)]
    takes = f"{who} takes {', '.join(names) or 'no arguments'}."
    for name in kwargs:
        if name not in names:
            near = next((w for w in OTHER_WORDS.get(name, ()) if w in names), None)
            hint = f' Did you mean "{near}"?' if near else did_you_mean(name, names)
            if name in NOT_TAKEN:
                hint = f" {NOT_TAKEN[name]}"
            return f"{takes} Got {name}={short(kwargs[name])}.{hint or ' Leave it out.'}"
    if len(args) > len(first):
        several = len(first) == 1 and all(isinstance(a, Strict) for a in args)
        fix = f"Put them into a list: {who}([…])." if several else "Give the others by name."
        if not names:
            fix = "Leave them out."
        taken = f"{', '.join(first) or 'nothing'} by position"
        return f"{who} takes {taken}. Got {len(args)} arguments. {fix}"
    twice = [name for name in first[: len(args)] if name in kwargs]
    if twice:
        return f"{takes} Got {twice[0]} twice, by position and by name. Leave one of them out."
    missing = [
        n
        for n, p in parameters.items()
        if p.default is kinds.empty
        and n not in kwargs
        and n not in first[: len(args)]
        and p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
    ]
    return f"{takes} Got no {' and no '.join(missing)}. Write {missing[0]}=…"


class Declaration:
    """How an attribute is checked, as `setting` declares it."""

    def __init__(
        self,
        check: Callable[..., Any],
        limits: Mapping[str, Any],
        *,
        whose: str | None,
        optional: bool,
        default: Any,
    ) -> None:
        self.check, self.limits = check, limits
        self.whose, self.optional, self.default = whose, optional, default

    def checked(self, value: Any, owner: str, name: str) -> Any:
        """The value as the attribute keeps it."""
        if value is None and self.optional:
            return None
        whose = f"{owner}'s" if self.whose is None else self.whose
        return self.check(value, who=f"{whose} {name}".strip(), **self.limits)


_NONE_GIVEN = object()


def setting(
    check: Callable[..., Any],
    *,
    whose: str | None = None,
    optional: bool = False,
    default: Any = _NONE_GIVEN,
    **limits: Any,
) -> Any:
    """Declare, in the body of a class, an attribute that is checked whenever it is set.

    Reading it costs nothing: the class takes the declaration out of its body, and keeps it for
    `__setattr__`.

    Parameters
    ----------
    check
        Called as `check(value, who=…, **limits)`, such as `checks.number`; returns the value as it
        is kept.
    whose
        What messages say before the name; by default the name of the class, with an 's.
    optional
        Whether None passes.
    default
        What the attribute is while nobody has set it; a class below may have another, as a plain
        attribute.

    Examples
    --------
    >>> from minnet.foundation.checks import number
    >>> class Leak(Strict):
    ...     slope: float = setting(number, minimum=0.0)
    ...     def __init__(self, slope):
    ...         self.slope = slope
    >>> leak = Leak(1)
    >>> leak.slope
    1.0
    >>> leak.slope = -1
    Traceback (most recent call last):
    ValueError: Leak's slope takes a finite number that is 0 or more. Got -1.
    """
    return Declaration(check, limits, whose=whose, optional=optional, default=default)


class Strict:
    """An object of minnet, which has the attributes it has and takes the arguments it takes.

    A class says in its body which attributes its objects have: with a value, with a `setting`, or
    with a type alone; names that begin with `_` are its own business. A class of your own below it
    may have any attributes, and its constructor's arguments are named as minnet's are.
    """

    every_method: ClassVar[bool] = False
    """Whether all public methods answer for their arguments, or only the constructor and calls."""

    inner: ClassVar[frozenset[str]] = frozenset({"forward", "backward"})
    """Methods that run in every step, and are called by minnet."""

    read_only: ClassVar[dict[str, str]] = {}
    """Properties that cannot be set → what to do instead."""

    _settings: ClassVar[dict[str, Declaration]] = {}

    @named
    def __init__(self) -> None:
        """Take no arguments."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        settings: dict[str, Declaration] = {}
        for base in reversed(cls.__bases__):
            settings |= getattr(base, "_settings", {})
        for name, value in list(vars(cls).items()):
            if isinstance(value, Declaration):
                settings[name] = value
                if value.default is _NONE_GIVEN:
                    delattr(cls, name)
                else:
                    setattr(cls, name, value.default)
            elif name == "__init__" and inspect.isfunction(value):
                hands_on = _add_arguments_of(cls, value)
                setattr(cls, name, named(value, complete=hands_on and is_minnets(cls)))
            elif inspect.isfunction(value) and (
                name == "__call__"
                or (cls.every_method and name[0] != "_" and name not in cls.inner)
            ):
                setattr(cls, name, named(value))
        cls._settings = settings

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_":
            value = self._checked_setting(name, value)
        super().__setattr__(name, value)

    def _checked_setting(self, name: str, value: Any) -> Any:
        """The value as it is kept; refused are names that are not there and what is read-only."""
        kind: Any = type(self)
        declared = getattr(kind, name, None)
        if isinstance(declared, property):
            if declared.fset is None:
                raise AttributeError(_cannot_be_set(kind, name, value))
            return value
        there = name in vars(self) or hasattr(kind, name)
        if not there and is_minnets(kind) and name not in _annotated(kind):
            raise AttributeError(_not_there(self, name, value))
        if type(declared) is types.FunctionType and is_minnets(kind) and not callable(value):
            raise AttributeError(
                f"{kind.__name__}'s {name} is a method, to be called and not set. Got "
                f"{short(value)}."
            )
        if name in kind._settings:
            return kind._settings[name].checked(value, kind.__name__, name)
        return value


def _add_arguments_of(kind: type, constructor: Any) -> bool:
    """Give a constructor that hands keywords on by `**` those of the class above it by name.

    So help, messages and files know the whole signature. Returns whether there are any.
    """
    signature = inspect.signature(constructor)
    *own, last = signature.parameters.values()
    above = next(vars(c)["__init__"] for c in kind.__mro__[1:] if "__init__" in vars(c))
    inherited = [
        argument
        for name, argument in inspect.signature(above).parameters.items()
        if argument.kind is argument.KEYWORD_ONLY and name not in signature.parameters
    ]
    if last.kind is not last.VAR_KEYWORD or not inherited:
        return False
    vars(constructor)["__signature__"] = signature.replace(parameters=[*own, *inherited])
    return True


def is_minnets(kind: type) -> bool:
    """Whether a class is minnet's own, and none of a user's."""
    return kind.__module__ == "minnet" or kind.__module__.startswith("minnet.")


def is_own(thing: object) -> bool:
    """Whether an object is of a user's class."""
    return not is_minnets(type(thing))


def check_overriding(kind: type) -> None:
    """Refuse a user's class with a method that cannot be called as the one above it is."""
    if is_minnets(kind):
        return
    base = next(above for above in kind.__mro__ if is_minnets(above))
    for name, method in vars(kind).items():
        above = getattr(base, name, None)
        called = name == "__call__" or name[0] != "_"
        if not (called and inspect.isfunction(method) and inspect.isfunction(above)):
            continue
        takes = inspect.signature(above)
        places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        count = sum(one.kind in places for one in takes.parameters.values())
        try:
            inspect.signature(method).bind(*[None] * count)
        except TypeError:
            arguments = ", ".join(
                one.name if one.default is one.empty else f"{one.name}={one.default!r}"
                for one in takes.parameters.values()
            )
            came = ", ".join(inspect.signature(method).parameters)
            raise TypeError(
                f"{kind.__name__}.{name} takes ({arguments}). Got ({came}). "
                f"Write def {name}({arguments}): …"
            ) from None


def check_called(kind: type, instead: Mapping[str, str]) -> None:
    """Refuse a user's class with a method that no training step calls, though it may seem so.

    Parameters
    ----------
    instead
        The names of such methods → what to write.
    """
    if is_minnets(kind):
        return
    base = next(above for above in kind.__mro__ if is_minnets(above))
    for name, words in instead.items():
        if getattr(kind, name, None) is not getattr(base, name, None):
            raise TypeError(
                f"A class below {base.__name__} takes formulas that a training step calls. Got "
                f"{kind.__name__}.{name}, which none does. {words}"
            )


def is_setting(kind: type[Strict], name: str) -> bool:
    """Whether objects of a class have a `setting` of this name."""
    return name in kind._settings


def _cannot_be_set(kind: type[Strict], name: str, value: Any) -> str:
    who = f"{kind.__name__}'s {name}"
    if name in kind.read_only:
        return f"{who} cannot be set. Got {short(value)}. {kind.read_only[name]}"
    return f"{who} can be read, not set. Got {short(value)}."


def _not_there(thing: Strict, name: str, value: Any) -> str:
    kind: Any = type(thing)
    known = sorted({n for n in (*dir(kind), *vars(thing), *_annotated(kind)) if n[0] != "_"})
    words = (*OTHER_ATTRIBUTES.get(name, ()), *OTHER_WORDS.get(name, ()))
    near = next((word for word in words if word in known), None)
    hint = f' Did you mean "{near}"?' if near else did_you_mean(name, known)
    if not hint and name in BELONGS_ELSEWHERE:
        hint = f" {BELONGS_ELSEWHERE[name]}"
    return f"{kind.__name__} has no attribute {name!r} to set. Got {short(value)}.{hint}"


@functools.cache
def _annotated(kind: Any) -> frozenset[str]:
    """Names that a class, or one above it, declares with a type."""
    return frozenset(name for c in kind.__mro__ for name in inspect.get_annotations(c))
