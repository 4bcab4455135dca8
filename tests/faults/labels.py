"""Labels: what comes as y."""

from __future__ import annotations

import numpy as np

from minnet import Sequential
from minnet.datasets import one_hot
from minnet.layers import Dense
from minnet.losses import BinaryCrossEntropy, CrossEntropy, MeanAbsoluteError, MeanSquaredError
from minnet.metrics import MAE, MSE
from tests.faults import Scene, case, warns, works
from tests.faults.data import fit

G = "Labels"


def label(s: Scene, value, row: int = 4):
    """y with one wrong label."""
    y = s.y.astype(float)
    y[row] = value
    return s.watch(y)


def regression(s: Scene, loss: str = "mse"):
    """Three features and one number."""
    model = Sequential([Dense(1, input_dim=3)], seed=0)
    model.compile("sgd", loss)
    return model


for method in ("fit", "evaluate", "train_on_batch", "loss_and_gradient"):
    call = lambda s, y, method=method: getattr(s.model, method)(s.x, y)  # noqa: E731
    case(G, f"y = K, in {method}", lambda s, c=call: c(s, label(s, 3)), r"0 to 2.*Got 3 in row 4")
    case(G, f"y = -1, in {method}", lambda s, c=call: c(s, label(s, -1)), r"Got -1 in row 4")
    case(G, f"y = 1.9, in {method}", lambda s, c=call: c(s, label(s, 1.9)), r"Got 1.9 in row 4")
    case(G, f"NaN in y, in {method}", lambda s, c=call: c(s, label(s, np.nan)), r"Got nan in row 4")
case(G, "labels from 1 to K", lambda s: fit(s, s.x, s.y + 1), r"Labels start at 0: use y - 1")
case(G, "strings", lambda s: fit(s, s.x, ["a", "b"] * 10), r"y takes numbers. Got .*'a'")
case(G, "None for y", lambda s: s.model.fit(s.x, None, verbose=0), r"y takes an array of numbers")


def same(s: Scene, y):
    """y trains as the plain labels do."""
    one, two = s.model.copy(), s.model.copy()
    one.fit(s.x, y, verbose=0)
    two.fit(s.x, s.y, verbose=0)
    return np.allclose(one.theta, two.theta, atol=1e-6)


works(G, "one-hot where integers are expected", lambda s: same(s, np.eye(3)[s.y]))
works(G, "integers where one-hot is expected", lambda s: same(s, s.y.reshape(-1, 1)))
case(
    G, "one-hot of another K", lambda s: fit(s, s.x, np.eye(4)[s.y]), r"\(20, 4\) ✗ got 4, wants 3"
)
case(G, "rows that do not sum to 1", lambda s: fit(s, s.x, np.full((20, 3), 0.5)), r"sum 1\.5")
case(
    G, "rows with a negative entry", lambda s: fit(s, s.x, [[2, -1, 0]] * 20), r"smallest entry -1"
)
works(G, "a class missing from a batch (works)", lambda s: fit(s, s.x, np.zeros(20, int)))
case(G, "lengths that differ (both named)", lambda s: fit(s, s.x, s.y[:19]), r"20 rows in x and 19")


def aligned(loss):
    """(N, 1) against (N,) has a loss of 0 and a gradient of 0, both ways round."""
    p, t = np.array([[0.25], [0.5], [0.75]]), np.array([0.25, 0.5, 0.75])
    zero = loss(p, t) == loss(p, p) == loss(t, p) == 0.0
    return zero and not loss.gradient(p, t).any() and loss.per_sample(p, t).shape == (3,)


works(G, "(N, 1) against (N,) in the mean squared error", lambda s: aligned(MeanSquaredError()))
works(G, "(N, 1) against (N,) in the mean absolute error", lambda s: aligned(MeanAbsoluteError()))
works(
    G,
    "(N, 1) against (N,) in metrics",
    lambda s: all(m([[1], [2]], [1, 2]) == m([1, 2], [[1], [2]]) == 0.0 for m in (MAE(), MSE())),
)


def columns(s: Scene):
    one, two = regression(s), regression(s)
    a = one.fit(s.x, s.y, verbose=0).history
    b = two.fit(s.x, s.y.reshape(-1, 1), verbose=0).history
    return a == b and np.array_equal(one.theta, two.theta)


works(G, "(N, 1) against (N,) in fit", columns)
case(G, "(N, 3) against one output", lambda s: regression(s).fit(s.x, np.eye(3)[s.y]), r"wants 1")
works(G, "booleans (work)", lambda s: fit(s, s.x, s.y == 1))


def ends(activation, loss):
    model = Sequential([Dense(3, activation, input_dim=3)])
    model.compile("adam", loss)


case(
    G,
    "probabilities into a from-logits loss",
    lambda s: ends("softmax", CrossEntropy(from_logits=True)),
    r"applied twice",
)
case(
    G,
    "sigmoid into a cross-entropy from logits",
    lambda s: ends("sigmoid", CrossEntropy(from_logits=True)),
    r"outputs are probabilities",
)
case(
    G,
    "sigmoid into a binary cross-entropy from logits",
    lambda s: ends("sigmoid", BinaryCrossEntropy(from_logits=True)),
    r"applied twice",
)
case(
    G, "logits into a loss of probabilities", lambda s: ends(None, "cross_entropy"), r"from_logits"
)
case(
    G,
    "logits into a loss of probabilities, called directly",
    lambda s: CrossEntropy()([[5.0, -1.0]], [0]),
    r"probabilities from 0 to 1",
)
warns(
    G,
    "probabilities into a from-logits loss, called directly",
    lambda s: CrossEntropy(from_logits=True)([[0.2, 0.8]], [1]),
    r"sums to 1",
)
case(G, "one_hot of a label that is not there", lambda s: one_hot([0, 3], 3), r"Got 3 in row 1")
case(G, "a head of the wrong width", lambda s: wrong_head(s), r"the model has 2 classes. Got 2")


def wrong_head(s: Scene):
    model = s.model.replace_head(Dense(2, "softmax"), seed=0)
    model.compile("adam", "cross_entropy")
    model.fit(s.x, s.y, verbose=0)
