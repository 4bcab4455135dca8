# %% [markdown]
# # More than one machine: one network, several processes
#
# *Before this one: 04 (backpropagation) and 09 (real digits). Reading time: 11 minutes.*
#
# One process reads a batch, computes the gradient, and makes an update. Two processes could read
# half of it each, at the same time. What do they have to tell each other, and when does it pay?
# Run this file as it is, or cell by cell. With `pip install mpi4py mpich` it starts two processes
# itself; without, it says so, and the rest runs all the same.

# %%
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minnet
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. What is summed
#
# The loss of a batch is a mean over its N rows. Share the rows out, N₁ to one process and N₂ to the
# other, and the mean becomes a weighted sum of the means of the shares:
#
#     L = 1/N Σ_n L_n = N₁/N · L₁ + N₂/N · L₂
#
# A derivative of a sum is the sum of the derivatives. So the gradient of the batch is the same
# weighted sum of the gradients of the shares, and nothing is lost: this is no approximation.

# %%
x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
model = minnet.Sequential(
    [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")],
    seed=0,
    dtype="float64",
)
model.compile("sgd", "cross_entropy")
model.loss_and_gradient(x, y)
whole = model.grad.copy()

total = np.zeros_like(whole)
for rows in (slice(0, 17), slice(17, 50)):  # unequal shares, on purpose
    model.loss_and_gradient(x[rows], y[rows])
    total += len(x[rows]) / len(x) * model.grad
print(f"largest number of the gradient:       {abs(whole).max():.3f}")
print(f"the sum of two shares differs by:     {abs(total - whole).max():.1e}")
assert abs(total - whole).max() < 1e-15

# %% [markdown]
# Without the weights N₁/N and N₂/N it would be wrong: a row of the smaller share would count more.
#
# If every process begins with the same weights, and makes the same update with the same sum, then
# all have the same weights after it, and nobody ever sends weights. What travels is the gradient,
# once a step. That is why a model keeps all of it in one vector: it is one message. Adding up what
# all have, so that all have the sum, is called an *all-reduce*.
#
# ## 2. Two processes
#
# `minnet.parallel.DataParallel(model)` does that. Every process runs the same program, whole:

# %%
PROGRAM = '''
import json
import sys
import time

import minnet
from minnet.callbacks import Callback
from minnet.layers import Dense

class Clock(Callback):
    """Notes how long the fastest epoch took."""
    def __init__(self):
        self.best = float("inf")
    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        self.best = min(self.best, time.perf_counter() - self.begun)

def network():
    layers = [Dense(512, activation="relu", input_dim=64), Dense(256, activation="relu")]
    model = minnet.Sequential([*layers, Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    return model

x, y, _, _ = minnet.datasets.digits()
results, model = {}, network()
if sys.argv[1] == "together":
    from minnet.parallel import DataParallel
    model = DataParallel(model)
for batch_size in (32, 64, 128, 256):
    clock = Clock()
    model.fit(x, y, batch_size=batch_size, epochs=3, callbacks=[clock], verbose=0, seed=0)
    results[batch_size] = clock.best / -(-len(x) // batch_size)
loss = float(model.evaluate(x, y))
if sys.argv[1] == "together":
    import numpy as np
    team, gradient = model.team, np.zeros_like(model.grad)
    for name, message in (("one number", gradient[:1]), ("the gradient", gradient)):
        times = []
        for _ in range(100):
            begun = time.perf_counter()
            team.add(message)
            times.append(time.perf_counter() - begun)
        results[name] = min(times)
if getattr(model, "rank", 0) == 0:
    print(json.dumps({"seconds": results, "loss": loss, "parameters": model.count_params()}))
'''


def run(processes):
    """Run the program on so many processes, and return what process 0 printed, or None."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    paths = [str(Path(minnet.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        call = [sys.executable, str(program), "alone"]
        if processes > 1:
            beside = str(Path(sys.executable).parent)
            folders = os.pathsep.join([beside, os.environ.get("PATH", "")])
            mpiexec = shutil.which("mpiexec", path=folders)
            if mpiexec is None or importlib.util.find_spec("mpi4py") is None:
                print("No mpi4py here, or no mpiexec: pip install mpi4py mpich")
                return None
            call = [mpiexec, "-n", str(processes), sys.executable, str(program), "together"]
        done = subprocess.run(  # noqa: S603 - our own program
            call, env=environment, capture_output=True, text=True, timeout=50
        )
    if done.returncode:
        print(f"mpiexec ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
        return None
    return json.loads(done.stdout)


one, two = run(1), run(2)
alone = {int(size): seconds for size, seconds in one["seconds"].items()}
together = {}
if two is not None:
    together = {int(size): s for size, s in two["seconds"].items() if size.isdigit()}
    print(f"loss of one process {one['loss']:.6f}, of two {two['loss']:.6f}")
    assert abs(one["loss"] - two["loss"]) < 0.01  # float32: sums in another order
rows = [
    [
        str(size),
        f"{1e6 * seconds:,.0f}",
        f"{1e6 * together[size]:,.0f}" if together else "–",
        f"{seconds / together[size]:.2f}" if together else "–",
    ]
    for size, seconds in alone.items()
]
print()
print(
    Table(
        [" batch", " one process, µs a step", " two, µs", " times as fast"],
        rows,
        title=f"A network with {one['parameters']:,} parameters, measured on this machine just now",
    )
)

# %% [markdown]
# The larger the batch, the more two processes gain. With 32 rows each of them has 16, and half of a
# small thing is soon done: the update, which each makes whole, and the sum, which nobody had to
# make before, stay. Two is never reached. On a computer whose cores are busy with something else,
# two processes may be slower than one: each waits for the other in every step.
#
# ## 3. A model of the cost
#
# A step of p processes takes
#
#     t(p) = a + b · N/p + s(p)
#
# where a is what every process does alike (the update), b is what a row costs, and s(p) is the sum.
# A good all-reduce splits the vector: every process sends 2 (p − 1)/p of its bytes, however many
# there are, and 2 log₂ p messages one after the other. So
#
#     s(p) = 2 log₂(p) · latency + 2 (p − 1)/p · bytes / bandwidth
#
# a and b come from a line through the measured times of one process. For two processes on one
# machine there is a measurement, if there is MPI. For a network between machines there is none
# here: 20 µs and 10 gigabits a second are *assumed*, as of an ordinary cluster.

# %%
sizes = np.array(sorted(alone))
times = np.array([alone[size] for size in sizes])
b, a = np.polyfit(sizes, times, 1)
a, b = max(a, 0.0), max(b, 1e-9)
message = 4.0 * one["parameters"]  # float32
print(f"\na = {1e6 * a:,.0f} µs a step, b = {1e6 * b:.1f} µs a row, {message / 1e6:.2f} MB a sum")
if two is not None:
    small, large = two["seconds"]["one number"], two["seconds"]["the gradient"]
    print(
        f"measured here, two processes: {1e6 * small:.0f} µs a number, {1e6 * large:.0f} µs a sum"
    )

LATENCY, BANDWIDTH = 20e-6, 10e9 / 8  # assumed: seconds, bytes a second


def summing(p):
    """Seconds for the sum of p processes."""
    return 2 * np.log2(p) * LATENCY + 2 * (p - 1) / p * message / BANDWIDTH


def step(p, N):
    """Seconds for a step on a batch of N rows altogether."""
    return a + b * N / p + summing(p)


processes = 2.0 ** np.arange(11)
fixed = {N: step(1, N) / step(processes, N) for N in (256, 4096, 65536)}
growing = processes * step(1, 256) / step(processes, 256 * processes)
for N, gain in fixed.items():
    best = int(processes[np.argmax(gain)])
    print(f"predicted: a batch of {N:>6,} rows is fastest on {best:>5,}, {gain.max():,.1f} times")
    assert gain[0] == 1.0
    assert gain.max() < 1 + b * N / a if a else True  # what is not shared out bounds it
assert fixed[65536].max() >= fixed[4096].max() >= fixed[256].max()

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 4.2))
for N, gain in fixed.items():
    ax.loglog(processes, gain, marker="o", markersize=3, label=f"a batch of {N:,} rows")
ax.loglog(processes, growing, color="0.3", linestyle="--", label="256 rows for each process")
ax.loglog(processes, processes, color="0.7", linewidth=1, label="as many times as processes")
if together:
    ax.plot(2, alone[256] / together[256], "k*", label="measured: 256 rows, two processes here")
ax.set(xlabel="processes", ylabel="times as fast as one", ylim=(0.3, 1500))
ax.set_xticks(processes[::2], [f"{p:,.0f}" for p in processes[::2]])
ax.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
ax.minorticks_off()
ax.set_title("A prediction, from one machine and an assumed network", fontsize=10)
ax.legend(frameon=False, fontsize=8, loc="upper left")
fig.tight_layout()
fig.savefig(pictures / "23_prediction.png", dpi=110)
print(f"Picture: {(pictures / '23_prediction.png').resolve()}")

# %% [markdown]
# Read it as what it is: a prediction, on paper. Nobody has run this on 1,024 machines here. What it
# says is why large batches and many processes go together. A batch of 256 rows has nothing left to
# share out after a few; the sum costs the same, however few rows each has. With 256 rows for *each*
# process the gain goes on growing, but then the batch grows with it, and an epoch has fewer
# updates. A larger batch wants a larger rate, and at some size it no longer learns faster at all.
#
# ## 4. What is the same, and what is not
#
# The weights are those of one process to rounding, with any optimizer, with clipping (of the sum,
# not of the shares), penalties and class weights. Three things differ, and `DataParallel` says so:
# dropout draws another mask on each process; batch normalization standardizes each share by the
# share's own mean; and a sum in another order has other last digits.
#
# ## 5. Many trainings need no sum at all
#
# Trying ten rates on ten seeds is a hundred trainings that have nothing to tell each other. Share
# those out before you share out one of them: nobody waits for anybody. `transfer.compare(…,
# jobs=2)` does it on this machine, and `map=` on others. A search of your own with Dask sends the
# data once (`scatter`), then the settings, and gathers a table. It is shown here, and not run:
#
#     import minnet
#     from dask.distributed import Client
#     from minnet.layers import Dense
#
#     def train(setting, data):
#         rate, seed = setting
#         x, y, x_test, y_test = data
#         layers = [Dense(32, activation="relu"), Dense(10, activation="softmax")]
#         model = minnet.Sequential(layers, seed=seed)
#         model.compile(minnet.optimizers.Adam(rate), "cross_entropy", ["accuracy"])
#         model.fit(x, y, epochs=20, verbose=0)
#         return rate, seed, model.evaluate(x_test, y_test)["accuracy"]
#
#     if __name__ == "__main__":
#         with Client(n_workers=2, threads_per_worker=1) as client:
#             digits = minnet.datasets.digits(per_class=20, seed=0)
#             [data] = client.scatter([digits], broadcast=True)
#             settings = [(rate, seed) for rate in (1e-3, 1e-2) for seed in range(5)]
#             table = client.gather(client.map(train, settings, data=data))
#
# ## Exercises
#
# 1. Clip the gradient of each share to length 0.3 *before* the sum, in the first example, and then
#    the sum instead. Do the two agree? Which of them is what one process does?
# 2. The model of the cost has an optimum for 256 rows. Take a tenth of the latency, then ten times
#    the bandwidth: which of the two moves the optimum more, and why?
# 3. A sum of p processes could also be sent to one of them, who adds and sends it back. Write down
#    what that costs, and compare it with `summing` at p = 2 and p = 1,024.
