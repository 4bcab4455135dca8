"""Which layers are meant: by name, index, slice, pattern, a list of these, or "all_but_head"."""

from __future__ import annotations

import fnmatch
import numbers
from collections.abc import Sequence
from typing import Any

from minnet.foundation.checks import short
from minnet.foundation.words import did_you_mean
from minnet.layers import Dense, Layer

Selector = str | int | slice | Layer | Sequence[Any]


class Layers(list[Layer]):
    """The layers of a model, to read: changing this list would change nothing, and says so."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        """Raise TypeError, with what to do instead."""
        raise TypeError(
            "model.layers is a copy of the model's list, so changing it would change nothing. Use "
            "model.add(layer), model.pop() or model.replace_head(layer); list(model.layers) is "
            "yours."
        )

    append = extend = insert = remove = pop = clear = reverse = sort = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse


def head_index(layers: Sequence[Layer]) -> int:
    """Where the head starts: at the last Dense. The head is that layer and all after it."""
    layers = list(layers)
    for i in range(len(layers) - 1, -1, -1):
        if isinstance(layers[i], Dense):
            return i
    raise ValueError(
        "The head is the last Dense layer and all after it. Got a model without a Dense. "
        "Name the layers instead."
    )


def select(layers: Sequence[Layer], selector: Any, who: str) -> list[Layer]:
    """The layers that a selector means, in the model's order.

    Raises
    ------
    ValueError
        Nothing matches, or the selector is empty.
    TypeError
        The selector is None or of another kind.
    """
    layers = list(layers)
    chosen = _indices(layers, selector, who)
    if not chosen:
        raise ValueError(f"No layer matches {_quoted(selector)}. {_listing(layers)}")
    return [layers[i] for i in sorted(chosen)]


def _indices(layers: Sequence[Layer], selector: Any, who: str) -> set[int]:
    if isinstance(selector, str):
        return _by_name(layers, selector)
    if isinstance(selector, Layer):
        return {i for i, layer in enumerate(layers) if layer is selector}
    if isinstance(selector, slice):
        try:
            return set(range(len(layers))[selector])
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"{who} takes a slice of whole numbers, such as slice(0, 2). Got {selector}."
            ) from None
    if isinstance(selector, numbers.Integral) and not isinstance(selector, bool):
        i = int(selector)
        if not layers:
            raise ValueError(f"No layer matches {i}. {_listing(layers)}")
        if not -len(layers) <= i < len(layers):
            raise ValueError(
                f"{who} takes an index from {-len(layers)} to {len(layers) - 1}. Got {i}. "
                f"{_listing(layers)}"
            )
        return {i % len(layers)}
    if isinstance(selector, (list, tuple)):
        chosen: set[int] = set()
        for one in selector:
            selected = _indices(layers, one, who)
            if not selected:
                raise ValueError(f"No layer matches {_quoted(one)}. {_listing(layers)}")
            chosen |= selected
        return chosen
    raise TypeError(
        f'{who} takes a layer\'s name, an index, a slice, a pattern such as "dense_*", a list of '
        f'these, or "all_but_head". Got {short(selector)}.'
    )


def _by_name(layers: Sequence[Layer], name: str) -> set[int]:
    names = [layer.label for layer in layers]
    if name in names:
        return {names.index(name)}
    if name == "all_but_head":
        return set(range(head_index(layers)))
    matching = {i for i, known in enumerate(names) if fnmatch.fnmatchcase(known, name)}
    if not matching:
        near = did_you_mean(name, [*names, "all_but_head"])
        hint = ' For all of them write "*".' if name in ("all", "every", "everything") else near
        raise ValueError(f'No layer matches "{name}". {_listing(layers)}{hint}')
    return matching


def _quoted(selector: Any) -> str:
    return f'"{selector}"' if isinstance(selector, str) else short(selector)


def _listing(layers: Sequence[Layer]) -> str:
    return f"Layers: {', '.join(layer.label for layer in layers) or 'none yet'}."


def nothing_learns(layers: Sequence[Layer]) -> str:
    """Return why a training of these layers would change nothing."""
    names = [layer.label for layer in layers if layer.parameters]
    if not names:
        return "The model has no weights, so fit would change nothing. Add a Dense."
    return (
        "Every layer is frozen, so fit would change nothing. Unfreeze one: "
        f'model.unfreeze("{names[-1]}").'
    )
