"""Faults while a model trains: Ctrl-C, callbacks that raise, kills, and what is resumed."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np

import minnet
from minnet.callbacks import Callback, Checkpoint, EarlyStopping, LambdaCallback
from minnet.files import store
from minnet.foundation.checks import DivergedError, ModelFileError
from tests.faults import Scene, case, works
from tests.small_models import bits

G = "Faults in training"
OPTIONS: dict[str, Any] = {"batch_size": 5, "epochs": 3, "verbose": 0}


class Stopped(Exception):
    """What a callback raises."""


def strike(*_: Any) -> None:
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def ends_in(s: Scene, error: type[BaseException], **hooks: Any) -> Any:
    """A copy of the model after a fit that ends in this error; it goes on training afterwards."""
    model = s.model.copy()
    try:
        model.fit(s.x, s.y, **OPTIONS, callbacks=[LambdaCallback(**hooks)])
    except error:
        done = model.updates.iterations
        model.copy().fit(s.x, s.y, verbose=0)
        return model, done
    return None, 0


def interrupted(s: Scene) -> bool:
    """The step under way is whole, and so is the history."""
    counts: list[int] = []

    def seen(batch: int, logs: Any) -> None:
        counts.append(batch)
        if len(counts) == 6:
            strike()
            strike()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & does without
    try:
        model, done = ends_in(s, KeyboardInterrupt, on_train_batch_begin=seen)
    finally:
        signal.signal(signal.SIGINT, before)
    return done == s.model.updates.iterations + 6 and model.history.epoch == [0]


def raising(hook: str) -> Any:
    """A callback that raises in this hook leaves weights that another process could have made."""

    def boom(*_: Any) -> None:
        raise Stopped

    def act(s: Scene) -> bool:
        model, _ = ends_in(s, Stopped, **{hook: boom})
        return bool(np.isfinite(model.theta).all()) and model.updates.rates == {}

    return act


def resumed(every: str | int, saves: int) -> Any:
    """A fit that stops after so many saves and is resumed has the bits of one that never did."""

    class Stopping(Checkpoint):
        left = saves

        def save(self) -> None:
            super().save()
            self.__dict__["left"] = self.left - 1
            if self.left == 0:
                raise Stopped

    def act(s: Scene) -> bool:
        path = s.folder / "run.npz"
        whole, model, again = s.model.copy(), s.model.copy(), s.model.copy()
        whole.fit(s.x, s.y, **OPTIONS)
        try:
            model.fit(s.x, s.y, **OPTIONS, callbacks=[Stopping(path, every)])
        except Stopped:
            again.fit(s.x, s.y, **OPTIONS, resume=path)
            return bits(again) == bits(whole)
        return False

    return act


def other(**changes: Any) -> Any:
    """Resume the model's fit in another way."""

    def act(s: Scene) -> None:
        path = s.folder / "run.npz"
        s.model.copy().fit(s.x, s.y, **OPTIONS, callbacks=[Checkpoint(path)])
        call = {"x": s.x, "y": s.y, **OPTIONS, "resume": path}
        call.update({name: c(s) if callable(c) else c for name, c in changes.items()})
        s.model.fit(**call)

    return act


def another_model(s: Scene) -> None:
    path = s.folder / "run.npz"
    s.model.copy().fit(s.x, s.y, **OPTIONS, callbacks=[Checkpoint(path)])
    layers = [minnet.layers.Dense(5, "relu", input_dim=3), minnet.layers.Dense(3, "softmax")]
    model = minnet.Sequential(layers)
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(s.x, s.y, **OPTIONS, resume=path)


def stateful(s: Scene) -> None:
    class Odd(Callback):
        def __init__(self) -> None:
            self.log = object()

    s.model.copy().fit(s.x, s.y, callbacks=[Odd(), Checkpoint(s.folder / "run.npz")], verbose=0)


def spoilt(s: Scene) -> None:
    """A callback writes NaN; no checkpoint of it is written."""
    model, path = s.model.copy(), s.folder / "run.npz"

    def spoil(batch: int, logs: Any) -> None:
        model.theta[0] = np.nan

    hook = LambdaCallback(on_train_batch_end=spoil)
    model.fit(s.x, s.y, **OPTIONS, callbacks=[hook, Checkpoint(path, every=1)])


class Noise(Callback):
    """Moves the weights by a generator that may be the model's, too."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.theta = self.model.theta + np.float32(0.01 * self.rng.normal())


def shared(s: Scene) -> bool:
    """A callback draws from the model's generator: still after the fit was resumed."""

    def fit(epochs: int, **more: Any) -> bytes:
        rng, callbacks = np.random.default_rng(5), more.pop("callbacks", [])
        model = s.model.copy()
        model.rng = rng
        options = {**OPTIONS, "epochs": epochs, **more}
        model.fit(s.x, s.y, **options, callbacks=[Noise(rng), *callbacks])
        return model.theta.tobytes()

    path = s.folder / "run.npz"
    fit(1, callbacks=[Checkpoint(path)])
    return fit(3, resume=path) == fit(3)


def forgets(s: Scene) -> None:
    """A callback cannot remember again what it had."""

    class Forgets(Callback):
        def set_state(self, state: dict[str, Any]) -> None:
            raise KeyError("count")

    path = s.folder / "run.npz"
    s.model.copy().fit(s.x, s.y, **OPTIONS, callbacks=[Forgets(), Checkpoint(path)])
    s.model.fit(s.x, s.y, **OPTIONS, callbacks=[Forgets()], resume=path)


def forged(change: Any) -> Any:
    """A checkpoint whose state is changed, with all checksums right."""

    def act(s: Scene) -> None:
        path = s.folder / "run.npz"
        stopping = EarlyStopping("loss", patience=9)
        s.model.copy().fit(s.x, s.y, **OPTIONS, callbacks=[stopping, Checkpoint(path)])
        config, arrays = store.load(path)
        change(config["training"]["state"], arrays)
        store.save(path, config, arrays)
        s.model.fit(s.x, s.y, **OPTIONS, callbacks=[EarlyStopping("loss", patience=9)], resume=path)

    return act


def empty(state: Any, arrays: Any) -> None:
    arrays["fit[99]"] = np.empty((2**31 - 2**20, 0), np.uint8)
    state["fit"]["stop"] = {"arrays": "fit[99]"}


def spared(s: Scene) -> bool:
    """A file of the user's has the name that an older checkpoint would have."""
    import warnings

    s.model.save(s.folder / "run-4.npz")
    before = (s.folder / "run-4.npz").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checkpoint = Checkpoint(s.folder / "run.npz", every=4, keep=2)
        s.model.copy().fit(s.x, s.y, **OPTIONS, callbacks=[checkpoint])
    return (s.folder / "run-4.npz").read_bytes() == before


works(G, "Ctrl-C in a batch, twice (whole step, history kept)", interrupted)
for _hook in (
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_epoch_end",
    "on_train_end",
):
    works(G, f"a callback that raises in {_hook}", raising(_hook))
for _every, _saves in ((1, 1), (1, 2), (1, 4), (1, 7), (1, 11), ("epoch", 1), ("epoch", 2)):
    works(G, f"resume after save {_saves} of every {_every}", resumed(_every, _saves))
R = ModelFileError
case(G, "resume with other data", other(x=lambda s: s.x[::-1].copy()), r"Got x \(20, 3\), SHA", R)
case(G, "resume with other labels", other(y=lambda s: s.y[::-1].copy()), r"Got y \(20,\), SHA", R)
case(G, "resume with another batch size", other(batch_size=4), "Got batch_size 4, there 5", R)
case(G, "resume without shuffling", other(shuffle=False), "Got shuffle False, there True", R)
case(G, "resume with a seed", other(seed=1), "Got seed 1, there None", R)
case(G, "resume with a weight", other(class_weight={0: 2.0}), "Got sample weights", R)
case(G, "resume with fewer epochs", other(epochs=2), "as the total, 3 or more", R)
case(G, "resume with another model", another_model, r"Got dense_1\.units 5, there 4", R)
case(
    G, "resume from no file", other(resume=lambda s: s.folder / "no.npz"), "takes a file that e", R
)
case(G, "resume from a model's file", other(resume=lambda s: s.path), "that a Checkpoint wrote", R)
case(G, "resume from True", other(resume=True), "fit's resume takes a path", TypeError)
case(
    G, "a callback that no file holds", stateful, "Write get_state and set_state in Odd", TypeError
)
case(G, "a checkpoint of weights that are NaN", spoilt, "left the finite numbers", DivergedError)
works(G, "a generator that model and callback share", shared)
works(G, "a file called like an older checkpoint stays", spared)
case(G, "a callback that cannot remember again", forgets, "Forgets does not take what a Forgets", R)
N = "describes no fit that minnet can resume: "
case(G, "a checkpoint that asks for all memory", forged(empty), N, R)
case(G, "a checkpoint without its callbacks", forged(lambda s, a: s.update(callbacks=[])), N, R)
case(
    G,
    "a checkpoint whose callback remembers nothing",
    forged(lambda s, a: s.update(callbacks=[{"dict": []}])),
    N,
    R,
)
case(G, "a checkpoint of 2⁵³ epochs", forged(lambda s, a: s["fit"].update(epoch=2**53)), N, R)
