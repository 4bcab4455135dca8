"""PyTorch's arrays into a minnet model, without PyTorch: every matrix transposed, square or not."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from minnet import exchange
from minnet.layers import BatchNormalization, Dense, PReLU
from minnet.models import Sequential


def model(**names) -> Sequential:
    return Sequential(
        [
            Dense(3, "relu", input_dim=3, name=names.get("first")),
            BatchNormalization(name=names.get("norm"), epsilon=1e-5),
            Dense(3, use_bias=False, name=names.get("last")),
        ],
        seed=0,
    )


def state(first="0", norm="2", last="3") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        f"{first}.weight": rng.standard_normal((3, 3)).astype("float32"),
        f"{first}.bias": rng.standard_normal(3).astype("float32"),
        f"{norm}.weight": rng.standard_normal(3).astype("float32"),
        f"{norm}.bias": rng.standard_normal(3).astype("float32"),
        f"{norm}.running_mean": rng.standard_normal(3).astype("float32"),
        f"{norm}.running_var": rng.uniform(0.5, 2, 3).astype("float32"),
        f"{norm}.num_batches_tracked": np.array(7),
        f"{last}.weight": rng.standard_normal((3, 3)).astype("float32"),
    }


def write(path, arrays) -> None:
    """A safetensors file in another order, as the format allows."""
    header, data = {}, b""
    for name in sorted(arrays):
        array = arrays[name]
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[array.dtype.name]
        span = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": span}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def test_square_matrices_are_transposed_and_the_table_says_so():
    net, arrays = model(), state()
    table = exchange.from_torch(arrays, into=net)
    wanted = [arrays["0.weight"].T, arrays["0.bias"], arrays["2.weight"], arrays["2.bias"]]
    wanted += [arrays["2.running_mean"], arrays["2.running_var"], arrays["3.weight"].T]
    for ours, right in zip(net.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(ours, right)
    assert str(table).count("TRANSPOSED") == 2
    assert str(table).count("LOADED") == 5
    assert net.layers[0].origin == "PyTorch"
    assert exchange.report(net) is table


def test_numbered_modules_are_in_the_order_of_their_numbers_in_a_file(tmp_path):
    arrays = state("2", "4", "10")  # in the alphabet's order 10 comes first
    write(tmp_path / "m.safetensors", arrays)
    net = model()
    exchange.load_safetensors(tmp_path / "m.safetensors", into=net)
    np.testing.assert_array_equal(net.layers[0].W, arrays["2.weight"].T)
    np.testing.assert_array_equal(net.layers[2].W, arrays["10.weight"].T)


def chain(units: int, first: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {f"{first}{i}.weight": rng.standard_normal((3, 3)).astype("f4") for i in range(units)}


def test_a_state_dict_in_alphabetical_order_goes_by_its_numbers():
    """As `safetensors.torch.load_file` gives it: 0, 1, 10, 11, 2, …"""
    net = Sequential([Dense(3, use_bias=False, input_dim=3) for _ in range(12)], seed=0)
    arrays = chain(12, "")
    exchange.from_torch({name: arrays[name] for name in sorted(arrays)}, into=net)
    for i, layer in enumerate(net.layers):
        np.testing.assert_array_equal(layer.W, arrays[f"{i}.weight"].T)


def test_words_in_alphabetical_order_that_count_otherwise_are_refused():
    net = Sequential([Dense(3, use_bias=False, input_dim=3) for _ in range(11)], seed=0)
    arrays, before = chain(11, "fc"), net.theta.copy()
    exchange.from_torch(arrays, into=net)
    np.testing.assert_array_equal(net.layers[2].W, arrays["fc2.weight"].T)
    net.theta = before
    with pytest.raises(ValueError, match=r"Got fc0, fc1, fc10, fc2.*Name the layers so"):
        exchange.from_torch({name: arrays[name] for name in sorted(arrays)}, into=net)
    np.testing.assert_array_equal(net.theta, before)


def test_a_state_dict_that_cannot_say_its_epsilon_is_warned_of():
    net = Sequential([Dense(3, input_dim=3), BatchNormalization(), Dense(3, use_bias=False)])
    with pytest.warns(UserWarning, match=r"default is 1e-05, and batch_norm.* has 0.001. If 2 has"):
        table = exchange.from_torch(state(), into=net)
    assert "A state dict has no ε" in str(table)


class Norm:
    """What a module of PyTorch shows of a batch norm."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def state_dict(self) -> dict[str, np.ndarray]:
        return state()

    def named_modules(self, *, remove_duplicate: bool):
        return [("", object()), ("2", self)]


def test_a_module_with_another_epsilon_is_refused():
    net = model()
    exchange.from_torch(Norm(1e-5), into=net)
    before = net.theta.copy()
    message = r"Got 0.001 in 2, and 1e-05 in batch_normalization_1. Make .*\(epsilon=0.001\)"
    with pytest.raises(ValueError, match=message):
        exchange.from_torch(Norm(1e-3), into=net)
    np.testing.assert_array_equal(net.theta, before)


def test_named_modules_go_into_the_layers_of_those_names(tmp_path):
    arrays = state("input", "norm", "hidden")  # in the alphabet's order: hidden, input, norm
    write(tmp_path / "m.safetensors", arrays)
    net = model(first="input", norm="norm", last="hidden")
    exchange.load_safetensors(tmp_path / "m.safetensors", into=net)
    np.testing.assert_array_equal(net.layers[0].W, arrays["input.weight"].T)
    np.testing.assert_array_equal(net.layers[2].W, arrays["hidden.weight"].T)


def test_a_file_that_keeps_no_order_of_named_modules_is_refused(tmp_path):
    """Two square matrices would change places without a word."""
    write(tmp_path / "m.safetensors", state("input", "norm", "hidden"))
    net = model()
    before = net.get_weights()
    with pytest.raises(ValueError, match=r'since a file keeps no order.*Dense\(…, name="fc1"\)'):
        exchange.load_safetensors(tmp_path / "m.safetensors", into=net)
    for array, kept in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_a_state_dict_without_a_model_is_refused_with_the_line():
    with pytest.raises(TypeError, match=r"no activations.*from_torch\(state_dict, into=model\)"):
        exchange.from_torch(state())


def test_a_pt_file_is_not_opened():
    for into in (None, model()):
        with pytest.raises(
            TypeError, match=r"a pickle.*save_file\(torch.load\(\"m.pt\", weights_o"
        ):
            exchange.from_torch("m.pt", into=into)


def without(name):
    arrays = state()
    del arrays[name]
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (without("0.bias"), r"none .*dense_1.b .*NEW"),
        (without("3.weight"), r"none .*dense_2.W .*NEW"),
        ({**state(), "5.weight": np.ones((3, 3), "f4")}, r"5.weight .*UNUSED"),
        ({**state(), "3.bias": np.ones(3, "f4")}, r"3.bias .*UNUSED"),
        ({**state(), "0.weight": np.ones((2, 3), "f4")}, r"0.weight .*MISMATCH"),
        ({**state(), "0.weight": np.ones((3, 3))}, "float64 would lose digits"),
    ],
)
def test_what_does_not_fit_is_refused_with_both_sides_and_nothing_is_copied(arrays, message):
    net = model()
    before = net.get_weights()
    with pytest.raises(ValueError, match="nothing was copied") as caught:
        exchange.from_torch(arrays, into=net)
    assert re.search(message, str(caught.value))
    for array, kept in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_a_batch_norm_without_gamma_takes_one_of_ones():
    net = Sequential([BatchNormalization(scale=False, epsilon=1e-5, input_shape=3)], seed=0)
    arrays = {n.removeprefix("2."): a for n, a in state().items() if n.startswith("2.")}
    with pytest.raises(ValueError, match=r"weight .*UNUSED"):
        exchange.from_torch(arrays, into=net)
    table = exchange.from_torch({**arrays, "weight": np.ones(3, "f4")}, into=net)
    assert "LEFT OUT: changes nothing" in str(table)


def test_one_slope_is_repeated_and_half_precision_is_widened():
    net = Sequential([PReLU(input_shape=4)], seed=0)
    table = exchange.from_torch({"0.weight": np.array([0.25], "float16")}, into=net)
    assert "REPEATED" in str(table)
    assert net.layers[0].alpha.tolist() == [0.25] * 4


def test_nan_is_refused():
    with pytest.raises(ValueError, match=r"Got NaN or infinity in 0.bias"):
        exchange.from_torch({**state(), "0.bias": np.full(3, np.nan, "f4")}, into=model())
