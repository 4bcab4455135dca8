"""The loop of a fit as text, with who takes part at which point and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from minnet.training.arguments import check_callbacks
from minnet.training.callback import Callback, has_hook
from minnet.training.divergence import Rollback
from minnet.training.features import KeepFeatures
from minnet.training.process import WholeSteps
from minnet.training.progress import Progress
from minnet.training.receipts import RecordTraining, WriteReceipt
from minnet.training.start import in_order

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


def show_loop(callbacks: Sequence[Callback] = ()) -> str:
    """Return the loop of a fit with these callbacks, each hook with those who have it.

    Examples
    --------
    >>> print(show_loop())
    on_train_begin: Progress
    for each epoch:
        on_epoch_begin: Progress, Rollback, KeepFeatures
        for each batch x, y:
            on_train_batch_begin: KeepFeatures
            loss = model.loss_and_gradient(x, y)
            on_gradient: Rollback
            model.apply_gradient()
            on_train_batch_end: Progress, WholeSteps
        on_test_begin: KeepFeatures
        validation, if there are data for it
        on_test_end: nobody
        on_epoch_end: CheckEpoch, RecordHistory, Progress, WholeSteps
    on_train_end: Progress, WriteReceipt, RecordTraining
    """
    participants = in_order(
        Rollback(0.0),
        check_callbacks(callbacks),
        [Progress(bar=False)],
        [KeepFeatures()],
        WriteReceipt([]),
        RecordTraining(None),
        [WholeSteps()],
    )
    lines = []
    for depth, hook, action in LOOP:
        names = [type(one).__name__ for one in participants if hook and has_hook(one, hook)]
        text = action or f"{hook}: {', '.join(names) or 'nobody'}"
        lines.append("    " * depth + text)
    return "\n".join(lines)
