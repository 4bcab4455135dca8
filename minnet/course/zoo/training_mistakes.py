"""Mistakes in data and settings: the code is right, and still nothing is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.course.zoo.mistake import Case, Mistake
from minnet.datasets import blobs, digits, moons, sine
from minnet.foundation.checks import Array
from minnet.initializers import Constant, RandomNormal
from minnet.layers import BatchNormalization, Dense, ReLU
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam


def _classifier(
    x: Array,
    classes: int,
    seed: int,
    *,
    widths: Sequence[int] = (32,),
    hidden: str = "relu",
    optimizer: Any = "adam",
    **settings: Any,
) -> Sequential:
    layers = [Dense(width, activation=hidden, **settings) for width in widths]
    model = Sequential([*layers, Dense(classes, activation="softmax")], seed=seed)
    model.build(x.shape[1:])
    model.compile(optimizer, "cross_entropy", metrics=["accuracy"])
    return model


def _regressor(x: Array, seed: int, last: str | None = None) -> Sequential:
    model = Sequential([Dense(32, activation="tanh"), Dense(1, activation=last)], seed=seed)
    model.build(x.shape[1:])
    model.compile(Adam(1e-2), "mse")
    return model


def _points(seed: int) -> tuple[Array, Array]:
    """Clouds of points: 3 or 4 classes in 4 to 6 dimensions."""
    x, y, _, _ = blobs(300, classes=3 + seed % 2, features=4 + seed % 3, seed=seed)
    return x, y


def _images(seed: int) -> tuple[Array, Array]:
    """Digits, 40 of each class."""
    x, y, _, _ = digits(per_class=40, seed=seed)
    return x, y


def _raw_pixels(seed: int) -> Case:
    x, y = _images(seed)
    x = np.round(255 * x)
    return Case(_classifier(x, 10, seed, hidden="tanh"), x, y)


def _one_typing_error(seed: int) -> Case:
    x, y = _points(seed)
    row, column = np.random.default_rng(seed).integers(x.shape)
    x[row, column] = 1e6
    return Case(_classifier(x, int(y.max()) + 1, seed), x, y)


def _metres_and_millimetres(seed: int) -> Case:
    x, y = _points(seed)
    x[:, seed % x.shape[1]] *= 1000.0
    return Case(_classifier(x, int(y.max()) + 1, seed), x, y)


def _prices_in_euros(seed: int) -> Case:
    x, y, _, _ = sine(200, seed=seed)
    return Case(_regressor(x, seed), x, 250_000.0 + 80_000.0 * y)


def _sigmoid_at_the_end(seed: int) -> Case:
    x, y, _, _ = sine(200, seed=seed)
    return Case(_regressor(x, seed, last="sigmoid"), x, 3.0 * y)


def _dead_on_arrival(seed: int) -> Case:
    x, y = _images(seed)
    model = _classifier(x, 10, seed, widths=(64,), bias_initializer=Constant(-10.0))
    head: Any = model.layers[-1]
    head.b = np.zeros(10)
    return Case(model, x, y)


def _weights_of_ten(seed: int) -> Case:
    x, y = _images(seed)
    start = RandomNormal(stddev=10.0)
    hidden = ("sigmoid", "tanh")[seed % 2]
    return Case(_classifier(x, 10, seed, hidden=hidden, kernel_initializer=start), x, y)


def _eight_sigmoids(seed: int) -> Case:
    x, y = _images(seed)
    return Case(_classifier(x, 10, seed, widths=(32,) * 8, hidden="sigmoid"), x, y)


def _unscaled_start(seed: int) -> Case:
    x, y = _images(seed)
    start = RandomNormal(stddev=1.0)
    model = _classifier(x, 10, seed, widths=(64,) * 4, kernel_initializer=start)
    return Case(model, x, y)


def _the_same_for_all(seed: int) -> Case:
    x, y = _points(seed)
    start = Constant((0.0, 0.1)[seed % 2])
    model = _classifier(x, int(y.max()) + 1, seed, kernel_initializer=start)
    model.theta = np.full(model.theta.shape, start.value)
    return Case(model, x, y)


def _rate_of_ten(seed: int) -> Case:
    x, y = _images(seed)
    return Case(_classifier(x, 10, seed, optimizer=SGD(10.0)), x, y)


def _rate_of_a_millionth(seed: int) -> Case:
    x, y = _points(seed)
    return Case(_classifier(x, int(y.max()) + 1, seed, optimizer=Adam(1e-6)), x, y)


def _confident_from_the_start(seed: int) -> Case:
    x, y = _images(seed)
    model = _classifier(x, 10, seed)
    head: Any = model.layers[-1]
    head.W = 40.0 * head.W
    return Case(model, x, y)


def _too_few_updates(seed: int) -> Case:
    x, y = _images(seed)
    layers = [Dense(32, input_dim=x.shape[1]), BatchNormalization(), ReLU()]
    model = Sequential([*layers, Dense(10, activation="softmax")], seed=seed)
    model.compile(Adam(0.01), "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=8, batch_size=len(x), verbose=0, seed=seed)
    return Case(model, x, y)


def _a_neck_of_one(seed: int) -> Case:
    x, y = _images(seed)
    return Case(_classifier(x, 10, seed, widths=(64, 1), hidden="tanh"), x, y)


def _counted_from_one(seed: int) -> Case:
    x, y = _points(seed)
    K = int(y.max()) + 1
    return Case(_classifier(x, K + 1, seed), x, y + 1)


def _a_needle_in_the_hay(seed: int) -> Case:
    x, y, _, _ = moons(600, seed=seed)
    kept = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:6]]
    kept = np.random.default_rng(seed).permutation(kept)
    return Case(_classifier(x, 2, seed), x[kept], y[kept])


def _copied_rows(seed: int) -> Case:
    x, y = _points(seed)
    rows = np.random.default_rng(seed).integers(60, size=300)
    return Case(_classifier(x, int(y.max()) + 1, seed), x[rows], y[rows])


def _the_answer_in_x(seed: int) -> Case:
    x, y = _points(seed)
    x = np.c_[x[:, :-1], 2.0 * y / y.max() - 1.0].astype(x.dtype)
    return Case(_classifier(x, int(y.max()) + 1, seed), x, y)


def _two_opinions(seed: int) -> Case:
    x, y = _points(seed)
    K = int(y.max()) + 1
    order = np.random.default_rng(seed).permutation(450)
    x, y = np.concatenate([x, x[:150]]), np.concatenate([y, (y[:150] + 1) % K])
    return Case(_classifier(x, K, seed), x[order], y[order])


def _shuffled_alone(seed: int) -> Case:
    x, y = _points(seed)
    y = np.random.default_rng(seed).permutation(y)
    return Case(_classifier(x, int(y.max()) + 1, seed), x, y)


def _the_same_exam(seed: int) -> Case:
    x, y = _images(seed)
    seen = np.random.default_rng(seed).choice(len(x), 80, replace=False)
    model = _classifier(x, 10, seed)
    return Case(model, x, y, {"validation_data": (x[seen], y[seen])})


def _only_the_training_data_scaled(seed: int) -> Case:
    x, y, x_test, y_test = digits(per_class=40, seed=seed)
    model = _classifier(x, 10, seed)
    return Case(model, x, y, {"validation_data": (np.round(255 * x_test[:200]), y_test[:200])})


def _class_by_class(seed: int) -> Case:
    x, y = _images(seed)
    order = np.argsort(y, kind="stable")
    return Case(
        _classifier(x, 10, seed, optimizer=SGD(0.1)), x[order], y[order], {"shuffle": False}
    )


def _frozen_whole(seed: int) -> Case:
    x, y = _points(seed)
    model = _classifier(x, int(y.max()) + 1, seed)
    model.trainable = False
    return Case(model, x, y)


def _a_base_that_knows_nothing(seed: int) -> Case:
    x, y = _images(seed)
    base = _classifier(x, 10, seed, widths=(32, 16))
    model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
    model.freeze("all_but_head")
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    return Case(model, x, y)


def _the_same_answer_always(seed: int) -> Case:
    x, y, _, _ = sine(200, seed=seed)
    return Case(_regressor(x, seed), x, np.full_like(y, 1.0 + seed))


def _hits_of_a_regression(seed: int) -> Case:
    x, y, _, _ = sine(200, seed=seed)
    model = _regressor(x, seed)
    model.compile(Adam(1e-2), "mse", metrics=["accuracy"])
    return Case(model, x, (y - y.min()) / np.ptp(y))


def _decay_without_mercy(seed: int) -> Case:
    x, y = _images(seed)
    model = _classifier(x, 10, seed, hidden="tanh", optimizer=SGD(0.01, weight_decay=20.0))
    return Case(model, x, y)


def _mistake(
    kind: str, plant: Any, title: str, story: str, hint: str, name: str | None = None
) -> Mistake:
    named = name or plant.__name__.strip("_").replace("_", "-")
    return Mistake(named, "doctor", kind, title, story, hint, plant)


MISTAKES: tuple[Mistake, ...] = (
    _mistake(
        "input-scale",
        _raw_pixels,
        "Pixels from 0 to 255, as they came out of the file.",
        "The images looked right on the screen, so why touch the numbers?",
        "What is the largest number in x?",
    ),
    _mistake(
        "feature-scale",
        _one_typing_error,
        "One entry of x is 1,000,000: somebody's finger slipped.",
        "One wrong number among a thousand cannot matter much, it seemed.",
        "Look at x.max(axis=0), then at the median.",
    ),
    _mistake(
        "feature-scale",
        _metres_and_millimetres,
        "One column is in millimetres, the others are in metres.",
        "A network finds its own weights, so units should not matter.",
        "Compare the deviations of the columns.",
    ),
    _mistake(
        "target-scale",
        _prices_in_euros,
        "Targets around 250,000, with the squared error.",
        "The answer is wanted in euros, so euros went in.",
        "How large is the loss of a network that says 0?",
    ),
    _mistake(
        "constant-target",
        _the_same_answer_always,
        "All targets are one and the same number.",
        "The column was read from the wrong place of the file, and the loss fell so well.",
        "How many different numbers are in y?",
    ),
    _mistake(
        "wrong-metric",
        _hits_of_a_regression,
        "Accuracy, of targets that are numbers between 0 and 1.",
        "Every example has metrics=['accuracy'].",
        "When is a prediction of 0.37 right?",
    ),
    _mistake(
        "stuck",
        _decay_without_mercy,
        "A weight decay of 20: each update pulls the weights to 0, and they stay there.",
        "Decay was said to keep weights small, and more of it keeps them smaller.",
        "What is left of the weights after some updates?",
    ),
    _mistake(
        "output-range",
        _sigmoid_at_the_end,
        "A sigmoid at the end, and targets from −3 to 3.",
        "The last example had a sigmoid there, and it worked.",
        "Which numbers can the last layer say at all?",
    ),
    _mistake(
        "dead-relu",
        _dead_on_arrival,
        "Biases of −10: every ReLU is 0 for every row.",
        "A bias has to start somewhere.",
        "Look at what the hidden layer gives to the next one.",
    ),
    _mistake(
        "saturated",
        _weights_of_ten,
        "Weights from N(0, 10²) before a sigmoid or tanh.",
        "np.random.randn(…) * 10, to give the network something to work with.",
        "Where on its curve is a hidden unit?",
    ),
    _mistake(
        "vanishing-gradient",
        _eight_sigmoids,
        "Eight layers of sigmoids.",
        "Deeper is better, it is said.",
        "How large is the gradient at the first layer, how large at the last?",
    ),
    _mistake(
        "exploding-gradient",
        _unscaled_start,
        "Four layers of 64 units, all weights from N(0, 1).",
        "A standard normal is the usual distribution.",
        "Print the size of each layer's output, from the bottom up.",
    ),
    _mistake(
        "symmetric-weights",
        _the_same_for_all,
        "All weights start from the same number.",
        "No reason to prefer one unit to another.",
        "How many different hidden units are there?",
    ),
    _mistake(
        "step-too-large",
        _rate_of_ten,
        "A learning rate of 10.",
        "It was slow, so the rate was raised.",
        "Look at the first few losses.",
    ),
    _mistake(
        "step-too-small",
        _rate_of_a_millionth,
        "A learning rate of 0.000001.",
        "Careful steps cannot do harm.",
        "How far have the weights come?",
    ),
    _mistake(
        "running-statistics",
        _too_few_updates,
        "Batch normalisation after eight updates: its running statistics are near 0 and 1 yet.",
        "One batch of all rows is the truest gradient.",
        "By which mean does it predict, and by which did it train?",
    ),
    _mistake(
        "initial-loss",
        _confident_from_the_start,
        "A last layer with weights 40 times too large: sure, and wrong, from the start.",
        "The other layers' weights were reused with another scale.",
        "What should the loss of ten classes be before training?",
    ),
    _mistake(
        "cannot-overfit",
        _a_neck_of_one,
        "Ten classes have to pass through one unit.",
        "The second layer was to compress what the first one found.",
        "Give it twenty samples. Can it learn those?",
    ),
    _mistake(
        "never-predicted",
        _counted_from_one,
        "Labels from 1 to K, and a network with K + 1 outputs to make them fit.",
        "fit refused the label K, so an output was added.",
        "np.bincount(y).",
    ),
    _mistake(
        "class-imbalance",
        _a_needle_in_the_hay,
        "One class has 2 % of the rows.",
        "98 % accuracy looked like success.",
        "How good is always saying the same?",
    ),
    _mistake(
        "duplicate-samples",
        _copied_rows,
        "300 rows, and only some 60 different ones.",
        "More data are better, so the file was appended to itself.",
        "len(np.unique(x, axis=0)).",
    ),
    _mistake(
        "contradictory-labels",
        _two_opinions,
        "A third of the rows is there twice, with two labels.",
        "Two people labelled the data, and the files were joined.",
        "Is the same row always of the same class?",
    ),
    _mistake(
        "labels-unrelated",
        _shuffled_alone,
        "y was shuffled, and x was not.",
        "rng.shuffle(y) after rng.shuffle(x) gives two different orders.",
        "Look at a few rows with their labels.",
    ),
    _mistake(
        "target-in-x",
        _the_answer_in_x,
        "The last column of x is the label, in another code.",
        "The table was read whole, and the column of the answers was not taken out.",
        "Would you have each column of x on the day of the prediction?",
    ),
    _mistake(
        "validation-leak",
        _the_same_exam,
        "The validation rows are training rows.",
        "The split was made, and then fit was given all the data.",
        "Why is validation as good as training?",
    ),
    _mistake(
        "validation-mismatch",
        _only_the_training_data_scaled,
        "Training data from 0 to 1, validation data from 0 to 255.",
        "x was scaled, x_val was forgotten.",
        "Compare x.max() with x_val.max().",
    ),
    _mistake(
        "sorted-unshuffled",
        _class_by_class,
        "Sorted by class, and shuffle=False.",
        "Order makes runs repeatable.",
        "What is in the first batch?",
    ),
    _mistake(
        "nothing-trainable",
        _frozen_whole,
        "Everything is frozen.",
        "model.trainable = False was meant for the base.",
        "Which weights may move? model.summary() says.",
    ),
    _mistake(
        "untrained-base",
        _a_base_that_knows_nothing,
        "A new head on a frozen base of random weights.",
        "The line that loads the base was lost in a copy.",
        "Where do the frozen layers' weights come from?",
    ),
)
"""The doctor's animals."""
