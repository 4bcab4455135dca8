"""What a check found, for those who grade: JSON, JUnit's XML, or Gradescope's results.

`hints` says how much of a mistake is shown: "none" (that it is wrong), "idea" (the smallest numbers
on which it is) or "full" (with what to write). A class sets it for all in a file `minnet.toml` in
the folder of the exercises, together with the fingerprint of its teacher's key::

    [exercises]
    hints = "idea"
    key = "5f0c…"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from minnet.course.exercises.inspection import DONE, WRONG, CheckResult
from minnet.foundation.checks import choice, short, text
from minnet.foundation.version import __version__

HINTS = ("none", "idea", "full")
SETTINGS = "minnet.toml"

FINGERPRINT = re.compile("[0-9a-f]{64}")

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may hold, whatever a student's code puts into an error."""


def hints_of(folder: str | Path) -> str:
    """The level of hints that a class has set for this folder; "full" where it has not.

    Raises
    ------
    ValueError
        The file is not TOML, or sets something else.
    """
    path = Path(folder, SETTINGS)
    return choice(_settings(path).get("hints", "full"), HINTS, f"hints in {path}")


def key_of(folder: str | Path) -> str | None:
    """The fingerprint of the teacher's key that a class has set; None where it has not.

    Raises
    ------
    ValueError
        The file is not TOML, or sets something else.
    """
    key = _settings(Path(folder, SETTINGS)).get("key")
    return None if key is None else str(key)


def _settings(path: Path) -> dict[str, Any]:
    """What a class has set."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"exercises takes a {SETTINGS} in TOML. Got {path}: {error}.") from None
    table = settings.get("exercises", {})
    unknown = sorted({*settings} - {"exercises"}) or sorted({*table} - {"hints", "key"})
    if unknown:
        raise ValueError(
            f'exercises takes [exercises] hints = "idea" in {SETTINGS}. Got {unknown[0]} in {path}.'
        )
    key = text(table.get("key", "0" * 64), f"key in {SETTINGS}")
    if not FINGERPRINT.fullmatch(key):
        raise ValueError(
            f"key in {SETTINGS} takes the 64 digits that --new-key printed. Got {short(key, 30)}. "
            "What is in the key file itself is secret: students must not have it."
        )
    return dict(table)


def shown(result: CheckResult, hints: str) -> str:
    """What a student is told of a mistake, at this level; that a file is missing, at any."""
    if result.state != WRONG:
        return result.text
    if hints == "none":
        return ""
    if hints == "full" or result.line == 0:  # what keeps a file from running is no answer
        return result.text
    kept: list[str] = []
    for line in result.text.split("\n"):
        if re.match(r"\s*hint\b", line):
            break
        kept.append(line)
    return "\n".join(kept)


def as_json(results: Sequence[CheckResult], hints: str) -> str:
    """An object with the score and one entry for each function."""
    done = sum(result.state == DONE for result in results)
    functions = [
        {
            "file": Path(result.path).name,
            "function": result.gap,
            "state": result.state,
            "line": result.line,
            "score": int(result.state == DONE),
            "message": shown(result, hints),
        }
        for result in results
    ]
    report = {"minnet": __version__, "done": done, "of": len(results), "functions": functions}
    return json.dumps(report, indent=1, ensure_ascii=False)


def as_junit(results: Sequence[CheckResult], hints: str) -> str:
    """JUnit's XML, which CI systems read: a test case for each function."""
    failed = sum(result.state != DONE for result in results)
    suite = ET.Element(
        "testsuite", name="minnet exercises", tests=str(len(results)), failures=str(failed)
    )
    for result in results:
        name = Path(result.path).stem
        case = ET.SubElement(suite, "testcase", classname=name, name=result.gap)
        if result.state != DONE:
            failure = ET.SubElement(case, "failure", message=result.state)
            failure.text = ILLEGAL.sub("�", shown(result, hints))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def as_gradescope(results: Sequence[CheckResult], hints: str) -> str:
    """The `results.json` that Gradescope's autograder reads: a point for each function."""
    tests: list[dict[str, Any]] = [
        {
            "name": f"{Path(result.path).stem}: {result.gap}",
            "score": int(result.state == DONE),
            "max_score": 1,
            "status": "passed" if result.state == DONE else "failed",
            "output": shown(result, hints) or result.state,
        }
        for result in results
    ]
    return json.dumps({"tests": tests}, indent=1, ensure_ascii=False)


REPORTS: dict[str, Callable[[Sequence[CheckResult], str], str]] = {
    "json": as_json,
    "junit": as_junit,
    "gradescope": as_gradescope,
}
"""Form → how it is written."""
