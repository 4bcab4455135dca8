"""Files that are no model, and faults while one is written."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import minnet
from minnet import Sequential
from minnet.foundation.checks import ModelFileError
from minnet.layers import Dense
from tests.faults import Scene, case, works
from tests.files import NAME, describes, forge, members, npy, rezip, small, text_of
from tests.files.test_fuzz import large

G = "Files"
ROOT = Path(minnet.__file__).parents[1]


def load(s: Scene, data: bytes):
    """Load a file with these bytes; both doors refuse it alike."""
    other = s.folder / "other.npz"
    other.write_bytes(data)
    try:
        s.model.load_weights(other)
    except ModelFileError:
        minnet.load(other)
    return


def changed(s: Scene, change):
    """The model's file with a changed description, and all checksums right."""
    data = members(s.path)
    said = describes(data)
    change(said, data)
    data[NAME] = text_of(said)
    rezip(s.folder / "other.npz", list(data.items()))
    return load(s, (s.folder / "other.npz").read_bytes())


def bad(words: str, act, message: str) -> None:
    """A file that is refused as no model's file."""
    case(G, words, act, message, ModelFileError)


bad("empty", lambda s: load(s, b""), r"is empty")
bad("random bytes", lambda s: load(s, np.random.default_rng(0).bytes(5000)), r"no model file")
bad("CSV", lambda s: load(s, b"a,b,c\n1,2,3\n" * 99), r"no model file")
bad("pickle", lambda s: load(s, b"\x80\x04\x95cos\nsystem\n"), r"no model file")
bad("HDF5", lambda s: load(s, b"\x89HDF\r\n\x1a\n" + bytes(600)), r"no model file")
bad("truncated by one byte", lambda s: load(s, s.path.read_bytes()[:-1]), r"damaged")
bad(
    "truncated by half",
    lambda s: load(s, s.path.read_bytes()[: len(s.path.read_bytes()) // 2]),
    "damaged",
)
bad("one byte more", lambda s: load(s, s.path.read_bytes() + b"\0"), r"damaged|directory")


def flipped(s: Scene):
    """Every byte of the file, one at a time; the first that loads is returned."""
    data = s.path.read_bytes()
    for i in range(0, len(data), 7):
        other = bytearray(data)
        other[i] ^= 1 << (i % 8)
        try:
            load(s, bytes(other))
        except ModelFileError:
            continue
        return i
    raise ModelFileError("every flipped byte was refused")


bad("one flipped byte", flipped, r"every flipped byte")
bad(
    "an object array",
    lambda s: load(s, npy(np.array([print], object), allow_pickle=True)),
    r"no model file",
)


def member(s: Scene, data: bytes):
    rezip(s.folder / "o.npz", list({**members(s.path), "dense_1.W.npy": data}.items()))
    return load(s, (s.folder / "o.npz").read_bytes())


bad(
    "an object array as a member",
    lambda s: member(s, npy(np.array([print], object), allow_pickle=True)),
    r"dense_1.W is not float32 \(3, 4\)",
)
bad(
    "a header that promises 2^50 elements in a file of 200 bytes",
    lambda s: member(s, large(f"({2**50},)")),
    r"dense_1.W is not float32 \(3, 4\)",
)
bad(
    "a missing array (listed)",
    lambda s: changed(s, lambda said, data: data.pop("dense_2.b.npy")),
    r"dense_2.b is missing",
)
bad(
    "an extra array (listed)",
    lambda s: changed(s, lambda said, data: data.update({"more.npy": npy(np.zeros(1))})),
    r"'more' is not described",
)


def misshapen(s: Scene):
    other = Sequential([Dense(5, "relu", input_dim=3), Dense(3, "softmax")])
    other.save(s.folder / "o.npz")
    s.model.load_weights(s.folder / "o.npz")


bad("a misshapen array (all listed)", misshapen, r"MISMATCH.*dense_1 3→4 ✗ W is \(3, 4\), in the")


def twice(s: Scene):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        items = list(members(s.path).items())
        rezip(s.folder / "o.npz", [*items, items[1]])
    return load(s, (s.folder / "o.npz").read_bytes())


bad("a member that is there twice", twice, r"twice")


def with_nan(s: Scene):
    small(s.folder / "o.npz")
    forge(s.folder / "o.npz", **{"dense_1.W": npy(np.full((3, 2), np.nan, "float32"))})
    return load(s, (s.folder / "o.npz").read_bytes())


bad("NaN weights", with_nan, r"has NaN or infinity in dense_1\.W")


def nan_saved(s: Scene):
    model = s.model.copy()
    model.theta[0] = np.nan
    model.save(s.path)


bad("NaN weights are not saved", nan_saved, r"finite numbers. Got NaN or infinity in dense_1.W")
bad(
    "a newer format (says which minnet wrote it)",
    lambda s: changed(s, lambda said, d: said.update(format_version=99, minnet_version="9.9")),
    r"written by minnet 9.9 in file format 99",
)
for version in (1, 2, 3):
    bad(
        f"an older one, format {version}",
        lambda s, x=version: changed(s, lambda said, d: said.update(format_version=x)),
        rf"is a file of format {version}, which only minnet before its first release wrote",
    )


def other_config(words: str, change, message: str) -> None:
    """A file with a changed description of its model, and all checksums right."""

    def act(s: Scene):
        data = members(s.path)
        said = describes(data)
        change(said["config"])
        data[NAME] = text_of(said)
        rezip(s.folder / "other.npz", list(data.items()))
        return minnet.load(s.folder / "other.npz")

    bad(words, act, message)


def first_layer(**parts):
    return lambda config: config["layers"][0].update(parts)


other_config("a dtype that NumPy cannot read", lambda c: c.update(dtype="f4,("), r"Got 'f4,\('")
other_config("a dtype that is a dict", lambda c: c.update(dtype={"names": []}), "takes float32 or")
other_config("a word too many", lambda c: c.update(more=1), "described with other words: 'more'")
other_config("a word too few", lambda c: c.pop("compile"), "described with other words: 'compile'")
other_config("a layer that is text", lambda c: c["layers"].insert(0, "x"), "described by 'x'")
other_config("a layer without a name", first_layer(name=None), "name takes text. Got None")
other_config("a layer twice", lambda c: c["layers"].append(c["layers"][0]), "a name of its own")
other_config(
    "a number of 400 digits", lambda c: c.update(input_shape=[10**400]), "whole number below 2⁶³"
)
other_config(
    "2⁶⁰ updates", lambda c: c["updates"].update(iterations=2**60), "than there is time for"
)


def foreign(said, data):
    text = json.dumps(said["config"]).replace('"Dense"', '"os.system"')
    said["config"] = json.loads(text)


bad(
    "a config that names a class outside minnet's table", lambda s: changed(s, foreign), "os.system"
)
bad("a missing folder", lambda s: s.model.save(s.folder / "no" / "a.npz"), r"a folder that exists")
bad("a missing file", lambda s: minnet.load(s.folder / "no.npz"), r"a file that exists")
bad("a folder as a path, to save", lambda s: s.model.save(s.folder), r"Got the folder")
bad("a folder as a path, to load", lambda s: minnet.load(s.folder), r"Got the folder")
bad("~ as a path", lambda s: s.model.save("~/no/model.npz"), r"expanduser")
for suffix in (".h5", ".keras", ".pt", ".pkl"):
    bad(
        f"a name of another format, {suffix}",
        lambda s, x=suffix: s.model.save(s.folder / f"a{x}"),
        r"\.npz",
    )
case(G, "a path that is a number", lambda s: s.model.save(3), r"takes a path such as", TypeError)
if Path("/dev/full").exists():
    bad("/dev/full", lambda s: s.model.save("/dev/full"), r"a device")


def no_permission(s: Scene):
    from unittest import mock

    with mock.patch("os.access", return_value=False):
        s.model.save(s.path)


bad("no permission", no_permission, r"write-protected")


def in_a_process(s: Scene, code: str) -> str:
    """What a process of its own prints, with the path of the model's file."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(s.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.stdout + done.stderr


FULL = """
import resource, signal, sys, minnet
model = minnet.load(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    model.save(sys.argv[1])
except minnet.ModelFileError as error:
    print(error)
"""


def intact(s: Scene, before: bytes):
    """The file is what it was, and nothing lies beside it."""
    return s.path.read_bytes() == before


def full(s: Scene):
    before = s.path.read_bytes()
    said = in_a_process(s, FULL)
    return "What was there before is unchanged" in said and intact(s, before)


def interrupted(s: Scene):
    from unittest import mock

    before = s.path.read_bytes()
    try:
        with mock.patch("os.fsync", side_effect=KeyboardInterrupt):
            s.model.save(s.path)
    except KeyboardInterrupt:
        return intact(s, before) and [p.name for p in s.folder.iterdir()] == ["model.npz"]
    return False


KILLED = """
import os, signal, sys, minnet
model = minnet.load(sys.argv[1])
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
model.save(sys.argv[1])
"""


def killed(s: Scene):
    before = s.path.read_bytes()
    in_a_process(s, KILLED)
    return intact(s, before) and bool(minnet.load(s.path).layers)


TWO = """
import sys, minnet
model = minnet.load(sys.argv[1])
for i in range(20):
    model.save(sys.argv[1])
"""


def two(s: Scene):
    s.model.save(s.path)
    processes = [
        subprocess.Popen([sys.executable, "-c", TWO, str(s.path)], cwd=ROOT) for _ in range(2)
    ]
    codes = [process.wait() for process in processes]
    loaded = minnet.load(s.path)
    return codes == [0, 0] and np.array_equal(loaded.theta, s.model.theta)


def headless(s: Scene):
    """The head is popped after compile, the class names stay, and a metric comes."""
    model = s.model.copy()
    model.class_names = ["no", "yes", "perhaps"]
    model.pop()
    model.metrics.append(minnet.metrics.MAE())
    model.save(s.folder / "body.npz")
    loaded = minnet.load(s.folder / "body.npz")
    return np.array_equal(loaded.predict(s.x), model.predict(s.x)) and loaded.class_names


def as_closed(s: Scene):
    """A file that only its owner reads stays so, while it is written, too."""
    from unittest import mock

    s.path.chmod(0o600)
    modes, real = [], os.fsync

    def look(handle):
        modes.append(os.fstat(handle).st_mode & 0o777)
        return real(handle)

    with mock.patch("os.fsync", look):
        s.model.copy().save(s.path)
    return modes[0] == 0o600 == s.path.stat().st_mode & 0o777


def leftovers(s: Scene):
    """What a killed process left over an hour ago goes; what is younger stays."""
    names = (".minnet-0123456789abcdef.part", ".minnet-fedcba9876543210.part")
    for name, age in zip(names, (3_700, 3_000), strict=True):
        (s.folder / name).write_bytes(b"PK")
        then = (s.folder / name).stat().st_mtime - age
        os.utime(s.folder / name, (then, then))
    s.model.copy().save(s.path)
    return sorted(path.name for path in s.folder.iterdir()) == [names[1], "model.npz"]


def many_layers(s: Scene):
    """Loading takes time in proportion to the layers, and not to their square."""
    import time

    def seconds(count: int) -> float:
        layers = [Dense(3, input_dim=3), *(Dense(3) for _ in range(count - 1))]
        Sequential(layers, seed=0).save(s.folder / "deep.npz")
        times = []
        for _ in range(2):
            begin = time.process_time()
            loaded = minnet.load(s.folder / "deep.npz")
            times.append(time.process_time() - begin)
        return min(times) if len(loaded.layers) == count else math.inf

    return seconds(1_600) < 10 * seconds(400)  # four times as many; their square is 16 times


works(G, "a model whose head is gone is saved and loaded", headless)
works(G, "1,600 layers load in four times the time of 400", many_layers)
case(
    G,
    "a layer's name that no file can hold",
    lambda s: Dense(2, name="wide\nlayer"),
    "which no file can hold",
)
F = "Faults"
if os.name == "posix":
    works(F, "a file is never more open than the old one", as_closed)
    works(F, "leftovers of killed saves are cleared after an hour", leftovers)
    works(F, "disk full while saving (the old file is intact)", full)
    works(F, "SIGKILL while saving (the old file is intact)", killed)
    works("Concurrency", "two processes save to one path (one wins whole)", two)
works(F, "Ctrl-C while saving (the old file is intact)", interrupted)
