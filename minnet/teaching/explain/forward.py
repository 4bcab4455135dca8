"""The story's first half: from x to the prediction, and how far that is from the targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from minnet.layers import Dense, Softmax
from minnet.teaching.explain.blocks import (
    Block,
    Heading,
    Math,
    Matrices,
    Prose,
    Shown,
    Worked,
    same,
)
from minnet.teaching.explain.digits import latex, number
from minnet.teaching.explain.layers import recipe
from minnet.teaching.explain.losses import loss_recipe, one_loss
from minnet.teaching.explain.words import (
    TERMS,
    Factor,
    at,
    named,
    names,
    output,
    place,
    sum_of_products,
    symbol,
    value,
)

if TYPE_CHECKING:
    from minnet.teaching.explain.numbers import Explanation, Step

LOSS_DIGITS = 6
"""A loss has more digits than a matrix, since what counts is how little it changes."""


def title(step: Step) -> str:
    """A step's heading."""
    frozen = ", frozen" if step.weights and not step.trains else ""
    return f"{step.name} ({step.kind}{frozen})"


def tell_forward(run: Explanation) -> Iterator[Block]:
    """Every step's formula, its matrices, and one number by hand."""
    yield Heading(2, "1. Forward: from x to the prediction")
    for i, step in enumerate(run.steps):
        found = recipe(step)
        yield Heading(3, f"1.{i + 1}  {title(step)}")
        if found.about:
            yield Prose(found.about)
        yield named(found.forward, i)
        dense = found.known and isinstance(step.layer, Dense)
        if dense:
            yield Prose(_axes(step))
        used = step.weights if not step.trains else {n: step.weights[n] for n in step.layer.weights}
        shown = [Shown(output(i - 1), step.x)]
        shown += [Shown(symbol(name), array) for name, array in used.items()]
        yield Matrices([*shown, *found.kept, Shown(output(i), step.y)])
        if dense:
            yield _one_output(step, i)
        elif isinstance(step.layer, Softmax) and found.known:
            yield from _one_probability(step, i)
        elif found.one is not None:
            where = place(step.y)
            right = found.one.named({"@x": value(step.x[where])})
            yield Worked(at(output(i), *where), [right, value(step.y[where], bracketed=False)])


def _axes(step: Step) -> str:
    N, (D, M) = len(step.x), step.weights["W"].shape
    rows, inputs, outputs = (
        f"{letter} = {count} {what}{'' if count == 1 else 's'}"
        for letter, count, what in (("N", N, "row"), ("D", D, "input"), ("M", M, "output"))
    )
    become = "becomes" if N == 1 else "become"
    said = f"{rows} of {inputs} {become} {rows} of {outputs}: "
    said += f"({N}, {D}) times ({D}, {M}) is ({N}, {M})"
    return said + (", and b is added to every row." if "b" in step.weights else ".")


def _one_output(step: Step, i: int) -> Worked:
    W, b = step.weights["W"], step.weights.get("b")
    n, j = place(step.y)
    terms: list[tuple[Factor, ...]] = [
        (Factor(at(output(i - 1), n, k), step.x[n, k]), Factor(at(symbol("W"), k, j), W[k, j]))
        for k in range(len(W))
    ]
    if b is not None:
        terms.append((Factor(at(symbol("b"), j), b[j]),))
    return sum_of_products(at(output(i), n, j), terms, step.y[n, j])


def _one_probability(step: Step, i: int) -> Iterator[Worked]:
    if step.x.ndim != 2 or step.x.shape[1] > TERMS:
        return
    n, k = place(step.y)
    row = [value(number_, bracketed=False) for number_ in step.x[n]]
    below = " + ".join(f"exp({v.text})" for v in row), " + ".join(f"e^{{{v.latex}}}" for v in row)
    yield Worked(
        at(output(i), n, k),
        [
            Math(
                f"exp({row[k].text}) / ({below[0]})",
                rf"\frac{{e^{{{row[k].latex}}}}}{{{below[1]}}}",
            ),
            value(step.y[n, k], bracketed=False),
        ],
    )


def tell_loss(run: Explanation) -> Iterator[Block]:
    """The loss of every sample, and their mean."""
    last = len(run.steps) - 1
    found = loss_recipe(run)
    yield Heading(2, f"2. Loss: how far the prediction {output(last).text} is from the targets t")
    yield Prose(Math(found.about, "").named(names(last)).text)
    w = Math("", "") if run.sample_weight is None else Math("w[n] ", r"w[n]\, ")
    total = Math(f"L = 1/N Σ_n {w.text}L[n]", rf"L = \frac{{1}}{{N}} \sum_n {w.latex}L[n]")
    if run.penalties:
        total = Math(f"{total.text} + penalties", rf"{total.latex} + \text{{penalties}}")
    yield named([*found.per_sample, total], last)
    shown = [Shown(output(last), run.prediction), Shown(same("t"), run.target)]
    shown.append(Shown(Math("L[n]", "L[n]"), run.losses))
    if run.sample_weight is not None:
        shown.append(Shown(same("w"), run.sample_weight))
    yield Matrices(shown)
    for name, penalty in run.penalties.items():
        regularizer = run.regularizers[name]
        yield Prose(
            f"The penalty {regularizer!r} on {name} adds {number(penalty, LOSS_DIGITS)} to the "
            "loss."
        )
    one = one_loss(run)
    if one:
        right = [line.named(names(last)) for line in one]
        yield Worked(at(same("L"), 0), [*right, value(run.losses[0], bracketed=False)])
    yield _total(run)


def _total(run: Explanation) -> Worked:
    result = number(run.loss, LOSS_DIGITS)
    if len(run.losses) > TERMS:
        return Worked(same("L"), [Math(result, latex(result))])
    terms = [value(loss) for loss in run.losses]
    if run.sample_weight is not None:
        factors = [value(weight) for weight in run.sample_weight]
        terms = [
            Math(f"{w.text}·{t.text}", rf"{w.latex} \cdot {t.latex}")
            for w, t in zip(factors, terms, strict=True)
        ]
    N = len(run.losses)
    text, tex = (" + ".join(part) for part in zip(*terms, strict=True))
    if N > 1:
        text, tex = f"({text}) / {N}", rf"\frac{{{tex}}}{{{N}}}"
    for penalty in run.penalties.values():
        text, tex = f"{text} + {value(penalty).text}", f"{tex} + {value(penalty).latex}"
    return Worked(same("L"), [Math(text, tex), Math(result, latex(result))])
