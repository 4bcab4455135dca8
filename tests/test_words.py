"""One word for one thing: names of classes and of values, and words that nobody says aloud."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import minnet

PACKAGE = Path(minnet.__file__).parent
ROOT = PACKAGE.parent

DOORS = ("keras", "sklearn", "exchange", "parallel")
"""Doors to other tools, where classes bear those tools' names."""

VAGUE = {"what", "found", "said", "place", "part", "theirs"}
"""Names that do not say which value they stand for."""

RULED_OUT = ("shall", "whoever", "is the like", "as things are", "what is in force")
"""Words and phrases that are nowhere in code, prose or messages."""

READ_BY_STUDENTS = ("minnet", "tutorials", "benchmarks", "docs")
"""Folders in which names of values are held; tests name what they find as they like."""

STILL_VAGUE: set[str] = set()
"""Files whose values have vague names yet; a file that has none leaves the list."""

STILL_RULED_OUT: set[str] = set()
"""Files that have a word yet that is ruled out."""

STILL_TWICE: set[str] = set()
"""Classes whose name is another's, too, as yet."""

SOURCES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for folder in ("minnet", "tests", "tutorials", "benchmarks", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
PROSE = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PAGES}
TEXTS = {**SOURCES, **PROSE}
del TEXTS[str(Path(__file__).relative_to(ROOT))]


def test_the_lists_have_files_that_are_there() -> None:
    """A file that is renamed leaves them under its old name."""
    assert set(TEXTS) >= STILL_VAGUE | STILL_RULED_OUT


# --- classes --------------------------------------------------------------------------------------


def classes_of_one_name(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Class name, without a leading underscore → files, for names that are there twice or more."""
    files = defaultdict(list)
    for file, source in sources.items():
        room = Path(file).parts[1].removesuffix(".py")
        if room not in DOORS:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ClassDef):
                    files[node.name.lstrip("_")].append(file)
    return {name: where for name, where in files.items() if len(where) > 1}


def test_no_class_name_is_there_twice() -> None:
    package = {file: source for file, source in SOURCES.items() if file.startswith("minnet")}
    assert len(package) > 100
    twice = classes_of_one_name(package)
    assert set(twice) <= STILL_TWICE, twice
    assert set(twice) >= STILL_TWICE, f"take {STILL_TWICE - set(twice)} from STILL_TWICE"


@pytest.mark.parametrize(
    ("one", "other", "twice"),
    [
        ("minnet/losses.py", "minnet/teaching/report.py", ["Run"]),
        ("minnet/losses.py", "minnet/keras/losses.py", []),
        ("minnet/sklearn.py", "minnet/losses.py", []),
    ],
)
def test_a_class_of_another_ones_name_is_seen(one: str, other: str, twice: list[str]) -> None:
    sources = {one: "class Run: ...", other: "def f():\n    class _Run: ...\nclass Fit: ..."}
    assert list(classes_of_one_name(sources)) == twice


# --- names of values ------------------------------------------------------------------------------


NAMED_BY: dict[type[ast.AST], str] = {
    ast.Name: "id",
    ast.Attribute: "attr",
    ast.arg: "arg",
    ast.keyword: "arg",
    ast.alias: "asname",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
}
"""Kind of node → where it keeps its name."""


def vague_names(source: str) -> Iterator[str]:
    """Each vague name that a value, a parameter, an attribute, a function or a class has."""
    for node in ast.walk(ast.parse(source)):
        name = getattr(node, NAMED_BY.get(type(node), ""), None)
        if name is not None and name.strip("_") in VAGUE:
            yield f"{name} in line {getattr(node, 'lineno', '?')}"


@pytest.mark.parametrize(
    "file", [file for file in SOURCES if Path(file).parts[0] in READ_BY_STUDENTS]
)
def test_a_value_is_named_for_what_it_is(file: str) -> None:
    vague = list(vague_names(SOURCES[file]))
    if file in STILL_VAGUE:
        assert vague, f"take {file} from STILL_VAGUE"
    else:
        assert not vague, f"{file}: say which value it is: {', '.join(vague)}"


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "what: int = 1",
        "for place in (1, 2): pass",
        "a, (b, said) = 1, (2, 3)",
        "x = [part for part in ()]",
        "def f(theirs): pass",
        "def f(*found): pass",
        "f = lambda what: 1",
        "self.found = 1",
        "print(self._found)",
        "self.said()",
        "f(place=1)",
        "def _said(): pass",
        "class part: pass",
        "with f() as found: pass",
        "if (found := f()): pass",
        "import numpy as what",
        "try: pass\nexcept E as found: pass",
        "match x:\n    case [*found]: pass",
    ],
)
def test_a_vague_name_is_seen_wherever_it_stands(source: str) -> None:
    assert list(vague_names(source))


def test_whole_words_in_prose_are_no_names() -> None:
    source = '"""What was found."""\n# said\nfoundation, parts = "what", {"place": 1}  # theirs'
    assert not list(vague_names(source))


# --- prose ----------------------------------------------------------------------------------------


def ruled_out(text: str) -> list[str]:
    """The words in a text, in any case and over the ends of lines, that are ruled out."""
    running = re.sub(r"\s*\n[\s#>*]*", " ", text)
    return [phrase for phrase in RULED_OUT if re.search(rf"\b{phrase}\b", running, re.IGNORECASE)]


def says(source: str) -> Iterator[str]:
    """The first line of each docstring that begins with "Say"."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            line = (ast.get_docstring(node) or "").partition("\n")[0]
            if re.match(r"Say\b", line):
                yield line


@pytest.mark.parametrize("file", TEXTS)
def test_no_word_is_there_that_is_ruled_out(file: str) -> None:
    words = ruled_out(TEXTS[file])
    if file.endswith(".py"):
        words += says(TEXTS[file])
    if file in STILL_RULED_OUT:
        assert words, f"take {file} from STILL_RULED_OUT"
    else:
        assert not words, f"{file}: put it as one would say it aloud: {words}"


@pytest.mark.parametrize(
    "text",
    [
        "It shall learn.",
        "# Whoever runs it",
        "That is the\n# like of it.",
        "> as things\n> are now",
        "    what is\n    in force.",
    ],
)
def test_a_word_that_is_ruled_out_is_seen(text: str) -> None:
    assert ruled_out(text)


@pytest.mark.parametrize("text", ["shallow", "Or the like.", "as things go", "force"])
def test_other_words_are_not_ruled_out(text: str) -> None:
    assert not ruled_out(text)


@pytest.mark.parametrize(
    "source",
    [
        '"""Say a word."""',
        'def f():\n    """Say it."""',
        'class A:\n    async def f(self):\n        """\n        Say it.\n        """',
    ],
)
def test_a_docstring_that_begins_with_say_is_seen(source: str) -> None:
    assert list(says(source))


def test_a_docstring_may_say_a_word_later() -> None:
    assert not list(says('"""Return what to say. Say it."""\nSay = "Say"'))
