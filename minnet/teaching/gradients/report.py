"""What a gradient check says: a verdict with its numbers, and what is likely wrong, and where."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from minnet.foundation.printing import printable

KINDS = (
    "sign",
    "factor",
    "sum-vs-mean",
    "transposed",
    "detached",
    "diagonal-jacobian",
    "bias-not-summed",
    "stale-input",
    "wrong-mask",
    "not-filled",
    "kink",
    "wrong",
)
"""What a finding can be; the docstring of `check_gradients` says what each means."""


@dataclass(frozen=True)
class GradientFinding:
    """One thing that is wrong with a gradient, or a kink, where nothing is wrong.

    Attributes
    ----------
    kind
        What it is, one of `KINDS`.
    where
        The formula: `dense_2.backward`, `dense_2.gradient (dW)`, `MeanSquaredError.gradient`.
    message
        What is wrong, the evidence in numbers, and the fix.
    """

    kind: str
    where: str
    message: str

    def __str__(self) -> str:
        return printable(f"{self.kind} in {self.where}: {self.message}")


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check found.

    Attributes
    ----------
    ok
        Whether analytic and numerical gradients agree, and no array was changed that had to stay.
    max_relative_error
        max |analytic − numerical| / max |numerical| over all entries that were checked; 0 where
        the difference is no more than what rounding does to the number that is differentiated.
    worst
        The entry that differs most, such as `dense_2.W[3, 4]`.
    analytic, numerical
        The gradient at that entry, by the code and by measurement; NaN for a gradient that could
        not be had, because the code raised an error or gave another shape.
    method
        "complex step" or "central differences".
    checked, total
        How many entries were checked one by one, of how many. Where that is not all, each array is
        also checked along random directions, in which every entry has its share.
    findings
        What is likely wrong and where, the cause first; empty when nothing is. A finding of the
        kind "kink" leaves `ok` true.
    blocks
        For weights with names: the findings of each, none where its gradient is right.

    Examples
    --------
    >>> import minnet
    >>> report = minnet.check_gradients(minnet.layers.Dense(2), [[1.0, 2.0]])
    >>> report.ok, report.method
    (True, 'complex step')
    """

    ok: bool
    max_relative_error: float
    worst: str
    analytic: float
    numerical: float
    method: str
    checked: int
    total: int
    findings: tuple[GradientFinding, ...] = ()
    blocks: Mapping[str, tuple[GradientFinding, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        verdict = "The gradients are right" if self.ok else "The gradients are WRONG"
        figures = (
            f"{verdict}: largest error {self.max_relative_error:.1e} of the largest gradient, at "
            f"{self.worst} (by the code {self.analytic:.6g}, measured {self.numerical:.6g}). "
            f"{self.checked:,} of {self.total:,} entries checked by {self.method}."
        )
        if self.blocks:
            return printable("\n".join([figures, *self._by_block()]))
        return printable("\n".join([figures, *(f"- {finding}" for finding in self.findings)]))

    def _by_block(self) -> list[str]:
        """A line for each block, what is right first."""
        right = [label for label, findings in self.blocks.items() if not findings]
        lines = [f"right  {label}" for label in right]
        if right and not self.ok:
            be = "is" if len(right) == 1 else "are"
            lines.append(f"       {', '.join(right)} {be} right, so look below.")
        for label, findings in self.blocks.items():
            for i, finding in enumerate(findings):
                lead = f"WRONG  {label}: " if i == 0 else "       or, less sure: "
                lines.append(f"{lead}{finding.message}")
        return lines

    __repr__ = __str__

    def _repr_html_(self) -> str:
        first, *findings = str(self).split("\n")
        items = "".join(f"<li>{html.escape(line[2:])}</li>" for line in findings)
        return f"<p>{html.escape(first)}</p>" + (f"<ul>{items}</ul>" if items else "")
