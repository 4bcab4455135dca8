"""The explanation of one training step, as it is printed, or shown in a notebook."""

from __future__ import annotations

from minnet.foundation.printing import printable
from minnet.teaching.explain import html, markdown, text
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.story import tell


class Explanation(Numbers):
    """One training step with its numbers: print it, or look at the numbers one by one.

    `str()` is plain text for 100 columns; a notebook shows HTML; `to_markdown()` has LaTeX. Its
    attributes are those of `Numbers`: `.steps[0].y`, `.weights["dense_1.W"].gradient`, `.loss`, …
    """

    def __str__(self) -> str:
        return printable(text.render(tell(self)))

    def _repr_html_(self) -> str:
        return html.render(tell(self))

    def to_markdown(self) -> str:
        """The same as Markdown, with LaTeX between $$ signs."""
        return markdown.render(tell(self))

    def __repr__(self) -> str:
        return (
            f"<One step of {self.model!r}: loss {self.loss:.6g} → {self.new_loss:.6g}, predicted "
            f"{self.predicted_loss:.6g}. print() shows every number.>"
        )
