"""Random networks to each tool that is there, and back; `python -m tests.exchange` has 1,000."""

from __future__ import annotations

import pytest

from tests.exchange.__main__ import CASES, run
from tests.exchange.tools import needs

EACH = 25


@pytest.mark.parametrize(
    ("tool", "case"),
    [(t, c) for t in CASES for c in CASES[t]],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_random_networks_predict_the_same_there_and_come_back_to_the_bit(tool, case):
    needs(tool)
    worst, faults = run(case, seed=1, count=EACH)
    assert not faults, "\n".join(faults)
    assert worst <= 1e-6
