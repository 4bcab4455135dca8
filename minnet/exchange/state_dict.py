"""PyTorch's arrays by their own names, into a minnet model of the same architecture.

No PyTorch is needed: a state dict may come from a safetensors file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from minnet.exchange.record import REPEATED, Record, kind_of, numbers
from minnet.exchange.torch_images import flow_of
from minnet.foundation.checks import Array, warn
from minnet.foundation.tables import Table
from minnet.layers import BatchNormalization, Layer
from minnet.models import Sequential

_NAMES = {
    "Dense": {"W": "weight", "b": "bias"},
    "Conv2D": {"W": "weight", "b": "bias"},
    "BatchNormalization": {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
    "PReLU": {"alpha": "weight"},
    "Normalization": {"mean": "mean", "variance": "variance"},
}
"""minnet's arrays → PyTorch's, by minnet's layer."""

EPSILON = 1e-5
"""PyTorch's default in a batch norm; minnet's is Keras', 1e-3."""

_COUNTER = "num_batches_tracked"
"""What PyTorch's batch norm counts, and nobody needs for a prediction."""


def is_torch(names: Mapping[str, Any]) -> bool:
    """Return whether these are names of a state dict: all end in `.weight` and the like."""
    ends = {_COUNTER, *(end for ends in _NAMES.values() for end in ends.values())} - {
        "mean",
        "variance",
    }
    return bool(names) and all(name.rpartition(".")[2] in ends for name in names)


def epsilons_of(module: Any) -> dict[str, float] | None:
    """Return ε of each batch norm, by its path; a state dict has none."""
    if isinstance(module, Mapping) or not hasattr(module, "named_modules"):
        return None
    named = module.named_modules(remove_duplicate=False)
    return {path: float(one.eps) for path, one in named if hasattr(one, "eps")}


def fill(
    model: Sequential,
    state: Mapping[str, Any],
    who: str,
    origin: str,
    *,
    ordered: bool = True,
    epsilons: Mapping[str, float] | None = None,
) -> Table:
    """Copy a state dict into a model: all of it or nothing.

    Its modules have to be those of the model's layers that have arrays: by their names, where all
    have the layers' names, else one after the other, as PyTorch lists them. Weights of a `Linear`
    are (out, in) and are transposed, always; kernels of a `Conv2d` are (F, C, h, w), and what
    follows a Flatten of images is in PyTorch's order.

    Parameters
    ----------
    ordered
        Whether the arrays are in PyTorch's order. A safetensors file keeps none, so there the names
        or the numbers of the modules have to tell it; so for a state dict in alphabetical order.
    epsilons
        Module → ε of its batch norm, which is no array; None where nobody knows.

    Raises
    ------
    ValueError
        The two do not fit; the message is the table of both sides.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, tensor in state.items():
        module, _, end = str(name).rpartition(".")
        if end != _COUNTER:
            groups.setdefault(module, {})[end] = _numbers(tensor, who, str(name))
    layers = [layer for layer in model.layers if layer.arrays()]
    for own in layers:
        if kind_of(own, who) not in _NAMES:
            raise TypeError(
                f"{who} takes PyTorch's weights into {', '.join(_NAMES)}. Got {own.label}, a "
                f"{type(own).__name__}, whose arrays have another order in PyTorch. Use "
                "model.set_weights."
            )
    groups = _paired(groups, [str(layer.name) for layer in layers], who, ordered)
    record = Record(who, origin, "minnet")
    flows = flow_of(list(model.layers), model.input_shape)
    orders = {id(layer): flows[i].order for i, layer in enumerate(model.layers)}
    copies, fits = [], len(layers) == len(groups)
    for i in range(max(len(layers), len(groups))):
        module, arrays = list(groups.items())[i] if i < len(groups) else ("", {})
        layer = layers[i] if i < len(layers) else None
        order = None if layer is None else orders[id(layer)]
        copied, fine = _pair(module, dict(arrays), layer, record, who, order)
        copies += copied
        fits = fits and fine
    if not fits:
        table = str(Table(record.heading, record.rows)).replace("LOADED", "fits")
        raise ValueError(
            f"{who} takes weights that fit the model, in the order of its layers; nothing was "
            f"copied.\n{table.replace('TRANSPOSED', 'fits, transposed')}"
        )
    _check_epsilons(dict(zip(groups, layers, strict=True)), epsilons, record)
    for array, value in copies:
        array[...] = value
    for layer in layers:
        layer.origin = origin
    return record.done(model)


def _paired(
    groups: dict[str, dict[str, Array]], names: list[str], who: str, ordered: bool
) -> dict[str, dict[str, Array]]:
    """The modules in the order of the layers."""
    by_name = {module.replace(".", "_"): module for module in groups}
    if by_name.keys() == set(names):
        return {by_name[name]: groups[by_name[name]] for name in names}
    if ordered and not _is_alphabetical(list(groups)):
        return groups
    siblings: dict[str, set[str]] = {}
    for module in groups:
        steps = module.split(".")
        for i, step in enumerate(steps):
            siblings.setdefault(".".join(steps[:i]), set()).add(step)
    words = [group for group in siblings.values() if len(group) > 1]
    if not all(step.isdecimal() for group in words for step in group):
        raise ValueError(
            f"{who} takes modules with numbers, or with the names of the model's layers, since a "
            f"file keeps no order. Got {', '.join(list(groups)[:8])} for {', '.join(names[:8])}. "
            'Name the layers so: Dense(…, name="fc1").'
        )

    def order(module: str) -> list[tuple[int, str]]:
        return [(int(s), "") if s.isdecimal() else (0, s) for s in module.split(".")]

    return {module: groups[module] for module in sorted(groups, key=order)}


def _is_alphabetical(modules: list[str]) -> bool:
    """Whether the order is that of an alphabet, in which 10 comes before 2, and so no model's."""

    def counted(module: str) -> list[tuple[int, str]]:
        return [(int(s), "") if s.isdecimal() else (-1, s) for s in re.split(r"(\d+)", module)]

    return modules == sorted(modules) != sorted(modules, key=counted)


def _check_epsilons(
    pairs: Mapping[str, Layer], epsilons: Mapping[str, float] | None, record: Record
) -> None:
    """Refuse a batch norm of another ε, and warn where a state dict leaves open which it has."""
    norms = {module: one for module, one in pairs.items() if isinstance(one, BatchNormalization)}
    for module, layer in norms.items():
        if epsilons is None and layer.epsilon != EPSILON:
            note = (
                f"A state dict has no ε. PyTorch's default is {EPSILON:g}, and {layer.name} has "
                f"{layer.epsilon:g}."
            )
            record.notes.append(note)
            warn(
                f"{record.who}: {note} If {module or 'it'} has the default, make the layer so: "
                f"BatchNormalization(epsilon={EPSILON:g})."
            )
        elif epsilons is not None and not math.isclose(
            epsilons.get(module, layer.epsilon), layer.epsilon
        ):
            raise ValueError(
                f"{record.who} takes a batch norm of the ε that the model's layer has. Got "
                f"{epsilons[module]:g} in {module}, and {layer.epsilon:g} in {layer.name}. Make "
                f"the layer so: BatchNormalization(epsilon={epsilons[module]:g})."
            )


def _pair(
    module: str,
    arrays: dict[str, Array],
    layer: Layer | None,
    record: Record,
    who: str,
    order: Array | None,
) -> tuple[list[tuple[Array, Array]], bool]:
    """The arrays of one module beside those of one layer: what to copy, and whether all fits."""
    copies, fits = [], True
    names = {} if layer is None else _NAMES.get(kind_of(layer, who), {})
    own = {} if layer is None else layer.arrays()
    for ours, array in own.items():
        name, target = names.get(ours, ours), f"{'' if layer is None else layer.name}.{ours}"
        value = arrays.pop(name, None)
        if value is None:
            record.rows.append(["none", "", target, str(array.shape), "NEW"])
            fits = False
            continue
        verdict, moved = "LOADED", value
        if ours == "W" and value.ndim == 2:  # Linear's (out, in)
            verdict, moved = "TRANSPOSED", value.T
        elif ours == "W" and value.ndim == 4:  # Conv2d's (F, C, h, w)
            verdict, moved = "TRANSPOSED", value.transpose(2, 3, 1, 0)
        elif ours == "alpha" and value.size == 1 and array.size > 1:
            verdict, moved = REPEATED, np.broadcast_to(value, array.shape)
        if order is not None and ours != "b" and moved.shape == array.shape:
            moved, verdict = moved[order], f"{verdict}, REORDERED"
        if moved.shape != array.shape:
            verdict, fits = "MISMATCH", False
        elif not np.can_cast(moved.dtype, array.dtype):
            verdict, fits = f"MISMATCH: {moved.dtype} would lose digits", False
        source = f"{module}.{name}" if module else name
        record.array(source, value.shape, target, array.shape, verdict)
        if layer is not None:
            layer.check_values({target: moved})
        copies.append((array, moved))
    for name, value in arrays.items():
        neutral = isinstance(layer, Layer) and _is_neutral(layer, name, value)
        source = f"{module}.{name}" if module else name
        verdict = "LEFT OUT: changes nothing" if neutral else "UNUSED"
        record.rows.append([source, str(value.shape), "none", "", verdict])
        fits = fits and neutral
    return copies, fits


def _is_neutral(layer: Layer, name: str, value: Array) -> bool:
    """Whether this is a batch norm's γ of ones or β of zeros, which the layer does without."""
    if kind_of(layer, "from_torch") != "BatchNormalization":
        return False
    return name in ("weight", "bias") and bool((value == (1.0 if name == "weight" else 0.0)).all())


def _numbers(tensor: Any, who: str, name: str) -> Array:
    """A tensor, or an array, as an array of finite floats."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor if str(tensor.dtype) == "torch.float64" else tensor.float()).numpy()
    return numbers(tensor, who, name)
