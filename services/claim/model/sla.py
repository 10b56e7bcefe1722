"""The clocks of a claim: how long until somebody answers, solves, decides; when to warn, when a promise is broken.

A clock counts working time. It stands still while the requester is awaited, and outside the opening hours it makes no
way (C47). It is derived from the claim as it stands after each change, so no transition needs to know of it (spec 5.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.claim.model.claim import Claim
from services.claim.model.parts import REQUESTER
from services.claim.model.states import PLATFORM_REVIEW
from services.claim.promises import FIRST_ANSWER, NEXT_ANSWER, PLATFORM_DECISION, RESOLUTION, Promises, Target
from shared.kernel.aggregate import Aggregate
from shared.kernel.calendar import OpeningHours
from shared.kernel.clock import moment, stamp

RUNNING, PAUSED, MET, BREACHED = "running", "paused", "met", "breached"


@dataclass(slots=True)
class Run:
    """One period of one clock. used_s: working seconds so far, up to `since`; since: None while it stands still."""

    clock: str
    period: int
    started_at: datetime
    since: datetime | None
    used_s: float = 0.0
    ended_at: datetime | None = None
    warned: bool = False
    breached: bool = False

    @property
    def state(self) -> str:
        if self.ended_at is not None:
            return BREACHED if self.breached else MET
        return PAUSED if self.since is None else RUNNING

    def used(self, now: datetime, hours: OpeningHours) -> timedelta:
        used = timedelta(seconds=self.used_s)
        return used if self.since is None else used + hours.between(self.since, now)

    def at(self, working: timedelta, hours: OpeningHours) -> datetime | None:
        """When it will have used so much; None while it stands still."""
        if self.since is None:
            return None
        return hours.after(self.since, max(working - timedelta(seconds=self.used_s), timedelta()))


@dataclass(kw_only=True)
class SlaClocks(Aggregate):
    """All clocks of one claim, the last period of each. Its id is the claim's, its stream `sla`."""

    stream = "sla"

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    # following the claim

    def follow(self, claim: Claim, now: datetime, zone: ZoneInfo) -> list[str]:
        """Start, pause, go on, end: what the claim's new state asks of each clock. Answers the clocks it changed."""
        promises, changed = _promises(claim), []
        for clock, target in promises.targets.items():
            before, run, wanted = self.runs.get(clock), self.run(clock), _wanted(claim, clock)
            hours = promises.opening_hours(clock, zone)
            if run is not None and run.ended_at is None and not wanted:
                self._end(run, _ended(claim, clock, now), claim, target, hours)
            elif wanted and (run is None or (run.ended_at is not None and clock != FIRST_ANSWER)):
                start = _start(claim, clock, run, now)
                run = Run(clock, run.period + 1 if run else 1, start, start)
            if run is not None and run.ended_at is None:
                _pause_or_go_on(run, claim, now, hours)
            if run is not None:
                self._keep(run)
            if self.runs.get(clock) != before:
                changed.append(clock)
        return changed

    def _end(self, run: Run, at: datetime, claim: Claim, target: Target, hours: OpeningHours) -> None:
        used = run.used(max(at, run.since or at), hours)
        if used > target.time and not run.breached:
            self._breach(run, claim, target, hours, used)  # its timer was late
        run.used_s, run.since, run.ended_at = used.total_seconds(), None, at

    # when time passes

    def due(self, claim: Claim, zone: ZoneInfo) -> Iterator[tuple[str, datetime | None]]:
        """Each clock and when to look at it next: at its warning, else at its end; None: nothing to wait for."""
        for clock, target in _promises(claim).targets.items():
            run = self.run(clock)
            if run is None:
                continue
            at = None
            if run.ended_at is None and not run.breached:
                hours = _promises(claim).opening_hours(clock, zone)
                at = run.at(target.time if run.warned else _warn_after(target), hours)
            yield clock, at

    def next_due(self, claim: Claim, zone: ZoneInfo) -> datetime | None:
        """The end of the clock that runs out next, or ran out first; None while none runs."""
        ends = []
        for clock, target in _promises(claim).targets.items():
            run = self.run(clock)
            if run is not None and run.ended_at is None:
                ends.append(run.at(target.time, _promises(claim).opening_hours(clock, zone)))
        return min((end for end in ends if end is not None), default=None)

    def look(self, claim: Claim, clock: str, now: datetime, zone: ZoneInfo) -> bool:
        """Warn or tell the breach, once per clock and period; answers whether it was broken right now."""
        run, target = self.run(clock), _promises(claim).targets.get(clock)
        if run is None or target is None or run.ended_at is not None or run.since is None or run.breached:
            return False
        hours = _promises(claim).opening_hours(clock, zone)
        used = run.used(now, hours)
        if used >= target.time:
            self._breach(run, claim, target, hours, used)
        elif used >= _warn_after(target) and not run.warned:
            run.warned = True
            self._tell("sla.warning", run, claim, target, hours, used)
        self._keep(run)
        return run.breached

    def _breach(self, run: Run, claim: Claim, target: Target, hours: OpeningHours, used: timedelta) -> None:
        run.warned = run.breached = True
        self._tell("sla.breached", run, claim, target, hours, used)

    def _tell(self, type: str, run: Run, claim: Claim, target: Target, hours: OpeningHours, used: timedelta) -> None:
        due = run.at(target.time, hours)
        self.record(
            type,
            claim_id=claim.id,
            order_id=claim.order_id,
            seller_id=claim.seller_id,
            customer_ref=claim.customer_ref,
            handler=claim.handler,
            assignee=claim.assignee,
            clock=run.clock,
            period=run.period,
            started_at=stamp(run.started_at),
            due_at=stamp(due or run.started_at),
            target_s=int(target.time.total_seconds()),
            elapsed_s=int(used.total_seconds()),
            party=claim.awaiting or claim.handler,
        )

    # how they are kept and shown

    def run(self, clock: str) -> Run | None:
        data = self.runs.get(clock)
        if data is None:
            return None
        times = {name: moment(data[name]) if data[name] else None for name in ("started_at", "since", "ended_at")}
        return Run(**{**data, **times})

    def _keep(self, run: Run) -> None:
        times = {name: _text(getattr(run, name)) for name in ("started_at", "since", "ended_at")}
        rest = {name: getattr(run, name) for name in ("clock", "period", "used_s", "warned", "breached")}
        self.runs = {**self.runs, run.clock: {**rest, **times}}

    def view(self, claim: Claim, now: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
        """Each clock for people: due_at is None while it stands still."""
        shown = []
        for clock, target in _promises(claim).targets.items():
            if (run := self.run(clock)) is not None:
                hours = _promises(claim).opening_hours(clock, zone)
                due = run.at(target.time, hours) if run.ended_at is None else None
                shown.append(
                    {
                        "clock": clock,
                        "period": run.period,
                        "state": run.state,
                        "started_at": stamp(run.started_at),
                        "due_at": _text(due),
                        "ended_at": _text(run.ended_at),
                        "target_s": int(target.time.total_seconds()),
                        "used_s": int(run.used(now, hours).total_seconds()),
                        "warned": run.warned,
                        "breached": run.breached,
                    }
                )
        return shown


def promised(promises: Promises, now: datetime, zone: ZoneInfo) -> dict[str, str]:
    """What a claim opened now is promised: `{first_answer: …, resolution: …}` (claim.opened, `due`)."""
    return {
        clock: stamp(promises.opening_hours(clock, zone).after(now, target.time))
        for clock, target in promises.targets.items()
        if clock in (FIRST_ANSWER, RESOLUTION)
    }


def _promises(claim: Claim) -> Promises:
    return claim.profile.sla or Promises({})


def _warn_after(target: Target) -> timedelta:
    return target.time * target.warn_at_percent / 100


def _text(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _wanted(claim: Claim, clock: str) -> bool:
    """Is this clock to run, or to stand, for the claim as it is now?"""
    asked, answered = claim.last_customer_public_at, claim.last_handler_public_at
    if clock == PLATFORM_DECISION:
        return claim.state == PLATFORM_REVIEW
    if clock == FIRST_ANSWER:
        return claim.is_open and answered is None
    if clock == NEXT_ANSWER:
        return claim.is_open and answered is not None and asked is not None and asked > answered
    return claim.is_open


def _start(claim: Claim, clock: str, former: Run | None, now: datetime) -> datetime:
    if clock == PLATFORM_DECISION:
        return claim.state_since
    if clock == NEXT_ANSWER:  # the first message that waits: later ones find the clock running
        return claim.last_customer_public_at or now
    return claim.opened_at if former is None else now


def _pause_or_go_on(run: Run, claim: Claim, now: datetime, hours: OpeningHours) -> None:
    stands = claim.awaiting == REQUESTER
    if stands and run.since is not None:
        run.used_s, run.since = run.used(max(now, run.since), hours).total_seconds(), None
    elif not stands and run.since is None:
        run.since = now


def _ended(claim: Claim, clock: str, now: datetime) -> datetime:
    """When it was met: at the answer itself, which may be told late; else now."""
    if clock in (FIRST_ANSWER, NEXT_ANSWER) and claim.last_handler_public_at is not None and claim.is_open:
        return claim.last_handler_public_at
    return now
