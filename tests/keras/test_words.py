"""The table of words: every public name of Keras is there, or says what to write instead."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from minnet import keras
from minnet.keras import words
from minnet.keras.words import ABSENT, ALSO_CALLED, TABLE, Missing
from tests.keras.names_of_keras import NAMES

EACH = [(module, name) for module, names in NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("module", "name"), EACH, ids=lambda part: part)
def test_every_name_of_keras_is_there_or_in_the_table(module: str, name: str) -> None:
    thing = getattr(importlib.import_module(f"minnet.keras.{module}"), name)
    if isinstance(thing, Missing):
        with pytest.raises(
            NotImplementedError, match=rf"^minnet\.keras has no {module}\.{name}\. "
        ):
            thing()
        if name == "Model":  # from which a class with a call may derive: see test_calls.py
            return
        with pytest.raises(NotImplementedError, match=r"minnet\.keras has no"):
            _derive(thing)


def _derive(thing: object) -> object:
    class Own(thing):  # type: ignore[misc, valid-type]
        pass

    return Own


def test_most_of_keras_words_for_dense_networks_are_there() -> None:
    there = sum(
        not isinstance(getattr(importlib.import_module(f"minnet.keras.{module}"), name), Missing)
        for module, name in EACH
    )
    assert there > 200


@pytest.mark.parametrize("module", TABLE)
def test_no_word_of_the_table_is_there_as_well(module: str) -> None:
    namespace = importlib.import_module(f"minnet.keras.{module}".rstrip("."))
    assert [name for name in TABLE[module] if name in vars(namespace)] == []


@pytest.mark.parametrize("sentence", sorted({s for t in TABLE.values() for s in t.values()}))
def test_a_sentence_is_one(sentence: str) -> None:
    assert sentence[0].isupper() or sentence.startswith("minnet")
    assert sentence.endswith("."), sentence


@pytest.mark.parametrize("name", ABSENT)
def test_a_module_that_is_not_there_can_be_imported_and_says_so_when_used(name: str) -> None:
    module = importlib.import_module(f"minnet.keras.{name}")
    with pytest.raises(NotImplementedError, match=rf"no {name}\.Something\."):
        module.Something()


@pytest.mark.parametrize(("old", "now"), ALSO_CALLED.items())
def test_modules_of_older_keras_are_where_their_names_are_now(old: str, now: str) -> None:
    assert importlib.import_module(f"minnet.keras.{old}") is importlib.import_module(
        f"minnet.keras.{now}".rstrip(".")
    )


def test_imports_of_names_and_submodules_work_in_a_fresh_process() -> None:
    lines = """
from minnet.keras.layers.core import Dense
from minnet.keras.applications.vgg16 import VGG16
import minnet.keras.backend as K
from minnet import keras
from minnet.keras.layers import LSTM, Dense as D
from minnet.keras.wrappers.scikit_learn import KerasClassifier
from minnet.keras.utils.vis_utils import plot_model
from minnet.keras.engine.topology import Layer, InputSpec
from minnet.keras.api.layers import Dense as E
from minnet.keras.optimizers import adam, rmsprop, adam_v2
assert E is D and adam is keras.optimizers.Adam
assert Dense is D and keras.layers.Dense is D and not isinstance(1, LSTM)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", lines], check=True)


def test_a_slip_of_the_pen_is_an_attribute_error_with_a_suggestion() -> None:
    with pytest.raises(AttributeError, match=r"minnet.keras.layers has no 'Dens'.*\"Dense\""):
        keras.layers.Dens  # noqa: B018
    assert not hasattr(keras.layers, "Dens")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("layrs", r'minnet\.keras has no module layrs\. Did you mean "layers"\?'),
        ("layers.dense.Dense", r"minnet\.keras has no module layers\.dense\."),
        ("nothing", r"minnet\.keras has no module nothing\."),
    ],
)
def test_a_module_that_nobody_knows_is_answered_in_words(module: str, message: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=message):
        importlib.import_module(f"minnet.keras.{module}")


def test_repr_of_a_missing_name_tells_it() -> None:
    assert "no recurrence" in repr(keras.layers.LSTM)
    assert words.SEQUENCES.endswith(".")


def test_the_backend_has_settings_functions_of_numpy_and_words_for_the_rest() -> None:
    K = keras.backend
    assert (K.epsilon(), K.floatx(), K.image_data_format()) == (1e-7, "float32", "channels_last")
    K.clear_session()
    assert K.sqrt(K.mean(K.square([3.0, 4.0]))).numpy() == pytest.approx(12.5**0.5)
    with pytest.raises(NotImplementedError, match=r"no backend\.foldl\. .*write np\. for it"):
        K.foldl([1.0])
    with pytest.raises(NotImplementedError, match=r"no backend\.gradients\. .*loss_and_gradient"):
        K.gradients(1, 2)
    optimizer = keras.optimizers.SGD(0.5)
    K.set_value(optimizer.learning_rate, 0.25)
    assert K.get_value(optimizer.learning_rate) == optimizer.learning_rate == 0.25
    with pytest.raises(TypeError, match=r"set_value takes a layer's array or .*Got 1\."):
        K.set_value(1, 2)
    try:
        K.set_floatx("float64")
        assert keras.Sequential().dtype == "float64"
    finally:
        K.set_floatx("float32")
