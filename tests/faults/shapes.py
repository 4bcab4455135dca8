"""Shapes and dtypes."""

from __future__ import annotations

import numpy as np

from minnet import Sequential
from minnet.layers import Dense, ReLU
from tests.faults import Scene, case, works
from tests.faults.data import fit

G = "Shapes and dtypes"

case(
    G,
    "a wrong number of features at predict",
    lambda s: s.model.predict(s.x[:, :2]),
    r"x \(20, 2\) → dense_1 3→4 ✗ got 2, wants 3",
)
case(
    G,
    "adjacent layers that do not fit (at build, both named)",
    lambda s: Sequential([Dense(30, input_dim=784), ReLU(), Dense(10, input_dim=64)]),
    r"dense_1 784→30 ✓ → .* ✓ → dense_2 64→10 ✗ got 30, wants 64",
)
case(
    G,
    "predict before build",
    lambda s: Sequential([Dense(2)]).predict(s.x),
    "not built",
    RuntimeError,
)
case(
    G,
    "fit before compile",
    lambda s: Sequential([Dense(2)]).fit(s.x, s.y),
    "not comp",
    RuntimeError,
)
case(G, "predict without layers", lambda s: Sequential().predict(s.x), "no layers", RuntimeError)
case(G, "float16 (refused)", lambda s: fit(s, s.x.astype("float16")), r'x.astype\("float32"\)')
case(G, "a model of float16", lambda s: Sequential(dtype="float16"), r"float32 or float64")
case(G, "complex (refused)", lambda s: fit(s, s.x * 1j), r"real numbers. Got complex128")
case(G, "complex weights", lambda s: s.model.set_weights([w + 0j for w in s.model.get_weights()]))
case(
    G,
    "weights of other shapes",
    lambda s: s.model.set_weights([np.zeros(32), np.zeros(10)]),
    r"4 arrays: dense_1.W \(3, 4\).*Got 2 arrays",
)
case(G, "NaN weights in set_weights", lambda s: nan_weights(s), r"NaN or infinity in dense_1.W")


def nan_weights(s: Scene):
    s.model.set_weights([w * np.nan for w in s.model.get_weights()])


def float32(s: Scene):
    x = s.x.astype("float32")
    s.model.fit(x, s.y, verbose=0)
    arrays = [s.model.predict(x), s.model.theta, s.model.grad, *s.model.outputs]
    arrays += s.model.updates.slots.values()
    return {a.dtype.name for a in arrays} == {"float32"}


def last_batch(s: Scene):
    model = s.model
    model.compile("sgd", "cross_entropy")
    losses = [model.evaluate(s.x[i : i + 8], s.y[i : i + 8])["loss"] for i in (0, 8, 16)]
    logged = model.fit(s.x, s.y, 8, shuffle=False, verbose=0, learning_rate=0).history["loss"][0]
    return abs(logged - np.average(losses, weights=[8, 8, 4])) < 1e-6


works(G, "float32 in means no silent float64", float32)
works(G, "last batch smaller (weighted rightly)", last_batch)
works(
    G,
    "batch_size > N (one batch)",
    lambda s: s.model.fit(s.x, s.y, 99, verbose=0).params["steps"] == 1,
)
