"""The models, by Keras' names, and how they come out of files and descriptions."""

from __future__ import annotations

from typing import Any, ClassVar

from minnet import models as core
from minnet.files.saved import load_as
from minnet.foundation.checks import warn
from minnet.foundation.registry import Configurable, register, snake_case
from minnet.foundation.strict import named
from minnet.keras import layers, losses, metrics, optimizers, words
from minnet.keras.calls import called_by, in_attributes
from minnet.keras.files import form_of_keras, model_of_keras
from minnet.keras.layers import BY_CORE
from minnet.keras.names import only
from minnet.keras.parts import Part, layers_between
from minnet.keras.sequential import Sequential as Sequential
from minnet.keras.sequential import described_model
from minnet.keras.variables import sample_shape
from minnet.layers import Layer

__getattr__ = words.answering(__name__)


class Functional(Sequential):
    """A model that `Model` makes of layers called on each other: a stack, with its `Input`."""


class Subclassed(Functional):
    """What a class below `Model` is: its `call` says which layers are called one on another.

    `call` runs once, when the shape of a sample is known, with an `Input` in the place of x (see
    `calls.py`); what it calls is the stack, which minnet trains. Until then `layers` are those that
    are found among the attributes.

    Parameters
    ----------
    inputs, outputs
        As `Model` takes them, for a class without a `call`.
    """

    not_called: ClassVar[Any] = {
        name: instead for name, instead in Sequential.not_called.items() if name != "call"
    }

    read_only: ClassVar[dict[str, str]] = {
        **dict.fromkeys(
            ("steps", "theta", "grad", "state", "input", "inputs", "output", "outputs", "weights"),
            "Give it another name.",
        ),
        **Sequential.read_only,
    }

    _calling: bool = False

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        dtype: str | None = None,
    ) -> None:
        super().__init__((), name=name or snake_case(type(self)), dtype=dtype)
        if inputs is not None:
            first, between = layers_between(inputs, outputs, words.FUNCTIONAL)
            self.add_all([layers.Input(sample_shape(first)), *between])
            self.begin_with(first)
        if not trainable:
            self.trainable = False

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Which layers are called on x; a class below says so."""
        raise NotImplementedError(
            f"A class below Model takes a call. Got {type(self).__name__} without one. Write "
            "call(self, inputs), which calls one layer on another and returns the last."
        )

    @property
    def layers(self) -> Any:
        """What was called, in that order; before it is known, what the attributes hold."""
        if self._calling or self.built:
            return super().layers
        return in_attributes(self)

    def build_for(self, shape: Any) -> None:
        """Let `call` run on an `Input` of this shape, and put what it called into the stack."""
        if not self.built:
            self._calling = True
            try:
                chain = called_by(self, tuple(shape))
                self.add_all([layers.Input(shape), *chain])
            finally:
                self._calling = False
        super().build_for(shape)

    def require_built(self) -> None:
        """Raise where `call` has not run."""
        if not self.built:
            raise RuntimeError(
                f"{self.name} knows its layers when its call has run. Got no x yet. Call "
                "build((None, D)), for D inputs, or give it data."
            )

    def rebuild_as(self, layers: Any, input_shape: Any, *, anew: bool) -> None:
        """Take layers that were put back; none, where `call` had not run."""
        super().rebuild_as([] if input_shape is None else layers, input_shape, anew=anew)


Model = Part("models.Model", words.FUNCTIONAL, Functional, Sequential, Subclassed)


@named
def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Sequential:
    """Return a model of the same layers with weights of its own, drawn anew; it is not compiled."""
    only(
        "clone_model",
        "Change the layers of the copy.",
        input_tensors=(input_tensors, None),
        clone_function=(clone_function, None),
    )
    layers = [kind_of(layer).from_config(layer.get_config()) for layer in model.layers]
    for new, old in zip(layers, model.layers, strict=True):
        new.name, new.trainable = old.name, old.trainable
    clone = Sequential(layers, name=model.name, dtype=model.dtype.name)
    if model.built_for is not None and not clone.built:
        core.Sequential.build(clone, model.built_for)
    if model.counts_input:
        clone.counts_input = True
    return clone


def kind_of(layer: Layer) -> Any:
    """Return the class behind this door of a layer, or its own where there is none."""
    return BY_CORE.get(type(layer).__name__, type(layer)) if is_core(layer) else type(layer)


def is_core(layer: Layer) -> bool:
    """Whether a layer is of a class of the core."""
    return type(layer).__module__.startswith("minnet.layers")


@named
def model_from_json(json_string: str, custom_objects: Any = None) -> Sequential:
    """Return the model that `to_json` described, with fresh weights; it is not compiled."""
    import json

    return described_model(json.loads(json_string))


@named
def load_model(
    filepath: Any,
    custom_objects: Any = None,
    compile: bool = True,  # noqa: A002 - Keras' word
    safe_mode: bool = True,
) -> Sequential:
    """Return the model that `save` wrote, here or in Keras 3 (a `.keras` file).

    Of a model from Keras the weights, all settings, optimizer, loss and metrics come along, and
    not what the optimizer remembers.

    Parameters
    ----------
    custom_objects
        Name → class of your own; `minnet.register` above the class does the same.
    compile
        Whether it is trained as it was.
    """
    for kind in (custom_objects or {}).values():
        if isinstance(kind, type) and issubclass(kind, Configurable):
            register(kind)
    if form_of_keras(filepath):
        read, compile_config = model_of_keras(filepath, "load_model")
        model = copied_weights(read)
        if compile and compile_config:
            compile_as_described(model, compile_config)
        return model
    model = load_as(Sequential, filepath)
    if not compile:
        model = copied_weights(model)
    return model


def compile_as_described(model: Sequential, described: Any) -> None:
    """Compile a model as a file of Keras says; warn where minnet cannot."""
    try:
        made = {
            name: from_keras_config(described.get(name), room)
            for name, room in (
                ("optimizer", optimizers),
                ("loss", losses),
                ("metrics", metrics),
                ("weighted_metrics", metrics),
            )
        }
        model.compile(**made)
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        warn(f"The model is loaded, and not compiled as it was in Keras: {error} Compile it.")


def from_keras_config(value: Any, room: Any) -> Any:
    """Return what Keras describes in a file, made of the classes of a module behind this door."""
    from minnet.exchange.keras_layers import as_typed

    if isinstance(value, (list, tuple)):
        return [from_keras_config(one, room) for one in value]
    if not isinstance(value, dict):
        return as_typed(value)
    if "class_name" not in value:
        return {key: from_keras_config(one, room) for key, one in value.items()}
    kind = vars(room).get(value["class_name"])
    if not isinstance(kind, type) or not str(value.get("module")).startswith("keras"):
        raise ValueError(f"minnet.keras has no {value['class_name']}.")
    rooms = {"learning_rate": optimizers.schedules, "fn": losses}
    config = value.get("config") or {}
    return kind(**{k: from_keras_config(one, rooms.get(k, room)) for k, one in config.items()})


def copied_weights(model: core.Sequential) -> Sequential:
    """Return a clone with the same weights, which is not compiled."""
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    for new, old in zip(clone.layers, model.layers, strict=True):
        new.origin = old.origin
    return clone


@named
def save_model(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the model to one file."""
    model.save(filepath, overwrite)
