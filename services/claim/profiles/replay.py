"""What a new version of a profile would have done to past claims: each is lived again under it (N2).

The history is the event log. Where the recorded step is refused under the new version, or leads elsewhere, the claim
differs, and its story ends there: what people would have done next, nobody knows. Two things are told by events only
in part and are taken as they were: the order's phase, and what was said in comments (a turn of the awaited party).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.opening import Complaint, open_claim
from services.claim.model.order_case import OrderCase
from services.claim.model.parts import REQUESTER
from services.claim.policies import Profile
from services.claim.profiles.queries import case_of, history_of, past_claims
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal
from shared.runtime.envelope import Envelope
from shared.runtime.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class Difference:
    """step: `claim.resolved by seller`. was and would_be: a state, or the code of a refusal."""

    claim_id: str
    number: str
    at: datetime
    step: str
    was: str
    would_be: str


@dataclass(slots=True)
class Report:
    """How many past claims were lived again, and each that differs."""

    profile: str
    claims: int = 0
    differences: list[Difference] = field(default_factory=list)


def replay(connection: Any, storage: Storage, tenant: str, profile: Profile, since: datetime | None = None) -> Report:
    """Live every claim of this tenant and profile code again, oldest first; nothing is written."""
    report = Report(profile.key)
    for claim in past_claims(connection, storage, tenant, profile.code, since):
        case = case_of(connection, storage, claim.order_id) if claim.order_id else None
        history = history_of(connection, storage, claim.id)
        if history and case is not None:
            report.claims += 1
            if (found := relive(claim, case, history, profile)) is not None:
                report.differences.append(found)
    return report


# one claim


def relive(past: Claim, case: OrderCase, history: Iterable[Envelope], profile: Profile) -> Difference | None:
    """The first step that this profile would have refused or answered otherwise; None when all is the same."""
    claim: Claim | None = None
    before: Envelope | None = None
    for event in history:
        asking = _asking(event, past, case)
        try:
            if claim is None:
                claim = _opened(past, case, event, profile, asking)
            else:
                _step(claim, asking, event, before)
        except Refusal as refusal:
            return _difference(past, event, event.data["to"], refusal.code)
        if claim.state != event.data["to"]:
            return _difference(past, event, event.data["to"], claim.state)
        if claim.handler != event.data["handler"]:
            return _difference(past, event, f"handled by {event.data['handler']}", f"handled by {claim.handler}")
        if claim.holds != event.data["hold"]:
            words = {True: "holds the settlement", False: "holds nothing"}
            return _difference(past, event, words[event.data["hold"]], words[claim.holds])
        before = event
    return None


def _difference(past: Claim, event: Envelope, was: str, would_be: str) -> Difference:
    return Difference(past.id, past.number, event.time, f"{event.type} by {event.data['by']}", was, would_be)


def _asking(event: Envelope, past: Claim, case: OrderCase) -> Asking:
    role, id, via = event.actor.split("/")
    parties = {"customer": past.customer_ref, "seller": past.seller_id, "integrator": past.seller_id}
    who = Principal(role, id, past.tenant, parties.get(role), via=via)
    phases = past.reason.phases
    # the phase it had then is not recorded: one in which the reason made sense, the present one if it is among them
    phase = case.phase if not phases or case.phase in phases else min(phases)
    return Asking(who, event.time, phase, past.profile.hold != "none" and not past.hold)


def _opened(past: Claim, case: OrderCase, event: Envelope, profile: Profile, asking: Asking) -> Claim:
    data = event.data
    there = OrderCase(**{**vars(case), "events": [], "phase": asking.order_phase})
    complaint = Complaint(
        claim_id=past.id,
        message_id=data["message"]["message_id"],
        text=data["message"]["text"],
        reason_code=data["reason_code"] if past.own_reason is None else None,
        title=data["title"],
        lines=tuple(data["lines"]),
        category=data["category"],
    )
    return open_claim(asking, profile, there, complaint)


def _step(claim: Claim, asking: Asking, event: Envelope, before: Envelope | None) -> None:
    """Do again what this event says was done."""
    data, name = event.data, event.type.removeprefix("claim.")
    if name in ("resolved", "reopened") and before is not None and _same_step(before, event):
        return  # told beside the event before it: one step, two events
    do = _STEPS.get(name)
    if do is not None:
        do(claim, asking, data)
    if name in ("awaiting_changed", "started") and asking.who.role == "system":
        _heard(claim, data["awaiting"], event.time)


def _same_step(before: Envelope, event: Envelope) -> bool:
    alike = (before.time, before.actor) == (event.time, event.actor)
    return alike and before.type in ("claim.resolution_executed", "claim.state_set")


def _heard(claim: Claim, awaiting: str | None, at: datetime) -> None:
    """Somebody spoke in public: the turn went to the other side."""
    claim.awaiting = awaiting
    if awaiting == REQUESTER:
        claim.last_handler_public_at = at
    else:
        claim.last_customer_public_at = at


def _choose(claim: Claim, asking: Asking, data: dict[str, Any]) -> None:
    if data["kind"] == "replacement":
        claim.choose_replacement(asking, data.get("return_instructions"))
    else:
        claim.choose_refund(asking, data["kind"], data["refund_id"], data["refund"])


def _executed(claim: Claim, asking: Asking, data: dict[str, Any]) -> None:
    if data.get("kind") == "replacement":
        claim.replacement_sent(asking)
    else:
        claim.refund_succeeded(asking)


def _failed(claim: Claim, asking: Asking, data: dict[str, Any]) -> None:
    if data.get("kind") == "replacement":
        claim.replacement_failed(asking, data["error"])
    else:
        claim.refund_failed(asking, data["error"])


def _resolve(claim: Claim, asking: Asking, data: dict[str, Any]) -> None:
    if data["from"] != "solution_proposed" or data["by"] in ("seller", "integrator"):
        claim.resolve(asking)
    elif data["by"] == "system":
        claim.confirm_by_time(asking)
    else:
        claim.confirm(asking)


def _propose(claim: Claim, asking: Asking, data: dict[str, Any]) -> None:
    claim.propose(asking, data["message"]["message_id"], data["message"]["text"], data["kind"])


_STEPS: dict[str, Callable[[Claim, Asking, dict[str, Any]], None]] = {
    "started": lambda claim, asking, data: claim.start(asking),
    "resolution_chosen": _choose,
    "resolution_executed": _executed,
    "resolution_failed": _failed,
    "solution_proposed": _propose,
    "solution_rejected": lambda claim, asking, data: claim.reject(asking, data["reason"]),
    "resolved": _resolve,
    "escalated": lambda claim, asking, data: claim.escalate(asking, data.get("reason") or ""),
    "handed_back": lambda claim, asking, data: claim.hand_back(asking),
    "refused": lambda claim, asking, data: claim.refuse(asking, data["reason_code"]),
    "appealed": lambda claim, asking, data: claim.appeal(asking, data.get("reason") or ""),
    "reopened": lambda claim, asking, data: claim.reopen(asking, data.get("reason")),
    "closed": lambda claim, asking, data: claim.close(asking),
    "withdrawn": lambda claim, asking, data: claim.withdraw(asking, data.get("reason")),
    "state_set": lambda claim, asking, data: claim.set_state(asking, data["to"]),
    "merged": lambda claim, asking, data: setattr(claim, "state", data["to"]),
}
