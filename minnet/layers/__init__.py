"""Layers, in the order in which to read them: the contract, Dense, the activations, the others."""

from minnet.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.layers.base import Layer, Memo
from minnet.layers.by_name import ACTIVATIONS, Activation
from minnet.layers.convolution import Conv2D
from minnet.layers.curves import (
    SELU,
    Exponential,
    HardSigmoid,
    HardSiLU,
    Mish,
    PReLU,
    ReLU6,
    SiLU,
    Softsign,
)
from minnet.layers.dense import Dense
from minnet.layers.dropout import Dropout
from minnet.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from minnet.layers.normalization import BatchNormalization
from minnet.layers.padding import ZeroPadding2D
from minnet.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from minnet.layers.preprocessing import Normalization, Rescaling
from minnet.layers.reshaping import Flatten, Input, Reshape

__all__ = [  # noqa: RUF022 - in reading order, not in the alphabet's
    "Layer",
    "Memo",
    "Dense",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "Softplus",
    "GELU",
    "Sigmoid",
    "Tanh",
    "Softmax",
    "Linear",
    "SELU",
    "SiLU",
    "Mish",
    "ReLU6",
    "HardSigmoid",
    "HardSiLU",
    "Softsign",
    "Exponential",
    "PReLU",
    "ACTIVATIONS",
    "Dropout",
    "BatchNormalization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "Normalization",
    "Rescaling",
    "Conv2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "ZeroPadding2D",
    "Flatten",
    "Reshape",
    "Input",
]
