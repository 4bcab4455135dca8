"""A network that is kept in files, that knows where it comes from, and that starts over.

`saving.py` reads and writes the files, and `provenance.py` keeps what is known.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TypeVar

import numpy as np

from minnet.engine.freezing import FreezableNetwork
from minnet.files import provenance, saving, store
from minnet.foundation import checks
from minnet.foundation.printing import printable
from minnet.foundation.tables import Table


class SavedNetwork(FreezableNetwork):
    """A network that writes itself to a file, and copies weights from one."""

    def save(self, path: str | PathLike[str], *, include_optimizer: bool = True) -> None:
        """Write the whole model to one file, which `minnet.load` reads: an npz, never pickle.

        Parameters
        ----------
        path
            Written exactly there, and only once the file is whole.
        include_optimizer
            Whether a later fit goes on with what the optimizer remembers.

        Raises
        ------
        ModelFileError
            The file cannot be written there, or holds something else than a model of minnet's.
        RuntimeError
            The model is not built.
        ValueError, TypeError
            A layer that cannot be described, such as a class of yours without `minnet.register`.

        Examples
        --------
        >>> import minnet, tempfile
        >>> from minnet.layers import Dense
        >>> model = minnet.Sequential([Dense(1, input_dim=2)], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.npz")
        ...     again = minnet.load(f"{folder}/model.npz")
        >>> bool((again.theta == model.theta).all())
        True
        """
        saving.save(self, path, include_optimizer=include_optimizer)

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write the weights, with the architecture they belong to, to one file.

        Parameters
        ----------
        path
            Written exactly there, and only once the file is whole.

        Raises
        ------
        ModelFileError, RuntimeError, ValueError, TypeError
            As in `save`.

        Examples
        --------
        >>> import minnet, tempfile
        >>> from minnet.layers import Dense
        >>> model = minnet.Sequential([Dense(1, input_dim=2)], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/weights.npz")
        ...     print(minnet.load(f"{folder}/weights.npz").is_compiled)
        False
        """
        saving.save(self, path, include_optimizer=False)

    def load_weights(self, path: str | PathLike[str]) -> Table:
        """Copy weights from a file of the same architecture: all of them or none.

        Parameters
        ----------
        path
            A file that `save` or `save_weights` wrote.

        Returns
        -------
        Table
            What came of every array. `transfer.transfer_weights` is for models that fit in part.

        Raises
        ------
        ModelFileError
            Not a model's file, or one of another architecture; the message lists the differences.
        RuntimeError
            This model is not built.

        Examples
        --------
        >>> import minnet, tempfile
        >>> from minnet.layers import Dense
        >>> model = minnet.Sequential([Dense(1, input_dim=2)], seed=0)
        >>> other = minnet.Sequential([Dense(1, input_dim=2)], seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/weights.npz")
        ...     table = other.load_weights(f"{folder}/weights.npz")
        >>> print(table)
        array      in the file  in the model
        ─────────  ───────────  ────────────  ──────
        dense_1.W  (2, 1)       (2, 1)        LOADED
        dense_1.b  (1,)         (1,)          LOADED
        """
        self.require_built()
        return saving.load_weights(self, path)

    def card(self, print_fn: Callable[[str], object] = print) -> None:
        """Print where the model comes from: classes, preparation, inputs, trainings, parent.

        Parameters
        ----------
        print_fn
            Is called once, with the whole text.

        Raises
        ------
        TypeError
            `print_fn` is no function.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(2, input_dim=2)], seed=0)
        >>> model.class_names = ["cat", "dog"]
        >>> model.card()
        Model 'sequential'
        parameters     6
        classes        cat, dog
        preprocessing  none said
        inputs         not trained yet
        """
        names = self.class_names
        facts = [
            ("classes", "not named" if names is None else ", ".join(names)),
            ("preprocessing", self.preprocessing or "none said"),
        ]
        if self.columns is not None:
            facts.append(("columns", checks.short(", ".join(map(str, self.columns)), 200)))
        if self.built:
            facts.insert(0, ("parameters", f"{self.count_params():,}"))
        text = printable(provenance.card(self.name, facts, self.provenance))
        checks.function(print_fn, "card's print_fn")(text)

    def reset(self, seed: int | np.random.Generator | None = None) -> None:
        """Start over: fresh weights, nothing remembered by the optimizer, no history.

        Without a seed, a model that was given one and whose layers were only ever added gets the
        weights that it began with. Any other gets fresh ones.

        Parameters
        ----------
        seed
            For the weights and for later fits.

        Raises
        ------
        RuntimeError
            The model is not built, or is being trained.
        ValueError, TypeError
            What is no seed.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
        >>> first = model.theta.copy()
        >>> model.theta += 1
        >>> model.reset()
        >>> bool((model.theta == first).all())
        True
        """
        self.refuse_in_fit("reset")
        self.redraw(seed)
        self.grad[...] = 0.0
        self.history, self.columns, self.provenance = None, None, provenance.empty()
        if self.is_compiled:
            self.compiled.forget()


M = TypeVar("M", bound=SavedNetwork)


def load_as(
    kind: type[M], path: str | PathLike[str], seed: int | np.random.Generator | None = None
) -> M:
    """Return the model that `save` wrote, as a model of another class: a door's."""
    checks.generator(seed)
    config, arrays = store.load(path)
    with saving.refusing(f"{path} describes no model that minnet can build"):
        model = kind(seed=seed, dtype=saving.dtype_of(config))
        saving.load_into(model, config, arrays)
    model.rng = checks.generator(seed)
    model.provenance["parent"] = {"name": model.name, "sha256": store.file_hash(path)}
    return model
