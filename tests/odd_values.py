"""Call everything public with odd values, one parameter at a time, and see what comes of it.

`python -m tests.odd_values` makes every call, in about two minutes, and prints what is wrong; with
`--taken NAME` also which values a call has taken. Every call has to end in a right answer, or in a
typed error in minnet's own words that leaves all it was given as it was.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import decimal
import fnmatch
import fractions
import functools
import inspect
import io
import linecache
import os
import pathlib
import pickle
import signal
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np

import minnet
from minnet.callbacks import EarlyStopping, RecordWeights
from minnet.foundation.strict import Strict
from minnet.layers import Dense, Layer
from minnet.losses import CrossEntropy, Loss
from minnet.metrics import Metric
from minnet.models import Sequential
from minnet.optimizers import Adam, Optimizer
from tests.faults import BARE

SECONDS = 20
"""More than a call may take."""

PACKAGE = str(pathlib.Path(minnet.__file__).parent)

X = np.random.default_rng(0).normal(size=(12, 3)).astype("f4")
Y = np.arange(12) % 2

# --- odd values -----------------------------------------------------------------------------------


class Number(float):
    """A number of a class of one's own."""


class Count(int):
    """A whole number of a class of one's own."""


class Text(str):
    """Text of a class of one's own."""

    __slots__ = ()


class Silent:
    """Answers nothing."""


class Loud:
    """Raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise OSError("not today")


class AlmostArray:
    """Says that it is an array, and is none."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no array today")


class Own(np.ndarray):
    """An array of a class of one's own."""


def within_itself() -> list[Any]:
    values: list[Any] = [1.0]
    values.append(values)
    return values


def dict_within_itself() -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["a"] = values
    return values


def masked() -> Any:
    return np.ma.masked_array([[1.0, 2.0, 3.0]], mask=[[False, True, False]])


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "np.True_": lambda: np.True_,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "0": lambda: 0,
    "-0.0": lambda: -0.0,
    "-1": lambda: -1,
    "-0.5": lambda: -0.5,
    "1.5": lambda: 1.5,
    "1e-320": lambda: 1e-320,
    "1e308": lambda: 1e308,
    "2**62": lambda: 2**62,
    "10**400": lambda: 10**400,
    "-10**400": lambda: -(10**400),
    "np.int8(-1)": lambda: np.int8(-1),
    "np.uint64(2**63)": lambda: np.uint64(2**63),
    "np.float16(0.5)": lambda: np.float16(0.5),
    "np.float32(nan)": lambda: np.float32("nan"),
    "np.longdouble(1e400)": lambda: np.longdouble("1e400"),
    "0-d array": lambda: np.array(0.5),
    "0-d int array": lambda: np.array(3),
    "0-d object array": lambda: np.array(None),
    "1j": lambda: 1j,
    "Decimal": lambda: decimal.Decimal("0.5"),
    "Fraction": lambda: fractions.Fraction(1, 2),
    "Number(0.5)": lambda: Number(0.5),
    "Count(3)": lambda: Count(3),
    "Text('a')": lambda: Text("a"),
    "''": lambda: "",
    "text": lambda: "rleu",
    "a surrogate": lambda: "a\ud800",
    "a NUL": lambda: "a\0b",
    "a line break": lambda: "a\nb",
    "bytes": lambda: b"relu",
    "bytearray": lambda: bytearray(b"relu"),
    "memoryview": lambda: memoryview(b"relu"),
    "()": lambda: (),
    "[]": list,
    "{}": dict,
    "set()": set,
    "{1, 2}": lambda: {1, 2},
    "{'a': 1}": lambda: {"a": 1},
    "{None: None}": lambda: {None: None},
    "[None]": lambda: [None],
    "['a', 'b']": lambda: ["a", "b"],
    "[nan]": lambda: [float("nan")],
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "within itself": within_itself,
    "dict within itself": dict_within_itself,
    "deep": lambda: [[[[[[[[1.0]]]]]]]],
    "a generator": lambda: (i for i in range(3)),
    "range(3)": lambda: range(3),
    "a map": lambda: map(float, range(3)),
    "a deque": lambda: collections.deque([1.0, 2.0]),
    "no rows": lambda: np.zeros((0, 3)),
    "no columns": lambda: np.zeros((12, 0)),
    "an object array": lambda: np.array([1.0, None, "a"], dtype=object),
    "an array of texts": lambda: np.array(["a", "b"]),
    "a complex array": lambda: np.ones((12, 3), complex),
    "an array of dates": lambda: np.array(["2020-01-01"], "M8[D]"),
    "an array of NaN": lambda: np.full((12, 3), np.nan),
    "an array of bools": lambda: np.ones((12, 3), bool),
    "a record array": lambda: np.zeros(3, [("a", "f4"), ("b", "i4")]),
    "a masked array": masked,
    "a 4-d array": lambda: np.zeros((2, 1, 3, 2)),
    "an array's own class": lambda: np.ones((12, 3)).view(Own),
    "big-endian": lambda: np.ones((12, 3), ">f8"),
    "a lambda": lambda: lambda *a, **k: None,
    "a class": lambda: Silent,
    "an object": Silent,
    "a loud object": Loud,
    "almost an array": AlmostArray,
    "a module": lambda: np,
    "a date": lambda: dt.date(2020, 1, 1),
    "a timedelta": lambda: dt.timedelta(1),
    "a slice": lambda: slice(None, None, 0),
    "Ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "an exception": lambda: ValueError("mine"),
    "a path": lambda: pathlib.Path("no/such/file"),
    "a file": lambda: io.BytesIO(b"abc"),
    "a dtype": lambda: np.dtype("f4"),
    "a generator of numbers": lambda: np.random.default_rng(0),
    "a RandomState": lambda: np.random.RandomState(0),
    "a model": lambda: Sequential([Dense(2, input_dim=3)], seed=0),
    "a layer": lambda: Dense(2, input_dim=3),
    "a layer's class": lambda: Dense,
    "an optimizer": lambda: Adam(),
    "a loss": lambda: CrossEntropy(),
    "a callback": lambda: EarlyStopping("loss"),
}
"""What it is → how it is made, anew for each call."""

# --- what is called -------------------------------------------------------------------------------


def classifier() -> Sequential:
    """A small model, trained once, with everything that a refused call has to leave alone."""
    model = Sequential(
        [
            Dense(4, "relu", input_dim=3),
            minnet.layers.BatchNormalization(),
            minnet.layers.Dropout(0.2),
            Dense(2, "softmax", name="head"),
        ],
        seed=0,
    )
    model.compile(Adam(0.01), "cross_entropy", ["accuracy"])
    model.fit(X, Y, verbose=0)
    return model


MODEL = pickle.dumps(classifier())


def model() -> Sequential:
    made: Sequential = pickle.loads(MODEL)
    return made


def file() -> str:
    path = "some model.npz"
    if not os.path.exists(path):  # noqa: PTH110
        model().save(path)
    return path


def pictures() -> str:
    """A folder of two kinds of pictures."""
    from PIL import Image

    for kind in "ab":
        folder = pathlib.Path("pictures of two kinds", kind)
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(3):
            Image.new("L", (4, 3), 40 * i + ord(kind)).save(folder / f"{i}.png")
    return "pictures of two kinds"


def flat() -> Sequential:
    """A model of two inputs."""
    made = Sequential([Dense(2, "softmax", input_dim=2)], seed=0)
    made.compile("sgd", "cross_entropy")
    return made


def images() -> Sequential:
    """A model of images."""
    layers = [minnet.layers.Conv2D(2, 2, input_shape=(4, 4, 1)), minnet.layers.Flatten(), Dense(2)]
    return Sequential(layers, seed=0)


def recorded() -> RecordWeights:
    """How two epochs of that model went."""
    record = RecordWeights()
    flat().fit(X[:, :2], Y, epochs=2, verbose=0, callbacks=[record])
    return record


def distance(target: Any, prediction: Any) -> Any:
    """|t − p|, as a metric in Keras' order."""
    return np.abs(target - prediction)


class Registered(Layer):
    """A layer of one's own."""


EXAMPLES: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(("x", "x_test", "x_train"), X.copy),
    **dict.fromkeys(("y", "y_test"), Y.copy),
    **dict.fromkeys(("model", "base", "source"), model),
    "accuracies": lambda: {"a": [[0.1, 0.2], [0.3, 0.4]], "b": [[0.2, 0.3], [0.5, 0.5]]},
    "activation": lambda: "relu",
    "boundaries": lambda: [2, 5],
    "classes": lambda: 3,
    "cls": lambda: Registered,
    "counts": lambda: np.eye(2, dtype=int),
    "decay_rate": lambda: 0.5,
    "decay_steps": lambda: 10,
    "dtype": lambda: "float64",
    "filename": lambda: "drawn.gif",
    "filters": lambda: 2,
    "function": lambda: np.zeros,
    "history": lambda: {"loss": [2.0, 1.0]},
    "images": lambda: np.zeros((2, 4, 4)),
    "initial_learning_rate": lambda: 0.1,
    "input_shape": lambda: (3,),
    "kernel_size": lambda: 2,
    "kind": lambda: Registered,
    "labels": lambda: [1, 2],
    "layer": lambda: Dense(2, input_dim=3),
    "layers": lambda: [Dense(2, input_dim=3)],
    "learning_rate": lambda: 0.1,
    "loss": lambda: "cross_entropy",
    "losses": lambda: [2.0, 1.0, 3.0],
    "max_learning_rate": lambda: 0.1,
    "metric": lambda: "mae",
    "n": lambda: 6,
    "path": file,
    "predicted": lambda: np.array([0, 1] * 6),
    "prediction": lambda: np.array([[0.2, 0.8], [0.7, 0.3]]),
    "print_fn": lambda: len,
    "rate": lambda: 0.1,
    "rates": lambda: [1e-3, 1e-2, 1e-1],
    "rng": lambda: np.random.default_rng(0),
    "scale": lambda: 2.0,
    "seed": lambda: np.random.default_rng(0),
    "shape": lambda: (3, 2),
    "stddev": lambda: 0.1,
    "step": lambda: 3,
    "suggestion": lambda: 1e-2,
    "target": lambda: np.array([[0, 1], [1, 0]]),
    "target_shape": lambda: (3, 1),
    "then": lambda: 0.1,
    "total_steps": lambda: 10,
    "true": lambda: [0, 1],
    "units": lambda: 3,
    "value": lambda: 0.5,
    "values": lambda: [0.3, 0.2, 0.1],
    "var_names": lambda: ["b"],
    "verbose": lambda: 0,
    "warmup_steps": lambda: 3,
    "weight": lambda: np.ones((3, 2), "f4"),
    "weights": lambda: model().get_weights(),
    "which": lambda: "head",
}
"""A value for each parameter by its name, where it has no default or that would take long."""

SPECIAL: dict[str, dict[str, Callable[[], Any]]] = {
    "Sequential.add": {"layer": lambda: minnet.layers.ReLU()},
    "Sequential.get_layer": {"name": lambda: "head"},
    "Sequential.replace_head": {"layer": lambda: Dense(3)},
    "Sequential.save": {"path": lambda: "saved.npz"},
    "Sequential.save_weights": {"path": lambda: "saved.npz"},
    "callbacks.Checkpoint": {"path": lambda: "run.npz"},
    "datasets.image": {"path": lambda: f"{pictures()}/a/0.png"},
    "datasets.images": {"folder": pictures},
    "datasets.glyphs": {"classes": lambda: "AB", "n": lambda: 4, "n_test": lambda: 4},
    "*explain_prediction": {"x": lambda: X[0].copy()},
    "find_learning_rate": {"steps": lambda: 10},
    "constraints.*.__call__": {"weights": lambda: np.ones((3, 2), "f4")},
    "metrics.TopK*.__call__": {
        "prediction": lambda: np.eye(6),
        "target": lambda: np.arange(6),
    },
    "regularizers.*.__call__": {"weights": lambda: np.ones((3, 2), "f4")},
    "Sequential.compile": {"loss": lambda: "cross_entropy"},
    "Sequential.freeze": {"which": lambda: "head"},
    "load_pretrained": {"name": lambda: "mnist-8x8"},
    "plots.animate": {
        "model": flat,
        "x": lambda: X[:, :2].copy(),
        "path": recorded,
        "frames": lambda: 2,
        "points": lambda: 4,
    },
    "plots.decision_boundary": {"model": flat, "x": lambda: X[:, :2].copy(), "points": lambda: 5},
    "plots.feature_maps": {"model": images, "x": lambda: np.zeros((4, 4, 1))},
    "plots.filters": {"layer": lambda: np.ones((2, 2, 1, 3))},
    "plots.loss_along": {"points": lambda: 3},
    "plots.loss_surface": {"points": lambda: 3},
    "plots.playground": {"path": lambda: "page.html"},
    "plots.predictions": {"predicted": lambda: [0, 1]},
    "plots.weights": {"layer": lambda: model().layers[0], "shape": lambda: (1, 3)},
    "*check_gradients": {"target": model, "x": X.copy, "y": Y.copy},
    "metrics.MeanOfFunction*": {"function": lambda: distance},
    "transfer.compare": {
        "head": lambda: Dense(2, "softmax"),
        "arms": lambda: ["scratch", "head only"],
        "main": lambda: "head only",
        "seeds": lambda: 2,
        "epochs": lambda: 3,
        "per_class": lambda: 2,
    },
    "transfer.fine_tune": {"head_epochs": lambda: 1, "epochs": lambda: 1},
    "transfer.transfer_weights": {"target": model},
}
"""Values for single calls, where the name alone does not tell."""

LONG = {"2**62", "10**400", "1e308", "np.uint64(2**63)"}
"""Odd values that mean what they say where so many are wanted: a wish, and no mistake."""

WISHES = {"cooldown", "decay_steps", "epochs", "every", "head_epochs", "patience", "step"}
WISHES |= {"steps", "random_models", "start_from_epoch", "total_steps", "warmup_steps"}
"""Parameters that may be as large as one likes; those of a fit would take for ever."""

ROOMS = ("layers", "initializers", "losses", "optimizers", "schedules", "regularizers")
ROOMS += ("constraints", "metrics", "callbacks", "datasets", "transfer", "plots", "teaching")

LEFT_OUT = {
    "DivergedError": "an exception",
    "ModelFileError": "an exception",
    "datasets.fashion_mnist": "reads files of 50 MB; tests/datasets has its mistakes",
    "datasets.mnist": "reads files of 50 MB; tests/datasets has its mistakes",
    "initializers.fans": "a helper",
    "initializers.initializer": "a helper",
    "initializers.truncated_normal": "a helper",
    "losses.mean": "a helper",
    "losses.over_outputs": "a helper",
    "losses.softmax": "a helper",
    "callbacks.Progress": "made by fit",
    "teaching.Computation": "a helper of explains",
    "teaching.LayerFormulas": "a helper of explains",
    "teaching.LossFormulas": "a helper of explains",
    "teaching.OptimizerFormulas": "a helper of explains",
    "layers.Memo": "a word for a type",
    "callbacks.Logs": "a word for a type",
    "optimizers.LearningRate": "a word for a type",
    "optimizers.OptimizerArguments": "a word for a type",
    "transfer.Report": "a result, made by minnet",
    "transfer.Verdict": "a result, made by minnet",
    "teaching.Diagnosis": "a result, made by minnet",
    "teaching.ExplainedPrediction": "a result, made by minnet",
    "teaching.Explanation": "a result, made by minnet",
    "teaching.Finding": "a result, made by minnet",
    "teaching.GradientReport": "a result, made by minnet",
}
"""Public names that are not called → why."""

INNER = {"replace_head", "backward", "forward", "penalty", "apply_gradient", "loss_and_gradient"}
"""Methods of a model that are textbook formulas, and check next to nothing; `another_head`."""

DOORS: list[tuple[type, str]] = [
    (Layer, "__call__"),
    (Layer, "set_weights"),
    (Loss, "__call__"),
    (Metric, "__call__"),
    (minnet.initializers.Initializer, "__call__"),
    (minnet.regularizers.Regularizer, "__call__"),
    (minnet.constraints.Constraint, "__call__"),
    (minnet.schedules.Schedule, "__call__"),
    (Optimizer, "exclude_from_weight_decay"),
]
"""Methods that answer for what they are given, of which kinds."""


CONTRACTS = {kind for kind, _ in DOORS}
"""What classes of one's own derive from, without formulas."""


class Call(NamedTuple):
    """Something public to be called.

    Attributes
    ----------
    name
        As a user would find it.
    prepare
        Return the function, and what it belongs to and has to leave alone where it refuses.
    parameters
        The names of its parameters.
    """

    name: str
    prepare: Callable[[], tuple[Callable[..., Any], Any]]
    parameters: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        """The arguments of a call that is fine, made anew."""
        given = {}
        function, owner = self.prepare()
        special = {}
        for pattern, examples in SPECIAL.items():
            special |= examples if fnmatch.fnmatchcase(self.name, pattern) else {}
        if self.name.endswith("__call__") and isinstance(owner, Layer):
            special = {"x": functools.partial(np.ones, (12, *owner.built_for), "f4")}
        if self.name.endswith("set_weights"):
            special = {"weights": owner.get_weights}
        for name, parameter in signature(function).items():
            if name in special:
                given[name] = special[name]()
            elif parameter.default is parameter.empty or name in ("verbose", "seed"):
                given[name] = EXAMPLES[name]()
        return given


def signature(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function that have a name of their own."""
    kinds = inspect.Parameter
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }


def public(room: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """What a room shows: what it says, or else what is defined in it."""
    names = getattr(room, "__all__", None) or [
        name
        for name, thing in vars(room).items()
        if getattr(thing, "__module__", None) == room.__name__ and name[0] != "_"
    ]
    for name in names:
        thing = getattr(room, name)
        if callable(thing) and not isinstance(thing, dict):
            yield name, thing


def names() -> dict[str, Any]:
    """All that is public and can be called, by name."""
    there = {n: t for n, t in public(minnet) if not inspect.ismodule(t)}
    for room in ROOMS:
        there |= {f"{room}.{n}": thing for n, thing in public(getattr(minnet, room))}
    return {name: thing for name, thing in there.items() if name not in LEFT_OUT}


def calls() -> list[Call]:
    """Every function, every constructor, the methods that answer for what they are given, and
    every attribute that is checked when it is set.
    """
    found = []
    for name, thing in names().items():
        call = Call(name, functools.partial(lambda it: (it, None), thing), tuple(signature(thing)))
        found.append(call)
        if not inspect.isclass(thing) or thing in (Sequential, Registered):
            continue
        make = functools.partial(made_by, call)
        for kind, method in DOORS:
            if issubclass(thing, kind) and thing not in CONTRACTS:
                found.append(method_of(f"{name}.{method}", make, method))
        if issubclass(thing, Strict):
            bare = functools.partial(lambda it: it.prepare()[0](**it.arguments()), call)
            settings = [setting_of(f"{name}.{s} =", bare, s) for s in thing._settings]
            found += filter(can_be_set, settings)
    for method, _ in inspect.getmembers(Sequential, inspect.isfunction):
        documented = method in vars(Sequential) or method in USERS
        if method[0] != "_" and documented and method not in INNER:
            found.append(method_of(f"Sequential.{method}", model, method))
    attributes = ("name", "class_names", "preprocessing", "rng", "stop_training", "theta", "state")
    found.append(Call("Sequential.replace_head", another_head, ("layer", "seed")))
    return found + [setting_of(f"Sequential.{a} =", model, a) for a in (*attributes, "trainable")]


def another_head() -> tuple[Callable[..., Any], Any]:
    """`replace_head`, whose layers have no names as arguments."""
    made = model()

    def replace_head(layer: Any, seed: Any = None) -> Sequential:
        return made.replace_head(layer, seed=seed)

    return replace_head, made


USERS = {"add", "build", "compile", "copy", "freeze", "get_layer", "get_weights", "in_dtype"}
USERS |= {"pop", "set_weights", "unfreeze"}
"""Methods of a model that users know, of the classes above `Sequential`."""


def made_by(call: Call) -> Any:
    """An object that a constructor makes, built where it is a layer."""
    made = call.prepare()[0](**call.arguments())
    if isinstance(made, Layer):
        try:
            Sequential([minnet.layers.Input((3,)), made], seed=0)
        except ValueError:  # a layer of images
            Sequential([minnet.layers.Input((4, 4, 2)), made], seed=0)
    return made


def can_be_set(call: Call) -> bool:
    """Whether a setting can be set again at all: to what it is."""
    try:
        call.prepare()[0]()
    except (ValueError, AttributeError):
        return False
    return True


def method_of(name: str, make: Callable[[], Any], method: str) -> Call:
    """A method of an object that is made anew for each call."""

    def prepare() -> tuple[Callable[..., Any], Any]:
        made = make()
        return getattr(made, method), made

    return Call(name, prepare, tuple(signature(prepare()[0])))


def setting_of(name: str, make: Callable[[], Any], attribute: str) -> Call:
    """An attribute that is set: to the value that it has, to begin with."""

    def prepare() -> tuple[Callable[..., Any], Any]:
        made = make()
        before = getattr(made, attribute, None)

        def put(new: Any = before) -> None:
            setattr(made, attribute, new)

        return put, made

    return Call(name, prepare, ("new",))


CALLS = calls()

# --- what comes of it -----------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What came of one call."""

    call: str
    parameter: str
    odd: str
    kind: str
    said: str

    def __str__(self) -> str:
        return f"{self.call}({self.parameter}={self.odd}): {self.kind}: {self.said}"


class TooLongError(BaseException):
    """A call took too long."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooLongError inside after so many seconds, where the system has an alarm."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


CACHES = {"_planned", "training_step", "_training", "revision", "_checked", "grad", "_settled"}
CACHES |= {"_grad", "_plan", "_key", "_groups", "_grouped_rates", "_excluded"}
"""Attributes in which nothing is kept that could not be worked out anew."""


def in_own_words(error: BaseException) -> bool:
    """Whether minnet raised an error itself, by a `raise` of its own, and not in Python's words."""
    kinds = (ValueError, TypeError, RuntimeError, AttributeError, KeyError, ArithmeticError)
    kinds += (FileNotFoundError,)  # of data; that of a model is a ModelFileError
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None and last.tb_frame.f_code.co_filename == __file__:
        return True  # an odd value's own words
    if last is None or not last.tb_frame.f_code.co_filename.startswith(PACKAGE):
        return False
    if not isinstance(error, (*kinds, ImportError, MemoryError)) or BARE.search(str(error)):
        return False
    line = linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno)
    return line.strip().startswith("raise ") and bool(str(error))


def state_of(*things: Any) -> str:
    """All that these hold, as text: attributes, items, numbers, where generators are."""
    known: dict[int, Any] = {}

    def told(thing: Any) -> str:
        if isinstance(thing, np.ndarray):
            return f"{thing.dtype}{thing.shape}{thing.tobytes()!r}"
        if isinstance(thing, np.random.Generator):
            return repr(thing.bit_generator.state)
        if id(thing) in known:
            return "again"
        if isinstance(thing, (list, tuple, set)):
            known[id(thing)] = thing
            return f"{type(thing).__name__}({', '.join(map(told, thing))})"
        if isinstance(thing, dict):
            known[id(thing)] = thing
            return "{" + ", ".join(f"{k!r}: {told(v)}" for k, v in thing.items()) + "}"
        if type(thing).__module__.startswith("minnet") and hasattr(thing, "__dict__"):
            known[id(thing)] = thing
            usual = {k: getattr(type(thing), k, None) for k in vars(thing)}
            own = {k: v for k, v in vars(thing).items() if k not in CACHES and v is not usual[k]}
            own = {k: v for k, v in own.items() if not (k[0] == "d" and k[1:] in own)}  # gradients
            return type(thing).__name__ + told(own)
        return repr(thing) if isinstance(thing, (int, float, str, type(None))) else ""

    return told(list(things))


def attempt(call: Call, parameter: str, odd: str) -> Outcome:
    """Make a call with an odd value for one parameter."""
    function, owner = call.prepare()
    arguments = call.arguments()
    arguments[parameter] = ODD[odd]()
    others = {name: value for name, value in arguments.items() if name != parameter}
    before = state_of(owner, others)

    def outcome(kind: str, said: object) -> Outcome:
        return Outcome(call.name, parameter, odd, kind, " ".join(str(said).split())[:300])

    with warnings.catch_warnings(record=True) as caught, quiet(), within(SECONDS):
        warnings.simplefilter("always")
        try:
            result = function(**arguments)
        except TooLongError:
            return outcome("TOO LONG", f"more than {SECONDS} s")
        except BaseException as error:  # whatever is raised is what we want to know
            raised: BaseException | None = error
        else:
            raised = None
    strange = [w for w in caught if w.category is not UserWarning]
    if raised is not None:
        if not in_own_words(raised):
            return outcome("BARE", f"{type(raised).__name__}: {raised}")
        if state_of(owner, others) != before and not isinstance(raised, minnet.DivergedError):
            return outcome("CHANGED", f"{type(raised).__name__}: {raised}")
        return outcome("refused", f"{type(raised).__name__}: {raised}")
    if strange:
        return outcome("WARNED", f"{strange[0].category.__name__}: {strange[0].message}")
    if isinstance(result, float) and np.isnan(result) and "nan" not in odd.lower():
        return outcome("NAN", result)
    return outcome("taken", minnet.foundation.checks.short(result))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what is printed off the screen, and close figures."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def all_attempts(call: Call) -> list[tuple[str, str]]:
    """Every parameter with every odd value, but for wishes that would take for ever."""
    return [
        (parameter, odd)
        for parameter in call.parameters
        for odd in ODD
        if not (odd in LONG and parameter in WISHES)
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="calls whose names hold one of these")
    parser.add_argument("--taken", action="store_true", help="also tell which values are taken")
    options = parser.parse_args()
    mpl.use("Agg")
    counts: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for call in CALLS:
            if options.only and not any(word in call.name for word in options.only):
                continue
            for parameter, odd in all_attempts(call):
                outcome = attempt(call, parameter, odd)
                counts[outcome.kind] += 1
                if outcome.kind.isupper() or (options.taken and outcome.kind == "taken"):
                    print(outcome, flush=True)
    print(dict(counts))
    sys.exit(any(kind.isupper() for kind in counts))


if __name__ == "__main__":
    main()
