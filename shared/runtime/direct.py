"""Direct joining: services in one process, without a broker, still durable.

An event leaves a service's outbox only after the inbox of every local subscriber has committed it. The embedded
default runs this in a thread; tests run it in theirs and wait for quiet instead of sleeping.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from shared.kernel.calls import Answer, Call
from shared.runtime.app import App

log = logging.getLogger(__name__)
BATCH = 200
IDLE = 0.25  # seconds between looks for due retries, timers and jobs; new events wake the pump at once


class Joined:
    """Apps joined directly."""

    def __init__(self, apps: Iterable[App]) -> None:
        self.apps = {app.name: app for app in apps}
        self._wake = threading.Event()
        self._wake_jobs = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ready_jobs: list[tuple[App, dict[str, Any]]] = []
        for app in self.apps.values():
            app.on_events = lambda events: self._wake.set()
            app.on_jobs = partial(self._jobs_ready, app)

    def call(self, service: str, call: Call) -> Answer:
        """One call of one service, as the gateway's client makes it."""
        return self.apps[service].execute([call])[0]

    def _jobs_ready(self, app: App, jobs: Sequence[dict[str, Any]]) -> None:
        self._ready_jobs += [(app, job) for job in jobs]
        self._wake_jobs.set()

    # one round

    def deliver(self) -> int:
        """Move one batch of events from every outbox to the inboxes that follow them. Returns how many moved."""
        moved = 0
        for app in self.apps.values():
            events = app.outbox.unsent(BATCH)
            if not events:
                continue
            for subscriber in self.apps.values():
                followed = [event for event in events if subscriber.inbox.hears(event)]
                if followed:
                    subscriber.inbox.receive(followed)
            app.outbox.sent([event.id for event in events])
            moved += len(events)
        return moved

    def run_jobs(self) -> int:
        """Perform the jobs handed over in memory and those that are due. Returns how many."""
        waiting, self._ready_jobs = self._ready_jobs, []
        # by id: what waited here until its lease ended is claimed again, and must not be performed twice
        ready = {row["id"]: (app, row) for app, row in waiting}
        for app in self.apps.values():
            ready |= {row["id"]: (app, row) for row in app.jobs.claim_due()}
        for app in self.apps.values():
            if outcomes := [app.jobs.perform(row) for owner, row in ready.values() if owner is app]:
                app.jobs.settle(outcomes)
        return len(ready)

    def tend(self) -> int:
        """Fire due timers and retry due events. Returns how many."""
        for app in self.apps.values():
            app.on_tend()
        return sum(app.timers.fire_due() + app.inbox.retry_due() for app in self.apps.values())

    def settle(self, rounds: int = 1000) -> None:
        """Run until nothing is left to do now: no event under way, no job due, no timer due."""
        for _ in range(rounds):
            if not (self.deliver() + self.run_jobs() + self.tend()):
                return
        raise RuntimeError("the suite does not come to rest: something keeps causing itself")

    # as a background thread, for the embedded default

    def start(self) -> None:
        """Deliver and tend in one thread, perform jobs in another, so that a slow provider delays no event."""
        for name, work in (("deliver", self._deliver_loop), ("jobs", self._jobs_loop)):
            thread = threading.Thread(target=self._loop, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 2.0) -> None:
        self._stopping.set()
        self._wake.set()
        self._wake_jobs.set()
        for thread in self._threads:
            thread.join(timeout)

    def _loop(self, work: Any) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except Exception:
                log.exception("the joining failed; it goes on")
                self._stopping.wait(1)

    def _deliver_loop(self) -> None:
        if not self.deliver() and not self.tend():
            for app in self.apps.values():
                app.seals.seal_due()
            self._wake.wait(IDLE)
            self._wake.clear()

    def _jobs_loop(self) -> None:
        if not self.run_jobs():
            self._wake_jobs.wait(IDLE)
            self._wake_jobs.clear()
