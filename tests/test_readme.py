"""The README's code runs and prints what the README says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import minnet

README = Path(minnet.__file__).parents[1] / "README.md"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    if not README.exists():
        pytest.skip("minnet is installed without its README")
    return re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_code_prints_the_output_below_it() -> None:
    pairs = [
        (code, output)
        for (kind, code), (next_kind, output) in zip(blocks(), blocks()[1:], strict=False)
        if kind == "python" and next_kind == "text"
    ]
    assert pairs
    for code, output in pairs:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(README), "exec"), {})
        came = printed.getvalue()
        # BLAS differs between machines in the last digits: words alike, figures within one percent.
        assert NUMBER.sub("#", came) == NUMBER.sub("#", output)
        for a, b in zip(NUMBER.findall(came), NUMBER.findall(output), strict=True):
            assert float(a.replace(",", "")) == pytest.approx(float(b.replace(",", "")), rel=0.01)


def test_there_are_two_commands_of_one_line_each() -> None:
    commands = [text for kind, text in blocks() if kind == "sh"]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)


def test_every_file_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text("utf-8"))
    assert len(links) > 10
    for link in links:
        assert (README.parent / link).exists(), link


def test_the_first_picture_is_within_two_screens() -> None:
    lines = README.read_text("utf-8").split("\n")
    picture = next(i for i, line in enumerate(lines) if line.startswith("!["))
    assert picture <= 80
