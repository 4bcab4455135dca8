"""Transfer learning against training from scratch: the same draws, the same number of updates."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.selection import head_index
from minnet.foundation import checks
from minnet.foundation.checks import Array, short
from minnet.foundation.columns import check_columns
from minnet.foundation.processes import Map, check_jobs, run_all
from minnet.foundation.strict import named
from minnet.foundation.targets import check_labels
from minnet.layers import Dense, Layer
from minnet.models import Sequential
from minnet.training.progress import progress
from minnet.transfer.neighbours import neighbour_gap
from minnet.transfer.report import SCRATCH, Report, SeedRun
from minnet.transfer.ways import (
    ARMS,
    Samples,
    ScratchSetting,
    Task,
    accuracy_of,
    accuracy_on_old_task,
    scratch_settings,
    train,
)

HINT_SAMPLES = 20
"""Samples of each class, at most, that the hint by nearest neighbours looks at."""

TUNING_DRAWS = 3
"""Draws that scratch is tuned on, for each setting and budget."""

Advance = Callable[[], object]


@named
def compare(
    base: Sequential,
    x: Any,
    y: Any,
    x_test: Any,
    y_test: Any,
    *,
    head: Layer | Sequence[Layer] | None = None,
    per_class: int | Sequence[int] | None = None,
    seeds: int | Sequence[int] = 5,
    arms: Sequence[str] = ARMS,
    old_task: Sequence[Any] | None = None,
    epochs: int = 150,
    batch_size: int = 32,
    main: str = "head then all",
    verbose: str | int = "auto",
    jobs: int = 1,
    map: Map | None = None,  # noqa: A002 - what it is called where it comes from
) -> Report:
    """Find out whether a trained model helps with a new task, against training from scratch.

    Every way sees the same draws of labelled samples and makes the same number of updates, with
    Adam and cross-entropy. What is compared:

    - *zero-shot*: the model as it is, where it has as many outputs as there are classes.
    - *scratch*: the same network with fresh weights, and a narrower one, with each rate of
      `SCRATCH_RATES`. The setting is chosen for each budget on a fifth of the labelled samples
      that is kept back (with at least two of each class), averaged over three draws, and never on
      the test data; then all samples are learned from.
    - *linear on the inputs*: one Dense on x, no hidden layer.
    - *random frozen features*: a new head on the same network with fresh weights, frozen.
    - *head only*: a new head on the frozen model, at `NEW_HEAD_RATE`.
    - *fine-tune all*: a new head, and all layers learn from the start, at `ALL_RATE`.
    - *head then all*: two thirds of the epochs for the head, the rest for all at `ALL_RATE`, with a
      fresh optimizer. (`fine_tune` spreads the rates down the layers as well.)

    The verdict is about `main`, which is chosen before anything is run, so that it is not the best
    of several by luck.

    Parameters
    ----------
    base
        A trained model; it stays as it is.
    x : (N, …) array
        Samples of the new task.
    y : (N,) int array
        Their classes, from 0 to K − 1.
    x_test, y_test
        What all are tested on, and nothing is chosen by.
    head
        The new head, one layer or several; `Dense(K, activation="softmax")` by default.
    per_class
        How many labelled samples of each class, one number or several; they are drawn from x anew
        for each seed. None learns from all of x each time.
    seeds
        How many draws, or their seeds.
    arms
        Which ways, from `ARMS`. "scratch" and `main` are always among them.
    old_task
        (x, y) of what the base was trained on: its accuracy there is measured again afterwards,
        with the old head on the changed layers, to see what was forgotten.
    epochs, batch_size
        Of each training.
    main
        The way that the verdict is about.
    verbose
        0 is silent, 1 shows a bar (with tqdm), 2 a line for each budget; "auto" chooses.
    jobs
        How many trainings run at a time, each in a process of its own; 1 runs them in this one.
        The figures are the same to the bit, as each uses one BLAS thread (in this process, where
        threadpoolctl is installed). A training that fails is named, and its seed is left out.
    map
        Instead of jobs, what maps a function over a list: the `map` of an executor, or
        `lambda f, runs: joblib.Parallel(4)(joblib.delayed(f)(run) for run in runs)`, or
        `lambda f, runs: client.gather(client.map(f, runs))` with Dask. On other computers the
        figures are the same to rounding.

    Returns
    -------
    Report
        Prints as a table with the verdict; `.runs` has the numbers, `.plot()` the picture.

    Raises
    ------
    ValueError, TypeError
        Data or settings that do not fit, before anything is trained.

    Examples
    --------
    >>> import minnet
    >>> data = minnet.datasets.digits(per_class=5, seed=0)
    >>> base = minnet.load_pretrained("mnist-8x8")
    >>> report = compare(base, *data, seeds=3, arms=["head only"], main="head only", verbose=0)
    >>> report.verdict().word
    'HELPS'
    """
    task = _check_task(base, x, y, x_test, y_test, head, epochs, batch_size)
    wanted = _check_arms(arms, main)
    old = None if old_task is None else _check_old(base, old_task)
    draws = _check_seeds(seeds)
    budgets = _check_budgets(task, per_class)
    jobs = check_jobs(jobs, map, "compare")
    notes = []
    if "zero-shot" in wanted and base.output_shape != (task.classes,):
        if main == "zero-shot":
            raise ValueError(
                f"compare takes zero-shot as main where the classes fit. Got {task.classes} "
                f"classes, and a base with the outputs {base.output_shape}."
            )
        wanted.remove("zero-shot")
        notes.append(f"No zero-shot: the base has not the task's {task.classes} outputs.")
    before = None if old is None else accuracy_of(base, old)
    runs: list[SeedRun] = []
    settings: dict[int, str] = {}
    trained = [arm for arm in wanted if arm != "zero-shot"]
    candidates = scratch_settings(task)
    tuning = len(candidates) * len(draws[:TUNING_DRAWS])
    drawn = {n: {seed: task.draw(count, seed) for seed in draws} for n, count in budgets.items()}
    with _progress(verbose, len(budgets) * (tuning + len(trained) * len(draws))) as (say, advance):
        trainings = functools.partial(run_all, jobs=jobs, map=map, advance=advance)
        chosen = _tune(task, candidates, drawn, trainings)
        planned = {
            f"{arm}, {n} a class, seed {seed}": Training(arm, n, chosen[n][0], samples[seed], seed)
            for n, samples in drawn.items()
            for arm in trained
            for seed in draws
        }
        scores = trainings(_score, (task, old), planned)
        for n in budgets:
            settings[n] = f"{chosen[n][0]}{chosen[n][1]}"
            if "zero-shot" in wanted:
                accuracy = accuracy_of(base, (task.x_test, task.y_test))
                runs.append(SeedRun("zero-shot", n, draws[0], accuracy, before))
            of_n = {name: training for name, training in planned.items() if training.n == n}
            failed = {of_n[name].seed for name in of_n.keys() - scores.keys()}
            runs += [
                SeedRun(training.arm, n, training.seed, *scores[name])
                for name, training in of_n.items()
                if training.seed not in failed
            ]
            if failed:
                left_out = ", ".join(str(seed) for seed in sorted(failed))
                notes.append(f"Left out with {n} a class, as a training failed: seeds {left_out}.")
            say(Report(runs, main, {}).lines()[-1])
    most = min(HINT_SAMPLES, int(np.bincount(task.y).min()), *budgets)
    few = task.draw(most, draws[0])
    if np.bincount(few[1]).min() > 1:
        gap = neighbour_gap(base, *few)
        often = "more often" if gap > 0 else "less often"
        notes.append(
            f"A hint, no verdict: nearest neighbours share their label {often} in the trained "
            f"features than in random ones ({100 * gap:+.0f} points; above +4 it mostly helps)."
        )
    return Report(runs, main, settings, before, notes)


class Training(NamedTuple):
    """One training of a comparison: in which way, on which samples."""

    arm: str
    n: int  # samples a class
    setting: ScratchSetting
    samples: Samples
    seed: int
    kept_back: Samples | None = None


def _score(given: tuple[Task, Samples | None], training: Training) -> tuple[float, float | None]:
    """The accuracy on what was kept back or on the test data, and that on the old task."""
    task, old = given
    model = train(task, training.arm, training.setting, training.samples, training.seed)
    accuracy = accuracy_of(model, training.kept_back or (task.x_test, task.y_test))
    if old is None:
        return accuracy, None
    return accuracy, accuracy_on_old_task(task.base, model, training.arm, old)


# --- what scratch is tuned to ---------------------------------------------------------------------


def _tune(
    task: Task,
    candidates: list[ScratchSetting],
    drawn: dict[int, dict[int, Samples]],
    trainings: Callable[..., dict[str, Any]],
) -> dict[int, tuple[ScratchSetting, str]]:
    """For each number of samples the setting of scratch that is best on samples kept back.

    With what is to be said of it.
    """
    planned = {
        f"scratch with {candidate}, {n} a class, seed {seed}": Training(
            SCRATCH, n, candidate, split[0], seed, split[1]
        )
        for n, samples in drawn.items()
        for seed in list(samples)[:TUNING_DRAWS]
        if (split := _keep_back(*samples[seed])) is not None
        for candidate in candidates
    }
    sums = {n: dict.fromkeys(candidates, 0.0) for n in drawn}
    scores = trainings(_score, (task, None), planned) if planned else {}
    for name, (accuracy, _) in scores.items():
        sums[planned[name].n][planned[name].setting] += accuracy
    tuned = {training.n for training in planned.values()}
    untuned = (candidates[0], " (nothing to choose it by: it takes two samples of each class)")
    best = {n: max(candidates, key=lambda one: sums_of_n[one]) for n, sums_of_n in sums.items()}
    return {n: (best[n], "") if n in tuned else untuned for n in drawn}


def _keep_back(x: Array, y: Array) -> tuple[Samples, Samples] | None:
    """Samples to learn from, and a fifth of each class, at least one, to choose by."""
    kept = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if len(rows) < 2:
            return None
        kept[rows[: max(1, len(rows) // 5)]] = True
    return (x[~kept], y[~kept]), (x[kept], y[kept])


# --- what is checked before anything is trained ---------------------------------------------------


def _check_task(
    base: Any, x: Any, y: Any, x_test: Any, y_test: Any, head: Any, epochs: Any, batch_size: Any
) -> Task:
    if not isinstance(base, Sequential):
        raise TypeError(f"compare takes a trained model as base. Got {short(base)}.")
    if not head_index(base.layers):
        raise ValueError(
            "compare takes a base with layers below its head, since those are what is transferred. "
            f"Got {', '.join(layer.label for layer in base.layers)}."
        )
    check_columns(base.columns, x, "x")
    check_columns(base.columns, x_test, "x_test")
    x = checks.samples(x, base.input_shape, "x").astype(base.dtype, copy=False)
    x_test = checks.samples(x_test, base.input_shape, "x_test").astype(base.dtype, copy=False)
    y, y_test = _labels(y, "y"), _labels(y_test, "y_test")
    checks.same_length(x, y, ("x", "y"))
    checks.same_length(x_test, y_test, ("x_test", "y_test"))
    classes = int(max(y.max(), y_test.max())) + 1
    absent = np.flatnonzero(np.bincount(y, minlength=classes) == 0)
    if len(absent) or classes < 2:
        fault = f"no sample of class {absent[0]}" if len(absent) else "one class"
        raise ValueError(
            f"compare takes labels from 0 to K − 1 with samples of each in y. Got {fault}. "
            "Relabel from 0, as digits(classes=…) does."
        )
    if head is None:
        head = Dense(classes, activation="softmax")
    layers = (head,) if isinstance(head, Layer) or not checks.is_collection(head) else tuple(head)
    outputs = base.replace_head(*layers, seed=0).output_shape
    if outputs != (classes,):
        raise ValueError(
            f"compare takes a head with one output for each of the {classes} classes. Got "
            f"{outputs[-1]}. Use Dense({classes}, activation='softmax')."
        )
    return Task(
        base,
        layers,
        classes,
        checks.integer(epochs, "compare's epochs", minimum=3),
        checks.integer(batch_size, "compare's batch_size", minimum=1),
        x,
        y,
        x_test,
        y_test,
    )


def _labels(y: Any, who: str) -> Array:
    labels = checks.as_array(y, who)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"compare takes {who} as class labels (N,). Got {labels.shape}.")
    return check_labels(labels, np.iinfo(np.int32).max, who)


def _check_old(base: Sequential, old_task: Any) -> Samples:
    if not isinstance(old_task, (tuple, list)) or len(old_task) != 2:
        came = f"{len(old_task)} arrays" if isinstance(old_task, (tuple, list)) else short(old_task)
        raise TypeError(f"compare's old_task takes (x, y). Got {came}. Use (x_test, y_test).")
    x = checks.samples(old_task[0], base.input_shape, "the old task's x")
    y = _labels(old_task[1], "the old task's y")
    checks.same_length(x, y, ("the old task's x", "y"))
    return x, y


def _check_arms(arms: Any, main: Any) -> list[str]:
    """The ways in the order of `ARMS`; scratch and the main one are always among them."""
    if isinstance(arms, str) or not isinstance(arms, Sequence):
        raise TypeError(f"compare's arms takes a list. Got {short(arms)}. Arms: {', '.join(ARMS)}.")
    for arm in arms:
        checks.choice(arm, ARMS, "Each of compare's arms")
    checks.choice(main, ARMS, "compare's main")
    if main in (SCRATCH, "linear on the inputs", "random frozen features"):
        raise ValueError(f"compare's main takes a way of transfer. Got {main!r}, which is none.")
    return [arm for arm in ARMS if arm in (*arms, SCRATCH, main)]


def _check_seeds(seeds: Any) -> list[int]:
    if isinstance(seeds, Sequence) and not isinstance(seeds, str):
        draws = [checks.integer(seed, "Each of compare's seeds", minimum=0) for seed in seeds]
    else:
        draws = list(range(checks.integer(seeds, "compare's seeds", minimum=2)))
    if len(draws) < 2 or len(set(draws)) < len(draws):
        raise ValueError(
            f"compare's seeds takes two or more different numbers, since one draw proves nothing. "
            f"Got {short(seeds)}."
        )
    return draws


def _check_budgets(task: Task, per_class: Any) -> dict[int, int | None]:
    """Labels of each class, for the table → how many to draw, None for all of x."""
    counts = np.bincount(task.y)
    if per_class is None:
        return {round(len(task.y) / task.classes): None}
    numbers = list(per_class) if checks.is_collection(per_class) else [per_class]
    budgets = sorted({checks.integer(n, "compare's per_class", minimum=1) for n in numbers})
    if not budgets or budgets[-1] > counts.min():
        raise ValueError(
            f"compare's per_class takes at most what each class has, which is {counts.min()}. Got "
            f"{short(per_class)}."
        )
    return {n: n for n in budgets}


# --- progress -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress(verbose: Any, total: int) -> Iterator[tuple[Callable[[str], object], Advance]]:
    """How to say a line, and how to count a training."""
    shown = progress(verbose)
    if shown is None:
        yield (lambda line: None), (lambda: None)
        return
    shown.params = {"epochs": 1, "steps": total}
    shown.on_train_begin()
    try:
        yield shown.say, lambda: shown.on_train_batch_end(0)
    finally:
        shown.on_train_end()
