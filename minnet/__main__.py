"""The command line: what minnet finds on this machine, a game, exercises, figures to reproduce.

`python -m minnet info`, `tutorials`, `check`, `exercises`, `mistakes`, `zoo` and `reproduce`.
"""

from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minnet
from minnet.course import tutorials
from minnet.course.exercises import classes, course, inspection, keys, reports
from minnet.course.reproductions import running
from minnet.course.zoo import catalogue, game
from minnet.foundation.printing import print_plainly
from minnet.teaching.scripts import report

EXTRAS = {
    "tqdm": "a bar while fit runs (extra progress)",
    "pooch": "downloads of MNIST and Fashion-MNIST (extra data)",
    "hypothesis": "checks of what is written in the exercises (extra exercises)",
    "threadpoolctl": "fits of small networks on one thread (extra threads)",
}

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def info() -> str:
    """What is installed, which library multiplies matrices, and with how many threads."""
    facts = [
        ("minnet", minnet.__version__),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("NumPy", np.__version__),
        ("BLAS", _blas()),
        ("cores", str(os.cpu_count())),
        ("BLAS threads", _threads()),
        ("models", ", ".join(minnet.pretrained.MODELS)),
        ("MINNET_DATA", os.environ.get("MINNET_DATA", "not set")),
    ]
    for name, use in EXTRAS.items():
        there = importlib.util.find_spec(name) is not None
        facts.append((name, f"{'installed' if there else 'not installed'}: {use}"))
    width = max(len(name) for name, _ in facts)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in facts)


def _blas() -> str:
    """The library that NumPy multiplies matrices with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _threads() -> str:
    """How many threads it uses: asked of the library if threadpoolctl is there."""
    settings = ", ".join(f"{name}={os.environ[name]}" for name in THREADS if name in os.environ)
    if importlib.util.find_spec("threadpoolctl") is None:
        return settings or f"not set; small networks are often faster with {THREADS[0]}=1"
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    blas = [pool for pool in pools if pool["user_api"] == "blas"]
    used = " or ".join(sorted({str(pool["num_threads"]) for pool in blas})) or "unknown"
    kernels = sorted({pool["architecture"] for pool in blas if pool.get("architecture")})
    return "".join(
        [
            used,
            f" ({settings})" if settings else "",
            f", kernels for {' and '.join(kernels)}" if kernels else "",
            "" if used == "1" else "; 1 in a fit of a small network",
        ]
    )


def _add_exercises(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m minnet exercises`."""
    parser.description = (
        "Copies files with gaps into a folder, and checks what you have written: a table, and the "
        "smallest numbers on which something is wrong. Your files are never overwritten. The exit "
        "code is 0 if all that is asked for is right."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="check these: softmax, 02, exercises/02_softmax.py; without a name, all",
    )
    parser.add_argument(
        "--folder",
        default=course.FOLDER,
        help="where the files are, or should be (default: %(default)s)",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="start the named ones over; what you had is kept under another name",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=inspection.SECONDS,
        help="how long the check of one function may take (default: %(default)g)",
    )
    parser.add_argument(
        "--megabytes",
        type=float,
        default=inspection.MEGABYTES,
        help="how much memory it may take, where the system can limit it (default: %(default)g)",
    )
    parser.add_argument(
        "--sheets", metavar="FOLDER", help="a teacher's own exercises, instead of minnet's"
    )
    parser.add_argument(
        "--solutions", metavar="FOLDER", help="for a teacher: write the solutions into a folder"
    )
    parser.add_argument("--key", metavar="FILE", help="the teacher's key, for --solutions")
    parser.add_argument("--new-key", metavar="FILE", help="for a teacher: make a key")
    parser.add_argument(
        "--hints",
        choices=reports.HINTS,
        help=f"how much is told of a mistake (default: what {reports.SETTINGS} sets, else full)",
    )
    parser.add_argument(
        "--report", choices=list(reports.REPORTS), help="for a teacher: check, and write a report"
    )
    parser.add_argument(
        "--class",
        dest="submissions",
        metavar="FOLDER",
        help="with --report: a folder with a folder for each student; --output is a folder, too",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where the report goes (default: standard output)"
    )


def _report(options: argparse.Namespace) -> None:
    """Write a report of the exercises, or those of a class."""
    settings = {
        "seconds": options.seconds,
        "megabytes": options.megabytes,
        "hints": options.hints,
        "own": options.sheets,
    }
    if options.submissions is not None:
        if options.output is None:
            raise ValueError(
                "--class takes a folder for the reports. Got none. Add --output FOLDER."
            )
        print(
            classes.grade_class(
                options.report,
                options.names,
                submissions=options.submissions,
                output=options.output,
                **settings,
            )
        )
        return
    text = course.report(options.report, options.names, folder=options.folder, **settings)
    if options.output is None:
        print(text)
    else:
        Path(options.output).write_text(text + "\n", encoding="utf-8")


def _exercises(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Run the command, and leave with its code."""
    try:
        if options.new_key:
            print(keys.new_key(options.new_key))
            return
        if options.solutions:
            told = course.solutions(
                options.solutions, key=options.key, folder=options.folder, own=options.sheets
            )
            print(told)
            return
        if options.submissions is not None and options.report is None:
            raise ValueError("--class takes the form of the reports. Got none. Add --report json.")
        if options.report:
            _report(options)
            return
        code = course.run(
            options.names,
            folder=options.folder,
            again=options.again,
            seconds=options.seconds,
            megabytes=options.megabytes,
            hints=options.hints,
            own=options.sheets,
        )
    except (ValueError, RuntimeError) as error:
        parser.error(str(error))
    except OSError as error:
        if _nobody_reads(error):
            raise
        parser.error(
            "exercises takes a folder in which files can be written. "
            f"Got {error.filename}: {error.strerror}. Name another one."
        )
    except KeyboardInterrupt:
        code = 130  # what a shell expects after Ctrl-C
    sys.exit(code)


def _add_tutorials(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m minnet tutorials`."""
    parser.description = "Copies the course into a folder. Files that are there are left alone."
    parser.add_argument(
        "folder",
        nargs="?",
        default=tutorials.FOLDER,
        help="where they go (default: %(default)s)",
    )
    parser.add_argument(
        "--notebooks", action="store_true", help="as notebooks for Jupyter, instead of scripts"
    )


def _tutorials(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Run the command."""
    try:
        print(tutorials.copy(options.folder, notebooks=options.notebooks))
    except FileNotFoundError as error:
        parser.error(str(error))
    except OSError as error:
        if _nobody_reads(error):
            raise
        parser.error(
            "tutorials takes a folder in which files can be written. "
            f"Got {error.filename}: {error.strerror}. Name another one."
        )


def _add_check(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m minnet check`."""
    parser.description = (
        "Holds the gradients, the losses and the updates in your own file to what is measured, and "
        "says block by block what is right and what is wrong. The file is run once, on its own, "
        "and writes nothing. The exit code is 0 if nothing is wrong, 1 if something is, and 2 if "
        "there was nothing to check."
    )
    parser.add_argument("file", help="a Python file: a loop that learns, or functions and classes")
    parser.add_argument(
        "names", nargs="*", default=[], metavar="NAME", help="functions or classes; else all"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=report.SECONDS,
        help="how long it may take (default: %(default)g)",
    )


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m minnet reproduce`."""
    parser.description = (
        "Trains networks of books and papers again, over several seeds, and prints the published "
        "figure, ours, and whether it is in the band that was set for it. The exit code is 0 if "
        "all are, and 1 if not."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="what to reproduce, or all; without one, a list"
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=running.SEEDS,
        metavar="N",
        help="how many seeds, 0, 1, 2, … (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="the folder with MNIST; without it MINNET_DATA, else what minnet.datasets.mnist does",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="how many seeds run at a time, each in a process of its own (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file as well")


def _reproduce(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Run the command, and leave with its code."""
    if not options.names:
        print(running.listing())
        return
    try:
        in_band = running.reproduce(
            options.names,
            seeds=options.seeds,
            data=options.data,
            report=options.json,
            jobs=options.jobs,
        )
    except (ValueError, OSError) as error:
        if _nobody_reads(error):
            raise
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell expects after Ctrl-C
    sys.exit(0 if in_band else 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and end without a word where nobody reads on, as after `| head`."""
    print_plainly()
    try:
        _run(arguments)
        sys.stdout.flush()
    except OSError as error:
        if not _nobody_reads(error):
            raise
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - Python flushes it at its end
        sys.exit(141)  # 128 + SIGPIPE, as a shell counts it


def _nobody_reads(error: Exception) -> bool:
    """Whether the program that read the output has ended; Windows says "invalid argument" then."""
    invalid = sys.platform == "win32" and getattr(error, "errno", None) == errno.EINVAL
    return isinstance(error, BrokenPipeError) or invalid


def _run(arguments: Sequence[str] | None) -> None:
    """Run a command."""
    about = (minnet.__doc__ or "").partition("\n")[0]
    begin = "To begin: python -m minnet tutorials. Add --help to a command to see what it takes."
    parser = argparse.ArgumentParser(prog="python -m minnet", description=about, epilog=begin)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info", help="what minnet finds on this machine")
    zoo = commands.add_parser("zoo", help="a game: sick networks, and what is wrong with them")
    zoo.add_argument("--list", action="store_true", help="the names of all mistakes, and hints")
    zoo.add_argument("--only", action="append", default=[], metavar="NAME", help="play this one")
    zoo.add_argument("--seed", type=int, default=None, help="for the same game again")
    mistakes = commands.add_parser("mistakes", help="a numbered list of what people get wrong")
    mistakes.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="show these, by name or number, or all with such a word, as relu; without one, all",
    )
    _add_exercises(
        commands.add_parser("exercises", help="files with gaps to fill, and their check")
    )
    copies = commands.add_parser("tutorials", help="the course, copied: scripts or notebooks")
    _add_tutorials(copies)
    _add_check(commands.add_parser("check", help="what is wrong with the gradients in a file"))
    reproduce = commands.add_parser("reproduce", help="published figures, trained again")
    _add_reproduce(reproduce)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
    elif options.command == "info":
        print(info())
    elif options.command == "check":
        code, text = report.check(options.file, options.names, seconds=options.seconds)
        print(text)
        sys.exit(code)
    elif options.command == "mistakes":
        try:
            entries = [catalogue.in_full(name) for name in options.names]
        except ValueError as error:
            parser.error(str(error))
        print("\n\n".join(entries) or catalogue.listing())
    elif options.command == "exercises":
        _exercises(parser, options)
    elif options.command == "tutorials":
        _tutorials(copies, options)
    elif options.command == "reproduce":
        _reproduce(reproduce, options)
    elif options.list:
        print(game.listing())
    else:
        try:
            game.play(options.only, seed=options.seed)
        except ValueError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
