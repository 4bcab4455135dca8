# %% [markdown]
# # Answers to tutorial 21, your own pictures

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import minnet
from minnet.course import reading
from minnet.datasets import images
from minnet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D, Normalization

reading.aloud(globals())

OUTLINES = {
    "fish": [(-1, -0.5), (-0.5, 0), (0, -0.45), (0.5, -0.4), (1, 0), (0.5, 0.4), (0, 0.45)]
    + [(-0.5, 0), (-1, 0.5)],
    "kite": [(0, -1), (0.55, -0.3), (0, 1), (-0.55, -0.3)],
    "leaf": [(0, -1), (0.4, -0.5), (0.5, 0), (0.4, 0.4), (0.06, 0.7), (0.06, 1), (-0.06, 1)]
    + [(-0.06, 0.7), (-0.4, 0.4), (-0.5, 0), (-0.4, -0.5)],
}
FORM = {"image_size": 28, "color_mode": "grayscale", "seed": 0}


def draw(name, rng):
    """A picture, as in the tutorial."""
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


def trained(x, y, seed, epochs=25):
    """The network of the tutorial."""
    scale = Normalization(axis=None)
    scale.adapt(x)
    layers = [Input((28, 28, 1)), scale]
    for filters in (8, 16):
        layers += [Conv2D(filters, 3, activation="relu"), MaxPooling2D(2)]
    model = minnet.Sequential([*layers, Flatten(), Dense(3, "softmax")], seed=seed)
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0, seed=seed)
    return model


ways = {"padded": {"pad_to_aspect_ratio": True}, "stretched": {}}
ways["cropped"] = {"crop_to_aspect_ratio": True}
with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(0)
    for name in OUTLINES:
        Path(folder, name).mkdir()
        for i in range(120):
            draw(name, rng).save(Path(folder, name, f"{i:02}.png"))
    data = {name: images(folder, **FORM, **way) for name, way in ways.items()}

# %% [markdown]
# ## 1. Padded, stretched, cropped
#
# Cropping wins by some points. What it cuts off is paper, since our drawings are in the middle;
# what remains fills the 28 × 28 pixels. Padding spends many of them on white bars, so the drawings
# come out smaller. Stretching keeps all pixels busy, but bends the shapes. With things at the edges
# of the pictures cropping would lose: look at yours.

# %%
means = {}
for name, (x, y, x_test, y_test) in data.items():
    of_seeds = [trained(x, y, s).evaluate(x_test, y_test)["accuracy"] for s in range(3)]
    means[name] = np.mean(of_seeds)
    print(f"{name:9} {means[name]:.1%}:", *(f"{accuracy:.1%}" for accuracy in of_seeds))
assert means["cropped"] > max(means["padded"], means["stretched"])

# %% [markdown]
# ## 2. Five seeds
#
# Several pictures lie between the best and the worst of five networks that differ in nothing but
# their first weights and the order of the pictures. So a difference of two or three pictures
# between two *kinds* of network, each trained once, says nothing yet.

# %%
x, y, x_test, y_test = data["padded"]
accuracies = [trained(x, y, seed).evaluate(x_test, y_test)["accuracy"] for seed in range(5)]
apart = round((max(accuracies) - min(accuracies)) * len(y_test))
print(*(f"{accuracy:.1%}" for accuracy in accuracies), f"- {apart} of {len(y_test)} pictures apart")
assert apart >= 1

# %% [markdown]
# ## 3. Mirrored pictures as well
#
# Nothing, as the mean of the seeds. Kites and leaves look the same in a mirror, and fish are drawn
# swimming both ways, so a mirror image tells the network next to nothing new. Photographs of
# things that face one way would be another matter. (And letters must not be mirrored at all.)

# %%
rows = np.concatenate([np.flatnonzero(y == label)[:20] for label in range(3)])
few, labels = x[rows], y[rows]
more, more_labels = np.concatenate([few, few[:, :, ::-1]]), np.tile(labels, 2)
gains = []
for seed in range(3):
    plain = trained(few, labels, seed, epochs=50).evaluate(x_test, y_test)["accuracy"]
    both = trained(more, more_labels, seed).evaluate(x_test, y_test)["accuracy"]
    gains.append(both - plain)
    print(f"60 pictures {plain:.1%}, with their mirror images {both:.1%}")
print(f"gain, mean of three seeds: {100 * np.mean(gains):.1f} points")
assert abs(np.mean(gains)) < 0.08
