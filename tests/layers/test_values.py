"""Numbers that an array cannot have: a variance below 0, of which no root is taken."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet.exchange import from_torch, load_safetensors, save_safetensors
from minnet.foundation.checks import ModelFileError
from minnet.layers import BatchNormalization, Dense, Normalization
from minnet.models import Sequential

MESSAGE = r"variance takes numbers that are 0 or more. Got -2. Are the mean and the variance exch"


def network() -> Sequential:
    layers = [Normalization(), Dense(2), BatchNormalization(), Dense(1)]
    model = Sequential(layers, seed=0)
    model.build((3,))
    return model


def negative(model: Sequential, name: str) -> dict[str, np.ndarray]:
    arrays = {key: array.copy() for key, array in model.named_arrays().items()}
    arrays[name][0] = -2.0
    return arrays


VARIANCES = ("normalization_1.variance", "batch_normalization_1.moving_variance")


@pytest.mark.parametrize("name", VARIANCES)
def test_a_negative_variance_is_refused_wherever_it_would_come_in(name) -> None:
    model = network()
    arrays = negative(model, name)
    layer = model.get_layer(name.partition(".")[0])
    own = [arrays[f"{layer.name}.{n}"] for n in layer.arrays()]
    state = np.concatenate([arrays[key].ravel() for key in arrays if key.endswith(("mean", "nce"))])
    before = model.theta.copy(), model.state.copy()
    for write in (
        lambda: model.set_weights(arrays),
        lambda: model.set_weights(list(arrays.values())),
        lambda: layer.set_weights(own),
        lambda: setattr(layer, name.partition(".")[2], arrays[name]),
        lambda: setattr(model, "state", state),
    ):
        with pytest.raises(ValueError, match=MESSAGE):
            write()
        assert (model.theta == before[0]).all()
        assert (model.state == before[1]).all()


@pytest.mark.parametrize("name", VARIANCES)
def test_no_file_has_a_negative_variance(tmp_path, monkeypatch, name) -> None:
    model = network()
    model.get_layer(name.partition(".")[0]).arrays()[name.partition(".")[2]][0] = -2.0
    with pytest.raises(ModelFileError, match=MESSAGE):
        model.save(tmp_path / "model.npz")
    with monkeypatch.context() as unchecked:
        for kind in (BatchNormalization, Normalization):
            unchecked.setattr(kind, "not_negative", ())
        model.save(tmp_path / "model.npz")
        save_safetensors(model, tmp_path / "model.safetensors")
    other = network()
    before = other.state.copy()
    for read in (
        lambda: minnet.load(tmp_path / "model.npz"),
        lambda: other.load_weights(tmp_path / "model.npz"),
        lambda: load_safetensors(tmp_path / "model.safetensors"),
        lambda: load_safetensors(tmp_path / "model.safetensors", into=other),
    ):
        with pytest.raises(ModelFileError, match=MESSAGE):
            read()
    assert (other.state == before).all()


def test_a_state_dict_with_a_negative_variance_is_refused_whole() -> None:
    model = Sequential([Dense(2, input_dim=3), BatchNormalization()], seed=0)
    state = {
        "0.weight": np.ones((2, 3), "f4"),
        "0.bias": np.ones(2, "f4"),
        "1.weight": np.ones(2, "f4"),
        "1.bias": np.ones(2, "f4"),
        "1.running_mean": np.ones(2, "f4"),
        "1.running_var": np.full(2, -2.0, "f4"),
    }
    before = model.theta.copy()
    with pytest.raises(ValueError, match=MESSAGE):
        from_torch(state, into=model)
    assert (model.theta == before).all()
