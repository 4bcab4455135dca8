"""Which files a Checkpoint writes, replaces and removes, and which epoch is the best.

How a fit is resumed from them stands in `test_resuming.py`.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import warnings

import numpy as np
import pytest

import minnet
from minnet.callbacks import Callback, Checkpoint, EarlyStopping
from minnet.files import store
from minnet.foundation.checks import ModelFileError
from minnet.layers import Dense
from minnet.metrics import Accuracy
from minnet.models import Sequential
from tests.small_models import bits, classifier


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Nothing here cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class Stopped(Exception):
    """The end of a process, so to speak."""


class StopAfter(Checkpoint):
    """A checkpoint after so many saves of which the process ends."""

    def __init__(self, path, saves, **options):
        super().__init__(path, **options)
        self.saves = saves

    def save(self):
        super().save()
        self.saves -= 1
        if self.saves == 0:
            raise Stopped


def model_and_data(seed=0):
    """Three steps an epoch at batch size 4."""
    rng = np.random.default_rng(0)
    model = Sequential([Dense(2, input_dim=1)], seed=seed)
    model.compile("adam", "mse")
    return model, rng.standard_normal((12, 1)), rng.standard_normal((12, 2))


@pytest.mark.parametrize("name", ["run-{epoch}.npz", "{epoch:02d}-{val_loss:.2f}.npz"])
def test_a_name_with_a_gap_for_the_epoch_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"takes the name of one file.* Use keep=3"):
        Checkpoint(tmp_path / name)
    assert Checkpoint(tmp_path / "{1}.npz").path.name == "{1}.npz"


def fit(*callbacks, epochs=4, resume=None, seed=0):
    model, x, y = model_and_data(seed)
    with contextlib.suppress(Stopped):
        model.fit(x, y, 4, epochs=epochs, verbose=0, callbacks=[*callbacks], resume=resume)
    return model


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# --- files of others ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["model", "text", "folder", "link", "checkpoint"])
def test_a_file_that_was_there_stays(tmp_path, kind):
    """Whatever it is, also a checkpoint of another fit."""
    path, mine = tmp_path / "run.npz", tmp_path / "run-6.npz"
    elsewhere = tmp_path / "elsewhere.npz"
    if kind == "folder":
        mine.mkdir()
        (mine / "a.txt").write_text("mine")
    elif kind == "text":
        mine.write_text("mine")
    elif kind == "checkpoint":
        fit(Checkpoint(mine), seed=7)
    else:
        model_and_data(seed=7)[0].save(elsewhere)
        mine.symlink_to(elsewhere) if kind == "link" else shutil.copy(elsewhere, mine)
    before = mine.read_bytes() if mine.is_file() else files(mine)
    with pytest.warns(UserWarning, match=r"run-6\.npz was there, and .* stays .*run-6-2\.npz\."):
        fit(Checkpoint(path, keep=3))
    assert (mine.read_bytes() if mine.is_file() else files(mine)) == before
    assert mine.is_symlink() == (kind == "link")
    assert minnet.load(tmp_path / "run-6-2.npz").updates.iterations == 6
    assert {"run.npz", "run-6.npz", "run-6-2.npz", "run-9.npz"} == {*files(tmp_path)} - {
        "elsewhere.npz"
    }


def test_a_checkpoint_under_the_next_name_goes_with_its_run(tmp_path):
    path, mine = tmp_path / "run.npz", [tmp_path / "run-3.npz", tmp_path / "run-3-2.npz"]
    for one in mine:
        one.write_text("mine")
    with pytest.warns(UserWarning, match=r"The checkpoint of that step is .*run-3-3\.npz"):
        fit(Checkpoint(path, keep=2), epochs=2)
    assert (tmp_path / "run-3-3.npz").exists()
    fit(Checkpoint(path, keep=2), epochs=4, resume=path)
    assert files(tmp_path) == ["run-3-2.npz", "run-3.npz", "run-9.npz", "run.npz"]
    assert [one.read_text() for one in mine] == ["mine", "mine"]


def test_the_same_training_once_more_needs_no_other_name(tmp_path):
    """The files that it left are those that it would write, and stay."""
    for _ in range(2):
        fit(Checkpoint(tmp_path / "run.npz", keep=3))
        assert files(tmp_path) == ["run-6.npz", "run-9.npz", "run.npz"]


def test_a_file_that_somebody_put_in_the_place_of_one_is_not_removed(tmp_path):
    path = tmp_path / "run.npz"

    class Replace(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                model_and_data(seed=7)[0].save(tmp_path / "run-3.npz")

    fit(Replace(), Checkpoint(path, keep=2))
    assert files(tmp_path) == ["run-3.npz", "run-9.npz", "run.npz"]
    assert minnet.load(tmp_path / "run-3.npz").updates.iterations == 0


def test_a_file_that_somebody_removed_is_not_missed(tmp_path):
    path = tmp_path / "run.npz"

    class Remove(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                (tmp_path / "run-3.npz").unlink()

    fit(Remove(), Checkpoint(path, keep=2))
    assert files(tmp_path) == ["run-9.npz", "run.npz"]


# --- files of a run that was resumed --------------------------------------------------------------


def test_a_resumed_run_goes_on_with_the_files_of_the_first(tmp_path):
    path = tmp_path / "run.npz"
    fit(StopAfter(path, 3, keep=3))
    assert files(tmp_path) == ["run-3.npz", "run-6.npz", "run.npz"]
    fit(Checkpoint(path, keep=3), resume=path)
    assert files(tmp_path) == ["run-6.npz", "run-9.npz", "run.npz"]
    fit(Checkpoint(path), epochs=5, resume=path)
    assert files(tmp_path) == ["run.npz"]


def test_a_file_that_came_before_a_run_was_resumed_stays(tmp_path):
    path = tmp_path / "run.npz"
    fit(StopAfter(path, 3, keep=3))
    model_and_data(seed=7)[0].save(tmp_path / "run-3.npz")
    mine = (tmp_path / "run-3.npz").read_bytes()
    fit(Checkpoint(path, keep=2), resume=path)
    assert (tmp_path / "run-3.npz").read_bytes() == mine
    assert files(tmp_path) == ["run-3.npz", "run-9.npz", "run.npz"]


def test_a_forged_state_removes_nothing_of_others(tmp_path):
    """It names a file and its hash; but that file is no checkpoint of this fit."""
    path, mine = tmp_path / "run.npz", tmp_path / "run-3.npz"
    fit(StopAfter(path, 2))
    model_and_data(seed=7)[0].save(mine)
    other = tmp_path / "run-2.npz"
    fit(Checkpoint(other), seed=3, epochs=1)
    config, arrays = store.load(path)
    hashes = [[3, 1, store.file_hash(mine)], [2, 1, store.file_hash(other)]]
    config["training"]["state"]["checkpoint"]["older"] = hashes
    config["training"]["call"]["batch_size"] = 4
    store.save(path, config, arrays)
    assert "x" not in config
    changed = store.load(other)
    changed[0]["training"]["call"]["shuffle"] = False
    store.save(other, *changed)
    hashes[1][2] = store.file_hash(other)
    store.save(path, config, arrays)
    fit(Checkpoint(path, keep=2), resume=path)
    assert files(tmp_path) == ["run-2.npz", "run-3.npz", "run-9.npz", "run.npz"]


@pytest.mark.parametrize(
    "older", [5, [5], [[3, 1]], [[3, 1, 5]], [["../x", 1, ""]], [[-1, 1, ""]], [[3, 2**70, ""]]]
)
def test_a_state_that_is_none_is_refused(tmp_path, older):
    path = tmp_path / "run.npz"
    fit(StopAfter(path, 2))
    config, arrays = store.load(path)
    config["training"]["state"]["checkpoint"]["older"] = older
    store.save(path, config, arrays)
    with pytest.raises(ModelFileError, match="describes no fit that minnet can resume"):
        fit(Checkpoint(path), resume=path)


@pytest.mark.parametrize("moment", ["linked", "saved"])
def test_a_process_that_ends_in_a_save_leaves_no_file_for_ever(tmp_path, monkeypatch, moment):
    """Either between the second name and the new file, or before the oldest one is removed."""
    path, real = tmp_path / "run.npz", store.save

    def ending(target, config, arrays):
        if moment == "saved":
            real(target, config, arrays)
        if config["updates"]["iterations"] == 9:
            raise Stopped
        if moment == "linked":
            real(target, config, arrays)

    with monkeypatch.context() as patched:
        patched.setattr(store, "save", ending)
        fit(Checkpoint(path, keep=2))
    assert len(files(tmp_path)) == 3
    fit(Checkpoint(path, keep=2), resume=path)
    assert files(tmp_path) == ["run-9.npz", "run.npz"]


def test_a_copied_folder_goes_on_with_its_own_files(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    fit(StopAfter(first / "run.npz", 3, keep=3))
    shutil.copytree(first, second)
    fit(Checkpoint(second / "run.npz", keep=2), resume=second / "run.npz")
    assert files(second) == ["run-9.npz", "run.npz"]
    assert files(first) == ["run-3.npz", "run-6.npz", "run.npz"]


# --- the best epoch -------------------------------------------------------------------------------


class Figures(Callback):
    """Gives the figure "loss" these values, as far as later callbacks see."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        self.model.theta = np.full(4, float(epoch))


def best_of(tmp_path, values, monkeypatch, name="val_loss", **options):
    """The epoch that the file holds after a fit with these figures; None where there is no file."""
    path = tmp_path / "best.npz"
    checkpoint = Checkpoint(path, monitor=name, **options)
    real = Checkpoint.on_epoch_end

    def told(self, epoch, logs=None):
        real(self, epoch, {**(logs or {}), name: values[epoch]})

    monkeypatch.setattr(Checkpoint, "on_epoch_end", told)
    model, x, y = model_and_data()
    callbacks = [Figures(values), checkpoint]
    model.fit(x, y, 4, len(values), verbose=0, callbacks=callbacks, validation_split=0.25)
    if not path.exists():
        return None
    loaded = minnet.load(path)
    assert checkpoint.best_epoch == loaded.theta[0]
    assert checkpoint.best == values[checkpoint.best_epoch]
    return checkpoint.best_epoch


@pytest.mark.parametrize(
    ("values", "options", "epoch"),
    [
        ([3.0, 1.0, 2.0], {}, 1),
        ([3.0, 1.0, 1.0], {}, 1),
        ([1.0, 2.0, 3.0], {}, 0),
        ([1.0, 2.0, 3.0], {"mode": "max"}, 2),
        ([1.0, 3.0, 2.0], {"mode": "max"}, 1),
        ([math.nan, 2.0, math.nan], {}, 1),
        ([math.nan, math.nan], {}, None),
        ([math.inf, 5.0], {}, 1),
        ([-5.0, -7.0], {}, 1),
        ([-5.0, -7.0], {"mode": "max"}, 0),
    ],
    ids=str,
)
def test_the_best_epoch_is_kept(tmp_path, monkeypatch, values, options, epoch):
    assert best_of(tmp_path, values, monkeypatch, **options) == epoch


def test_val_loss_is_monitored_unless_another_is_named(tmp_path):
    """Keras' words."""
    path = tmp_path / "best.npz"
    assert Checkpoint(path, save_best_only=True).monitor == "val_loss"
    assert Checkpoint(path, monitor="loss", save_best_only=True).monitor == "loss"
    assert Checkpoint(path, monitor="loss").monitor == "loss"
    assert Checkpoint(path, save_best_only=False).monitor is None


def test_older_best_epochs_are_kept_as_well(tmp_path, monkeypatch):
    best_of(tmp_path, [4.0, 3.0, 5.0, 2.0], monkeypatch, keep=2)
    assert files(tmp_path) == ["best-6.npz", "best.npz"]


def test_a_fit_resumed_from_its_best_epoch_goes_on_from_there(tmp_path):
    path = tmp_path / "best.npz"
    model, x, y = classifier()
    call = {"batch_size": 4, "verbose": 0, "validation_split": 0.25}
    best = Checkpoint(path, monitor="val_accuracy", mode="max")
    model.fit(x, y, epochs=6, callbacks=[EarlyStopping(patience=9), best], **call)
    again = classifier()[0]
    again.fit(x, y, epochs=6, callbacks=[EarlyStopping(patience=9)], resume=path, **call)
    assert bits(again) == bits(model)
    figures = model.history.history["val_accuracy"]
    assert best.best_epoch == int(np.argmax(figures))
    assert best.best == max(figures)


def test_a_resumed_fit_knows_its_best_epoch(tmp_path, monkeypatch):
    """Also where it is resumed from the other file, that of its last state."""
    last, path = tmp_path / "last.npz", tmp_path / "best.npz"
    values, real = [1.0, 3.0, 2.0, 0.5, 4.0], Checkpoint.on_epoch_end

    def told(self, epoch, logs=None):
        real(self, epoch, {**(logs or {}), "loss": values[epoch]})

    monkeypatch.setattr(Checkpoint, "on_epoch_end", told)
    fit(StopAfter(last, 2), Checkpoint(path, monitor="loss"), epochs=5)
    assert minnet.load(path).updates.iterations == 3  # before the other, wherever it stands
    best = Checkpoint(path, monitor="loss")
    fit(Checkpoint(last), best, epochs=3, resume=last)
    assert minnet.load(path).updates.iterations == 3
    assert (best.best, best.best_epoch) == (1.0, 0)
    fit(Checkpoint(last), best, epochs=5, resume=last)
    assert minnet.load(path).updates.iterations == 12
    assert (best.best, best.best_epoch) == (0.5, 3)


def test_a_best_file_that_is_gone_is_written_anew(tmp_path, monkeypatch):
    last, path = tmp_path / "last.npz", tmp_path / "best.npz"
    values, real = [1.0, 3.0, 2.0], Checkpoint.on_epoch_end

    def told(self, epoch, logs=None):
        real(self, epoch, {**(logs or {}), "loss": values[epoch]})

    monkeypatch.setattr(Checkpoint, "on_epoch_end", told)
    fit(Checkpoint(path, monitor="loss"), StopAfter(last, 1), epochs=3)
    path.unlink()
    best = Checkpoint(path, monitor="loss")
    fit(best, epochs=3, resume=last)
    assert (best.best, best.best_epoch) == (2.0, 2)
    assert path.exists()


def test_a_save_of_the_best_epoch_that_fails_is_not_counted(tmp_path, monkeypatch):
    def full(*arguments):
        raise ModelFileError("No space left on device.")

    best = Checkpoint(tmp_path / "best.npz", monitor="loss")
    monkeypatch.setattr(store, "save", full)
    with pytest.raises(ModelFileError, match="No space left"):
        fit(best)
    assert (best.best, best.best_epoch) == (math.inf, None)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"monitor": 3}, TypeError, "Checkpoint's monitor takes a figure's name. Got 3"),
        ({"monitor": ""}, TypeError, "Checkpoint's monitor takes a figure's name. Got ''"),
        ({"monitor": "loss", "mode": "up"}, ValueError, "mode takes one of auto, min, max. Got"),
        ({"mode": "min"}, ValueError, r"mode is about a monitor\. Got mode='min' and none\."),
        ({"save_best_only": 1}, TypeError, "save_best_only takes True or False. Got 1"),
        (
            {"monitor": "loss", "save_best_only": False},
            ValueError,
            r"Got save_best_only=False, which writes each\. Leave one of them out",
        ),
        ({"monitor": "loss", "every": 5}, ValueError, r"at the end of epochs\. Got every=5"),
    ],
    ids=str,
)
def test_what_is_refused(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        Checkpoint(tmp_path / "best.npz", **options)


@pytest.mark.parametrize(
    ("monitor", "hint"),
    [
        ("val_loss", "Give fit validation_data or validation_split"),
        ("los", 'Did you mean "loss"'),
    ],
)
def test_a_figure_that_the_fit_does_not_report_is_refused_before_it_begins(tmp_path, monitor, hint):
    model, x, y = model_and_data()
    before = model.theta.tobytes()
    best = Checkpoint(tmp_path / "best.npz", monitor=monitor, mode="min")
    with pytest.raises(ValueError, match=f"Checkpoint takes a monitor that .*loss. Got .*{hint}"):
        model.fit(x, y, verbose=0, callbacks=[best])
    assert model.theta.tobytes() == before
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["accuracy", "val_acc", "val_top_k_categorical_accuracy"])
def test_auto_asks_the_metrics_class_as_early_stopping_does(tmp_path, name):
    model, x, y = classifier(K=6)
    model.compile("adam", "cross_entropy", ["accuracy", "acc", "top_k_categorical_accuracy", "mae"])
    best = Checkpoint(tmp_path / "best.npz", monitor=name)
    call = {"epochs": 6, "verbose": 0, "callbacks": [best], "validation_split": 0.25}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The last rows")
        figures = model_of(model, x, y, call)[name]
    assert best.best_epoch == int(np.argmax(figures))


def model_of(model, x, y, call):
    """The figures of a fit of one-hot rows."""
    return model.fit(x, np.eye(6)[y], **call).history


def test_auto_refuses_a_metric_that_does_not_say(tmp_path):
    model, x, y = classifier()
    metric = Accuracy(name="own")
    model.compile("adam", "cross_entropy", [metric])
    metric.direction = None
    with pytest.raises(
        ValueError, match=r"^Checkpoint's mode=\"auto\" takes a figure whose metric"
    ):
        model.fit(x, y, verbose=0, callbacks=[Checkpoint(tmp_path / "b.npz", monitor="own")])
