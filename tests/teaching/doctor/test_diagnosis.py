"""`diagnose`: faults found, healthy trainings left in peace, nothing changed, nothing raised."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minnet
from minnet import Sequential, diagnose
from minnet.layers import Dense, Flatten
from minnet.losses import CrossEntropy
from minnet.optimizers import SGD, Adam
from minnet.schedules import Schedule
from minnet.teaching.doctor import KINDS

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "doctor.py"


def benchmark() -> Any:
    """The measuring script as a module."""
    spec = importlib.util.spec_from_file_location("doctor_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


scores = benchmark()


def network(D: int, K: int, *, last: Any = "softmax", loss: Any = "cross_entropy", **settings: Any):
    optimizer = settings.pop("optimizer", "adam")
    layers = [Dense(16, activation="relu", input_dim=D, **settings), Dense(K, activation=last)]
    model = Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    return model


def rows(N: int = 100, D: int = 5) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).standard_normal((N, D))
    return x, (x[:, 0] > 0).astype(int)


# --- the sample of the measuring script -----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "variant", "plant", "names"),
    scores.FAULTS,
    ids=[f"{kind}: {variant}" for kind, variant, _, _ in scores.FAULTS],
)
def test_a_planted_fault_is_first_or_second(kind, variant, plant, names):
    case = plant(1, names[0])
    report = diagnose(case.model, case.x, case.y, **case.settings)
    assert kind in report.kinds[:2], report
    finding = report.findings[report.kinds.index(kind)]
    assert finding.message
    assert finding.advice
    assert finding.measurement
    assert all(np.isscalar(value) for value in finding.measurement.values())


def test_every_kind_is_planted():
    assert {kind for kind, *_ in scores.FAULTS} == set(KINDS)


@pytest.mark.slow
def test_healthy_trainings_are_left_in_peace():
    looked, alarms = scores.score_healthy(range(1), every=5)
    assert looked >= 25
    assert not alarms


# --- nothing changes, nothing is said aloud -------------------------------------------------------


def test_model_optimizer_generator_and_arrays_stay_as_they_were():
    x, y = rows()
    model = network(5, 2)
    model.fit(x, y, verbose=0)
    updates = model.updates
    before = (
        model.theta.tobytes(),
        model.grad.tobytes(),
        model.rng.bit_generator.state,
        updates.iterations,
        dict(updates.counts),
        {name: slot.tobytes() for name, slot in updates.slots.items()},
        x.tobytes(),
        y.tobytes(),
    )
    history, outputs = model.history, model.outputs
    diagnose(model, x, y, validation_data=(x[:20] * 9, y[:20]))
    after = (
        model.theta.tobytes(),
        model.grad.tobytes(),
        model.rng.bit_generator.state,
        updates.iterations,
        dict(updates.counts),
        {name: slot.tobytes() for name, slot in updates.slots.items()},
        x.tobytes(),
        y.tobytes(),
    )
    assert before == after
    assert model.history is history
    assert model.outputs is outputs


def test_a_model_without_weights_yet_is_not_built():
    x, y = rows()
    model = Sequential([Dense(8, activation="relu"), Dense(2, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    assert diagnose(model, x, y).healthy
    assert not model.built


def test_it_repeats():
    case = scores.classifier(0, "digits 64-32 relu", SGD(10.0))
    assert str(diagnose(case.model, case.x, case.y)) == str(diagnose(case.model, case.x, case.y))


def test_it_prints_nothing_and_warns_of_nothing(capsys):
    x, y = rows()
    diagnose(network(5, 2), 255 * np.abs(x), y)
    assert capsys.readouterr().out == ""


# --- sick, but well formed: never an error --------------------------------------------------------


def strange() -> dict[str, tuple[Sequential, Any, Any]]:
    x, y = rows()
    broken = network(5, 2)
    broken.theta[...] = np.nan
    logits = Sequential([Dense(8, activation="relu"), Dense(2)], seed=0)
    logits.compile("adam", CrossEntropy(from_logits=True))
    images = Sequential([Flatten(input_shape=(5, 1)), Dense(2, activation="softmax")], seed=0)
    images.compile("adam", "cross_entropy")
    bare = Sequential([minnet.layers.Softmax(input_shape=(2,))], seed=0)
    bare.compile("adam", "cross_entropy")
    line: dict[str, Any] = {"last": None, "loss": "mse"}
    many: dict[str, Any] = {"last": "sigmoid", "loss": "binary_crossentropy"}
    return {
        "constant columns": (network(5, 2), np.ones((100, 5)), y),
        "zeros": (network(5, 2), np.zeros((100, 5)), y),
        "one class": (network(5, 3), x, np.zeros(100, int)),
        "three samples": (network(5, 3), x[:3], [0, 1, 2]),
        "one sample": (network(5, 3), x[:1], [0]),
        "two equal samples": (network(5, 3), x[[0, 0]], [0, 1]),
        "a rate of 1e30": (network(5, 2, optimizer=SGD(1e30)), x, y),
        "a rate of 0": (network(5, 2, optimizer=SGD(0.0)), x, y),
        "NaN weights": (broken, x, y),
        "huge inputs": (network(5, 2), 1e30 * x, y),
        "a constant target": (network(5, 1, **line), x, np.ones(100)),
        "a target of zeros": (network(5, 1, **line), x, np.zeros(100)),
        "several yes-or-no answers": (network(5, 3, **many), x, (x[:, :3] > 0).astype(int)),
        "logits": (logits, x, y),
        "images": (images, x[:, :, None], y),
        "no weights": (bare, x[:, :2], y),
        "lists": (network(5, 2), x.tolist(), y.reshape(-1, 1).tolist()),
    }


@pytest.mark.parametrize("name", strange())
def test_no_error_for_what_is_sick_but_well_formed(name):
    model, x, y = strange()[name]
    report = diagnose(model, x, y)
    assert len(set(report.kinds)) == len(report.kinds)
    assert str(report).startswith("Diagnosis: ")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a rate of 1e30", "step-too-large"),
        ("a rate of 0", "step-too-small"),
        ("NaN weights", "exploding-gradient"),
        ("huge inputs", "input-scale"),
        ("constant columns", "labels-unrelated"),
        ("one class", "class-imbalance"),
        ("no weights", "nothing-trainable"),
    ],
)
def test_what_the_extremes_are_called(name, kind):
    assert diagnose(*strange()[name]).kinds[0] == kind


def test_what_does_not_fit_the_model_is_refused_as_in_fit():
    x, y = rows()
    with pytest.raises(RuntimeError, match="The model is not compiled"):
        diagnose(Sequential([Dense(2)]), x, y)
    with pytest.raises(TypeError, match=r"diagnose takes a compiled model\. Got"):
        diagnose("model", x, y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Labels start at 0: use y - 1"):
        diagnose(network(5, 2), x, y + 1)
    with pytest.raises(TypeError, match=r"validation_data takes \(x, y\)"):
        diagnose(network(5, 2), x, y, validation_data=x)
    with pytest.raises(ValueError, match="batch_size"):
        diagnose(network(5, 2), x, y, batch_size=0)
    with pytest.raises(ValueError, match=r"validation x takes shape \(N, 5\)"):
        diagnose(network(5, 2), x, y, validation_data=(x[:, :3], y))


def test_a_schedule_is_judged_by_its_largest_rate():
    class WarmUp(Schedule):
        def __call__(self, step):
            return 1e-2 * min(1.0, step / 50)

    x, y = rows(200)
    assert diagnose(network(5, 2, optimizer=Adam(WarmUp())), x, y).healthy


def test_the_advised_rate_works():
    """The rate that the doctor names learns what the sick one did not."""
    case = scores.classifier(0, "digits 64-32 relu", SGD(10.0))
    report = diagnose(case.model, case.x, case.y)
    rate = report.findings[0].measurement["better rate"]
    model = case.model.copy()
    model.compile(SGD(rate), "cross_entropy")
    history = model.fit(case.x, case.y, epochs=5, verbose=0).history
    assert history["loss"][-1] < 0.5 * np.log(10)


def test_it_is_quick_on_a_small_problem():
    case = scores.classifier(0, "blobs 32 relu")
    diagnose(case.model, case.x, case.y)
    begin = time.process_time()
    diagnose(case.model, case.x, case.y)
    assert time.process_time() - begin < 0.5
