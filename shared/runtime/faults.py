"""Faults on purpose, for the chaos driver: transactions that roll back, reactions that raise.

Only in development mode (the settings refuse FAULTS in production), installed from outside: nothing in the runtime
knows of it. `pauses:0.2` makes the pauses after a failed reaction and between two attempts at a job (a provider that is
asked what became of a refund) a fifth as long, so that a short run need not wait for minutes: the number of tries and
everything else stay as they are.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.runtime import inbox, unit_of_work
from shared.runtime.app import App
from shared.runtime.tables import Job, Reaction
from shared.runtime.unit_of_work import Conflict, UnitOfWork

KINDS = ("rollback", "handler", "pauses")


class OnPurpose(Exception):
    """A fault that was asked for by FAULTS."""


def parse(text: str) -> dict[str, float]:
    """`rollback:0.05,handler:0.02` → shares of all transactions, reactions, pauses. ValueError for anything else."""
    found: dict[str, float] = {}
    for part in text.split(","):
        kind, _, share = part.strip().partition(":")
        if kind not in KINDS or not 0 <= float(share or "x") <= 1:
            raise ValueError(f"FAULTS={text}: write for example rollback:0.05,handler:0.02")
        found[kind] = float(share)
    return found


def install(app: App, text: str) -> None:
    """Make this process fail as FAULTS says."""
    shares = parse(text)
    if share := shares.get("handler"):
        app.inbox.reactions = {type: _failing(reaction, share) for type, reaction in app.inbox.reactions.items()}
    if share := shares.get("rollback"):
        unit_of_work.UnitOfWork = _rolling_back(share)  # type: ignore[misc]
    if share := shares.get("pauses"):
        inbox.DELAYS = tuple(delay * share for delay in inbox.DELAYS)
        jobs = {kind: _sooner(job, share) for kind, job in app.contents.jobs.items()}
        app.contents = replace(app.contents, jobs=jobs)


def _sooner(job: Job, share: float) -> Job:
    def settle(ctx: Any, run: Any, outcome: Any) -> timedelta | None:
        delay = job.settle(ctx, run, outcome)
        return None if delay is None else delay * share

    return replace(job, settle=settle, delays=tuple(delay * share for delay in job.delays))


def _failing(reaction: Reaction, share: float) -> Reaction:
    """Raises after the work, when there is something that could wrongly stay."""

    def handler(ctx: Any, event: Any) -> None:
        reaction.handler(ctx, event)
        if random.random() < share:
            raise OnPurpose("the handler failed")

    return Reaction(handler, reaction.loads)


def _rolling_back(share: float) -> type[UnitOfWork]:
    """Refuses after writing, as a database does when somebody else changed the same rows."""

    class RollingBack(UnitOfWork):
        def flush(self, commit: bool = False) -> None:
            writes = bool(self._dirty or self._pending.inserts or self._pending.events or self._pending.jobs)
            super().flush()
            if writes and random.random() < share:
                raise Conflict("forced rollback")

    return RollingBack
