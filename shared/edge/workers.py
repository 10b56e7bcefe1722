"""What a service does beside answering: jobs, timers, retries. Threads that any number of replicas may run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from shared.runtime.app import App, Handover
from shared.runtime.unit_of_work import JOB_LEASE

log = logging.getLogger(__name__)
PERFORMERS = 16  # outward calls at the same time per process: a slow provider holds 16 jobs, not the service
SETTLE_BATCH = 100
TEND_EVERY = 0.25
IDLE = 5.0  # seconds between two looks of a thread that has nothing to do; work wakes it at once


class Workers:
    """The workers of one service in one process."""

    def __init__(self, app: App, performers: int = PERFORMERS) -> None:
        self.app, self._performers = app, performers
        self._ready, self._outcomes = Handover(), Handover()
        self._stopping, self._performed = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        app.on_jobs = self._take_over

    def start(self) -> None:
        self._spawn("tend", self._tend)
        if self.app.contents.jobs:
            for number in range(self._performers):
                self._spawn(f"perform-{number}", self._perform)
            self._spawn("settle", self._settle)

    def stop(self, timeout: float = 15.0) -> None:
        """Finish and settle the jobs under way; the rest keep their rows."""
        self._stopping.set()
        self._ready.clear()
        self._ready.end()
        until = time.monotonic() + timeout
        for thread in self._threads:  # the one that settles is the last
            if thread is self._threads[-1]:
                self._performed.set()
                self._outcomes.end()
            thread.join(max(0.0, until - time.monotonic()))

    def _spawn(self, name: str, work: Callable[[], Any]) -> None:
        thread = threading.Thread(target=self._loop, args=(work,), name=f"{self.app.name}-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _loop(self, work: Callable[[], Any]) -> None:
        ending = self._performed if work == self._settle else self._stopping
        while not ending.is_set() or (work == self._settle and self._outcomes):
            try:
                work()
            except sa.exc.SQLAlchemyError as failed:
                log.warning("%s: database away: %s", self.app.name, type(failed).__name__)
                self._stopping.wait(1)
            except Exception:
                log.exception("%s: a worker failed; it goes on", self.app.name)
                self._stopping.wait(1)

    def _tend(self) -> None:
        self.app.on_tend()
        self.app.seals.seal_due()
        due = self.app.due()
        done = self.app.timers.fire_due() if due.timers else 0
        done += self.app.inbox.retry_due() if due.retries else 0
        # what this process cannot start soon is left to others
        room = self.app.contents.jobs and len(self._ready) < self._performers
        jobs = self.app.jobs.claim_due() if due.jobs and room else []
        self._take_over(jobs)
        if not done and not jobs:
            self._stopping.wait(TEND_EVERY)

    def _take_over(self, rows: Sequence[dict[str, Any]]) -> None:
        until = time.monotonic() + JOB_LEASE.total_seconds() / 2
        self._ready.put([(until, row) for row in rows])

    def _perform(self) -> None:
        for until, row in self._ready.take(timeout=IDLE, most=1):
            if time.monotonic() > until:
                continue  # it waited here so long that its lease may end under way: it is claimed again
            self._outcomes.put([self.app.jobs.perform(row)])

    def _settle(self) -> None:
        outcomes = self._outcomes.take(timeout=IDLE, most=SETTLE_BATCH)
        if outcomes:
            self.app.jobs.settle(outcomes)
