"""Keeping the clocks of a claim in step with it. A profile that promises nothing costs nothing here."""

from __future__ import annotations

from datetime import datetime

from services.claim.model import Claim
from services.claim.model.sla import SlaClocks, promised
from shared.runtime.unit_of_work import Context

SLA = "sla"


def promise(ctx: Context, claim: Claim) -> None:
    """What a claim that is being opened promises, told with its opening (`due` of claim.opened)."""
    if claim.profile.sla is None:
        return
    due = promised(claim.profile.sla, ctx.now, ctx.settings.zone(claim.marketplace))
    for event in claim.events:
        if event.type == "claim.opened":
            event.data["due"] = due


def follow(ctx: Context, claim: Claim) -> None:
    """Before each change of a claim is saved: its clocks, one timer for each that runs, and when it is due."""
    if claim.profile.sla is None:
        return
    zone = ctx.settings.zone(claim.marketplace)
    clocks = ctx.get(SlaClocks, claim.id) or SlaClocks(id=claim.id, tenant=claim.tenant)
    changed = clocks.follow(claim, ctx.now, zone)
    claim.due_at = clocks.next_due(claim, zone)
    if changed:
        ctx.save(clocks)
        set_timers(ctx, claim, clocks, changed)


def set_timers(ctx: Context, claim: Claim, clocks: SlaClocks, changed: list[str]) -> None:
    zone = ctx.settings.zone(claim.marketplace)
    due: dict[str, datetime | None] = dict(clocks.due(claim, zone))
    for clock in changed:
        at, ref = due.get(clock), f"{claim.id}.{clock}"
        if at is None:
            ctx.unschedule(SLA, ref)
        else:
            ctx.schedule(SLA, ref, at)
