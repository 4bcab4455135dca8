# %% [markdown]
# # Answers to tutorial 16, write your own layer

# %%
import numpy as np

import minnet
from minnet import check_gradients
from minnet.course import reading
from minnet.initializers import Constant
from minnet.layers import Dense, Layer

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits(per_class=100, seed=0)


def sigmoid(x):
    """1 / (1 + e⁻ˣ), which cannot overflow in this form."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def trained(first, seed=0):
    """A network that begins with this layer, after 20 epochs, and its test accuracy."""
    layers = [first, Dense(32, activation="relu"), Dense(10, activation="softmax")]
    model = minnet.Sequential(layers, seed=seed)
    model.build((64,))
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=20, verbose=0, seed=seed)
    return model, model.evaluate(x_test, y_test)["accuracy"]


# %% [markdown]
# ## 1. Without backward, at the bottom
#
# `backward` hands the slope down to the layer below. Below the first layer is only the data, which
# nobody changes, so a fit never asks for it. `Sketch` has no weights either, so it needs no
# `gradient`: it is a fixed preparation of the pixels.


# %%
class Sketch(Layer):
    """y = x · σ(x), without a backward."""

    def forward(self, x, memo=None):
        return x * sigmoid(x)


_, accuracy = trained(Sketch(input_shape=64))
print(f"Sketch at the bottom: {accuracy:.1%}")
assert accuracy > 0.85

# %% [markdown]
# ## 2. Noise
#
# y = x + noise, and the noise does not depend on x, so ∂y/∂x = 1: `backward` hands dy down
# unchanged. (The noise of a step is kept in its memo. Then the same memo gives the same noise, and
# the check can measure a slope.)
#
# It does not help here. 0.1 changes nothing that three starts could show, and more noise costs
# more. These digits are few but clean, and noise does not make them look like other people's.


# %%
class Noise(Layer):
    """x with noise added in training."""

    def __init__(self, amount, *, name=None, input_shape=None):
        super().__init__(name=name, input_shape=input_shape)
        self.amount = amount

    def forward(self, x, memo=None):
        if memo is None:
            return x
        if "noise" not in memo:  # the same memo gives the same noise
            memo["noise"] = memo["rng"].normal(size=x.shape)
        return x + self.amount * memo["noise"]

    def backward(self, x, y, dy, memo=None):
        return dy


report = check_gradients(Noise(0.3), x[:5, :4])
print(report)
assert report.ok
by_amount = {}
for amount in (0.0, 0.1, 0.3, 0.6):
    by_amount[amount] = [trained(Noise(amount), seed)[1] for seed in range(3)]
    print(f"noise of {amount}: {np.mean(by_amount[amount]):.1%}", np.round(by_amount[amount], 3))
assert abs(np.mean(by_amount[0.1]) - np.mean(by_amount[0.0])) < 0.015
assert np.mean(by_amount[0.6]) < np.mean(by_amount[0.3]) < np.mean(by_amount[0.0])

# %% [markdown]
# ## 3. One β
#
# β is now at work in every row *and* every column, so its slopes add up over both: `.sum()` in
# place of `.sum(axis=0)`. If you forget it, three numbers do not fit into an array of one. The
# check names the method, the array, and both shapes.


# %%
class OneBeta(Layer):
    """y = x · σ(β x) with one β."""

    parameters = ("beta",)

    def build(self, input_shape, rng):
        self.add_weight("beta", (1,), Constant(1.0), rng)

    def forward(self, x, memo=None):
        return x * sigmoid(self.beta * x)

    def backward(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        return dy * (s + self.beta * y * (1 - s))

    def gradient(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        self.dbeta[...] = (dy * x * y * (1 - s)).sum()


class Unchanged(OneBeta):
    """The line of the tutorial, as it was."""

    def gradient(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        self.dbeta[...] = (dy * x * y * (1 - s)).sum(axis=0)


some = np.random.default_rng(0).normal(size=(5, 3))
assert check_gradients(OneBeta(), some).ok
report = check_gradients(Unchanged(), some)
print(report)
assert not report.ok
assert "shape (3,), not (1,)" in str(report)
