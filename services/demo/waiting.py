"""Waiting for conditions, never for time: each has a deadline, and says what was expected when it passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from services.demo.api import Refused

Found = TypeVar("Found")


class NotReached(Exception):
    """What was expected did not happen in time."""


class Patience:
    """seconds: the deadline of one condition. pause: what to do between two looks: sleep, or let the suite work."""

    def __init__(self, seconds: float, pause: Callable[[], None]) -> None:
        self.seconds, self._pause = seconds, pause

    def until(self, expected: str, look: Callable[[], Found], holds: Callable[[Found], bool]) -> Found:
        """Look again until it holds; answers what was seen. Raises NotReached."""
        deadline = time.monotonic() + self.seconds
        while True:
            found = look()
            if holds(found):
                return found
            if time.monotonic() > deadline:
                raise NotReached(f"expected within {self.seconds:g} s: {expected}\n  last seen: {found}")
            self._pause()

    def through(self, request: Callable[[], Found]) -> Found:
        """A request, made again while the answer is `come back in a moment` (a copy that has not arrived yet)."""
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                return request()
            except Refused as refused:
                if "retry_after" not in refused.problem or time.monotonic() > deadline:
                    raise
            self._pause()
