"""The printed loop of a fit is the one that runs."""

from __future__ import annotations

import numpy as np

from minnet.callbacks import Callback, Checkpoint, EarlyStopping
from minnet.training.callback import HOOKS
from minnet.training.fit import Fit
from minnet.training.showing import LOOP, show_loop
from tests.small_models import classifier


class Everywhere(Callback):
    """Notes each hook that is called."""

    def __init__(self, log):
        self.log = log


for _hook in HOOKS:
    setattr(
        Everywhere, _hook, lambda self, *args, hook=_hook: self.log.append(f"Everywhere.{hook}")
    )


def test_the_hooks_come_in_the_order_that_is_printed():
    model, x, y = classifier()
    log = []
    model.fit(x, y, len(x), verbose=0, callbacks=[Everywhere(log)], validation_data=(x, y))
    assert log == [f"Everywhere.{hook}" for _, hook, _ in LOOP if hook]


def test_who_takes_part_where_is_who_is_told(monkeypatch, tmp_path):
    """Each participant's hooks are watched in a fit, and held against the lines of the loop."""
    told = []
    begin = Fit.begin

    def watched(self, begun):
        begin(self, begun)
        for hook, listeners in self.listeners.items():
            names = [type(one).__name__ for one in self.participants if _tells(one, hook)]
            assert len(names) == len(listeners)
            told.append((hook, names))

    monkeypatch.setattr(Fit, "begin", watched)
    model, x, y = classifier()
    callbacks = [EarlyStopping("loss"), Checkpoint(tmp_path / "run.npz")]
    model.fit(x, y, verbose=2, callbacks=callbacks)
    lines = [line.strip() for line in show_loop(callbacks).splitlines()]
    for hook, names in told:
        assert f"{hook}: {', '.join(names) or 'nobody'}" in lines


def _tells(participant, hook):
    return getattr(type(participant), hook) is not getattr(Callback, hook)


def test_the_model_prints_it():
    model, _, _ = classifier()
    lines = []
    model.show_training_loop([EarlyStopping()], lines.append)
    assert lines == [show_loop([EarlyStopping()])]
    assert "on_epoch_end: CheckEpoch, RecordHistory, EarlyStopping, Progress" in lines[0]


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
