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
from minnet.layers import Dense, Flatten, Input, Normalization, Rescaling
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
    assert finding.advice or "Tried without gain: " in finding.message
    assert bool(finding.proof) <= bool(finding.cure)
    assert finding.measurement
    assert all(np.isscalar(value) for value in finding.measurement.values())


@pytest.mark.parametrize("name", ["digits 64-32 relu", "digits 32 tanh"])
def test_a_cure_can_be_run_and_does_what_the_proof_says(name):
    case = scores.classifier(0, name, "sgd", hidden="sigmoid", widths=(32,) * 4)
    report = diagnose(case.model, case.x, case.y)
    (finding,) = report
    assert finding.kind == "vanishing-gradient"
    assert finding.proof is not None
    assert finding.proof.cure == "relu"
    assert finding.proof.after < 0.75 * finding.proof.before
    assert f"the loss {finding.proof}." in str(report)
    theta = case.model.theta.copy()
    cured = finding.cure(case.model, case.x, case.y)
    assert np.array_equal(case.model.theta, theta)
    assert all(not isinstance(step, minnet.layers.Sigmoid) for step in cured.model.steps)
    epochs = {"epochs": 25, "verbose": 0, "seed": 5}
    as_it_is = case.model.fit(case.x, case.y, **epochs).history["loss"][-1]
    treated = cured.model.fit(cured.x, cured.y, **cured.settings, **epochs).history["loss"][-1]
    assert treated < 0.75 * as_it_is


def test_advice_that_the_model_follows_already_is_not_given():
    """A network of ReLUs from he_normal is not told to take them."""
    x, y, *_ = minnet.datasets.digits(per_class=30, seed=0)
    layers = [Dense(32, activation="relu", kernel_initializer="he_normal") for _ in range(3)]
    model = Sequential([*layers, Dense(10, "softmax", kernel_initializer="he_normal")], seed=0)
    model.build((64,))
    model.compile("adam", "cross_entropy")
    model.theta = model.theta * 10
    for finding in diagnose(model, x, y):
        assert '"relu"' not in finding.advice


def test_a_cure_that_does_not_win_is_named_and_not_advised():
    """Hidden weights of 0 under random ones learn as well as any: the start is not to blame."""
    case = scores.classifier(0, "digits 32 tanh", kernel_initializer="zeros")
    (finding,) = diagnose(case.model, case.x, case.y)
    assert finding.kind == "symmetric-weights"
    assert finding.message.endswith("Tried without gain: glorot_uniform, he_normal.")
    assert (finding.advice, finding.cure, finding.proof) == ("", None, None)


def test_a_later_cure_is_tried_after_the_earlier_ones():
    """x cannot be judged while y is in the millions."""
    x = np.linspace(-100, 100, 400)[:, None]
    layers = [Dense(50, activation="sigmoid", input_dim=1), Dense(50, activation="elu"), Dense(1)]
    model = Sequential(layers, seed=0)
    model.compile("adam", "mse")
    report = diagnose(model, x, x[:, 0] ** 4)
    assert report.kinds == ["target-scale", "input-scale"]
    proof = report.findings[1].proof
    assert proof is not None
    assert proof.cure.endswith(", after y standardised")
    cured = report.findings[1].cure(model, x, x[:, 0] ** 4)
    assert abs(cured.y.std() - 1) < 1e-3
    restored = cured.restore(cured.y)
    np.testing.assert_allclose(restored, x[:, 0] ** 4, rtol=1e-3, atol=100)


def test_a_table_of_which_nothing_is_scaled_is_cured_of_both():
    """Years near 2,000, and prices in the thousands: scaling one of them alone is of no use."""
    rng = np.random.default_rng(0)
    year, km, power = rng.integers(2005, 2024, 400), rng.uniform(1, 250, 400), rng.choice([60, 190])
    x = np.c_[year, km, np.full(400, power) + rng.integers(0, 90, 400)].astype(float)
    y = 120 * x[:, 2] * np.exp(-0.09 * (2024 - x[:, 0]) - x[:, 1] / 400)
    model = Sequential([Dense(16, activation="relu", input_dim=3), Dense(1)], seed=0)
    model.compile(Adam(0.01), "mse")
    with pytest.warns(UserWarning, match="Scale it first"):
        model.fit(x, y, epochs=20, verbose=0, seed=0)
    report = diagnose(model, x, y)
    assert report.kinds == ["target-scale", "input-scale"]
    for finding, other in zip(
        report, ("after x standardised", "after y standardised"), strict=True
    ):
        assert "Tried without gain" not in finding.message
        assert finding.proof is not None
        assert other in finding.proof.cure
        assert finding.proof.after < 0.5 * finding.proof.before
    first, second = report
    scaled = first.cure(model, x, y)
    assert abs(scaled.y.std() - 1) < 1e-3
    assert np.abs(scaled.x).max() < 10
    assert "minnet.datasets.standardize" in second.advice


def test_weights_that_have_learned_huge_targets_are_drawn_anew_for_the_cure():
    rng = np.random.default_rng(0)
    x = np.c_[rng.integers(1890, 2024, 600), rng.uniform(20, 120, 600), rng.integers(0, 2, 600)]
    y = 3600 * x[:, 1] * (0.8 + ((x[:, 0] - 1957) / 67) ** 2) * (1 + 0.3 * x[:, 2])
    layers = [Dense(32, "relu", input_dim=3), Dense(32, "relu"), Dense(1)]
    model = Sequential(layers, seed=0)
    model.compile(Adam(0.01), "mse")
    with pytest.warns(UserWarning, match="Scale it first"):
        model.fit(x, y, epochs=60, verbose=0, seed=0)
    report = diagnose(model, x, y)
    assert report.kinds == ["target-scale", "feature-scale"]
    for finding in report:
        assert finding.proof is not None
        assert ", after all weights drawn anew, " in finding.proof.cure
        assert finding.advice.endswith("these have learned to live with the old sizes.")


def test_the_target_as_a_column_of_x_is_named_and_what_is_only_near_it_is_not():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 4)).astype(np.float32)
    y = x @ [1.0, -2.0, 0.5, 0.0] + 0.1 * rng.standard_normal(300)
    for column, planted in ((y, True), (3 - 0.5 * y, True), (y + 0.1 * rng.random(300), False)):
        seen = np.c_[x[:, :2], column, x[:, 2:]]
        model = Sequential([Dense(16, "relu", input_dim=5), Dense(1)], seed=0)
        model.compile(Adam(0.01), "mse")
        model.fit(seen, y, epochs=20, verbose=0, seed=0)
        report = diagnose(model, seen, y)
        assert ("target-in-x" in report.kinds) == planted
        if planted:
            assert report.findings[0].message.startswith("Column 2 of x tells the target by itself")
            assert "np.delete(x, 2, axis=1)" in report.findings[0].advice


def test_a_class_that_a_column_tells_is_named():
    x, y, *_ = minnet.datasets.blobs(300, seed=0)
    model = network(3, 3)
    (finding, *_) = diagnose(model, np.c_[x, y == 2], y)
    assert finding.kind == "target-in-x"
    assert "Column 2 of x tells class 2 by itself" in finding.message
    constant = np.c_[x, np.full(len(x), 3.0)]
    assert "target-in-x" not in diagnose(model, constant, y).kinds


def test_a_book_s_small_start_that_learns_anyway_is_healthy():
    """0.01 · N(0, 1) at a rate of 1, as in the case study of CS231n."""
    x, y, *_ = minnet.datasets.spirals(100, seed=0)
    start = minnet.initializers.RandomNormal(stddev=0.01)
    layers = [
        Dense(100, activation="relu", kernel_initializer=start),
        Dense(3, activation="softmax", kernel_initializer=start),
    ]
    model = Sequential(layers, seed=0)
    model.compile(SGD(1.0), "cross_entropy")
    assert diagnose(model, x, y, batch_size=300).healthy


def test_labels_that_only_a_network_can_tell_are_no_mistake():
    """Neighbours and a regression see nothing in a parity; the model learns it."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (2000, 8))
    x = np.concatenate([bits * 2.0 - 1, rng.standard_normal((2000, 24))], axis=1)
    y = bits[:, :3].sum(axis=1) % 2
    model = Sequential([Dense(64, activation="relu"), Dense(2, activation="softmax")], seed=0)
    model.compile(Adam(0.01), "cross_entropy")
    assert "labels-unrelated" not in diagnose(model, x, y).kinds
    assert "labels-unrelated" in diagnose(model, x, rng.permutation(y)).kinds


def test_the_last_rows_are_the_validation_rows():
    x, y, *_ = minnet.datasets.digits(per_class=20, seed=0)
    order = np.argsort(y, kind="stable")
    model = network(64, 10)
    report = diagnose(model, x[order], y[order], validation_split=0.2)
    assert report.kinds == ["validation-mismatch"]
    assert "Class 8, 9 is in the validation data" in report.findings[0].message
    assert diagnose(model, x, y, validation_split=0.2).healthy
    with pytest.raises(ValueError, match=r"validation_data or validation_split\. Got both"):
        diagnose(model, x, y, validation_data=(x, y), validation_split=0.2)
    with pytest.raises(ValueError, match=r"leaves rows on both sides\. Got 0\.999 of 200 rows"):
        diagnose(model, x, y, validation_split=0.999)


def test_a_metric_that_has_no_answer_is_refused_as_in_fit():
    x, _ = rows()
    model = network(5, 1, last=None, loss="mse")
    model.compile("adam", "mse", ["accuracy"])
    with pytest.raises(ValueError, match='For a regression use "mae"'):
        diagnose(model, x, 10 * x[:, 0])


def test_a_weight_decay_bounds_the_rates_that_are_tried():
    """Above 1 / weight_decay a rate is refused: it would turn the weights around."""
    x, y = rows()
    report = diagnose(network(5, 2, optimizer=SGD(0.01, weight_decay=20.0)), x, y)
    assert report.kinds == ["stuck"]
    assert report.findings[0].proof.cure == "SGD without weight decay"


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


# --- a cure that needs another one ----------------------------------------------------------------


def squashed_sine(rate):
    x, y, _, _ = minnet.datasets.sine(200, seed=0)
    hidden = [Dense(20, activation="sigmoid") for _ in range(4)]
    model = Sequential([*hidden, Dense(1)], seed=0)
    model.build((1,))
    model.compile(SGD(rate), "mse")
    return model, x, y


@pytest.mark.parametrize("epochs", [0, 30])
def test_relu_is_advised_at_a_smaller_rate_where_that_is_what_wins(epochs):
    model, x, y = squashed_sine(0.5)
    if epochs:
        model.fit(x, y, epochs=epochs, verbose=0, seed=0)
    finding = diagnose(model, x, y).findings[0]
    assert finding.kind == "vanishing-gradient"
    assert finding.cure.name == "relu and a rate of 0.05"
    assert "Learn at a rate of 0.05" in finding.advice
    assert finding.proof.after < 0.5 * finding.proof.before


def test_relu_is_advised_alone_where_it_wins_alone():
    finding = diagnose(*squashed_sine(0.1)).findings[0]
    assert (finding.kind, finding.cure.name) == ("vanishing-gradient", "relu")


# --- scaling inside the model ---------------------------------------------------------------------


def scaled_inside(optimizer: Any, *, first: bool = True, last: bool = True) -> Any:
    """A table with years and a target in the hundred thousands, and a network that scales them."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(1900, 2020, 200), rng.integers(0, 2, 200)]).astype("float32")
    y = 3000.0 * (x[:, 0] - 1850) * (1 + x[:, 1])
    scale = Normalization()
    scale.adapt(x)
    euros = Rescaling(float(y.std()), float(y.mean()))
    layers = [*([scale] if first else []), Dense(16, "relu"), Dense(1), *([euros] if last else [])]
    model = Sequential([Input((2,)), *layers], seed=0)
    model.compile(optimizer, "mse")
    return diagnose(model, x, y).kinds


def test_columns_and_targets_that_the_model_scales_are_no_findings():
    assert {"feature-scale", "target-scale"}.isdisjoint(scaled_inside(Adam(0.01)))


def test_without_the_layer_that_scales_each_is_found():
    assert "feature-scale" in scaled_inside(Adam(0.01), first=False)
    assert "target-scale" in scaled_inside(Adam(0.01), last=False)


def test_under_sgd_the_steps_grow_with_the_targets_all_the_same():
    assert "target-scale" in scaled_inside(SGD(0.01))
