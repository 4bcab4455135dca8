"""The rules of the house, held from the source alone: who knows whom, and what no file may do."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import minnet

PACKAGE = Path(minnet.__file__).parent
ROOT = PACKAGE.parent

ROWS = [
    {"__init__", "__main__"},
    {"course"},
    {"exchange", "keras", "parallel", "sklearn"},
    {"teaching"},
    {"transfer", "pretrained"},
    {"models"},
    {"callbacks"},
    {"training"},
    {"files"},
    {"engine"},
    {
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "schedules",
        "initializers",
        "regularizers",
        "constraints",
    },
    {"plots", "datasets"},
    {"foundation"},
]
"""Rooms from the top of the house to its cellar: an import points down, or along a row."""

DOORS = {"keras", "sklearn", "exchange", "parallel"}
"""Rooms that bear other tools' names, as do their classes: the counts spare them."""

NEEDS = {"sklearn": "sklearn"}
"""Doors that cannot be imported without their tool, and its name."""

BARS = {
    "entries at the root": 22,
    "imports that point up": 0,
    "files in circles": 0,
    "private names outside of their files": 6,
    "uses of private names outside of their files": 12,
    "ways around strictness": 8,
    "files with ways around strictness": 2,
    "looks at a caller's frame": 0,
    "class names that occur twice": 0,
    "files of the machine room over 450 lines": 0,
    "files over 650 lines": 0,
}
"""How many of each the house may have."""

NOT_YET: dict[str, int] = {}
"""How many it still has of some: these numbers only fall, and go where they reach the bar."""

LOOKS_AT_FRAMES = {"_getframe", "currentframe", "getouterframes", "walk_stack", "f_back"}
AROUND = ("object.__setattr__(", "object.__delattr__(", "vars(model", "sys._getframe")
WRITES_TO_VARS = {"update", "pop", "popitem", "setdefault", "clear", "__setitem__", "__delitem__"}
MAY_LOOK = {("foundation/checks.py", "warn")}
"""A warning points at the user's line, and nothing is decided by it."""


def name_of(file: Path) -> str:
    """The dotted name under which a file is imported; a package keeps its `__init__`."""
    return ".".join(["minnet", *file.relative_to(PACKAGE).with_suffix("").parts])


FILES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(file.read_text("utf-8")) for name, file in FILES.items()}
each_file = pytest.mark.parametrize("name", TREES, ids=lambda name: name.removeprefix("minnet."))


def within(bar: str, offences: list[str]) -> None:
    """Fail, with the list, where there are more of these than the house may have."""
    limit = NOT_YET.get(bar, BARS[bar])
    lines = "\n".join(sorted(offences))
    assert len(offences) <= limit, f"{len(offences)} {bar}, of {limit} at most:\n{lines}"


def shown(name: str) -> str:
    """A file as its path in the package."""
    return FILES[name].relative_to(PACKAGE).as_posix()


def test_the_numbers_that_still_fall_are_above_their_bars() -> None:
    done = {bar for bar, number in NOT_YET.items() if number <= BARS[bar]}
    assert not done, f"take these out of NOT_YET: {done}"


# --- who knows whom -------------------------------------------------------------------------------


def file_of(module: str) -> str | None:
    """The file behind a dotted name, if it is one of ours."""
    return next((n for n in (module, f"{module}.__init__") if n in FILES), None)


def imports(name: str) -> Iterator[tuple[str, str]]:
    """Module and name of all that a file imports from the package: for types and late as well."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{shown(name)}:{node.lineno}: write the import in full"
            for alias in node.names:
                yield node.module or "", alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


@functools.cache
def hands_on(face: str) -> dict[str, tuple[str, str]]:
    """The names that a package's `__init__` hands on, with the module and the name of each."""
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(TREES[face])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def files_behind(module: str, name: str) -> set[str]:
    """The files that one import brings in: a package's face, and the file of the name."""
    if (submodule := file_of(f"{module}.{name}")) is not None:
        return {submodule}
    file = file_of(module)
    if file is None:
        return set()
    if file.endswith(".__init__") and name in hands_on(file):
        return {file} | files_behind(*hands_on(file)[name])
    return {file}


@functools.cache
def knows(name: str) -> frozenset[str]:
    """The files that a file knows."""
    files = (files_behind(module, imported) for module, imported in imports(name))
    return frozenset(set().union(*files) - {name})


def room(name: str) -> str:
    """The room of a file: the folder or module directly under `minnet`."""
    return name.split(".")[1]


def row(name: str) -> int:
    """The row of a file's room, counted from the top."""
    rows = [i for i, rooms in enumerate(ROWS) if room(name) in rooms]
    assert rows, f"{room(name)} is in no row of the house: give it a place in ROWS"
    return rows[0]


def test_the_rows_are_the_rooms_that_there_are() -> None:
    named = [name for rooms in ROWS for name in rooms]
    assert sorted(named) == sorted({room(name) for name in FILES})


def test_imports_point_down_the_house() -> None:
    """Those for types and those in functions, too: an import is put off to save time."""
    upward = [
        f"{shown(name)} imports {shown(known)}"
        for name in TREES
        for known in knows(name)
        if row(known) < row(name)
    ]
    within("imports that point up", upward)


def test_no_two_files_know_each_other() -> None:
    """Not by way of others either: no file that a file knows leads back to it."""
    circled = []
    for name in TREES:
        reached, waiting = set(), set(knows(name))
        while waiting:
            known = waiting.pop()
            reached.add(known)
            waiting |= knows(known) - reached
        if name in reached:
            circled.append(f"{shown(name)} knows {', '.join(map(shown, knows(name) & reached))}")
    within("files in circles", circled)


def test_a_newcomer_finds_a_room_in_a_short_list() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__", "py.typed"}
    entries = {entry for entry in entries if entry.removesuffix(".py") not in DOORS}
    within("entries at the root", list(entries))


def private_names(name: str) -> list[tuple[str, int]]:
    """Private names of other files that a file uses, with the lines."""
    own = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            own.add(node.value)  # set by its name
    used = []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute) and node.attr not in own:
            others = isinstance(node.value, ast.Name) and node.value.id in ("os", "sys", "np")
            if not others and node.attr not in ("_replace", "_asdict"):  # a named tuple's own
                used.append((node.attr, node.lineno))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minnet"):
            used += [(alias.name, node.lineno) for alias in node.names]
    return [(n, line) for n, line in used if n.startswith("_") and not n.startswith("__")]


def test_what_is_private_stays_in_its_file() -> None:
    uses = [(n, f"{shown(name)}:{line}") for name in TREES for n, line in private_names(name)]
    within("private names outside of their files", list({n for n, _ in uses}))
    within("uses of private names outside of their files", [f"{at} {n}" for n, at in uses])


def test_no_class_name_means_two_things() -> None:
    classes = defaultdict(list)
    for name, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and room(name) not in DOORS:
                classes[node.name.lstrip("_")].append(shown(name))
    twice = [f"{n} in {', '.join(files)}" for n, files in classes.items() if len(files) > 1]
    within("class names that occur twice", twice)


# --- what no file may do --------------------------------------------------------------------------


def begins_with(node: ast.AST) -> str:
    """The name with which an expression such as a.b(c).d begins."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def goes_around(node: ast.AST) -> bool:
    """Whether this reads or sets an attribute past `__setattr__`, or looks who is asking."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        return True
    if begins_with(node) not in ("object", "vars", "sys"):
        return False
    text = ast.unparse(node)
    if isinstance(node, (ast.Attribute, ast.Call)) and text.startswith(AROUND):
        return True
    stored = isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
    changed = isinstance(node, ast.Attribute) and node.attr in WRITES_TO_VARS
    return (stored or changed) and text.startswith("vars(")


def test_hardly_anything_goes_around_strictness() -> None:
    """Where `layers/base.py` and one more file need to."""
    ways = [
        (shown(name), node.lineno)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if goes_around(node)
    ]
    within("ways around strictness", [f"{file}:{line}" for file, line in ways])
    files = {file for file, _ in ways} | {"layers/base.py"}
    within("files with ways around strictness", list(files))


def test_nobody_is_asked_who_called() -> None:
    looks = []
    for name, tree in TREES.items():
        spared = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef) and (shown(name), function.name) in MAY_LOOK
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            attribute = node.attr if isinstance(node, ast.Attribute) else ""
            imported = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) else []
            if {attribute, *imported} & LOOKS_AT_FRAMES and id(node) not in spared:
                looks.append(f"{shown(name)}:{node.lineno}")
            if attribute == "stack" and ast.unparse(node) == "inspect.stack":
                looks.append(f"{shown(name)}:{node.lineno}")
    within("looks at a caller's frame", looks)


def for_types_alone(tree: ast.Module) -> set[int]:
    """The nodes under `if TYPE_CHECKING`, which do not run."""
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    ]
    return {id(node) for block in blocks for node in ast.walk(block)}


@each_file
def test_matplotlib_is_imported_only_where_pictures_are_drawn(name: str) -> None:
    tree = TREES[name]
    draws = room(name) == "plots" or shown(name) == "datasets/glyphs.py"
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "matplotlib" in ast.unparse(node):
            fine = id(node) in for_types_alone(tree) or (draws and id(node) in late)
            assert fine, f"{shown(name)}:{node.lineno}: {ast.unparse(node)}"


RUNS_A_STUDENTS_CODE = "teaching/scripts/running.py"
RUNS_FILES_OF_THE_USERS = (RUNS_A_STUDENTS_CODE, "course/reading.py")


@each_file
def test_no_file_asserts_evaluates_or_unpickles(name: str) -> None:
    for node in ast.walk(TREES[name]):
        line = f"{shown(name)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{line}: raise an error instead"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            fine = shown(name) in RUNS_FILES_OF_THE_USERS
            assert fine or node.func.id not in ("eval", "exec"), line
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert not re.search(r"\b(pickle|marshal|shelve)\b", ast.unparse(node)), line


@each_file
def test_the_global_generator_is_not_named(name: str) -> None:
    allowed = {"default_rng", "Generator", "SeedSequence", "PCG64", "BitGenerator"}
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            "np.random",
            "numpy.random",
        ):
            line = f"{shown(name)}:{node.lineno}"
            fine = shown(name) == RUNS_A_STUDENTS_CODE
            assert fine or node.attr in allowed, f"{line} uses np.random.{node.attr}"


def test_a_file_is_one_sitting() -> None:
    lines = {name: file.read_text("utf-8").count("\n") for name, file in FILES.items()}
    long = {name: f"{shown(name)} has {n}" for name, n in lines.items() if n > 450}
    machine = [text for name, text in long.items() if room(name) in MACHINE]
    within("files of the machine room over 450 lines", machine)
    within("files over 650 lines", [text for n, text in long.items() if lines[n] > 650])


MACHINE = {"engine", "training", "files", "models"}
"""Where a fit is read."""


# --- what is public -------------------------------------------------------------------------------


def modules() -> list[ModuleType]:
    """Every module of the package but the one that runs when it is imported."""
    there = [n for n in FILES if room(n) not in NEEDS or importlib.util.find_spec(NEEDS[room(n)])]
    names = (name.removesuffix(".__init__") for name in there if name != "minnet.__main__")
    return [importlib.import_module(name) for name in names]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_what_is_public_is_documented(module: ModuleType) -> None:
    assert module.__doc__, f"{module.__name__} says nothing of itself"
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), f"{module.__name__}.{name}"
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                if not method.startswith("_") and inspect.isfunction(function):
                    assert inspect.getdoc(getattr(thing, method)), f"{name}.{method}"


def test_every_public_name_is_there_and_listed() -> None:
    for name in minnet.__all__:
        assert hasattr(minnet, name), name
    public = {
        name
        for name, thing in vars(minnet).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert public <= set(minnet.__all__)


# --- beside the package ---------------------------------------------------------------------------


@each_file
def test_tests_mirror_the_package(name: str) -> None:
    """A newcomer finds the tests of `minnet/a/b.py` in `tests/a`: of the file, or of the room."""
    file = FILES[name].relative_to(PACKAGE)
    if file.stem.startswith("__"):
        return
    folder = ROOT / "tests" / file.parent
    tests = {path.name for path in folder.glob("test_*.py")}
    whole = file.parent != Path()  # a module at the root has a test file of its own
    assert tests if whole else f"test_{file.name}" in tests, f"no tests for {file} in {folder}"


def test_no_folder_of_tests_is_left_over() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in ROOT.glob("tests/**/test_*.py")}
    assert len(folders) > 5
    assert [folder for folder in folders if not (PACKAGE / folder).is_dir()] == []


def texts() -> list[Path]:
    """Every text file that Git tracks, and new ones that it would; all of these without Git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        rooms = ("minnet", "tests", "tutorials", "benchmarks")
        paths = [*ROOT.glob("*.*"), *(path for room in rooms for path in ROOT.glob(f"{room}/**/*"))]
    kinds = {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".cfg", ".txt", ".ipynb", ""}
    return sorted(path for path in paths if path.suffix in kinds and path.is_file())


each_text = pytest.mark.parametrize("path", texts(), ids=lambda p: p.relative_to(ROOT).as_posix())

OTHER_PROJECT = re.compile(
    r"""pip3?\s+install(?:["'`,\s\\]+-[\w-]+)*["'`,\s\\]+minnet(?!-nn)\b | minnet\[[a-z]+\]["'`]""",
    re.VERBOSE,
)
"""On the package index `minnet` is somebody else's: the words that would fetch it."""


def test_the_texts_are_all_kinds_of_files() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in texts()}
    assert {"README.md", "pyproject.toml", "minnet/__init__.py", "tests/test_house.py"} <= names


@each_text
def test_no_text_tells_anybody_to_install_another_project(path: Path) -> None:
    if path != Path(__file__):
        wrong = OTHER_PROJECT.search(path.read_text("utf-8"))
        assert not wrong, f"{path}: {wrong[0]!r}; name the package that is missing"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("pip install minnet", True),
        ("python -m pip install -U minnet now", True),
        ("`pip install\n    'minnet[data]'`", True),
        ('"pip install "\n    "minnet"', True),
        ('["pip", "install"] or \'minnet[bench]\'', True),
        ("pip install minnet-nn", False),
        ("pip install pooch, which minnet asks for", False),
        ('pip install ".[test]"', False),
        ("minnet[name]", False),
    ],
)
def test_the_words_that_would_fetch_it(text: str, wrong: bool) -> None:
    assert bool(OTHER_PROJECT.search(text)) is wrong


@each_text
def test_no_path_of_a_machine_and_no_unowned_todo(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text("utf-8")
    assert not re.search(r"(?<![\w/.])/(work|root|home)/\w", text), path
    assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!\()", text), path
