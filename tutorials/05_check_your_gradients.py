# %% [markdown]
# # Check your gradients
#
# *Before this one: 04 (backpropagation). Reading time: 6 minutes.*
#
# A wrong formula for a gradient rarely crashes. Often the network still learns, only somewhat
# worse, and nobody knows why. So *measure* it: move a weight a little, and see whether the loss
# changes by as much as the formula says. By the end you will know how to measure a slope, why
# smaller steps are not always better, and how minnet finds what is wrong with a formula.

# %%

import numpy as np

import minnet
from minnet import check_gradients
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense

# %% tags=["hide-input"]
reading.aloud(globals())

# %% [markdown]
# ## 1. A slope from two points
#
# One neuron, one weight: the loss is (tanh(w) − 1)², and by the chain rule its derivative is
# 2 (tanh(w) − 1) · (1 − tanh²(w)). Is that right? Measure it, at w = 0.5:
#
# $$\text{forward:} \; \frac{L(w + h) - L(w)}{h} \qquad
# \text{central:} \; \frac{L(w + h) - L(w - h)}{2h}$$
#
# Both become the derivative as h goes to 0, so the smaller h, the better. Is that so? **Guess** the
# best row of the table.


# %%
def loss(w):
    """The loss of one neuron."""
    return (np.tanh(w) - 1) ** 2


def forward_difference(f, w, h):
    """The slope from a point and one in front of it."""
    return (f(w + h) - f(w)) / h


def central_difference(f, w, h):
    """The slope from a point in front and a point behind."""
    return (f(w + h) - f(w - h)) / (2 * h)


def relative_error(slope, right):
    """How far off, as a share of the right value: 0.01 is one in a hundred."""
    return abs(slope - right) / abs(right)


w = 0.5
right = 2 * (np.tanh(w) - 1) * (1 - np.tanh(w) ** 2)
rows = []
for h in 10.0 ** -np.arange(1, 16, 2):
    slopes = forward_difference(loss, w, h), central_difference(loss, w, h)
    rows.append([f"{h:.0e}", *(f"{relative_error(slope, right):.0e}" for slope in slopes)])
print(Table(["h", " forward", " central"], rows, title="Relative error"))

# %% [markdown]
# Two things pull in opposite directions.
#
# - h **too large**: the curve bends between the two points. The forward difference is off by a
#   multiple of h, the central one, where the bends on both sides cancel, only of h².
# - h **too small**: the two losses agree in nearly all of their 16 digits. Their difference is left
#   with the last few, which are rounded, and dividing by the tiny h makes that error huge.
#
# If you remember one thing: central differences, h = 10⁻⁵, and numbers of 16 digits (float64).
#
# ## 2. A whole network, by hand
#
# A network keeps all its weights in one long vector, `model.theta`, and after
# `model.loss_and_gradient(x, y)` all slopes are in `model.grad`. To check them is a loop: move one
# weight up and down, and compare. Here is a network for two half-moons of points, with tanh and a
# sigmoid, as in tutorial 04. It computes in 16 digits (`dtype="float64"`).

# %%
x, y, x_test, y_test = minnet.datasets.moons(400, noise=0.15, seed=0)


def network(hidden=Dense, dtype="float64"):
    """2 inputs, 16 hidden units, one output between 0 and 1."""
    layers = [hidden(16, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")]
    model = minnet.Sequential(layers, seed=0, dtype=dtype)
    model.compile(minnet.optimizers.SGD(0.5), "binary_crossentropy", ["accuracy"])
    return model


def check_by_hand(model, h):
    """The largest error, as a share of the largest slope."""
    model.loss_and_gradient(x[:8], y[:8])
    grad = model.grad.copy()
    measured = np.zeros(len(grad))
    for p in range(len(grad)):
        kept = model.theta[p]
        model.theta[p] = kept + h
        above = model.loss_and_gradient(x[:8], y[:8])
        model.theta[p] = kept - h
        below = model.loss_and_gradient(x[:8], y[:8])
        model.theta[p] = kept
        measured[p] = (above - below) / (2 * h)
    return np.abs(grad - measured).max() / np.abs(measured).max()


exact = check_by_hand(network(), h=1e-5)
blurred = check_by_hand(network(dtype="float32"), h=1e-5)
print(f"{network().count_params()} weights. 16 digits: error {exact:.0e}")
print(f"                         7 digits: error {blurred:.0e}")
assert exact < 1e-7
assert blurred > 1e-3

# %% [markdown]
# The rule of thumb (from Stanford's course CS231n): an error below 10⁻⁷ is fine, above 10⁻² the
# gradient is wrong, and in between, look closer. In numbers of 7 digits (float32, in which networks
# are usually trained) the same right formula looks doubtful, and it is the *check* that is wrong. A
# check has to be checked, too!
#
# ## 3. The same in one call
#
# `check_gradients` does this on a copy of the model in 16 digits, with a trick that is more exact
# than two points (tutorial 24 shows it).

# %%
report = check_gradients(network(), x[:8], y[:8])
print(report)
assert report.ok

# %% [markdown]
# ## 4. A mistake that learns
#
# A layer in minnet is a class with a formula for each direction: `forward`, and for the way back
# `backward` (the slope for the layer below) and `gradient` (for its own weights). Here a Dense has
# *one* wrong formula. (`self.dW[...] =` fills the array that the model hands to the layer; it does
# not need `memo`.) **Guess:** does a network with it learn?


# %%
class AveragedBias(Dense):
    """Takes the mean over the rows, although the loss already is a mean."""

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy
        self.db[...] = dy.mean(axis=0)


accuracy = {}
for hidden in (Dense, AveragedBias):
    model = network(hidden)
    model.fit(x, y, epochs=100, verbose=0, seed=0)
    accuracy[hidden] = model.evaluate(x_test, y_test)["accuracy"]
    print(f"{hidden.__name__:12}  {accuracy[hidden]:.1%} right")
assert 0.88 < accuracy[AveragedBias] < accuracy[Dense]

report = check_gradients(network(AveragedBias), x[:8], y[:8])
print(report)
assert [finding.kind for finding in report.findings] == ["sum-vs-mean"]

# %% [markdown]
# It learns, somewhat worse than with the right formula. Without the number beside it you would
# blame the learning rate. *That a network learns does not prove that its gradient is right.* The
# check finds it, in eight rows of data (N = 6, since it tries fewer rows, too), and has a name for
# it.
#
# ## 5.* A formula of your own
#
# Give `check_gradients` a function and your formula for its gradient. Here is a mean squared error,
# written late in the evening. Can you see what is wrong?

# %%
wanted = np.random.default_rng(0).normal(size=(4, 3))
guess = np.random.default_rng(1).normal(size=(4, 3))


def error(p):
    """The mean of the squared differences."""
    return ((p - wanted) ** 2).mean()


def gradient_of_error(p):
    """Its gradient?"""
    return 2 * (p - wanted)


report = check_gradients((error, gradient_of_error), guess)
print(report)
assert [finding.kind for finding in report.findings] == ["sum-vs-mean", "factor"]
assert "12 times" in report.findings[0].message

# %% [markdown]
# It is the derivative of the *sum*. The mean of 4 rows and 3 columns has a 1/12 in it, and the
# report noticed both: it tried different numbers of rows. A network with this formula does learn,
# at 12 times the learning rate that you set.
#
# For a whole file of yours there is a command, `python -m minnet check my_network.py`. It looks for
# the loop that learns, holds gradients, loss and update to what is measured, and names the line
# that is wrong.
#
# ## 6. The recipe
#
# 16 digits, central differences with h = 10⁻⁵, a few rows of real data, and an `assert`, since
# nobody reads what a check prints the hundredth time. Tutorial 24 has slopes to fifteen digits, six
# mistakes to guess at, and two traps.

# %% [markdown]
# ## Exercises
#
# 1. Write `class Backwards(Dense)` whose `gradient` fills dW with the wrong sign. Train with it,
#    and check it. What is the accuracy, and what does `check_gradients` call it?
# 2. In part 5 divide `gradient_of_error` by 4, the number of rows. What does the report say now?
#    And divided by 12?
# 3. Measure the slope of |w| at w = 0 by a central difference. Which number do you get, for every
#    h? What is the slope to the right of 0, and to the left?
