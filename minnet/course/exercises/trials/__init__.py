"""What is tried for each gap, and the mistakes that are known; a module for each sheet."""

import importlib

from minnet.course.exercises.files import NAMES
from minnet.course.exercises.searching import Gap

GAPS: dict[str, Gap] = {
    gap.name: gap for name in NAMES for gap in importlib.import_module(f"{__name__}.{name}").GAPS
}
"""Function → what is tried, in the order of the sheets."""
