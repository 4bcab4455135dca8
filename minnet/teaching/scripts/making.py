"""Small values for the arguments of a student's functions, by their names and in many layouts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.foundation.checks import Array

N, D, H, K = 7, 4, 5, 3
"""Samples, inputs, hidden units and classes: all different, so that nothing fits by chance."""


@dataclass(frozen=True)
class Convention:
    """How a student lays things out."""

    columns: bool = False
    target: str = "labels"  # labels, one-hot, column, vector, binary
    bias: str = "flat"  # flat, row, column
    out: int = K
    square: bool = False
    images: str = ""  # "first" or "last", by where the channels are; "grey" without, "one" image
    norm: bool = False  # weights and biases have a number for each input


CONVENTIONS = [
    Convention(),
    Convention(target="one-hot"),
    Convention(target="column", out=1),
    Convention(target="binary", out=1),
    Convention(target="vector", out=0),
    Convention(target="real", out=0),
    Convention(target="wide"),
    Convention(bias="row"),
    Convention(target="one-hot", bias="row"),
    Convention(target="column", bias="row", out=1),
    Convention(columns=True, target="one-hot", bias="column"),
    Convention(columns=True, target="binary", bias="column", out=1),
    Convention(columns=True, target="labels", bias="column"),
    Convention(square=True),
    Convention(columns=True, bias="column", square=True),
]


IMAGES = [
    Convention(images="first"),
    Convention(images="last", bias="row"),
    Convention(images="last"),
    Convention(images="grey"),
    Convention(images="one"),
]
"""How images are laid out, for what is called a convolution or pooling."""

SLIDING = r"conv|pool|im2col|filter"


def ways_of(name: str) -> list[Convention]:
    """The conventions that are tried for a function or class of this name."""
    return [*IMAGES, *CONVENTIONS] if re.search(SLIDING, name, re.I) else CONVENTIONS


class Maker:
    """Makes a value for an argument by its name."""

    def __init__(self, convention: Convention) -> None:
        self.way, self.rng = convention, np.random.default_rng(3)
        self.k = D if convention.square else K
        self.out = self.k if convention.out == K else convention.out

    def normal(self, *shape: int) -> Array:
        """Random numbers of a size that no activation saturates at."""
        return np.asarray(self.rng.normal(0, 0.7, shape))

    def weights(self, inputs: int, outputs: int) -> Array:
        """A matrix, or a vector where there is one output."""
        if outputs == 0:
            return self.normal(inputs)
        return self.normal(outputs, inputs) if self.way.columns else self.normal(inputs, outputs)

    def bias(self, outputs: int) -> Any:
        """A bias in the student's layout."""
        if outputs == 0:
            return float(self.normal())
        shapes = {"flat": (outputs,), "row": (1, outputs), "column": (outputs, 1)}
        return self.normal(*shapes[self.way.bias])

    def target(self) -> Any:
        """Targets in the student's layout."""
        labels = self.rng.integers(0, self.k, N)
        binary = (self.rng.random(N) > 0.5).astype(float)
        binary[:2] = 0.0, 1.0
        rows = np.eye(self.k)[labels]
        return {
            "labels": labels,
            "one-hot": rows.T if self.way.columns else rows,
            "column": binary.reshape(N, 1),
            "binary": binary.reshape(1, N) if self.way.columns else binary.reshape(N, 1),
            "vector": binary,
            "real": self.normal(N),
            "wide": self.normal(N, self.k),
        }[self.way.target]

    def __call__(self, name: str) -> Any:
        """The value for an argument of this name, or None where none is known."""
        word = name.lower().strip("_")
        if self.way.norm and re.fullmatch(r"w(eights?)?|b(ias)?|g|gain|scale|shift", word):
            return self.normal(D)
        if (
            self.way.images
            and (image := self._of_images("filters" if name == "F" else word)) is not None
        ):
            return image
        x = self.normal(D, N) if self.way.columns else self.normal(N, D)
        middle = self.out
        table: list[tuple[str, Any]] = [
            (r"bn_?params?|batch_?norm_?params?", {"mode": "train", "eps": 1e-5, "momentum": 0.9}),
            (r"dropout_?params?", {"mode": "train", "p": 0.6, "seed": 1}),
            (
                r"layer_?(dims|sizes)|sizes|dims|layers(_dims)?|architecture|topology",
                [D, H, max(1, middle)],
            ),
            (
                r"n_?x|n_?in(puts?)?|input_?(size|dim|nodes)|n_?features|in_?(features|dim|size)|nin|d_?in|num_?inputs|fan_?in|input_?layer_?size",
                D,
            ),
            (
                r"n_?h(id(den)?)?|hidden_?(size|dim|units|nodes|layer_?size)|n_?hidden(_units)?|num_?hidden|h",
                H,
            ),
            (
                r"n_?y|n_?out(puts?)?|output_?(size|dim|nodes)|n_?classes|num_?(classes|labels|outputs)|out_?(features|dim|size)|nout|d_?out|k|fan_?out|units",
                max(1, middle),
            ),
            (
                r"reg(_?(strength|lambda|param))?|lam(bda?)?|lambd|l2(_?(reg|lambda))?|weight_?decay|mu",
                0.3,
            ),
            (r"lr|learning_?rate|eta|alpha|step_?size|rate_l", 0.1),
            (r"keep_?prob|keep|p_?keep|drop(out)?(_?(prob|rate))?|rate|p_?drop", 0.6),
            (r"eps(ilon)?", 1e-5),
            (r"seed|random_?state", 1),
            (r"mode", "train"),
            (r"train(ing)?|is_?train\w*", True),
            (r"m|n|num_?(examples|samples|train)|batch_?size", N),
            (r"gamma|scale", 1.0 + 0.3 * self.normal(D)),
            (r"beta|shift", self.normal(D)),
            (r"w1|weights?_?1|theta_?1|wh|w_?ih|w_?hidden|w_?xh|syn0|w_?in", self.weights(D, H)),
            (r"b1|bias(es)?_?1|bh|b_?hidden", self.bias(H)),
            (r"w2|weights?_?2|theta_?2|wo|w_?ho|w_?out(put)?|w_?hy|syn1", self.weights(H, middle)),
            (r"b2|bias(es)?_?2|bo|by|b_?out(put)?", self.bias(middle)),
            (r"w|weights?|theta|thetas|params?_?vec|wt|coef\w*|kernel", self.weights(D, middle)),
            (r"b|bias(es)?|intercept|offset", self.bias(middle)),
            (r"x|x_?(train|batch|b|in)|inputs?|data|features|a_?prev|images|samples|a0|a_?in", x),
            (
                r"y|t|y_?(true|train|batch|b|real|actual)|targets?|labels?|truth|expected|ground_?truth",
                self.target(),
            ),
            (
                r"y_?(pred|hat|prob\w*)|p|pred\w*|probs?|out(put)?s?|a2|al|h|scores|logits|z\d?|s",
                self._prediction(),
            ),
        ]
        for pattern, value in table:
            if re.fullmatch(pattern, word):
                return value
        return None

    def _of_images(self, word: str) -> Any:
        """Images of 6 by 4 with three channels or without, kernels of 3 by 3, windows of 2 by 2."""
        shapes: dict[str, tuple[Any, Any]] = {
            "first": ((2, 3, 6, 4), (2, 3, 3, 3)),
            "last": ((2, 6, 4, 3), (3, 3, 3, 2)),
            "grey": ((2, 6, 4), (2, 3, 3)),
            "one": ((6, 4), (3, 3)),
        }
        image, kernel = shapes[self.way.images]
        bias: Any = (1, 1, 1, 2) if self.way.bias == "row" else (2,)
        both = {"stride": 2, "pad": 1, "f": 2, "pool_height": 2, "pool_width": 2}
        table: list[tuple[str, Any]] = [
            (r"x\w?|inputs?|images?|imgs?|a_?prev|data", image),
            (r"w\d?|weights?|filters?|kernels?|k", kernel),
            (r"b\d?|bias(es)?", self.rng.normal() if self.way.images == "one" else bias),
            (r"conv_?params?", {"stride": 1, "pad": 1}),
            (r"h_?parameters?|h_?params|pool_?params?|params?", both),
            (r"strides?|s", 1),
            (r"pad(ding)?|p", 1),
            (r"(pool_?|kernel_?|filter_?|window_?)?(size|f|height|width)|[hw]h|[hw]w|f[hw]?", 2),
        ]
        for pattern, made in table:
            if re.fullmatch(pattern, word):
                return self.normal(*made) if isinstance(made, tuple) else made
        return None

    def _prediction(self) -> Array:
        target = self.target()
        shape = (N, self.k) if self.way.target == "labels" else np.shape(target)
        p = self.rng.uniform(0.1, 0.9, shape)
        if len(shape) == 2 and self.k in shape:
            p = p / p.sum(axis=0 if self.way.columns else 1, keepdims=True)
        return np.asarray(p)
