# %% [markdown]
# # Saving a model, and going on after the power was cut
#
# *Before this one: 09 (real digits). Reading time: 10 minutes.*
#
# Three different things are called "saving": keeping a model to use it, keeping it to train it
# further, and keeping a *training*, so that it can go on as if nothing had happened. This tutorial
# does all three, looks into the files, and kills a training to see what is lost. (Nothing is.)

# %%
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.callbacks import Checkpoint
from minnet.course import reading
from minnet.layers import Dense, Dropout
from minnet.plots import COLOURS

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
files = pictures / "13_files"
files.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Save, and load
#
# `save` writes one file: the layers, their weights, how the model was compiled, and what the
# optimizer remembers. `load` needs nothing but the file.

# %%
x, y, x_test, y_test = minnet.datasets.digits()


def network(seed):
    """64 inputs, 64 hidden units of which a third pauses in each step, ten classes."""
    model = minnet.Sequential(
        [
            Dense(64, activation="relu", input_dim=64),
            Dropout(0.3),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    return model


model = network(seed=0)
model.class_names = [str(digit) for digit in range(10)]
model.fit(x, y, epochs=3, verbose=0)
model.save(files / "digits.npz")

again = minnet.load(files / "digits.npz")
assert np.array_equal(again.predict(x_test), model.predict(x_test))
print("loaded: the same predictions, to the last bit")

# %% [markdown]
# Do both learn on in the same way? With the same `seed` for the order of the batches, yes: Adam's
# running means and its count of updates are in the file, too.

# %%
for one in (model, again):
    one.fit(x, y, epochs=1, seed=5, verbose=0)
assert np.array_equal(again.theta, model.theta)
print("and after another epoch: still the same weights")

# %% [markdown]
# ## 2. What is in the file
#
# An `npz` is a zip archive of arrays, which plain NumPy reads. Adam has two numbers for every
# weight, so a model with its optimizer is nearly three times as large as its weights alone.

# %%
with np.load(files / "digits.npz") as file:
    for name in file.files:
        print(f"{name:18} {file[name].dtype!s:8} {file[name].shape}")
    description = json.loads(bytes(file["minnet.json"]))
print("the description says:", ", ".join(description))
print("the second layer:    ", description["config"]["layers"][1])

model.save_weights(files / "weights.npz")
sizes = [(files / name).stat().st_size for name in ("digits.npz", "weights.npz")]
print(f"with the optimizer {sizes[0]:,} bytes, without {sizes[1]:,}")
assert 2.5 < sizes[0] / sizes[1] < 3.1

# %% [markdown]
# Nothing in the file is a program. (Python's pickle would be one: never open a pickle that you were
# sent.) A layer's class is looked up in a table, every array has a checksum, and a file is replaced
# whole or not at all, so a crash while saving leaves the old one.

# %%
spoilt = bytearray((files / "digits.npz").read_bytes())
spoilt[5000] ^= 1  # one bit in the whole file
(files / "spoilt.npz").write_bytes(spoilt)
try:
    minnet.load(files / "spoilt.npz")
except minnet.ModelFileError as error:
    print("ModelFileError:", error)
else:
    raise AssertionError("a spoilt file was loaded")

# %% [markdown]
# ## 3. Checkpoints
#
# A saved model can be trained on, but that is a *new* fit: it starts an epoch, in a new order, with
# an empty history. A `Checkpoint` keeps the fit as well: how far it is in its epoch, the state of
# the random generator, the figures gathered so far, what early stopping is waiting for.

# %%
checkpoint = Checkpoint(files / "run.npz", every=50, keep=3)
network(seed=0).fit(x, y, epochs=2, verbose=0, callbacks=[checkpoint])
for path in sorted(files.glob("run*.npz")):
    print(f"{path.name:12} after {minnet.load(path).updates.iterations} steps")
assert sorted(path.name for path in files.glob("run*.npz")) == [
    "run-150.npz",
    "run-200.npz",
    "run.npz",
]

# %% [markdown]
# That is the newest state. The best one is another file: with `monitor`, a `Checkpoint` writes only
# after an epoch whose figure is better than any before. One fit can have both.

# %%
few = {"x": x[:200], "y": y[:200], "validation_data": (x_test, y_test), "learning_rate": 0.05}
best = Checkpoint(files / "best.npz", monitor="val_loss")
history = network(seed=0).fit(
    **few, epochs=8, verbose=0, callbacks=[best, Checkpoint(files / "last.npz")]
)
losses = history.history["val_loss"]
print("validation loss:", ", ".join(f"{loss:.2f}" for loss in losses))
print(f"best.npz is of epoch {best.best_epoch + 1}, last.npz of epoch {len(losses)}")
assert best.best_epoch == losses.index(min(losses)) < len(losses) - 1
loss_of_best = minnet.load(files / "best.npz").evaluate(x_test, y_test)["loss"]
assert abs(loss_of_best - min(losses)) < 1e-3

# %% [markdown]
# ## 4. Pull the plug
#
# Here is a whole program. It goes on from its checkpoint if there is one. We run it in a process of
# its own, three times: once undisturbed; once until it has made 500 of its 1,920 steps, when we
# kill it as the system kills a process that used too much memory, without a word; and once more.

# %%
PROGRAM = """
import json, sys
from pathlib import Path
import minnet
from minnet.callbacks import Checkpoint
from minnet.layers import Dense, Dropout

path = Path(sys.argv[1])
x, y, _, _ = minnet.datasets.digits()
model = minnet.Sequential(
    [
        Dense(64, activation="relu", input_dim=64),
        Dropout(0.3),
        Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile("adam", "cross_entropy", metrics=["accuracy"])
history = model.fit(
    x,
    y,
    epochs=16,
    verbose=0,
    callbacks=[Checkpoint(path, every=20)],
    resume=path if path.exists() else None,
)
print(json.dumps(history.history))
"""


def start(path):
    """Run the program, with its checkpoints at this path."""
    command = [sys.executable, "-c", PROGRAM, files / path]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own


for old in ("undisturbed.npz", "killed.npz"):
    (files / old).unlink(missing_ok=True)

undisturbed = json.loads(start("undisturbed.npz").communicate()[0])

victim = start("killed.npz")
while not (
    (files / "killed.npz").exists() and minnet.load(files / "killed.npz").updates.iterations >= 500
):
    time.sleep(0.01)
victim.kill()
victim.communicate()
assert victim.returncode != 0
left = minnet.load(files / "killed.npz")
steps = -(-len(x) // 32)  # in an epoch
assert 16 * steps == 1920
epoch, step = divmod(left.updates.iterations, steps)
print(f"killed; the checkpoint is of step {step} of {steps} in epoch {epoch + 1}")

# %%
resumed = json.loads(start("killed.npz").communicate()[0])
one, other = minnet.load(files / "undisturbed.npz"), minnet.load(files / "killed.npz")
assert np.array_equal(one.theta, other.theta)
assert all(np.array_equal(one.updates.slots[s], other.updates.slots[s]) for s in ("m", "v"))
assert resumed == undisturbed
print(f"{one.theta.size:,} weights and the history of 16 epochs: the same, to the last bit")

# %% [markdown]
# ## 5. Why not just load the weights?
#
# Most people do: load the last weights, and call `fit` for the epochs that are left. It works, but
# it is another training: Adam has forgotten what it knew, rows that this epoch has already seen
# come again, and dropout draws other masks.

# %%
restarted = network(seed=1)
restarted.theta = left.theta
again = restarted.fit(x, y, epochs=16 - epoch, verbose=0).history
gap = np.abs(restarted.theta - one.theta).max()
print(f"weights alone: in the end the weights differ by up to {gap:.2f}")
assert gap > 0.01

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
epochs = np.arange(1, 17)
ax.plot(epochs, undisturbed["loss"], color=COLOURS[5], linewidth=7, label="never stopped")
ax.plot(epochs, resumed["loss"], color="black", label="killed and resumed")
ax.plot(epochs[epoch:], again["loss"], "s--", color=COLOURS[1], label="restarted from its weights")
ax.axvline(epoch + step / steps, color="0.4", linestyle=":", label="killed here")
ax.set_yscale("log")
ax.set_yticks([0.2, 0.5, 1], ["0.2", "0.5", "1"])
ax.minorticks_off()
ax.set(xlabel="epoch", ylabel="training loss (nats)")
ax.set_title("The resumed training is the same training")
ax.legend()
fig.savefig(pictures / "13_resumed.png", dpi=120)

# %% [markdown]
# ## 6. What is refused
#
# "The same training" needs the same data, batch size, network, loss and optimizer. The checkpoint
# knows them all (the data by a hash of every number), and says what differs.

# %%
for name, change in {"data": {"x": x[::-1]}, "batch size": {"batch_size": 64}}.items():
    try:
        network(seed=0).fit(
            **{"x": x, "y": y, "epochs": 16, "resume": files / "killed.npz", **change}
        )
    except minnet.ModelFileError as error:
        print(f"another {name}:", str(error).split(". Call")[0])
    else:
        raise AssertionError(f"another {name} was not noticed")

longer = network(seed=0)
history = longer.fit(x, y, epochs=18, verbose=0, resume=files / "killed.npz")
assert history.history["loss"][:16] == undisturbed["loss"]
assert len(history.epoch) == 18
print("but more epochs are fine: two more make", len(history.epoch))

# %% [markdown]
# ## 7. Why bits agree, and where they may not
#
# A computer adds in the same way every time. What differs between two runs is what goes in: random
# numbers, so all come from generators whose state is in the file; and the *order* of additions,
# since (a + b) + c and a + (b + c) are rounded differently.

# %%
a, b, c = np.float32(1e8), np.float32(-1e8), np.float32(0.1)
print(f"(a + b) + c = {(a + b) + c:g}, a + (b + c) = {a + (b + c):g}")
assert (a + b) + c != a + (b + c)

# %% [markdown]
# A matrix product adds thousands of numbers, in an order that its library chooses by the processor,
# the number of threads and the shape of the matrices. So bits agree on one machine, with one NumPy
# and one number of threads. Elsewhere, or for one row instead of all, the last digits may differ;
# `fit` warns where the file comes from another NumPy or another kind of machine.

# %%
rows = one.predict(x_test)
alone = np.concatenate([one.predict(x_test[i : i + 1]) for i in range(200)])
gap = np.abs(rows[:200] - alone).max()
print(f"predicted alone and together, 200 rows differ by at most {gap:.1e}")
assert gap < 1e-5
print(f"Pictures and files: 13_* in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Add `EarlyStopping("loss", patience=2)` to the program, kill it again, and print its `best`
#    after the resumed fit. Where was that number in between?
# 2. Write a callback that counts steps in `self.count`, and print the count at the end of a fit
#    that was killed. Now keep an open file in `self.log`. What does `fit` say, what is missing?
# 3. Run the program with OPENBLAS_NUM_THREADS=1 and with =2. Are the weights the same to the bit?
#    Is the accuracy?
