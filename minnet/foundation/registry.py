"""What can be written to a file and read back: objects as plain names and numbers.

A layer, a loss, an optimizer or an initializer is described by its class name and the arguments
of its constructor. Reading looks the name up in a table of known classes; a file can never make
minnet import or call anything else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from minnet.foundation.checks import short
from minnet.foundation.strict import Strict, check_overriding, is_minnets, is_setting, named
from minnet.foundation.words import did_you_mean

Config = dict[str, Any]
"""Names and plain values, as JSON knows them."""


class Configurable(Strict):
    """An object that is fully described by its class and its constructor's arguments.

    The constructor keeps each argument under the argument's own name, as in scikit-learn.
    """

    cannot_be_saved: ClassVar[str] = ""
    """Why objects of this class are in no file, and what to write instead, if they are not."""

    in_files: ClassVar[type[Configurable] | None] = None
    """The class as which files hold objects of this very class, where it is another: a class behind
    a door, with another tool's words, is written as the core's, whose arguments describe it."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_overriding(cls)

    def get_config(self) -> Config:
        """The constructor's arguments by name."""
        try:
            return {
                name: getattr(self, name) for name in constructor_arguments(self.class_in_files())
            }
        except AttributeError as error:
            raise TypeError(
                f"{type(self).__name__} keeps each argument of its constructor under the "
                f"argument's own name. Got none named {error.name!r}. Write self.{error.name} = "
                f"{error.name}."
            ) from None

    @classmethod
    def class_in_files(cls) -> type[Configurable]:
        """Return the class as which a file holds objects of this one: mostly itself."""
        return vars(cls).get("in_files") or cls

    def _checked_setting(self, name: str, value: Any) -> Any:
        """Also refused is what other things follow from: it is set once, by the constructor."""
        later = name in vars(self) and is_minnets(type(self))
        if later and self._is_settled(name):
            raise AttributeError(self._too_late(name, value))
        checked = super()._checked_setting(name, value)
        if later and self._follows(name, checked):
            raise AttributeError(self._too_late(name, value))
        self._check_together(name, checked)
        return checked

    def _is_settled(self, name: str) -> bool:
        """Whether this is an argument that cannot be set later at all, as it is no `setting`."""
        return name in constructor_arguments(self.class_in_files()) and not is_setting(
            type(self), name
        )

    def _follows(self, name: str, value: Any) -> bool:
        """Whether something else would have to change for this setting to become the value."""
        return False

    def _check_together(self, name: str, value: Any) -> None:
        """Raise where the value that a setting is about to have does not suit the others."""

    def _too_late(self, name: str, value: Any) -> str:
        who = type(self).__name__
        return (
            f"{who}'s {name} is set when it is made, and other things follow from it. Got "
            f"{short(value)}. Make another: {who}({name}=…)."
        )

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = []
        for name, default in constructor_arguments(self.class_in_files()).items():
            value = getattr(self, name, default)
            if default is inspect.Parameter.empty:
                arguments.append(f"{value!r}")
            elif not (_is_default(value, default) or (default is None and self._is_usual(name))):
                arguments.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def _is_usual(self, name: str) -> bool:
        """Whether an argument is what its class has: the meaning of None, as of a metric's name."""
        return _is_default(getattr(self, name), getattr(type(self), name, None))


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(default, str) and isinstance(value, Configurable):  # "zeros" became Zeros()
        return repr(value) == f"{type(value).__name__}()" and snake_case(type(value)) == default
    return type(value) is type(default) and bool(value == default)


def snake_case(cls: type) -> str:
    """The name by which a class is asked for: `glorot_uniform` for GlorotUniform."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


_SIGNATURES: WeakKeyDictionary[type, dict[str, Any]] = WeakKeyDictionary()  # each read once


def constructor_arguments(cls: type) -> dict[str, Any]:
    """Names and defaults of the constructor's arguments."""
    if cls not in _SIGNATURES:
        _SIGNATURES[cls] = {
            p.name: p.default
            for p in inspect.signature(cls).parameters.values()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        }
    return _SIGNATURES[cls]


_KNOWN: dict[str, type[Configurable]] = {}

C = TypeVar("C", bound=type[Configurable])


@named
def register(cls: C) -> C:
    """Make a class of your own known, so that models with it can be loaded from files.

    Used as a decorator on a `Layer`, loss, optimizer, … whose constructor keeps each argument
    under its own name.

    Parameters
    ----------
    cls
        The class; it is returned as it is.

    Raises
    ------
    TypeError
        The class does not describe itself (it is no Layer, Loss, …).
    ValueError
        Another class is known by that name.

    Examples
    --------
    >>> from minnet.layers import Layer
    >>> @register
    ... class Doubled(Layer):
    ...     def forward(self, x, memo=None):
    ...         return 2 * x
    ...
    ...     def backward(self, x, y, dy, memo=None):
    ...         return 2 * dy
    >>> Doubled(name="twice")
    Doubled(name='twice')
    """
    if not (isinstance(cls, type) and issubclass(cls, Configurable)):
        raise TypeError(f"register takes a class such as a Layer of your own. Got {short(cls)}.")
    known = _KNOWN.get(cls.__name__)
    if known is not None and (known.__module__, known.__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        raise ValueError(
            f"register takes a class with a name of its own. Got a second {cls.__name__!r}, beside "
            f"{known.__module__}.{known.__qualname__}. Rename yours."
        )
    _KNOWN[cls.__name__] = cls
    return cls


def is_registered(cls: type) -> bool:
    """Whether objects of this class can be read back from a file."""
    return _KNOWN.get(cls.__name__) is cls


def to_config(value: Any) -> Any:
    """The value as JSON knows it: objects become `{"class": name, "config": arguments}`."""
    if isinstance(value, Configurable):
        if value.cannot_be_saved:
            raise TypeError(value.cannot_be_saved)
        kind = value.class_in_files()
        if not is_registered(kind):
            raise TypeError(
                f"A file takes objects of known classes. Got a {type(value).__name__}. Put "
                "@minnet.register above the class, here and where the file is loaded."
            )
        return {"class": kind.__name__, "config": to_config(value.get_config())}
    if isinstance(value, dict):
        return _dict_to_config(value)
    if isinstance(value, (list, tuple)):
        return [to_config(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"A file takes numbers, text, lists and minnet's own objects. Got {short(value)}. "
        "Functions cannot be saved."
    )


def _dict_to_config(value: dict[Any, Any]) -> Config:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"A file takes text as keys. Got {short(key)}. Use str of it.")
    if value.keys() == {"class", "config"}:
        raise ValueError(
            "A file takes a dict with the keys 'class' and 'config' for an object. Got one of your "
            "own. Rename one of its keys."
        )
    return {key: to_config(item) for key, item in value.items()}


def from_config(value: Any, others: Mapping[str, type[Configurable]] | None = None) -> Any:
    """What `to_config` described; lists stay lists.

    Parameters
    ----------
    others
        Class name → the class to make in the place of the known one: a door's.

    Raises
    ------
    ValueError
        A class that is not in the table, or arguments that it does not take.
    """
    if isinstance(value, list):
        return [from_config(item, others) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"class", "config"}:
        return {key: from_config(item, others) for key, item in value.items()}
    name, config = value["class"], value["config"]
    cls = _KNOWN.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(
            f"A file takes classes that minnet knows. Got {short(name)}."
            f"{did_you_mean(name, _KNOWN)} If it is a class of your own, put @minnet.register "
            "above it and import it first."
        )
    if not isinstance(config, dict):
        raise ValueError(f"{name} is described by a dict of arguments. Got {short(config)}.")
    cls = (others or {}).get(cls.__name__, cls)
    try:
        return cls.from_config({key: from_config(item, others) for key, item in config.items()})
    except Exception as error:  # a constructor may raise anything
        raise ValueError(f"{name} could not be made from its description: {error}") from None
