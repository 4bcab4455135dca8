"""A fit that was stopped and resumed is the fit that was never stopped, to the bit, or refused."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradualUnfreezing,
    LambdaCallback,
)
from minnet.files import store
from minnet.foundation.checks import DivergedError, ModelFileError
from minnet.layers import BatchNormalization, Dense, Dropout, Layer, LeakyReLU
from minnet.metrics import TopKCategoricalAccuracy
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from minnet.regularizers import L2
from minnet.schedules import CosineDecay, ExponentialDecay, LinearWarmup
from minnet.training import resuming
from minnet.transfer import fine_tune
from tests import frozen_file, kills
from tests.small_models import Counting, _text, bits, classifier, everything
from tests.strategies import seeds

KINDS = np.random.BitGenerator.__subclasses__()


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Nothing here cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class Killed(Exception):
    """What stands for a kill in these tests."""


class Killing(Checkpoint):
    """A checkpoint that ends the process, so to speak, after so many saves."""

    def __init__(self, path, every="epoch", keep=1, saves=10**9):
        super().__init__(path, every, keep)
        self.saves = saves

    def save(self):
        super().save()
        self.saves -= 1
        if self.saves == 0:
            raise Killed


# --- the same bits --------------------------------------------------------------------------------

HIDDEN = {
    "dense": lambda: Dense(6, activation="relu"),
    "tanh": lambda: Dense(5, activation="tanh", kernel_regularizer="l2"),
    "norm": lambda: BatchNormalization(momentum=0.7),
    "dropout": lambda: Dropout(0.4),
}
OPTIMIZERS = {
    "sgd": lambda: SGD(0.05),
    "momentum": lambda: SGD(0.02, 0.9, nesterov=True),
    "adam": lambda: Adam(CosineDecay(0.02, 30)),
    "adamw": lambda: AdamW(0.01, global_clipnorm=0.5),
    "rmsprop": lambda: RMSprop(0.002, momentum=0.5, centered=True),
    "adagrad": lambda: Adagrad(ExponentialDecay(0.1, 10, 0.5)),
}
RATES = {
    "none": lambda: None,
    "number": lambda: 0.01,
    "schedule": lambda: LinearWarmup(8, then=CosineDecay(0.03, 25)),
    "head": lambda: {"head": 0.02},
}
SEEDS = {
    "model": lambda: None,
    "int": lambda: 7,
    "mt19937": lambda: np.random.Generator(KINDS[2](7)),
}
CALLBACKS = {
    "stopping": lambda: EarlyStopping("loss", patience=2, min_delta=0.02),
    "validated": lambda: EarlyStopping(patience=1, restore_best_weights=True),
    "unfreezing": lambda: GradualUnfreezing(),
    "own": lambda: Counting(),
}


@st.composite
def fits(draw):
    """How to make a model, how to call fit, and data: each a function that makes it anew."""
    hidden = draw(st.lists(st.sampled_from(sorted(HIDDEN)), max_size=4))
    optimizer = draw(st.sampled_from(sorted(OPTIMIZERS)))
    names = draw(st.lists(st.sampled_from(sorted(CALLBACKS)), unique=True))
    validation = draw(st.sampled_from(["none", "split", "data"]))
    if "validated" in names and validation == "none":
        validation = "split"
    frozen = draw(st.integers(0, len(hidden)))
    kernel, data_seed = draw(seeds), draw(seeds)
    weights = draw(st.sampled_from(["none", "class", "sample"]))
    rate, seed = draw(st.sampled_from(sorted(RATES))), draw(st.sampled_from(sorted(SEEDS)))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    N = draw(st.integers(8, 30))
    options = {
        "batch_size": draw(st.integers(2, 12)),
        "epochs": draw(st.integers(1, 5)),
        "shuffle": draw(st.booleans()),
        "verbose": 0,
    }
    rng = np.random.default_rng(data_seed)
    x, y, weight = rng.standard_normal((N, 3)), rng.integers(3, size=N), rng.random(N)

    def model(other_seed=None):
        seed = kernel if other_seed is None else other_seed
        stack = [Dense(4, input_dim=3), *(HIDDEN[name]() for name in hidden)]
        made = Sequential([*stack, Dense(3, "softmax", name="head")], seed=seed, dtype=dtype)
        if frozen:
            made.freeze(slice(0, frozen))
        metrics = ["accuracy", TopKCategoricalAccuracy(2)]
        made.compile(OPTIMIZERS[optimizer](), "cross_entropy", metrics)
        return made

    def call():
        kinds = {
            "none": {},
            "split": {"validation_split": 0.3},
            "data": {"validation_data": (x[:4], y[:4])},
        }
        extra = {
            "none": {},
            "class": {"class_weight": {0: 2.0}},
            "sample": {"sample_weight": weight},
        }
        return {
            **options,
            **kinds[validation],
            **extra[weights],
            "learning_rate": RATES[rate](),
            "seed": SEEDS[seed](),
            "callbacks": [CALLBACKS[name]() for name in names],
        }

    return model, call, x, y


def run(model, call, x, y, checkpoint=None, **more):
    """One fit; its bits, or None where it was killed."""
    theirs = call["callbacks"]
    added = [] if checkpoint is None else [checkpoint]
    options = {**call, **more, "callbacks": [*added, *theirs]}
    with warnings.catch_warnings(), contextlib.suppress(Killed):
        model.fit(x, y, **options)
        return bits(model, theirs)
    return None


@pytest.mark.filterwarnings("ignore:The last rows, which validation_split keeps")
@pytest.mark.slow
@settings(max_examples=60)
@given(
    fit=fits(),
    every=st.just("epoch") | st.integers(1, 7),
    saves=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    way=st.sampled_from(["new", "loaded", "same"]),
)
def test_a_fit_that_is_stopped_and_resumed_has_the_bits_of_one_that_never_was(
    tmp_path_factory, fit, every, saves, way
):
    path = tmp_path_factory.mktemp("resumed") / "run.npz"
    model, call, x, y = fit
    expected = run(model(), call(), x, y)
    assert run(model(), call(), x, y, Checkpoint(path, every)) == expected
    path.unlink()
    stopped = model()
    found = run(stopped, call(), x, y, Killing(path, every, saves=saves[0]))
    for count in [*saves[1:], 10**9]:
        if found is None:
            if way != "same":
                stopped = model(5) if way == "new" else minnet.load(path)
            found = run(stopped, call(), x, y, Killing(path, every, saves=count), resume=path)
    assert found == expected
    finished = run(model(6), call(), x, y, resume=path)  # of a finished fit: nothing is left
    assert finished == expected


def test_a_step_more_frozen_in_an_epoch_goes_on_without_the_kept_features(tmp_path):
    """Rows that go through frozen layers a batch at a time may differ in their last bits."""

    class Unfreeze(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.unfreeze("middle")
            if batch == 3:  # the rest of the epoch goes without the kept features all the same
                self.model.freeze("middle")

    def model():
        stack = [Dense(40, "tanh", input_dim=300), Dense(30, "tanh", name="middle"), Dense(1)]
        made = Sequential(stack, seed=0)
        made.freeze(slice(0, 2))
        made.compile("adam", "mse")
        return made

    def call():
        return {"batch_size": 5, "epochs": 2, "verbose": 0, "callbacks": [Unfreeze()]}

    x, y = np.random.default_rng(0).standard_normal((30, 300)), np.arange(30.0)
    path, expected = tmp_path / "run.npz", run(model(), call(), x, y)
    for saves in range(1, 12):
        run(model(), call(), x, y, Killing(path, 1, saves=saves))
        assert run(model(), call(), x, y, resume=path) == expected


def test_a_fit_that_was_stopped_within_an_epoch_makes_no_step_more(tmp_path):
    path = tmp_path / "run.npz"

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    def call():
        return {"batch_size": 4, "epochs": 3, "verbose": 0, "callbacks": [Stop()]}

    model, x, y = classifier()
    expected = run(model, call(), x, y)
    assert model.updates.iterations == 2
    for saves in (1, 2, 3):
        run(classifier()[0], call(), x, y, Killing(path, 1, saves=saves))
        assert run(classifier()[0], call(), x, y, resume=path) == expected


def test_a_schedule_of_this_fit_counts_from_where_the_fit_began(tmp_path):
    """Whatever the model had learned before, here or where it is resumed."""
    path = tmp_path / "run.npz"

    def trained(epochs):
        model, x, y = classifier()
        model.fit(x, y, epochs=epochs, verbose=0, seed=1)
        return model, x, y

    def call():
        return {**PLAIN, "learning_rate": CosineDecay(0.1, 10), "callbacks": []}

    stopped, x, y = trained(3)
    expected = run(trained(3)[0], call(), x, y)
    run(stopped, call(), x, y, Killing(path, 1, saves=4))
    for again in (classifier()[0], trained(5)[0], minnet.load(path), stopped):
        assert run(again, call(), x, y, resume=path) == expected


def test_generators_that_the_caller_holds_go_on_as_well(tmp_path):
    path = tmp_path / "run.npz"

    def both(checkpoint=None, **more):
        mine, theirs = np.random.default_rng(1), np.random.default_rng(2)
        _, x, y = classifier()
        model = Sequential([tanh(), Dropout(0.2), soft()], seed=theirs)
        model.compile("adam", "cross_entropy")
        with contextlib.suppress(Killed):
            added = [checkpoint] if checkpoint else []
            model.fit(x, y, 4, epochs=3, verbose=0, seed=mine, callbacks=added, **more)
        return mine.random(), theirs.random()

    expected = both()
    assert both(Killing(path, saves=1)) != expected
    assert both(resume=path) == expected


def test_a_memmap_is_the_same_data_as_an_array(tmp_path):
    path = tmp_path / "run.npz"
    model, x, y = classifier()
    expected = run(model, {**PLAIN, "callbacks": []}, x, y)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    run(classifier()[0], {**PLAIN, "callbacks": []}, mapped, y, Killing(path, 2, saves=4))
    assert run(classifier()[0], {**PLAIN, "callbacks": []}, x, y, resume=path) == expected


# --- how many epochs ------------------------------------------------------------------------------

PLAIN = {"batch_size": 8, "epochs": 4, "verbose": 0}


def fitted(path, **more):
    """A classifier after a fit of 4 epochs of 3 steps with a checkpoint, x and y."""
    model, x, y = classifier()
    model.fit(x, y, **{**PLAIN, "callbacks": [Checkpoint(path)], **more})
    return model, x, y


def test_more_epochs_are_those_of_a_longer_fit(tmp_path):
    path = tmp_path / "run.npz"
    longer, x, y = fitted(tmp_path / "longer.npz", epochs=7)
    fitted(path)
    model, *_ = classifier(seed=5)
    history = model.fit(x, y, **{**PLAIN, "epochs": 7}, resume=path)
    assert bits(model) == bits(longer)
    assert history is model.history
    assert history.epoch == list(range(7))


def test_a_finished_fit_has_nothing_left_to_do(tmp_path):
    path = tmp_path / "run.npz"
    done, x, y = fitted(path)
    before, calls = path.read_bytes(), []
    hooks = {h: lambda *a, h=h: calls.append(h) for h in ("on_epoch_begin", "on_train_batch_end")}
    model, *_ = classifier(seed=5)
    model.fit(x, y, **PLAIN, resume=path, callbacks=[Checkpoint(path)])
    assert bits(model) == bits(done)
    assert path.read_bytes() == before
    fitted(path, callbacks=[Checkpoint(path), LambdaCallback(**hooks)])
    calls.clear()
    with pytest.warns(UserWarning, match="What the functions of a LambdaCallback keep is in no"):
        model.fit(x, y, **PLAIN, resume=path, callbacks=[LambdaCallback(**hooks)])
    assert calls == []


def test_early_stopping_that_has_stopped_stays_stopped(tmp_path):
    path = tmp_path / "run.npz"

    def call(**more):
        stopping = EarlyStopping("loss", min_delta=1e9, patience=2)
        return {**PLAIN, "epochs": 50, "callbacks": [stopping], **more}

    model, x, y = classifier()
    expected = run(model, call(), x, y, Checkpoint(path))
    assert len(model.history.epoch) == 3
    assert run(classifier()[0], call(), x, y, resume=path) == expected


def test_fewer_epochs_than_have_begun_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    _, x, y = fitted(path)
    model, *_ = classifier()
    with pytest.raises(ModelFileError, match=r"epochs as the total, 4 or more here, .* Got 3\."):
        model.fit(x, y, **{**PLAIN, "epochs": 3}, resume=path)


# --- what is refused ------------------------------------------------------------------------------


def refused(path, message, change=lambda call, x, y: (x, y), model=None, error=ModelFileError):
    """The fit is refused with this message, and the model is as it was."""
    fresh, x, y = classifier()
    model = fresh if model is None else model
    call = {**PLAIN, "callbacks": [EarlyStopping("loss", patience=3), Counting(), Checkpoint(path)]}
    x, y = change(call, x, y)
    if not path.exists():
        fitted(path, callbacks=call["callbacks"])
    before, file, history = everything(model), path.read_bytes(), model.history
    state, flags = repr(model.rng.bit_generator.state), [la.trainable for la in model.layers]
    with pytest.raises(error, match=message):
        model.fit(x, y, **{"resume": path, **call})
    assert everything(model) == before
    assert path.read_bytes() == file
    assert model.history is history
    assert model.updates.rates == {}
    assert repr(model.rng.bit_generator.state) == state
    assert [la.trainable for la in model.layers] == flags


@pytest.fixture
def path(tmp_path):
    """A checkpoint of a fit with early stopping and a student's callback."""
    path = tmp_path / "run.npz"
    theirs = [EarlyStopping("loss", patience=3), Counting(), Checkpoint(path)]
    fitted(path, callbacks=theirs)
    return path


def other(**more):
    return lambda call, x, y: (call.update(more), (x, y))[1]


def with_callbacks(*callbacks):
    return other(callbacks=list(callbacks))


STOPPING = EarlyStopping("loss", patience=3)
OTHER_CALLS = {
    "batch size": (other(batch_size=7), r"Got batch_size 7, there 8\. Call compile and fit as"),
    "shuffle": (other(shuffle=False), r"Got shuffle False, there True\."),
    "learning rate": (other(learning_rate=0.1), r"Got learning_rate 0\.1, there None\."),
    "schedule": (
        other(learning_rate=CosineDecay(0.1, 5)),
        r"Got learning_rate CosineDecay\(…\), there None\.",
    ),
    "seed": (other(seed=1), r"Got seed 1, there None\."),
    "generator": (other(seed=np.random.default_rng(1)), r"Got seed a generator of PCG64, there N"),
    "one number of x": (
        lambda call, x, y: (x + 1e-6 * (x == x[7, 1]), y),
        r"Got x \(20, 3\), SHA-",
    ),
    "a row more": (
        lambda call, x, y: (x[:-1], y[:-1]),
        r"Got x \(19, 3\), SHA-256 \w{12}…, there \(20, 3\), .*; y \(19,\), SHA-256",
    ),
    "order of rows": (lambda call, x, y: (x[::-1], y[::-1]), r"Got x \(20, 3\), .*; y \(20,\), "),
    "one label": (lambda call, x, y: (x, np.where(np.arange(20) == 9, (y + 1) % 3, y)), r"Got y "),
    "sample weight": (
        other(sample_weight=np.ones(20)),
        r"Got sample weights \(20,\), .*there None",
    ),
    "class weight": (other(class_weight={0: 2.0}), r"Got sample weights \(20,\), .*there None"),
    "validation": (
        lambda call, x, y: (call.update(validation_data=(x, y)), (x, y))[1],
        r"Got validation x \(20, 3\), .* there None; validation y \(20,\), .*, there None\.",
    ),
    "no callbacks": (with_callbacks(), r"Got callbacks \[\], there \[EarlyStopping\(…\), Counting"),
    "another callback": (
        with_callbacks(STOPPING, GradualUnfreezing()),
        r"Got callbacks\[1\] GradualUnfreezing, there Counting\.",
    ),
    "another patience": (
        with_callbacks(EarlyStopping("loss", patience=4), Counting()),
        r"Got callbacks\[0\]\.patience 4, there 3\.",
    ),
    "several": (
        other(batch_size=7, shuffle=False),
        r"Got batch_size 7, there 8; shuffle False, there True\.",
    ),
}


@pytest.mark.parametrize("case", OTHER_CALLS)
def test_another_call_is_refused_and_every_difference_named(path, case):
    change, message = OTHER_CALLS[case]
    refused(path, "fit's resume takes the fit that wrote .*" + message, change)


def built(*layers, dtype="float32", optimizer="adam", loss="cross_entropy", metrics=("accuracy",)):
    """A model that may differ from `classifier`."""
    model = Sequential(layers, seed=0, dtype=dtype)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def tanh(units=4, **options):
    return Dense(units, activation="tanh", input_dim=3, **options)


def soft(**options):
    return Dense(3, activation="softmax", **options)


OTHER_MODELS = {
    "units": (lambda: built(tanh(5), soft()), r"Got dense_1\.units 5, there 4\."),
    "activation": (
        lambda: built(Dense(4, "relu", input_dim=3), soft()),
        r"Got dense_1\.activation ReLU, there Tanh\.",
    ),
    "regularizer": (
        lambda: built(tanh(kernel_regularizer="l2"), soft()),
        r"Got dense_1\.kernel_regularizer L2\(…\), there None\.",
    ),
    "name": (
        lambda: built(tanh(), soft(name="head")),
        r"Got layers \[dense_1, head\], there \[dense_1, dense_2\]\.",
    ),
    "a layer more": (
        lambda: built(tanh(), Dropout(0.1), soft()),
        r"Got layers \[dense_1, dropout_1, dense_2\], there \[dense_1, dense_2\]\.",
    ),
    "dtype": (lambda: built(tanh(), soft(), dtype="float64"), r"Got dtype float64, there float32;"),
    "optimizer": (
        lambda: built(tanh(), soft(), optimizer="sgd"),
        r"Got optimizer SGD, there Adam\.",
    ),
    "rate": (
        lambda: built(tanh(), soft(), optimizer=Adam(0.1)),
        r"Got optimizer\.learning_rate 0\.1, there 0\.001\.",
    ),
    "beta": (
        lambda: built(tanh(), soft(), optimizer=Adam(beta_1=0.5)),
        r"Got optimizer\.beta_1 0\.5, there 0\.9\.",
    ),
    "metrics": (
        lambda: built(tanh(), soft(), metrics=()),
        r"Got metrics \[\], there \[Accuracy\(…\)\]\.",
    ),
    "metric": (
        lambda: built(tanh(), soft(), metrics=("acc",)),
        r"Got metrics\[0\]\.name acc, there accuracy\.",
    ),
}


@pytest.mark.parametrize("case", OTHER_MODELS)
def test_another_model_is_refused_and_every_difference_named(path, case):
    make, message = OTHER_MODELS[case]
    refused(path, "fit's resume takes the fit that wrote .*" + message, model=make())


def test_other_first_weights_are_no_difference(tmp_path):
    """They are the file's afterwards; so are what is frozen, and the initializers' choice."""
    path = tmp_path / "run.npz"
    done, x, y = fitted(path, epochs=2)
    done.fit(x, y, **PLAIN, resume=path)
    model = built(tanh(kernel_initializer="zeros"), soft())
    model.freeze("*")
    model.fit(x, y, **PLAIN, resume=path)
    assert model.theta.tobytes() == done.theta.tobytes()
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda path: path.with_name("not.npz"),
            ModelFileError,
            "fit's resume takes a file that ex",
        ),
        (lambda path: path.parent, ModelFileError, "fit's resume takes a file. Got the folder"),
        (
            lambda path: Checkpoint(path),
            TypeError,
            r"takes a path. Got a Checkpoint. Use resume='.*'",
        ),
        (lambda path: True, TypeError, r'fit\'s resume takes a path such as "run.npz". Got True'),
        (lambda path: 3, TypeError, r"fit's resume takes a path such as .* Got 3"),
    ],
)
def test_what_is_no_path_of_a_checkpoint_is_refused(path, make, error, message):
    refused(path, message, other(resume=make(path)), error=error)


def test_a_model_that_was_saved_is_no_checkpoint(path):
    classifier()[0].save(path)
    refused(path, r"takes a file that a Checkpoint wrote. Got .*run.npz, which is a model without")


def test_a_damaged_checkpoint_is_refused(path):
    data = bytearray(path.read_bytes())
    data[-2000] ^= 1
    path.write_bytes(data)
    refused(path, r"run.npz (is damaged|does not hold)")


def test_fine_tune_is_two_fits_and_takes_no_resume(path):
    model, x, y = classifier()
    before = everything(model)
    with pytest.raises(ValueError, match=r"fine_tune takes no resume, since it is two fits"):
        fine_tune(model, x, y, resume=path)
    assert everything(model) == before


def test_other_versions_are_warned_of(path, monkeypatch):
    _, x, y = classifier()
    theirs = [EarlyStopping("loss", patience=3), Counting()]
    monkeypatch.setattr(
        resuming, "environment", lambda model: {"numpy": "99.0", "machine": "abacus"}
    )
    with pytest.warns(
        UserWarning, match=r"written with minnet .*, numpy .*, and this is numpy 99.0, machine a"
    ):
        classifier()[0].fit(x, y, **PLAIN, resume=path, callbacks=theirs)


def test_the_frozen_checkpoint_is_resumed_in_the_middle_of_its_epoch():
    model, (stopping, counting) = frozen_file.model(), frozen_file.callbacks()
    options = {**frozen_file.CALL, "callbacks": [stopping, counting], "resume": frozen_file.FILE}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another NumPy than that of the file
        history = model.fit(frozen_file.X, frozen_file.Y, **options)
    expected = [1.4865197896957398, 1.4882718086242677, 1.3432155132293702]
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-5)
    assert history.history["accuracy"] == pytest.approx([0.2, 0.25, 0.35])
    np.testing.assert_allclose(model.theta[-2:], [0.01620232, 0.00396755], rtol=1e-4)
    assert model.updates.iterations == len(counting.losses) == 9
    assert counting.seen == {0: 3, 1: 3, 2: 3}
    assert stopping.best == pytest.approx(expected[-1], rel=1e-5)


# --- files from others ----------------------------------------------------------------------------


def forged(path, change):
    """The checkpoint with another description, and checksums that are right."""
    config, arrays = store.load(path)
    change(config["training"])
    store.save(path, config, arrays)


def state(**changes):
    return lambda training: training["state"]["fit"].update(changes)


FORGED = {
    "no state": lambda training: training.pop("state"),
    "a state that is text": lambda training: training.update(state="x"),
    "no part": lambda training: training["state"]["fit"].pop("rng"),
    "a negative epoch": state(epoch=-1),
    "a part that is none": state(so_far=2),
    "an epoch that is text": state(epoch="1"),
    "a generator that is none": state(rng=None),
    "a history that is none": state(history=None),
    "a history with gaps": state(epochs=[0]),
    "callbacks that are none": lambda training: training["state"].update(callbacks=None),
    "callbacks without a state": lambda training: training["state"].update(callbacks=[1, 2]),
    "fewer callbacks": lambda training: training["state"]["callbacks"].pop(0),
    "callbacks in a dict": lambda training: training["state"].update(callbacks={}),
    "a state of somebody else": lambda training: training["state"].update(more={}),
    "a state with more": lambda training: training["state"]["rollback"].update(more=1),
    "versions that are none": lambda training: training.update(environment=[1]),
    "frozen layers that are none": lambda training: training["call"].update(trainable=[1]),
    "generators that nobody shares": lambda training: training["state"].update(
        shared={"generators": [1]}
    ),
    "an epoch that never was": state(epoch=2**60, epochs=[]),
    "an array that nothing uses": lambda training: training["state"]["fit"].update(epochs=[0] * 4),
    "an unknown kind": state(rng={"pickle": "x"}),
    "an array that is missing": state(history={"array": "fit[999]"}),
    "an object": state(rng={"array": ["fit[0]", "|O", [1]]}),
    "a call that is none": lambda training: training.update(call=None),
    "no environment": lambda training: training.pop("environment"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_checkpoint_is_refused(path, case):
    forged(path, FORGED[case])
    refused(
        path, r"describes no fit that minnet can resume: |fit's resume takes the fit that wrote"
    )


# --- callbacks ------------------------------------------------------------------------------------


class Open(Callback):
    """A callback with an attribute that no file holds."""

    def __init__(self):
        self.log = Path(__file__).open()  # noqa: SIM115 - closed when the training ends

    def on_train_end(self, logs=None):
        self.log.close()


class OpenWithState(Open):
    """The same, which says what changes."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def on_epoch_end(self, epoch, logs=None):
        self.count += 1

    def get_state(self):
        return {"count": self.count}

    def set_state(self, state):
        self.count = state["count"]


def test_a_callback_that_no_file_holds_is_refused_before_the_training(tmp_path):
    model, x, y = classifier()
    before = model.theta.tobytes(), 0
    with pytest.raises(
        TypeError,
        match=r"Got Open\.log, <_io.*\. Write get_state and set_state in Open, for what changes",
    ):
        model.fit(x, y, **PLAIN, callbacks=[Checkpoint(tmp_path / "run.npz"), Open()])
    assert (model.theta.tobytes(), model.updates.iterations) == before
    assert list(tmp_path.iterdir()) == []


class OwnNoise(Layer):
    """Draws from a generator of its own, where memo["rng"] is the fit's."""

    def __init__(self, rng, **common):
        super().__init__(**common)
        self.gen = rng

    def get_config(self):
        return {"rng": 3}

    def forward(self, x, memo=None):
        return x

    def backward(self, x, y, dy, memo=None):
        return dy


@pytest.mark.parametrize(
    "rng",
    [np.random.default_rng(3), np.random.RandomState(3), random.Random(3)],
    ids=["Generator", "RandomState", "Random"],
)
def test_a_layer_with_a_generator_of_its_own_is_refused_before_the_training(tmp_path, rng):
    """A resumed fit would draw other numbers, without a word."""
    _, x, y = classifier()
    model = built(tanh(), OwnNoise(rng, name="mine"), soft())
    before = model.theta.tobytes(), model.updates.iterations
    words = r"Got mine\.gen, a generator of its own\. Draw from memo\[\"rng\"\], as Dropout does"
    with pytest.raises(TypeError, match=words):
        model.fit(x, y, **PLAIN, callbacks=[Checkpoint(tmp_path / "run.npz")])
    assert (model.theta.tobytes(), model.updates.iterations) == before
    model.fit(x, y, **PLAIN)  # without a checkpoint nothing has to come back


def test_a_callback_that_says_what_changes_goes_on_with_it(tmp_path):
    path = tmp_path / "run.npz"
    with contextlib.suppress(Killed):
        fitted(path, callbacks=[Killing(path, saves=3), OpenWithState()])
    model, x, y = classifier()
    again = OpenWithState()
    model.fit(x, y, **PLAIN, callbacks=[again], resume=path)
    assert again.count == 4


class MoreStopping(EarlyStopping):
    """A student's, which remembers more than the one above it."""

    def __init__(self):
        super().__init__("loss", patience=3)
        self.count = 0

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.count += 1

    def get_state(self):
        return {**super().get_state(), "count": self.count}

    def set_state(self, state):
        super().set_state(state)
        self.count = state["count"]


class MoreCheckpoint(Checkpoint):
    """The same, of a checkpoint."""

    count = 0

    def save(self):
        self.count += 1
        super().save()

    def get_state(self):
        return {**super().get_state(), "count": self.count}

    def set_state(self, state):
        super().set_state(state)
        self.count = state["count"]


def test_a_class_below_may_remember_more(tmp_path):
    path = tmp_path / "run.npz"
    fitted(path, epochs=2, callbacks=[MoreStopping(), MoreCheckpoint(path)])
    model, x, y = classifier()
    again = [MoreStopping(), MoreCheckpoint(path)]
    model.fit(x, y, **PLAIN, callbacks=again, resume=path)
    assert [one.count for one in again] == [4, 4]


@pytest.mark.parametrize(
    "value",
    ["\ud800", {"a": "\ud800"}, [[]] * 120_000],
    ids=["half a character", "half a character inside", "too many values"],
)
def test_what_a_file_does_not_hold_is_refused_before_the_training(tmp_path, value):
    class Holds(Callback):
        def __init__(self):
            self.held = value

    path = tmp_path / "run.npz"
    model, x, y = classifier()
    before = model.theta.tobytes()
    with pytest.raises(ModelFileError, match="save takes a config of"):
        model.fit(x, y, **PLAIN, callbacks=[Holds(), Checkpoint(path)])
    assert model.theta.tobytes() == before
    assert not path.exists()


def test_get_state_gives_a_dict(tmp_path):
    class Wrong(Callback):
        def get_state(self):
            return [1]

    with pytest.raises(TypeError, match=r"Wrong\.get_state gives a dict. Got \[1\]"):
        fitted(tmp_path / "run.npz", callbacks=[Wrong(), Checkpoint(tmp_path / "run.npz")])


def test_a_rate_that_is_a_function_cannot_be_told_from_another(tmp_path):
    model, x, y = classifier()
    before = everything(model)
    with pytest.raises(TypeError, match=r"told from another: a number or a schedule. Got the func"):
        model.fit(
            x,
            y,
            **PLAIN,
            callbacks=[Checkpoint(tmp_path / "run.npz")],
            learning_rate=lambda step: 0.1,
        )
    assert everything(model) == before


def test_hyper_parameters_that_a_callback_changed_are_those_of_the_checkpoint(tmp_path):
    path = tmp_path / "run.npz"

    class Lower(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate /= 2
            self.model.layers[1].rate /= 2

    def model():
        made = Sequential([tanh(), Dropout(0.4), soft()], seed=0)
        made.compile(Adam(0.1), "cross_entropy")
        return made

    def call():
        return {**PLAIN, "callbacks": [Lower()]}

    _, x, y = classifier()
    expected = run(model(), call(), x, y)
    run(model(), call(), x, y, Killing(path, saves=2))
    for again in (model(), minnet.load(path)):
        assert run(again, call(), x, y, resume=path) == expected
        assert again.optimizer.learning_rate == 0.1 / 16
        assert again.layers[1].rate == 0.4 / 16


# --- what is shared stays shared ------------------------------------------------------------------


class Noise(Callback):
    """Adds to the weights what it draws from a generator, which others may hold as well."""

    def __init__(self, rng):
        self.rng = rng

    def on_epoch_begin(self, epoch, logs=None):
        theta = self.model.theta
        self.model.theta = theta + 0.01 * self.rng.normal(size=theta.size).astype("float32")


class DeepNoise(Noise):
    """The same, with its generator in a list in a dict."""

    def __init__(self, rng):
        self.held = {"rng": [rng]}

    @property
    def rng(self):
        return self.held["rng"][0]


class NoiseOfItsState(Noise):
    """The same, which says itself what is kept: the generator's state, in plain values."""

    def get_state(self):
        return {"bits": self.rng.bit_generator.state}

    def set_state(self, state):
        self.rng.bit_generator.state = state["bits"]


class NoiseByName(Noise):
    """The same, which says itself what is kept: the generator under another name."""

    def get_state(self):
        return {"drawn from": self.rng}

    def set_state(self, state):
        self.rng = state["drawn from"]


class NoiseOfTheModel(Noise):
    """The same, from the generator that the model has when the training begins."""

    def __init__(self):
        pass

    def on_train_begin(self, logs=None):
        self.rng = self.model.rng


class Spawn(Callback):
    """Adds to the weights what generators draw that come from one, a new one each epoch."""

    def __init__(self, rng):
        self.rng = rng

    def on_epoch_begin(self, epoch, logs=None):
        self.model.theta = self.model.theta + self.rng.spawn(1)[0].normal() * np.float32(0.01)


def generators(case):
    """A model, callbacks and fit's seed that hold one generator in two places or more."""
    rng, other = np.random.default_rng(5), np.random.default_rng(6)
    makes = {
        "model and callback": (rng, [Noise(rng)], None),
        "fit and callback": (other, [Noise(rng)], rng),
        "all three": (rng, [Noise(rng)], rng),
        "two callbacks": (other, [Noise(rng), Noise(rng)], None),
        "two pairs": (rng, [Noise(rng), Noise(other), Noise(other)], None),
        "model, fit and three": (other, [Noise(other), Noise(rng), DeepNoise(rng)], rng),
        "in a list": (rng, [DeepNoise(rng), Noise(rng)], None),
        "of the model": (3, [NoiseOfTheModel()], None),
        "of the model, and another": (rng, [NoiseOfTheModel(), Noise(rng)], 4),
        "by its state": (rng, [NoiseOfItsState(rng)], None),
        "by its state and as it is": (other, [NoiseOfItsState(rng), Noise(rng)], None),
        "under another name": (rng, [NoiseByName(rng), Noise(rng)], None),
        "spawning": (rng, [Spawn(rng)], None),
        "spawning two": (other, [Spawn(rng), Noise(rng)], None),
    }
    seed, callbacks, fit_seed = makes[case]
    model = Sequential([tanh(), Dropout(0.3), soft()], seed=seed)
    model.compile("adam", "cross_entropy")
    call = {"batch_size": 8, "epochs": 4, "verbose": 0, "seed": fit_seed, "callbacks": callbacks}
    return model, call, (rng, other)


CASES = ["model and callback", "fit and callback", "all three", "two callbacks", "two pairs"]
CASES += ["model, fit and three", "in a list", "of the model", "of the model, and another"]
CASES += ["by its state", "by its state and as it is", "under another name", "spawning"]
CASES += ["spawning two"]


@pytest.mark.parametrize("way", ["made anew", "loaded", "the same objects"])
@pytest.mark.parametrize("every", ["epoch", 2])
@pytest.mark.parametrize("case", CASES)
def test_a_generator_in_two_places_stays_one(tmp_path, case, every, way):
    path = tmp_path / "run.npz"
    _, x, y = classifier()
    model, call, rngs = generators(case)
    run(model, call, x, y)
    expected = model.theta.tobytes(), [rng.random() for rng in rngs]
    model, call, rngs = generators(case)
    run(model, call, x, y, Killing(path, every, saves=3 if every == 2 else 2))
    if way != "the same objects":
        model, call, rngs = generators(case)
    if way == "loaded":
        model = minnet.load(path)  # it has a generator of its own, and gets the saved one
        if case == "by its state":
            words = (
                r"Got two, in the fit and in callbacks\[0\]\.rng \(NoiseOfItsState\), where there"
            )
            with pytest.raises(ModelFileError, match=words):
                run(model, call, x, y, resume=path)
            return
    run(model, call, x, y, resume=path)
    assert model.theta.tobytes() == expected[0]
    if way != "loaded":
        assert [rng.random() for rng in rngs] == expected[1]


class Writes(Callback):
    """Keeps losses in a list, which another may read."""

    def __init__(self, log, table):
        self.log, self.table, self.array = log, table, table["array"]

    def on_epoch_end(self, epoch, logs=None):
        self.log.append(logs["loss"])
        self.array += 1.0


class Reads(Callback):
    """Changes the rate by what another has written."""

    def __init__(self, log, table):
        self.log, self.table = log, table

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.01 / (len(self.log) + self.table["array"][0])


def test_lists_dicts_and_arrays_that_two_callbacks_hold_stay_one(tmp_path):
    path = tmp_path / "run.npz"

    def call():
        log, table = [], {"array": np.zeros(2)}
        return {**PLAIN, "callbacks": [Writes(log, table), Reads(log, table)]}

    model, x, y = classifier()
    expected = run(model, call(), x, y)
    run(classifier()[0], call(), x, y, Killing(path, saves=2))
    again = call()
    assert run(classifier()[0], again, x, y, resume=path) == expected
    writes, reads = again["callbacks"]
    assert writes.log is reads.log
    assert writes.table is reads.table
    assert writes.array is reads.table["array"]


class OfTheModel(Callback):
    """Holds arrays of the model, and the figures of the fit."""

    def on_train_begin(self, logs=None):
        layer = self.model.layers[0]
        self.arrays = {"theta": self.model.theta, "W": layer.W, "dW": layer.dW}
        self.figures, self.epochs = self.fit.history.history, self.fit.history.epoch

    def on_epoch_end(self, epoch, logs=None):
        self.arrays["W"] *= 0.9
        self.model.optimizer.learning_rate = 0.01 * float(np.abs(self.arrays["theta"]).mean())
        self.seen = len(self.epochs), len(self.figures["loss"]), float(self.arrays["dW"][0, 0])


def test_arrays_of_the_model_and_figures_of_the_fit_stay_those(tmp_path):
    path = tmp_path / "run.npz"

    def call():
        return {**PLAIN, "callbacks": [OfTheModel()]}

    model, x, y = classifier()
    expected = run(model, call(), x, y)
    run(classifier()[0], call(), x, y, Killing(path, saves=2))
    again, resumed = call(), classifier()[0]
    assert run(resumed, again, x, y, resume=path) == expected
    (callback,) = again["callbacks"]
    assert callback.arrays["theta"] is resumed.theta
    assert callback.arrays["W"] is resumed.layers[0].W
    assert callback.arrays["dW"] is resumed.layers[0].dW
    assert callback.figures is resumed.history.history


def test_a_view_of_the_model_is_refused_by_name_before_the_training(tmp_path):
    class Looks(Callback):
        def on_train_begin(self, logs=None):
            self.first = [self.model.layers[0].W[:, 0]]

    model, x, y = classifier()
    before = model.theta.tobytes()
    with pytest.raises(TypeError, match=r"Got Looks\.first\[0\], a view of .* set_state in Looks"):
        model.fit(x, y, **PLAIN, callbacks=[Looks(), Checkpoint(tmp_path / "run.npz")])
    assert model.theta.tobytes() == before


def test_a_figure_that_a_callback_adds_to_the_history_comes_back(tmp_path):
    """Of whatever kind, and from whichever epoch on."""
    path = tmp_path / "run.npz"

    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            history = self.fit.history.history
            if epoch:
                history.setdefault("rate", []).append(self.model.optimizer.learning_rate)
            history.setdefault("phase", []).append("warm" if epoch < 2 else "cold")

    def call():
        return {**PLAIN, "callbacks": [Adds()]}

    model, x, y = classifier()
    expected = run(model, call(), x, y)
    assert sorted(map(len, model.history.history.values())) == [3, 4, 4, 4]
    for saves in (1, 2, 3):
        run(classifier()[0], call(), x, y, Killing(path, saves=saves))
        assert run(classifier()[0], call(), x, y, resume=path) == expected


def test_settings_of_parts_that_a_callback_changed_are_those_of_the_checkpoint(tmp_path):
    """Of an activation in a layer, a penalty, a schedule; their objects stay the caller's."""
    path = tmp_path / "run.npz"

    class Change(Callback):
        def on_epoch_end(self, epoch, logs=None):
            layer = self.model.layers[0]
            layer.activation.negative_slope *= 0.9
            layer.kernel_regularizer.l2 *= 0.5
            self.model.optimizer.learning_rate.alpha = 0.1 * epoch

    def call():
        return {**PLAIN, "callbacks": [Change()]}

    def model():
        first = Dense(4, LeakyReLU(0.3), input_dim=3, kernel_regularizer=L2(0.1))
        made = Sequential([first, soft()], seed=0)
        made.compile(Adam(CosineDecay(0.05, 20)), "cross_entropy")
        return made

    _, x, y = classifier()
    expected = run(model(), call(), x, y)
    run(model(), call(), x, y, Killing(path, saves=2))
    again = model()
    schedule = again.optimizer.learning_rate
    assert run(again, call(), x, y, resume=path) == expected
    assert again.optimizer.learning_rate is schedule


def test_a_loss_of_a_step_of_ones_own_may_be_of_numpys_kind(tmp_path):
    """In the middle of an epoch its sum is kept, as it is."""
    path = tmp_path / "run.npz"

    class Own(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            return np.float32(super().loss_and_gradient(x, y, sample_weight, seed=seed))

    def model():
        made = Own([tanh(), soft()], seed=0)
        made.compile("adam", "cross_entropy", metrics=["accuracy"])
        return made

    _, x, y = classifier()
    call = {**PLAIN, "callbacks": []}
    expected = run(model(), call, x, y)
    run(model(), call, x, y, Killing(path, 1, saves=5))
    assert run(model(), call, x, y, resume=path) == expected


# --- classes with a constructor of their own ------------------------------------------------------


class MLP(Sequential):
    """A constructor of its own, with an argument of another name and one that is needed."""

    def __init__(self, width, *, depth=1):
        stack = [Dense(width, activation="relu", input_dim=3)]
        stack += [Dense(width, activation="relu") for _ in range(depth)]
        super().__init__([*stack, Dropout(0.2), Dense(3, activation="softmax")], seed=0)
        self.width = width


def mlp():
    made = MLP(5, depth=2)
    made.compile("adam", "cross_entropy", metrics=["accuracy"])
    return made


@pytest.mark.parametrize("every", ["epoch", 2])
def test_a_fit_of_a_class_with_its_own_constructor_is_resumed(tmp_path, every):
    path = tmp_path / "run.npz"
    _, x, y = classifier()
    call = {**PLAIN, "callbacks": []}
    expected = run(mlp(), call, x, y)
    run(mlp(), call, x, y, Killing(path, every, saves=2))
    again = mlp()
    assert run(again, call, x, y, resume=path) == expected
    assert type(again) is MLP
    assert run(minnet.load(path), call, x, y, resume=path) == expected


def test_a_class_with_its_own_constructor_is_copied_saved_and_given_another_head(tmp_path):
    path = tmp_path / "model.npz"
    _, x, y = classifier()
    model = mlp()
    model.fit(x, y, **PLAIN)
    model.save(path)
    loaded, copied = minnet.load(path), copy.deepcopy(model)
    pickled, weights = pickle.loads(pickle.dumps(model)), mlp()
    weights.load_weights(path)
    assert type(loaded) is Sequential
    assert (type(copied), type(pickled), copied.width) == (MLP, MLP, 5)
    for one in (copied, pickled, weights, loaded):
        assert one.predict(x).tobytes() == model.predict(x).tobytes()
    for one in (model, copied, pickled, loaded):
        one.fit(x, y, **PLAIN, seed=1)
        assert everything(one) == everything(model)
    head = model.replace_head(Dense(2, activation="softmax"), seed=0)
    assert type(head) is MLP
    assert [layer.label for layer in head.layers][-1] == "head"
    assert head.width == 5


# --- all of it, or nothing ------------------------------------------------------------------------


class Fails(Callback):
    """Remembers, and may fail to remember again."""

    fails = False

    def __init__(self):
        self.seen, self.rng = [], np.random.default_rng(3)

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(float(self.rng.random()))

    def set_state(self, state):
        self.seen += state["seen"]
        self.rng = state["rng"]
        if self.fails:
            raise ZeroDivisionError("a student's fault")


class Careless(Callback):
    """Changes the model when the training begins."""

    def on_train_begin(self, logs=None):
        self.model.freeze(0)
        self.model.theta = self.model.theta + 1.0
        self.model.optimizer.beta_1 = 0.5
        self.began = True


def pictured(model, callbacks, *rngs):
    """All that a fit may change, as text and bytes."""
    return (
        bits(model, callbacks) if model.history else everything(model),
        [(layer.trainable, repr(layer), layer.origin) for layer in model.layers],
        (model.grad.tobytes(), id(model.history), id(model.rng), repr(model.provenance)),
        [repr(rng.bit_generator.state) for rng in (model.rng, *rngs)],
        [sorted((n, _text(v)) for n, v in vars(one).items()) for one in callbacks],
        (repr(model.optimizer), model.updates.rates, model.stop_training),
    )


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_set_state_that_raises_leaves_everything_as_it_was(tmp_path, monkeypatch, place, trained):
    path = tmp_path / "run.npz"

    def call(rng=None):
        callbacks = [EarlyStopping("loss", patience=3), Careless()]
        callbacks.insert(place, Fails())
        return {**PLAIN, "epochs": 6, "seed": rng or np.random.default_rng(1)}, callbacks

    options, callbacks = call()
    model, x, y = classifier()
    model.fit(x, y, **{**options, "epochs": 3}, callbacks=[*callbacks, Checkpoint(path)])
    rng = np.random.default_rng(1)
    options, callbacks = call(rng)
    model = classifier(seed=8)[0]
    if trained:
        model.fit(x, y, **{**options, "epochs": 1}, callbacks=callbacks)
    monkeypatch.setattr(Fails, "fails", True)
    before = pictured(model, callbacks, rng)
    words = r"Fails does not take what a Fails remembered .* ZeroDivisionError: \"a student's"
    with pytest.raises(ModelFileError, match=words) as caught:
        model.fit(x, y, **options, resume=path, callbacks=[*callbacks, Checkpoint(path)])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert pictured(model, callbacks, rng) == before
    monkeypatch.setattr(Fails, "fails", False)
    model.fit(x, y, **options, resume=path, callbacks=callbacks)
    assert model.history.epoch == list(range(6))


def test_a_callback_that_ends_the_process_while_resuming_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "run.npz"

    class Leaves(Callback):
        def __init__(self):
            self.count = 0

        def set_state(self, state):
            self.count = 5
            raise KeyboardInterrupt

    fitted(path, callbacks=[Leaves(), Checkpoint(path)])
    (model, *_), (_, x, y) = classifier(seed=8), classifier()
    leaves = Leaves()
    before = pictured(model, [leaves])
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, **PLAIN, resume=path, callbacks=[leaves])
    assert pictured(model, [leaves]) == before


def test_a_callback_that_raises_after_the_fit_was_resumed_is_no_refusal(tmp_path):
    path = tmp_path / "run.npz"
    done, x, y = fitted(path, epochs=2)

    class Raises(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise ZeroDivisionError

    fitted(path, epochs=2, callbacks=[Callback(), Checkpoint(path)])
    Raises.__qualname__ = "Callback"
    model, *_ = classifier(seed=8)
    with pytest.raises(ZeroDivisionError):
        model.fit(x, y, **PLAIN, resume=path, callbacks=[Raises()])
    assert everything(model) == everything(done)
    assert model.history.epoch == [0, 1]


STATES = {
    "a state without a name": (0, lambda s: s["dict"].pop()),
    "a best figure that is text": (0, lambda s: s["dict"][0].__setitem__(1, "x")),
    "an epoch that is none": (0, lambda s: s["dict"][2].__setitem__(1, -1)),
    "best weights of another model": (0, lambda s: s["dict"][5].__setitem__(1, {"tuple": [1, 2]})),
    "a name of fit's": (1, lambda s: s["dict"].append(["model", 1])),
    "a hook": (1, lambda s: s["dict"].append(["on_epoch_end", 1])),
    "no dict": (1, lambda s: (s.clear(), s.update({"tuple": []}))),
    "a list": (1, lambda s: s["dict"].append(3)),
}


@pytest.mark.parametrize("case", STATES)
def test_a_forged_state_of_a_callback_is_refused(path, case):
    number, change = STATES[case]
    forged(path, lambda training: change(training["state"]["callbacks"][number]))
    refused(path, r"describes no fit that minnet can resume: ")


# --- divergence and Ctrl-C beside checkpoints -----------------------------------------------------


def spoil_at(step):
    class Spoil(Callback):
        def __init__(self):
            self.steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.steps == step:
                self.model.theta[0] = np.inf

    return Spoil()


def test_no_checkpoint_is_written_of_weights_that_left_the_finite_numbers(tmp_path):
    path = tmp_path / "run.npz"
    model, x, y = classifier()
    with pytest.raises(DivergedError, match=r"weights left the finite numbers in epoch 2, step 2,"):
        model.fit(x, y, **PLAIN, callbacks=[spoil_at(5), Checkpoint(path, every=1)])
    assert minnet.load(path).updates.iterations == 4
    assert model.updates.iterations == 3  # the end of the epoch before
    assert model.history.epoch == [0]


def test_a_resumed_fit_that_diverges_is_put_back_to_where_it_was_resumed(tmp_path):
    path = tmp_path / "run.npz"
    with contextlib.suppress(Killed):
        fitted(path, callbacks=[spoil_at(6), Killing(path, 1, saves=5)])
    model, x, y = classifier()
    with pytest.raises(
        DivergedError, match=r"The model is back where it was when it was resumed\."
    ) as caught:
        model.fit(x, y, **PLAIN, resume=path, callbacks=[spoil_at(6)])
    assert (caught.value.epoch, caught.value.step) == (1, 2)
    assert model.theta.tobytes() == minnet.load(path).theta.tobytes()
    assert model.updates.iterations == 5


def test_a_checkpoint_is_a_model_like_any_other(tmp_path):
    path = tmp_path / "run.npz"
    model, x, y = fitted(path)
    loaded = minnet.load(path)
    assert everything(loaded) == everything(model)
    model.fit(x, y, **PLAIN, seed=0)
    loaded.fit(x, y, **PLAIN, seed=0)
    assert everything(loaded) == everything(model)
    fresh, *_ = classifier(seed=9)
    fresh.load_weights(path)
    assert fresh.theta.tobytes() == minnet.load(path).theta.tobytes()


# --- real processes, real kills -------------------------------------------------------------------


@pytest.mark.slow
def test_trainings_that_are_killed_go_on_to_the_same_bits():
    """`python -m tests.kills` does so 50 times."""
    outcomes = kills.trials(3, seed=1)
    assert all(outcome.same for outcome in outcomes)
    assert sum(outcome.kills for outcome in outcomes) > 0
