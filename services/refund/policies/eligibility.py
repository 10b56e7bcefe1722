"""Who may have what refunded on which path: E1 to E8, M12. Each rule answers with its facts, none knows the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.refund.model import ClaimFacts, RefundLedger
from services.refund.model.refusals import (
    InstrumentNotAllowed,
    NotTheHandler,
    OrderNotPaid,
    OrderNotSynced,
    RefundWindowClosed,
    UnknownReason,
)
from services.refund.policies.profiles import REASONS, Profile
from services.refund.policies.verdicts import Verdict, refused
from shared.kernel.calendar import months_end
from shared.kernel.clock import moment, stamp
from shared.kernel.errors import Forbidden
from shared.kernel.principal import Principal

INSTRUMENTS_BY_HAND = ("bank_transfer", "manual")  # paid by a person outside any provider, who records the reference
PROMISES = ("coupon", "store_credit")
RIGHT, DISCRETION = "right", "discretion"
_SELLER_SIDE = ("seller", "integrator")
EVERYWHERE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at. asked_at: when the refund was asked for first. contacted_at: when after-sales was, if so.

    reason_code: None where nobody named one yet. zone: the marketplace's, by whose days the windows of E3 and E4 end.
    """

    ledger: RefundLedger
    profile: Profile
    who: Principal
    asked_at: datetime
    claim: ClaimFacts | None = None
    instrument: str = "original"
    reason_code: str | None = None
    contacted_at: datetime | None = None
    zone: ZoneInfo = EVERYWHERE


def synced(ledger: RefundLedger | None) -> RefundLedger:
    """E8: without the order's events nothing is known about its money. Raises OrderNotSynced, to be repeated."""
    if ledger is None:
        raise OrderNotSynced()
    return ledger


def reason_known(reason_code: str) -> None:
    """REF-02: a person chooses the reason from the catalogue. Raises UnknownReason."""
    if reason_code not in REASONS:
        raise UnknownReason(reason_code=reason_code)


def judge(case: Case) -> list[Verdict]:
    """Every eligibility rule's answer, those that refuse included (N4)."""
    found = [_asks(case), _paid(case), _handled_by(case), _instrument(case), _no_open_chargeback(case)]
    if case.profile.limit_months:
        found += [_window(case), _right(case)]
    return found


def check(case: Case) -> list[Verdict]:
    """The verdicts of a case that may go on. Raises the refusal of the first rule that says no."""
    return accepted(judge(case))


def accepted(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts, where none refuses; else the first refusal is raised."""
    found = list(verdicts)
    for verdict in found:
        if verdict.refusal is not None:
            raise verdict.refusal
    return found


def _asks(case: Case) -> Verdict:
    """Spec 5.1, by profile: who asks for refunds at all."""
    role = case.who.role
    if role == "system" or role in case.profile.requesters:
        return Verdict("5.1", True, {"role": role})
    return Verdict("5.1", False, {"role": role}, 1, Forbidden(action="refund.request", profile=case.profile.name))


def _paid(case: Case) -> Verdict:
    """E2: in every phase from paid on, completed included; before that there is no money to give back."""
    facts = {"captured": case.ledger.captured}
    return Verdict("E2", True, facts) if case.ledger.captured > 0 else refused(OrderNotPaid(), facts=facts)


def _handled_by(case: Case) -> Verdict:
    """E5: of an issue, the brand decides for the four reasons and after a hand-back, the platform otherwise."""
    claim, who = case.claim, case.who
    if claim is None or not case.profile.claim_handler_decides:
        return Verdict("E5", True, {"claim": None if claim is None else claim.id})
    facts = {"claim": claim.id, "reason": claim.reason_code, "handler": claim.handler}
    handles = who.role in _SELLER_SIDE if claim.handler == "seller" else who.is_staff
    if not handles and who.role != "system":
        return refused(NotTheHandler(handler=claim.handler), facts=facts)
    return Verdict("E5", True, facts)


def _instrument(case: Case) -> Verdict:
    """M12, T24: back to the payer by the way it came, to his PayPal, or as a promise to the same customer.

    Each but the first needs the permission; money that leaves by another way than it came needs a second person too.
    """
    instrument, version = case.instrument, case.profile.revision
    paid_by = [one.provider for one in case.ledger.payments]
    facts = {"instrument": instrument, "payments": paid_by}
    if instrument == "original" or case.who.role == "system":
        return Verdict("M12", True, facts, version)
    if instrument not in case.profile.instruments.get(case.who.role, ()):
        return refused(InstrumentNotAllowed(instrument=instrument), version, facts)
    same_payer = instrument in PROMISES or (instrument == "paypal" and "paypal" in paid_by)
    return Verdict("M12", same_payer, facts, version)


def _no_open_chargeback(case: Case) -> Verdict:
    """E7: while a bank disputes the payment nothing is paid automatically: the customer would be paid twice."""
    is_open = case.ledger.open_chargeback
    return Verdict("E7", not is_open, {"chargeback": case.ledger.chargeback, "open": is_open})


def _window(case: Case) -> Verdict:
    """E3, S3-16: the last day of refunds; nobody overrides it. What the suite itself owes is no refund at will."""
    profile, bought = case.profile, moment(case.ledger.placed_at)
    until = months_end(bought, profile.limit_months, case.zone)
    facts = {"bought": case.ledger.placed_at, "until": stamp(until), "asked": stamp(case.asked_at)}
    facts["zone"] = str(case.zone)
    if case.asked_at <= until or case.who.role == "system":
        return Verdict("E3", True, facts, profile.revision)
    return refused(RefundWindowClosed(bought=facts["bought"], until=facts["until"]), profile.revision, facts)


def _right(case: Case) -> Verdict:
    """E4, S3-11 to S3-13, S3-20: a right within the first month for a valid reason, then the seller's discretion."""
    profile, reason = case.profile, case.reason_code
    until = months_end(moment(case.ledger.placed_at), profile.right_months, case.zone)
    valid = reason in profile.right_reasons
    if reason == "malfunction":
        valid = valid and case.contacted_at is not None and case.contacted_at < case.asked_at
    facts = {
        "reason": reason,
        "right_until": stamp(until),
        "asked": stamp(case.asked_at),
        "contacted_after_sales": stamp(case.contacted_at) if case.contacted_at else None,
        "eligible": RIGHT if valid and case.asked_at <= until else DISCRETION,
    }
    return Verdict("E4", True, facts, profile.revision)
