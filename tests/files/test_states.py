"""Values out of Python's own through JSON and arrays, and back: exactly the same, or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.files.generators import set_generator
from minnet.files.states import LONG, pack, unpack
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
    assert not set_generator(np.random.Generator(KINDS[-1](0)), a)


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
        {"generator": {"dict": []}},
    ],
    ids=str,
)
def test_what_pack_never_gives_is_refused(value):
    there = {"there": np.zeros(8, np.uint8), "floats": np.zeros(1)}
    with pytest.raises(ValueError, match="it has "):
        unpack(value, there)
