"""What the doctor says: kinds of findings, their order, and the report."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from minnet.foundation.printing import printable
from minnet.teaching.doctor.cures import Cure
from minnet.teaching.doctor.figures import LOSS, CureFigure

KINDS = {
    "nothing-trainable": "no layer can learn",
    "constant-target": "all targets are the same",
    "wrong-metric": "accuracy counts classes, and the targets are numbers",
    "output-range": "the last activation cannot reach the targets",
    "target-scale": "the targets are huge or tiny",
    "feature-scale": "columns of wildly different size, or one outlier that rules",
    "input-scale": "the inputs are far from a size of about 1",
    "symmetric-weights": "all units of a layer are the same",
    "untrained-base": "a frozen layer was never trained or loaded",
    "sorted-unshuffled": "the rows are sorted, and batches are not mixed",
    "target-in-x": "a column of x is the target",
    "validation-leak": "rows of the training data are in the validation data",
    "validation-mismatch": "the validation data are of another kind",
    "contradictory-labels": "the same row with different targets",
    "labels-unrelated": "the targets have nothing to do with the inputs",
    "class-imbalance": "a class is rare",
    "duplicate-samples": "rows occur again and again",
    "saturated": "units sit where their curve is flat",
    "dead-relu": "ReLU units that are 0 for every row",
    "exploding-gradient": "numbers grow from layer to layer",
    "vanishing-gradient": "numbers shrink from layer to layer",
    "running-statistics": "batch normalisation predicts by statistics that are not the data's",
    "initial-loss": "worse than guessing",
    "step-too-large": "the learning rate is too large",
    "step-too-small": "the learning rate is too small",
    "cannot-overfit": "the network cannot hold what it is to learn, not even a few rows",
    "stuck": "it knows no more than one who always says the same",
    "never-predicted": "a class is never predicted",
}
"""Kind → what it means, in the order in which findings are listed.

What is certain comes first (settings and data), then what was measured in the network, then what
short trials showed: the first of a list is likely the cause, the later ones what it brought about.
"""

SCALES = ("target-scale", "feature-scale", "input-scale")
"""Kinds of which a table often has two at once, so that one cure helps only beside the other."""

_SIGNALS = ("saturated", "dead-relu", "exploding-gradient", "vanishing-gradient", "initial-loss")
_TRIALS = ("step-too-large", "step-too-small", "cannot-overfit", "stuck", "never-predicted")

CONSEQUENCES: dict[str, tuple[str, ...]] = {
    "nothing-trainable": ("untrained-base", *_SIGNALS, *_TRIALS),
    "constant-target": ("output-range", "target-scale", "labels-unrelated", *_SIGNALS, *_TRIALS),
    "output-range": ("saturated", *_TRIALS),
    "target-scale": (*_SIGNALS, *_TRIALS),
    "feature-scale": ("input-scale", "validation-mismatch", *_SIGNALS, *_TRIALS),
    "input-scale": (*_SIGNALS, *_TRIALS),
    "symmetric-weights": (*_SIGNALS, *_TRIALS),
    "untrained-base": ("cannot-overfit", "step-too-small", "stuck", "never-predicted"),
    "sorted-unshuffled": ("stuck",),
    "validation-mismatch": ("never-predicted",),
    "contradictory-labels": ("duplicate-samples", "labels-unrelated", "cannot-overfit", "stuck"),
    "labels-unrelated": ("step-too-large", "step-too-small", "stuck", "never-predicted"),
    "class-imbalance": ("stuck",),
    "saturated": (
        "exploding-gradient",
        "vanishing-gradient",
        "step-too-large",
        "step-too-small",
        "stuck",
    ),
    "dead-relu": (
        "exploding-gradient",
        "vanishing-gradient",
        "step-too-large",
        "step-too-small",
        "stuck",
    ),
    "exploding-gradient": ("step-too-large", "step-too-small", "cannot-overfit", "stuck"),
    "vanishing-gradient": ("step-too-large", "step-too-small", "stuck", "never-predicted"),
    "initial-loss": ("stuck",),
    "step-too-large": ("stuck", "never-predicted"),
    "step-too-small": ("stuck",),
    "cannot-overfit": ("step-too-small", "stuck"),
    "stuck": ("never-predicted",),
}
"""Kind → kinds that follow from it and are left out beside it: one cause, one finding."""


@dataclass(frozen=True)
class Proof:
    """What a cure did on a copy, beside the patient as it is.

    Attributes
    ----------
    cure
        Its name.
    figure
        What was measured, such as "loss"; less is better.
    before, after : float
        The figure as it is, and with the cure.
    updates
        How many updates both made first; 0 where the figure was counted in the data.
    """

    cure: str
    figure: str
    before: float
    after: float
    updates: int

    def __str__(self) -> str:
        when = f" in {self.updates} updates" if self.updates else ""
        return printable(f"with {self.cure}: {self.before:.3g} → {self.after:.3g}{when}")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    kind
        One of `KINDS`, such as "dead-relu".
    message
        What is wrong, with the evidence.
    measurement : dict
        The numbers that say so: name → number.
    advice
        What to do, with the value to try; nothing where all that was tried did not help.
    cures : tuple of Cure
        What may help.
    figures : tuple of CureFigure
        What a cure has to make smaller: the first of them, or else the next.
    cure : Cure or None
        What helped most on a copy, to be run: `finding.cure(model, x, y)`.
    proof : Proof or None
        The figure without and with it.

    Examples
    --------
    >>> finding = Finding("dead-relu", "All are off.", {"share": 1.0}, "Start over.")
    >>> finding.kind, finding.measurement["share"]
    ('dead-relu', 1.0)
    """

    kind: str
    message: str
    measurement: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""
    cures: tuple[Cure, ...] = field(default=(), repr=False, compare=False)
    figures: tuple[CureFigure, ...] = field(default=(LOSS,), repr=False, compare=False)
    cure: Cure | None = field(default=None, repr=False, compare=False)
    proof: Proof | None = None

    def __str__(self) -> str:
        body = f"{self.message} {self.advice}".strip()
        return printable(f"{self.kind}: {body}{f' {tried(self)}' if self.proof else ''}")


class Diagnosis:
    """What `diagnose` found; prints as a report, in a notebook too.

    Attributes
    ----------
    findings : list of Finding
        Most serious first, one for each kind.
    checked
        How much was looked at, in words.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=20, seed=0)
    >>> layer = minnet.layers.Dense(10, activation="softmax", input_dim=64)
    >>> model = minnet.Sequential([layer], seed=0)
    >>> model.compile("adam", "cross_entropy")
    >>> [finding.kind for finding in minnet.diagnose(model, x * 1000, y).findings][:1]
    ['input-scale']
    """

    def __init__(self, findings: Iterable[Finding], checked: str = "") -> None:
        self.findings = ranked(findings)
        self.checked = checked

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def kinds(self) -> list[str]:
        """The kinds of the findings, in their order."""
        return [finding.kind for finding in self.findings]

    def __str__(self) -> str:
        lines = [f"Diagnosis: {self._verdict()}{f' ({self.checked})' if self.checked else ''}"]
        for i, finding in enumerate(self.findings, 1):
            lines += ["", f"{i}. {finding.kind}: {KINDS[finding.kind]}"]
            lines += _wrapped(finding.message)
            if finding.measurement:
                lines += _wrapped(f"Measured: {measured(finding)}.")
            if finding.advice:
                lines += _wrapped(f"Try: {finding.advice}")
            if finding.proof:
                lines += _wrapped(tried(finding))
        return printable("\n".join(lines))

    __repr__ = __str__

    def _verdict(self) -> str:
        count = len(self.findings)
        return "healthy" if not count else f"{count} finding{'s' if count > 1 else ''}"

    def _repr_html_(self) -> str:
        entries = "".join(
            f"<li><b>{html.escape(f.kind)}</b>: {html.escape(f.message)}"
            + (f"<br>Measured: {html.escape(measured(f))}" if f.measurement else "")
            + (f"<br>Try: {html.escape(f.advice)}" if f.advice else "")
            + (f"<br>{html.escape(tried(f))}" if f.proof else "")
            + "</li>"
            for f in self.findings
        )
        checked = f" ({html.escape(self.checked)})" if self.checked else ""
        return f"<p><b>Diagnosis: {self._verdict()}</b>{checked}</p><ol>{entries}</ol>"

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each kind, without consequences of others, in the order of `KINDS`."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.kind, finding)
    explained = {kind for cause in first for kind in CONSEQUENCES.get(cause, ())}
    return [first[kind] for kind in KINDS if kind in first and kind not in explained]


def explained_by(kind: str, findings: Iterable[Finding]) -> bool:
    """Whether findings so far make one of this kind not worth an experiment."""
    return any(kind in CONSEQUENCES.get(finding.kind, ()) for finding in findings)


def measured(finding: Finding) -> str:
    """The numbers of a finding in one line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in finding.measurement.items())


def tried(finding: Finding) -> str:
    """What the cure did, in one line."""
    proof = finding.proof
    if proof is None:
        return ""
    how = "Tried on a copy" if proof.updates else "Counted again"
    return f"{how}, {proof.figure} {proof}."


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 92, initial_indent="   ", subsequent_indent="   ")
