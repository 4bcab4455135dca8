"""The page that a package index shows: no dead link, with an address of the project and without."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import minnet

pytest.importorskip("hatchling")
package_page = pytest.importorskip("docs.package_page", reason="minnet is here without its docs")

ROOT = Path(minnet.__file__).parents[1]
ADDRESS = "https://example.org/owner/minnet"
FILES = f"{ADDRESS}/blob/v{minnet.__version__}"
SETTING = re.compile(r'^address = "(.*?)"', re.MULTILINE)
FOR_A_BUILD = [
    *("pyproject.toml", "README.md", "LICENSE", "docs/package_page.py", "docs/pack_wheel.py"),
    "minnet/foundation/version.py",
    "minnet/pretrained/packing.py",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that the metadata are made of."""
    for name in FOR_A_BUILD:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def with_address(project: Path, address: str) -> None:
    """Write the address of the project where a person would."""
    file = project / "pyproject.toml"
    text, count = SETTING.subn(f'address = "{address}"', file.read_text("utf-8"))
    assert count == 1
    file.write_text(text, "utf-8")


def build(kind: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run hatchling in a Python of its own."""
    code = f"from hatchling.build import *; print(build_{kind}('out'))"
    command = [sys.executable, "-X", "utf8", "-c", code]
    return subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8")


def built(kind: str, project: Path) -> str:
    """The name of the file that it has built, in the folder `out`."""
    done = build(kind, project)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def metadata(project: Path) -> Message:
    """What a wheel of these files tells of itself."""
    wheel = project / "out" / built("wheel", project)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_string(archive.read(name).decode())


def page(message: Message) -> str:
    text = message.get_payload()
    assert isinstance(text, str)
    return text


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_with_an_address_all_links_lead_to_the_files_at_the_tag(project: Path) -> None:
    with_address(project, ADDRESS)
    message = metadata(project)
    assert dict(line.split(", ") for line in message.get_all("Project-URL", [])) == {
        "Homepage": ADDRESS,
        "Documentation": f"{FILES}/docs/index.md",
        "Source": ADDRESS,
        "Issues": f"{ADDRESS}/issues",
        "Changelog": f"{FILES}/CHANGELOG.md",
    }
    for address in package_page.urls(ADDRESS, minnet.__version__).values():
        if address.startswith(FILES):
            assert (ROOT / address.removeprefix(f"{FILES}/")).is_file(), address
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(links(readme)) > 10
    picture, *others = links(page(message))
    assert "![Test accuracy against the number of labels" in page(message)
    raw = f"{ADDRESS}/raw/v{minnet.__version__}/"
    assert [picture.removeprefix(raw), *(link.removeprefix(f"{FILES}/") for link in others)] == (
        links(readme)
    )


def test_without_an_address_no_link_is_left_and_every_file_is_named(project: Path) -> None:
    with_address(project, "")
    message = metadata(project)
    assert message.get_all("Project-URL", []) == []
    assert message["Description-Content-Type"] == "text/markdown"
    assert links(page(message)) == []
    for file in links((ROOT / "README.md").read_text("utf-8")):
        assert file in page(message)


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_all_but_the_links_is_as_it_was_written(project: Path, address: str) -> None:
    with_address(project, address)
    shown = page(metadata(project)).splitlines()
    written = (project / "README.md").read_text("utf-8").splitlines()
    for line, original in zip(shown, written, strict=True):
        assert line == original or "](" in original


def test_the_page_is_what_an_index_renders(project: Path) -> None:
    markdown = pytest.importorskip("readme_renderer.markdown")
    if not markdown.variants:
        pytest.skip("pip install readme_renderer[md]")
    for address in ("", ADDRESS):
        with_address(project, address)
        html = markdown.render(page(metadata(project)))
        targets = re.findall(r'(?:href|src)="([^"#][^"]*)"', html)
        assert all(target.startswith(ADDRESS) for target in targets)
        assert bool(targets) is bool(address)


def test_an_sdist_keeps_the_address_that_it_was_built_with(project: Path) -> None:
    with_address(project, ADDRESS)
    expected = metadata(project).as_string()
    with tarfile.open(project / "out" / built("sdist", project)) as archive:
        archive.extractall(project / "again", filter="data")
    (source,) = (project / "again").iterdir()
    assert metadata(source).as_string() == expected


@pytest.mark.parametrize(
    "address",
    ["example.org/owner/minnet", "https://example.org/owner/minnet/", "https://example.org", "?"],
)
def test_another_address_stops_the_build(project: Path, address: str) -> None:
    with_address(project, address)
    done = build("wheel", project)
    assert done.returncode != 0
    assert "takes https://HOST/OWNER/NAME, or nothing" in done.stderr
    assert f"Got {address!r}." in done.stderr


@pytest.mark.parametrize(
    ("written", "with_it", "without"),
    [
        ("[a](b.md)", "[a](https://A/blob/v1/b.md)", "a (`b.md`)"),
        ("[a\nb](c/d.md#e)", "[a\nb](https://A/blob/v1/c/d.md#e)", "a\nb (`c/d.md#e`)"),
        ("[`b.md`](b.md)", "[`b.md`](https://A/blob/v1/b.md)", "`b.md`"),
        ("[b](#c)", "[b](https://A/blob/v1/README.md#c)", "b (`README.md#c`)"),
        ("![a](b.png)", "![a](https://A/raw/v1/b.png)", "a (`b.png`)"),
        ("[a](https://b.org)", "[a](https://b.org)", "[a](https://b.org)"),
        ("`[a](b)`", "`[a](b)`", "`[a](b)`"),
        ("```python\n[a](b)\n```", "```python\n[a](b)\n```", "```python\n[a](b)\n```"),
        ("f[0](x, y)", None, None),
        ("[![a](b.png)](c.md)", None, None),
        ('<img src="b.png">', None, None),
        ("[a][b]\n\n[b]: c.md", None, None),
    ],
)
def test_every_form_of_a_link(written: str, with_it: str | None, without: str | None) -> None:
    for address, expected in (("https://A", with_it), ("", without)):
        if expected is None:
            with pytest.raises(ValueError, match=r"takes links of the form \[text\]\(file\)"):
                package_page.page(written, address, "1")
        else:
            assert package_page.page(written, address, "1") == expected


def test_the_citation_names_the_address_of_the_project() -> None:
    (address,) = SETTING.findall((ROOT / "pyproject.toml").read_text("utf-8"))
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    named = re.findall(r"^(?:repository-code|url): *\"?(.*?)\"?$", citation, re.MULTILINE)
    assert set(named) == ({address} if address else set())


class TestRelease:
    """`nox -s release`, which refuses what cannot be mended after an upload."""

    @pytest.fixture
    def ready(self, project: Path) -> Path:
        """A commit from which a release could be made."""
        shutil.copy(ROOT / "noxfile.py", project)
        with_address(project, ADDRESS)
        heading = f"# Changelog\n\n## Unreleased\n\n## {minnet.__version__} (2026-01-01)\n"
        (project / "CHANGELOG.md").write_text(heading, "utf-8")
        self.commit(project)
        return project

    def commit(self, project: Path) -> None:
        git = shutil.which("git")
        if git is None:
            pytest.skip("there is no git here")
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "Release"]):
            subprocess.run([git, *words], cwd=project, check=True)

    def refused(self, project: Path) -> str:
        """What it writes; without an index it cannot go further than to the first install."""
        pytest.importorskip("nox")
        command = [sys.executable, "-m", "nox", "--no-venv", "-s", "release"]
        done = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8")
        assert done.returncode != 0
        assert not (project / "dist").exists()
        return done.stderr

    def test_it_takes_an_address(self, ready: Path) -> None:
        with_address(ready, "")
        self.commit(ready)
        assert "A release takes the project's address" in self.refused(ready)

    def test_it_takes_a_heading_with_the_number(self, ready: Path) -> None:
        (ready / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n", "utf-8")
        self.commit(ready)
        assert f'a heading "## {minnet.__version__} (the day)"' in self.refused(ready)

    def test_it_takes_a_commit(self, ready: Path) -> None:
        (ready / "README.md").write_text("changed", "utf-8")
        assert " M README.md" in self.refused(ready)

    def test_it_takes_no_files_beside_the_commit(self, ready: Path) -> None:
        (ready / "minnet" / "more.py").touch()
        assert "?? minnet/more.py" in self.refused(ready)
