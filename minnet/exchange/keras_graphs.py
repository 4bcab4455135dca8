"""Which layers a Keras model has, in the order in which they run, by its description alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minnet.foundation.checks import short

_ONE_AFTER_THE_OTHER = "minnet takes layers one after the other"


def chain(config: Any, kind: str, name: str) -> list[Mapping[str, Any]]:
    """Return the entries of a model's layers in the order in which they run.

    A `Sequential` lists them so. A functional model has to be a chain: each layer is called once,
    on the output of the one before.

    Raises
    ------
    ValueError
        It is another graph, another kind of model, or no description of one.
    """
    entries = config.get("layers") if isinstance(config, Mapping) else None
    if not isinstance(entries, (list, tuple)) or not all(map(_is_entry, entries)):
        raise ValueError(
            f"{name} is of the class {short(kind)}, which lists no layers: what it computes is "
            "code. Make a minnet model of the same layers, and hand over the weights: "
            "minnet_model.set_weights(keras_model.get_weights())."
        )
    if kind == "Sequential" or not any("inbound_nodes" in entry for entry in entries):
        return list(entries)
    return _in_order(config, list(entries), name)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("class_name"), str)
        and isinstance(entry.get("config"), dict)
    )


def _in_order(
    config: Mapping[str, Any], entries: list[Mapping[str, Any]], name: str
) -> list[Mapping[str, Any]]:
    """The entries of a functional model, from the input to the output."""
    above: dict[str, Mapping[str, Any]] = {}
    starts = []
    for entry in entries:
        nodes = entry.get("inbound_nodes")
        below = _histories(nodes)
        if entry["class_name"] == "InputLayer" and not below:
            starts.append(entry)
        elif (
            not isinstance(nodes, (list, tuple))
            or len(nodes) != 1
            or len(below) != 1
            or below[0] in above
        ):
            raise _no_chain(name, entry)
        else:
            above[below[0]] = entry
    ordered = starts[:1]
    while ordered and (label := str(ordered[-1].get("name"))) in above:
        ordered.append(above.pop(label))
    if len(starts) != 1 or above or _ends(config) != {str(ordered[-1].get("name"))}:
        raise _no_chain(name, ordered[-1] if ordered else entries[0])
    return ordered


def _no_chain(name: str, entry: Mapping[str, Any]) -> ValueError:
    return ValueError(
        f"{name} has a graph of layers. {_ONE_AFTER_THE_OTHER}. Got "
        f"{short(entry.get('name'))}, a {short(entry['class_name'])}, with several inputs, outputs "
        "or calls."
    )


def _histories(node: Any) -> list[str]:
    """The names of the layers whose outputs a call takes."""
    if isinstance(node, dict):
        history = node.get("keras_history")
        if isinstance(history, (list, tuple)) and history:
            return [str(history[0])]
        return [name for value in node.values() for name in _histories(value)]
    if isinstance(node, (list, tuple)):
        return [name for value in node for name in _histories(value)]
    return []


def _ends(config: Mapping[str, Any]) -> set[str]:
    """The names of the layers that give the outputs."""
    outputs = config.get("output_layers")
    if not isinstance(outputs, (list, tuple)) or not outputs:
        return set()
    each = outputs if isinstance(outputs[0], (list, tuple)) else [outputs]
    return {str(output[0]) for output in each if isinstance(output, (list, tuple)) and output}
