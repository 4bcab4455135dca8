"""A playground: one HTML file that runs a trained model in the browser, to be tried by hand."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, choice
from minnet.foundation.pages import document, page_path, shipped
from minnet.foundation.strict import named
from minnet.plots.canvas import COLOURS
from minnet.plots.subjects import (
    class_labels,
    layer_name,
    names_of_classes,
    pair,
    samples,
    working_copy,
)

FILES = "minnet.plots.page"

DRAWINGS = {"mnist-8x8": "minnet.pretrained.mnist_8x8"}
"""How a drawing can be brought to a model's input, and the module that does it in Python."""

MOST_SLIDERS = 40
"""The most inputs that get a slider each, where they are neither an image nor a plane."""

MOST_POINTS = 500
"""The most samples that are drawn in the plane; of more, the first."""

CURVES = {
    "ReLU": (),
    "LeakyReLU": ("negative_slope",),
    "ELU": ("alpha",),
    "SELU": (),
    "Softplus": (),
    "GELU": ("approximate",),
    "Sigmoid": (),
    "Tanh": (),
    "SiLU": (),
    "Mish": (),
    "ReLU6": (),
    "HardSigmoid": (),
    "HardSiLU": (),
    "Softsign": (),
    "Exponential": (),
}
"""Activations that the page knows, with their settings."""

POOLINGS = {"MaxPooling2D": "max_pool", "AveragePooling2D": "mean_pool"}
"""What the page calls each pooling."""

SAME = {
    *("Linear", "Flatten", "Reshape"),
    *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"),
}
"""Steps that leave every number as it is when a model predicts; at most its place changes."""


@named
def playground(
    model: Any,
    path: str | os.PathLike[str],
    x: Any = None,
    y: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    drawing: str | None = None,
) -> None:
    """Write one HTML file in which a trained model can be tried by hand: no server, no network.

    The page runs the model itself. A model of two inputs has a plane, where a point is moved; one
    of square images a sheet to draw on; any other a slider for each input. Every activation is
    seen, those of a convolution as images; a unit or a map that is chosen shows the weights that
    lead to it, which can be dragged, and it can be switched off. The numbers are those of
    `predict`, to 1e-5.

    Parameters
    ----------
    model
        A built model of minnet's own layers.
    path
        The file, which ends in `.html`.
    x : (N, …) array or None
        Samples, for the range of the inputs; of two inputs they are drawn, and of others can be
        looked at one by one.
    y : (N,) array or None
        Their labels.
    class_names
        A name for each output; those of the model, or numbers, by default.
    drawing
        "mnist-8x8" brings a drawing to 8×8 numbers as `minnet.pretrained.mnist_8x8.preprocess`
        does. None asks the model's own `preprocessing`; without one the drawing is the input.

    Raises
    ------
    TypeError, ValueError
        A layer that the page cannot run, more inputs than can be shown, or a path that will not do.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import minnet
    >>> model = minnet.Sequential([minnet.layers.Dense(1, input_dim=2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder) / "playground.html"
    ...     playground(model, page)
    ...     page.read_text("utf-8")[:15]
    '<!doctype html>'
    """
    who = "playground"
    model = working_copy(model, who, "predict", "layers", "steps", "input_shape", "output_shape")
    file = page_path(path, who)
    shapes = _shapes(model)
    description = {
        "name": str(getattr(model, "name", None) or "model"),
        "steps": [_step(step, shape) for step, shape in zip(model.steps, shapes, strict=False)],
        "layers": _layers(model, shapes),
        "classes": _classes(model, class_names),
        "colours": list(COLOURS),
        **_input(model, x, y, drawing),
    }
    text = json.dumps(description, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
    title = f"Playground of {description['name']}"
    body = (
        f'<main id="playground">\n<h1>{escape(title)}</h1>\n'
        "<noscript><p>This page runs the model in the browser, and needs JavaScript for that. "
        "It fetches nothing.</p></noscript>\n</main>\n"
        f'<script type="application/json" id="model">{text}</script>'
    )
    style, script = shipped(FILES, "playground.css"), shipped(FILES, "playground.js")
    file.write_text(document(title, body, style=style, script=script), "utf-8")


def _shapes(model: Any) -> list[tuple[int, ...]]:
    """The shape of one sample as it comes into each step, and that of the output."""
    outputs = model.forward(np.zeros((1, *model.input_shape), model.dtype))
    return [output.shape[1:] for output in outputs]


def _step(step: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """What the page has to know of a step."""
    kind = type(step).__name__
    own = not type(step).__module__.startswith("minnet.layers.")
    if own or (kind in ("Dense", "Softmax") and len(shape) != 1):
        raise ValueError(_cannot_run(step))
    if kind in SAME:
        return {"kind": "same"}
    if kind in CURVES:
        settings = [float(getattr(step, name)) for name in CURVES[kind]]
        return {"kind": "curve", "curve": kind, "settings": settings}
    if kind == "Softmax":
        return {"kind": "softmax"}
    if kind == "PReLU":
        return {"kind": "prelu", "alpha": _packed(np.broadcast_to(step.alpha, shape))}
    if kind == "Dense":
        bias = step.b if step.use_bias else np.zeros(step.W.shape[1])
        return {"kind": "dense", "W": _packed(step.W), "b": _packed(bias), "inputs": len(step.W)}
    if kind == "Conv2D":
        bias = step.b if step.use_bias else np.zeros(step.filters)
        inputs = int(np.prod(step.W.shape[:3]))
        windows = _windows(step.windows, shape, step.filters)
        return {
            "kind": "conv",
            "W": _packed(step.W),
            "b": _packed(bias),
            "inputs": inputs,
        } | windows
    if kind in POOLINGS:
        return {"kind": POOLINGS[kind]} | _windows(step.windows, shape, shape[2])
    if kind == "GlobalAveragePooling2D":
        return {"kind": "channel_mean", "channels": shape[2]}
    if kind in ("Rescaling", "Normalization", "BatchNormalization"):
        zero = step.forward(np.zeros((1, *shape)))  # y = scale x + shift, so two points tell both
        scale = step.forward(np.ones((1, *shape))) - zero
        return {"kind": "affine", "scale": _packed(scale), "shift": _packed(zero)}
    raise ValueError(_cannot_run(step))


def _windows(windows: Any, shape: tuple[int, ...], channels: int) -> dict[str, Any]:
    """Where the windows of a convolution or a pooling stand."""
    height, width = shape[:2]
    (above, _), (left, _) = windows.margins(height, width)
    return {
        "size": list(windows.size),
        "strides": list(windows.strides),
        "margins": [above, left],
        "from": list(shape),
        "to": [*windows.places(height, width), channels],
    }


def _cannot_run(step: Any) -> str:
    return (
        f"playground takes a model of minnet's own layers on rows of numbers or images. Got "
        f"{layer_name(step)}, a {type(step).__name__}, which its page cannot run. Leave it out, "
        "or look at such a model with minnet.plots.activations."
    )


def _packed(array: Any) -> str:
    """Numbers as text: float32, least byte first, in base 64."""
    flat = np.ascontiguousarray(array, "<f4").ravel()
    return base64.b64encode(flat.tobytes()).decode()


def _layers(model: Any, shapes: Sequence[tuple[int, ...]]) -> list[dict[str, Any]]:
    """The layers that are shown, each with the step whose output is its own, and maps' shape."""
    shown, end = [], 0
    for layer in model.layers:
        steps = layer.steps()
        end += len(steps)
        if any(type(step).__name__ not in SAME for step in steps):
            maps = {"maps": list(shapes[end])} if len(shapes[end]) == 3 else {}
            shown.append({"name": layer_name(layer), "step": end - 1, **maps})
    return shown


def _classes(model: Any, class_names: Sequence[str] | None) -> list[str]:
    width = int(np.prod(model.output_shape))
    names = class_names if class_names is not None else getattr(model, "class_names", None)
    if width == 1:  # one number, or the probability of the second of two classes
        return [str(names[1])] if names is not None and len(names) == 2 else ["output"]
    return names_of_classes(names, width)


def _input(model: Any, x: Any, y: Any, drawing: str | None) -> dict[str, Any]:
    """What kind of input it is, its range, and the samples that came."""
    size = int(np.prod(model.input_shape))
    rows = None if x is None else samples(x, model, "playground")
    if y is not None:
        if rows is None:
            raise ValueError("playground takes y with x. Got y alone. Pass x as well.")
        labels = class_labels(y, "playground")
        pair(rows, labels, "playground")
    flat = np.empty((0, size)) if rows is None else rows.reshape(len(rows), -1)
    side = _side(model.input_shape)
    module = None if drawing is None else choice(drawing, list(DRAWINGS), "playground's drawing")
    if module is None:
        told = str(getattr(model, "preprocessing", None) or "")
        module = next((name for name, code in DRAWINGS.items() if code in told), None)
    if module is not None and size != 64:
        raise ValueError(
            f"playground's drawing {module!r} makes 64 numbers. Got a model of {size} inputs. "
            "Leave out drawing=."
        )
    if size == 2:
        kind = "plane"
    elif module is not None:
        kind = module
    elif side is not None and size >= 36:
        kind = "image"
    elif size <= MOST_SLIDERS:
        kind = "sliders"
    else:
        raise ValueError(
            "playground takes a model of two inputs, of square images, or of at most "
            f"{MOST_SLIDERS} inputs. Got {size} inputs."
        )
    low, high = _range(flat, kind)
    return {
        "input": kind,
        "size": size,
        "side": 8 if module is not None else side,
        "low": low.tolist(),
        "high": high.tolist(),
        "samples": _packed(flat[:MOST_POINTS]),
        "labels": [] if y is None else labels[:MOST_POINTS].tolist(),
    }


def _side(shape: tuple[int, ...]) -> int | None:
    """The side of square images of one channel, which rows of D numbers may be; None for others."""
    side = math.isqrt(int(np.prod(shape)))
    return side if shape in ((side**2,), (side, side), (side, side, 1)) else None


def _range(flat: Array, kind: str) -> tuple[Array, Array]:
    """The smallest and the largest number of each input, with a margin."""
    width = flat.shape[1]
    if kind in ("image", *DRAWINGS):
        top = float(flat.max()) if flat.size else 1.0
        return np.zeros(width), np.full(width, top if top > 0 else 1.0)
    if not len(flat):
        return np.full(width, -3.0), np.full(width, 3.0)
    low, high = flat.min(axis=0).astype(float), flat.max(axis=0).astype(float)
    margin = np.maximum((high - low) * 0.15, 1e-6)
    return low - margin, high + margin
