"""`Sequential` with Keras' words and conventions; what it computes is minnet's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from minnet import models as core
from minnet.engine.refusals import unchanged_where_refused
from minnet.engine.shapes import layer_shapes
from minnet.files import saving
from minnet.foundation.checks import Array, DivergedError
from minnet.foundation.registry import (
    from_config,
    to_config,
)
from minnet.foundation.strict import is_minnets
from minnet.foundation.words import did_you_mean
from minnet.keras import backend, layers, losses, metrics, optimizers, words
from minnet.keras.callbacks import Callback, Figures, TerminateOnNaN, WhichEpochs
from minnet.keras.data import no_streams, numbers, samples, targets
from minnet.keras.files import (
    form_of_keras,
    load_what_fits,
    model_of_keras,
    warn_of_name,
    weights_of_keras,
)
from minnet.keras.names import only, public, refuse, refuse_keras_own
from minnet.keras.parts import BeginsWithInput
from minnet.keras.variables import Symbolic, Variable, sample_shape, tensor, variables
from minnet.layers import Softmax
from minnet.losses import BinaryCrossEntropy
from minnet.metrics import BinaryAccuracy, Weighted
from minnet.training.arguments import weighted_by_class
from minnet.training.history import History


class Sequential(BeginsWithInput):
    """A stack of layers: `minnet.Sequential`, called as Keras' is.

    Parameters
    ----------
    layers
        Layers, and flat models, whose layers are put in.
    trainable
        Whether training changes them.
    name
        For summaries.
    seed, dtype
        As in `minnet.Sequential`; by default what `utils.set_random_seed` and
        `backend.set_floatx` said.
    """

    classes_in_files: ClassVar[Any] = {
        **layers.BY_CORE,
        **{kind.__name__: kind for kind in optimizers.CLASSES},
    }

    def __init__(
        self,
        layers: Any = (),
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | np.random.Generator | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            layers if layers is not None else (),
            seed=backend.next_seed() if seed is None else seed,
            dtype=dtype or backend.floatx(),
            name=name,
        )
        if not trainable:
            self.trainable = False

    def __getattr__(self, name: str) -> Any:
        """Answer for methods of Keras that are not there."""
        if name[0] == "_":
            raise AttributeError(f"{type(self).__name__} has no {name}.")
        sentence = words.METHODS.get(name) or did_you_mean(name, public(self)).strip()
        who = f"minnet.keras has no Sequential.{name}"
        if not is_minnets(type(self)) and name not in words.METHODS:
            who = f"{type(self).__name__} has no {name}"
        raise AttributeError(f"{who}. {sentence}".rstrip())

    # --- layers and arrays ------------------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer, or the layers of a model, on top of the stack."""
        self.add_all([layer])

    def pop(self, rebuild: bool = True) -> Any:
        """Take the top layer, or the top model, off and return it."""
        return super().pop()

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for x of this shape; the batch comes first, as None or a number."""
        if input_shape is None:
            self.require_built()
            return
        shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
        self.build_for(shape[1:] if len(shape) > 1 else shape)

    def build_for(self, shape: Any) -> None:
        """Create the weights for samples of this shape."""
        core.Sequential.build(self, shape)

    def get_layer(self, name: Any = None, index: int | None = None) -> Any:
        """The layer, or the inner model, of this name or of this index."""
        return super().get_layer(name if index is None else index)

    @property
    def weights(self) -> list[Any]:
        """All arrays, in Keras' order; the very numbers that the model computes with."""
        return list(variables(self.layers)) if self.built else []

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The arrays that training changes."""
        return [one for one in self.weights if one.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The arrays that training does not change."""
        return [one for one in self.weights if not one.trainable]

    non_trainable_variables = non_trainable_weights

    @property
    def input(self) -> Symbolic:
        """The shape of x, as `model.input.shape`."""
        return Symbolic(self.input_shape, self.name, self, "input")

    @property
    def inputs(self) -> list[Symbolic]:
        """`input`, in a list."""
        return [self.input]

    @property
    def output(self) -> Symbolic:
        """The shape of a prediction, as `model.output.shape`."""
        return Symbolic(self.output_shape, self.name, self, "output")

    @property
    def outputs(self) -> list[Any]:
        """`output`, in a list; what the last step gave is in `training_step.outputs`."""
        return [self.output]

    @property
    def losses(self) -> list[Any]:
        """The penalty of each weight that has one."""
        return [tensor(penalty(weight)) for weight, _, penalty in self.plan().penalties]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns."""
        return ["loss", *(metric.name for metric in self.metrics)]

    # --- compile, fit, evaluate, predict ----------------------------------------------------------

    def compile(  # type: ignore[override]
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how the model is trained; how TensorFlow would run it is nothing here."""
        if metrics is None and isinstance(loss_weights, list):  # where Keras 2 had metrics
            loss_weights, metrics = None, loss_weights
        only("compile", "A model has one loss.", loss_weights=(loss_weights, None))
        loss = None if loss is None else losses.get(loss)
        several = isinstance(loss, BinaryCrossEntropy) and not isinstance(
            self.steps[-1] if self.steps else None, Softmax
        )
        super().compile(
            optimizers.get(optimizer),
            loss,
            chosen_metrics(metrics, weighted_metrics, several_answers=several),
        )
        optimizers.counts_for(self.optimizer, self)

    def checked_data(self, x: Any, y: Any, sample_weight: Any = None, whose: str = "") -> Any:
        x, y = samples(x, self.built_for, f"{whose}x"), targets(y, f"{whose}y")
        if not self.built and hasattr(x, "shape"):
            self.build_for(x.shape[1:])
        return super().checked_data(x, y, numbers(sample_weight), whose)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        learning_rate: Any = None,
        seed: Any = None,
        resume: Any = None,
    ) -> History:
        """Train on x and y; see `minnet.Sequential.fit`."""
        samples(x, self.built_for)  # batches of a generator are refused before y is missed
        for name, steps in (
            ("steps_per_epoch", steps_per_epoch),
            ("validation_steps", validation_steps),
        ):
            if steps is not None:
                no_streams(name)
        if y is None:
            refuse("fit", "x without y", y, "For an autoencoder write fit(x, x).")
        told = listed(callbacks)
        for one in told:
            refuse_keras_own(one, "fit's callbacks")
        if (initial_epoch, validation_freq) != (0, 1):
            told = [WhichEpochs(initial_epoch, validation_freq), *told]
        try:
            history = super().fit(
                x,
                y,
                batch_size=32 if batch_size is None else batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=told,
                validation_split=validation_split or 0.0,
                validation_data=validation_data,
                shuffle=shuffle,
                class_weight=class_weight,
                sample_weight=sample_weight,
                learning_rate=learning_rate,
                seed=seed,
                resume=resume,
            )
        except DivergedError as error:
            if self.history is None or not any(isinstance(one, TerminateOnNaN) for one in told):
                raise
            print(f"Invalid loss, terminating training: {error}")
            history = self.history
        history.history = Figures(history.history)
        history.model = self
        return history

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one training step. Returns the loss before it, with the metrics in a list."""
        if class_weight is not None:
            with unchanged_where_refused(self):
                weighted = self.checked_data(x, y, sample_weight)
                sample_weight = weighted_by_class(self, weighted, class_weight).weight
        figures = {"loss": super().train_on_batch(x, y, sample_weight)}
        if self.metrics:
            data, prediction = self.checked_data(x, y), self.training_step.outputs[-1]
            for metric in self.metrics:
                figures[metric.name] = metric.result(metric.statistics(prediction, data.target))
        return figures if return_dict else as_keras(figures)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """What `evaluate` gives for one batch."""
        return self.evaluate(x, y, sample_weight=sample_weight, return_dict=return_dict)

    def evaluate(  # type: ignore[override]
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics, as a list; the loss alone as a number."""
        shown = 0 if verbose in (0, "auto") else 1
        told = told_by(self, listed(callbacks), "test")
        tell(told, "on_test_begin", {})
        if told:
            x, y = samples(x, self.built_for), targets(y)
            for batch, rows in enumerate(batches(len(x), batch_size)):
                tell(told, "on_test_batch_begin", batch, {})
                logs = super().evaluate(x[rows], y[rows], return_dict=True)
                tell(told, "on_test_batch_end", batch, logs)
        named = super().evaluate(x, y, batch_size, shown, sample_weight, return_dict=True)
        figures = dict(named.items())
        tell(told, "on_test_end", figures)
        return figures if return_dict else as_keras(figures)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Array:
        """Predictions for x, in inference mode."""
        x = samples(x, self.built_for)
        if not self.built and hasattr(x, "shape"):
            self.build_for(x.shape[1:])
        told = told_by(self, listed(callbacks), "predict")
        tell(told, "on_predict_begin", {})
        for batch, rows in enumerate(batches(len(x), batch_size) if told else ()):
            tell(told, "on_predict_batch_begin", batch, {})
            outputs = super().predict(x[rows])
            tell(told, "on_predict_batch_end", batch, {"outputs": outputs})
        prediction = super().predict(x, batch_size)
        tell(told, "on_predict_end", {})
        return prediction

    def __call__(self, x: Any, training: bool | None = False, mask: Any = None) -> Any:
        """What `predict(x)` gives; with `training`, dropout drops and noise is added."""
        if isinstance(x, (layers.Input, Symbolic)):
            shape = sample_shape(x)
            if not self.built:
                self.build_for(shape)
            above = layer_shapes(list(self.layers), shape)[-1]
            return Symbolic(above, self.name, self, "output", below=x)
        if not training:
            return tensor(self.predict(x))
        x = samples(x, self.built_for)
        if not self.built:
            self.build_for(x.shape[1:])
        memos = [{"rng": self.rng} for _ in self.steps]
        return tensor(self.forward(x.astype(self.dtype), memos)[-1])

    # --- files ----------------------------------------------------------------------------------

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        *,
        include_optimizer: bool = True,
        save_format: Any = None,
    ) -> None:
        """Write the whole model to one file, in minnet's format whatever its name."""
        warn_of_name(filepath)
        saving.save(self, filepath, include_optimizer=include_optimizer, any_name=True)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, *, save_format: Any = None
    ) -> None:
        """Write the weights, with the architecture they belong to, to one file."""
        warn_of_name(filepath)
        saving.save(self, filepath, include_optimizer=False, any_name=True)

    def load_weights(  # type: ignore[override]
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Copy weights from a file; by name, or leaving out what does not fit, where asked."""
        self.require_built()
        form = form_of_keras(filepath)
        if form == "HDF5":
            self.set_weights(weights_of_keras(filepath, self, "load_weights"))
        elif not (form or skip_mismatch or by_name):
            super().load_weights(filepath)
        else:
            source = model_of_keras(filepath, "load_weights")[0] if form else core.load(filepath)
            if not (skip_mismatch or by_name):  # by order, as in Keras
                self.set_weights(source.get_weights())
            else:
                load_what_fits(self, source, skip_mismatch=skip_mismatch)

    def to_json(self) -> str:
        """Return the layers as text, which `model_from_json` reads; no weights."""
        import json

        return json.dumps({"class_name": "Sequential", "config": self.get_config()})

    def get_config(self) -> dict[str, Any]:
        """Return the layers as plain values, which `from_config` reads."""
        return {
            "name": self.name,
            "dtype": self.dtype.name,
            "input_shape": None if self.built_for is None else list(self.built_for),
            "counts_input": self.counts_input,
            "layers": [to_config(layer) for layer in self.layers],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """Return the model that `get_config` described, with fresh weights."""
        return described_model({"config": config})

    def reset_metrics(self) -> None:
        """Do nothing: each fit and each evaluation gathers its own."""

    def predict_on_batch(self, x: Any) -> Array:
        """What `predict(x)` gives."""
        return self.predict(x)

    def summary(  # type: ignore[override]
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print the layers; the width follows from what is in them."""
        super().summary(print if print_fn is None else print_fn)


def described_model(described: Any) -> Sequential:
    """Return the model that a description makes.

    Raises
    ------
    ValueError
        It is not one that this door wrote.
    """
    try:
        config = described["config"]
        name, dtype, shape = config["name"], config["dtype"], config["input_shape"]
        made = [from_config(layer, Sequential.classes_in_files) for layer in config["layers"]]
    except (KeyError, TypeError):
        raise ValueError(
            "model_from_json takes what to_json of a minnet.keras model gave. Got another "
            "description. Write the layers out, and load the weights with set_weights."
        ) from None
    model = Sequential(made, name=name, dtype=dtype)
    if shape is not None and not model.built:
        core.Sequential.build(model, tuple(shape))
    if config.get("counts_input"):
        model.counts_input = True
    return model


def as_keras(figures: dict[str, float]) -> Any:
    """Return figures as a list, and one alone as a number."""
    values = list(figures.values())
    return values if len(values) > 1 else values[0]


def batches(rows: int, batch_size: int | None) -> list[slice]:
    """Return the rows of each batch."""
    size = 32 if batch_size is None else batch_size
    return [slice(start, start + size) for start in range(0, rows, size)]


def told_by(model: Sequential, callbacks: Any, kind: str) -> list[Any]:
    """Return those callbacks that have a hook of `evaluate` or `predict`; they get the model."""
    chosen = [one for one in callbacks if hasattr(one, "set_model")]
    for one in chosen:
        one.set_model(model)
    return [one for one in chosen if overrides(one, f"on_{kind}_")]


def overrides(callback: Any, start: str) -> bool:
    """Whether a callback has a hook of its own whose name begins so."""
    names = [name for name in dir(type(callback)) if name.startswith(start)]
    return any(getattr(type(callback), name) is not getattr(Callback, name) for name in names)


def tell(callbacks: Iterable[Any], hook: str, *arguments: Any) -> None:
    """Call this hook of all."""
    for one in callbacks:
        getattr(one, hook)(*arguments)


def listed(callbacks: Any) -> Any:
    """Return callbacks or metrics as a list; Keras takes one alone, and a dict."""
    if isinstance(callbacks, dict):
        callbacks = list(callbacks.values())
    if callbacks is None or isinstance(callbacks, (list, tuple)):
        return list(callbacks or ())
    return [callbacks]


def chosen_metrics(chosen: Any, weighted: Any, *, several_answers: bool) -> list[Any]:
    """Return compile's metrics as minnet's.

    Parameters
    ----------
    several_answers
        Whether each output says yes or no for itself, so that "accuracy" counts each for itself.
    """

    def meant(one: Any) -> Any:
        if several_answers and one in ("accuracy", "acc"):
            return BinaryAccuracy(name=one)
        return metrics.get(one)

    plain = [one for many in listed(chosen) for one in listed(many)]
    return [meant(one) for one in plain] + [
        Weighted(meant(one), name=meant(one).name if one not in plain else None)
        for one in listed(weighted)
    ]
