# %% [markdown]
# # The same digit, two pixels further
#
# *Before this one: 04 (backpropagation) and 09 (real digits). Reading time: 6 minutes.*
#
# A network reads digits almost without a mistake. Move every digit two pixels, and it is lost. Here
# you see why a dense layer must fail at that, and you build the layer that does not: *convolution*.
# By the end you will know what a filter is, what pooling does, and what a network with both has
# learned.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.course import reading
from minnet.layers import Conv2D, Dense, Flatten, MaxPooling2D
from minnet.optimizers import Adam

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Digits that stand still
#
# 600 digits from many typefaces, 20×20 pixels each, every one in the middle of its image. Samples
# that are images have the shape (N, H, W, C): rows, columns, and channels last. A photograph has
# three channels, red, green and blue. Ours has one.

# %%
x, y, x_test, y_test = minnet.datasets.glyphs(
    "0123456789", 600, seed=0, n_test=600, shift=0.0, rotation=8, noise=0.1
)
x, x_test = x.reshape(-1, 20, 20, 1), x_test.reshape(-1, 20, 20, 1)
print("x", x.shape)

# %% [markdown]
# A dense network on the pixels is trained in a second, and good:

# %%
dense = minnet.Sequential(
    [Flatten(input_shape=(20, 20, 1)), Dense(64, "relu"), Dense(10, "softmax")], seed=0
)
dense.compile("adam", "cross_entropy", metrics=["accuracy"])
dense.fit(x, y, epochs=25, verbose=0, seed=0)
print(f"dense, digits in the middle: {dense.evaluate(x_test, y_test)['accuracy']:.1%}")
assert dense.evaluate(x_test, y_test)["accuracy"] > 0.97

# %% [markdown]
# ## 2. Two pixels further
#
# Now every test image is moved two pixels down. You would read them as easily as before. **Guess:**
# what does the network say?


# %%
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
        accuracies.append(np.mean(results))
    return accuracies


of_dense = by_distance(dense)
print("dense, moved by 0, 1, 2, 3 pixels:", *(f"{accuracy:.1%}" for accuracy in of_dense))
assert of_dense[2] < 0.4

# %% [markdown]
# Two pixels, and it only guesses. It cannot do better. In y = x W + b each weight belongs to one
# pixel: what the network learned about pixel (5, 7) says nothing about pixel (7, 7). For a dense
# layer a digit two pixels further is another digit, which it has never seen. It would have to see
# every digit at every place.
#
# ## 3. One filter, everywhere
#
# The way out: let the *same* weights look at every place. A *filter* is a small window of weights,
# here 1 row and 2 columns: −1 and 1. It is laid on the image at every place, and at each it gives
# one number, the dot product of its weights with the *patch* of pixels under it:
#
# $$y_{i,j} = \sum_{u,v} x_{i+u,\,j+v} · W_{u,v} + b$$
#
# This one gives "right minus left". **Guess:** where in the image of a bar is that not 0?

# %%
edge = Conv2D(1, (1, 2), padding="valid")
edge.build((3, 6, 1), np.random.default_rng(0))
edge.W = np.reshape([-1.0, 1.0], (1, 2, 1, 1))  # rows, columns, channels in, filters out
bar = np.zeros((1, 3, 6, 1))
bar[0, :, 2:4] = 1.0
print("the bar:", bar[0, 0, :, 0].astype(int))
print("edges:  ", edge.forward(bar)[0, 0, :, 0].astype(int))
print("moved:  ", edge.forward(moved(bar, 0, 1))[0, 0, :, 0].astype(int))
assert edge.forward(bar)[0, 0, :, 0].tolist() == [0, 1, 0, -1, 0]
assert np.array_equal(
    edge.forward(moved(bar, 0, 1))[0, :, 1:], edge.forward(bar)[0, :, :-1]
)  # moved in, moved out

# %% [markdown]
# Left edges give 1, right edges give −1. And the last line is the point of it all: move the image,
# and the output moves with it, unchanged. What the filter finds here it finds everywhere.
#
# A `Conv2D` layer has many filters, learns their weights, and adds up over all channels. It is
# linear in x, as a dense layer is. What differs is that its weights are few and shared.
#
# ## 4. How it is computed, and its gradient
#
# Lay every patch in one column of a matrix X, and every filter in one column of a matrix K. Then
# all dot products are one matrix product, Y = Kᵀ X, and you know its gradients from tutorial 04:
#
# $$dK = X\, dY^T, \qquad dX = K\, dY$$
#
# A filter's weight meets one pixel in each patch, and all of them add up. A pixel is in several
# patches, and what comes back is added up, too.
#
# Nothing new had to be derived. `explain_step` works one pixel by hand:

# %%
small = minnet.Sequential(
    [Conv2D(1, 2, input_shape=(3, 3, 1)), Flatten(), Dense(2, "softmax")], seed=0
)
small.compile("sgd", "cross_entropy")
image = np.arange(9.0).reshape(1, 3, 3, 1) / 10
story = str(minnet.explain_step(small, image, [0]))
print(story[story.index("1.1 ") : story.index("1.2 ")].rstrip())
report = minnet.check_gradients(small, image, [0])
assert report.ok

# %% [markdown]
# ## 5. It does not matter where: pooling
#
# A filter that looks for the loop of a 9 gives a large number wherever the loop is. If we ask only
# *whether* there is a loop, the largest of its numbers will do. That is *max pooling*:
# `MaxPooling2D(20)` takes the maximum over a window of 20×20, all of the image.
#
# 32 filters of 9×9 pixels, the largest answer of each, and a dense layer on these 32 numbers:

# %%
filters = minnet.Sequential(
    [
        Conv2D(32, 9, padding="same", activation="relu", input_shape=(20, 20, 1)),
        MaxPooling2D(20),
        Flatten(),
        Dense(10, "softmax"),
    ],
    seed=0,
)
filters.compile(Adam(5e-3), "cross_entropy", metrics=["accuracy"])
filters.fit(x, y, epochs=25, verbose=0, seed=0)
filters.summary()
of_filters = by_distance(filters)
print("filters, moved by 0, 1, 2, 3 pixels:", *(f"{accuracy:.1%}" for accuracy in of_filters))
assert min(of_filters) > 0.95
print(f"numbers learned: dense {dense.count_params():,}, filters {filters.count_params():,}")

# %% [markdown]
# It was trained on digits in the middle, and on no others. It reads them anywhere, with a ninth of
# the numbers. Nothing was learned about moving: that a digit stays the same digit when it is moved
# is *built into* the network. Such built-in knowledge is called an *inductive bias*.
#
# It has a price. A network that asks only whether something is there cannot tell a 6 from a 9 that
# is made of the same strokes elsewhere, where a finer question would be "upper half or lower half".
# So networks for images pool a little at a time, over 2×2 pixels, and ask "about where".

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1, 1.3))
for accuracies, name in ((of_dense, "dense"), (of_filters, "filters and pooling")):
    left.plot(range(4), accuracies, marker="o", label=name)
left.axhline(0.1, color="0.6", linewidth=1, linestyle=":")
left.text(0.05, 0.12, "guessing", color="0.4", fontsize=9)
left.set(xlabel="pixels moved", ylabel="test accuracy", ylim=(0, 1.05), xticks=range(4))
left.legend(frameon=False, loc="center right")
W = filters.layers[0].W[..., 0, :]
order = np.argsort(-np.abs(W).sum(axis=(0, 1)))[:15]
sheet = np.full((3 * 10 - 1, 5 * 10 - 1), np.nan)
for number, f in enumerate(order):
    row, column = divmod(number, 5)
    sheet[row * 10 : row * 10 + 9, column * 10 : column * 10 + 9] = W[..., f]
limit = np.nanmax(np.abs(sheet))
right.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit)
right.set_title("15 of the 32 filters: red looks for ink, blue for paper", fontsize=10)
right.set_axis_off()
fig.tight_layout()
fig.savefig(pictures / "19_moved.png", dpi=110)
print(f"Picture: {(pictures / '19_moved.png').resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Replace `MaxPooling2D(20)` by `MaxPooling2D(2)`, which leaves 10×10 places for each filter.
#    How far can you move the digits now? What does the dense layer behind it know that it did not?
# 2. Train `dense` on images moved at random by up to three pixels, with ten times as many of them.
#    It learns to read them. Compare the numbers of images and of weights that this takes.
# 3. Give `edge` the weights of a filter that answers to horizontal edges, and test it on a bar that
#    lies. Which shape must `kernel_size` have?
