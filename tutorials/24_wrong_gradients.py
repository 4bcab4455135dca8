# %% [markdown]
# # Gradients that are wrong and learn
#
# *Before this one: 05 (check your gradients), 06 (activations), 07 (losses) and 08 (optimizers).
# Reading time: 8 minutes.*
#
# Tutorial 05 measured slopes with central differences, good to ten digits or so. Here you measure
# them to fifteen, from a single point. Then you meet six mistakes that students really make, and
# guess which of them a network survives: most do, which is why they stay in programs for months. At
# the end there are two traps that fool a careless check.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import check_gradients
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense, ReLU, Softmax
from minnet.plots import COLOURS, MARKERS

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. A slope from one point
#
# A trick without any subtraction: take a step h in the *imaginary* direction, where i² = −1. For
# w³:
#
# $$(w + ih)^3 = w^3 + 3w^2 · ih - 3w · h^2 - i h^3$$
#
# Its imaginary part, divided by h, is 3w² − h². Nothing was subtracted, so nothing is lost, and h
# may be 10⁻²⁰: then h² is 10⁻⁴⁰, which nobody notices beside 3w². This *complex step* works for
# tanh, exp and every other function that NumPy knows for complex numbers.


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


def complex_step(f, w, h=1e-20):
    """The slope from one point, with a step into the imaginary numbers."""
    return f(w + 1j * h).imag / h


w = 0.5
right = 2 * (np.tanh(w) - 1) * (1 - np.tanh(w) ** 2)
print(f"formula      {right:.17f}\ncomplex step {complex_step(loss, w):.17f}")
assert relative_error(complex_step(loss, w), right) < 1e-15

# %% [markdown]
# ## 2.* Every step size, every method
#
# The error as a function of h has the shape of a U, with the best h at the bottom. Here are all of
# them over many values of h, and the central difference once more in numbers of 7
# digits instead of 16. Those, called float32, are what networks are usually trained with. (In the
# picture an error of exactly 0 is drawn at 3·10⁻¹⁷.)


# %%
def single(f):
    """The same function, in numbers of 7 digits."""
    return lambda w: f(np.float32(w))


ways = {
    "central, 7 digits": (lambda h: central_difference(single(loss), w, h), -8),
    "forward, 16 digits": (lambda h: forward_difference(loss, w, h), -15),
    "central, 16 digits": (lambda h: central_difference(loss, w, h), -15),
    "complex step": (lambda h: complex_step(loss, w, h), -20),
}
best, curves = {}, {}
for name, (measure, smallest) in ways.items():
    steps = np.logspace(smallest, 0, 4 * -smallest + 1)
    errors = np.array([relative_error(measure(h), right) for h in steps])
    lowest = errors.argmin() if name != "complex step" else 0
    best[name] = steps[lowest], errors[lowest]
    curves[name] = steps, errors
    print(f"{name:18}  best at h = {steps[lowest]:.0e}, error {errors[lowest]:.0e}")
assert 1e-10 < best["forward, 16 digits"][0] < 1e-6
assert 1e-7 < best["central, 16 digits"][0] < 1e-3
assert 1e-4 < best["central, 7 digits"][0] < 1
assert best["central, 16 digits"][1] < 1e-9
assert best["complex step"][1] < 1e-15
falls = [
    relative_error(how(loss, w, 1e-2), right) / relative_error(how(loss, w, 1e-3), right)
    for how in (forward_difference, central_difference)
]
print(f"a tenth of h, from 0.01: the error falls {falls[0]:.0f}-fold and {falls[1]:.0f}-fold")
assert 8 < falls[0] < 12
assert 80 < falls[1] < 120

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8.4, 5.4), layout="constrained")
spots = {
    "forward, 16 digits": (2e-13, 5e-3, "left"),
    "central, 7 digits": (7e-7, 3e-1, "left"),
    "central, 16 digits": (3e-13, 3e-9, "right"),
    "complex step": (1e-14, 3e-15, "center"),
}
for (name, (steps, errors)), colour, marker in zip(curves.items(), COLOURS, MARKERS, strict=False):
    shown = np.maximum(errors, 3e-17)
    ax.loglog(steps, shown, marker=marker, markersize=4, color=colour)
    across, up, side = spots[name]
    ax.text(across, up, name, color=colour, fontsize=12, ha=side)
ax.set(
    xlabel="step h",
    ylabel="relative error of the slope",
    title="Too small a step is as bad as too large a one, except for the complex step",
    ylim=(1e-17, 30),
)
ax.annotate("rounding", (1e-14, 6e-2), (1e-19, 4e-2), arrowprops={"arrowstyle": "->"})
ax.annotate(
    "the curve bends", (2e-3, 1e-6), (1e-3, 1e-10), arrowprops={"arrowstyle": "->"}, va="top"
)
fig.savefig(pictures / "24_step_size.png", dpi=120)

# %% [markdown]
# The complex step has a catch of its own. Functions that throw away the imaginary part spoil it
# silently: `np.abs`, for instance, gives the *length* of a complex number. What will be the slope
# of |w| at w = 0.5?

# %%
print(f"slope of |w| by np.abs: {np.imag(np.abs(w + 1e-20j)) / 1e-20:g}, and it is 1")
assert np.imag(np.abs(w + 1e-20j)) == 0

# %% [markdown]
# ## 3. A whole network
#
# A network keeps all its weights in one long vector, `model.theta`, and all slopes in `model.grad`.
# `check_gradients` measures them with complex steps, on a copy of the model in 16 digits, here for
# eight images of handwritten digits.


# %%
def network(dense, relu, softmax, seed):
    """Two hidden layers of 64; the second one is square."""
    layers = [Dense(64, input_dim=64), relu(), dense(64), relu(), Dense(10), softmax()]
    model = minnet.Sequential(layers, seed=seed)
    model.compile("adam", "cross_entropy", ["accuracy"])
    return model


x, y, x_test, y_test = minnet.datasets.digits()
report = check_gradients(network(Dense, ReLU, Softmax, seed=0), x[:8], y[:8])
print(report)
assert report.ok
assert report.max_relative_error < 1e-12

# %% [markdown]
# ## 4. A function of many arrays
#
# Most functions have more than one array. Give them as a dict, by name, and each gets a verdict of
# its own. What is right comes first; the mistake is below it. Where is it here?

# %%
inputs = np.random.default_rng(2).normal(size=(5, 2))
truth = np.random.default_rng(3).normal(size=(5, 1))


def loss_and_gradients(p):
    """A hidden layer of three units with tanh, by hand."""
    h = np.tanh(inputs @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] - truth) / len(inputs)
    dz = d @ p["W2"].T * (1 - h)
    gradients = {"W1": inputs.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d}
    return ((h @ p["W2"] - truth) ** 2).sum() / len(inputs), gradients


draw = np.random.default_rng(4).normal
weights = {"W1": draw(size=(2, 3)), "b1": draw(size=3), "W2": draw(size=(3, 1))}
report = check_gradients(loss_and_gradients, params=weights)
print(report)
assert [name for name, findings in report.blocks.items() if not findings] == ["W2"]

# %% [markdown]
# The slope of tanh is 1 − h², and 1 − h was written. The report tried that change, among others of
# this line and its neighbours, and with it all three agree with what was measured.
#
# For a whole file there is a command: `python -m minnet check my_network.py`. It runs the file
# once, without its output and its files, looks for the loop that learns (or for functions that
# belong together, as forward and backward), and holds gradients, loss and update to what is
# measured. Update rules such as Adam are held to their formulas. For a network in which the
# derivative of tanh was left out it prints:
#
#     the loop in line 71 (nn_model), loss: cost
#     right  b2
#     right  W2
#            b2, W2 are right, so look below.
#     WRONG  b1: line 55: the derivative of tanh, 1 − A1², is missing: …
#     WRONG  W1: line 55: the derivative of tanh, 1 − A1², is missing: …
#
# ## 5. Six classics
#
# Six mistakes that students really make. Tutorial 04 explains why there are two formulas for
# the way back; `memo` is for layers that have to remember something from the forward pass; these do
# not. ReLU is off below 0. For each one guess: will a network with it learn to read digits as well
# as with the right formula, worse, or not at all?


# %%
class AveragedBias(Dense):
    """Takes the mean over the rows, although the loss already is a mean."""

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy
        self.db[...] = dy.mean(axis=0)


class OpenReLU(ReLU):
    """Lets every slope through, also where the unit was off."""

    def backward(self, x, y, dy, memo=None):
        return dy


class SealedReLU(ReLU):
    """Lets no slope through."""

    def backward(self, x, y, dy, memo=None):
        return np.zeros_like(dy)


class Untransposed(Dense):
    """W instead of Wᵀ. The shapes fit, because W is square."""

    def backward(self, x, y, dy, memo=None):
        return dy @ self.W


class PilingUp(Dense):
    """+= instead of =: the slopes of all earlier steps are still in it."""

    def gradient(self, x, y, dy, memo=None):
        self.dW += x.T @ dy
        self.db[...] = dy.sum(axis=0)


class LonelySoftmax(Softmax):
    """p (1 − p): each probability by its own input only. But all of a row depend on each other."""

    def backward(self, x, y, dy, memo=None):
        return dy * y * (1 - y)


# %% [markdown]
# Each goes into the middle of a network, which is checked on eight rows and trained for five epochs
# from three starts. One of them `fit` does not train at all: it looks at a layer of your own once,
# and sees that what was in `dW` before has not been overwritten.

# %%
LAYERS = {
    "all right": (Dense, ReLU, Softmax),
    "AveragedBias": (AveragedBias, ReLU, Softmax),
    "PilingUp": (PilingUp, ReLU, Softmax),
    "Untransposed": (Untransposed, ReLU, Softmax),
    "OpenReLU": (Dense, OpenReLU, Softmax),
    "SealedReLU": (Dense, SealedReLU, Softmax),
    "LonelySoftmax": (Dense, ReLU, LonelySoftmax),
}

rows, accuracy, kinds = [], {}, {}
for name, layers in LAYERS.items():
    report = check_gradients(network(*layers, seed=0), x[:8], y[:8])
    kinds[name] = report.findings[0].kind if report.findings else "none"
    accuracy[name] = []
    for seed in range(3):
        model = network(*layers, seed=seed)
        try:
            model.fit(x, y, epochs=5, verbose=0, seed=seed)
        except ValueError as error:
            print(error)
            break
        accuracy[name].append(model.evaluate(x_test, y_test)["accuracy"])
    shown = f"{100 * np.mean(accuracy[name]):.1f}" if accuracy[name] else "refused"
    rows.append([name, f"{report.max_relative_error:.0e}", kinds[name], shown])
print(Table(["layer", " error", "check_gradients says", " accuracy %"], rows))

# %% [markdown]
# Three of the other five come within four points of the right formula. One of these, the averaged
# bias, is just as good. Only one fails completely. *That a network learns does not prove that its
# gradient is right.* The check finds all six, in eight rows of data, and it has a name for each.

# %%
assert kinds == {
    "all right": "none",
    "AveragedBias": "sum-vs-mean",
    "PilingUp": "not-filled",
    "Untransposed": "transposed",
    "OpenReLU": "wrong-mask",
    "SealedReLU": "detached",
    "LonelySoftmax": "diagonal-jacobian",
}
means = {name: float(np.mean(values)) for name, values in accuracy.items() if values}
assert accuracy["PilingUp"] == []
assert means["all right"] > 0.92
assert abs(means["AveragedBias"] - means["all right"]) < 0.01
assert sum(mean > means["all right"] - 0.04 for mean in means.values()) == 1 + 3
assert [name for name, mean in means.items() if mean < 0.2] == ["LonelySoftmax"]

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
names = list(means)
ax.barh(names, [100 * means[name] for name in names], color=["0.55"] + [COLOURS[0]] * 5)
for row, name in enumerate(names):
    ax.plot(100 * np.array(accuracy[name]), [row] * 3, "o", color="white", markeredgecolor="black")
    ax.text(101, row, kinds[name] if name != "all right" else "", va="center")
ax.axvline(10, color="0.3", linestyle=":")
ax.text(11, 5.55, "guessing", color="0.3", va="bottom")
ax.invert_yaxis()
ax.set(
    xlabel="test accuracy after five epochs, % (bar: mean of three starts)",
    xlim=(0, 130),
    xticks=range(0, 101, 20),
    title="Networks learn from wrong gradients, too: only the check tells",
)
fig.savefig(pictures / "24_wrong_gradients.png", dpi=120)

# %% [markdown]
# ## 6.* First trap: the kink
#
# ReLU is max(x, 0). At x = 0 it has a corner: to its right the slope is 1, to its left 0. Which
# number will the central difference give there? And which one is right?

# %%
relu = ReLU()
at_zero = np.array([[0.0]])
by_formula = relu.backward(at_zero, relu.forward(at_zero), np.array([[1.0]]))[0, 0]
measured = central_difference(lambda value: max(value, 0.0), 0.0, 1e-5)
print(f"at the corner: by the formula {by_formula:g}, measured {measured:g}")
assert by_formula == 0
assert abs(measured - 0.5) < 1e-9

# %% [markdown]
# Half of each. Nobody is wrong: a corner has no slope, and any number from 0 to 1 is as good. But a
# naive check would cry "wrong". It is enough to be *near* the corner, within h of it.
#
# Is that rare? No: a blank image and biases that start at 0 put every hidden unit right on its
# corner. `check_gradients` knows, says so, and checks a little beside it.

# %%
blank = np.zeros((2, 64))
model = network(Dense, ReLU, Softmax, seed=0)
report = check_gradients(model, blank, y[:2])
print(report)
assert report.ok
assert {finding.kind for finding in report.findings} == {"kink"}

# %% [markdown]
# ## 7.* Second trap: a gradient of all ones
#
# To check a layer alone, something has to stand in for the slope that comes from above, dy. Many
# take the simplest: all ones. That is the same as asking for the gradient of the *sum* of the
# layer's outputs.
#
# Now a softmax's outputs always sum to 1. What is the gradient of something that never changes?


# %%
class WrongWay(Softmax):
    """The right gradient with the wrong sign."""

    def backward(self, x, y, dy, memo=None):
        return -super().backward(x, y, dy, memo)


class Nothing(Softmax):
    """No gradient at all."""

    def backward(self, x, y, dy, memo=None):
        return np.zeros_like(dy)


def error_of_layer(layer, z, dy):
    """The largest difference between the formula and central differences, for this dy."""
    analytic = layer.backward(z, layer.forward(z), dy)
    measured = np.zeros_like(z)
    for index in np.ndindex(z.shape):
        moved = np.zeros_like(z)
        moved[index] = 1e-5
        change = layer.forward(z + moved) - layer.forward(z - moved)
        measured[index] = (dy * change).sum() / 2e-5
    return np.abs(analytic - measured).max()


z = np.random.default_rng(0).normal(size=(3, 4))
ones = np.ones((3, 4))
random_dy = np.random.default_rng(1).normal(size=(3, 4))
rows = []
for layer in (Softmax(), WrongWay(), Nothing()):
    with_ones, with_random = (error_of_layer(layer, z, dy) for dy in (ones, random_dy))
    rows.append([type(layer).__name__, f"{with_ones:.0e}", f"{with_random:.0e}"])
    assert with_ones < 1e-9
    assert (with_random < 1e-9) == (type(layer) is Softmax)
    assert check_gradients(layer, z).ok == (type(layer) is Softmax)
print(Table(["layer", " dy all ones", " dy random"], rows, title="Largest error"))

# %% [markdown]
# With ones, all three pass: the right gradient is 0, so is minus 0, and so is nothing. Random
# numbers tell them apart, which is why `check_gradients` draws dy at random.
#
# ## 8. The recipe
#
# 16 digits · complex step, or central differences with h = 10⁻⁵ · a few rows of real data · off the
# corners, as of ReLU at 0, where there is no slope (the first trap) · for a layer alone a random
# gradient from above, since all ones let a wrong softmax pass (the second) · and an `assert`, since
# nobody reads what a check prints the hundredth time.

# %% tags=["hide-input"]
print(f"Pictures: 24_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Write a seventh mistake: a Dense whose `gradient` leaves out `db`, or divides dW by the number
#    of rows. Guess its accuracy and what `check_gradients` will call it. Were you right?
# 2. Train the networks of part 5 with `minnet.optimizers.SGD(0.1)` in place of "adam", then with
#    SGD(0.5). At 0.5 the right formula still learns, but two mistakes that got by with "adam" no
#    longer do. Which two? Adam divides each slope by its recent size: why does that hide them?
# 3. At w = 12 the formula of part 1 and the complex step no longer agree in the sixth digit. Who is
#    right? (1 − tanh(w) is 2 / (e²ʷ + 1), in which nothing is subtracted.) Where are digits lost?
