"""The printed loop of a fit is the one that runs."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.callbacks import Callback, Checkpoint, EarlyStopping
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.training.callback import HOOKS
from minnet.training.fit import Fit
from minnet.training.showing import LOOP
from tests.small_models import classifier


def everywhere(log):
    """A callback that notes each hook that is called."""
    hooks = {hook: lambda self, *args, hook=hook: log.append(hook) for hook in HOOKS}
    return type("Everywhere", (Callback,), hooks)()


def test_the_hooks_come_in_the_order_that_is_printed():
    model, x, y = classifier()
    log = []
    model.fit(x, y, len(x), verbose=0, callbacks=[everywhere(log)], validation_data=(x, y))
    assert log == [hook for _, hook, _ in LOOP if hook]


def printed(model, callbacks=()):
    lines = []
    model.show_training_loop(callbacks, lines.append)
    return lines[0]


@pytest.mark.parametrize("frozen", [False, True])
def test_who_takes_part_where_is_who_is_told(monkeypatch, tmp_path, frozen):
    """Each participant's hooks are watched in a fit, and held against the lines of the loop."""
    told = {hook: [] for hook in HOOKS}
    model, x, y = classifier()
    if frozen:
        model.freeze(0)
    callbacks = [EarlyStopping("loss"), Checkpoint(tmp_path / "run.npz")]
    loop = printed(model, callbacks)
    begin = Fit.begin

    def watched(fit, begun):
        for participant in fit.participants:
            for hook in HOOKS:
                if getattr(type(participant), hook) is not getattr(Callback, hook):
                    told[hook].append(type(participant).__name__)
        begin(fit, begun)

    monkeypatch.setattr(Fit, "begin", watched)
    model.fit(x, y, verbose=2, callbacks=callbacks, validation_data=(x, y))
    lines = [line.strip() for line in loop.splitlines()]
    for hook, names in told.items():
        assert f"{hook}: {', '.join(names) or 'nobody'}" in lines


def test_the_loop_of_a_plain_fit():
    model, _, _ = classifier()
    assert (
        printed(model)
        == """\
on_train_begin: Progress
for each epoch:
    on_epoch_begin: Progress, Rollback
    for each batch x, y:
        on_train_batch_begin: nobody
        loss = model.loss_and_gradient(x, y)
        on_gradient: Rollback
        model.apply_gradient()
        on_train_batch_end: Progress, WholeSteps
    on_test_begin: nobody
    validation, if there are data for it
    on_test_end: nobody
    on_epoch_end: CheckEpoch, RecordHistory, Progress, Rollback, WholeSteps
on_train_end: Progress, WriteReceipt, RecordTraining"""
    )


def test_a_model_that_is_not_compiled_has_no_loop_to_show():
    with pytest.raises(RuntimeError, match="not compiled"):
        Sequential([Dense(1, input_dim=1)]).show_training_loop()


def test_a_hook_between_gradient_and_update_may_change_the_gradient():
    class Doubling(Callback):
        def on_gradient(self, batch, logs=None):
            self.model.grad *= 2.0

    (plain, x, y), (doubled, *_) = classifier(), classifier()
    for model in (plain, doubled):
        model.compile("sgd", "cross_entropy")
    start = plain.theta.copy()
    plain.fit(x, y, len(x), verbose=0, learning_rate=0.02)
    doubled.fit(x, y, len(x), verbose=0, learning_rate=0.01, callbacks=[Doubling()])
    np.testing.assert_allclose(doubled.theta - start, plain.theta - start, rtol=1e-4, atol=1e-7)
