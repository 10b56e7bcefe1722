"""The rows of the specification that have to be shown on real processes, broker and database, and those that were.

A row is shown when a test that claims it passes in the real form, or is one of those that exist on real parts only:
these run with all tests, and fail there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

WHOLE = (
    "S0-01..S0-23 S1-01..S1-38 S2-01..S2-27 S3-01..S3-21 S4-01..S4-16 S4-20..S4-29 "
    "R21..R27 R41..R43 T01..T10 T18..T31 T42 I1..I2 I5..I12 I16..I18 N1..N5 N7..N12 U-05"
)
ON_REAL_PARTS_ONLY = ("tests/integration/", "tests/chaos/")
ID = re.compile(r"(.*?)(\d+)$")


def wanted() -> list[str]:
    """The ids of WHOLE, one by one."""
    return [row for part in WHOLE.split() for row in _from_to(*part.split(".."))]


def _from_to(first: str, last: str = "") -> Iterable[str]:
    prefix, start = ID.fullmatch(first).groups()
    end = ID.fullmatch(last or first)[2]
    return (f"{prefix}{number:0{len(start)}d}" for number in range(int(start), int(end) + 1))


def rows_of(item: pytest.Item) -> list[str]:
    """The rows that a test claims."""
    return sorted({row for mark in item.iter_markers("capability") for row in mark.args})


def on_real_parts_only(item: pytest.Item) -> bool:
    """Is there no joined form of this test?"""
    return item.get_closest_marker("servers") is not None and item.nodeid.startswith(ON_REAL_PARTS_ONLY)


class Rows:
    """shown: by tests of this run in the real form; beside: by tests that have no other form, which run elsewhere."""

    def __init__(self) -> None:
        self.shown: set[str] = set()
        self.beside: set[str] = set()

    def left_out(self, items: Iterable[pytest.Item]) -> None:
        """These were collected and do not run here."""
        self.beside.update(*(rows_of(item) for item in items if on_real_parts_only(item)))

    def missing(self) -> list[str]:
        """What has to be shown and was not."""
        return [row for row in wanted() if row not in self.shown | self.beside]

    def told(self, all_wanted: bool) -> Iterable[str]:
        """Lines for people. all_wanted: what is missing is told too."""
        yield _line("rows of the specification that passed so", self.shown)
        yield _line("rows that only tests on real parts claim, which run with all tests", self.beside - self.shown)
        if all_wanted:
            yield _line(f"of {len(wanted())} rows that have to be shown so, missing", self.missing())


def _line(what: str, rows: Iterable[str]) -> str:
    found = sorted(rows)
    return f"{what}: {len(found)}{' ' * bool(found)}{' '.join(found)}"
