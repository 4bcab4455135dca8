# %% [markdown]
# # Losses: why softmax goes with cross-entropy
#
# *Before this one: 04 (backpropagation). Reading time: 18 minutes.*
#
# A loss is one number that says how wrong a network is. Many formulas would do that. But a network
# learns from the loss's *slope*, and with the wrong pair of output and loss the slope is smallest
# where the network is most wrong. By the end you will be able to derive the famous p − t, you will
# know why it has to be computed from the logits, and you will have seen four traps that cost people
# days.

# %%
import warnings
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.datasets import one_hot
from minnet.layers import Dense
from minnet.losses import BinaryCrossEntropy, CrossEntropy, MeanAbsoluteError, MeanSquaredError
from minnet.optimizers import SGD

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. One neuron that is badly wrong
#
# One sigmoid neuron, p = 1 / (1 + e⁻ᶻ), and its target t. Two losses:
#
# | loss | formula | slope |
# |---|---|---|
# | squared error | $L = (p - t)^2$ | $∂L/∂p = 2 (p - t)$ |
# | cross-entropy | $L = -t \ln p - (1 - t) \ln(1 - p)$ | $∂L/∂p = \frac{p - t}{p (1 - p)}$ |
#
# The weights feel ∂L/∂z, which is ∂L/∂p times the sigmoid's slope p (1 − p) (tutorial 06):
#
# $$\text{squared error:} \; \frac{∂L}{∂z} = 2 (p - t) · p (1 - p) \qquad
# \text{cross-entropy:} \; \frac{∂L}{∂z} = p - t$$
#
# The cross-entropy's denominator and the slope cancel. Say the target is 0. At p = 0.5 the squared
# error gives 0.25 to learn from. How much at p = 0.999, where the neuron could not be more wrong?

# %%
print("target 0      p    ∂L/∂z squared error    ∂L/∂z cross-entropy")
from_squares, from_entropy = {}, {}
for p in (0.5, 0.9, 0.99, 0.999):
    from_squares[p], from_entropy[p] = 2 * p * p * (1 - p), p
    print(f"{p:15} {from_squares[p]:22.4f} {from_entropy[p]:22.4f}")
    for loss, expected in (
        (MeanSquaredError(), from_squares),
        (BinaryCrossEntropy(), from_entropy),
    ):
        dp = loss.gradient(np.array([[p]]), np.array([[0.0]]))[0, 0]  # minnet's ∂L/∂p
        assert np.isclose(dp * p * (1 - p), expected[p])
assert from_squares[0.5] == 0.25
assert from_squares[0.999] < 0.002

# %% [markdown]
# The squared error is like a teacher who speaks more softly the worse the mistake is. Nielsen's
# book (2015, chapter 3) has a neuron with weight 2 and bias 2 which is to learn to turn the input 1
# into the output 0; η is 0.15. It starts at p = 0.98. Here it is, with both losses. (His squared
# error is ½ (p − t)², so with it he needs twice as many steps as we do.)

# %%
paths = {}
for loss in ("mse", "binary_crossentropy"):
    neuron = minnet.Sequential([Dense(1, activation="sigmoid", input_dim=1)])
    neuron.set_weights([[[2.0]], [2.0]])
    neuron.compile(SGD(0.15), loss)
    p = []
    for _ in range(300):
        p.append(neuron.predict([[1.0]]).item())
        neuron.train_on_batch([[1.0]], [[0.0]])
    paths[loss] = np.array(p)
steps = {loss: int(np.argmax(p < 0.5)) for loss, p in paths.items()}
print(f"\nfrom p = {paths['mse'][0]:.2f} to below 0.5: squared error {steps['mse']} steps,")
print(f"cross-entropy {steps['binary_crossentropy']} steps")
assert round(paths["mse"][0], 2) == 0.98
assert steps["mse"] > 4 * steps["binary_crossentropy"]

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(paths["mse"], color=plots.COLOURS[1], linestyle="--", linewidth=2.5, label="squared error")
ax.plot(paths["binary_crossentropy"], color=plots.COLOURS[0], linewidth=2.5, label="cross-entropy")
ax.axhline(0, color="0.5", linewidth=0.8)
ax.set(xlabel="step", ylabel="output p (target: 0)", ylim=(-0.04, 1.04))
ax.set_title("The squared error hardly learns where it is most wrong")
ax.grid(alpha=0.3)
ax.legend(fontsize=12)
fig.savefig(pictures / "07_one_neuron.png", dpi=120)

# %% [markdown]
# ## 2. K classes: softmax, and p − t again
#
# For K classes the network puts out K numbers z₁ … z_K of any size, the *logits*. Softmax makes
# them probabilities: all positive, with sum 1.
#
# $$p_k = \frac{\exp z_k}{\sum_j \exp z_j}$$
#
# The cross-entropy is minus the logarithm of what the right class y was given, L = −ln p_y. In
# terms of the logits:
#
# $$L = -\ln \frac{\exp z_y}{\sum_j \exp z_j} = \ln \sum_j \exp z_j - z_y$$
#
# Now differentiate by z_k. The first term gives exp(z_k) / Σ_j exp(z_j), which is p_k; the second
# gives −1 for k = y and 0 for all others, which is −t_k if t is 1 for the right class and 0 else.
#
# $$\frac{∂L}{∂z_k} = p_k - t_k$$
#
# Three lines, no product of matrices: what it says minus what it should say. Check it against the
# definition of a derivative: move one logit by a little, and see what the loss does.


# %%
def softmax(z):
    """Each row as probabilities. (Not fit for use yet: see section 4.)"""
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def cross_entropy(z, t):
    """The mean of −ln p of the right class over the rows."""
    return np.mean(-np.sum(t * np.log(softmax(z)), axis=1))


def squared_error(z, t):
    """The mean of (p − t)² over rows and classes."""
    return np.mean((softmax(z) - t) ** 2)


def by_differences(loss, z, t, h=1e-6):
    """∂L/∂z from the definition: (L(z + h) − L(z − h)) / 2h, one number after the other."""
    dz = np.zeros_like(z)
    for index in np.ndindex(z.shape):
        moved = np.zeros_like(z)
        moved[index] = h
        dz[index] = (loss(z + moved, t) - loss(z - moved, t)) / (2 * h)
    return dz


rng = np.random.default_rng(0)
N, K = 4, 3
z = rng.normal(size=(N, K))
labels = np.array([2, 0, 1, 1])
t = one_hot(labels, K)
dz = (softmax(z) - t) / N  # 1/N, since the loss is the mean over N rows
print("\n(p − t) / N, row by row:")
print(dz.round(4))
gap = np.abs(dz - by_differences(cross_entropy, z, t)).max()
print(f"largest difference from the definition: {gap:.0e}")
assert gap < 1e-8
assert np.allclose(dz, CrossEntropy(from_logits=True).gradient(z, labels))
assert np.allclose(dz.sum(axis=1), 0)  # what one class gains, the others lose

# %% [markdown]
# The squared error is not so lucky. Softmax alone has the derivatives ∂p_j/∂z_k = p_j (1 if j = k
# else 0, minus p_k), so each term has a factor p, and nothing cancels it:
#
# $$\frac{∂L}{∂z_k} = p_k \left(d_k - \sum_j d_j p_j\right) \quad \text{with} \quad
# d = \frac{∂L}{∂p} = \frac{2 (p - t)}{K}$$
#
# Let the first class have the logit s and the other two 0, and let the second be the right one. The
# larger s is, the surer the network is, and the more wrong. What happens to the two gradients?

# %%
print("\n logit of the wrong class    p of the right one    |∂L/∂z| cross-entropy    squared error")
wrong = np.arange(0, 16, 0.5)
t = np.array([[0.0, 1.0, 0.0]])
norms = {"cross-entropy": [], "squared error": []}
for s in wrong:
    z = np.array([[s, 0.0, 0.0]])
    p = softmax(z)
    d = 2 * (p - t) / 3
    of_squares = p * (d - np.sum(d * p))
    norms["cross-entropy"].append(np.linalg.norm(p - t))
    norms["squared error"].append(np.linalg.norm(of_squares))
    assert np.allclose(of_squares, by_differences(squared_error, z, t), atol=1e-8)
    if s in (0, 2, 5, 10, 15):
        row = [values[-1] for values in norms.values()]
        print(f"{s:15.0f} {p[0, 1]:25.7f} {row[0]:22.4f} {row[1]:20.7f}")
assert norms["cross-entropy"][-1] > 1.4
assert norms["squared error"][-1] < 1e-6

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.semilogy(wrong, norms["cross-entropy"], color=plots.COLOURS[0], linewidth=2.5)
ax.semilogy(wrong, norms["squared error"], color=plots.COLOURS[1], linestyle="--", linewidth=2.5)
ax.text(6, 2, "cross-entropy: p − t", color=plots.COLOURS[0], fontsize=13)
ax.text(7.3, 8e-3, "squared error", color=plots.COLOURS[1], fontsize=13)
ax.set(xlabel="logit of the wrong class: sure → surer", ylabel="size of ∂L/∂z", ylim=(1e-7, 10))
ax.set_title("Sure and wrong: only the cross-entropy still pulls")
ax.grid(alpha=0.3)
fig.savefig(pictures / "07_sure_and_wrong.png", dpi=120)

# %% [markdown]
# ## 3. Does it matter in practice? Digits from a badly wrong start
#
# From a fresh start a network is not sure of anything, and the squared error is not in trouble, if
# its learning rate makes up for the small gradients (it is a mean over ten outputs of ten factors
# p). So be fair: give each loss a rate that suits it from a fresh start, and then let both begin
# where the network is sure and wrong: the bias of class 0 is 12, so everything is a 0 to it.
#
# minnet warns of softmax with the squared error. We catch the warning and read it.

# %%
x, y, x_test, y_test = minnet.datasets.digits()
LOSSES = {
    "cross-entropy, η = 0.1": ("cross_entropy", 0.1),
    "squared error, η = 0.1": ("mse", 0.1),
    "squared error, η = 3": ("mse", 3.0),
}


def train(loss, rate, bias, seed, epochs=8):
    """Test accuracy in percent before training and after each epoch."""
    model = minnet.Sequential(
        [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")], seed=seed
    )
    model.layers[-1].b = np.r_[bias, np.zeros(9)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.compile(SGD(rate), loss)
    targets = y if loss == "cross_entropy" else one_hot(y, 10)
    right = [np.mean(model.predict(x_test).argmax(axis=1) == y_test)]
    for _ in range(epochs):
        model.fit(x, targets, epochs=1, verbose=0)
        right.append(np.mean(model.predict(x_test).argmax(axis=1) == y_test))
    return 100 * np.array(right), [str(warning.message) for warning in caught]


SEEDS = (0, 1, 2)
curves = {}
for name, (loss, rate) in LOSSES.items():
    for start, bias in {"fresh": 0.0, "wrong": 12.0}.items():
        runs = [train(loss, rate, bias, seed) for seed in SEEDS]
        curves[name, start] = np.array([right for right, _ in runs])
        warned = runs[0][1]
        assert bool(warned) == (loss == "mse")
print("\nThe warning:", warned[0])
print("\ntest accuracy in percent, 3 seeds     fresh start: 8 epochs    wrong start: 3 epochs, 8")
for name in LOSSES:
    cells = [curves[name, "fresh"][:, 8], curves[name, "wrong"][:, 3], curves[name, "wrong"][:, 8]]
    print(f"{name:32}" + "".join(f"{c.min():14.1f} to {c.max():.1f}" for c in cells))
assert curves["cross-entropy, η = 0.1", "wrong"][:, 3].min() > 85
assert curves["squared error, η = 0.1", "wrong"][:, 8].max() < 20
assert curves["squared error, η = 3", "fresh"][:, 8].min() > 90
assert np.median(curves["squared error, η = 3", "wrong"][:, 3]) < 40

fig, axes = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True, layout="constrained")
colours = (plots.COLOURS[0], plots.COLOURS[4], plots.COLOURS[1])
for ax, start in zip(axes, ("fresh", "wrong"), strict=True):
    looks = zip(LOSSES, colours, ("-", ":", "--"), plots.MARKERS, strict=False)
    for name, colour, style, marker in looks:
        runs = curves[name, start]
        ax.fill_between(range(9), runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2)
        middle = np.median(runs, axis=0)
        ax.plot(middle, color=colour, linestyle=style, marker=marker, linewidth=2, label=name)
    ax.set(xlabel="epoch", ylim=(0, 100))
    ax.grid(alpha=0.3)
axes[0].set_title("Fresh start: the right rate makes up for it")
axes[1].set_title("Sure and wrong: stuck, and for how long is luck")
axes[0].set_ylabel("test accuracy (%), 3 seeds")
axes[0].legend(loc="lower right", bbox_to_anchor=(1, 0.46))
fig.savefig(pictures / "07_wrong_start.png", dpi=120)

# %% [markdown]
# The cross-entropy does not notice where it started. The squared error with the small rate learns
# slowly from the fresh start and not at all from the wrong one. With its own rate it is as good as
# the cross-entropy from the fresh start: the textbooks' "it does not work" is too strong. But from
# the wrong start most seeds sit still for three epochs and more; how long is a matter of luck.
#
# ## 4. The same formula, and nan
#
# Our `softmax` above is exactly the formula. What does it give for the logits 1000 and 0?
# (A calculator knows: 1 and 0.)

# %%
large = np.array([[1000.0, 0.0]])
with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
    naive = softmax(large)
    print("naive softmax of 1000 and 0:", naive)
    print("naive softmax of −1000 and −1000:", softmax(np.array([[-1000.0, -1000.0]])))
assert np.isnan(naive[0, 0])

# %% [markdown]
# exp(1000) is larger than any number that the computer has: inf, and inf / inf is nan ("not a
# number"). In float32, in which networks compute, the end comes at exp(89). One nan in one row, and
# after one step of training every weight is nan.
#
# The repair: subtract the row's largest logit first. exp(z − c) = exp(z) / exp(c), so numerator and
# denominator are divided by the same number and p is unchanged; but now no exponent is above 0.


# %%
def stable_softmax(z):
    """The same p for any z."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


with np.errstate(over="ignore"):
    assert np.isinf(np.exp(np.float32(89)))
assert np.isfinite(np.exp(np.float32(88)))
p = stable_softmax(large)
print("stable softmax of 1000 and 0:", p)
assert np.array_equal(p, [[1.0, 0.0]])
z = rng.normal(size=(5, 4))
assert np.allclose(stable_softmax(z), softmax(z))

# %% [markdown]
# That is half the repair. Suppose that the second class is right: L = −ln p₂ = −ln 0 = inf. Yet the
# formula of section 2 says L = ln(e¹⁰⁰⁰ + e⁰) − 0 = 1000, an ordinary number. The 0 was made by
# rounding, and the logarithm cannot undo that. So never take the logarithm of a softmax; go by the
# logits. With c the row's largest:
#
# $$\ln \sum_j \exp z_j = c + \ln \sum_j \exp(z_j - c), \qquad L = \text{that} - z_y$$
#
# Libraries that are handed probabilities have to cut off p at some small number (minnet and Keras
# at 1e-7), and what is cut off has slope 0. Which of these three would still learn?


# %%
def loss_from_logits(z, labels):
    """The cross-entropy of each row, finite for any logits."""
    c = z.max(axis=1, keepdims=True)
    total = c[:, 0] + np.log(np.exp(z - c).sum(axis=1))
    return total - z[np.arange(len(z)), labels]


with np.errstate(divide="ignore"):
    of_log = -np.log(stable_softmax(large)[0, 1])
of_cut, of_logits = CrossEntropy(), CrossEntropy(from_logits=True)
right = np.array([1])
print("\nlogits 1000 and 0, the second class is right")
print(f"−ln softmax          loss {of_log:8.2f}")
print(f"p cut off at 1e-7    loss {of_cut(p, right):8.2f}   ∂L/∂p {of_cut.gradient(p, right)[0]}")
dz = of_logits.gradient(large, right)[0]
print(f"from the logits      loss {of_logits(large, right):8.2f}   ∂L/∂z {dz}")
assert of_log == np.inf
assert abs(of_cut(p, right) + np.log(1e-7)) < 1e-6
assert not of_cut.gradient(p, right).any()
assert of_logits(large, right) == loss_from_logits(large, right)[0] == 1000
assert np.array_equal(dz, [1.0, -1.0])

# %% [markdown]
# Only the last. In minnet you get it in two ways: a model that ends in softmax with
# `"cross_entropy"` (minnet sees the pair and computes both together), or a model without softmax
# and `CrossEntropy(from_logits=True)`. They are the same training:

# %%
ends = {"softmax": "cross_entropy", None: CrossEntropy(from_logits=True)}
theta, outputs = [], []
for activation, loss in ends.items():
    model = minnet.Sequential([Dense(10, activation=activation, input_dim=64)], seed=0)
    model.compile("adam", loss)
    model.fit(x, y, epochs=1, verbose=0)
    theta.append(model.theta)
    outputs.append(model.predict(x_test))
print(f"\nweights after an epoch differ by {np.abs(theta[0] - theta[1]).max():.0e}")
assert np.allclose(theta[0], theta[1], atol=1e-4)
assert np.allclose(outputs[0], stable_softmax(outputs[1]), atol=1e-3)

# %% [markdown]
# With `from_logits=True` the model predicts logits, and you apply the softmax yourself. What goes
# wrong in other libraries is the mixture: softmax *and* from_logits (softmax is applied twice), or
# neither (there are no probabilities at all). minnet refuses both:

# %%
for activation, loss in (("softmax", CrossEntropy(from_logits=True)), (None, "cross_entropy")):
    model = minnet.Sequential([Dense(10, activation=activation, input_dim=64)])
    try:
        model.compile("adam", loss)
    except ValueError as error:
        print("ValueError:", error)
    else:
        raise AssertionError("a wrong pair was accepted")

# %% [markdown]
# ## 5. The shape that lies
#
# Four predictions, all of them right. A network with one output gives a column, shape (4, 1); your
# targets are a list, shape (4,). What is the mean squared error?

# %%
t = np.array([1.0, 2.0, 3.0, 4.0])
prediction = t.reshape(4, 1)
error = np.mean((prediction - t) ** 2)
print(f"\nNumPy: {error}, from a difference of shape {(prediction - t).shape}")
print(f"minnet: {MeanSquaredError()(prediction, t)}")
assert error == 2.5
assert MeanSquaredError()(prediction, t) == 0

# %% [markdown]
# NumPy *broadcasts* (4, 1) − (4,) to a table of all 16 differences. No error, no warning; the loss
# has its minimum where all predictions are the mean of t, and that is what a network trained on it
# learns. Before you believe a loss, give it the right answer: it has to be 0.
#
# ## 6. Mean or sum
#
# A loss over a batch can be the mean over its N samples (minnet, Keras, PyTorch's default) or the
# sum (some books). The gradient of the sum is N times as large. What has to be done to the learning
# rate of a book that sums, with batches of 10?

# %%
model = minnet.Sequential([Dense(10, activation="softmax", input_dim=64)], seed=0, dtype="float64")
model.compile("sgd", "cross_entropy")
model.loss_and_gradient(x[:10], y[:10])
of_mean = model.grad.copy()
of_sum = np.zeros_like(of_mean)
for i in range(10):
    model.loss_and_gradient(x[i : i + 1], y[i : i + 1])
    of_sum += model.grad
ratio = np.linalg.norm(of_sum) / np.linalg.norm(of_mean)
print(f"\ngradient of the sum: {ratio:.4f} times as long as that of the mean")
assert np.allclose(of_sum, 10 * of_mean)

# %% [markdown]
# Its rate times 10 is the rate for the mean: the same step. With a mean, steps do not grow with the
# batch. There is a second mean that books differ in: over the M outputs of one sample. minnet's
# `mse` and `binary_crossentropy` divide by it, too (that was the factor 10 in tutorial 06);
# `cross_entropy` does not, as it has one right class.
#
# ## 7. Which loss for which question
#
# A *regression* asks how much, a *classification* which one. A loss decides which answer is best
# where the data disagree. Say you saw 1, 2, 3, 4 and 100 for the same input. Which single number is
# the best prediction, by squared error, and by absolute error?

# %%
seen = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
tried = np.linspace(0, 100, 1001)
best = {}
for loss in (MeanSquaredError(), MeanAbsoluteError()):
    values = [loss(np.full_like(seen, number), seen) for number in tried]
    best[loss] = tried[np.argmin(values)]
    print(f"{type(loss).__name__:18} is smallest at {best[loss]:.0f}")
assert np.allclose(list(best.values()), [22, 3])

# %% [markdown]
# The mean and the median: one wild number drags the squared error along, and leaves the absolute
# error alone.
#
# And could one *regress* on the label of a digit, since 3 and 4 are numbers? Try: one output,
# squared error, rounded to the nearest label; against softmax with cross-entropy, both with 32
# hidden units, Adam, and ten epochs.

# %%
reached = {}
ways = {"regression": (Dense(1), "mse"), "classes": (Dense(10, "softmax"), "cross_entropy")}
for name, (out, loss) in ways.items():
    model = minnet.Sequential([Dense(32, activation="relu", input_dim=64), out], seed=0)
    model.compile(minnet.optimizers.Adam(3e-3), loss)
    model.fit(x, y, epochs=10, verbose=0)
    answer = model.predict(x_test)
    label = answer.argmax(axis=1) if name == "classes" else np.rint(answer[:, 0])
    reached[name] = np.mean(label == y_test)
    print(f"{name:12} {reached[name]:.1%} right")
assert reached["classes"] > 0.92
assert reached["regression"] < reached["classes"] - 0.1
print(f"Pictures: 07_*.png in {pictures.resolve()}")

# %% [markdown]
# A network that hesitates between 1 and 7 has to say 4, which it knows to be wrong: labels are
# names, and between names there is no distance. Choose so:
#
#     the question                    last layer                    loss
#     how much?                       Dense(M)                      "mse" ("mae" against outliers)
#     yes or no?                      Dense(1, "sigmoid")           "binary_crossentropy"
#     which one of K?                 Dense(K, "softmax")           "cross_entropy"
#     which of M, any number of them? Dense(M, "sigmoid")           "binary_crossentropy"
#
# ## Exercises
#
# 1. In section 1, let the neuron start at weight 4 and bias 4. How many steps do both losses need
#    now? (Take 10,000 steps for the squared error.) Derive why: what is 2 p (1 − p) p there?
# 2. In section 3, give the squared error η = 10, and then a bias of 20 instead of 12. Is there a
#    rate that helps from every start? What does it do to the fresh start?
# 3. Train the model of section 7 with the broadcast loss: write `class Trap(minnet.losses.Loss)`
#    whose `per_sample` is `((prediction - target.ravel()) ** 2).mean(axis=1)`, and whose
#    `gradient` is its derivative, for the regression. What does the network predict in the end?
