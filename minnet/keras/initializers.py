"""How weights start: minnet's initializers, which here may have a seed of their own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minnet import initializers as core
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.keras import words
from minnet.keras.names import meant, table

__getattr__ = words.answering(__name__)

Initializer = core.Initializer


class Seeded(core.Initializer):
    """An initializer of the core that may draw from a generator of its own.

    Parameters
    ----------
    seed
        A whole number, for the same numbers in each call; the model's generator if None. Files do
        not keep it: they hold the numbers that were drawn.
    """

    _seed: int | None = None

    def __init__(self, *settings: Any, seed: int | None = None, **named: Any) -> None:
        self._seed = seed
        super().__init__(*settings, **named)

    def __call__(
        self, shape: Any, rng: np.random.Generator | None = None, dtype: Any = None
    ) -> Array:
        """Return the numbers, of this shape."""
        if self._seed is not None or rng is None:
            rng = checks.generator(self._seed)
        return super().__call__(tuple(shape), rng)


class Constant(Seeded, core.Constant):
    """Each number is `value`: a number, or an array of one."""

    in_files: ClassVar[Any] = core.Constant

    def __init__(self, value: Any = 0.0) -> None:
        if isinstance(value, (np.ndarray, list, tuple)) and np.size(value) == 1:
            value = np.reshape(value, ()).item()
        core.Constant.__init__(self, value)


class GlorotNormal(Seeded, core.GlorotNormal):
    """`minnet.initializers.GlorotNormal`, with a seed."""

    in_files: ClassVar[Any] = core.GlorotNormal


class GlorotUniform(Seeded, core.GlorotUniform):
    """`minnet.initializers.GlorotUniform`, with a seed."""

    in_files: ClassVar[Any] = core.GlorotUniform


class HeNormal(Seeded, core.HeNormal):
    """`minnet.initializers.HeNormal`, with a seed."""

    in_files: ClassVar[Any] = core.HeNormal


class HeUniform(Seeded, core.HeUniform):
    """`minnet.initializers.HeUniform`, with a seed."""

    in_files: ClassVar[Any] = core.HeUniform


class Identity(Seeded, core.Identity):
    """`minnet.initializers.Identity`."""

    in_files: ClassVar[Any] = core.Identity


class LecunNormal(Seeded, core.LecunNormal):
    """`minnet.initializers.LecunNormal`, with a seed."""

    in_files: ClassVar[Any] = core.LecunNormal


class LecunUniform(Seeded, core.LecunUniform):
    """`minnet.initializers.LecunUniform`, with a seed."""

    in_files: ClassVar[Any] = core.LecunUniform


class Ones(Seeded, core.Ones):
    """`minnet.initializers.Ones`."""

    in_files: ClassVar[Any] = core.Ones


class Orthogonal(Seeded, core.Orthogonal):
    """`minnet.initializers.Orthogonal`, with a seed."""

    in_files: ClassVar[Any] = core.Orthogonal


class RandomNormal(Seeded, core.RandomNormal):
    """`minnet.initializers.RandomNormal`, with a seed."""

    in_files: ClassVar[Any] = core.RandomNormal


class RandomUniform(Seeded, core.RandomUniform):
    """`minnet.initializers.RandomUniform`, with a seed."""

    in_files: ClassVar[Any] = core.RandomUniform


class TruncatedNormal(Seeded, core.TruncatedNormal):
    """`minnet.initializers.TruncatedNormal`, with a seed."""

    in_files: ClassVar[Any] = core.TruncatedNormal


class VarianceScaling(Seeded, core.VarianceScaling):
    """`minnet.initializers.VarianceScaling`, with a seed."""

    in_files: ClassVar[Any] = core.VarianceScaling


class Zeros(Seeded, core.Zeros):
    """`minnet.initializers.Zeros`."""

    in_files: ClassVar[Any] = core.Zeros


constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal

NAMES = table(
    {
        "constant": Constant,
        "glorot_normal": GlorotNormal,
        "glorot_uniform": GlorotUniform,
        "he_normal": HeNormal,
        "he_uniform": HeUniform,
        "identity": Identity,
        "lecun_normal": LecunNormal,
        "lecun_uniform": LecunUniform,
        "ones": Ones,
        "orthogonal": Orthogonal,
        "random_normal": RandomNormal,
        "random_uniform": RandomUniform,
        "truncated_normal": TruncatedNormal,
        "variance_scaling": VarianceScaling,
        "zeros": Zeros,
        "normal": RandomNormal,
        "uniform": RandomUniform,
        "one": Ones,
        "zero": Zeros,
        "identity_initializer": Identity,
        "orthogonal_initializer": Orthogonal,
    }
)


def get(identifier: Any) -> Any:
    """Return the initializer of this name; an object or a function as it is."""
    return meant(identifier, NAMES, "An initializer")
