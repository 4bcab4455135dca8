"""Fine-tuning in two stages: the head alone, then all layers, the lower the slower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minnet.engine.refusals import UndoAll
from minnet.engine.selection import head_index
from minnet.foundation.checks import integer, number, short
from minnet.foundation.strict import named
from minnet.layers import Layer
from minnet.models import Sequential
from minnet.training.history import History
from minnet.training.receipts import WriteReceipt

ALL_SHARE = 0.1
"""The head's rate in the second stage, as a part of its rate in the first: features that were
learned elsewhere are to be changed little, and a tenth is what fine-tuning with fewer than a
hundred labels a class was measured best with here."""

SPREAD = 100.0
"""How many times slower the lowest layer learns than the head. fastai's `fine_tune` spreads the
rates from lr / 100 to lr; ULMFiT (Howard and Ruder, 2018) divides by 2.6 from layer to layer."""


def layer_rates(layers: Sequence[Layer], top: float, spread: float) -> dict[str, float]:
    """Rates that fall geometrically from the top layer with weights to the lowest.

    Parameters
    ----------
    top
        The rate of the top layer, for each update.
    spread
        The top rate divided by the lowest one.

    Examples
    --------
    >>> from minnet import Sequential
    >>> from minnet.layers import Dense
    >>> model = Sequential([Dense(4, input_dim=4), Dense(3), Dense(2, name="head")])
    >>> layer_rates(model.layers, 0.01, 100)
    {'dense_1': 0.0001, 'dense_2': 0.001, 'head': 0.01}
    """
    names = [layer.label for layer in layers if layer.parameters]
    below_top = max(1, len(names) - 1)
    return {
        name: top * spread ** ((i - len(names) + 1) / below_top) for i, name in enumerate(names)
    }


@named
def fine_tune(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    head_epochs: int = 100,
    epochs: int = 50,
    learning_rate: float = 1e-2,
    spread: float = SPREAD,
    **settings: Any,
) -> History:
    """Train a transferred model in two stages: its head alone, then all layers, with care.

    Shapes: x (N, …), y as the model's loss takes it, such as labels (N,).

    Staging beats training all at once by 1 point on data like the source's and by 10 on other
    data (Kumar et al., 2022). In the second stage the head learns at a tenth of its first rate,
    and the rates fall geometrically down the layers. All layers are trainable afterwards.

    Parameters
    ----------
    model
        Compiled, its head the last Dense and all after it.
    x, y
        Samples and targets of the new task.
    head_epochs, epochs
        Of the two stages. 100 and 50 suit a few labels of each class, for which an epoch is a
        handful of updates; fastai's recipe for thousands of samples is 1 and a few.
    learning_rate
        Of the head in the first stage, for each update. Ten times Adam's default: on features
        that stand still the head alone is a convex problem.
    spread
        How many times slower the lowest layer learns than the head, as in fastai.
    settings
        What else `fit` takes, for both stages: batch_size, validation_data, callbacks, …

    Returns
    -------
    History
        Of both stages, one after the other.

    Raises
    ------
    ValueError
        A number out of range, a model without a head, or data that do not fit the model.
    TypeError
        An argument of another type, or one that `fit` does not take.
    RuntimeError
        The model is not compiled.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
    >>> base = minnet.load_pretrained("mnist-8x8")
    >>> head = minnet.layers.Dense(10, activation="softmax")
    >>> model = base.replace_head(head, seed=0)
    >>> model.compile("adam", "cross_entropy")
    >>> history = fine_tune(model, x, y, head_epochs=20, epochs=10, verbose=0)
    >>> len(history.epoch), history.history["loss"][-1] < 0.5
    (30, True)
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"fine_tune takes a compiled model. Got {short(model)}.")
    who = "fine_tune's"
    if settings.get("resume") is not None:
        raise ValueError(
            "fine_tune takes no resume, since it is two fits. Got one. Call the two fits yourself, "
            "each with a Checkpoint of its own."
        )
    head_epochs = integer(head_epochs, f"{who} head_epochs", minimum=0)
    epochs = integer(epochs, f"{who} epochs", minimum=0)
    rate = number(learning_rate, f"{who} learning_rate", above=0.0)
    spread = number(spread, f"{who} spread", minimum=1.0)
    model.require_built()
    head, before = head_index(model.layers), WriteReceipt(model.layers)
    was_trainable = [layer.trainable for layer in model.layers]
    undo, updates_before = UndoAll(model), model.compiled.updates.iterations
    model.unfreeze()
    if head:
        model.freeze(slice(0, head))
    try:
        first = model.fit(x, y, epochs=head_epochs, learning_rate=rate, **settings)
    except (TypeError, ValueError, RuntimeError):
        if model.compiled.updates.iterations == updates_before:
            undo.restore()  # the optimizer, too, goes on as if nobody had frozen anything
        for layer, flag in zip(model.layers, was_trainable, strict=True):
            layer.trainable = flag
        raise
    model.unfreeze()
    rates = layer_rates(model.layers, ALL_SHARE * rate, spread)
    second = model.fit(x, y, epochs=epochs, learning_rate=rates, **settings)
    both = joined(first, second)
    both.receipt = before.receipt(model.layers)
    model.history = both
    return both


def joined(first: History, second: History) -> History:
    """The record of two fits, one after the other."""
    both = History(**{**second.params, "epochs": len(first.epoch) + len(second.epoch)})
    for history in (first, second):
        for i in range(len(history.epoch)):
            both.add(len(both.epoch), {k: v[i] for k, v in history.history.items()})
    both.features_saved = first.features_saved + second.features_saved
    return both
