# %% [markdown]
# # Answers to tutorial 24, gradients that are wrong and learn

# %%
from decimal import Decimal, getcontext

import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Dense, ReLU, Softmax

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits()


def network(dense, relu=ReLU, optimizer="adam", seed=0):
    """Two hidden layers of 64; the second one is square."""
    layers = [Dense(64, input_dim=64), relu(), dense(64), relu(), Dense(10), Softmax()]
    model = minnet.Sequential(layers, seed=seed)
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    return model


def accuracy(*layers, seed=0, **how):
    """The test accuracy after five epochs."""
    model = network(*layers, seed=seed, **how)
    model.fit(x, y, epochs=5, verbose=0, seed=seed)
    return model.evaluate(x_test, y_test)["accuracy"]


def kinds(dense):
    """The names of what `check_gradients` finds."""
    report = minnet.check_gradients(network(dense), x[:8], y[:8])
    return [finding.kind for finding in report.findings]


# %% [markdown]
# ## 1. A seventh mistake
#
# It depends on how db is left out. If `gradient` never writes to it, it is called "not-filled", and
# `fit` refuses the layer. If it is filled with zeros it is called "detached", and the network is as
# good as the right one: 64 biases among 9,000 weights hardly matter. dW divided by the number of
# rows is called "sum-vs-mean", and it learns just as well too, because Adam does not care about a
# constant factor.


# %%
class NoBias(Dense):
    """Leaves db as it was."""

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy


class ZeroBias(NoBias):
    """Says that no bias has to change."""

    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.db[...] = 0


class AveragedWeights(Dense):
    """Divides by the number of rows a second time."""

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy / len(x)
        self.db[...] = dy.sum(axis=0)


assert kinds(NoBias) == ["not-filled"]
try:
    accuracy(NoBias)
except ValueError as error:
    print(error)
else:
    raise AssertionError("fit took a layer that does not fill db")
right = accuracy(Dense)
for dense, kind in ((ZeroBias, "detached"), (AveragedWeights, "sum-vs-mean")):
    print(
        f"{dense.__name__:15} {kinds(dense)} {accuracy(dense):.1%}; the right formula {right:.1%}"
    )
    assert kinds(dense) == [kind]
    assert abs(accuracy(dense) - right) < 0.03

# %% [markdown]
# ## 2. Without Adam
#
# At SGD(0.1) both still learn. At SGD(0.5) the open ReLU diverges from some starts, and the layer
# with W in place of Wᵀ stays at guessing, while the right formula learns.
#
# A wrong direction in part of the gradient pushes the weights up, larger weights make the slopes
# larger, and larger slopes push harder: the steps run away. Adam divides each slope by the size
# that it had recently. Its steps stay near the learning rate however large the slopes become, so
# the mistake never runs away; it only costs a few percent.


# %%
class OpenReLU(ReLU):
    """Lets every slope through, also where the unit was off."""

    def backward(self, x, y, dy, memo=None):
        return dy


class Untransposed(Dense):
    """W instead of Wᵀ."""

    def backward(self, x, y, dy, memo=None):
        return dy @ self.W


reached = {}
for name, layers in {"right": (Dense,), "open": (Dense, OpenReLU), "W": (Untransposed,)}.items():
    assert accuracy(*layers) > 0.88  # with Adam
    assert accuracy(*layers, optimizer=minnet.optimizers.SGD(0.1)) > 0.85
    reached[name] = []
    for seed in range(3):
        try:
            reached[name].append(accuracy(*layers, optimizer=minnet.optimizers.SGD(0.5), seed=seed))
        except minnet.DivergedError:
            reached[name].append(np.nan)
    print(f"{name:6} SGD(0.5), three starts (nan: diverged):", np.round(reached[name], 3))
assert min(reached["right"]) > 0.8
assert np.isnan(reached["open"]).any()
assert max(reached["W"]) < 0.2

# %% [markdown]
# ## 3. At w = 12
#
# Neither is right to the sixth digit. tanh(12) agrees with 1 in its first ten digits, and a number
# of 16 digits keeps only the six that remain. Then 1 is subtracted, and all that is left has six
# digits or so. The complex step subtracts nothing of its own, but the *loss* does: tanh(w) − 1 is a
# part of it. With 1 − tanh(w) = 2 / (e²ʷ + 1) nothing is lost, as 50 digits confirm.


# %%
def loss(w):
    """The loss of one neuron."""
    return (np.tanh(w) - 1) ** 2


w = 12.0
getcontext().prec = 50
exact = 2 / (Decimal(24).exp() + 1)  # 1 − tanh(12)
slope = float(-2 * exact * exact * (2 - exact))
away = 2 / (np.exp(2 * w) + 1)
ways = {
    "formula of part 1": 2 * (np.tanh(w) - 1) * (1 - np.tanh(w) ** 2),
    "complex step": loss(w + 1e-20j).imag / 1e-20,
    "no subtraction": -2 * away * away * (2 - away),
}
errors = {name: abs(value / slope - 1) for name, value in ways.items()}
for name, value in ways.items():
    print(f"{name:18} {value:.12e}, relative error {errors[name]:.0e}")
assert errors["no subtraction"] < 1e-13
assert 1e-9 < errors["formula of part 1"] < 1e-5
assert 1e-9 < errors["complex step"] < 1e-5
