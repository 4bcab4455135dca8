"""Does the doctor's advice win when it is obeyed? All planted faults of `doctor.py`, cured.

    python benchmarks/doctor_cures.py [--seeds 3] [--only PART] [--verbose]

Each cure that `diagnose` gives is run by `finding.cure(model, x, y)`; the treated copy and the
patient as it is are then trained by `fit` on all rows, for as many updates as the trial had, with
another seed. The cure wins where its figure is the smaller one.
"""

from __future__ import annotations

import argparse
import collections
import math
import time
import warnings
from typing import Any

import numpy as np
from doctor import FAULTS, Case

import minnet
from minnet import DivergedError
from minnet.teaching import Finding
from minnet.teaching.doctor.cures import Treated
from minnet.teaching.doctor.figures import LOSS, CureFigure

SEED = 77
"""Of the batches and of what is drawn anew: another than in the trial."""

MANY_ROWS = 4096
"""Rows on which a figure is taken."""


def figure_of(finding: Finding) -> CureFigure:
    """What the cure had to make smaller; of a few rows learned by heart, the loss on all."""
    assert finding.proof is not None
    by_name = {figure.name: figure for figure in finding.figures}
    return by_name.get(finding.proof.figure, LOSS)


def obeyed(case: Case, finding: Finding) -> tuple[float, float]:
    """The figure as it is and with the cure, after the same number of updates."""
    assert finding.cure is not None
    assert finding.proof is not None
    figure, settings = figure_of(finding), dict(case.settings)
    settings.pop("validation_split", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = case.model.copy()
        model.rng = np.random.default_rng(SEED)
        as_it_is = Treated(model.copy(), np.asarray(case.x), np.asarray(case.y), settings)
        if not as_it_is.model.built:
            as_it_is.model.checked_data(case.x, case.y)
        cured = finding.cure(model, case.x, case.y, **settings)
        return tuple(after(t, figure, finding.proof.updates) for t in (as_it_is, cured))  # type: ignore[return-value]


def after(treated: Treated, figure: CureFigure, updates: int) -> float:
    """Train by `fit`, and take the figure."""
    if updates and any(layer.trainable and layer.parameters for layer in treated.model.layers):
        batch = treated.settings.get("batch_size", 32)
        epochs = math.ceil(updates / math.ceil(len(treated.x) / batch))
        settings: dict[str, Any] = {"epochs": epochs, "verbose": 0, "seed": SEED}
        try:
            treated.model.fit(treated.x, treated.y, **{**treated.settings, **settings})
        except DivergedError:
            return math.inf
    value = figure.of(treated.model, treated)
    return value if math.isfinite(value) else math.inf


def main() -> None:
    """Print how often obeying won, by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    begin = time.perf_counter()
    won: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0, 0])
    silent = 0
    for kind, variant, plant, names in FAULTS:
        if options.only not in f"{kind} {variant}":
            continue
        for name in names:
            for seed in range(options.seeds):
                case = plant(seed, name)
                report = minnet.diagnose(case.model, case.x, case.y, **case.settings)
                for finding in report:
                    if finding.cure is None or finding.proof is None:
                        silent += 1
                        continue
                    before, cured = obeyed(case, finding)
                    counts = won[finding.kind]
                    counts[0] += cured < before
                    counts[1] += 1
                    counts[2] += finding.proof.updates > 0
                    if options.verbose and not cured < before:
                        print(
                            f"lost: {kind}: {variant}, {name}, seed {seed}: {finding.kind} "
                            f"{finding.proof}; obeyed {before:.3g} → {cured:.3g}",
                            flush=True,
                        )
    for kind, (wins, total, trained) in won.items():
        print(f"{kind:22s} {wins:4d} of {total:4d} won, {trained} of them by training")
    wins, total = (sum(counts[i] for counts in won.values()) for i in (0, 1))
    print(f"{wins} of {total} cures won when they were obeyed, {100 * wins / max(1, total):.1f} %")
    print(f"{silent} findings without a cure; {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
