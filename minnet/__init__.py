"""minnet: neural networks in plain NumPy, for people who are learning how they work.

What not every program needs is imported when it is first asked for: whole rooms below, and in
other modules those parts of the standard library that take a millisecond or more.
"""

import importlib
import typing

from minnet import (
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    schedules,
)
from minnet.foundation.checks import DivergedError, ModelFileError
from minnet.foundation.registry import register
from minnet.foundation.version import __version__ as __version__
from minnet.metrics import confusion_matrix
from minnet.models import Sequential, load

if typing.TYPE_CHECKING:
    from minnet import datasets, exchange, plots, pretrained, teaching, transfer
    from minnet.pretrained import load_pretrained
    from minnet.teaching import (
        Doctor,
        check_gradients,
        diagnose,
        explain_prediction,
        explain_step,
    )
    from minnet.teaching.rate_finder import find_learning_rate

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "models",
    "layers",
    "Sequential",
    "initializers",
    "losses",
    "optimizers",
    "schedules",
    "regularizers",
    "constraints",
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
    "explain_prediction",
    "check_gradients",
    "diagnose",
    "Doctor",
    "exchange",
    "register",
    "DivergedError",
    "ModelFileError",
]

_ROOMS = ("datasets", "exchange", "plots", "pretrained", "teaching", "transfer")
_TOOLS = {
    "load_pretrained": "pretrained",
    "find_learning_rate": "teaching.rate_finder",
    "explain_step": "teaching",
    "explain_prediction": "teaching",
    "check_gradients": "teaching",
    "diagnose": "teaching",
    "Doctor": "teaching",
}
"""What is imported when it is first asked for: rooms, and tools with the room of each."""


def __getattr__(name: str) -> object:
    """Import one of these: half of the source."""
    if name in _ROOMS:
        return importlib.import_module(f"minnet.{name}")
    if name in _TOOLS:
        tool: object = getattr(importlib.import_module(f"minnet.{_TOOLS[name]}"), name)
        return tool
    rooms = ("layers", "optimizers", "losses", "metrics", "callbacks", "plots", "datasets")
    for room in () if name.startswith("_") else rooms:  # inspect and doctest ask for many of these
        if name in importlib.import_module(f"minnet.{room}").__all__:
            raise AttributeError(f"minnet has no {name!r}. Use minnet.{room}.{name}.")
    raise AttributeError(f"minnet has no {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
