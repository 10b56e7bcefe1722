"""Idempotency keys: the first answer under a key is the only one."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.simulator.records import Records


class KeyInUse(Exception):
    """A call under this key is still running."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered under a key, and to which request."""

    fingerprint: str  # of the parameters
    place: str  # method and path
    status: int
    body: bytes
    request_id: str


class Replays:
    """Kept answers (in the records) and the keys that are running right now (in memory: a restart frees them)."""

    def __init__(self, records: Records):
        self._db = records.db
        self._running: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def running(self, provider: str, key: str | None) -> Iterator[None]:
        """Hold the key while a call runs; KeyInUse when another call holds it."""
        if key is None:
            yield
            return
        mark = (provider, key)
        if mark in self._running:
            raise KeyInUse(key)
        self._running.add(mark)
        try:
            yield
        finally:
            self._running.discard(mark)

    def kept(self, provider: str, key: str | None) -> KeptAnswer | None:
        """The answer given under this key before, or None."""
        row = self._db.execute("SELECT fingerprint, place, status, body, request_id FROM answers "
                               "WHERE provider = ? AND key = ?", (provider, key)).fetchone()
        return KeptAnswer(*row) if row else None

    def keep(self, provider: str, key: str | None, answer: KeptAnswer) -> None:
        """Write the answer down, in the caller's transaction; without a key nothing is kept."""
        if key is not None:
            self._db.execute("INSERT INTO answers VALUES (?,?,?,?,?,?,?)",
                             (provider, key, answer.fingerprint, answer.place, answer.status, answer.body,
                              answer.request_id))

    def expire(self) -> int:
        """Forget every key, as Stripe does after a day; returns how many."""
        return self._db.execute("DELETE FROM answers").rowcount
