"""Batches of any array, and frozen layers that are gone through once for a fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.callbacks import LambdaCallback
from minnet.layers import Activation, BatchNormalization, Dense, Dropout
from minnet.models import Sequential
from minnet.training import batches
from tests.small_models import regression
from tests.strategies import seeds

ROOT = Path(minnet.__file__).parents[1]

N = 14


def deep(seed=0, *, frozen=("dense_1", "dense_2"), middle=(), first=()):
    """A float64 model of three Dense layers, the lower frozen."""
    model = Sequential(
        [
            *first,
            Dense(5, activation="tanh", input_dim=3),
            Dense(4, activation="relu"),
            *middle,
            Dense(4, activation="tanh"),
            Dense(3, activation="softmax"),
        ],
        seed=seed,
        dtype="float64",
    )
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    for name in frozen:
        model.freeze(name)
    return model


def data(seed=0):
    """x, labels, and the same for validation."""
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((N, 3)),
        rng.integers(3, size=N),
        rng.standard_normal((6, 3)),
        rng.integers(3, size=6),
    )


def train(model, *, callbacks=(), epochs=3, seed=0):
    """A fit with validation data; its history and the weights after it."""
    x, y, vx, vy = data(seed)
    return model.fit(
        x,
        y,
        4,
        epochs=epochs,
        verbose=0,
        validation_data=(vx, vy),
        seed=seed,
        callbacks=list(callbacks),
    )


def is_as_without(make, callbacks=lambda model: (), seed=0):
    """Train with and without kept features, and compare; how many rows were spared."""
    kept, fresh = make(), make()
    one = train(kept, callbacks=callbacks(kept), seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "FEATURE_BYTES", 0)
        two = train(fresh, callbacks=callbacks(fresh), seed=seed)
    assert two.features_saved == 0
    np.testing.assert_allclose(kept.theta, fresh.theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(kept.state, fresh.state, rtol=1e-9, atol=1e-12)
    assert one.history.keys() == two.history.keys()
    for name, values in two.history.items():
        np.testing.assert_allclose(one.history[name], values, rtol=1e-9, atol=1e-12)
    return one.features_saved


layers = st.lists(
    st.sampled_from(
        [
            lambda: Dropout(0.4),
            BatchNormalization,
            lambda: Activation("tanh"),
            lambda: Dense(4, activation="relu"),
        ]
    ),
    max_size=3,
)


@given(seed=seeds, kinds=layers, frozen=st.integers(1, 5))
def test_kept_features_change_nothing(seed, kinds, frozen):
    def make():
        model = deep(seed, frozen=(), middle=[kind() for kind in kinds])
        model.freeze(slice(0, min(frozen, len(model.layers) - 1)))
        return model

    is_as_without(make, seed=seed)


def test_features_are_computed_once_for_a_fit():
    model = deep()
    assert train(model, epochs=5).features_saved == 4 * (N + 6)
    assert train(model, epochs=1).features_saved == 0


def test_frozen_layers_run_once_over_each_row(monkeypatch):
    model = deep()
    rows = []
    forward = Dense.forward

    def counted(self, x, memo=None):
        if self.label == "dense_1":
            rows.append(len(x))
        return forward(self, x, memo)

    monkeypatch.setattr(Dense, "forward", counted)
    train(model, epochs=5)
    assert sum(rows) == N + 6 + 2  # and one row of each to see how large the features are


def test_without_frozen_layers_nothing_is_kept():
    assert train(deep(frozen=())).features_saved == 0


def test_a_layer_frozen_above_one_that_learns_is_not_a_prefix():
    assert train(deep(frozen=("dense_2",))).features_saved == 0


def test_features_too_large_are_computed_batch_by_batch(monkeypatch):
    x = data()[0]
    size = len(x) * 4 * 8
    monkeypatch.setattr(batches, "FEATURE_BYTES", size)
    assert train(deep()).features_saved == 2 * (N + 6)
    monkeypatch.setattr(batches, "FEATURE_BYTES", size - 1)
    assert train(deep()).features_saved == 2 * 6


@pytest.mark.parametrize("frozen", [("dense_1",), ("dense_1", "dense_2")])
@pytest.mark.parametrize("layer", [lambda: Dropout(0.5), BatchNormalization])
def test_random_and_learning_layers_above_are_run_anew(frozen, layer):
    assert is_as_without(lambda: deep(frozen=frozen, middle=[layer()])) == 2 * (N + 6)


def test_a_dropout_that_is_not_frozen_ends_the_prefix():
    assert is_as_without(lambda: deep(first=[Dropout(0.5, input_shape=(3,))])) == 0


def test_a_frozen_dropout_and_frozen_statistics_are_part_of_the_prefix():
    def make():
        model = deep(first=[BatchNormalization(input_shape=(3,)), Dropout(0.5)])
        model.freeze([0, 1])
        return model

    assert is_as_without(make) == 2 * (N + 6)


# --- what a callback changes ----------------------------------------------------------------------


def at(hook, epoch, batch, do):
    """A function that makes callbacks which do something to the model, once."""

    def make(model):
        now = {}

        def on_epoch_begin(number, logs):
            now["epoch"] = number
            if hook == "on_epoch_begin" and number == epoch:
                do(model)

        def on_batch(number, logs):
            if (now["epoch"], number) == (epoch, batch):
                do(model)

        def on_epoch_end(number, logs):
            if number == epoch:
                do(model)

        hooks = {"on_epoch_begin": on_epoch_begin}
        if hook == "on_epoch_end":
            hooks[hook] = on_epoch_end
        elif "batch" in hook:
            hooks[hook] = on_batch
        return [LambdaCallback(**hooks)]

    return make


def scale(model):
    model.layers[0].W *= 1.5


def scale_two(model):
    model.layers[1].b += 0.5


CHANGES = {
    "unfreeze all": lambda model: model.unfreeze(),
    "unfreeze the second": lambda model: model.unfreeze("dense_2"),
    "freeze the third": lambda model: model.freeze("dense_3"),
    "change a weight": scale,
    "change a bias": scale_two,
    "reverse": lambda model: setattr(model, "theta", model.theta[::-1].copy()),
    "unfreeze and change": lambda model: (model.unfreeze("dense_2"), scale(model)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "hook", ["on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"]
)
def test_what_a_callback_changes_acts_from_the_next_step_on(hook, change):
    is_as_without(deep, at(hook, 1, 1, CHANGES[change]))


def test_freezing_again_takes_new_features():
    def callbacks(model):
        unfreeze = at("on_train_batch_end", 0, 1, lambda m: m.unfreeze("dense_2"))
        freeze = at("on_epoch_begin", 1, 0, lambda m: m.freeze("dense_2"))
        return [*unfreeze(model), *freeze(model)]

    assert is_as_without(deep, callbacks) == N + 6


def test_a_weight_that_changes_between_epochs_costs_one_pass():
    assert is_as_without(deep, at("on_epoch_end", 0, 0, scale)) == N + 6


def test_changed_statistics_of_a_frozen_layer_act():
    def make():
        model = deep(first=[BatchNormalization(input_shape=(3,))])
        model.freeze(0)
        return model

    def shift(model):
        model.layers[0].moving_mean[...] = 0.7

    assert is_as_without(make, at("on_epoch_end", 0, 0, shift)) == N + 6


def test_a_model_frozen_as_a_whole_in_a_fit_stays_as_it_is():
    model = deep()
    seen = []

    def freeze(epoch, logs):
        model.freeze("*")
        seen.append(model.theta.copy())

    history = train(model, callbacks=[LambdaCallback(on_epoch_end=freeze)])
    assert np.array_equal(model.theta, seen[0])
    assert history.history["val_loss"][1:] == [history.history["val_loss"][0]] * 2


# --- data that must not be touched, or does not fit memory ----------------------------------------


def test_read_only_arrays_are_enough():
    model, x, y = regression()
    weight = np.ones(10)
    for array in (x, y, weight):
        array.flags.writeable = False
    model.fit(x, y, 4, verbose=0, sample_weight=weight, validation_data=(x, y, weight))
    assert model.evaluate(x, y)["loss"] > 0


@pytest.mark.parametrize("form", ["fortran", "strided", "reversed", "float32", "big-endian"])
def test_the_layout_of_x_in_memory_does_not_matter(form):
    (a, x, y), (b, *_) = regression(), regression()
    x = x.astype(np.float32).astype(np.float64)
    wide = np.zeros((10, 6))
    wide[:, ::2] = x
    forms = {
        "fortran": np.asfortranarray(x),
        "strided": wide[:, ::2],
        "reversed": x[::-1].copy()[::-1],
        "float32": x.astype(np.float32),
        "big-endian": x.astype(">f8"),
    }
    a.fit(forms[form], y, 4, verbose=0, seed=0)
    b.fit(x, y, 4, verbose=0, seed=0)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-10)


MEMMAP = """
import resource, sys
import numpy as np
from minnet.models import Sequential
from minnet.layers import Dense
x = np.memmap(sys.argv[1], np.float32, "r", shape=({shape}), order="{order}")
model = Sequential([Dense(2, input_dim=1024)], seed=0)
model.compile("sgd", "mse")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20,) * 2)
y = np.zeros((len(x), 2), np.float32)
model.fit(x, y, batch_size=4096, verbose=0, shuffle={shuffle}, validation_split=0.25)
print(model.predict(x, 4096).shape[0], model.evaluate(x, y)["loss"] >= 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS works on Linux")
@pytest.mark.parametrize(("shuffle", "order"), [(True, "C"), (False, "C"), (True, "F")])
def test_x_may_be_larger_than_memory(tmp_path, shuffle, order):
    path = tmp_path / "x.dat"
    with path.open("wb") as file:
        file.truncate(2**28)  # 256 MiB of zeros that take no room on the disk
    code = MEMMAP.format(shape="65536, 1024", shuffle=shuffle, order=order)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("65536 True\n", "")


def test_a_memmap_is_not_written(tmp_path):
    model, x, y = regression()
    mapped = np.memmap(tmp_path / "x.dat", np.float64, "w+", shape=x.shape)
    mapped[...] = x
    model.fit(mapped, y, 4, epochs=2, verbose=0)
    assert np.array_equal(mapped, x)


def test_a_batch_size_beyond_all_memory_is_one_batch():
    (a, x, y), (b, *_) = regression(), regression()
    a.fit(x, y, 10**18, verbose=0, seed=0)
    b.fit(x, y, len(x), verbose=0, seed=0)
    assert a.theta.tobytes() == b.theta.tobytes()
