"""How long to wait for company: a batch costs less than its parts, but only a machine that is behind needs it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from shared.runtime.envelope import Envelope

LATE, SHARE = 0.05, 0.25  # events older than this (seconds) say that the machine is behind; of their age, this share


def linger(events: Sequence[Envelope], longest: float) -> float:
    """Seconds to wait: none while events are fresh, else a share of the oldest one's age, `longest` at most."""
    age = time.time() - min(event.time for event in events).timestamp()
    return min(longest, SHARE * age) if age > LATE else 0.0
