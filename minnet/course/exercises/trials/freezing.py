"""Freezing: what stays, to the last bit, and what has to go on through it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from minnet.course.exercises.judging import Given
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.freezing import forward, freezing_step
from minnet.course.exercises.trials.drawing import Draw, seeds, whole
from minnet.foundation.checks import Array

widths = st.integers(1, 2)


@st.composite
def steps(draw: Draw, some_frozen: bool) -> Given:
    """A small network in the middle of its training."""
    layers = draw(st.integers(1, 3))
    N, *sizes = (draw(widths) for _ in range(layers + 2))
    shapes = list(itertools.pairwise(sizes))
    x, dy, *others = whole(draw(seeds), (N, sizes[0]), (N, sizes[-1]), *shapes, *shapes)
    weights, velocities = others[:layers], others[layers:]
    trainable = [True] * layers
    if some_frozen:
        trainable = draw(st.lists(st.booleans(), min_size=layers, max_size=layers))
    return {
        "weights": weights,
        "velocities": velocities,
        "trainable": trainable,
        "outputs": forward(weights, x),
        "dy": dy,
        "learning_rate": draw(st.sampled_from([0.5, 0.1])),
        "momentum": draw(st.sampled_from([0.0, 0.5])),
        "weight_decay": draw(st.sampled_from([0.0, 0.1])),
    }


def _step(
    *,
    stop: bool = False,
    zero: bool = False,
    skip: bool = False,
    rolls: bool = False,
    decays: bool = False,
    ignores: bool = False,
    remembers: bool = False,
    forgets: bool = False,
    inverted: bool = False,
    after: bool = False,
    passes: Callable[[Array, Array], Any] = lambda dy, W: dy @ W.T,
    gradient: Callable[[Array, Array], Any] = lambda x, dy: x.T @ dy,
    velocity: Callable[[Array, Array, float, float], Any] = lambda v, dW, rate, mu: (
        mu * v - rate * dW
    ),
    decay: Callable[[float, float], float] = lambda rate, decay: rate * decay,
    upwards: bool = False,
) -> Callable[..., Any]:
    """The step with one thing changed."""

    def formula(
        weights: list[Array],
        velocities: list[Array],
        trainable: list[bool],
        outputs: list[Array],
        dy: Array,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
    ) -> Any:
        new, rolling = list(weights), list(velocities)
        order = range(len(weights))
        for i in order if upwards else reversed(order):
            W, v, rate = weights[i], velocities[i], learning_rate
            if trainable[i] != inverted or ignores:
                rolling[i] = velocity(v, gradient(outputs[i], dy), rate, momentum)
                new[i] = W - decay(rate, weight_decay) * W + rolling[i]
            else:
                if rolls:  # as if its gradient were 0
                    rolling[i] = momentum * v
                    new[i] = W + rolling[i]
                if decays:
                    new[i] = new[i] - rate * weight_decay * W
                if remembers:
                    rolling[i] = velocity(v, gradient(outputs[i], dy), rate, momentum)
                if forgets:
                    rolling[i] = 0 * v
                if stop:
                    break
                if zero:
                    dy = dy * 0
            if trainable[i] or not skip:
                dy = passes(dy, new[i] if after else W)
        return new, rolling

    return formula


_ROLLS = (
    "A frozen layer still moves: with a gradient of 0 its velocity and the weight decay go on. "
    "Leave its weights and its velocity out of the update altogether."
)
_STOPS = (
    "The layers below a frozen one get no gradient. Frozen means that its own weights stay; dy "
    "goes on through it, dy @ W.T."
)

GAPS = (
    Gap(
        freezing_step,
        ("weights", "velocities"),
        "v ← μ v − η outputs[i]ᵀ dy, W ← W − η λ W + v, dy ← dy Wᵀ",
        tuple(
            Trial(steps(some_frozen), expecting(freezing_step, "weights", "velocities"))
            for some_frozen in (False, True)
        ),
        (
            KnownMistake(
                "dy goes down through the new W. The outputs were computed with the old W, "
                "from before the step: use that.",
                _step(after=True),
            ),
            KnownMistake(
                "dy is the same for all layers. On its way down it goes through each layer: "
                "dy @ W.T.",
                _step(passes=lambda dy, W: dy),
            ),
            KnownMistake(
                "dy is multiplied by W; on the way down it is the transpose, dy @ W.T.",
                _step(passes=lambda dy, W: dy @ W),
            ),
            KnownMistake(
                "dW is the wrong way round: outputs[i].T @ dy.",
                _step(gradient=lambda x, dy: dy.T @ x),
            ),
            KnownMistake(
                "The gradient is added to the velocity: that goes uphill. v ← μ v − η dW.",
                _step(velocity=lambda v, dW, rate, mu: mu * v + rate * dW),
            ),
            KnownMistake(
                "The momentum is missing: v ← μ v − η dW.",
                _step(velocity=lambda v, dW, rate, mu: -rate * dW),
            ),
            KnownMistake(
                "The weight decay is missing: W ← W − η λ W + v.",
                _step(decay=lambda rate, decay: 0.0),
            ),
            KnownMistake(
                "The weight decay lacks the learning rate: W ← W − η λ W + v.",
                _step(decay=lambda rate, decay: decay),
            ),
            KnownMistake(
                "The loop goes from the first layer to the last. dy is known at the last "
                "one, so begin there: reversed(range(len(weights))).",
                _step(upwards=True),
            ),
            KnownMistake("trainable is ignored: frozen layers learn too.", _step(ignores=True)),
            KnownMistake(
                "This is the wrong way round: the frozen layers learn, and the others stay "
                "as they are.",
                _step(inverted=True),
            ),
            KnownMistake(_STOPS, _step(stop=True)),
            KnownMistake(_STOPS, _step(zero=True)),
            KnownMistake(
                "dy skips frozen layers. It goes through the weights of every layer, frozen "
                "or not: dy @ W.T.",
                _step(skip=True),
            ),
            KnownMistake(_ROLLS, _step(rolls=True, decays=True)),
            KnownMistake(
                "A frozen layer still rolls on with its velocity. Leave its weights and its "
                "velocity as they are.",
                _step(rolls=True),
            ),
            KnownMistake(
                "Weight decay still shrinks a frozen layer. Leave its weights as they are.",
                _step(decays=True),
            ),
            KnownMistake(
                "The velocity of a frozen layer keeps changing, so the layer would jump when "
                "it is unfrozen. Leave it as it is.",
                _step(remembers=True),
            ),
            KnownMistake(
                "The velocity of a frozen layer is set to 0. Leave it as it is.",
                _step(forgets=True),
            ),
        ),
    ),
)
