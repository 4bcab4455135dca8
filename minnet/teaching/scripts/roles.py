"""The parts that the variables of a loop play besides weights, by their names and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import differs
from minnet.teaching.scripts.names import RATES, arrays_in, leaf, likeness, loss_rank, word_of
from minnet.teaching.scripts.replays import Unit

STATES = re.compile(
    r"^(v|m|s|vel|velocity|velocities|moment\w*|mom|cache|running\w*|moving\w*|"
    r"(v|m|s|vel|mom|cache|h|g|sq|ms|rms|accum|[mv]t(_?1)?)_?(w|b|d|theta|gamma|beta)\w*|"
    r"[mv]_?t(_?1)?|ema\w*|eg\w*)$",
    re.IGNORECASE,
)


def is_state(path: str) -> bool:
    """Whether it is called like a velocity or another memory of an update."""
    name, around = leaf(path)
    while around and leaf(around)[0].isdigit():  # opt.m[2]['b']
        around = leaf(around)[1]
    inside = leaf(around)[0] if around else ""
    if STATES.match(name) or (inside and STATES.match(inside)):
        return True
    root, _, rest = path.partition("[")  # state['layer1']['W'][0], v['layer1']['W']
    memory = re.fullmatch(
        r"(\w*_)?(states?|slots|ada\w*|opt\w*|mem(ory)?|accum\w*|rms\w*)", root, re.IGNORECASE
    )
    return bool(rest) and bool(memory or STATES.match(root))


HIDDEN = (
    "hidden|state|estado|stato|état|etat|zustand|oculto|nascosto|"
    "состояние|скрытое|状态|隐藏|隐状态|状態|隠れ|상태|은닉"
)
"""How a recurrent network's state is called."""


def is_handed_on(path: str) -> bool:
    """Whether it is called like what a recurrent network hands on from step to step."""
    name = leaf(path)[0]
    return bool(re.fullmatch(rf"[hcsa]|([hcsa]_?|({HIDDEN})_?)(prev|last|old|state|t|0)?", name))


def carried(
    unit: Unit,
    weights: Sequence[str],
    put: Mapping[str, Array],
    keys: Sequence[str],
    slopes: Mapping[str, Array],
) -> list[str]:
    """What nothing depends on before the update, but for the new value of a weight: velocities."""
    run = unit.run(put)
    held = {id(run.get(":" + path)) for path in weights}
    aliases = "|".join(re.escape(n) for n, v in run.names.items() if id(v) in held) or "$^"
    idle: list[str] = []
    losses = [k for k in keys if loss_rank(k) > 0 or k.startswith(("½", "−"))]
    for among in (losses, keys):  # a loss may have any name
        idle = []
        for path in weights:  # after `for p, dp, v in zip(…)` p and v are names of arrays as well
            own = re.compile(rf"(?<!\w){re.escape(path)}(²|(?!\w))|^[½−Σ (]*:({aliases})(²|(?!\w))")
            plain = re.fullmatch(r"(\w+\.)?(w|b|theta)\w*", path, re.I)  # the loss may forget it
            asked = keys if plain else among
            others = [i for i, key in enumerate(keys) if key in asked and not own.search(key)]
            if not np.any(slopes[path][:, others]):
                idle.append(path)
        if len(idle) < len(weights):
            break
    velocities = []
    for path in idle:
        size = np.abs(np.asarray(put[path], float))  # a root may be taken of it
        here, there = (unit.run({**put, path: c * size + 0.01}) for c in (1.0, 1.1))
        moved = [":" + p for p in weights if p not in idle]
        if any(differs(here.get(p), there.get(p)) for p in moved):
            velocities.append(path)
            continue
        named = re.match("w|b|theta", leaf(path)[0], re.I)  # if not, it is a sum over the passes
        if not named and not any(likeness(path, key) >= 6 for key in arrays_in(run)):
            velocities.append(path)
    return velocities


def is_setting(path: str) -> bool:
    """Whether a number is called a rate, or what a schedule goes by."""
    name = leaf(path)[0]
    return bool(RATES.search(name) or re.search(r"decay|momentum|epsilon|iter|epoch|step", name))


def is_history(path: str) -> bool:
    """Whether it is called like a list of losses; the Italian nascosti are hidden units."""
    return bool(re.search(r"(?<!nas)(loss|cost|history|error|acc)\w*(\[|$)", path, re.I))


def is_watched(loss: str, named: bool) -> bool:
    """Whether a loss is a sum of errors for the eye, beside a rule that is of no named gradient.

    Then it has no factor of its own: the rule of the perceptron goes by the error, and what is
    printed is its square, or the half of it.
    """
    word = word_of(loss)
    return not named and bool(re.search(r"err|fehler|erreur", word, re.I)) and "loss" not in word


def clipped(pairs: Sequence[tuple[Array, Array, Array]], bounds: Sequence[float]) -> bool:
    """Whether gradients are right but for a bound: of their entries, or of their length.

    Parameters
    ----------
    pairs
        For each block the whole gradient by the code, its entries that were measured, and what was
        measured there.
    bounds
        The numbers that stand in the code.
    """
    limits = {abs(b) for b in bounds if b}
    biggest = max((float(np.abs(a).max(initial=0.0)) for a, _, _ in pairs), default=0.0)
    if biggest in limits and all(_near(a, np.clip(n, -biggest, biggest)) for _, a, n in pairs):
        return True
    whole = float(np.sqrt(sum(float((a**2).sum()) for a, _, _ in pairs)))
    ratios = [float(a @ n) / float(n @ n) if n @ n else 0.0 for _, a, n in pairs]
    if not all(
        0 < c < 1 + 1e-6 and _near(a, c * n) for c, (_, a, n) in zip(ratios, pairs, strict=True)
    ):
        return False
    if max(ratios) - min(ratios) < 1e-5 and _is_one_of(whole, limits):
        return True
    lengths = [float(np.sqrt((a**2).sum())) for a, _, _ in pairs]
    return all(
        abs(c - 1) < 1e-5 or _is_one_of(s, limits) for c, s in zip(ratios, lengths, strict=True)
    )


def _near(a: Array, n: Array) -> bool:
    return bool(np.all(np.abs(a - n) <= 2e-5 * float(np.abs(n).max(initial=0.0)) + 1e-9))


def _is_one_of(size: float, limits: set[float]) -> bool:
    return any(abs(size - limit) <= 1e-5 * limit for limit in limits)
