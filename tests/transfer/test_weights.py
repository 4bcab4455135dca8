"""Weights by name: all or nothing, and every array accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minnet import Sequential, transfer
from minnet.layers import BatchNormalization, Dense


def source() -> Sequential:
    return Sequential(
        [
            Dense(4, activation="relu", input_dim=3, name="a"),
            BatchNormalization(name="norm"),
            Dense(2, name="b"),
        ],
        seed=0,
        name="old",
    )


def target(**changes: Any) -> Sequential:
    first = {"units": 4, "activation": "relu", "input_dim": 3, "name": "a", **changes}
    layers = [Dense(**first), BatchNormalization(name="norm"), Dense(5, name="head")]
    return Sequential(layers, seed=1)


def verdicts(table: Any) -> dict[str, str]:
    return {row[0]: row[-1] for row in table.rows}


def test_layers_of_the_same_name_are_copied_and_the_rest_is_accounted_for() -> None:
    old, new = source(), target()
    old.state += 3
    head = new.get_layer("head").W.copy()
    table = transfer.transfer_weights(old, new, missing=["head"], unexpected=["b"])
    for name in ("a.W", "a.b", "norm.gamma", "norm.moving_mean"):
        np.testing.assert_array_equal(new.named_arrays()[name], old.named_arrays()[name])
        assert verdicts(table)[name] == "LOADED"
    np.testing.assert_array_equal(new.get_layer("head").W, head)
    assert verdicts(table)["head.W"] == "NEW"
    assert verdicts(table)["b.W"] == "UNUSED"
    assert new.get_layer("a").origin == "copy of old"
    assert new.get_layer("head").origin == "new"


def test_patterns_excuse_and_a_copy_is_no_view() -> None:
    old, new = source(), target()
    transfer.transfer_weights(old, new, missing="h*", unexpected="*")
    new.get_layer("a").W = np.zeros((3, 4))
    assert old.get_layer("a").W.any()


def test_layers_may_be_renamed() -> None:
    old, new = source(), target(name="features")
    table = transfer.transfer_weights(
        old, new, rename={"a": "features"}, missing=["head"], unexpected=["b"]
    )
    np.testing.assert_array_equal(new.get_layer("features").W, old.get_layer("a").W)
    assert verdicts(table)["features.W"] == "LOADED"


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, {"unexpected": ["b"]}, r"head\.W .* NEW, not excused by missing="),
        ({}, {"missing": ["head"]}, r"b\.W .* UNUSED, not excused by unexpected="),
        ({"units": 9}, {"missing": ["head"], "unexpected": ["b"]}, r"a\.W .*MISMATCH"),
        (
            {"activation": "tanh"},
            {"missing": ["head"], "unexpected": ["b"]},
            "MISMATCH: the layers compute different things",
        ),
        (
            {"use_bias": False},
            {"missing": ["head"], "unexpected": ["b"]},
            "MISMATCH: the layers compute different things",
        ),
        ({}, {"rename": {"z": "a"}}, "layers of the source: a, norm, b. Got 'z'"),
        ({}, {"rename": {"a": "z"}}, "layers of the target"),
        ({}, {"rename": {"b": "a"}}, "Got two for a"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    changes: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    old, new = source(), target(**changes)
    before = new.theta.copy()
    with pytest.raises(ValueError, match=message):
        transfer.transfer_weights(old, new, **arguments)
    np.testing.assert_array_equal(new.theta, before)


def test_models_with_nothing_in_common_and_no_models_are_refused() -> None:
    other = Sequential([Dense(1, input_dim=1, name="z")])
    with pytest.raises(ValueError, match="a layer name in common"):
        transfer.transfer_weights(other, target(), missing="*", unexpected="*")
    with pytest.raises(TypeError, match="takes a model as source"):
        transfer.transfer_weights("old.npz", target())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rename takes"):
        transfer.transfer_weights(source(), target(), rename=["a"])  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="not built"):
        transfer.transfer_weights(Sequential([Dense(3)]), target())
