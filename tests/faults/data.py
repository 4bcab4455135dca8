"""Data: what comes as x."""

from __future__ import annotations

import numpy as np

from minnet import Sequential
from minnet.datasets import standardize
from minnet.layers import BatchNormalization, Dense
from tests.faults import Scene, case, warns, works

G = "Data"


def spoilt(s: Scene, value: float, row: int = 4, column: int = 1) -> np.ndarray:
    """x with one wrong number."""
    x = s.x.copy()
    x[row, column] = value
    return s.watch(x)


def fit(s: Scene, x, y=None):
    """Train on x; the history, which is never empty."""
    return bool(s.model.fit(x, s.y if y is None else y, verbose=0).epoch)


def both(s: Scene, x):
    """x gives what the plain array gives, in training and in prediction."""
    one, two = s.model.copy(), s.model.copy()
    same = np.allclose(one.predict(x), two.predict(s.x), atol=1e-6)
    one.fit(x, s.y, verbose=0)
    two.fit(s.x, s.y, verbose=0)
    return same and np.allclose(one.theta, two.theta, atol=1e-6)


for name, value in {"NaN": np.nan, "+inf": np.inf, "-inf": -np.inf}.items():
    shown = str(value)
    for method in ("fit", "predict", "evaluate", "train_on_batch", "features"):
        case(
            G,
            f"{name} in x, in {method} (row and column named)",
            lambda s, value=value, method=method: getattr(s.model, method)(
                spoilt(s, value), *([] if method in ("predict", "features") else [s.y])
            ),
            rf"x takes finite numbers. Got {shown} in row 4, column 1",
        )
    case(
        G,
        f"{name} in validation x",
        lambda s, value=value: s.model.fit(
            s.x, s.y, verbose=0, validation_data=(spoilt(s, value), s.y)
        ),
        rf"validation x takes finite numbers. Got {shown}",
    )
case(G, "no rows", lambda s: fit(s, s.x[:0], s.y[:0]), r"at least one row. Got \(0, 3\)")
works(G, "no rows at predict give no rows", lambda s: s.model.predict(s.x[:0]).shape == (0, 3))
case(G, "an empty list", lambda s: fit(s, [], []), r"x takes shape \(N, 3\). Got \(0,\)")
case(G, "no features", lambda s: fit(s, np.zeros((20, 0))), r"Got \(20, 0\)")
works(G, "one row (works)", lambda s: fit(s, s.x[:1], s.y[:1]))
case(G, "1-D x that is one sample", lambda s: s.model.predict(s.x[0]), r"x.reshape\(1, 3\)")


def late(s: Scene):
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    model.fit(s.x[:, 0], s.x[:, 0], verbose=0)


case(G, "1-D x", late, r"x.reshape\(-1, 1\), for one sample x.reshape\(1, -1\)")
case(G, "images where rows are expected", lambda s: fit(s, s.x.reshape(20, 3, 1)), r"Flatten\(\)")
case(G, "rows and columns swapped", lambda s: s.model.predict(s.x[:7].T), r"use x\.T")


def table(s: Scene, column):
    import pandas as pd

    return pd.DataFrame({"a": s.x[:, 0], "b": column, "c": s.x[:, 2]})


def sparse(values):
    from scipy import sparse as module

    return module.csr_array(values)


case(G, "object column", lambda s: fit(s, np.array([[1, 2, "b"]] * 20, object)), r"'b' in column 2")
case(
    G,
    "string column",
    lambda s: fit(s, table(s, ["u"] * 20)),
    r"'u' in column 1 \('b'\)",
    needs="pandas",
)
case(
    G,
    "a column with None",
    lambda s: fit(s, table(s, [None] * 20)),
    r"column 1 \('b'\)",
    needs="pandas",
)
case(G, "dates", lambda s: fit(s, np.zeros((20, 3), "M8[s]")), r"numbers. Got dtype datetime64")
works(G, "pandas DataFrame", lambda s: both(s, table(s, s.x[:, 1])), needs="pandas")
works(G, "nested lists", lambda s: both(s, s.x.tolist()))
case(G, "SciPy sparse", lambda s: fit(s, sparse(s.x)), r"x\.toarray\(\)", needs="scipy")
case(
    G,
    "SciPy sparse y",
    lambda s: fit(s, s.x, sparse(np.eye(3)[s.y])),
    r"y\.toarray\(\)",
    needs="scipy",
)


def locked(s: Scene):
    x = s.watch(s.x.copy())
    x.flags.writeable = False
    return both(s, x)


def mapped(s: Scene):
    np.save(s.folder / "x.npy", s.x)
    return both(s, s.watch(np.load(s.folder / "x.npy", mmap_mode="r")))


works(G, "read-only arrays (work, never written)", locked)
works(G, "memmaps (work, never written)", mapped)
works(G, "Fortran order (same answer)", lambda s: both(s, np.asfortranarray(s.x)))
works(G, "strided views (same answer)", lambda s: both(s, np.repeat(s.x, 2, axis=0)[::2]))
works(G, "other byte order (same answer)", lambda s: both(s, s.x.astype(">f8")))
case(G, "generators", lambda s: fit(s, (row for row in s.x)), r"numpy.array\(list\(x\)\)")
case(G, "a zip of x and y", lambda s: fit(s, zip(s.x, s.y, strict=True)), r"not a zip. Collect it")
case(G, "ragged rows", lambda s: fit(s, [[1, 2, 3], [1, 2]]), r"rows of equal length")
case(G, "masked array", lambda s: fit(s, np.ma.array(s.x, mask=s.x > 0.5)), r"without a mask")
case(G, "a dict", lambda s: fit(s, {"x": s.x}), r"an array of numbers")
case(G, "None", lambda s: s.model.predict(None), r"an array of numbers. Got None")


def pixels(s: Scene):
    s.model.reset()
    return fit(s, 255 * s.x)


def constant(s: Scene):
    model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    x = s.x.copy()
    x[:, 1] = 5.0
    model.fit(x, s.y, epochs=3, verbose=0)
    return np.isfinite(model.predict(x)).all() and np.isfinite(standardize(x)[0]).all()


warns(G, "raw 0–255 pixels (one warning)", pixels, r"x has values up to 25\d.*x / 255")
works(G, "a constant column in a normaliser (no NaN)", constant)
case(G, "numbers beyond float32", lambda s: fit(s, s.x * 1e39), r"numbers that float32 can hold")
