# %% [markdown]
# # Answers to tutorial 13, saving and resuming

# %%
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import minnet
from minnet.course import reading

reading.aloud(globals())

PROGRAM = """
import json, os, sys
from pathlib import Path
import minnet
from minnet.callbacks import Callback, Checkpoint, EarlyStopping
from minnet.layers import Dense, Dropout

path, last_step, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
x, y, x_test, y_test = minnet.datasets.digits()
layers = [Dense(64, activation="relu", input_dim=64), Dropout(0.3), Dense(10, activation="softmax")]
model = minnet.Sequential(layers, seed=0)
model.compile("adam", "cross_entropy", metrics=["accuracy"])


class Count(Callback):
    def __init__(self):
        self.count = 0
        if kind != "plain":
            self.log = open(os.devnull, "w")

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if model.updates.iterations == last_step:
            os._exit(1)  # as if the power were cut: nothing is cleaned up


class Described(Count):
    def get_state(self):
        return {"count": self.count}

    def set_state(self, state):
        self.count = state["count"]


stop = EarlyStopping("loss", patience=2)
count = Described() if kind == "described" else Count()
model.fit(
    x,
    y,
    epochs=4,
    verbose=0,
    callbacks=[stop, count, Checkpoint(path, every=20)],
    resume=path if path.exists() else None,
)
accuracy = model.evaluate(x_test, y_test)["accuracy"]
print(json.dumps({"best": stop.best, "count": count.count, "accuracy": accuracy}))
"""
folder = tempfile.TemporaryDirectory()


def run(name, last_step=0, kind="plain", threads=1):
    """Run the program; what it prints, or its errors if it did not reach the end."""
    command = [sys.executable, "-c", PROGRAM, str(Path(folder.name) / name), str(last_step), kind]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run(  # noqa: S603 - our own
        command, capture_output=True, text=True, env=environment
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


undisturbed = run("undisturbed.npz")
assert run("killed.npz", last_step=300) == ""
resumed = run("killed.npz")

# %% [markdown]
# ## 1. The best loss of `EarlyStopping`
#
# It is the same number as without the interruption. In between it was in the checkpoint: with the
# weights the file keeps the state of every callback, here the best loss, the best weights, and for
# how many epochs it has waited.

# %%
print(f"best loss: undisturbed {undisturbed['best']:.6f}, resumed {resumed['best']:.6f}")
assert resumed["best"] == undisturbed["best"]

# %% [markdown]
# ## 2. A callback of one's own
#
# The count goes on as well: 480 steps in 4 epochs, though the process that ended has counted only
# those since the checkpoint. `fit` packs the attributes of a callback into the file. An open file
# cannot be packed, and `fit` says so before the first step, not when the power is cut. What is
# missing are `get_state` and `set_state`: the first returns what has to be kept, the second gets it
# back. The resumed process opens a log of its own.

# %%
print("steps counted: undisturbed", undisturbed["count"], "resumed", resumed["count"])
assert resumed["count"] == undisturbed["count"] == 480
sentence = run("refused.npz", kind="log").strip().split("\n")[-1]
print(sentence)
assert sentence.startswith("TypeError: A checkpoint takes numbers")
assert "get_state and set_state" in sentence
assert run("described.npz", last_step=300, kind="described") == ""
assert run("described.npz", kind="described")["count"] == 480

# %% [markdown]
# ## 3. One thread and two
#
# It depends on the machine. With two threads a product of matrices may be cut into pieces and
# summed in another order, and then the last bits differ, and after many steps more than those. If
# the matrices are too small to be cut, as these may be, the bits agree. The accuracy is the same
# within luck in any case: no digit of it depends on the last bit of a sum.

# %%
two_threads = run("two.npz", threads=2)
thetas = [minnet.load(Path(folder.name) / name).theta for name in ("undisturbed.npz", "two.npz")]
print(f"weights differ by up to {np.abs(thetas[0] - thetas[1]).max():.1e}")
print(f"accuracy {undisturbed['accuracy']:.1%} and {two_threads['accuracy']:.1%}")
assert abs(undisturbed["accuracy"] - two_threads["accuracy"]) < 0.02
folder.cleanup()
