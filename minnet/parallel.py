"""The door to MPI: one network trained by several processes, on one machine or on many.

Every process runs the same program and holds the whole model. Of each batch it computes its share,
then the gradients are added over all processes, and each makes the same update with the sum::

    L = 1/N Σ_n L_n                 the mean over the N rows of a batch
      = Σ_r N_r/N · L_r             L_r is the mean over the N_r rows of process r
    ∂L/∂theta = Σ_r N_r/N · ∂L_r/∂theta

The gradient is one vector, so the sum is one all-reduce a step. Penalties come out right as well:
each process adds the whole penalty to its L_r, and the shares N_r/N make up 1.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from minnet.callbacks import Callback, Checkpoint
from minnet.engine.plan import Plan
from minnet.engine.step import TrainingStep
from minnet.files.generators import set_generator
from minnet.foundation.checks import Array, short
from minnet.losses import Loss
from minnet.models import Sequential
from minnet.training.arguments import FitArguments
from minnet.training.callback import Logs
from minnet.training.fit_call import describe_call, differences, words
from minnet.training.history import History

__all__ = ["DataParallel"]

PATIENCE = 2.0
"""Seconds that a process which fails waits for all others to fail, too, before it ends them."""

HANDED_ON = 0.5
"""Seconds that the launcher has to pass a message on; `Abort` ends it with what it still holds."""


def world() -> Any:
    """Return the communicator of all processes that were started together.

    Raises
    ------
    ModuleNotFoundError
        There is no mpi4py, or it finds no MPI library.
    """
    try:
        return importlib.import_module("mpi4py.MPI").COMM_WORLD
    except (ImportError, RuntimeError) as error:
        raise ModuleNotFoundError(
            f"DataParallel needs mpi4py and an MPI library, which could not be loaded ({error}): "
            "python -m pip install mpi4py mpich.",
            name="mpi4py",
        ) from None


class Processes:
    """The processes that train together.

    Parameters
    ----------
    comm
        An mpi4py communicator, or None for all processes that were started together. Any other
        object will do that has mpi4py's `Get_rank`, `Get_size`, `Dup`, `Allreduce`, `allgather`,
        `bcast`, `Ibarrier` and `Abort`.

    Attributes
    ----------
    rank
        The number of this process, from 0.
    size
        How many there are.
    """

    def __init__(self, comm: Any = None) -> None:
        comm = world() if comm is None else comm
        needed = ("Get_rank", "Get_size", "Dup", "Allreduce", "allgather", "bcast", "Ibarrier")
        missing = [name for name in needed if not callable(getattr(comm, name, None))]
        if missing:
            raise TypeError(
                "DataParallel's comm takes a communicator of mpi4py. Got "
                f"{short(comm)}, which has no {missing[0]}. Use mpi4py.MPI.COMM_WORLD, or None."
            )
        self.comm, self._endings = comm, comm.Dup()
        self.rank, self.size = int(comm.Get_rank()), int(comm.Get_size())

    def __deepcopy__(self, memo: dict[int, Any]) -> Processes:
        return self  # a copy of a model is trained by the same processes

    def __reduce__(self) -> tuple[Any, ...]:
        return Processes, ()

    def share(self, rows: int) -> slice:
        """Return which rows of a batch are this process's: as many as the others', or one less."""
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def add(self, array: Array) -> Array:
        """Return the sum of this array over all processes, to the same bits on each."""
        total = np.empty_like(array)
        self.comm.Allreduce(array, total)
        return total

    def tell(self, value: Any) -> list[Any]:
        """Return this value of every process, in their order."""
        values: list[Any] = self.comm.allgather(value)
        return values

    def from_first(self, value: Any) -> Any:
        """Return the value that process 0 has."""
        return self.comm.bcast(value, root=0)

    def all_fail(self) -> bool:
        """Whether every process comes here, in a few seconds: an error of one is one of all."""
        request, end = self._endings.Ibarrier(), time.monotonic() + PATIENCE + self.rank % 8 / 4
        while not request.Test():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def end_all(self, error: BaseException) -> None:
        """Tell what happened to this process, and end all others, which would wait for it."""
        sys.stdout.flush()
        lines = traceback.format_exception(error)
        message = f"Process {self.rank} of {self.size} failed, so all of them end.\n"
        sys.stderr.write("".join(lines) + message)
        sys.stderr.flush()
        time.sleep(HANDED_ON)
        self.comm.Abort(1)

    @contextlib.contextmanager
    def failing_together(self) -> Iterator[None]:
        """Let an error go on if all processes have one; end all of them if it is of this alone."""
        try:
            yield
        except BaseException as error:
            if self.size > 1 and not self.all_fail():
                self.end_all(error)
            raise

    def watch(self) -> None:
        """End all processes where one ends with an error that nobody has caught."""
        if self.size > 1 and not isinstance(sys.excepthook, EndAll):
            sys.excepthook = EndAll(self, sys.excepthook)


class EndAll:
    """What Python calls for an error that nobody has caught, in a program of several processes."""

    def __init__(self, team: Processes, usual: Callable[..., Any]) -> None:
        self.team, self.usual = team, usual

    def __call__(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Show the error, once and not once for each process, and end those that have none."""
        if not self.team.all_fail():
            self.team.end_all(error)
        elif self.team.rank == 0:
            self.usual(kind, error, trace)


class SharedStep(TrainingStep):
    """A training step of which each process computes its share.

    Its `outputs` are those of this process's rows, but for the last: the predictions for the whole
    batch, which the metrics want.

    Attributes
    ----------
    share
        Which part of the last batch this process had, from 0 to 1.
    """

    def __init__(self, model: DataParallel) -> None:
        super().__init__()
        self.model, self.share = model, 0.0
        self._buffer = np.empty(0)

    def compute(
        self,
        plan: Plan,
        loss: Loss,
        x: Array,
        target: Array,
        weight: Array | None,
        rng: np.random.Generator,
        start: int = 0,
    ) -> float:
        model, team = self.model, self.model.team
        if team.size == 1:
            return super().compute(plan, loss, x, target, weight, rng, start)
        rows = team.share(len(x))
        self.share = (rows.stop - rows.start) / len(x)
        before, own = rng.bit_generator.state, rng
        if plan.changes_in_training:  # a mask of its own for each process, from the one seed of all
            own = np.random.default_rng([int(rng.integers(2**63)), team.rank])
        first = own.bit_generator.state
        value = 0.0
        if self.share:
            mine = None if weight is None else weight[rows]
            value = super().compute(plan, loss, x[rows], target[rows], mine, own, start)
        else:  # more processes than rows
            self.outputs, self.memos = [x[rows], np.empty(0, x.dtype)], []
        drew = own is not rng and own.bit_generator.state != first

        # one all-reduce: the loss, whether anybody drew, the gradients, and the predictions
        gradients = [group.grad for group in model.update_groups()]
        shape = (len(x), *model.output_shape)
        numbers = 2 + sum(gradient.size for gradient in gradients)
        buffer = self._buffer_of(numbers + int(np.prod(shape)), model.grad.dtype)
        predictions = buffer[numbers:].reshape(shape)
        buffer[0], buffer[1] = self.share * value, drew
        end = 2
        for gradient in gradients:
            begin, end = end, end + gradient.size
            np.multiply(gradient, self.share, out=buffer[begin:end])
            if not self.share:
                buffer[begin:end] = 0.0
        predictions[...] = 0.0
        if self.share:
            predictions[rows] = self.outputs[-1]
        buffer = team.add(buffer)

        end = 2
        for gradient in gradients:
            begin, end = end, end + gradient.size
            gradient[...] = buffer[begin:end]
        self.outputs[-1] = buffer[numbers:].reshape(shape)
        if not buffer[1].real:
            rng.bit_generator.state = before  # as one process, which draws nothing
        return float(buffer[0].real)

    def _buffer_of(self, numbers: int, dtype: Any) -> Array:
        if self._buffer.size != numbers or self._buffer.dtype != dtype:
            self._buffer = np.empty(numbers, dtype)
        return self._buffer


class DataParallel(Sequential):
    """A copy of a model, each training step of which several processes compute together.

    Every process runs the same program, started by `mpiexec -n 4 python program.py`, makes the same
    calls and has the same data, of which each computes its share of every batch. So a batch of 32
    is 32 rows altogether, and the weights are those of one process but for rounding, and to the bit
    the same on all processes.

    - The weights, the optimizer's memory and the generator that a fit begins with are process 0's.
    - The gradient is clipped once it is summed. Frozen layers send nothing.
    - The last batch may be smaller, and its shares unequal: they count by their rows.
    - Dropout draws another mask on each process, so these are other masks than one process's.
    - Batch normalization standardizes each share by that share's own mean and variance, so it is
      another training than one process's. The moving statistics move by the mean over processes.
    - A loss of your own has to be a mean over rows, as minnet's are.
    - Only process 0 shows progress, and writes checkpoints and what `save` writes. Each process
      reads the file of `resume=`; one that another number of processes wrote is told apart by a
      warning.
    - Processes of one machine share its cores: set `OPENBLAS_NUM_THREADS=1`, or the threads of each
      wait for those of the others.
    - Each process computes all of a validation, and what `evaluate` and `predict` are asked for.
    - Callbacks run on every process, and have to decide alike on all of them: by the figures, and
      not by a clock. Where they do not, the next epoch tells.
    - An error that all processes have goes on as in one. One that a single process has, in a fit or
      uncaught, is shown, and ends all of them.

    Source: Li et al. (2020), "PyTorch Distributed: experiences on accelerating data parallel
    training", for shares of one batch and one sum; Dean et al. (2012), "Large scale distributed
    deep networks", for the idea.

    Parameters
    ----------
    model
        A Sequential, compiled or not, which stays as it is.
    comm
        An mpi4py communicator; None for all processes that were started together.

    Attributes
    ----------
    processes
        How many there are.
    rank
        The number of this one, from 0: `if model.rank == 0: print(…)`.
    team : Processes
        What they tell each other: `team.add(array)`, `team.tell(value)`.

    Raises
    ------
    TypeError
        Not a Sequential, or a comm that is no communicator.
    ModuleNotFoundError
        No mpi4py, or no MPI library; `pip install mpi4py mpich` installs both.

    Examples
    --------
    A program for `mpiexec -n 4 python program.py`::

        model = minnet.Sequential([Dense(32, activation="relu"), Dense(10, activation="softmax")])
        model.compile("adam", "cross_entropy", ["accuracy"])
        model = minnet.parallel.DataParallel(model)
        model.fit(x, y, epochs=10, callbacks=[Checkpoint("run.npz")])
        model.save("model.npz")

    >>> DataParallel("model.npz")
    Traceback (most recent call last):
    TypeError: DataParallel takes a Sequential. Got 'model.npz'. Load it: minnet.load(…).
    """

    team: Processes

    def __init__(self, model: Sequential, comm: Any = None) -> None:
        if type(model) not in (Sequential, DataParallel):
            hint = " Put your layers into a Sequential, and compile it as before."
            if isinstance(model, (str, PathLike)):
                hint = " Load it: minnet.load(…)."
            elif isinstance(model, (list, tuple)):
                hint = " Write DataParallel(Sequential([…]))."
            raise TypeError(f"DataParallel takes a Sequential. Got {short(model)}.{hint}")
        self.team = Processes(comm)
        self.team.watch()
        self.processes = self.team.size
        given = model.copy().__getstate__()
        self.__setstate__({**given, "team": self.team, "processes": self.team.size})

    def _lay_out(self) -> None:
        super()._lay_out()
        self.training_step = SharedStep(self)

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        return self.team.rank

    def apply_gradient(self) -> None:
        """Move theta along the summed gradient, alike on all processes; see `Sequential`."""
        if self.team.size == 1 or not (self.state.size and self.plan().changes_in_training):
            super().apply_gradient()
            return
        before = self.state.copy()
        super().apply_gradient()
        share = getattr(self.training_step, "share", 0.0)
        self.state[...] = before + self.team.add(share * (self.state - before))

    def fit(self, x: Any, y: Any, *args: Any, **kwargs: Any) -> History:
        """Train on x and y, each process with its share of every batch; see `Sequential.fit`.

        Raises
        ------
        ValueError
            The processes call it with different arguments, or have different data.
        RuntimeError
            They have gone different ways, as a callback decided differently on one.
        """
        call = inspect.signature(Sequential.fit).bind(self, x, y, *args, **kwargs)
        call.apply_defaults()
        given, team = call.arguments, self.team
        with team.failing_together():
            arguments = FitArguments(given)
            together = Together(team, arguments)
            if team.size > 1:
                given["callbacks"] = [together, *arguments.callbacks]
            if team.rank > 0:
                given["verbose"] = 0
                given["callbacks"] = [
                    one for one in given["callbacks"] if not isinstance(one, Checkpoint)
                ]
            history = super().fit(*call.args[1:], **call.kwargs)
            if team.size > 1:
                together.compare_ways("the end")
        return history

    def save(self, path: str | PathLike[str], *, include_optimizer: bool = True) -> None:
        """Write the model to a file, on process 0 alone; see `Sequential.save`."""
        if self.team.rank == 0:
            super().save(path, include_optimizer=include_optimizer)

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write the weights to a file, on process 0 alone; see `Sequential.save_weights`."""
        if self.team.rank == 0:
            super().save_weights(path)


class Together(Callback):
    """Begin a fit alike on all processes, and see at each epoch that they are still alike."""

    changes_model = unfreezes = in_checkpoints = False

    def __init__(self, team: Processes, arguments: FitArguments) -> None:
        self._team, self._arguments = team, arguments

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._compare_calls()
        self._begin_alike()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.compare_ways(f"epoch {epoch}")

    def _compare_calls(self) -> None:
        """Refuse a fit that other processes call otherwise, and name the difference."""
        fit, arguments = self.fit, copy.copy(self._arguments)
        try:
            call = describe_call(self.model, arguments, [], fit.data, fit.validation)
        except TypeError:  # the learning rate is a function, which is like no other
            arguments.learning_rate = None
            call = describe_call(self.model, arguments, [], fit.data, fit.validation)
        calls = self._team.tell({**call, "epochs": fit.epochs})
        for rank, there in enumerate(calls):
            if there != calls[0]:
                differing = "; ".join(map(words, differences("", there, calls[0])))
                raise ValueError(
                    "DataParallel's fit takes the same call on every process. Got, on process "
                    f"{rank} and there on process 0, {differing}. Seed what draws the data, and "
                    "let nothing in the call depend on the process."
                )

    def _begin_alike(self) -> None:
        """Take the weights, the optimizer's memory and the generators of process 0."""
        model, team, fit = self.model, self._team, self.fit
        updates = model.compiled.updates
        model.update_groups()  # gives the slots theta's layout
        counts, iterations = team.from_first((updates.counts, updates.iterations))
        for array in (model.theta, model.state, *updates.slots.values()):
            array[...] = team.from_first(array)
        updates.set_counts(dict(counts), iterations)
        for rng in (model.rng, fit.rng):
            set_generator(rng, team.from_first(rng))

    def compare_ways(self, point: str) -> None:
        """Refuse to go on where processes are at different points, or have different weights."""
        model = self.model
        here = (point, zlib.crc32(model.theta.data), zlib.crc32(model.state.data))
        ways = self._team.tell(here)
        for rank, there in enumerate(ways):
            if there[0] != ways[0][0]:
                raise RuntimeError(
                    f"Process {rank} is at {there[0]}, and process 0 at {ways[0][0]}. Callbacks "
                    "decide alike on all processes: let them look at the figures alone."
                )
            if there != ways[0]:
                raise RuntimeError(
                    f"Process {rank} has other weights than process 0 at {point}. Callbacks "
                    "change weights alike on all processes: let nothing in them depend on the "
                    "process."
                )
