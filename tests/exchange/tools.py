"""The other tools, for tests that need them: skipped with a reason where one is missing."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from tests.exchange.__main__ import ready


def needs(*tools: str) -> Any:
    """Return the last of these tools, imported; the test is skipped where one is not there."""
    for tool in tools:
        if reason := ready(tool):
            pytest.skip(reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sys.modules[tools[-1]]
