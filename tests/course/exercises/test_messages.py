"""What passes between the check and the student's process: every value there and back."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.course.exercises.messages import decode, encode, send
from minnet.course.exercises.wording import Seed

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers()
array = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "u1", "?", "c16"]), hnp.array_shapes(min_dims=0, min_side=0)
)
values = st.recursive(
    plain | array,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def there_and_back(value):
    return decode(json.loads(json.dumps(encode(value))))


def alike(a, b):
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            alike(x, y)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key, one in a.items():
            alike(one, b[key])
    else:
        np.testing.assert_equal(a, b)


@given(values)
def test_values_come_back_as_they_were(value):
    alike(there_and_back(value), value)


def test_seeds_and_scalars_come_back():
    assert there_and_back(Seed(3)) == Seed(3)
    assert type(there_and_back(np.float32(1.5))) is np.float32


def test_what_is_of_no_known_kind_is_shown_by_its_kind_and_text():
    class Strange:
        def __repr__(self):
            return "strange"

    for value in (Strange(), {1: 2}, np.array(["a"]), {2, 3}, 10**1000, range(3)):
        other = there_and_back(value)
        assert type(other).__name__ == type(value).__name__
    assert repr(there_and_back(Strange())) == "strange"


def test_a_list_in_itself_comes_to_an_end():
    value: list = []
    value.append(value)
    assert there_and_back(value)


def test_functions_are_called_where_they_are():
    functions: list = []
    message = encode([np.sin], functions)
    (same,) = decode(message, functions.__getitem__)
    assert same is np.sin


@pytest.mark.parametrize(
    "message",
    [None, 3, [], ["nothing"], ["array", "O", [1], ""], ["array", "<f8", [9], ""], ["float", "x"],
     ["dict", 3], ["function", 0]],
)  # fmt: skip
def test_what_is_no_message_is_refused(message):
    with pytest.raises(ValueError):
        decode(message)


def test_a_message_is_a_line():
    out = io.StringIO()
    send(out, result=encode("two\nlines"))
    assert out.getvalue().count("\n") == 1
