"""The explanation of one training step, as it is printed, or shown in a notebook."""

from __future__ import annotations

import os
from dataclasses import dataclass

from minnet.foundation.pages import page_path
from minnet.foundation.printing import printable
from minnet.teaching.explain import html, markdown, text
from minnet.teaching.explain.blocks import Block
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.story import tell


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Numbers):
    """One training step with its numbers: print it, or look at the numbers one by one.

    `str()` is plain text for 100 columns; a notebook shows HTML; `to_html(path)` writes that as a
    file to go through; `to_markdown()` has LaTeX. Its attributes are those of `Numbers`:
    `.steps[0].y`, `.weights["dense_1.W"].gradient`, `.loss`, … `chapter` and `short` are what
    `explain_step` was asked for: they choose what is shown, and not what is computed.

    Attributes
    ----------
    chapter, short
        What is shown of it; None and False show all.

    Examples
    --------
    >>> import minnet
    >>> model = minnet.Sequential([minnet.layers.Dense(1, input_dim=2)], seed=0)
    >>> model.compile(minnet.optimizers.SGD(0.1), "mse")
    >>> step = minnet.explain_step(model, [[1.0, 2.0]], [3.0])
    >>> step.new_loss < step.loss, step.weights["dense_1.W"].gradient.shape
    (True, (2, 1))
    """

    chapter: str | None = None
    short: bool = False

    def _story(self) -> list[Block]:
        return tell(self, self.chapter, short=self.short)

    def __str__(self) -> str:
        return printable(text.render(self._story()))

    def _repr_html_(self) -> str:
        return html.render(self._story(), self)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one HTML file to go through: block by block, with keys or buttons.

        Point at a number, and those that it is made of light up, with the sum written out. *Predict
        first* hides results until they are typed. The file needs no server and fetches nothing; it
        can be read without JavaScript, and printed.

        Parameters
        ----------
        path
            Where to; the name ends in `.html`.

        Raises
        ------
        TypeError, ValueError
            The path is none, or does not end in `.html`, or its folder is not there.

        Examples
        --------
        >>> import minnet, pathlib, tempfile
        >>> model = minnet.Sequential([minnet.layers.Dense(1, input_dim=2)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = pathlib.Path(folder, "step.html")
        ...     minnet.explain_step(model, [[1.0, 2.0]], [3.0]).to_html(page)
        ...     print(page.read_text("utf-8")[:15])
        <!doctype html>
        """
        page_path(path, "to_html").write_text(html.page(self._story(), self), "utf-8")

    def to_markdown(self) -> str:
        """The same as Markdown, with LaTeX between $$ signs.

        Examples
        --------
        >>> import minnet
        >>> model = minnet.Sequential([minnet.layers.Dense(1, input_dim=2)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> "$$" in minnet.explain_step(model, [[1.0, 2.0]], [3.0]).to_markdown()
        True
        """
        return markdown.render(self._story())

    def __repr__(self) -> str:
        return (
            f"<One step of {self.model!r}: loss {self.loss:.6g} → {self.new_loss:.6g}, predicted "
            f"{self.predicted_loss:.6g}. print() shows every number.>"
        )
