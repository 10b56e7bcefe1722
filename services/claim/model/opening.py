"""CLM-01: how a claim comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.claim import policies
from services.claim.model import refusals
from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.module import OFF, DeskModule, reasons_of
from services.claim.model.order_case import OrderCase
from services.claim.model.parts import REQUESTER
from services.claim.model.states import PLATFORM_REVIEW, SUBMITTED
from services.claim.model.subject import Subject, of_order
from services.claim.model.words import words_of
from services.claim.policies import COORDINATORS, INTERNAL, PLATFORM, SELLER, Profile, Reason
from shared.kernel.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is complained about. lines: `{line_id, qty?}`; without qty the whole line. photos: attachment ids.

    reason_code: None lets the catalogue choose, for questions (S1-01). category: None is the profile's own.
    """

    claim_id: str
    message_id: str
    text: str
    reason_code: str | None = None
    title: str | None = None
    lines: tuple[dict[str, Any], ...] = ()
    photos: tuple[str, ...] = ()
    category: str | None = None
    product_id: str | None = None
    delivery_id: str | None = None


def open_claim(
    asking: Asking, profile: Profile, case: OrderCase, complaint: Complaint, module: DeskModule | None = None
) -> Claim:
    """A new claim on the order, routed by its reason (S2-02, S2-03), with what must be told recorded on it.

    Raises ModuleNotEnabled, Forbidden, ReasonNotAvailable, LineNotInOrder, DeliveryNotInOrder, ProductNotInOrder.
    """
    claim = open_about(asking, profile, of_order(case), complaint, module)
    case.claims_ever += 1
    return claim


def open_about(
    asking: Asking, profile: Profile, subject: Subject, complaint: Complaint, module: DeskModule | None = None
) -> Claim:
    """A new claim about whatever it is: the order must be told of its number by the caller."""
    if module is not None and module.mode == OFF:
        raise refusals.ModuleNotEnabled(profile=profile.code)
    if asking.who.role not in profile.who_may_open and asking.who.role != "system":
        raise Forbidden(action="open")
    reason = _reason(asking, profile, module, subject, complaint)
    lines = _claimed_lines(subject.lines, complaint.lines)
    _check_named(subject, complaint)
    claim = _new_claim(asking, profile, subject, complaint, reason, lines)
    if reason.code not in profile.reasons or profile.reasons[reason.code] != reason:
        claim.own_reason = _kept(reason)
    included = module.includes_suppliers() if module is not None else profile.include_suppliers
    suppliers = _suppliers_of(subject, claim) if included else []
    claim.observers = [{"kind": "supplier", "id": supplier, "scope": "all"} for supplier in suppliers]
    _tell_opened(asking, claim, complaint, suppliers)
    return claim


def _reason(
    asking: Asking, profile: Profile, module: DeskModule | None, subject: Subject, complaint: Complaint
) -> Reason:
    if complaint.reason_code == policies.WITHDRAWAL.code:
        return policies.WITHDRAWAL
    offered = {
        code: reason
        for code, reason in reasons_of(profile, module).items()
        if policies.reason_applies(reason, asking.who.role, subject.phase)
    }
    wanted = [complaint.reason_code] if complaint.reason_code else ["question", "other", *offered]
    for code in wanted:
        if code in offered:
            return offered[code]
    raise refusals.ReasonNotAvailable(reason_code=complaint.reason_code, order_phase=subject.phase)


def _kept(reason: Reason) -> dict[str, Any]:
    """The reason as the claim keeps it, so that nothing that is configured later rewords it."""
    return {
        "code": reason.code,
        "handler": reason.handler,
        "labels": reason.labels,
        "phases": sorted(reason.phases),
        "roles": sorted(reason.roles),
        "asks_cancellation": reason.asks_cancellation,
    }


def _check_named(subject: Subject, complaint: Complaint) -> None:
    """The delivery and the product that are named must be the order's (S1-19)."""
    case = subject.order
    if case is None:
        return
    if complaint.delivery_id and complaint.delivery_id not in case.parcels:
        raise refusals.DeliveryNotInOrder(delivery_id=complaint.delivery_id)
    if complaint.product_id and complaint.product_id not in {line.get("product_id") for line in case.lines}:
        raise refusals.ProductNotInOrder(product_id=complaint.product_id)


def _claimed_lines(lines: list[dict[str, Any]], wanted: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The claimed units per line. Naming a line twice, an unknown one, or more units than it has is refused."""
    ordered = {line["line_id"]: line["qty"] for line in lines}
    claimed = []
    for entry in wanted:
        left = ordered.pop(entry["line_id"], 0)
        qty = entry.get("qty", left)
        if not 1 <= qty <= left:
            raise refusals.LineNotInOrder(line_id=entry["line_id"])
        claimed.append({"line_id": entry["line_id"], "qty": qty})
    return claimed


def _suppliers_of(subject: Subject, claim: Claim) -> list[str]:
    """The main suppliers of the products named (S1-04, S1-05: no product named, nobody included)."""
    named = {line["line_id"] for line in claim.lines}
    found = {
        line.get("supplier_id")
        for line in subject.lines
        if line["line_id"] in named or (claim.product_id and line.get("product_id") == claim.product_id)
    }
    return sorted({supplier for supplier in (*found, subject.main_supplier) if supplier})


def _new_claim(
    asking: Asking,
    profile: Profile,
    subject: Subject,
    complaint: Complaint,
    reason: Reason,
    lines: list[dict[str, Any]],
) -> Claim:
    handler = policies.handler_for(profile, reason)
    if handler == SELLER and subject.seller_id is None:
        handler = COORDINATORS  # nobody sells the site
    case = subject.order
    by_seller = asking.who.role in ("seller", "integrator")
    title = complaint.title or reason.labels["en"]
    internal = complaint.category == INTERNAL
    return Claim(
        id=complaint.claim_id,
        tenant=subject.tenant,
        profile=profile,
        number=subject.number,
        category=complaint.category or profile.category,
        marketplace=subject.marketplace,
        order_id=case.id if case else None,
        order_number=case.number if case else None,
        seller_id=subject.seller_id,
        customer_ref=subject.customer_ref,
        currency=subject.currency,
        offer_id=subject.offer_id,
        product_id=complaint.product_id or subject.product_id,
        delivery_id=complaint.delivery_id,
        requester_name=asking.who.name if asking.who.role == "customer" else None,
        title=title,
        words=words_of(title, subject.number, case.number if case else None, subject.customer_ref),
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
        hold=profile.hold != "none" and not subject.cleared,
        disputed=policies.disputed_amount(lines, subject.lines, subject.total),
        # The first message counts as its author's side's public word.
        awaiting=REQUESTER if by_seller else handler,
        awaiting_since=asking.now,
        last_handler_public_at=asking.now if by_seller else None,
        last_customer_public_at=None if by_seller or internal else asking.now,
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
        product_id=claim.product_id,
        offer_id=claim.offer_id,
        delivery_id=claim.delivery_id,
        line_ids=[line["line_id"] for line in claim.lines],
        lines=claim.lines,
        requester={"type": "system" if claim.category == INTERNAL else "customer", "id": claim.customer_ref},
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
