"""What is called while a model trains, when, and what it may do."""

from __future__ import annotations

import copy
import io
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LambdaCallback,
    Progress,
    RecordWeights,
    ReduceLROnPlateau,
)
from minnet.files import store
from minnet.foundation.checks import DivergedError, ModelFileError
from minnet.layers import BatchNormalization, Dense
from minnet.metrics import (
    MAE,
    MSE,
    Accuracy,
    BinaryAccuracy,
    Metric,
    TopKCategoricalAccuracy,
    Weighted,
)
from minnet.models import Sequential
from minnet.training import progress
from tests.small_models import classifier

ROOT = Path(minnet.__file__).parents[1]

HOOKS = [
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_epoch_end",
    "on_train_end",
]


def model_and_data(N=10):
    """A small model of one layer, x and y."""
    rng = np.random.default_rng(0)
    model = Sequential([Dense(1, input_dim=3)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    return model, rng.random((N, 3)), rng.random(N)


def fit(*added, **options):
    """A fit with these callbacks; the model."""
    model, x, y = model_and_data()
    model.fit(x, y, verbose=0, callbacks=list(added), **options)
    return model


def recorder(calls):
    """A callback that writes down which hook was called with what."""
    return LambdaCallback(
        **{hook: lambda *args, hook=hook: calls.append((hook, *args)) for hook in HOOKS}
    )


# --- hooks ----------------------------------------------------------------------------------------


def test_hooks_have_keras_names_order_and_arguments():
    calls = []
    model = fit(recorder(calls), batch_size=5, epochs=2, validation_split=0.2)
    epoch = ["on_epoch_begin"] + ["on_train_batch_begin", "on_train_batch_end"] * 2
    assert [name for name, *_ in calls] == [
        "on_train_begin",
        *[*epoch, "on_epoch_end"] * 2,
        "on_train_end",
    ]
    assert [args[0] for name, *args in calls if name.startswith("on_epoch")] == [0, 0, 1, 1]
    assert [args[0] for name, *args in calls if "batch" in name] == [0, 0, 1, 1] * 2
    begins = [args[-1] for name, *args in calls if name.endswith("begin")]
    assert begins == [{}] * len(begins)
    logs = [args[1] for name, *args in calls if name == "on_epoch_end"]
    assert logs == [
        {name: values[i] for name, values in model.history.history.items()} for i in range(2)
    ]
    assert calls[-1] == ("on_train_end", logs[-1])


def test_callbacks_know_the_model_and_how_it_is_trained():
    seen = Callback()
    model = fit(seen, batch_size=4, epochs=3, validation_split=0.1)
    assert seen.model is model
    assert seen.params == {
        "epochs": 3,
        "steps": 3,
        "samples": 9,
        "batch_size": 4,
        "metrics": ["loss", "mae", "val_loss", "val_mae"],
    }


def test_callbacks_are_called_in_the_order_of_the_list():
    seen = []
    fit(*[LambdaCallback(on_epoch_end=lambda e, logs, i=i: seen.append(i)) for i in range(3)])
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_lambda_callback_has_the_hooks_that_it_is_given(hook):
    seen = []
    fit(LambdaCallback(**{hook: lambda *args: seen.append(args)}))
    assert len(seen) == 1
    assert len(seen[0]) == (1 if "on_train_" in hook and "batch" not in hook else 2)


def test_a_lambda_callback_takes_functions():
    with pytest.raises(TypeError, match=r"LambdaCallback's on_epoch_end takes a function. Got 3"):
        LambdaCallback(on_epoch_end=3)


def test_what_a_hook_writes_into_its_logs_stays_there():
    seen = []
    clear = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.clear())
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(list(logs)))
    model = fit(clear, look)
    assert seen == [["loss", "mae"]]
    assert list(model.history.history) == ["loss", "mae"]


def test_a_figure_that_a_callback_writes_into_its_logs_is_warned_of_once():
    class F1(minnet.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_f1"] = 0.5

    with pytest.warns(
        UserWarning, match=r"F1.on_epoch_end wrote val_f1 into .* Write a Metric"
    ) as warned:
        model = fit(F1(), epochs=3)
    assert len(warned) == 1
    assert list(model.history.history) == ["loss", "mae"]


@pytest.mark.parametrize(
    ("hook", "epochs", "updates"),
    [("on_epoch_end", 1, 3), ("on_train_batch_end", 1, 1)],
)
def test_stop_training_ends_the_fit(hook, epochs, updates):
    model, x, y = model_and_data()
    stop = LambdaCallback(**{hook: lambda *args: setattr(model, "stop_training", True)})
    model.fit(x, y, 4, epochs=5, verbose=0, callbacks=[stop])
    assert (len(model.history.epoch), model.updates.iterations) == (epochs, updates)
    model.fit(x, y, 4, epochs=2, verbose=0)
    assert len(model.history.epoch) == 2


def test_a_fit_that_is_stopped_in_an_epoch_averages_what_it_saw():
    model, x, y = model_and_data()
    losses = []

    def stop(batch, logs):
        losses.append(logs["loss"])
        model.stop_training = batch == 1

    model.fit(x, y, 4, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=stop)])
    assert model.history.history["loss"] == [pytest.approx(np.mean(losses))]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            EarlyStopping(),
            r"takes a list. Got one EarlyStopping. Use callbacks=\[EarlyStopping\(…\)\]",
        ),
        ([EarlyStopping], r"takes Callback objects. Got <class .*Call it: EarlyStopping\(\)"),
        ([print], r"takes Callback objects. Got <built-in function print>"),
        (3, r"takes a list of Callback objects. Got 3. Use \[EarlyStopping\(…\)\]"),
        ("early", r"takes a list of Callback objects. Got 'early'"),
    ],
)
def test_what_is_no_list_of_callbacks_is_refused(wrong, message):
    model, x, y = model_and_data()
    with pytest.raises(TypeError, match="fit's callbacks " + message):
        model.fit(x, y, callbacks=wrong, verbose=0)


# --- early stopping -------------------------------------------------------------------------------


class Script:
    """A fit of 100 epochs as EarlyStopping sees it, with figures that are given."""

    def __init__(self, stopping, figures, name="val_loss"):
        model, *_ = model_and_data()
        if not name.endswith("loss"):
            model.compile("sgd", "mse", [name.removeprefix("val_")])
        stopping.model, stopping.params = model, {"metrics": [name]}
        stopping.on_train_begin({})
        self.epochs = 0
        for epoch, figure in enumerate(figures):
            model.theta = np.full(4, float(epoch))
            stopping.on_epoch_end(epoch, {name: figure})
            self.epochs += 1
            if model.stop_training:
                break
        stopping.on_train_end({})
        self.weights = model.theta[0]


@pytest.mark.parametrize(
    ("options", "figures", "epochs", "best_epoch"),
    [
        ({}, [3, 2, 2, 1], 3, 1),  # equal is not better
        ({"patience": 1}, [3, 2, 2, 1], 3, 1),
        ({"patience": 2}, [3, 2, 4, 1, 5, 5, 0], 6, 3),
        ({"patience": 3}, [3, 4, 5, 2, 6, 7, 8, 0], 7, 3),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.4, 2.3, 2.2, 2], 5, 2),
        ({"patience": 2, "mode": "max"}, [1, 2, 1, 2, 9], 4, 1),
        ({"patience": 2, "start_from_epoch": 2}, [0, 5, 4, 3, 6, 6, 0], 6, 3),
        ({"patience": 2, "baseline": 1.0}, [3, 2, 0.5], 2, 1),
        ({"patience": 2, "baseline": 1.0}, [3, 0.5, 0.6, 0.4, 1, 1, 0], 6, 3),
        ({"patience": 2}, [3, np.nan, np.nan, 1], 3, 0),
        ({"patience": 2}, [3, 2, 1], 3, 2),
    ],
)
def test_early_stopping_stops_after_its_patience(options, figures, epochs, best_epoch):
    stopping = EarlyStopping(**options)
    run = Script(stopping, figures)
    assert run.epochs == epochs
    assert (stopping.best_epoch, stopping.best) == (best_epoch, figures[best_epoch])
    assert run.weights == best_epoch
    stopped = epochs < len(figures)
    assert stopping.stopped_epoch == (epochs - 1 if stopped else None)


@pytest.mark.parametrize(
    ("monitor", "up"),
    [
        ("val_accuracy", True),
        ("acc", True),
        ("val_r2_score", True),
        ("val_loss", False),
        ("mae", False),
    ],
)
def test_early_stopping_knows_which_way_is_better(monitor, up):
    stopping = EarlyStopping(monitor, patience=9)
    Script(stopping, [1, 2, 0], monitor)
    assert stopping.best == (2 if up else 0)


class Hits(Accuracy):
    """A metric of a student's own."""


class Bias(Metric):
    name = "bias"

    def statistics(self, prediction, target):
        return np.array([(prediction - target).sum(), prediction.size])


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
@pytest.mark.parametrize(
    ("metric", "up"),
    [
        (Accuracy(name="hits"), True),
        (Hits(name="loss_of_mine"), True),
        (BinaryAccuracy(name="error"), True),
        (TopKCategoricalAccuracy(1, name="top"), True),
        (MSE(name="my_acc"), False),
        (MAE(name="accuracy"), False),
    ],
)
def test_the_class_of_the_metric_says_which_way_is_better(kind, metric, up):
    model = Sequential([Dense(2, activation="softmax", input_dim=1)], seed=0)
    model.compile("sgd", "cross_entropy", [metric])
    if isinstance(metric, (MAE, MSE, BinaryAccuracy)) and not isinstance(metric, Accuracy):
        model = Sequential([Dense(1, activation="sigmoid", input_dim=1)], seed=0)
        model.compile("sgd", "mae", [metric])
    watching = kind(f"val_{metric.name}", patience=9)
    x, y = np.linspace(-1, 1, 8)[:, None], np.arange(8) % 2
    model.fit(x, y, verbose=0, validation_data=(x, y), callbacks=[watching])
    assert watching._up == up


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_a_figure_whose_direction_nobody_says_is_refused_unless_mode_does(kind):
    model, x, y = model_and_data()
    model.compile("sgd", "mse", [Bias()])
    message = (
        rf"{kind.__name__}'s mode=\"auto\" takes a figure whose metric says where better is. Got "
        r"'bias', and Bias does not say. Write mode=\"min\" or mode=\"max\", or direction = "
    )
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0, callbacks=[kind("bias")])
    model.fit(x, y, verbose=0, callbacks=[kind("bias", mode="min")])


class ErrorRate(Accuracy):
    name = "error_rate"

    def result(self, statistics):
        return 1 - super().result(statistics)


class Misses(Accuracy):
    def statistics(self, prediction, target):
        right, count = super().statistics(prediction, target)
        return np.array([count - right, count])


@pytest.mark.parametrize("metric", [ErrorRate(), Misses(name="misses"), Weighted(ErrorRate())])
def test_a_figure_made_of_another_has_a_direction_only_where_its_class_says_so(metric):
    model = Sequential([Dense(2, activation="softmax", input_dim=3)], seed=0)
    _, x, y = model_and_data()
    labels = (y > 0.5).astype(int)
    model.compile("sgd", "cross_entropy", [metric])
    with pytest.raises(ValueError, match=r'mode="auto" takes a figure whose metric says where'):
        model.fit(x, labels, verbose=0, callbacks=[EarlyStopping(metric.name)])


def test_a_figure_made_of_another_may_say_its_direction_and_a_class_below_keeps_it():
    class Said(ErrorRate):
        direction = "down"

        def result(self, statistics):
            return 100 * super().result(statistics)

    class Below(Said):
        pass

    assert Said.direction == Below.direction == "down"
    assert Accuracy.direction == "up"


def test_a_misspelt_validation_figure_is_not_told_to_give_validation_data():
    model, x, y = model_and_data()
    with pytest.raises(ValueError, match=r"Got 'val_los'. Did you mean \"val_loss\"\?"):
        model.fit(x, y, verbose=0, validation_split=0.5, callbacks=[EarlyStopping("val_los")])


def test_early_stopping_takes_the_whole_model_back_frozen_layers_too():
    """One that a callback froze after the best epoch gets the bits that it had in that epoch."""
    model = Sequential([Dense(2, input_dim=2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    kept = []

    def later(epoch, logs):
        kept.append(model.theta.copy())
        if epoch == 2:
            model.freeze("dense_1")

    x, y = np.eye(2), np.array([1.0, -1.0])
    stopping = EarlyStopping("loss", mode="max", patience=9)  # the first epoch is the best
    callbacks = [stopping, LambdaCallback(on_epoch_end=later)]
    model.fit(x, y, epochs=5, verbose=0, callbacks=callbacks)
    assert stopping.best_epoch == 0
    np.testing.assert_array_equal(model.theta, kept[0])


# --- a lower rate on a plateau --------------------------------------------------------------------


def plateau(figures, rate=1.0, **options):
    """The rates after each epoch of a fit with these figures."""
    callback = ReduceLROnPlateau(**{"factor": 0.5, "patience": 2, "min_delta": 0.0, **options})
    model, *_ = model_and_data()
    model.optimizer.learning_rate = rate
    callback.model, callback.params = model, {"metrics": ["val_loss"]}
    callback.on_train_begin({})
    rates = []
    for epoch, figure in enumerate(figures):
        callback.on_epoch_end(epoch, {"val_loss": figure})
        rates.append(model.optimizer.learning_rate)
    return rates


@pytest.mark.parametrize(
    ("figures", "options", "rates"),
    [
        ([3, 2, 1], {}, [1, 1, 1]),
        ([1, 1, 1, 1, 1], {}, [1, 1, 0.5, 0.5, 0.25]),
        ([1, 1, 1], {"patience": 1}, [1, 0.5, 0.25]),
        ([1, 1, 1], {"patience": 0}, [1, 0.5, 0.25]),
        ([1, 0.95, 0.9], {"min_delta": 0.2}, [1, 1, 0.5]),
        ([1] * 7, {"patience": 1, "cooldown": 2}, [1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ([1] * 5, {"patience": 1, "min_lr": 0.3}, [1, 0.5, 0.3, 0.3, 0.3]),
        ([1, 2, 3], {"mode": "max"}, [1, 1, 1]),
    ],
)
def test_the_rate_falls_on_a_plateau_as_in_keras(figures, options, rates):
    """Worked by hand from Keras 3's `on_epoch_end`."""
    assert plateau(figures, **options) == rates


def test_the_rate_that_fit_was_given_is_lowered_and_then_the_optimizers_holds():
    model, x, y = model_and_data()
    lower = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model.fit(x, y, epochs=3, verbose=0, learning_rate=0.08, callbacks=[lower])
    assert model.optimizer.learning_rate == 0.08 * 0.25


@pytest.mark.parametrize(
    "rate",
    [
        lambda step: 0.1,
        {"dense_1": lambda step: 0.1},
        {"dense_2": 0.1},  # and the optimizer's for the other
        {"dense_1": 0.1, "dense_2": 0.2},
    ],
)
def test_a_schedule_or_rates_by_layer_cannot_be_lowered(rate):
    _, x, y = model_and_data()
    model = Sequential([Dense(2, input_dim=3), Dense(1)], seed=0)
    model.compile("adam", "mse")
    lower = ReduceLROnPlateau("loss")
    with pytest.raises(ValueError, match="ReduceLROnPlateau takes a fit with one learning rate"):
        model.fit(x, y, verbose=0, learning_rate=rate, callbacks=[lower])


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"best": "low", "waited": 0, "cooling": 0},
        {"best": 1.0, "waited": -1, "cooling": 0},
        {"best": 1.0, "waited": 0, "cooling": [1]},
    ],
)
def test_a_state_that_no_plateau_had_is_refused(state):
    lower = ReduceLROnPlateau()
    before = lower.get_state()
    with pytest.raises(ValueError, match=r"best|waited|cooling"):
        lower.set_state(state)
    assert lower.get_state() == before


def test_the_rate_of_the_one_layer_that_learns_can_be_lowered():
    _, x, y = model_and_data()
    model = Sequential([Dense(2, input_dim=3), Dense(1, name="top")], seed=0)
    model.freeze("all_but_head")
    model.compile("adam", "mse")
    lower = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model.fit(x, y, epochs=3, verbose=0, learning_rate={"top": 0.08}, callbacks=[lower])
    assert model.optimizer.learning_rate == 0.08 * 0.25


def test_early_stopping_may_keep_the_last_weights():
    assert Script(EarlyStopping(restore_best_weights=False), [1, 2]).weights == 1


def test_early_stopping_starts_afresh_in_a_second_fit():
    stopping = EarlyStopping(patience=1)
    assert Script(stopping, [1, 0, 3]).epochs == 3
    assert Script(stopping, [9, 8, 7]).epochs == 3
    assert stopping.best == 7


def test_early_stopping_in_a_fit_puts_the_best_weights_and_statistics_back():
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 3)), rng.random(20)
    model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    kept = []
    keep = LambdaCallback(
        on_epoch_end=lambda e, logs: kept.append((model.theta.copy(), model.state.copy()))
    )
    stopping = EarlyStopping("loss", patience=2)
    model.fit(
        x, y, epochs=50, verbose=0, callbacks=[keep, stopping], learning_rate=lambda step: step
    )
    theta, state = kept[stopping.best_epoch]
    assert len(kept) == stopping.best_epoch + 3 < 50
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(model.state, state)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, DivergedError])
def test_the_best_weights_come_back_however_the_training_ends(error):
    model, x, y = model_and_data()
    kept = []

    def spoil(epoch, logs):
        kept.append(model.theta.copy())
        if epoch == 0:
            model.theta += 100
        elif error is not DivergedError:
            raise error
        else:
            model.theta[...] = 1e30

    callbacks = [EarlyStopping("loss", patience=9), LambdaCallback(on_epoch_end=spoil)]
    with pytest.raises(error):
        model.fit(x, y, epochs=4, verbose=0, callbacks=callbacks)
    assert np.array_equal(model.theta, kept[0])


@pytest.mark.parametrize(
    ("monitor", "options", "message"),
    [
        ("val_loss", {}, r"reports: loss, mae. Got 'val_loss'. Give fit validation_data or valid"),
        ("los", {}, r"reports: loss, mae. Got 'los'. Did you mean \"loss\"\?"),
        ("x", {"validation_split": 0.5}, r"reports: loss, mae, val_loss, val_mae. Got 'x'"),
    ],
)
def test_a_monitor_that_is_not_reported_is_refused_before_training(monitor, options, message):
    model, x, y = model_and_data()
    before = model.theta.copy()
    with pytest.raises(ValueError, match="EarlyStopping takes a monitor that the fit " + message):
        model.fit(x, y, verbose=0, callbacks=[EarlyStopping(monitor)], **options)
    assert np.array_equal(model.theta, before)


def test_a_monitor_that_is_missing_from_the_logs_is_an_error():
    stopping = EarlyStopping("mae")
    with pytest.raises(ValueError, match=r"reports: loss. Got 'mae'"):
        stopping.on_epoch_end(0, {"loss": 1.0})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": -1}, ValueError, "patience takes a whole number, 0 or more"),
        ({"patience": 1.5}, TypeError, "patience takes a whole number"),
        ({"min_delta": -0.1}, ValueError, "min_delta takes a finite number that is 0 or more"),
        ({"mode": "up"}, ValueError, "mode takes one of auto, min, max. Got 'up'"),
        ({"baseline": "x"}, TypeError, "baseline takes a number"),
        ({"restore_best_weights": 1}, TypeError, "restore_best_weights takes True or False"),
        ({"start_from_epoch": -1}, ValueError, "start_from_epoch takes a whole number, 0 or more"),
    ],
)
def test_what_early_stopping_refuses(options, error, message):
    with pytest.raises(error, match=f"EarlyStopping's {message}"):
        EarlyStopping(**options)


# --- progress -------------------------------------------------------------------------------------


def show(verbose, **options):
    """A fit of 3 epochs that shows its progress."""
    model, x, y = model_and_data()
    model.fit(x, y, 4, epochs=3, verbose=verbose, **options)
    return model


@pytest.mark.parametrize("verbose", [2, "auto"])
def test_progress_is_one_line_an_epoch(capsys, verbose):
    history = show(verbose, validation_split=0.2).history.history
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [text.split(" - ")[0] for text in lines] == [f"Epoch {i}/3" for i in (1, 2, 3)]
    for i, text in enumerate(lines):
        seconds, *figures = text.split(" - ")[1:]
        assert seconds.endswith("s")
        assert figures == [f"{name}: {values[i]:.4f}" for name, values in history.items()]


def test_verbose_0_says_nothing(capsys):
    show(0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [3, -1, "loud", None, 1.0, np.array([1, 2])], ids=repr)
def test_verbose_takes_four_values(verbose):
    with pytest.raises(ValueError, match=r"fit's verbose takes 0, 1, 2 or \"auto\". Got "):
        show(verbose)


def test_verbose_1_is_a_bar_where_tqdm_is_installed(capsys):
    pytest.importorskip("tqdm")
    history = show(1).history.history
    out, err = capsys.readouterr()
    assert out == ""
    assert "Epoch 3/3: 100%" in err
    assert "9/9" in err
    assert f"loss: {history['loss'][-1]:.4f}" in err


def test_verbose_1_is_a_line_an_epoch_where_tqdm_is_absent(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    show(1)
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (3, "")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_auto_is_a_bar_in_a_terminal(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    show("auto")
    assert "100%" in screen.getvalue()


def closed():
    """A stream that was closed."""
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
@pytest.mark.parametrize("stream", [lambda: None, closed], ids=["none", "closed"])
def test_no_screen_does_not_cost_a_training(monkeypatch, verbose, stream):
    monkeypatch.setattr(sys, "stdout", stream())
    monkeypatch.setattr(sys, "stderr", stream())
    model = show(verbose)
    assert model.history.epoch == [0, 1, 2]


def test_a_pipe_that_breaks_is_not_written_to_again(monkeypatch):
    class Broken(io.StringIO):
        tries = 0

        def write(self, text):
            self.tries += 1
            raise BrokenPipeError

    stream = Broken()
    monkeypatch.setattr(sys, "stdout", stream)
    assert show(2).history.epoch == [0, 1, 2]
    assert stream.tries == 1


@pytest.mark.skipif(os.name != "posix", reason="needs a shell and head")
def test_a_reader_that_leaves_does_not_cost_a_training(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.test_callbacks import model_and_data\n"
        "model, x, y = model_and_data()\n"
        "model.fit(x, y, epochs=2000, verbose=2)\n"
        "Path(sys.argv[1]).write_text(str(len(model.history.epoch)))"
    )
    done = subprocess.run(
        f'"{sys.executable}" -c "$CODE" "$OUT" | head -1',
        shell=True,
        cwd=ROOT,
        env={"CODE": code, "OUT": str(tmp_path / "out"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("Epoch 1/2000 - ")
    assert (tmp_path / "out").read_text() == "2000"


def test_line_rounds_to_four_places():
    assert progress.line({"loss": 1.23456, "mae": 0.00001}) == "loss: 1.2346 - mae: 0.0000"
    assert Progress(bar=False).on_train_end() is None


# --- recording ------------------------------------------------------------------------------------


def test_weights_and_statistics_are_kept_before_and_after_each_epoch():
    model = Sequential([BatchNormalization(), Dense(1)], seed=0)
    model.build(3)
    model.compile("adam", "mse")
    record, seen = RecordWeights(), [(model.theta.copy(), model.state.copy())]
    look = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((model.theta.copy(), model.state.copy()))
    )
    _, x, y = model_and_data()
    model.fit(x, y, epochs=3, verbose=0, callbacks=[record, look])
    assert len(record.thetas) == len(record.states) == 4
    for theta, state, kept in zip(record.thetas, record.states, seen, strict=True):
        np.testing.assert_array_equal(theta, kept[0])
        np.testing.assert_array_equal(state, kept[1])
    assert not np.array_equal(record.thetas[0], record.thetas[1])
    assert not np.array_equal(record.states[0], record.states[1])


def test_each_fit_is_recorded_from_its_start():
    model, x, y = model_and_data()
    record = RecordWeights()
    model.fit(x, y, epochs=3, verbose=0, callbacks=[record])
    last = record.thetas[-1]
    model.fit(x, y, epochs=1, verbose=0, callbacks=[record])
    assert len(record.thetas) == 2
    np.testing.assert_array_equal(record.thetas[0], last)


# --- checkpoints ----------------------------------------------------------------------------------


def steps_in(folder):
    """File name → updates of the model in it."""
    return {p.name: minnet.load(p).updates.iterations for p in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({}, {"run.npz": 9}),
        ({"every": 2}, {"run.npz": 9}),
        ({"every": 100}, {"run.npz": 9}),
        ({"keep": 2}, {"run-6.npz": 6, "run.npz": 9}),
        ({"keep": 9}, {"run-3.npz": 3, "run-6.npz": 6, "run.npz": 9}),
        ({"every": 4, "keep": 2}, {"run-8.npz": 8, "run.npz": 9}),
        ({"every": 3, "keep": 3}, {"run-3.npz": 3, "run-6.npz": 6, "run.npz": 9}),
    ],
    ids=str,
)
def test_a_checkpoint_is_the_newest_and_the_older_ones_have_their_steps(tmp_path, options, files):
    fit(Checkpoint(tmp_path / "run.npz", **options), batch_size=4, epochs=3)
    assert steps_in(tmp_path) == files


def test_a_checkpoint_saves_at_these_steps(tmp_path):
    path, seen = tmp_path / "run.npz", []
    after = LambdaCallback(on_train_batch_begin=lambda b, logs: seen.append(path.exists()))
    fit(after, Checkpoint(path, every=4), batch_size=4, epochs=3)
    assert seen == [False] * 4 + [True] * 5


def test_only_files_of_this_fit_are_removed(tmp_path):
    mine = tmp_path / "run-3.txt", tmp_path / "run-1.npz"
    for path in mine:
        path.write_text("mine")
    fit(Checkpoint(tmp_path / "run.npz", keep=2), batch_size=4, epochs=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "run-1.npz",
        "run-3.txt",
        "run-9.npz",
        "run.npz",
    ]
    assert [path.read_text() for path in mine] == ["mine", "mine"]


def test_a_checkpoint_sees_what_all_other_callbacks_did(tmp_path):
    """Wherever it stands in the list, so that what they remember is of the same moment."""
    path = tmp_path / "run.npz"
    model, x, y = model_and_data()
    change = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "theta", [7.0] * 4))
    model.fit(x, y, verbose=0, callbacks=[Checkpoint(path), change])
    assert minnet.load(path).theta.tolist() == [7.0] * 4


def test_a_checkpoint_changes_no_bit_of_a_fit(tmp_path):
    options = {"batch_size": 4, "epochs": 3, "validation_split": 0.2}
    plain = fit(EarlyStopping(), **options)
    saved = fit(EarlyStopping(), Checkpoint(tmp_path / "run.npz", every=1), **options)
    assert plain.theta.tobytes() == saved.theta.tobytes()
    assert plain.history.history == saved.history.history


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda path: Checkpoint(path, every=0),
            ValueError,
            "Checkpoint's every takes a whole num",
        ),
        (
            lambda path: Checkpoint(path, every="step"),
            ValueError,
            "every takes one of epoch. Got 'st",
        ),
        (
            lambda path: Checkpoint(path, every=0.5),
            TypeError,
            "Checkpoint's every takes a whole nu",
        ),
        (
            lambda path: Checkpoint(path, keep=0),
            ValueError,
            "Checkpoint's keep takes a whole number",
        ),
        (
            lambda path: Checkpoint(path.parent),
            ModelFileError,
            "Checkpoint takes a file's path. Got",
        ),
        (lambda path: Checkpoint(path / "x" / "y"), ModelFileError, "in a folder that exists. Got"),
        (lambda path: Checkpoint(3), TypeError, "Checkpoint takes a path such as"),
    ],
)
def test_what_a_checkpoint_refuses(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        make(tmp_path / "run.npz")


def test_two_checkpoints_have_two_paths(tmp_path):
    fit(Checkpoint(tmp_path / "a.npz"), Checkpoint(tmp_path / "b.npz", every=2))
    assert steps_in(tmp_path) == {"a.npz": 1, "b.npz": 1}
    with pytest.raises(ValueError, match=r"Each Checkpoint of a fit takes a path of its own"):
        fit(Checkpoint(tmp_path / "a.npz"), Checkpoint(tmp_path / "." / "a.npz"))


def test_a_checkpoint_is_called_by_fit(tmp_path):
    with pytest.raises(RuntimeError, match=r"A Checkpoint is called by fit\. Use fit"):
        Checkpoint(tmp_path / "run.npz").on_train_begin()


def test_a_save_that_fails_ends_the_fit_and_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    model, x, y = model_and_data()
    real = store.save

    def full(*args):
        if model.updates.iterations > 6:
            raise ModelFileError("No space left on device.")
        return real(*args)

    monkeypatch.setattr(store, "save", full)
    with pytest.raises(ModelFileError, match="No space left"):
        model.fit(x, y, 4, epochs=5, verbose=0, callbacks=[Checkpoint(path, keep=2)])
    assert model.history.epoch == [0, 1, 2]
    assert steps_in(tmp_path)["run.npz"] == 6
    monkeypatch.undo()
    model.fit(x, y, 4, epochs=5, verbose=0, callbacks=[Checkpoint(path, keep=2)], resume=path)
    assert steps_in(tmp_path) == {"run-12.npz": 12, "run.npz": 15}


@pytest.mark.usefixtures("python_handles_ctrl_c")
def test_ctrl_c_while_saving_waits_until_the_file_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    real = store.save

    def struck(*args):
        signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(store, "save", struck)
    model, x, y = model_and_data()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, 4, epochs=5, verbose=0, callbacks=[Checkpoint(path)])
    assert model.history.epoch == [0]
    assert steps_in(tmp_path) == {"run.npz": 3}
    monkeypatch.undo()
    whole, *_ = model_and_data()
    whole.fit(x, y, 4, epochs=5, verbose=0)
    model.fit(x, y, 4, epochs=5, verbose=0, resume=path)
    assert model.theta.tobytes() == whole.theta.tobytes()


def test_a_resumed_fit_says_where_it_goes_on(tmp_path, capsys):
    path = tmp_path / "run.npz"
    fit(Checkpoint(path), batch_size=4, epochs=2)
    model, x, y = model_and_data()
    model.fit(x, y, 4, epochs=3, verbose=2, resume=path)
    lines = capsys.readouterr().out.splitlines()
    assert [text.split(" - ")[0] for text in lines] == ["Resumed at epoch 3, step 1", "Epoch 3/3"]


def test_the_bar_of_a_resumed_fit_begins_where_it_goes_on(tmp_path, capsys):
    pytest.importorskip("tqdm")
    path = tmp_path / "run.npz"
    fit(Checkpoint(path), batch_size=4, epochs=2)
    model, x, y = model_and_data()
    model.fit(x, y, 4, epochs=3, verbose=1, resume=path)
    assert "9/9" in capsys.readouterr().err


# --- which hooks a callback has -------------------------------------------------------------------


def test_a_hook_is_called_whenever_its_class_got_it():
    model, x, y = classifier()
    seen = []

    class Late(Callback):
        pass

    late = Late()
    Late.on_epoch_end = lambda self, epoch, logs: seen.append(epoch)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[late])
    assert seen == [0, 1]


def test_a_hook_may_be_set_when_the_training_begins():
    model, x, y = classifier()
    seen = []

    class Choosing(Callback):
        def on_train_begin(self, logs=None):
            self.on_train_batch_end = lambda batch, logs: seen.append(batch)

    model.fit(x, y, 10, verbose=0, callbacks=[Choosing()])
    assert seen == [0, 1]


def test_an_attribute_of_a_callback_takes_no_hook_away():
    model, x, y = classifier()

    class Student(Callback):
        def __init__(self):
            self.hooks, self.seen = [], []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(epoch)

    student = Student()
    model.fit(x, y, verbose=0, callbacks=[student])
    assert student.seen == [0]


def test_a_class_below_progress_may_change_the_model(capsys):
    """What frozen layers make of the samples is then looked at in every step."""

    def hook(self, batch, logs=None):
        self.model.layers[0].W *= 1.5

    losses = []
    for kind, options in ((Callback, {}), (Progress, {"bar": False})):
        model, x, y = classifier()
        model.freeze("all_but_head")
        own = type("Own", (kind,), {"on_train_batch_end": hook})(**options)
        history = model.fit(x, y, 5, epochs=2, verbose=0, seed=0, callbacks=[own])
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]


class Copied(Callback):
    """Keeps a copy of itself, made by this function, from within a fit."""

    def __init__(self, again):
        self.again = again

    def on_epoch_end(self, epoch, logs=None):
        again, self.again = self.again, None
        self.copied = again(self)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_callback_is_copied_without_the_fit_under_way(again):
    copied = Copied(again)
    fit(copied)
    assert copied.copied.fit is None
    assert copied.copied.params == copied.params


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("on_batch_end", "on_train_batch_end"),
        ("on_epoch_ends", "on_epoch_end"),
        ("on_training_begin", "on_train_begin"),
    ],
)
def test_a_hook_that_nobody_would_call_is_refused(name, near):
    with pytest.raises(TypeError, match=rf"Got Mine\.{name}, which nobody .*mean \"{near}\""):
        type("Mine", (Callback,), {name: lambda self, *args: None})
