"""Configuration: numbers, names, words and layers that do not go together."""

from __future__ import annotations

import numpy as np

from minnet import Sequential
from minnet.layers import Dense, Dropout, Tanh
from minnet.optimizers import SGD, Adam
from tests.faults import Scene, case, warns, works

G = "Configuration"


def fit(s: Scene, **options):
    """Train with these options."""
    return s.model.fit(s.x, s.y, **{"verbose": 0, **options})


def still(s: Scene):
    before = s.model.theta.copy()
    fit(s, learning_rate=0, epochs=2)
    return np.array_equal(before, s.model.theta)


works(G, "learning_rate 0 (allowed)", still)
for value in (-1, np.nan, np.inf, "fast", None, True):
    case(
        G,
        f"learning_rate {value}, of an optimizer",
        lambda s, v=value: Adam(v),
        "learning_rate takes",
    )
for value in (-1, np.nan, np.inf, "fast", True):
    case(
        G, f"learning_rate {value}, of a fit", lambda s, v=value: fit(s, learning_rate=v), "takes a"
    )
case(G, "a schedule that takes nothing", lambda s: Adam(lambda: 1), r"function of one")
case(G, "β = 1", lambda s: Adam(beta_1=1.0), r"beta_1 takes .*below 1. Got 1.0")
case(G, "β₂ = 1", lambda s: Adam(beta_2=1.0), r"beta_2 takes .*below 1")
case(G, "β set to 1 later", lambda s: setattr(Adam(), "beta_1", 1.0), r"beta_1 takes .*below 1")
case(G, "momentum 1", lambda s: SGD(momentum=1.0), r"momentum takes .*below 1")
case(G, "ε = 0", lambda s: Adam(epsilon=0), r"epsilon takes .*above 0")
case(G, "weight decay that turns weights around", lambda s: SGD(1.0, weight_decay=3), r"up to 1 /")
works(G, "epochs 0 (nothing happens)", lambda s: fit(s, epochs=0).epoch == [])
for name, value in {
    "epochs": (-1, 1.5, "3", None),
    "batch_size": (0, -1, 0.5, None),
    "validation_split": (1.0, -0.1, np.nan, "20%", 0.999),
    "shuffle": ("batch",),
    "verbose": (3,),
    "class_weight": ({7: 1}, {0: -1}, {0: np.nan}, "balanced", {0: 1e39}),
    "sample_weight": ([1.0], -np.ones(20), "a"),
    "callbacks": ([3], "early"),
    "validation_data": ((1,), 3),
}.items():
    for bad in value:
        shown = np.asarray(bad).ravel()[0] if isinstance(bad, np.ndarray) else bad
        case(G, f"{name} {shown}", lambda s, n=name, b=bad: fit(s, **{n: b}), r" takes? ")
case(G, '"rleu" (suggests relu)', lambda s: Dense(3, "rleu"), r'Did you mean "relu"')
case(G, '"adm" (suggests adam)', lambda s: s.model.compile("adm", "mse"), r'Did you mean "adam"')
case(G, '"acuracy"', lambda s: s.model.compile("adam", "cross_entropy", ["acuracy"]), '"accuracy"')
case(
    G, "a class where an object is meant", lambda s: s.model.compile(Adam, "mse"), r"Call it: Adam"
)
for words, call, near in (
    ("Adam(lr=…)", lambda s: Adam(lr=1), "learning_rate"),
    ("Dense(activaton=…)", lambda s: Dense(3, activaton="relu"), "activation"),
    ("fit(epoch=…)", lambda s: fit(s, epoch=3), "epochs"),
    ("SGD(max_norm=…)", lambda s: SGD(max_norm=1), "global_clipnorm"),
    ("evaluate(batch=…)", lambda s: s.model.evaluate(s.x, s.y, batch=1), "batch_size"),
):
    case(G, f"unknown keyword: {words}", call, rf'Did you mean "{near}"')
case(G, "Sequential(a, b)", lambda s: Sequential(Dense(3), Dense(3)), r"Sequential\(\[…\]\)")
works(G, "model(x)", lambda s: np.array_equal(s.model(s.x), s.model.predict(s.x)))
for words, change in {
    "layer.trianable = False": lambda s: setattr(s.model.layers[0], "trianable", False),
    "model.trianable = False": lambda s: setattr(s.model, "trianable", False),
    "optimizer.lr = 1": lambda s: setattr(s.model.optimizer, "lr", 1.0),
    "model.loss = 'mse'": lambda s: setattr(s.model, "loss", "mse"),
    "layer.activation = Tanh()": lambda s: setattr(s.model.layers[0], "activation", Tanh()),
    "layer.units = 7": lambda s: setattr(s.model.layers[0], "units", 7),
}.items():
    case(G, words, change, r"no attribute|cannot be set|is set when", AttributeError)
case(G, "model.layers.append(layer)", lambda s: s.model.layers.append(Dense(3)), r"model\.add")


def compiled(*layers, loss):
    model = Sequential(layers)
    model.compile("adam", loss)
    return True


warns(
    G,
    "softmax with MSE (a warning)",
    lambda s: compiled(Dense(3, "softmax", input_dim=3), loss="mse"),
    r"Softmax with the mean squared error",
)
warns(
    G,
    "softmax in a hidden layer (a warning)",
    lambda s: compiled(Dense(4, "softmax", input_dim=3), Dense(3, "softmax"), loss="cross_entropy"),
    r"a softmax inside the network",
)
case(G, "softmax twice", lambda s: twice(), r"Softmax is applied twice")
case(G, "softmax popped off after compile", lambda s: popped(s), r"takes probabilities", ValueError)


def twice():
    compiled(Dense(3, "softmax", input_dim=3), Dropout(0.1), Dense(3, "softmax").activation,
             loss="cross_entropy")  # fmt: skip


def popped(s: Scene):
    other = Sequential([Dense(3, input_dim=3), Dense(3, "softmax").activation])
    other.compile("adam", "cross_entropy")
    other.pop()
    other.fit(s.x, s.y, verbose=0)


case(G, "softmax over one output", lambda s: compiled(Dense(1, "softmax", input_dim=3), loss="mse"),
     r"always 1")  # fmt: skip
case(G, "the same layer object twice", lambda s: Sequential(2 * [Dense(3, input_dim=3)]),
     r"in this model already")  # fmt: skip
case(G, "a model inside a model", lambda s: Sequential([s.model]), r"not a model inside a model")
case(G, "everything frozen", lambda s: frozen(s), r"Every layer is frozen")


def frozen(s: Scene):
    model = s.model.copy()
    model.freeze("*")
    model.fit(s.x, s.y, verbose=0)


for seed in (0, np.int64(3), np.random.default_rng(0)):
    works(
        G,
        f"a seed that is {type(seed).__name__}",
        lambda s, seed=seed: fit(s, seed=seed).epoch == [0],
    )
for seed in (-1, 1.5, True, "a", np.random):
    case(
        G, f"a seed that is {str(seed)[:12]}", lambda s, seed=seed: fit(s, seed=seed), r"seed takes"
    )
