"""A stack of layers, with all its weights in one vector: forward, backward, freezing.

One training step, and what flows through it, stands in `step.py`; how a network is trained in
`models.py`.
"""

from __future__ import annotations

import copy
import numbers
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self, cast

import numpy as np

from minnet.engine.selection import Layers, Selector, head_index, select
from minnet.engine.shapes import draw_misfit, layer_shapes
from minnet.engine.step import run_backward, run_forward, way_back
from minnet.foundation import checks
from minnet.foundation.checks import Array, Shape
from minnet.foundation.registry import snake_case
from minnet.foundation.strict import Strict, setting
from minnet.layers import Dense, Input, Layer
from minnet.layers.base import Memo, assign, bind
from minnet.regularizers import Regularizer


class Route(NamedTuple):
    """How a training step runs through the model's steps, as things are frozen now."""

    trains: tuple[bool, ...]  # for each step: whether it gets a memo (a frozen one gets none)
    learns: tuple[bool, ...]  # for each step: whether its weights want a gradient
    differs: tuple[int, ...]  # the steps that train and are not the same in inference
    lowest: int  # the lowest step that learns; below it no gradient is needed
    fixed: int  # how many of the first steps give the same y for the same x, step after step
    penalties: tuple[tuple[Array, Array, Regularizer], ...]  # weights, their gradients, penalties


def _a_generator(value: object, who: str) -> np.random.Generator:
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{who} takes a numpy.random.Generator, such as numpy.random.default_rng(0). Got "
            f"{checks.short(value)}."
        )
    return value


class Network(Strict):
    """Layers, one on top of the other, with their arrays as views into three vectors.

    `Sequential` is the network that can be trained; its docstring explains the arguments.
    """

    every_method = True
    read_only: ClassVar[dict[str, str]] = {
        "layers": "Use add, pop and replace_head.",
        "dtype": "Make another model: Sequential(…, dtype=…).",
        "optimizer": "Use compile(optimizer=…, loss=…).",
        "loss": "Use compile(optimizer=…, loss=…).",
        "metrics": "Use compile(…, metrics=[…]).",
        "updates": "Use compile(optimizer=…, loss=…).",
    }

    name: str = setting(checks.text, whose="The model's")
    rng: np.random.Generator = setting(_a_generator, whose="The model's")
    preprocessing: str | None
    outputs: list[Array]

    def __init__(
        self,
        layers: Iterable[Layer | Input] = (),
        *,
        seed: int | np.random.Generator | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Sequential's name takes text. Got {checks.short(name)}.")
        self.name = name or "sequential"
        self._dtype = checks.dtype(dtype, "Sequential's dtype")
        self.rng = checks.generator(seed, "Sequential's seed")
        self._first_seed = copy.deepcopy(self.rng)  # to start over with the same weights
        self._class_names: list[str] | None = None
        self._scale_checked = False
        self.preprocessing = None
        self._layers: list[Layer] = []
        self._steps: list[Layer] = []
        self._input_shape: Shape | None = None
        self._begin()
        if isinstance(layers, (Layer, Network, str)) or not isinstance(layers, Iterable):
            raise TypeError(
                f"Sequential takes a list of layers. Got {checks.short(layers)}. "
                "Use Sequential([…]), or add(layer)."
            )
        layers = list(layers)
        with _as_before_on_error([layer for layer in layers if isinstance(layer, Layer)]):
            for layer in layers:
                self.add(layer)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the weights, and all that is computed with them, are kept in."""
        return self._dtype

    def in_dtype(self, dtype: Any) -> Self:
        """A copy with the same weights that computes in another dtype, for checking.

        Parameters
        ----------
        dtype
            float32, float64 or complex128.
        """
        model = self.copy()
        if np.dtype(dtype) == np.complex128:
            model._dtype = np.dtype(np.complex128)
        else:
            model._dtype = checks.dtype(dtype, "in_dtype's dtype")
        model._lay_out()
        return model

    # --- the stack ------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """What was added, in order. The list is a copy: use `add`, `pop`, `replace_head`."""
        return Layers(self._layers)

    @property
    def steps(self) -> list[Layer]:
        """What runs, in order."""
        return list(self._steps)

    def add(self, layer: Layer | Input) -> None:
        """Put a layer on top of the stack, and build it if the input's shape is known.

        Raises
        ------
        TypeError
            Not a layer; a model inside a model.
        ValueError
            The layer is in this model already, its name is taken, or it does not fit.
        """
        if isinstance(layer, Input):
            if self._layers or self._input_shape is not None:
                raise ValueError("An Input comes before all layers, and once.")
            self._input_shape = layer.shape
            return
        self._check_new(layer)
        if layer.owner is not None:  # it belongs to another model, which stays as it is
            source, layer = layer, layer.copy()
            layer.origin = origin_of_copy(source)
        input_shape = self._input_shape
        if not self._layers:
            input_shape = input_shape or layer.input_shape or layer.built_for
        layers = [*self._layers, layer]
        with _as_before_on_error([layer]):
            if layer.name is None:
                layer.name = self._free_name(layer)
            if input_shape is not None:
                shapes = layer_shapes(layers, input_shape)
                _build(layers, [input_shape, *shapes], self.dtype, self.rng)
        self._input_shape = input_shape
        self._layers = layers
        layer.owner = self.name
        self._lay_out()

    def _check_new(self, layer: object) -> None:
        if isinstance(layer, Network):
            raise TypeError(
                "Sequential takes layers, not a model inside a model. Put its layers in: "
                "Sequential(base.layers + [Dense(10)]) copies them with their weights."
            )
        if not isinstance(layer, Layer):
            hint = f" Call it: {layer.__name__}(…)." if isinstance(layer, type) else ""
            raise TypeError(f"Sequential takes layers. Got {checks.short(layer)}.{hint}")
        if any(layer is known for known in self._layers):
            raise ValueError(
                f"{layer.label} is in this model already, and a layer has one place. "
                "Add a copy: layer.copy(), under another name."
            )
        if layer.name is not None and layer.name in {known.name for known in self._layers}:
            raise ValueError(
                f"Each layer of a model takes a name of its own. Got a second {layer.name!r}. "
                "Give one of them another: layer = layer.copy(); layer.name = …"
            )

    def _free_name(self, layer: Layer) -> str:
        stem = snake_case(type(layer))
        taken = {known.name for known in self._layers}
        number = sum(type(known) is type(layer) for known in self._layers) + 1
        while f"{stem}_{number}" in taken:
            number += 1
        return f"{stem}_{number}"

    def pop(self) -> Layer:
        """Take the top layer off and return it, with weights of its own."""
        if not self._layers:
            raise ValueError("pop takes a layer off a model that has one. Got an empty model.")
        layer = self._layers[-1]
        self._layers = self._layers[:-1]
        layer.owner = None
        if layer.built:
            bind([layer], layer.dtype)
            if layer.arrays() and layer.origin == "new":  # it may have been trained
                layer.origin = f"popped off {self.name}"
        self._lay_out()
        return layer

    def get_layer(self, name: str | int) -> Layer:
        """The layer of this name or index."""
        if not isinstance(name, (str, numbers.Integral)) or isinstance(name, bool):
            raise TypeError(f"get_layer takes a name or an index. Got {checks.short(name)}.")
        found = select(self._layers, name, "get_layer")
        if len(found) != 1:
            raise ValueError(
                f"get_layer takes one layer's name. Got {name!r}, which means several."
            )
        return found[0]

    def build(self, input_shape: Shape | int) -> None:
        """Create the weights for samples of this shape, given without the batch."""
        shape = checks.shape(input_shape, "build's input_shape")
        if self._input_shape is not None and self._input_shape != shape:
            raise ValueError(
                f"The model is built for samples of shape {self._input_shape}. Got {shape}. "
                "Make a new model for other data. "
                f"{draw_misfit(self._layers, self._input_shape, shape)}"
            )
        if self.built:
            return
        if not self._layers:
            raise RuntimeError("The model has no layers yet. Use add(layer) first.")
        with _as_before_on_error(self._layers):
            _build(self._layers, [shape, *layer_shapes(self._layers, shape)], self.dtype, self.rng)
        self._input_shape = shape
        self._lay_out()

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return bool(self._layers) and self._input_shape is not None

    @property
    def input_shape(self) -> Shape:
        """The shape of one sample of x."""
        self._require_built()
        return cast("Shape", self._input_shape)

    @property
    def output_shape(self) -> Shape:
        """The shape of one sample of the prediction."""
        return self._output_shape_for(self.input_shape)

    def _output_shape_for(self, input_shape: Shape) -> Shape:
        return layer_shapes(self._layers, input_shape)[-1]

    def _draw_misfit(self, x: Array) -> str:
        batch = len(x) if x.ndim else None
        return draw_misfit(self._layers, self._input_shape, x.shape[1:], batch)

    def _require_built(self) -> None:
        if not self._layers:
            raise RuntimeError("The model has no layers yet. Use add(layer) first.")
        if self._input_shape is None:
            raise RuntimeError(
                "The model is not built: it does not know the shape of its input. Give the first "
                "layer input_dim=…, call build((784,)), or fit it."
            )

    def _lay_out(self) -> None:
        """Make theta, grad and state anew, with every layer's arrays as views into them."""
        self._steps = []
        for layer in self._layers:
            steps = layer.steps()
            for step in steps:
                if step is not layer:
                    step.within = layer.name
            self._steps.extend(steps)
        built = [layer for layer in self._layers if layer.built]
        self._theta, self._grad, self._state = bind(built, self.dtype)
        self._switches: object = None
        self.outputs = []
        self._memos: list[Memo | None] = []

    # --- copies ---------------------------------------------------------------------------------

    def copy(self) -> Self:
        """An independent model with the same layers, weights and settings."""
        return copy.deepcopy(self)

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        passing = ("_theta", "_grad", "_state", "_busy", "_switches", "_steps", "outputs", "_memos")
        return {name: value for name, value in self.__dict__.items() if name not in passing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for layer in self._layers:
            layer.owner = self.name
        self._begin()

    def _begin(self) -> None:
        """What a model has that is neither saved nor copied."""
        self._busy = threading.Lock()
        self._lay_out()

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self._layers))
        return f"<{type(self).__name__} {self.name!r}: {inside or 'no layers'}>"

    # --- weights --------------------------------------------------------------------------------

    @property
    def theta(self) -> Array:
        """All weights as one vector (P,); setting it copies the values in."""
        self._require_built()
        return self._theta

    @theta.setter
    def theta(self, values: Any) -> None:
        self._set_vector(self.theta, values, "theta")

    @property
    def grad(self) -> Array:
        """All gradients as one vector (P,), in theta's layout; setting it copies the values in."""
        self._require_built()
        return self._grad

    @grad.setter
    def grad(self, values: Any) -> None:
        self._set_vector(self.grad, values, "grad")

    @property
    def state(self) -> Array:
        """The arrays that are saved but not learned, as one vector; setting it copies in."""
        self._require_built()
        return self._state

    @state.setter
    def state(self, values: Any) -> None:
        self._set_vector(self.state, values, "state")

    def _set_vector(self, vector: Array, values: Any, name: str) -> None:
        if values is vector:  # `model.theta += 1` has done its work
            return
        values = checks.as_array(values, name)
        if values.shape != vector.shape:
            raise ValueError(f"{name} takes {vector.shape}. Got {values.shape}.")
        checks.finite(values, name, vector.dtype)
        vector[...] = values

    def named_arrays(self) -> dict[str, Array]:
        """All arrays, `dense_1.W` and so on, in Keras' order; views, no copies."""
        self._require_built()
        return {
            f"{layer.name}.{name}": array
            for layer in self._layers
            for name, array in layer.arrays().items()
        }

    def get_weights(self) -> list[Array]:
        """Copies of all arrays, in Keras' order and layout."""
        return [array.copy() for array in self.named_arrays().values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy arrays in, in the order of `get_weights`: all of them or none.

        Raises
        ------
        ValueError
            Another number of arrays, another shape, NaN or infinity; the message lists what the
            model wants beside what came.
        """
        assign("set_weights", self.named_arrays(), weights)

    def count_params(self) -> int:
        """How many numbers the model holds, running statistics included."""
        self._require_built()
        return int(self._theta.size + self._state.size)

    @property
    def class_names(self) -> list[str] | None:
        """What the classes are called, by label; saved with the model, and used in errors."""
        return self._class_names

    @class_names.setter
    def class_names(self, names: Iterable[str] | None) -> None:
        if names is None:
            self._class_names = None
            return
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise TypeError(f"class_names takes a list of texts. Got {checks.short(names)}.")
        names = list(names)
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong:
            raise TypeError(f"class_names takes texts. Got {checks.short(wrong[0])}. Use str(…).")
        if len(set(names)) < len(names):
            raise ValueError(f"class_names takes different texts. Got {checks.short(names)}.")
        outputs = self.output_shape if self.built else (len(names),)
        yes_or_no = outputs == (1,) and len(names) == 2
        if outputs != (len(names),) and not yes_or_no:
            raise ValueError(
                f"class_names takes one name for each output, {outputs[-1]}. Got {len(names)}."
            )
        self._class_names = names

    # --- freezing -------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any layer is trainable; setting it sets all layers."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = checks.boolean(value, "model.trainable")
        for layer in self._layers:
            layer.trainable = value

    def freeze(self, which: Selector | None = None) -> None:
        """Keep these layers as they are from now on, every bit.

        A frozen layer runs in inference mode, is left out of penalties and of the gradient's
        norm, and what the optimizer remembered of it is dropped.

        Parameters
        ----------
        which
            A name, an index, a slice, a pattern (`"dense_*"`), a list of these, or
            `"all_but_head"`. The head is the last Dense and all after it.

        Raises
        ------
        ValueError
            Nothing matches.
        """
        for layer in select(self._layers, which, "freeze"):
            layer.trainable = False

    def unfreeze(self, which: Selector = "*") -> None:
        """Let these layers learn again, by default all; takes what `freeze` takes."""
        for layer in select(self._layers, which, "unfreeze"):
            layer.trainable = True

    def replace_head(self, *layers: Layer, seed: int | np.random.Generator | None = None) -> Self:
        """A copy of this model with other layers in the place of its head.

        The head is the last Dense and all after it. The new layers are freshly initialised, and
        their last Dense is named "head" unless it has a name. This model stays as it is.

        Parameters
        ----------
        layers
            The new head, such as `Dense(5, activation="softmax")`.
        seed
            For the new weights, and for the fits of the new model.

        Examples
        --------
        >>> from minnet.models import Sequential
        >>> base = Sequential([Dense(8, activation="relu", input_dim=4), Dense(3)], seed=0)
        >>> model = base.replace_head(Dense(2, activation="softmax"), seed=1)
        >>> [layer.name for layer in model.layers], model.output_shape
        (['dense_1', 'head'], (2,))
        """
        self._require_built()
        rng = checks.generator(seed, "replace_head's seed")
        if not layers:
            raise ValueError(
                "replace_head takes the layers of the new head, such as Dense(5). Got none."
            )
        new = type(self)(seed=rng, dtype=self.dtype.name, name=self.name)
        new._input_shape = self._input_shape
        new.preprocessing = self.preprocessing
        for layer in self._layers[: head_index(self._layers)]:
            new.add(layer)
        fresh = []
        for layer in layers:
            new._check_new(layer)
            fresh.append(layer.from_config(layer.get_config()))
        dense = [layer for layer in fresh if isinstance(layer, Dense)]
        if dense and dense[-1].name is None:
            dense[-1].name = "head"
        for layer in fresh:
            new.add(layer)
        return new

    # --- running --------------------------------------------------------------------------------

    def forward(
        self, x: Array, memos: Sequence[Memo | None] | None = None, *, start: int = 0
    ) -> list[Array]:
        """The outputs [x, y1, y2, …, yL] of all steps; the last is the prediction.

        Parameters
        ----------
        x : (N, …) array
            The input of the step number `start`.
        memos
            One for each step, for training; None means inference.
        """
        self._require_built()
        if memos and len(memos) != len(self._steps):
            raise ValueError(
                f"forward takes one memo for each of the model's {len(self._steps)} steps. Got "
                f"{len(memos)}. Give {{}} or None for each of model.steps."
            )
        try:
            calls = [layer.forward for layer in self._steps[start:]]
            return run_forward(calls, x, memos[start:] if memos else [None] * len(calls))
        except ValueError:
            first = np.asarray(x)
            if start or first.shape[1:] == self._input_shape:
                raise  # a fault inside a layer
            checks.shaped(first, self.input_shape, "forward's x", drawn=self._draw_misfit)
            raise

    def backward(
        self,
        outputs: Sequence[Array],
        dy: Array,
        memos: Sequence[Memo | None] | None = None,
    ) -> None:
        """Fill `grad` from dy, the gradient of the loss with respect to the last output.

        Goes back from the last step to the lowest one that learns, and no further.

        Parameters
        ----------
        outputs
            What `forward` gave.
        """
        route = self._route()
        way = way_back(self._steps, route.learns, route.lowest)
        run_backward(way, outputs, dy, memos or [None] * len(self._steps))

    def _route(self) -> Route:
        switches = [layer._switches for layer in self._layers]
        if switches != self._switches:
            self._switches, self._current = switches, self._find_route()
        return self._current

    def _find_route(self) -> Route:
        trains: list[bool] = []
        learns, differs, penalties = [], [], []
        for layer in self._layers:
            for step in layer.steps():
                if layer.trainable and step.training_differs:
                    differs.append(len(trains))
                trains.append(layer.trainable)
                learns.append(layer.trainable and bool(step.weights))
            for name in () if layer.trainable else layer.weights:
                getattr(layer, "d" + name)[...] = 0.0
            for name, regularizer in layer.regularizers.items() if layer.trainable else ():
                penalties.append((getattr(layer, name), getattr(layer, "d" + name), regularizer))
        lowest = learns.index(True) if any(learns) else len(learns)
        fixed = min([lowest, *differs])
        return Route(tuple(trains), tuple(learns), tuple(differs), lowest, fixed, tuple(penalties))


def origin_of_copy(layer: Layer) -> str:
    """Where a copy of this layer's weights came from, for the summary."""
    return layer.origin if layer.origin != "new" else f"copy of {layer.owner}"


@contextmanager
def _as_before_on_error(layers: Sequence[Layer]) -> Iterator[None]:
    """Give layers back their attributes, and so no weights, when building them fails."""
    before = [dict(layer.__dict__) for layer in layers]
    try:
        yield
    except BaseException:
        for layer, attributes in zip(layers, before, strict=True):
            layer.__dict__.clear()
            layer.__dict__.update(attributes)
        raise


def _build(
    layers: Sequence[Layer], shapes: Sequence[Shape], dtype: Any, rng: np.random.Generator
) -> None:
    """Create the weights of those layers that have none, each for its shape."""
    for layer, shape in zip(layers, shapes, strict=False):
        if not layer.built or layer.built_for is None:
            if not layer.built or not layer.arrays():
                layer.dtype = dtype
                layer.build(shape, rng)
                if not layer.built:
                    missing = [
                        n for n in (*layer.weights, *layer.states) if n not in layer.arrays()
                    ]
                    raise ValueError(
                        f"{layer.label}.build creates all its weights by add_weight. Got none "
                        f"named {', '.join(missing)}."
                    )
            layer.built_for = shape
