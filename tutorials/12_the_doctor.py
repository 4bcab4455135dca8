# %% [markdown]
# # The doctor: why does it not learn?
#
# *Before this one: 09 (real digits) and 11 (initialisation). Reading time: 15 minutes.*
#
# A program with a mistake stops with an error. A network with a mistake trains on, and the loss
# does not fall, or falls, and the network is bad all the same. Is it the data, the learning rate,
# the weights at the start? This tutorial takes one healthy training and six sick ones. You look at
# their curves and guess; then `diagnose` says what it thinks; then we treat them and see who was
# right.
#
# By the end you will know six common sicknesses and their cures, why curves alone are not enough,
# and what even the doctor cannot see.

# %%
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import Doctor, diagnose, plots
from minnet.course import reading
from minnet.course.zoo import game
from minnet.foundation.tables import Table
from minnet.initializers import Constant
from minnet.layers import Dense
from minnet.optimizers import SGD
from minnet.plots import COLOURS

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())
EPOCHS = 15

# %% [markdown]
# ## 1. A healthy training
#
# 100 images of each digit to learn from, digits by other people for the test, and one hidden layer.

# %%
x, y, x_test, y_test = minnet.datasets.digits(per_class=100, seed=0)


def network(widths=(32,), activation="relu", optimizer="adam", seed=0, **settings):
    """Hidden layers of these widths, and ten outputs."""
    layers = [Dense(width, activation=activation, **settings) for width in widths]
    model = minnet.Sequential([*layers, Dense(10, activation="softmax")], seed=seed)
    model.build((64,))
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    return model


healthy = network()
print(diagnose(healthy, x, y))
assert diagnose(healthy, x, y).healthy

# %% [markdown]
# `diagnose` makes quick experiments on a copy of the model: it looks at the data, at the numbers in
# each layer, and makes short trial trainings. Here it has found nothing. What does a healthy curve
# look like?

# %%
history = healthy.fit(x, y, epochs=EPOCHS, validation_data=(x_test, y_test), verbose=0).history
start, end = history["loss"][0], history["loss"][-1]
healthy_accuracy = history["val_accuracy"][-1]
print(f"loss {start:.2f} → {end:.2f}; {healthy_accuracy:.1%} of other people's digits right")
print(f"a network that knows nothing has ln 10 = {np.log(10):.2f}")
assert 0.8 * np.log(10) < start < 1.2 * np.log(10)
assert end < 0.4
assert healthy_accuracy > 0.88

# %% [markdown]
# ## 2. Six patients
#
# The next cell makes them. **If you want to guess, do not read it yet.** Look at the picture
# `12_patients.png` first, and at the table that the cell after it prints.


# %%
class Patient(NamedTuple):
    """A model with its data, and how it is to be trained."""

    model: minnet.Sequential
    x: Any
    y: Any
    x_test: Any
    settings: Mapping[str, Any] = MappingProxyType({})


def patients(seed=0):
    """Six trainings, each with one thing wrong."""
    by_class = np.argsort(y, kind="stable")
    shuffled = np.random.default_rng(seed).permutation(y)
    return {
        "A": Patient(network(activation="tanh", seed=seed), 255 * x, y, 255 * x_test),
        "B": Patient(network(optimizer=SGD(10.0), seed=seed), x, y, x_test),
        "C": Patient(network((32,) * 10, "sigmoid", seed=seed), x, y, x_test),
        "D": Patient(network(bias_initializer=Constant(-10.0), seed=seed), x, y, x_test),
        "E": Patient(
            network(optimizer=SGD(0.1), seed=seed),
            x[by_class],
            y[by_class],
            x_test,
            {"shuffle": False},
        ),
        "F": Patient(network(seed=seed), x, shuffled, x_test),
    }


def train(patient):
    """Its curves. One of the six is warned of by `fit` itself, which would spoil the riddle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return patient.model.fit(
            patient.x,
            patient.y,
            epochs=EPOCHS,
            validation_data=(patient.x_test, y_test),
            verbose=0,
            seed=0,
            **patient.settings,
        ).history


# %% [markdown]
# ## 3. Look at the curves, and guess
#
# For each of them: the loss on the digits that it trains with, the loss on other people's digits,
# and the loss of a network that knows nothing. What is wrong with A to F? Write your guesses down.

# %%
sick = patients()
diagnoses = {name: diagnose(p.model, p.x, p.y, **p.settings) for name, p in sick.items()}
before = {name: train(patient) for name, patient in sick.items()}

rows = [
    [
        name,
        f"{curves['loss'][0]:.2f} → {curves['loss'][-1]:.2f}",
        f"{100 * curves['accuracy'][-1]:.0f}",
        f"{100 * curves['val_accuracy'][-1]:.0f}",
    ]
    for name, curves in [("healthy", history), *before.items()]
]
print(Table(["", "training loss", " training accuracy %", " others' digits %"], rows))


def draw(axes, courses, **look):
    """One panel for each patient: its loss in each epoch."""
    for ax, (name, curves) in zip(axes.flat, courses.items(), strict=True):
        epochs = np.arange(1, EPOCHS + 1)
        ax.plot(epochs, curves["loss"], color=COLOURS[0], label="training", **look)
        ax.plot(epochs, curves["val_loss"], "--", color=COLOURS[1], label="others' digits")
        ax.axhline(np.log(10), color="0.5", linestyle=":", label="knows nothing")
        shown = np.concatenate([curves["loss"], curves["val_loss"]])
        flat = np.ptp(shown) < 0.3  # a scale of its own: else all flat ones look alike
        ax.set(ylim=(2.2, 2.5) if flat else (0, 5), xticks=[1, 5, 10, 15])
        if flat:
            ax.text(15, 2.49, "axis from 2.2 to 2.5", ha="right", va="top", color="0.3")
        ax.set_title(name, loc="left", fontweight="bold")
        top = max(curves["loss"])
        if top > 5:
            ax.text(2.3, 4.8, f"starts at {top:.0f}", color=COLOURS[0], va="top")


fig, axes = plt.subplots(2, 3, figsize=(9.5, 5.6), layout="constrained", sharex=True)
draw(axes, before, linewidth=2)
fig.suptitle("Six patients: what is wrong with each of them?")
fig.supxlabel("epoch")
fig.supylabel("loss (cross-entropy, nats)")
axes[0, 0].legend(loc="upper right")
fig.savefig(pictures / "12_patients.png", dpi=120)

# %% [markdown]
# Four of them, B, C, D and F, end near the dotted line: they do not learn at all. (Mind the axes:
# C, D and F have one of their own, from 2.2 to 2.5. On the axis of the others they would be the
# same flat line three times.) A and E do learn. E is treacherous: on its own digits it is nearly as
# good as the healthy one.
#
# So a curve says *that* something is wrong, and rarely *what*.

# %%
flat = [name for name, curves in before.items() if curves["loss"][-1] > 0.9 * np.log(10)]
print("do not learn:", ", ".join(flat))
assert flat == ["B", "C", "D", "F"]
assert before["E"]["accuracy"][-1] > 0.88
assert before["E"]["val_accuracy"][-1] < healthy_accuracy - 0.05

# %% [markdown]
# ## 4. What the doctor says
#
# It was asked before the training, so it has not seen the curves. Each finding has a name, what was
# measured, and what to try.

# %%
for name, diagnosis in diagnoses.items():
    print(f"\n{name} ── {diagnosis}")

kinds = {name: diagnosis.kinds[0] for name, diagnosis in diagnoses.items()}
assert kinds == {
    "A": "input-scale",
    "B": "step-too-large",
    "C": "vanishing-gradient",
    "D": "dead-relu",
    "E": "sorted-unshuffled",
    "F": "labels-unrelated",
}
assert all("cannot-overfit" in diagnoses[name].kinds for name in "CD")

# %% [markdown]
# How many did you have?
#
# - **A** got pixels from 0 to 255 instead of 0 to 1. The tanh of such sums is nearly always 1 or
#   −1, where its curve is flat. (`fit` warns of this one by itself; we switched that off.)
# - **B** makes steps ten times too long or more. It jumps across the valley, and never comes down.
# - **C** has ten layers of sigmoids, each of which lets at most a quarter of the slope through
#   (tutorial 06).
# - **D** has biases of −10, so every ReLU is off for every image. Off means slope 0, and slope 0
#   means that nothing will ever change.
# - **E** gets its digits sorted: first all zeros, then all ones, … After the nines it has not seen
#   a zero for a while. (Its training accuracy is counted as the digits come, three batches of the
#   same digit in a row: repeating the last one is mostly right.)
# - **F** has labels that were shuffled, and images that were not. There is nothing to be learned.
#
# Does E really say "nine" too often?

# %%
answers = np.bincount(sick["E"].model.predict(x_test).argmax(axis=1), minlength=10)
there = np.bincount(y_test, minlength=10)
print(f"nines: {there[9]}, and E says nine {answers[9]} times;", end=" ")
print(f"ones: {there[1]}, said {answers[1]} times")
assert answers[9] > 1.4 * there[9]

# %% [markdown]
# With C and D the doctor said more: not even 20 images can be learned by heart. That is the best
# test to do yourself when you know nothing better: *a network that cannot learn 20 samples by heart
# has a mistake in it.*
#
# ## 5. Treat them
#
# The doctor has not only an opinion. It tried each cure on a copy of the patient, beside another
# copy that it left as it is, for the same number of updates, and gives only advice that won. Both
# figures stand in the finding, and the cure itself is in it too, to be run. Here is C's, with the
# loss that either copy came to:

# %%
finding = diagnoses["C"].findings[0]
print(finding.advice)
print(finding.proof)
assert finding.proof.after < finding.proof.before

c = patients()["C"]
treated = finding.cure(c.model, c.x, c.y)
losses = treated.model.fit(treated.x, treated.y, epochs=EPOCHS, verbose=0, seed=0).history["loss"]
print(f"after {EPOCHS} epochs: {before['C']['loss'][-1]:.2f} as it was, {losses[-1]:.2f} cured")
assert losses[-1] < 0.5 * before["C"]["loss"][-1]

# %% [markdown]
# Now all six, by hand. Take the advice, and train again: divide by 255; the learning rate that did
# best in the doctor's trial; ReLU with the weights made for it ("he_normal", tutorial 11); biases
# of 0; shuffle; the right order of the labels.


# %%
def cured(seed=0, rate=1.0):
    """The same six, with the advice taken."""
    sick = patients(seed)
    relu = {"activation": "relu", "kernel_initializer": "he_normal"}
    return {
        "A": sick["A"]._replace(x=sick["A"].x / 255, x_test=sick["A"].x_test / 255),
        "B": sick["B"]._replace(model=network(optimizer=SGD(rate), seed=seed)),
        "C": sick["C"]._replace(model=network((32,) * 10, seed=seed, **relu)),
        "D": sick["D"]._replace(model=network(seed=seed)),
        "E": sick["E"]._replace(settings={"shuffle": True}),
        "F": sick["F"]._replace(y=y),
    }


rate = diagnoses["B"].findings[0].measurement["better rate"]
assert rate <= 1
print(f"B is given the learning rate {rate:g} instead of 10\n")
after = {name: train(patient) for name, patient in cured(rate=rate).items()}

rows = []
for name, kind in kinds.items():
    one, other = before[name]["val_accuracy"][-1], after[name]["val_accuracy"][-1]
    rows.append([name, kind, f"{100 * one:.0f}", f"{100 * other:.0f}"])
    assert other > 0.8
    assert other > one + 0.05
print(Table(["", "diagnosis", " before", " after"], rows, title="Others' digits right, percent"))

fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
for row, name in enumerate(kinds):
    one, other = (100 * course[name]["val_accuracy"][-1] for course in (before, after))
    ax.annotate("", (other - 1, row), (one + 1, row), arrowprops={"arrowstyle": "->", "lw": 2})
    ax.plot(one, row, "s", color=COLOURS[1], markersize=9, label="before" if not row else None)
    ax.plot(other, row, "o", color=COLOURS[0], markersize=9, label="after" if not row else None)
ax.axvline(100 * healthy_accuracy, color="0.4", linestyle="--", label="never sick")
ax.axvline(10, color="0.4", linestyle=":", label="guessing")
ax.set(
    yticks=range(6),
    yticklabels=[f"{name}  {kind}" for name, kind in kinds.items()],
    xlabel="other people's digits right, %",
    xlim=(0, 100),
    title="After the treatment all six learn",
)
ax.invert_yaxis()
ax.legend(loc="upper center", ncols=4, bbox_to_anchor=(0.5, -0.16))
fig.savefig(pictures / "12_treated.png", dpi=120)

# %% [markdown]
# ## 6. A doctor who watches
#
# Some sicknesses begin in the middle of a training. `Doctor()` among the `callbacks` looks over
# your shoulder while `fit` runs, at a few batches of each epoch, and says each thing once. It makes
# no experiments, so it sees less than `diagnose`; with `Doctor(try_cures=True)` it asks `diagnose`
# when the training ends. Here is B again:

# %%
doctor = Doctor()
model = network(optimizer=SGD(10.0))
model.fit(x, y, epochs=5, verbose=0, seed=0, callbacks=[doctor])
seen = [finding.kind for finding in doctor.findings]
print("kept for later:", seen)
assert "dead-relu" in seen

# %% [markdown]
# Dead units here are what the large steps did: one jump threw nearly all of them over to the side
# where they are off, and there they stay. A smaller rate *now* would not help; it has to start
# over. A healthy training gets no comment:

# %%
doctor = Doctor()
network().fit(x, y, epochs=5, verbose=0, callbacks=[doctor])
print("said of the healthy one:", doctor.findings)
assert doctor.findings == []

# %% [markdown]
# ## 7. What the doctor cannot see
#
# "Healthy" means: *I have found nothing of what I look for.* Three trainings that it calls healthy:
#
# - somebody has mixed up two keys: every 3 is labelled 5, and every 5 is labelled 3;
# - the images to learn from are mirrored, left for right;
# - there are three images of each digit, for a network with two layers of 256 units.
#
# Which does most harm? Guess.

# %%
swapped = y.copy()
swapped[y == 3], swapped[y == 5] = 5, 3
mirrored = x.reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64)
few = np.concatenate([np.flatnonzero(y == k)[:3] for k in range(10)])

unseen = {
    "3 and 5 swapped": Patient(network(), x, swapped, x_test),
    "mirrored": Patient(network(), mirrored, y, x_test),
    "30 images": Patient(network((256, 256)), x[few], y[few], x_test),
}
rows, results = [], {}
for name, patient in unseen.items():
    diagnosis = diagnose(patient.model, patient.x, patient.y)
    assert diagnosis.healthy
    curves = train(patient)
    results[name] = curves["accuracy"][-1], curves["val_accuracy"][-1]
    rows.append([name, *(f"{100 * result:.0f}" for result in results[name])])
print(Table(["called healthy", " its own %", " others' digits %"], rows))
for own, others in results.values():
    assert own > 0.9
    assert others < healthy_accuracy - 0.05
assert results["mirrored"][1] < 0.5

# %% [markdown]
# All three do well on what they learned from, and only the digits of other people give them away.
# No experiment can know what a 3 is; the doctor sees numbers, you know what they mean. So look at a
# few images with their labels, and at the *confusion matrix*: how often each digit was taken for
# each other one. A mistake in the labels stands out there.

# %%
model = unseen["3 and 5 swapped"].model
counts = minnet.confusion_matrix(y_test, model.predict(x_test).argmax(axis=1))
ax = plots.confusion(counts)
ax.set_title("3 is taken for 5, and 5 for 3: look at the labels")
ax.figure.savefig(pictures / "12_confusion.png", dpi=120)
print(f"3 taken for 5: {counts[3, 5]} of {counts[3].sum()}; for 3: {counts[3, 3]}")
assert counts[3, 5] > 0.7 * counts[3].sum()
assert counts[5, 3] > 0.7 * counts[5].sum()

# %% [markdown]
# Can it see more if it is given those other digits as well, as `validation_data`? It compares the
# two: their sizes, and whether rows are in both. Guess first: will it notice the mirror? And a
# forgotten division by 255?

# %%
for name, patient in unseen.items():
    told = diagnose(patient.model, patient.x, patient.y, validation_data=(x_test, y_test))
    print(f"{name:16} {', '.join(told.kinds) or 'healthy'}")
    assert told.healthy
told = diagnose(network(), x, y, validation_data=(255 * x_test, y_test))
print(f"{'not divided':16} {', '.join(told.kinds)}")
assert told.kinds == ["validation-mismatch"]

# %% [markdown]
# The mirror it does not see: each number of a mirrored image is as large as before.
#
# ## 8. Practise
#
# `python -m minnet zoo` is a game: it shows you the curves of sick networks, you say what is wrong,
# and the doctor explains. (In the zoo there are wrong gradients as well, of the kind that tutorials
# 05 and 24 show.) Here a script plays one round. It asks for a hint, which costs a point, and then
# answers.

# %%
score = game.play(["rate-of-ten"], seed=3, source=io.StringIO("hint\nrate-of-ten\n"))
assert score == game.WITH_HINT
print(f"Pictures: 12_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Make a seventh patient: start with all weights at 0 (`kernel_initializer="zeros"` in all
#    layers, the last one too), or take `Adam(1e-6)`. Guess the curve before you draw it, and the
#    doctor's word for it.
# 2. A patient with two sicknesses: give A the optimizer SGD(10.0) as well. What does the doctor
#    name, and what not? Treat that, and ask again. Why does it go one by one?
# 3. Replace a part of the labels by random digits: 10 %, 30 %, 60 %, 90 %. From where on does the
#    doctor notice? What happens to the accuracy on other people's digits until then?
