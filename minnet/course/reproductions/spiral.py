"""The spiral of the course notes CS231n: a linear classifier, and a hidden layer of 100 ReLU units.

The notes write the penalty as ½ reg Σ W², of which `L2(l2)` is l2 Σ W², so l2 = reg / 2. Their
data loss is a mean over the samples, as minnet's is. The loss of iteration i, counted from 0, is
that before its update; a full batch is an epoch, so it is `history["loss"][i]`.
"""

from __future__ import annotations

from collections.abc import Sequence

from minnet.callbacks import LambdaCallback
from minnet.course.reproductions.reproduction import Figure, Reproduction, SeedResult, Tell
from minnet.datasets import spirals
from minnet.datasets.digits import Split
from minnet.initializers import RandomNormal
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.regularizers import L2

NOTES = "A. Karpathy, notes of the course CS231n, Stanford (2015), neural networks case study"

POINTS, CLASSES, HIDDEN = 100, 3, 100
RATE, REG = 1.0, 1e-3
LINEAR_STEPS, NETWORK_STEPS = 200, 10_000


def network(hidden: int, seed: int) -> Sequential:
    """The compiled classifier, with a hidden layer of so many ReLU units, or none if 0."""

    def dense(units: int, activation: str) -> Dense:
        return Dense(
            units,
            activation=activation,
            kernel_initializer=RandomNormal(stddev=0.01),
            kernel_regularizer=L2(REG / 2),
        )

    layers = [dense(hidden, "relu")] if hidden else []
    model = Sequential([*layers, dense(CLASSES, "softmax")], seed=seed)
    model.compile(SGD(RATE), "cross_entropy", ["accuracy"])
    return model


def train(hidden: int, steps: int, seed: int, tell: Tell) -> tuple[list[float], float]:
    """The loss before each step, and the accuracy on the same points after the last, in percent."""
    x, y, _, _ = spirals(POINTS, CLASSES, seed=seed)
    model = network(hidden, seed)

    def say(epoch: int, logs: dict[str, float]) -> None:
        tell(f"step {epoch + 1:,} of {steps:,}: loss {logs['loss']:.4f}")

    history = model.fit(
        x,
        y,
        batch_size=len(x),
        epochs=steps,
        shuffle=False,
        verbose=0,
        callbacks=[LambdaCallback(on_epoch_end=say)],
    )
    return history.history["loss"], 100.0 * model.evaluate(x, y)["accuracy"]


def _run(seed: int, data: Split | None, tell: Tell) -> SeedResult:
    linear, linear_accuracy = train(0, LINEAR_STEPS, seed, tell)
    losses, accuracy = train(HIDDEN, NETWORK_STEPS, seed, tell)
    return SeedResult(
        {
            "linear, loss at step 0": linear[0],
            "linear, loss at step 190": linear[190],
            "linear, accuracy %": linear_accuracy,
            "100 ReLU, loss at step 9,000": losses[9_000],
            "100 ReLU, accuracy %": accuracy,
        }
    )


_FIVE = "±5 %: other points and other weights than theirs"

REPRODUCTIONS: Sequence[Reproduction] = (
    Reproduction(
        name="spiral",
        title="three arms of a spiral, 300 points: softmax alone, and with 100 ReLU units",
        cited="Karpathy 2015, CS231n",
        source=NOTES,
        duration="30 seconds",
        mnist=False,
        published_setup=(
            "full batch, rate 1, ½ · 1e-3 Σ W², weights 0.01 · N(0, 1); one draw of points; losses "
            "as printed at steps 0, 190 and 9,000"
        ),
        our_setup="the same, with other points and weights for each seed",
        figures=(
            Figure(
                "linear, loss at step 0",
                1.097,
                1.092,
                1.105,
                "ln 3 = 1.0986 for three classes guessed alike, and what weights of 0.01 add",
                ".3f",
            ),
            Figure("linear, loss at step 190", 0.786, 0.747, 0.825, _FIVE, ".3f"),
            Figure(
                "linear, accuracy %",
                49.0,
                43.0,
                55.0,
                "±6 points: twice the standard deviation of a share of 300 points near one half",
                ".1f",
            ),
            Figure("100 ReLU, loss at step 9,000", 0.245, 0.233, 0.257, _FIVE, ".3f"),
            Figure(
                "100 ReLU, accuracy %",
                98.0,
                96.4,
                99.6,
                "±1.6 points: twice the standard deviation of a share of 300 points near 98 %",
                ".1f",
            ),
        ),
        lesson=(
            "A line cannot separate arms that wind around each other; one hidden layer bends the "
            "plane until lines can. Its first loss should be ln 3: look at that before all else."
        ),
        run=_run,
    ),
)
"""The case study's two classifiers."""
