"""minnet: neural networks in plain NumPy, for people who are learning how they work."""

import importlib
import typing

from minnet import (
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    pretrained,
    regularizers,
    schedules,
)
from minnet.checks import DivergedError, ModelFileError
from minnet.metrics import confusion_matrix
from minnet.models import Sequential, load
from minnet.pretrained import load_pretrained
from minnet.rate_finder import find_learning_rate
from minnet.registry import register

if typing.TYPE_CHECKING:
    from minnet import plots, teaching, transfer
    from minnet.teaching import Doctor, check_gradients, diagnose, explain_step

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "models",
    "layers",
    "Sequential",
    "initializers",
    "losses",
    "optimizers",
    "schedules",
    "regularizers",
    "metrics",
    "confusion_matrix",
    "callbacks",
    "load",
    "datasets",
    "pretrained",
    "load_pretrained",
    "transfer",
    "find_learning_rate",
    "plots",
    "teaching",
    "explain_step",
    "check_gradients",
    "diagnose",
    "Doctor",
    "register",
    "DivergedError",
    "ModelFileError",
]

_ROOMS = ("plots", "teaching", "transfer")
_TOOLS = ("Doctor", "check_gradients", "diagnose", "explain_step")


def __getattr__(name: str) -> object:
    """Import what not every program needs when it is first asked for: half of the source."""
    if name in _ROOMS:
        return importlib.import_module(f"minnet.{name}")
    if name in _TOOLS:
        tool: object = getattr(importlib.import_module("minnet.teaching"), name)
        return tool
    raise AttributeError(f"minnet has no {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
