"""How the losses beside the squared error and cross-entropy are explained: formula by formula."""

from __future__ import annotations

from minnet.losses import (
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from minnet.teaching.explain.formulas import Computation, LossFormulas, explains
from minnet.teaching.explain.numbers import Numbers


@explains(Huber)
def huber(numbers: Numbers) -> LossFormulas:
    """Squares of small errors, sizes of large ones."""
    return LossFormulas(
        per_sample=Computation(
            "e = @y − t",
            "h(e) = e²/2 where |e| ≤ δ, else δ |e| − δ²/2",
            "L[n] = 1/M Σ_m h(e[n, m])",
        ),
        gradient=Computation("∂h/∂e = e, cut off at ±δ", "@dy = clip(@y − t, −δ, δ) / (N M)"),
        about="No single target pulls harder than δ.",
    )


@explains(LogCosh)
def log_cosh(numbers: Numbers) -> LossFormulas:
    """The logarithm of the hyperbolic cosine."""
    return LossFormulas(
        per_sample=Computation("L[n] = 1/M Σ_m log cosh(@y[n, m] − t[n, m])"),
        gradient=Computation(
            "∂ log cosh(e)/∂e = sinh(e) / cosh(e) = tanh(e)", "@dy = tanh(@y − t) / (N M)"
        ),
        about="About e²/2 for small errors e, and |e| − log 2 for large ones.",
    )


@explains(MeanAbsolutePercentageError)
def mean_absolute_percentage_error(numbers: Numbers) -> LossFormulas:
    """The mean error in percent of the target."""
    return LossFormulas(
        per_sample=Computation("L[n] = 100/M Σ_m |@y[n, m] − t[n, m]| / |t[n, m]|"),
        gradient=Computation("@dy = 100 sign(@y − t) / |t| / (N M)"),
        about="A target below 1e-7 counts as 1e-7, and outweighs all others.",
    )


@explains(MeanSquaredLogarithmicError)
def mean_squared_logarithmic_error(numbers: Numbers) -> LossFormulas:
    """The mean squared error of logarithms."""
    return LossFormulas(
        per_sample=Computation("L[n] = 1/M Σ_m (log(1 + @y[n, m]) − log(1 + t[n, m]))²"),
        gradient=Computation("@dy = 2 (log(1 + @y) − log(1 + t)) / (1 + @y) / (N M)"),
        about="Errors count by their ratio. A prediction below 1e-7 counts as 1e-7, with slope 0.",
    )


@explains(Poisson)
def poisson(numbers: Numbers) -> LossFormulas:
    """The negative log-likelihood of counts."""
    return LossFormulas(
        per_sample=Computation("L[n] = 1/M Σ_m (@y[n, m] − t[n, m] log @y[n, m])"),
        gradient=Computation("@dy = (1 − t / @y) / (N M)"),
        about="1e-7 is added to the prediction in the logarithm and below t.",
    )


@explains(CosineSimilarity)
def cosine_similarity(numbers: Numbers) -> LossFormulas:
    """Minus the cosine of an angle."""
    return LossFormulas(
        per_sample=Computation("L[n] = −Σ_m @y[n, m] t[n, m] / (‖@y[n]‖ ‖t[n]‖)"),
        gradient=Computation(
            "a = @y[n] / ‖@y[n]‖ and b = t[n] / ‖t[n]‖, both of length 1",
            "@dy[n] = −(b − (a · b) a) / ‖@y[n]‖ / N",
        ),
        about="The gradient is across the prediction: moving along it changes no angle.",
    )


@explains(KLDivergence)
def kl_divergence(numbers: Numbers) -> LossFormulas:
    """What it costs to take one distribution for another."""
    return LossFormulas(
        per_sample=Computation("L[n] = Σ_k t[n, k] log(t[n, k] / @y[n, k])"),
        gradient=Computation("@dy = −t / @y / N"),
        about="Probabilities below 1e-7 count as 1e-7.",
    )


@explains(Hinge)
def hinge(numbers: Numbers) -> LossFormulas:
    """How far a score is from its margin."""
    return LossFormulas(
        per_sample=Computation("L[n] = 1/M Σ_m max(1 − t[n, m] @y[n, m], 0), for t of −1 or 1"),
        gradient=Computation("@dy = −t / (N M) where t @y < 1, else 0"),
        about="Labels of 0 count as −1. A score beyond its margin pulls no more.",
    )


@explains(SquaredHinge)
def squared_hinge(numbers: Numbers) -> LossFormulas:
    """The square of how far a score is from its margin."""
    return LossFormulas(
        per_sample=Computation("L[n] = 1/M Σ_m max(1 − t[n, m] @y[n, m], 0)², for t of −1 or 1"),
        gradient=Computation("@dy = −2 t max(1 − t @y, 0) / (N M)"),
        about="Labels of 0 count as −1.",
    )


@explains(CategoricalHinge)
def categorical_hinge(numbers: Numbers) -> LossFormulas:
    """The right class's score against the best wrong one's."""
    return LossFormulas(
        per_sample=Computation(
            "L[n] = max(1 + largest @y of a wrong class − @y of the right class, 0)"
        ),
        gradient=Computation(
            "where L[n] > 0: @dy is −1/N at the right class, 1/N at that wrong one, else 0"
        ),
        about="It asks for a margin of 1 between the two.",
    )
