"""Deadlines as rows: they survive restarts, and whoever is awake fires them once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Conflict, Context, unit_of_work

log = logging.getLogger(__name__)
RETRY = timedelta(minutes=1)  # a timer whose handler fails tries again each minute: a deadline is never dropped


@dataclass(frozen=True, slots=True)
class Timer:
    """A due timer. ref: usually the id of the aggregate it is about."""

    kind: str
    ref: str
    due_at: datetime
    data: dict[str, Any]


class Timers:
    """The timer worker of one service."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.table = app.storage.runtime.timer

    def fire_due(self, limit: int = 100) -> int:
        """Fire what is due, each in a transaction of its own. Returns how many it fired."""
        table = self.table
        due = sa.select(table.c.id).where(table.c.due_at <= self.app.clock.now()).order_by(table.c.due_at).limit(limit)
        with self.app.database.transaction() as connection:
            ids = list(connection.execute(due).scalars())
        return sum(self._fire(id) for id in ids)

    def _fire(self, id: str) -> int:
        now = self.app.clock.now()
        try:
            with unit_of_work(self.app.storage, self.app.database, now) as work:
                row = self._take(work, id, now)
                if row is None:
                    return 0
                context = Context(work, system(row["tenant"]), new_id("tmr"), settings=self.app.settings)
                timer = Timer(row["kind"], row["ref"], row["due_at"], row["data"])
                self.app.contents.timers[row["kind"]](context, timer)
                work.merge(context.step)
        except Conflict:
            return 0  # somebody changed the same thing: the timer is still there and fires again at once
        except Exception as failure:
            log.exception("timer %s failed", id)
            self._put_off(id, now, failure)
            return 0
        self.app.committed(work)
        return 1

    def _take(self, work: Any, id: str, now: datetime) -> dict[str, Any] | None:
        """Remove the timer and return it, unless another worker holds it or it was moved."""
        table = self.table
        statement = sa.select(table).where(table.c.id == id, table.c.due_at <= now).with_for_update(skip_locked=True)
        row = work.connection.execute(statement).mappings().first()
        if row is not None:
            work.connection.execute(table.delete().where(table.c.id == id))
        return dict(row) if row is not None else None

    def _put_off(self, id: str, now: datetime, failure: Exception) -> None:
        table = self.table
        values = {
            "due_at": now + RETRY,
            "attempts": table.c.attempts + 1,
            "last_error": f"{type(failure).__name__}: {failure}"[:1000],
        }
        with self.app.database.transaction() as connection:
            connection.execute(table.update().where(table.c.id == id).values(**values))
