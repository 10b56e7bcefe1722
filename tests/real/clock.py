"""The time of a stack under test: one number in a file, the same for all of its processes, moved by the test alone."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORM = struct.Struct("qq")  # microseconds since EPOCH; how often the stack began anew


class StoppedClock:
    """Reads and writes the file. on_new_start: called in a process when the stack began anew since it last looked."""

    def __init__(self, path: Path, on_new_start: Callable[[], None] = lambda: None) -> None:
        if not path.exists():
            path.write_bytes(FORM.pack(0, 0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), FORM.size)
        self._on_new_start = on_new_start
        self._start = self._read()[1]

    def now(self) -> datetime:
        micros, start = self._read()
        if start != self._start:
            self._start = start
            self._on_new_start()
        return EPOCH + timedelta(microseconds=micros)

    def move_to(self, moment: datetime) -> None:
        self._shared[:] = FORM.pack((moment - EPOCH) // timedelta(microseconds=1), self._read()[1])

    def begin_anew(self, moment: datetime) -> None:
        """Back to a test's first moment. The product cannot do this: time only goes forward there (N5)."""
        self._shared[:] = FORM.pack((moment - EPOCH) // timedelta(microseconds=1), self._read()[1] + 1)

    def _read(self) -> tuple[int, int]:
        return FORM.unpack(self._shared[:])
