"""What is written to files and read back: classes from a table, and nothing else."""

from __future__ import annotations

import json

import pytest

from minnet.layers import Dense, Layer
from minnet.optimizers import SGD
from minnet.registry import (
    _KNOWN,
    Configurable,
    from_config,
    is_registered,
    register,
    snake_case,
    to_config,
)
from minnet.schedules import CosineDecay, LinearWarmup


class Square(Layer):
    """y = x², registered by no one."""

    def __init__(self, times: int = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.times = times


def test_nested_objects_come_back_alike() -> None:
    optimizer = SGD(LinearWarmup(5, then=CosineDecay(0.1, 100)), momentum=0.9)
    text = json.dumps(to_config(optimizer))
    again = from_config(json.loads(text))
    assert repr(again) == repr(optimizer)
    assert again.rate(0) == optimizer.rate(0)


def test_an_unregistered_class_is_not_written() -> None:
    with pytest.raises(TypeError, match=r"Put @minnet\.register above the class"):
        to_config(Square())


def test_a_function_is_not_written() -> None:
    with pytest.raises(TypeError, match="Functions cannot be saved"):
        to_config(SGD(lambda step: 0.1))


def test_a_class_outside_the_table_is_never_looked_up() -> None:
    for name in ("os.system", "subprocess.Popen", "Configurable", "Dens", None, ["Dense"]):
        with pytest.raises(ValueError, match="classes that minnet knows"):
            from_config({"class": name, "config": {}})
    with pytest.raises(ValueError, match='Did you mean "Dense"'):
        from_config({"class": "Dens", "config": {}})


def test_unknown_arguments_are_errors() -> None:
    with pytest.raises(ValueError, match="Dense could not be made from its description"):
        from_config({"class": "Dense", "config": {"units": 3, "colour": "red"}})
    with pytest.raises(ValueError, match="Dense could not be made"):
        from_config({"class": "Dense", "config": {"units": -3}})


def test_a_registered_class_is_read_back_and_its_name_is_taken() -> None:
    try:
        assert register(Square) is Square
        assert is_registered(Square)
        assert from_config(to_config(Square(3))).times == 3
        register(Square)  # the same class once more, as when a notebook cell is run again

        other = type("Square", (Layer,), {"__doc__": "Another.", "__qualname__": "other.Square"})
        with pytest.raises(ValueError, match="a second 'Square'"):
            register(other)
    finally:
        _KNOWN.pop("Square")


@pytest.mark.parametrize("thing", [Square(), "Square", int, None])
def test_only_describable_classes_are_registered(thing: object) -> None:
    with pytest.raises(TypeError, match="register takes a class such as a Layer"):
        register(thing)  # type: ignore[type-var]


def test_a_constructor_that_loses_an_argument_is_told_so() -> None:
    class Loses(Configurable):
        def __init__(self, size: int) -> None:
            self.length = size

    with pytest.raises(TypeError, match=r"Got none named 'size'. Write self.size = size"):
        Loses(3).get_config()


def test_reprs_show_what_differs_from_the_defaults() -> None:
    assert repr(Dense(3)) == "Dense(3)"
    assert repr(Dense(3, activation="relu", use_bias=False)).startswith("Dense(3, activation=")
    assert "use_bias=False" in repr(Dense(3, use_bias=False))


def test_snake_case() -> None:
    class GlorotUniform:
        pass

    assert snake_case(GlorotUniform) == "glorot_uniform"
