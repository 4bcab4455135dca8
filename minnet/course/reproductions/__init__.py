"""Figures from books, courses and papers, to be reproduced: `python -m minnet reproduce`.

`REPRODUCTIONS` has them all by name, in learning order.
"""

from minnet.course.reproductions import convolution, lecun, nielsen, spiral, xor
from minnet.course.reproductions.reproduction import Figure, Outcome, Reproduction, SeedResult

SOURCES = (spiral, xor, nielsen, lecun, convolution)
"""The modules that have the networks, each in `REPRODUCTIONS`."""

REPRODUCTIONS: dict[str, Reproduction] = {
    reproduction.name: reproduction for source in SOURCES for reproduction in source.REPRODUCTIONS
}
"""Name → reproduction."""

__all__ = ["REPRODUCTIONS", "Figure", "Outcome", "Reproduction", "SeedResult"]
