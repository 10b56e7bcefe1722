"""The virtual clock of a service in a test stack (N5): moved by a command, remembered in the event log.

Only where the settings say VIRTUAL_CLOCK, which production refuses; installed from outside: the runtime knows nothing
of it but that something may happen before it looks for what is due. The last offset is an event of stream `clock`:
a restart finds it there, and so do the other processes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from shared.contracts import clock as contract
from shared.kernel.clock import ClockMovedBack, VirtualClock, stamp
from shared.kernel.errors import Forbidden
from shared.kernel.ids import new_id
from shared.runtime.app import App
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import to_log_row
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Context
from shared.storage.types import to_json

STREAM, EVENT, WHOSE = "clock", "clock.advanced", "suite"


def install(app: App, clock: VirtualClock) -> None:
    """Let this service's clock be asked and moved, and follow where its other processes were told to go."""
    mover = _Mover(app, clock)
    app.executor.commands[contract.MOVE.name] = Command(contract.MOVE, mover.move)
    app.executor.queries[contract.GET.name] = Query(contract.GET, mover.look)
    app.on_tend = mover.follow


class _Mover:
    def __init__(self, app: App, clock: VirtualClock) -> None:
        self._app, self._clock = app, clock
        self._log = app.storage.runtime.event_log

    def move(self, ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
        """Raises Forbidden, ClockMovedBack."""
        _only_the_platform(ctx)
        offset = timedelta(milliseconds=args["offset_ms"])
        seq, last = self._last(ctx.connection)
        if offset < max(last, self._clock.offset):
            raise ClockMovedBack(offset_s=offset.total_seconds(), now_s=max(last, self._clock.offset).total_seconds())
        if offset > last:
            ctx.insert(self._log, **self._row(ctx, seq + 1, offset))
        self._clock.move_to(offset)
        return {"now": stamp(self._clock.now()), "offset_ms": args["offset_ms"]}

    def _row(self, ctx: Context, seq: int, offset: timedelta) -> dict[str, Any]:
        actor = ctx.principal.actor
        event = Envelope(
            id=new_id("evt"),
            type=EVENT,
            aggregate_id=WHOSE,
            seq=seq,
            tenant=ctx.tenant,
            time=ctx.now,
            actor=f"{actor['type']}/{actor['id']}/{actor['via']}",
            correlation=ctx.correlation,
            causation=None,
            body=to_json({"offset_ms": int(offset / timedelta(milliseconds=1))}).encode(),
        )
        return to_log_row(event)

    def look(self, ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
        """What time it is here, how much is due now, and when the next deadline falls."""
        _only_the_platform(ctx)
        runtime, now = self._app.storage.runtime, self._clock.now()
        timer, job, waiting = runtime.timer, runtime.job, runtime.inbox_waiting
        ready = job.c.state == "ready"
        counts = [
            sa.select(sa.func.count()).select_from(timer).where(timer.c.due_at <= now),
            sa.select(sa.func.count()).select_from(job).where(ready, job.c.due_at <= now),
            sa.select(sa.func.count()).select_from(runtime.outbox),
            sa.select(sa.func.count()).select_from(waiting).where(waiting.c.state == "retry", waiting.c.next_at <= now),
        ]
        following = [
            sa.select(timer.c.due_at).where(timer.c.due_at > now).order_by(timer.c.due_at).limit(1),
            sa.select(job.c.due_at).where(ready, job.c.due_at > now).order_by(job.c.due_at).limit(1),
        ]
        due = sum(ctx.connection.execute(count).scalar_one() for count in counts)
        later = [at for each in following if (at := ctx.connection.execute(each).scalar()) is not None]
        return {
            "now": stamp(now),
            "offset_ms": int(self._clock.offset / timedelta(milliseconds=1)),
            "due": due,
            "next_due": stamp(min(later)) if later else None,
        }

    def follow(self) -> None:
        """Another process of this service, or one before a restart, was told to go farther."""
        with self._app.database.transaction() as connection:
            _, last = self._last(connection)
        if last > self._clock.offset:
            self._clock.move_to(last)

    def _last(self, connection: sa.Connection) -> tuple[int, timedelta]:
        log = self._log
        mine = sa.select(log.c.seq, log.c.data).where(log.c.stream == STREAM, log.c.aggregate_id == WHOSE)
        row = connection.execute(mine.order_by(log.c.seq.desc()).limit(1)).first()
        return (row.seq, timedelta(milliseconds=row.data["offset_ms"])) if row else (0, timedelta())


def _only_the_platform(ctx: Context) -> None:
    if ctx.principal.role not in contract.MOVE.may:
        raise Forbidden(action="move the clock")
