"""Who may have what refunded on which path: the rules E1, E2, E5, E7, E8 and M12. Each answers with its facts."""

from __future__ import annotations

from services.refund.model import ClaimFacts, RefundLedger
from services.refund.model.refusals import (
    InstrumentNotAllowed,
    InstrumentNotAvailable,
    NotTheHandler,
    OrderNotPaid,
    OrderNotSynced,
    UnknownReason,
)
from services.refund.policies.profiles import REASONS, Profile
from services.refund.policies.verdicts import Verdict
from shared.kernel.principal import Principal

INSTRUMENTS_BY_HAND = ("bank_transfer", "manual")  # paid by a person outside any provider, who records the reference
_SELLER_SIDE = ("seller", "integrator")


def synced(ledger: RefundLedger | None) -> RefundLedger:
    """E8: without the order's events nothing is known about its money. Raises OrderNotSynced, to be repeated."""
    if ledger is None:
        raise OrderNotSynced()
    return ledger


def reason_known(reason_code: str) -> None:
    """REF-02: a person chooses the reason from the catalogue. Raises UnknownReason."""
    if reason_code not in REASONS:
        raise UnknownReason(reason_code=reason_code)


def check(
    ledger: RefundLedger, profile: Profile, who: Principal, claim: ClaimFacts | None, instrument: str
) -> list[Verdict]:
    """Every eligibility rule in turn: raises the refusal of the first that says no, answers the verdicts otherwise."""
    return [
        _paid(ledger),
        _handled_by(profile, who, claim),
        _instrument(ledger, who, instrument),
        _no_open_chargeback(ledger),
    ]


def _paid(ledger: RefundLedger) -> Verdict:
    """E2: in every phase from paid on, completed included; before that there is no money to give back."""
    if ledger.captured <= 0:
        raise OrderNotPaid()
    return Verdict("E2", True, {"captured": ledger.captured})


def _handled_by(profile: Profile, who: Principal, claim: ClaimFacts | None) -> Verdict:
    """E5: of an issue, the brand decides for the four reasons and after a hand-back, the platform otherwise."""
    if claim is None or not profile.claim_handler_decides:
        return Verdict("E5", True, {"claim": None if claim is None else claim.id})
    handles = who.role in _SELLER_SIDE if claim.handler == "seller" else who.is_staff
    if not handles and who.role != "system":
        raise NotTheHandler(handler=claim.handler)
    return Verdict("E5", True, {"claim": claim.id, "reason": claim.reason_code, "handler": claim.handler})


def _instrument(ledger: RefundLedger, who: Principal, instrument: str) -> Verdict:
    """M12, T24: back to the payer by the way it came; anything else needs staff, and a second person."""
    if instrument == "original":
        return Verdict("M12", True, {"instrument": instrument})
    if instrument not in INSTRUMENTS_BY_HAND:
        raise InstrumentNotAvailable(instrument=instrument)
    if not who.is_staff:
        raise InstrumentNotAllowed(instrument=instrument)
    return Verdict("M12", False, {"instrument": instrument, "payments": [one.instrument for one in ledger.payments]})


def _no_open_chargeback(ledger: RefundLedger) -> Verdict:
    """E7: while a bank disputes the payment nothing is paid automatically: the customer would be paid twice."""
    return Verdict("E7", not ledger.open_chargeback, {"chargeback": ledger.chargeback})
