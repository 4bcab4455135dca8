# %% [markdown]
# # Answers to tutorial 05, check your gradients

# %%
import numpy as np

import minnet
from minnet import check_gradients
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.moons(400, noise=0.15, seed=0)


def network(hidden=Dense):
    """The network of the tutorial."""
    layers = [hidden(16, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")]
    model = minnet.Sequential(layers, seed=0, dtype="float64")
    model.compile(minnet.optimizers.SGD(0.5), "binary_crossentropy", ["accuracy"])
    return model


# %% [markdown]
# ## 1. The wrong sign
#
# Each step takes the weights of the hidden layer uphill, while the output layer goes downhill. The
# network gets worse than with the right sign, but look at the number: it may still be better than
# guessing, since the output layer makes the best of what it is given. The check calls it "sign".


# %%
class Backwards(Dense):
    """dW with the wrong sign."""

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = -x.T @ dy
        self.db[...] = dy.sum(axis=0)


accuracy = {}
for hidden in (Dense, Backwards):
    model = network(hidden)
    model.fit(x, y, epochs=100, verbose=0, seed=0)
    accuracy[hidden] = model.evaluate(x_test, y_test)["accuracy"]
    print(f"{hidden.__name__:10} {accuracy[hidden]:.1%}")
report = check_gradients(network(Backwards), x[:8], y[:8])
print(report)
assert [finding.kind for finding in report.findings] == ["sign"]
assert accuracy[Backwards] < accuracy[Dense]

# %% [markdown]
# ## 2. Divided by 4, and by 12
#
# Divided by 4 it is the derivative of the sum over the columns and the mean over the rows, and
# still 3 times too large: the report says so. The loss is the mean over all 12 numbers, and divided
# by 12 the gradient is right.

# %%
wanted = np.random.default_rng(0).normal(size=(4, 3))
guess = np.random.default_rng(1).normal(size=(4, 3))


def error(p):
    """The mean of the squared differences."""
    return ((p - wanted) ** 2).mean()


by_4 = check_gradients((error, lambda p: 2 * (p - wanted) / 4), guess)
by_12 = check_gradients((error, lambda p: 2 * (p - wanted) / 12), guess)
print(by_4)
print(by_12)
assert not by_4.ok
assert "3 times" in str(by_4)
assert by_12.ok

# %% [markdown]
# ## 3. A corner
#
# Always 0, since |h| and |−h| are the same. To the right the slope is 1, to the left −1, and at the
# corner there is none: the 0 is the middle of the two. So keep away from corners when you check,
# and remember it when you meet ReLU in tutorial 06, which has one.

# %%
for h in (1.0, 1e-3, 1e-5):
    slope = (abs(0 + h) - abs(0 - h)) / (2 * h)
    print(f"h = {h:g}: {slope:g}")
    assert slope == 0
assert (abs(0.5 + 1e-5) - abs(0.5 - 1e-5)) / 2e-5 > 0.999
assert (abs(-0.5 + 1e-5) - abs(-0.5 - 1e-5)) / 2e-5 < -0.999
