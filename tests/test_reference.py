"""The reference: nearly every public name has an entry from which it can be used."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import minnet

ROOT = Path(minnet.__file__).parents[1]

entries = pytest.importorskip("docs.entries", reason="minnet is installed without its docs")

SHARE = 0.98
"""Of the public names have parameters, shapes where arrays are taken, errors, and an example."""

if importlib.util.find_spec("sklearn") is None:
    del entries.ROOMS["sklearn"]

PUBLIC = [entry for page in entries.rooms().values() for entry in page]


def test_public_are_the_names_that_the_rooms_list() -> None:
    names = {entry.name.rpartition(".")[2] for entry in PUBLIC}
    assert len(PUBLIC) > 190
    lists = [minnet.layers, minnet.losses, minnet.metrics, minnet.plots, minnet.teaching]
    for room in [minnet, *lists, minnet.optimizers, minnet.datasets, minnet.exchange]:
        own = {n for n in room.__all__ if not inspect.ismodule(getattr(room, n))}
        assert own <= names, own - names


def test_every_room_that_has_a_list_of_public_names_is_a_page() -> None:
    """A room that is new is seen here, and gets a page in `docs/entries.py` and in its contents."""
    listed = {name for _, modules in entries.ROOMS.values() for name in modules}
    for file in sorted((ROOT / "minnet").glob("*")):
        source = file / "__init__.py" if file.is_dir() else file
        name = f"minnet.{file.stem}"
        if (
            file.stem[:2] == "__"
            or not source.exists()
            or name in ("minnet.keras", "minnet.sklearn")
        ):
            continue
        assert "__all__ = [" not in source.read_text("utf-8") or name in listed, name


CLASSES = [entry for entry in PUBLIC if inspect.isclass(entry.value)]


def members(value: Any) -> list[str]:
    if value is minnet.Sequential:
        return [name for group in entries.METHODS.values() for name in group]
    return entries.members(value)


MEMBERS = [(value, name) for _, value in CLASSES for name in members(value)]


def test_the_methods_of_every_public_class_are_counted() -> None:
    counted = {f"{value.__name__}.{name}" for value, name in MEMBERS}
    assert len(MEMBERS) == len(counted) > 100
    assert {"Sequential.fit", "Layer.forward", "Loss.per_sample", "Optimizer.update"} <= counted
    assert {"Metric.merge", "Callback.on_gradient", "Report.verdict", "Layer.steps"} <= counted
    assert "Dense.forward" not in counted  # the contract's
    assert "EarlyStopping.on_epoch_end" not in counted


def test_nearly_every_method_has_a_whole_entry() -> None:
    lacking = {f"{value.__name__}.{n}": entries.lacks_of_member(value, n) for value, n in MEMBERS}
    lacking = {name: missing for name, missing in lacking.items() if missing}
    share = 1 - len(lacking) / len(MEMBERS)
    assert share >= SHARE, f"{share:.1%}: {lacking}"


def test_what_is_left_out_of_the_reference_is_there() -> None:
    classes = {value.__name__: value for _, value in CLASSES}
    for owner, names in entries.INSIDE.items():
        assert [name for name in names if not hasattr(classes[owner], name)] == [], owner


def test_nearly_every_public_name_has_a_whole_entry() -> None:
    lacking = {}
    for name, value in PUBLIC:
        if entries.is_data(value):
            missing = [] if entries.text_of_data(name) else ["a sentence"]
        else:
            missing = entries.lacks(value)
        if missing:
            lacking[name] = missing
    share = 1 - len(lacking) / len(PUBLIC)
    assert share >= SHARE, f"{share:.1%}: {lacking}"


def test_every_method_that_programs_call_says_what_it_does() -> None:
    for name, method in entries.methods():
        function = method.fget if isinstance(method, property) else method
        assert inspect.getdoc(function), name


def test_the_methods_that_are_listed_are_those_of_a_model() -> None:
    """A name is listed once; private ones, and those of the machine room, are not."""
    names = [name for group in entries.METHODS.values() for name in group]
    assert len(names) == len(set(names))
    assert all(hasattr(minnet.Sequential, name) for name in names)


def test_each_of_them_is_called_on_a_page_whose_programs_are_run() -> None:
    text = (ROOT / "docs" / "a_model.md").read_text("utf-8")
    names = [name for group in entries.METHODS.values() for name in group]
    assert [name for name in names if not re.search(rf"\.{name}\b", text)] == []


class Half(minnet.layers.Layer):
    """Half of x."""

    def __init__(self, factor: float = 0.5, **common: Any) -> None:
        super().__init__(**common)
        self.factor = factor


class Whole(minnet.layers.Layer):
    """All of x.

    Parameters
    ----------
    factor
        What it is divided by.

    Examples
    --------
    >>> 1 + 1
    2
    """

    def __init__(self, factor: float = 1.0, **common: Any) -> None:
        super().__init__(**common)
        self.factor = factor


def bare(x: Any, n: int) -> Any:
    """Return x."""


def whole(x: Any, n: int) -> Any:
    """Return x.

    Parameters
    ----------
    x : (N, D) array
    n
        How often.

    Raises
    ------
    ValueError
        n is below 0.

    Examples
    --------
    >>> 1 + 1
    2
    """


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (Half, ["parameters factor", "an example"]),
        (Whole, []),
        (bare, ["parameters x, n", "shapes", "errors", "an example"]),
        (whole, []),
    ],
)
def test_what_an_entry_lacks_is_seen(value: Any, missing: list[str]) -> None:
    assert entries.lacks(value) == missing


class Counter(minnet.layers.Layer):
    """Counts.

    Arguments of its methods
    ------------------------
    x : (N, D) array
        Counted.

    Examples
    --------
    >>> Counter().count(1, 2)
    """

    def count(self, x: Any, n: int) -> Any:
        """Return x."""

    def whole(self, x: Any) -> Any:
        """Return x.

        Raises
        ------
        ValueError
            None.

        Examples
        --------
        >>> 1 + 1
        2
        """

    def plain(self) -> None:
        """Do nothing."""

    @property
    def number(self) -> int:
        """How many."""
        return 0


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("count", ["parameters n", "errors"]),
        ("whole", []),
        ("plain", ["an example"]),
        ("number", []),
    ],
)
def test_what_the_entry_of_a_method_lacks_is_seen(name: str, missing: list[str]) -> None:
    assert entries.members(Counter) == ["count", "whole", "plain", "number"]
    assert entries.lacks_of_member(Counter, name) == missing


def test_an_entry_has_what_its_contract_says() -> None:
    text = entries.entry(minnet.layers.ReLU)
    parts = entries.sections(text)
    assert {"max_value", "input_shape", "name"} == set(entries.items(parts["Parameters"]))
    assert "RuntimeError" in parts["Raises"]
    assert list(parts).index("Raises") < list(parts).index("Examples")


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, on some backends
@pytest.mark.parametrize("name", sorted(minnet.exchange.__all__))
def test_examples_that_need_another_tool_run_where_it_is(name: str, tmp_path, monkeypatch) -> None:
    """Doctest leaves them out, since the tool need not be there."""
    function = getattr(minnet.exchange, name)
    text = inspect.getdoc(function) or ""
    if "+SKIP" not in text:
        pytest.skip("its example is a doctest as all others are")
    pytest.importorskip(name.partition("_")[2])
    monkeypatch.chdir(tmp_path)
    example = re.sub(r"  # doctest: \+SKIP", "", text)
    test = doctest.DocTestParser().get_doctest(example, {name: function}, name, None, None)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    printed: list[str] = []
    runner.run(test, out=printed.append)
    assert runner.failures == 0, "".join(printed)
    assert runner.tries > 1


def test_no_other_example_is_left_out() -> None:
    files = [f for f in (ROOT / "minnet").rglob("*.py") if "+SKIP" in f.read_text("utf-8")]
    doors = {f.parent.name if f.parent.name == "exchange" else f.name for f in files}
    assert doors <= {"exchange", "parallel.py"}  # the latter's needs several processes


# --- how a docstring is shown ---------------------------------------------------------------------


def test_stars_and_bars_are_shown_as_they_stand() -> None:
    assert entries.rendered("|x| and a * b, but `a * b`") == [r"\|x\| and a \* b, but `a * b`"]


def test_a_formula_that_is_set_in_is_a_block_of_its_own() -> None:
    lines = entries.rendered("It is\n\n    y = x * W\n\nand so on.")
    assert lines == ["It is", "", "::", "", "    y = x * W", "", "and so on."]


def test_examples_are_left_as_they_are() -> None:
    text = "It is.\n\n>>> a * b | c\n*1|\n\n* so"
    assert entries.rendered(text)[2:] == [">>> a * b | c", "*1|", "", r"\* so"]


def test_every_room_of_the_reference_is_in_its_contents() -> None:
    contents = (ROOT / "docs" / "reference.md").read_text("utf-8")
    pages = set(re.findall(r"^reference/(\w+)$", contents, re.MULTILINE))
    assert pages >= set(entries.ROOMS) | {"keras"}
