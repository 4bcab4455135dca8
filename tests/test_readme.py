"""The README's code runs and prints what it says, and the pages name files that are there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

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


def test_the_explained_step_has_about_as_many_lines_as_it_says() -> None:
    code = next(code for kind, code in blocks() if kind == "python" and "explain_step" in code)
    shown: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, str(README), "exec"), shown)
    said = re.search(r"all of it has about (\d+) lines", code)
    assert said is not None
    assert len(shown["text"].splitlines()) == pytest.approx(int(said.group(1)), rel=0.03)


def test_there_are_two_commands_of_one_line_each() -> None:
    commands = [text for kind, text in blocks() if kind == "sh"]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)


PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_it_links_to_is_there(page) -> None:
    if not README.exists():
        pytest.skip("minnet is installed without its README")
    path = README.parent / page
    links = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text("utf-8"))
    assert len(links) > (10 if page == "README.md" else -1)
    for link in links:
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_tests_and_the_package_that_it_names_is_there(page) -> None:
    """A promise names the test that holds it: by its path, from `tests/` on, or by its name."""
    if not README.exists():
        pytest.skip("minnet is installed without its README")
    root = README.parent
    text = (root / page).read_text("utf-8")
    names = re.findall(r"`((?:tests|minnet)/[\w./-]+|(?:\w+/)*test_\w+\.py)`", text)
    for name in names:
        known = (root / name).exists() or (root / "tests" / name).exists()
        assert known or list(root.glob(f"tests/**/{name}")), f"{page} names {name}"
    assert len(names) > 20 or page != "SECURITY.md"


def test_the_first_picture_is_within_two_screens() -> None:
    lines = README.read_text("utf-8").split("\n")
    picture = next(i for i, line in enumerate(lines) if line.startswith("!["))
    assert picture <= 80
