# %% [markdown]
# # Answers to tutorial 23, more than one machine

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

# %% [markdown]
# ## 1. Clipping before and after the sum
#
# They do not agree. Each share's gradient is scaled by another factor before the sum, so the sum
# points in another direction. Clipping the sum is what one process does, which knows only the whole
# gradient; it keeps the direction and shortens the length. So `DataParallel` sums first.

# %%
x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
model = minnet.Sequential(
    [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")],
    seed=0,
    dtype="float64",
)
model.compile("sgd", "cross_entropy")


def gradient(rows):
    """The gradient of the mean loss of these rows."""
    model.loss_and_gradient(x[rows], y[rows])
    return model.grad.copy()


def clipped(g, largest=0.3):
    """The vector, shortened to this length where it is longer."""
    return g * min(1.0, largest / np.linalg.norm(g))


shares = [slice(0, 17), slice(17, 50)]
weights = [17 / 50, 33 / 50]
before = sum(w * clipped(gradient(rows)) for w, rows in zip(weights, shares, strict=True))
after = clipped(sum(w * gradient(rows) for w, rows in zip(weights, shares, strict=True)))
one_process = clipped(gradient(slice(0, 50)))
cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
print(f"lengths {np.linalg.norm(before):.3f} and {np.linalg.norm(after):.3f}, cosine {cosine:.4f}")
assert abs(after - one_process).max() < 1e-15
assert abs(before - one_process).max() > 1e-3
assert cosine < 0.9999

# %% [markdown]
# ## 2. Which of the two moves the optimum
#
# The latency, by far. The derivative of t(p) is zero where
#
#     p = ln 2 · (b N − 2 bytes / bandwidth) / (2 latency)
#
# so a tenth of the latency means ten times as many processes. A larger bandwidth can only take the
# second term out of the bracket, which is the smaller one as long as sharing out pays at all. In a
# sum among many, the messages are many and the bytes of each are few.

# %%
a, b, N, message = 0.8e-3, 25e-6, 256, 4.0 * 167_178


def seconds(p, latency=20e-6, bandwidth=10e9 / 8):
    """A step of p processes, by the tutorial's model."""
    summed = 2 * np.log2(p) * latency + 2 * (p - 1) / p * message / bandwidth
    return a + b * N / p + summed


p = np.arange(1, 3000)
usual = p[np.argmin(seconds(p))]
quick = p[np.argmin(seconds(p, latency=2e-6))]
wide = p[np.argmin(seconds(p, bandwidth=100e9 / 8))]
print(f"fastest on {usual} processes; a tenth of the latency {quick}, ten times the width {wide}")
formula = np.log(2) * (b * N - 2 * message / (10e9 / 8)) / (2 * 20e-6)
assert abs(usual - formula) <= 1
assert 9 * usual < quick < 11 * usual
assert usual < wide < 1.5 * usual

# %% [markdown]
# ## 3. One who adds for all
#
# It gets p − 1 messages with the whole vector, one after the other, and sends as many: 2 (p − 1)
# latencies, and 2 (p − 1) times the bytes. For two processes that is about the same. For 1,024 it
# is about a thousand times as much, as everything goes through one cable while the others wait.


# %%
def split(p, latency=20e-6, bandwidth=10e9 / 8):
    """Seconds of a sum in which each adds a part."""
    return 2 * np.log2(p) * latency + 2 * (p - 1) / p * message / bandwidth


def by_one(p, latency=20e-6, bandwidth=10e9 / 8):
    """Seconds of a sum that one makes for all."""
    return 2 * (p - 1) * (latency + message / bandwidth)


for count in (2, 1024):
    print(f"{count:>5} processes: {1e3 * split(count):.2f} ms split, {1e3 * by_one(count):,.2f} ms")
assert 1 < by_one(2) / split(2) < 2
assert 500 < by_one(1024) / split(1024) < 1024
