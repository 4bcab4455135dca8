"""Reading an explanation back: which matrices it prints, in which section, and what is by hand."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from minnet.teaching.explain.digits import shown_indices

TITLE = re.compile(r"^(\d)\.(\d+)  (\S+)")
NAME = re.compile(r"(\S+(?: \S+)*?) (\((?:\d+(?:, \d+)*)?,?\))(?:   |\s*$)")
NUMBER = re.compile(r"(?<![\w.\[])-?\d+(?:\.\d*)?(?:e[-+]\d+)?(?![\w.\]])")


class Printed(NamedTuple):
    """One matrix: the chapter and the step it stands under, its name, its shape, what is shown."""

    chapter: int
    section: str
    name: str
    shape: tuple[int, ...]
    numbers: list[str]


class ByHand(NamedTuple):
    """One line of numbers: what it is, and the expressions that it equals."""

    chapter: int
    section: str
    left: str
    right: list[str]
    of: str


def read(text):
    """The matrices and the lines by hand of an explanation's text."""
    matrices, by_hand = [], []
    chapter, section, of = 0, "", ""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if re.match(r"^\d\. ", line):
            chapter, section = int(line[0]), ""
        title = TITLE.match(line)
        if title:
            section, of = title[3].rstrip(","), ""
        by_name = re.match(r"  By hand, for θ = (\S+(?: \d+\])*),", line)
        if by_name:
            of = by_name[1]
        below = lines[i + 1] if i + 1 < len(lines) else ""
        if NAME.match(line[4:]) and re.match(r"^ {4,}\[ ", below):
            matrices += _matrices(chapter, section, lines, i)
        elif line.startswith("    ") and " = " in line and not line.lstrip().startswith("= "):
            left, _, first = line.strip().partition(" = ")
            right = first.split(" = ")
            for more in lines[i + 1 :]:
                if not re.match(r"^ +(= )?\S", more) or not more.startswith("     "):
                    break
                if more.lstrip().startswith("= "):
                    right.append(more.lstrip()[2:])
                else:
                    right[-1] += " " + more.strip()
            by_hand.append(ByHand(chapter, section, left.strip(), [r.strip() for r in right], of))
    return matrices, by_hand


def _matrices(chapter, section, lines, i):
    headers = list(NAME.finditer(lines[i]))
    printed = []
    stops = [*(header.start(1) for header in headers[1:]), None]
    for header, stop in zip(headers, stops, strict=True):
        start = header.start(1)
        numbers = []
        for line in lines[i + 1 :]:
            row = line[start:stop].strip()
            if not row.startswith("["):
                break
            numbers += [cell for cell in row.strip("[] ").split() if cell not in "…⋮⋱"]
        shape = tuple(int(n) for n in re.findall(r"\d+", header[2]))
        printed.append(Printed(chapter, section, header[1], shape, numbers))
    return printed


def agrees(shown, value, slack=1e-10):
    """Whether a printed number is this value, to the digits that are shown, give or take slack."""
    if shown in ("nan", "inf", "-inf"):
        return str(float(value)) == shown
    digits = shown.lstrip("-").partition("e")[0]
    if "." not in digits and "e" not in shown and len(digits) < 4:
        return abs(float(shown) - value) <= slack  # a whole number, which is exact
    assert len(digits.replace(".", "").lstrip("0")) >= 4, f"{shown} has too few digits"
    decimals = len(digits.partition(".")[2]) - int(shown.partition("e")[2] or 0)
    return abs(float(shown) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + slack


def assert_agrees(printed, array, slack=1e-10):
    """All entries of a printed matrix are those of the array."""
    array = np.asarray(array, float)
    slack = np.broadcast_to(slack, array.shape)
    assert printed.shape == array.shape, printed
    shown = zip(printed.numbers, shown_indices(array), strict=True)
    wrong = [(s, array[i]) for s, i in shown if not agrees(s, array[i], slack[i])]
    assert not wrong, (printed, wrong)


def numbers(expression):
    """The numbers in an expression by hand, in order."""
    return NUMBER.findall(expression)
