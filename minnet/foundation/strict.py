"""Words for slips of the pen: a keyword that a call does not take, an attribute that is not there.

Python answers the first in words about itself, and takes the second without a word: after
`layer.trianable = False` the layer trains on.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from minnet.foundation.checks import did_you_mean, short

F = TypeVar("F", bound=Callable[..., Any])

OTHER_WORDS = {
    "lr": ("learning_rate",),
    "eta": ("learning_rate",),
    "learning_rate_init": ("learning_rate",),
    "alpha": ("negative_slope", "weight_decay"),
    "betas": ("beta_1",),
    "eps": ("epsilon",),
    "clipnorm": ("global_clipnorm",),
    "max_norm": ("global_clipnorm",),
    "n_epochs": ("epochs",),
    "nb_epoch": ("epochs",),
    "max_iter": ("epochs",),
    "random_state": ("seed",),
    "out_features": ("units",),
    "in_features": ("input_dim",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "return_dict": ("verbose",),
}
"""What other libraries call things → minnet's names for them."""


def named(function: F) -> F:
    """Answer a call that does not fit the signature with the names that it takes.

    A call that fits costs one Python call more, so what runs in every step goes without.
    """
    explain, entered = _fault, _entered
    code = inspect.unwrap(function).__code__

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if entered(code, error.__traceback__):
                raise  # the call itself was fine
            fault = explain(function, args, kwargs)
        raise TypeError(fault)

    # With the globals of the function's own module, since doctest looks there whose it is.
    wrapped = types.FunctionType(
        call.__code__, function.__globals__, function.__name__, None, call.__closure__
    )
    return cast("F", functools.update_wrapper(wrapped, function))


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


class Strict:
    """An object of minnet, which has the attributes it has and takes the arguments it takes.

    A class of your own below it may have any attributes, and its constructor's arguments are named
    as minnet's are.
    """

    every_method: ClassVar[bool] = False
    """Whether all public methods answer for their arguments, or only the constructor and calls."""

    inner: ClassVar[frozenset[str]] = frozenset({"forward", "backward"})
    """Methods that run in every step, and are called by minnet."""

    fixed: ClassVar[dict[str, str]] = {}
    """Attributes that cannot be set → what to do."""

    @named
    def __init__(self) -> None:
        """Take no arguments."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            wanted = name in ("__init__", "__call__") or (
                cls.every_method and name[0] != "_" and name not in cls.inner
            )
            if wanted and inspect.isfunction(function):
                setattr(cls, name, named(function))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, check_attribute(self, name, value))

    def _checked_setting(self, name: str, value: Any) -> Any:
        """The value of an attribute that is there, as the constructor would have taken it."""
        return value


def check_attribute(thing: Strict, name: str, value: Any) -> Any:
    """What may be set; refused are names that are not there and values that would do nothing.

    minnet itself may set anything: what counts is who called `__setattr__`.
    """
    caller = sys._getframe(2).f_globals.get("__name__", "")
    kind: Any = type(thing)
    if name[0] == "_" or _is_minnets(caller) or not _is_minnets(kind.__module__):
        return value
    who = f"{kind.__name__}'s {name}"
    if name in kind.fixed:
        raise AttributeError(f"{who} cannot be set. Got {short(value)}. {kind.fixed[name]}")
    there = getattr(kind, name, None)
    if isinstance(there, property):
        if there.fset is None:
            raise AttributeError(f"{who} can be read, not set. Got {short(value)}.")
        return value
    if name not in vars(thing) and not hasattr(kind, name) and name not in _annotated(kind):
        known = sorted({n for n in (*dir(kind), *vars(thing)) if n[0] != "_"})
        near = next((w for w in OTHER_WORDS.get(name, ()) if w in known), None)
        hint = f' Did you mean "{near}"?' if near else did_you_mean(name, known)
        raise AttributeError(
            f"{kind.__name__} has no attribute {name!r} to set. Got {short(value)}.{hint}"
        )
    return thing._checked_setting(name, value)


def _is_minnets(module: str) -> bool:
    return module == "minnet" or module.startswith("minnet.")


@functools.cache
def _annotated(kind: Any) -> frozenset[str]:
    """Names that a class or one above it declares without a value."""
    return frozenset(n for c in kind.__mro__ for n in vars(c).get("__annotations__", {}))
