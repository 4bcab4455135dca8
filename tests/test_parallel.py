"""Several processes train one network: the same weights as one, alike on all, and no half things.

What is computed is tested with threads in the place of processes; what happens to processes, with
MPI, where there is mpi4py with an `mpiexec`.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet import Sequential, parallel
from minnet.callbacks import Callback, Checkpoint, EarlyStopping
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.optimizers import SGD, Adam
from minnet.parallel import DataParallel
from minnet.training.fit_file import read
from tests import parallel_program
from tests.parallel_program import OPTIMIZERS, data, fit, model
from tests.team_of_threads import Comm, all_outcomes, on_threads

MPIEXEC = shutil.which(
    "mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
with_mpi = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="pip install mpi4py mpich to run this test",
)


@pytest.fixture(autouse=True)
def _hook_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook that ends all processes is for programs, and not for a run of tests."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(parallel, "PATIENCE", 0.2)


def trained(comm: Comm, base: Sequential, *args: Any, **kwargs: Any) -> DataParallel:
    shared = DataParallel(base, comm)
    fit(shared, *args, **kwargs)
    return shared


# --- the same weights as one process --------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_threads_end_with_the_weights_of_one(name: str) -> None:
    alone = model(OPTIMIZERS[name])
    fit(alone)
    shared = on_threads(3, lambda comm: trained(comm, model(OPTIMIZERS[name])))
    np.testing.assert_allclose(shared[0].theta, alone.theta, rtol=0, atol=1e-12)
    assert shared[0].theta.tobytes() == shared[1].theta.tobytes() == shared[2].theta.tobytes()
    assert alone.optimizer is not None


@settings(max_examples=25)
@given(
    size=st.integers(1, 6),
    batch=st.integers(1, 40),
    rows=st.integers(1, 50),
    seed=st.integers(0, 99),
    frozen=st.booleans(),
    weighted=st.booleans(),
)
def test_any_number_of_processes_any_batch_and_any_rest(
    size: int, batch: int, rows: int, seed: int, frozen: bool, weighted: bool
) -> None:
    """More processes than rows, batches of one row, and layers that are frozen, too."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, 6)), rng.integers(0, 3, rows)
    base = model(SGD(0.1, momentum=0.9, global_clipnorm=0.5))
    if frozen:
        base.freeze("dense_1")
    weight = rng.random(rows) if weighted else None
    call = {"batch_size": batch, "epochs": 2, "verbose": 0, "sample_weight": weight}
    alone = base.copy()
    history = alone.fit(x, y, **call).history

    def run(comm: Comm) -> tuple[Any, ...]:
        shared = DataParallel(base, comm)
        figures = shared.fit(x, y, **call).history
        return shared.theta.copy(), figures

    for theta, figures in on_threads(size, run):
        np.testing.assert_allclose(theta, alone.theta, rtol=0, atol=1e-12)
        np.testing.assert_allclose(figures["loss"], history["loss"], rtol=0, atol=1e-12)
        assert figures["accuracy"] == history["accuracy"]


def test_one_process_gives_the_very_bits_of_a_plain_model() -> None:
    alone = model(Adam(1e-2), "float32")
    fit(alone, 3)
    (shared,) = on_threads(1, lambda comm: trained(comm, model(Adam(1e-2), "float32"), 3))
    assert shared.theta.tobytes() == alone.theta.tobytes()


def test_a_step_of_ones_own_loop_is_shared_too() -> None:
    x, y = data()
    alone = model(SGD(0.1))
    loss = alone.train_on_batch(x, y)

    def run(comm: Comm) -> tuple[float, Any]:
        shared = DataParallel(model(SGD(0.1)), comm)
        return shared.train_on_batch(x, y), shared.theta

    for its_loss, theta in on_threads(3, run):
        assert its_loss == pytest.approx(loss, abs=1e-12)
        np.testing.assert_allclose(theta, alone.theta, rtol=0, atol=1e-12)


def test_one_sum_a_step_and_frozen_layers_send_nothing() -> None:
    base = model(SGD(0.1))
    base.freeze("all_but_head")
    head = 12 * 3 + 3

    def run(comm: Comm) -> None:
        DataParallel(base, comm).fit(*data(), batch_size=101, epochs=4, verbose=0)

    outcomes, team = all_outcomes(2, run)
    assert outcomes == [None, None]
    assert team.calls == [(rank, f"Allreduce {2 + head + 101 * 3}") for rank, _ in team.calls]
    assert len(team.calls) == 2 * 4


# --- an equal start, an equal order, and what differs ---------------------------------------------


def test_processes_begin_with_the_weights_and_the_order_of_the_first() -> None:
    def run(comm: Comm) -> Any:
        base = Sequential([Dense(4, input_dim=6), Dense(3, activation="softmax")])  # no seed
        base.compile("adam", "cross_entropy")
        return trained(comm, base, 2).theta

    first, second = on_threads(2, run)
    assert first.tobytes() == second.tobytes()


def dropping() -> Sequential:
    layers = [
        Dense(8, activation="tanh", input_dim=6),
        Dropout(0.5),
        Dense(3, activation="softmax"),
    ]
    base = Sequential(layers, seed=0, dtype="float64")
    base.compile("adam", "cross_entropy")
    return base


def test_dropout_draws_another_mask_on_each_process_and_the_weights_stay_alike() -> None:
    def run(comm: Comm) -> tuple[Any, Any]:
        shared = DataParallel(dropping(), comm)
        shared.fit(*data(), batch_size=100, epochs=1, verbose=0, shuffle=False)
        shared.train_on_batch(np.ones((8, 6)), np.zeros(8, int))
        return shared.theta, shared.outputs[3] == 0  # of its four rows

    (theta, mask), (other_theta, other_mask) = on_threads(2, run)
    assert theta.tobytes() == other_theta.tobytes()
    assert mask.shape == other_mask.shape == (4, 8)
    assert (mask != other_mask).any()


def test_the_order_is_that_of_one_process_as_nothing_else_draws() -> None:
    def run(comm: Comm) -> Any:
        shared = trained(comm, model(Adam(1e-2)), 3)
        return shared.rng.bit_generator.state

    alone = model(Adam(1e-2))
    fit(alone, 3)
    assert on_threads(2, run) == [alone.rng.bit_generator.state] * 2


def test_moving_statistics_move_by_the_mean_and_frozen_ones_keep_every_bit() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 6)) + 3.0, rng.integers(0, 3, 5)
    layers = [
        BatchNormalization(name="low", input_shape=(6,)),
        Dense(4, name="middle"),
        BatchNormalization(name="high"),
        Dense(3, activation="softmax"),
    ]
    base = Sequential(layers, seed=0, dtype="float64")
    base.compile("sgd", "cross_entropy")

    def run(comm: Comm) -> DataParallel:
        shared = DataParallel(base, comm)
        shared.fit(x, y, batch_size=5, shuffle=False, verbose=0)
        shared.freeze("low")
        before = shared.get_layer("low").moving_mean.copy()
        shared.fit(x, y, batch_size=5, shuffle=False, verbose=0, epochs=2)
        assert shared.get_layer("low").moving_mean.tobytes() == before.tobytes()
        return shared

    first, second = on_threads(2, run)
    assert first.state.tobytes() == second.state.tobytes()
    moved = 0.01 * x.mean(axis=0)  # the mean of shares' means, by their rows, is the batch's
    np.testing.assert_allclose(first.get_layer("low").moving_mean, moved, rtol=1e-12)


# --- what is refused, and what ends all -----------------------------------------------------------


def failures(size: int, run: Any) -> list[str]:
    outcomes, team = all_outcomes(size, run)
    assert not team.aborted
    assert all(isinstance(outcome, Exception) for outcome in outcomes), outcomes
    return [f"{type(outcome).__name__}: {outcome}" for outcome in outcomes]


@pytest.mark.parametrize(
    ("another", "words"),
    [
        ({"batch_size": 16}, "batch_size 16, there 32"),
        ({"epochs": 4}, "epochs 4, there 3"),
        ({"seed": 1}, "seed 1, there None"),
        ({"learning_rate": 0.5}, "learning_rate 0.5, there None"),
    ],
)
def test_a_call_that_differs_is_refused_on_all_by_its_difference(
    another: dict[str, Any], words: str
) -> None:
    def run(comm: Comm) -> None:
        call = {"epochs": 3, **(another if comm.rank == 1 else {})}
        trained(comm, model(Adam(1e-2)), **call)

    for text in failures(3, run):
        assert "ValueError: DataParallel's fit takes the same call on every process." in text
        assert f"process 1 and there on process 0, {words}" in text


def test_other_data_on_one_process_are_refused() -> None:
    def run(comm: Comm) -> None:
        x, y = data()
        DataParallel(model(Adam(1e-2)), comm).fit(x + comm.rank, y, verbose=0)

    assert all("x (101, 6), SHA-256 " in text for text in failures(2, run))


class Stops(Callback):
    def __init__(self, rank: int) -> None:
        self.rank = rank

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = self.rank == 1 and epoch == 1


class Disturbs(Callback):
    def __init__(self, rank: int) -> None:
        self.rank = rank

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.rank == 1:
            self.model.theta[0] += 1e-6


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (Stops, "Process 1 is at the end, and process 0 at epoch 2. Callbacks decide alike"),
        (Disturbs, "Process 1 has other weights than process 0 at epoch 1. Callbacks change"),
    ],
)
def test_a_callback_that_differs_by_process_is_told_at_the_next_epoch(
    callback: Any, words: str
) -> None:
    def run(comm: Comm) -> None:
        trained(comm, model(Adam(1e-2)), 5, callbacks=[callback(comm.rank)])

    assert all(f"RuntimeError: {words}" in text for text in failures(2, run))


def test_early_stopping_stops_all_at_once() -> None:
    def run(comm: Comm) -> int:
        stopping = EarlyStopping(monitor="loss", patience=1, min_delta=10.0)
        shared = trained(comm, model(Adam(1e-2)), 20, callbacks=[stopping])
        return len(shared.history.epoch)

    assert on_threads(2, run) == [2, 2]


def test_an_error_of_one_ends_all_and_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    def run(comm: Comm) -> None:
        trained(comm, model(Adam(1e-2)), 9, callbacks=[parallel_program.Raises(comm.rank)])

    outcomes, team = all_outcomes(3, run)
    assert 1 in team.aborted
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert "ValueError: the disk is full\nProcess 1 of 3 failed" in capfd.readouterr().err


def test_an_uncaught_error_of_one_ends_all(capfd: pytest.CaptureFixture[str]) -> None:
    def run(comm: Comm) -> None:
        team = DataParallel(model(Adam(1e-2)), comm).team
        if comm.rank == 0:
            team.end_all(OSError("a file is missing"))
        team.tell(0)

    _, team = all_outcomes(2, run)
    assert team.aborted == [0]
    assert "OSError: a file is missing\nProcess 0 of 2 failed" in capfd.readouterr().err
    assert isinstance(sys.excepthook, parallel.EndAll)


@pytest.mark.parametrize("wrong", [3, "model", Dense(3), [Dense(3)], None])
def test_only_a_sequential_is_taken(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match=r"DataParallel takes a Sequential\. Got .*\. (Put|Write|Load)"
    ):
        on_threads(1, lambda comm: DataParallel(wrong, comm))


def test_only_a_communicator_is_taken() -> None:
    with pytest.raises(TypeError, match=r"takes a communicator of mpi4py\. Got 4, which has no"):
        DataParallel(model(Adam()), 4)


def test_a_missing_mpi_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install mpi4py mpich\.$"):
        DataParallel(model(Adam()))


# --- copies and files -----------------------------------------------------------------------------


def test_the_model_that_it_was_made_of_stays_as_it_is_and_copies_train_together() -> None:
    base = model(Adam(1e-2))
    before = base.theta.copy()

    def run(comm: Comm) -> Any:
        shared = trained(comm, base, 1)
        another = copy.deepcopy(shared).replace_head(Dense(3, activation="softmax"), seed=0)
        another.compile("adam", "cross_entropy")
        fit(another, 2)
        return type(another), another.processes, another.theta.tobytes()

    first, second = on_threads(2, run)
    assert first == second
    assert first[:2] == (DataParallel, 2)
    assert base.theta.tobytes() == before.tobytes()


def test_process_0_alone_writes_and_what_it_writes_is_a_plain_model(tmp_path: Path) -> None:
    def run(comm: Comm) -> None:
        folder = tmp_path / str(comm.rank)
        folder.mkdir()
        shared = DataParallel(model(Adam(1e-2)), comm)
        fit(shared, 2, callbacks=[Checkpoint(folder / "run.npz")])
        shared.save(folder / "model.npz")
        shared.save_weights(folder / "weights.npz")

    on_threads(2, run)
    assert sorted(p.name for p in (tmp_path / "0").iterdir()) == [
        "model.npz",
        "run.npz",
        "weights.npz",
    ]
    assert not list((tmp_path / "1").iterdir())
    assert type(minnet.load(tmp_path / "0" / "model.npz")) is Sequential


def resumed(size: int, path: Path, epochs: int) -> Any:
    return on_threads(size, lambda comm: trained(comm, model(Adam(1e-2)), epochs, resume=path))


def test_a_resumed_fit_has_the_bits_of_one_that_was_never_stopped(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"

    def run(comm: Comm) -> DataParallel:
        return trained(comm, model(Adam(1e-2)), 3, callbacks=[Checkpoint(path)])

    on_threads(2, run)
    whole = on_threads(2, lambda comm: trained(comm, model(Adam(1e-2)), 6))
    assert resumed(2, path, 6)[1].theta.tobytes() == whole[0].theta.tobytes()


def test_another_number_of_processes_is_named_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    call = {"callbacks": [Checkpoint(path)]}
    on_threads(2, lambda comm: trained(comm, model(Adam(1e-2)), 3, **call))
    alone = model(Adam(1e-2))
    with pytest.warns(UserWarning, match="processes 2, and this is"):
        fit(alone, 6, resume=path)
    whole = on_threads(2, lambda comm: trained(comm, model(Adam(1e-2)), 6))
    np.testing.assert_allclose(alone.theta, whole[0].theta, rtol=0, atol=1e-12)


# --- with MPI -------------------------------------------------------------------------------------


def start(processes: int, name: str, folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
    }
    call = [str(MPIEXEC), "-n", str(processes), sys.executable, "-m", "tests.parallel_program"]
    return subprocess.Popen(
        [*call, name, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(processes: int, name: str, folder: Path) -> tuple[int, str, str]:
    process = start(processes, name, folder)
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


@with_mpi
@pytest.mark.parametrize("processes", [2, 3])
def test_mpi_processes_end_with_the_weights_of_one(processes: int, tmp_path: Path) -> None:
    code, output, errors = run(processes, "optimizers", tmp_path)
    assert code == 0, output + errors
    assert (tmp_path / "size.txt").read_text("utf-8") == str(processes)
    with np.load(tmp_path / "weights.npz") as weights:
        for name, optimizer in OPTIMIZERS.items():
            alone = model(optimizer)
            fit(alone)
            np.testing.assert_allclose(weights[name], alone.theta, rtol=0, atol=1e-12)


def _number_in(path: Path) -> int:
    """The number in a file, once it is there."""
    for _ in range(3000):
        if path.exists() and (text := path.read_text("utf-8")):
            return int(text)
        time.sleep(0.02)
    raise AssertionError(f"{path.name} never came")


@with_mpi
@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_a_killed_process_ends_all_and_the_checkpoint_is_whole(tmp_path: Path) -> None:
    process = start(2, "runs_long", tmp_path)
    victim, other = (_number_in(tmp_path / f"process-{rank}.txt") for rank in (1, 0))
    _number_in_checkpoint(tmp_path / "run.npz")
    os.kill(victim, signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)
    done = _number_in_checkpoint(tmp_path / "run.npz")
    (tmp_path / "epochs.json").write_text(str(done + 5), "utf-8")
    code, output, errors = run(2, "resumes", tmp_path)
    assert code == 0, output + errors
    whole = on_threads(2, lambda comm: trained(comm, model(Adam(1e-2)), done + 5))
    assert minnet.load(tmp_path / "resumed.npz").theta.tobytes() == whole[0].theta.tobytes()


def _number_in_checkpoint(path: Path) -> int:
    """How many epochs are done in a checkpoint, once it is there."""
    for _ in range(3000):
        if path.exists():
            return _epochs_of(path)
        time.sleep(0.02)
    raise AssertionError("no checkpoint came")


def _epochs_of(path: Path) -> int:
    epochs: int = read(path).states["fit"]["epoch"]
    return epochs


@with_mpi
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises_on_one", "ValueError: the disk is full\nProcess 1 of 2 failed"),
        ("raises_outside", "ValueError: a file is missing\nProcess 1 of 2 failed"),
    ],
)
def test_a_process_that_raises_ends_all_with_one_message(
    name: str, words: str, tmp_path: Path
) -> None:
    code, _, errors = run(2, name, tmp_path)
    assert code != 0
    assert words in errors
    assert errors.count("Traceback") == 1
    if name == "raises_on_one":
        assert _epochs_of(tmp_path / "run.npz") == 2


@with_mpi
def test_an_error_of_all_is_told_once_and_can_be_caught(tmp_path: Path) -> None:
    code, output, errors = run(3, "raises_on_all", tmp_path)
    assert code != 0
    assert output.split() == ["goes", "on"]
    assert errors.count("Traceback") == 1


@with_mpi
def test_one_process_without_mpiexec_is_a_team_of_one() -> None:
    source = (
        "from minnet.parallel import DataParallel; from tests.parallel_program import *\n"
        "m = DataParallel(model(Adam(1e-2))); fit(m, 1); print(m.rank, m.processes)\n"
        "import pickle; print(pickle.loads(pickle.dumps(m)).processes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["0", "1", "1"], done.stderr
