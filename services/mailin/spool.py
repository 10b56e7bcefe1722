"""Mail that was taken and not handed on yet, on disk: nobody is told 250 before it is here. Kept for 30 days after.

One file per mail: a line of JSON (how it came), then the source as it came. `new` waits, `kept/<day>` is done,
`failed` waits for a person.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import orjson

from services.mailin.authenticity import Envelope
from shared.kernel.ids import ulid

KEEP = timedelta(days=30)


@dataclass(frozen=True)
class Spooled:
    name: str
    recipients: list[str]
    envelope: Envelope
    raw: bytes


class Spool:
    """`arrived` is set when there is something new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrived = threading.Event()
        for name in ("new", "part", "kept", "failed"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def put(self, recipients: list[str], envelope: Envelope, raw: bytes) -> str:
        """On disk, for good, when this returns; its name. OSError: it is not, and must not be acknowledged."""
        name = ulid()
        half, whole = self.folder / "part" / name, self.folder / "new" / name
        head = orjson.dumps({"recipients": recipients, "envelope": asdict(envelope)})
        with half.open("wb") as file:
            file.write(head + b"\n" + raw)
            file.flush()
            os.fsync(file.fileno())
        half.rename(whole)
        self._sync(whole.parent)
        self.arrived.set()
        return name

    def waiting(self) -> Iterator[str]:
        """Names, oldest first."""
        yield from sorted(os.listdir(self.folder / "new"))

    def read(self, name: str) -> Spooled:
        head, _, raw = (self.folder / "new" / name).read_bytes().partition(b"\n")
        told = orjson.loads(head)
        return Spooled(name, told["recipients"], Envelope(**told["envelope"]), raw)

    def size(self, name: str) -> int:
        """In bytes, 0 when it is not there any more."""
        path = self.folder / "new" / name
        return path.stat().st_size if path.exists() else 0

    def keep(self, name: str, day: date) -> None:
        """Handed on; its source stays as evidence."""
        self._move(name, self.folder / "kept" / day.isoformat())

    def fail(self, name: str) -> None:
        """It will never be taken like this: a person looks."""
        self._move(name, self.folder / "failed")

    def forget(self, today: date) -> int:
        """Remove what was kept for more than 30 days; how many."""
        removed = 0
        for day in (self.folder / "kept").iterdir():
            if date.fromisoformat(day.name) < today - KEEP:
                for path in day.iterdir():
                    path.unlink()
                    removed += 1
                day.rmdir()
        return removed

    def _move(self, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(self.folder / "new" / name, folder / name)

    @staticmethod
    def _sync(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
