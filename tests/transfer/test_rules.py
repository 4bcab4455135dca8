"""Seventeen ways in which transfer learning goes wrong elsewhere, and the rule for each here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet import Sequential, find_learning_rate, transfer
from minnet.foundation.checks import ModelFileError
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.optimizers import SGD, Adam

X = np.random.default_rng(0).random((24, 4))
Y = np.arange(24) % 3


def network(optimizer: object = "adam", **first: object) -> Sequential:
    """Two hidden layers with what can go wrong between them, trained for an epoch."""
    settings = {"activation": "relu", "kernel_regularizer": "l2", **first}
    model = Sequential(
        [
            Dense(5, input_dim=4, name="low", **settings),  # type: ignore[arg-type]
            BatchNormalization(name="norm"),
            Dropout(0.5, name="drop"),
            Dense(5, activation="relu", name="middle"),
            Dense(3, activation="softmax", name="top"),
        ],
        seed=0,
        name="base",
    )
    model.compile(optimizer, "cross_entropy", ["accuracy"])  # type: ignore[arg-type]
    model.fit(X, Y, verbose=0)
    return model


def bits(model: Sequential, *names: str) -> list[bytes]:
    return [a.tobytes() for n in names for a in model.get_layer(n).arrays().values()]


def test_01_a_flag_changed_after_compile_acts_at_once() -> None:
    model = network()
    before = bits(model, "low")
    model.get_layer("low").trainable = False
    model.fit(X, Y, verbose=0)
    assert bits(model, "low") == before


def test_02_momentum_and_decay_move_no_frozen_bit_and_start_afresh() -> None:
    model = network(SGD(0.1, momentum=0.9, weight_decay=0.1))
    model.freeze("middle")
    before = bits(model, "middle")
    model.fit(X, Y, epochs=3, verbose=0)
    assert bits(model, "middle") == before
    model.unfreeze("middle")
    W = model.get_layer("middle").W.copy()
    model.loss_and_gradient(X, Y)
    expected = W * (1 - 0.1 * 0.1) - 0.1 * model.get_layer("middle").dW
    model.apply_gradient()
    np.testing.assert_allclose(model.get_layer("middle").W, expected, rtol=1e-5, atol=1e-7)


def test_03_a_frozen_layers_penalty_is_in_no_loss() -> None:
    model = network()
    with_penalty = model.evaluate(X, Y)["loss"]
    penalty = 0.01 * float((model.get_layer("low").W ** 2).sum())
    model.freeze("low")
    assert model.evaluate(X, Y)["loss"] == pytest.approx(with_penalty - penalty, rel=1e-5)


def test_04_frozen_layers_run_in_inference_mode() -> None:
    model = network()
    model.freeze(["norm", "drop"])
    before = bits(model, "norm")
    model.loss_and_gradient(X, Y)
    np.testing.assert_allclose(model.outputs[-1], model.predict(X), rtol=1e-5)
    model.apply_gradient()
    assert bits(model, "norm") == before
    said: list[str] = []
    model.summary(said.append)
    assert "Frozen layers run in inference mode" in said[0]


def test_05_the_flag_has_one_owner_and_the_summary_shows_it() -> None:
    model = network()
    model.layers[0].trainable = False
    assert not model.get_layer("low").trainable
    said: list[str] = []
    model.summary(said.append)
    assert [line.split()[0] for line in said[0].splitlines() if " frozen " in line] == ["low"]


def test_06_a_loaded_model_is_frozen_as_it_was_and_goes_on_with_the_same_bits(
    tmp_path: Path,
) -> None:
    model = network()
    model.freeze("middle")
    model.fit(X, Y, verbose=0, seed=1)
    model.save(tmp_path / "m.npz")
    again = minnet.load(tmp_path / "m.npz")
    assert [a.trainable for a in again.layers] == [a.trainable for a in model.layers]
    for m in (model, again):
        m.unfreeze("middle")
        m.fit(X, Y, epochs=2, verbose=0, seed=2)
    assert again.theta.tobytes() == model.theta.tobytes()


def test_07_freezing_changes_no_order_of_weights(tmp_path: Path) -> None:
    model = network()
    shapes = [w.shape for w in model.get_weights()]
    model.save_weights(tmp_path / "before.npz")
    model.freeze(["low", "top"])
    assert [w.shape for w in model.get_weights()] == shapes
    model.load_weights(tmp_path / "before.npz")


def test_08_no_weight_is_skipped_silently(tmp_path: Path) -> None:
    model = network()
    model.save_weights(tmp_path / "m.npz")
    other = model.replace_head(Dense(2, activation="softmax"), seed=0)
    before = other.theta.copy()
    with pytest.raises(ModelFileError, match=r"top\.W .* UNUSED|head\.W .* NEW"):
        other.load_weights(tmp_path / "m.npz")
    with pytest.raises(ValueError, match="Nothing was copied"):
        transfer.transfer_weights(model, other)
    np.testing.assert_array_equal(other.theta, before)
    table = transfer.transfer_weights(model, other, missing=["head"], unexpected=["top"])
    assert {row[-1] for row in table.rows} == {"LOADED", "NEW", "UNUSED"}


def test_09_another_architecture_of_the_same_shapes_is_refused(tmp_path: Path) -> None:
    network().save_weights(tmp_path / "relu.npz")
    other = network(activation="tanh")
    before = other.theta.copy()
    with pytest.raises(ModelFileError, match=r"'low' is Dense.*ReLU.*here it is Dense.*Tanh"):
        other.load_weights(tmp_path / "relu.npz")
    np.testing.assert_array_equal(other.theta, before)


def test_10_a_new_head_has_fresh_weights_and_is_called_new() -> None:
    base = network()
    model = base.replace_head(Dense(3, activation="softmax"), seed=1)
    assert not np.isin(model.get_layer("head").W, base.get_layer("top").W).any()
    said: list[str] = []
    model.summary(said.append)
    head = next(line for line in said[0].splitlines() if line.startswith("head"))
    assert head.split()[-1] == "new"


def test_11_fine_tuning_leaves_the_base_alone() -> None:
    base = network()
    before = base.theta.tobytes(), base.state.tobytes()
    model = base.replace_head(Dense(2, activation="softmax"), seed=0)
    model.compile("adam", "cross_entropy")
    minnet.transfer.fine_tune(model, X, Y % 2, head_epochs=2, epochs=2, verbose=0)
    assert (base.theta.tobytes(), base.state.tobytes()) == before


@pytest.mark.parametrize("label", [-1, 3])
def test_12_labels_out_of_range_are_named_with_their_row(label: int) -> None:
    y = Y.copy()
    y[7] = label
    with pytest.raises(ValueError, match=rf"3 classes. Got {label} in row 7"):
        network().fit(X, y)


def test_13_class_names_travel_in_the_file(tmp_path: Path) -> None:
    model = network()
    model.class_names = ["cat", "dog", "cow"]
    model.save(tmp_path / "m.npz")
    again = minnet.load(tmp_path / "m.npz")
    assert again.class_names == ["cat", "dog", "cow"]
    with pytest.raises(ValueError, match="this model knows 3 classes: cat…cow"):
        again.fit(X, np.where(Y == 0, 7, Y))


def test_14_inputs_on_another_scale_are_met_with_both_ranges(tmp_path: Path) -> None:
    network().save(tmp_path / "m.npz")
    with pytest.warns(UserWarning, match=r"x goes from .* trained on inputs from"):
        minnet.load(tmp_path / "m.npz").predict(255 * X)


def test_15_the_rate_finder_works_on_a_copy() -> None:
    model = network()
    before = model.theta.tobytes(), model.state.tobytes(), str(model.rng.bit_generator.state)
    find_learning_rate(model, X, Y)
    after = model.theta.tobytes(), model.state.tobytes(), str(model.rng.bit_generator.state)
    assert after == before


def test_16_everything_frozen_is_refused() -> None:
    model = network()
    model.freeze("*")
    with pytest.raises(ValueError, match="Every layer is frozen"):
        model.fit(X, Y, verbose=0)


def test_17_forgetting_is_measured() -> None:
    report = transfer.compare(
        network(Adam(0.05)), X, Y, X, Y, seeds=2, epochs=9, old_task=(X, Y), verbose=0
    )
    assert report.old_before is not None
    assert "old task afterwards" in str(report)
    assert any(run.old_accuracy is not None for run in report.runs if run.arm == "fine-tune all")
