from itertools import islice

import numpy as np
import pytest

from minnet.teaching.shuffling import shuffled_batches


@pytest.mark.parametrize(("N", "batch_size"), [(7, 3), (6, 3), (5, 1), (1, 1), (4, 32)])
def test_every_row_comes_once_before_any_comes_again(N, batch_size):
    batches = list(islice(shuffled_batches(N, batch_size, np.random.default_rng(0)), 3 * N))
    assert {len(rows) for rows in batches} == {min(batch_size, N)}
    rows = np.concatenate(batches)
    for begin in range(0, len(rows) - N + 1, N):
        assert sorted(rows[begin : begin + N]) == list(range(N))


def test_each_order_is_another_one_and_is_drawn_when_it_is_needed():
    rng = np.random.default_rng(0)
    batches = shuffled_batches(8, 8, rng)
    state = rng.bit_generator.state
    assert not np.array_equal(next(batches), next(batches))
    rng.bit_generator.state = state
    assert np.array_equal(next(batches), np.random.default_rng(0).permutation(8))
