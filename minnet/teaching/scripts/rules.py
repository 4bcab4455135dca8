"""Update rules held to their formulas: momentum, Nesterov, RMSprop, Adagrad, Adam.

Of a rule some steps are seen: the weights before and after, and the gradients. The formulas are
run over the same gradients, with the numbers that stand in the code as β and ε; the learning rate
is what is left, and has to be the same in all steps. A formula with one mistake in it that fits,
where no right one does, is the finding.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.evidence import BlockFinding

MORE = (0.9, 0.99, 0.999)
"""Values of β that are tried besides those in the code."""


@dataclass(frozen=True)
class Rule:
    """A formula: which, and what is changed in it."""

    name: str
    words: str = ""
    kind: str = "wrong"
    first: float = 1.0  # how much of the new gradient goes into m; NaN: 1 − β₁
    second: float = float("nan")
    correct: str = "both"  # of the bias: both, m, v, none, linear, crossed
    start: int = 1  # t in the first step
    each: int = 1  # by how much t goes up in a step
    every: int = 1  # the steps in which it goes up once
    root: bool = True
    squared: bool = True
    swapped: str = ""  # β and 1 − β the other way round: m or v; or the β of the other: other m
    inside: bool = False  # ε under the root
    no_epsilon: bool = False
    no_m: bool = False  # g in the place of m
    nesterov: bool = False
    kept: bool = True  # what was remembered is used in the next step
    old: bool = False  # the direction is that of before this step's gradient
    m_squared: bool = False
    stored: str = ""  # what is kept with its bias correction: m, v, or mv


NAN = float("nan")

RIGHT = (
    Rule("SGD"),
    Rule("momentum"),
    Rule("Nesterov", nesterov=True),
    Rule("momentum with bias correction", correct="m", first=NAN),
    Rule("RMSprop"),
    Rule("RMSprop", inside=True),
    Rule("RMSprop with bias correction", correct="v"),
    Rule("Adagrad"),
    Rule("Adagrad", inside=True),
    Rule("Adam", first=NAN),
    Rule("Adam", first=NAN, inside=True),
)

_ADAM = Rule("Adam", first=NAN)
_RMS = Rule("RMSprop")

WRONG = (
    replace(
        _ADAM,
        correct="none",
        words="the bias correction is missing: m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) belong in "
        "the step, not m and v",
    ),
    replace(_ADAM, correct="m", words="the bias correction of v is missing: v̂ = v / (1 − β₂ᵗ)"),
    replace(_ADAM, correct="v", words="the bias correction of m is missing: m̂ = m / (1 − β₁ᵗ)"),
    replace(
        _ADAM,
        correct="crossed",
        words="the bias corrections are exchanged: m is divided by 1 − β₁ᵗ, and v by 1 − β₂ᵗ",
    ),
    replace(
        _ADAM, correct="linear", words="the bias correction has β · t where the power βᵗ belongs"
    ),
    replace(
        _ADAM,
        correct="linear m",
        words="the bias correction of m has β₁ · t where the power β₁ᵗ belongs",
    ),
    replace(
        _ADAM,
        correct="linear v",
        words="the bias correction of v has β₂ · t where the power β₂ᵗ belongs",
    ),
    replace(
        _ADAM,
        correct="once m",
        words="the bias correction of m has β₁ where the power β₁ᵗ belongs: it is always that of "
        "the first step",
    ),
    replace(
        _ADAM,
        correct="once v",
        words="the bias correction of v has β₂ where the power β₂ᵗ belongs: it is always that of "
        "the first step",
    ),
    replace(
        _ADAM,
        swapped="new v",
        words="the factor of g² is β₂, and 1 − β₂ belongs there: v = β₂ v + (1 − β₂) g²",
    ),
    replace(
        _ADAM,
        swapped="new m",
        words="the factor of g is β₁, and 1 − β₁ belongs there: m = β₁ m + (1 − β₁) g",
    ),
    replace(
        _ADAM,
        swapped="other v",
        words="the factor of g² is 1 − β₁, and 1 − β₂ belongs there: v = β₂ v + (1 − β₂) g²",
    ),
    replace(
        _ADAM,
        swapped="other m",
        words="the factor of g is 1 − β₂, and 1 − β₁ belongs there: m = β₁ m + (1 − β₁) g",
    ),
    replace(
        _RMS,
        swapped="new v",
        words="the factor of g² is ρ, and 1 − ρ belongs there: s = ρ s + (1 − ρ) g²",
    ),
    replace(
        _ADAM,
        correct="same1",
        words="the bias correction of v uses β₁, where β₂ belongs: v̂ = v / (1 − β₂ᵗ)",
    ),
    replace(
        _ADAM,
        correct="same2",
        words="the bias correction of m uses β₂, where β₁ belongs: m̂ = m / (1 − β₁ᵗ)",
    ),
    replace(
        _ADAM,
        start=2,
        words="the bias correction is of the wrong step: t begins at 2, and 1 belongs there (t is "
        "counted up once too often)",
    ),
    replace(
        _ADAM,
        each=0,
        words="the bias correction is always that of the first step: t is not counted up. It goes "
        "up with each update; once an epoch is not enough",
    ),
    *(
        replace(
            _ADAM,
            every=n,
            words=f"t is counted up once in {n} updates, as once an epoch: it goes up with each "
            "update, or the bias correction is that of an earlier step",
        )
        for n in (2, 3, 4, 5)
    ),
    replace(
        _ADAM,
        each=2,  # there are two weights
        words="t is counted up once for each weight, and not once for each step: the bias "
        "corrections differ from one weight to the next",
    ),
    *(
        replace(
            _ADAM,
            stored=stored,
            words=f"the bias correction overwrites {names}, and so comes in again in each step: "
            "give what is corrected a name of its own",
        )
        for stored, names in (("m", "m"), ("v", "v"), ("mv", "m and v"))
    ),
    replace(_ADAM, squared=False, words="v follows g, and not its square: v = β₂ v + (1 − β₂) g²"),
    replace(_ADAM, root=False, words="the square root is missing: m̂ / (√v̂ + ε)"),
    replace(_ADAM, second=1.0, words="the factor 1 − β₂ is missing: v = β₂ v + (1 − β₂) g²"),
    replace(_ADAM, first=1.0, words="the factor 1 − β₁ is missing: m = β₁ m + (1 − β₁) g"),
    replace(
        _ADAM, swapped="m", words="β₁ and 1 − β₁ are the wrong way round: m = β₁ m + (1 − β₁) g"
    ),
    replace(
        _ADAM, swapped="v", words="β₂ and 1 − β₂ are the wrong way round: v = β₂ v + (1 − β₂) g²"
    ),
    replace(_ADAM, no_m=True, words="the step uses the gradient g where the mean m̂ belongs"),
    replace(
        _ADAM,
        kept=False,
        words="m and v are not kept from one step to the next: they begin at 0 each time",
    ),
    replace(
        _ADAM,
        m_squared=True,
        words="v follows the square of m, where that of the gradient g belongs",
    ),
    replace(_ADAM, no_epsilon=True, words="ε is missing: m̂ / (√v̂ + ε)"),
    replace(_RMS, root=False, words="the square root is missing: g / (√s + ε)"),
    replace(_RMS, squared=False, words="s follows g, and not its square: s = ρ s + (1 − ρ) g²"),
    replace(_RMS, second=1.0, words="the factor 1 − ρ is missing: s = ρ s + (1 − ρ) g²"),
    replace(_RMS, swapped="v", words="ρ and 1 − ρ are the wrong way round: s = ρ s + (1 − ρ) g²"),
    replace(
        _RMS, kept=False, words="s is not kept from one step to the next: it begins at 0 each time"
    ),
    replace(_RMS, old=True, words="the step uses s as it was before this gradient was put into it"),
    Rule(
        "Adagrad",
        kept=False,
        words="the squares are not added up, s is that of the last gradient alone: s = s + g²",
    ),
    Rule("Adagrad", root=False, words="the square root is missing: g / (√s + ε)"),
    Rule("Adagrad", squared=False, words="s adds up g, and not its square: s = s + g²"),
    Rule(
        "momentum",
        swapped="m",
        first=NAN,
        words="β and 1 − β are the wrong way round: v = β v + (1 − β) g",
    ),
    Rule("momentum", swapped="one", words="v keeps 1 − β of itself where β belongs: v = β v + g"),
    Rule(
        "momentum",
        first=-1.0,
        kind="sign",
        words="what was remembered and the new gradient have opposite signs",
    ),
    Rule(
        "momentum", swapped="all", words="v is not made smaller: the factor β before v is missing"
    ),
    Rule(
        "momentum", old=True, words="the step uses v as it was before this gradient was put into it"
    ),
    Rule(
        "momentum",
        swapped="minus",
        kind="sign",
        words="v = β v − … and the step have signs that do not fit together: what is remembered "
        "pulls back",
    ),
)


def directions(
    rule: Rule, gradients: Sequence[Array], b1: float, b2: float, eps: float
) -> list[Array]:
    """The directions u of the steps θ ← θ − lr u, by a rule."""
    m = np.zeros_like(gradients[0])
    v = np.zeros_like(gradients[0])
    steps = []
    family = rule.name.split()[0]
    for k, g in enumerate(gradients):
        t = rule.start + rule.each * (k // rule.every)
        if not rule.kept:
            m, v = np.zeros_like(g), np.zeros_like(g)
        m_before, v_before = m, v
        keep1, new1 = b1, (1 - b1) if np.isnan(rule.first) else rule.first
        keep2, new2 = b2, (1 - b2) if np.isnan(rule.second) else rule.second
        if rule.swapped == "m":
            keep1, new1 = 1 - b1, b1
        elif rule.swapped == "one":
            keep1 = 1 - b1
        elif rule.swapped == "all":
            keep1 = 1.0
        elif rule.swapped == "minus":
            keep1 = -b1
        elif rule.swapped == "new v":
            new2 = b2
        elif rule.swapped == "new m":
            new1 = b1
        elif rule.swapped == "other v":
            new2 = 1 - b1
        elif rule.swapped == "other m":
            new1 = 1 - b2
        elif rule.swapped == "v":
            keep2, new2 = 1 - b2, b2
        m = keep1 * m + new1 * g
        power = (m if rule.m_squared else g) ** 2 if rule.squared else g
        v = v + power if family == "Adagrad" else keep2 * v + new2 * power
        used_m, used_v = (m_before, v_before) if rule.old else (m, v)
        if family == "SGD":
            steps.append(g.copy())
            continue
        if family == "momentum":
            corrected = used_m / (1 - b1**t) if rule.correct == "m" else used_m
            steps.append(corrected)
            continue
        if family == "Nesterov":
            steps.append(g + b1 * m)
            continue
        if family != "Adam":
            corrected = used_v / (1 - b2**t) if rule.correct == "v" else used_v
            steps.append(_divided(g, corrected, eps, rule))
            continue
        by_m, by_v = {
            "both": (1 - b1**t, 1 - b2**t),
            "m": (1 - b1**t, 1.0),
            "v": (1.0, 1 - b2**t),
            "none": (1.0, 1.0),
            "crossed": (1 - b2**t, 1 - b1**t),
            "linear": (1 - b1 * t, 1 - b2 * t),
            "linear m": (1 - b1 * t, 1 - b2**t),
            "linear v": (1 - b1**t, 1 - b2 * t),
            "once m": (1 - b1, 1 - b2**t),
            "once v": (1 - b1**t, 1 - b2),
            "same1": (1 - b1**t, 1 - b1**t),
            "same2": (1 - b2**t, 1 - b2**t),
        }[rule.correct]
        m_hat, v_hat = used_m / by_m, used_v / by_v
        steps.append(_divided(g if rule.no_m else m_hat, v_hat, eps, rule))
        m = m_hat if "m" in rule.stored else m
        v = v_hat if "v" in rule.stored else v
    return steps


def _divided(m: Array, v: Array, eps: float, rule: Rule) -> Array:
    eps = 0.0 if rule.no_epsilon else eps
    if not rule.root:
        return np.asarray(m / (v + eps))
    return np.asarray(m / np.sqrt(v + eps) if rule.inside else m / (np.sqrt(v) + eps))


@dataclass
class RuleFit:
    """A rule that fits what was seen."""

    rule: Rule
    rate: float
    b1: float
    b2: float
    eps: float


def fit(
    rules: Sequence[Rule],
    moves: Sequence[Array],
    gradients: Sequence[Array],
    numbers: Sequence[float],
) -> Iterator[RuleFit]:
    """The rules that give these moves θ_k − θ_{k+1} with one learning rate."""
    betas = sorted({n for n in numbers if 0.05 < n < 1.0} | set(MORE), reverse=True)[:9]
    epsilons = sorted({n for n in numbers if 0.0 < n <= 1e-2} | {0.0, 1e-8, 1e-7})[:7]
    size = max(float(np.abs(m[np.isfinite(m)]).max(initial=0.0)) for m in moves)
    if size == 0.0:
        return
    for rule in rules:
        family = rule.name.split()[0]
        ones = betas if family in ("momentum", "Nesterov", "Adam") else betas[:1]
        twos = betas if family in ("RMSprop", "Adam") else betas[:1]
        eps = epsilons if family in ("RMSprop", "Adam", "Adagrad") else [0.0]
        for b1, b2, e in itertools.product(ones, twos, eps):
            with np.errstate(all="ignore"):
                steps = directions(rule, gradients, b1, b2, e)
            rate = _rate(moves, steps, size)
            if rate is not None:
                yield RuleFit(rule, rate, b1, b2, e)
                break


def _rate(moves: Sequence[Array], steps: Sequence[Array], size: float) -> float | None:
    top = np.concatenate([np.ravel(m) for m in moves])
    low = np.concatenate([np.ravel(s) for s in steps])
    finite = np.isfinite(top)  # a root of what is not positive leaves no number, and for good
    if not np.isfinite(low[finite]).all() or finite.sum() < 4:
        return None
    if finite.all() != np.isfinite(low).all():
        return None
    top, low = top[finite], low[finite]
    if not np.any(low):
        return None
    rate = float(top @ low) / float(low @ low)
    near = np.abs(top - rate * low) <= 2e-6 * size
    return rate if near.all() and rate != 0.0 else None


def _is_known(numbers: Sequence[float], fitted: RuleFit) -> bool:
    """Whether its learning rate stands in the code."""
    return any(abs(abs(fitted.rate) - n) <= 1e-5 * n for n in numbers)


def right(
    moves: Sequence[Array], gradients: Sequence[Array], numbers: Sequence[float]
) -> list[RuleFit]:
    """The right rules that give these moves, those first whose learning rate stands in the code."""
    fits = fit(RIGHT, moves, gradients, numbers)
    return sorted(fits, key=lambda f: not _is_known(numbers, f))


def pace(fitted: RuleFit, moves: Sequence[Array], gradients: Sequence[Array]) -> float | None:
    """The learning rate with which the same rule gives the moves of another weight, or None."""
    size = max(float(np.abs(m[np.isfinite(m)]).max(initial=0.0)) for m in moves)
    with np.errstate(all="ignore"):
        steps = directions(fitted.rule, gradients, fitted.b1, fitted.b2, fitted.eps)
    return _rate(moves, steps, size) if size else None


def judge(
    moves: Sequence[Array],
    gradients: Sequence[Array],
    numbers: Sequence[float],
    name: str = "",
    remembers: bool = False,
    named: dict[str, float] | None = None,
) -> tuple[str, BlockFinding | None] | None:
    """What a rule is, and what is wrong with it; None where nothing can be said.

    Parameters
    ----------
    moves, gradients
        θ_k − θ_{k+1} and the gradient at θ_k, step by step, at least three.
    numbers
        Those that stand in the code.
    name
        What the rule is called.
    remembers
        Whether something is kept beside the weights.
    named
        Hyper-parameters by name.
    """

    known = partial(_is_known, numbers)
    fits = right(moves, gradients, numbers)
    scaled = [r for r in WRONG if "factor 1" in r.words or r.swapped.startswith(("new", "other"))]
    if fits and (known(fits[0]) or not any(map(known, fit(scaled, moves, gradients, numbers)))):
        return _of_right(fits[0], name, remembers, named or {})

    def another(fitted: RuleFit) -> bool:
        """Whether the rule is called otherwise."""
        return fitted.rule.name.split()[0].lower()[:3] not in name.lower()

    others = fit(WRONG, moves, gradients, numbers)
    for fitted in sorted(others, key=lambda f: (not known(f), another(f))):
        if fitted.rule.name == "Adagrad" and not fitted.rule.kept and another(fitted):
            continue  # a step of one size along the sign of g is a rule, too
        uphill = " The step goes up the slope besides." if fitted.rate < 0 else ""
        return fitted.rule.name, BlockFinding(fitted.rule.kind, f"{fitted.rule.words}.{uphill}")
    if not all(np.isfinite(move).all() for move in moves):
        return name or "the update", BlockFinding(
            "wrong",
            "the weights are not finite after a step: with t = 0 the bias correction 1 − βᵗ is 0, "
            "so t has to be counted up before it is used (t begins at 1); or a root is taken of 0.",
        )
    return None


def _of_right(
    fitted: RuleFit, name: str, remembers: bool, named: dict[str, float]
) -> tuple[str, BlockFinding | None]:
    rule = fitted.rule.name
    if fitted.rate < 0:
        return rule, BlockFinding(
            "sign",
            "the step goes up the slope: the sign is the wrong way round, θ ← θ − lr · … belongs "
            "there.",
        )
    called = name.lower()
    if rule == "SGD" and (remembers or re.search(r"moment|adam|rms|adagrad|nesterov", called)):
        return rule, BlockFinding(
            "wrong",
            "the weights move along the gradient alone: what is remembered (the velocity, the "
            "means) is not used in the step, or not kept from one step to the next.",
        )
    if rule == "Adagrad" and re.search(r"rms|adadelta|adam", called):
        return rule, BlockFinding(
            "wrong", "the squares are added up for ever: s = ρ s + (1 − ρ) g² lets old ones fade."
        )
    if rule.startswith("RMSprop") and "adam" in called:
        return rule, BlockFinding(
            "wrong", "the step uses g where the mean m̂ of the gradients belongs."
        )
    if rule == "Adam" and fitted.b1 > fitted.b2:
        ones = [v for k, v in named.items() if re.search(r"(beta|b)_?1$", k.lower())]
        if ones and abs(ones[0] - fitted.b2) < 1e-12:
            return rule, BlockFinding(
                "wrong", "β₁ and β₂ are exchanged: β₁ belongs to m, and β₂ to v."
            )
    return rule, None
