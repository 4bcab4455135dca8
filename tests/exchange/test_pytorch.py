"""PyTorch in and out: what is carried over, what is refused by its name."""

from __future__ import annotations

import copy
import re
import warnings

import numpy as np
import pytest

from minnet import exchange
from minnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    LeakyReLU,
    PReLU,
    ReLU,
    Reshape,
)
from minnet.models import Sequential
from tests.exchange.networks import difference
from tests.exchange.tools import needs


@pytest.fixture
def torch():
    return needs("torch")


@pytest.fixture
def nn(torch):
    torch.manual_seed(0)
    return torch.nn


def predicted(torch, module, x):
    with torch.no_grad():
        return module(torch.from_numpy(x)).numpy()


def test_square_matrices_are_transposed(torch, nn):
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    model = exchange.from_torch(module)
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
    assert difference(model.predict(x), predicted(torch, module, x)) < 1e-6
    np.testing.assert_array_equal(model.layers[0].W, module[0].weight.detach().numpy().T)
    table = str(exchange.report(model))
    assert table.count("TRANSPOSED") == 2
    assert re.search(r"0 \(Linear\), 1 \(Tanh\) +dense_1 +activation=Tanh\(\)", table)


def test_settings_that_differ_are_carried_over(nn):
    norm = nn.BatchNorm1d(3, eps=1e-5, momentum=0.2, affine=False)
    module = nn.Sequential(
        nn.Linear(2, 3), nn.LeakyReLU(), norm, nn.Dropout(0.3), nn.PReLU(3), nn.ELU(0.7)
    )
    leaky, normalization, dropout, prelu, elu = exchange.from_torch(module).layers
    assert leaky.activation.negative_slope == 0.01
    assert (normalization.epsilon, normalization.momentum) == (1e-5, 0.8)
    assert not normalization.scale
    assert not normalization.center
    assert (dropout.rate, elu.alpha) == (0.3, 0.7)
    assert prelu.alpha.tolist() == [0.25] * 3


def test_what_is_frozen_stays_frozen_both_ways(nn):
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    module[0].requires_grad_(False)
    model = exchange.from_torch(module)
    assert [layer.trainable for layer in model.layers] == [False, True]
    back = exchange.to_torch(model)
    assert [p.requires_grad for p in back.parameters()] == [False, False, True, True]


def test_float64_stays_float64(torch, nn):
    module = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid()).double()
    model = exchange.from_torch(module)
    assert model.dtype == "float64"
    x = np.random.default_rng(0).standard_normal((5, 2))
    assert difference(model.predict(x), predicted(torch, module, x)) < 1e-15
    assert next(exchange.to_torch(model).parameters()).dtype == torch.float64
    assert exchange.from_torch(nn.Linear(2, 3).half()).dtype == "float32"


def test_images_are_flattened_where_the_shape_is_given(torch, nn):
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    x = np.ones((3, 2, 3), "float32")
    model = exchange.from_torch(module, input_shape=(2, 3))
    assert difference(model.predict(x), predicted(torch, module, x)) < 1e-6
    flat = exchange.from_torch(module)
    assert flat.input_shape == (6,)
    assert "Samples are taken to be flat, (6,)" in str(exchange.report(flat))
    assert exchange.from_torch(nn.Sequential(nn.ReLU())).layers[0].built_for is None


def test_shapes_change_as_they_do_here(torch):
    model = Sequential([Reshape((2, -1), input_shape=(2, 3)), ReLU(), Flatten(), Dense(2)], seed=0)
    x = np.random.default_rng(0).standard_normal((4, 2, 3)).astype("float32")
    assert difference(predicted(torch, exchange.to_torch(model), x), model.predict(x)) < 1e-6


def refusals(nn, torch):
    """Each module, and the words that refuse it."""
    lazy = nn.LazyLinear(3)
    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda *args: None)
    shared = nn.Linear(2, 2)

    class Own(nn.Module):
        def forward(self, x):
            return x

    class Mine(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    nan = nn.Linear(2, 2)
    nan.weight.data[0, 0] = float("nan")
    return [
        (nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(-1)), r"1 \(LogSoftmax\).*leave it off"),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), r"0 \(Conv2d\) and no input_shape.*channels last"),
        (nn.Sequential(nn.Conv1d(1, 1, 1)), r"0 \(Conv1d\). minnet has none"),
        (nn.LSTM(2, 2), "Got LSTM. minnet has none"),
        (nn.Sequential(nn.Softmax(0)), "with dim=0"),
        (nn.Sequential(nn.Softplus(beta=2)), "with beta=2"),
        (nn.Sequential(nn.Flatten(0)), "with start_dim=0"),
        (nn.Sequential(nn.Hardtanh(0, 6)), r"\(Hardtanh\)"),
        (nn.BatchNorm1d(2, momentum=None), "an average over all batches"),
        (nn.BatchNorm1d(2, track_running_stats=False), "with track_running_stats=False"),
        (nn.Sequential(lazy), "lazy module that never ran"),
        (nn.Sequential(hooked), "modules without hooks"),
        (nn.utils.spectral_norm(nn.Linear(2, 2)), "modules without hooks"),
        (torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), "plain weights"),
        (nn.Sequential(shared, nn.ReLU(), shared), "shares them with 0"),
        (Own(), r"Its forward is code.*from_torch\(module, into=model\)"),
        (Mine(2, 2), "Got Mine. Its forward is code"),
        (nn.DataParallel(nn.Linear(2, 2)), r"module\.module"),
        (nan, "NaN or infinity in weight"),
        (
            nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)),
            r"dense_2.W takes .* \(3, 3\). Got \(2, 3\)",
        ),
        (3, "takes a PyTorch module. Got 3"),
    ]


def test_what_minnet_computes_otherwise_is_refused_by_its_name(nn, torch):
    for module, words in refusals(nn, torch):
        with pytest.raises((TypeError, ValueError), match=words) as caught:
            exchange.from_torch(module)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["tanh", "none"])
def test_both_forms_of_gelu_go_both_ways(nn, torch, form):
    module = nn.Sequential(nn.Linear(2, 2), nn.GELU(approximate=form))
    model = exchange.from_torch(module)
    assert model.layers[0].activation.approximate is (form == "tanh")
    back = exchange.to_torch(model)
    assert [one.approximate for one in back.modules() if isinstance(one, nn.GELU)] == [form]
    x = torch.linspace(-4, 4, 20).reshape(10, 2)
    np.testing.assert_allclose(model.predict(x.numpy()), module(x).detach().numpy(), atol=1e-6)


def test_a_module_of_ones_own_hands_its_weights_over(nn):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.two(self.one(x).relu())

    module = Own()
    model = Sequential([Dense(3, "relu", input_dim=3), Dense(2)], seed=0)
    table = exchange.from_torch(module, into=model)
    np.testing.assert_array_equal(model.layers[0].W, module.one.weight.detach().numpy().T)
    assert "one.weight" in str(table)


def test_a_class_below_sequential_and_one_in_another_are_read(nn):
    class Block(nn.Sequential):
        pass

    module = Block(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1))
    assert [layer.units for layer in exchange.from_torch(module).layers] == [3, 1]


def test_logits_leave_the_end_out(torch):
    model = Sequential([Dense(3, input_dim=2), ReLU(), Dense(3, "softmax")], seed=0)
    x = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")
    logits = predicted(torch, exchange.to_torch(model, logits=True), x)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert difference(softmax, model.predict(x)) < 1e-6
    assert isinstance(exchange.to_torch(model)[-1], torch.nn.Softmax)
    with pytest.raises(ValueError, match=r"ends in a softmax or a sigmoid. Got dense_1, a Dense"):
        exchange.to_torch(Sequential([Dense(2, input_dim=2)], seed=0), logits=True)


def test_a_module_trains_on_as_pytorchs_own(torch):
    model = Sequential([Dense(4, "tanh", input_dim=2), BatchNormalization(), Dense(1)], seed=0)
    before = model.get_weights()
    module = exchange.to_torch(model)
    assert not module.training
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    x = torch.randn(16, 2)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = ((module(x) - x.sum(1, keepdim=True)) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    for array, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)  # the module has copies


def test_what_acts_in_training_alone_is_left_behind_with_a_warning(torch, nn):
    model = Sequential([Dense(2, input_dim=2), GaussianNoise(0.1), Dropout(0.1)], seed=0)
    with pytest.warns(UserWarning, match="to_torch: Left behind.*gaussian_noise_1, a GaussianNoi"):
        module = exchange.to_torch(model)
    assert [type(m).__name__ for m in module] == ["Linear", "Dropout"]
    assert "LEFT OUT" in str(exchange.report(module))
    penal = Sequential([Dense(2, input_dim=2, kernel_regularizer="l2")], seed=0)
    with pytest.warns(UserWarning, match="the penalties and bounds of dense_1"):
        exchange.to_torch(penal)
    with pytest.warns(UserWarning, match="share one slope"):
        exchange.from_torch(nn.Sequential(nn.Linear(2, 3), nn.PReLU()))


def test_a_slope_for_each_number_of_an_image_is_refused(torch):
    model = Sequential([PReLU(input_shape=(2, 3))], seed=0)
    assert "PReLU(num_parameters=1)" in repr(exchange.to_torch(model))  # all alike so far
    model.layers[0].alpha = np.arange(6.0).reshape(2, 3)
    with pytest.raises(TypeError, match=r"takes layers that PyTorch has. Got pre_lu_1"):
        exchange.to_torch(model)


# --- images ---------------------------------------------------------------------------------------


def images(*shape):
    """Samples with the channels last, and as PyTorch has them."""
    import torch

    x = np.random.default_rng(0).standard_normal((4, *shape)).astype("float32")
    return x, torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def network_of_images(nn, torch):
    """Everything that has another order: a kernel, and what stands between Flatten and Linear."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(24),
        nn.PReLU(24),
        nn.Linear(24, 5),
        nn.Linear(5, 2),
    ).eval()
    for norm in (module[1], module[5]):
        norm.running_mean += torch.randn(norm.num_features)
        norm.running_var *= 1 + torch.rand(norm.num_features)
    module[6].weight.data += torch.rand(24)
    return module


def test_what_follows_a_flatten_of_images_is_brought_into_order(nn, torch):
    module = network_of_images(nn, torch)
    x, first = images(6, 4, 3)
    wanted = module(first).detach().numpy()
    model = exchange.from_torch(module, input_shape=(6, 4, 3))
    assert difference(model.predict(x), wanted) < 1e-6
    table = str(exchange.report(model))
    assert table.count("REORDERED") == 6  # five arrays of 24 numbers, and W
    assert "Images go in with the channels last: x.transpose(0, 2, 3, 1)." in table
    other = model.copy()
    other.theta, other.state = other.theta * 0 + 0.5, other.state * 0 + 0.5
    exchange.from_torch(module.state_dict(), into=other)
    np.testing.assert_array_equal(other.theta, model.theta)
    np.testing.assert_array_equal(other.state, model.state)
    back = exchange.to_torch(model)
    assert "Images go in with the channels first" in str(exchange.report(back))
    assert difference(back(first).detach().numpy(), wanted) < 1e-6
    for ours, theirs in zip(back.state_dict().values(), module.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_images_of_one_channel_may_be_made_of_rows(torch):
    from minnet.layers import BatchNormalization, Conv2D, GlobalAveragePooling2D, Reshape

    conv = Conv2D(3, 3, padding="same", activation="relu")
    stack = [Reshape((4, 4, 1), input_shape=16), conv, BatchNormalization()]
    model = Sequential([*stack, GlobalAveragePooling2D(), Dense(2, "softmax")], seed=0)
    x = np.random.default_rng(0).standard_normal((3, 16)).astype("float32")
    module = exchange.to_torch(model)
    assert difference(module(torch.from_numpy(x)).detach().numpy(), model.predict(x)) < 1e-6
    back = exchange.from_torch(module, input_shape=16)
    assert difference(back.predict(x), model.predict(x)) < 1e-6


def refused_images(nn):
    """Modules of images → the shape of one, and what is said."""
    conv = nn.Conv2d
    return [
        ([conv(1, 1, 3, padding=2)], (6, 6, 1), r"Got 0 \(Conv2d\) with padding=\(2, 2\)"),
        ([conv(2, 2, 3, groups=2)], (6, 6, 2), "with groups=2"),
        ([conv(2, 2, 3, dilation=2)], (6, 6, 2), r"with dilation=\(2, 2\)"),
        ([conv(1, 1, 3, padding=1, padding_mode="circular")], (6, 6, 1), "with padding_mode="),
        ([conv(2, 2, 3), nn.Flatten()], (6, 6, 2), "outputs are a flattened image"),
        ([conv(2, 2, 3), nn.Flatten(), nn.Linear(30, 2)], (6, 6, 2), r"\(32, 2\). Got \(30, 2\)"),
        ([conv(2, 2, 3)], (2, 6, 6), "The channels come last"),
        ([conv(2, 2, 3), nn.Softmax(-1)], (6, 6, 2), "with dim=-1"),
        ([conv(2, 2, 3), nn.PReLU(2)], (6, 6, 2), "PReLU of images with one slope"),
        ([nn.Unflatten(1, (2, 3, 3)), conv(2, 2, 2)], 18, "images of one channel"),
        ([nn.MaxPool2d(2, ceil_mode=True)], (5, 5, 1), "with ceil_mode=True"),
        ([nn.AvgPool2d(3, 1, 1)], (5, 5, 1), "with count_include_pad=True"),
        ([nn.AdaptiveAvgPool2d(2)], (6, 6, 1), "with output_size=2"),
    ]


def test_images_that_minnet_computes_otherwise_are_refused(nn):
    for modules, shape, words in refused_images(nn):
        with pytest.raises((TypeError, ValueError), match=words):
            exchange.from_torch(nn.Sequential(*modules), input_shape=shape)


def test_margins_that_pytorch_does_not_have_are_refused(torch):
    from minnet.layers import Conv2D, MaxPooling2D

    for layers, words in (
        ([Conv2D(2, 3, 2, "same", input_shape=(8, 8, 1))], "conv2d_1, a Conv2D. Its margins"),
        ([MaxPooling2D(2, 1, "same", input_shape=(8, 8, 1))], "MaxPooling2D. Its margins"),
        ([Conv2D(2, 3, input_shape=(8, 8, 1)), Flatten()], "outputs are a flattened image"),
    ):
        with pytest.raises(TypeError, match=words):
            exchange.to_torch(Sequential(layers, seed=0))


def test_pytorchs_own_modules_can_be_filled(torch, nn):
    """The numbers of the modules are those of a Sequential that somebody writes down."""
    model = Sequential([Dense(3, LeakyReLU(0.01), input_dim=2), Dropout(0.5), Dense(1)], seed=0)
    own = nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(), nn.Dropout(0.5), nn.Linear(3, 1))
    own.load_state_dict(exchange.to_torch(model).state_dict())
    x = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")
    assert difference(predicted(torch, own.eval(), x), model.predict(x)) < 1e-6


def test_minnets_modules_can_be_copied_and_pickled(torch, tmp_path):
    from minnet.layers import Exponential, Normalization, Rescaling

    model = Sequential(
        [Rescaling(0.5, 1, input_shape=2), Normalization(), Dense(1), Exponential()], seed=0
    )
    module = exchange.to_torch(model)
    x = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")
    torch.save(module, tmp_path / "m.pt")
    again = torch.load(tmp_path / "m.pt", weights_only=False)
    for other in (copy.deepcopy(module), again):
        assert difference(predicted(torch, other, x), model.predict(x)) < 1e-6
    from minnet.exchange import torch_modules

    assert torch_modules.Rescaling is type(module[0])
    with pytest.raises(AttributeError, match="has no 'Other'"):
        torch_modules.Other  # noqa: B018


def test_nothing_is_warned_of_where_nothing_is_left_behind(nn):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exchange.from_torch(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout()))


def test_a_softmax_over_another_axis_than_the_last_is_refused(torch, nn):
    """Of rows, dimension 1 is the last; of what an Unflatten makes it is another."""
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
    rows = nn.Sequential(nn.Linear(4, 6), nn.Softmax(1))
    assert difference(exchange.from_torch(rows).predict(x), predicted(torch, rows, x)) < 1e-6
    tables = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (2, 3)), nn.Softmax(1))
    with pytest.raises(ValueError, match=r"takes Softmax with dim=-1, as.*Got 2 .Softmax. with d"):
        exchange.from_torch(tables)
    tables[2] = nn.Softmax(-1)
    assert difference(exchange.from_torch(tables).predict(x), predicted(torch, tables, x)) < 1e-6


def test_a_batch_norm_along_another_axis_than_the_last_is_refused(nn):
    tables = nn.Sequential(nn.Linear(4, 4), nn.Unflatten(1, (2, 2)), nn.BatchNorm1d(2))
    with pytest.raises(ValueError, match=r"after rows, .N, D.. Got 2 .BatchNorm1d. for .* 2 axes"):
        exchange.from_torch(tables)
