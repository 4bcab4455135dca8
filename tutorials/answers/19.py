# %% [markdown]
# # Answers to tutorial 19, the same digit, two pixels further

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Conv2D, Dense, Flatten, MaxPooling2D
from minnet.optimizers import Adam

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.glyphs(
    "0123456789", 600, seed=0, n_test=600, shift=0.0, rotation=8, noise=0.1
)
x, x_test = x.reshape(-1, 20, 20, 1), x_test.reshape(-1, 20, 20, 1)


def moved(images, down, right=0):
    """The images moved by so many pixels, with paper coming in."""
    H, W = images.shape[1:3]
    result = np.zeros_like(images)
    result[:, max(0, down) : H + min(0, down), max(0, right) : W + min(0, right)] = images[
        :, max(0, -down) : H + min(0, -down), max(0, -right) : W + min(0, -right)
    ]
    return result


def by_distance(model):
    """Accuracy on digits moved by 0, 1, 2 and 3 pixels, up, down, left and right."""
    accuracies = []
    for pixels in range(4):
        four = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
        results = [model.evaluate(moved(x_test, *way), y_test)["accuracy"] for way in four]
        accuracies.append(float(np.mean(results)))
    return accuracies


# %% [markdown]
# ## 1. Pooling over 2×2
#
# One pixel, not more: then it is nearly as lost as the dense network. The dense layer behind it has
# weights of its own for each of the 10×10 places of each filter. It knows *where* something was
# seen, to within two pixels, and has learned that only for digits in the middle. What is built in
# is now "about where", and not "anywhere".

# %%
filters = minnet.Sequential(
    [
        Conv2D(16, 9, padding="same", activation="relu", input_shape=(20, 20, 1)),
        MaxPooling2D(2),
        Flatten(),
        Dense(10, "softmax"),
    ],
    seed=0,
)
filters.compile(Adam(5e-3), "cross_entropy", metrics=["accuracy"])
filters.fit(x, y, epochs=8, verbose=0, seed=0)
of_filters = by_distance(filters)
print("MaxPooling2D(2), moved by 0, 1, 2, 3 pixels:", np.round(of_filters, 3))
assert of_filters[0] > 0.97
assert of_filters[1] > 0.7
assert of_filters[2] < 0.5

# %% [markdown]
# ## 2. A dense layer that sees every place
#
# It reads about nine in ten, wherever they are. That takes 6,000 images in place of 600, and 26,000
# weights where the filters with `MaxPooling2D(20)` have fewer than 3,000, and it is still behind
# them. What is not built in has to be learned, at every place again.

# %%
rng = np.random.default_rng(0)
copies = [moved(x[i : i + 1], *rng.integers(-3, 4, 2)) for _ in range(10) for i in range(len(x))]
many = np.concatenate(copies)
dense = minnet.Sequential(
    [Flatten(input_shape=(20, 20, 1)), Dense(64, "relu"), Dense(10, "softmax")], seed=0
)
dense.compile("adam", "cross_entropy", metrics=["accuracy"])
dense.fit(many, np.tile(y, 10), epochs=25, verbose=0, seed=0)
of_dense = by_distance(dense)
print(f"{len(many):,} images, {dense.count_params():,} weights:", np.round(of_dense, 3))
of_pooling = 32 * (9 * 9 + 1) + 32 * 10 + 10  # the weights of the tutorial's filters
assert min(of_dense) > 0.8
assert of_pooling < 3000 < 26_000 < dense.count_params()

# %% [markdown]
# ## 3. A bar that lies
#
# `kernel_size` is (2, 1): two rows and one column, −1 above 1. It gives "below minus above": 1 at
# the upper edge of the bar, −1 at the lower one.

# %%
edge = Conv2D(1, (2, 1), padding="valid")
edge.build((6, 3, 1), np.random.default_rng(0))
edge.W = np.reshape([-1.0, 1.0], (2, 1, 1, 1))
bar = np.zeros((1, 6, 3, 1))
bar[0, 2:4] = 1.0
edges = edge.forward(bar)[0, :, 0, 0]
print("the lying bar:", bar[0, :, 0, 0].astype(int), "edges:", edges.astype(int))
assert edge.W.shape == (2, 1, 1, 1)
assert edges.tolist() == [0, 1, 0, -1, 0]
