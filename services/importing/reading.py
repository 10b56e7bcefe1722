"""Orders one after the other from a file of any size: JSON Lines, or CSV with one row a line item."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

LONGEST = 4 * 1024 * 1024  # bytes of one line: more is no order, and must not fill the memory
MOST_LINES = 500  # of one order, as order.place takes


@dataclass(slots=True)
class Found:
    """One order as it stands in the file. lines: the number of each row in the file, the first is the order's.

    fault: why it could not even be read.
    """

    lines: list[int]
    first: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    fault: str | None = None


class Counted:
    """A file that knows how much of it was read: for the progress bar."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        self.read = 0
        self._file: BinaryIO = path.open("rb")

    def lines(self) -> Iterator[bytes]:
        while line := self._file.readline(LONGEST + 1):
            self.read += len(line)
            yield line

    def close(self) -> None:
        self._file.close()


def is_csv(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv", ".txt")


def json_lines(file: Counted) -> Iterator[Found]:
    """One JSON object a line; empty lines are nothing."""
    cut = False
    for number, raw in enumerate(file.lines(), 1):
        if cut or (len(raw) > LONGEST and not raw.endswith(b"\n")):
            if not cut:
                yield Found([number], fault=f"This line has more than {LONGEST} bytes.")
            cut = not raw.endswith(b"\n")
            continue
        text = raw.strip().removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as wrong:
            yield Found([number], fault=f"Not JSON: {wrong}.")
            continue
        if isinstance(found, dict):
            yield Found([number], found, [found])
        else:
            yield Found([number], fault="Not a JSON object.")


def csv_orders(file: Counted, key: str) -> Iterator[Found]:
    """Rows that follow one another with the same `key` are one order; its own fields stand in the first of them."""
    rows = csv.reader(_text(file), strict=False)
    header = next(rows, None)
    if header is None:
        return
    names = [name.strip() for name in header]
    current: Found | None = None
    value = None
    before = rows.line_num
    for row in rows:
        at, before = before + 1, rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            if current:
                yield current
            current = None
            yield Found([at], fault=f"{len(row)} cells where the header names {len(names)}.")
            continue
        found = dict(zip(names, row, strict=True))
        if current is None or found.get(key) != value or len(current.rows) > MOST_LINES:
            if current:
                yield current
            current, value = Found([at], found), found.get(key)
        else:
            current.lines.append(at)
        current.rows.append(found)
    if current:
        yield current


def _text(file: Counted) -> Iterator[str]:
    """UTF-8, else as old spreadsheets write it; the first line may begin with a byte order mark."""
    for raw in file.lines():
        try:
            yield raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            yield raw.decode("cp1252", "replace")
