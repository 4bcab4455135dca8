"""The code of the pages runs and prints what they say, and they name files that are there."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

import minnet

ROOT = Path(minnet.__file__).parents[1]
README = ROOT / "README.md"
IN_CHINESE = ROOT / "README.zh-CN.md"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")

PAGES = [
    *("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"),
    "benchmarks/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")),
]
NEEDS = {"docs/from_sklearn.md": "sklearn"}
"""Pages whose code needs another tool."""

each_page = pytest.mark.parametrize("page", PAGES)
pytestmark = pytest.mark.skipif(not README.exists(), reason="minnet is here without its pages")


def blocks(page: str | Path = README) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def pairs(page: str | Path) -> list[tuple[str, str]]:
    """The programs of a page that are followed by what they print."""
    kinds = blocks(page)
    return [
        (code, output)
        for (kind, code), (next_kind, output) in itertools.pairwise(kinds)
        if kind == "python" and next_kind == "text"
    ]


WITH_OUTPUT = [page for page in PAGES if README.exists() and pairs(page)]


def test_the_pages_with_programs_are_seen() -> None:
    assert {"README.md", "README.zh-CN.md", "docs/look_inside.md"} <= set(WITH_OUTPUT)


@pytest.mark.parametrize("page", WITH_OUTPUT)
def test_the_code_prints_the_output_below_it(page) -> None:
    pytest.importorskip(NEEDS.get(page, "minnet"))
    for code, output in pairs(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), {})
        came = printed.getvalue()
        # BLAS differs between machines in the last digits: words alike, figures within one percent.
        assert NUMBER.sub("#", came) == NUMBER.sub("#", output)
        for a, b in zip(NUMBER.findall(came), NUMBER.findall(output), strict=True):
            assert float(a.replace(",", "")) == pytest.approx(float(b.replace(",", "")), rel=0.01)


@each_page
def test_every_program_has_its_output_under_it(page) -> None:
    programs = [code for kind, code in blocks(page) if kind == "python"]
    assert len(programs) == len(pairs(page))


def test_the_explained_step_has_about_as_many_lines_as_it_says() -> None:
    programs = blocks("docs/look_inside.md")
    code = next(code for kind, code in programs if kind == "python" and "explain_step" in code)
    shown: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "docs/look_inside.md", "exec"), shown)
    said = re.search(r"all of it has about (\d+) lines", code)
    assert said is not None
    assert len(shown["text"].splitlines()) == pytest.approx(int(said.group(1)), rel=0.03)


@pytest.mark.parametrize("page", [README, IN_CHINESE])
def test_there_are_two_commands_of_one_line_each(page) -> None:
    commands = [text for kind, text in blocks(page) if kind == "sh"]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)


def test_windows_has_the_same_commands() -> None:
    unix = [text for kind, text in blocks() if kind == "sh"]
    windows = [text for kind, text in blocks() if kind == "powershell"]
    as_windows = "".join(unix).replace("python3 -m venv", "py -m venv").replace(" &&", ";")
    as_windows = as_windows.replace(".venv/bin/", ".venv\\Scripts\\")
    assert windows == [as_windows.replace("tutorials/", "tutorials\\")]


def test_the_readme_in_chinese_keeps_the_same_promises() -> None:
    """The same commands, programs and outputs, and the same pages to go on to."""
    english, chinese = blocks(README), blocks(IN_CHINESE)
    assert [block for block in english if block not in chinese] == []
    others = {README.name, IN_CHINESE.name, "CONTRIBUTING.md", "CHANGELOG.md"}
    assert set(links(README)) - others <= set(links(IN_CHINESE))
    assert {str(n) for n in re.findall(r"3\.\d\d", README.read_text("utf-8"))} <= set(
        re.findall(r"3\.\d\d", IN_CHINESE.read_text("utf-8"))
    )


def test_the_readme_is_short() -> None:
    assert README.read_text("utf-8").count("\n") <= 110


def links(page: str | Path) -> list[str]:
    """The files that a page links to."""
    prose = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    return re.findall(r"\]\((?!http)([^)#\s]+)(?:#[^)]*)?\)", prose)


@each_page
def test_every_file_it_links_to_is_there(page) -> None:
    path = ROOT / page
    assert len(links(page)) > (10 if page == "README.md" else -1)
    for link in links(page):
        assert (path.parent / link).exists(), link


def test_every_page_by_hand_is_in_the_contents() -> None:
    contents = (ROOT / "docs" / "index.md").read_text("utf-8").splitlines()
    for path in ROOT.glob("docs/*.md"):
        assert path.stem == "index" or path.stem in contents, path.name


@each_page
def test_every_file_of_the_tests_and_the_package_that_it_names_is_there(page) -> None:
    """A promise names the test that holds it: by its path, from `tests/` on, or by its name."""
    text = (ROOT / page).read_text("utf-8")
    names = re.findall(r"`((?:tests|minnet)/[\w./-]+|(?:\w+/)*test_\w+\.py)`", text)
    for name in names:
        known = (ROOT / name).exists() or (ROOT / "tests" / name).exists()
        assert known or list(ROOT.glob(f"tests/**/{name}")), f"{page} names {name}"
    assert len(names) > 20 or page != "SECURITY.md"


def test_the_picture_comes_first() -> None:
    lines = README.read_text("utf-8").split("\n")
    assert next(i for i, line in enumerate(lines) if line.startswith("![")) <= 10
