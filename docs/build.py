"""Build the site: `python docs/build.py`, after `pip install ".[docs]"`. It fetches nothing.

It makes the pages, runs Sphinx with warnings as errors, and then checks each link of each page.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

PARTS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}
"""Tag → the attribute with an address."""


class Addresses(HTMLParser):
    """The anchors of a page, and the addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.named: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {values[key] or "" for key in ("id", "name") if key in values}
        address = values.get(PARTS.get(tag, ""))
        if address is not None:
            self.named.append((tag, address))


def broken(site: Path) -> list[str]:
    """The links that lead nowhere, and whatever a page would fetch from elsewhere."""
    pages = {file: Addresses(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    wrong = []
    for file, page in pages.items():
        here = file.relative_to(site)
        for tag, address in page.named:
            parts = urlsplit(address)
            if parts.scheme == "data" or (tag == "a" and parts.scheme in ("https", "mailto")):
                continue
            if parts.scheme or parts.netloc:
                wrong.append(f"{here}: <{tag}> fetches {address}")
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                wrong.append(f"{here}: no file {address}")
            elif parts.fragment and target in pages:
                known = pages[target].anchors
                wrong += [f"{here}: no anchor {address}"] * (unquote(parts.fragment) not in known)
    return wrong


def name_kernel(folder: Path) -> None:
    """Run the tutorials by this very Python, and let their kernels keep quiet."""
    kernel = folder / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "--log-level=ERROR"]
    description = {"argv": [*command, "-f", "{connection_file}"], "display_name": "Python 3"}
    kernel.write_text(json.dumps(description | {"language": "python"}), "utf-8")
    os.environ["JUPYTER_PATH"] = str(folder)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=str(ROOT / "build" / "site"))
    parser.add_argument("--jobs", default="auto", help="how many processes (default: all cores)")
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # networks as small as these gain nothing
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])

    folder = Path(options.folder).resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / ".buildinfo").exists():
        parser.error(
            "build.py takes a folder that is new, or one in which it has built the site before. "
            f"Got {folder}, which has other files. Name another one."
        )
    started = time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="minnet-site-") as workshop:
        code = run_sphinx(Path(workshop), folder, options.jobs)
    if code:
        return code
    wrong = broken(folder)
    for line in wrong:
        print(line, file=sys.stderr)
    count = sum(1 for _ in folder.rglob("*.html"))
    print(f"{count} pages in {folder}, {len(wrong)} broken links, ", end="")
    print(f"{time.perf_counter() - started:.0f} s. Open {folder / 'index.html'}")
    return 1 if wrong else 0


def run_sphinx(workshop: Path, folder: Path, jobs: str) -> int:
    """Make the pages in one folder, and the site of them in another."""
    from sphinx.cmd.build import main as sphinx

    from docs import pages

    pages.Site(workshop / "pages").make()
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # pictures go into pages
    name_kernel(workshop)
    logging.getLogger("traitlets").setLevel(logging.WARNING)
    arguments = [
        "-b",
        "html",
        "-W",
        "--keep-going",
        "-q",
        "-E",
        "-j",
        jobs,
        "-c",
        str(ROOT / "docs"),
    ]
    arguments += ["-d", str(workshop / "doctrees"), str(workshop / "pages"), str(folder)]
    return int(sphinx(arguments))


if __name__ == "__main__":
    sys.exit(main())
