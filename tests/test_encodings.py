"""Every command, with every option, and the README's programs print in any encoding.

On Windows `python -m minnet mistakes > list.txt` has no Greek, and a file that is opened without
an encoding is read in another one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.__main__ import main
from tests.test_readme import README, blocks

ROOT = Path(minnet.__file__).parents[1]

WRONG = """
import numpy as np
x, y, w = np.arange(6.0), 2 * np.arange(6.0), 0.0  # a slope, η = 0.01
for step in range(5):
    error = w * x - y
    loss = (error**2).mean()
    dw = -(error * x).mean()
    w -= 0.01 * dw
    print(f"∂L/∂w → {dw:.3f}")

def softmax(z):
    return np.exp(z) / np.exp(z).sum()
"""

COMMANDS = [
    "info",
    "zoo --list",
    "zoo --seed 0",
    "zoo --only a-neck-of-one --seed 1",
    "zoo --only μ",
    "mistakes",
    "mistakes 1 2 3",
    "mistakes μ",
    "tutorials",
    "tutorials notebooks --notebooks",
    "tutorials wrong.py",
    "exercises",
    "exercises softmax --hints full --seconds 5 --megabytes 1000",
    "exercises softmax --again",
    "exercises softmax --hints short",
    "exercises μ",
    "exercises --new-key teacher.key",
    "exercises --solutions solved --key teacher.key",
    "exercises softmax --folder solved",
    "exercises softmax --report markdown",
    "exercises softmax --report json --output report.json",
    "exercises softmax --report junit",
    "exercises softmax --report gradescope",
    "exercises softmax --report json --class class --output reports",
    "exercises --sheets none",
    "check wrong.py",
    "check wrong.py softmax --seconds 20",
    "check none.py",
    "reproduce",
    "reproduce spiral --seeds 1 --jobs 1 --json spiral.json",
    "reproduce → --data none",
    "→",
]
"""One for each thing that a command may print, right and wrong."""

NAMES = sorted({line.split()[0] for line in COMMANDS} - {"→"})


def run(encoding: str, folder: Path, program: str) -> tuple[str, str]:
    """What a program prints to both outputs where standard output and files have this encoding."""
    (folder / "program.py").write_text(program, "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    environment |= {
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
    }  # files are ASCII where it is not said
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-X", "warn_default_encoding", "program.py"],
        env=environment,
        cwd=folder,
        input=b"1\n" * 100,  # the answers in the game
        capture_output=True,
    )
    output, errors = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert done.returncode == 0, errors[-2000:]
    for text in (output, errors):
        assert not re.search(r"Unicode\w*Error|codec can't|EncodingWarning.*minnet", text), text
    return output, errors


def test_the_commands_below_are_all(capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        return capsys.readouterr().out

    (listed,) = re.findall(r"\{([\w,]+)\}", told().partition("\n\n")[0])
    assert sorted(listed.split(",")) == NAMES
    for name in NAMES:
        options = set(re.findall(r"--[a-z-]+", told(name).partition("\n\n")[0]))
        used = {word for line in COMMANDS if line.split()[0] == name for word in line.split()}
        assert options <= used | {"--help"}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_every_command_prints_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG, "utf-8")
    (tmp_path / "class" / "ann").mkdir(parents=True)
    helps = [f"{name} --help" for name in NAMES]
    lines = [*helps, *COMMANDS, "--help"]
    output, errors = run(
        encoding,
        tmp_path,
        f"""
from minnet.__main__ import main
for line in {lines!a}:
    code = 0
    try:
        main(line.split())
    except SystemExit as end:
        code = end.code
    print("%", ascii(line), code)
""",
    )
    texts = re.split(r"^% '(.*)' (\d+|None)$", output, flags=re.MULTILINE)
    ran = list(zip(texts[0::3], texts[1::3], texts[2::3], strict=False))
    assert len(ran) == len(lines)
    for text, line, code in ran:
        elsewhere = code == "2" or "--output" in line  # in standard error, or in a file
        assert text.strip() or elsewhere, line
    assert "Traceback" not in output + errors


@pytest.mark.skipif(not README.exists(), reason="minnet is here without its pages")
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_the_programs_of_the_readme_print_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    programs = [text for kind, text in blocks() if kind == "python"]
    assert programs
    for program in programs:
        output, _ = run(encoding, tmp_path, program)
        assert output.strip()
