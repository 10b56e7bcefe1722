"""Ids: a prefix that names the kind, then a ULID: time-ordered, unique without asking anybody (spec 5.0)."""

from __future__ import annotations

import os
import threading
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_lock = threading.Lock()
_last = 0
_drawn: list[int] = []  # 80 random bits each, asked of the system by the hundred: a question costs more than an id
os.register_at_fork(after_in_child=_drawn.clear)


def ulid() -> str:
    """26 characters; later calls in this process sort later, also within one millisecond."""
    global _last
    with _lock:
        if not _drawn:
            _draw()
        value = (int(time.time() * 1000) << 80) | _drawn.pop()
        if value <= _last:
            value = _last + 1 + (value & 0xFFFFFFFF)
        _last = value
    return _written(value)


def _draw() -> None:
    raw = os.urandom(1000)
    _drawn.extend(int.from_bytes(raw[at : at + 10], "big") for at in range(0, len(raw), 10))


def _written(value: int) -> str:
    # 130 bits in 13 pairs of characters: half the loop of one character at a time
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10)])


def oldest_id(prefix: str, at: float) -> str:
    """The smallest id that can be made at this time (epoch seconds): every id of an earlier moment is before it."""
    return f"{prefix}_{_written(int(at * 1000) << 80)}"


def new_id(prefix: str) -> str:
    """`clm_01J…`: an id of the kind that `prefix` names."""
    return f"{prefix}_{ulid()}"
