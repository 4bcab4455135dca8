"""Comparing transfer with scratch: what is fair about it, and what it finds on real data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minnet
from minnet import Sequential, transfer
from minnet.foundation.checks import Array
from minnet.layers import Dense, Dropout
from minnet.transfer import comparison

DATA = minnet.datasets.digits(per_class=12, seed=0)
SMALL = (*DATA[:2], DATA[2][:300], DATA[3][:300])


def base() -> Sequential:
    return minnet.load_pretrained("mnist-8x8")


def test_all_ways_are_compared_and_the_base_is_untouched() -> None:
    model = base()
    before = model.theta.copy()
    report = transfer.compare(model, *SMALL, per_class=3, seeds=2, epochs=6, verbose=0)
    assert tuple(report.arms) == transfer.ARMS
    assert len(report.runs) == 1 + 6 * 2
    np.testing.assert_array_equal(model.theta, before)
    assert all(0 <= run.accuracy <= 1 for run in report.runs)
    assert "nearest neighbours" in report.notes[-1]


def test_the_same_call_gives_the_same_numbers() -> None:
    settings: dict[str, Any] = {"per_class": [2, 3], "seeds": [4, 7], "epochs": 4, "verbose": 0}
    a = transfer.compare(base(), *SMALL, arms=["head only"], main="head only", **settings)
    b = transfer.compare(base(), *SMALL, arms=["head only"], main="head only", **settings)
    assert a.runs == b.runs
    assert a.labels == [2, 3]
    assert {run.seed for run in a.runs} == {4, 7}


def test_every_way_makes_the_same_number_of_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    updates: dict[int, int] = {}
    original = minnet.engine.updates.Updates.apply  # type: ignore[attr-defined]

    def counted(self: Any, *args: Any) -> None:
        updates[id(current[0])] = updates.get(id(current[0]), 0) + 1
        original(self, *args)

    current: list[object] = [None]
    train = comparison.train
    seen: dict[str, list[int]] = {}

    def watched(task: Any, arm: str, *args: Any) -> Sequential:
        current[0] = token = object()
        kept.append(token)
        model = train(task, arm, *args)
        seen.setdefault(arm, []).append(updates[id(token)])
        return model

    kept: list[object] = []
    monkeypatch.setattr(minnet.engine.updates.Updates, "apply", counted)  # type: ignore[attr-defined]
    monkeypatch.setattr(comparison, "train", watched)
    transfer.compare(base(), *SMALL, seeds=2, epochs=6, verbose=0)
    final = {arm: counts[-1] for arm, counts in seen.items()}
    assert set(final.values()) == {6 * 4}  # 120 samples in batches of 32
    assert len(final) == 6


def test_scratch_is_tuned_on_samples_kept_back_and_never_on_the_test_data() -> None:
    x, y, x_test, y_test = SMALL
    first = transfer.compare(
        base(), x, y, x_test, y_test, per_class=5, seeds=2, epochs=6, verbose=0
    )
    wrong = (y_test + 1) % 10  # other test labels: other accuracies, the same setting and weights
    second = transfer.compare(
        base(), x, y, x_test, wrong, per_class=5, seeds=2, epochs=6, verbose=0
    )
    assert first.settings == second.settings
    assert first.runs != second.runs


def test_what_is_kept_back_is_a_fifth_of_each_class() -> None:
    x, y = np.arange(40.0)[:, None], np.repeat([0, 1], [30, 10])
    parts = comparison._keep_back(x, y)
    assert parts is not None
    (learn, _), (kept, labels) = parts
    assert np.bincount(labels).tolist() == [6, 2]
    assert sorted(np.concatenate([learn, kept]).ravel()) == list(range(40))
    assert comparison._keep_back(x[:2], np.array([0, 1])) is None


def test_one_label_a_class_leaves_nothing_to_tune_by() -> None:
    report = transfer.compare(
        base(), *SMALL, per_class=1, seeds=2, epochs=3, arms=["head only"], verbose=0
    )
    assert "nothing to choose it by" in report.settings[1]


def test_zero_shot_is_left_out_where_the_classes_do_not_fit() -> None:
    data = minnet.datasets.digits(classes=[1, 2, 3], per_class=4, seed=0)
    report = transfer.compare(base(), *data, seeds=2, epochs=3, verbose=0)
    assert "zero-shot" not in report.arms
    assert any("No zero-shot" in note for note in report.notes)
    with pytest.raises(ValueError, match="zero-shot as main where the classes fit"):
        transfer.compare(base(), *data, main="zero-shot", verbose=0)


def test_forgetting_is_measured_with_the_old_head() -> None:
    old = (DATA[2][300:600], DATA[3][300:600])
    report = transfer.compare(
        base(), *SMALL, per_class=3, seeds=2, epochs=30, old_task=old, verbose=0
    )
    after = {arm: [r.old_accuracy for r in report.runs if r.arm == arm] for arm in report.arms}
    assert report.old_before is not None
    assert after["head only"] == [report.old_before] * 2  # nothing below the head moved
    assert after["scratch"] == [None, None]
    assert after["fine-tune all"] != after["head only"]


def test_a_head_of_ones_own_and_a_base_with_frozen_layers() -> None:
    model = base()
    model.freeze("dense_1")
    head = [Dense(16, activation="relu"), Dropout(0.1), Dense(10, activation="softmax")]
    report = transfer.compare(model, *SMALL, head=head, seeds=2, epochs=6, verbose=0)
    assert report.verdict().seeds == 2
    assert not model.get_layer("dense_1").trainable


@pytest.mark.slow
def test_mnist_helps_with_other_peoples_digits() -> None:
    report = transfer.compare(base(), *DATA, per_class=5, arms=["scratch"], verbose=0)
    assert report.verdict().word == "HELPS"
    assert report.verdict().difference > 0.05


def halves() -> tuple[Sequential, tuple[Array, Array, Array, Array]]:
    """A model of the digits 0–4, and the data of 5–9."""
    x, y, _, _ = minnet.datasets.digits(classes=[0, 1, 2, 3, 4])
    layers = [Dense(128, activation="relu"), Dense(64, activation="relu")]
    model = Sequential([*layers, Dense(5, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    model.fit(x, y, batch_size=64, epochs=10, verbose=0)
    return model, minnet.datasets.digits(classes=[5, 6, 7, 8, 9])


@pytest.mark.slow
def test_one_half_of_the_digits_does_not_help_with_the_other() -> None:
    model, data = halves()
    report = transfer.compare(model, *data, per_class=10, arms=["head only"], verbose=0)
    assert report.verdict().word in ("HURTS", "MAKES NO DIFFERENCE")
    assert report.verdict(10, "head only").word == "HURTS"


def test_progress_is_shown_by_lines_and_not_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"seeds": 2, "epochs": 3, "per_class": [2, 3], "arms": ["head only"]}
    transfer.compare(base(), *SMALL, **settings, verbose=0)
    assert capsys.readouterr().out == ""
    transfer.compare(base(), *SMALL, **settings, verbose=2)
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"arms": ["head"]}, ValueError, "arms"),
        ({"arms": "head only"}, TypeError, "arms takes a list"),
        ({"main": "head"}, ValueError, "compare's main"),
        ({"seeds": 1}, ValueError, "seeds"),
        ({"seeds": [3]}, ValueError, "one draw proves nothing"),
        ({"main": "scratch"}, ValueError, "a way of transfer"),
        ({"seeds": 0}, ValueError, "seeds"),
        ({"seeds": [1, 1]}, ValueError, "different numbers"),
        ({"per_class": 13}, ValueError, "at most what each class has, which is 12"),
        ({"per_class": [0]}, ValueError, "per_class"),
        ({"epochs": 2}, ValueError, "epochs"),
        ({"old_task": 5}, TypeError, r"old_task takes \(x, y\)"),
        ({"old_task": SMALL}, TypeError, r"Got 4 arrays\. Use \(x_test, y_test\)"),
        ({"head": Dense(3, activation="softmax")}, ValueError, "one output for each of the 10"),
        ({"verbose": 7}, ValueError, "verbose"),
    ],
)
def test_what_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        transfer.compare(base(), *SMALL, **arguments)


def test_data_that_does_not_fit_is_refused() -> None:
    x, y, x_test, y_test = SMALL
    with pytest.raises(ValueError, match="x_test takes shape"):
        transfer.compare(base(), x, y, x_test[:, :5], y_test)
    with pytest.raises(ValueError, match="no sample of class 3"):
        transfer.compare(base(), x[y != 3], y[y != 3], x_test, y_test)
    with pytest.raises(ValueError, match="class labels"):
        transfer.compare(base(), x, np.eye(10)[y], x_test, y_test)
    with pytest.raises(TypeError, match="takes a trained model as base"):
        transfer.compare("mnist", x, y, x_test, y_test)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="layers below its head"):
        transfer.compare(Sequential([Dense(3, input_dim=64)]), x, y, x_test, y_test)


def test_any_number_of_jobs_gives_the_same_report():
    settings = {"seeds": 2, "arms": ["head only"], "main": "head only", "epochs": 6, "verbose": 0}
    base, data = minnet.load_pretrained("mnist-8x8"), minnet.datasets.digits(per_class=3, seed=0)
    one, two = (transfer.compare(base, *data, jobs=jobs, **settings) for jobs in (1, 2))
    mapped = transfer.compare(base, *data, map=map, **settings)
    assert one.runs == two.runs == mapped.runs
    assert str(one) == str(two) == str(mapped)


def test_a_training_that_fails_leaves_its_seed_out(monkeypatch):
    base, data = minnet.load_pretrained("mnist-8x8"), minnet.datasets.digits(per_class=3, seed=0)
    settings = {"seeds": 3, "arms": ["head only"], "main": "head only", "epochs": 3, "verbose": 0}
    usual = comparison.train

    def sometimes(task, arm, setting, samples, seed):
        if (arm, seed) == ("head only", 1):
            raise MemoryError("no more")
        return usual(task, arm, setting, samples, seed)

    monkeypatch.setattr(comparison, "train", sometimes)
    with pytest.warns(UserWarning, match=r"head only, 3 a class, seed 1 failed .* no more"):
        report = transfer.compare(base, *data, **settings)
    assert {(run.arm, run.seed) for run in report.runs if run.arm != "zero-shot"} == {
        (arm, seed) for arm in ("scratch", "head only") for seed in (0, 2)
    }
    assert "as a training failed: seeds 1." in str(report)


def test_jobs_and_map_exclude_each_other():
    base, data = minnet.load_pretrained("mnist-8x8"), minnet.datasets.digits(per_class=3, seed=0)
    with pytest.raises(ValueError, match=r"compare takes jobs or map\. Got both\."):
        transfer.compare(base, *data, jobs=2, map=map)
