"""Which learning rate? One short run over rising rates, on a copy (Smith, 2017, section 3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation import checks
from minnet.foundation.strict import named
from minnet.foundation.tables import Table
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.models import Sequential
from minnet.teaching.shuffling import shuffled_batches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHING = 0.98
"""β of the running mean of the losses, as in fastai's finder."""

GIVE_UP = 4.0
"""The run ends where the smoothed loss is so many times its best, as in fastai's finder."""


@dataclass(frozen=True)
class RateSearch:
    """What `find_learning_rate` saw.

    Attributes
    ----------
    rates, losses : list of float
        The rate of each update, and the smoothed loss before it.
    suggestion
        A tenth of the rate with the smallest smoothed loss: there it falls fast still, and it is
        well below where it explodes (fastai's "minimum / 10").
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def __str__(self) -> str:
        shown = sorted({round(i) for i in np.linspace(0, len(self.rates) - 1, 10)})
        rows = [[f"{self.rates[i]:.1e}", f"{self.losses[i]:.4g}"] for i in shown]
        notes = [f"Suggestion: {self.suggestion:.1e}"]
        return str(Table([" learning rate", " smoothed loss"], rows, notes=notes))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the loss against the rate, with the suggestion. Returns the Axes."""
        from minnet import plots

        axes: Axes = plots.learning_rates(self.rates, self.losses, self.suggestion, ax=ax)
        return axes


@named
@seed_unmoved_where_refused
def find_learning_rate(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    smallest: float = 1e-6,
    largest: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: Any = 0,
) -> RateSearch:
    """Train a copy with a rate that rises from update to update, and see where the loss falls.

    Shapes: x (N, …), y as the model's loss takes it, such as labels (N,).

    The model stays as it is: weights, optimizer, random state.

    Parameters
    ----------
    model
        A compiled model; its optimizer and loss are used.
    x, y
        Training data; gone through again as often as needed.
    smallest, largest
        The first and the last rate, rising by the same factor each time. fastai's are 1e-7 and 10.
    steps
        Updates, 100 as in fastai.
    batch_size
        Samples for each update.
    seed
        For the order of the samples and for dropout.

    Returns
    -------
    RateSearch
        `.suggestion`, `.rates`, `.losses`; prints as a table, `.plot()` draws it.

    Raises
    ------
    RuntimeError
        Not compiled.
    ValueError
        The loss is not finite from the start, or the rates are in no order.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits()
    >>> layers = minnet.layers
    >>> model = minnet.Sequential([layers.Dense(10, activation="softmax", input_dim=64)], seed=0)
    >>> model.compile("sgd", "cross_entropy")
    >>> 0.001 < find_learning_rate(model, x, y).suggestion < 10
    True
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"find_learning_rate takes a compiled model. Got {checks.short(model)}.")
    low = checks.number(smallest, "find_learning_rate's smallest", above=0.0)
    high = checks.number(largest, "find_learning_rate's largest", above=low)
    count = checks.integer(steps, "find_learning_rate's steps", minimum=10)
    size = checks.integer(batch_size, "find_learning_rate's batch_size", minimum=1)
    rng = checks.generator(seed, "find_learning_rate's seed")
    twin = model.copy()
    twin.rng = rng
    by = (math.log(high) - math.log(low)) / (count - 1)
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    with np.errstate(all="ignore"):
        data = twin.checked_data(x, y)
        x, target = data.x, data.target
        twin.require_trainable()
        optimizer = twin.compiled.optimizer
        for step, rows in zip(range(count), shuffled_batches(len(x), size, rng), strict=False):
            half = math.exp(step * by / 2)  # the factor itself may be beyond all numbers
            rate = low * half * half
            if rate * optimizer.weight_decay > 1.0:  # no rate beyond can be trained with
                break
            optimizer.learning_rate = rate
            xb = np.asarray(x[rows], twin.dtype)
            loss = twin.run_batch(xb, target[rows], None, rng)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            smoothed = mean / (1 - SMOOTHING ** (step + 1))  # corrected for its start at zero
            if not math.isfinite(smoothed) or (losses and smoothed > GIVE_UP * min(losses)):
                break
            rates.append(rate)
            losses.append(smoothed)
            twin.run_update()
    if not losses:
        raise ValueError(
            "find_learning_rate takes a model whose loss is finite. Got a loss that is not, before "
            "any update. Scale the inputs to about 1, or reset the model."
        )
    return RateSearch(rates, losses, rates[int(np.argmin(losses))] / 10)
