"""A student's functions with weights by name, or in one vector: which block is wrong, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, short
from minnet.layers.base import Layer
from minnet.losses import Loss
from minnet.teaching.gradients.report import GradientFinding, GradientReport
from minnet.teaching.gradients.scaling import fraction
from minnet.teaching.scripts.analysis import analyse
from minnet.teaching.scripts.blocks import Analysis, Block, fits, ratio
from minnet.teaching.scripts.checking import findings_of
from minnet.teaching.scripts.functions_of import unit_of_functions

SECONDS = 8.0
"""For the search through the lines of a function."""


def check_named(target: Any, params: Any) -> GradientReport:
    """Check the gradients of a function of named weights, block by block.

    Parameters
    ----------
    target
        f, where f(params) gives (loss, gradients), or a pair (loss, gradient) of functions.
    params : dict of arrays
        The gradients come as a dict by the same names, or by names like dW1, or in this order.

    Returns
    -------
    GradientReport

    Raises
    ------
    TypeError, ValueError
        The functions give something else.
    """
    weights = _checked(params)
    pair = isinstance(target, (tuple, list))
    functions = dict(zip(("f", "g"), target if pair else (target,), strict=False))
    keys, shapes = _keys(functions, weights)
    lines = ["loss = f(params)", "grads = g(params)"] if pair else ["loss, grads, *_ = f(params)"]
    unit = unit_of_functions("f", functions, lines, {"params": weights})
    targets = {f"params[{name!r}]": f":grads[{key!r}]" for name, key in keys.items()}
    if shapes is not None:
        targets = {f"params[{next(iter(weights))!r}]": ":grads"}
    analysis = analyse(unit, targets, stay=True)
    if analysis is None:
        error = unit.run().error
        came = f"{type(error).__name__}: {error}" if error else "a loss that no weight changes"
        raise ValueError(
            "f takes the weights by name and gives a loss that depends on them, with its "
            f"gradients. Got {came}. Call f(params) once yourself and look at what it gives."
        )
    return _report(analysis, _truncated(functions, weights, keys, pair))


def _checked(params: Any) -> dict[str, Array]:
    if not isinstance(params, Mapping) or not params:
        raise TypeError(
            "check_gradients takes params as a dict of arrays by name, such as "
            f'{{"W1": W1, "b1": b1}}. Got {short(params)}.'
        )
    weights = {}
    for name, value in params.items():
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise TypeError(
                f"check_gradients takes arrays of numbers in params. Got {short(value)} as "
                f"{name!r}. Leave it out, or make it an array."
            )
        weights[name] = array if isinstance(value, np.ndarray) else array.astype(float)
    return weights


def _keys(
    functions: Mapping[str, Callable[..., Any]], weights: dict[str, Array]
) -> tuple[dict[str, Any], Any]:
    """The key of each weight's gradient in what the functions give."""
    given = {name: value.copy() for name, value in weights.items()}
    if "g" in functions:
        loss, grads = functions["f"](given), functions["g"](given)
    else:
        result = functions["f"](given)
        if not isinstance(result, tuple) or len(result) < 2:
            raise TypeError(
                f"f(params) gives (loss, gradients). Got {short(result)}. Return both, the loss "
                "first, or hand over a pair of functions, (loss, gradient)."
            )
        loss, grads = result[0], result[1]
    if np.size(loss) != 1 or np.asarray(loss).dtype.kind not in "fiu":
        raise ValueError(f"f gives one number as the loss. Got {short(loss)}. Sum or average it.")
    if isinstance(grads, Mapping):
        keys: dict[str, Any] = {}
        for name in weights:
            fitting = [k for k in (name, f"d{name}", f"grad_{name}", f"{name}_grad") if k in grads]
            if not fitting:
                raise ValueError(
                    f"The gradients have a name for each weight. Got {', '.join(map(str, grads))}, "
                    f"and none for {name}. Call it {name} or d{name}."
                )
            keys[name] = fitting[0]
        return keys, None
    if isinstance(grads, (list, tuple)) and len(grads) == len(weights):
        return {name: i for i, name in enumerate(weights)}, None
    if isinstance(grads, np.ndarray) and len(weights) == 1:
        return dict.fromkeys(weights), grads.shape
    raise TypeError(
        "The gradients are a dict by the names of the weights, or as many arrays in their order. "
        f"Got {short(grads)} for {', '.join(weights)}."
    )


def _truncated(
    functions: Mapping[str, Callable[..., Any]],
    weights: dict[str, Array],
    keys: Mapping[str, Any],
    pair: bool,
) -> dict[str, GradientFinding]:
    """What is lost in arrays of integers: the same numbers as floats give another gradient."""
    if all(value.dtype.kind == "f" for value in weights.values()):
        return {}

    def gradients(values: dict[str, Array]) -> Any:
        return functions["g"](values) if pair else functions["f"](values)[1]

    plain = gradients({k: v.copy() for k, v in weights.items()})
    floats = gradients({k: v.astype(float) for k, v in weights.items()})
    results = {}
    for name, key in keys.items():
        a, b = (plain, floats) if key is None else (plain[key], floats[key])
        if not np.array_equal(np.asarray(a), np.asarray(b)):
            results[name] = GradientFinding(
                "wrong",
                name,
                f"{TRUNCATED.format(name=name, dtype=weights[name].dtype)}",
            )
    return results


TRUNCATED = (
    "{name} is an array of integers ({dtype}), and its gradient is truncated to whole numbers: an "
    "array made like it, as by np.zeros_like({name}), drops what stands behind the point. Make it "
    "of floats: {name}.astype(float)."
)
"""What is said of integers."""


class _Model(np.ndarray):
    """An array of integers that notes whether another array was made like it."""

    copied_type = False

    def __array_function__(self, function: Any, types: Any, given: Any, named: Any) -> Any:
        if function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
            self.copied_type |= given[0] is self and "dtype" not in named
        return super().__array_function__(function, types, given, named)


def truncated(gradient: Callable[..., Any], x: Any) -> GradientFinding | None:
    """The finding on a gradient of integers that is another one with the same numbers as floats.

    Or that holds the same ones by luck: it is made like an x of integers, whatever it is filled
    with.
    """
    array = np.asarray(x)
    model = array.copy().view(_Model)
    try:
        floats = np.asarray(gradient(array.astype(float)))
        plain = np.asarray(gradient(model))
    except Exception:  # it takes no such numbers
        return None
    if floats.dtype.kind in "iu":
        return GradientFinding(
            "wrong",
            "gradient_of_f",
            f"its array is of integers ({floats.dtype}), so what is put into it is truncated to "
            "whole numbers: everything behind the point is lost. Make it of floats: "
            "np.zeros(shape), or zeros_like(…, dtype=float).",
        )
    by_luck = model.copied_type and plain.dtype.kind in "iu"
    if array.dtype.kind not in "iu" or (np.allclose(plain, floats) and not by_luck):
        return None
    message = TRUNCATED.format(name="x", dtype=array.dtype)
    return GradientFinding("wrong", "gradient_of_f", message)


def _report(analysis: Analysis, lost: Mapping[str, GradientFinding]) -> GradientReport:
    told = findings_of(analysis, SECONDS)
    blocks: dict[str, tuple[GradientFinding, ...]] = {}
    for label, findings in told.items():
        blocks[label] = tuple(GradientFinding(f.kind, label, f.text) for f in findings[:2])
    for name, finding in lost.items():
        blocks[name] = (finding, *blocks.get(name, ()))[:2]
    worst = max(analysis.blocks, key=_error)
    entry, analytic, numerical = _worst(worst)
    wrong = [finding for findings in blocks.values() for finding in findings]
    return GradientReport(
        ok=not wrong,
        max_relative_error=_error(worst),
        worst=f"{worst.label}[{', '.join(map(str, entry))}]" if entry else worst.label,
        analytic=analytic,
        numerical=numerical,
        method="central differences",
        checked=sum(len(block.entries) for block in analysis.blocks),
        total=sum(block.value.size for block in analysis.blocks),
        findings=tuple(wrong),
        blocks=blocks,
    )


def _error(block: Block) -> float:
    if block.analytic is None or not fits(block.analytic, block.value):
        return math.inf
    largest = float(np.abs(block.measured).max(initial=0.0))
    difference = float(np.abs(block.at(block.analytic) - block.measured).max(initial=0.0))
    if difference <= 1e-9:
        return difference if largest == 0.0 else difference / largest
    return difference / largest if largest else math.inf


def _worst(block: Block) -> tuple[tuple[int, ...], float, float]:
    if block.analytic is None or not fits(block.analytic, block.value):
        return (), math.nan, float(block.measured[0])
    a = block.at(block.analytic)
    i = int(np.argmax(np.abs(a - block.measured)))
    index = tuple(map(int, np.unravel_index(block.entries[i], block.value.shape)))
    return index, float(a[i]), float(block.measured[i])


# --- layers and losses ----------------------------------------------------------------------------


def of_layer_lines(layer: Layer, x: Array, dy: Array) -> dict[str, GradientFinding]:
    """What the lines of a layer's own methods say of its wrong gradients, by the array."""
    kind = type(layer)
    names = list(layer.parameters)
    functions: dict[str, Callable[..., Any]] = {}
    for method in ("gradient", "backward", "forward"):
        function = getattr(kind, method)
        if function.__module__.startswith("minnet.layers"):
            continue
        functions[method] = function
    if not functions.keys() & {"gradient", "backward"}:
        functions = {k: v for k, v in functions.items() if k == "forward"}
        if not functions:
            return {}
        functions["backward"] = kind.backward
    lines = [
        *(f"layer.{name}[...] = {name}" for name in names),
        "memo = {'rng': generator(0)}",
        f"y = {'forward(layer, ' if 'forward' in functions else 'layer.forward('}x.copy(), memo)",
        "loss = float((dy * y).sum())",
    ]
    gradient = "gradient(layer, " if "gradient" in functions else "layer.gradient("
    backward = "backward(layer, " if "backward" in functions else "layer.backward("
    targets = {}
    if names and "gradient" in functions:
        lines += [f"{gradient}x.copy(), y.copy(), dy.copy(), memo)"]
        lines += [f"d{name} = layer.d{name}.copy()" for name in names]
        targets = {name: f":d{name}" for name in names}
    if "backward" in functions:
        lines += [f"dx = {backward}x.copy(), y.copy(), dy.copy(), memo)"]
        targets["x"] = ":dx"
    variables = {"layer": layer, "x": x, "dy": dy}
    variables |= {name: np.array(getattr(layer, name)) for name in names}
    unit = unit_of_functions(layer.label, functions, lines, variables)
    unit.base = {**unit.base, "generator": np.random.default_rng}
    analysis = analyse(unit, targets, stay=True)
    if analysis is None:
        return {}
    told = _told_of(analysis)
    forward = told.pop("loss", None)
    if forward is not None:  # what is computed is wrong, and all gradients are right for another
        text = forward.message.replace("the loss or the way to it", "forward")
        told |= {b.label: GradientFinding(forward.kind, b.label, text) for b in analysis.wrong}
    return told


def of_loss_lines(loss: Loss, prediction: Array, target: Array) -> dict[str, GradientFinding]:
    """What the lines of a loss's own methods say of its wrong gradient."""
    kind = type(loss)
    functions = {
        name: getattr(kind, name)
        for name in ("per_sample", "gradient")
        if not getattr(kind, name).__module__.startswith("minnet.losses")
    }
    if "gradient" not in functions:
        return {}
    per_sample = "per_sample(own, " if "per_sample" in functions else "own.per_sample("
    lines = [f"loss = float({per_sample}p, t).mean())", "grad = gradient(own, p.copy(), t)"]
    variables = {"own": loss, "p": prediction, "t": target}
    unit = unit_of_functions(kind.__name__, functions, lines, variables)
    analysis = analyse(unit, {"p": ":grad"}, stay=True)
    return {} if analysis is None else _told_of(analysis)


def _told_of(analysis: Analysis) -> dict[str, GradientFinding]:
    if all(block.right for block in analysis.blocks):
        return {}
    results = {}
    for label, findings in findings_of(analysis, SECONDS).items():
        for finding in findings[:1]:
            if "to a cosine of" not in finding.text:
                results[label] = GradientFinding(finding.kind, label, finding.text)
    return results


# --- one array ------------------------------------------------------------------------------------


def explained(
    f: Callable[..., Any], gradient: Callable[..., Any], x: Array
) -> list[GradientFinding]:
    """What the lines of a pair of functions and the runs of entries say of a wrong gradient."""
    unit = unit_of_functions(
        "gradient_of_f", {"f": f, "g": gradient}, ["loss = f(x)", "grad = g(x)"], {"x": x}
    )
    analysis = analyse(unit, {"x": ":grad"}, stay=True, whole=True)
    if analysis is None or len(analysis.blocks) != 1 or analysis.blocks[0].right:
        return []
    block = analysis.blocks[0]
    told = findings_of(analysis, SECONDS)
    results = []
    runs = runs_of(block)
    for label, findings in told.items():
        for finding in findings[:2]:
            if "to a cosine of" in finding.text:
                continue
            where = "gradient_of_f" if label == "x" else "f"
            results.append(GradientFinding(finding.kind, where, f"{finding.text} {runs}".strip()))
    if not results and runs:
        kind = "factor" if "times what" in runs else "wrong"
        results.append(GradientFinding(kind, "gradient_of_f", runs))
    return results[:2]


def runs_of(block: Block) -> str:
    """Which runs of entries are right, and which are a multiple of what was measured."""
    if block.analytic is None or len(block.entries) != block.value.size or block.value.size < 4:
        return ""
    a, n = block.at(block.analytic), block.measured
    size = float(np.abs(n).max())
    with np.errstate(all="ignore"):
        quotient = np.where(np.abs(n) > 1e-7 * size, a / n, np.nan)
    parts: list[str] = []
    start = 0
    while start < len(a):
        end = start + 1
        first = quotient[start]
        while end < len(a) and (
            abs(quotient[end] - first) <= 1e-4 * max(1.0, abs(first))
            or (np.isnan(quotient[end]) and abs(a[end]) <= 1e-7 * size)
        ):
            end += 1
        if end - start >= 2 and ratio(a[start:end], n[start:end]) is not None:
            c = float(first)
            times = f"{fraction(abs(c))} times what was measured"
            if abs(c - 1.0) < 1e-4:
                times = "right"
            elif c < 0:
                times = f"minus {times}"
            parts.append(f"x[{start}:{end}] is {times}")
        start = end
    return f"By entries: {', '.join(parts)}." if 0 < len(parts) <= 8 else ""
