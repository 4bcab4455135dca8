"""Files whose structure is wrong and whose checksums are right; a sample of them, and hostile ones.

`python -m tests.structures` makes 5,000.
"""

from __future__ import annotations

import functools
import os
import warnings

import numpy as np
import pytest

import minnet
from minnet.callbacks import Callback, Checkpoint
from minnet.files import saving, store
from minnet.foundation.checks import ModelFileError
from minnet.layers import Dense
from minnet.models import Sequential
from tests.structures import LARGEST, X, Y, measured, sources, trial


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Nothing here cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.mark.slow
def test_files_of_another_structure_are_models_or_refused_and_change_nothing(tmp_path):
    files = sources(tmp_path)
    for seed in range(200):
        name, outcome = trial(files, seed, tmp_path / "changed.npz")
        assert outcome.fine, (seed, name, outcome)


def test_files_as_they_are_saved_are_read(tmp_path):
    """Or the sample would tell nothing."""
    from tests.structures import TRAININGS, deep, load, resume

    files = sources(tmp_path)
    for name, path in files.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name.startswith("model"):
                make = TRAININGS.get(name.removeprefix("model "))
                like = deep() if make is None else make().model
                assert load(path, like) == ("model", "")
            else:
                training = TRAININGS[name.partition("-")[0]](epochs=3)
                assert resume(path, training) == ("resumed", "")
                assert training.model.history.epoch == [0, 1, 2]


# --- as much as 250 KB hold -----------------------------------------------------------------------


def described():
    """A small model's description and arrays."""
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    return saving.describe(model, include_optimizer=True)


def relu(i):
    config = {"name": None, "input_shape": None}
    return {"class": "ReLU", "config": config, "name": f"r{i}", "trainable": True, "origin": "new"}


def nested(depth):
    rate = 0.1
    for _ in range(depth):
        rate = {"class": "LinearWarmup", "config": {"warmup_steps": 2, "then": rate}}
    return rate


def more_layers(config, arrays):
    config["layers"] += [relu(i) for i in range(2_000)]


def more_layers_without_names(config, arrays):
    config["layers"] += [{**relu(i), "name": None} for i in range(2_000)]


def more_layers_of_one_name(config, arrays):
    config["layers"] += [relu(0) for _ in range(2_000)]


def more_layers_that_do_not_fit(config, arrays):
    config["layers"] += [
        {**relu(i), "config": {"name": None, "input_shape": [2]}} for i in range(2_000)
    ]


def more_metrics(config, arrays):
    config["compile"]["metrics"] *= 3_000


def more_arrays(config, arrays):
    arrays.update({f"r{i}.W": np.zeros(1, "f4") for i in range(1_200)})


def empty_arrays(config, arrays):
    arrays.update({f"r{i}.W": np.empty((2**31 - 2**20, 0), "u1") for i in range(1_000)})


def more_trainings(config, arrays):
    one = {
        "epochs": 1,
        "samples": 1,
        "data_sha256": "",
        "batch_size": 1,
        "optimizer": "",
        "loss": "",
    }
    one |= {"learning_rate": None, "frozen": [], "figures": {}}
    config["provenance"]["trainings"] = [one] * 1_500


def long_words(config, arrays):
    config["layers"][0]["class"] = "D" * 200_000


def long_boundaries(config, arrays):
    rate = {"boundaries": list(range(1, 16_000)), "values": [1] * 16_000}
    config["compile"]["optimizer"]["config"]["learning_rate"] = {
        "class": "PiecewiseConstantDecay",
        "config": rate,
    }


def deep_rates(config, arrays):
    config["compile"]["optimizer"]["config"]["learning_rate"] = nested(20)


def large_axes(config, arrays):
    config["input_shape"] = [10**4_000] * 60


def large_units(config, arrays):
    config["layers"][0]["config"]["units"] = 10**4_000


MODELS = [
    more_layers,
    more_layers_without_names,
    more_layers_of_one_name,
    more_layers_that_do_not_fit,
    more_metrics,
    more_arrays,
    empty_arrays,
    more_trainings,
    long_words,
    long_boundaries,
    deep_rates,
    large_axes,
    large_units,
]


@pytest.mark.parametrize("change", MODELS, ids=lambda change: change.__name__)
def test_a_model_that_asks_for_as_much_as_it_can(tmp_path, change):
    path = tmp_path / "model.npz"
    config, arrays = described()
    change(config, arrays)
    store.save(path, config, arrays)
    assert path.stat().st_size < 2 * LARGEST

    def load():
        try:
            minnet.load(path)
        except ModelFileError as error:
            return "refused", str(error)
        return "model", ""

    outcome = measured(load)
    assert outcome.fine, outcome


class Remembers(Callback):
    """A student's."""

    def __init__(self):
        self.held = None


def checkpoint(path):
    """A fit of one step, and how it is called."""
    model = Sequential([Dense(1, input_dim=3)], seed=0)
    model.compile("sgd", "mse")
    call = {"batch_size": 20, "verbose": 0, "callbacks": [Remembers()]}
    if not path.exists():
        model.fit(X, Y, **{**call, "callbacks": [*call["callbacks"], Checkpoint(path)]})
    return model, {**call, "epochs": 1, "resume": path}


GENERATOR = {
    "generator": {
        "dict": [
            ["bits", {"dict": [["bit_generator", "PCG64"]]}],
            ["spawns", {"dict": [["entropy", [7] * 60_000], ["spawn_key", {"tuple": []}]]}],
        ]
    }
}
EMPTY = np.empty((2**31 - 2**20, 0), np.uint8)
HELD = {
    "lists of nothing": ({"arrays": "fit[99]"}, {"fit[99]": EMPTY}),
    "floats of nothing": ({"floats": "fit[99]"}, {"fit[99]": np.empty((2**27, 0))}),
    "bytes of nothing": ({"array": ["fit[99]", "<f8", [2**62, 0]]}, {"fit[99]": np.empty(0, "u1")}),
    "one array many times": ([{"floats": "fit[99]"}] * 5_000, {"fit[99]": np.zeros(20_000)}),
    "one array in many lists": ([{"arrays": "fit[99]"}] * 5_000, {"fit[99]": np.zeros((9, 9))}),
    "many lists": ([[]] * 40_000, {}),
    "one list in many places": (
        [{"shared": [0, [0] * 1_000]}, *[{"same": 0}] * 20_000],
        {},
    ),
    "a list in itself": ({"shared": [0, [{"same": 0}]]}, {}),
    "lists in lists": (functools.reduce(lambda inner, _: [inner], range(38), []), {}),
    "much entropy": (GENERATOR, {}),
    "large numbers": ([10**4_000] * 50, {}),
    "many keys": ({"dict": [[i, None] for i in range(20_000)]}, {}),
    "one key many times": ({"dict": [[1, None]] * 20_000}, {}),
}


@pytest.mark.parametrize("case", HELD)
def test_a_checkpoint_that_asks_for_as_much_as_it_can(tmp_path, case):
    path, held = tmp_path / "run.npz", HELD[case]
    checkpoint(path)
    config, arrays = store.load(path)
    config["training"]["state"]["callbacks"] = [{"dict": [["held", held[0]]]}]
    store.save(path, config, {**arrays, **held[1]})
    assert path.stat().st_size < 2 * LARGEST
    model, call = checkpoint(path)

    def resume():
        try:
            model.fit(X, Y, **call)
        except ModelFileError as error:
            return "refused", str(error)
        return "resumed", ""

    outcome = measured(resume)
    assert outcome.fine, outcome


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["fit"].update(epoch=2**53),
        lambda state: state["fit"].update(epoch=10**30),
        lambda state: state["fit"].update(first_update=10**400),
        lambda state: state["checkpoint"].update(newest=10**400),
        lambda state: state["fit"]["history"].update(dict=[["loss", [1.0] * 50_000]]),
        lambda state: state.update({f"more{i}": {} for i in range(5_000)}),
    ],
)
def test_a_state_of_a_fit_that_asks_for_as_much_as_it_can(tmp_path, change):
    path = tmp_path / "run.npz"
    checkpoint(path)
    config, arrays = store.load(path)
    change(config["training"]["state"])
    store.save(path, config, arrays)
    model, call = checkpoint(path)

    def resume():
        with pytest.raises(ModelFileError) as caught:
            model.fit(X, Y, **{**call, "callbacks": [Remembers(), Checkpoint(path)]})
        return "refused", str(caught.value)

    outcome = measured(resume)
    assert outcome.fine, outcome
