"""Random networks of minnet, PyTorch, Keras and scikit-learn, of all that can be exchanged.

Weights are of the size that initializers draw, statistics of the size that data have, and inputs
normal, so that predictions are numbers of about 1 and a difference of 1e-6 is ten last digits of
float32.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import minnet
from minnet import layers
from minnet.layers import (
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Normalization,
    PReLU,
    Rescaling,
    Reshape,
)

CURVES = [
    *(lambda rng, kind=kind: getattr(layers, kind)() for kind in (
        "ReLU", "Softplus", "GELU", "Sigmoid", "Tanh", "Softmax", "Linear", "SELU", "SiLU", "Mish",
        "ReLU6", "HardSigmoid", "HardSiLU", "Softsign", "ELU", "LeakyReLU",
    )),
    lambda rng: layers.GELU(approximate=False),
    lambda rng: layers.LeakyReLU(round(rng.uniform(0, 0.5), 3)),
    lambda rng: layers.ELU(round(rng.uniform(0.1, 1.5), 3)),
]  # fmt: skip
"""Activations for hidden layers; the exponential stands at the end alone."""

ENDS = ["softmax", "sigmoid", "linear", "tanh", "exponential", None]


def choice(rng: np.random.Generator, values: Any) -> Any:
    """One of these."""
    return values[rng.integers(len(values))]


def samples(rng: np.random.Generator, shape: tuple[int, ...], rows: int = 8) -> np.ndarray:
    """A batch of normal numbers."""
    return rng.standard_normal((rows, *shape)).astype("float32")


def between(rng: np.random.Generator) -> layers.Layer:
    """A layer that may stand between two Dense."""
    kinds = [
        lambda: Dropout(round(rng.uniform(0, 0.6), 3)),
        lambda: AlphaDropout(0.1),
        lambda: GaussianDropout(0.2),
        lambda: GaussianNoise(0.1),
        lambda: PReLU("uniform"),
        lambda: Rescaling(round(rng.uniform(0.5, 1.5), 3), round(rng.uniform(-0.5, 0.5), 3)),
        lambda: choice(rng, CURVES)(rng),
        lambda: Flatten(),
        *[
            lambda: BatchNormalization(
                momentum=choice(rng, [0.99, 0.9, 0.5, 0.123]),
                epsilon=choice(rng, [1e-3, 1e-5]),
                center=rng.random() < 0.7,
                scale=rng.random() < 0.7,
            )
        ]
        * 2,
    ]
    layer: layers.Layer = choice(rng, kinds)()
    return layer


def network(rng: np.random.Generator, *, plain: bool = False) -> minnet.Sequential:
    """A model of any layers; `plain` ones are what scikit-learn has."""
    hidden = choice(rng, ["relu", "tanh", "sigmoid", None])
    shape = (int(rng.integers(1, 7)),)
    stack: list[Any] = []
    if not plain and rng.random() < 0.3:
        shape = (*shape, int(rng.integers(1, 4)))
        if rng.random() < 0.5:
            stack.append(choice(rng, CURVES)(rng))
        stack.append(Flatten())
    if not plain and rng.random() < 0.3:
        stack.append(Normalization(choice(rng, [-1, None])))
    for _ in range(rng.integers(0, 4)):
        units = int(choice(rng, [1, 3, 4, 4, 4, 5, 6]))
        curve = hidden if plain else choice(rng, [None, choice(rng, CURVES)(rng)])
        bias = plain or rng.random() < 0.8
        penalty = choice(rng, [None, None, "l2"])
        stack.append(Dense(units, curve, use_bias=bias, kernel_regularizer=penalty))
        stack += [] if plain else [between(rng) for _ in range(rng.integers(0, 3))]
        if not plain and rng.random() < 0.1:
            stack += [Reshape((-1, 1)), choice(rng, CURVES)(rng), Flatten()]
    end = choice(rng, ["softmax", "sigmoid", None, "exponential"] if plain else ENDS)
    units = int(rng.integers(3 if end == "softmax" else 1, 5))
    stack.append(Dense(units, end))
    model = minnet.Sequential([layers.Input(shape), *stack], seed=int(rng.integers(2**31)))
    for layer in model.layers:
        fill(layer, rng)
        whole = not isinstance(layer, BatchNormalization) or (layer.center and layer.scale)
        if layer.parameters and whole and rng.random() < 0.2:
            layer.trainable = False  # PyTorch keeps what a batch norm lacks as frozen ones, zeros
    return model


def image_network(rng: np.random.Generator, *, even: bool = False) -> minnet.Sequential:
    """A model of convolutions and pooling; `even` ones have margins that PyTorch has, too."""

    def two(most: int) -> tuple[int, int]:
        return int(rng.integers(1, most)), int(rng.integers(1, most))

    stack: list[Any] = []
    steps = 2 if even else 3
    for _ in range(rng.integers(1, 4)):
        margin = choice(rng, ["valid", "same"])
        kinds = [
            lambda margin=margin: layers.Conv2D(
                int(rng.integers(1, 5)), two(4), two(steps), margin, choice(rng, CURVES)(rng),
                use_bias=rng.random() < 0.8,
            ),
            lambda margin=margin: layers.MaxPooling2D(
                two(3), choice(rng, [None, 1, 2]), "valid" if even else margin
            ),
            lambda: layers.AveragePooling2D(two(4)),  # Keras' backends pad in different ways
            lambda: layers.ZeroPadding2D(tuple(map(tuple, rng.integers(0, 3, (2, 2)).tolist()))),
            lambda: choice(rng, CURVES)(rng),
            lambda: BatchNormalization(),
        ]  # fmt: skip
        stack.append(choice(rng, [kinds[0], *kinds] if stack else kinds[:1])())
    stack.append(choice(rng, [Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D])())
    stack += choice(rng, [[], [BatchNormalization()], [PReLU("uniform")], [Dropout(0.1)]])
    shape = (int(rng.integers(7, 11)), int(rng.integers(7, 11)), int(rng.integers(1, 4)))
    try:
        model = minnet.Sequential([layers.Input(shape), *stack, Dense(3, "softmax")], seed=rng)
    except ValueError:  # a window that is larger than the image
        return image_network(rng)
    for layer in model.layers:
        fill(layer, rng)
    return model


def fill(layer: layers.Layer, rng: np.random.Generator) -> None:
    """Give biases, slopes and statistics values such as a training gives them."""
    for name, array in layer.arrays().items():
        if name in ("gamma", "moving_variance", "variance"):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        elif name != "W":
            array[...] = 0.3 * rng.standard_normal(array.shape)


def difference(ours: Any, others: Any) -> float:
    """The largest difference of predictions, in units of the largest where that is above 1."""
    ours, others = np.asarray(ours), np.asarray(others)
    assert ours.shape == others.shape, (ours.shape, others.shape)
    scale = max(1.0, float(np.abs(others).max(initial=0.0)))
    return float(np.abs(ours - others).max(initial=0.0)) / scale


def same_bits(one: minnet.Sequential, two: minnet.Sequential) -> bool:
    """Whether all arrays are equal to the bit, in order."""
    return [a.tobytes() for a in one.get_weights()] == [a.tobytes() for a in two.get_weights()]


# --- PyTorch --------------------------------------------------------------------------------------


def torch_network(rng: np.random.Generator) -> Any:
    """A random `nn.Sequential`, in `eval()` mode."""
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    curves = [
        nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.SiLU, nn.Mish,
        nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, nn.Softsign, nn.Identity,
        lambda: nn.GELU(approximate=choice(rng, ["tanh", "none"])),
        lambda: nn.Softmax(dim=choice(rng, [-1, 1])),
        lambda: nn.LeakyReLU(round(rng.uniform(0, 0.4), 3)), lambda: nn.Dropout(0.3),
        lambda: nn.AlphaDropout(0.1), nn.PReLU, nn.Flatten,
    ]  # fmt: skip
    width = int(rng.integers(1, 7))
    stack = [nn.Flatten()] if rng.random() < 0.2 else []
    for _ in range(rng.integers(1, 5)):
        units = int(choice(rng, [1, 3, 4, 4, 4, 5]))
        block = [nn.Linear(width, units, bias=rng.random() < 0.8)]
        width = units
        for _ in range(rng.integers(0, 3)):
            if rng.random() < 0.3:
                norm = nn.BatchNorm1d(
                    width,
                    eps=choice(rng, [1e-5, 1e-3]),
                    momentum=choice(rng, [0.1, 0.01, 0.3]),
                    affine=rng.random() < 0.7,
                )
                norm.running_mean += torch.randn(width) * 0.3
                norm.running_var *= torch.rand(width) + 0.5
                block.append(norm)
            elif rng.random() < 0.2:
                block.append(nn.PReLU(width))
            else:
                block.append(choice(rng, curves)())
        nest = rng.random() < 0.3
        stack += [nn.Sequential(*block)] if nest else block
    return nn.Sequential(*stack).eval()


def torch_image_network(rng: np.random.Generator) -> tuple[Any, tuple[int, int, int]]:
    """A random network of images in `eval()` mode, and the shape of one, channels last."""
    import torch
    from torch import nn

    torch.manual_seed(int(rng.integers(2**31)))
    H, W, C = (int(n) for n in rng.integers((7, 7, 1), (11, 11, 4)))
    stack, channels = [], C
    for _ in range(rng.integers(1, 4)):
        F, size = int(rng.integers(1, 5)), (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        padding = choice(rng, [0, 0, "same"])
        stride = 1 if padding == "same" else int(rng.integers(1, 3))
        stack.append(nn.Conv2d(channels, F, size, stride, padding, bias=rng.random() < 0.8))
        channels = F
        if rng.random() < 0.4:
            norm = nn.BatchNorm2d(F, eps=choice(rng, [1e-5, 1e-3]))
            norm.running_mean += torch.randn(F) * 0.3
            norm.running_var *= torch.rand(F) + 0.5
            stack.append(norm)
        stack.append(choice(rng, [nn.ReLU, nn.SiLU, nn.GELU, nn.Dropout, nn.PReLU])())
        if rng.random() < 0.4:
            stack.append(choice(rng, [nn.MaxPool2d(2), nn.MaxPool2d(2, 1), nn.AvgPool2d(2)]))
    stack += choice(rng, [[nn.Flatten()], [nn.AdaptiveAvgPool2d(1), nn.Flatten()]])
    try:
        width = nn.Sequential(*stack).eval()(torch.zeros(1, C, H, W)).shape[1]
    except RuntimeError:  # a window that is larger than the image
        return torch_image_network(rng)
    if rng.random() < 0.3:
        norm = nn.BatchNorm1d(width)
        norm.running_mean += torch.randn(width) * 0.3
        stack.append(norm)
    stack += [nn.Linear(width, 3), nn.Softmax(-1)]
    return nn.Sequential(*stack).eval(), (H, W, C)


# --- Keras ----------------------------------------------------------------------------------------


def keras_network(rng: np.random.Generator) -> Any:
    """A random `keras.Sequential`, or a functional chain, with weights such as a training gives."""
    import keras
    from keras import layers as of

    names = (
        "relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "silu", "mish",
        "relu6", "hard_sigmoid", "hard_silu", "softsign", "linear", "softmax",
    )  # fmt: skip
    others = [
        lambda: of.LeakyReLU(), lambda: of.LeakyReLU(negative_slope=0.12), lambda: of.ELU(0.7),
        lambda: of.ReLU(6.0), lambda: of.ReLU(negative_slope=0.2), lambda: of.Softmax(),
        lambda: of.PReLU("uniform"), lambda: of.Dropout(0.2), lambda: of.GaussianNoise(0.1),
        lambda: of.GaussianDropout(0.1), lambda: of.AlphaDropout(0.1), lambda: of.Rescaling(0.5, 1),
        lambda: of.Activation(choice(rng, names)), lambda: of.Flatten(),
        lambda: of.BatchNormalization(
            momentum=0.9, epsilon=choice(rng, [1e-3, 1e-5]), center=rng.random() < 0.7,
            scale=rng.random() < 0.7,
        ),
    ]  # fmt: skip
    shape = (int(rng.integers(1, 7)),)
    stack = []
    if rng.random() < 0.2:
        shape = (*shape, 2)
        stack += [of.Reshape((2, -1)), of.Flatten()]
    if rng.random() < 0.3:
        stack.append(of.Normalization())
    for _ in range(rng.integers(1, 4)):
        units, name = int(choice(rng, [1, 3, 4, 4, 4, 5])), choice(rng, names)
        stack.append(of.Dense(units, name, use_bias=rng.random() < 0.8))
        stack += [choice(rng, others)() for _ in range(rng.integers(0, 3))]
    start = keras.Input(shape)
    if rng.random() < 0.3:
        flow = start
        for layer in stack:
            flow = layer(flow)
        model = keras.Model(start, flow)
    elif rng.random() < 0.3 and len(stack) > 2:
        model = keras.Sequential([start, stack[0], keras.Sequential(stack[1:])])
    else:
        model = keras.Sequential([start, *stack])
    model.trainable = True
    values = []
    for weight in model.weights:
        kind = weight.path.rpartition("/")[2]
        array = np.asarray(weight)
        if kind in ("gamma", "moving_variance", "variance"):
            array = rng.uniform(0.5, 2.0, array.shape)
        elif kind == "kernel":
            array = rng.standard_normal(array.shape) * np.sqrt(2 / sum(array.shape))
        elif kind in ("beta", "moving_mean", "mean", "bias", "alpha"):
            array = 0.3 * rng.standard_normal(array.shape)
        values.append(array)
    model.set_weights(values)
    for layer in stack:
        if isinstance(layer, of.Normalization):
            layer.finalize_state()
        layer.trainable = rng.random() < 0.8
    return model


# --- scikit-learn ---------------------------------------------------------------------------------


def sklearn_network(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """A fitted estimator of float32, and its inputs."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    settings = {
        "hidden_layer_sizes": tuple(int(n) for n in rng.integers(1, 7, rng.integers(1, 4))),
        "activation": choice(rng, ["identity", "logistic", "tanh", "relu"]),
        "max_iter": 2,
        "random_state": int(rng.integers(2**31)),
    }
    x = samples(rng, (int(rng.integers(1, 6)),), 30)
    kind = rng.integers(5)
    if kind == 0:
        y = rng.standard_normal((30, int(rng.integers(1, 4)))).astype("float32")
    elif kind == 1:
        y = np.array(["cat", "dog", "eel", "fox"])[np.arange(30) % int(rng.integers(2, 5))]
    elif kind == 2:
        y = (rng.random((30, 3)) < 0.5).astype(int)
    else:
        y = np.arange(30) % int(rng.integers(2, 6))
    estimator = (MLPRegressor if kind == 0 else MLPClassifier)(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not converge in two epochs
        estimator.fit(x, y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y)
    return estimator, x


def sklearn_predictions(estimator: Any, x: np.ndarray) -> np.ndarray:
    """What minnet's `predict` gives, from scikit-learn."""
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(x)).reshape(len(x), -1)
    probabilities = np.asarray(estimator.predict_proba(x))
    return probabilities[:, 1:] if estimator.n_outputs_ == 1 else probabilities
