"""The contract that every layer keeps, and the one function that lays their weights end to end.

A layer holds weights and nothing else. Running it never changes it: what one training step has to
remember goes into that step's *memo*, a dict. So a layer may predict from several threads at once,
and every number of a step can be looked at again.

Gradients are checked with complex numbers, so a formula must not lose the imaginary part. Four
NumPy functions do so silently: `np.abs`, `np.sign`, `np.var` and `np.linalg.norm` (so do `.real`
and a cast to float). Write `np.where(x.real > 0, x, -x)` for |x|, and `((x - mean) ** 2).mean()`
for the variance; compare `x.real` in conditions, since complex numbers have no order.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypedDict, cast

import numpy as np

from minnet.constraints import Constraint
from minnet.foundation.checks import (
    Array,
    Shape,
    as_array,
    batch_shape,
    boolean,
    finite,
    in_full,
    is_collection,
    short,
    text,
)
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.registry import Configurable, constructor_arguments
from minnet.foundation.strict import check_called, named, setting
from minnet.initializers import Initializer
from minnet.regularizers import Regularizer

Memo = dict[str, Any]
"""What one training step remembers of one layer; handed over empty but for `memo["rng"]`."""


LONGEST_NAME = 128
LONGEST_ARRAY_NAME = 71
"""Bytes in UTF-8: a file holds names of 200 for `layer.array`."""


def _checked_name(name: object, who: str) -> str:
    """A layer's name, which files can hold, and no path and no pattern can be mistaken for."""
    checked = text(name, who)
    if not checked or any(mark in checked for mark in "./\\*?[]\0"):
        raise ValueError(
            f"{who} takes letters, digits, '_' and '-'. Got {name!r}, which could be "
            "mistaken for a path or a pattern."
        )
    if not checked.isprintable() or len(checked.encode()) > LONGEST_NAME:
        raise ValueError(
            f"{who} takes letters, digits, '_' and '-', {LONGEST_NAME} bytes at most. Got "
            f"{short(name)}, which no file can hold."
        )
    return checked


class LayerArguments(TypedDict, total=False):
    """What every layer takes by name, besides its own arguments; see `Layer`."""

    input_shape: Shape | int | None
    name: str | None


class Layer(Configurable):
    """One step from x to y, and the way back for the gradients.

    Shapes: x is (N, …), one sample a row, and y has N rows, too.

    Axis letters in every docstring: N samples, D inputs, M outputs, K classes, P parameters. Rows
    are samples, always. `dx`, `dy`, `dW` stand for the gradient of the loss L with respect to that
    array, and have its shape.

    A layer of your own says which arrays it learns, creates them, and has three formulas, as the
    example does. Its constructor keeps each argument under its own name, and `@minnet.register`
    stands above the class, so that the layer can be saved.

    `backward` and `gradient` are two functions because they are two formulas, and because the
    first layer never needs the one and a frozen layer never needs the other.

    Parameters
    ----------
    input_shape
        The shape of one sample, for the first layer of a model.
    name
        The layer's name in summaries, errors and files; the model finds one if it is None.

    Raises
    ------
    ValueError
        A number out of range, or a name that could be taken for a path; and when it is called, an x
        of another shape than it was built for, without rows, or with NaN or infinity in it.
    TypeError
        An argument of another type, or one that no layer takes.
    RuntimeError
        The layer is called before it is built.

    Arguments of its methods
    ------------------------
    x, y, dy : (N, …) ndarray
        The layer's input and output, and ∂L/∂y.
    memo : dict or None
        What one training step remembers of this layer; None means inference.
    input_shape, shape
        The shape of one sample of x, without N; of an array that is learned or kept.
    rng
        The generator from which the weights are drawn.
    name, initializer
        An array's name, one of `parameters` or `states`, and what fills it at first.
    weights
        Arrays in the order of `get_weights`.

    Examples
    --------
    >>> import numpy as np
    >>> from minnet.initializers import Constant
    >>> class Scale(Layer):  # y = s · x, with one learned factor s for each column
    ...     parameters = ("s",)
    ...
    ...     def build(self, input_shape, rng):
    ...         self.add_weight("s", input_shape, Constant(2.0), rng)
    ...
    ...     def forward(self, x, memo=None):
    ...         return x * self.s
    ...
    ...     def backward(self, x, y, dy, memo=None):
    ...         return dy * self.s  # ∂L/∂x_nd = dy_nd · s_d
    ...
    ...     def gradient(self, x, y, dy, memo=None):
    ...         self.ds[...] = (dy * x).sum(axis=0)  # ∂L/∂s_d = Σ_n dy_nd · x_nd
    >>> layer = Scale(name="scale")
    >>> layer.build((2,), np.random.default_rng(0))
    >>> layer.set_weights([[2.0, 5.0]])
    >>> layer([[1.0, -1.0]]), layer.compute_output_shape((2,)), layer.count_params()
    (array([[ 2., -5.]]), (2,), 2)
    >>> layer.copy().get_weights()
    [array([2., 5.], dtype=float32)]
    >>> list(layer.arrays()), list(layer.gradients()), layer.steps() == (layer,)
    (['s'], ['s'], True)
    """

    parameters: tuple[str, ...] = ()
    """Names of the arrays that are learned; the gradient of `W` is kept in `dW`."""

    states: tuple[str, ...] = ()
    """Names of the arrays that are saved but not learned, such as a running mean."""

    not_negative: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays without negative numbers, such as a variance: a root is taken of it."""

    training_differs: ClassVar[bool] = True
    """Whether `forward` does something else when it is given a memo (as dropout does).

    False lets a model compute this layer once, and not once an epoch, when all below is frozen.
    """

    takes: ClassVar[str] = "rows of numbers"
    """What it wants of x, in the drawing of a network that does not fit."""

    rescales: ClassVar[bool] = False
    """Whether it is there to bring numbers of any size to a usual one."""

    regularizers: Mapping[str, Regularizer] = MappingProxyType({})
    """Weight name → penalty, for the weights that have one."""

    constraints: Mapping[str, Constraint] = MappingProxyType({})
    """Weight name → what brings it into bounds after each update, for the weights that have one."""

    # Defaults on the class, so that a layer of your own need not call super().__init__().
    name: str | None = setting(_checked_name, whose="A layer's", optional=True, default=None)
    input_shape: Shape | None = setting(check_shape, whose="", optional=True, default=None)
    dtype: np.dtype[Any] = np.dtype("float32")
    origin: str = "new"  # where the weights came from, for the summary
    within: str | None = None  # the name of the layer that this one is a step of
    owner: str | None = None  # the name of the model it belongs to
    original: Any = None  # the layer of another model that it was copied from, as it was then
    named_by_model: bool = False  # whether its name is one that a model found for it

    follower: Callable[[Layer, str], object] | None = None
    """Is told of what was set or written, as `follower(layer, name)`: a setting, "trainable", or
    after "built" and "weights" any of the arrays. A copy has none."""

    built_for: Shape | None = None  # the shape of a sample that its model built it for
    _drawn: Mapping[str, int] = MappingProxyType({})  # array name → checksum as it was created
    _trainable: bool = True
    freeze_count: int = 0  # how often it was frozen or unfrozen: its optimizer then forgets it
    revision: int = 0  # how often anything but its arrays was set: plans made before are outdated

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        formulas = "Write forward(x, memo=None) and backward(x, y, dy, memo=None)."
        check_called(cls, dict.fromkeys(("__call__", "call"), formulas))
        declared = vars(cls).get("weights")
        if declared is not None and not isinstance(declared, property):
            raise TypeError(
                f"{cls.__name__} declares weights = {short(declared)}. The names of what a layer "
                f"learns are its parameters: parameters = {short(declared)}. Its `weights` are the "
                "arrays."
            )
        if isinstance(vars(cls).get("trainable"), bool):  # how its layers begin
            cls._trainable = vars(cls)["trainable"]
            del cls.trainable

    def __init__(self, *, input_shape: Shape | int | None = None, name: str | None = None) -> None:
        self.name = name
        self.input_shape = cast("Shape | None", input_shape)  # an int becomes a tuple

    # --- what a layer of your own overrides ---------------------------------------------------

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Create the weights, by `add_weight`, for samples of this shape (without N)."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one sample of y, for one sample of x of this shape.

        Raises
        ------
        ValueError
            The layer cannot take such samples.
        """
        if self.arrays() and self.built_for not in (None, input_shape):
            raise ValueError(
                f"{self.label} takes x of shape {batch_shape(self.built_for or ())}, which it was "
                f"built for. Got {batch_shape(input_shape)}."
            )
        return input_shape

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        """y for a batch x. No memo means inference; a memo means training."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, memo).")

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        """dx, from the layer's input x, its output y and dy = ∂L/∂y."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(x, y, dy, memo).")

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        """Fill the gradient of each weight (`dW` of `W`), overwriting what was in it."""
        if self.parameters:
            raise NotImplementedError(f"{type(self).__name__} has no gradient(x, y, dy, memo).")

    def after_step(self, memo: Memo) -> None:
        """Write what a finished training step changes besides weights (running statistics).

        >>> class Steps(Layer):
        ...     states = ("count",)
        ...     def after_step(self, memo):
        ...         self.count += 1
        """

    # --- what every layer has -----------------------------------------------------------------

    def add_weight(
        self, name: str, shape: Shape, initializer: Initializer, rng: np.random.Generator
    ) -> None:
        """Create the array `name` (and `d<name>`, for its gradient, if it is learned)."""
        if name not in (*self.parameters, *self.states):
            raise ValueError(
                f"{self.label}.add_weight takes a name from `parameters` or `states`. Got "
                f'{name!r}. Write parameters = ("{name}",) in the class.'
            )
        if not name.isidentifier() or len(name.encode()) > LONGEST_ARRAY_NAME:
            raise ValueError(
                f"{self.label}.add_weight takes a name that an attribute can have, of up to "
                f"{LONGEST_ARRAY_NAME} bytes. Got {short(name)}. Rename it in the class."
            )
        drawn = as_array(initializer(shape, rng), f"{self.label}.{name}, by {initializer!r},")
        finite(drawn, f"{self.label}.{name}, by {initializer!r},", self.dtype)
        values = np.array(drawn, dtype=self.dtype)  # a copy: it may be kept
        if values.shape != shape:
            raise ValueError(
                f"{self.label}.{name} takes an array of shape {shape}. Got {values.shape} from "
                f"{initializer!r}."
            )
        self.rebind(name, values)
        self._drawn = {**self._drawn, name: zlib.crc32(values.tobytes())}
        if name in self.parameters:
            self.rebind("d" + name, np.zeros(shape, dtype=self.dtype))

    def steps(self) -> tuple[Layer, ...]:
        """What runs for this layer, in order; a Dense with an activation is two steps."""
        return (self,)

    @property
    def label(self) -> str:
        """The name for messages, before and after the model gave one."""
        name = self.name or type(self).__name__
        return name if self.within is None else f"{self.within}.{name.lower()}"

    @property
    def kind(self) -> str:
        """What stands in summaries: the class, and settings that say what it does."""
        return type(self).__name__

    @property
    def built(self) -> bool:
        """Whether the arrays exist."""
        return all(name in vars(self) for name in (*self.parameters, *self.states))

    @property
    def expects(self) -> Shape | None:
        """The shape of one sample of x that this layer was given or built for, if it was."""
        return self.input_shape if self.input_shape is not None else self.built_for

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer. A frozen one runs in inference mode."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = boolean(value, f"{self.label}.trainable")
        if value != self._trainable:
            self._trainable = value
            self.freeze_count += 1  # which outdates plans, too
            if not value:
                for gradient in self.gradients().values():
                    gradient[...] = 0.0  # no step fills it any more
            self.tell("trainable")

    @named
    def count_params(self) -> int:
        """How many numbers are learned or kept: Σ of the sizes of all arrays."""
        return sum(int(array.size) for array in self.arrays().values())

    @property
    def weights(self) -> list[Array]:
        """The parameters, then the states: Keras' order; the arrays themselves, no copies."""
        return list(self.arrays().values())

    def arrays(self) -> dict[str, Array]:
        """The parameters, then the states, by name; the arrays themselves, no copies."""
        arrays = vars(self)
        return {name: arrays[name] for name in (*self.parameters, *self.states) if name in arrays}

    def gradients(self) -> dict[str, Array]:
        """The gradients of the weights, by the weights' names; the arrays themselves, no copies."""
        arrays = vars(self)
        return {name: arrays["d" + name] for name in self.parameters if name in arrays}

    def rebind(self, name: str, array: Array) -> None:
        """Let this very array be the weight, state or gradient (`dW`) of that name: no copy."""
        self.__dict__[name] = array

    @property
    def as_drawn(self) -> bool:
        """Whether every bit is as `build` drew it: never trained, loaded or set."""
        return bool(self.parameters) and all(
            zlib.crc32(array.tobytes()) == self._drawn.get(name)
            for name, array in self.arrays().items()
        )

    def redraw(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Draw all arrays anew, as `build` does for samples of this shape."""
        fresh = self.copy()
        fresh.build(input_shape, rng)
        for name, array in self.arrays().items():
            array[...] = fresh.arrays()[name]
        self.origin, self._drawn = "new", fresh._drawn

    @named
    def get_weights(self) -> list[Array]:
        """Copies of the weights, then the states: Keras' order."""
        return [array.copy() for array in self.arrays().values()]

    @named
    def set_weights(self, weights: Iterable[Any]) -> None:
        """Copy values in, in the order of `get_weights`; all of them or none.

        Raises
        ------
        ValueError
            Another number of arrays, another shape, a NaN or infinity, or a negative variance.
        """
        arrays = {f"{self.label}.{name}": array for name, array in self.arrays().items()}
        assign(self.label, arrays, weights, [self])
        self.tell("weights")

    def __call__(self, x: Any) -> Array:
        """y for a batch x in inference mode, with x checked first."""
        if isinstance(x, Configurable):
            raise TypeError(
                f"{self.label} takes an array of numbers when it is called. Got {short(x)}. "
                f"Layers are connected by a list: Sequential([{x!r}, {self!r}])."
            )
        x = as_array(x, f"{self.label}'s x")
        if x.ndim == 0:
            raise ValueError(
                f"{self.label}'s x takes one sample a row, (N, …). Got one number. Use [{x}]."
            )
        if not x.size:
            raise ValueError(f"{self.label}'s x takes one sample a row. Got {x.shape}, no numbers.")
        finite(x, f"{self.label}'s x")
        if not self.built:
            raise RuntimeError(
                f"{self.label} has no weights yet. Put it into a model, or call "
                f"build({x.shape[1:]}, numpy.random.default_rng(0))."
            )
        self.compute_output_shape(x.shape[1:])
        if x.dtype.kind not in "fc":
            x = x.astype(self.dtype)
        y: Array = x
        with np.errstate(all="ignore"):  # what is beyond all numbers is inf
            for step in self.steps():
                y = step.forward(y)
        return y

    def __setattr__(self, name: str, value: Any) -> None:
        """Setting a weight copies into the array that is there, after a shape check."""
        if name == "name" and self.owner is not None:
            raise ValueError(
                f"{self.label} keeps its name while it is in a model, which knows it by that. "
                "Rename a copy of it: layer.copy()."
            )
        if self._is_managed(name):
            array = vars(self).get(name)
            if not isinstance(array, np.ndarray):
                raise RuntimeError(
                    f"{self.label} has no {name} to set. Weights are created by build, with "
                    "add_weight."
                )
            if value is not array:  # `layer.W += 1` has done its work and hands the array back
                array[...] = self._checked(name, value, array)
            self.tell("weights")
            return
        super().__setattr__(name, value)
        if name == "name":
            vars(self).pop("named_by_model", None)
        elif self.follower is not None and name in constructor_arguments(self.class_in_files()):
            self.tell(name)
        if name[0] != "_" and name != "trainable":  # that counts by itself, where it changes
            self._outdate()

    def _is_settled(self, name: str) -> bool:
        """Weights follow from every argument but the name."""
        return super()._is_settled(name) or (
            name != "name"
            and bool(self.parameters or self.states)
            and name in constructor_arguments(self.class_in_files())
        )

    def _follows(self, name: str, value: Any) -> bool:
        built_otherwise = self.built_for is not None and value != self.input_shape
        return name == "input_shape" and (value is None or built_otherwise)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._outdate()

    def _outdate(self) -> None:
        super().__setattr__("revision", self.revision + 1)

    def _checked(self, name: str, value: Any, array: Array) -> Array:
        """The value as what may be copied into the array."""
        who = f"{self.label}.{name}"
        new = np.asarray(value) if array.dtype.kind == "c" else as_array(value, who)
        if new.shape != array.shape:
            raise ValueError(f"{who} takes an array of shape {array.shape}. Got {new.shape}.")
        with np.errstate(over="ignore"):
            new = new.astype(array.dtype)
        finite(new, who)
        self.check_values({who: new})
        return new

    def check_values(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError where an array, named as `dense_1.W` is, cannot have its values."""
        for who in [f"{self.label}.{name}" for name in self.not_negative]:
            if who in values and (values[who].real < 0).any():
                raise ValueError(
                    f"{who} takes numbers that are 0 or more. Got {in_full(values[who].min())}. "
                    "Are the mean and the variance exchanged? The mean comes first."
                )

    def _is_managed(self, name: str) -> bool:
        declared = (*type(self).parameters, *self.parameters)
        return (
            name in declared
            or name in (*type(self).states, *self.states)
            or (name[:1] == "d" and name[1:] in declared)
        )

    def take_name(self, name: str) -> None:
        """Take a name that a model found; it gives way where another layer has it."""
        self.name = name
        self.named_by_model = True

    def tell(self, name: str) -> None:
        """Tell the follower, if there is one, what was set or written."""
        if self.follower is not None:
            self.follower(self, name)

    def anew(self) -> Self:
        """Return a layer with the same settings and name that is not built."""
        new = self.from_config(self.get_config())
        if self.named_by_model and self.name is not None:
            new.take_name(self.name)
        return new

    def copy(self) -> Self:
        """An independent layer with the same settings, weights and name, in no model."""
        return copy.deepcopy(self)

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        apart = ("owner", "original", "follower")
        return {name: value for name, value in vars(self).items() if name not in apart}


@contextmanager
def unchanged_on_error(
    layers: Sequence[Layer], rng: np.random.Generator | None = None
) -> Iterator[None]:
    """Give layers back their attributes, and so no weights, when building them fails.

    Parameters
    ----------
    rng
        What they draw from; it is put back too.
    """
    before, bits = attributes_of(layers), None if rng is None else rng.bit_generator
    state = None if bits is None else bits.state
    try:
        yield
    except BaseException:
        put_back(layers, before)
        if bits is not None and state is not None:
            bits.state = state
        raise


def attributes_of(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Each layer's attributes, to be put back later; arrays are no copies."""
    return [dict(vars(layer)) for layer in layers]


def put_back(layers: Sequence[Layer], attributes: Sequence[dict[str, Any]]) -> None:
    """Give layers back the attributes that `attributes_of` read."""
    for layer, before in zip(layers, attributes, strict=True):
        revision, trainable = layer.revision, layer.trainable
        layer.__dict__.clear()
        layer.__dict__.update(before)
        if revision != layer.revision:  # putting back is a change too: plans are outdated
            layer.__dict__["revision"] = revision + 1
        if trainable != layer.trainable:
            layer.tell("trainable")


def assign(
    who: str, arrays: Mapping[str, Array], values: Iterable[Any], layers: Iterable[Layer] = ()
) -> None:
    """Copy values into named arrays: all of them, or none and an error that lists both sides."""
    if isinstance(values, dict) or not is_collection(values):
        raise TypeError(
            f"{who} takes a list of arrays. Got {short(values)}. Use the order of get_weights()."
        )
    values = [np.array(as_array(value, "Each weight")) for value in values]  # may be views of ours
    wanted = [f"{name} {array.shape}" for name, array in arrays.items()]
    if [value.shape for value in values] != [array.shape for array in arrays.values()]:
        came = [str(value.shape) for value in values]
        raise ValueError(
            f"{who} takes {_count(len(wanted))}: {', '.join(wanted) or 'none'}. "
            f"Got {_count(len(came))}: {', '.join(came) or 'none'}. "
            "Look at [w.shape for w in get_weights()]."
        )
    for (name, array), value in zip(arrays.items(), values, strict=True):
        if not np.isfinite(value).all():
            raise ValueError(f"{who} takes finite numbers. Got NaN or infinity in {name}.")
        if array.dtype.kind == "f" and value.size:
            with np.errstate(over="ignore"):
                if not np.isfinite(value.astype(array.dtype)).all():
                    raise ValueError(
                        f"{who} takes numbers that {array.dtype} can hold. "
                        f"Got {in_full(np.abs(value).max())} in {name}."
                    )
    for layer in layers:
        layer.check_values(dict(zip(arrays, values, strict=True)))
    for array, value in zip(arrays.values(), values, strict=True):
        array[...] = value


def _count(count: int) -> str:
    return "1 array" if count == 1 else f"{count} arrays"


def bind(layers: Iterable[Layer], dtype: Any) -> tuple[Array, Array, Array]:
    """Lay all weights end to end in one vector, and make the layers' arrays views into it.

    Returns
    -------
    theta, grad : (P,) ndarray
        All weights, and their gradients in the same layout.
    state : ndarray
        The arrays that are saved but not learned.
    """
    layers = list(layers)
    return (
        _lay(layers, [(layer, name) for layer in layers for name in layer.parameters], dtype),
        _lay(layers, [(layer, "d" + name) for layer in layers for name in layer.parameters], dtype),
        _lay(layers, [(layer, name) for layer in layers for name in layer.states], dtype),
    )


def _lay(layers: list[Layer], places: list[tuple[Layer, str]], dtype: Any) -> Array:
    vector: Array = np.empty(sum(getattr(layer, name).size for layer, name in places), dtype)
    start = 0
    for layer, name in places:
        old = getattr(layer, name)
        view = vector[start : start + old.size].reshape(old.shape)
        view[...] = old
        layer.rebind(name, view)
        start += old.size
    for layer in layers:
        if layer.dtype != vector.dtype:
            layer.dtype = vector.dtype
    return vector


def expect_rows(layer: Layer, input_shape: Shape, width: int | None = None) -> int:
    """D, of a layer that takes rows of D numbers and nothing else.

    Parameters
    ----------
    width
        The D that the layer is built for, if it is.
    """
    if len(input_shape) != 1:
        raise ValueError(
            f"{layer.label} takes x of shape (N, D). Got {batch_shape(input_shape)}. "
            "Put a Flatten() before it."
        )
    (D,) = input_shape
    if width not in (None, D):
        raise ValueError(
            f"{layer.label} takes x of shape (N, {width}). Got (N, {D}). Make what comes "
            f"before it {width} wide, or build {layer.label} for {D} inputs."
        )
    return D
