"""When a promise is about to be broken, or is (B5): warn, tell it, and call the platform where the profile says so."""

from __future__ import annotations

from typing import Any

from services.claim.handlers.deciding import keep, take_up
from services.claim.handlers.sla import set_timers
from services.claim.model import Claim
from services.claim.model.sla import SlaClocks
from shared.kernel.errors import Refusal
from shared.runtime.unit_of_work import Context


def watch_clock(ctx: Context, timer: Any) -> None:
    """A clock has come to its warning, or to its end."""
    claim_id, _, clock = timer.ref.rpartition(".")
    claim, clocks = ctx.get(Claim, claim_id), ctx.get(SlaClocks, claim_id)
    if claim is None or clocks is None:
        return
    broken = clocks.look(claim, clock, ctx.now, ctx.settings.zone(claim.marketplace))
    ctx.save(clocks)
    set_timers(ctx, claim, clocks, [clock])
    if broken and claim.profile.sla is not None and claim.profile.sla.targets[clock].escalate:
        _escalate(ctx, claim, clock)


def _escalate(ctx: Context, claim: Claim, clock: str) -> None:
    """CLM-11 by the system. What the platform has already, or a refund under way, is left alone."""
    at = take_up(ctx, claim)
    try:
        claim.escalate(at.asking, f"{clock}: not kept in time")
    except Refusal:
        return
    keep(ctx, at)
