"""The seller's agreement to a refund, checked before the message that carries it is taken (S3-16 to S3-18).

What is checked here needs only what an order says of itself; what is still left to refund, the refund service knows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.messaging.model import PUBLIC, OrderParties
from services.messaging.refusals import (
    AgreementIsPublic,
    AgreementLineUnknown,
    AgreementLineUnpaid,
    AgreementNeedsContact,
    AgreementNotOffered,
    AgreementNotYours,
    AgreementReasonUnknown,
    AgreementTooLate,
    AgreementTooMuch,
)
from shared.contracts.messaging import AGREEMENT_PROFILES, AGREEMENT_REASONS
from shared.kernel.calendar import months_end

LIMIT_MONTHS = 6
AFTER_CONTACT = frozenset({"malfunction"})


def agreed(
    order: OrderParties,
    asked: dict[str, Any],
    author_type: str,
    visibility: str,
    contacted: bool,
    now: datetime,
    zone: ZoneInfo,
) -> dict[str, Any]:
    """What `message.refund_agreed` will say; raises the refusal of the first rule that says no.

    contacted: has the customer written on this thread? zone: of the marketplace: its calendar decides which day it is.
    """
    if author_type != "seller":
        raise AgreementNotYours()
    if visibility != PUBLIC:
        raise AgreementIsPublic()
    if order.profile not in AGREEMENT_PROFILES or order.placed_at is None:
        raise AgreementNotOffered()
    reason = asked["reason_code"]
    if reason not in AGREEMENT_REASONS:
        raise AgreementReasonUnknown(reason_code=reason, allowed=", ".join(AGREEMENT_REASONS))
    if reason in AFTER_CONTACT and not contacted:
        raise AgreementNeedsContact()
    if now > months_end(order.placed_at, LIMIT_MONTHS, zone):
        raise AgreementTooLate(purchased=order.placed_at.astimezone(zone).date().isoformat())
    _check_amount(order, asked)
    return {
        "reason_code": reason,
        "scope": asked["scope"],
        "line_ids": asked["line_ids"],
        "amount": asked.get("amount"),
    }


def _check_amount(order: OrderParties, asked: dict[str, Any]) -> None:
    most = order.total
    if asked["scope"] == "lines":
        lines = {line["line_id"]: line for line in order.lines}
        for line_id in asked["line_ids"]:
            if line_id not in lines:
                raise AgreementLineUnknown(line_id=line_id)
            if lines[line_id].get("unpaid"):
                raise AgreementLineUnpaid(line_id=line_id)
        most = sum(lines[line_id]["gross"] for line_id in set(asked["line_ids"]))
    amount = asked.get("amount")
    if amount and (amount["amount"] > most or amount["currency"] != order.currency):
        raise AgreementTooMuch(most=most, currency=order.currency)
