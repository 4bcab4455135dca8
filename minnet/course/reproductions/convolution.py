"""Networks with convolution: the first of Nielsen's chapter 6, and LeNet-5's row of LeCun's table.

Both are trained for fewer epochs here than they were: five seeds of Nielsen's 60 would take an
hour. In place of a long training at one small rate there is a short one, whose rate begins larger
and falls to 0 along a cosine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minnet.course.reproductions.lecun import ERROR, PAGE, PAPER
from minnet.course.reproductions.nielsen import BATCH, BOOK, TRAINING, accuracy, figure_around
from minnet.course.reproductions.reproduction import (
    Figure,
    Reproduction,
    SeedResult,
    Tell,
    losses_told,
    needed,
    never_predicted,
)
from minnet.datasets.digits import Split
from minnet.initializers import RandomNormal
from minnet.layers import (
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPooling2D,
    Sigmoid,
)
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.schedules import CosineDecay

EPOCHS = 10

# --- Nielsen, chapter 6 ---------------------------------------------------------------------------

RATE = 0.5
"""η at the beginning: his for the cross-entropy in chapter 3, five times that of chapter 6."""

DENSE, CONVOLUTION = "100 units, test %", "20 filters, 100 units, test %"


def nielsen_dense() -> list[Layer]:
    """784-100-10: sigmoid, then softmax; the weights start as in his program."""
    return [
        Flatten(input_shape=(28, 28, 1)),
        Dense(100, "sigmoid", kernel_initializer=_normal(100), bias_initializer=_normal(1)),
        Dense(10, "softmax", kernel_initializer="zeros"),
    ]


def nielsen_convolution() -> list[Layer]:
    """20 filters 5×5, max pooling 2×2, and the sigmoid after it, as his program has it."""
    return [
        Conv2D(
            20,
            5,
            input_shape=(28, 28, 1),
            kernel_initializer=_normal(20 * 25 // 4),
            bias_initializer=_normal(1),
        ),
        MaxPooling2D(),
        Sigmoid(),
        Flatten(),
        Dense(100, "sigmoid", kernel_initializer=_normal(100), bias_initializer=_normal(1)),
        Dense(10, "softmax", kernel_initializer="zeros"),
    ]


def _normal(outputs: int) -> RandomNormal:
    """N(0, 1/M): his later program divides by a layer's outputs."""
    return RandomNormal(stddev=outputs**-0.5)


NIELSENS: dict[str, Callable[[], list[Layer]]] = {
    DENSE: nielsen_dense,
    CONVOLUTION: nielsen_convolution,
}


def _nielsen(seed: int, data: Split | None, tell: Tell) -> SeedResult:
    x, y, x_test, y_test = needed(data, "Nielsen")
    n = min(TRAINING, len(x) * 5 // 6)
    values, remarks = {}, []
    for name, layers in NIELSENS.items():
        model = _trained(layers(), SGD, RATE, (x[:n], y[:n]), BATCH, seed, tell)
        values[name] = accuracy(model, x_test.reshape(-1, 28, 28, 1), y_test)
        remarks += [f"{name}: class {k} is never predicted" for k in _dead(model, x_test, y_test)]
    return SeedResult(values, remarks)


# --- LeNet-5 --------------------------------------------------------------------------------------

LENET_RATE, LENET_BATCH = 0.03, 32


def lenet() -> list[Layer]:
    """LeNet-5 without its special connections: 6 and 16 filters 5×5, means, 120-84-10, tanh."""
    start = "lecun_normal"
    return [
        Conv2D(
            6,
            5,
            padding="same",
            activation="tanh",
            kernel_initializer=start,
            input_shape=(28, 28, 1),
        ),
        AveragePooling2D(),
        Conv2D(16, 5, activation="tanh", kernel_initializer=start),
        AveragePooling2D(),
        Flatten(),
        Dense(120, "tanh", kernel_initializer=start),
        Dense(84, "tanh", kernel_initializer=start),
        Dense(10, "softmax", kernel_initializer=start),
    ]


def _lenet(seed: int, data: Split | None, tell: Tell) -> SeedResult:
    x, y, x_test, y_test = needed(data, "LeCun")

    def momentum(rate: Any) -> SGD:
        return SGD(rate, momentum=0.9)

    model = _trained(lenet(), momentum, LENET_RATE, (x, y), LENET_BATCH, seed, tell)
    wrong = 100.0 - accuracy(model, x_test.reshape(-1, 28, 28, 1), y_test)
    dead = _dead(model, x_test, y_test)
    return SeedResult({ERROR: wrong}, [f"class {k} is never predicted" for k in dead])


# --- both -----------------------------------------------------------------------------------------


def _trained(
    layers: list[Layer],
    optimizer: Callable[[Any], SGD],
    rate: float,
    samples: tuple[Any, Any],
    batch: int,
    seed: int,
    tell: Tell,
) -> Sequential:
    """The network after `EPOCHS`, its rate falling to 0 along a cosine."""
    x, y = samples
    model = Sequential(layers, seed=seed)
    steps = EPOCHS * -(-len(x) // batch)
    model.compile(optimizer(CosineDecay(rate, steps)), "cross_entropy")
    model.fit(
        x.reshape(-1, 28, 28, 1),
        y,
        batch_size=batch,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[losses_told(tell, EPOCHS)],
    )
    return model


def _dead(model: Sequential, x: Any, y: Any) -> list[int]:
    return never_predicted(model, x.reshape(-1, 28, 28, 1), y)


_NIELSEN_BAND = (
    "±0.4 points: 2√2 standard deviations of a share of 10,000 images near 98.3 %, which is 0.13"
)

REPRODUCTIONS: Sequence[Reproduction] = (
    Reproduction(
        name="nielsen-convolution",
        title="784-100-10, and 20 filters 5×5 with max pooling before the same, sigmoid, softmax",
        cited="Nielsen 2015, chapter 6",
        source=f"{BOOK}, the first two networks of chapter 6",
        duration="9 minutes",
        mnist=True,
        published_setup=(
            "sigmoid, softmax, log-likelihood, η = 0.1, batch 10, 60 epochs, first 50,000 training "
            "images; test images at the epoch that is best on the validation ones"
        ),
        our_setup=(
            f"the same for {EPOCHS} epochs, η from {RATE:g} to 0 along a cosine, the last epoch"
        ),
        figures=(
            figure_around(DENSE, 97.8, 0.4, _NIELSEN_BAND),
            figure_around(CONVOLUTION, 98.78, 0.4, _NIELSEN_BAND),
        ),
        lesson=(
            "Twenty small filters before the same network take away half of its errors: "
            "they know beforehand that pixels have neighbours."
        ),
        run=_nielsen,
    ),
    Reproduction(
        name="lenet-5",
        title="LeNet-5: 6 and 16 filters 5×5, pooling by means, 120-84-10, tanh",
        cited="LeCun et al. 1998",
        source=f"{PAGE}; {PAPER}",
        duration="7 minutes",
        mnist=True,
        published_setup=(
            "60,000 images of 32×32 without distortions, 20 passes; units 1.7159 tanh(2/3 a), "
            "pooling with a factor and a bias for each map, 16 maps that see some of the 6, radial "
            "basis functions at the end, rates from second derivatives"
        ),
        our_setup=(
            "28×28 with a margin of zeros, tanh units, plain means, 16 maps that see all 6, "
            f"softmax, cross-entropy; SGD with momentum 0.9, rate {LENET_RATE:g} falling to 0 "
            f"along a cosine, batch {LENET_BATCH}, {EPOCHS} epochs"
        ),
        figures=(
            Figure(
                ERROR,
                0.95,
                0.6,
                1.22,
                "no more than 0.27 points worse than published, which is 2√2 standard deviations "
                "of a share of 10,000 images near 0.95 %, and not below 0.6, the best row of the "
                "page for convolution without distortions",
            ),
        ),
        lesson=(
            "61,706 numbers, of which most stand in the dense layers, read MNIST better than any "
            "dense network of that table; the two convolutions hold 2,572 of them."
        ),
        run=_lenet,
    ),
)
"""Two, in the order in which they are read about."""
