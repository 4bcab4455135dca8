# %% [markdown]
# # When transfer hurts
#
# *Before this one: 14 (transfer learning). Reading time: 5 minutes.*
#
# "Start from a trained model and you will do better" is good advice, but not a law. Here are two
# ways in which it fails on real data, and one call that tells you beforehand.

# %%
import warnings
from pathlib import Path

import numpy as np

import minnet
from minnet import transfer
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. What was learned is not what is needed
#
# A network learns the digits 0 to 4 by thousands of examples, and learns them well. Then it is
# given ten examples each of 5 to 9. It is the same handwriting, by the same people, in the same
# form: this is what many introductions to transfer learning show.

# %%
x, y, x_test, y_test = minnet.datasets.digits(classes=[0, 1, 2, 3, 4])
base = minnet.Sequential(
    [
        Dense(128, activation="relu", input_dim=64),
        Dense(64, activation="relu"),
        Dense(5, activation="softmax"),
    ],
    seed=0,
)
base.compile("adam", "cross_entropy", ["accuracy"])
base.fit(x, y, batch_size=64, epochs=20, verbose=0)
print(f"0 to 4: {base.evaluate(x_test, y_test)['accuracy']:.1%} on the test set\n")

other = minnet.datasets.digits(classes=[5, 6, 7, 8, 9])
report = transfer.compare(
    base,
    *other,
    per_class=[5, 10, 50],
    arms=["scratch", "head only", "fine-tune all", "head then all"],
    old_task=(x_test, y_test),
    verbose=0,
)
print(report)

verdict = report.verdict(10)
head = report.verdict(10, "head only")
assert verdict.word in ("HURTS", "MAKES NO DIFFERENCE")
assert head.word == "HURTS"
print(f"\nWith ten labels a class the new head alone costs {-100 * head.difference:.0f} points.")

# %% [markdown]
# Why? To tell 0 to 4 apart the network had no need to look at what makes a 5 a 5. It threw that
# away, and frozen features cannot get it back. Letting all layers learn repairs most of it, but
# takes as much work as learning from scratch. Look at the last column as well: training all layers
# at once makes the network forget what it knew; training the head first protects most of it.
#
# The hint in the last line would have warned us, without any training: nearest neighbours share
# their label *less* often in the trained features than in random ones.

# %%
ax = report.plot()
ax.set_title("From the digits 0–4 to 5–9: transfer does not pay")
ax.figure.savefig(pictures / "15_hurts.png", dpi=120)
print(f"Picture: {(pictures / '15_hurts.png').resolve()}")

# %% [markdown]
# ## 2. The data are prepared in another way
#
# The shipped model knows digits of a certain form: 8×8 numbers from 0 to 1, ink is 1, the digit as
# high as the frame. *That form is a part of the model.* What if ours is another one?

# %%
model = minnet.load_pretrained("mnist-8x8")
model.card()
x, y, x_test, y_test = minnet.datasets.digits(per_class=5, seed=0)


def shifted(images):
    """Two columns to the right."""
    return np.roll(images.reshape(-1, 8, 8), 2, axis=2).reshape(len(images), 64)


FORMS = {
    "as the model wants it": lambda images: images,
    "counts from 0 to 16": lambda images: 16 * images,
    "white ink on black": lambda images: 1 - images,
    "columns before rows": lambda images: (
        images.reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)
    ),
    "two columns to the right": shifted,
}
rows, zero_shot = [], {}
for name, form in FORMS.items():
    model = minnet.load_pretrained("mnist-8x8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        zero_shot[name] = model.evaluate(form(x_test), y_test)["accuracy"]
        head = model.replace_head(Dense(10, activation="softmax"), seed=0)
        head.freeze("all_but_head")
        head.compile("adam", "cross_entropy", ["accuracy"])
        head.fit(form(x), y, epochs=100, learning_rate=1e-2, verbose=0)
        new_head = head.evaluate(form(x_test), y_test)["accuracy"]
    warned = "warned" if caught else ""
    rows.append([name, f"{100 * zero_shot[name]:.1f}", f"{100 * new_head:.1f}", warned])
    if caught:
        message = str(caught[0].message)
print()
print(
    Table(["form of the data", " zero-shot", " new head", ""], rows, title="Test accuracy, percent")
)
print(f"\nThe warning: {message}")
assert rows[1][-1] == "warned"
assert zero_shot["as the model wants it"] > 0.85
assert max(zero_shot[name] for name in FORMS if name[:3] in ("whi", "col", "two")) < 0.5

# %% [markdown]
# Numbers on another scale are noticed, because the file remembers the range it was trained on. Ink
# and paper exchanged, rows and columns exchanged, digits that are not in the middle: nothing but a
# look at the images tells you those. (A larger scale does least harm to networks with ReLU, where
# all activations grow by the same factor.) `model.card()` says how the data have to be prepared,
# and `preprocess` of `minnet.pretrained.mnist_8x8` does it for images of any size.
#
# ## Exercises
#
# 1. Train the base of part 1 on all ten digits, but with labels drawn at random. What does
#    `compare` say?
# 2. Pre-train on 5–9 and transfer to 0–4. Is it the same the other way round?
# 3. How many labels a class does it take until "head then all" is as good as scratch?
