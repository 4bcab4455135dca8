"""What users pass in: what is taken, what is refused, and how that is worded."""

from __future__ import annotations

import datetime as dt
import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minnet
from minnet.foundation import checks
from minnet.foundation.words import did_you_mean
from minnet.initializers import INITIALIZERS, Initializer, Zeros
from minnet.layers import ACTIVATIONS, Dense, Layer, ReLU
from minnet.models import Sequential

# --- words ----------------------------------------------------------------------------------------


@given(st.text() | st.lists(st.integers()), st.integers(4, 30))
def test_short_is_no_longer_than_its_limit(value, limit):
    text = checks.short(value, limit)
    assert len(text) <= limit
    assert text == repr(value) or (text.endswith("...") and repr(value).startswith(text[:-3]))


def test_short_of_arrays_is_their_shape():
    assert checks.short(np.zeros((2, 3), np.float32)) == "an array of shape (2, 3), float32"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("rleu", ' Did you mean "relu"?'),
        ("RELU", ' Did you mean "relu"?'),
        ("Tanh", ' Did you mean "tanh"?'),
        ("cosine", ""),
        (3, ""),
    ],
)
def test_did_you_mean(name, answer):
    assert did_you_mean(name, iter(["relu", "tanh"])) == answer


def test_did_you_mean_keeps_the_names_own_letters():
    assert did_you_mean("glorotuniform", ["GlorotUniform"]) == (' Did you mean "GlorotUniform"?')
    assert did_you_mean("adam", ["Adam", "ADAM"]) == ' Did you mean "Adam"?'


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [2, 2.0, np.float32(2), np.float64(2), np.int8(2), Fraction(4, 2), np.array(2), np.array(2.0)],
    ids=repr,
)
def test_numbers_become_python_floats(value):
    result = checks.number(value, "it")
    assert result == 2.0
    assert type(result) is float


@pytest.mark.parametrize(
    "value",
    [True, np.True_, "1", None, 1j, [1.0], np.ones(1), np.array(True), Decimal(1), np.array("1")],
    ids=repr,
)
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^SGD's rate takes a number\. Got "):
        checks.number(value, "SGD's rate")


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (math.nan, {}, r"^it takes a finite number\. Got nan\.$"),
        (math.inf, {}, r"^it takes a finite number\. Got inf\.$"),
        (-math.inf, {"maximum": 1}, r"finite number that is 1 or less\. Got -inf\.$"),
        (np.array(np.nan), {}, r"finite number\. Got nan\.$"),
        (10**400, {}, r"finite number\. Got 1000+\.\.\.\.$"),
        (-1, {"minimum": 0}, r"finite number that is 0 or more\. Got -1\.$"),
        (0, {"above": 0}, r"finite number that is above 0\. Got 0\.$"),
        (1.0, {"minimum": 0, "below": 1}, r"that is 0 or more and below 1\. Got 1.0\.$"),
        (2.5, {"minimum": 0, "maximum": 1}, r"that is 0 or more and 1 or less\. Got 2.5\.$"),
        (9, {"above": 0.5, "below": 8}, r"that is above 0.5 and below 8\. Got 9\.$"),
    ],
)
def test_numbers_out_of_bounds(value, bounds, message):
    with pytest.raises(ValueError, match=message):
        checks.number(value, "it", **bounds)


def test_bounds_that_are_allowed_themselves():
    assert checks.number(0, "it", minimum=0, maximum=0) == 0.0
    assert checks.number(1, "it", above=0, below=2) == 1.0


def test_integers():
    assert [checks.integer(v, "it", minimum=-3) for v in (-3, 4, np.uint8(5))] == [-3, 4, 5]
    assert type(checks.integer(np.int64(3), "it")) is int


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, np.ones(1, int)], ids=repr)
def test_what_is_no_integer(value):
    with pytest.raises(TypeError, match=r"^units takes a whole number\. Got "):
        checks.integer(value, "units")


def test_an_integer_too_small():
    with pytest.raises(ValueError, match=r"^units takes a whole number, 1 or more\. Got 0\.$"):
        checks.integer(0, "units", minimum=1)


def test_booleans():
    assert checks.boolean(True, "it") is True
    assert checks.boolean(np.False_, "it") is False
    for value in (0, 1, "no", None, np.array([True])):
        with pytest.raises(TypeError, match=r"^shuffle takes True or False\. Got "):
            checks.boolean(value, "shuffle")


def test_choices():
    assert checks.choice("min", ["min", "max"], "mode") == "min"
    message = r"^mode takes one of min, max\. Got 'mni'\. Did you mean \"min\"\?$"
    with pytest.raises(ValueError, match=message):
        checks.choice("mni", ["min", "max"], "mode")
    with pytest.raises(TypeError, match=r"^mode takes one of min, max\. Got 3\.$"):
        checks.choice(3, ["min", "max"], "mode")


# --- objects by name ------------------------------------------------------------------------------


def test_an_object_is_itself_or_made_by_name():
    relu = ReLU()
    assert checks.instance(relu, Layer, ACTIVATIONS, "it") is relu
    assert type(checks.instance("zeros", Initializer, INITIALIZERS, "it")) is Zeros


@pytest.mark.parametrize(
    ("value", "kind", "table", "error", "message"),
    [
        ("rleu", Layer, ACTIVATIONS, ValueError, r", or a Layer\. Got 'rleu'\. Did .*\"relu\"\?$"),
        ("zeos", Initializer, INITIALIZERS, ValueError, r", or an Initializer\. Got 'zeos'"),
        (3, Layer, ACTIVATIONS, TypeError, r"^it takes a Layer or its name\. Got 3\.$"),
        (None, Initializer, INITIALIZERS, TypeError, r"^it takes an Initializer or its name"),
        (
            Zeros,
            Initializer,
            INITIALIZERS,
            TypeError,
            r"^it takes an Initializer object or its name\. Got the class itself.*: Zeros\(\)\.$",
        ),
        (ReLU, Layer, ACTIVATIONS, TypeError, r"^it takes a Layer object .*Call it: ReLU\(\)\.$"),
        (Zeros, Layer, ACTIVATIONS, TypeError, r"^it takes a Layer or its name\. Got <class"),
    ],
)
def test_objects_that_are_none(value, kind, table, error, message):
    with pytest.raises(error, match=message):
        checks.instance(value, kind, table, "it")


# --- seeds ----------------------------------------------------------------------------------------


def test_generators():
    rng = np.random.default_rng(0)
    assert checks.generator(rng) is rng
    draws = [checks.generator(seed).random() for seed in (3, np.int64(3), np.uint8(3))]
    assert draws == [np.random.default_rng(3).random()] * 3
    assert checks.generator(None).random() != checks.generator(None).random()
    assert checks.generator(2**200).random() >= 0


@pytest.mark.parametrize(
    "seed", [True, np.True_, 1.0, "1", [1], np.ones(1, int), np.random.RandomState(0)], ids=repr
)
def test_what_is_no_seed(seed):
    message = (
        r"^fit's seed takes a whole number, a numpy.random.Generator or None\. Got .*"
        r"Use seed=0, or numpy.random.default_rng\(0\)\.$"
    )
    with pytest.raises(TypeError, match=message):
        checks.generator(seed, "fit's seed")


def test_a_negative_seed():
    with pytest.raises(ValueError, match=r"^seed takes a whole number, 0 or more\. Got -1\.$"):
        checks.generator(-1)


# --- shapes and dtypes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shape"),
    [(784, (784,)), (np.int64(3), (3,)), ((28, 28), (28, 28)), ([2, np.int8(3)], (2, 3))],
)
def test_shapes(value, shape):
    result = checks.shape(value, "it")
    assert result == shape
    assert all(type(size) is int for size in result)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("784", TypeError, r"^it takes a shape such as \(784,\), without the batch\. Got '784'"),
        (784.0, TypeError, r"Got 784.0\."),
        (True, TypeError, r"^it takes a shape .*Got True\."),
        (None, TypeError, r"Got None\."),
        (np.array([3]), TypeError, r"Got an array of shape \(1,\)"),
        ((), ValueError, r"at least one axis\. Got \(\)\. For one number use \(1,\)\.$"),
        ((None, 784), ValueError, r"without the batch\. Got \(None, 784\)\. Use \(784,\)\.$"),
        ([None, 28, 28], ValueError, r"Use \(28, 28\)\.$"),
        ((None,), TypeError, r"^Each axis of it takes a whole number\. Got None\.$"),
        ((3, True), TypeError, r"^Each axis of it takes a whole number\. Got True\.$"),
        ((3, 0), ValueError, r"^Each axis of it takes a whole number, 1 or more\. Got 0\.$"),
        (-1, ValueError, r"1 or more\. Got -1\.$"),
    ],
    ids=repr,
)
def test_what_is_no_shape(value, error, message):
    with pytest.raises(error, match=message):
        checks.shape(value, "it")


@pytest.mark.parametrize("value", ["float32", "f4", np.float32, np.dtype(">f4"), float, "f8"])
def test_dtypes(value):
    result = checks.dtype(value, "it")
    assert result.name in ("float32", "float64")
    assert result.isnative


@pytest.mark.parametrize(
    "value",
    [None, "float16", "c16", int, "", "float23", 3, {"a": 1}, "f4,f4", "f4,(", object],
    ids=repr,
)
def test_what_is_no_dtype(value):
    with pytest.raises(ValueError, match=r"^it takes float32 or float64\. Got "):
        checks.dtype(value, "it")


# --- arrays ---------------------------------------------------------------------------------------


def test_an_array_is_taken_as_it_is():
    for x in (np.ones((2, 3)), np.ones((3, 2)).T, np.ones((4, 3))[::2], np.array(3)):
        assert checks.as_array(x, "x") is x


def test_a_memmap_stays_one(tmp_path):
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2, 3))
    assert checks.as_array(x, "x") is x


def test_what_only_looks_like_an_array_becomes_one():
    class Matrix(np.ndarray):
        """Such as numpy.matrix, which multiplies in another way."""

        def __mul__(self, other):
            raise AssertionError("another product")

    x = np.ones((2, 2)).view(Matrix)
    assert type(checks.as_array(x, "x")) is np.ndarray


@pytest.mark.parametrize(
    "value", [[[1, 2]], ((1.0,),), range(3), 5, True, [], [np.ones(2), np.zeros(2)]], ids=repr
)
def test_lists_and_numbers_become_arrays(value):
    assert np.array_equal(checks.as_array(value, "x"), np.asarray(value))


class Tensor:
    """What minnet asks of one of PyTorch's that NumPy cannot read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error

    def detach(self) -> None: ...


NO_ARRAYS = {
    "masked": (
        lambda: np.ma.array([1.0, 2.0], mask=[0, 1]),
        TypeError,
        r"an array without a mask\. Got a masked array\. Use x\.filled\(0\), or drop the",
    ),
    "none": (lambda: None, TypeError, r"an array of numbers\. Got None\.$"),
    "text": (lambda: "x.csv", TypeError, r"an array of numbers\. Got 'x.csv'\.$"),
    "bytes": (lambda: b"12", TypeError, r"an array of numbers\. Got b'12'\.$"),
    "dict": (lambda: {"a": [1]}, TypeError, r"an array of numbers\. Got {'a': \[1\]}\.$"),
    "set": (lambda: {1}, TypeError, r"an array of numbers\. Got \{1\}\.$"),
    "function": (lambda: len, TypeError, r"an array of numbers\. Got <built-in function len>\.$"),
    "generator": (
        lambda: (i for i in [1]),
        TypeError,
        r"an array, not a generator\. Collect it first: numpy.array\(list\(x\)\)\.$",
    ),
    "iterator": (lambda: iter([1]), TypeError, r"an array, not a list_iterator\. Collect"),
    "enumerate": (lambda: enumerate([1]), TypeError, r"an array, not an enumerate\. Collect"),
    "tensor that needs gradients": (
        lambda: Tensor(RuntimeError("Can't call numpy() on Tensor that requires grad")),
        TypeError,
        r"an array of numbers\. Got a Tensor, of which none .*Use x\.detach\(\)\.cpu\(\)\.float",
    ),
    "tensor of bfloat16": (
        lambda: Tensor(TypeError("Got unsupported ScalarType BFloat16")),
        TypeError,
        r"an array of numbers\. Got a Tensor, of which none .*BFloat16.*Use x\.detach\(\)",
    ),
    "zip": (lambda: zip([1], [2], strict=True), TypeError, r"an array, not a zip\. Collect"),
    "ragged list": (
        lambda: [[1, 2], [3]],
        ValueError,
        r"rows of equal length\. Got a list whose rows differ\.$",
    ),
    "ragged tuple": (
        lambda: ((1, 2), (3,)),
        ValueError,
        r"rows of equal length\. Got a tuple whose rows differ\.$",
    ),
    "complex": (lambda: [1j], TypeError, r"real numbers\. Got complex128\. Use x\.real\.$"),
    "float16": (
        lambda: np.ones(2, np.float16),
        TypeError,
        r"float32 or float64\. Got float16\. Use x\.astype\(\"float32\"\)\.$",
    ),
    "objects that are numbers": (
        lambda: np.array([[1, 2.0]], object),
        TypeError,
        r"numbers\. Got dtype object\. Use x\.astype\(\"float32\"\)\.$",
    ),
    "a hole in a list": (
        lambda: [[1, 2], [3, None]],
        TypeError,
        r"dtype object with None in column 1\. Encode it as numbers, or leave it out\.$",
    ),
    "text in a column": (
        lambda: np.array([[1, 2], [3, "no"]], object),
        TypeError,
        r"dtype object with 'no' in column 1\. Encode",
    ),
    "a row of text": (lambda: ["a", "b"], TypeError, r"dtype <U1 with .*'a'.* in it\. For nam"),
    "raw bytes": (lambda: np.array([b"a"]), TypeError, r"dtype \|S1 with .*b'a'.* in it"),
    "dates": (
        lambda: np.zeros((1, 1), "M8[D]"),
        TypeError,
        r"datetime64\[D\] with datetime.date\(1970, 1, 1\) in column 0\. Make days .*timedelta64",
    ),
    "dates of Python's": (
        lambda: np.array([[dt.date(2020, 1, 1)]]),
        TypeError,
        r"dtype object with datetime\.date\(2020, 1, 1\) in column 0\. .*date\.toordinal\(\)\.$",
    ),
    "numbers as text": (
        lambda: ["13685", "2e3"],
        TypeError,
        r"dtype <U5 with '13685' in it\. It is text: use np\.array\(x, dtype=float\)\.$",
    ),
    "numbers as text in a table": (
        lambda: [["1", "2"], ["4", "3"]],
        TypeError,
        r"dtype <U1 with '1' in column 0\. It is text: use np\.array\(x, dtype=float\)\.$",
    ),
    "numbers as text in a table, with a gap": (
        lambda: [["1", "2"], ["4", ""]],
        TypeError,
        r"dtype <U1 with '' in column 1\. It is a gap among numbers\. Drop or fill such rows",
    ),
    "numbers as text in a table, with words": (
        lambda: [["1", "red"], ["4", "blue"]],
        TypeError,
        r"dtype <U4 with 'red' in column 1\. Encode it as numbers, or leave it out\.$",
    ),
    "decimal commas": (
        lambda: ["12", "1887,60"],
        TypeError,
        r"dtype <U7 with '1887,60' in it\. It is text with a comma\. .*replace\(\",\", \"\.\"\)",
    ),
    "decimal commas in a table": (
        lambda: [["12", "-3,5"], ["4", "n/a"]],
        TypeError,
        r"dtype <U4 with '-3,5' in column 1\. It is text with a comma\.",
    ),
    "thousands with a comma": (
        lambda: ["1,234,567"],
        TypeError,
        r"dtype <U9 with '1,234,567' in it\. .*thousands: float\(text\.replace\(\",\", \"\"\)\)\.$",
    ),
    "a gap among decimal commas": (
        lambda: ["n/a", "2,5"],
        TypeError,
        r"dtype <U3 with 'n/a' in it\. It is a gap among numbers",
    ),
    "names with a comma": (lambda: ["red, blue"], TypeError, r".* For names of classes"),
    "a number among names": (
        lambda: ["1", "one"],
        TypeError,
        r"dtype <U3 with 'one' in it\. For names of classes",
    ),
    "text that looks like no number": (lambda: ["nan"], TypeError, r".* For names of classes"),
    "spans": (
        lambda: np.zeros(1, "m8[D]"),
        TypeError,
        r"numbers\. Got dtype timedelta64\[D\]\. Use",
    ),
    "records": (lambda: np.zeros(1, "f4,f4"), TypeError, r"numbers\. Got dtype \[\('f0'"),
    "no text at all": (lambda: np.empty((0, 2), str), TypeError, r"numbers\. Got dtype <U1\."),
}


@pytest.mark.parametrize("case", NO_ARRAYS)
def test_what_is_no_array_of_numbers(case):
    make, error, message = NO_ARRAYS[case]
    with pytest.raises(error, match="^x takes " + message if message[0] != "d" else message):
        checks.as_array(make(), "x")


def test_the_fix_names_the_variable_of_a_long_name():
    with pytest.raises(
        TypeError, match=r"^Scale\.adapt's x takes .* np\.array\(x, dtype=float\)\.$"
    ):
        checks.as_array(["1"], "Scale.adapt's x")
    with pytest.raises(TypeError, match=r"^Scale\.adapt's x takes .* Use x\.real\.$"):
        checks.as_array([1j], "Scale.adapt's x")


def test_tables_are_taken_and_their_columns_named():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    assert np.array_equal(checks.as_array(table, "x"), [[1, 0.5], [2, 1.5]])
    assert np.array_equal(checks.as_array(table["a"], "y"), [1, 2])
    table["name"] = ["u", "v"]
    with pytest.raises(TypeError, match=r"with 'u' in column 2 \('name'\)\. Encode it"):
        checks.as_array(table, "x")


@pytest.mark.parametrize("form", ["csr_matrix", "csc_array", "coo_array"])
def test_sparse_matrices_are_refused_with_the_way(form):
    sparse = pytest.importorskip("scipy.sparse")
    message = rf"^x takes a dense array\. Got a sparse {form}\. Use x\.toarray\(\)\.$"
    with pytest.raises(TypeError, match=message):
        checks.as_array(getattr(sparse, form)(np.eye(2)), "x")


# --- finite ---------------------------------------------------------------------------------------


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=4), elements=st.floats(-1e308, 1e308)))
def test_finite_arrays_pass_however_large_their_sum(array):
    checks.finite(array, "x")


@pytest.mark.parametrize(
    "array",
    [np.empty((0, 3)), np.empty((3, 0)), np.array([1, 2]), np.array([True]), np.array(1.0)],
    ids=repr,
)
def test_nothing_and_whole_numbers_are_finite(array):
    checks.finite(array, "x")


@pytest.mark.parametrize(
    ("shape", "place", "words"),
    [
        ((), (), "it"),
        ((5,), (3,), "row 3"),
        ((5, 4), (2, 1), "row 2, column 1"),
        ((5, 4, 3), (2, 1, 0), r"row 2, at \(1, 0\)"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_placed(shape, place, words, value):
    array = np.ones(shape)
    array[place] = value
    with pytest.raises(
        ValueError, match=rf"^x takes finite numbers\. Got {value} in {words}\. Drop or fill such"
    ):
        checks.finite(array, "x")


def test_the_first_of_several_is_named_and_the_others_counted():
    array = np.ones((5, 2))
    array[[1, 3, 4], 1] = np.nan, np.inf, -np.inf
    with pytest.raises(ValueError, match=r"Got nan in row 1, column 1 \(one of 3, in 3 rows\)\."):
        checks.finite(array, "x")


def test_rows_are_counted_over_all_pieces():
    array = np.zeros((2**21 + 10, 4), np.float32)  # three pieces of 2**20 rows
    array[2**20 + 7, 2] = np.inf
    with pytest.raises(ValueError, match=rf"Got inf in row {2**20 + 7}, column 2\."):
        checks.finite(array, "x")
    array[2**21 + 3, :3] = np.nan
    message = rf"Got inf in row {2**20 + 7}, column 2 \(one of 4, in 2 rows\)\."
    with pytest.raises(ValueError, match=message):
        checks.finite(array, "x")


def test_a_number_in_full_has_all_its_digits():
    shown = [checks.in_full(n) for n in (2.0**40, np.float32(-3), 1 + 2**-30, np.int64(7), np.inf)]
    assert shown == ["1099511627776", "-3", "1.0000000009313226", "7", "inf"]


def test_numbers_too_large_for_the_dtype():
    array = np.array([[1.0, 2.0], [3e38, 1e39]])
    checks.finite(array, "x")
    checks.finite(array, "x", np.dtype("float64"))
    checks.finite(array[:, :1], "x", np.dtype("float32"))
    message = r"^x takes numbers that float32 can hold\. Got 1e\+39 in row 1, column 1\."
    with pytest.raises(ValueError, match=message):
        checks.finite(array, "x", np.dtype("float32"))
    array[1, 1] = np.nan
    with pytest.raises(ValueError, match=r"^x takes finite numbers\. Got nan in row 1, column 1"):
        checks.finite(array, "x", np.dtype("float32"))


# --- samples --------------------------------------------------------------------------------------


def test_samples_that_fit():
    x = np.ones((4, 3))
    assert checks.samples(x, (3,), "x") is x
    assert checks.samples(x[:1], (3,), "x").shape == (1, 3)
    assert checks.shaped(x[:0], (3,), "x", empty=True).shape == (0, 3)
    assert checks.samples([[1, 2]], (2,), "x").dtype.kind == "i"


@pytest.mark.parametrize(
    ("shape", "sample", "message"),
    [
        ((5, 4), (3,), r"^x takes shape \(N, 3\)\. Got \(5, 4\)\.$"),
        ((), (3,), r"^x takes shape \(N, 3\)\. Got \(\)\.$"),
        ((3,), (3,), r"Got \(3,\)\. For one sample use x\.reshape\(1, 3\)\.$"),
        ((8, 8), (8, 8), r"\(N, 8, 8\)\. Got \(8, 8\)\. For one .* x\.reshape\(1, 8, 8\)\.$"),
        ((5,), (1,), r"\(N, 1\)\. Got \(5,\)\. For a column use x\.reshape\(-1, 1\)\.$"),
        ((1,), (1,), r"Got \(1,\)\. For one sample use x\.reshape\(1, 1\)\.$"),
        (
            (5, 8, 8),
            (64,),
            r"Got \(5, 8, 8\)\. Put a Flatten\(\) first, or use x\.reshape\(len\(x\), -1\)\.$",
        ),
        ((5, 8, 9), (64,), r"Got \(5, 8, 9\)\.$"),
        ((3, 7), (3,), r"Got \(3, 7\)\. Rows are samples: use x\.T\.$"),
        ((64, 5), (8, 8), r"\(N, 8, 8\)\. Got \(64, 5\)\.$"),
        ((0, 3), (3,), r"^x takes shape \(N, 3\) with at least one row\. Got \(0, 3\), no rows"),
        ((5, 0), (3,), r"Got \(5, 0\)\.$"),
        (
            (5,),
            (),
            r"^x takes one row for each sample, shape \(N, D\)\. Got \(5,\)\. For one feature use "
            r"x\.reshape\(-1, 1\), for one sample x\.reshape\(1, -1\)\.$",
        ),
    ],
    ids=str,
)
def test_samples_that_do_not_fit(shape, sample, message):
    with pytest.raises(ValueError, match=message):
        checks.samples(np.ones(shape), sample, "x")


def test_samples_are_finite():
    with pytest.raises(ValueError, match=r"^x takes finite numbers"):
        checks.samples([[np.nan]], (1,), "x")


def test_batch_shape():
    assert [checks.batch_shape(s) for s in ((), (3,), (8, 8))] == ["(N,)", "(N, 3)", "(N, 8, 8)"]


def test_lengths():
    checks.same_length(np.ones(3), np.ones((3, 2)), ("x", "y"))
    with pytest.raises(
        ValueError,
        match=r"^x and y take one row for each sample\. Got 3 rows in x and 2 in y\.$",
    ):
        checks.same_length(np.ones(3), np.ones(2), ("x", "y"))


def test_warnings_point_at_the_first_line_outside():
    with pytest.warns(UserWarning, match="^careful$") as caught:
        checks.warn("careful")
    assert caught[0].filename == __file__
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(UserWarning, match="learns slowly") as caught:
        Sequential([Dense(2, "softmax")]).compile("sgd", "mse")  # several calls below this one
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_text_is_text():
    assert checks.text("", "A title") == ""
    assert checks.text("a", "A title", empty=False) == "a"
    for value in ("", 3, None, b"a"):
        with pytest.raises(TypeError, match=rf"^A title takes a name\. Got {value!r}\.$"):
            checks.text(value, "A title", kind="a name", empty=False)


def test_errors_of_their_own_are_kinds_of_the_usual_ones():
    assert issubclass(checks.ModelFileError, ValueError)
    assert issubclass(checks.DivergedError, ArithmeticError)


def test_a_mask_is_dropped_at_no_door() -> None:
    """A masked array has numbers under its mask, which would be counted in silence."""
    x = np.ma.array(np.ones((4, 2)), mask=[[0, 0], [0, 1], [0, 0], [0, 0]])
    y = np.ma.array([1.0, 0.0, 1.0, 0.0], mask=[0, 0, 1, 0])
    model = minnet.Sequential([minnet.layers.Dense(1, input_dim=2)], seed=0)
    model.compile("sgd", "mse")
    ones, before = np.ones(4), model.theta.copy()
    doors = [
        lambda: model.fit(x, ones, verbose=0),
        lambda: model.fit(x.data, y, verbose=0),
        lambda: model.fit(x.data, ones, verbose=0, sample_weight=y),
        lambda: model.fit(x.data, ones, verbose=0, validation_data=(x, ones)),
        lambda: model.fit(x.data, ones, verbose=0, validation_data=(x.data, y)),
        lambda: model.evaluate(x.data, ones, sample_weight=y),
        lambda: model.predict(x),
        lambda: model.features(x),
        lambda: model.train_on_batch(x, ones),
        lambda: model.set_weights([x[:2, :1], [0.0]]),
        lambda: model.layers[0](x),
        lambda: minnet.losses.MeanSquaredError()(y, ones),
        lambda: minnet.losses.MeanSquaredError()(ones, y),
        lambda: minnet.losses.MeanSquaredError()(ones, ones, y),
        lambda: minnet.metrics.MAE()(ones, y),
        lambda: minnet.metrics.Accuracy()(y, ones),
        lambda: minnet.metrics.confusion_matrix(y, y),
        lambda: minnet.datasets.standardize(x),
        lambda: minnet.datasets.standardize(x.data, x),
        lambda: minnet.datasets.one_hot(y, 2),
        lambda: minnet.datasets.unit_length(x),
        lambda: minnet.layers.Normalization().adapt(x),
        lambda: minnet.find_learning_rate(model, x, ones),
        lambda: minnet.diagnose(model, x.data, y),
        lambda: minnet.check_gradients(model, x, ones),
        lambda: minnet.explain_step(model, x.data, y),
        lambda: minnet.regularizers.L2()(x),
    ]
    for i, door in enumerate(doors):
        with pytest.raises(TypeError, match="an array without a mask"):
            pytest.fail(f"door {i} gave {door()}")
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((2, 32, 32, 3), r'Read the pictures with color_mode="grayscale"\.'),
        ((2, 28, 28, 1), r"Read the pictures with image_size=\(32, 32\)\."),
        ((2, 28, 30, 4), r'with image_size=\(32, 32\) and color_mode="grayscale"\.'),
        ((2, 32, 32, 7), r"Got \(2, 32, 32, 7\)\.$"),
    ],
)
def test_pictures_of_another_form_are_read_again(shape, fix):
    with pytest.raises(ValueError, match=fix):
        checks.samples(np.zeros(shape), (32, 32, 1), "x")
