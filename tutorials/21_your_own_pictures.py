# %% [markdown]
# # Your own pictures: from a folder to a network that reads them
#
# *Before this one: 12 (the doctor) and 19 (convolution). Reading time: 5 minutes.*
#
# You have a few hundred pictures, sorted into folders, and no two have the same size. This tutorial
# reads them, looks at them before it trains, finds out what a network confuses, and saves a model
# that knows what each of its answers is called.

# %%
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image, ImageDraw  # Pillow came with matplotlib

import minnet
from minnet.course import reading
from minnet.datasets import image, images
from minnet.foundation.tables import Table
from minnet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D, Normalization

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())
folder = pictures / "21_shapes"

# %% [markdown]
# ## 1. The folder
#
# One folder for each class, and in it the pictures, whatever they are called. Ours are drawings of
# leaves, fish and kites in many sizes and colours, made by the hidden cell below, so that nothing
# has to be downloaded. Yours may be photographs.
#
#     21_shapes/fish/00.png
#     21_shapes/fish/01.png
#     …
#     21_shapes/leaf/00.png

# %% tags=["hide-input"]
OUTLINES = {
    "fish": [(-1, -0.5), (-0.5, 0), (0, -0.45), (0.5, -0.4), (1, 0), (0.5, 0.4), (0, 0.45)]
    + [(-0.5, 0), (-1, 0.5)],
    "kite": [(0, -1), (0.55, -0.3), (0, 1), (-0.55, -0.3)],
    "leaf": [(0, -1), (0.4, -0.5), (0.5, 0), (0.4, 0.4), (0.06, 0.7), (0.06, 1), (-0.06, 1)]
    + [(-0.06, 0.7), (-0.4, 0.4), (-0.5, 0), (-0.4, -0.5)],
}


def draw(name, rng):
    """A picture of one of these, dark on light, turned a little, in some size and colour."""
    width, height = (int(side) for side in rng.integers(48, 160, 2))
    paper = tuple(int(c) for c in rng.integers(200, 256, 3))
    ink = tuple(int(c) for c in rng.integers(0, 110, 3))
    angle, size = rng.normal(0, 0.2), min(width, height) * rng.uniform(0.34, 0.45)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([width, height]) / 2 + rng.normal(0, 0.04 * min(width, height), 2)
    points = np.array(OUTLINES[name]) * rng.choice([-1, 1], 2) * rng.uniform(0.8, 1.1, 2)
    points = points @ turn * size + middle
    picture = Image.new("RGB", (width, height), paper)
    ImageDraw.Draw(picture).polygon([tuple(map(float, point)) for point in points], ink)
    noise = rng.normal(0, 18, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


shutil.rmtree(folder, ignore_errors=True)  # from an earlier run
rng = np.random.default_rng(0)
for name in OUTLINES:
    (folder / name).mkdir(parents=True)
    for i in range(120):
        draw(name, rng).save(folder / name / f"{i:02}.png")
draw("kite", rng).save(pictures / "21_new.png")  # one more, for the end

# %% [markdown]
# ## 2. All of one size
#
# A network takes an array (N, H, W, C): N pictures, H rows, W columns, C colours. All have to be of
# one size, so ask for them as they are, and see what `images` says:

# %%
try:
    images(folder, seed=0)
except ValueError as error:
    print(f"ValueError: {error}")

# %% [markdown]
# You have to choose a size, and what happens to a wide picture that should become square:
#
# - **stretch** it (what you get if you ask for nothing): a tall leaf becomes a round one;
# - **crop** it, `crop_to_aspect_ratio=True`: what is at the ends is lost;
# - **pad** it, `pad_to_aspect_ratio=True`: everything is there, smaller, between white bars.
#
# Shape is what counts here, so we pad. 28 × 28 is small, and enough: look at the picture below and
# ask whether *you* could tell them apart. Colour does not matter for these, so one number per pixel
# will do.
#
# `images` also splits. A quarter of each class is kept for the test, drawn by the seed. A picture
# that is there twice is refused, since one copy could be trained on and the other tested.

# %%
form = {"image_size": [28, 28], "color_mode": "grayscale", "pad_to_aspect_ratio": True}
data = images(folder, **form, test_split=0.25, seed=0)
x, y, x_test, y_test = data
print("x", x.shape, "from", x.min(), "to", x.max())
print("labels:", dict(enumerate(data.class_names)))
print("pictures of each class, training and test:", np.bincount(y), np.bincount(y_test))
assert x.shape == (270, 28, 28, 1)
assert np.bincount(y_test).tolist() == [30, 30, 30]

# %% [markdown]
# Look at what the network will see, always. Half of all troubles with pictures are seen here:
# upside down, all grey, the wrong label.

# %% tags=["hide-input"]
fig, axes = plt.subplots(3, 8, figsize=(8, 3.4), layout="constrained")
for label, row in enumerate(axes):
    for ax, k in zip(row, np.flatnonzero(y == label)[:8], strict=True):
        ax.imshow(x[k, :, :, 0], cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(data.class_names[label], fontsize=12)
fig.suptitle("What the network sees: 28 × 28 numbers from 0 (black) to 1 (white)")
fig.savefig(pictures / "21_what_it_sees.png", dpi=120)

# %% [markdown]
# ## 3. A small network
#
# 270 pictures are few, so the network should be small: two rounds of filters and pooling
# (tutorial 19). `Normalization(axis=None)` in front takes one mean and one deviation of all pixels,
# from the training pictures, and keeps them in the model.


# %%
def network(seed=0):
    """Two rounds of filters, then three probabilities."""
    scale = Normalization(axis=None)
    scale.adapt(x)
    layers = [Input((28, 28, 1)), scale]
    for filters in (8, 16):
        layers += [Conv2D(filters, 3, activation="relu"), MaxPooling2D(2)]
    model = minnet.Sequential([*layers, Flatten(), Dense(3, "softmax")], seed=seed)
    model.compile("adam", "cross_entropy", ["accuracy"])
    return model


model = network()
model.summary()
history = model.fit(x, y, epochs=25, verbose=0, seed=0)
accuracy = model.evaluate(x_test, y_test)["accuracy"]
print(f"test pictures that are right: {accuracy:.0%}; guessing would give 33%")
assert accuracy > 0.6

# %% [markdown]
# ## 4. What does it confuse?
#
# One number hides where the mistakes are. A row of this table is what the pictures are, a column is
# what the network said.

# %%
guess = model.predict(x_test).argmax(axis=1)
confused = np.zeros((3, 3), int)
np.add.at(confused, (y_test, guess), 1)
rows = [[name, *map(str, confused[k])] for k, name in enumerate(data.class_names)]
print(Table(["is", *(f" said {name}" for name in data.class_names)], rows))
for k in np.flatnonzero(guess != y_test):
    print(f"{data.files_test[k]}: taken for a {data.class_names[guess[k]]}")
assert confused.sum() == 90

# %% [markdown]
# With 90 test pictures each one is worth 1.1 points, and two or three are right by luck. So do not
# choose between two networks by such a difference: try several seeds (exercise 2), or get more
# pictures.
#
# ## 5. The doctor

# %%
print(minnet.diagnose(model, x, y))

# %% [markdown]
# And a mistake that nearly everybody makes once: train on pictures from 0 to 1, and later hand the
# model one from 0 to 255, as most programs read it. Nothing stops. But the model knows the range of
# what it was trained on, and warns.

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    shares = [(model.predict(k * x_test).argmax(axis=1) == y_test).mean() for k in (1, 255)]
print(f"warning: {caught[0].message}")
print(f"right, from 0 to 1: {shares[0]:.0%}; the same pictures from 0 to 255: {shares[1]:.0%}")
assert shares[1] <= shares[0]

# %% [markdown]
# ## 6. Save it with everything that the next picture needs
#
# That is the model (its scaling is in it), the form in which pictures are read, and the names of
# the classes. `image` reads one picture in that form.

# %%
model.save(pictures / "21_shapes.npz")
(pictures / "21_shapes.json").write_text(json.dumps({"form": form, "names": data.class_names}))

again = minnet.load(pictures / "21_shapes.npz")
kept = json.loads((pictures / "21_shapes.json").read_text())
(p,) = again.predict(image(pictures / "21_new.png", **kept["form"]))
print("a new kite:", ", ".join(f"{name} {q:.0%}" for name, q in zip(kept["names"], p, strict=True)))
assert abs(p.sum() - 1) < 1e-5
assert np.array_equal(again.predict(x_test), model.predict(x_test))
print(f"Picture, folder and model: 21_* in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Stretch the pictures instead of padding them, and then crop them. What happens to the accuracy,
#    as the mean of three seeds? Look at the pictures again.
# 2. Train with five seeds. How far apart are the five accuracies, and by how many pictures?
# 3. Train on 20 pictures of each class, and then with each of these mirrored as well (`x[:, :,
#    ::-1]`). What do the mirrored ones bring?
