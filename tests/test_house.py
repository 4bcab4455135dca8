"""The rules of the house: who may import whom, and what no file may do."""

from __future__ import annotations

import ast
import graphlib
import importlib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

import minnet

PACKAGE = Path(minnet.__file__).parent
ROOT = PACKAGE.parent

ROWS = [
    {"__init__", "__main__"},
    {"course"},
    {"teaching"},
    {"transfer", "pretrained"},
    {"models"},
    {"callbacks"},
    {"training"},
    {"files"},
    {"engine"},
    {"metrics", "losses", "optimizers", "schedules"},
    {"layers"},
    {"initializers", "regularizers"},
    {"plots", "datasets"},
    {"foundation"},
]
"""Rooms from the top of the house to its cellar: an import points down, or along a row."""

FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file.relative_to(PACKAGE): ast.parse(file.read_text("utf-8")) for file in FILES}


def room(file: Path) -> str:
    """The room of a file: the folder or module directly under `minnet`."""
    return file.parts[0].removesuffix(".py")


def row(name: str) -> int:
    """The row of a room, counted from the top."""
    found = [i for i, rooms in enumerate(ROWS) if name in rooms]
    assert found, f"{name} is in no row of the house: give it a place in ROWS"
    return found[0]


def for_types_alone(node: ast.stmt) -> bool:
    """Whether this is an `if TYPE_CHECKING`."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def outer(tree: ast.Module) -> list[ast.stmt]:
    """Statements that run on import; those under `if TYPE_CHECKING` do not."""
    return [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If)
            and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        )
    ]


def inner(tree: ast.Module) -> list[ast.AST]:
    """Statements in functions, which run when they are called."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [node for function in functions for node in ast.walk(function)]


def imported_rooms(file: Path, statements: Sequence[ast.AST]) -> set[str]:
    """The rooms that these lines of a file bring in."""
    rooms = set()
    for node in statements:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minnet":
            parts = (node.module or "").split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("minnet.")}
    return rooms - {room(file)}


@pytest.mark.parametrize("file", TREES, ids=str)
def test_imports_point_down_the_house(file: Path) -> None:
    """Those in functions as well: an import is put off to save time, not to hide a cycle."""
    statements = [*outer(TREES[file]), *inner(TREES[file])]
    rooms = imported_rooms(file, statements)
    upward = {name for name in rooms if row(name) < row(room(file))}
    assert not upward, f"{file} imports {upward} from above"


def test_no_two_rooms_import_each_other() -> None:
    edges: dict[str, set[str]] = {}
    for file in TREES:
        edges.setdefault(room(file), set()).update(imported_rooms(file, outer(TREES[file])))
    graphlib.TopologicalSorter(edges).prepare()  # raises CycleError with the rooms


@pytest.mark.parametrize("file", TREES, ids=str)
def test_matplotlib_is_imported_only_where_pictures_are_drawn(file: Path) -> None:
    allowed = file.parts[0].startswith("plots") or file == Path("datasets/glyphs.py")
    for node in outer(TREES[file]):
        names = [alias.name for alias in getattr(node, "names", [])]
        module = getattr(node, "module", None) or ""
        assert not any(name.startswith("matplotlib") for name in [*names, module]), file
    if not allowed:
        for node in ast.walk(TREES[file]):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                in_types = "matplotlib" in ast.unparse(node) and not in_type_checking(file, node)
                assert not in_types, f"{file}: {ast.unparse(node)}"


def in_type_checking(file: Path, wanted: ast.stmt) -> bool:
    """Whether this import is for type checkers alone."""
    return any(
        wanted in ast.walk(node)
        for node in TREES[file].body
        if isinstance(node, ast.If)
        and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    )


@pytest.mark.parametrize("file", TREES, ids=str)
def test_no_file_asserts_evaluates_or_unpickles(file: Path) -> None:
    for node in ast.walk(TREES[file]):
        assert not isinstance(node, ast.Assert), f"{file}:{node.lineno}: raise an error instead"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), f"{file}:{node.lineno}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert not re.search(r"\b(pickle|marshal|shelve)\b", ast.unparse(node)), file


@pytest.mark.parametrize("file", TREES, ids=str)
def test_the_global_generator_is_not_named(file: Path) -> None:
    allowed = {"default_rng", "Generator", "SeedSequence", "PCG64", "BitGenerator"}
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            "np.random",
            "numpy.random",
        ):
            assert node.attr in allowed, f"{file}:{node.lineno} uses np.random.{node.attr}"


@pytest.mark.parametrize("file", TREES, ids=str)
def test_a_module_is_one_sitting(file: Path) -> None:
    lines = (PACKAGE / file).read_text("utf-8").count("\n")
    assert lines <= 650, f"{file} has {lines} lines: split it by idea"


def modules() -> list[ModuleType]:
    """Every module of the package but the one that runs when it is imported."""
    names = (
        ".".join(["minnet", *file.with_suffix("").parts]).removesuffix(".__init__")
        for file in TREES
        if file != Path("__main__.py")
    )
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


def test_tests_mirror_the_package() -> None:
    """A newcomer finds the tests of a module by its name."""
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    parts = {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
    for file in TREES:
        name = file.stem if file.stem != "__init__" else file.parent.name
        if name.startswith("__") or not name:
            continue
        assert f"test_{name}.py" in tests or file.parent.name in parts, f"no test file for {file}"


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(ROOT.glob("*/**/*.py")) if p.relative_to(ROOT).parts[0][0] != "."],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_path_of_a_machine_and_no_unowned_todo(path: Path) -> None:
    text = path.read_text("utf-8")
    if path == Path(__file__):
        return
    assert not re.search(r"(?<![\w/])/(work|root|home)/\w", text), path
    assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!\()", text), path
