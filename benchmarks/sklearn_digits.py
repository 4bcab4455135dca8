"""`minnet.sklearn` beside scikit-learn's own MLP on digits, and a grid search that may transfer.

    pip install -e ".[sklearn]"
    python benchmarks/sklearn_digits.py [--seeds 5] [--parts speed transfer]

speed     One hidden layer of 64 on scikit-learn's digits, all other settings the defaults: the time
          of a whole `fit` and the accuracy on 30 % that were kept apart, for several splits. Each
          split asks scikit-learn (in float64, its dtype for such data, and in float32) and minnet,
          and the next one begins with the next of them.
transfer  Five labels a digit: a grid search among networks from scratch, one among ways to go on
          from `base="mnist-8x8"`, and one among all of them, each by cross-validation on the fifty
          rows alone; then the accuracy on the test rows. The networks from scratch get the more
          settings.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split

import minnet
from minnet.foundation.tables import Table
from minnet.sklearn import MLPClassifier

RESULTS = Path(__file__).parent / "results"
REST = 0.05  # seconds before each fit, for threads of the one before


def spread(values: Any, digits: int = 1) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def speed(seeds: int) -> dict[str, Any]:
    """Time and accuracy of scikit-learn's MLPClassifier and of minnet's."""
    x, y = load_digits(return_X_y=True)
    x = x / 16
    original = sklearn.neural_network.MLPClassifier
    kinds = [
        ("scikit-learn, float64", original, np.float64),
        ("scikit-learn, float32", original, np.float32),
        ("minnet, float32", MLPClassifier, np.float64),
    ]
    results: dict[str, dict[str, list[float]]] = {
        name: {"seconds": [], "accuracy": [], "epochs": []} for name, _, _ in kinds
    }
    for seed in range(-1, seeds):  # the first round is for warming up
        split = train_test_split(x, y, test_size=0.3, random_state=max(0, seed), stratify=y)
        for name, kind, dtype in kinds[seed % 3 :] + kinds[: seed % 3]:
            x_train, x_test = (a.astype(dtype) for a in split[:2])
            mlp = kind(hidden_layer_sizes=(64,), random_state=max(0, seed))
            time.sleep(REST)
            start = time.perf_counter()
            mlp.fit(x_train, split[2])
            seconds = time.perf_counter() - start
            if seed >= 0:
                results[name]["seconds"].append(seconds)
                results[name]["accuracy"].append(100 * mlp.score(x_test, split[3]))
                results[name]["epochs"].append(mlp.n_iter_)
    rows = [
        [
            name,
            f"{np.median(r['seconds']):.2f}",
            f"{min(r['seconds']):.2f}",
            spread(r["accuracy"], 2),
            f"{np.mean(r['epochs']):.0f}",
        ]
        for name, r in results.items()
    ]
    head = ["64 hidden units on digits", "median s", "least s", "accuracy %", "epochs"]
    print(Table(head, rows))
    return results


SCRATCH = {
    "hidden_layer_sizes": [(64,), (128, 64), (256, 128)],
    "learning_rate_init": [1e-2, 3e-3, 1e-3],
    "alpha": [1e-4, 1.0],
}
TRANSFER = {
    "base": ["mnist-8x8"],
    "freeze": [None, "all_but_head"],
    "learning_rate_init": [1e-2, 3e-3, 1e-3],
}


def transfer(seeds: int) -> dict[str, Any]:
    """Test accuracy of what each search chooses."""
    grids = {"from scratch": [SCRATCH], "from a base": [TRANSFER], "either": [SCRATCH, TRANSFER]}
    accuracy: dict[str, list[float]] = {name: [] for name in grids}
    chosen: dict[str, list[str]] = {name: [] for name in grids}
    for seed in range(seeds):
        x, y, x_test, y_test = minnet.datasets.digits(per_class=5, seed=seed)
        for name, grid in grids.items():
            mlp = MLPClassifier(max_iter=150, tol=0, random_state=seed)
            search = GridSearchCV(mlp, grid, cv=5).fit(x, y)
            accuracy[name].append(100 * search.score(x_test, y_test))
            chosen[name].append(str(search.best_params_))
    gains = np.subtract(accuracy["from a base"], accuracy["from scratch"])
    rows = [
        [name, spread(values), f"{sum('mnist' in c for c in chosen[name])} of {seeds}"]
        for name, values in accuracy.items()
    ]
    print(Table(["5 labels a digit, grid search", "accuracy %", "chose the base"], rows))
    print(f"the base gains {spread(gains)} points, and {gains.min():.1f} at least")
    return {"accuracy": accuracy, "chosen": chosen, "gains": gains.tolist()}


PARTS = {"speed": speed, "transfer": transfer}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = {name: PARTS[name](options.seeds) for name in options.parts}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sklearn_digits.json").write_text(json.dumps(results, indent=1))
