"""The pages that are made from the code, so that nothing stands in two places.

Tutorials from their scripts, the reference from the docstrings, exercises and mistakes from the
course, and the files at the root of the project. Pages by hand link to files of the project, as
they are read in a checkout; on the site these links lead to its pages.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
from itertools import groupby
from pathlib import Path

from matplotlib import pyplot as plt

from docs import entries
from minnet import plots
from minnet.course import tutorials
from minnet.course.exercises.files import exercises
from minnet.course.zoo.catalogue import Misconception, catalogue

DOCS = Path(__file__).parent
ROOT = DOCS.parent

FILES = {
    "README.md": "first_steps.md",
    "README.zh-CN.md": "first_steps_zh.md",
    "benchmarks/README.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files elsewhere in the project that are pages of the site, too."""


class Site:
    """The folder from which Sphinx builds: pages by hand, with their links mended, and made ones.

    Parameters
    ----------
    folder
        Where the pages go; what is there already goes first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: set[Path] = set()
        shutil.rmtree(folder, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def make(self) -> None:
        """Write all pages."""
        for script, source in tutorials.scripts().items():
            cells = tutorials.notebook(source)
            title = cells["cells"][0]
            title["source"] = title["source"].replace("# ", f"# {script[:2]} · ", 1)
            name = f"tutorials/{script.removesuffix('.py')}.ipynb"
            self.write(name, json.dumps(cells, indent=1, ensure_ascii=False))
        for name, listed in entries.rooms().items():
            title, modules = entries.ROOMS[name]
            self.write(f"reference/{name}.rst", entries.page(title, modules, listed))
        self.write("reference/keras.md", keras_page())
        self.write("exercises.md", exercises_page())
        self.write("mistakes.md", mistakes_page())
        for page in sorted(DOCS.glob("*.md")):
            self.write(page.name, self.mended(page.read_text("utf-8"), Path("docs")))
        if not (DOCS / "teachers.md").exists():
            index = self.folder / "index.md"
            index.write_text(index.read_text("utf-8").replace("\nteachers\n", "\n"), "utf-8")
        for source, name in FILES.items():
            text = self.mended((ROOT / source).read_text("utf-8"), Path(source).parent)
            picture = "![Published figures and ours, in their bands](pictures/reproductions.png)"
            self.write(name, text.replace(PICTURED, f"\n{picture}\n{PICTURED}"))
        for source_file in sorted(self.sources):
            self.write(f"source/{source_file.as_posix()}.md", source_page(source_file))
        pictures = self.folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        for picture in sorted((ROOT / "tutorials" / "pictures").glob("*.png")):
            shutil.copy(picture, pictures / picture.name)
        draw_reproductions(pictures / "reproductions.png")

    def mended(self, text: str, folder: Path) -> str:
        """A text whose links lead to files of the project, with links to the site's pages."""

        def link(match: re.Match[str]) -> str:
            mark, words, target = match.groups()
            if re.match(r"\w+:|#", target) or not ("/" in target or "." in target):
                return match[0]
            address, _, anchor = target.partition("#")
            page = self.page_of(Path(*_joined(folder, address)))
            if page is None:
                return words
            return f"{mark}[{words}]({page}{'#' * bool(anchor)}{anchor})"

        prose_and_code = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
        return "".join(
            piece
            if piece.startswith("```")
            else re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", link, piece)
            for piece in prose_and_code
        )

    def page_of(self, path: Path) -> str | None:
        """The page that shows a file or a folder of the project, or None."""
        name = path.as_posix()
        if name in FILES:
            return FILES[name]
        if path.suffix == ".png":
            return f"pictures/{path.name}"
        if path.parts[:1] == ("docs",):
            return Path(*path.parts[1:]).as_posix()
        if re.fullmatch(r"tutorials/\d\d_\w+\.py", name):
            return f"tutorials/{path.stem}.ipynb"
        if name == "tutorials":
            return "course.md"
        if path.parts[:1] == ("minnet",) and path.suffix == ".py":
            self.sources.add(path)
            return f"source/{name}.md"
        rooms = {
            module.replace(".", "/"): page
            for page, (_, modules) in entries.ROOMS.items()
            for module in modules
        }
        special = {
            "minnet/keras": "reference/keras.md",
            "minnet/course/exercises": "exercises.md",
            "minnet/course/zoo": "mistakes.md",
        }
        if name in special:
            return special[name]
        return f"reference/{rooms[name]}.rst" if name in rooms else None


PICTURED = "\n| `reproduce` | figure | published |"
"""The table of the benchmarks that has a picture above it."""


def draw_reproductions(path: Path) -> None:
    """Each figure of a book, with ours: where they lie in the band that was set."""
    record = json.loads((ROOT / "benchmarks" / "reproductions.json").read_text("utf-8"))
    rows = [
        (f"{name}: {label}", figure)
        for name, run in record.items()
        for label, figure in run["figures"].items()
    ]
    figure, ax = plt.subplots(figsize=(8, 0.27 * len(rows) + 1.2), layout="constrained")
    ax.axvspan(-1, 1, color="0.9", label="band")
    for height, (_, facts) in enumerate(rows):
        low, high = facts["band"]
        ours = [2 * (value - low) / (high - low) - 1 for value in facts["values"]]
        inside = [min(max(share, -3), 3) for share in ours]
        ax.plot(inside, [height] * len(ours), "o", color=plots.COLOURS[0], alpha=0.6)
        if isinstance(facts["published"], (int, float)):
            published = 2 * (facts["published"] - low) / (high - low) - 1
            ax.plot(published, height, "|", color=plots.COLOURS[1], markersize=13, mew=2.5)
    ax.plot([], [], "o", color=plots.COLOURS[0], alpha=0.6, label="ours, a seed each")
    ax.plot([], [], "|", color=plots.COLOURS[1], markersize=13, mew=2.5, label="published")
    ax.set(xlim=(-3.1, 3.1), xlabel="half widths of the band; what is further out is at the edge")
    ax.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, 1.06), ncols=3, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def source_page(path: Path) -> str:
    """A file of the package, to be read."""
    text = (ROOT / path).read_text("utf-8").rstrip()
    return f"---\norphan: true\n---\n\n# {path.as_posix()}\n\n````python\n{text}\n````\n"


def keras_page() -> str:
    """What the door of Keras says of itself, and every name behind it with its first sentence."""
    text = importlib.import_module("minnet.keras").__doc__ or ""
    lines = ["# The door of Keras", "", text.strip(), ""]
    for module in entries.KERAS:
        lines += [f"## minnet.keras.{module}", "", "| name | |", "|---|---|"]
        for name, sentence in entries.names_behind(f"minnet.keras.{module}"):
            lines.append(f"| `{name}` | {sentence} |")
        lines.append("")
    return "\n".join(lines)


def exercises_page() -> str:
    """The sheets with their gaps, as a student gets them."""
    lines = [
        "# Exercises",
        "",
        "`python -m minnet exercises` copies these files into a folder. Fill in the gaps and call",
        "it again: it tries each function on numbers of its own, and shows the smallest ones on",
        "which it is wrong. It needs Hypothesis, `pip install hypothesis`.",
        "",
        "`--hints none`, `idea` or `full` sets how much is told, and `--report json`, `junit` or",
        "`gradescope` writes what a class hands in.",
        "",
    ]
    for sheet in exercises():
        title = sheet.name.replace("_", " ")
        gaps = ", ".join(f"`{gap}`" for gap in sheet.gaps)
        lines += [f"## {sheet.number}. {title}", "", f"To be written: {gaps}.", ""]
        lines += ["````python", sheet.with_gaps().rstrip(), "````", ""]
    return "\n".join(lines)


def mistakes_page() -> str:
    """The catalogue, from the same source as `python -m minnet mistakes`."""
    mistakes = catalogue()
    lines = [
        f"# {len(mistakes)} mistakes, and the question that reveals each",
        "",
        "All that minnet knows by name: what `check_gradients` and `diagnose` explain, what",
        "`compile` and `fit` refuse, and what the exercises recognise. `python -m minnet mistakes",
        "NAME` prints an entry, and `python -m minnet zoo` is a game of guessing with the first.",
        "",
    ]
    for tool, group in groupby(mistakes, key=lambda mistake: mistake.named_by.split(",")[0]):
        lines += [f"## Named by {tool}", ""]
        lines += [line for mistake in group for line in _entry(mistake, tool)]
    return "\n".join(lines)


def _entry(mistake: Misconception, tool: str) -> list[str]:
    """One mistake; what the exercises recognise has a hint and a formula, and no more to say."""
    if tool == "exercises":
        return [f"- `{mistake.name}`: {_plain(mistake.title)} It is {_plain(mistake.cure)}", ""]
    lines = [f"### {mistake.number}. {_plain(mistake.title)}", ""]
    if "\n" in mistake.example:
        lines += ["```python", mistake.example.rstrip(), "```", ""]
    else:
        lines += [f"**Example.** {_plain(mistake.example)}", ""]
    texts = {
        "One sees": mistake.sees,
        "Ask": mistake.question,
        "Cure": mistake.cure,
        "Its name, and its source": f"`{mistake.name}`; {mistake.source}",
    }
    for label, text in texts.items():
        end = "" if label[-1] in ".?" else "."
        lines += [f"**{label}{end}** {_plain(' '.join(text.split()))}", ""]
    return lines


def _plain(text: str) -> str:
    """Text in Markdown: what would be a mark there is meant as it stands, but for code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_\[\]<>$|#{}])", r"\\\1", piece)
        for piece in pieces
    )


def _joined(folder: Path, target: str) -> list[str]:
    """The names on the way to a file, without `..`."""
    names: list[str] = []
    for name in (folder / target).parts:
        if name == "..":
            names.pop()
        elif name != ".":
            names.append(name)
    return names
