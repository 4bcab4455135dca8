"""Data that a file loads and that are not here: made ones stand in for them.

A file that reads a table, a set of images or a module of a course is run with arrays of the sizes
that its network takes. What is made for an assignment goes by the names that it is assigned to:
features, targets, pairs of both, a table with a column of targets, a text.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import gzip
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.lent import Bag, Columns, Lent
from minnet.teaching.scripts.programs import Program

WHICH, AFTER = r"^_?(train|test|val(id(ation)?)?|all|full|raw)?_?", r"(_|s?$|tr|te|\d)"
X = rf"{WHICH}(xs?|inputs?|images?|imgs?|features?|tr_?x|te_?x|samples){AFTER}"
Y = rf"{WHICH}(ys?|t|labels?|targets?|classes|lbls?|tr_?y|te_?y|outputs?){AFTER}"
"""Names of features and of targets."""

PAIRS = r"(train\w*|test|val\w*)_?(data|set|pairs)$"
"""Names of lists of samples with their targets."""

COLUMN = (
    r"label|target|class|species|outcome|diagnosis|survived|^y$|output|result|category|passed|"
    r"admitted|digit|default|churn"
)
"""Columns of a table that are targets."""

TABLE = "data|points|array|arr|table|matrix|train|test|csv|samples|raw|^d$"
"""Names of arrays with features and targets in their columns."""

WORDS = "the quick brown fox jumps over the lazy dog and then it sleeps all day. "

FORMS = "(csv|excel|table|fwf|json|parquet)"

READERS = rf"read_{FORMS}|loadtxt|genfromtxt|np\.load\(|loadmat"
"""What reads arrays and tables, which are made as such."""

FEW, MANY = 64, 60_000
NUMBERS = 12_000_000
"""Entries of an array that is made."""

MISSING = (OSError, ImportError, EOFError)


def is_missing(error: BaseException | None) -> bool:
    """Whether an error says that a file, a module or a site is not there."""
    if isinstance(error, MISSING):
        return True
    return type(error).__name__ in ("URLError", "HTTPError", "UnpicklingError", "ParserError")


@dataclass
class MadeData:
    """Sizes and layout of the data that are made."""

    program: Program
    rows: int
    inputs: int
    classes: int
    columns: bool = False
    target: str = "labels"  # labels, one-hot, column, vector
    made: list[str] = field(default_factory=list)
    lent: list[str] = field(default_factory=list)
    laid_out: bool = False  # whether a layout was chosen
    lends: bool = True  # whether files that are not here can be opened

    def lend(self, name: str) -> Lent:
        """What stands in for something of a module that is not installed."""
        self.lent.append(name)
        return Lent(name)

    def in_words(self) -> str:
        """What the file was run with."""
        if self.made:
            return f"with data made for it ({', '.join(dict.fromkeys(self.made))})"
        return f"without {', '.join(dict.fromkeys(self.lent))}, which is not installed"

    def loaded(self, do: Callable[[], Any], text: str, targets: str) -> Any:
        """What a call that loads gives; made data where it gives none."""
        self.lends = not re.search(READERS, text)
        try:
            value = do()
        except Exception:
            value = self._made(ast.parse(targets, mode="eval").body, text)
            if value is None:
                raise
            return value
        finally:
            self.lends = True
        if isinstance(value, Lent):
            other = self._made(ast.parse(targets, mode="eval").body, text)
            return value if other is None else other
        return value

    def _made(self, target: ast.expr, text: str) -> Any:
        if isinstance(target, (ast.Tuple, ast.List)):
            names = [e for e in target.elts if not isinstance(e, ast.Starred)]
            values = [self._made(e, text) for e in names]
            if any(v is None for v in values):
                return None
            return tuple(values)
        if not isinstance(target, (ast.Name, ast.Attribute)):
            return None
        name = target.id if isinstance(target, ast.Name) else target.attr
        value = self._by_name(name, text)
        shape = f" {' × '.join(map(str, np.shape(value)))}" if isinstance(value, np.ndarray) else ""
        self.made.append(f"{name}{shape}")
        return value

    def _by_name(self, name: str, text: str) -> Any:
        word = name.lower()
        rows = self.rows // 3 if re.search("test|val|dev", word) else self.rows
        lines = re.search(r"open\(.*\)\.(read|readlines)\(|read_text\(", text)
        if lines:
            return WORDS * 20 if lines[1] != "readlines" else [WORDS] * 20
        if re.search(rf"read_{FORMS}|DataFrame", text):
            return self._table(rows)
        if re.search(r"\b(load|fetch)_\w+\(|loadmat|np\.load\(|pickle|File\(|joblib", text) and (
            self._is_bag(name)
        ):
            return Bag(lambda key: self._by_name(key, "") if key else None)
        if re.search(PAIRS, word) and "pickle" not in text and self._has_pairs(name):
            return self._pairs(rows)
        if re.search(PAIRS, word) and re.search("pickle|load_data", text):
            return (self._features(rows, text), self._labels(rows))
        if re.search(Y, word):
            self.laid_out = True
            return self._targets(rows)
        if re.search(X, word):
            self.laid_out = True
            features = self._features(rows, text)
            return features.T if self.columns else features
        if re.search("loadtxt|genfromtxt", text) or re.search(TABLE, word):
            return self._matrix(rows)
        return None

    def _is_bag(self, name: str) -> bool:
        named = re.search(
            rf"\b{name}\[['\"]|\b{name}\.(data|target|images|f|files|feature_names)\b",
            self.program.source,
        )
        return named is not None

    def _has_pairs(self, name: str) -> bool:
        return (
            re.search(r"for \(?(x|\w*in\w*|a|img\w*), \w+\)? in", self.program.source) is not None
        )

    def _generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng(number)

    def _features(self, rows: int, text: str = "") -> Array:
        shape: tuple[int, ...] = (rows, self.inputs)
        side = round(self.inputs**0.5)
        if "load_data(" in text and side * side == self.inputs and self.inputs > 16:
            shape = (rows, side, side)
        rng = self._generator(1)
        if self._pixels:
            ink = rng.random(shape) < 0.3
            return np.asarray(rng.integers(0, 256, shape) * ink, np.uint8)
        return np.asarray(rng.normal(0, 1, shape))

    @property
    def _pixels(self) -> bool:
        return re.search(r"\b255\b", self.program.source) is not None

    def _labels(self, rows: int) -> Array:
        labels = self._generator(2).integers(0, self.classes, rows)
        labels[: self.classes] = np.arange(self.classes)[:rows]
        return np.asarray(labels)

    def _targets(self, rows: int) -> Array:
        labels = self._labels(rows)
        one_hot = np.eye(self.classes)[labels]
        made = {
            "labels": labels,
            "one-hot": one_hot.T if self.columns else one_hot,
            "column": labels.reshape(1, -1) if self.columns else labels.reshape(-1, 1),
            "vector": self._generator(4).normal(0, 1, rows),
        }[self.target]
        return np.asarray(made)

    def _pairs(self, rows: int) -> list[tuple[Array, Array]]:
        self.laid_out = True
        x, one_hot = self._features(rows), np.eye(max(2, self.classes))[self._labels(rows)]
        return [(a.reshape(-1, 1), t.reshape(-1, 1)) for a, t in zip(x, one_hot, strict=True)]

    def _matrix(self, rows: int) -> Array:
        """Features with one column of targets: the first where the file takes that, or the last."""
        first = re.search(
            r"(y|label|target|digit)\w* *= *\w+(\.values)?(\[:, ?0\]|\[0\]|\[:, ?:1\])",
            self.program.source,
            re.I,
        )
        parts = [self._features(rows).astype(float), self._labels(rows).reshape(-1, 1)]
        matrix = np.hstack(parts[::-1] if first else parts)
        return matrix.astype(int) if self._pixels else matrix

    def _table(self, rows: int) -> Any:
        names = columns_of(self.program)
        targets = [n for n in names if re.search(COLUMN, n, re.I)]
        others = [n for n in names if n not in targets]
        filled = [f"x{i}" for i in range(self.inputs - len(others))]
        features, labels = self._features(rows).reshape(rows, -1), self._labels(rows)
        columns: dict[str, Any] = {}
        if not targets:
            matrix = self._matrix(rows)
            if not others:
                return Columns.of({f"c{i}": c for i, c in enumerate(matrix.T)})
        for name in targets:
            columns[name] = labels
        for i, name in enumerate([*others, *filled]):
            columns[name] = features[:, i % features.shape[1]]
        return Columns.of(columns)

    def opened(self, file: Any, mode: str) -> Any:
        """What a file that is not here has in it: a text, a table, or images of digits."""
        name = str(file).lower()
        self.made.append(str(file))
        if "b" in mode:
            return io.BytesIO(self._bytes(name))
        source = self.program.source
        if not re.search(r"csv|split\(|\.dat|float\(", source + name):
            return io.StringIO(WORDS * 20)
        mark = re.search(r"(?:split|delimiter=|sep=)\(?['\"]([,;\t ]|\\t)['\"]", source)
        between = "\t" if mark and mark[1] == "\\t" else mark[1] if mark else ","
        lines = [between.join(f"{v:g}" for v in row) for row in self._matrix(self.rows)]
        if re.search(r"next\(|readlines\(\)\[1:\]|DictReader|skip", source):
            names = columns_of(self.program)
            lines.insert(0, between.join(names or [f"c{i}" for i in range(self.inputs + 1)]))
        return io.StringIO("\n".join(lines) + "\n")

    def _bytes(self, name: str) -> bytes:
        """The files of MNIST, or nothing."""
        if "label" in name:
            head = np.array([2049, self.rows], ">i4").tobytes()
            return bytes(head + self._labels(self.rows).astype(np.uint8).tobytes())
        if "image" in name or "mnist" in name:
            side = max(1, round(self.inputs**0.5))
            head = np.array([2051, self.rows, side, side], ">i4").tobytes()
            pixels = self._generator(1).integers(0, 256, self.rows * side * side)
            return bytes(head + pixels.astype(np.uint8).tobytes())
        return b""

    @contextlib.contextmanager
    def files(self) -> Iterator[None]:
        """Let files that are not here be opened, for reading."""
        plain, zipped = builtins.open, gzip.open

        def opened(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            try:
                return plain(file, mode, *rest, **more)
            except FileNotFoundError:
                if not self.lends or any(letter in mode for letter in "wax+"):
                    raise
                return self.opened(file, mode)

        def unzipped(file: Any, mode: str = "rb", *rest: Any, **more: Any) -> Any:
            try:
                return zipped(file, mode, *rest, **more)
            except OSError:
                if not self.lends:
                    raise
                return self.opened(file, "b" if "t" not in mode else "r")

        doors: list[tuple[Any, Any, Any]] = [
            (builtins, opened, plain),
            (gzip, unzipped, zipped),
        ]
        for module, instead, _ in doors:
            module.open = instead
        try:
            yield
        finally:
            for module, _, before in doors:
                module.open = before


def columns_of(program: Program) -> list[str]:
    """The columns of tables that the file asks for by name."""
    names: dict[str, None] = {}

    def take(node: ast.AST) -> None:
        for inner in [node, *getattr(node, "elts", [])]:
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                names.setdefault(inner.value)

    for node in ast.walk(program.tree):
        if isinstance(node, ast.Subscript):
            take(node.slice)
            for inner in getattr(node.slice, "elts", []):
                take(inner)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("drop", "pop"):
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                take(argument)
    return list(names)


def scenes(program: Program) -> Iterator[MadeData]:
    """Made data, the likely ones first; the sizes are numbers that stand in the file."""
    numbers = list(dict.fromkeys(_numbers(program)))
    wide = [n for n in numbers if n in (784, 64, 400, 256, 3072, 12288, 1024)]
    inputs = [*wide, 4, *(n for n in numbers if 2 <= n <= 2000)]
    inputs += [n - 1 for n in numbers if 3 <= n <= 2000]
    classes = [n for n in numbers if n == 10] + [2, *(n for n in numbers if 2 < n <= 26)]
    layouts = [
        (False, "labels"),
        (False, "column"),
        (True, "column"),
        (False, "one-hot"),
        (True, "one-hot"),
        (True, "labels"),
        (False, "vector"),
    ]
    bounds = [n for n in numbers if 2 * FEW < n <= MANY]
    sizes = [FEW, *([max(bounds) + FEW] if bounds else [])]
    for rows in sizes:
        for count in list(dict.fromkeys(classes))[:4]:
            for width in list(dict.fromkeys(inputs))[:8]:
                if rows * width > NUMBERS:
                    continue
                for columns, target in layouts:
                    scene = MadeData(program, rows, width, count, columns, target)
                    yield scene
                    if not scene.laid_out:
                        break


def _numbers(program: Program) -> Iterator[int]:
    """The whole numbers of a file, with 28 * 28 and 8**2 as one."""
    for node in ast.walk(program.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Pow)):
            sides = (node.left, node.right)
            values = [s.value for s in sides if isinstance(s, ast.Constant)]
            if len(values) == 2 and all(type(v) is int and 1 < v < 300 for v in values):
                a, b = (int(str(v)) for v in values)
                yield a * b if isinstance(node.op, ast.Mult) else a ** min(b, 3)
        elif isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1:
            yield int(node.value)
