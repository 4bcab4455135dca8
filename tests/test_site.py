"""The site is made from what is there: its pages, its links, and how a broken one is seen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import minnet
from minnet.course import tutorials
from minnet.course.exercises.files import exercises
from minnet.course.zoo.catalogue import catalogue

build = pytest.importorskip("docs.build", reason="minnet is installed without its docs")
pages = pytest.importorskip("docs.pages", reason="minnet is installed without its docs")

ROOT = Path(minnet.__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as Sphinx gets them."""
    pytest.importorskip("sklearn", reason="the reference has the estimators of minnet.sklearn")
    target = tmp_path_factory.mktemp("site")
    pages.Site(target).make()
    return target


def test_every_tutorial_is_a_page_with_its_number(folder: Path) -> None:
    for script in tutorials.scripts():
        text = (folder / "tutorials" / script).with_suffix(".ipynb").read_text("utf-8")
        cells = json.loads(text)["cells"]
        assert cells[0]["source"].startswith(f"# {script[:2]} · ")
        assert "plt.close(" not in text


def test_every_exercise_and_every_mistake_is_there(folder: Path) -> None:
    text = (folder / "exercises.md").read_text("utf-8")
    for sheet in exercises():
        assert all(f"`{gap}`" in text for gap in sheet.gaps)
        assert sheet.with_gaps().rstrip() in text
        assert sheet.solved() not in text
    text = (folder / "mistakes.md").read_text("utf-8")
    assert all(f"`{mistake.name}`" in text for mistake in catalogue())


def test_links_lead_from_page_to_page(folder: Path) -> None:
    """Those of Markdown pages, which lead to files of the project where they are written."""
    for page in folder.glob("*.md"):
        prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\((?!http)([^)#\s]+)(?:#[^)]*)?\)", prose):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    ("written", "on_the_site"),
    [
        ("[a](../tutorials/01_neuron.py)", "[a](tutorials/01_neuron.ipynb)"),
        ("[`layers/`](../minnet/layers)", "[`layers/`](reference/layers.rst)"),
        ("[a](../minnet/layers/dense.py)", "[a](source/minnet/layers/dense.py.md)"),
        ("[a](from_keras.md#departures)", "[a](from_keras.md#departures)"),
        ("![a](../tutorials/pictures/b.png)", "![a](pictures/b.png)"),
        ("[a](../benchmarks/README.md)", "[a](benchmarks.md)"),
        ("[a](../tests)", "a"),
        ("[a](https://example.org/b)", "[a](https://example.org/b)"),
        ("```\n[a](../tests/b.py)\n```", "```\n[a](../tests/b.py)\n```"),
        ("layers[0](x)", "layers[0](x)"),
    ],
)
def test_a_link_to_a_file_becomes_one_to_its_page(tmp_path, written, on_the_site) -> None:
    site = pages.Site(tmp_path / "site")
    assert site.mended(written, Path("docs")) == on_the_site


def test_a_folder_with_other_files_is_not_emptied(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "thesis.txt").write_text("all of it", "utf-8")
    monkeypatch.setattr("sys.argv", ["build.py", str(tmp_path)])
    with pytest.raises(SystemExit):
        build.main()
    assert "Got" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


PAGE = '<a id="here"></a><a href="other.html#there">x</a><img src="data:image/png;base64,AA">'


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ('<a href="other.html#there">x</a>', None),
        ('<a href="#here">x</a>', None),
        ('<a href="https://example.org">x</a>', None),
        ('<a href="none.html">x</a>', "no file"),
        ('<a href="other.html#none">x</a>', "no anchor"),
        ('<a href="#none">x</a>', "no anchor"),
        ('<img src="none.png">', "no file"),
        ('<script src="https://example.org/a.js"></script>', "fetches"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "fetches"),
    ],
)
def test_a_link_that_leads_nowhere_is_seen(tmp_path, link, fault) -> None:
    (tmp_path / "page.html").write_text(PAGE + link, "utf-8")
    (tmp_path / "other.html").write_text('<p id="there">', "utf-8")
    broken = build.broken(tmp_path)
    assert [fault in line for line in broken] == ([True] if fault else [])
