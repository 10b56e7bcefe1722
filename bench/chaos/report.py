"""What the driver says: progress on stderr, one line of JSON per case and a verdict on stdout."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_BEGAN = time.monotonic()


def say(what: str) -> None:
    """Progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _BEGAN:6.1f}] {what}", file=sys.stderr, flush=True)


@dataclass
class Case:
    """One case of the fault catalogue. goals: figure → the most it may be; `at least` goals are in `least`."""

    name: str
    rows: tuple[str, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    least: dict[str, float] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """Goals that were not reached; a figure that is not there reaches none."""
        over = [name for name, most in self.most.items() if not self._is(name) or self.figures[name] > most]
        under = [name for name, least in self.least.items() if not self._is(name) or self.figures[name] < least]
        return over + under

    def _is(self, name: str) -> bool:
        return isinstance(self.figures.get(name), int | float)

    def line(self) -> dict[str, Any]:
        goals = {name: f"<= {most:g}" for name, most in self.most.items()}
        goals |= {name: f">= {least:g}" for name, least in self.least.items()}
        return {"case": self.name, "rows": list(self.rows), **self.figures, "goals": goals, "missed": self.missed}


def tell(line: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(line), flush=True)


def verdict(cases: list[Case], **figures: Any) -> bool:
    """The last line; True when every goal of every case was reached."""
    missed = [f"{case.name}: {goal}" for case in cases for goal in case.missed]
    word = "failed" if missed else "passed"
    tell({"case": "summary", **figures, "cases": len(cases), "missed": missed, "verdict": word})
    return not missed
