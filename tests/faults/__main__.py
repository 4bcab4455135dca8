"""Print every case and its outcome; exit with 1 if one is not as it should be."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from tests.faults import all_cases, outcome


def main() -> int:
    """The table, and how many are fine."""
    cases = [one for one in all_cases() if one.needs is None or find_spec(one.needs)]
    group, bad = "", 0
    for case in cases:
        if case.group != group:
            group = case.group
            print(f"\n{group}")
        found = outcome(case)
        bad += not found.fine
        mark = "✓" if found.fine else "✗"
        print(f"  {mark} {case.words:<52.52} {found.kind:<8} {found.said[:140]}")
    print(f"\n{len(cases) - bad} of {len(cases)} as they should be.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
