"""What a player may look at: the few lines with the mistake in them, the settings, x and y.

No name of a class of the zoo is shown, since it would be the answer.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from typing import Any

import numpy as np

from minnet.course.zoo.mistake import Case
from minnet.foundation.checks import Array
from minnet.layers import Layer
from minnet.models import Sequential

OURS = "minnet.course.zoo"
"""Where the classes with mistakes are."""

ROWS, COLUMNS = 5, 8
"""Of an array that is looked at."""

FEW = 12
"""Different values that are counted."""


def code(case: Case) -> str:
    """The formulas that a student wrote, or the settings of a model, as lines of code."""
    target = case.target
    if isinstance(target, tuple):
        return "\n".join(_source(function) for function in target)
    written = [_written(thing) for thing in _things(target) if _is_ours(type(thing))]
    if written:
        return "\n\n".join(written)
    return settings(case) if isinstance(target, Sequential) else repr(target)


def settings(case: Case) -> str:
    """A model with its data, as the program that made it would look."""
    model: Sequential = case.target
    lines = ["model = Sequential(["]
    lines += [f"    {_layer(layer)}," for layer in model.layers]
    loss = type(model.loss).__name__
    lines += ["])", f"model.compile({model.optimizer!r}, {loss}(){_metrics(model)})"]
    given = "".join(
        f", {name}=(x_val, y_val)" if name == "validation_data" else f", {name}={value!r}"
        for name, value in case.settings.items()
    )
    lines.append(f"model.fit(x, y{given})    # x {_shape(case.x)}, y {_shape(case.y)}")
    return "\n".join(lines)


def _layer(layer: Layer) -> str:
    frozen = "" if layer.trainable or not layer.parameters else "    # trainable = False"
    name = f"name={layer.name!r}"
    return f"{layer!r}".replace(f", {name}", "").replace(name, "") + frozen


def _metrics(model: Sequential) -> str:
    names = [metric.name for metric in model.metrics]
    return f", metrics={names}" if names else ""


def _shape(array: Any) -> str:
    return str(np.shape(array))


def hidden(text: str, case: Case) -> str:
    """A text with the names of the zoo's classes replaced by those of what they were made from."""
    for thing in _things(case.target):
        if _is_ours(type(thing)):
            text = text.replace(type(thing).__name__, parent(thing))
    return text


def parent(thing: Any) -> str:
    """The class that a class of the zoo was made from."""
    return next(kind.__name__ for kind in type(thing).__mro__ if not _is_ours(kind))


def _things(target: Any) -> list[Any]:
    """The target, or the layers, penalties and loss of a model."""
    if not isinstance(target, Sequential):
        return [target]
    penalties = [p for layer in target.layers for p in layer.regularizers.values()]
    return [*target.layers, *penalties, target.loss]


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith(OURS)


def _written(thing: Any) -> str:
    """The methods that the classes of the zoo add, with what they were made from above them."""
    kinds = [kind for kind in reversed(type(thing).__mro__) if _is_ours(kind)]
    methods: dict[str, str] = {}
    for kind in kinds:
        for name, value in vars(kind).items():
            if inspect.isfunction(value) and name in FORMULAS:
                above = methods.get(name)
                methods[name] = (
                    _source(value)
                    if above is None
                    else f"{above}\n\n# and above it:\n{_source(value)}"
                )
    return f"# your own {parent(thing)}\n" + "\n\n".join(methods.values())


FORMULAS = ("forward", "backward", "gradient", "per_sample")
"""Methods that are shown."""


def _source(function: Any) -> str:
    """A function's lines without types, docstring and comments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return ast.unparse(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Takes types and docstrings out."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def look(name: str, array: Any) -> str:
    """An array's shape, its numbers in short, and its first rows.

    >>> print(look("y", [0, 2, 2]))
    y: shape (3,), int64, from 0 to 2, mean 1.33, deviation 0.943; different values: 2
      0
      2
      2
    """
    values: Array = np.asarray(array)
    flat = values.astype(np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    lines = [
        f"{name}: shape {values.shape}, {values.dtype}, from {finite.min():.4g} to "
        f"{finite.max():.4g}, mean {finite.mean():.3g}, deviation {finite.std():.3g}; different "
        f"values: {len(np.unique(flat))}"
    ]
    rows = values.reshape(len(values), -1)[:ROWS]
    for row in rows:
        shown = "  ".join(f"{value:.4g}" for value in row[:COLUMNS])
        lines.append(f"  {shown}{'  …' if len(row) > COLUMNS else ''}")
    if len(values) > ROWS:
        lines.append(f"  … {len(values) - ROWS:,} more rows")
    kinds, counts = np.unique(flat, return_counts=True)
    if 1 < len(kinds) <= FEW and len(flat) > ROWS:
        shown = ", ".join(f"{kind:g}: {count:,}" for kind, count in zip(kinds, counts, strict=True))
        lines.append(f"  how often each: {shown}")
    if rows.shape[1] > 1 and values.ndim == 2:
        sizes = np.abs(values.astype(np.float64)).max(axis=0)
        shown = "  ".join(f"{size:.3g}" for size in sizes[:COLUMNS])
        lines.append(f"  largest by column: {shown}{'  …' if len(sizes) > COLUMNS else ''}")
    return "\n".join(lines)


def weights(target: Any) -> str:
    """The size of each array of a model, and what is the same in all units."""
    if not isinstance(target, Sequential) or not target.built:
        return "There is no model here whose weights could be shown."
    lines = []
    for name, array in target.named_arrays().items():
        wide = array.astype(np.float64)
        size = math.sqrt(float(np.square(wide).mean())) if wide.size else 0.0
        lines.append(
            f"  {name} {array.shape}: size {size:.3g}, from {wide.min():.3g} to {wide.max():.3g}"
        )
    return "\n".join(lines)
