"""CLM-01: how a claim comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.claim import policies
from services.claim.model import refusals
from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.order_case import OrderCase
from services.claim.model.parts import REQUESTER
from services.claim.model.states import PLATFORM_REVIEW, SUBMITTED
from services.claim.policies import PLATFORM, Profile, Reason
from shared.kernel.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is complained about. lines: `{line_id, qty?}`; without qty the whole line. photos: attachment ids."""

    claim_id: str
    message_id: str
    reason_code: str
    text: str
    title: str | None = None
    lines: tuple[dict[str, Any], ...] = ()
    photos: tuple[str, ...] = ()


def open_claim(asking: Asking, profile: Profile, case: OrderCase, complaint: Complaint) -> Claim:
    """A new claim on the order, routed by its reason (S2-02, S2-03), with what must be told recorded on it.

    Raises Forbidden, ReasonNotAvailable, LineNotInOrder.
    """
    if asking.who.role not in profile.who_may_open:
        raise Forbidden(action="open")
    reason = _reason(asking, profile, case, complaint.reason_code)
    lines = _claimed_lines(case, complaint.lines)
    claim = _new_claim(asking, profile, case, complaint, reason, lines)
    suppliers = _suppliers_of(case, lines) if profile.include_suppliers else []
    claim.observers = [{"kind": "supplier", "id": supplier, "scope": "all"} for supplier in suppliers]
    _tell_opened(asking, claim, complaint, suppliers)
    case.claims_ever += 1
    return claim


def _reason(asking: Asking, profile: Profile, case: OrderCase, code: str) -> Reason:
    reason = profile.reasons.get(code)
    if reason is None or not policies.reason_applies(reason, asking.who.role, case.phase):
        raise refusals.ReasonNotAvailable(reason_code=code, order_phase=case.phase)
    return reason


def _claimed_lines(case: OrderCase, wanted: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The claimed units per line. Naming a line twice, an unknown one, or more units than it has is refused."""
    ordered = {line["line_id"]: line["qty"] for line in case.lines}
    claimed = []
    for entry in wanted:
        left = ordered.pop(entry["line_id"], 0)
        qty = entry.get("qty", left)
        if not 1 <= qty <= left:
            raise refusals.LineNotInOrder(line_id=entry["line_id"])
        claimed.append({"line_id": entry["line_id"], "qty": qty})
    return claimed


def _suppliers_of(case: OrderCase, lines: list[dict[str, Any]]) -> list[str]:
    """The main suppliers of the products named (S1-04, S1-05: no product named, nobody included)."""
    named = {line["line_id"] for line in lines}
    return sorted({line["supplier_id"] for line in case.lines if line["line_id"] in named and line.get("supplier_id")})


def _new_claim(
    asking: Asking, profile: Profile, case: OrderCase, complaint: Complaint, reason: Reason, lines: list[dict[str, Any]]
) -> Claim:
    handler = policies.handler_for(profile, reason)
    by_seller = asking.who.role in ("seller", "integrator")
    return Claim(
        id=complaint.claim_id,
        tenant=case.tenant,
        profile=profile,
        number=f"{case.number}-C{case.claims_ever + 1}",
        category=profile.category,
        marketplace=case.marketplace,
        order_id=case.id,
        order_number=case.number,
        seller_id=case.seller_id,
        customer_ref=case.customer_ref,
        currency=case.currency,
        title=complaint.title or reason.labels["en"],
        description=complaint.text,
        reason_code=reason.code,
        lines=lines,
        photos=list(complaint.photos),
        handler=handler,
        former_handler=handler,
        state=PLATFORM_REVIEW if handler == PLATFORM else SUBMITTED,
        state_since=asking.now,
        opened_at=asking.now,
        updated_at=asking.now,
        hold=profile.hold != "none" and not case.cleared,
        disputed=policies.disputed_amount(lines, case.lines, case.total),
        # The first message counts as its author's side's public word.
        awaiting=REQUESTER if by_seller else handler,
        awaiting_since=asking.now,
        last_handler_public_at=asking.now if by_seller else None,
        last_customer_public_at=None if by_seller else asking.now,
    )


def _tell_opened(asking: Asking, claim: Claim, complaint: Complaint, suppliers: list[str]) -> None:
    claim.record(
        "claim.opened",
        **claim.facts(None, asking),
        number=claim.number,
        category=claim.category,
        profile_version=claim.profile.version,
        marketplace=claim.marketplace,
        order_number=claim.order_number,
        line_ids=[line["line_id"] for line in claim.lines],
        lines=claim.lines,
        requester={"type": "customer", "id": claim.customer_ref},
        reason_code=claim.reason_code,
        title=claim.title,
        hold_mode=claim.profile.hold,
        disputed_amount={"amount": claim.disputed, "currency": claim.currency},
        photos_count=len(claim.photos),
        supplier_ids=suppliers,
        message={"message_id": complaint.message_id, "text": complaint.text},
    )
    for observer in claim.observers:
        claim.record("claim.observer_added", **claim.facts(claim.state, asking), observer=observer)
