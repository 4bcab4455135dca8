"""What the doctor says: kinds of findings, their order, and the report."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

KINDS = {
    "nothing-trainable": "no layer can learn",
    "output-range": "the last activation cannot reach the targets",
    "target-scale": "the targets are huge or tiny",
    "feature-scale": "columns of wildly different size, or one outlier that rules",
    "input-scale": "the inputs are far from a size of about 1",
    "symmetric-weights": "all units of a layer are the same",
    "untrained-base": "a frozen layer was never trained or loaded",
    "sorted-unshuffled": "the rows are sorted, and batches are not mixed",
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
    "cannot-overfit": "not even 20 samples can be learned by heart",
    "never-predicted": "a class is never predicted",
}
"""Kind → what it means, in the order in which findings are listed.

What is certain comes first (settings and data), then what was measured in the network, then what
short trials showed: the first of a list is likely the cause, the later ones what it brought about.
"""

_SCALES = ("target-scale", "feature-scale", "input-scale")
_SIGNALS = ("saturated", "dead-relu", "exploding-gradient", "vanishing-gradient", "initial-loss")
_TRIALS = ("step-too-large", "step-too-small", "cannot-overfit", "never-predicted")

CONSEQUENCES: dict[str, tuple[str, ...]] = {
    "nothing-trainable": ("untrained-base", *_SIGNALS, *_TRIALS),
    "output-range": ("saturated", *_TRIALS),
    "target-scale": (*_SIGNALS, *_TRIALS),
    "feature-scale": ("input-scale", "validation-mismatch", *_SIGNALS, *_TRIALS),
    "input-scale": (*_SIGNALS, *_TRIALS),
    "symmetric-weights": (*_SIGNALS, *_TRIALS),
    "untrained-base": ("cannot-overfit", "step-too-small", "never-predicted"),
    "contradictory-labels": ("duplicate-samples", "labels-unrelated", "cannot-overfit"),
    "labels-unrelated": ("step-too-large", "step-too-small", "never-predicted"),
    "saturated": ("exploding-gradient", "vanishing-gradient", "step-too-large", "step-too-small"),
    "dead-relu": ("exploding-gradient", "vanishing-gradient", "step-too-large", "step-too-small"),
    "exploding-gradient": ("step-too-large", "step-too-small", "cannot-overfit"),
    "vanishing-gradient": ("step-too-large", "step-too-small"),
    "step-too-large": ("never-predicted",),
    "cannot-overfit": ("step-too-small",),
}
"""Kind → kinds that follow from it and are left out beside it: one cause, one finding."""


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
        What to do, with the value to try.
    """

    kind: str
    message: str
    measurement: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""

    def __str__(self) -> str:
        body = f"{self.message} {self.advice}".strip()
        return f"{self.kind}: {body}"


class Diagnosis:
    """What `diagnose` found; prints as a report, in a notebook too.

    Attributes
    ----------
    findings : list of Finding
        Most serious first, one for each kind.
    checked
        How much was looked at, in words.
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
        return "\n".join(lines)

    __repr__ = __str__

    def _verdict(self) -> str:
        count = len(self.findings)
        return "healthy" if not count else f"{count} finding{'s' if count > 1 else ''}"

    def _repr_html_(self) -> str:
        entries = "".join(
            f"<li><b>{html.escape(f.kind)}</b>: {html.escape(f.message)}"
            + (f"<br>Measured: {html.escape(measured(f))}" if f.measurement else "")
            + (f"<br>Try: {html.escape(f.advice)}" if f.advice else "")
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


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 92, initial_indent="   ", subsequent_indent="   ")
