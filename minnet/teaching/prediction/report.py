"""What `explain_prediction` found, to be printed or looked at number by number."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.foundation.printing import printable
from minnet.foundation.tables import Table

SHOWN = 10
"""How many inputs are listed; of more, those that contribute most."""

WIDTH = 96


class Neighbour(NamedTuple):
    """A training row near the sample: its index, its distance, and its label if labels came."""

    row: int
    distance: float
    label: int | None


@dataclass(frozen=True, eq=False, repr=False)
class ExplainedPrediction:
    """Why a model gave this answer to this sample.

    Attributes
    ----------
    top, second : int
        The class that the model answers, and the one with the next score.
    scores : (K,) ndarray
        The score of each class before softmax; of a single sigmoid 0 and z.
    difference : float
        The score of `top` minus the score of `second`.
    slopes, contributions : ndarray
        The gradient of the difference by each input, and that times the input; of x's shape.
    constants : dict of float
        What the steps add: of a Dense its biases. With the contributions they sum to `difference`.
    units : list of (str, ndarray)
        For each step what each number of its output contributes to the difference.
    bent : list of str
        Steps that are no straight lines near x. Without any, the sum is the model itself near x.
    near, alike : list of Neighbour
        The nearest training rows, by the distance of inputs, and by that of the head's inputs.
    change : ndarray or None
        The smallest change that was found to turn the answer; None where none was.
    turned_to : int or None
        The answer to x + change.
    outside : list of str
        What is far from the training data, so that the explanation is of little worth.
    x : ndarray
        The sample, without a batch.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=20, seed=0)
    >>> model = minnet.load_pretrained("mnist-8x8")
    >>> answer = minnet.explain_prediction(model, x[0], x, y)
    >>> answer.scores.shape, answer.difference > 0
    ((10,), True)
    """

    x: Array
    top: int
    second: int
    scores: Array
    difference: float
    slopes: Array
    contributions: Array
    constants: dict[str, float]
    units: list[tuple[str, Array]]
    bent: list[str]
    near: list[Neighbour]
    alike: list[Neighbour]
    change: Array | None
    turned_to: int | None
    outside: int

    @property
    def exact(self) -> bool:
        """Whether the model is one straight line near x, so that the sum is all of it there."""
        return not self.bent

    @property
    def length(self) -> float:
        """How long the smallest change is, in the input's units; infinite where there is none."""
        return float("inf") if self.change is None else float(np.linalg.norm(self.change))

    def __str__(self) -> str:
        return printable("\n\n".join(str(piece) for piece in self._pieces()))

    def _repr_html_(self) -> str:
        return "".join(
            piece._repr_html_()
            if isinstance(piece, Table)
            else f"<p>{html.escape(' '.join(piece.split()))}</p>"
            for piece in self._pieces()
        )

    def __repr__(self) -> str:
        return (
            f"<{self.top} against {self.second}: a difference of {self.difference:.4g}. print() "
            "shows why.>"
        )

    def _pieces(self) -> list[str | Table]:
        return [
            _wrapped(
                f"The answer is {self.top}, and {self.second} comes second: their scores are "
                f"{self.scores[self.top]:.4g} and {self.scores[self.second]:.4g}, a difference of "
                f"{self.difference:.4g}."
            ),
            *self._sum(),
            *self._neighbours(),
            *self._turning(),
        ]

    # --- what each input contributed --------------------------------------------------------------

    def _sum(self) -> list[str | Table]:
        flat = self.contributions.ravel()
        order = np.argsort(-np.abs(flat), kind="stable")[:SHOWN]
        rows = [
            [
                _named("x", index),
                f"{self.x[index]:.4g}",
                f"{self.slopes[index]:.4g}",
                f"{self.contributions[index]:+.4f}",
            ]
            for index in (np.unravel_index(k, self.x.shape) for k in order)
        ]
        rest = flat.size - len(order)
        if rest:
            others = float(flat.sum() - flat[order].sum())
            rows.append([f"{rest:,} other inputs", "", "", f"{others:+.4f}"])
        for name, constant in self.constants.items():
            kind = "bend of" if name in self.bent else "constants of"
            rows.append([f"{kind} {name}", "", "", f"{constant:+.4f}"])
        rows.append([f"together: {self.top} against {self.second}", "", "", self._together()])
        table = Table(
            ["input", " value", " slope", " contribution"],
            rows,
            title=f"What speaks for {self.top} (+) and for {self.second} (−)",
        )
        return [table, _wrapped(self._how_exact()), _wrapped(self._contributions_mislead())]

    def _together(self) -> str:
        return f"{float(self.contributions.sum()) + sum(self.constants.values()):+.4f}"

    def _how_exact(self) -> str:
        if self.exact:
            return (
                "Each contribution is slope times value; the constants of a Dense are its biases, "
                "as they reach the scores. All layers are straight lines between kinks, so near x "
                "this sum is the model itself, exactly, until a unit switches on "
                "or off."
            )
        bent = ", ".join(self.bent)
        return (
            f"Not exact: {bent} cannot be taken apart into contributions. The sum uses the "
            "slope at x itself; it comes to the difference, with what is left as the bend, but a "
            "step away from x the slopes are others."
        )

    def _contributions_mislead(self) -> str:
        return (
            "Where this misleads: contributions count from an input of 0, so an input that is 0 "
            "contributes nothing, even if its being 0 is what matters. Inputs that always go "
            "together share their credit as the weights happen to. And a slope tells about small "
            "changes, not about leaving an input out."
        )

    # --- the nearest training rows ----------------------------------------------------------------

    def _neighbours(self) -> list[str | Table]:
        if not self.near:
            return []
        rows = [
            [f"{a.row}", f"{a.distance:.4g}", _label(a), f"{b.row}", f"{b.distance:.4g}", _label(b)]
            for a, b in zip(self.near, self.alike, strict=True)
        ]
        heading = [" row", " distance", " label", " row", " distance", " label"]
        title = "The nearest training rows: by the input, and by what reaches the head"
        return [
            Table(heading, rows, title=title),
            _wrapped(
                "Where this misleads: the model looks no rows up, and near does not mean that it "
                "learned from them. A distance counts every input alike and grows with its scale; "
                "among what reaches the head, rows are near that the model itself takes for alike, "
                "mistakes included."
            ),
        ]

    # --- what turns the answer --------------------------------------------------------------------

    def _turning(self) -> list[str | Table]:
        if self.change is None:
            return [
                _wrapped(
                    "No change was found that turns the answer: not along slopes, and not in "
                    "random directions. Such a model may give one answer to everything."
                )
            ]
        order = np.argsort(-np.abs(self.change).ravel(), kind="stable")[:SHOWN]
        rows = [
            [_named("x", index), f"{self.x[index]:.4g}", f"{self.change[index]:+.4g}"]
            for index in (np.unravel_index(k, self.x.shape) for k in order)
        ]
        rest = self.change.size - len(order)
        share = self.length / max(float(np.linalg.norm(self.x)), 1e-300)
        notes = [f"{rest:,} other inputs change by less."] if rest else []
        outside = (
            f" {self.outside:,} of the changed inputs leave the range of the training rows."
            if self.outside
            else ""
        )
        title = (
            f"The smallest change found that turns the answer to {self.turned_to}: length "
            f"{self.length:.4g}, {share:.1%} of x"
        )
        return [
            Table(["input", " value", " change"], rows, title=title, notes=notes),
            _wrapped(
                "Where this misleads: it is the smallest that was found, and a smaller one may "
                "exist. It goes where data never go, and often nobody would see it, so it shows "
                "where the boundary is, and not what makes the class." + outside
            ),
        ]


def _label(neighbour: Neighbour) -> str:
    return "" if neighbour.label is None else str(neighbour.label)


def _named(name: str, index: tuple[np.intp, ...]) -> str:
    return f"{name}[{', '.join(str(int(i)) for i in index)}]"


def _wrapped(sentences: str) -> str:
    return textwrap.fill(sentences, WIDTH, break_on_hyphens=False, break_long_words=False)
