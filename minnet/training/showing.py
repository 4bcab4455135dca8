"""The loop of a fit as text, with who takes part at which point and in which order."""

from __future__ import annotations

import numpy as np

from minnet.engine.inputs import Data
from minnet.engine.network import Network
from minnet.training.arguments import FitArguments
from minnet.training.fit import Fit
from minnet.training.process import WholeSteps
from minnet.training.start import take_part

LOOP = (
    (0, "on_train_begin", ""),
    (0, "", "for each epoch:"),
    (1, "on_epoch_begin", ""),
    (1, "", "for each batch x, y:"),
    (2, "on_train_batch_begin", ""),
    (2, "", "loss = model.loss_and_gradient(x, y)"),
    (2, "on_gradient", ""),
    (2, "", "model.apply_gradient()"),
    (2, "on_train_batch_end", ""),
    (1, "on_test_begin", ""),
    (1, "", "validation, if there are data for it"),
    (1, "on_test_end", ""),
    (1, "on_epoch_end", ""),
    (0, "on_train_end", ""),
)
"""The lines of the loop: how far in, and the hook that is called there or what is done."""


def show_loop(model: Network, arguments: FitArguments) -> str:
    """Return the loop of a fit that is called so, each hook with those who have it."""
    x = np.zeros((1, *model.input_shape), model.dtype)
    data = Data(x, np.zeros((1, *model.output_shape), model.dtype), None, [0.0, 0.0])
    fit = Fit(model, data, data, batch_size=1, epochs=1, shuffle=True, rng=model.rng)
    take_part(fit, arguments, None, WholeSteps())
    lines = []
    for depth, hook, action in LOOP:
        names = [type(one).__name__ for one in fit.participants if hook and one.has_hook(hook)]
        text = action or f"{hook}: {', '.join(names) or 'nobody'}"
        lines.append("    " * depth + text)
    return "\n".join(lines)
