"""`Sequential`, the network as users know it: compile, fit, evaluate, predict, save.

What a network is stands in `engine/network.py`, a training step in `engine/step.py`, and a fit, its
loop over epochs and batches, in `training/fit.py`.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np

from minnet.callbacks import Callback
from minnet.engine.borders import try_own_classes
from minnet.engine.inputs import check_x
from minnet.engine.overriding import check_class
from minnet.engine.refusals import unchanged_where_refused
from minnet.files import provenance
from minnet.files.saved import SavedNetwork, load_as
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.foundation.strict import named
from minnet.layers import Input, Layer
from minnet.training.arguments import FitArguments
from minnet.training.divergence import check_batch
from minnet.training.figures import Evaluation, evaluate, rows_at_a_time
from minnet.training.history import History
from minnet.training.progress import is_shown, line
from minnet.training.showing import show_loop
from minnet.training.start import run_fit


class Sequential(SavedNetwork):
    """A stack of layers: the output of one is the input of the next.

    All weights are one vector `theta`, all gradients one vector `grad`, and the arrays that are
    saved but not learned one vector `state`; the layers' arrays (`layer.W`, `layer.dW`, …) are
    named views into them.

    A class of your own below it may override

    - `loss_and_gradient(x, y, sample_weight=None, *, seed=None)` and `apply_gradient()`, the two
      halves of a training step: `fit`, `train_on_batch`, `check_gradients`, `explain_step`, the
      doctor and the rate finder all make their steps with them;
    - methods at the edge, with `super()`, which no step calls: `compile`, `fit`, `save`, …

    What a step consists of besides (`forward`, `backward`, `penalty`, `train_on_batch`, …) cannot
    be overridden: such a class raises TypeError, with what to write instead. A constructor of its
    own may take any arguments; it is not run for a copy, another head, or a resumed fit.

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

    Raises
    ------
    TypeError, ValueError
        What is no layer, two layers of one name, or shapes that do not follow on each other.

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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_class(cls, Sequential)

    def __init__(
        self,
        layers: Iterable[Layer | Input] = (),
        *,
        seed: int | np.random.Generator | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        self.history: History | None = None
        self.provenance = provenance.empty()
        super().__init__(layers, seed=seed, dtype=dtype, name=name)

    def replace_head(self, *layers: Layer, seed: int | np.random.Generator | None = None) -> Self:
        new = super().replace_head(*layers, seed=seed)
        new.history, new.stop_training, new.scale_checked = None, False, False
        new.provenance = provenance.empty()
        new.provenance["parent"] = copy.deepcopy(self.provenance["parent"])
        new.provenance["input_range"] = copy.copy(self.provenance["input_range"])
        return new

    # --- one training step ----------------------------------------------------------------------

    @np.errstate(all="ignore")
    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """Make one training step on one batch. Returns the loss before the update.

        Parameters
        ----------
        x : (N, …) array
            Samples.
        y : (N,) or (N, …) array
            Targets.
        sample_weight : (N,) array or None
            Factor of each sample's loss: the loss is Σ wₙ Lₙ / N.

        Raises
        ------
        ValueError, TypeError
            Data that do not fit, or nothing that learns; the model is as before.
        RuntimeError
            Not compiled.
        DivergedError
            The loss or the gradient is not finite; no step was made.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, use_bias=False, input_dim=1)], seed=0)
        >>> model.set_weights([[[1.0]]])
        >>> model.compile("sgd", "mse")
        >>> model.train_on_batch([[1.0]], [3.0])
        4.0
        >>> model.theta  # 1 − 0.01 · (−4)
        array([1.04], dtype=float32)
        """
        self.compiled  # noqa: B018 - raises where there is none
        self.require_trainable()
        with unchanged_where_refused(self):
            loss = self.loss_and_gradient(x, y, sample_weight)
            check_batch(self, loss)
        self.apply_gradient()
        return loss

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
            Targets. Neither is to be changed while the fit runs: what is kept of x may be used
            again in the next epoch.
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
            Data or settings that do not fit; the model and the callbacks are as before, also where
            a callback raises before the first update. What raises later leaves whole steps, the
            history of the epochs that are done, and what callbacks changed.
        RuntimeError
            Not compiled, or a second fit at once.
        DivergedError
            The loss left the finite numbers; the model is put back to the last finite epoch.
        ModelFileError
            `resume` names no checkpoint, or that of another model, other data or another fit;
            the model is as before.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit([[0.0], [1.0]], [0.0, 2.0], epochs=3, verbose=0)
        >>> history.epoch, list(history.history)
        ([0, 1, 2], ['loss'])
        """
        return run_fit(self, FitArguments(locals()), x, y)

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: int = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Evaluation | dict[str, float]:
        """The loss and the metrics on x and y, in inference mode: `loss, accuracy = evaluate(…)`.

        Parameters
        ----------
        x, y : (N, …) arrays
            Samples and targets.
        batch_size
            Rows at a time, 1,024 by default; changes memory and speed only.
        verbose
            1 prints the line that is returned.
        sample_weight : (N,) array or None
            Factor of each sample's loss.
        return_dict
            Return a plain dict; an `Evaluation` answers to names as well.

        Raises
        ------
        ValueError, TypeError
            Data or settings that do not fit.
        RuntimeError
            Not compiled.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, activation="sigmoid", input_dim=1)], seed=0)
        >>> model.set_weights([[[8.0]], [-4.0]])
        >>> model.compile("sgd", "binary_crossentropy", ["accuracy"])
        >>> loss, accuracy = model.evaluate([[0.0], [1.0]], [0, 1])
        >>> round(loss, 3), accuracy
        (0.018, 1.0)
        """
        rows = rows_at_a_time(batch_size)
        as_dict = checks.boolean(return_dict, "evaluate's return_dict")
        shown = is_shown(verbose, "evaluate")
        with unchanged_where_refused(self):
            data = self.checked_data(x, y, sample_weight)
            self.compiled.check_metrics(data.target, self.output_shape)
            self.compiled.check_weight(data.weight)
            provenance.check_scale(self, data.x_range, len(data))
            if self.runs_own_code:
                try_own_classes(self, data)
            figures = evaluate(self, data.x, data.target, data.weight, rows)
        if shown:
            print(line(figures))
        return figures if as_dict else Evaluation(figures)

    def __call__(self, x: Any) -> Array:
        """What `predict(x)` gives, as a layer is called."""
        return self.predict(x)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Array:
        """Predictions for x, in inference mode; safe from several threads.

        Parameters
        ----------
        x : (N, …) array
            Samples.
        batch_size
            Rows at a time, 1,024 by default; changes memory and speed only.
        verbose
            Taken so that Keras programs run; predict prints nothing.

        Returns
        -------
        (N, …) ndarray

        Raises
        ------
        ValueError, TypeError
            Samples of another shape or kind, NaN or infinity.
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
        >>> model.set_weights([[[1.0], [10.0]], [0.5]])
        >>> model.predict([[1.0, 2.0]])
        array([[21.5]], dtype=float32)
        """
        rows = rows_at_a_time(batch_size)
        x, x_range = check_x(self, x, self.input_shape, empty=True)
        provenance.check_scale(self, x_range, len(x))
        if 0 < len(x) <= rows:
            return self.run(x)
        pieces = [self.run(x[i : i + rows]) for i in range(0, len(x), rows)]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.output_shape), self.dtype)

    def show_training_loop(
        self, callbacks: Sequence[Callback] = (), print_fn: Callable[[str], object] = print
    ) -> None:
        """Print the loop of `fit`, with who takes part at which point, in which order.

        Parameters
        ----------
        callbacks
            As for `fit`.
        print_fn
            Is called once, with the whole text.

        Raises
        ------
        RuntimeError
            The model is not compiled, or not built.
        TypeError
            What is no callback, or no function.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> model.show_training_loop()
        on_train_begin: Progress
        for each epoch:
            on_epoch_begin: Progress, Rollback
            for each batch x, y:
                on_train_batch_begin: nobody
                loss = model.loss_and_gradient(x, y)
                on_gradient: Rollback
                model.apply_gradient()
                on_train_batch_end: Progress, WholeSteps
            on_test_begin: nobody
            validation, if there are data for it
            on_test_end: nobody
            on_epoch_end: CheckEpoch, RecordHistory, Progress, Rollback, WholeSteps
        on_train_end: Progress, WriteReceipt, RecordTraining
        """
        defaults = inspect.signature(Sequential.fit).parameters.items()
        given = {name: parameter.default for name, parameter in defaults}
        arguments = FitArguments({**given, "callbacks": callbacks, "verbose": 2})
        checks.function(print_fn, "show_training_loop's print_fn")(show_loop(self, arguments))


@named
def load(path: str | PathLike[str], *, seed: int | np.random.Generator | None = None) -> Sequential:
    """The model that `Sequential.save` wrote, compiled if it was.

    Parameters
    ----------
    path
        The file, never unpickled: layers come from a table of known classes, where yours have to
        be (`minnet.register`). A class below Sequential comes back as Sequential: `load_weights`.
    seed
        For later fits.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, no model, or from a newer minnet.

    Examples
    --------
    >>> import tempfile
    >>> from minnet.layers import Dense
    >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.npz")
    ...     load(f"{folder}/model.npz").count_params()
    3
    """
    return load_as(Sequential, path, seed)
