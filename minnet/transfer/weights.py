"""Weights from one model into another, by name: strict, and all of them or none."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from minnet.engine.originals import origin_of_copy
from minnet.files.saving import FORM_ONLY
from minnet.foundation.checks import patterns, short
from minnet.foundation.strict import named
from minnet.foundation.tables import Table
from minnet.foundation.words import did_you_mean
from minnet.layers import Layer
from minnet.models import Sequential


@named
def transfer_weights(
    source: Sequential,
    target: Sequential,
    *,
    rename: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
    unexpected: Sequence[str] = (),
) -> Table:
    """Copy the arrays of layers with the same name, and say what came of each.

    Shapes: an array is copied where its name and its shape are the same in both.

    Parameters
    ----------
    source, target
        Built models; only the target changes, and it keeps what it does not get.
    rename
        Layer of the source → layer of the target, where the names differ.
    missing
        Names or patterns of the target's layers that may stay as they are, such as ["head"].
    unexpected
        Names or patterns of the source's layers that may go unused.

    Returns
    -------
    Table
        Every array of both: LOADED, NEW (kept as it was), UNUSED or MISMATCH.

    Raises
    ------
    ValueError
        Something does not fit and was not excused; the message is the table, and nothing was
        copied.

    Examples
    --------
    >>> from minnet import Sequential
    >>> from minnet.layers import Dense
    >>> a = Sequential([Dense(4, activation="relu", input_dim=3), Dense(2)], seed=0)
    >>> b = Sequential([Dense(4, activation="relu", input_dim=3), Dense(5, name="head")], seed=1)
    >>> print(transfer_weights(a, b, missing=["head"], unexpected=["dense_2"]))
    array      source  target
    ─────────  ──────  ──────  ──────
    dense_1.W  (3, 4)  (3, 4)  LOADED
    dense_1.b  (4,)    (4,)    LOADED
    head.W             (4, 5)  NEW
    head.b             (5,)    NEW
    dense_2.W  (4, 2)          UNUSED
    dense_2.b  (2,)            UNUSED
    """
    for name, model in (("source", source), ("target", target)):
        if not isinstance(model, Sequential):
            raise TypeError(f"transfer_weights takes a model as {name}. Got {short(model)}.")
    missing = patterns(missing, "transfer_weights' missing")
    unexpected = patterns(unexpected, "transfer_weights' unexpected")
    of_source = {layer.label: layer for layer in source.layers}
    of_target = {layer.label: layer for layer in target.layers}
    names = _renamed(of_source, of_target, {} if rename is None else rename)
    came = {names[label]: layer for label, layer in of_source.items() if layer.arrays()}
    wanted = {name: layer for name, layer in of_target.items() if layer.arrays()}
    source.named_arrays(), target.named_arrays()  # both are built
    rows, fits = [], True
    for name, layer in wanted.items():
        given = came.get(name)
        excused = _matches(name, missing)
        alike = given is not None and _computes(given) == _computes(layer)
        for key, array in layer.arrays().items():
            from_source = None if given is None else given.arrays().get(key)
            if given is None or from_source is None:
                verdict, fine = "NEW", excused
            elif not alike:
                verdict, fine = "MISMATCH: the layers compute different things", False
            elif from_source.shape != array.shape:
                verdict, fine = "MISMATCH", False
            else:
                verdict, fine = "LOADED", True
            fits = fits and fine
            verdict += "" if fine or verdict != "NEW" else ", not excused by missing="
            shape = "" if from_source is None else str(from_source.shape)
            rows.append([f"{name}.{key}", shape, str(array.shape), verdict])
    for name, layer in came.items():
        if name not in wanted:
            fine = _matches(name, unexpected)
            fits = fits and fine
            verdict = "UNUSED" if fine else "UNUSED, not excused by unexpected="
            rows += [[f"{name}.{k}", str(a.shape), "", verdict] for k, a in layer.arrays().items()]
    table = Table(["array", "source", "target", ""], rows)
    if not fits:
        raise ValueError(
            f"transfer_weights takes models whose layers fit by name. Nothing was copied:\n{table}"
        )
    if not any(name in came for name in wanted):
        raise ValueError("transfer_weights takes models with a layer name in common. Got none.")
    for name, layer in wanted.items():
        if name in came:
            for key, array in layer.arrays().items():
                array[...] = came[name].arrays()[key]
            layer.origin = origin_of_copy(came[name])
    target.tell_written()
    return table


def _renamed(
    of_source: Mapping[str, Any], of_target: Mapping[str, Any], rename: Any
) -> dict[str, str]:
    """Source layer → the name it has in the target."""
    if not isinstance(rename, Mapping):
        raise TypeError(
            f"transfer_weights' rename takes {{source layer: target layer}}. Got {short(rename)}."
        )
    for known, name, side in (
        *((of_source, name, "source") for name in rename),
        *((of_target, name, "target") for name in rename.values()),
    ):
        if not isinstance(name, str) or name not in known:
            raise ValueError(
                f"transfer_weights' rename takes layers of the {side}: {', '.join(known)}. Got "
                f"{short(name)}.{did_you_mean(name, known)}"
            )
    names = {name: rename.get(name, name) for name in of_source}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    if twice:
        raise ValueError(
            f"transfer_weights takes one source layer for each target layer. Got two for "
            f"{', '.join(sorted(twice))}. Rename the other, too."
        )
    return names


def _computes(layer: Layer) -> tuple[type, dict[str, str]]:
    """What a layer computes: its class and the settings that matter for that, its width aside."""
    aside = (*FORM_ONLY, "units", "trainable")
    return type(layer), {k: repr(v) for k, v in layer.get_config().items() if k not in aside}


def _matches(name: str, those: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in those)
