"""Callbacks behind the door: Keras' hooks, logs, files and words."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from minnet import DivergedError, keras
from minnet.keras import callbacks, layers


def trained(*told: callbacks.Callback, epochs: int = 3, rate: float = 0.1, **more: object):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    model = keras.Sequential([layers.Dense(1, input_shape=(3,))], seed=0)
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    settings = {"epochs": epochs, "batch_size": 10, "verbose": 0, "validation_split": 0.25, **more}
    return model, model.fit(x, x[:, 0], callbacks=list(told), **settings)


def test_the_short_names_of_a_batchs_hooks_are_called() -> None:
    class Counts(callbacks.Callback):
        begun = ended = 0

        def on_batch_begin(self, batch, logs=None):
            self.begun += 1

        def on_batch_end(self, batch, logs=None):
            self.ended += 1

    counts = Counts()
    trained(counts)
    assert (counts.begun, counts.ended) == (9, 9)


def test_a_batchs_logs_are_means_over_the_epoch_so_far() -> None:
    class Reads(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.last = logs

        def on_epoch_end(self, epoch, logs=None):
            assert self.last["loss"] == pytest.approx(logs["loss"])
            assert self.last["mae"] == pytest.approx(logs["mae"])

    trained(Reads())


def test_a_figure_that_is_written_into_an_epochs_logs_stands_in_the_history() -> None:
    class Share(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["share"] = 0.5 * epoch

    _, told = trained(Share())
    history = told.history
    assert history["share"] == [0.0, 0.5, 1.0]
    assert len(history["loss"]) == 3


def test_an_unknown_hook_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"on_epoch_edn, which nobody would call"):

        class Slips(callbacks.Callback):
            def on_epoch_edn(self, epoch, logs=None):
                pass


def test_the_weights_of_the_last_epoch_stay_unless_the_best_are_asked_for(capsys) -> None:
    def rate(epoch: int) -> float:
        return 0.1 if epoch < 2 else 2.0  # it gets worse, and stays finite

    scheduler = callbacks.LearningRateScheduler(rate)
    stop = callbacks.EarlyStopping(monitor="loss", patience=1, verbose=1)
    model, history = trained(scheduler, stop, epochs=6)
    assert "early stopping" in capsys.readouterr().out
    loss = history.history["loss"]
    assert loss[-1] > min(loss)
    best = callbacks.EarlyStopping(monitor="loss", patience=1, restore_best_weights=True)
    again, _ = trained(scheduler, best, epochs=6)
    assert not np.array_equal(model.theta, again.theta)


@pytest.mark.parametrize(
    "schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: rate / 2]
)
def test_a_scheduled_rate_stands_in_the_history(schedule) -> None:
    _, history = trained(callbacks.LearningRateScheduler(schedule))
    assert len(history.history["learning_rate"]) == len(history.epoch) == 3
    assert history.history["learning_rate"][1] < 0.1


def test_a_schedule_that_gives_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match=r"LearningRateScheduler's schedule returns a number"):
        trained(callbacks.LearningRateScheduler(lambda epoch: None))


def test_two_callbacks_that_set_rates_record_one_number_an_epoch() -> None:
    both = callbacks.LearningRateScheduler(lambda epoch: 0.01), callbacks.ReduceLROnPlateau()
    _, history = trained(*both)
    assert history.history["learning_rate"] == [0.01] * 3


def test_a_checkpoint_keeps_the_best_epoch_under_its_formatted_name(tmp_path) -> None:
    path = str(tmp_path / "sub" / "m-{epoch:02d}-{val_loss:.3f}.weights.h5")
    keep = callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=True)
    with (
        pytest.warns(UserWarning, match="minnet's own format under that name")
        if _first()
        else _no()
    ):
        _, history = trained(keep)
    epoch = int(np.argmin(history.history["val_loss"])) + 1
    name = f"m-{epoch:02d}-{min(history.history['val_loss']):.3f}.weights.h5"
    assert (tmp_path / "sub" / name).exists()


def _first() -> bool:
    from minnet.keras import files

    return ".h5" not in files._warned


def _no():
    import contextlib

    return contextlib.nullcontext()


def test_a_checkpoint_of_a_figure_that_nobody_reports_is_refused() -> None:
    with pytest.raises(ValueError, match=r"takes a monitor that the fit reports.*'val_acc'"):
        trained(callbacks.ModelCheckpoint("m.npz", monitor="val_acc", save_best_only=True))


def test_a_logger_writes_a_line_an_epoch(tmp_path) -> None:
    path = tmp_path / "log.csv"
    _, history = trained(callbacks.CSVLogger(path))
    trained(callbacks.CSVLogger(path, append=True))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 6
    assert [float(row["loss"]) for row in rows[:3]] == history.history["loss"]


def test_a_training_that_diverges_ends_without_an_error_where_it_is_asked_to(capsys) -> None:
    with pytest.raises(DivergedError):
        trained(rate=1e30)
    model, _ = trained(callbacks.TerminateOnNaN(), rate=1e30)
    assert "Invalid loss, terminating training" in capsys.readouterr().out
    assert np.isfinite(model.theta).all()


def test_functions_of_a_lambda_callback_take_short_names() -> None:
    seen = []
    lambdas = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch),
        on_batch_end=lambda batch, logs: seen.append(logs["mae"]),
    )
    trained(lambdas, epochs=1)
    assert len(seen) == 4
    assert seen[-1] == 0


# --- which epochs ---------------------------------------------------------------------------------


def test_a_fit_may_begin_with_a_later_epoch() -> None:
    numbers = []
    told = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: numbers.append(epoch))
    _, history = trained(told, epochs=5, initial_epoch=3)
    assert history.epoch == numbers == [3, 4]
    assert len(history.history["loss"]) == 2
    _, history = trained(epochs=3, initial_epoch=3)
    assert (history.epoch, history.history) == ([], {})
    rates = callbacks.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch))
    _, history = trained(rates, epochs=5, initial_epoch=3)
    assert history.history["learning_rate"] == [0.1 / 4, 0.1 / 5]


def test_two_fits_are_one_where_the_second_begins_where_the_first_ended() -> None:
    whole, _ = trained(epochs=4, shuffle=False)
    parts, _ = trained(epochs=2, shuffle=False)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    again = {"batch_size": 10, "validation_split": 0.25, "shuffle": False, "verbose": 0}
    parts.fit(x, x[:, 0], epochs=4, initial_epoch=2, **again)
    np.testing.assert_array_equal(parts.theta, whole.theta)


@pytest.mark.parametrize(("chosen", "epochs"), [(2, [1, 3]), (3, [2]), ([1, 4], [0, 3])])
def test_not_every_epoch_need_be_validated(chosen, epochs, tmp_path) -> None:
    validated = []

    class Reads(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            validated.extend([epoch] if "val_loss" in logs else [])

    told = (
        Reads(),
        callbacks.EarlyStopping(patience=9),
        callbacks.ReduceLROnPlateau(),
        callbacks.ModelCheckpoint(tmp_path / "{epoch}.npz", save_best_only=True, verbose=0),
        callbacks.CSVLogger(tmp_path / "log.csv"),
    )
    every, full = trained(epochs=4)
    model, history = trained(*told, epochs=4, validation_freq=chosen)
    assert validated == epochs
    assert history.history["val_loss"] == [full.history["val_loss"][i] for i in epochs]
    assert history.history["loss"] == full.history["loss"]
    np.testing.assert_array_equal(model.theta, every.theta)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [i for i, row in enumerate(rows) if row["val_loss"] != "NA"] == epochs
    assert {int(path.stem) - 1 for path in tmp_path.glob("*.npz")} <= set(epochs)


def test_figures_of_some_epochs_are_drawn_where_they_belong() -> None:
    pytest.importorskip("matplotlib")
    _, history = trained(epochs=4, validation_freq=2)
    lines = {line.get_label(): line.get_xdata() for line in history.plot().get_lines()}
    assert list(lines["loss"]) == [1, 2, 3, 4]
    assert list(lines["loss (validation)"]) == [2, 4]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"initial_epoch": -1}, "fit's initial_epoch takes a whole number, 0 or more. Got -1"),
        ({"validation_freq": 0}, "fit's validation_freq takes a whole number, 1 or more. Got 0"),
        ({"validation_freq": [0]}, "Each epoch of fit's validation_freq takes a whole number, 1"),
    ],
)
def test_epochs_that_are_none_are_refused(given, message) -> None:
    with pytest.raises(ValueError, match=message):
        trained(**given)


@pytest.mark.parametrize("name", ["{val_los:.2f}.keras", "{}.keras", "{epoch:q}.keras"])
def test_a_checkpoints_name_with_a_figure_that_nobody_reports_is_refused_before_the_training(
    tmp_path, name
):
    with pytest.raises(ValueError, match=r"filepath takes figures that are reported then: loss"):
        trained(callbacks.ModelCheckpoint(tmp_path / name))
    assert not list(tmp_path.iterdir())
