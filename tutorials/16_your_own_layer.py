# %% [markdown]
# # Write your own layer
#
# *Before this one: 05 (check your gradients) and 08 (optimizers). Reading time: 18 minutes.*
#
# Every piece of a network was once somebody's idea, and each idea is a few lines: a formula,
# its derivative, and a place for the weights. In this tutorial you build a layer that minnet does
# not have, an activation whose *shape is learned*, from the first formula to a saved model. Then
# you find out whether it is any good, which is another question.
#
# By the end you will know what minnet asks of a layer, how to have your formulas checked, and how
# to write a loss and a callback of your own in the same way.

# %%
from pathlib import Path
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import check_gradients
from minnet.callbacks import Callback
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.initializers import Constant
from minnet.layers import Dense, Layer, ReLU
from minnet.losses import Loss
from minnet.plots import COLOURS, MARKERS, STYLES
from minnet.teaching import Computation, LayerFormulas, explains

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. The idea
#
# ReLU is x, switched off below 0. The switch is hard. A soft one is the sigmoid, which goes
# smoothly from 0 to 1: σ(x) = 1 / (1 + e⁻ˣ). x times this switch is an activation called Swish:
#
# $$y = x · σ(β x)$$
#
# The number β says how hard the switch is. What will the curve be with β = 0? And with a very large
# β? Think first, then look at `16_swish.png`.


# %%
def sigmoid(x):
    """1 / (1 + e⁻ˣ), written with tanh, which is the same curve and cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


t = np.linspace(-4, 4, 401)
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
looks = zip((0, 0.5, 1, 5), [*COLOURS[:3], "black"], STYLES, strict=True)
for beta, colour, style in looks:
    ax.plot(t, t * sigmoid(beta * t), style, color=colour, linewidth=2, label=f"Swish, β = {beta}")
ax.plot(t, np.maximum(t, 0), color="0.75", linewidth=6, zorder=0, label="ReLU")
ax.set(xlabel="x", ylabel="y", title="From a straight line to ReLU: β says how hard the switch is")
ax.legend()
fig.savefig(pictures / "16_swish.png", dpi=120)

assert np.allclose(t * sigmoid(0 * t), t / 2)
gaps = [np.abs(t * sigmoid(beta * t) - np.maximum(t, 0)).max() for beta in (1, 5, 100)]
print("largest distance from ReLU with β = 1, 5, 100:", ", ".join(f"{gap:.3f}" for gap in gaps))
assert gaps[0] > 0.2
assert gaps[2] < 0.01

# %% [markdown]
# With β = 0 it is the line x / 2, with a large β it is ReLU. Usually β is fixed at 1. We want the
# network to *learn* it, one β for each unit.
#
# ## 2. Forward
#
# A layer is a class. It gets a batch x, one sample a row, and returns y. (`memo` is for layers that
# do something else in training than later, such as dropout; ours does not.) We begin with β = 1.


# %%
class Sketch(Layer):
    """y = x · σ(x)."""

    def forward(self, x, memo=None):
        return x * sigmoid(x)


print(Sketch()([[-1.0, 0.0, 2.0]]))

# %% [markdown]
# That is a layer already: a model with it can predict. Can it be trained?

# %%
x, y, x_test, y_test = minnet.datasets.digits(per_class=100, seed=0)


def network(activation, widths=(32, 32), seed=0):
    """Hidden layers, each followed by its own activation layer, and ten outputs."""
    layers = []
    for width in widths:
        layers += [Dense(width), activation()]
    model = minnet.Sequential([*layers, Dense(10, activation="softmax")], seed=seed)
    model.build((64,))
    model.compile("adam", "cross_entropy", ["accuracy"])
    return model


try:
    network(Sketch).fit(x, y, verbose=0)
except NotImplementedError as error:
    print("NotImplementedError:", error)
else:
    raise AssertionError("a layer without backward was trained")

# %% [markdown]
# ## 3. Backward
#
# On the way back (tutorial 04) the layer is handed dy, the slope of the loss with respect to y, and
# has to return dx = dy · ∂y/∂x. It also gets the x and y of the way there, so it need not remember
# anything. Here is a derivative, written in a hurry: the slope of x · σ(x) is σ(x)?


# %%
class Hasty(Sketch):
    """Something is missing here."""

    def backward(self, x, y, dy, memo=None):
        return dy * sigmoid(x)


some = np.random.default_rng(0).normal(size=(5, 3))
report = check_gradients(Hasty(), some)
print(report)
assert not report.ok

# %% [markdown]
# Wrong, of course: x stands in two places, so there is a product rule. With s = σ(x), and with the
# sigmoid's own derivative s (1 − s):
#
#     ∂y/∂x = s + x · s (1 − s) = s + y (1 − s)


# %%
class FixedSwish(Sketch):
    """y = x · σ(x), with its derivative."""

    def backward(self, x, y, dy, memo=None):
        s = sigmoid(x)
        return dy * (s + y * (1 - s))


report = check_gradients(FixedSwish(), some)
print(report)
assert report.ok

# %% [markdown]
# ## 4. A weight to learn
#
# Now β. A layer with weights says three things more:
#
# - `parameters`: the names of its arrays. For "beta" there will be `self.beta`, and `self.dbeta`
#   for its slopes. (The model lays all of them end to end in one long vector, where the optimizer
#   and the files find them.)
# - `build`: creates them, as soon as the number of columns is known;
# - `gradient`: fills `self.dbeta`. β of column d is at work in every row n, so its slopes add up:
#
#       ∂L/∂β_d = Σₙ dy_nd · ∂y_nd/∂β_d,   and   ∂y/∂β = x · x s (1 − s) = x y (1 − s)
#
# And since β stands beside x, ∂y/∂x has a β in it now. The whole layer:


# %%
@minnet.register
class Swish(Layer):
    """y = x · σ(β x), with a β for each column that is learned."""

    parameters = ("beta",)
    training_differs = False

    def __init__(self, initial=1.0, *, name=None):
        super().__init__(name=name)
        self.initial = initial

    def build(self, input_shape, rng):
        self.add_weight("beta", input_shape, Constant(self.initial), rng)

    def forward(self, x, memo=None):
        return x * sigmoid(self.beta * x)

    def backward(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        return dy * (s + self.beta * y * (1 - s))

    def gradient(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        self.dbeta[...] = (dy * x * y * (1 - s)).sum(axis=0)


report = check_gradients(Swish(), some)
print(report)
assert report.ok
assert report.total == some.size + 3

# %% [markdown]
# The check covered the 15 entries of x and the 3 of β. Two mistakes are easily made here,
# and nothing would crash: `.mean` for `.sum` (the loss has divided by N already, so it would be
# done twice), and a `gradient` that was left for later. Would the check notice?


# %%
class Averaged(Swish):
    """The mean over the rows, where the sum belongs."""

    def gradient(self, x, y, dy, memo=None):
        s = sigmoid(self.beta * x)
        self.dbeta[...] = (dy * x * y * (1 - s)).mean(axis=0)


class Forgotten(Swish):
    """β never gets a slope."""

    def gradient(self, x, y, dy, memo=None):
        pass


for wrong, kind in ((Averaged(), "sum-vs-mean"), (Forgotten(), "not-filled")):
    report = check_gradients(wrong, some)
    print(f"- {report.findings[0]}")
    assert [finding.kind for finding in report.findings] == [kind]

# %% [markdown]
# ## 5. In a model: train, freeze, save
#
# It is a layer like any other now. A look at the summary: where are the 32 + 32 new weights?

# %%
model = network(Swish)
model.summary()
assert model.count_params() == network(ReLU).count_params() + 64
assert check_gradients(model, x[:8], y[:8]).ok

# %% [markdown]
# How does β move in training? A *callback* is a class whose methods `fit` calls at certain moments.
# This one notes all β at the end of each epoch:


# %%
class WatchBeta(Callback):
    """Keeps β of a layer, epoch by epoch."""

    def __init__(self, layer):
        self.layer = layer
        self.betas = []

    def on_train_begin(self, logs=None):
        self.betas = [self.model.get_layer(self.layer).beta.copy()]

    def on_epoch_end(self, epoch, logs=None):
        self.betas.append(self.model.get_layer(self.layer).beta.copy())


watch = WatchBeta("swish_1")
model.fit(x, y, epochs=30, verbose=0, callbacks=[watch])
betas = np.array(watch.betas)  # (31, 32): before the training and after each epoch
low, high = betas[-1].min(), betas[-1].max()
print(f"β started at {betas[0, 0]:g}; after 30 epochs the 32 units have {low:.2f} to {high:.2f}")
assert (betas[0] == 1).all()
assert np.mean(betas[-1] > 1) > 0.75

fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
ax.plot(betas, color=COLOURS[0], alpha=0.4, linewidth=1)
ax.plot(betas.mean(axis=1), color=COLOURS[1], linewidth=3, label="mean of the 32 units")
ax.axhline(1, color="0.5", linestyle=":", label="where they started")
ax.set(
    xlabel="epoch",
    ylabel="β of each unit of swish_1",
    title="Given the choice, the units make their switch harder",
)
ax.legend(loc="upper left")
fig.savefig(pictures / "16_beta.png", dpi=120)

# %% [markdown]
# `fit` itself is made like this: all that it does besides learning, from the progress line to
# putting a diverged model back, takes part by the same hooks as your callback. Here is its loop,
# with who is told at which point:

# %%
model.show_training_loop([watch])

# %% [markdown]
# `on_gradient` comes between the gradient and the update, where `self.model.grad` may be changed.
# So noise in the gradient, which can shake a training out of a bad start (Neelakantan et al.,
# 2015), is one line:


# %%
class NoisyGradient(Callback):
    """Adds noise of a given size to every gradient."""

    def __init__(self, size, seed):
        self.size, self.rng = size, np.random.default_rng(seed)

    def on_gradient(self, batch, logs=None):
        self.model.grad += self.size * self.rng.standard_normal(self.model.grad.size)


quiet, noisy = network(Swish), network(Swish)
quiet.fit(x, y, epochs=2, verbose=0, seed=0)
noisy.fit(x, y, epochs=2, verbose=0, seed=0, callbacks=[NoisyGradient(0.01, seed=0)])
assert not np.array_equal(quiet.theta, noisy.theta)
print(
    f"after 2 epochs: loss {quiet.evaluate(x, y)['loss']:.3f}, "
    f"with noise in the gradient {noisy.evaluate(x, y)['loss']:.3f}"
)

# %% [markdown]
# **A step of your own.** A class below `Sequential` may override `loss_and_gradient` and
# `apply_gradient`, the two halves of a training step. Then everything that makes a step makes it
# your way: `fit`, `train_on_batch`, `check_gradients`, `explain_step`, the doctor. This one wants
# small weights as well as right answers. It adds to the loss, but forgets to add to the gradient,
# and the check says so:


# %%
class Calm(minnet.Sequential):
    """Adds the mean square of its weights to the loss."""

    def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
        loss = super().loss_and_gradient(x, y, sample_weight, seed=seed)
        return loss + np.mean(self.theta * self.theta)


class Calmer(Calm):
    """Adds it to the gradient, too."""

    def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
        loss = super().loss_and_gradient(x, y, sample_weight, seed=seed)
        self.grad += 2 * self.theta / self.theta.size
        return loss


for kind in (Calm, Calmer):
    own = kind([Dense(4, activation="tanh", input_dim=64), Dense(10, activation="softmax")], seed=0)
    own.compile("sgd", "cross_entropy")
    print(kind.__name__, "right" if check_gradients(own, x[:8], y[:8]).ok else "WRONG")
assert check_gradients(own, x[:8], y[:8]).ok

# %% [markdown]
# Methods at the edge (`fit`, `predict`, `save`, `summary`, …) may be overridden with `super()`.
# What a step is made of besides, such as `forward`, may not: that is what layers are for, and the
# class is refused with a sentence that says what to write instead.
#
# **Freeze.** A frozen layer keeps every bit. minnet does not even call its `gradient`; but it still
# calls `backward`, or the layers below could not learn.

# %%
frozen = network(Swish)
frozen.freeze("swish_*")
frozen.fit(x, y, epochs=2, verbose=0)
assert (frozen.get_layer("swish_1").beta == 1).all()
assert not np.array_equal(frozen.layers[0].W, network(Swish).layers[0].W)
print("frozen: every β is 1 as before, and the layer below has learned")

# %% [markdown]
# **Save.** The file keeps the class's name and the arguments of its constructor, not its code. That
# is why the constructor has to keep `initial` under that very name, and why `@minnet.register`
# stands above the class: it enters the name into the table in which `load` looks it up. `Averaged`
# is not in the table:

# %%
print(model.get_layer("swish_1").get_config())
model.save(pictures / "16_swish.npz")
again = minnet.load(pictures / "16_swish.npz")
assert np.array_equal(again.predict(x_test), model.predict(x_test))
assert type(again.get_layer("swish_1")) is Swish
print("saved and loaded: the same predictions to the last bit")

try:
    network(Averaged).save(pictures / "16_averaged.npz")
except TypeError as error:
    print("TypeError:", error)
else:
    raise AssertionError("a class that is not registered was saved")

# %% [markdown]
# (To load the file one needs your class, too, so put it into a module of its own. Nothing in a
# minnet file is ever run.)
#
# **Explain.** `explain_step` (tutorial 04) goes through your layer as well, but all it can quote is
# its docstring. Give it the formulas, in a function under `@explains(Swish)`, and your layer is
# explained as minnet's own are; minnet's have such functions, too, in
# `minnet/teaching/explain/layers.py`. In a formula, `@x`, `@y`, `@dx` and `@dy` are the layer's own
# arrays. They get the names that these have in the network:


# %%
@explains(Swish)
def swish(step):
    return LayerFormulas(
        y=Computation("s = σ(β @x)", "@y = @x ⊙ s"),
        dx=Computation("@dx = @dy ⊙ (s + β @y ⊙ (1 − s))"),
        gradients={
            "beta": Computation("dβ[d] = Σ_n @dy[n, d] · @x[n, d] · @y[n, d] · (1 − s[n, d])")
        },
        about="s is the switch: σ(z) = 1 / (1 + exp(−z)).",
    )


text = str(minnet.explain_step(network(Swish, widths=[3]), x[:3], y[:3]))
print(text[text.index("1.2 ") : text.index("1.3 ")])
print(text[text.index("3.3 ") : text.index("3.4 ")].rstrip())
assert "y2 = y1 " in text
assert "dy1 = dy2 " in text

# %% [markdown]
# A loss gets `LossFormulas` in the same way, and an optimizer `OptimizerFormulas`.
#
# ## 6. Is it any good?
#
# New activations are published all the time, and each of them beats ReLU on some data with some
# seed. Test ours as you would test somebody else's: against ReLU, and against Swish with β frozen
# at 1, to see whether it is the *learning* of β that helps. The same data, the same number of
# epochs, and five starts each. What is your bet?


# %%
def accuracy(activation, seed, freeze=False):
    """Percent of other people's digits right, and milliseconds an epoch."""
    model = network(activation, seed=seed)
    if freeze:
        model.freeze("swish_*")
    start = perf_counter()
    model.fit(x, y, epochs=20, verbose=0, seed=seed)
    seconds = perf_counter() - start
    return 100 * model.evaluate(x_test, y_test)["accuracy"], 1000 * seconds / 20


ways = {"ReLU": (ReLU, False), "Swish, β = 1": (Swish, True), "Swish, β learned": (Swish, False)}
runs = {
    name: [accuracy(layer, seed, freeze) for seed in range(5)]
    for name, (layer, freeze) in ways.items()
}
percent = {name: np.array([run[0] for run in several]) for name, several in runs.items()}
rows = [
    [
        name,
        f"{p.mean():.1f}",
        f"{p.min():.1f} to {p.max():.1f}",
        f"{np.median(runs[name], 0)[1]:.0f}",
    ]
    for name, p in percent.items()
]
print(Table(["", " mean %", " five starts %", " ms an epoch"], rows))

means = [p.mean() for p in percent.values()]
spread = max(np.ptp(p) for p in percent.values())
gap = max(means) - min(means)
print(f"the means differ by {gap:.1f} points, one way's starts by up to {spread:.1f}")
assert min(means) > 85
assert gap < spread

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for row, (p, colour, marker) in enumerate(zip(percent.values(), COLOURS, MARKERS, strict=False)):
    ax.plot(p, [row] * 5, marker, color=colour, markersize=9, alpha=0.7)
    ax.plot([p.mean()] * 2, [row - 0.25, row + 0.25], color="black", linewidth=2)
ax.set(
    yticks=range(3),
    yticklabels=percent,
    ylim=(2.6, -0.6),
    xlabel="other people's digits right, % (five starts; the bar is their mean)",
    title="No winner: the start matters more than the activation",
)
fig.savefig(pictures / "16_against_relu.png", dpi=120)

# %% [markdown]
# The honest answer: on these digits it makes no difference that five starts could show, and a tanh
# for each number is more work than ReLU's comparison. The units did use their freedom to move β,
# and got nothing for it. That is no disgrace. It is the usual fate of an idea; without the five
# starts you might have published the best of them. (The paper that named it, by Ramachandran, Zoph
# and Le in 2017, found Swish better by less than one point in large networks for a thousand kinds
# of images.)
#
# ## 7. A loss of your own
#
# A loss has two formulas as well: `per_sample`, one number for each row, and `gradient`, the slope
# of their *mean*. Here is Huber's loss (1964) of the error e: like e²/2 while |e| is small, and
# growing only along a line beyond, so that one wild value cannot drag everything with it. (minnet
# has it as `losses.Huber`, so yours needs a name of its own.)


# %%
@minnet.register
class MyHuber(Loss):
    """e² / 2 where |e| is at most d, else d (|e| − d / 2); the mean over the outputs."""

    def __init__(self, d=1.0):
        self.d = d

    def per_sample(self, prediction, target):
        e = prediction - target
        size = np.where(e.real > 0, e, -e)  # |e|, for complex numbers, too
        losses = np.where(size.real <= self.d, e * e / 2, self.d * (size - self.d / 2))
        return losses.mean(axis=1)

    def gradient(self, prediction, target):
        e = prediction - target
        return np.where(np.abs(e) <= self.d, e, self.d * np.sign(e)) / e.size


guess = np.array([[0.3], [-4.0], [2.5]])
report = check_gradients(MyHuber(), guess, np.zeros((3, 1)))
print(report)
assert report.ok

# %% [markdown]
# (`np.abs` in `per_sample` would spoil the check's complex step, see tutorial 24. It would then do
# with central differences.) Twenty points on the line y = 2x, and at the last of them somebody's
# finger slipped: −30 for 2. Which slope does each loss find?

# %%
points = np.linspace(-1, 1, 20).reshape(-1, 1)
values = 2 * points
values[-1] = -30
slopes = {}
for name, loss in (("mean squared error", "mse"), ("Huber", MyHuber(0.5))):
    line = minnet.Sequential([Dense(1, input_dim=1)], seed=0)
    line.compile(minnet.optimizers.SGD(0.2), loss)
    line.fit(points, values, batch_size=20, epochs=400, verbose=0)
    slopes[name] = float(line.layers[0].W[0, 0])
    print(f"{name:18}  slope {slopes[name]:5.2f}")
assert abs(slopes["Huber"] - 2) < 0.3
assert slopes["mean squared error"] < 0
print(f"Pictures: 16_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Make `Sketch`, which has no `backward`, the *first* layer of a model, before a Dense:
#    `Sketch(input_shape=64)`. Train it. Why does that work?
# 2. Write `Noise(amount)`: in training (`memo` is not None) it adds numbers from
#    `memo["rng"].normal(size=x.shape)`, times the amount, to x; later it hands x on. What is its
#    `backward`? Check it, put it in front of the network, and try 0.1, 0.3 and 0.6. Does it help?
# 3. Give `Swish` a single β for the whole layer: the shape is (1,). Which line of `gradient` has to
#    change, and what does `check_gradients` say if you forget it?
