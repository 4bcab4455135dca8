"""Copies of another model's layers, and what was done to their originals since.

A layer that is put into a second model is copied, and the two stay apart. In Keras they are one
layer, so a program from there that freezes or trains the first model afterwards means both.
"""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import warn
from minnet.layers import Layer


class Original(NamedTuple):
    """The layer that another was copied from, as it was then."""

    layer: weakref.ref[Layer]
    model: str  # the name of the model it is in
    trainable: bool
    checksum: int


class Changed(NamedTuple):
    """A copy whose original changed, by the names of both and of the original's model."""

    copy: str
    original: str
    model: str


def copied(layer: Layer) -> Layer:
    """Return a copy of another model's layer, which remembers its original."""
    new = layer.copy()
    new.origin = origin_of_copy(layer)
    checksum = _checksum(layer)
    new.original = Original(weakref.ref(layer), str(layer.owner), layer.trainable, checksum)
    return new


def origin_of_copy(layer: Layer) -> str:
    """Return where a copy of this layer's weights came from, for the summary."""
    return layer.origin if layer.origin != "new" else f"copy of {layer.owner}"


def warn_of_originals(layers: Iterable[Layer]) -> bool:
    """Warn of copies that went another way than their originals, with the line to write.

    Returns
    -------
    bool
        Whether there was anything to say.
    """
    frozen: list[Changed] = []
    unfrozen: list[Changed] = []
    trained: list[Changed] = []
    for copy in layers:
        original = None if copy.original is None else copy.original.layer()
        if copy.original is None or original is None:
            continue
        names = Changed(copy.label, original.label, copy.original.model)
        if original.trainable not in (copy.original.trainable, copy.trainable):
            (unfrozen if original.trainable else frozen).append(names)
        if _checksum(original) != copy.original.checksum and _is_worth_copying(original, copy):
            trained.append(names)
    sentences = [
        *_sentences(frozen, "frozen", "the copies still learn. Freeze them, too", _line("freeze")),
        *_sentences(unfrozen, "unfrozen", "the copies are frozen still. Write", _line("unfreeze")),
        *_sentences(trained, "trained", "the copies have the old weights. Write", _assignment),
    ]
    if sentences:
        warn(" ".join(sentences))
    return bool(sentences)


def _sentences(
    changes: Sequence[Changed], done: str, so: str, line: Callable[[Sequence[Changed]], str]
) -> Iterable[str]:
    """Yield one sentence for each model whose layers were changed so."""
    for model in dict.fromkeys(change.model for change in changes):
        of_model = [change for change in changes if change.model == model]
        names = ", ".join(change.copy for change in of_model)
        yield (
            f"{names}: copied from {model!r}, whose layers were {done} afterwards; {so}: "
            f"{line(of_model)}"
        )


def _line(method: str) -> Callable[[Sequence[Changed]], str]:
    def line(changes: Sequence[Changed]) -> str:
        return f"model.{method}([{', '.join(f'{chr(34)}{c.copy}{chr(34)}' for c in changes)}])."

    return line


def _assignment(changes: Sequence[Changed]) -> str:
    """Return the line that brings the weights over; `base` is the originals' model."""
    pairs = ", ".join(f'("{c.copy}", "{c.original}")' for c in changes)
    comma = "," if len(changes) == 1 else ""
    return (
        f"for here, there in ({pairs}{comma}): "
        "model.get_layer(here).set_weights(base.get_layer(there).get_weights())"
    )


def _is_worth_copying(original: Layer, copy: Layer) -> bool:
    """Whether the original has other weights, of these shapes, and was not just drawn."""
    now, own = original.get_weights(), copy.get_weights()
    alike = [array.shape for array in now] == [array.shape for array in own]
    differs = not all(map(np.array_equal, now, own))
    return bool(own) and alike and differs and not original.as_drawn


def _checksum(layer: Layer) -> int:
    checksum = 0
    for array in layer.arrays().values():
        checksum = zlib.crc32(array.tobytes(), checksum)
    return checksum
