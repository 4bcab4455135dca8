# %% [markdown]
# # One neuron, by hand
#
# *Before this one: nothing. Reading time: 8 minutes.*
#
# A neural network is one small thing, many times over. Here you build that thing and let it learn.
# By the end you will know what weights, a bias, an activation, a loss, a gradient and a learning
# rate are; you will have worked one step of learning on paper and seen minnet compute the same
# numbers.
#
# Run it cell by cell (`# %%` begins one; VS Code and Spyder run one at a time), or all at once.
# Guess *before* you run a cell. You need not read lines that begin with `assert`, which check that
# the text is true (delete one that stops you after you have changed something), nor cells with the
# tag `hide-input`, which draw. Sections with a star, such as 4.*, can wait for a second reading:
# the others never need them.

# %%
import math
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.layers import Dense

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Something to learn
#
# Two switches are off (0) or on (1), and a lamp should light if both are on: AND. Each of the four
# cases is a *sample*: two *inputs* x₁ and x₂, and a *target* t, the right answer.

# %%
x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # a row for each sample
t = np.array([0.0, 0.0, 0.0, 1.0])
print("lamp:", t)

# %% [markdown]
# Nobody tells the neuron what AND means. It sees these four rows.
#
# ## 2. A neuron
#
# A neuron takes a weighted sum of its inputs, and squeezes it into the range from 0 to 1:
#
# $$z = w_1 x_1 + w_2 x_2 + b, \qquad p = \frac{1}{1 + e^{-z}}$$
#
# The *weights* w₁ and w₂ say how much each input counts, and in which direction. The *bias* b is
# what the neuron thinks before it has seen any input. The curve, here the *sigmoid*, is called an
# *activation*. We read p as "how sure am I that the lamp is lit?"
#
# Any three numbers will do for a start. **Guess:** what is p where both switches are off?


# %%
def sigmoid(z):
    """From any number to one between 0 and 1."""
    return 1 / (1 + math.exp(-z))


w1, w2, b = 0.5, -0.5, 0.0
for x1, x2 in x:
    z = w1 * x1 + w2 * x2 + b
    p = sigmoid(z)
    print(f"x = {x1:.0f} {x2:.0f}   z = {z:4.1f}   p = {p:.3f}")
assert sigmoid(w1 * 0 + w2 * 0 + b) == 0.5

# %% [markdown]
# With both switches off only the bias is left: z = 0 and p = 0.5, "no idea". The two inputs pull in
# opposite directions, since one weight is negative. None of this is AND yet.
#
# ## 3. How wrong is it?
#
# To get better, the neuron needs a number that says how bad it is: the *loss*. If the lamp is lit
# (t = 1), it has to be small where p is near 1, and large where p is near 0. The usual choice is
# the natural logarithm:
#
# $$L = -\log p \;\text{ if } t = 1, \qquad L = -\log(1 - p) \;\text{ if } t = 0$$
#
# This loss is called *binary cross-entropy*. **Guess:** what is it at p = 0.5, whatever the
# target?


# %%
def loss_of(p, target):
    """The binary cross-entropy of one sample."""
    return -math.log(p) if target == 1 else -math.log(1 - p)


for p in (0.99, 0.5, 0.01):
    print(f"p = {p:4.2f}   if lit: {loss_of(p, 1):.3f}   if not: {loss_of(p, 0):.3f}")
assert loss_of(0.5, 1) == loss_of(0.5, 0) == math.log(2)
assert 450 < loss_of(0.01, 1) / loss_of(0.99, 1) < 470

# %% [markdown]
# "No idea" costs log 2 = 0.693; remember this number. To be sure and wrong costs more than 450
# times as much as to be sure and right.
#
# ## 4.* Why not count mistakes?
#
# Why not simply count mistakes? Because a count does not tell you where to go. Move a weight by a
# thousandth: the number of mistakes stays the same, but the loss changes a little, and this little
# tells us whether the move was a good one. (The one below is not.)


# %%
def mistakes_and_loss(w1, w2, b):
    """How many of the four rows are on the wrong side of 0.5, and their mean loss."""
    ps = [sigmoid(w1 * x1 + w2 * x2 + b) for x1, x2 in x]
    mistakes = sum((p > 0.5) != (target == 1) for p, target in zip(ps, t, strict=True))
    return mistakes, sum(map(loss_of, ps, t)) / 4


before, after = mistakes_and_loss(w1, w2, b), mistakes_and_loss(w1, w2 - 0.001, b)
print(f"w₂ = {w2:.3f}: {before[0]} mistakes, loss {before[1]:.6f}")
print(f"w₂ = {w2 - 0.001:.3f}: {after[0]} mistakes, loss {after[1]:.6f}")
assert before[0] == after[0] == 2
assert after[1] > before[1]

# %% [markdown]
# Here are both curves. On the left the sigmoid, on the right the loss against z. The surer a wrong
# answer is, the more it costs: far out, each step of z costs another whole unit.

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
zs = np.linspace(-6, 6, 241)
ps = np.array([sigmoid(z) for z in zs])
left.plot(zs, ps, color=plots.COLOURS[0], linewidth=2.5)
left.axhline(0.5, color="0.6", linestyle=":")
left.plot(0, 0.5, "o", color="black")
left.annotate("no idea:\nz = 0, p = 0.5", (0, 0.5), (0.7, 0.42), va="top")
left.set(xlabel="z, the weighted sum", ylabel="p", title="The sigmoid: any z becomes 0 < p < 1")
right.plot(zs, -np.log(ps), color=plots.COLOURS[0], linewidth=2.5, label="t = 1: −log p")
right.plot(
    zs, -np.log(1 - ps), color=plots.COLOURS[1], linewidth=2.5, linestyle="--", label="t = 0"
)
right.lines[1].set_label("t = 0: −log(1 − p)")
right.plot(0, math.log(2), "o", color="black")
right.annotate("log 2", (0, math.log(2)), (0, 1.05), ha="center")
right.set(xlabel="z, the weighted sum", ylabel="loss", title="Sure and wrong is what costs")
right.legend(loc="upper center")
for ax in (left, right):
    ax.grid(alpha=0.3)
figure.savefig(pictures / "01_sigmoid_and_loss.png", dpi=120)
slope = loss_of(sigmoid(-6), 1) - loss_of(sigmoid(-5), 1)
assert 0.99 < slope < 1

# %% [markdown]
# ## 5. Which way is down? The chain rule
#
# Take one row: both switches on, so t = 1. How does the loss change if w₁ grows a little? This rate
# is the derivative ∂L/∂w₁ (a curly ∂, since the other numbers stay as they are). The loss depends
# on p, p on z, and z on w₁; along such a chain, rates are multiplied:
#
# $$\frac{∂L}{∂w_1} = \frac{∂L}{∂p} · \frac{∂p}{∂z} · \frac{∂z}{∂w_1}$$
#
#     ∂L/∂p  = −1/p                  derivative of −log p
#     ∂p/∂z  = p (1 − p)             derivative of the sigmoid
#     ∂z/∂w₁ = x₁                    since z = w₁ x₁ + …
#
# Do it on paper: x₁ = x₂ = 1, z = 0, p = 0.5. **Guess** the sign first: will more w₁ make the loss
# larger or smaller?

# %%
x1, x2, target = 1.0, 1.0, 1.0
p = sigmoid(w1 * x1 + w2 * x2 + b)
dloss_dp, dp_dz, dz_dw1 = -1 / p, p * (1 - p), x1
dloss_dw1 = dloss_dp * dp_dz * dz_dw1
print(f"∂L/∂w₁ = {dloss_dp:g} · {dp_dz:g} · {dz_dw1:g} = {dloss_dw1:g}")
assert (dloss_dp, dp_dz, dloss_dw1) == (-2.0, 0.25, -0.5)

# %% [markdown]
# Negative: more w₁, less loss.
#
# Multiply the first two factors with letters in place of numbers: −1/p · p (1 − p) = p − 1. If t =
# 0 it is 1/(1 − p) · p (1 − p) = p. Both are p − t, so
#
#     ∂L/∂z  = p − t                 what came out minus what should have
#     ∂L/∂w₁ = (p − t) x₁            the error times the input; likewise for w₂
#     ∂L/∂b  = p − t
#
# An input of 0 had no part in the mistake: its weight gets no blame. The three together are the
# *gradient*. It points uphill.
#
# ## 6.* Check it by a nudge
#
# Never trust a derivative that you have not checked. Nudge w₁ by a very small h to both sides:

# %%
h = 1e-5
above = loss_of(sigmoid((w1 + h) * x1 + w2 * x2 + b), target)
below = loss_of(sigmoid((w1 - h) * x1 + w2 * x2 + b), target)
print(f"measured by a nudge: {(above - below) / (2 * h):.9f}")
assert abs((above - below) / (2 * h) - dloss_dw1) < 1e-8

# %% [markdown]
# ## 7. One step
#
# So we go the other way, by a step in proportion to the gradient. The factor η (eta) is the
# *learning rate*, here 1:
#
# $$w_1 ← w_1 - η \frac{∂L}{∂w_1}, \quad \text{likewise for } w_2 \text{ and } b$$
#
# **Guess:** w₁ = 0.5, w₂ = −0.5 and b = 0, all three derivatives are −0.5. What is z after the
# step?

# %%
learning_rate = 1.0
error = p - target
loss_before = loss_of(p, target)
w1, w2 = w1 - learning_rate * error * x1, w2 - learning_rate * error * x2
b = b - learning_rate * error
z = w1 * x1 + w2 * x2 + b
loss_after = loss_of(sigmoid(z), target)
print(f"w₁ = {w1:g}, w₂ = {w2:g}, b = {b:g}: z = {z:g}, p = {sigmoid(z):.3f}")
print(f"loss of this row: {loss_before:.3f} → {loss_after:.3f}")
assert (w1, w2, b, z) == (1.0, 0.0, 0.5, 1.5)
assert abs(loss_after - 0.201) < 0.001

# %% [markdown]
# The loss of this row fell from 0.693 to 0.201. But with both switches off p should be 0. Only b
# counts there, and b went up.

# %%
print(f"p where both switches are off: 0.500 → {sigmoid(b):.3f}")
assert abs(sigmoid(b) - 0.622) < 0.001

# %% [markdown]
# What helps one row hurts another. Therefore we go down the *mean* loss of all four rows.
#
# ## 8. Two thousand steps
#
# The same formulas for all rows at once. `x @ w` makes the weighted sum of every row, and
# `x.T @ dz` adds up error times input over the rows; 1/N, with N rows, makes a mean of the sum.


# %%
def learn(x, t, steps, learning_rate=1.0):
    """The weights and biases on the way, and the loss at each; one neuron, all rows a step."""
    N = len(x)
    w, b = np.array([0.5, -0.5]), 0.0
    ws, bs, losses = [w], [b], []
    for _ in range(steps):
        z = x @ w + b
        p = 1 / (1 + np.exp(-z))
        losses.append(-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)))
        dz = (p - t) / N  # ∂L/∂z of each row
        dw = x.T @ dz  # Σ over the rows of error times input
        db = dz.sum()
        w, b = w - learning_rate * dw, b - learning_rate * db
        ws.append(w)
        bs.append(b)
    return np.array(ws), np.array(bs), np.array(losses)


ws, bs, losses = learn(x, t, steps=2000)
print(" step    loss    p for 00    01    10    11")
for step in (0, 1, 10, 100, 1000, 1999):
    p = 1 / (1 + np.exp(-(x @ ws[step] + bs[step])))
    print(f"{step:5}   {losses[step]:.3f}       " + "  ".join(f"{value:.2f}" for value in p))
assert np.array_equal(p > 0.5, t == 1)
assert abs(losses[0] - math.log(2)) < 0.02
assert losses[-1] < 0.05
assert (np.diff(losses) < 0).all()

# %% [markdown]
# It has learned AND. The loss has fallen in every single step, from near log 2 to less than 0.05.
#
# The neuron changes its mind where z = 0, that is on the straight line w₁ x₁ + w₂ x₂ + b = 0. To
# learn is to move this line. (The shades are p, and the line is where p = 0.5.)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.7), layout="constrained", sharey=True)
side = np.linspace(-0.4, 1.4, 181)
across, up = np.meshgrid(side, side)
for ax, step in zip(axes, (0, 10, 2000), strict=True):
    w, b = ws[step], bs[step]
    p = 1 / (1 + np.exp(-(w[0] * across + w[1] * up + b)))
    shades = ax.pcolormesh(side, side, p, cmap="YlGnBu", vmin=0, vmax=1.3, rasterized=True)
    ax.contour(side, side, p, levels=[0.5], colors="black", linewidths=2.5)
    for value, marker, label in ((0, "o", "t = 0"), (1, "s", "t = 1")):
        rows = t == value
        ax.scatter(*x[rows].T, s=110, c="white", ec="black", lw=1.5, marker=marker, label=label)
    wrong = int(((x @ w + b > 0) != (t == 1)).sum())
    ax.set(xlabel="first switch, x₁", aspect="equal", xticks=[0, 1], yticks=[0, 1])
    ax.set_title(f"after {step:,} steps: {wrong} wrong" if step else f"at the start: {wrong} wrong")
axes[0].set_ylabel("second switch, x₂")
axes[1].legend(loc="center", framealpha=0.9)
bar = figure.colorbar(shades, ax=axes, label="p", shrink=0.85)
bar.ax.set_ylim(0, 1)
figure.suptitle("Learning AND: the line p = 0.5 moves between the one lit corner and the rest")
figure.savefig(pictures / "01_and.png", dpi=120)

# %% [markdown]
# ## 9.* What it has learned, and why it never finishes
#
# **Guess:** both switches play the same part in AND, but we began with weights of 0.5 and −0.5. Do
# they end up equal?

# %%
w, b = ws[-1], bs[-1]
print(f"w₁ = {w[0]:.2f}, w₂ = {w[1]:.2f}, b = {b:.2f}, b / w₁ = {b / w[0]:.2f}")
assert abs(w[0] - w[1]) < 0.01
assert -1.6 < b / w[0] < -1.5
assert np.isclose(losses[0], before[1])

# %% [markdown]
# They do. And b is about −1.5 times a weight: one switch is not enough to make z positive, two are.
# That is AND, said with three numbers.
#
# p comes nearer and nearer to 0 and 1, and never gets there: the sigmoid only reaches them at
# infinity. So the weights grow for ever, more and more slowly. Ten times as many steps divide the
# loss by about ten.
#
# And the code knows nothing of AND. With other targets it learns OR, "at least one is on".
# **Guess** b / w₁ for OR.

# %%
targets_of = {"AND": t, "OR": np.array([0.0, 1.0, 1.0, 1.0])}
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for i, (name, targets) in enumerate(targets_of.items()):
    ws_long, bs_long, losses_long = learn(x, targets, steps=20_001)
    w, b = ws_long[-1], bs_long[-1]
    assert np.array_equal(x @ w + b > 0, targets == 1)
    fall = losses_long[2000] / losses_long[20_000]
    print(
        f"{name:3}: w₁ = {w[0]:.2f}, w₂ = {w[1]:.2f}, b = {b:.2f}, b / w₁ = {b / w[0]:.2f}; "
        f"loss {losses_long[2000]:.4f} after 2,000 steps, {losses_long[20_000]:.4f} after 20,000"
    )
    assert 8 < fall < 12
    assert w.min() > ws_long[2000].max() + 3
    ax.plot(losses_long, color=plots.COLOURS[i], linestyle=plots.STYLES[i], lw=2.5, label=name)
assert -0.5 < b / w[0] < -0.4
ax.axhline(math.log(2), color="0.5", linestyle=":")
ax.annotate("no idea: log 2", (1.2, math.log(2)), va="bottom", color="0.3")
ax.set(xscale="log", yscale="log", xlim=(1, None), ylim=(None, 1.5))
ax.set(
    xlabel="step",
    ylabel="mean loss of the four rows",
    title="Ten times the steps, a tenth of the loss",
)
ax.grid(alpha=0.3)
ax.legend()
figure.savefig(pictures / "01_losses.png", dpi=120)

# %% [markdown]
# For OR b lies between −0.5 and −0.4 times a weight: one switch is enough.
#
# ## 10. The same by minnet
#
# minnet calls a row of neurons a *Dense* layer. Ours has one neuron ("unit"), two inputs and a
# sigmoid; `W` has a row for each input and a column for each neuron. "SGD" (*stochastic gradient
# descent*: most people take a random part of the rows in each step) is the rule of part 7. float64
# means numbers of 16 digits, like ours. `compile` tells the model its rule and its loss, and
# `train_on_batch` makes one step.

# %%
model = minnet.Sequential([Dense(1, activation="sigmoid", input_dim=2)], dtype="float64")
model.set_weights([np.array([[0.5], [-0.5]]), np.array([0.0])])
model.compile(minnet.optimizers.SGD(learning_rate=1.0), loss="binary_crossentropy")
their_losses = [model.train_on_batch(x, t) for _ in range(2000)]
gap = np.abs(their_losses - losses).max()
print(f"largest difference in any of the 2,000 losses: {gap:.0e}")
assert gap < 1e-11

# %% [markdown]
# The same numbers, apart from rounding in the last digits. Normally you would write
# `model.fit(x, t, batch_size=4, epochs=2000)` and `model.predict(x)`. A *batch* is the rows of one
# step, here all four, and an *epoch* is one pass through all rows.
#
# ## 11.* The gradient and the weights, too

# %%
neuron = model.layers[0]
print(f"after 2,000 steps: W = {neuron.W.ravel()}, b = {neuron.b}")
assert np.allclose(neuron.W.ravel(), ws[-1], rtol=0, atol=1e-11)
assert np.allclose(neuron.b, bs[-1], rtol=0, atol=1e-11)

model.set_weights([np.array([[0.5], [-0.5]]), np.array([0.0])])
first_loss = model.loss_and_gradient(x, t)  # nothing moves
print(f"minnet's first loss {first_loss:.12f}, ours {losses[0]:.12f}")
print(f"minnet's ∂L/∂W {neuron.dW.ravel()}, ours {(ws[0] - ws[1]) / learning_rate}")
assert abs(first_loss - losses[0]) < 1e-14
assert np.allclose(neuron.dW.ravel(), ws[0] - ws[1], rtol=0, atol=1e-14)

# %% [markdown]
# You have not used a tool here; you have built one, and then found that somebody else's works in
# the same way.

# %%
model.set_weights([ws[-1].reshape(2, 1), bs[-1:]])
print("minnet predicts", np.round(model.predict(x).ravel(), 3))
print(f"Pictures: 01_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Learn AND with a learning rate of 0.1, and of 10. After how many steps is the loss below 0.1?
#    Then try 100. Does the loss still fall in every step? (NumPy warns, and one loss is `nan`, "not
#    a number". Which p made that?)
# 2. Take the squared error L = (p − t)² instead. Work out ∂L/∂z by the chain rule, check it by a
#    nudge, and put it into `learn`. Now start from w = (−10, −10). What do the first hundred steps
#    do with either loss, and which factor in your formula is to blame?
# 3. Give it the targets 0, 1, 1, 0: "exactly one switch is on". What are w, b, all four p and the
#    loss in the end? (You know this loss.) Tutorial 03 says why.
