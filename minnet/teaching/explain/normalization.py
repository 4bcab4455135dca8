"""How batch normalization is explained, with its three ways back, and how fixed statistics are."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.layers import BatchNormalization, Normalization
from minnet.teaching.explain.blocks import Index, Math, Shown, Worked, same
from minnet.teaching.explain.curves import chain_rule
from minnet.teaching.explain.digits import plain
from minnet.teaching.explain.formulas import Computation, LayerFormulas, explains
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.words import (
    DX,
    DY,
    Factor,
    X,
    Y,
    at,
    calculation,
    entry,
    gradient,
    mean_by_hand,
    sources,
    sum_of_products,
    symbol,
)

MU, VARIANCE, S = Math("μ", r"\mu"), Math("σ²", r"\sigma^2"), same("s")
X_HAT, GAMMA, BETA = Math("x̂", r"\hat{x}"), symbol("gamma"), symbol("beta")
MEAN_DY = Math("mean of @dy", r"\text{mean of } @dy")
MEAN_DY_X = Math("mean of @dy⊙x̂", r"\text{mean of } @dy \odot \hat{x}")


class Statistics:
    """The numbers of a step of batch normalization, and each of them worked by hand."""

    def __init__(self, step: Step) -> None:
        layer: Any = step.layer
        self.step, self.epsilon = step, float(layer.epsilon)
        self.of_rows = (
            step.x.ndim == 2
        )  # of images a number has too many terms to be worked by hand
        axes = tuple(range(step.x.ndim - 1))
        self.gamma, self.beta = step.weights.get("gamma"), step.weights.get("beta")
        if step.in_training:
            self.mean, self.variance = step.memo["mean"], step.memo["variance"]
            self.s, self.x_hat = step.memo["s"], step.memo["x_hat"].reshape(step.x.shape)
        else:
            self.mean = step.weights["moving_mean"]
            self.variance = step.weights["moving_variance"]
            self.s = 1.0 / np.sqrt(self.variance + self.epsilon)
            self.x_hat = (step.x - self.mean) * self.s
        self.names = (
            (MU, VARIANCE)
            if step.in_training
            else (symbol("moving_mean"), symbol("moving_variance"))
        )
        self.dy = step.dy
        if self.dy is not None:
            wide = self.dy.astype(np.float64)
            self.mean_dy = wide.mean(axis=axes)
            self.mean_dy_x = (wide * self.x_hat).mean(axis=axes)

    def by_hand(self, worked: Any) -> Any:
        """What works a number by hand, where there are rows."""
        return worked if self.of_rows else None

    # --- forward --------------------------------------------------------------------------------

    def one_mean(self, index: Index) -> list[Worked]:
        """μ[d], over the rows."""
        (d,) = index
        column = [[entry(X, self.step.x, n, d)] for n in range(len(self.step.x))]
        return [mean_by_hand(at(MU, d), column, self.mean[d])]

    def one_variance(self, index: Index) -> list[Worked]:
        """σ²[d], over the rows."""
        (d,) = index
        mu = entry(MU, self.mean, d)
        pairs = [[entry(X, self.step.x, n, d), mu] for n in range(len(self.step.x))]
        pattern = "({} − {})²", "({} - {})^2"
        left = at(VARIANCE, d)
        return [
            mean_by_hand(left, pairs, self.variance[d], pattern, lambda x, mean: (x - mean) ** 2)
        ]

    def one_root(self, index: Index) -> list[Worked]:
        """s[d]."""
        (d,) = index
        epsilon = plain(self.epsilon)
        return [
            calculation(
                at(S, d),
                [self.variance[d]],
                lambda v: Math(
                    f"1 / √({v[0].text} + {epsilon})",
                    rf"\frac{{1}}{{\sqrt{{{v[0].latex} + {epsilon}}}}}",
                ),
                lambda v: float(1.0 / np.sqrt(v[0] + float(epsilon))),
                self.s[d],
                sources([entry(self.names[1], self.variance, d)]),
            )
        ]

    def one_standard(self, index: Index) -> list[Worked]:
        """x̂[n, d]."""
        n, d = index
        used = [
            entry(X, self.step.x, n, d),
            entry(self.names[0], self.mean, d),
            entry(S, self.s, d),
        ]
        return [
            calculation(
                at(X_HAT, n, d),
                [factor.value for factor in used],
                lambda v: Math(
                    f"({v[0].text} − {v[1].text})·{v[2].text}",
                    rf"({v[0].latex} - {v[1].latex}) \cdot {v[2].latex}",
                ),
                lambda v: (v[0] - v[1]) * v[2],
                self.x_hat[n, d],
                sources(used),
            )
        ]

    def one_output(self, index: Index) -> list[Worked]:
        """y[n, d], with all that leads to it."""
        n, d = index
        factors = [entry(X_HAT, self.x_hat, n, d)]
        if self.gamma is not None:
            factors.insert(0, entry(GAMMA, self.gamma, d))
        terms: list[tuple[Factor, ...]] = [tuple(factors)]
        if self.beta is not None:
            terms.append((entry(BETA, self.beta, d),))
        batch = [*self.one_mean((d,)), *self.one_variance((d,))] if self.step.in_training else []
        output = sum_of_products(at(Y, n, d), terms, self.step.y[n, d])
        return [*batch, *self.one_root((d,)), *self.one_standard(index), output]

    # --- backward -------------------------------------------------------------------------------

    def one_mean_dy(self, index: Index) -> list[Worked]:
        """The mean of a column of dy."""
        (d,) = index
        dy = np.asarray(self.dy)
        column = [[entry(DY, dy, n, d)] for n in range(len(dy))]
        return [mean_by_hand(at(MEAN_DY, d), column, self.mean_dy[d])]

    def one_mean_dy_x(self, index: Index) -> list[Worked]:
        """The mean of a column of dy ⊙ x̂."""
        (d,) = index
        dy = np.asarray(self.dy)
        pairs = [[entry(DY, dy, n, d), entry(X_HAT, self.x_hat, n, d)] for n in range(len(dy))]
        pattern = "{}·{}", r"{} \cdot {}"
        left = at(MEAN_DY_X, d)
        return [mean_by_hand(left, pairs, self.mean_dy_x[d], pattern, lambda a, b: a * b)]

    def scale(self, d: int) -> list[Factor]:
        """γ[d] and s[d]."""
        s = entry(S, self.s, d)
        return [s] if self.gamma is None else [entry(GAMMA, self.gamma, d), s]

    def one_input(self, index: Index) -> list[Worked]:
        """dx[n, d] by its three ways: directly, by way of μ, and by way of σ²."""
        n, d = index
        dy, dx = np.asarray(self.dy), np.asarray(self.step.dx)
        direct, x_hat = entry(DY, dy, n, d), entry(X_HAT, self.x_hat, n, d)
        by_mean, by_variance = -self.mean_dy[d], -float(x_hat.value) * self.mean_dy_x[d]
        scale = self.scale(d)
        first = calculation(
            Math("directly", r"\text{directly}"),
            [direct.value],
            lambda v: at(DY, n, d),
            lambda v: v[0],
            direct.value,
            sources([direct]),
        )
        second = calculation(
            Math("by way of μ", r"\text{by way of } \mu"),
            [self.mean_dy[d]],
            lambda v: Math(f"−{v[0].text}", f"-{v[0].latex}"),
            lambda v: -v[0],
            by_mean,
            sources([entry(MEAN_DY, self.mean_dy, d)]),
        )
        third = calculation(
            Math("by way of σ²", r"\text{by way of } \sigma^2"),
            [x_hat.value, self.mean_dy_x[d]],
            lambda v: Math(f"−{v[0].text}·{v[1].text}", rf"-{v[0].latex} \cdot {v[1].latex}"),
            lambda v: -v[0] * v[1],
            by_variance,
            sources([x_hat, entry(MEAN_DY_X, self.mean_dy_x, d)]),
        )

        def write(v: list[Math]) -> Math:
            before, (a, b, c) = v[: len(scale)], v[len(scale) :]
            return Math(
                f"{'·'.join(m.text for m in before)}·({a.text} + {b.text} + {c.text})",
                r" \cdot ".join(m.latex for m in before)
                + rf" \cdot ({a.latex} + {b.latex} + {c.latex})",
            )

        operands = [*(factor.value for factor in scale), direct.value, by_mean, by_variance]
        whole = calculation(
            at(DX, n, d),
            operands,
            write,
            lambda v: float(np.prod(v[: len(scale)]) * sum(v[len(scale) :])),
            dx[n, d],
            sources(scale),
        )
        return [*self.one_mean_dy((d,)), *self.one_mean_dy_x((d,)), first, second, third, whole]

    def one_input_of_fixed(self, index: Index) -> Worked:
        """dx[n, d] where the statistics are constants."""
        n, d = index
        factors = (*self.scale(d), entry(DY, np.asarray(self.dy), n, d))
        return sum_of_products(at(DX, n, d), [factors], np.asarray(self.step.dx)[n, d])

    def one_gamma(self, index: Index) -> Worked:
        """dγ[d]."""
        (d,) = index
        dy = np.asarray(self.dy)
        terms = [(entry(DY, dy, n, d), entry(X_HAT, self.x_hat, n, d)) for n in range(len(dy))]
        return sum_of_products(at(gradient(GAMMA), d), terms, self.step.gradients["gamma"][d])

    def one_beta(self, index: Index) -> Worked:
        """dβ[d]."""
        (d,) = index
        dy = np.asarray(self.dy)
        terms = [(entry(DY, dy, n, d),) for n in range(len(dy))]
        return sum_of_products(at(gradient(BETA), d), terms, self.step.gradients["beta"][d])


@explains(BatchNormalization)
def batch_normalization(step: Step) -> LayerFormulas:
    """y = γ x̂ + β, by the batch's own statistics, or by the running ones."""
    layer: Any = step.layer
    epsilon = f"{layer.epsilon:g}"
    scale, center = "gamma" in layer.parameters, "beta" in layer.parameters
    output = Math(
        "@y = " + "γ ⊙ " * scale + "x̂" + " + β" * center,
        "@y = " + r"\gamma \odot " * scale + r"\hat{x}" + r" + \beta" * center,
    )
    factor = Math("γ s", r"\gamma\, s") if scale else same("s")
    root = Math(f"s = 1 / √(σ² + {epsilon})", rf"s = \frac{{1}}{{\sqrt{{\sigma^2 + {epsilon}}}}}")
    standard = Math("x̂ = (@x − μ) ⊙ s", r"\hat{x} = (@x - \mu) \odot s")
    through = Math(
        f"∂L/∂x̂ = {'@dy ⊙ γ' if scale else '@dy'}",
        r"\frac{\partial L}{\partial \hat{x}} = @dy" + (r" \odot \gamma" if scale else ""),
    )
    ways = Math(
        "x̂ depends on @x directly, by way of μ, and by way of σ²:",
        r"\hat{x} \text{ depends on } @x \text{ directly, by way of } \mu"
        r" \text{, and by way of } \sigma^2 \text{:}",
    )
    of, has_dx = Statistics(step), step.dy is not None and step.dx is not None
    gradients = {}
    if scale:
        gradients["gamma"] = Computation(
            Math(
                "∂L/∂γ[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂γ[d] = Σ_n @dy[n, d] · x̂[n, d]",
                r"\frac{\partial L}{\partial \gamma[d]} = \sum_n @dy[n,d] \cdot \hat{x}[n,d]",
            ),
            beside=[Shown(X_HAT, of.x_hat)],
            by_hand=of.by_hand(of.one_gamma) if "gamma" in step.gradients else None,
        )
    if center:
        gradients["beta"] = Computation(
            Math(
                "∂L/∂β[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂β[d] = Σ_n @dy[n, d] · 1",
                r"\frac{\partial L}{\partial \beta[d]} = \sum_n @dy[n,d] \cdot 1",
            ),
            by_hand=of.by_hand(of.one_beta) if "beta" in step.gradients else None,
        )
    if not step.in_training:
        return LayerFormulas(
            y=Computation(
                root,
                standard,
                output,
                beside=[
                    Shown(S, of.s, of.one_root),
                    Shown(X_HAT, of.x_hat, of.by_hand(of.one_standard)),
                ],
                by_hand=of.by_hand(of.one_output),
            ),
            dx=Computation(
                through,
                Math(f"@dx = {factor.text} ⊙ @dy", rf"@dx = {factor.latex} \odot @dy"),
                beside=[Shown(S, of.s, of.one_root)],
                by_hand=of.by_hand(of.one_input_of_fixed) if has_dx else None,
            ),
            gradients=gradients,
            about="Frozen, so μ and σ² are the running statistics moving_mean and "
            "moving_variance: constants.",
        )
    return LayerFormulas(
        y=Computation(
            Math("μ = mean of each column of @x", r"\mu[d] = \frac{1}{N} \sum_n @x[n,d]"),
            Math(
                "σ² = mean of (@x − μ)² of each column",
                r"\sigma^2[d] = \frac{1}{N} \sum_n (@x[n,d] - \mu[d])^2",
            ),
            root,
            standard,
            output,
            beside=[
                Shown(MU, of.mean, of.by_hand(of.one_mean)),
                Shown(VARIANCE, of.variance, of.by_hand(of.one_variance)),
                Shown(S, of.s, of.one_root),
                Shown(X_HAT, of.x_hat, of.by_hand(of.one_standard)),
            ],
            by_hand=of.by_hand(of.one_output),
        ),
        dx=Computation(
            through,
            ways,
            Math(
                f"@dx = {factor.text} ⊙ (@dy − mean of @dy − x̂ ⊙ mean of (@dy ⊙ x̂))",
                rf"@dx = {factor.latex} \odot \Big(@dy - \frac{{1}}{{N}} \sum_n @dy[n] - "
                r"\hat{x} \odot \frac{1}{N} \sum_n (@dy[n] \odot \hat{x}[n])\Big)",
            ),
            beside=[
                Shown(X_HAT, of.x_hat),
                Shown(MEAN_DY, of.mean_dy, of.by_hand(of.one_mean_dy)),
                Shown(MEAN_DY_X, of.mean_dy_x, of.by_hand(of.one_mean_dy_x)),
            ]
            if has_dx
            else None,
            by_hand=of.by_hand(of.one_input) if has_dx else None,
        ),
        gradients=gradients,
        about="The statistics μ and σ² are the batch's own, one number for each "
        + ("column; means are over the rows." if of.of_rows else "channel; means are over all ")
        + (
            "" if of.of_rows else "pixels of all images: an image is as many rows as it has pixels."
        ),
        states=f"{step.name} moves them a little towards the batch's own: moving ← "
        f"{plain(layer.momentum)} moving + {plain(1.0 - layer.momentum)} batch.",
    )


@explains(Normalization)
def normalization(step: Step) -> LayerFormulas:
    """y = (x − μ) / σ, by statistics that were taken once."""
    layer: Any = step.layer
    sigma = np.maximum(np.sqrt(layer.variance), 1e-7)
    return LayerFormulas(
        y=Computation(
            Math("@y = (@x − μ) / σ", r"@y = \frac{@x - \mu}{\sigma}"),
            beside={Math("μ", r"\mu"): np.asarray(layer.mean), Math("σ", r"\sigma"): sigma},
        ),
        dx=Computation(
            chain_rule("1 / σ", r"\frac{1}{\sigma}"),
            Math("@dx = @dy / σ", r"@dx = \frac{@dy}{\sigma}"),
        ),
        about="The mean μ and the root σ of the variance are those of the data that adapt was "
        "shown: constants.",
    )
