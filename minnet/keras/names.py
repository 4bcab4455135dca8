"""Keras' ways to name a thing: a word in any spelling, an object, a class, or a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from minnet.foundation.checks import short
from minnet.foundation.words import did_you_mean

T = TypeVar("T")


def plain(name: str) -> str:
    """Return a name without capitals and underlines: `HeNormal` and `he_normal` are one.

    >>> plain("HeNormal"), plain("mean_squared_error"), plain("MeanSquaredError")
    ('henormal', 'meansquarederror', 'meansquarederror')
    """
    return name.replace("_", "").replace(" ", "").lower()


def table(names: Mapping[str, Callable[..., T]]) -> dict[str, Callable[..., T]]:
    """Return the same with plain names."""
    return {plain(name): make for name, make in names.items()}


def meant(value: Any, known: Mapping[str, Callable[..., T]], who: str) -> Any:
    """Return what a name stands for; a class is called, and anything else is returned as it is.

    Parameters
    ----------
    known
        Plain name → what to call for it.

    Raises
    ------
    ValueError
        A name that nothing here has.
    """
    refuse_keras_own(value, who)
    if isinstance(value, str):
        if plain(value) not in known:
            raise ValueError(
                f"{who} takes one of {', '.join(known)}. Got {value!r}."
                f"{did_you_mean(plain(value), known)}"
            )
        return known[plain(value)]()
    return value() if isinstance(value, type) else value


def public(thing: object) -> list[str]:
    """Return the names of what a class offers."""
    return [name for name in {*dir(type(thing)), *vars(thing)} if name[0] != "_"]


def refuse_keras_own(value: Any, who: str) -> None:
    """Raise for an object of Keras itself, such as `tf.keras.optimizers.Adam()`.

    Raises
    ------
    TypeError
        It, or a class of the user's below it, is none of minnet's.
    """
    kind = value if isinstance(value, type) else type(value)
    for above in kind.__mro__:
        if above.__module__.partition(".")[0] in ("keras", "tf_keras"):
            raise TypeError(
                f"{who} takes an object of minnet.keras. Got {above.__name__} of Keras itself. "
                f"Take {above.__name__} from where the program has minnet's keras: "
                "from minnet import keras, and keras.… for tf.keras.…"
            )


def refuse(who: str, name: str, value: Any, instead: str) -> NoReturn:
    """Raise for an argument that Keras takes and minnet does not."""
    raise NotImplementedError(f"{who} does not take {name} here. Got {short(value)}. {instead}")


def only(who: str, instead: str, **given: tuple[Any, Any]) -> None:
    """Raise where an argument that minnet does not take is not what Keras has by default.

    Parameters
    ----------
    given
        Name → the value and Keras' default.
    """
    for name, (value, default) in given.items():
        if value is not default and not (type(value) is type(default) and value == default):
            refuse(who, name, value, instead)
