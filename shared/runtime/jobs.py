"""Outward effects: performed outside transactions, under a stable key, by whoever holds the job's lease (3.10)."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from shared.kernel.principal import system
from shared.runtime.tables import Job
from shared.runtime.unit_of_work import JOB_LEASE, Conflict, Context, unit_of_work
from shared.storage.engine import away
from shared.storage.rows import Write

log = logging.getLogger(__name__)
TRIES = 8


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job as its settle function sees it. attempts: how often it was performed before this time."""

    id: str
    kind: str
    key: str
    tenant: str
    payload: dict[str, Any]
    attempts: int


class Jobs:
    """The job worker of one service."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.table = app.storage.runtime.job

    def claim_due(self, limit: int = 50) -> list[dict[str, Any]]:
        """Take over jobs whose time has come: waiting for a retry, or left by a process that died."""
        now, table = self.app.clock.now(), self.table
        due = (
            sa.select(table)
            .where(table.c.state == "ready", table.c.due_at <= now)
            .order_by(table.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self.app.database.transaction() as connection:
            rows = [dict(row) for row in connection.execute(due).mappings()]
            if rows:
                lease = table.update().where(table.c.id.in_([row["id"] for row in rows]))
                connection.execute(lease.values(due_at=now + JOB_LEASE))
        return rows

    def perform(self, row: dict[str, Any]) -> tuple[dict[str, Any], Any, Exception | None]:
        """Do the work, outside any transaction. Returns the row with its outcome, or with what went wrong."""
        try:
            return row, self._job(row).perform(self.app.ports, row["payload"], row["key"]), None
        except Exception as failure:
            log.warning("job %s %s failed: %s", row["kind"], row["key"], type(failure).__name__, exc_info=failure)
            return row, None, failure

    def settle(self, outcomes: list[tuple[dict[str, Any], Any, Exception | None]]) -> None:
        """Store outcomes, many in one transaction; when that fails, one by one until each is stored."""
        try:
            self._settle(outcomes)
        except Exception as failed:
            if away(failed):
                raise  # the leases run out, then they are performed again under the same keys
            for outcome in outcomes:
                self._settle_alone(outcome)

    def _settle_alone(self, outcome: tuple[dict[str, Any], Any, Exception | None]) -> None:
        """One outcome; what the database refuses for good counts as a failed attempt."""
        for attempt in range(TRIES):
            try:
                self._settle([outcome])
                return
            except Conflict:
                time.sleep(random.uniform(0, 0.002 * 2**attempt))
            except Exception as refused:
                if away(refused):
                    raise
                log.error("outcome of job %s could not be stored: %s", outcome[0]["key"], type(refused).__name__)
                outcome = (outcome[0], None, refused)

    def _settle(self, outcomes: list[tuple[dict[str, Any], Any, Exception | None]]) -> None:
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            done: list[str] = []
            self._prefetch(work, [row for row, _, _ in outcomes])
            for row, outcome, failure in outcomes:
                delay = self._delay_after(work, row, outcome, failure)
                if delay is None:
                    done.append(row["id"])
            if done:
                work.also(Write(self.table, [{"id": id} for id in done], "delete"))
        self.app.committed(work)

    def _prefetch(self, work: Any, rows: list[dict[str, Any]]) -> None:
        """Read what settling will need with one statement per table."""
        wanted: list[tuple[type, str]] = []
        for row in rows:
            if loads := self._job(row).loads:
                wanted += loads({**row["payload"], "key": row["key"]})
        work.prefetch(wanted)

    def _delay_after(self, work: Any, row: dict[str, Any], outcome: Any, failure: Exception | None) -> Any:
        """None when the job is over; else its row was put off."""
        if failure is None:
            context = Context(work, system(row["tenant"]), row["correlation"] or row["id"], settings=self.app.settings)
            run = JobRun(row["id"], row["kind"], row["key"], row["tenant"], row["payload"], row["attempts"])
            try:
                delay = self._job(row).settle(context, run, outcome)
            except (Conflict, sa.exc.DBAPIError):
                raise
            except Exception as broken:
                log.exception("outcome of job %s could not be settled", row["key"])
                failure = broken
            else:
                work.merge(context.step)
                if delay is None:
                    return None
                self._put_off(work, row, delay, None)
                return delay
        delays = self._job(row).delays
        if row["attempts"] >= len(delays):
            self._put_off(work, row, timedelta(), failure, state="dead")
        else:
            self._put_off(work, row, delays[row["attempts"]] * random.uniform(0.9, 1.1), failure)
        return timedelta()

    def _put_off(
        self, work: Any, row: dict[str, Any], delay: timedelta, failure: Exception | None, state: str = "ready"
    ) -> None:
        values = {
            "state": state,
            "attempts": row["attempts"] + 1,
            "due_at": work.now + delay,
            "last_error": f"{type(failure).__name__}: {failure}"[:1000] if failure else None,
        }
        work.connection.execute(self.table.update().where(self.table.c.id == row["id"]).values(**values))

    def _job(self, row: dict[str, Any]) -> Job:
        return self.app.contents.jobs[row["kind"]]
