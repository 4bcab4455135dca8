"""How minnet's optimizers are explained, one after another: formulas, and one number by hand.

θ is any one weight, g its gradient, η the learning rate. The decay, which all optimizers have in
common, is written once, in `update_formulas` and `by_hand`.
"""

from __future__ import annotations

import math

from minnet.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, Optimizer, RMSprop
from minnet.teaching.explain.blocks import Math, Worked, same
from minnet.teaching.explain.digits import latex, number, plain
from minnet.teaching.explain.formulas import (
    Computation,
    OptimizerFormulas,
    explained_class,
    explains,
    explanation,
    own_words,
)
from minnet.teaching.explain.numbers import UpdatedNumber
from minnet.teaching.explain.typesetting import as_latex, tex_text

DECAY = Math("θ ← θ − η λ θ", r"\theta \leftarrow \theta - \eta \lambda \theta")

SYMBOLS = {
    "momentum": "μ",
    "rho": "ρ",
    "beta_1": "β₁",
    "beta_2": "β₂",
    "epsilon": "ε",
    "weight_decay": "λ",
}
"""How settings are written that several optimizers have."""


def optimizer_formulas(optimizer: Optimizer) -> OptimizerFormulas:
    """The formulas of an optimizer, by the explanation of its class, or else in its own words."""
    kind = explained_class(optimizer)
    if kind is None or type(optimizer).decay is not kind.decay:
        return _in_its_own_words(optimizer)
    return explanation(kind, optimizer, OptimizerFormulas)


def _in_its_own_words(optimizer: Optimizer) -> OptimizerFormulas:
    """A student's own optimizer: its docstring, and the name of what ran."""
    kind, words = type(optimizer).__name__, own_words(optimizer)
    return OptimizerFormulas(
        update=Computation(
            Math(
                f"θ ← {kind}.update(θ, g, …)",
                rf"\theta \leftarrow {tex_text(f'{kind}.update')}(\theta, g, \ldots)",
            )
        ),
        about=f"In its own words: {words}"
        if words
        else "An optimizer of your own, without a docstring.",
    )


def update_formulas(optimizer: Optimizer) -> list[Math]:
    """The formulas of one update, in order, the decay first."""
    formulas = optimizer_formulas(optimizer).update.formulas
    return [DECAY, *formulas] if _decays(optimizer) else formulas


def _decays(optimizer: Optimizer) -> bool:
    """Whether there is a decay, and it is the one that optimizers have in common."""
    return optimizer.weight_decay > 0 and type(optimizer).decay is Optimizer.decay


def by_hand(optimizer: Optimizer, updated: UpdatedNumber) -> list[Worked]:
    """The update of one number by hand, the decay first; nothing where nobody wrote how."""
    work = optimizer_formulas(optimizer).by_hand
    if work is None:
        return []
    if not _decays(optimizer):
        return work(optimizer, updated)
    theta, rate = updated.theta, updated.learning_rate
    decayed = theta - rate * optimizer.weight_decay * theta
    decay = line(
        THETA,
        f"{number(theta)} − {plain(rate)}·{plain(optimizer.weight_decay)}·{factor(theta)}",
        decayed,
        "after the decay",
    )
    return [decay, *work(optimizer, updated._replace(theta=decayed))]


def settings(optimizer: Optimizer) -> list[str]:
    """The hyper-parameters beside the learning rate, by symbol."""
    written = []
    for name, symbol in (SYMBOLS | dict(optimizer_formulas(optimizer).symbols)).items():
        setting = getattr(optimizer, name, None)
        unused = name in ("momentum", "weight_decay") and not setting
        if isinstance(setting, float) and not unused:
            written.append(f"{symbol} = {plain(setting)}")
    return written


# --- lines by hand --------------------------------------------------------------------------------

THETA = Math("θ", r"\theta")
M, V, S = (same(name) for name in ("m", "v", "s"))
M_HAT, V_HAT = Math("m̂", r"\hat{m}"), Math("v̂", r"\hat{v}")


def factor(value: float) -> str:
    """A number behind another sign: in brackets, if it has a minus."""
    shown = number(value)
    return f"({shown})" if shown.startswith("-") else shown


def line(left: Math, expression: str, value: float, remark: str = "") -> Worked:
    """left = expression = value; the LaTeX follows from the text."""
    result = number(value)
    text = f"{result}   ({remark})" if remark else result
    tex = latex(result) + (rf" \quad \text{{({remark})}}" if remark else "")
    return Worked(left, [Math(expression, as_latex(expression)), Math(text, tex)])


# --- the optimizers -------------------------------------------------------------------------------


@explains(SGD)
def sgd(optimizer: SGD) -> OptimizerFormulas:
    """θ ← θ − η g, or by way of a velocity v."""
    velocity = Math("v ← μ v − η g", r"v \leftarrow \mu v - \eta\, g")
    if not optimizer.momentum:
        update = Computation(Math("θ ← θ − η g", r"\theta \leftarrow \theta - \eta\, g"))
    elif optimizer.nesterov:
        update = Computation(
            velocity,
            Math(
                "θ ← θ + μ v − η g, with the v just made",
                r"\theta \leftarrow \theta + \mu v - \eta\, g",
            ),
        )
    else:
        update = Computation(velocity, Math("θ ← θ + v", r"\theta \leftarrow \theta + v"))
    return OptimizerFormulas(update, by_hand=_sgd_by_hand)


def _sgd_by_hand(optimizer: SGD, updated: UpdatedNumber) -> list[Worked]:
    theta, rate, g = number(updated.theta), plain(updated.learning_rate), factor(updated.g)
    if not optimizer.momentum:
        return [line(THETA, f"{theta} − {rate}·{g}", updated.new)]
    mu = plain(optimizer.momentum)
    old, v = updated.slots["v"], updated.new_slots["v"]
    velocity = line(V, f"{mu}·{factor(old)} − {rate}·{g}", v)
    moved = f"{mu}·{factor(v)} − {rate}·{g}" if optimizer.nesterov else factor(v)
    return [velocity, line(THETA, f"{theta} + {moved}", updated.new)]


@explains(RMSprop)
def rmsprop(optimizer: RMSprop) -> OptimizerFormulas:
    """θ ← θ − η g / √(s + ε), centered by m or not, by way of a velocity v or not."""
    formulas = [Math("s ← ρ s + (1 − ρ) g²", r"s \leftarrow \rho s + (1 - \rho)\, g^2")]
    root, tex = "√(s + ε)", r"\sqrt{s + \varepsilon}"
    if optimizer.centered:
        formulas.append(Math("m ← ρ m + (1 − ρ) g", r"m \leftarrow \rho m + (1 - \rho)\, g"))
        root, tex = "√(s − m² + ε)", r"\sqrt{s - m^2 + \varepsilon}"
    if optimizer.momentum:
        formulas += [
            Math(f"v ← μ v + η g / {root}", rf"v \leftarrow \mu v + \frac{{\eta\, g}}{{{tex}}}"),
            Math("θ ← θ − v", r"\theta \leftarrow \theta - v"),
        ]
    else:
        formulas.append(
            Math(f"θ ← θ − η g / {root}", rf"\theta \leftarrow \theta - \frac{{\eta\, g}}{{{tex}}}")
        )
    return OptimizerFormulas(Computation(*formulas), by_hand=_rmsprop_by_hand)


def _rmsprop_by_hand(optimizer: RMSprop, updated: UpdatedNumber) -> list[Worked]:
    old, new, g = updated.slots, updated.new_slots, factor(updated.g)
    rho, rest, s = plain(optimizer.rho), plain(1.0 - optimizer.rho), new["s"]
    worked = [line(S, f"{rho}·{number(old['s'])} + {rest}·{g}²", s)]
    inside, variance = number(s), s
    if optimizer.centered:
        m = new["m"]
        worked.append(line(M, f"{rho}·{factor(old['m'])} + {rest}·{g}", m))
        inside, variance = f"{number(s)} − {factor(m)}²", max(s - m * m, 0.0)
    root = math.sqrt(variance + optimizer.epsilon)
    expression = f"√({inside} + {plain(optimizer.epsilon)})"
    worked.append(line(Math("root", r"\text{root}"), expression, root))
    moved = f"{plain(updated.learning_rate)}·{g} / {number(root)}"
    if optimizer.momentum:
        v = new["v"]
        worked.append(line(V, f"{plain(optimizer.momentum)}·{factor(old['v'])} + {moved}", v))
        moved = factor(v)
    return [*worked, line(THETA, f"{number(updated.theta)} − {moved}", updated.new)]


@explains(Adagrad)
def adagrad(optimizer: Adagrad) -> OptimizerFormulas:
    """θ ← θ − η g / √(s + ε), with the sum s of all g²."""
    return OptimizerFormulas(
        update=Computation(
            Math("s ← s + g²", r"s \leftarrow s + g^2"),
            Math(
                "θ ← θ − η g / √(s + ε)",
                r"\theta \leftarrow \theta - \frac{\eta\, g}{\sqrt{s + \varepsilon}}",
            ),
        ),
        by_hand=_adagrad_by_hand,
    )


def _adagrad_by_hand(optimizer: Adagrad, updated: UpdatedNumber) -> list[Worked]:
    g, s = factor(updated.g), updated.new_slots["s"]
    moved = f"{plain(updated.learning_rate)}·{g} / √({number(s)} + {plain(optimizer.epsilon)})"
    return [
        line(S, f"{number(updated.slots['s'])} + {g}²", s),
        line(THETA, f"{number(updated.theta)} − {moved}", updated.new),
    ]


@explains(Adam)
def adam(optimizer: Adam) -> OptimizerFormulas:
    """θ ← θ − η m̂ / (√v̂ + ε); AdamW is Adam with a decay, and finds this, too."""
    epsilon, tex = "ε", r"\varepsilon"
    if optimizer.epsilon_beside == "v":
        epsilon, tex = "ε̂ / √(1 − β₂ᵗ)", r"\frac{\hat{\varepsilon}}{\sqrt{1 - \beta_2^t}}"
    return OptimizerFormulas(
        update=Computation(
            Math("m ← β₁ m + (1 − β₁) g", r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g"),
            Math("v ← β₂ v + (1 − β₂) g²", r"v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2"),
            Math("m̂ = m / (1 − β₁ᵗ)", r"\hat{m} = \frac{m}{1 - \beta_1^t}"),
            Math("v̂ = v / (1 − β₂ᵗ)", r"\hat{v} = \frac{v}{1 - \beta_2^t}"),
            Math(
                f"θ ← θ − η m̂ / (√v̂ + {epsilon})",
                r"\theta \leftarrow \theta - \frac{\eta\, \hat{m}}{\sqrt{\hat{v}} + " + tex + "}",
            ),
        ),
        by_hand=_adam_by_hand,
    )


def _adam_by_hand(optimizer: Adam, updated: UpdatedNumber) -> list[Worked]:
    old, g, t = updated.slots, factor(updated.g), updated.t
    m, v = updated.new_slots["m"], updated.new_slots["v"]
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    first, second = 1.0 - beta_1**t, 1.0 - beta_2**t
    m_hat, v_hat = m / first, v / second
    epsilon = plain(optimizer.epsilon)
    if optimizer.epsilon_beside == "v":
        epsilon = f"{epsilon} / √{number(second)}"
    moved = f"{plain(updated.learning_rate)}·{factor(m_hat)} / (√{number(v_hat)} + {epsilon})"
    return [
        line(M, f"{plain(beta_1)}·{factor(old['m'])} + {plain(1.0 - beta_1)}·{g}", m),
        line(V, f"{plain(beta_2)}·{factor(old['v'])} + {plain(1.0 - beta_2)}·{g}²", v),
        line(M_HAT, f"{number(m)} / {number(first)}", m_hat),
        line(V_HAT, f"{number(v)} / {number(second)}", v_hat),
        line(THETA, f"{number(updated.theta)} − {moved}", updated.new),
    ]


@explains(Adadelta)
def adadelta(optimizer: Adadelta) -> OptimizerFormulas:
    """θ ← θ − η Δ, with Δ = √(d + ε) / √(s + ε) · g."""
    return OptimizerFormulas(
        update=Computation(
            Math("s ← ρ s + (1 − ρ) g²", r"s \leftarrow \rho s + (1 - \rho)\, g^2"),
            Math(
                "Δ = √(d + ε) / √(s + ε) · g, with the d of the last update",
                r"\Delta = \frac{\sqrt{d + \varepsilon}}{\sqrt{s + \varepsilon}}\, g",
            ),
            Math("d ← ρ d + (1 − ρ) Δ²", r"d \leftarrow \rho d + (1 - \rho)\, \Delta^2"),
            Math("θ ← θ − η Δ", r"\theta \leftarrow \theta - \eta \Delta"),
        ),
        by_hand=_adadelta_by_hand,
    )


def _adadelta_by_hand(optimizer: Adadelta, updated: UpdatedNumber) -> list[Worked]:
    old, new, g = updated.slots, updated.new_slots, factor(updated.g)
    rho, rest, epsilon = plain(optimizer.rho), plain(1.0 - optimizer.rho), plain(optimizer.epsilon)
    s, d = new["s"], old["d"]
    delta = math.sqrt((d + optimizer.epsilon) / (s + optimizer.epsilon)) * updated.g
    return [
        line(S, f"{rho}·{number(old['s'])} + {rest}·{g}²", s),
        line(
            Math("Δ", r"\Delta"),
            f"√({number(d)} + {epsilon}) / √({number(s)} + {epsilon})·{g}",
            delta,
        ),
        line(same("d"), f"{rho}·{number(d)} + {rest}·{factor(delta)}²", new["d"]),
        line(
            THETA,
            f"{number(updated.theta)} − {plain(updated.learning_rate)}·{factor(delta)}",
            updated.new,
        ),
    ]


@explains(Adamax)
def adamax(optimizer: Adamax) -> OptimizerFormulas:
    """θ ← θ − η m̂ / (u + ε), with the largest of the faded gradients u."""
    return OptimizerFormulas(
        update=Computation(
            Math("m ← β₁ m + (1 − β₁) g", r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g"),
            Math("u ← max(β₂ u, |g|)", r"u \leftarrow \max(\beta_2 u, |g|)"),
            Math("m̂ = m / (1 − β₁ᵗ)", r"\hat{m} = \frac{m}{1 - \beta_1^t}"),
            Math(
                "θ ← θ − η m̂ / (u + ε)",
                r"\theta \leftarrow \theta - \frac{\eta\, \hat{m}}{u + \varepsilon}",
            ),
        ),
        by_hand=_adamax_by_hand,
    )


def _adamax_by_hand(optimizer: Adamax, updated: UpdatedNumber) -> list[Worked]:
    old, new, g = updated.slots, updated.new_slots, factor(updated.g)
    first = 1.0 - optimizer.beta_1**updated.t
    m_hat, u = new["m"] / first, new["u"]
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    moved = (
        f"{plain(updated.learning_rate)}·{factor(m_hat)} / "
        f"({number(u)} + {plain(optimizer.epsilon)})"
    )
    return [
        line(M, f"{plain(beta_1)}·{factor(old['m'])} + {plain(1.0 - beta_1)}·{g}", new["m"]),
        line(same("u"), f"max({plain(beta_2)}·{number(old['u'])}, |{number(updated.g)}|)", u),
        line(M_HAT, f"{number(new['m'])} / {number(first)}", m_hat),
        line(THETA, f"{number(updated.theta)} − {moved}", updated.new),
    ]


@explains(Nadam)
def nadam(optimizer: Nadam) -> OptimizerFormulas:
    """θ ← θ − η m̂ / (√v̂ + ε), where m̂ looks ahead."""
    return OptimizerFormulas(
        update=Computation(
            Math("μ_t = β₁ (1 − 0.96ᵗ / 2)", r"\mu_t = \beta_1 (1 - \tfrac{1}{2}\, 0.96^t)"),
            Math("m ← β₁ m + (1 − β₁) g", r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g"),
            Math("v ← β₂ v + (1 − β₂) g²", r"v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2"),
            Math(
                "m̂ = μ_(t+1) m / (1 − μ_1 … μ_(t+1)) + (1 − μ_t) g / (1 − μ_1 … μ_t)",
                r"\hat{m} = \frac{\mu_{t+1}\, m}{1 - \prod_{i \le t+1} \mu_i}"
                r" + \frac{(1 - \mu_t)\, g}{1 - \prod_{i \le t} \mu_i}",
            ),
            Math("v̂ = v / (1 − β₂ᵗ)", r"\hat{v} = \frac{v}{1 - \beta_2^t}"),
            Math(
                "θ ← θ − η m̂ / (√v̂ + ε)",
                r"\theta \leftarrow \theta - \frac{\eta\, \hat{m}}{\sqrt{\hat{v}} + \varepsilon}",
            ),
        ),
        by_hand=_nadam_by_hand,
    )


def _nadam_by_hand(optimizer: Nadam, updated: UpdatedNumber) -> list[Worked]:
    old, new, g = updated.slots, updated.new_slots, factor(updated.g)
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    of_m, of_g = optimizer.weights_of_the_mean(updated.t)
    second = 1.0 - beta_2**updated.t
    m_hat, v_hat = of_m * new["m"] + of_g * updated.g, new["v"] / second
    moved = (
        f"{plain(updated.learning_rate)}·{factor(m_hat)} / "
        f"(√{number(v_hat)} + {plain(optimizer.epsilon)})"
    )
    return [
        line(M, f"{plain(beta_1)}·{factor(old['m'])} + {plain(1.0 - beta_1)}·{g}", new["m"]),
        line(V, f"{plain(beta_2)}·{number(old['v'])} + {plain(1.0 - beta_2)}·{g}²", new["v"]),
        line(M_HAT, f"{number(of_m)}·{factor(new['m'])} + {number(of_g)}·{g}", m_hat),
        line(V_HAT, f"{number(new['v'])} / {number(second)}", v_hat),
        line(THETA, f"{number(updated.theta)} − {moved}", updated.new),
    ]
