"""Where transfer helps, where it hurts, and whether the verdict is fooled by chance.

    python benchmarks/transfer_claims.py [letters] [held-out] [digits] [halves] [chance] [fine-tune]

- letters: letters A–Z drawn from typefaces → digits, at 10 and 100 labels a class, ten draws.
- held-out: the same, with other families of typefaces in the source than in the target.
- digits: the shipped model, trained on MNIST → the UCI digits.
- halves: the UCI digits 0–4 → 5–9.
- chance: source and target have nothing to do with each other, twenty times.
- fine-tune: `fine_tune` with its defaults beside the best way of `compare`, at 5 labels a class.

Several minutes for all.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import minnet
from minnet import transfer
from minnet.datasets.digits import draw_per_class
from minnet.foundation.checks import Array
from minnet.layers import Dense

LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


def pretrained(
    widths: list[int], x: Array, y: Array, epochs: int, seed: int = 0
) -> minnet.Sequential:
    """A network trained on the source task."""
    layers = [Dense(width, activation="relu") for width in widths]
    head = Dense(int(y.max()) + 1, activation="softmax")
    base = minnet.Sequential([*layers, head], seed=seed)
    base.compile("adam", "cross_entropy", ["accuracy"])
    base.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return base


def letters(source: list[str] | None = None, target: list[str] | None = None) -> None:
    """Letters to digits."""
    x, y, x_test, y_test = minnet.datasets.glyphs(LETTERS, 20_000, seed=0, families=source)
    base = pretrained([128, 64], x, y, epochs=10)
    print(f"letters: {base.evaluate(x_test, y_test)['accuracy']:.1%}")
    data = minnet.datasets.glyphs(DIGITS, 4_000, seed=1, families=target)
    report = transfer.compare(
        base, *data, per_class=[10, 100], seeds=10, old_task=(x_test, y_test), verbose=2
    )
    print(report)
    for arm in ("head only", "head then all"):
        print(arm, report.verdict(10, arm))
    few, many = (report.accuracies(a, n).mean() for a, n in (("head only", 10), ("scratch", 100)))
    print(f"head only with 10 labels {few:.1%}, scratch with 100 {many:.1%}")


def held_out() -> None:
    """Letters to digits, of other families."""
    letters(["DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"], ["STIX", "Computer Modern"])


def digits() -> None:
    """MNIST to UCI."""
    data = minnet.datasets.digits()
    base = minnet.load_pretrained("mnist-8x8")
    print(transfer.compare(base, *data, per_class=[1, 5, 10, 50], verbose=2))


def halves() -> None:
    """0–4 to 5–9."""
    x, y, x_test, y_test = minnet.datasets.digits(classes=[0, 1, 2, 3, 4])
    base = pretrained([128, 64], x, y, epochs=20)
    data = minnet.datasets.digits(classes=[5, 6, 7, 8, 9])
    print(transfer.compare(base, *data, per_class=10, old_task=(x_test, y_test), verbose=2))


def chance(times: int = 20) -> None:
    """Sources that have nothing to do with the target."""
    words = []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        x, y = rng.random((2_000, 30), np.float32), rng.integers(5, size=2_000)
        base = pretrained([64, 32], x, y, epochs=5, seed=seed)
        # The target is drawn alike: five classes about centres that the source knows nothing of.
        centres = rng.random((5, 30))
        labels = np.arange(1_500) % 5
        points = (centres[labels] + 0.5 * rng.standard_normal((1_500, 30))).astype(np.float32)
        data = points[:500], labels[:500], points[500:], labels[500:]
        report = transfer.compare(
            base, *data, per_class=10, arms=["head then all"], epochs=60, verbose=0
        )
        words.append(report.verdict().word)
        print(seed, report.verdict(), flush=True)
    print({word: words.count(word) for word in sorted(set(words))})


def fine_tune(draws: int = 10) -> None:
    """The default recipe on real digits and on letters to digits."""
    x, y, _, _ = minnet.datasets.glyphs(LETTERS, 20_000, seed=0)
    sources = {
        "MNIST to UCI": (minnet.load_pretrained("mnist-8x8"), minnet.datasets.digits()),
        "letters to digits": (
            pretrained([128, 64], x, y, epochs=10),
            minnet.datasets.glyphs(DIGITS, 2_000, seed=1),
        ),
    }
    for name, (base, data) in sources.items():
        report = transfer.compare(base, *data, per_class=5, seeds=draws, verbose=0)
        best = max(report.arms, key=lambda arm: report.accuracies(arm, 5).mean())
        accuracies = []
        for seed in range(draws):
            rows = draw_per_class(data[1], 5, np.random.default_rng(seed))  # compare's draws
            model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
            model.compile("adam", "cross_entropy", ["accuracy"])
            minnet.transfer.fine_tune(model, data[0][rows], data[1][rows], verbose=0)
            accuracies.append(model.evaluate(*data[2:])["accuracy"])
        top = report.accuracies(best, 5).mean()
        print(
            f"{name}: fine_tune {np.mean(accuracies):.1%}, best way {best!r} {top:.1%}, "
            f"{100 * (np.mean(accuracies) - top):+.1f} points"
        )


TASKS = {
    "fine-tune": fine_tune,
    "letters": letters,
    "held-out": held_out,
    "digits": digits,
    "halves": halves,
    "chance": chance,
}
for name in sys.argv[1:] or TASKS:
    print(f"== {name}", flush=True)
    begin = time.perf_counter()
    TASKS[name]()
    print(f"({time.perf_counter() - begin:.0f} s)", flush=True)
