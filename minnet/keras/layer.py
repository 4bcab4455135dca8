"""What all layers behind this door take and answer to."""

from __future__ import annotations

from typing import Any, TypedDict

from minnet import layers as core
from minnet.engine.building import build
from minnet.engine.shapes import layer_shapes
from minnet.foundation import checks
from minnet.foundation.strict import is_minnets
from minnet.foundation.words import did_you_mean
from minnet.keras import backend, constraints, initializers, regularizers, words
from minnet.keras.activations import NO_ACTIVATION
from minnet.keras.data import samples
from minnet.keras.names import public, refuse
from minnet.keras.variables import (
    KERAS_NAMES,
    Symbolic,
    Variable,
    sample_shape,
    tensor,
    variable,
    variables,
)


class Common(TypedDict, total=False):
    """What every layer takes by name, besides its own arguments; see `KerasLayer`."""

    input_shape: Any
    input_dim: int | None
    batch_input_shape: Any
    batch_size: int | None
    dtype: Any
    trainable: bool
    name: str | None


def _names_of_dtype() -> tuple[str, str]:
    """The names of the dtype that new models have."""
    name = backend.floatx()
    return name, f"<class 'numpy.{name}'>"


class KerasLayer(core.Layer):
    """What all layers behind this door take and answer to.

    Parameters
    ----------
    input_shape, input_dim, batch_input_shape
        The shape of one sample, for the first layer; the last form has the batch before it.
    trainable
        Whether training changes it.
    dtype, batch_size
        Taken where they ask for nothing else than a model has: float32, and any batch.
    name
        The layer's name.
    """

    def __init__(
        self,
        *,
        input_shape: Any = None,
        input_dim: int | None = None,
        batch_input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        shape = {"input_shape": input_shape, "input_dim": input_dim}
        self.make_as(core.Layer, {**shape, "batch_input_shape": batch_input_shape, "name": name})
        self.trainable = trainable

    def __init_subclass__(cls, **options: Any) -> None:
        if not is_minnets(cls) and "call" in vars(cls):
            drops = issubclass(cls, (core.Dropout, core.AlphaDropout, core.GaussianDropout))
            sentence = words.ALWAYS_DROPS if drops else f"{words.CALL} {words.BLOCK}"
            raise NotImplementedError(f"{cls.__name__} has call. {sentence}")
        super().__init_subclass__(**options)

    def make_as(self, kind: Any, common: Any, *settings: Any, **named: Any) -> None:
        """Construct it as a layer of the core, with what all layers take."""
        shape, dim = common.get("input_shape"), common.get("input_dim")
        if dim is not None:
            shape = (dim,)
        if (batch := common.get("batch_input_shape")) is not None:
            shape = tuple(batch)[1:]
        dtype = common.get("dtype")
        if dtype is not None and str(getattr(dtype, "name", dtype)) not in _names_of_dtype():
            refuse(type(self).__name__, "dtype", dtype, "A model has one: Sequential(…, dtype=…).")
        kind.__init__(self, *settings, input_shape=shape, name=common.get("name"), **named)
        if not common.get("trainable", True):
            self.trainable = False

    def __call__(self, x: Any, training: bool | None = False) -> Any:
        """y for a batch x; on an `Input`, or on what another layer gives, what `Model` takes."""
        if isinstance(x, (core.Input, Symbolic)):
            return self._put_on(x)
        x = samples(x, self.built_for)
        if not self.built and hasattr(x, "shape"):
            build(self, x.shape[1:], backend.floatx(), checks.generator(backend.next_seed()))
        if training:
            memo = {"rng": checks.generator(backend.next_seed())}
            return tensor(self.forward(x.astype(self.dtype), memo))
        return tensor(super().__call__(x))

    def _put_on(self, below: Any) -> Any:
        """What it gives on top of others, as a shape; it is built for what comes from below."""
        shape = sample_shape(below)
        above = layer_shapes([self], shape)[-1]
        if not self.built:
            build(self, shape, backend.floatx(), checks.generator(backend.next_seed()))
        return Symbolic(above, self.label, self, "output", below=below)

    def __getattr__(self, name: str) -> Any:
        """Answer for what layers of Keras have, and minnet's have not."""
        kind = type(self).__name__
        if name[0] == "_":
            raise AttributeError(f"{kind} has no {name}.")
        if name in (*type(self).parameters, *type(self).states, *KERAS_NAMES.values()):
            sentence = "It has its arrays once it is built: put it into a model with an Input."
        else:
            sentence = words.ATTRIBUTES.get(name) or did_you_mean(name, public(self)).strip()
        raise AttributeError(f"{kind} has no {name}. {sentence}".rstrip())

    @property
    def variables(self) -> list[Variable]:
        """All arrays: weights, then statistics."""
        return variables([self])

    @property
    def weights(self) -> list[Any]:
        """All arrays, as `variables`."""
        return list(self.variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The arrays that training changes."""
        return [one for one in self.variables if one.trainable]

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The arrays that training does not change."""
        return [one for one in self.variables if not one.trainable]

    non_trainable_weights = non_trainable_variables

    @property
    def output(self) -> Symbolic:
        """The shape of what it gives, as `layer.output.shape`."""
        return Symbolic(self.compute_output_shape(self._shape()), self.label, self, "output")

    @property
    def input(self) -> Symbolic:
        """The shape of what it takes, as `layer.input.shape`."""
        return Symbolic(self._shape(), self.label, self, "input")

    def _shape(self) -> tuple[int, ...]:
        shape = self.built_for or self.input_shape
        if shape is None:
            raise AttributeError(
                f"{self.label} is not built: it does not know what comes into it. Put it into a "
                "model that is built."
            )
        return shape


class Layer(KerasLayer):
    """A layer of your own: see `minnet.layers.Layer`, whose formulas it has."""


class WithKernel(KerasLayer):
    """A layer with W and b, which Keras calls kernel and bias."""

    activation: Any = NO_ACTIVATION

    def get_config(self) -> Any:
        """No activation is None, as in the core."""
        config = super().get_config()
        if config.get("activation") is NO_ACTIVATION:
            config["activation"] = None
        return config

    @property
    def kind(self) -> str:
        """The class, and the activation where there is one."""
        return super().kind.removesuffix(f", {type(NO_ACTIVATION).__name__}")

    @property
    def kernel(self) -> Variable:
        """W, (D, M)."""
        return variable(self, "W")

    @kernel.setter
    def kernel(self, value: Any) -> None:
        setattr(self, "W", value)  # noqa: B010 - checked where it is set

    @property
    def bias(self) -> Variable | None:
        """b, (M,); None without one."""
        return variable(self, "b") if "b" in self.parameters else None

    @bias.setter
    def bias(self, value: Any) -> None:
        setattr(self, "b", value)  # noqa: B010


def kernel_settings(
    who: str,
    use_bias: bool,
    kernel_initializer: Any,
    bias_initializer: Any,
    kernel_regularizer: Any,
    bias_regularizer: Any,
    activity_regularizer: Any,
    kernel_constraint: Any,
    bias_constraint: Any,
) -> dict[str, Any]:
    """Return what the core's layers with a kernel take of these, by name."""
    if bias_regularizer is not None:
        refuse(who, "bias_regularizer", bias_regularizer, "Only W can be penalised.")
    if activity_regularizer is not None:
        instead = words.TABLE["layers"]["ActivityRegularization"]
        refuse(who, "activity_regularizer", activity_regularizer, instead)
    return {
        "use_bias": use_bias,
        "kernel_initializer": initializers.get(kernel_initializer or "zeros"),
        "bias_initializer": initializers.get(bias_initializer or "zeros"),
        "kernel_regularizer": regularizers.get(kernel_regularizer),
        "kernel_constraint": constraints.get(kernel_constraint),
        "bias_constraint": constraints.get(bias_constraint),
    }
