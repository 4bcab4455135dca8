"""The benchmarks' own parts, without any peer: the loop by hand, the check, bars, processes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minnet

FOLDER = Path(minnet.__file__).parents[1] / "benchmarks"
if not FOLDER.exists():
    pytest.skip("minnet is installed without its sources", allow_module_level=True)
sys.path.insert(0, str(FOLDER))

import convolution  # noqa: E402
import epoch_cost  # noqa: E402
import harness  # noqa: E402
import peers  # noqa: E402
import scaling  # noqa: E402
import step_parts  # noqa: E402
import training_step  # noqa: E402
import whole_process  # noqa: E402
from harness import Bar  # noqa: E402
from peers import ByHand, Minnet, Products, Textbook, Work  # noqa: E402

WORK = Work((20, 16, 8, 4), batch=8, rows=96, epochs=3)


def trained(kind: Any, work: Work, steps: int = 10) -> peers.Weights:
    """The weights after some steps in the rows' order, as `Tasks.check` makes them."""
    tasks = harness.Tasks(kind)
    tasks.prepare(work)
    return tasks.check(steps)


@pytest.mark.parametrize("kind", [ByHand, Textbook])
@pytest.mark.parametrize("widths", [(20, 4), (20, 16, 4), (20, 16, 8, 4)])
def test_a_loop_by_hand_trains_as_minnet_does(kind: Any, widths: tuple[int, ...]) -> None:
    work = replace(WORK, widths=widths)
    found = {"minnet": trained(Minnet, work), "hand": trained(kind, work)}
    table = harness.same_work(found, work)
    assert table["hand"]["way_differs"] < 1e-5
    assert table["hand"]["loss_differs"] < 1e-6


def test_the_loop_by_hand_moves_theta_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(ByHand, WORK)
    monkeypatch.setattr(peers, "PIECE", 100)
    pieces = trained(ByHand, WORK)
    for a, b in zip(whole, pieces, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("kind", [ByHand, Textbook])
def test_a_loop_by_hand_reports_minnets_loss(kind: Any) -> None:
    x, y = WORK.data()
    ours, hand = Minnet(WORK), kind(WORK)
    for peer in (ours, hand):
        peer.take(x, y)
        peer.start(WORK.weights())
        peer.fit(WORK.epochs, shuffle=False)
    np.testing.assert_allclose(hand.losses, ours.model.history.history["loss"], rtol=1e-5)


class Shorter(ByHand):
    """Goes 99 % of the way."""

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        before = self.theta.copy()
        super().fit(epochs, shuffle)
        self.theta[...] = 0.01 * before + 0.99 * self.theta


class NoBias(ByHand):
    """The last bias does not learn."""

    def weights(self) -> peers.Weights:
        *most, b = super().weights()
        return [*most, np.zeros_like(b)]


class OtherOrder(ByHand):
    """Takes the rows from the end."""

    def order(self, shuffle: bool) -> peers.Array:
        return super().order(shuffle)[::-1]


@pytest.mark.parametrize("fault", [Shorter, NoBias, OtherOrder])
def test_other_work_is_refused(fault: Any) -> None:
    found = {"minnet": trained(Minnet, WORK), "hand": trained(fault, WORK)}
    with pytest.raises(harness.NotTheSameWorkError, match=r"NumPy by hand does not .* 20-16-8-4"):
        harness.same_work(found, WORK)


def test_the_products_are_those_of_a_step() -> None:
    products = Products(WORK)
    products.take(*WORK.data())
    products.start(WORK.weights())
    products.fit(1)
    shapes = [(a.shape, b.shape) for a, b, _ in products.products]
    assert shapes == [
        ((8, 20), (20, 16)),
        ((20, 8), (8, 16)),
        ((8, 16), (16, 8)),
        ((16, 8), (8, 8)),
        ((8, 8), (8, 16)),
        ((8, 8), (8, 4)),
        ((8, 8), (8, 4)),
        ((8, 4), (4, 8)),
    ]
    counted = sum(a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in products.products)
    assert counted == scaling.multiplications(WORK)
    for a, b, out in products.products:
        np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-6)
    assert products.weights() == []


def test_loss_and_accuracy_are_minnets() -> None:
    x, y = WORK.data()
    peer = Minnet(WORK)
    peer.start(WORK.weights())
    wanted = peer.model.evaluate(x, y)["loss"]
    loss, accuracy = peers.loss_and_accuracy(WORK.weights(), x, y)
    assert loss == pytest.approx(wanted, rel=1e-6)
    assert accuracy == np.mean(peer.predict(x).argmax(axis=1) == y)


def test_a_frozen_base_stays_and_the_head_learns() -> None:
    work = replace(WORK, frozen=True, source="centres")
    weights, begin = trained(Minnet, work), work.weights()
    moved = [not np.array_equal(a, b) for a, b in zip(weights, begin, strict=True)]
    assert moved == [False, False, False, False, True, True]


def test_bars() -> None:
    assert Bar(faster=2.0).verdict(2.0, 2.5) == "met"
    assert Bar(faster=2.0).verdict(1.9, 2.5) == "in doubt"
    assert Bar(faster=2.0).verdict(1.9, 1.0) == "missed"
    assert Bar(within=1.25).verdict(0.8) == "met"
    assert Bar(within=1.25).verdict(0.79) == "missed"
    assert (str(Bar(faster=7.0)), str(Bar(within=1.05))) == ("≥ 7", "≥ 1/1.05")


def test_the_bars_name_networks_and_peers_that_there_are() -> None:
    assert set(training_step.BARS) == set(training_step.NETWORKS)
    for bars in training_step.BARS.values():
        assert set(bars) <= set(peers.PEERS)
    for work in training_step.NETWORKS.values():
        assert work.rows // work.batch >= 100
        assert work.rows % work.batch == 0


def test_the_table_has_times_ratios_and_verdicts() -> None:
    answers = {
        "minnet": [{"seconds": 2e-3, "busy": 4e-3}, {"seconds": 3e-3, "busy": 5e-3}],
        "torch": [{"seconds": 8e-3, "busy": 8e-3}, {"seconds": 9e-3, "busy": 9e-3}],
        "products": [{"seconds": 1e-3, "busy": 1e-3}, {"seconds": 1e-3, "busy": 1e-3}],
    }
    times = harness.step_times(answers, steps=10)
    assert times["minnet"] == pytest.approx({"min": 200.0, "median": 250.0, "busy": 1.8})
    bars = {"torch": Bar(faster=4.0), "products": Bar(within=1.6), "keras": Bar(faster=7.0)}
    text = str(harness.times_table(times, bars, {"minnet": (0.5, 0.25)}, ["threads: 1"]))
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert rows["minnet"][1:] == ["200.0", "250.0", "1.00", "1.00", "2.00", "1.8", "0.500", "0.250"]
    assert " ".join(rows["PyTorch"][1:]) == "800.0 850.0 4.00 3.40 8.00 ≥ 4 in doubt 1.0"
    products = " ".join(rows["its products alone"][3:])
    assert products == "100.0 100.0 0.50 0.40 1.00 ≥ 1/1.6 missed 1.0"
    assert text.endswith("threads: 1")
    verdicts = harness.verdicts(times, bars)
    assert {key: v["verdict"] for key, v in verdicts.items()} == {
        "torch": "in doubt",
        "products": "missed",
    }
    assert harness.ratios({"torch": times["torch"]}, "torch", "minnet") is None


def test_each_round_begins_with_the_next() -> None:
    assert [harness.rotated("abc", k) for k in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_a_comparison_from_end_to_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(ByHand, "packages", ("numpy", "a_package_that_is_not_there"))
    options = harness.parser("").parse_args(
        ["--peers", "minnet", "products", "hand", "--rounds", "2", "--quick"]
    )
    bars = {WORK.name: {"products": Bar(within=1e6)}}
    harness.compare("small", [replace(WORK, epochs=2)], bars, options)
    printed = capsys.readouterr().out
    assert "NumPy by hand is left out: a_package_that_is_not_there not installed" in printed
    facts = json.loads((tmp_path / "results" / "small.json").read_text("utf-8"))
    network = facts["networks"][WORK.name]
    assert network["steps"] == 12
    assert len(network["rounds"]["minnet"]) == len(network["rounds"]["products"]) == 2
    assert network["bars"]["products"]["verdict"] == "met"
    assert network["peers"]["minnet"]["versions"]["numpy"] == np.__version__
    assert facts["machine"]["numpy"] == np.__version__
    assert (tmp_path / "results" / "small.png").stat().st_size > 0


def test_a_workers_error_comes_back_with_its_name() -> None:
    worker = harness.Worker("hand")
    with pytest.raises(harness.PeerError, match=r"(?s)NumPy by hand: Traceback.*AttributeError"):
        worker.ask("fit")  # before prepare
    worker.end()
    assert not worker.process.is_alive()


def test_a_program_that_fails_is_told() -> None:
    seconds, memory, said = whole_process.run("print(6 * 7)", {})
    assert said == "42\n"
    assert 0.0 < seconds < 60.0
    assert 1.0 < memory < 200.0  # of that process, however large this one is
    with pytest.raises(RuntimeError, match="ended with 3"):
        whole_process.run("raise SystemExit(3)", {})


def test_the_share_of_checks_counts_nested_checks_once() -> None:
    import cProfile

    peer = Minnet(WORK)
    peer.take(*WORK.data())
    peer.start(WORK.weights())
    profile = cProfile.Profile()
    profile.runcall(peer.fit, 1)
    assert 0.0 < scaling.checked_share(profile) < 1.0


def test_the_parts_of_a_step_do_the_same_work() -> None:
    work = replace(WORK, epochs=1)
    found = step_parts.measured(work, rounds=1)
    assert list(found) == [kind.label for kind in step_parts.KINDS]
    assert all(0.0 < t["min"] <= t["median"] for t in found.values())
    assert "1.00" in str(step_parts.table(found))


def test_a_part_that_does_other_work_is_found() -> None:
    weights = WORK.weights()
    moved = [array + 0.1 for array in weights]
    step_parts.same_weights({"a": moved, "b": moved}, weights)
    other = [array + 0.1002 for array in weights]
    with pytest.raises(harness.NotTheSameWorkError, match=r"b is 0\.2"):
        step_parts.same_weights({"a": moved, "b": other}, weights)


@pytest.mark.parametrize(
    ("file", "name", "is_check"),
    [
        ("foundation/checks.py", "integer", True),
        ("engine/inputs.py", "value_range", True),
        ("files/provenance.py", "check_scale", True),
        ("foundation/targets.py", "labels_or_rows", True),
        ("layers/dense.py", "forward", False),
        ("training/arguments.py", "check_callbacks", True),
        ("models.py", "fit", False),
        ("../numpy/checks.py", "samples", False),
    ],
)
def test_checks_are_known_in_every_room(file: str, name: str, is_check: bool) -> None:
    path = (Path(minnet.__file__).parent / file).resolve()
    assert scaling.is_check((str(path), 1, name)) == is_check


def test_the_cost_of_an_epoch_is_told_beside_both_loops_by_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(epoch_cost, "EPOCHS", 2)
    monkeypatch.setattr(harness, "REST", 0.0)
    figures = epoch_cost.epoch(1)
    by_hand = {ByHand.label, Textbook.label}
    assert figures["beyond"].keys() == {"minnet", *by_hand}
    assert figures["fifty"].keys() == by_hand
    assert "µs an epoch" in capsys.readouterr().out


def test_the_program_beside_a_measurement_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    popen = epoch_cost.subprocess.Popen
    monkeypatch.setattr(
        epoch_cost.subprocess, "Popen", lambda *a, **k: begun.append(popen(*a, **k)) or begun[-1]
    )
    monkeypatch.setattr(epoch_cost.time, "sleep", lambda seconds: None)
    with epoch_cost.another_program():
        assert begun[0].poll() is None
    assert begun[0].poll() is not None


def test_a_convolutions_step_is_told_beside_pytorchs() -> None:
    answers = {
        "minnet": [{"seconds": 0.06, "busy": 0.06}, {"seconds": 0.12, "busy": 0.12}],
        "PyTorch": [{"seconds": 0.06, "busy": 0.12}, {"seconds": 0.06, "busy": 0.12}],
    }
    assert convolution.step_rows(answers) == [
        ["minnet", "1.00", "1.50", "1.00", "1.00", "1.0"],
        ["PyTorch", "1.00", "1.00", "1.00", "1.50", "2.0"],
    ]
    assert convolution.verdict(answers, Bar(within=1.2)).endswith("in doubt")
    assert convolution.verdict(answers, Bar(within=1.5)).endswith("met")
    assert "no bar" in convolution.verdict({"minnet": answers["minnet"]}, Bar(within=1.0))
