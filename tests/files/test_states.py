"""Values out of Python's own through JSON and arrays, and back: exactly the same, or refused."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.files.generators import generator_from, generator_state, set_generator
from minnet.files.states import LONG, Packing, Unpacking, pack, unpack
from tests.strategies import seeds

KINDS = np.random.BitGenerator.__subclasses__()


def through(value):
    """The value packed, through JSON, and unpacked."""
    arrays = {}
    packed = json.loads(json.dumps(pack(value, arrays, "fit[", "it"), allow_nan=False))
    return unpack(packed, arrays)


def same(a, b):
    """Whether two values are of one kind and equal to the bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and same([*a.values()], [*b.values()])
    if isinstance(a, (np.ndarray, np.generic)):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, float):
        return repr(a) == repr(b)
    return a == b


numbers = st.integers() | st.floats() | st.booleans()
dtypes = st.sampled_from(
    ["float32", "float64", "float16", "complex64", "int8", "int64", "uint16", "uint64", "bool"]
)
arrays = dtypes.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0)))
leaves = st.one_of(
    st.none(),
    numbers,
    st.text(st.characters(exclude_categories=["Cs"])),
    arrays,
    arrays.filter(lambda array: array.size).map(lambda array: array.reshape(-1)[0]),
)
long_lists = st.one_of(
    st.lists(st.floats(), min_size=LONG),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=LONG),
    st.lists(st.integers(2**62, 2**64), min_size=LONG),
    st.lists(st.floats(width=32).map(np.float32), min_size=LONG),
    st.lists(hnp.arrays("float32", (2, 1)), min_size=LONG, max_size=LONG),
    st.lists(hnp.arrays("int8", hnp.array_shapes(max_dims=1)), min_size=LONG, max_size=LONG),
)
keys = st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.tuples(st.integers())
values = st.recursive(
    leaves | long_lists,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_a_value_comes_back_as_it_was(value):
    assert same(through(value), value)


def test_long_lists_are_one_array():
    arrays = {}
    pack({"loss": [0.5] * 1000, "ones": [1] * 1000}, arrays, "fit[", "it")
    assert {name: a.shape for name, a in arrays.items()} == {"fit[0]": (1000,), "fit[1]": (1000,)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(seed=seeds, draws=st.integers(0, 9))
def test_a_generator_goes_on_drawing_the_same(kind, seed, draws):
    rng = np.random.Generator(kind(seed))
    rng.random(draws, dtype=np.float32)  # leaves half a draw behind
    rng.spawn(draws)
    again = through(rng)
    assert type(again.bit_generator) is kind
    for draw in (
        lambda rng: rng.integers(99, size=3, dtype=np.int32),
        lambda rng: rng.permutation(700),
        lambda rng: rng.random(5, dtype=np.float32),
        lambda rng: rng.spawn(2)[1].standard_normal(3),
    ):
        assert np.array_equal(draw(rng), draw(again))


def test_set_generator_needs_one_kind():
    a, b = np.random.default_rng(0), np.random.default_rng(1)
    assert set_generator(a, b)
    assert a.random() == b.random()
    assert not set_generator(np.random.Generator(np.random.MT19937(0)), a)


class Thing:
    """What no file holds."""

    def __repr__(self):
        return "<thing>"


class MoreThanAList(list):
    """A list that would come back as a list."""


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Thing(), "it, <thing>"),
        ([1, (2, {"a": Thing()})], r"it\[1\]\[1\]\['a'\], <thing>"),
        ({Thing(): 1}, "a key of it, <thing>"),
        ({1, 2}, r"it, \{1, 2\}"),
        (MoreThanAList([1]), r"it, \[1\]"),
        (np.array([Thing()]), r"it, an array of shape \(1,\), object"),
        (np.ma.masked_array([1]), "it, an array"),
        (b"bytes", "it, b'bytes'"),
        (lambda: 0, "it, <function"),
    ],
    ids=str,
)
def test_what_would_not_come_back_is_refused_and_its_place_named(value, place):
    with pytest.raises(TypeError, match=f"A checkpoint takes numbers, .* generators. Got {place}"):
        pack(value, {}, "fit[", "it")


def state_of(kind):
    """A packed generator as a dict that may be spoilt, and the arrays."""
    arrays = {}
    packed = pack(np.random.Generator(kind(0)), arrays, "fit[", "it")["generator"]
    return unpack(packed, arrays)


def spoilt(kind, change):
    """What is read where a generator's state was changed."""
    state = state_of(kind)
    change(state)
    arrays = {}
    return unpack({"generator": pack(state, arrays, "fit[", "it")}, arrays)


named = {kind.__name__: kind for kind in KINDS}
FORGED = {
    "a place outside": ("MT19937", lambda s: s["bits"]["state"].update(pos=10**6)),
    "a place below": ("MT19937", lambda s: s["bits"]["state"].update(pos=-1)),
    "a key that is too long": (
        "MT19937",
        lambda s: s["bits"]["state"].update(key=np.zeros(9999, "uint32"), pos=9000),
    ),
    "a key that is too short": (
        "MT19937",
        lambda s: s["bits"]["state"].update(key=np.zeros(3, "uint32"), pos=0),
    ),
    "a place in the buffer": ("Philox", lambda s: s["bits"].update(buffer_pos=-7)),
    "another kind": ("PCG64", lambda s: s["bits"].update(bit_generator="Philox")),
    "no kind": ("PCG64", lambda s: s["bits"].update(bit_generator="os.system")),
    "text for a number": ("PCG64", lambda s: s["bits"]["state"].update(state="1")),
    "a negative state": ("PCG64", lambda s: s["bits"]["state"].update(state=-1)),
    "no state": ("SFC64", lambda s: s["bits"].pop("state")),
    "a large pool": ("PCG64", lambda s: s["spawns"].update(pool_size=10**12)),
    "an unknown part": ("PCG64", lambda s: s["spawns"].update(more=1)),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_generator_is_refused(case):
    """NumPy would copy and read outside of its arrays."""
    kind, change = FORGED[case]
    with pytest.raises(ValueError, match="it has no generator in"):
        spoilt(named[kind], change)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": 1, "b": 2},
        {"other": 1},
        {"float": "1.5"},
        {"array": "missing"},
        {"array": ["there", "O", [1]]},
        {"array": ["there", "<f8", [2**40]]},
        {"array": ["there", "<f8"]},
        {"array": ["floats", "<f8", [1]]},
        {"dict": [[1]]},
        {"dict": [[[], 1]]},
        {"tuple": 3},
        {"tuple": "abc"},
        {"dict": [[1, 2], [1, 3]]},
        {"generator": {"dict": []}},
        {"generator": {"dict": [["bits", None], ["spawns", None], ["more", None]]}},
        {"floats": "bytes"},
        {"ints": "floats"},
        {"floats": "square"},
        {"scalar": "square"},
        {"scalars": "square"},
        {"arrays": "empty"},
        {"floats": "empty"},
        {"arrays": ["bytes", "<f8", []]},
        {"array": ["bytes", "f4,(", [1]]},
        {"array": ["bytes", "<f4,(", [1]]},
        {"array": ["bytes", "|b1", [8]]},
        {"array": ["bytes", "<U2", [1]]},
        {"array": ["bytes", "<f8", [-1]]},
        {"array": ["bytes", "<f8", [True]]},
        {"array": ["bytes", "<f8", [1] * 40]},
        {"array": ["bytes", 8, [1]]},
        [{"array": "bytes"}, {"array": "bytes"}],
        {"same": 0},
        {"same": True},
        {"same": -1},
        {"shared": [0]},
        {"shared": [1, 2]},
        {"shared": ["0", 2]},
        [{"shared": [0, 1]}, {"shared": [0, 2]}],
        {"model": "theta"},
    ],
    ids=str,
)
def test_what_pack_never_gives_is_refused(value):
    there = {
        "there": np.zeros(8, np.uint8),
        "bytes": np.zeros(8, np.uint8),
        "floats": np.zeros(1),
        "square": np.zeros((2, 2)),
        "empty": np.zeros((2**31 - 2**20, 0)),
    }
    with pytest.raises(ValueError, match="it has "):
        unpack(value, there)


@pytest.mark.parametrize("kind", ["floats", "ints", "scalars", "arrays", "array"])
def test_no_array_makes_more_than_it_holds(kind):
    """One of length 2³¹ that holds nothing would be as many objects."""
    empty = np.zeros((2**31 - 2**20, 0), "int64" if kind == "ints" else "float64")
    tracemalloc.start()
    with contextlib.suppress(ValueError):
        unpack({kind: "fit[0]"}, {"fit[0]": empty})
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


# --- one object in two places ---------------------------------------------------------------------


def together(*values, model_arrays=None, live=None):
    """Values that are packed together, through JSON, and unpacked together."""
    arrays, model_arrays = {}, model_arrays or {}
    packing = Packing(arrays, "fit[", model_arrays)
    for value in values:
        packing.look_at(value, "it")
    packed = json.loads(json.dumps([packing.pack(value, "it") for value in values]))
    unpacking = Unpacking(arrays, model_arrays)
    live = live or [None] * len(values)
    found = [unpacking.unpack(one, running) for one, running in zip(packed, live, strict=True)]
    assert not unpacking.left
    return found


SHARED = {
    "a list": lambda: [1, 2],
    "a long list": lambda: [0.5] * 50,
    "a list of arrays": lambda: [np.arange(3.0)] * 20,
    "a dict": lambda: {"a": 1},
    "an array": lambda: np.arange(4.0),
    "an array of NaN": lambda: np.full(3, np.nan),
    "a generator": lambda: np.random.default_rng(3),
}


@pytest.mark.parametrize("make", SHARED.values(), ids=SHARED)
def test_an_object_in_two_places_stays_one(make):
    shared = make()
    a, b, c = together([shared], {"deep": (shared, {"deeper": shared})}, make())
    assert a[0] is b["deep"][0] is b["deep"][1]["deeper"]
    assert c is not a[0]


@pytest.mark.parametrize("make", SHARED.values(), ids=SHARED)
def test_equal_objects_stay_two(make):
    a, b = together([make()], [make()])
    assert a[0] is not b[0]


def test_arrays_of_a_long_list_that_others_hold_too_stay_one():
    arrays = [np.full(2, float(i)) for i in range(20)]
    many, one = together(arrays, arrays[3])
    assert many[3] is one
    assert all(same(a, b) for a, b in zip(many, arrays, strict=True))


def test_what_does_not_change_is_not_marked():
    text, pair, arrays = "x" * 50, (1, 2), {}
    assert pack([text, text, pair, pair, None, True], arrays, "fit[", "it") == [
        text,
        text,
        {"tuple": [1, 2]},
        {"tuple": [1, 2]},
        None,
        True,
    ]


def test_a_list_that_holds_itself_is_refused():
    inner = [1]
    inner.append({"deep": inner})
    with pytest.raises(TypeError, match=r"values that end\. Got it\[1\]\['deep'\], which holds it"):
        together(inner)
    with pytest.raises(ValueError, match="it has no shared in"):
        unpack({"shared": [0, [{"same": 0}]]}, {})


def test_values_nested_too_deep_are_refused():
    deep = 1
    for _ in range(60):
        deep = (deep,)
    with pytest.raises(TypeError, match="nested up to 50 deep"):
        pack(deep, {}, "fit[", "it")


def test_empty_arrays_in_a_long_list_come_back():
    (again,) = together([np.zeros((0, 3)) for _ in range(30)])
    assert [array.shape for array in again] == [(0, 3)] * 30


# --- arrays of the model --------------------------------------------------------------------------


def test_an_array_of_the_model_is_kept_by_its_name():
    theta = np.arange(6.0)
    W = theta[:4].reshape(2, 2)
    a, b = together({"W": W, "all": theta}, [W], model_arrays={"theta": theta, "dense_1.W": W})
    assert a["W"] is b[0] is W
    assert a["all"] is theta


@pytest.mark.parametrize("view", [lambda v: v[1:3], lambda v: v[::2], lambda v: v.reshape(2, 3)])
def test_another_view_of_the_model_is_refused_by_name(view):
    """After it is read again it would be a copy, and not change with the model any more."""
    theta = np.arange(6.0)
    with pytest.raises(TypeError, match=r"own\. Got it\['b'\], a view of the model's numbers"):
        together({"a": theta.copy(), "b": view(theta)}, model_arrays={"theta": theta})


# --- generators of the running program ------------------------------------------------------------


def test_a_generator_in_the_same_place_goes_on_for_all_who_hold_it():
    saved, live = np.random.default_rng(3), np.random.default_rng(3)
    expected = saved.random(5)[4]
    saved = np.random.default_rng(3)
    saved.random(4)
    (again,) = together({"rng": [saved]}, live=[{"rng": [live]}])
    assert again["rng"][0] is live
    assert live.random() == expected


def test_one_live_generator_stands_for_one_saved_one():
    live = np.random.default_rng(0)
    a, b = together([np.random.default_rng(1)], [np.random.default_rng(2)], live=[[live], [live]])
    assert a[0] is live
    assert b[0] is not live
    assert a[0].random() == np.random.default_rng(1).random()
    assert b[0].random() == np.random.default_rng(2).random()


def test_saved_generators_that_are_one_become_one_of_the_live_two():
    saved, live = np.random.default_rng(1), [np.random.default_rng(2), np.random.default_rng(3)]
    a, b = together([saved], [saved], live=[[live[0]], [live[1]]])
    assert a[0] is b[0] is live[0]


def test_a_generator_of_another_kind_is_another_object():
    saved, live = np.random.default_rng(1), np.random.Generator(np.random.MT19937(1))
    (again,) = together(saved, live=[live])
    assert again is not live
    assert again.random() == np.random.default_rng(1).random()


@pytest.mark.parametrize(("seed", "is_live"), [(1, True), (2, False)])
def test_a_generator_goes_on_spawning_the_same(seed, is_live):
    saved, live = np.random.default_rng(1), np.random.default_rng(seed)
    saved.spawn(3)
    (again,) = together(saved, live=[live])
    assert (again is live) is is_live
    assert again.spawn(1)[0].random() == saved.spawn(1)[0].random()


def test_a_generator_that_spawned_more_than_the_saved_one_is_left_alone():
    saved, live = np.random.default_rng(1), np.random.default_rng(1)
    saved.spawn(1)
    live.spawn(2)
    assert not set_generator(live, saved)


def test_nobody_spawns_for_ever():
    rng, forged = np.random.default_rng(1), np.random.default_rng(1)
    state = generator_state(forged, "it")
    state["spawns"]["n_children_spawned"] = 2**31
    assert not set_generator(rng, generator_from(state))


def test_a_generator_that_no_file_holds_is_refused_at_once():
    """Reading it back would refuse it, which is too late."""

    class Own(KINDS[0]):
        """A bit generator of a student's."""

    large = np.random.Generator(KINDS[0](np.random.SeedSequence(1, pool_size=128)))
    for rng in (np.random.Generator(Own(1)), large):
        with pytest.raises(TypeError, match=r"takes NumPy's own random generators, with a pool"):
            pack({"rng": rng}, {}, "fit[", "it")
