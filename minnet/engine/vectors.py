"""All parameters of a stack as one vector, all gradients as another, statistics as a third."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minnet.engine.stack import Stack
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.foundation.words import did_you_mean
from minnet.layers.base import assign, bind


class ParameterVectors(Stack):
    """A stack of layers whose arrays are named views into three vectors."""

    def _lay_out(self) -> None:
        """Make theta, grad and state anew, with every layer's arrays as views into them."""
        super()._lay_out()
        built = [layer for layer in self.layers if layer.built]
        self._theta, self._grad, self._state = bind(built, self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the vectors out: a copy lays its layers' arrays out anew."""
        left_out = ("_theta", "_grad", "_state")
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in left_out}

    @property
    def theta(self) -> Array:
        """All weights as one vector (P,); setting it copies the values in."""
        self.require_built()
        return self._theta

    @theta.setter
    def theta(self, values: Any) -> None:
        self._set_vector(self.theta, values, "theta")
        self.tell_written()

    @property
    def grad(self) -> Array:
        """All gradients as one vector (P,), in theta's layout; setting it copies the values in."""
        self.require_built()
        return self._grad

    @grad.setter
    def grad(self, values: Any) -> None:
        self._set_vector(self.grad, values, "grad")

    @property
    def state(self) -> Array:
        """The arrays that are saved but not learned, as one vector (S,); setting it copies in."""
        self.require_built()
        return self._state

    @state.setter
    def state(self, values: Any) -> None:
        before = self.state.copy()
        self._set_vector(self.state, values, "state")
        try:
            self.check_values(self.named_arrays())
        except ValueError:
            self._state[...] = before
            raise
        self.tell_written()

    def _set_vector(self, vector: Array, values: Any, name: str) -> None:
        if values is vector:  # `model.theta += 1` has done its work
            return
        values = checks.as_array(values, name)
        if values.shape != vector.shape:
            raise ValueError(f"{name} takes {vector.shape}. Got {values.shape}.")
        checks.finite(values, name, vector.dtype)
        vector[...] = values

    def named_arrays(self) -> dict[str, Array]:
        """All arrays, `dense_1.W` and so on, in Keras' order; views, no copies.

        Returns
        -------
        dict of ndarray
            Each in the shape that its layer gives it, such as (D, M).

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(2, input_dim=3)], seed=0)
        >>> {name: array.shape for name, array in model.named_arrays().items()}
        {'dense_1.W': (3, 2), 'dense_1.b': (2,)}
        """
        self.require_built()
        return {
            f"{layer.name}.{name}": array
            for layer in self.layers
            for name, array in layer.arrays().items()
        }

    def check_values(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError where one of `named_arrays` cannot have its values: a variance below 0.

        Parameters
        ----------
        values
            Name → what the array would be.
        """
        for layer in self.layers:
            layer.check_values(values)

    @property
    def weights(self) -> list[Array]:
        """All arrays in Keras' order, each in its shape; views. `get_weights` copies them."""
        return list(self.named_arrays().values())

    def get_weights(self) -> list[Array]:
        """Copies of all arrays, in Keras' order and layout.

        Returns
        -------
        list of ndarray
            For a Dense W of shape (D, M) and b of shape (M,).

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(2, input_dim=3)], seed=0)
        >>> [array.shape for array in model.get_weights()]
        [(3, 2), (2,)]
        """
        return [array.copy() for array in self.named_arrays().values()]

    def set_weights(self, weights: Sequence[Any] | Mapping[str, Any]) -> None:
        """Copy arrays in: all of them or none.

        Parameters
        ----------
        weights
            A list in the order of `get_weights`, or a mapping with the names of `named_arrays`,
            such as what `numpy.load` gives of an npz file.

        Raises
        ------
        ValueError
            Another number of arrays, another name or shape, NaN or infinity, a negative variance;
            the message lists what the model wants beside what came.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(2, input_dim=3)], seed=0)
        >>> model.set_weights([array + 1.0 for array in model.get_weights()])
        >>> model.layers[0].b
        array([1., 1.], dtype=float32)
        """
        arrays = self.named_arrays()
        if isinstance(weights, Mapping):
            weights = _in_order(arrays, weights)
        assign("set_weights", arrays, weights, self.layers)
        self.tell_written()

    def count_params(self) -> int:
        """How many numbers the model holds, running statistics included.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(2, input_dim=3)], seed=0)
        >>> model.count_params()
        8
        """
        return int(self.theta.size + self.state.size)


def _in_order(arrays: Mapping[str, Array], values: Mapping[str, Any]) -> list[Any]:
    """The values of a mapping in the order of the arrays whose names it has."""
    missing = [name for name in arrays if name not in values]
    extra = [name for name in values if name not in arrays]
    if missing or extra:
        wrong = [f"none for {checks.short(name)}" for name in missing[:3]]
        wrong += [f"one for {checks.short(name)}, which is not there" for name in extra[:3]]
        hint = did_you_mean(extra[0], missing) if extra else ""
        raise ValueError(
            f"set_weights takes an array for each of {checks.short(list(arrays), 200)}. Got "
            f"{', '.join(wrong)}.{hint or ' Look at model.named_arrays().'}"
        )
    return [values[name] for name in arrays]
