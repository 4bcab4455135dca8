"""The settings that Keras keeps in its backend; what computes is NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minnet.foundation import checks
from minnet.keras import ops, words

_state: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "seeds": None}


_FUNCTIONS = """
    abs all any arange argmax argmin batch_dot batch_flatten batch_get_value batch_set_value
    binary_crossentropy cast categorical_crossentropy clip concatenate constant
    cos cumprod cumsum dot dropout dtype elu equal exp expand_dims eye flatten
    foldl foldr function gather get_session gradients greater greater_equal hard_sigmoid
    identity in_train_phase int_shape is_keras_tensor is_tensor l2_normalize learning_phase less
    less_equal log logsumexp max maximum mean min minimum moving_average_update ndim not_equal
    one_hot ones ones_like permute_dimensions placeholder pow print_tensor prod random_bernoulli
    random_normal random_normal_variable random_uniform relu repeat repeat_elements reshape reverse
    rnn round set_learning_phase set_session shape sigmoid sign sin softmax softplus
    softsign sparse_categorical_crossentropy sqrt square squeeze stack std stop_gradient sum switch
    tanh temporal_padding tile to_dense transpose truncated_normal update update_add update_sub var
    variable zeros zeros_like
    """


def __getattr__(name: str) -> Any:
    """Return what Keras computes with, from `ops`; other names are as in any module."""
    if name in _FUNCTIONS.split():
        if name in vars(ops):
            return getattr(ops, name)
        return words.Missing(f"backend.{name}", words.BACKEND.get(name, words.TENSORS))
    raise AttributeError(f"minnet.keras.backend has no {name!r}.")


def get_value(x: Any) -> Any:
    """Return the numbers of an array, or a learning rate, as a plain value."""
    return np.array(x, subok=False)[()]


eval = get_value  # noqa: A001 - Keras' word


def set_value(x: Any, value: Any) -> None:
    """Put other numbers into a layer's array, or give an optimizer another learning rate."""
    if not hasattr(x, "assign"):
        raise TypeError(
            f"set_value takes a layer's array or model.optimizer.learning_rate. Got "
            f"{checks.short(x)}. Assign to it: x = …"
        )
    x.assign(value)


def count_params(x: Any) -> int:
    """Return how many numbers an array of a layer has."""
    return int(np.size(x))


def cast_to_floatx(x: Any) -> Any:
    """Return x in the dtype of new models."""
    return np.asarray(x).astype(floatx())


def backend() -> str:
    """Return what computes."""
    return "numpy"


def clear_session() -> None:
    """Do nothing: minnet keeps no models."""


def floatx() -> str:
    """Return the dtype of new models."""
    return str(_state["floatx"])


def set_floatx(value: str) -> None:
    """Let new models compute in float32 or float64."""
    _state["floatx"] = checks.dtype(value, "set_floatx's value").name


def epsilon() -> float:
    """Return Keras' small number, 1e-7."""
    return float(_state["epsilon"])


def image_data_format() -> str:
    """Return where the channels of an image stand in Keras' data: last."""
    return "channels_last"


def set_random_seed(seed: int) -> None:
    """Let models that are made from now on draw from a generator with this seed.

    NumPy's own generator, and Python's, are left alone.
    """
    _state["seeds"] = checks.generator(seed, "set_random_seed's seed")


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let models that are made inside draw from this seed; None leaves things as they are."""
    before = _state["seeds"]
    if seed is not None:
        set_random_seed(seed)
    try:
        yield
    finally:
        _state["seeds"] = before


def next_seed() -> np.random.Generator | None:
    """Return the generator of the next model; None where no seed was set."""
    seeds = _state["seeds"]
    return None if seeds is None else seeds.spawn(1)[0]
