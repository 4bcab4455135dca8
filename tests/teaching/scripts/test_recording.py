"""The one run of a student's file."""

from __future__ import annotations

import sys

from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.recording import record

OWN_TRACER = """
import sys

sys.settrace(lambda *event: None)
for step in range(3):
    pass
"""


def test_it_leaves_the_tracer_of_the_process_that_runs_it() -> None:
    def tracer(*event: object) -> None:
        """Look at nothing."""

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        record(Program(OWN_TRACER))
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after is tracer
