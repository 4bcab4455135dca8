# %% [markdown]
# # Your own table: from a CSV file to a price in euros
#
# *Before this one: 07 (losses), 10 (overfitting) and 12 (the doctor). Reading time: 10 minutes.*
#
# So far the data were clean. Yours will not be: a file from a spreadsheet has gaps and words in it,
# its columns are in different units, and the number you want to predict is in the thousands. This
# tutorial takes such a file, step by step, to a model that answers in euros, and saves everything
# that the next flat will need. It uses NumPy alone; tutorial 18 does the same kind of work with
# pandas and scikit-learn.

# %%
import csv
import json
import warnings
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense, Input, Normalization, Rescaling
from minnet.optimizers import Adam

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. The file
#
# 1,500 flats that were sold, in 500 buildings. The file is made up, so that we know how the prices
# came about, but it has the faults of a real one: some years of construction are missing, and so
# are some kinds of heating. The cell that makes it is hidden; what follows reads the file with
# Python's own `csv`, as you would read yours.

# %% tags=["hide-input"]
DISTRICTS = {"Altstadt": 1.35, "Hafen": 1.0, "Nordend": 1.1, "Seeufer": 1.6, "Westpark": 0.85}
HEATING = {"gas": 1.0, "district": 1.03, "oil": 0.94, "heat pump": 1.08}


def make_flats(path, *, buildings=500, seed=0):
    """Write a file of flats that were sold, three to a building."""
    rng = np.random.default_rng(seed)
    lines = ["building,district,area,rooms,floor,lift,built,heating,fee,price"]
    for building in range(buildings):
        district, heating = rng.choice([*DISTRICTS]), rng.choice([*HEATING])
        built, lift = int(rng.integers(1890, 2024)), bool(rng.random() < 0.5)
        of_building = np.exp(rng.normal(0, 0.06)) * DISTRICTS[district] * HEATING[heating]
        age_factor = 0.8 + 0.5 * ((built - 1957) / 67) ** 2  # old and new ones are dear
        no_year, no_heating = rng.random() < 0.12, rng.random() < 0.08
        for _ in range(3):
            rooms, floor = int(rng.integers(1, 6)), int(rng.integers(0, 8))
            area = round(18 * rooms + float(rng.normal(15, 6)), 1)
            climb = 1 + 0.03 * floor if lift else 1 - 0.05 * floor
            price = 3600 * area * of_building * age_factor * climb * np.exp(rng.normal(0, 0.04))
            price = int(round(price, -2))
            year, heat = "" if no_year else built, "" if no_heating else heating
            lines.append(
                f"{building},{district},{area},{rooms},{floor},{'yes' if lift else 'no'},{year},"
                f"{heat},{0.03 * price:.0f},{price}"
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


make_flats(pictures / "20_flats.csv")

# %%
file = pictures / "20_flats.csv"
with file.open(encoding="utf-8", newline="") as lines:
    flats = list(csv.DictReader(lines))
names = list(flats[0])
print(Table(names, [[flat[name] for name in names] for flat in flats[:7]], title="The file"))
holes = {name: sum(flat[name] == "" for flat in flats) for name in names}
print(f"\n{len(flats):,} flats. Empty:", {name: count for name, count in holes.items() if count})
assert len(flats) == 1500

# %% [markdown]
# ## 2. What must not go in
#
# Look at the columns before you look at networks. Two of these are traps.
#
# - `fee` is what the agent was paid, three per cent of the price. On the day you want a prediction,
#   nobody has been paid yet. A column that is known only *after* the answer gives a wonderful test
#   result and a useless model. Leave it out.
# - `building` is a number, but the number means nothing: building 200 is not twice building 100. It
#   is no input. It tells us, however, which rows belong together.
#
# ## 3. A split that does not leak
#
# The three flats of a building share its district, its year and its heating, and also something
# that is in no column: how quiet it is, or how well kept. Deal the rows out at random, and most of
# the test flats have a neighbour among the training flats. The test then asks "have you seen this
# building?", and your users, who ask about new buildings, get a worse answer than you promised. So
# deal out *buildings*.

# %%
rng = np.random.default_rng(0)
building = np.array([int(flat["building"]) for flat in flats])

at_random = rng.permutation(len(flats)) < len(flats) // 4  # a quarter of the rows
known = np.isin(building[at_random], building[~at_random]).mean()

test_buildings = rng.permutation(500)[:125]  # a quarter of the buildings
is_test = np.isin(building, test_buildings)
known_now = np.isin(building[is_test], building[~is_test]).mean()
print(f"rows at random:      {known:.0%} of the test flats have a neighbour in training")
print(f"buildings at random: {known_now:.0%}")
assert known > 0.85
assert known_now == 0

train = [flat for flat, test in zip(flats, is_test, strict=True) if not test]
held_out = [flat for flat, test in zip(flats, is_test, strict=True) if test]
price = np.array([float(flat["price"]) for flat in train])
price_test = np.array([float(flat["price"]) for flat in held_out])

# %% [markdown]
# ## 4. Words and gaps become numbers
#
# A network multiplies and adds, so each column becomes one or more columns of numbers:
#
# - A **number** stays one. A gap takes the *median* of the training rows, and a second column says
#   with 0 or 1 whether there was a gap: that a value is missing may mean something.
# - A **category** becomes one column for each word that the training rows have, with a 1 for the
#   word that is there (*one-hot*). A gap is a word of its own. A word that was never seen has no
#   column, and all of its zeros say "none of those I know".
# - A **date** becomes a number of days, `date.fromisoformat(text).toordinal()`, or an age in years.
#   Where the season matters, give the month a column of its own, as a category.
#
# Look for what *means* a gap in your file, such as `n/a`, `-` or 999, and make it "" first. A file
# from a spreadsheet may also have
#
# - `;` between its columns: `csv.DictReader(lines, delimiter=";")`,
# - an invisible mark at its beginning, so that its first column is not found under its name:
#   `open(encoding="utf-8-sig")`,
# - a comma in its numbers, 12,5: `text.replace(",", ".")`, and where there are points between the
#   thousands as well, 1.250,00: `text.replace(".", "").replace(",", ".")`,
# - spaces at the ends of words: `text.strip()`.
#
# What is learned from data here, the medians and the lists of words, is learned from the *training*
# rows alone. A median over all rows would carry a little of the test set into training.


# %%
class Preparation:
    """Rows of a file → rows of numbers, as it was learned from the training rows."""

    numbers = ("area", "rooms", "floor", "built")
    categories = ("district", "lift", "heating")

    def learn(self, rows):
        self.medians, self.words = {}, {}
        for name in self.numbers:
            self.medians[name] = float(np.median([float(row[name]) for row in rows if row[name]]))
        for name in self.categories:
            self.words[name] = sorted({row[name] for row in rows})  # "" is a gap
        return self

    def __call__(self, rows):
        columns = []
        for name in self.numbers:
            gap = np.array([not row[name] for row in rows])
            columns += [[float(row[name] or self.medians[name]) for row in rows], gap]
        for name in self.categories:
            columns += [[row[name] == word for row in rows] for word in self.words[name]]
        return np.array(columns, dtype=np.float32).T

    def save(self, path):
        learned = {"medians": self.medians, "words": self.words}
        path.write_text(json.dumps(learned, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path):
        self = cls()
        vars(self).update(json.loads(path.read_text(encoding="utf-8")))
        return self


prepare = Preparation().learn(train)
x, x_test = prepare(train), prepare(held_out)
print(f"{len(names)} columns of the file became {x.shape[1]} columns of numbers.")
print("medians:", prepare.medians)
print("words:", prepare.words)
assert np.isfinite(x_test).all()

# %% [markdown]
# ## 5. A first network, and what the doctor says
#
# Years near 2,000 beside zeros and ones, and a target of several hundred thousand: this is what
# tutorial 12 warned of. `fit` warns, too. We train all the same, and ask.


# %%
def network(*first_and_last):
    """Two hidden layers, with something before them and something behind, or nothing."""
    first, last = first_and_last or ([], [])
    layers = [*first, Dense(32, "relu"), Dense(32, "relu"), Dense(1), *last]
    model = minnet.Sequential([Input((x.shape[1],)), *layers], seed=0)
    model.compile(Adam(0.01), "mse", metrics=["mae"])
    return model


raw = network()
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    raw.fit(x, price, epochs=20, verbose=0, seed=0)
print(f"fit warns: {told[0].message}\n")
raw_error = raw.evaluate(x_test, price_test)["mae"]
print(f"After 20 epochs the error is {raw_error:,.0f} euros on average, and diagnose says:\n")
report = minnet.diagnose(raw, x, price)
print(report)
assert {"feature-scale", "target-scale"} <= set(report.kinds)
assert all(finding.proof is not None for finding in report)

# %% [markdown]
# ## 6. Scaling that stays with the model
#
# It says "after" twice: neither cure is of use without the other, and the network starts anew.
#
# You could scale the table and the prices yourself, and scale the answers back. But then three
# numbers have to travel with the model, and some day one of them will be forgotten. Put them *into*
# the model instead:
#
# - `Normalization` in front: $y = (x - \mu) / \sigma$ for each column, with the $\mu$ and $\sigma$
#   that `adapt` takes from the training rows.
# - `Rescaling` behind: the last `Dense` answers in the neighbourhood of 0, and $y = s\,x + o$ makes
#   euros of it, where $o$ is the mean price of the training rows and $s$ their standard deviation.
#
# The model takes the columns as they are and answers in euros, so its error is in euros, too.

# %%
scale = Normalization()
scale.adapt(x)
euros = Rescaling(float(price.std()), float(price.mean()))
model = network([scale], [euros])
patient = minnet.callbacks.EarlyStopping(patience=20)
history = model.fit(
    x, price, epochs=200, validation_split=0.15, callbacks=[patient], verbose=0, seed=0
)
error = model.evaluate(x_test, price_test)["mae"]
print(f"{len(history.history['loss'])} epochs; {error:,.0f} euros off on average")

# %% [markdown]
# ## 7. Better than what?
#
# An error of so many euros says nothing alone. Two opponents: always the median price, and the best
# straight line through the same columns (least squares).

# %%
constant_error = np.abs(price_test - np.median(price)).mean()
with_ones = [np.c_[columns, np.ones(len(columns))] for columns in (x, x_test)]
line = np.linalg.lstsq(with_ones[0], price, rcond=None)[0]
line_error = np.abs(with_ones[1] @ line - price_test).mean()
mean_price = price_test.mean()
rows = [
    [name, f"{euro:,.0f}", f"{euro / mean_price:.0%}"]
    for name, euro in [
        ("always the median", constant_error),
        ("a straight line", line_error),
        ("network, nothing scaled", raw_error),
        ("network, scaled inside", error),
    ]
]
print(Table(["on 375 flats in new buildings", " euros off", " of the mean price"], rows))
assert error < 0.65 * line_error < line_error < constant_error

# %% tags=["hide-input"]
answer = model.predict(x_test)[:, 0]
fig, ax = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
limits = (0, 1.05 * price_test.max() / 1000)
ax.plot(price_test / 1000, answer / 1000, "o", markersize=4, alpha=0.6, color="C0")
ax.plot(limits, limits, color="0.3", linewidth=1)
ax.text(0.84 * limits[1], 0.87 * limits[1], "exactly right", ha="right", va="bottom")
ax.set(
    xlabel="price, thousands of euros",
    ylabel="answer of the network, thousands of euros",
    title=f"Flats in new buildings: {error / 1000:.0f} thousand euros off on average",
    xlim=limits,
    ylim=(0, 1.12 * limits[1]),
)
fig.savefig(pictures / "20_flats.png", dpi=120)

# %% [markdown]
# The dots fan out: dear flats are missed by more euros, though not by more per cent. If per cents
# matter to you, let the network learn the logarithm of the price (exercise 2).
#
# What is left cannot be learned from these columns. Whether a building is well kept was drawn at
# random, by 6 per cent or so, and no column tells.
#
# ## 8. The doctor once more

# %%
report = minnet.diagnose(model, x, price)
print(report)
assert not {"feature-scale", "target-scale"} & set(report.kinds)

# %% [markdown]
# ## 9. Save it with its preparation
#
# The scaling is in the model. The medians and the words are not, so they go into a file beside it.
# (The program that predicts tomorrow needs the class `Preparation`, too. Put it into a file of its
# own, `preparation.py`, and write `from preparation import Preparation` in both programs.) To be
# sure that nothing is missing, load both and ask about a flat that is in no file: its year is
# unknown, and it is in a district that no training row has.

# %%
model.save(pictures / "20_flats.npz")
prepare.save(pictures / "20_flats.json")

again, prepare_again = (
    minnet.load(pictures / "20_flats.npz"),
    Preparation.load(pictures / "20_flats.json"),
)
new = {"area": "62", "rooms": "2", "floor": "3", "built": "", "district": "Neustadt"}
new |= {"lift": "yes", "heating": "gas"}
(answer,) = again.predict(prepare_again([new]))[:, 0]
print(
    f"A flat of 62 square metres, year and district unknown: about {round(answer, -3):,.0f} euros"
)
assert np.array_equal(again.predict(prepare_again(held_out)), model.predict(x_test))
assert 100_000 < answer < 500_000
print(f"Picture, table and model: 20_flats.* in {pictures.resolve()}")

# %% [markdown]
# ## 10.* When the answer is yes or no, and yes is rare
#
# Which flats cost more than 600,000 euros? Few do. End the network in a sigmoid, and take
# `binary_crossentropy`. Accuracy is no use here: a model that always says "no" is nearly always
# right. Count what matters instead. *Recall* is the share of the dear flats that are found,
# *precision* the share of right answers among those called dear. And let the rare class count for
# more: `class_weight`, with weights that make both classes count alike, N / (2 · its rows).

# %%
dear, dear_test = price > 600_000, price_test > 600_000
rare = dear.mean()
weight = {0: 0.5 / (1 - rare), 1: 0.5 / rare}
print(f"{rare:.0%} are dear; weights {weight[0]:.2f} and {weight[1]:.1f}")
recall = {}
for name, weights in {"all alike": None, "by class": weight}.items():
    scale = Normalization()
    scale.adapt(x)
    layers = [Input((x.shape[1],)), scale, Dense(8, "relu"), Dense(1, "sigmoid")]
    yes_or_no = minnet.Sequential(layers, seed=0)
    yes_or_no.compile(Adam(0.01), "binary_crossentropy", ["accuracy", "recall", "precision"])
    yes_or_no.fit(x, dear, epochs=5, class_weight=weights, verbose=0, seed=0)
    figures = yes_or_no.evaluate(x_test, dear_test)
    recall[name] = figures["recall"]
    print(
        f"{name:10}",
        "  ".join(f"{key} {figures[key]:.0%}" for key in ("accuracy", "recall", "precision")),
    )
print(f"always no  accuracy {1 - dear_test.mean():.0%}")
assert rare < 0.1
assert recall["by class"] > recall["all alike"]

# %% [markdown]
# With weights more of the dear flats are found, and more of the others are called dear by mistake.
# Which is worse is for you to say, not for the network.
#
# If the answer is one of several words, such as the kind of heating, number them:
# `kinds, y = np.unique(words, return_inverse=True)`. End in `Dense(len(kinds), "softmax")`, take
# `cross_entropy`, and keep `kinds` with the preparation: `kinds[model.predict(x).argmax(axis=1)]`
# are words again. `minnet.plots.confusion` draws what is taken for what (tutorial 21).

# %% [markdown]
# ## Exercises
#
# 1. Deal out rows instead of buildings, and train and test as above. By how many euros does the
#    test error flatter the model?
# 2. Let the network learn the logarithm of the price (`np.log(price)`, with a `Rescaling` of its
#    own), and take `np.exp` of its answers. Compare the errors in euros and in per cent.
# 3. Put `fee` into `numbers` and train again. How small does the error become? How would you have
#    noticed, without knowing what a fee is?
