"""`Sequential`, the network as users know it: compile, fit, evaluate, predict, save.

What the network itself is, with its weights, stands in `network.py`, a training step in `step.py`,
and the loop over batches and epochs in `training.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, Self, cast

import numpy as np

from minnet.callbacks import Callback, line
from minnet.engine.ends import check_end
from minnet.engine.network import Network
from minnet.engine.selection import head_index
from minnet.engine.shapes import layer_shapes
from minnet.engine.step import TrainingStep
from minnet.engine.summary import summary_table
from minnet.engine.updates import Updates
from minnet.files import provenance, saving, store
from minnet.foundation import checks
from minnet.foundation.checks import Array, ModelFileError
from minnet.foundation.registry import Config
from minnet.foundation.strict import named, setting
from minnet.foundation.tables import Table
from minnet.layers import Input, Layer
from minnet.losses import LOSSES, BinaryCrossEntropy, Loss
from minnet.metrics import METRICS, Accuracy, Metric
from minnet.optimizers import OPTIMIZERS, Optimizer
from minnet.training import loop
from minnet.training.batches import PREDICT_ROWS
from minnet.training.divergence import check_batch
from minnet.training.history import History
from minnet.training.settings import (
    Settings,
    check_data,
    check_metrics,
    check_trainable,
    check_x,
)


class Sequential(Network):
    """A stack of layers: the output of one is the input of the next.

    All weights are one vector `theta`, all gradients one vector `grad`, and the arrays that are
    saved but not learned one vector `state`; the layers' arrays (`layer.W`, `layer.dW`, …) are
    named views into them.

    Parameters
    ----------
    layers
        Layers, the first with `input_dim=` or after an `Input(shape)`; without either the model
        is built by the first data it sees. A layer that belongs to another model is copied with
        its weights.
    seed
        An int or a `numpy.random.Generator`, for the weights, the order of batches and dropout.
        None draws fresh entropy.
    dtype
        "float32", or "float64" for checking.
    name
        For summaries, and for where copied weights came from.

    Attributes
    ----------
    layers : list of Layer
        What was added; `steps` is what runs (a Dense with an activation is two steps).
    theta, grad : (P,) ndarray
        All weights and their gradients, in the order of the layers.
    state : ndarray
        Running statistics.
    history : History or None
        What the last fit recorded.
    outputs : list of ndarray
        The outputs [x, y1, …, yL] of the last training step.
    class_names : list of str or None
        What the classes are called, saved with the model.
    preprocessing : str or None
        How data has to be prepared for this model, in words, saved with the model.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> model = Sequential([Dense(3, activation="tanh", input_dim=2), Dense(1)], seed=0)
    >>> model.predict([[0.0, 0.0]])
    array([[0.]], dtype=float32)
    >>> model.count_params()
    13
    """

    stop_training: bool = setting(checks.boolean, whose="The model's")
    history: History | None
    provenance: Config

    def __init__(
        self,
        layers: Iterable[Layer | Input] = (),
        *,
        seed: int | np.random.Generator | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        self._optimizer: Optimizer | None = None
        self._loss: Loss | None = None
        self._metrics: list[Metric] = []
        self._updates: Updates | None = None
        self.history = None
        self.stop_training = False
        self._ended: tuple[str, ...] = ()  # the loss and the steps that were checked together
        self.provenance = provenance.empty()
        super().__init__(layers, seed=seed, dtype=dtype, name=name)

    @property
    def optimizer(self) -> Optimizer | None:
        """What `compile` was given."""
        return self._optimizer

    @property
    def loss(self) -> Loss | None:
        """What `compile` was given."""
        return self._loss

    @property
    def metrics(self) -> list[Metric]:
        """What `compile` was given."""
        return self._metrics

    @property
    def updates(self) -> Updates | None:
        """What the optimizer remembers of this model."""
        return self._updates

    def replace_head(self, *layers: Layer, seed: int | np.random.Generator | None = None) -> Self:
        new = super().replace_head(*layers, seed=seed)
        new.provenance["parent"] = copy.deepcopy(self.provenance["parent"])
        new.provenance["input_range"] = copy.copy(self.provenance["input_range"])
        return new

    # --- compile, and what is checked before training ---------------------------------------------

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | Loss | None = None,
        metrics: Sequence[str | Metric] = (),
    ) -> None:
        """Say how the model is to be trained; what an optimizer remembered is dropped.

        Parameters
        ----------
        optimizer
            A name such as "adam", or an `Optimizer`.
        loss
            A name such as "cross_entropy", or a `Loss`.
        metrics
            A list of names such as "accuracy", or of `Metric`.

        Raises
        ------
        ValueError
            An unknown name; softmax applied twice; a loss that does not suit the last layer.
        """
        optimizer = checks.instance(optimizer, Optimizer, OPTIMIZERS, "compile's optimizer")
        if loss is None:
            raise ValueError(f"compile takes a loss. Got none. Losses: {', '.join(LOSSES)}.")
        loss = checks.instance(loss, Loss, LOSSES, "compile's loss")
        if isinstance(metrics, str) or not isinstance(metrics, Sequence):
            raise TypeError(
                'compile\'s metrics takes a list such as ["accuracy"]. Got '
                f"{checks.short(metrics)}."
            )
        found = [checks.instance(m, Metric, METRICS, "Each of compile's metrics") for m in metrics]
        if isinstance(loss, BinaryCrossEntropy) and loss.from_logits:  # a logit of 0 is p = 0.5
            found = [
                Accuracy(threshold=0.0) if m == "accuracy" else metric
                for m, metric in zip(metrics, found, strict=True)
            ]
        names = [metric.name for metric in found]
        if len(set(names)) < len(names):
            raise ValueError(f"compile takes each metric once. Got {', '.join(names)}.")
        if self._steps:
            self._check_end(loss)
        self._optimizer, self._loss, self._metrics = optimizer, loss, found
        self._updates = Updates(optimizer)

    def _check_end(self, loss: Loss) -> None:
        """Refuse or warn where loss and layers do not suit each other: once for each stack."""
        check_end(self._steps, self.output_shape if self.built else None, loss)
        self._ended = self._end_of(loss)

    def _end_of(self, loss: Loss) -> tuple[str, ...]:
        steps = (f"{type(step).__name__} {step.label}" for step in self._steps)
        return (repr(loss), "built" if self.built else "", *steps)

    def _require_compiled(self) -> Updates:
        if self.updates is None:
            raise RuntimeError(
                "The model is not compiled. Call compile(optimizer='adam', loss='cross_entropy') "
                "first."
            )
        return self.updates

    def _require_loss(self) -> Loss:
        if self.loss is None:
            self._require_compiled()
        return cast("Loss", self.loss)

    def _require_optimizer(self) -> Optimizer:
        return self._require_compiled().optimizer

    def _check_trainable(self) -> None:
        check_trainable(self)

    def _check_data(
        self, x: Any, y: Any, sample_weight: Any, whose: str = ""
    ) -> tuple[Array, Array, Array | None]:
        """x, the target and the weights as training computes with them; builds the model."""
        return check_data(self, x, y, sample_weight, whose)[:3]

    def _warn_of_other_scale(self, x: Array, found: list[float]) -> None:
        """Warn once of inputs on another scale, by their range, than what it was trained on."""
        known = self.provenance["input_range"]
        if known is not None and len(x) and not self._scale_checked:
            self._scale_checked = provenance.warn_of_other_scale(known, found, len(x))

    # --- one training step ----------------------------------------------------------------------

    def _run_step(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        rng: np.random.Generator,
    ) -> float:
        """The loss of one batch; fills `grad`, `outputs` and the memos. Nothing is checked."""
        return TrainingStep(self, rng).loss_and_gradient(x, target, weight)

    def penalty(self) -> float:
        """The sum of the penalties on weights of trainable layers; a part of every loss."""
        return sum(regularizer(array) for array, _, regularizer in self._route().penalties)

    @np.errstate(all="ignore")  # what is not finite shows in the loss and in grad
    def loss_and_gradient(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        seed: int | np.random.Generator | None = None,
    ) -> float:
        """The loss of a batch, in training mode; its gradient is in `grad` afterwards.

        Nothing is updated. The penalties of trainable layers are included in both.

        Parameters
        ----------
        x : (N, …) array
        y : (N,) or (N, …) array
        sample_weight : (N,) array or None
        seed
            For dropout; the model's generator if None.
        """
        rng = self.rng if seed is None else checks.generator(seed)
        x, target, weight = self._check_data(x, y, sample_weight)
        return self._run_step(x, target, weight, rng)

    def apply_gradient(self) -> None:
        """Move theta by one step of the optimizer along `grad`: only what is trainable.

        The gradient is clipped first if the optimizer says so. Afterwards layers such as
        BatchNormalization write their running statistics.
        """
        updates = self._require_compiled()
        self._require_built()
        updates.apply(updates.runs(self._layers, self._theta, self._grad))
        self._write_states()

    def _write_states(self) -> None:
        """Let layers write what a finished training step changes, such as running statistics."""
        memos, self.__dict__["_memos"] = self._memos, []
        if memos:  # none: no batch was seen since the last update
            for i in self._route().differs:
                if (memo := memos[i]) is not None:
                    self._steps[i].after_step(memo)

    @np.errstate(all="ignore")
    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """One training step on one batch. Returns the loss before the update.

        Raises
        ------
        DivergedError
            The loss or the gradient is not finite; no step was made.
        """
        self._check_trainable()
        value = self.loss_and_gradient(x, y, sample_weight)
        check_batch(self, value)
        self.apply_gradient()
        return value

    # --- fit, evaluate, predict -----------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Callback] = (),
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        *,
        learning_rate: Any = None,
        seed: int | np.random.Generator | None = None,
        resume: str | PathLike[str] | None = None,
    ) -> History:
        """Train on x and y, going on from where the model is.

        Parameters
        ----------
        x : (N, …) array
            Samples; may be a `numpy.memmap` larger than memory.
        y : (N,) or (N, …) array
            Targets.
        batch_size
            Samples for each update; the last batch of an epoch may be smaller.
        epochs
            How often all samples are gone through.
        verbose
            0 is silent, 1 a progress bar (with tqdm), 2 a line an epoch; "auto" chooses.
        callbacks
            Objects whose hooks are called, such as `EarlyStopping()`.
        validation_split
            The share of the last rows, before shuffling, that is kept for validation.
        validation_data
            (x, y) or (x, y, sample_weight) for validation after each epoch.
        shuffle
            Whether each epoch draws a new order.
        class_weight
            Class → factor of its samples' losses; classes not named count 1.
        sample_weight : (N,) array or None
            Factor of each sample's loss: the loss is Σ wₙ Lₙ / N.
        learning_rate
            For this fit: a number, a schedule (which counts this fit's updates), or
            {layer, pattern or selector: number}; layers not named keep the optimizer's rate.
        seed
            For the order and for dropout; the model's generator if None.
        resume
            The file of a `Checkpoint`: this fit goes on where that one was, to the same bits as
            one that was never stopped. The model's weights, optimizer, random state and frozen
            layers become the file's. All other arguments are as they were then, but `epochs`, the
            total, may be larger, and `verbose` and the Checkpoints others.

        Returns
        -------
        History
            `.history` is a dict of lists, one number an epoch.

        Raises
        ------
        ValueError, TypeError
            Data or settings that do not fit; the model is as before.
        RuntimeError
            Not compiled, or a second fit at once.
        DivergedError
            The loss left the finite numbers; the model is put back to the last finite epoch.
        ModelFileError
            `resume` names no checkpoint, or that of another model, other data or another fit;
            the model is as before.
        """
        return loop.fit(
            self,
            Settings(
                batch_size=_batch_size(batch_size),
                epochs=checks.integer(epochs, "fit's epochs", minimum=0),
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=checks.boolean(shuffle, "fit's shuffle"),
                class_weight=class_weight,
                sample_weight=sample_weight,
                learning_rate=learning_rate,
                seed=seed,
                rng=self.rng if seed is None else checks.generator(seed, "fit's seed"),
                resume=resume,
            ),
            x,
            y,
        )

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: int = 0,
        sample_weight: Any = None,
    ) -> dict[str, float]:
        """The loss and the metrics on x and y, in inference mode, by name.

        Parameters
        ----------
        verbose
            1 prints the line that is returned.
        """
        x, target, weight, found = check_data(self, x, y, sample_weight)
        check_metrics(self, target)
        self._warn_of_other_scale(x, found)
        rows = PREDICT_ROWS if batch_size is None else _batch_size(batch_size)
        logs = loop.evaluate(self, x, target, weight, rows)
        if verbose:
            print(line(logs))
        return logs

    def reset(self, seed: int | np.random.Generator | None = None) -> None:
        """Start over: fresh weights, nothing remembered by the optimizer, no history.

        Without a seed, a model that was given one and whose layers were only ever added gets the
        weights that it began with. Any other gets fresh ones.
        """
        rng = copy.deepcopy(self._first_seed) if seed is None else checks.generator(seed)
        self._require_built()
        self.rng = rng
        for layer in self._layers:
            if layer.arrays():
                fresh = layer.copy()
                fresh.build(layer.built_for or self.input_shape, self.rng)
                for name, array in layer.arrays().items():
                    array[...] = fresh.arrays()[name]
                layer.origin, layer._drawn = "new", fresh._drawn
        self._grad[...] = 0.0
        self.history, self.provenance = None, provenance.empty()
        if self.optimizer is not None:
            self._updates = Updates(self.optimizer)

    def __call__(self, x: Any) -> Array:
        """What `predict(x)` gives, as a layer is called."""
        return self.predict(x)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Array:
        """Predictions for x, in inference mode; safe from several threads.

        Parameters
        ----------
        x : (N, …) array
        batch_size
            Rows at a time, 1,024 by default; changes memory and speed only.
        verbose
            Taken so that Keras programs run; predict prints nothing.

        Returns
        -------
        (N, …) ndarray
        """
        x, found = check_x(self, x, self.input_shape, empty=True)
        self._warn_of_other_scale(x, found)
        rows = PREDICT_ROWS if batch_size is None else _batch_size(batch_size)
        if 0 < len(x) <= rows:
            return self._predict(x)
        pieces = [self._predict(x[i : i + rows]) for i in range(0, len(x), rows)]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.output_shape), self.dtype)

    def _predict(self, x: Array, start: int = 0, stop: int | None = None) -> Array:
        y = x.astype(self.dtype, copy=False) if start == 0 else x
        for step in self._steps[start:stop]:
            y = step.forward(y)
        view = y is x or y.base is not None
        return y.copy() if view and np.may_share_memory(y, x) else y

    def features(self, x: Any, upto: str | int | None = None) -> Array:
        """The input of the head, or the output of a named layer, in inference mode.

        Parameters
        ----------
        upto
            The name or index of the last layer to run; None for all below the head.
        """
        x, _ = check_x(self, x, self.input_shape, empty=True)
        if upto is None:
            count = head_index(self._layers)
        else:
            count = self._layers.index(self.get_layer(upto)) + 1
        stop = sum(len(layer.steps()) for layer in self._layers[:count])
        rows = PREDICT_ROWS
        pieces = [self._predict(x[i : i + rows], 0, stop) for i in range(0, max(1, len(x)), rows)]
        return np.concatenate(pieces)

    # --- looking --------------------------------------------------------------------------------

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers: which are frozen, which are new, and which came from where."""
        print_fn(str(self._table()))

    def card(self, print_fn: Callable[[str], object] = print) -> None:
        """Print where the model comes from: classes, preparation, inputs, trainings, parent."""
        names = self.class_names
        facts = [
            ("classes", "not named" if names is None else ", ".join(names)),
            ("preprocessing", self.preprocessing or "none said"),
        ]
        if self.built:
            facts.insert(0, ("parameters", f"{self.count_params():,}"))
        print_fn(provenance.card(self.name, facts, self.provenance))

    def _table(self) -> Table:
        shapes = layer_shapes(self._layers, self._input_shape) if self._input_shape else None
        return summary_table(self.name, self._layers, shapes)

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    # --- files ----------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str], *, include_optimizer: bool = True) -> None:
        """Write the whole model to one file, which `minnet.load` reads: an npz, never pickle.

        Parameters
        ----------
        path
            Written exactly there, and only once the file is whole.
        include_optimizer
            Whether a later fit goes on with what the optimizer remembers.
        """
        saving.save(self, path, include_optimizer=include_optimizer)

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write the weights, with the architecture they belong to, to one file."""
        saving.save(self, path, include_optimizer=False)

    def load_weights(self, path: str | PathLike[str]) -> Table:
        """Copy weights from a file of the same architecture: all of them or none.

        Returns
        -------
        Table
            What came of every array. `transfer.transfer_weights` is for models that fit in part.

        Raises
        ------
        ModelFileError
            Not a model's file, or one of another architecture; the message lists the differences.
        """
        self._require_built()
        return saving.load_weights(self, path)


@named
def load(path: str | PathLike[str], *, seed: int | np.random.Generator | None = None) -> Sequential:
    """The model that `Sequential.save` wrote, compiled if it was.

    Parameters
    ----------
    path
        The file. It is never unpickled; layers come from a table of known classes, and a class
        of your own has to be registered first (`minnet.register`).
    seed
        For later fits.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, no model, or from a newer minnet.
    """
    checks.generator(seed)
    config, arrays = store.load(path)
    try:
        model = Sequential(seed=seed, name=str(config["name"]), dtype=config["dtype"])
        saving.load_into(model, config, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"its description lacks {error}" if isinstance(error, KeyError) else error
        raise ModelFileError(f"{path} describes no model that minnet can build: {why}") from None
    model.rng = checks.generator(seed)
    model.provenance["parent"] = {"name": model.name, "sha256": store.file_hash(path)}
    return model


def _batch_size(batch_size: Any) -> int:
    return checks.integer(batch_size, "batch_size", minimum=1)
