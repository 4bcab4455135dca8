"""Layers, one on top of the other: their names, and the shapes that flow through."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast

import numpy as np

from minnet.engine.building import build, find_name, shape_above
from minnet.engine.ends import check_class_names
from minnet.engine.originals import copied
from minnet.engine.selection import Layers, nothing_learns
from minnet.engine.shapes import draw_misfit, layer_shapes
from minnet.foundation import checks
from minnet.foundation.checks import Array, Shape
from minnet.foundation.columns import Name
from minnet.foundation.registry import Configurable
from minnet.foundation.strict import Strict, setting
from minnet.layers import Input, Layer
from minnet.layers.base import bind, unchanged_on_error


class Stack(Strict):
    """A list of layers that fit together, built as soon as the shape of the input is known.

    `Sequential` explains the arguments.
    """

    every_method = True

    columns: list[Name] | None = None
    """The names of the columns of x, where the training data had any."""

    counts_input: bool = False
    """Whether `layers` counts the Input as its first entry, as a door may; a file says so."""

    classes_in_files: ClassVar[Mapping[str, type[Configurable]]] = MappingProxyType({})
    """Class name in a file → the class to make of it, where a model's class has its own: a door."""

    told_of_originals: bool = False  # whether a fit has said that copies stay apart
    name: str = setting(checks.line, whose="The model's")
    rng: np.random.Generator = setting(checks.a_generator, whose="The model's")
    read_only: ClassVar[dict[str, str]] = {
        "layers": "Use add, pop and replace_head.",
        "dtype": "Make another model: Sequential(…, dtype=…).",
    }

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
        self._class_names: list[str] | None = None
        self._first_rng = copy.deepcopy(self.rng)  # to start over with the same weights
        self._layers: list[Layer] = []
        self._steps: list[Layer] = []
        self._input_shape: Shape | None = None
        self._lay_out()
        if isinstance(layers, (Layer, Stack)) or not checks.is_collection(layers):
            fix = "Use Sequential([…]), or add(layer)."
            if isinstance(layers, Stack):
                fix = "Use model.copy(), or the list of its layers: Sequential(model.layers)."
            raise TypeError(f"Sequential takes a list of layers. Got {checks.short(layers)}. {fix}")
        layers = list(layers)
        if type(self).add is Stack.add:
            self.add_all(layers)
            return
        with unchanged_on_error([layer for layer in layers if isinstance(layer, Layer)]):
            for layer in layers:  # a subclass does something of its own with each
                self.add(layer)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of all arrays."""
        return self._dtype

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

        Parameters
        ----------
        layer
            A `Layer`, or first of all an `Input(shape)`. One of another model is copied.

        Raises
        ------
        TypeError
            Not a layer; a model inside a model.
        ValueError
            The layer is in this model already, its name is taken, or it does not fit.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential(seed=0)
        >>> model.add(Dense(4, activation="relu", input_dim=2))
        >>> model.add(Dense(1))
        >>> model.output_shape
        (1,)
        """
        self.add_all([layer])

    def add_all(self, layers: Iterable[Layer | Input]) -> None:
        """Put layers on top of the stack, one after the other: all of them, or none.

        What `add` does for each, but that the arrays are laid out once: a thousand layers take as
        long for each as ten.
        """
        new, stack = list(layers), list(self._layers)
        bits, state = self.rng.bit_generator, self.rng.bit_generator.state
        try:
            with unchanged_on_error([layer for layer in new if isinstance(layer, Layer)]):
                input_shape = self._put_on(stack, new)
        except BaseException:
            bits.state = state  # whatever was drawn for them
            raise
        for layer in stack[len(self._layers) :]:
            layer.owner = self.name
        self._layers, self._input_shape = stack, input_shape
        self._lay_out()

    def _put_on(self, stack: list[Layer], new: Iterable[Layer | Input]) -> Shape | None:
        """Append layers to a stack, named and built; return the shape of the input."""
        input_shape = shape = self._input_shape
        if shape is not None and stack:
            shape = layer_shapes(stack, shape)[-1]
        by_name = {layer.name: layer for layer in stack}
        counts = Counter(type(layer) for layer in stack)
        for layer in new:
            if isinstance(layer, Input):
                if stack or input_shape is not None:
                    raise ValueError("An Input comes before all layers, and once.")
                input_shape = shape = layer.shape
                continue
            _check_new(layer, by_name)
            if layer.owner is not None:  # it belongs to another model, which stays as it is
                layer = self.take_copy(layer)
            counts[type(layer)] += 1
            if layer.name is None or layer.name in by_name:
                layer.take_name(self.find_name(layer, counts[type(layer)], by_name))
            if not stack and input_shape is None:
                input_shape = shape = layer.input_shape or layer.built_for
            if input_shape is not None and shape is not None:
                built_for, shape = shape, shape_above(layer, shape, stack, input_shape)
                build(layer, built_for, self.dtype, self.rng)
            stack.append(layer)
            by_name[layer.name] = layer
        return input_shape

    def take_copy(self, layer: Layer) -> Layer:
        """Return what stands here for a layer of another model: a copy, which stays apart."""
        return copied(layer)

    def find_name(self, layer: Layer, number: int, taken: Container[str | None]) -> str:
        """Return a name for a layer that has none, or whose name another layer has here.

        A name that a model found gives way by itself; one that the user gave is refused.

        Parameters
        ----------
        number
            How many layers of its class there are.
        """
        return find_name(layer, number, taken)

    def find_input_shape(self) -> Shape | None:
        """Return the shape of a sample that is known from elsewhere; a class below may know one."""
        return None

    def check_new(self, layer: object) -> None:
        """Refuse what cannot be put on top."""
        by_name = {known.name: known for known in self._layers}
        _check_new(layer, by_name)
        if isinstance(layer, Layer) and layer.name in by_name:
            self.find_name(layer, 1, by_name)

    def pop(self) -> Layer:
        """Take the top layer off and return it, with weights of its own.

        Raises
        ------
        ValueError
            The model has no layer.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, input_dim=2), Dense(1)], seed=0)
        >>> model.pop().name, model.output_shape
        ('dense_2', (4,))
        """
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

    def build(self, input_shape: Shape | int) -> None:
        """Create the weights for samples of this shape.

        Parameters
        ----------
        input_shape
            The shape of one sample, without the batch: `(784,)`, `(28, 28, 1)`, or an int for one
            axis.

        Raises
        ------
        ValueError
            The model is built for another shape, or a layer cannot take it.
        RuntimeError
            The model has no layers.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4), Dense(1)], seed=0)
        >>> model.build((2,))
        >>> model.layers[0].W.shape
        (2, 4)
        """
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
        with unchanged_on_error(self._layers, self.rng):
            shapes = [shape, *layer_shapes(self._layers, shape)]
            for layer, built_for in zip(self._layers, shapes, strict=False):
                build(layer, built_for, self.dtype, self.rng)
        self._input_shape = shape
        self._lay_out()

    def rebuild_as(self, layers: Sequence[Layer], input_shape: Shape | None, *, anew: bool) -> None:
        """Take layers that were put back, for samples of this shape; `anew` lays them out."""
        others = list(map(id, layers)) != list(map(id, self._layers))
        self._layers, self._input_shape = list(layers), input_shape
        if anew or others:
            self._lay_out()

    @property
    def built_for(self) -> Shape | None:
        """The shape of one sample of x, where it is known."""
        return self._input_shape

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return bool(self._layers) and self._input_shape is not None

    def redraw(self, seed: int | np.random.Generator | None = None) -> None:
        """Draw all weights anew, as when the layers were built.

        Without a seed, a model that was given one and whose layers were only ever added gets the
        weights that it began with. Any other gets fresh ones.
        """
        rng = copy.deepcopy(self._first_rng) if seed is None else checks.generator(seed)
        self.require_built()
        self.rng = rng
        for layer in self._layers:
            if layer.arrays():
                layer.redraw(layer.built_for or self.input_shape, rng)
        self.tell_written()

    def tell_written(self) -> None:
        """Tell who follows the layers that arrays were written: a call that writes ends so."""
        for layer in self._layers:
            if layer.follower is not None:
                layer.tell("weights")

    def seed_anew(self, rng: np.random.Generator) -> None:
        """Draw from this generator from now on, as a model that was made with it."""
        self.rng, self._first_rng = rng, copy.deepcopy(rng)

    @property
    def input_shape(self) -> Shape:
        """The shape of one sample of x."""
        self.require_built()
        return cast("Shape", self._input_shape)

    @property
    def output_shape(self) -> Shape:
        """The shape of one sample of the prediction."""
        return layer_shapes(self._layers, self.input_shape)[-1]

    def draw_misfit(self, x: Array) -> str:
        """Return a drawing of x meeting a first layer that takes samples of another shape."""
        batch = len(x) if x.ndim else None
        return draw_misfit(self._layers, self._input_shape, x.shape[1:], batch)

    def require_built(self) -> None:
        """Raise RuntimeError where the weights do not exist yet."""
        if not self._layers:
            raise RuntimeError("The model has no layers yet. Use add(layer) first.")
        if self._input_shape is None and (shape := self.find_input_shape()) is not None:
            self.build(shape)
        if self._input_shape is None:
            raise RuntimeError(
                "The model is not built: it does not know the shape of its input. Give the first "
                "layer input_dim=…, call build((784,)), or fit it."
            )

    def require_trainable(self, flags: Sequence[bool] | None = None) -> None:
        """Raise ValueError where a training would change nothing.

        Parameters
        ----------
        flags
            Whether each layer is to be trainable; as it is now, if None.
        """
        layers = self._layers
        flags = [layer.trainable for layer in layers] if flags is None else flags
        learning = (on and layer.parameters for layer, on in zip(layers, flags, strict=True))
        if layers and not any(learning):
            raise ValueError(nothing_learns(layers))

    def _lay_out(self) -> None:
        """List the steps that run, after layers came or went."""
        self._steps = []
        for layer in self._layers:
            steps = layer.steps()
            for step in steps:
                if step is not layer:
                    step.within = layer.name
            self._steps.extend(steps)

    @property
    def class_names(self) -> list[str] | None:
        """What the classes are called, by label; saved with the model, and used in errors."""
        return self._class_names

    @class_names.setter
    def class_names(self, names: Iterable[str] | None) -> None:
        if names is None:
            self._class_names = None
            return
        outputs = self.output_shape if self.built else None
        self._class_names = check_class_names(names, outputs)

    # --- copies ---------------------------------------------------------------------------------

    def copy(self) -> Self:
        """Return an independent model with the same layers, weights and settings.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
        >>> twin = model.copy()
        >>> twin.theta = [1.0, 2.0, 3.0]
        >>> bool((model.theta == twin.theta).any())
        False
        """
        return copy.deepcopy(self)

    def in_dtype(self, dtype: Any) -> Self:
        """Return a copy with the same weights that computes in another dtype, for checking.

        Parameters
        ----------
        dtype
            float32, float64 or complex128.
        """
        new = copy.deepcopy(self)
        new._dtype = checks.dtype(dtype, "in_dtype's dtype", (*checks.DTYPES, "complex128"))
        new._lay_out()
        return new

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what `_lay_out` makes."""
        return {name: value for name, value in vars(self).items() if name != "_steps"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        for layer in self._layers:
            layer.owner = self.name
        self._lay_out()

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self._layers))
        return f"<{type(self).__name__} {self.name!r}: {inside or 'no layers'}>"


def _check_new(layer: object, by_name: Mapping[str | None, Layer]) -> None:
    """Refuse what cannot be put on top of a stack with these layers."""
    if isinstance(layer, Stack):
        raise TypeError(
            "Sequential takes layers, not a model inside a model. Put its layers in: "
            "Sequential(base.layers + [Dense(10)]) copies them with their weights."
        )
    if not isinstance(layer, Layer):
        hint = f" Call it: {layer.__name__}(…)." if isinstance(layer, type) else ""
        raise TypeError(f"Sequential takes layers. Got {checks.short(layer)}.{hint}")
    known = None if layer.name is None else by_name.get(layer.name)
    if known is layer:
        raise ValueError(
            f"{layer.label} is in this model already, and a layer has one place. "
            "Add a copy: layer.copy(), under another name."
        )
