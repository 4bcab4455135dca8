"""Models that ship: their weights in float16, which takes half the room in a package."""

from __future__ import annotations

from os import PathLike

import numpy as np

from minnet.files import saving, store
from minnet.models import Sequential


def save_in_half_precision(model: Sequential, path: str | PathLike[str]) -> None:
    """Round all weights to float16's 11 significant bits, in place, and write the model with them.

    A model that is loaded from the file computes in the dtype that it had before, with these
    weights.

    Parameters
    ----------
    path
        Written exactly there.
    """
    model.theta[...] = model.theta.astype(np.float16)
    config, arrays = saving.describe(model, include_optimizer=False)
    store.save(path, config, {name: array.astype(np.float16) for name, array in arrays.items()})
