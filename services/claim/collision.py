"""Two people change one claim: the second learns what the first one did, and nothing that he may not know (B15)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.claim.model import Claim
from services.claim.timeline import FOR_CUSTOMERS
from services.claim.views import awaited_by
from shared.kernel.errors import StaleVersion
from shared.runtime.envelope import Envelope
from shared.runtime.timeline import entry, events_of, told
from shared.runtime.unit_of_work import Context

# What every event of a claim says holds after it, by the name that it has on the claim's page.
HOLDS = {
    "state": "to",
    "handler": "handler",
    "awaiting": "awaiting",
    "assignee": "assignee",
    "holds_settlement": "hold",
}
SHOWN_TO_CUSTOMERS = ("state", "handler", "awaiting")
MOST = 50  # changes in one answer; whoever missed more reads the timeline


class ChangedMeanwhile(StaleVersion):
    """Somebody changed this claim since you read it: look at details.changes, then repeat with If-Match "{found}".

    changed: the difference in all, per field `{before, after}`. changes: who did what, oldest first. Both are empty
    where what happened is not for the caller to know, or was a comment: that is in the conversation.
    """

    rule = "B15"


def check_unchanged(ctx: Context, claim: Claim) -> None:
    """The version that the caller read, if he names one, must still hold. Raises ChangedMeanwhile."""
    read = ctx.expected_version
    if read is not None and read != claim.version:
        raise ChangedMeanwhile(expected=read, found=claim.version, **_difference(ctx, claim, read))


def _difference(ctx: Context, claim: Claim, read: int) -> dict[str, Any]:
    """What happened to the claim after this version, as the caller may know it."""
    events = events_of(ctx, [("claim", claim.id)])
    # One without a version was told before events carried it; nobody still holds what he read then.
    later = [event for event in events if event.data.get("version", 0) > read]
    known = events[: len(events) - len(later)]
    if not known:
        return {"changed": {}, "changes": []}
    states = {event.id: _shown(ctx, event) for event in events}
    steps = zip([known[-1], *later], later, strict=False)
    fields = {after.id: _between(states[before.id], states[after.id]) for before, after in steps}
    shown = told(later, ctx, FOR_CUSTOMERS)[-MOST:]
    return {
        "changed": _between(states[known[-1].id], states[events[-1].id]),
        "changes": [_change(ctx, event, fields[event.id]) for event in shown],
    }


def _shown(ctx: Context, event: Envelope) -> dict[str, Any]:
    """What held after the event, as far as the claim's page shows it to the caller."""
    data, outside = event.data, ctx.principal.role == "customer"
    found = {name: data.get(said) for name, said in HOLDS.items()}
    found["awaiting"] = awaited_by(ctx.principal.role, data["awaiting"], data["handler"])
    return {name: found[name] for name in (SHOWN_TO_CUSTOMERS if outside else HOLDS)}


def _between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: {"before": before[name], "after": after[name]} for name in _differing(before, after)}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Iterable[str]:
    return (name for name in after if before[name] != after[name])


def _change(ctx: Context, event: Envelope, fields: dict[str, Any]) -> dict[str, Any]:
    """One thing that somebody did: as the claim's timeline tells it, with every field that it changed."""
    line = entry("claim", event, ctx.principal)
    return {**{name: line[name] for name in ("at", "type", "actor", "reason")}, "changed": fields}
