"""What a service does beside answering: jobs, timers, retries. Threads that any number of replicas may run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from shared.runtime.app import App, Handover

log = logging.getLogger(__name__)
PERFORMERS = 16  # outward calls at the same time per process: a slow provider holds 16 jobs, not the service
SETTLE_BATCH = 100
TEND_EVERY = 0.25


class Workers:
    """The workers of one service in one process."""

    def __init__(self, app: App, performers: int = PERFORMERS) -> None:
        self.app, self._performers = app, performers
        self._ready, self._outcomes = Handover(), Handover()
        self._stopping = threading.Event()
        self._performing = 0
        self._threads: list[threading.Thread] = []
        app.on_jobs = self._ready.put

    def start(self) -> None:
        self._spawn("tend", self._tend)
        if self.app.contents.jobs:
            self._spawn("settle", self._settle)
            for number in range(self._performers):
                self._spawn(f"perform-{number}", self._perform)

    def stop(self, timeout: float = 15.0) -> None:
        """Finish and settle the jobs under way; the rest keep their rows."""
        self._stopping.set()
        self._ready.put([])
        for thread in self._threads:
            thread.join(timeout)

    @property
    def quiet(self) -> bool:
        return not (self._performing or self._ready._items or self._outcomes._items)

    def _spawn(self, name: str, work: Callable[[], Any]) -> None:
        thread = threading.Thread(target=self._loop, args=(work,), name=f"{self.app.name}-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _loop(self, work: Callable[[], Any]) -> None:
        while not self._stopping.is_set() or (work == self._settle and not self.quiet):
            try:
                work()
            except sa.exc.SQLAlchemyError as failed:
                log.warning("%s: database away: %s", self.app.name, type(failed).__name__)
                self._stopping.wait(1)
            except Exception:
                log.exception("%s: a worker failed; it goes on", self.app.name)
                self._stopping.wait(1)

    def _tend(self) -> None:
        done = self.app.timers.fire_due() + self.app.inbox.retry_due()
        due = self.app.jobs.claim_due() if self.app.contents.jobs else []
        self._ready.put(due)
        if not done and not due:
            self._stopping.wait(TEND_EVERY)

    def _perform(self) -> None:
        for row in self._ready.take(timeout=0.5, most=1):
            self._performing += 1
            try:
                self._outcomes.put([self.app.jobs.perform(row)])
            finally:
                self._performing -= 1

    def _settle(self) -> None:
        outcomes = self._outcomes.take(timeout=0.2, most=SETTLE_BATCH)
        if outcomes:
            self.app.jobs.settle(outcomes)
