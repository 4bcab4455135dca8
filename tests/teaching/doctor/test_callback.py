"""`Doctor` watches a fit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minnet
from minnet import DivergedError, Doctor, Sequential
from minnet.callbacks import Callback
from minnet.layers import Dense
from minnet.optimizers import SGD


def watched(optimizer: Any = "adam", factor: float = 1.0, epochs: int = 6, **settings: Any):
    """A doctor that watched a training of digits, and the error, if there was one."""
    x, y, _, _ = minnet.datasets.digits(per_class=60, seed=0)
    hidden = settings.pop("hidden", "relu")
    layers = [Dense(32, activation=hidden, input_dim=64, **settings)]
    model = Sequential([*layers, Dense(10, activation="softmax")], seed=0)
    model.compile(optimizer, "cross_entropy")
    doctor, error = Doctor(), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fit's own warning of raw pixels
        try:
            model.fit(factor * x, y, epochs=epochs, verbose=0, callbacks=[doctor], seed=0)
        except DivergedError as raised:
            error = raised
    return doctor, error


def test_it_is_silent_where_all_is_well(capsys):
    doctor, _ = watched()
    assert doctor.findings == []
    assert doctor.diagnosis.healthy
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("step-too-large", {"optimizer": SGD(50.0)}),
        ("step-too-small", {"optimizer": SGD(1e-8)}),
        ("input-scale", {"factor": 255.0}),
        ("dead-relu", {"bias_initializer": minnet.initializers.Constant(-20.0)}),
        (
            "saturated",
            {
                "hidden": "tanh",
                "kernel_initializer": minnet.initializers.RandomNormal(stddev=10.0),
            },
        ),
    ],
)
def test_it_names_what_goes_wrong_once(capsys, kind, settings):
    doctor, _ = watched(**settings)
    kinds = [finding.kind for finding in doctor.findings]
    assert kinds[0] == kind
    assert len(set(kinds)) == len(kinds)
    assert capsys.readouterr().out.count(f"Doctor: {kind}: ") == 1


def test_an_initial_loss_far_above_guessing():
    x, y, _, _ = minnet.datasets.digits(per_class=20, seed=0)
    model = Sequential([Dense(10, activation="softmax", input_dim=64)], seed=0)
    model.layers[0].W = 30 * model.layers[0].W
    model.compile(SGD(0.01), "cross_entropy")
    doctor = Doctor()
    model.fit(x, y, verbose=0, callbacks=[doctor])
    assert [finding.kind for finding in doctor.findings] == ["initial-loss"]


def test_huge_targets_and_an_unpredicted_class():
    x, y, _, _ = minnet.datasets.sine(100, seed=0)
    model = Sequential([Dense(8, activation="tanh", input_dim=1), Dense(1)], seed=0)
    model.compile("adam", "mse")
    doctor = Doctor()
    model.fit(x, 1e4 * y, verbose=0, callbacks=[doctor])
    assert [finding.kind for finding in doctor.findings] == ["target-scale"]

    x, y, _, _ = minnet.datasets.blobs(300, classes=3, features=4, seed=0)
    model = Sequential([Dense(4, activation="softmax", input_dim=4)], seed=0)
    model.compile(SGD(0.1), "cross_entropy")
    doctor = Doctor()
    model.fit(x, y + 1, epochs=12, verbose=0, callbacks=[doctor])
    assert [finding.kind for finding in doctor.findings] == ["never-predicted"]


def test_a_diverged_fit_leaves_a_finding():
    doctor, error = watched(SGD(1e30))
    assert isinstance(error, DivergedError)
    assert [finding.kind for finding in doctor.findings] == ["step-too-large"]
    assert "left the finite numbers" in doctor.findings[0].message


def test_watching_changes_nothing():
    x, y, _, _ = minnet.datasets.digits(per_class=10, seed=0)
    thetas = []
    for callbacks in ([], [Doctor()]):
        model = Sequential([Dense(10, activation="softmax", input_dim=64)], seed=0)
        model.compile("adam", "cross_entropy")
        model.fit(x, y, epochs=3, verbose=0, callbacks=callbacks, seed=1)
        thetas.append(model.theta.copy())
    assert np.array_equal(*thetas)


def test_a_second_fit_starts_afresh():
    doctor, _ = watched(SGD(50.0))
    assert doctor.findings
    x, y, _, _ = minnet.datasets.blobs(100, seed=0)
    model = Sequential([Dense(3, activation="softmax", input_dim=2)], seed=0)
    model.compile("adam", "cross_entropy")
    model.fit(x, y, verbose=0, callbacks=[doctor])
    assert doctor.findings == []


def test_a_frozen_base_whose_features_are_kept():
    x, y, _, _ = minnet.datasets.digits(per_class=20, seed=0)
    base = minnet.load_pretrained("mnist-8x8")
    model = base.replace_head(Dense(10, activation="softmax"), seed=0)
    model.freeze("all_but_head")
    model.compile("adam", "cross_entropy")
    doctor = Doctor()
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[doctor])
    assert doctor.findings == []
    assert history.features_saved == 400


def slow_model():
    made = Sequential([Dense(3, activation="softmax", input_dim=2)], seed=0)
    made.compile(SGD(1e-6), "cross_entropy")
    return made


def test_it_tries_cures_at_the_end_where_it_is_asked_to(capsys):
    x, y, _, _ = minnet.datasets.blobs(200, seed=0)
    slow, doctor = slow_model(), Doctor(try_cures=True)
    slow.fit(x, y, epochs=2, verbose=0, callbacks=[doctor])
    (finding,) = doctor.findings
    assert finding.kind == "step-too-small"
    assert finding.proof.after < 0.5 * finding.proof.before
    assert "→" in capsys.readouterr().out
    cured = finding.cure(slow, x, y)
    history = cured.model.fit(cured.x, cured.y, epochs=20, verbose=0, **cured.settings)
    assert history.history["loss"][-1] < 0.5 * finding.proof.before


def test_the_model_is_what_the_fit_left_where_cures_are_tried():
    x, y, _, _ = minnet.datasets.blobs(200, seed=0)
    plain, asked = slow_model(), slow_model()
    plain.fit(x, y, epochs=2, verbose=0, seed=1)
    asked.fit(x, y, epochs=2, verbose=0, seed=1, callbacks=[Doctor(try_cures=True)])
    np.testing.assert_array_equal(plain.theta, asked.theta)
    assert plain.history.history == asked.history.history


def test_it_tries_none_where_it_is_not_asked_or_the_user_leaves():
    class Leaving(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    x, y, _, _ = minnet.datasets.blobs(200, seed=0)
    plain, asked = Doctor(), Doctor(try_cures=True)
    slow_model().fit(x, y, epochs=2, verbose=0, callbacks=[plain])
    with pytest.raises(KeyboardInterrupt):
        slow_model().fit(x, y, epochs=2, verbose=0, callbacks=[asked, Leaving()])
    assert plain.findings == asked.findings == []
    with pytest.raises(TypeError, match="try_cures takes True or False"):
        Doctor(try_cures="yes")
