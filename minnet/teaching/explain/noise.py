"""How layers are explained that draw something anew for each step: dropout and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minnet.foundation.checks import Array
from minnet.layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from minnet.teaching.explain.blocks import Index, Math, Worked, same
from minnet.teaching.explain.curves import chain_rule
from minnet.teaching.explain.digits import plain
from minnet.teaching.explain.formulas import Computation, LayerFormulas, explains
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.words import DX, DY, X, Y, at, entry, sources, value


@explains(Dropout)
def dropout(step: Step) -> LayerFormulas:
    """y = m ⊙ x / (1 − rate)."""
    layer: Any = step.layer
    rate = f"{layer.rate:g}"
    if not step.in_training:
        return LayerFormulas(
            y=Computation(same("@y = @x")),
            dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
            about="Frozen, so nothing is dropped.",
        )
    mask = {"m": step.memo["mask"]}
    return LayerFormulas(
        y=Computation(
            Math(f"@y = m ⊙ @x / (1 − {rate})", rf"@y = \frac{{m \odot @x}}{{1 - {rate}}}"),
            beside=mask,
            by_hand=_kept(step, X, step.x, Y, step.y),
        ),
        dx=Computation(
            chain_rule(f"m / (1 − {rate})", rf"\frac{{m}}{{1 - {rate}}}"),
            Math(f"@dx = m ⊙ @dy / (1 − {rate})", rf"@dx = \frac{{m \odot @dy}}{{1 - {rate}}}"),
            beside=mask,
            by_hand=_kept(step, DY, step.dy, DX, step.dx),
        ),
        about=f"The mask m is 0 with probability {rate}, drawn anew for each step; the division "
        "makes up for what is dropped. The way back meets the same mask.",
    )


def _kept(
    step: Step, before: Math, came: Array | None, after: Math, result: Array | None
) -> Callable[[Index], Worked] | None:
    """One number of y or dx: what came, kept and scaled up, or dropped."""
    layer: Any = step.layer
    if came is None or result is None:
        return None

    def work(index: Index) -> Worked:
        kept = entry(same("m"), step.memo["mask"], *index)
        number = entry(before, came, *index)
        m, shown, rate = int(kept.value), value(number.value), f"{layer.rate:g}"
        expression = Math(
            f"{m}·{shown.text} / (1 − {rate})", rf"{m} \cdot {shown.latex} / (1 - {rate})"
        )
        right = [expression, value(result[index], bracketed=False)]
        return Worked(at(after, *index), right, sources([kept, number]))

    return work


@explains(AlphaDropout)
def alpha_dropout(step: Step) -> LayerFormulas:
    """y = a (m x + (1 − m) d) + b."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is dropped.")
    mask = {"m": step.memo["mask"]}
    a, b = (plain(float(f"{number:.6g}")) for number in layer.correction())
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y = {a} (m ⊙ @x − (1 − m) 1.7581) + {b}",
                rf"@y = {a}\,(m \odot @x - (1 - m)\, 1.7581) + {b}",
            ),
            beside=mask,
        ),
        dx=Computation(
            chain_rule(f"{a} m", rf"{a}\, m"),
            Math(f"@dx = {a} m ⊙ @dy", rf"@dx = {a}\, m \odot @dy"),
            beside=mask,
        ),
        about=f"The mask m is 0 with probability {layer.rate:g}, drawn anew for each step. What is "
        "dropped becomes SELU's lowest value, and the two numbers bring mean and variance back.",
    )


@explains(GaussianDropout)
def gaussian_dropout(step: Step) -> LayerFormulas:
    """y = x (1 + σ ε)."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is multiplied.")
    noise = {same("e"): step.memo["noise"]}
    sigma = plain(float(f"{(layer.rate / (1 - layer.rate)) ** 0.5:.6g}"))
    return LayerFormulas(
        y=Computation(
            Math(f"@y = @x ⊙ (1 + {sigma} e)", rf"@y = @x \odot (1 + {sigma}\, e)"), beside=noise
        ),
        dx=Computation(
            chain_rule(f"1 + {sigma} e", rf"1 + {sigma}\, e"),
            Math(f"@dx = @dy ⊙ (1 + {sigma} e)", rf"@dx = @dy \odot (1 + {sigma}\, e)"),
            beside=noise,
        ),
        about="The noise e is standard normal, drawn anew for each step; the way back meets it.",
    )


@explains(GaussianNoise)
def gaussian_noise(step: Step) -> LayerFormulas:
    """y = x + σ ε."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is added.")
    sigma = plain(layer.stddev)
    return LayerFormulas(
        y=Computation(
            Math(f"@y = @x + {sigma} e", rf"@y = @x + {sigma}\, e"),
            beside={same("e"): step.memo["noise"]},
        ),
        dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
        about="The noise e is standard normal, drawn anew for each step.",
    )


def _as_it_is(about: str) -> LayerFormulas:
    """y = x, and why."""
    return LayerFormulas(
        y=Computation(same("@y = @x")),
        dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
        about=about,
    )
