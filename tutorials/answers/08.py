# %% [markdown]
# # Answers to tutorial 08, optimizers

# %%
import numpy as np

import minnet
from minnet import optimizers
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

CURVATURE, START = np.array([1.0, 50.0]), np.array([-4.0, 1.0])
RATES = np.geomspace(0.001, 3, 24)


def sgd(theta, g, memory, eta):
    return theta - eta * g


def momentum(theta, g, memory, eta, mu=0.9):
    v = memory["v"] = mu * memory.get("v", 0) - eta * g
    return theta + v


def nesterov(theta, g, memory, eta, mu=0.9):
    v = memory["v"] = mu * memory.get("v", 0) - eta * g
    return theta + mu * v - eta * g


def adagrad(theta, g, memory, eta):
    s = memory["s"] = memory.get("s", 0.1) + g**2
    return theta - eta * g / np.sqrt(s + 1e-7)


def fewest(step, theta, curvature, most=400):
    """The best of 24 rates, and its steps until the loss stays below a thousandth."""
    theta, memory, losses = np.tile(theta, (24, 1)), {}, []
    with np.errstate(over="ignore", invalid="ignore"):  # some rates fly to infinity
        for _ in range(most + 1):
            losses.append(0.5 * np.sum(theta @ curvature * theta, axis=1))
            theta = step(theta, theta @ curvature, memory, RATES[:, None])
        there = np.array(losses) < losses[0] / 1000
    counts = np.array([most if not one[-1] else np.flatnonzero(~one)[-1] + 1 for one in there.T])
    return RATES[counts.argmin()], int(counts.min())


# %% [markdown]
# ## 1. How soon Adagrad loses its gift
#
# Very soon: 5° more than double its steps, and 15° make them eight times as many. Along an axis it
# can give each direction a step size of its own. As soon as the ravine is turned, both weights see
# a mixture of both directions. SGD needs the same number of steps at every angle, and at 45° it is
# the faster one.

# %%
by_angle = {}
for degrees in (0, 5, 15, 30, 45):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    ravine = turn @ START, turn @ np.diag(CURVATURE) @ turn.T
    by_angle[degrees] = fewest(adagrad, *ravine)[1], fewest(sgd, *ravine)[1]
    print(f"{degrees:2}°: Adagrad {by_angle[degrees][0]:3} steps, SGD {by_angle[degrees][1]:3}")
of_adagrad, of_sgd = np.array(list(by_angle.values())).T
assert np.all(np.diff(of_adagrad) > 0)
assert of_adagrad[1] > 2 * of_adagrad[0]
assert of_adagrad[2] > 5 * of_adagrad[0]
assert np.ptp(of_sgd) <= 1
assert of_sgd[0] < of_adagrad[-1]

# %% [markdown]
# ## 2. Other momenta
#
# μ = 0.7 is the best of the four, and it beats Nesterov with its 0.9. For this ravine theory gives
# μ = ((√κ − 1) / (√κ + 1))², which is 0.57 for κ = 50, and 0.9 is well above that. With 0.99 the
# ball swings to and fro and does not settle within 400 steps at any of the rates.

# %%
by_mu = {
    mu: fewest(lambda *given, mu=mu: momentum(*given, mu=mu), START, np.diag(CURVATURE))
    for mu in (0.5, 0.7, 0.9, 0.99)
}
of_nesterov = fewest(nesterov, START, np.diag(CURVATURE))
for mu, (rate, steps) in by_mu.items():
    print(f"μ = {mu}: {steps} steps at η = {rate:.3f}")
print(f"Nesterov with 0.9: {of_nesterov[1]} steps")
assert min(by_mu, key=lambda mu: by_mu[mu][1]) == 0.7
assert by_mu[0.7][1] < of_nesterov[1] < by_mu[0.9][1]
assert by_mu[0.99][1] == 400

# %% [markdown]
# ## 3. A short race and a long one
#
# Neither stays ahead. At their best rates they are less than three points apart, after 1 epoch and
# after 12. Who wins depends on the length of the race and on luck. What does change is the loss
# from a rate that is too small: after 1 epoch it costs many points, after 12 hardly any. The best
# rates stay where they were, or move by one place in the grid.

# %%
x, y, _, _ = minnet.datasets.digits()
order = np.random.default_rng(0).permutation(len(x))
train, held_out = order[:3000], order[3000:]


def race(make, eta, epochs, seed):
    """Validation accuracy in percent; 10 where the training left the finite numbers."""
    layers = [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")]
    model = minnet.Sequential(layers, seed=seed)
    model.compile(make(eta), "cross_entropy", metrics=["accuracy"])
    try:
        model.fit(x[train], y[train], batch_size=64, epochs=epochs, verbose=0)
    except minnet.DivergedError:
        return 10.0
    return 100 * model.evaluate(x[held_out], y[held_out])["accuracy"]


MAKERS = {
    "momentum": (lambda eta: optimizers.SGD(eta, momentum=0.9), 0.01),
    "Adam": (optimizers.Adam, 0.003),
}
reached = {}
for epochs in (1, 12):
    for name, (make, smallest) in MAKERS.items():
        etas = smallest * np.array([1, 3, 10, 30, 100])
        runs = [[race(make, eta, epochs, seed) for seed in (0, 1)] for eta in etas]
        reached[name, epochs] = np.mean(runs, axis=1)
        print(f"{epochs:2} epochs, {name:8}", reached[name, epochs].round(1))
for epochs in (1, 12):
    assert abs(reached["momentum", epochs].max() - reached["Adam", epochs].max()) < 3
for name in MAKERS:
    short, long = reached[name, 1], reached[name, 12]
    assert short.max() - short[0] > 4 > long.max() - long[0]
    assert abs(int(short.argmax()) - int(long.argmax())) <= 1
