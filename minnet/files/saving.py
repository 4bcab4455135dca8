"""A model as a description and named arrays, for files, and back.

`store.py` knows how a file is written and read safely; this module knows what of a model goes
into it: the architecture, the arrays by name, what is frozen, class names, preprocessing, how it
was compiled, and what its optimizer remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any

import numpy as np

from minnet.engine.building import build, is_found_name
from minnet.engine.compiled import Compiled
from minnet.engine.network import Network
from minnet.engine.shapes import drawing, layer_shapes
from minnet.files import provenance, store
from minnet.foundation import checks
from minnet.foundation.checks import Array, ModelFileError, Shape
from minnet.foundation.registry import Config, Configurable, from_config, to_config
from minnet.foundation.tables import Table
from minnet.initializers import Initializer, Zeros
from minnet.layers import Input, Layer
from minnet.losses import LOSSES, Loss
from minnet.metrics import METRICS, Metric
from minnet.optimizers import OPTIMIZERS, Optimizer

FORM_ONLY = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "name",
    "input_shape",
)
"""Settings of a layer that change how it starts or trains, and not what it computes."""

SLOTS = "optimizer["
"""Begins the names of the slots' arrays; a layer's name has no bracket, so no layer's array can."""

FIT = "fit["
"""Begins the names of the arrays that only a resumed fit needs."""


MOST_UPDATES = 2**53
"""Updates that a file may count: a float64 holds each whole number up to there."""

LARGEST_AXIS = 2**63
"""Beyond the length of any axis."""

LONGEST_REASON = 1_000
"""Characters of what is wrong with a file, at most."""

_CONFIG = {"name", "dtype", "input_shape", "layers", "class_names", "preprocessing", "provenance"}
_CONFIG |= {"compile", "updates", "training"}
_LAYER = {"class", "config", "name", "trainable", "origin"}


def save(
    model: Network,
    path: str | PathLike[str],
    *,
    include_optimizer: bool,
    any_name: bool = False,
) -> None:
    """Write a model to one file; `store.save` explains `any_name`."""
    whole = checks.boolean(include_optimizer, "save's include_optimizer")
    config, arrays = describe(model, include_optimizer=whole)
    store.save(path, config, arrays, any_name=any_name)


def describe(model: Network, *, include_optimizer: bool) -> tuple[Config, dict[str, Array]]:
    """The model as plain values and named arrays, from which it can be made again.

    Raises
    ------
    ModelFileError
        It could not: something was changed so that its class does not take it any more.
    """
    model.require_built()
    arrays = dict(model.named_arrays())
    config: Config = {
        "name": model.name,
        "dtype": model.dtype.name,
        "input_shape": list(model.input_shape),
        "layers": [
            {
                **to_config(layer),
                "name": layer.name,
                "trainable": layer.trainable,
                "origin": layer.origin,
            }
            for layer in model.layers
        ],
        "class_names": model.class_names,
        "preprocessing": to_config(model.preprocessing),
        "provenance": to_config(model.provenance | _more_of(model)),
        "compile": None,
        "updates": None,
        "training": None,  # of a checkpoint: what `resuming.py` needs to go on
    }
    if model.is_compiled:
        config["compile"] = {
            "optimizer": to_config(model.optimizer),
            "loss": to_config(model.loss),
            "metrics": to_config(model.metrics),
        }
        if include_optimizer:
            updates = model.compiled.updates
            model.update_groups()  # gives the slots theta's layout
            config["updates"] = {"iterations": updates.iterations, "counts": dict(updates.counts)}
    _rehearse(config, arrays)
    with refusing("save takes arrays that the layers can have"):
        model.check_values(arrays)
    if config["updates"] is not None:
        slots = model.compiled.updates.slots
        arrays |= {f"{SLOTS}{slot}]": values for slot, values in slots.items()}
    return config, arrays


def _rehearse(config: Config, arrays: Mapping[str, Array]) -> None:
    """Make all that a file describes, as `load_into` does, but with arrays that hold nothing."""

    def create(layer: Layer, name: str, shape: Shape, rng: np.random.Generator) -> None:
        layer.rebind(name, np.empty(shape, dtype))
        if name in layer.parameters:
            layer.rebind("d" + name, np.empty(shape, dtype))

    with refusing(
        "save takes a model that can be made again from its settings. This one cannot, since one "
        "was changed later; get_weights gives the weights in any case. The reason"
    ):
        dtype, input_shape = dtype_of(config), _sample_shape(config["input_shape"])
        layers, rng = made_layers(config["layers"]), np.random.default_rng(0)
        with _only_saved(layers, arrays, create):
            shapes = [input_shape, *layer_shapes(layers, input_shape)]
            for layer, shape in zip(layers, shapes, strict=False):
                build(layer, shape, dtype, rng)
        provenance.checked(config["provenance"])
        provenance.columns(config["provenance"])
        provenance.counts_input(config["provenance"])
        if config["compile"] is not None:
            _compiled(config["compile"])


@contextmanager
def refusing(refused: str) -> Iterator[None]:
    """Raise ModelFileError, with what is refused and why, whatever is raised inside.

    A file may hold anything, and what is made from it are objects whose constructors may raise
    anything.
    """
    try:
        yield
    except ModelFileError:
        raise
    except Exception as error:
        why = f"its description lacks {error}" if isinstance(error, KeyError) else str(error)
        why = " ".join(why.split()) or type(error).__name__
        if len(why) > LONGEST_REASON:
            why = f"{why[:LONGEST_REASON]}…"
        raise ModelFileError(f"{refused}: {why}") from None


def dtype_of(config: Config) -> str:
    """The dtype of the model that was described."""
    name = config["dtype"]
    if not isinstance(name, str) or name not in checks.DTYPES:
        raise ValueError(f"a model takes float32 or float64. Got {checks.short(name)}")
    return name


def _more_of(model: Network) -> dict[str, Any]:
    """The names of x's columns, and that the Input counts; most files have neither."""
    columns = {} if model.columns is None else {"columns": model.columns}
    return columns | ({"counts_input": True} if model.counts_input else {})


def load_into(model: Network, config: Config, arrays: Mapping[str, Array]) -> None:
    """Turn an empty model into the one that was described.

    Only what it says of itself is checked. Whether the loss suits the last layer, and the class
    names its outputs, is a question to the next fit.
    """

    def create(layer: Layer, name: str, shape: Shape, rng: np.random.Generator) -> None:
        type(layer).add_weight(layer, name, shape, Zeros(), rng)

    _check_keys(config, _CONFIG, "it")
    model.name = config["name"]
    model.class_names, model.preprocessing = config["class_names"], config["preprocessing"]
    model.provenance = provenance.checked(config["provenance"])
    model.columns = provenance.columns(config["provenance"])
    layers = made_layers(config["layers"], model.classes_in_files)
    with _only_saved(layers, arrays, create):
        model.add_all([Input(_sample_shape(config["input_shape"])), *layers])
    for layer in layers:
        layer.named_by_model = is_found_name(layer)
    if provenance.counts_input(config["provenance"]):
        model.counts_input = True
    if config["compile"] is not None:
        model.train_as(_compiled(config["compile"], model.classes_in_files))
    wanted = model.named_arrays()
    if config["updates"] is not None:
        wanted |= _load_updates(model, config["updates"])
    model_alone = config["training"] is None
    kept = {name: a for name, a in arrays.items() if model_alone or not name.startswith(FIT)}
    match(wanted, kept)
    model.check_values(kept)
    for name, array in wanted.items():
        array[...] = kept[name]


def _check_keys(described: Any, keys: set[str], whose: str) -> None:
    """Refuse what is no dict, or has other keys."""
    if not isinstance(described, dict):
        raise ValueError(f"{whose} is described by {checks.short(described)}")
    missing, extra = keys - described.keys(), described.keys() - keys
    if missing or extra:
        raise ValueError(f"{whose} is described with other words: {sorted(missing | extra)[0]!r}")


def _sample_shape(described: Any) -> Shape:
    """The shape of a sample, of as many axes as an array may have, each of a usual size."""
    from minnet.files import archive

    if not isinstance(described, list) or len(described) > archive.MAX_AXES:
        raise ValueError(f"a sample has no shape {checks.short(described)}")
    shape = checks.shape(described, "input_shape")
    if max(shape) >= LARGEST_AXIS:
        raise ValueError(f"a sample has no shape {checks.short(shape)}")
    return shape


def made_layers(
    described: Any, others: Mapping[str, type[Configurable]] | None = None
) -> list[Layer]:
    """The layers that a file describes, without weights."""
    if not isinstance(described, list) or not described:
        raise ValueError("it has no layers")
    layers = []
    for entry in described:
        _check_keys(entry, _LAYER, "a layer")
        layer = from_config({"class": entry["class"], "config": entry["config"]}, others)
        if not isinstance(layer, Layer):
            raise ValueError(f"a model is made of layers, not of a {type(layer).__name__}")
        layer.name = checks.text(entry["name"], "A layer's name", empty=False)
        layer.trainable, layer.origin = entry["trainable"], str(entry["origin"])
        layers.append(layer)
    return layers


@contextmanager
def _only_saved(
    layers: Sequence[Layer],
    arrays: Mapping[str, Array],
    create: Callable[[Layer, str, Shape, np.random.Generator], None],
) -> Iterator[None]:
    """Let layers create the arrays of the file alone, before any takes memory."""

    def creating(layer: Layer) -> Callable[..., None]:
        def add_weight(
            name: str, shape: Shape, initializer: Initializer, rng: np.random.Generator
        ) -> None:
            saved = arrays.get(f"{layer.name}.{name}")
            if saved is None or saved.shape != shape:
                came = "none" if saved is None else saved.shape
                raise ValueError(f"{layer.name}.{name} has shape {shape}, and in the file {came}")
            create(layer, name, shape, rng)

        return add_weight

    for layer in layers:
        layer.add_weight = creating(layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.add_weight


def _compiled(described: Any, others: Mapping[str, type[Configurable]] | None = None) -> Compiled:
    """How a model is trained, by what a file says."""
    _check_keys(described, {"optimizer", "loss", "metrics"}, "how it is trained")
    named = (described[name] for name in ("optimizer", "loss", "metrics"))
    optimizer, loss, metrics = (from_config(one, others) for one in named)
    if not isinstance(metrics, list):
        raise TypeError(f"its metrics are {checks.short(metrics)}")
    return Compiled(
        checks.instance(optimizer, Optimizer, OPTIMIZERS, "compile's optimizer"),
        checks.instance(loss, Loss, LOSSES, "compile's loss"),
        [checks.instance(one, Metric, METRICS, "Each of compile's metrics") for one in metrics],
    )


def _load_updates(model: Network, described: Any) -> dict[str, Array]:
    """Bring the counts of updates, and return what the optimizer remembers, by its file's names."""
    if not model.is_compiled:
        raise ValueError("it is not compiled, and has an optimizer's state")
    _check_keys(described, {"iterations", "counts"}, "what its optimizer remembers")
    updates = model.compiled.updates
    model.update_groups()  # gives the slots theta's layout
    counts = described["counts"]
    if not isinstance(counts, dict) or counts.keys() != updates.counts.keys():
        raise ValueError("the optimizer's counts are of other layers")
    counts = {n: checks.integer(c, "an update count", minimum=0) for n, c in counts.items()}
    iterations = checks.integer(described["iterations"], "iterations", minimum=0)
    if max(iterations, *counts.values(), 0) > MOST_UPDATES:
        raise ValueError("it has made more updates than there is time for")
    updates.set_counts(counts, iterations)
    return {f"{SLOTS}{slot}]": values for slot, values in updates.slots.items()}


def load_weights(model: Network, path: str | PathLike[str]) -> Table:
    """Copy the arrays of a file into a model of the same architecture: all or none."""
    from pathlib import Path

    config, arrays = store.load(path)
    try:
        saved_layers = [(described["name"], _formula(described)) for described in config["layers"]]
    except (KeyError, TypeError, AttributeError):
        raise ModelFileError(f"{path} is no minnet model: it describes no layers.") from None
    try:
        known = provenance.checked(config["provenance"])
        columns = provenance.columns(config["provenance"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelFileError(f"{path} does not say rightly where its model comes from.") from None
    known["parent"] = {"name": str(config.get("name")), "sha256": store.file_hash(path)}
    own_layers = [_formula(to_config(layer)) for layer in model.layers]
    wanted = model.named_arrays()
    kept = {name: array for name, array in arrays.items() if not name.startswith((SLOTS, FIT))}
    refused = f"{path} does not fit this model; nothing was loaded."
    try:
        table = match(wanted, kept)
    except ValueError as error:
        drawn = _draw_misfit(model, kept)
        raise ModelFileError(f"{refused}\n{error}\n{drawn}") from None
    for (name, saved), here in zip(saved_layers, own_layers, strict=False):
        if saved != here:
            raise ModelFileError(
                f"{refused} Its layer {checks.short(name)} is {saved[:LONGEST_REASON]}, here it is "
                f"{here}."
            )
    if len(saved_layers) != len(own_layers):
        raise ModelFileError(
            f"{refused} It has {len(saved_layers)} layers, this model {len(own_layers)}."
        )
    with refusing(refused.removesuffix(".")):
        model.check_values(kept)
    for name, array in wanted.items():
        array[...] = kept[name]
    for layer in model.layers:
        layer.origin = Path(path).name
    model.provenance, model.columns = known, columns
    model.tell_written()
    return table


def _draw_misfit(model: Network, came: Mapping[str, Array]) -> str:
    """The network up to the first layer whose arrays are not those of the file."""
    shapes = [model.input_shape, *layer_shapes(model.layers, model.input_shape)]
    for i, layer in enumerate(model.layers):
        for name, array in layer.arrays().items():
            saved = came.get(f"{layer.label}.{name}")
            if saved is None or saved.shape != array.shape:
                saved_shape = "none" if saved is None else saved.shape
                mark = f"{name} is {array.shape}, in the file {saved_shape}"
                return drawing(model.layers, shapes[: i + 1], mark=mark)
    return drawing(model.layers, shapes)


def _formula(described: Any) -> str:
    """A described layer as text, with the settings that matter for what it computes."""
    if not isinstance(described, dict):
        return repr(described)
    settings = described["config"].items()
    shown = ", ".join(f"{k}={_formula(v)}" for k, v in settings if k not in FORM_ONLY)
    return f"{described['class']}({shown})"


def match(wanted: Mapping[str, Array], came: Mapping[str, Array]) -> Table:
    """A table of both sides; it is the error where names, shapes or precision do not fit.

    The words are `transfer_weights`': NEW is in the model alone, UNUSED in the file alone.
    """
    rows, fits = [], True
    for name in [*wanted, *(name for name in came if name not in wanted)]:
        here = wanted[name].shape if name in wanted else None
        there = came[name].shape if name in came else None
        verdict = "LOADED" if here == there else "MISMATCH"
        verdict = "NEW" if there is None else "UNUSED" if here is None else verdict
        if verdict == "LOADED" and not np.can_cast(came[name].dtype, wanted[name].dtype):
            verdict = f"MISMATCH: {came[name].dtype} would lose digits"
        fits = fits and verdict == "LOADED"
        rows.append([name, _shape(there), _shape(here), verdict])
    table = Table(["array", "in the file", "in the model", ""], rows)
    if not fits:
        raise ValueError(str(table).replace("LOADED", "fits"))
    return table


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else str(shape)
