"""Layers by name, which of them learn, and what another task needs: a new head, and features.

`heads.py` makes the new head, `summary.py` the table, and `selection.py` knows which layers are
meant.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any, Self, cast

import numpy as np

from minnet.engine.heads import with_other_head
from minnet.engine.inputs import check_x
from minnet.engine.network import PREDICT_ROWS, Network
from minnet.engine.selection import Selector, head_index, select
from minnet.engine.shapes import layer_shapes
from minnet.engine.summary import summary_table
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.foundation.tables import Table
from minnet.layers import Layer


class FreezableNetwork(Network):
    """A network whose layers may be frozen, and whose head may be replaced."""

    def get_layer(self, name: str | int) -> Layer:
        """The layer of this name or index.

        Parameters
        ----------
        name
            Its name, or its number from 0; −1 is the last.

        Raises
        ------
        ValueError
            No layer has it, or it is a pattern that means several.
        TypeError
            Neither text nor a whole number.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, input_dim=2), Dense(1, name="head")], seed=0)
        >>> model.get_layer("head").W.shape, model.get_layer(0).name
        ((4, 1), 'dense_1')
        """
        if not isinstance(name, (str, numbers.Integral)) or isinstance(name, bool):
            raise TypeError(f"get_layer takes a name or an index. Got {checks.short(name)}.")
        selected = select(self.layers, name, "get_layer")
        if len(selected) != 1:
            raise ValueError(
                f"get_layer takes one layer's name. Got {name!r}, which means several."
            )
        return selected[0]

    @property
    def trainable(self) -> bool:
        """Whether any layer is trainable; setting it sets all layers."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = checks.boolean(value, "model.trainable")
        for layer in self.layers:
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
        TypeError
            A selector of another kind, or none.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, input_dim=2), Dense(1)], seed=0)
        >>> model.freeze("all_but_head")
        >>> [layer.trainable for layer in model.layers]
        [False, True]
        """
        for layer in select(self.layers, which, "freeze"):
            layer.trainable = False

    def unfreeze(self, which: Selector = "*") -> None:
        """Let these layers learn again.

        Parameters
        ----------
        which
            As in `freeze`: a name, an index, a slice, a pattern, or a list of these; by default
            all.

        Raises
        ------
        ValueError
            Nothing matches.
        TypeError
            A selector of another kind, or none.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, input_dim=2), Dense(1)], seed=0)
        >>> model.freeze("*")
        >>> model.unfreeze("dense_2")
        >>> [layer.trainable for layer in model.layers]
        [False, True]
        """
        for layer in select(self.layers, which, "unfreeze"):
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

        Raises
        ------
        ValueError
            No layers, a model without a Dense, or layers that do not fit on what is left.
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> from minnet.layers import Dense
        >>> from minnet.models import Sequential
        >>> base = Sequential([Dense(8, activation="relu", input_dim=4), Dense(3)], seed=0)
        >>> model = base.replace_head(Dense(2, activation="softmax"), seed=1)
        >>> [layer.name for layer in model.layers], model.output_shape
        (['dense_1', 'head'], (2,))
        """
        rng = checks.generator(seed, "replace_head's seed")
        return cast("Self", with_other_head(self, layers, rng))

    def features(self, x: Any, upto: str | int | None = None) -> Array:
        """The input of the head, or the output of a named layer, in inference mode.

        Parameters
        ----------
        x : (N, …) array
            Samples.
        upto
            The name or index of the last layer to run; None for all below the head.

        Returns
        -------
        (N, …) ndarray

        Raises
        ------
        ValueError, TypeError
            Samples of another shape, NaN or infinity, a name that no layer has.
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, activation="relu", input_dim=2), Dense(1)], seed=0)
        >>> model.features([[0.5, 1.0], [1.0, 0.0], [0.0, 0.0]]).shape
        (3, 4)
        """
        x, _ = check_x(self, x, self.input_shape, empty=True)
        last = None if upto is None else self.layers.index(self.get_layer(upto))
        count = head_index(self.layers) if last is None else last + 1
        stop = sum(len(layer.steps()) for layer in list(self.layers)[:count])
        starts = range(0, max(1, len(x)), PREDICT_ROWS)
        return np.concatenate([self.run(x[i : i + PREDICT_ROWS], 0, stop) for i in starts])

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers: which are frozen, which are new, and which came from where.

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
        >>> model = Sequential([Dense(4, activation="relu", input_dim=2), Dense(1)], seed=0)
        >>> model.freeze("all_but_head")
        >>> model.summary()
        Model 'sequential'
        layer    kind         output  parameters  training   weights from
        ───────  ───────────  ──────  ──────────  ─────────  ────────────
        dense_1  Dense, ReLU  (N, 4)          12  frozen     new
        dense_2  Dense        (N, 1)           5  trainable  new
        17 parameters: 5 trainable, 12 frozen
        """
        checks.function(print_fn, "summary's print_fn")(str(self._table()))

    def _table(self) -> Table:
        shapes = layer_shapes(self.layers, self.built_for) if self.built_for else None
        return summary_table(self.name, self.layers, shapes)

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()
