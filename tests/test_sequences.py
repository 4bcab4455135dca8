"""Whatever is done to a model, one thing after another, its copies are alike; a sample of it.

`python -m tests.sequences` tries 5,000.
"""

from __future__ import annotations

import pytest

from tests import sequences


@pytest.mark.slow
def test_random_sequences_of_operations_leave_copies_alike() -> None:
    sequences.try_sequences(60)
