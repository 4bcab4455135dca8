# %% [markdown]
# # The gallery: every picture that minnet draws
#
# Each cell is one function of `minnet.plots`, with the shortest program that has something to show.
# All of them return matplotlib's Axes, take `ax=`, and leave the model as it was.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import Sequential, plots
from minnet.callbacks import RecordWeights
from minnet.layers import Dense, Dropout

pictures = Path("pictures") / "gallery"
pictures.mkdir(parents=True, exist_ok=True)


def keep(ax, name, finding):
    """Save the picture and say what it shows."""
    figure = np.ravel(ax)[0].figure
    figure.savefig(pictures / f"{name}.png", dpi=120)
    plt.close(figure)
    print(f"{name + '.png':24} {finding}")


# %% [markdown]
# ## Data in the plane

# %%
x, y, x_test, y_test = minnet.datasets.spirals(60, seed=0)
spiral = Sequential(
    [Dense(32, activation="tanh", input_dim=2), Dense(3, activation="softmax")], seed=0
)
spiral.compile(minnet.optimizers.Adam(0.03), "cross_entropy", ["accuracy"])
record = RecordWeights()
history = spiral.fit(
    x,
    y,
    epochs=60,
    batch_size=30,
    validation_data=(x_test, y_test),
    callbacks=[record],
    verbose=0,
)
keep(
    plots.decision_boundary(spiral, x_test, y_test, ["first", "second", "third"]),
    "decision_boundary",
    f"three arms, {spiral.evaluate(x_test, y_test)['accuracy']:.1%} of the test points right",
)
keep(plots.learning_curves(history.history), "learning_curves", f"{len(history.epoch)} epochs")
keep(
    plots.loss_surface(spiral, x, y, record),
    "loss_surface",
    f"the way of {len(record.thetas) - 1} epochs, over its two principal components",
)
keep(
    plots.loss_surface(spiral, x, y),
    "loss_surface_random",
    "around its end, in two random directions",
)
keep(plots.loss_along(spiral, x, y), "loss_along", "along one random direction")
left, right = plots.animate(spiral, x, y, record, pictures / "training.gif", frames=30)
plt.close(left.figure)
size = (pictures / "training.gif").stat().st_size
print(f"{'training.gif':24} the boundary and the loss, {size / 1024:.0f} KiB")

# %% [markdown]
# ## A network small enough to draw

# %%
x, y, _, _ = minnet.datasets.xor(n=80, seed=0)
xor = Sequential([Dense(4, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")], seed=1)
xor.compile(minnet.optimizers.Adam(0.05), "binary_crossentropy", ["accuracy"])
xor.fit(x, y, epochs=60, verbose=0)
keep(plots.network(xor), "network", f"XOR, solved to {xor.evaluate(x, y)['accuracy']:.0%}")
keep(plots.decision_boundary(xor, x, y), "decision_boundary_xor", "one output, two classes")

# %% [markdown]
# ## Real digits

# %%
x, y, x_test, y_test = minnet.datasets.digits()
digits = Sequential(
    [
        Dense(32, activation="relu", input_dim=64),
        Dropout(0.1),
        Dense(10, activation="softmax"),
    ],
    seed=0,
)
digits.class_names = [str(digit) for digit in range(10)]
digits.compile("adam", "cross_entropy", ["accuracy"])
search = minnet.find_learning_rate(digits, x, y)
keep(search.plot(), "learning_rates", f"suggests {search.suggestion:.1e}")
digits.fit(x, y, epochs=12, verbose=0)
predicted = digits.predict(x_test).argmax(axis=1)
keep(plots.network(digits), "network_digits", "large layers are elided")
counts = minnet.confusion_matrix(y_test, predicted)
wrong = int((predicted != y_test).sum())
keep(plots.confusion(counts), "confusion", f"{wrong} of {len(y_test)} wrong")
some = np.r_[np.flatnonzero(predicted != y_test)[:8], np.flatnonzero(predicted == y_test)[:16]]
keep(
    plots.predictions(x_test[some], y_test[some], predicted[some]),
    "predictions",
    "eight mistakes, and sixteen that are right",
)
keep(plots.activations(digits, x_test), "activations", "what each layer puts out")
linear = Sequential([Dense(10, activation="softmax", input_dim=64)], seed=0)
linear.compile(minnet.optimizers.Adam(0.003, weight_decay=1), "cross_entropy")
linear.fit(x, y, epochs=8, verbose=0)
keep(plots.weights(linear.layers[0], columns=5), "weights", "for a 0, ink in a ring counts")

# %% [markdown]
# ## A network for images

# %%
images = minnet.load_pretrained("mnist-cnn")
character = minnet.datasets.glyphs("A", 1, seed=0, n_test=0, size=28, noise=0.0)[0]
keep(plots.network(images), "network_images", "maps, windows, and then units")
keep(plots.filters(images.layers[0]), "filters", "what six filters look for")
keep(plots.filters(images.get_layer("conv2d_2")), "filters_of_maps", "16 filters on six maps each")
keep(
    plots.feature_maps(images, character.reshape(28, 28, 1)), "feature_maps", "an A, layer by layer"
)

# %% [markdown]
# ## The vanishing gradient

# %%
deep = Sequential(seed=0)
deep.add(Dense(30, activation="sigmoid", input_dim=64))
for _ in range(4):
    deep.add(Dense(30, activation="sigmoid"))
deep.add(Dense(10, activation="softmax"))
deep.compile("sgd", "cross_entropy")
keep(plots.gradients(deep, x[:200], y[:200]), "gradients", "six layers of sigmoids, untrained")
ax = plots.gradient_flow(deep, x[:200], y[:200])
dy = ax.lines[0].get_ydata()
keep(ax, "gradient_flow", f"of the gradient on top, {dy[0] / dy[-1]:.1e} is left at the bottom")

# %% [markdown]
# ## What each label is worth

# %%
budgets, draws = [1, 5, 20], range(3)
ways = {"a linear model": [], "64 hidden units": []}
for labels in budgets:
    for way, hidden in (("a linear model", []), ("64 hidden units", [64])):
        accuracies = []
        for seed in draws:
            few, their_labels, _, _ = minnet.datasets.digits(per_class=labels, seed=seed)
            model = Sequential([Dense(n, activation="relu") for n in hidden], seed=seed)
            model.add(Dense(10, activation="softmax"))
            model.compile(minnet.optimizers.Adam(0.01), "cross_entropy", ["accuracy"])
            model.fit(few, their_labels, epochs=40, verbose=0)
            accuracies.append(model.evaluate(x_test, y_test)["accuracy"])
        ways[way].append(accuracies)
means = ", ".join(f"{way} {100 * np.mean(ways[way][-1]):.1f} %" for way in ways)
keep(
    plots.label_efficiency(budgets, ways),
    "label_efficiency",
    f"with {budgets[-1]} labels a class: {means}",
)

print(f"{len(list(pictures.iterdir()))} pictures in {pictures.resolve()}")
