"""How long a goal in seconds may take here: the goal itself where the machine has a core free, more where it has none.

The goals of the fault catalogue are for a machine of their own; the tests share theirs with one another.
"""

from __future__ import annotations

import os


def within(goal: float) -> float:
    """`goal` seconds times how many processes want each core, at least once and at most five times."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return goal * min(5.0, max(1.0, crowd))
